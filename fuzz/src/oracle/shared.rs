//! What both rules refuse, in settings that both have.

use cascade_sampler::{DealtSettings, Settings, Weights};

use crate::oracle::{is_fraction, weights};
use crate::table::{Facts, Rows};

/// The settings that both rules have.
pub(crate) struct Shared<'a> {
    batch_size: u64,
    leaky: f64,
    global_fraction: f64,
    window: f64,
    batches: Option<u64>,
    weights: Option<&'a [Option<f64>]>,
    ratios: Option<&'a [Option<f64>]>,
}

/// Both kinds of settings have these under the same names, but for the weights.
macro_rules! shared {
    ($settings:ident, $weights:expr) => {
        Self {
            batch_size: $settings.batch_size,
            leaky: $settings.leaky,
            global_fraction: $settings.global_fraction,
            window: $settings.window,
            batches: $settings.batches,
            weights: $weights,
            ratios: $settings.ratios.as_deref(),
        }
    };
}

impl<'a> From<&'a Settings> for Shared<'a> {
    fn from(settings: &'a Settings) -> Self {
        shared!(settings, settings.weights.as_deref())
    }
}

impl<'a> From<&'a DealtSettings> for Shared<'a> {
    fn from(settings: &'a DealtSettings) -> Self {
        let weights = match &settings.weights {
            Weights::Named(given) => Some(given.as_slice()),
            _ => None,
        };
        shared!(settings, weights)
    }
}

impl Shared<'_> {
    /// The names of the errors that these settings or the table may be refused with, before labels are looked at.
    pub(crate) fn reasons(&self, table: &Rows, facts: &Facts) -> Vec<&'static str> {
        let is_wrong_number = |batches: u64| batches == 0 || batches >> 63 > 0;
        named(&[
            (self.batch_size == 0 || self.batch_size >> 32 > 0, "BatchSize"),
            (!is_fraction(self.leaky), "Leaky"),
            (!is_fraction(self.global_fraction), "GlobalFraction"),
            (self.window.is_nan() || self.window < 0.0, "Window"),
            (self.batches.is_some_and(is_wrong_number), "Batches"),
            (weights::out_of_range(self.weights), "Proportion"),
            (weights::out_of_range(self.ratios), "Proportion"),
            (table.has_infinite_time(), "InfiniteTime"),
            (facts.kept == 0, "NoRows"),
            (self.weights.is_some() && table.experiments.is_none(), "WithoutColumn"),
            (self.ratios.is_some() && table.conditions.is_none(), "WithoutColumn"),
        ])
    }

    /// Whether a label is given a weight or a ratio and has no rows.
    pub(crate) fn names_labels_without_rows(&self, facts: &Facts) -> bool {
        weights::without_rows(self.weights, &facts.experiments) || weights::without_rows(self.ratios, &facts.conditions)
    }
}

/// The names of what is wrong.
pub(crate) fn named(reasons: &[(bool, &'static str)]) -> Vec<&'static str> {
    let wrong = reasons.iter().filter(|&&(is_wrong, _)| is_wrong);
    wrong.map(|&(_, name)| name).collect()
}
