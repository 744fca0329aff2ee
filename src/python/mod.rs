//! The extension module `cascade_sampler._core`: everything that speaks Python.
//!
//! Wrappers extract, let go of the interpreter where the work is long, and convert. Arguments are checked by the Python
//! side, which knows their names; what slips through is refused by the core.

mod arrays;
mod audit;
mod dealt;
mod decks;
mod errors;
mod feed;
mod generator;
mod index;
mod kind;
mod labels;
mod plan;
mod settings;
mod signals;

use pyo3::prelude::*;

/// The compiled core of `cascade_sampler`.
#[pymodule(gil_used = false)]
mod _core {
    use super::{Bound, PyModule, PyModuleMethods, PyResult};
    #[pymodule_export]
    use super::{
        arrays::combine_columns,
        arrays::count,
        dealt::{PyCoverage, dealt_plan},
        decks::PyDeck,
        errors::IndexFileError,
        errors::NoBatchesError,
        errors::NoConditionError,
        errors::RatioNotAllowedError,
        errors::TooFewSeatsError,
        feed::{PyBatches, PyFeed},
        generator::PyGenerator,
        index::PyIndex,
        index::open_index,
        labels::number,
        labels::number_texts,
        labels::take_texts,
        plan::PyPlan,
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
