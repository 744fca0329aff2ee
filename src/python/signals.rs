//! Long work without the interpreter, which answers Ctrl-C nevertheless.

use std::time::{Duration, Instant};

use pyo3::prelude::*;

/// How often a long call looks for Ctrl-C.
const SIGNALS_EVERY: Duration = Duration::from_millis(40);

/// Runs `work` without the interpreter; the pause it is given answers Ctrl-C.
pub(super) fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&mut dyn FnMut() -> PyResult<()>) -> PyResult<T> + Send,
) -> PyResult<T> {
    watched(py, |_, _| Ok(()), |pause| work(&mut || pause(0)))
}

/// As [`detached`]; what the pause is given is told now and then.
pub(super) fn watched<T: Send>(
    py: Python<'_>,
    tell: impl Fn(Python<'_>, u64) -> PyResult<()> + Sync,
    work: impl FnOnce(&mut dyn FnMut(u64) -> PyResult<()>) -> PyResult<T> + Send,
) -> PyResult<T> {
    py.detach(|| {
        let mut looked = Instant::now();
        work(&mut |done| {
            if looked.elapsed() < SIGNALS_EVERY {
                return Ok(());
            }
            looked = Instant::now();
            Python::attach(|py| {
                py.check_signals()?;
                tell(py, done)
            })
        })
    })
}
