//! The generator.

use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::draw::{Generator, Slots, seed_words};
use crate::support::memory::filled;

/// The draws beneath the batches, for those who port or test them.
#[pyclass(name = "Generator", module = "cascade_sampler._core")]
pub(super) struct PyGenerator(Generator);

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
        self.0.sample(population, &mut out, &mut slots)?;
        Ok(out.into_pyarray(py))
    }
}
