//! Settings as Python hands them over, and as a pickle has them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::lists::{List, list};
use crate::plan::{DealtSettings, Settings, Weights};
use crate::support::memory::collected;

/// Values by label number, where NaN stands for a label that is not named.
pub(super) fn named(values: Option<List<f64>>) -> PyResult<Option<Vec<Option<f64>>>> {
    let is_named = |value: f64| (!value.is_nan()).then_some(value);
    Ok(match values {
        Some(List(values)) => Some(collected(values.into_iter().map(is_named))?),
        None => None,
    })
}

/// The list that [`named`] takes.
fn unnamed<'py>(py: Python<'py>, values: Option<&[Option<f64>]>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(values) = values else { return Ok(None) };
    let values = collected(values.iter().map(|value| value.unwrap_or(f64::NAN)))?;
    Ok(Some(list(py, values)?))
}

/// Weights by name, or by label number, where NaN stands for a label that is not named.
#[derive(FromPyObject)]
pub(super) enum PyWeights {
    Rule(String),
    Named(List<f64>),
}

impl PyWeights {
    pub(super) fn weights(self) -> PyResult<Weights> {
        Ok(match self {
            Self::Named(weights) => Weights::Named(named(Some(weights))?.unwrap_or_default()),
            Self::Rule(rule) => match rule.as_str() {
                "size" => Weights::Size,
                "sqrt" => Weights::Sqrt,
                "equal" => Weights::Equal,
                _ => return Err(PyValueError::new_err(format!("no such weights: {rule:?}"))),
            },
        })
    }
}

/// What [`PyWeights`] is read from.
fn weights_to<'py>(py: Python<'py>, weights: &Weights) -> PyResult<Bound<'py, PyAny>> {
    let rule = match weights {
        Weights::Size => "size",
        Weights::Sqrt => "sqrt",
        Weights::Equal => "equal",
        Weights::Named(weights) => return Ok(unnamed(py, Some(weights))?.into_pyobject(py)?),
    };
    Ok(rule.into_pyobject(py)?.into_any())
}

/// Settings by name, in the order that `Plan` takes them in.
pub(super) fn drawn_settings<'py>(py: Python<'py>, settings: &Settings) -> PyResult<Bound<'py, PyDict>> {
    let by_name = PyDict::new(py);
    by_name.set_item("batch_size", settings.batch_size)?;
    by_name.set_item("leaky", settings.leaky)?;
    by_name.set_item("weights", unnamed(py, settings.weights.as_deref())?)?;
    by_name.set_item("ratios", unnamed(py, settings.ratios.as_deref())?)?;
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
    by_name.set_item("weights", weights_to(py, &settings.weights)?)?;
    by_name.set_item("ratios", unnamed(py, settings.ratios.as_deref())?)?;
    by_name.set_item("always", list(py, collected(settings.always.iter().copied())?)?)?;
    by_name.set_item("conditions_per_batch", settings.conditions_per_batch)?;
    by_name.set_item("run_length", settings.run_length)?;
    by_name.set_item("batches_per_experiment", settings.batches_per_experiment)?;
    by_name.set_item("batches", settings.batches)?;
    by_name.set_item("window", settings.window)?;
    by_name.set_item("global_fraction", settings.global_fraction)?;
    Ok(by_name)
}
