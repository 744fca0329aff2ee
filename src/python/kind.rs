//! What batches are handed out as.

use numpy::IntoPyArray;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;

use crate::batch::{Row, check_width};
use crate::error::Error;

/// What batches are handed out as.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    I64,
    I32,
    U32,
    List,
}

impl Kind {
    pub(super) fn parse(name: &str) -> PyResult<Self> {
        match name {
            "int64" => Ok(Self::I64),
            "int32" => Ok(Self::I32),
            "uint32" => Ok(Self::U32),
            "list" => Ok(Self::List),
            _ => Err(PyValueError::new_err(format!("no such index_dtype: {name}"))),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::U32 => "uint32",
            Self::List => "list",
        }
    }

    /// Refuses what cannot hold the table's row numbers.
    pub(super) fn check(self, rows: usize) -> Result<(), Error> {
        match self {
            Self::I64 | Self::List => check_width::<i64>(rows),
            Self::I32 => check_width::<i32>(rows),
            Self::U32 => check_width::<u32>(rows),
        }
    }
}

/// Rows as an array.
pub(super) fn array<T: Row + numpy::Element>(py: Python<'_>, rows: Vec<T>) -> Bound<'_, PyAny> {
    rows.into_pyarray(py).into_any()
}

/// Rows as a list. numpy makes it: where memory is short, that is an exception with numpy.
pub(super) fn list(py: Python<'_>, rows: Vec<i64>) -> PyResult<Bound<'_, PyAny>> {
    array(py, rows).call_method0(intern!(py, "tolist"))
}
