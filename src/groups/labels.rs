//! The labels that rows are sorted by, read row by row.

use std::ops::Range;

use crate::columns::MISSING;
use crate::columns::Table;
use crate::columns::{BLOCK, Column, Reader};
use crate::error::Error;
use crate::support::cores::are_two;
use crate::support::memory::room;
use crate::support::pauses::Pauses;

/// Labels of a column beyond four for each row, from which on those that occur are numbered anew: a table of all labels would
/// dwarf the rows.
const MANY: usize = 1 << 20;
/// Rows from which on two cores share them, and how many there must be for each pair of labels. In tests they are few.
const SHARED: usize = if cfg!(test) { 1 << 11 } else { 1 << 22 };
const SHARED_PAIR: usize = 64;

/// The experiment and the condition of every row.
pub(super) struct Labels<'a> {
    rows: usize,
    experiments: Option<Numbers<'a>>,
    conditions: Option<Numbers<'a>>,
    /// Rows that may be drawn at all; `None` where all may.
    present: Option<&'a [bool]>,
}

/// A column's labels as numbers that are few beside the rows, in the same order.
struct Numbers<'a> {
    column: &'a Column<'a>,
    /// The label numbers that occur, ascending, where a label's place among them stands for it. `None` where the column's
    /// own numbers are few enough.
    occurring: Option<Vec<u32>>,
}

impl<'a> Labels<'a> {
    /// Of a table that was checked.
    pub(super) fn new<E: From<Error>>(
        table: &'a Table<'a>,
        present: Option<&'a [bool]>,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Self, E> {
        let mut numbers =
            |column: &'a Option<Column<'a>>| column.as_ref().map(|column| Numbers::new(column, pauses)).transpose();
        Ok(Self {
            rows: table.rows,
            experiments: numbers(&table.experiments)?,
            conditions: numbers(&table.conditions)?,
            present,
        })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn has_experiments(&self) -> bool {
        self.experiments.is_some()
    }

    pub(super) fn has_conditions(&self) -> bool {
        self.conditions.is_some()
    }

    /// How many numbers stand for experiments, those without rows included.
    pub(super) fn experiments(&self) -> usize {
        self.experiments.as_ref().map_or(1, Numbers::count)
    }

    /// How many numbers stand for conditions, those without rows included.
    pub(super) fn conditions(&self) -> usize {
        self.conditions.as_ref().map_or(1, Numbers::count)
    }

    /// Turns numbers that stand for experiments into numbers of the column's labels.
    pub(super) fn name_experiments(&self, numbers: &mut [u32]) {
        self.experiments.iter().for_each(|column| column.name(numbers));
    }

    /// Turns numbers that stand for conditions into numbers of the column's labels.
    pub(super) fn name_conditions(&self, numbers: &mut [u32]) {
        self.conditions.iter().for_each(|column| column.name(numbers));
    }

    /// How many rows are the first half, if two cores shall share them, each with a table of so many pairs of labels: where rows
    /// are many, and pairs few beside them.
    pub(super) fn half(&self, pairs: usize) -> Option<usize> {
        let is_worth_it = self.rows >= SHARED && pairs <= self.rows / SHARED_PAIR && are_two();
        is_worth_it.then_some((self.rows / 2).next_multiple_of(BLOCK))
    }

    /// Calls `visit(row, experiment, condition)` for every one of some rows that has both, in row order. Returns how many have.
    pub(super) fn each<E: From<Error>>(
        &self,
        rows: Range<usize>,
        pauses: &mut Pauses<'_, E>,
        mut visit: impl FnMut(u32, u32, u32),
    ) -> Result<u32, E> {
        let mut experiments = self.experiments.as_ref().map(|column| column.reader(rows.start));
        let mut conditions = self.conditions.as_ref().map(|column| column.reader(rows.start));
        let (mut e, mut c) = ([0; BLOCK], [0; BLOCK]);
        let mut visited = 0;
        for start in rows.clone().step_by(BLOCK) {
            let block = BLOCK.min(rows.end - start);
            match &mut experiments {
                Some(reader) => reader.next(&mut e[..block])?,
                None => e.fill(0),
            }
            if let Some(reader) = &mut conditions {
                reader.next(&mut c[..block])?;
            }
            if let Some(present) = self.present {
                for (e, &present) in e.iter_mut().zip(&present[start..start + block]) {
                    *e = if present { *e } else { MISSING };
                }
            }
            for (row, e, c) in numbered(start as u32, &e[..block], &c[..block]) {
                if e != MISSING && c != MISSING {
                    visited += 1;
                    visit(row, e, c);
                }
            }
            pauses.after(block)?;
        }
        Ok(visited)
    }
}

/// Rows from `start` on, each with its two labels.
#[inline]
fn numbered(start: u32, e: &[u32], c: &[u32]) -> impl Iterator<Item = (u32, u32, u32)> {
    // The rows come last: a range that is asked for the one behind row 2^32 - 1 would wrap.
    e.iter().zip(c).zip(start..).map(|((&e, &c), row)| (row, e, c))
}

impl<'a> Numbers<'a> {
    fn new<E: From<Error>>(column: &'a Column<'a>, pauses: &mut Pauses<'_, E>) -> Result<Self, E> {
        let few = column.len().saturating_mul(4).saturating_add(MANY);
        let occurring = if column.bound() as usize > few {
            Some(occurring(column, pauses)?)
        } else {
            None
        };
        Ok(Self { column, occurring })
    }

    fn count(&self) -> usize {
        self.occurring.as_ref().map_or(self.column.bound() as usize, Vec::len)
    }

    fn name(&self, numbers: &mut [u32]) {
        if let Some(occurring) = &self.occurring {
            for number in numbers {
                *number = occurring[*number as usize];
            }
        }
    }

    fn reader(&self, first: usize) -> NumberReader<'_> {
        NumberReader {
            column: self.column.reader_at(first),
            occurring: self.occurring.as_deref(),
        }
    }
}

/// The label numbers that occur in a column, ascending.
fn occurring<E: From<Error>>(column: &Column<'_>, pauses: &mut Pauses<'_, E>) -> Result<Vec<u32>, E> {
    let mut numbers = room(column.len())?;
    let mut reader = column.reader();
    let mut block = [0; BLOCK];
    for start in (0..column.len()).step_by(BLOCK) {
        let block = &mut block[..BLOCK.min(column.len() - start)];
        reader.next(block)?;
        numbers.extend(block.iter().filter(|&&number| number != MISSING));
        pauses.after(block.len())?;
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// Reads a column block by block, as the numbers that stand for its labels.
struct NumberReader<'a> {
    column: Reader<'a>,
    occurring: Option<&'a [u32]>,
}

impl NumberReader<'_> {
    fn next(&mut self, out: &mut [u32]) -> Result<(), Error> {
        self.column.next(out)?;
        if let Some(occurring) = self.occurring {
            for number in out.iter_mut().filter(|number| **number != MISSING) {
                // Only a column that is written to while it is read can have a new one.
                *number = occurring.binary_search(number).map_err(|_| Error::Code)? as u32;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rows_of_the_largest_table() {
        let rows: Vec<_> = numbered(u32::MAX - 2, &[1, 2], &[3, 4]).collect();
        assert_eq!(rows, [(u32::MAX - 2, 1, 3), (u32::MAX - 1, 2, 4)]);
    }
}
