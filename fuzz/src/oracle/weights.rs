//! Weights of experiments, and the names of what is wrong with weights and ratios (specification, section 2).

use crate::oracle::sums::pairwise;

/// Given weights by experiment: what is not named weighs nothing.
pub(crate) fn given(weights: &[Option<f64>], experiments: &[u32]) -> Vec<f64> {
    let weight = |&label: &u32| weights.get(label as usize).copied().flatten().unwrap_or(0.0);
    experiments.iter().map(weight).collect()
}

pub(crate) fn normed(weights: &[f64]) -> Vec<f64> {
    let sum = pairwise(weights);
    weights.iter().map(|weight| weight / sum).collect()
}

pub(crate) fn cdf(weights: &[f64]) -> Vec<f64> {
    let mut sums = Vec::new();
    for weight in weights {
        sums.push(sums.last().unwrap_or(&0.0) + weight);
    }
    let last = *sums.last().unwrap_or(&1.0);
    sums.into_iter().map(|sum| sum / last).collect()
}

/// What is wrong with given weights that are in range.
pub(crate) fn reasons(weights: &[f64]) -> Vec<&'static str> {
    let sum = pairwise(weights);
    let reasons = [(sum.is_infinite(), "Overflow"), (sum == 0.0, "NoWeight")];
    reasons
        .into_iter()
        .filter_map(|(is_wrong, reason)| is_wrong.then_some(reason))
        .collect()
}

/// Whether one of weights or ratios is negative, infinite or no number.
pub(crate) fn out_of_range(values: Option<&[Option<f64>]>) -> bool {
    values
        .unwrap_or_default()
        .iter()
        .flatten()
        .any(|&value| !(0.0..f64::INFINITY).contains(&value))
}

/// Whether one is given for a label that has no rows.
pub(crate) fn without_rows(values: Option<&[Option<f64>]>, labels: &[u32]) -> bool {
    let named = values
        .unwrap_or_default()
        .iter()
        .enumerate()
        .filter(|(_, value)| value.is_some());
    named.into_iter().any(|(label, _)| !labels.contains(&(label as u32)))
}
