//! Settings as Python hands them over, and as a pickle has them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::plan::{DealtSettings, Weights};

/// Values by label number, where NaN stands for a label that is not named.
pub(super) fn named(values: Option<Vec<f64>>) -> Option<Vec<Option<f64>>> {
    values.map(|values| {
        values
            .into_iter()
            .map(|value| (!value.is_nan()).then_some(value))
            .collect()
    })
}

pub(super) fn unnamed(values: Option<&[Option<f64>]>) -> Option<Vec<f64>> {
    values.map(|values| values.iter().map(|value| value.unwrap_or(f64::NAN)).collect())
}

/// Weights by name, or by label number, where NaN stands for a label that is not named.
#[derive(FromPyObject, IntoPyObject)]
pub(super) enum PyWeights {
    Rule(String),
    Named(Vec<f64>),
}

impl PyWeights {
    pub(super) fn weights(self) -> PyResult<Weights> {
        Ok(match self {
            Self::Named(weights) => Weights::Named(named(Some(weights)).unwrap_or_default()),
            Self::Rule(rule) => match rule.as_str() {
                "size" => Weights::Size,
                "sqrt" => Weights::Sqrt,
                "equal" => Weights::Equal,
                _ => return Err(PyValueError::new_err(format!("no such weights: {rule:?}"))),
            },
        })
    }

    fn of(weights: &Weights) -> Self {
        match weights {
            Weights::Size => Self::Rule("size".into()),
            Weights::Sqrt => Self::Rule("sqrt".into()),
            Weights::Equal => Self::Rule("equal".into()),
            Weights::Named(weights) => Self::Named(unnamed(Some(weights)).unwrap_or_default()),
        }
    }
}

/// All settings but those that have a place of their own in `dealt_plan`.
pub(super) type PyDealtSettings = (
    u64,
    f64,
    PyWeights,
    Option<Vec<f64>>,
    Vec<u32>,
    Option<u64>,
    u64,
    u64,
    Option<u64>,
    f64,
    f64,
);

/// Settings as `dealt_plan` takes them.
pub(super) fn dealt_settings_to(settings: &DealtSettings) -> PyDealtSettings {
    (
        settings.batch_size,
        settings.leaky,
        PyWeights::of(&settings.weights),
        unnamed(settings.ratios.as_deref()),
        settings.always.clone(),
        settings.conditions_per_batch,
        settings.run_length,
        settings.batches_per_experiment,
        settings.batches,
        settings.window,
        settings.global_fraction,
    )
}
