//! The counts of an audit.

use super::pairs::Pairs;

/// Counts for one experiment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfExperiment {
    /// Full batches that were picked from it.
    pub full: u64,
    /// Short ones.
    pub short: u64,
    /// Those of both that had rows drawn with replacement.
    pub replaced: u64,
}

/// Counts for one unit: a cell, or an experiment where conditions are not used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfUnit {
    /// Primary seats that the quotas ask for in the batches that the experiment got.
    pub asked: u64,
    /// Primary seats that its rows have.
    pub got: u64,
    /// Seats that its rows have as leak.
    pub leaked: u64,
}

/// Counts for the batches around one focal time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OfTime {
    /// The time.
    pub hours: f64,
    /// Batches around it.
    pub batches: u64,
    /// Their seats for rows near it.
    pub near: u64,
    /// Their seats for other rows.
    pub far: u64,
    /// Those of either for which there was no such row, so that others stood in.
    pub fallback: u64,
}

/// Seats that one unit has in one of the first batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstSeats {
    /// Place of the batch among those that are counted.
    pub batch: u32,
    /// Position of the experiment that it was picked from.
    pub picked: u32,
    /// Number of the unit.
    pub unit: u32,
    /// Whether these seats leak.
    pub leak: bool,
    /// How many.
    pub seats: u32,
}

/// What the batches of some epochs hold.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// Batches that were counted.
    pub batches: u64,
    /// Their seats.
    pub seats: u64,
    /// Their seats that are to leak.
    pub leak_asked: u64,
    /// Their seats whose rows were dealt, not drawn.
    pub dealt: u64,
    /// By position.
    pub experiments: Vec<OfExperiment>,
    /// By number.
    pub units: Vec<OfUnit>,
    /// By hours, those that were focal; empty without times.
    pub times: Vec<OfTime>,
    /// How many rows were drawn how many times, by the latter.
    pub draws: Vec<(u64, u64)>,
    /// Rows that were drawn by the end of each epoch.
    pub seen: Vec<u64>,
    /// Batches that hold a row twice.
    pub batches_with_duplicates: u64,
    /// Seats whose row the batch held already.
    pub duplicates: u64,
    /// Pairs in the batches.
    pub pairs: Pairs,
    /// Pairs in the table, each row with every other: what plain shuffling draws from.
    pub table_pairs: Pairs,
    /// What the first batches hold.
    pub first: Vec<FirstSeats>,
}
