//! Everything that can be wrong with what the core is given.

use std::fmt;

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
    /// A code stands for no label.
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
    /// A weight or ratio is given for a label without rows, or for one the column does not have.
    WithoutRows {
        /// "weight" or "ratio".
        what: &'static str,
        /// Number of the label.
        label: usize,
    },
    /// Weights or ratios without the column that they are for.
    WithoutColumn {
        /// "weight" or "ratio".
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
            Self::Code => write!(f, "a column holds a code that stands for no label"),
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
            Self::WithoutRows { what, label } => {
                write!(f, "a {what} is given for label {label}, which has no rows")
            }
            Self::WithoutColumn { what } => write!(f, "a {what} is given, and no column that it is for"),
            Self::NoCondition { experiment } => write!(
                f,
                "experiment {experiment} can be picked, and none of its conditions has a ratio above 0"
            ),
            Self::InfiniteTime { row } => write!(f, "the time of row {row} is infinite"),
            Self::Window { found } => write!(f, "temporal_window_hours must not be negative or NaN, got {found}"),
            Self::GlobalFraction { found } => {
                write!(f, "temporal_global_fraction must be a fraction in [0, 1], got {found}")
            }
            Self::NoBatches { rows, batch_size } => write!(
                f,
                "{rows} rows do not fill one batch of {batch_size}: lower batch_size, set drop_last=False, or say how \
                 many batches an epoch has with num_batches"
            ),
            Self::Batches { found } => write!(f, "num_batches must be in 1..2^63, got {found}"),
            Self::Rank { replicas, rank } => write!(
                f,
                "num_replicas must be in 1..2^32 and rank in 0..num_replicas, got num_replicas={replicas}, rank={rank}"
            ),
            Self::Seed { seed, epoch } => {
                write!(f, "seed + epoch must be below 2^64, got seed={seed}, epoch={epoch}")
            }
            Self::Mark => write!(f, "the state's generator stands behind its batches"),
            Self::RowWidth { rows, most } => write!(
                f,
                "the table has {rows} rows, and the integers they are handed out as tell only {most} apart: take wider ones"
            ),
            Self::Ragged { last, size } => write!(
                f,
                "the last batch has {last} rows and the others {size}, which is no array of one shape: iterate over the \
                 sampler, or set drop_last=True"
            ),
            Self::OutOfMemory { bytes } => write!(f, "no memory for {bytes} bytes"),
        }
    }
}

impl std::error::Error for Error {}
