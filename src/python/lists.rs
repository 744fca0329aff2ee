//! Lists of Python. Their memory is asked for before it is used, as is all that is in proportion to what comes in.

use numpy::{Element, IntoPyArray};
use pyo3::conversion::FromPyObjectOwned;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::support::memory::{push, room};

/// The items of a list.
pub(super) struct List<T>(pub(super) Vec<T>);

impl<'a, 'py, T: FromPyObjectOwned<'py>> FromPyObject<'a, 'py> for List<T> {
    type Error = PyErr;

    /// Of a list alone: another sequence may say that it is longer than there is memory for.
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let list = object.cast::<PyList>()?;
        let mut items = room(list.len())?;
        for item in list.iter() {
            push(&mut items, item.extract::<T>().map_err(Into::into)?)?;
        }
        Ok(Self(items))
    }
}

/// Numbers as a list. numpy makes it: where memory is short, that is an exception with numpy.
pub(super) fn list<T: Element>(py: Python<'_>, numbers: Vec<T>) -> PyResult<Bound<'_, PyAny>> {
    numbers.into_pyarray(py).call_method0(intern!(py, "tolist"))
}
