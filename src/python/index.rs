//! What a table says, for any number of plans.
#![expect(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;
use pyo3::types::{PyDict, PyTuple, PyWeakrefMethods, PyWeakrefReference};

use super::arrays::{PyColumn, PyTimes, TableArrays};
use super::signals::detached;
use crate::columns::times::Hours;
use crate::index::{Columns, Index, Opening};
use crate::plan::Positions;
use crate::support::memory::collected;
use crate::support::pauses::Pauses;

/// The rows of a table by experiment, condition and time. It never changes.
#[pyclass(frozen, weakref, name = "Index", module = "cascade_sampler._core")]
pub(super) struct PyIndex {
    pub(super) index: Arc<Index>,
    /// Weak references to the positions that an index and its parts, which share this, are pickled as: a pickle of several of
    /// these has each column once.
    pickled: Py<PyDict>,
}

impl PyIndex {
    fn alone(py: Python<'_>, index: Index) -> Self {
        Self {
            index: Arc::new(index),
            pickled: PyDict::new(py).unbind(),
        }
    }

    /// Whether rows are left out, which none of the columns that there are says.
    fn leaves_out_unsaid(&self) -> bool {
        let (columns, groups) = (self.index.columns(), self.index.groups());
        let has_column = columns.experiments || columns.conditions || columns.times;
        !has_column && groups.kept() as usize != groups.rows()
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
    PyIndex::alone(py, index).only(py, experiments, conditions, times)
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
        let index = detached(py, |pause| Index::build_with_pause(&table, pools, pause))?;
        Ok(Self::alone(py, index))
    }

    /// The index again from its file; where it has none, from what the table said, in as few bytes a row as its labels need.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let this = slf.get();
        let columns = this.index.columns();
        if let (Some(path), Some(fingerprint)) = (this.path(), this.fingerprint()) {
            let open = py.import("cascade_sampler._core")?.getattr("open_index")?;
            let columns = (columns.experiments, columns.conditions, columns.times);
            return (open, (path, false, this.is_copied(), fingerprint, columns)).into_pyobject(py);
        }
        let groups = this.index.groups();
        let column = |codes: Bound<'py, PyAny>, labels: usize| (vec![(codes, None::<Py<PyAny>>)], labels);
        if this.leaves_out_unsaid() {
            // For as long as it takes there is a column that says it.
            let present = this.experiment_positions(py)?.map(|positions| column(positions, 1));
            let with_column = slf
                .get_type()
                .call1((groups.rows(), present, None::<Py<PyAny>>, None::<Py<PyAny>>))?;
            return (with_column.getattr("only")?, (false,)).into_pyobject(py);
        }
        let positions = |is_there: bool, name: &str| {
            if !is_there {
                return Ok(None);
            }
            let pickled = this.pickled.bind(py);
            let known = || -> PyResult<_> {
                let weak = pickled.get_item(name)?;
                Ok(weak.and_then(|weak| weak.cast::<PyWeakrefReference>().ok()?.upgrade()))
            };
            if let Some(known) = known()? {
                return Ok(Some(known));
            }
            let made = slf.call_method0(name)?;
            let weak = PyWeakrefReference::new(&made)?;
            // Making it lets other threads run, whose pickles may hold one by now.
            with_critical_section(pickled, || match known()? {
                Some(known) => Ok(Some(known)),
                None => pickled.set_item(name, weak).map(|()| Some(made)),
            })
        };
        let experiments = positions(columns.experiments, "experiment_positions")?;
        let experiments = experiments.map(|positions| column(positions, groups.experiments()));
        let conditions = positions(columns.conditions, "condition_positions")?;
        let conditions = conditions.map(|positions| column(positions, groups.condition_labels().len()));
        let times = this.times(py)?.map(|times| vec![times]);
        // A list that is there is made in the same pass on the other side.
        let pools = columns.experiments && columns.conditions && this.index.has_pools();
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
        let index = detached(py, |pause| self.index.only_with_pause(columns, pause))?;
        Ok(Self {
            index: Arc::new(index),
            pickled: self.pickled.clone_ref(py),
        })
    }

    /// Rows of the table.
    #[getter]
    fn rows(&self) -> usize {
        self.index.groups().rows()
    }

    /// Rows that are in a pool.
    #[getter]
    fn kept(&self) -> u32 {
        self.index.groups().kept()
    }

    /// Whether there is a column of experiments.
    #[getter]
    fn has_experiments(&self) -> bool {
        self.index.columns().experiments
    }

    /// Whether there is a column of conditions.
    #[getter]
    fn has_conditions(&self) -> bool {
        self.index.columns().conditions
    }

    /// Whether there is a column of times.
    #[getter]
    fn has_times(&self) -> bool {
        self.index.columns().times
    }

    /// Bytes that are held for it in this process.
    #[getter]
    fn nbytes(&self) -> usize {
        self.index.bytes().0
    }

    /// Bytes of a file that are mapped for it.
    #[getter]
    fn nbytes_mapped(&self) -> usize {
        self.index.bytes().1
    }

    /// Writes a file, in place of one that is there. `pools` says whether it has the list that leak of drawn batches needs
    /// in any case.
    #[pyo3(signature = (path, metadata, pools=false))]
    fn save(&self, py: Python<'_>, path: PathBuf, metadata: BTreeMap<String, String>, pools: bool) -> PyResult<()> {
        detached(py, |pause| {
            if pools && !self.index.has_pools() {
                self.index.groups_with_pools(&mut Pauses::new(pause))?;
            }
            self.index.save_with_pause(&path, &metadata, pause)
        })
    }

    /// The file that it was opened from; None where there is none.
    #[getter]
    fn path(&self) -> Option<PathBuf> {
        self.index.path().map(PathBuf::from)
    }

    /// What the file is told from others by, as 16 digits; None where there is none.
    #[getter]
    fn fingerprint(&self) -> Option<String> {
        self.index
            .fingerprint()
            .map(|fingerprint| format!("{fingerprint:016x}"))
    }

    /// Whether the arrays of its file were read into memory, and are not mapped.
    #[getter]
    fn is_copied(&self) -> bool {
        self.index.is_copied()
    }

    /// What the file says besides; None where there is none.
    #[getter]
    fn metadata(&self) -> Option<BTreeMap<String, String>> {
        self.index.metadata().cloned()
    }

    /// Label numbers of the experiments that have rows.
    #[getter]
    fn experiment_labels<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        Ok(collected(self.index.groups().experiment_labels().iter().copied())?.into_pyarray(py))
    }

    /// Label numbers of the conditions that have rows.
    #[getter]
    fn condition_labels<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        Ok(collected(self.index.groups().condition_labels().iter().copied())?.into_pyarray(py))
    }

    /// Rows of each experiment.
    #[getter]
    fn sizes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let groups = self.index.groups();
        let sizes = collected((0..groups.experiments()).map(|position| i64::from(groups.size(position))))?;
        Ok(sizes.into_pyarray(py))
    }

    /// Experiment, condition and rows of each cell that has rows.
    fn cells<'py>(&self, py: Python<'py>) -> PyResult<[Bound<'py, PyArray1<i64>>; 3]> {
        let cells = self.index.groups().cells();
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
        if !self.index.columns().experiments && !self.leaves_out_unsaid() {
            return Ok(None);
        }
        let groups = self.index.groups();
        let positions = detached(py, |pause| self.index.guarded(|| groups.experiment_positions(pause)))?;
        Ok(Some(positions_array(py, positions)))
    }

    /// The position of every row's condition, -1 for rows in no pool; None where conditions are not used.
    fn condition_positions<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let groups = self.index.groups();
        let positions = detached(py, |pause| self.index.guarded(|| groups.condition_positions(pause)))?;
        Ok(positions.map(|positions| positions_array(py, positions)))
    }

    /// The time of every row in hours, NaN for rows in no pool; None where times are not used.
    fn times<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(match detached(py, |pause| self.index.times(pause))? {
            None => None,
            Some(Hours::F64(times)) => Some(times.into_pyarray(py).into_any()),
            Some(Hours::F32(times)) => Some(times.into_pyarray(py).into_any()),
        })
    }
}
