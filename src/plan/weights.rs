//! Weights of experiments and ratios of conditions, from the labels that a user named to positions
//! (specification, sections 2 and 4).

use crate::error::Error;
use crate::groups::Groups;
use crate::plan::sums::pairwise_sum;
use crate::support::memory::{collected, room};

/// Values by label number to values by position among the labels with rows, which every named one must have. `what` is
/// "weight" or "ratio"; without a column there are no `labels`.
pub(super) fn by_position(
    what: &'static str,
    given: Option<&[Option<f64>]>,
    labels: Option<&[u32]>,
) -> Result<Option<Vec<Option<f64>>>, Error> {
    let (given, labels) = match (given, labels) {
        (None, _) => return Ok(None),
        (Some(_), None) => return Err(Error::WithoutColumn { what }),
        (Some(given), Some(labels)) => (given, labels),
    };
    let mut values = room(labels.len())?;
    let mut placed = 0;
    for &label in labels {
        let value = given.get(label as usize).copied().flatten();
        placed += usize::from(value.is_some());
        values.push(value);
    }
    if placed < given.iter().flatten().count() {
        let has_rows = |label: usize| u32::try_from(label).is_ok_and(|label| labels.binary_search(&label).is_ok());
        let without = |&label: &usize| given[label].is_some() && !has_rows(label);
        if let Some(label) = (0..given.len()).find(without) {
            return Err(Error::WithoutRows { what, label });
        }
    }
    Ok(Some(values))
}

/// What each experiment has of the rows.
pub(super) fn by_size(groups: &Groups) -> Result<Vec<f64>, Error> {
    let share = |position| f64::from(groups.size(position)) / f64::from(groups.kept());
    collected((0..groups.experiments()).map(share))
}

/// The weights of a mapping, by position: what is not named weighs nothing.
pub(super) fn by_name(given: &[Option<f64>]) -> Result<Vec<f64>, Error> {
    normed(collected(given.iter().map(|weight| weight.unwrap_or(0.0)))?)
}

/// Weights divided by their sum.
pub(super) fn normed(mut weights: Vec<f64>) -> Result<Vec<f64>, Error> {
    let sum = pairwise_sum(&weights);
    if !sum.is_finite() {
        return Err(Error::Overflow { what: "weights" });
    }
    if sum <= 0.0 {
        return Err(Error::NoWeight);
    }
    for weight in &mut weights {
        *weight /= sum;
    }
    Ok(weights)
}

/// The running sum, each entry divided by the last.
pub(super) fn cumulative(weights: &[f64]) -> Result<Vec<f64>, Error> {
    let mut sum = 0.0;
    let mut sums = collected(weights.iter().map(|weight| {
        sum += weight;
        sum
    }))?;
    for entry in &mut sums {
        *entry /= sum;
    }
    Ok(sums)
}
