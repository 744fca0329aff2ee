//! Settings as Python hands them over, and as a pickle has them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::plan::{DealtSettings, Settings, Weights};

/// Values by label number, where NaN stands for a label that is not named.
pub(super) fn named(values: Option<Vec<f64>>) -> Option<Vec<Option<f64>>> {
    values.map(|values| {
        values
            .into_iter()
            .map(|value| (!value.is_nan()).then_some(value))
            .collect()
    })
}

fn unnamed(values: Option<&[Option<f64>]>) -> Option<Vec<f64>> {
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

/// Settings by name, in the order that `Plan` takes them in.
pub(super) fn drawn_settings<'py>(py: Python<'py>, settings: &Settings) -> PyResult<Bound<'py, PyDict>> {
    let by_name = PyDict::new(py);
    by_name.set_item("batch_size", settings.batch_size)?;
    by_name.set_item("leaky", settings.leaky)?;
    by_name.set_item("weights", unnamed(settings.weights.as_deref()))?;
    by_name.set_item("ratios", unnamed(settings.ratios.as_deref()))?;
    by_name.set_item("drop_last", settings.drop_last)?;
    by_name.set_item("batches", settings.batches)?;
    by_name.set_item("window", settings.window)?;
    by_name.set_item("global_fraction", settings.global_fraction)?;
    Ok(by_name)
}

/// Settings by name, in the order that `dealt_plan` takes them in.
pub(super) fn dealt_settings<'py>(py: Python<'py>, settings: &DealtSettings) -> PyResult<Bound<'py, PyDict>> {
    let by_name = PyDict::new(py);
    by_name.set_item("batch_size", settings.batch_size)?;
    by_name.set_item("leaky", settings.leaky)?;
    by_name.set_item("weights", PyWeights::of(&settings.weights))?;
    by_name.set_item("ratios", unnamed(settings.ratios.as_deref()))?;
    by_name.set_item("always", settings.always.clone())?;
    by_name.set_item("conditions_per_batch", settings.conditions_per_batch)?;
    by_name.set_item("run_length", settings.run_length)?;
    by_name.set_item("batches_per_experiment", settings.batches_per_experiment)?;
    by_name.set_item("batches", settings.batches)?;
    by_name.set_item("window", settings.window)?;
    by_name.set_item("global_fraction", settings.global_fraction)?;
    Ok(by_name)
}
