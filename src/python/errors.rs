//! What goes wrong in the core, as Python exceptions.

use std::io::ErrorKind;

use pyo3::exceptions::{PyFileNotFoundError, PyMemoryError, PyOSError, PyPermissionError, PyValueError};
use pyo3::prelude::*;

use crate::error::Error;

pyo3::create_exception!(
    _core,
    NoConditionError,
    PyValueError,
    "An experiment that can be picked has no condition to draw from; `args[1]` is the number of its label."
);

pyo3::create_exception!(
    _core,
    NoBatchesError,
    PyValueError,
    "The table does not fill one batch."
);

pyo3::create_exception!(
    _core,
    TooFewSeatsError,
    PyValueError,
    "More conditions share a batch than it has seats; `args[1:]` are the number of the experiment's label, the conditions \
     and the seats."
);

pyo3::create_exception!(
    _core,
    RatioNotAllowedError,
    PyValueError,
    "A condition that takes turns has a ratio other than 0 and 1; `args[1:]` are the number of its label and the ratio."
);

pyo3::create_exception!(
    _core,
    IndexFileError,
    PyValueError,
    "A file is no index, is damaged, or is another than it was."
);

/// What the core says, in the words of Python's arguments where those are others.
fn message(error: &Error) -> String {
    match error {
        Error::Window { found } => format!("temporal_window_hours must not be negative or NaN, got {found}"),
        Error::GlobalFraction { found } => {
            format!("temporal_global_fraction must be a fraction in [0, 1], got {found}")
        }
        Error::NoBatches { rows, batch_size } => format!(
            "{rows} rows do not fill one batch of {batch_size}: lower batch_size, set drop_last=False, or say how many \
             batches an epoch has with num_batches"
        ),
        // Both begin with the setting's name.
        Error::Batches { .. } | Error::BrokenBlocks { .. } => format!("num_{error}"),
        Error::TooManyBatches { total } => format!(
            "an epoch would have {total} batches, and must have fewer than 2^32 = 4294967296: raise batch_size, or lower \
             num_batches"
        ),
        Error::TooFewSeats {
            experiment,
            conditions,
            seats,
        } => format!(
            "{conditions} conditions share a batch of experiment {experiment}, which has {seats} seats for them: raise \
             batch_size, or pass conditions_per_batch={seats} or fewer"
        ),
        Error::Rank { replicas, rank } => format!(
            "num_replicas must be in 1..2^32 and rank in 0..num_replicas, got num_replicas={replicas}, rank={rank}"
        ),
        Error::Seed { seed, epoch } => format!("seed + epoch must be below 2^64, got seed={seed}, epoch={epoch}"),
        Error::Ragged { last, size } => format!(
            "the last batch has {last} rows and the others {size}, which is no array of one shape: iterate over the \
             sampler, or set drop_last=True"
        ),
        error => error.to_string(),
    }
}

/// The one table from core errors to Python exceptions.
impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let message = message(&error);
        match error {
            Error::OutOfMemory { .. } => PyMemoryError::new_err(message),
            Error::NoCondition { experiment } => NoConditionError::new_err((message, experiment)),
            Error::TooFewSeats {
                experiment,
                conditions,
                seats,
            } => TooFewSeatsError::new_err((message, experiment, conditions, seats)),
            Error::RatioNotAllowed { label, found } => RatioNotAllowedError::new_err((message, label, found)),
            Error::NoBatches { .. } => NoBatchesError::new_err(message),
            Error::File { kind, .. } => match kind {
                ErrorKind::NotFound => PyFileNotFoundError::new_err(message),
                ErrorKind::PermissionDenied => PyPermissionError::new_err(message),
                _ => PyOSError::new_err(message),
            },
            Error::NotAnIndex { .. }
            | Error::IndexVersion { .. }
            | Error::Damaged { .. }
            | Error::OtherIndex { .. } => IndexFileError::new_err(message),
            _ => PyValueError::new_err(message),
        }
    }
}
