//! The plan.

use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::arrays::{PyColumn, PyTimes, TableArrays};
use super::lists::List;
use super::settings::{dealt_settings_to, named, unnamed};
use super::signals::detached;
use crate::columns::times::Hours;
use crate::plan::{Composition, Plan, Positions, Rule, Settings};
use crate::support::memory::{collected, filled, push};

/// What batches of one table and one set of settings are drawn from. It never changes.
#[pyclass(frozen, name = "Plan", module = "cascade_sampler._core")]
pub(super) struct PyPlan(pub(super) Arc<Plan>);

impl PyPlan {
    fn composition(&self, short: bool) -> PyResult<&Composition> {
        let Rule::Drawn(drawn) = self.0.rule() else {
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
    #[pyo3(signature = (
        rows, experiments, conditions, times, batch_size, leaky, weights, ratios, drop_last, batches, window, global_fraction
    ))]
    #[expect(
        clippy::too_many_arguments,
        reason = "the settings, by position, as __reduce__ gives them"
    )]
    fn new(
        py: Python<'_>,
        rows: usize,
        experiments: Option<PyColumn<'_>>,
        conditions: Option<PyColumn<'_>>,
        times: Option<PyTimes<'_>>,
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
        let arrays = TableArrays::new(rows, experiments, conditions, times)?;
        let table = arrays.table()?;
        let plan = detached(py, |pause| Plan::with_pause(&table, &settings, pause))?;
        Ok(Self(Arc::new(plan)))
    }

    /// The plan again from what the table said, in as few bytes a row as its labels need.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let plan = &slf.get().0;
        let groups = plan.groups();
        let column = |positions: Positions, labels: usize| {
            let codes = match positions {
                Positions::I8(positions) => positions.into_pyarray(py).into_any(),
                Positions::I16(positions) => positions.into_pyarray(py).into_any(),
                Positions::I32(positions) => positions.into_pyarray(py).into_any(),
                Positions::I64(positions) => positions.into_pyarray(py).into_any(),
            };
            (vec![(codes, None::<Py<PyAny>>)], labels)
        };
        let experiments = if plan.weights().is_empty() {
            None
        } else {
            let positions = detached(py, |pause| groups.experiment_positions(pause))?;
            Some(column(positions, groups.experiments()))
        };
        let positions = detached(py, |pause| groups.condition_positions(pause))?;
        let conditions = positions.map(|positions| column(positions, groups.condition_labels().len()));
        let times = match detached(py, |pause| plan.times_with_pause(pause))? {
            None => None,
            Some(Hours::F64(times)) => Some(vec![times.into_pyarray(py).into_any()]),
            Some(Hours::F32(times)) => Some(vec![times.into_pyarray(py).into_any()]),
        };
        let table = (groups.rows(), experiments, conditions, times);
        let (make, settings) = match plan.rule() {
            Rule::Drawn(drawn) => {
                let settings = drawn.settings();
                let settings = (
                    settings.batch_size,
                    settings.leaky,
                    unnamed(py, settings.weights.as_deref())?,
                    unnamed(py, settings.ratios.as_deref())?,
                    settings.drop_last,
                    settings.batches,
                    settings.window,
                    settings.global_fraction,
                );
                (slf.get_type().into_any(), settings.into_pyobject(py)?)
            }
            Rule::Dealt(dealt) => {
                let make = py.import("cascade_sampler._core")?.getattr("dealt_plan")?;
                (make, dealt_settings_to(py, dealt.settings())?)
            }
        };
        let table = table.into_pyobject(py)?;
        let arguments = table.as_sequence().concat(settings.as_sequence())?.to_tuple()?;
        (make, arguments).into_pyobject(py)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    /// Rows of the table.
    #[getter]
    fn rows(&self) -> usize {
        self.0.groups().rows()
    }

    /// Rows that are in a pool.
    #[getter]
    fn kept(&self) -> u32 {
        self.0.groups().kept()
    }

    /// Global batches of an epoch.
    #[getter]
    fn batches(&self) -> u64 {
        self.0.batches()
    }

    /// Label numbers of the experiments that have rows.
    #[getter]
    fn experiment_labels<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        Ok(collected(self.0.groups().experiment_labels().iter().copied())?.into_pyarray(py))
    }

    /// Label numbers of the conditions that have rows.
    #[getter]
    fn condition_labels<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        Ok(collected(self.0.groups().condition_labels().iter().copied())?.into_pyarray(py))
    }

    /// Rows of each experiment.
    #[getter]
    fn sizes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let groups = self.0.groups();
        let sizes = collected((0..groups.experiments()).map(|position| i64::from(groups.size(position))))?;
        Ok(sizes.into_pyarray(py))
    }

    /// Chance of each experiment to be picked; empty where experiments are not used.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(collected(self.0.weights().iter().copied())?.into_pyarray(py))
    }

    /// Running sum of the weights, divided by its last entry.
    #[getter]
    fn cdf<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(collected(self.0.cdf().iter().copied())?.into_pyarray(py))
    }

    /// Experiment, condition and rows of each cell that has rows.
    fn cells<'py>(&self, py: Python<'py>) -> PyResult<[Bound<'py, PyArray1<i64>>; 3]> {
        let cells = self.0.groups().cells();
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
        matches!(self.0.rule(), Rule::Dealt(_))
    }

    /// Of dealt batches the seats of each cell in a batch that it shares, and the share of the batches of its experiment that
    /// it shares, both on average; without conditions of each experiment.
    fn shares<'py>(&self, py: Python<'py>) -> PyResult<[Bound<'py, PyArray1<f64>>; 2]> {
        let Rule::Dealt(dealt) = self.0.rule() else {
            return Err(PyValueError::new_err("drawn batches have fixed seats: see seats()"));
        };
        let groups = self.0.groups();
        let (mut seats, mut often) = (Vec::new(), Vec::new());
        for experiment in 0..groups.experiments() {
            for unit in groups.units_of(experiment) {
                let part = dealt
                    .part(groups, experiment, unit as u32)
                    .filter(|_| self.0.can_pick(experiment));
                push(&mut seats, part.map_or(0.0, |part| part.seats))?;
                push(&mut often, part.map_or(0.0, |part| part.often))?;
            }
        }
        Ok([seats, often].map(|column| column.into_pyarray(py)))
    }

    /// Whether the last batch is short.
    #[getter]
    fn short(&self) -> bool {
        self.0.short_size().is_some()
    }

    /// Seats of a batch, those that leak, and the seats of each cell in a batch of its experiment; of dealt batches the most
    /// that a cell gets in a batch that it shares.
    #[pyo3(signature = (short=false))]
    fn seats<'py>(&self, py: Python<'py>, short: bool) -> PyResult<(usize, usize, Bound<'py, PyArray1<i64>>)> {
        let groups = self.0.groups();
        let mut seats = filled(groups.cells().len(), 0)?;
        if let Rule::Dealt(dealt) = self.0.rule() {
            for (experiment, cell) in (0..groups.experiments())
                .flat_map(|one| groups.cells_of(one).iter().map(move |_| one))
                .zip(0..)
            {
                let part = dealt
                    .part(groups, experiment, cell)
                    .filter(|_| self.0.can_pick(experiment));
                // What is odd is drawn among the conditions, so a cell may get it.
                seats[cell as usize] = part.map_or(0, |part| (part.seats - 1e-9).ceil() as i64);
            }
            return Ok((self.0.batch_size(), self.0.leak(), seats.into_pyarray(py)));
        }
        let composition = self.composition(short)?;
        for position in 0..self.0.groups().experiments() {
            for quota in composition.quotas(position).unwrap_or_default() {
                seats[quota.cell as usize] = i64::from(quota.seats);
            }
        }
        Ok((composition.size(), composition.leak(), seats.into_pyarray(py)))
    }
}
