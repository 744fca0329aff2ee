//! Arrays: columns that come in, and fields that go out.

use numpy::{
    IntoPyArray, PyArray1, PyArrayDescrMethods, PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods, dtype,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::lists::List;
use super::signals::detached;
use crate::columns::times::Times;
use crate::columns::{Chunk, Codes, Column, Table, combine_with_pause};
use crate::support::memory::collected;

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
pub(super) type PyColumn<'py> = (List<(Bound<'py, PyAny>, Option<PyReadonlyArray1<'py, u32>>)>, usize);

/// A column's arrays, held while the core reads them.
pub(super) struct ColumnArrays<'py> {
    chunks: Vec<(Ints<'py>, Option<PyReadonlyArray1<'py, u32>>)>,
    labels: usize,
}

impl<'py> ColumnArrays<'py> {
    pub(super) fn new((List(chunks), labels): PyColumn<'py>) -> PyResult<Self> {
        let chunks = chunks
            .into_iter()
            .map(|(codes, ranks)| Ok((Ints::extract(&codes)?, ranks)))
            .collect::<PyResult<_>>()?;
        Ok(Self { chunks, labels })
    }

    pub(super) fn column(&self) -> PyResult<Column<'_>> {
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
pub(super) enum PyTimes<'py> {
    F64(List<PyReadonlyArray1<'py, f64>>),
    F32(List<PyReadonlyArray1<'py, f32>>),
}

impl PyTimes<'_> {
    pub(super) fn times(&self) -> PyResult<Times<'_>> {
        fn slices<'a, T: numpy::Element>(chunks: &'a [PyReadonlyArray1<'_, T>]) -> PyResult<Vec<&'a [T]>> {
            chunks.iter().map(|chunk| Ok(chunk.as_slice()?)).collect()
        }
        Ok(match self {
            Self::F64(List(chunks)) => Times::F64(slices(chunks)?),
            Self::F32(List(chunks)) => Times::F32(slices(chunks)?),
        })
    }
}

/// A table's arrays, held while the core reads them.
pub(super) struct TableArrays<'py> {
    rows: usize,
    experiments: Option<ColumnArrays<'py>>,
    conditions: Option<ColumnArrays<'py>>,
    times: Option<PyTimes<'py>>,
}

impl<'py> TableArrays<'py> {
    pub(super) fn new(
        rows: usize,
        experiments: Option<PyColumn<'py>>,
        conditions: Option<PyColumn<'py>>,
        times: Option<PyTimes<'py>>,
    ) -> PyResult<Self> {
        Ok(Self {
            rows,
            experiments: experiments.map(ColumnArrays::new).transpose()?,
            conditions: conditions.map(ColumnArrays::new).transpose()?,
            times,
        })
    }

    pub(super) fn table(&self) -> PyResult<Table<'_>> {
        Ok(Table {
            rows: self.rows,
            experiments: self.experiments.as_ref().map(ColumnArrays::column).transpose()?,
            conditions: self.conditions.as_ref().map(ColumnArrays::column).transpose()?,
            times: self.times.as_ref().map(PyTimes::times).transpose()?,
        })
    }
}

/// How often each of `labels` codes occurs, and how many codes are negative.
#[pyfunction]
pub(super) fn count<'py>(codes: &Bound<'py, PyAny>, labels: usize) -> PyResult<(Bound<'py, PyArray1<u64>>, u64)> {
    let array = Ints::extract(codes)?;
    let codes_slice = array.codes()?;
    let mut counts = detached(codes.py(), |pause| codes_slice.count_with_pause(labels, pause))?;
    let missing = counts.pop().unwrap_or(0);
    Ok((counts.into_pyarray(codes.py()), missing))
}

/// Two arrays of the same length, one a side of the pairs.
pub(super) type PairArrays<'py> = (Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<u32>>);

/// Combines two columns into one of their pairs: a number a row, and the label numbers of each pair's two sides.
#[pyfunction]
#[pyo3(name = "combine")]
pub(super) fn combine_columns<'py>(
    py: Python<'py>,
    first: PyColumn<'py>,
    second: PyColumn<'py>,
) -> PyResult<(Bound<'py, PyArray1<u32>>, PairArrays<'py>)> {
    let (first, second) = (ColumnArrays::new(first)?, ColumnArrays::new(second)?);
    let (first, second) = (first.column()?, second.column()?);
    let (codes, pairs) = detached(py, |pause| combine_with_pause(&first, &second, pause))?;
    let sides = (field(py, &pairs, |&(a, _)| a)?, field(py, &pairs, |&(_, b)| b)?);
    Ok((codes.into_pyarray(py), sides))
}

/// One field of each of some records, as an array.
pub(super) fn field<'py, R, T: numpy::Element>(
    py: Python<'py>,
    records: &[R],
    of: impl Fn(&R) -> T,
) -> PyResult<Bound<'py, PyArray1<T>>> {
    Ok(collected(records.iter().map(of))?.into_pyarray(py))
}
