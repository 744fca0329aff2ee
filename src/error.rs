//! Everything that can be wrong with what the core is given.

use std::fmt;
use std::path::PathBuf;

/// Why the core refuses.
///
/// Experiments and conditions are named by their label's number in the column that was handed over: labels themselves
/// are the caller's.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The table has no rows, or none is left after rows with a missing label are taken out.
    NoRows,
    /// The table has 2^32 rows or more.
    TooManyRows {
        /// Rows of the table.
        rows: usize,
    },
    /// A column is not as long as the table.
    Length {
        /// Rows of the table.
        rows: usize,
        /// Rows of the column.
        found: usize,
    },
    /// A code stands for no label, or a column was written to while it was read.
    Code,
    /// Two columns cannot be combined: their labels' pairs are 2^32 or more.
    TooManyLabels,
    /// The batch size is 0, or 2^32 or more.
    BatchSize {
        /// What was asked for.
        found: u64,
    },
    /// The leaky fraction is outside `[0, 1]`.
    Leaky {
        /// What was asked for.
        found: f64,
    },
    /// A weight or ratio is negative, infinite or not a number.
    Proportion {
        /// "weight" or "ratio".
        what: &'static str,
        /// Number of the label it was given for.
        label: usize,
        /// What was given.
        found: f64,
    },
    /// The weights, or the ratios of one experiment, have no finite sum.
    Overflow {
        /// "weights" or "ratios".
        what: &'static str,
    },
    /// All weights are zero.
    NoWeight,
    /// A weight or ratio, or a place in every batch, is given for a label without rows, or for one the column does not have.
    WithoutRows {
        /// "weight", "ratio" or "always".
        what: &'static str,
        /// Number of the label.
        label: usize,
    },
    /// Weights or ratios without the column that they are for, or what else is for conditions.
    WithoutColumn {
        /// "weight", "ratio", "always" or `conditions_per_batch`.
        what: &'static str,
    },
    /// An experiment can be picked, and none of its conditions has a ratio above 0.
    NoCondition {
        /// Number of the experiment's label.
        experiment: usize,
    },
    /// A time is infinite.
    InfiniteTime {
        /// Its row.
        row: usize,
    },
    /// The window is negative or not a number.
    Window {
        /// What was asked for.
        found: f64,
    },
    /// The fraction of rows that are not near is outside `[0, 1]`.
    GlobalFraction {
        /// What was asked for.
        found: f64,
    },
    /// A plan is to do without a column of an index that the rows are sorted by.
    IndexHas {
        /// "experiments" or "conditions".
        what: &'static str,
        /// "conditions" or "times": what cannot be used without.
        with: &'static str,
    },
    /// The epoch has no batch: the table is smaller than one.
    NoBatches {
        /// Rows that can be drawn.
        rows: u32,
        /// Rows of one batch.
        batch_size: u32,
    },
    /// The number of batches is 0, or 2^63 or more.
    Batches {
        /// What was asked for.
        found: u64,
    },
    /// More conditions share a batch of an experiment than it has seats for them.
    TooFewSeats {
        /// Number of the experiment's label.
        experiment: usize,
        /// How many conditions share a batch.
        conditions: usize,
        /// Seats that do not leak.
        seats: usize,
    },
    /// No condition is to share a batch, or fewer than are to be in every one.
    ConditionsPerBatch {
        /// What was asked for.
        found: u64,
        /// How many different conditions are to be in every batch.
        always: u64,
    },
    /// Only some conditions share a batch, and one that is not in every batch has a ratio other than 0 and 1.
    RatioNotAllowed {
        /// Number of the condition's label.
        label: usize,
        /// Its ratio.
        found: f64,
    },
    /// The number of batches in a row that are of one experiment is 0, or 2^32 or more.
    BatchesPerExperiment {
        /// What was asked for.
        found: u64,
    },
    /// An epoch's batches are no whole number of blocks of one experiment.
    BrokenBlocks {
        /// Batches of the epoch.
        batches: u64,
        /// Batches of a block.
        block: u64,
    },
    /// A run has no rows.
    RunLength {
        /// What was asked for.
        found: u64,
    },
    /// An epoch of dealt batches has 2^32 batches or more.
    TooManyBatches {
        /// How many.
        total: u128,
    },
    /// There is no such epoch of dealt batches.
    Epoch {
        /// What was asked for.
        epoch: u128,
        /// Epochs are below this.
        limit: u64,
    },
    /// There are no replicas, 2^32 or more, or the rank is not below their number.
    Rank {
        /// Number of ranks.
        replicas: u64,
        /// This one.
        rank: u64,
    },
    /// The seed and the epoch add up to 2^64 or more.
    Seed {
        /// The seed.
        seed: u64,
        /// The epoch.
        epoch: u128,
    },
    /// A state's generator stands behind the state's batches.
    Mark,
    /// The integers that rows are handed out as cannot hold the table's row numbers.
    RowWidth {
        /// Rows of the table.
        rows: usize,
        /// The most rows that they tell apart.
        most: u64,
    },
    /// The last batch is short, so the epoch's batches make no array of one shape.
    Ragged {
        /// Rows of the last batch.
        last: usize,
        /// Rows of every other.
        size: usize,
    },
    /// A file of an index cannot be read or written.
    File {
        /// Where.
        path: PathBuf,
        /// "read" or "written".
        what: &'static str,
        /// What kind of error the system has.
        kind: std::io::ErrorKind,
        /// What the system says.
        reason: String,
    },
    /// A file is no index.
    NotAnIndex {
        /// Where.
        path: PathBuf,
        /// What it lacks.
        reason: String,
    },
    /// The file of an index is of a version that is not known here.
    IndexVersion {
        /// Where.
        path: PathBuf,
        /// The version.
        found: String,
    },
    /// The file of an index is cut off, or its parts do not fit together.
    Damaged {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is another index than the one that was there.
    OtherIndex {
        /// Where.
        path: PathBuf,
        /// The fingerprint that it should have.
        expected: String,
        /// The one that it has.
        found: String,
    },
    /// A key of the metadata is one of the format's own.
    MetadataKey {
        /// The key.
        key: String,
    },
    /// Files of indexes are for machines whose numbers begin with their lowest byte.
    ByteOrder,
    /// Memory for this many bytes is not to be had.
    OutOfMemory {
        /// How many.
        bytes: u128,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRows => write!(f, "the table has no rows to draw from"),
            Self::TooManyRows { rows } => {
                write!(
                    f,
                    "the table has {rows} rows; fewer than 2^32 = 4294967296 can be told apart"
                )
            }
            Self::Length { rows, found } => {
                write!(
                    f,
                    "a column has {found} rows and the table {rows}: all must be equally long"
                )
            }
            Self::Code => write!(
                f,
                "a column holds a code that stands for no label, or was changed while it was read"
            ),
            Self::TooManyLabels => write!(f, "a key of several columns has 2^32 or more different labels"),
            Self::BatchSize { found } => write!(f, "batch_size must be in 1..2^32, got {found}"),
            Self::Leaky { found } => write!(f, "leaky must be a fraction in [0, 1], got {found}"),
            Self::Proportion { what, label, found } => {
                write!(
                    f,
                    "the {what} of label {label} must be finite and not negative, got {found}"
                )
            }
            Self::Overflow { what } => write!(f, "the {what} are too large: their sum is not finite"),
            Self::NoWeight => write!(f, "all weights are 0, so there is no experiment to pick"),
            Self::WithoutRows { what: "always", label } => {
                write!(f, "label {label} is to be in every batch, and has no rows")
            }
            Self::WithoutRows { what, label } => {
                write!(f, "a {what} is given for label {label}, which has no rows")
            }
            Self::WithoutColumn {
                what: what @ ("always" | "conditions_per_batch"),
            } => write!(f, "{what} is given, and no column of conditions"),
            Self::WithoutColumn { what } => write!(f, "a {what} is given, and no column that it is for"),
            Self::InfiniteTime { row } => write!(f, "the time of row {row} is infinite"),
            Self::Window { found } => write!(f, "window must not be negative or NaN, got {found}"),
            Self::GlobalFraction { found } => {
                write!(f, "global_fraction must be a fraction in [0, 1], got {found}")
            }
            Self::IndexHas { what, with } => write!(
                f,
                "the index has {what}, by which its rows are sorted, so its {with} cannot be used without them: use both, or \
                 build an index that has no {what}"
            ),
            Self::NoBatches { rows, batch_size } => write!(
                f,
                "{rows} rows do not fill one batch of {batch_size}: lower batch_size, unset drop_last, or say in batches how \
                 many an epoch has"
            ),
            Self::Batches { found } => write!(f, "batches must be in 1..2^63, got {found}"),
            Self::Rank { replicas, rank } => write!(
                f,
                "there must be 1 to 2^32 - 1 replicas, and a rank below their number: got rank {rank} of {replicas}"
            ),
            Self::Seed { seed, epoch } => {
                write!(
                    f,
                    "seed and epoch must add up to less than 2^64, got {seed} and {epoch}"
                )
            }
            Self::Mark => write!(f, "the state's generator stands behind its batches"),
            Self::RowWidth { rows, most } => write!(
                f,
                "the table has {rows} rows, and the integers they are handed out as tell only {most} apart: take wider ones"
            ),
            Self::Ragged { last, size } => write!(
                f,
                "the last batch has {last} rows and the others {size}, which is no array of one shape: iterate over the \
                 batches, or set drop_last"
            ),
            Self::OutOfMemory { bytes } => write!(f, "no memory for {bytes} bytes"),
            Self::File { .. }
            | Self::NotAnIndex { .. }
            | Self::IndexVersion { .. }
            | Self::Damaged { .. }
            | Self::OtherIndex { .. }
            | Self::MetadataKey { .. }
            | Self::ByteOrder => self.fmt_file(f),
            _ => self.fmt_dealt(f),
        }
    }
}

impl Error {
    /// The messages of what can be wrong with files of indexes.
    fn fmt_file(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, what, reason, .. } => write!(f, "{} cannot be {what}: {reason}", path.display()),
            Self::NotAnIndex { path, reason } => write!(f, "{} is no file of an index: {reason}", path.display()),
            Self::IndexVersion { path, found } => write!(
                f,
                "{} is an index of version {found}, and version 1 is known here: build it anew, or read it with the release \
                 that wrote it",
                path.display()
            ),
            Self::Damaged { path, reason } => {
                write!(f, "{} is damaged: {reason}; build the index anew", path.display())
            }
            Self::OtherIndex { path, expected, found } => write!(
                f,
                "{} is another index than before: its fingerprint is {found}, and was {expected}",
                path.display()
            ),
            Self::MetadataKey { key } => write!(f, "the metadata's key {key:?} is one that the format itself has"),
            _ => write!(
                f,
                "files of indexes can be read and written by little-endian machines only, and this is a big-endian one"
            ),
        }
    }

    /// The messages of what can be wrong with dealt batches alone.
    fn fmt_dealt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewSeats {
                experiment,
                conditions,
                seats,
            } => write!(
                f,
                "{conditions} conditions share a batch of experiment {experiment}, which has {seats} seats for them: raise \
                 batch_size, or let conditions_per_batch be {seats} or fewer",
            ),
            Self::ConditionsPerBatch { found, always } if *always > 0 => write!(
                f,
                "conditions_per_batch must be at least {always}, the number of conditions in always, got {found}"
            ),
            Self::ConditionsPerBatch { found, .. } => {
                write!(f, "conditions_per_batch must be at least 1, got {found}")
            }
            Self::RatioNotAllowed { label, found } => write!(
                f,
                "with conditions_per_batch only conditions in always may have a ratio other than 0 and 1, got {found} for \
                 label {label}"
            ),
            Self::BatchesPerExperiment { found } => {
                write!(f, "batches_per_experiment must be in 1..2^32, got {found}")
            }
            Self::BrokenBlocks { batches, block } => {
                let fewer = batches / block * block;
                write!(
                    f,
                    "batches must be a multiple of batches_per_experiment={block}, got {batches}: the nearest "
                )?;
                match (fewer, u128::from(fewer) + u128::from(*block)) {
                    (0, more) => write!(f, "is {more}"),
                    (fewer, more) => write!(f, "are {fewer} and {more}"),
                }
            }
            Self::RunLength { found } => write!(f, "run_length must be at least 1, got {found}"),
            Self::TooManyBatches { total } => write!(
                f,
                "an epoch would have {total} batches, and must have fewer than 2^32 = 4294967296: raise batch_size, or lower \
                 batches"
            ),
            Self::Epoch { epoch, limit } => write!(f, "an epoch of dealt batches must be below {limit}, got {epoch}"),
            Self::NoCondition { experiment } => write!(
                f,
                "experiment {experiment} can be picked, and none of its conditions has a ratio above 0"
            ),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
