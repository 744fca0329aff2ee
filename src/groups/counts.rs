//! How often each label occurs.

use std::ops::Range;

use crate::columns::is_dense;
use crate::error::Error;
use crate::groups::labels::Labels;
use crate::support::cores::both;
use crate::support::memory::{collected, filled};
use crate::support::pauses::Pauses;

/// How often each label occurs.
pub(super) struct Counts {
    pub(super) experiments: Vec<u32>,
    pub(super) conditions: Vec<u32>,
    /// Where the table of all pairs is small.
    pub(super) cells: Option<CellCounts>,
}

/// How often each pair of labels occurs, by experiment, then condition.
pub(super) struct CellCounts {
    pub(super) all: Vec<u32>,
    /// Where two cores share the rows.
    pub(super) first_half: Option<FirstHalf>,
}

/// The first half of the rows.
pub(super) struct FirstHalf {
    /// How many they are.
    pub(super) rows: usize,
    /// How often each pair occurs in them.
    pub(super) cells: Vec<u32>,
}

impl Counts {
    pub(super) fn new<E: From<Error>>(labels: &Labels<'_>, pauses: &mut Pauses<'_, E>) -> Result<Self, E> {
        let (height, width) = (labels.experiments(), labels.conditions());
        let mut counts = Self {
            experiments: filled(height, 0)?,
            conditions: filled(width, 0)?,
            cells: None,
        };
        match height.checked_mul(width) {
            Some(possible) if is_dense(possible, labels.rows()) => {
                let cells = CellCounts::new(labels, possible, pauses)?;
                for (of_experiment, counted) in counts.experiments.iter_mut().zip(cells.all.chunks_exact(width.max(1)))
                {
                    *of_experiment = counted.iter().sum();
                    let conditions = counts.conditions.iter_mut().zip(counted);
                    conditions.for_each(|(sum, count)| *sum += count);
                }
                counts.cells = Some(cells);
            }
            _ => {
                labels.each(0..labels.rows(), pauses, |_, e, c| {
                    counts.experiments[e as usize] += 1;
                    counts.conditions[c as usize] += 1;
                })?;
            }
        }
        Ok(counts)
    }
}

impl CellCounts {
    fn new<E: From<Error>>(labels: &Labels<'_>, possible: usize, pauses: &mut Pauses<'_, E>) -> Result<Self, E> {
        let Some(half) = labels.half(possible) else {
            return Ok(Self {
                all: count(labels, 0..labels.rows(), possible, pauses)?,
                first_half: None,
            });
        };
        let (cells, mut all) = both(
            pauses,
            |pauses| count(labels, 0..half, possible, pauses),
            |pauses| count(labels, half..labels.rows(), possible, pauses),
        )?;
        all.iter_mut().zip(&cells).for_each(|(all, count)| *all += count);
        Ok(Self {
            all,
            first_half: Some(FirstHalf { rows: half, cells }),
        })
    }
}

impl FirstHalf {
    /// How often each experiment occurs, where so many cells are one's.
    pub(super) fn experiments(&self, width: usize) -> Result<Vec<u32>, Error> {
        let cells = self.cells.chunks_exact(width.max(1));
        collected(cells.map(|cells| cells.iter().sum()))
    }
}

/// Counts the pairs of labels, of which so many are possible, in some of the rows.
fn count<E: From<Error>>(
    labels: &Labels<'_>,
    rows: Range<usize>,
    possible: usize,
    pauses: &mut Pauses<'_, E>,
) -> Result<Vec<u32>, E> {
    // Neighbouring rows mostly share a cell: with several tables one addition does not wait for the last.
    let lanes = if possible < 4096 { 4 } else { 1 };
    let width = labels.conditions();
    let mut cells: Vec<u32> = filled(lanes * possible, 0)?;
    labels.each(rows, pauses, |row, e, c| {
        cells[(row as usize & (lanes - 1)) * possible + e as usize * width + c as usize] += 1;
    })?;
    let (sums, others) = cells.split_at_mut(possible);
    for table in others.chunks_exact(possible.max(1)) {
        sums.iter_mut().zip(table).for_each(|(sum, count)| *sum += count);
    }
    cells.truncate(possible);
    Ok(cells)
}
