//! The extension module `cascade_sampler._core`: everything that speaks Python.
//!
//! Wrappers extract, let go of the interpreter where the work is long, and convert. Arguments are checked by the Python
//! side, which knows their names; what slips through is refused by the core.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use numpy::{
    IntoPyArray, PyArray1, PyArrayDescrMethods, PyArrayMethods, PyReadonlyArray1, PyUntypedArray,
    PyUntypedArrayMethods, dtype,
};
use pyo3::call::PyCallArgs;
use pyo3::exceptions::{PyMemoryError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::audit::Audit;
use crate::audit::{Reach, WindowReach};
use crate::batch::Origins;
use crate::batch::Source;
use crate::columns::codes::{Chunk, Codes, Column};
use crate::columns::table::Table;
use crate::columns::times::{Hours, Times};
use crate::draw::{Generator, seed_words};
use crate::draw::{Slots, sample};
use crate::epoch::{Deal, Mark};
use crate::error::Error;
use crate::feed::{Feed, Place, Run, Step};
use crate::plan::{Composition, Plan, Rule, Settings};
use crate::support::memory::{collected, filled};
use crate::{Index, combine};

pyo3::create_exception!(
    _core,
    NoConditionError,
    PyValueError,
    "An experiment that can be picked has no condition to draw from; `args[1]` is the number of its label."
);

/// How often a long call looks for Ctrl-C.
const SIGNALS_EVERY: Duration = Duration::from_millis(40);

/// The one table from core errors to Python exceptions.
impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::OutOfMemory { .. } => PyMemoryError::new_err(message),
            Error::NoCondition { experiment } => NoConditionError::new_err((message, experiment)),
            _ => PyValueError::new_err(message),
        }
    }
}

/// Runs `work` without the interpreter; the pause it is given answers Ctrl-C.
fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&mut dyn FnMut() -> PyResult<()>) -> PyResult<T> + Send,
) -> PyResult<T> {
    py.detach(|| {
        let mut looked = Instant::now();
        work(&mut || {
            if looked.elapsed() < SIGNALS_EVERY {
                return Ok(());
            }
            looked = Instant::now();
            #[expect(
                clippy::redundant_closure_for_method_calls,
                reason = "the method is not general over lifetimes"
            )]
            Python::attach(|py| py.check_signals())
        })
    })
}

/// A borrowed numpy array of any integer type.
enum Ints<'py> {
    I8(PyReadonlyArray1<'py, i8>),
    I16(PyReadonlyArray1<'py, i16>),
    I32(PyReadonlyArray1<'py, i32>),
    I64(PyReadonlyArray1<'py, i64>),
    U8(PyReadonlyArray1<'py, u8>),
    U16(PyReadonlyArray1<'py, u16>),
    U32(PyReadonlyArray1<'py, u32>),
    U64(PyReadonlyArray1<'py, u64>),
}

impl<'py> Ints<'py> {
    fn extract(array: &Bound<'py, PyAny>) -> PyResult<Self> {
        let py = array.py();
        let found = array.cast::<PyUntypedArray>()?.dtype();
        macro_rules! first_of {
            ($($variant:ident $type:ty),*) => {
                $(if found.is_equiv_to(&dtype::<$type>(py)) {
                    return Ok(Self::$variant(array.extract::<PyReadonlyArray1<'py, $type>>().map_err(PyErr::from)?));
                })*
            };
        }
        first_of!(I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64);
        Err(PyTypeError::new_err(format!("codes must be integers, got {found}")))
    }

    fn codes(&self) -> PyResult<Codes<'_>> {
        Ok(match self {
            Self::I8(array) => Codes::I8(array.as_slice()?),
            Self::I16(array) => Codes::I16(array.as_slice()?),
            Self::I32(array) => Codes::I32(array.as_slice()?),
            Self::I64(array) => Codes::I64(array.as_slice()?),
            Self::U8(array) => Codes::U8(array.as_slice()?),
            Self::U16(array) => Codes::U16(array.as_slice()?),
            Self::U32(array) => Codes::U32(array.as_slice()?),
            Self::U64(array) => Codes::U64(array.as_slice()?),
        })
    }
}

/// What a column is handed over as: chunks of codes, the label number of each code, and the number of labels.
type PyColumn<'py> = (Vec<(Bound<'py, PyAny>, Option<PyReadonlyArray1<'py, u32>>)>, usize);

/// A column's arrays, held while the core reads them.
struct Held<'py> {
    chunks: Vec<(Ints<'py>, Option<PyReadonlyArray1<'py, u32>>)>,
    labels: usize,
}

impl<'py> Held<'py> {
    fn new((chunks, labels): PyColumn<'py>) -> PyResult<Self> {
        let chunks = chunks
            .into_iter()
            .map(|(codes, ranks)| Ok((Ints::extract(&codes)?, ranks)))
            .collect::<PyResult<_>>()?;
        Ok(Self { chunks, labels })
    }

    fn column(&self) -> PyResult<Column<'_>> {
        let chunks = self
            .chunks
            .iter()
            .map(|(codes, ranks)| {
                let ranks = match ranks {
                    Some(ranks) => Some(ranks.as_slice()?),
                    None => None,
                };
                Ok(Chunk {
                    codes: codes.codes()?,
                    ranks,
                })
            })
            .collect::<PyResult<_>>()?;
        Ok(Column::new(chunks, self.labels))
    }
}

/// Times in hours as they are handed over: arrays of one width.
#[derive(FromPyObject)]
enum PyTimes<'py> {
    F64(Vec<PyReadonlyArray1<'py, f64>>),
    F32(Vec<PyReadonlyArray1<'py, f32>>),
}

impl PyTimes<'_> {
    fn times(&self) -> PyResult<Times<'_>> {
        fn slices<'a, T: numpy::Element>(chunks: &'a [PyReadonlyArray1<'_, T>]) -> PyResult<Vec<&'a [T]>> {
            chunks.iter().map(|chunk| Ok(chunk.as_slice()?)).collect()
        }
        Ok(match self {
            Self::F64(chunks) => Times::F64(slices(chunks)?),
            Self::F32(chunks) => Times::F32(slices(chunks)?),
        })
    }
}

/// How often each of `labels` codes occurs, and how many codes are negative.
#[pyfunction]
fn count<'py>(codes: &Bound<'py, PyAny>, labels: usize) -> PyResult<(Bound<'py, PyArray1<u64>>, u64)> {
    let held = Ints::extract(codes)?;
    let codes_slice = held.codes()?;
    let mut counts = codes.py().detach(|| codes_slice.count(labels))?;
    let missing = counts.pop().unwrap_or(0);
    Ok((counts.into_pyarray(codes.py()), missing))
}

/// Two arrays of the same length, one a side of the pairs.
type PairArrays<'py> = (Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<u32>>);

/// Combines two columns into one of their pairs: a number a row, and the label numbers of each pair's two sides.
#[pyfunction]
#[pyo3(name = "combine")]
fn combine_columns<'py>(
    py: Python<'py>,
    first: PyColumn<'py>,
    second: PyColumn<'py>,
) -> PyResult<(Bound<'py, PyArray1<u32>>, PairArrays<'py>)> {
    let (first, second) = (Held::new(first)?, Held::new(second)?);
    let (first, second) = (first.column()?, second.column()?);
    let (codes, pairs) = py.detach(|| combine(&first, &second))?;
    let (a, b): (Vec<u32>, Vec<u32>) = pairs.into_iter().unzip();
    Ok((codes.into_pyarray(py), (a.into_pyarray(py), b.into_pyarray(py))))
}

/// Values by label number, where NaN stands for a label that is not named.
fn named(values: Option<Vec<f64>>) -> Option<Vec<Option<f64>>> {
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

/// What batches of one table and one set of settings are drawn from. It never changes.
#[pyclass(frozen, name = "Plan", module = "cascade_sampler._core")]
struct PyPlan(Arc<Plan>);

impl PyPlan {
    fn composition(&self, short: bool) -> PyResult<&Composition> {
        let Rule::Drawn(drawn) = self.0.rule();
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
    #[expect(clippy::needless_pass_by_value, reason = "arguments are extracted as values")]
    fn new(
        py: Python<'_>,
        rows: usize,
        experiments: Option<PyColumn<'_>>,
        conditions: Option<PyColumn<'_>>,
        times: Option<PyTimes<'_>>,
        batch_size: u64,
        leaky: f64,
        weights: Option<Vec<f64>>,
        ratios: Option<Vec<f64>>,
        drop_last: bool,
        batches: Option<u64>,
        window: f64,
        global_fraction: f64,
    ) -> PyResult<Self> {
        let settings = Settings {
            batch_size,
            leaky,
            weights: named(weights),
            ratios: named(ratios),
            drop_last,
            batches,
            window,
            global_fraction,
        };
        let experiments = experiments.map(Held::new).transpose()?;
        let conditions = conditions.map(Held::new).transpose()?;
        let table = Table {
            rows,
            experiments: experiments.as_ref().map(Held::column).transpose()?,
            conditions: conditions.as_ref().map(Held::column).transpose()?,
            times: times.as_ref().map(PyTimes::times).transpose()?,
        };
        let plan = detached(py, |pause| Plan::with_pause(&table, &settings, pause))?;
        Ok(Self(Arc::new(plan)))
    }

    /// The plan again from what the table said, in as few bytes a row as its labels need.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let plan = &slf.get().0;
        let groups = plan.groups();
        let Rule::Drawn(drawn) = plan.rule();
        let settings = drawn.settings();
        let (experiments, conditions) = py.detach(|| groups.positions())?;
        let column = |positions: Vec<u32>, labels: usize| -> PyResult<_> {
            // A missing label is the largest number, which in the narrower signed type is -1.
            let narrow = match labels {
                0..128 => "int8",
                128..32_768 => "int16",
                32_768..2_147_483_648 => "int32",
                _ => "int64",
            };
            let codes = positions.into_pyarray(py).call_method1("astype", (narrow,))?;
            Ok((vec![(codes, None::<Py<PyAny>>)], labels))
        };
        let experiments = if plan.weights().is_empty() {
            None
        } else {
            Some(column(experiments, groups.experiments())?)
        };
        let conditions = if groups.cells().is_empty() {
            None
        } else {
            Some(column(conditions, groups.condition_labels().len())?)
        };
        let times = match py.detach(|| plan.times())? {
            None => None,
            Some(Hours::F64(times)) => Some(vec![times.into_pyarray(py).into_any()]),
            Some(Hours::F32(times)) => Some(vec![times.into_pyarray(py).into_any()]),
        };
        let table = (groups.rows(), experiments, conditions, times);
        let settings = (
            settings.batch_size,
            settings.leaky,
            unnamed(settings.weights.as_deref()),
            unnamed(settings.ratios.as_deref()),
            settings.drop_last,
            settings.batches,
            settings.window,
            settings.global_fraction,
        );
        let (table, settings) = (table.into_pyobject(py)?, settings.into_pyobject(py)?);
        let arguments = table.as_sequence().concat(settings.as_sequence())?.to_tuple()?;
        (slf.get_type(), arguments).into_pyobject(py)
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

    /// Whether the last batch is short.
    #[getter]
    fn short(&self) -> bool {
        self.0.short_size().is_some()
    }

    /// Seats of a batch, those that leak, and the seats of each cell in a batch of its experiment.
    #[pyo3(signature = (short=false))]
    fn seats<'py>(&self, py: Python<'py>, short: bool) -> PyResult<(usize, usize, Bound<'py, PyArray1<i64>>)> {
        let composition = self.composition(short)?;
        let mut seats = filled(self.0.groups().cells().len(), 0)?;
        for position in 0..self.0.groups().experiments() {
            for quota in composition.quotas(position).unwrap_or_default() {
                seats[quota.cell as usize] = i64::from(quota.seats);
            }
        }
        Ok((composition.size(), composition.leak(), seats.into_pyarray(py)))
    }
}

/// What batches are handed out as.
#[derive(Clone, Copy)]
enum Kind {
    I64,
    I32,
    U32,
    List,
}

impl Kind {
    fn parse(name: &str) -> PyResult<Self> {
        match name {
            "int64" => Ok(Self::I64),
            "int32" => Ok(Self::I32),
            "uint32" => Ok(Self::U32),
            "list" => Ok(Self::List),
            _ => Err(PyValueError::new_err(format!("no such index_dtype: {name}"))),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::U32 => "uint32",
            Self::List => "list",
        }
    }
}

fn array<T: Index + numpy::Element>(py: Python<'_>, rows: Vec<T>) -> Bound<'_, PyAny> {
    rows.into_pyarray(py).into_any()
}

fn list(py: Python<'_>, rows: Vec<i64>) -> PyResult<Bound<'_, PyAny>> {
    Ok(PyList::new(py, rows)?.into_any())
}

/// Number of a source, as the Python side names them.
fn source_number(source: Source) -> i8 {
    match source {
        Source::Primary => 0,
        Source::Near => 1,
        Source::Far => 2,
        Source::Leak => 3,
    }
}

/// One field of each of some records, as an array.
fn field<'py, R, T: numpy::Element>(
    py: Python<'py>,
    records: &[R],
    of: impl Fn(&R) -> T,
) -> PyResult<Bound<'py, PyArray1<T>>> {
    Ok(collected(records.iter().map(of))?.into_pyarray(py))
}

/// An audit by the names of its columns.
fn audit_columns<'py>(
    py: Python<'py>,
    audit: Audit,
    reaches: &[Reach],
    windows: &[WindowReach],
) -> PyResult<Bound<'py, PyDict>> {
    let columns = PyDict::new(py);
    let of = &audit.experiments[..];
    columns.set_item("batches_full", field(py, of, |of| of.full)?)?;
    columns.set_item("batches_short", field(py, of, |of| of.short)?)?;
    columns.set_item("batches_replaced", field(py, of, |of| of.replaced)?)?;
    let of = &audit.units[..];
    columns.set_item("unit_asked", field(py, of, |of| of.asked)?)?;
    columns.set_item("unit_got", field(py, of, |of| of.got)?)?;
    columns.set_item("unit_leaked", field(py, of, |of| of.leaked)?)?;
    let of = &audit.times[..];
    columns.set_item("time_hours", field(py, of, |of| of.hours)?)?;
    columns.set_item("time_batches", field(py, of, |of| of.batches)?)?;
    columns.set_item("time_near", field(py, of, |of| of.near)?)?;
    columns.set_item("time_far", field(py, of, |of| of.far)?)?;
    columns.set_item("time_fallback", field(py, of, |of| of.fallback)?)?;
    let of = &audit.first[..];
    columns.set_item("first_batch", field(py, of, |of| of.batch)?)?;
    columns.set_item("first_picked", field(py, of, |of| of.picked)?)?;
    columns.set_item("first_unit", field(py, of, |of| of.unit)?)?;
    columns.set_item("first_leak", field(py, of, |of| of.leak)?)?;
    columns.set_item("first_seats", field(py, of, |of| of.seats)?)?;
    columns.set_item("reach_unit", field(py, reaches, |of| of.unit)?)?;
    columns.set_item("reach_rows", field(py, reaches, |of| of.rows)?)?;
    columns.set_item("reach_rate", field(py, reaches, |of| of.rate)?)?;
    columns.set_item("window_whole", field(py, windows, |of| of.whole)?)?;
    columns.set_item("window_scarce", field(py, windows, |of| of.scarce)?)?;
    columns.set_item("window_near", field(py, windows, |of| of.near)?)?;
    columns.set_item("seen", audit.seen.into_pyarray(py))?;
    let (times, rows): (Vec<u64>, Vec<u64>) = audit.draws.into_iter().unzip();
    columns.set_item("draw_times", times.into_pyarray(py))?;
    columns.set_item("draw_rows", rows.into_pyarray(py))?;
    columns.set_item("batches", audit.batches)?;
    columns.set_item("seats", audit.seats)?;
    columns.set_item("leak_asked", audit.leak_asked)?;
    columns.set_item("duplicates", audit.duplicates)?;
    columns.set_item("batches_with_duplicates", audit.batches_with_duplicates)?;
    for (name, pairs) in [("pairs", audit.pairs), ("table_pairs", audit.table_pairs)] {
        let counts = [pairs.all, pairs.experiment, pairs.condition, pairs.both, pairs.near];
        columns.set_item(name, counts)?;
    }
    Ok(columns)
}

/// One rank's source of batches over all epochs.
#[pyclass(frozen, name = "Feed", module = "cascade_sampler._core")]
struct PyFeed {
    feed: Arc<Feed>,
    plan: Py<PyPlan>,
    kind: Kind,
    fingerprint: PyOnceLock<Py<PyAny>>,
    looked: AtomicBool,
}

/// Epoch, batches done, and of the mark its batches, words and half.
type PyPlace = (u128, u64, u64, u64, Option<u32>);

fn place_to(place: Place) -> PyPlace {
    let Mark { position, words, kept } = place.mark;
    (place.epoch, place.batches, position, words, kept)
}

fn place_from((epoch, batches, position, words, kept): PyPlace) -> Place {
    Place {
        epoch,
        batches,
        mark: Mark { position, words, kept },
    }
}

/// Calls a function of the Python module that knows of other processes.
fn ranks<'py>(py: Python<'py>, function: &str, arguments: impl PyCallArgs<'py>) -> PyResult<Bound<'py, PyAny>> {
    py.import("cascade_sampler.ranks")?.getattr(function)?.call1(arguments)
}

/// Calls a function of the Python module that knows what a state looks like.
fn state<'py>(py: Python<'py>, function: &str, arguments: impl PyCallArgs<'py>) -> PyResult<Bound<'py, PyAny>> {
    py.import("cascade_sampler.state")?.getattr(function)?.call1(arguments)
}

impl PyFeed {
    /// The feed, once it is known which rank this is.
    fn dealt(&self, py: Python<'_>) -> PyResult<&Arc<Feed>> {
        if !self.feed.is_dealt() {
            let (replicas, rank) = ranks(py, "ask", ())?.extract()?;
            self.feed.set_deal(Deal::new(replicas, rank)?);
        }
        Ok(&self.feed)
    }

    /// Has it looked at, once, whether the processes of a run share their epochs as they should.
    #[inline]
    fn look(&self, py: Python<'_>) -> PyResult<()> {
        if !self.looked.load(Ordering::Relaxed) {
            let replicas = self.dealt(py)?.deal().replicas();
            let arrays = !matches!(self.kind, Kind::List);
            let Rule::Drawn(drawn) = self.feed.plan().rule();
            ranks(py, "look", (replicas, arrays, drawn.settings().drop_last))?;
            self.looked.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn one<T: Index>(&self, py: Python<'_>, position: u64, epoch: u64) -> PyResult<Vec<T>> {
        let feed = &self.feed;
        // Locks are taken before and after the detached walk, never in it: a fork must not copy a locked one.
        let stream = feed.nearest(epoch, position)?;
        let (rows, walked) = detached(py, |pause| feed.walk(stream, position, pause))?;
        feed.remember(epoch, walked);
        Ok(rows)
    }

    fn all<'py, T: Index + numpy::Element>(&self, py: Python<'py>, epoch: u64) -> PyResult<Bound<'py, PyAny>> {
        let feed = &self.feed;
        self.dealt(py)?;
        let rows: Vec<T> = detached(py, |pause| feed.whole_epoch(epoch, pause))?;
        let shape = [feed.rounds() as usize, feed.plan().batch_size()];
        Ok(rows.into_pyarray(py).reshape(shape)?.into_any())
    }
}

#[pymethods]
impl PyFeed {
    #[new]
    #[pyo3(signature = (plan, seed, replicas, rank, index, epoch=0, pending=None))]
    fn new(
        plan: Py<PyPlan>,
        seed: u64,
        replicas: Option<u64>,
        rank: Option<u64>,
        index: &str,
        epoch: u64,
        pending: Option<PyPlace>,
    ) -> PyResult<Self> {
        let deal = replicas
            .zip(rank)
            .map(|(replicas, rank)| Deal::new(replicas, rank))
            .transpose()?;
        let feed = Feed::new(plan.get().0.clone(), deal, seed);
        if let Some(pending) = pending {
            feed.restore(epoch, place_from(pending))?;
        }
        Ok(Self {
            feed: Arc::new(feed),
            plan,
            kind: Kind::parse(index)?,
            fingerprint: PyOnceLock::new(),
            looked: AtomicBool::new(false),
        })
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let Self { feed, plan, kind, .. } = slf.get();
        let deal = feed.is_dealt().then(|| feed.deal());
        let arguments = (
            plan,
            feed.seed(),
            deal.map(|deal| deal.replicas()),
            deal.map(|deal| deal.rank()),
            kind.name(),
            feed.epoch(),
            place_to(feed.pending()),
        );
        (slf.get_type(), arguments).into_pyobject(slf.py())
    }

    /// What the batches are drawn from.
    #[getter]
    fn plan(&self, py: Python<'_>) -> Py<PyPlan> {
        self.plan.clone_ref(py)
    }

    /// The epoch last begun, or set since.
    #[getter]
    fn epoch(&self) -> u64 {
        self.feed.epoch()
    }

    /// Makes `epoch` the next to begin.
    fn set_epoch(&self, epoch: u64) -> PyResult<()> {
        Ok(self.feed.set_epoch(epoch)?)
    }

    /// What the global batches depend on.
    #[getter]
    fn fingerprint<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let make = || Ok::<_, PyErr>(state(py, "fingerprint", (&self.plan, self.feed.seed()))?.unbind());
        Ok(self.fingerprint.get_or_try_init(py, make)?.bind(py).clone())
    }

    /// Where things stand, as plain values.
    fn state_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        state(slf.py(), "pack", (slf, place_to(slf.get().dealt(slf.py())?.place())))
    }

    /// Makes the next run go on where a state was made.
    fn load_state_dict(slf: &Bound<'_, Self>, state_dict: &Bound<'_, PyAny>) -> PyResult<()> {
        let place = state(slf.py(), "unpack", (slf, state_dict))?.extract()?;
        Ok(slf.get().feed.resume(place_from(place))?)
    }

    /// Makes the next run begin behind so many global batches of an epoch.
    fn resume(&self, epoch: u64, batches: u64) -> PyResult<()> {
        Ok(self.feed.resume(place_from((epoch.into(), batches, 0, 0, None)))?)
    }

    /// Whether it is known which rank this is.
    #[getter]
    fn is_dealt(&self) -> bool {
        self.feed.is_dealt()
    }

    /// Number of ranks, and which of them this is.
    fn deal(&self, py: Python<'_>) -> PyResult<(u32, u32)> {
        let deal = self.dealt(py)?.deal();
        Ok((deal.replicas(), deal.rank()))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.dealt(py)?.rounds() as usize)
    }

    /// Global batches of an epoch, those that fill the last round included.
    fn dealt_batches(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(self.dealt(py)?.dealt())
    }

    fn __iter__(slf: Py<Self>) -> PyBatches {
        let Self { feed, kind, .. } = slf.get();
        PyBatches {
            run: Run::new(feed.clone()),
            kind: *kind,
            feed: slf,
        }
    }

    /// Where each seat of the global batch at `position` of `epoch` came from: six columns, the experiment that was
    /// picked, and the focal time.
    fn explain<'py>(&self, py: Python<'py>, position: u64, epoch: u64) -> PyResult<Bound<'py, PyTuple>> {
        let feed = &self.feed;
        let stream = feed.nearest(epoch, position)?;
        let (origins, walked) = detached(py, |pause| {
            let (draft, walked) = feed.walk_to::<PyErr>(stream, position, pause)?;
            Ok((Origins::new(feed.plan(), &draft)?, walked))
        })?;
        feed.remember(epoch, walked);
        let sources = collected(origins.sources.into_iter().map(source_number))?;
        (
            origins.rows.into_pyarray(py),
            origins.experiments.into_pyarray(py),
            origins.conditions.into_pyarray(py),
            sources.into_pyarray(py),
            origins.replaced.into_pyarray(py),
            origins.fallback.into_pyarray(py),
            origins.picked,
            origins.focal,
        )
            .into_pyobject(py)
    }

    /// Counts whole epochs of the global sequence: columns by name. `progress`, if any, is called now and then with the
    /// number of batches that are done.
    #[pyo3(signature = (epoch, epochs, progress=None))]
    fn audit<'py>(
        &self,
        py: Python<'py>,
        epoch: u64,
        epochs: u64,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let progress = progress.map(|progress| progress.clone().unbind());
        let plan = self.feed.plan();
        let seed = self.feed.seed();
        let (audit, reaches, windows) = py.detach(|| {
            let mut looked = Instant::now();
            let mut pause = |done: u64| {
                if looked.elapsed() < SIGNALS_EVERY {
                    return Ok(());
                }
                looked = Instant::now();
                Python::attach(|py| {
                    py.check_signals()?;
                    progress
                        .as_ref()
                        .map_or(Ok(()), |progress| progress.call1(py, (done,)).map(drop))
                })
            };
            let audit = Audit::new::<PyErr>(plan, seed, epoch, epochs, &mut pause)?;
            let done = audit.batches;
            let reaches = Reach::of::<PyErr>(plan, || pause(done))?;
            let windows = WindowReach::of::<PyErr>(plan, || pause(done))?;
            Ok::<_, PyErr>((audit, reaches, windows))
        })?;
        audit_columns(py, audit, &reaches, &windows)
    }

    /// The global batch at `position` of `epoch`.
    fn batch<'py>(&self, py: Python<'py>, position: u64, epoch: u64) -> PyResult<Bound<'py, PyAny>> {
        match self.kind {
            Kind::I64 => Ok(array(py, self.one::<i64>(py, position, epoch)?)),
            Kind::I32 => Ok(array(py, self.one::<i32>(py, position, epoch)?)),
            Kind::U32 => Ok(array(py, self.one::<u32>(py, position, epoch)?)),
            Kind::List => list(py, self.one(py, position, epoch)?),
        }
    }

    /// All batches of this rank in `epoch`, as an array of one row a batch.
    fn epoch_batches<'py>(&self, py: Python<'py>, epoch: u64) -> PyResult<Bound<'py, PyAny>> {
        match self.kind {
            Kind::I64 | Kind::List => self.all::<i64>(py, epoch),
            Kind::I32 => self.all::<i32>(py, epoch),
            Kind::U32 => self.all::<u32>(py, epoch),
        }
    }
}

/// One pass over one epoch. It begins with the first `next()`.
#[pyclass(frozen, name = "Batches", module = "cascade_sampler._core")]
struct PyBatches {
    run: Run,
    kind: Kind,
    feed: Py<PyFeed>,
}

impl PyBatches {
    /// The next batch. The interpreter is kept: a batch takes less time than letting go of it would.
    #[inline]
    fn step<T: Index>(&self, py: Python<'_>) -> PyResult<Option<Vec<T>>> {
        self.feed.get().look(py)?;
        loop {
            match self.run.step()? {
                Step::Batch(rows) => return Ok(Some(rows)),
                Step::Over => return Ok(None),
                Step::Passing => {
                    py.check_signals()?;
                    // Other threads may run, and even step this iterator; no lock is held here.
                    py.detach(std::thread::yield_now);
                }
            }
        }
    }
}

#[pymethods]
impl PyBatches {
    /// How far this pass has come, as plain values.
    fn state_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.feed.get().dealt(py)?;
        state(py, "pack", (&self.feed, place_to(self.run.place())))
    }

    /// Makes this pass go on where a state was made, with its next `next()`.
    fn load_state_dict(&self, py: Python<'_>, state_dict: &Bound<'_, PyAny>) -> PyResult<()> {
        let place = state(py, "unpack", (&self.feed, state_dict))?.extract()?;
        Ok(self.run.resume(place_from(place))?)
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(match self.kind {
            Kind::I64 => self.step::<i64>(py)?.map(|rows| array(py, rows)),
            Kind::I32 => self.step::<i32>(py)?.map(|rows| array(py, rows)),
            Kind::U32 => self.step::<u32>(py)?.map(|rows| array(py, rows)),
            Kind::List => self.step(py)?.map(|rows| list(py, rows)).transpose()?,
        })
    }
}

/// The draws beneath the batches, for those who port or test them.
#[pyclass(name = "Generator", module = "cascade_sampler._core")]
struct PyGenerator(Generator);

#[pymethods]
impl PyGenerator {
    #[new]
    fn new(seed: u64) -> Self {
        Self(Generator::new(seed))
    }

    /// The four words that a seed stands for.
    #[staticmethod]
    fn seed_words(seed: u64) -> [u64; 4] {
        seed_words(seed)
    }

    /// The next 64 bits.
    fn next64(&mut self) -> u64 {
        self.0.next64()
    }

    /// The next 32 bits.
    fn next32(&mut self) -> u32 {
        self.0.next32()
    }

    /// A double in [0, 1).
    fn unit(&mut self) -> f64 {
        self.0.unit()
    }

    /// A whole number in 0..bound.
    fn below(&mut self, bound: u32) -> PyResult<u32> {
        if bound == 0 {
            return Err(PyValueError::new_err("bound must be at least 1, got 0"));
        }
        Ok(self.0.below(bound))
    }

    /// `seats` positions of `population`, distinct where there are as many.
    fn sample<'py>(&mut self, py: Python<'py>, population: u32, seats: usize) -> PyResult<Bound<'py, PyArray1<u32>>> {
        if population == 0 && seats > 0 {
            return Err(PyValueError::new_err("population must be at least 1, got 0"));
        }
        let mut out = filled(seats, 0)?;
        let mut slots = Slots::default();
        slots.reserve(seats.min(population as usize))?;
        sample(&mut self.0, population, &mut out, &mut slots);
        Ok(out.into_pyarray(py))
    }
}

/// The compiled core of `cascade_sampler`.
#[pymodule(gil_used = false)]
mod _core {
    use super::{Bound, PyModule, PyModuleMethods, PyResult};
    #[pymodule_export]
    use super::{NoConditionError, PyBatches, PyFeed, PyGenerator, PyPlan, combine_columns, count};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
