//! What a table says, for any number of plans.
#![expect(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyWeakrefMethods, PyWeakrefReference};

use super::arrays::{PyColumn, PyTimes, TableArrays};
use super::signals::detached;
use crate::columns::times::Hours;
use crate::index::{Columns, Index, Opening};
use crate::plan::Positions;
use crate::support::memory::collected;
use crate::support::pauses::Pauses;

/// The rows of a table by experiment, condition and time. It never changes.
#[pyclass(frozen, weakref, name = "Index", module = "cascade_sampler._core")]
pub(super) struct PyIndex(pub(super) Arc<Index>, Arc<Pickled>);

/// The positions of experiments and of conditions that an index and its parts are pickled as, as long as a pickle has them:
/// so one that has several of these has each column once.
#[derive(Default)]
struct Pickled([Mutex<Option<Py<PyWeakrefReference>>>; 2]);

impl Pickled {
    /// The array of the first column or the second, which is made where none is under way; `None` where there is no such
    /// column.
    fn column<'py>(
        &self,
        column: usize,
        is_there: bool,
        py: Python<'py>,
        make: impl FnOnce() -> PyResult<Option<Bound<'py, PyAny>>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if !is_there {
            return Ok(None);
        }
        // Held for as long as it takes to look: making an array lets other threads run.
        let known = || self.0[column].lock().unwrap_or_else(PoisonError::into_inner);
        let found = known().as_ref().map(|array| array.clone_ref(py));
        if let Some(array) = found.and_then(|array| array.bind(py).upgrade()) {
            return Ok(Some(array));
        }
        let Some(array) = make()? else { return Ok(None) };
        let weak = PyWeakrefReference::new(&array)?.unbind();
        let old = known().replace(weak);
        drop(old);
        Ok(Some(array))
    }
}

impl PyIndex {
    /// Whether rows are left out, which none of the columns that there are says.
    fn leaves_out_unsaid(&self) -> bool {
        let (columns, groups) = (self.0.columns(), self.0.groups());
        let has_column = columns.experiments || columns.conditions || columns.times;
        !has_column && groups.kept() as usize != groups.rows()
    }
}

impl From<Index> for PyIndex {
    fn from(index: Index) -> Self {
        Self(Arc::new(index), Arc::default())
    }
}

fn positions_array(py: Python<'_>, positions: Positions) -> Bound<'_, PyAny> {
    match positions {
        Positions::I8(positions) => positions.into_pyarray(py).into_any(),
        Positions::I16(positions) => positions.into_pyarray(py).into_any(),
        Positions::I32(positions) => positions.into_pyarray(py).into_any(),
        Positions::I64(positions) => positions.into_pyarray(py).into_any(),
    }
}

/// Opens a file; of its columns those that are asked for.
#[pyfunction]
#[pyo3(signature = (path, verify=false, copy=false, fingerprint=None, columns=(true, true, true)))]
pub(super) fn open_index(
    py: Python<'_>,
    path: PathBuf,
    verify: bool,
    copy: bool,
    fingerprint: Option<&str>,
    columns: (bool, bool, bool),
) -> PyResult<PyIndex> {
    let fingerprint =
        match fingerprint {
            Some(digits) => Some(u64::from_str_radix(digits, 16).map_err(|_| {
                PyValueError::new_err(format!("a fingerprint has 16 digits of base 16, got {digits:?}"))
            })?),
            None => None,
        };
    let how = Opening {
        verify,
        copy,
        fingerprint,
    };
    let index = detached(py, |pause| Index::open_with_pause(&path, how, pause))?;
    let (experiments, conditions, times) = columns;
    PyIndex::from(index).only(py, experiments, conditions, times)
}

#[pymethods]
impl PyIndex {
    #[new]
    #[pyo3(signature = (rows, experiments, conditions, times, pools=false))]
    fn new(
        py: Python<'_>,
        rows: usize,
        experiments: Option<PyColumn<'_>>,
        conditions: Option<PyColumn<'_>>,
        times: Option<PyTimes<'_>>,
        pools: bool,
    ) -> PyResult<Self> {
        let arrays = TableArrays::new(rows, experiments, conditions, times)?;
        let table = arrays.table()?;
        Ok(detached(py, |pause| Index::build_with_pause(&table, pools, pause))?.into())
    }

    /// The index again from its file; where it has none, from what the table said, in as few bytes a row as its labels need.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let this = slf.get();
        let columns = this.0.columns();
        if let (Some(path), Some(fingerprint)) = (this.path(), this.fingerprint()) {
            let open = py.import("cascade_sampler._core")?.getattr("open_index")?;
            let columns = (columns.experiments, columns.conditions, columns.times);
            return (open, (path, false, this.is_copied(), fingerprint, columns)).into_pyobject(py);
        }
        let groups = this.0.groups();
        let column = |codes: Bound<'py, PyAny>, labels: usize| (vec![(codes, None::<Py<PyAny>>)], labels);
        if this.leaves_out_unsaid() {
            // For as long as it takes there is a column that says it.
            let present = this.experiment_positions(py)?.map(|positions| column(positions, 1));
            let with_column = slf
                .get_type()
                .call1((groups.rows(), present, None::<Py<PyAny>>, None::<Py<PyAny>>))?;
            return (with_column.getattr("only")?, (false,)).into_pyobject(py);
        }
        let experiments = this
            .1
            .column(0, columns.experiments, py, || this.experiment_positions(py))?;
        let experiments = experiments.map(|positions| column(positions, groups.experiments()));
        let conditions = this
            .1
            .column(1, columns.conditions, py, || this.condition_positions(py))?;
        let conditions = conditions.map(|positions| column(positions, groups.condition_labels().len()));
        let times = this.times(py)?.map(|times| vec![times]);
        // A list that is there is made in the same pass on the other side.
        let pools = columns.experiments && columns.conditions && this.0.has_pools();
        let arguments = (groups.rows(), experiments, conditions, times, pools);
        (slf.get_type(), arguments).into_pyobject(py)
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    /// The same without some of its columns, for plans that do without them. It shares this one's memory.
    #[pyo3(signature = (experiments=true, conditions=true, times=true))]
    fn only(&self, py: Python<'_>, experiments: bool, conditions: bool, times: bool) -> PyResult<Self> {
        let columns = Columns {
            experiments,
            conditions,
            times,
        };
        let index = detached(py, |pause| self.0.only_with_pause(columns, pause))?;
        Ok(Self(Arc::new(index), self.1.clone()))
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

    /// Whether there is a column of experiments.
    #[getter]
    fn has_experiments(&self) -> bool {
        self.0.columns().experiments
    }

    /// Whether there is a column of conditions.
    #[getter]
    fn has_conditions(&self) -> bool {
        self.0.columns().conditions
    }

    /// Whether there is a column of times.
    #[getter]
    fn has_times(&self) -> bool {
        self.0.columns().times
    }

    /// Bytes that are held for it in this process.
    #[getter]
    fn nbytes(&self) -> usize {
        self.0.bytes().0
    }

    /// Bytes of a file that are mapped for it.
    #[getter]
    fn nbytes_mapped(&self) -> usize {
        self.0.bytes().1
    }

    /// Writes a file, in place of one that is there. `pools` says whether it has the list that leak of drawn batches needs
    /// in any case.
    #[pyo3(signature = (path, metadata, pools=false))]
    fn save(&self, py: Python<'_>, path: PathBuf, metadata: BTreeMap<String, String>, pools: bool) -> PyResult<()> {
        detached(py, |pause| {
            if pools && !self.0.has_pools() {
                self.0.groups_with_pools(&mut Pauses::new(pause))?;
            }
            self.0.save_with_pause(&path, &metadata, pause)
        })
    }

    /// The file that it was opened from; None where there is none.
    #[getter]
    fn path(&self) -> Option<PathBuf> {
        self.0.path().map(PathBuf::from)
    }

    /// What the file is told from others by, as 16 digits; None where there is none.
    #[getter]
    fn fingerprint(&self) -> Option<String> {
        self.0.fingerprint().map(|fingerprint| format!("{fingerprint:016x}"))
    }

    /// Whether the arrays of its file were read into memory, and are not mapped.
    #[getter]
    fn is_copied(&self) -> bool {
        self.0.is_copied()
    }

    /// What the file says besides; None where there is none.
    #[getter]
    fn metadata(&self) -> Option<BTreeMap<String, String>> {
        self.0.metadata().cloned()
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

    /// The position of every row's experiment, -1 for rows in no pool; None where experiments are not used, unless nothing
    /// else says that rows are left out.
    fn experiment_positions<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if !self.0.columns().experiments && !self.leaves_out_unsaid() {
            return Ok(None);
        }
        let groups = self.0.groups();
        let positions = detached(py, |pause| self.0.guarded(|| groups.experiment_positions(pause)))?;
        Ok(Some(positions_array(py, positions)))
    }

    /// The position of every row's condition, -1 for rows in no pool; None where conditions are not used.
    fn condition_positions<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let groups = self.0.groups();
        let positions = detached(py, |pause| self.0.guarded(|| groups.condition_positions(pause)))?;
        Ok(positions.map(|positions| positions_array(py, positions)))
    }

    /// The time of every row in hours, NaN for rows in no pool; None where times are not used.
    fn times<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(match detached(py, |pause| self.0.times(pause))? {
            None => None,
            Some(Hours::F64(times)) => Some(times.into_pyarray(py).into_any()),
            Some(Hours::F32(times)) => Some(times.into_pyarray(py).into_any()),
        })
    }
}
