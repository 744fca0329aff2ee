//! Rows by condition, on the way to rows by cell: the first of two stable sorts.

use crate::columns::BLOCK;
use crate::columns::MISSING;
use crate::error::Error;
use crate::groups::Cell;
use crate::groups::labels::Labels;
use crate::groups::scatter::Scatter;
use crate::support::memory::{collected, filled, room};
use crate::support::pauses::Pauses;

/// All rows by condition, in each condition in their own order.
pub(super) struct ByCondition {
    rows: Vec<u32>,
    /// Where each condition's rows end, by position.
    ends: Vec<u32>,
    /// The position of every row's experiment, [`MISSING`] for rows that are left out: sorted rows are met out of order.
    experiment_of: Vec<u32>,
}

impl ByCondition {
    /// Reads the columns once. `places` are the positions of the experiments by label; `occurring` are the conditions that
    /// have rows, and `counts` tells how many, by label.
    pub(super) fn new<E: From<Error>>(
        labels: &Labels<'_>,
        places: &[u32],
        occurring: &[u32],
        counts: &[u32],
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Self, E> {
        let mut ends = room(occurring.len())?;
        let mut first: Vec<u32> = filled(counts.len(), 0)?;
        let mut kept = 0;
        for &label in occurring {
            first[label as usize] = kept;
            kept += counts[label as usize];
            ends.push(kept);
        }
        let mut scatter = Scatter::new(kept, first, None)?;
        let mut experiment_of: Vec<u32> = filled(labels.rows(), MISSING)?;
        let mut is_new = false;
        let [mut putter, _] = scatter.putters();
        let put = labels.each(0..labels.rows(), pauses, |row, e, c| {
            putter.put(row, c as usize);
            let place = places[e as usize];
            is_new |= place == MISSING;
            experiment_of[row as usize] = place;
        })?;
        // Only a table that is written to while it is read can have an experiment that was not counted.
        if is_new {
            return Err(Error::Code.into());
        }
        let buckets = occurring.iter().map(|&label| label as usize);
        Ok(Self {
            rows: scatter.done(put, buckets.zip(ends.iter().copied()))?,
            ends,
            experiment_of,
        })
    }

    /// Calls `visit(row, experiment, condition, whether these two begin a cell)` for every row, by condition.
    fn each<E: From<Error>>(
        &self,
        experiments: usize,
        pauses: &mut Pauses<'_, E>,
        mut visit: impl FnMut(u32, u32, u32, bool),
    ) -> Result<(), E> {
        // A cell begins where an experiment meets a condition that is not the one it met last.
        let mut last = filled(experiments, MISSING)?;
        let mut start = 0;
        for (&end, condition) in self.ends.iter().zip(0..) {
            let end = end as usize;
            for block in self.rows[start..end].chunks(BLOCK) {
                for &row in block {
                    let experiment = self.experiment_of[row as usize];
                    let begins = std::mem::replace(&mut last[experiment as usize], condition) != condition;
                    visit(row, experiment, condition, begins);
                }
                pauses.after(block.len())?;
            }
            start = end;
        }
        Ok(())
    }

    /// Where the cells of each experiment begin among all, and last where they end. `starts` tells the same of their rows.
    pub(super) fn count_cells<E: From<Error>>(
        &self,
        starts: &[u32],
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Vec<u32>, E> {
        let mut cells = filled(starts.len(), 0_u32)?;
        let mut sizes = filled(starts.len() - 1, 0_u32)?;
        self.each(sizes.len(), pauses, |_, experiment, _, begins| {
            cells[experiment as usize + 1] += u32::from(begins);
            sizes[experiment as usize] += 1;
        })?;
        // Only a table that is written to while it is read can have changed.
        let counted = starts.windows(2).map(|pair| pair[1] - pair[0]);
        if !counted.eq(sizes) {
            return Err(Error::Code.into());
        }
        for experiment in 1..cells.len() {
            cells[experiment] += cells[experiment - 1];
        }
        Ok(cells)
    }

    /// All cells, and the rows by cell.
    pub(super) fn fill_cells<E: From<Error>>(
        &self,
        starts: &[u32],
        cell_starts: &[u32],
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(Vec<Cell>, Vec<u32>), E> {
        let experiments = starts.len() - 1;
        let mut cells = filled(cell_starts[experiments] as usize, Cell::default())?;
        let mut by_cell = filled(self.rows.len(), 0)?;
        let mut next_cell = collected(cell_starts.iter().copied())?;
        let mut next_entry = collected(starts.iter().copied())?;
        self.each(experiments, pauses, |row, experiment, condition, begins| {
            let entry = &mut next_entry[experiment as usize];
            let cell = &mut next_cell[experiment as usize];
            if begins {
                cells[*cell as usize] = Cell {
                    experiment,
                    condition,
                    start: *entry,
                    rows: 0,
                };
                *cell += 1;
            }
            cells[*cell as usize - 1].rows += 1;
            by_cell[*entry as usize] = row;
            *entry += 1;
        })?;
        Ok((cells, by_cell))
    }

    /// The rows by experiment, in each in their own order. What [`ByCondition::count_cells`] counted is known to fit.
    pub(super) fn fill_pools<E: From<Error>>(self, starts: &[u32], pauses: &mut Pauses<'_, E>) -> Result<Vec<u32>, E> {
        let mut by_experiment = self.rows;
        let mut next = collected(starts.iter().copied())?;
        for (number, block) in self.experiment_of.chunks(BLOCK).enumerate() {
            for (&experiment, row) in block.iter().zip((number * BLOCK) as u32..) {
                if experiment != MISSING {
                    let entry = &mut next[experiment as usize];
                    by_experiment[*entry as usize] = row;
                    *entry += 1;
                }
            }
            pauses.after(block.len())?;
        }
        Ok(by_experiment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Column, Table};

    /// What comes of a table of which another was counted.
    fn sorted(counted: [&[u32]; 2], read: [&[u32]; 2]) -> Result<Vec<u32>, Error> {
        let mut pause = || Ok::<_, Error>(());
        let pauses = &mut Pauses::new(&mut pause);
        let [experiments, conditions] = counted.map(|ranks| {
            let mut counts = [0; 3];
            for &rank in ranks {
                counts[rank as usize] += 1;
            }
            counts
        });
        let occurring = |counts: [u32; 3]| (0..3).filter(move |&label| counts[label as usize] > 0);
        let mut places = [MISSING; 3];
        let mut starts = vec![0];
        for (label, place) in occurring(experiments).zip(0..) {
            places[label as usize] = place;
            starts.push(starts[place as usize] + experiments[label as usize]);
        }
        let table = Table {
            rows: 4,
            experiments: Some(Column::from_ranks(read[0], 3)),
            conditions: Some(Column::from_ranks(read[1], 3)),
            times: None,
        };
        let labels = Labels::new(&table, None, pauses)?;
        let conditions_with_rows: Vec<u32> = occurring(conditions).collect();
        let sorted = ByCondition::new(&labels, &places, &conditions_with_rows, &conditions, pauses)?;
        let cell_starts = sorted.count_cells(&starts, pauses)?;
        let (_, by_cell) = sorted.fill_cells(&starts, &cell_starts, pauses)?;
        Ok(by_cell)
    }

    #[test]
    fn a_table_that_is_not_the_one_that_was_counted() {
        let (e, c): ([u32; 4], [u32; 4]) = ([0, 2, 2, 0], [2, 0, 2, 0]);
        assert_eq!(sorted([&e, &c], [&e, &c]), Ok(vec![3, 0, 1, 2]));
        for others in [[0, 2, 2, 2], [0, 0, 2, 0], [0, 2, 1, 0], [0, 2, 2, MISSING]] {
            assert_eq!(sorted([&e, &c], [&others, &c]), Err(Error::Code), "{others:?}");
        }
        for others in [[2, 0, 2, 2], [2, 0, 1, 0], [0, 0, 2, 0], [2, MISSING, 2, 0]] {
            assert_eq!(sorted([&e, &c], [&e, &others]), Err(Error::Code), "{others:?}");
        }
    }
}
