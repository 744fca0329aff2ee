//! The plan.

use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::index::PyIndex;
use super::lists::List;
use super::settings::{dealt_settings, drawn_settings, named};
use super::signals::detached;
use crate::plan::{Composition, Plan, Rule, Settings};
use crate::support::memory::{collected, filled, push};

/// What batches of one table and one set of settings are drawn from. It never changes.
#[pyclass(frozen, name = "Plan", module = "cascade_sampler._core")]
pub(super) struct PyPlan {
    pub(super) plan: Arc<Plan>,
    pub(super) index: Py<PyIndex>,
}

impl PyPlan {
    fn composition(&self, short: bool) -> PyResult<&Composition> {
        let Rule::Drawn(drawn) = self.plan.rule() else {
            return Err(PyValueError::new_err("dealt batches have no fixed seats: see shares()"));
        };
        if short {
            drawn
                .short()
                .ok_or_else(|| PyValueError::new_err("the last batch is not short"))
        } else {
            Ok(drawn.full())
        }
    }
}

#[pymethods]
impl PyPlan {
    #[new]
    #[pyo3(signature = (index, batch_size, leaky, weights, ratios, drop_last, batches, window, global_fraction))]
    #[expect(
        clippy::too_many_arguments,
        reason = "the settings, by position, as __reduce__ gives them"
    )]
    fn new(
        py: Python<'_>,
        index: Py<PyIndex>,
        batch_size: u64,
        leaky: f64,
        weights: Option<List<f64>>,
        ratios: Option<List<f64>>,
        drop_last: bool,
        batches: Option<u64>,
        window: f64,
        global_fraction: f64,
    ) -> PyResult<Self> {
        let settings = Settings {
            batch_size,
            leaky,
            weights: named(weights)?,
            ratios: named(ratios)?,
            drop_last,
            batches,
            window,
            global_fraction,
        };
        let over = &index.get().index;
        let plan = detached(py, |pause| Plan::over_with_pause(over, &settings, pause))?;
        Ok(Self {
            plan: Arc::new(plan),
            index,
        })
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let this = slf.get();
        let make = match this.plan.rule() {
            Rule::Drawn(_) => slf.get_type().into_any(),
            Rule::Dealt(_) => py.import("cascade_sampler._core")?.getattr("dealt_plan")?,
        };
        let index = (&this.index,).into_pyobject(py)?;
        let settings = PyTuple::new(py, this.settings(py)?.values())?;
        let arguments = index.as_sequence().concat(settings.as_sequence())?.to_tuple()?;
        (make, arguments).into_pyobject(py)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    /// What the table says.
    #[getter]
    fn index(&self, py: Python<'_>) -> Py<PyIndex> {
        self.index.clone_ref(py)
    }

    /// What was asked for, in the order of the constructor's arguments; weights and ratios by the positions of experiments
    /// and conditions.
    fn settings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        match self.plan.rule() {
            Rule::Drawn(drawn) => drawn_settings(py, drawn.settings()),
            Rule::Dealt(dealt) => dealt_settings(py, dealt.settings()),
        }
    }

    /// Rows of the table.
    #[getter]
    fn rows(&self) -> usize {
        self.plan.groups().rows()
    }

    /// Rows that are in a pool.
    #[getter]
    fn kept(&self) -> u32 {
        self.plan.groups().kept()
    }

    /// Global batches of an epoch.
    #[getter]
    fn batches(&self) -> u64 {
        self.plan.batches()
    }

    /// Label numbers of the experiments that have rows.
    #[getter]
    fn experiment_labels<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        Ok(collected(self.plan.groups().experiment_labels().iter().copied())?.into_pyarray(py))
    }

    /// Label numbers of the conditions that have rows.
    #[getter]
    fn condition_labels<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        Ok(collected(self.plan.groups().condition_labels().iter().copied())?.into_pyarray(py))
    }

    /// Rows of each experiment.
    #[getter]
    fn sizes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let groups = self.plan.groups();
        let sizes = collected((0..groups.experiments()).map(|position| i64::from(groups.size(position))))?;
        Ok(sizes.into_pyarray(py))
    }

    /// Chance of each experiment to be picked; empty where experiments are not used.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(collected(self.plan.weights().iter().copied())?.into_pyarray(py))
    }

    /// Running sum of the weights, divided by its last entry.
    #[getter]
    fn cdf<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(collected(self.plan.cdf().iter().copied())?.into_pyarray(py))
    }

    /// Experiment, condition and rows of each cell that has rows.
    fn cells<'py>(&self, py: Python<'py>) -> PyResult<[Bound<'py, PyArray1<i64>>; 3]> {
        let cells = self.plan.groups().cells();
        Ok([
            collected(cells.iter().map(|cell| i64::from(cell.experiment)))?,
            collected(cells.iter().map(|cell| i64::from(cell.condition)))?,
            collected(cells.iter().map(|cell| i64::from(cell.rows)))?,
        ]
        .map(|column| column.into_pyarray(py)))
    }

    /// Whether batches are dealt, and not drawn.
    #[getter]
    fn dealt(&self) -> bool {
        matches!(self.plan.rule(), Rule::Dealt(_))
    }

    /// Of dealt batches the seats of each cell in a batch that it shares, and the share of the batches of its experiment that
    /// it shares, both on average; without conditions of each experiment.
    fn shares<'py>(&self, py: Python<'py>) -> PyResult<[Bound<'py, PyArray1<f64>>; 2]> {
        let Rule::Dealt(dealt) = self.plan.rule() else {
            return Err(PyValueError::new_err("drawn batches have fixed seats: see seats()"));
        };
        let groups = self.plan.groups();
        let (mut seats, mut often) = (Vec::new(), Vec::new());
        for experiment in 0..groups.experiments() {
            for unit in groups.units_of(experiment) {
                let part = dealt
                    .part(groups, experiment, unit as u32)
                    .filter(|_| self.plan.can_pick(experiment));
                push(&mut seats, part.map_or(0.0, |part| part.seats))?;
                push(&mut often, part.map_or(0.0, |part| part.often))?;
            }
        }
        Ok([seats, often].map(|column| column.into_pyarray(py)))
    }

    /// Whether the last batch is short.
    #[getter]
    fn short(&self) -> bool {
        self.plan.short_size().is_some()
    }

    /// Seats of a batch, those that leak, and the seats of each cell in a batch of its experiment; of dealt batches the most
    /// that a cell gets in a batch that it shares.
    #[pyo3(signature = (short=false))]
    fn seats<'py>(&self, py: Python<'py>, short: bool) -> PyResult<(usize, usize, Bound<'py, PyArray1<i64>>)> {
        let groups = self.plan.groups();
        let mut seats = filled(groups.cells().len(), 0)?;
        if let Rule::Dealt(dealt) = self.plan.rule() {
            for (experiment, cell) in (0..groups.experiments())
                .flat_map(|one| groups.cells_of(one).iter().map(move |_| one))
                .zip(0..)
            {
                let part = dealt
                    .part(groups, experiment, cell)
                    .filter(|_| self.plan.can_pick(experiment));
                // What is odd is drawn among the conditions, so a cell may get it.
                seats[cell as usize] = part.map_or(0, |part| (part.seats - 1e-9).ceil() as i64);
            }
            return Ok((self.plan.batch_size(), self.plan.leak(), seats.into_pyarray(py)));
        }
        let composition = self.composition(short)?;
        for position in 0..self.plan.groups().experiments() {
            for quota in composition.quotas(position).unwrap_or_default() {
                seats[quota.cell as usize] = i64::from(quota.seats);
            }
        }
        Ok((composition.size(), composition.leak(), seats.into_pyarray(py)))
    }
}
