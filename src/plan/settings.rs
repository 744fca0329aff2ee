//! What a user asks for beside the table, and what of it is out of range.

use crate::error::Error;

/// How batches are drawn (version 1 of the specification).
///
/// Weights and ratios are by label number of their column; `None` stands for a label that was not named.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Rows of a batch, B.
    pub batch_size: u64,
    /// Fraction of a batch that comes from other experiments, in `[0, 1]`.
    pub leaky: f64,
    /// Experiment weights; without them an experiment weighs what it has of the rows.
    pub weights: Option<Vec<Option<f64>>>,
    /// Condition ratios; without them, and for a condition not named, equal shares.
    pub ratios: Option<Vec<Option<f64>>>,
    /// Whether the rows that do not fill a last batch are left out of the count of batches.
    pub drop_last: bool,
    /// Number of global batches in an epoch, in place of the one that the table's size gives.
    pub batches: Option<u64>,
    /// How far from the focal time, in hours, a row is still near. Only where times are given, as is the next.
    pub window: f64,
    /// Fraction of the seats that do not leak that goes to rows that are not near, in `[0, 1]`.
    pub global_fraction: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch_size: 128,
            leaky: 0.0,
            weights: None,
            ratios: None,
            drop_last: true,
            batches: None,
            window: 2.0,
            global_fraction: 0.3,
        }
    }
}

impl Settings {
    /// Refuses what is out of range; returns the batch size.
    pub(super) fn checked(&self) -> Result<u32, Error> {
        let batch_size = check_batch_size(self.batch_size)?;
        check_leaky(self.leaky)?;
        check_focus(self.window, self.global_fraction)?;
        check_batches(self.batches)?;
        check_proportions("weight", self.weights.as_deref())?;
        check_proportions("ratio", self.ratios.as_deref())?;
        Ok(batch_size)
    }
}

/// The batch size in the width of row numbers.
pub(super) fn check_batch_size(found: u64) -> Result<u32, Error> {
    match u32::try_from(found) {
        Ok(batch_size @ 1..) => Ok(batch_size),
        _ => Err(Error::BatchSize { found }),
    }
}

pub(super) fn check_leaky(found: f64) -> Result<(), Error> {
    if is_fraction(found) {
        Ok(())
    } else {
        Err(Error::Leaky { found })
    }
}

pub(super) fn check_focus(window: f64, global_fraction: f64) -> Result<(), Error> {
    if !is_fraction(global_fraction) {
        return Err(Error::GlobalFraction { found: global_fraction });
    }
    if window.is_nan() || window < 0.0 {
        return Err(Error::Window { found: window });
    }
    Ok(())
}

pub(super) fn check_batches(batches: Option<u64>) -> Result<(), Error> {
    match batches {
        Some(found) if found == 0 || found > i64::MAX as u64 => Err(Error::Batches { found }),
        _ => Ok(()),
    }
}

/// Refuses weights ("weight") or ratios ("ratio"), by label number, that are negative or not finite.
pub(super) fn check_proportions(what: &'static str, values: Option<&[Option<f64>]>) -> Result<(), Error> {
    for (label, &value) in values.unwrap_or_default().iter().enumerate() {
        if let Some(found) = value.filter(|value| !(0.0..f64::INFINITY).contains(value)) {
            return Err(Error::Proportion { what, label, found });
        }
    }
    Ok(())
}

fn is_fraction(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}
