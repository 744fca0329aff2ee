//! What goes wrong in the core, as Python exceptions.

use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;

use crate::error::Error;

pyo3::create_exception!(
    _core,
    NoConditionError,
    PyValueError,
    "An experiment that can be picked has no condition to draw from; `args[1]` is the number of its label."
);

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
