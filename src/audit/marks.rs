//! Of every row its unit and how often it was drawn, in four bytes.

use super::tally::Tally;
use crate::error::Error;
use crate::groups::{Groups, Order};
use crate::plan::Plan;
use crate::support::memory::{collected, filled, prefetch};
use crate::support::pauses::{ENTRIES, Pauses};

/// For every row its unit and how often it was drawn, in one number.
pub(super) struct Marks {
    of_rows: Vec<u32>,
    /// Whether they lie in the order that all seats are drawn from, so that no row is looked up; else in that of the table.
    by_entry: bool,
    /// Bits of the unit, the lower ones.
    bits: u32,
    /// Draws that the upper bits had no more room for.
    spilled: Tally<u32, u64>,
    /// With no bit to spare for draws: whether each row was drawn, a bit a row.
    drawn: Vec<u64>,
    seen: u64,
}

impl Marks {
    pub(super) fn new<E: From<Error>>(plan: &Plan, pauses: &mut Pauses<'_, E>) -> Result<Self, E> {
        let groups = plan.groups();
        let units = if groups.cells().is_empty() {
            groups.experiments()
        } else {
            groups.cells().len()
        };
        // Times are looked up by row in any case.
        let by_entry = plan.focus().is_none() && (groups.cells().is_empty() || groups.pool_order() == Order::Cells);
        let len = if by_entry {
            groups.kept() as usize
        } else {
            groups.rows()
        };
        let mut marks = Self {
            by_entry,
            ..Self::with_bits(len, usize::BITS - (units - 1).leading_zeros())?
        };
        // The first unit's marks are what all were filled with.
        for unit in 1..units {
            if by_entry {
                for marks in marks.of_rows[entries_of(groups, unit)].chunks_mut(ENTRIES) {
                    marks.fill(unit as u32);
                    pauses.after(marks.len())?;
                }
                continue;
            }
            let order = if groups.cells().is_empty() {
                groups.pool_order()
            } else {
                Order::Cells
            };
            let rows = &groups.entries(order).unwrap_or_default()[entries_of(groups, unit)];
            for rows in rows.chunks(ENTRIES) {
                for &row in rows {
                    marks.of_rows[row as usize] = unit as u32;
                }
                pauses.after(rows.len())?;
            }
        }
        Ok(marks)
    }

    fn with_bits(rows: usize, bits: u32) -> Result<Self, Error> {
        Ok(Self {
            of_rows: filled(rows, 0)?,
            by_entry: false,
            bits,
            spilled: Tally::default(),
            drawn: filled(if bits == u32::BITS { rows.div_ceil(64) } else { 0 }, 0)?,
            seen: 0,
        })
    }

    /// Whether a row's mark is at its entry in the order that all seats are drawn from; else it is at the row.
    pub(super) fn are_by_entry(&self) -> bool {
        self.by_entry
    }

    /// Rows that were drawn.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// Asks for the mark of a row, or of an entry, ahead of its draw.
    #[inline]
    pub(super) fn prefetch(&self, row: u32) {
        prefetch(&self.of_rows, row as usize);
    }

    /// Counts a draw of a row, or of an entry, and returns its unit.
    #[inline]
    pub(super) fn draw(&mut self, row: u32) -> Result<u32, Error> {
        let mark = &mut self.of_rows[row as usize];
        let unit = (u64::from(*mark) & ((1 << self.bits) - 1)) as u32;
        let one = 1_u64 << self.bits;
        if let Ok(more) = u32::try_from(u64::from(*mark) + one) {
            self.seen += u64::from(u64::from(*mark) < one);
            *mark = more;
        } else {
            self.spill(row)?;
        }
        Ok(unit)
    }

    #[cold]
    fn spill(&mut self, row: u32) -> Result<(), Error> {
        if let Some(drawn) = self.drawn.get_mut(row as usize / 64) {
            let bit = 1 << (row % 64);
            self.seen += u64::from(*drawn & bit == 0);
            *drawn |= bit;
        }
        self.spilled.add(row, 1)
    }

    /// How many rows were drawn how many times, by the latter. Rows that are left out are none: `kept` are not.
    pub(super) fn draws<E: From<Error>>(self, kept: u32, pauses: &mut Pauses<'_, E>) -> Result<Vec<(u64, u64)>, E> {
        let mut few = [0_u64; 256];
        let mut many = Tally::default();
        let mut spilled = self.spilled.sums().peekable();
        for (start, marks) in (0..).step_by(ENTRIES).zip(self.of_rows.chunks(ENTRIES)) {
            for (row, &mark) in (start..).zip(marks) {
                let more = spilled
                    .next_if(|&(spilled, _)| spilled == row)
                    .map_or(0, |(_, more)| more);
                let count = (u64::from(mark) >> self.bits) + more;
                match few.get_mut(count as usize) {
                    Some(rows) => *rows += 1,
                    None => many.add(count, 1_u64)?,
                }
            }
            pauses.after(marks.len())?;
        }
        few[0] -= (self.of_rows.len() - kept as usize) as u64;
        let mut draws = Tally::default();
        for (count, rows) in (0..).zip(few).filter(|&(_, rows)| rows > 0) {
            draws.add(count, rows)?;
        }
        for (count, rows) in many.sums() {
            draws.add(count, rows)?;
        }
        Ok(collected(draws.sums())?)
    }
}

/// The entries of a unit.
fn entries_of(groups: &Groups, unit: usize) -> std::ops::Range<usize> {
    let (start, end) = match groups.cells().get(unit) {
        Some(cell) => (cell.start, cell.start + cell.rows),
        None => (groups.starts()[unit], groups.starts()[unit + 1]),
    };
    start as usize..end as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn counts_that_the_upper_bits_do_not_hold() {
        let rows = 200;
        for bits in [0, 20, 25, 30, 31, 32] {
            let mut marks = Marks::with_bits(rows, bits).unwrap();
            let mut counts = vec![0_u64; rows];
            for turn in 0..200_000_usize {
                // Few rows often, some never.
                let row = turn * turn % 190 % (1 + turn % 190);
                assert_eq!(marks.draw(row as u32).unwrap(), 0);
                counts[row] += 1;
            }
            let mut draws = BTreeMap::new();
            for &count in &counts {
                *draws.entry(count).or_insert(0) += 1;
            }
            assert_eq!(marks.seen(), rows as u64 - draws[&0]);
            *draws.get_mut(&0).unwrap() -= 5;
            let found = marks
                .draws(rows as u32 - 5, &mut Pauses::new(&mut || Ok::<_, Error>(())))
                .unwrap();
            assert_eq!(found, draws.into_iter().collect::<Vec<_>>(), "{bits}");
        }
    }
}
