//! One rank's batches over all epochs, and passes over one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use numpy::{IntoPyArray, PyArrayMethods};
use pyo3::call::PyCallArgs;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use super::audit::audit_columns;
use super::dealt::PyCoverage;
use super::kind::{Kind, array, list};
use super::plan::PyPlan;
use super::signals::{detached, watched};
use crate::audit::{Audit, Coverage, Reach, WindowReach};
use crate::batch::{Origins, Row, Source};
use crate::epoch::{Deal, Mark};
use crate::feed::{Feed, Run, Step};
use crate::plan::Rule;
use crate::support::memory::collected;

/// Batches of more seats are drawn without the interpreter.
const LARGE: usize = 1 << 16;

/// Number of a source, as the Python side names them.
fn source_number(source: Source) -> i8 {
    match source {
        Source::Primary => 0,
        Source::Near => 1,
        Source::Far => 2,
        Source::Leak => 3,
    }
}

/// One rank's source of batches over all epochs.
#[pyclass(frozen, name = "Feed", module = "cascade_sampler._core")]
pub(super) struct PyFeed {
    feed: Arc<Feed>,
    plan: Py<PyPlan>,
    kind: Kind,
    fingerprint: PyOnceLock<Py<PyAny>>,
    looked: AtomicBool,
}

/// Epoch, batches done, and of the generator its batches, words and half.
type PyMark = (u128, u64, u64, u64, Option<u32>);

fn mark_to(mark: Mark) -> PyMark {
    (mark.epoch, mark.batches, mark.drawn, mark.words, mark.half)
}

fn mark_from((epoch, batches, drawn, words, half): PyMark) -> Mark {
    Mark {
        epoch,
        batches,
        drawn,
        words,
        half,
    }
}

/// Calls a function of the Python module that knows of other processes.
fn ranks<'py>(py: Python<'py>, function: &str, arguments: impl PyCallArgs<'py>) -> PyResult<Bound<'py, PyAny>> {
    py.import("cascade_sampler._samplers.ranks")?
        .getattr(function)?
        .call1(arguments)
}

/// Calls a function of the Python module that knows what a state looks like.
fn state<'py>(py: Python<'py>, function: &str, arguments: impl PyCallArgs<'py>) -> PyResult<Bound<'py, PyAny>> {
    py.import("cascade_sampler._samplers.state")?
        .getattr(function)?
        .call1(arguments)
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
            let drop_last = match self.feed.plan().rule() {
                Rule::Drawn(drawn) => drawn.settings().drop_last,
                // No batch is ever short.
                Rule::Dealt(_) => true,
            };
            ranks(py, "look", (replicas, arrays, drop_last))?;
            self.looked.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn one<T: Row>(&self, py: Python<'_>, position: u64, epoch: u64) -> PyResult<Vec<T>> {
        // Locks are taken before and after the detached walk, never in it: a fork must not copy a locked one.
        let walk = self.feed.walk(epoch, position)?;
        let (rows, walked) = detached(py, |pause| walk.rows(pause))?;
        self.feed.remember(walked);
        Ok(rows)
    }

    fn all<'py, T: Row + numpy::Element>(&self, py: Python<'py>, epoch: u64) -> PyResult<Bound<'py, PyAny>> {
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
    #[pyo3(signature = (plan, seed, replicas, rank, index, epoch=0, pending=None, fixed_epoch=None))]
    #[expect(clippy::too_many_arguments, reason = "by position, as __reduce__ gives them")]
    fn new(
        plan: Py<PyPlan>,
        seed: u64,
        replicas: Option<u64>,
        rank: Option<u64>,
        index: &str,
        epoch: u64,
        pending: Option<PyMark>,
        fixed_epoch: Option<u64>,
    ) -> PyResult<Self> {
        let deal = replicas
            .zip(rank)
            .map(|(replicas, rank)| Deal::new(replicas, rank))
            .transpose()?;
        let kind = Kind::parse(index)?;
        kind.check(plan.get().plan.groups().rows())?;
        let mut feed = Feed::new(plan.get().plan.clone(), deal, seed);
        if let Some(fixed) = fixed_epoch {
            feed = feed.with_fixed_epoch(fixed)?;
        }
        if let Some(pending) = pending {
            feed.restore(epoch, mark_from(pending))?;
        }
        Ok(Self {
            feed: Arc::new(feed),
            plan,
            kind,
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
            mark_to(feed.pending()),
            feed.fixed_epoch(),
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

    /// The epoch that every pass is of; None where they follow one another.
    #[getter]
    fn fixed_epoch(&self) -> Option<u64> {
        self.feed.fixed_epoch()
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
        state(slf.py(), "pack", (slf, mark_to(slf.get().dealt(slf.py())?.place())))
    }

    /// Makes the next run go on where a state was made.
    fn load_state_dict(slf: &Bound<'_, Self>, state_dict: &Bound<'_, PyAny>) -> PyResult<()> {
        let place = state(slf.py(), "unpack", (slf, state_dict))?.extract()?;
        Ok(slf.get().feed.resume(mark_from(place))?)
    }

    /// Makes the next run begin behind so many global batches of an epoch.
    fn resume(&self, epoch: u64, batches: u64) -> PyResult<()> {
        Ok(self.feed.resume(mark_from((epoch.into(), batches, 0, 0, None)))?)
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

    /// Where each seat of the global batch at `position` of `epoch` came from: seven columns, the experiment that was
    /// picked, and the focal time.
    fn explain<'py>(&self, py: Python<'py>, position: u64, epoch: u64) -> PyResult<Bound<'py, PyTuple>> {
        let feed = &self.feed;
        let walk = feed.walk(epoch, position)?;
        let (origins, walked) = detached(py, |pause| {
            let (draft, walked) = walk.draft::<PyErr>(pause)?;
            Ok((Origins::new(feed.plan(), &draft)?, walked))
        })?;
        feed.remember(walked);
        let sources = collected(origins.sources.into_iter().map(source_number))?;
        (
            origins.rows.into_pyarray(py),
            origins.experiments.into_pyarray(py),
            origins.conditions.into_pyarray(py),
            sources.into_pyarray(py),
            origins.replaced.into_pyarray(py),
            origins.fallback.into_pyarray(py),
            origins.dealt.into_pyarray(py),
            origins.picked,
            origins.focal,
        )
            .into_pyobject(py)
    }

    /// Counts epochs of the global sequence, whole or their first `batches`: columns by name. `progress`, if any, is called now and then with the
    /// number of batches that are done.
    #[pyo3(signature = (epoch, epochs, progress=None, batches=None))]
    fn audit<'py>(
        &self,
        py: Python<'py>,
        epoch: u64,
        epochs: u64,
        progress: Option<&Bound<'py, PyAny>>,
        batches: Option<u64>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let progress = progress.map(|progress| progress.clone().unbind());
        let tell = |py: Python<'_>, done: u64| match &progress {
            Some(progress) => progress.call1(py, (done,)).map(drop),
            None => Ok(()),
        };
        let (plan, seed) = (self.feed.plan(), self.feed.seed());
        let (audit, reaches, windows) = watched(py, tell, |pause| {
            let audit = Audit::new::<PyErr>(plan, seed, epoch, epochs, batches, &mut *pause)?;
            let done = audit.batches;
            let reaches = Reach::of::<PyErr>(plan, || pause(done))?;
            let windows = WindowReach::of::<PyErr>(plan, || pause(done))?;
            Ok((audit, reaches, windows))
        })?;
        audit_columns(py, audit, &reaches, &windows)
    }

    /// How many rows dealt batches come to from `epoch` on; None where batches are drawn.
    fn coverage(&self, py: Python<'_>, epoch: u64) -> PyResult<Option<PyCoverage>> {
        let (plan, seed) = (self.feed.plan(), self.feed.seed());
        let coverage = detached(py, |pause| Coverage::of::<PyErr>(plan, seed, epoch, pause))?;
        Ok(coverage.map(PyCoverage))
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
pub(super) struct PyBatches {
    run: Run,
    kind: Kind,
    feed: Py<PyFeed>,
}

impl PyBatches {
    /// The next batch, which counts as done once Python has it. The interpreter is kept where a batch takes less time than
    /// letting go of it would.
    #[inline]
    fn step<'py, T: Row>(
        &self,
        py: Python<'py>,
        hand_out: impl Fn(Python<'py>, Vec<T>) -> PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let feed = self.feed.get();
        feed.look(py)?;
        let plan = feed.feed.plan();
        loop {
            match self.run.step()? {
                Step::Batch(mut next) => {
                    let rows = if plan.batch_size() > LARGE {
                        py.detach(|| next.rows(plan))?
                    } else {
                        next.rows(plan)?
                    };
                    let batch = hand_out(py, rows)?;
                    if self.run.finish(next) {
                        return Ok(Some(batch));
                    }
                }
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
        state(py, "pack", (&self.feed, mark_to(self.run.place())))
    }

    /// Makes this pass go on where a state was made, with its next `next()`.
    fn load_state_dict(&self, py: Python<'_>, state_dict: &Bound<'_, PyAny>) -> PyResult<()> {
        let place = state(py, "unpack", (&self.feed, state_dict))?.extract()?;
        Ok(self.run.resume(mark_from(place))?)
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.kind {
            Kind::I64 => self.step(py, |py, rows: Vec<i64>| Ok(array(py, rows))),
            Kind::I32 => self.step(py, |py, rows: Vec<i32>| Ok(array(py, rows))),
            Kind::U32 => self.step(py, |py, rows: Vec<u32>| Ok(array(py, rows))),
            Kind::List => self.step(py, list),
        }
    }
}
