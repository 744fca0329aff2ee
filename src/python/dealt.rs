//! Plans of dealt batches, and what is known of the rows that they come to.

use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use super::index::PyIndex;
use super::lists::List;
use super::plan::PyPlan;
use super::settings::{PyWeights, named};
use crate::audit::Coverage;
use crate::plan::{DealtSettings, Plan};

/// Plans dealt batches.
#[pyfunction]
#[pyo3(signature = (
    index, batch_size, leaky, weights, ratios, always, conditions_per_batch, run_length, batches_per_experiment, batches,
    window, global_fraction
))]
#[expect(
    clippy::too_many_arguments,
    reason = "the settings, by position, as a plan's __reduce__ gives them"
)]
pub(super) fn dealt_plan(
    py: Python<'_>,
    index: Py<PyIndex>,
    batch_size: u64,
    leaky: f64,
    weights: PyWeights,
    ratios: Option<List<f64>>,
    always: List<u32>,
    conditions_per_batch: Option<u64>,
    run_length: u64,
    batches_per_experiment: u64,
    batches: Option<u64>,
    window: f64,
    global_fraction: f64,
) -> PyResult<PyPlan> {
    let settings = DealtSettings {
        batch_size,
        leaky,
        weights: weights.weights()?,
        ratios: named(ratios)?,
        always: always.0,
        conditions_per_batch,
        run_length,
        batches_per_experiment,
        batches,
        window,
        global_fraction,
    };
    let over = &index.get().index;
    let plan = py.detach(|| Plan::dealt_over(over, &settings))?;
    Ok(PyPlan {
        plan: Arc::new(plan),
        index,
    })
}

/// How many rows dealt batches come to in a number of epochs.
#[pyclass(frozen, name = "Coverage", module = "cascade_sampler._core")]
pub(super) struct PyCoverage(pub(super) Coverage);

#[pymethods]
impl PyCoverage {
    /// Rows that no batch ever comes to.
    #[getter]
    fn never(&self) -> u64 {
        self.0.never()
    }

    /// Rows that can be expected not to have come after so many epochs, by cell; without conditions by experiment.
    fn unseen<'py>(&self, py: Python<'py>, epochs: f64) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(self.0.unseen(epochs)?.into_pyarray(py))
    }

    /// After how many epochs the expected share of rows that have come is `share`; None where it never is.
    fn epochs_until(&self, py: Python<'_>, share: f64) -> PyResult<Option<f64>> {
        Ok(py.detach(|| self.0.epochs_until(share))?)
    }
}
