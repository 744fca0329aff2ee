//! An audit as columns.

use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arrays::field;
use crate::audit::{Audit, Reach, WindowReach};

/// An audit by the names of its columns.
pub(super) fn audit_columns<'py>(
    py: Python<'py>,
    audit: Audit,
    reaches: &[Reach],
    windows: &[WindowReach],
) -> PyResult<Bound<'py, PyDict>> {
    let columns = PyDict::new(py);
    let of = &audit.experiments[..];
    columns.set_item("batches_full", field(py, of, |of| of.full)?)?;
    columns.set_item("batches_short", field(py, of, |of| of.short)?)?;
    columns.set_item("batches_replaced", field(py, of, |of| of.replaced)?)?;
    let of = &audit.units[..];
    columns.set_item("unit_asked", field(py, of, |of| of.asked)?)?;
    columns.set_item("unit_got", field(py, of, |of| of.got)?)?;
    columns.set_item("unit_leaked", field(py, of, |of| of.leaked)?)?;
    let of = &audit.times[..];
    columns.set_item("time_hours", field(py, of, |of| of.hours)?)?;
    columns.set_item("time_batches", field(py, of, |of| of.batches)?)?;
    columns.set_item("time_near", field(py, of, |of| of.near)?)?;
    columns.set_item("time_far", field(py, of, |of| of.far)?)?;
    columns.set_item("time_fallback", field(py, of, |of| of.fallback)?)?;
    let of = &audit.first[..];
    columns.set_item("first_batch", field(py, of, |of| of.batch)?)?;
    columns.set_item("first_picked", field(py, of, |of| of.picked)?)?;
    columns.set_item("first_unit", field(py, of, |of| of.unit)?)?;
    columns.set_item("first_leak", field(py, of, |of| of.leak)?)?;
    columns.set_item("first_seats", field(py, of, |of| of.seats)?)?;
    columns.set_item("reach_unit", field(py, reaches, |of| of.unit)?)?;
    columns.set_item("reach_rows", field(py, reaches, |of| of.rows)?)?;
    columns.set_item("reach_rate", field(py, reaches, |of| of.rate)?)?;
    columns.set_item("window_whole", field(py, windows, |of| of.whole)?)?;
    columns.set_item("window_scarce", field(py, windows, |of| of.scarce)?)?;
    columns.set_item("window_near", field(py, windows, |of| of.near)?)?;
    columns.set_item("window_seats", field(py, windows, |of| of.seats)?)?;
    columns.set_item("seen", audit.seen.into_pyarray(py))?;
    let of = &audit.draws[..];
    columns.set_item("draw_times", field(py, of, |&(times, _)| times)?)?;
    columns.set_item("draw_rows", field(py, of, |&(_, rows)| rows)?)?;
    columns.set_item("batches", audit.batches)?;
    columns.set_item("seats", audit.seats)?;
    columns.set_item("leak_asked", audit.leak_asked)?;
    columns.set_item("dealt", audit.dealt)?;
    columns.set_item("duplicates", audit.duplicates)?;
    columns.set_item("batches_with_duplicates", audit.batches_with_duplicates)?;
    for (name, pairs) in [("pairs", audit.pairs), ("table_pairs", audit.table_pairs)] {
        let counts = [pairs.all, pairs.experiment, pairs.condition, pairs.both, pairs.near];
        columns.set_item(name, counts)?;
    }
    Ok(columns)
}
