//! Labels in order, as Python has them: keys, and texts one behind the other.
#![expect(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over")]

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::signals::detached;
use crate::labels::{Numbered, Texts, number_texts_with_pause, number_with_pause, take_texts_with_pause};

type Numbers<'py> = (Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<u32>>);
type Joined<'py> = (Bound<'py, PyArray1<u8>>, Bound<'py, PyArray1<u64>>);

/// The number of each key, in ascending order, and by number the first place where that key is.
#[pyfunction]
pub(super) fn number<'py>(py: Python<'py>, keys: PyReadonlyArray1<'py, u64>) -> PyResult<Numbers<'py>> {
    let keys = keys.as_slice()?;
    Ok(arrays(py, detached(py, |pause| number_with_pause(keys, pause))?))
}

/// As [`number`], for texts by their bytes; text `i` is those from `bounds[i]` to `bounds[i + 1]`.
#[pyfunction]
pub(super) fn number_texts<'py>(
    py: Python<'py>,
    joined: PyReadonlyArray1<'py, u8>,
    bounds: PyReadonlyArray1<'py, u64>,
) -> PyResult<Numbers<'py>> {
    let texts = texts(joined.as_slice()?, bounds.as_slice()?)?;
    Ok(arrays(
        py,
        detached(py, |pause| number_texts_with_pause(&texts, pause))?,
    ))
}

/// The texts at some places, as bytes and bounds of their own.
#[pyfunction]
pub(super) fn take_texts<'py>(
    py: Python<'py>,
    joined: PyReadonlyArray1<'py, u8>,
    bounds: PyReadonlyArray1<'py, u64>,
    places: PyReadonlyArray1<'py, u32>,
) -> PyResult<Joined<'py>> {
    let texts = texts(joined.as_slice()?, bounds.as_slice()?)?;
    let places = places.as_slice()?;
    let (bytes, bounds) = detached(py, |pause| take_texts_with_pause(&texts, places, pause))?;
    Ok((bytes.into_pyarray(py), bounds.into_pyarray(py)))
}

fn texts<'a>(bytes: &'a [u8], bounds: &'a [u64]) -> PyResult<Texts<'a>> {
    Texts::new(bytes, bounds).ok_or_else(|| PyValueError::new_err("bounds must ascend, and end within the bytes"))
}

fn arrays(py: Python<'_>, Numbered { numbers, places }: Numbered) -> Numbers<'_> {
    (numbers.into_pyarray(py), places.into_pyarray(py))
}
