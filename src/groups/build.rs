//! How rows are sorted into groups: two passes over the columns, one to count and one to sort.

use std::ops::Range;

use crate::columns::MISSING;
use crate::columns::Table;
use crate::error::Error;
use crate::groups::by_condition::ByCondition;
use crate::groups::counts::Counts;
use crate::groups::labels::Labels;
use crate::groups::scatter::{Putter, Scatter};
use crate::groups::{Cell, Groups};
use crate::support::cores::both;
use crate::support::memory::{filled, push, room};
use crate::support::pauses::Pauses;
use crate::support::store::Store;

/// Groups whose rows are still to be sorted.
struct Unsorted {
    rows: usize,
    experiment_labels: Vec<u32>,
    condition_labels: Vec<u32>,
    starts: Vec<u32>,
    cells: Vec<Cell>,
    cell_starts: Vec<u32>,
    by_experiment: Option<Vec<u32>>,
    by_cell: Vec<u32>,
}

impl Groups {
    /// Sorts the rows of a table, which was checked, by their experiments and conditions. A missing column stands for one
    /// experiment of all rows, or no conditions; rows with a missing label in either, and those that are not `present`,
    /// are left out.
    ///
    /// `pools` says whether rows of an experiment will be asked for regardless of their condition, in the order of the
    /// table; without conditions they are in any case.
    ///
    /// # Errors
    /// [`Error::NoRows`], [`Error::Code`], [`Error::OutOfMemory`], or what a pause returns.
    pub(crate) fn new<E: From<Error>>(
        table: &Table<'_>,
        present: Option<&[bool]>,
        pools: bool,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Self, E> {
        let labels = Labels::new(table, present, pauses)?;
        let counts = Counts::new(&labels, pauses)?;
        let mut groups = Unsorted::new(table.rows, &counts)?;
        let in_table_order = !labels.has_experiments() && groups.kept() as usize == table.rows;
        let pools = (pools || !labels.has_conditions()) && !in_table_order;
        if labels.has_conditions() && counts.cells.is_none() {
            groups.sort_by_condition_first(&labels, &counts, pools, pauses)?;
        } else {
            groups.sort(&labels, counts, pools, pauses)?;
        }
        labels.name_experiments(&mut groups.experiment_labels);
        labels.name_conditions(&mut groups.condition_labels);
        Ok(groups.sorted()?)
    }
}

impl Unsorted {
    /// The groups of labels that occur.
    fn new(rows: usize, counts: &Counts) -> Result<Self, Error> {
        let experiment_labels = occurring(&counts.experiments)?;
        let condition_labels = occurring(&counts.conditions)?;
        if experiment_labels.is_empty() {
            return Err(Error::NoRows);
        }
        let mut starts = room(experiment_labels.len() + 1)?;
        starts.push(0);
        let mut kept = 0;
        for &label in &experiment_labels {
            kept += counts.experiments[label as usize];
            starts.push(kept);
        }
        Ok(Self {
            rows,
            cells: Vec::new(),
            cell_starts: filled(experiment_labels.len() + 1, 0)?,
            by_experiment: None,
            by_cell: Vec::new(),
            experiment_labels,
            condition_labels,
            starts,
        })
    }

    fn kept(&self) -> u32 {
        self.starts[self.experiment_labels.len()]
    }

    fn sorted(self) -> Result<Groups, Error> {
        Ok(Groups {
            rows: self.rows,
            experiment_labels: Store::new(self.experiment_labels)?,
            condition_labels: Store::new(self.condition_labels)?,
            starts: Store::new(self.starts)?,
            cells: Store::new(self.cells)?,
            cell_starts: Store::new(self.cell_starts)?,
            by_experiment: self.by_experiment.map(Store::new).transpose()?,
            by_cell: Store::new(self.by_cell)?,
        })
    }

    /// Sorts by experiment where there shall be `pools`, and by cell where there are conditions, in one pass.
    fn sort<E: From<Error>>(
        &mut self,
        labels: &Labels<'_>,
        counts: Counts,
        pools: bool,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        let width = labels.conditions();
        let (cells, first_half) = counts
            .cells
            .map_or((None, None), |cells| (Some(cells.all), cells.first_half));
        let mut into_pools = if pools {
            let first = self.first_entries(counts.experiments.len())?;
            let in_first_half = first_half.as_ref().map(|half| half.experiments(width)).transpose()?;
            Some(Scatter::new(self.kept(), first, in_first_half.as_deref())?)
        } else {
            None
        };
        let mut into_cells = match cells {
            Some(cells) if labels.has_conditions() => {
                let first = self.lay_out_cells(cells, width)?;
                let in_first_half = first_half.as_ref().map(|half| &half.cells[..]);
                Some(Scatter::new(self.kept(), first, in_first_half)?)
            }
            _ => None,
        };
        let [[pools, pools_there], [cells, cells_there]] = [&mut into_pools, &mut into_cells]
            .map(|into| into.as_mut().map_or([None, None], |into| into.putters().map(Some)));
        let put = if let Some(half) = first_half {
            let (put, put_there) = both(
                pauses,
                |pauses| put(labels, 0..half.rows, pools, cells, pauses),
                |pauses| put(labels, half.rows..self.rows, pools_there, cells_there, pauses),
            )?;
            put + put_there
        } else {
            put(labels, 0..self.rows, pools, cells, pauses)?
        };
        if let Some(pools) = into_pools {
            let buckets = self.experiment_labels.iter().map(|&label| label as usize);
            self.by_experiment = Some(pools.done(put, buckets.zip(self.starts[1..].iter().copied()))?);
        }
        if let Some(cells) = into_cells {
            let ends = self.cells.iter().map(|cell| {
                let experiment = self.experiment_labels[cell.experiment as usize] as usize;
                let condition = self.condition_labels[cell.condition as usize] as usize;
                (experiment * width + condition, cell.start + cell.rows)
            });
            self.by_cell = cells.done(put, ends)?;
        }
        Ok(())
    }

    /// The first entry of each of so many labels of experiments.
    fn first_entries(&self, labels: usize) -> Result<Vec<u32>, Error> {
        let mut first = filled(labels, 0)?;
        for (&label, &start) in self.experiment_labels.iter().zip(&self.starts) {
            first[label as usize] = start;
        }
        Ok(first)
    }

    /// Notes all cells that have rows, from a table of all pairs, whose counts become each cell's first entry.
    fn lay_out_cells(&mut self, mut counts: Vec<u32>, width: usize) -> Result<Vec<u32>, Error> {
        let mut start = 0;
        for (experiment, &label) in self.experiment_labels.iter().enumerate() {
            for (condition, &condition_label) in self.condition_labels.iter().enumerate() {
                let entry = &mut counts[label as usize * width + condition_label as usize];
                let rows = std::mem::replace(entry, start);
                if rows > 0 {
                    let cell = Cell {
                        experiment: experiment as u32,
                        condition: condition as u32,
                        start,
                        rows,
                    };
                    push(&mut self.cells, cell)?;
                    start += rows;
                }
            }
            self.cell_starts[experiment + 1] = self.cells.len() as u32;
        }
        Ok(counts)
    }

    /// Sorts by condition, then stably by experiment: linear where the table of all pairs would dwarf the rows.
    fn sort_by_condition_first<E: From<Error>>(
        &mut self,
        labels: &Labels<'_>,
        counts: &Counts,
        pools: bool,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        let places = places(&self.experiment_labels, counts.experiments.len())?;
        let sorted = ByCondition::new(labels, &places, &self.condition_labels, &counts.conditions, pauses)?;
        drop(places);
        self.cell_starts = sorted.count_cells(&self.starts, pauses)?;
        (self.cells, self.by_cell) = sorted.fill_cells(&self.starts, &self.cell_starts, pauses)?;
        if pools {
            self.by_experiment = Some(sorted.fill_pools(&self.starts, pauses)?);
        }
        Ok(())
    }
}

/// Puts some rows into the buckets of their experiments, and into those of their cells, where there are such. The columns are
/// read once for both. Returns how many were put.
fn put<E: From<Error>>(
    labels: &Labels<'_>,
    rows: Range<usize>,
    into_pools: Option<Putter<'_>>,
    into_cells: Option<Putter<'_>>,
    pauses: &mut Pauses<'_, E>,
) -> Result<u32, E> {
    let width = labels.conditions();
    match (into_pools, into_cells) {
        (None, None) => Ok(0),
        (Some(mut pools), None) => labels.each(rows, pauses, |row, e, _| pools.put(row, e as usize)),
        (None, Some(mut cells)) => labels.each(rows, pauses, |row, e, c| {
            cells.put(row, e as usize * width + c as usize);
        }),
        (Some(mut pools), Some(mut cells)) => labels.each(rows, pauses, |row, e, c| {
            pools.put(row, e as usize);
            cells.put(row, e as usize * width + c as usize);
        }),
    }
}

/// The labels that occur, ascending.
fn occurring(counts: &[u32]) -> Result<Vec<u32>, Error> {
    let mut labels = room(counts.iter().filter(|&&count| count > 0).count())?;
    let occurs = counts.iter().zip(0..).filter(|&(&count, _)| count > 0);
    labels.extend(occurs.map(|(_, label): (_, u32)| label));
    Ok(labels)
}

/// The place of each of so many labels among those that occur, [`MISSING`] for all others.
fn places(occurring: &[u32], labels: usize) -> Result<Vec<u32>, Error> {
    let mut places = filled(labels, MISSING)?;
    for (&label, place) in occurring.iter().zip(0..) {
        places[label as usize] = place;
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Chunk, Codes, Column};
    use proptest::prelude::*;

    fn column(codes: &[i16], chunk: usize, labels: i16) -> Column<'_> {
        let chunks = codes.chunks(chunk).map(|codes| Chunk {
            codes: Codes::I16(codes),
            ranks: None,
        });
        Column::new(chunks.collect(), labels as usize)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        /// Up to so many rows that two cores share them.
        #[test]
        fn rows_are_sorted_as_by_looking_for_those_of_each_cell(
            rows in 1..6000_usize,
            labels in (1..7_i16, 1..9_i16),
            chunks in (1..6000_usize, 1..6000_usize),
            has in (any::<bool>(), any::<bool>(), any::<bool>()),
            pools: bool,
            seed: u64,
        ) {
            let mut generator = crate::draw::Generator::new(seed);
            let mut codes = |labels: i16| -> Vec<i16> {
                let drawn = (0..rows).map(|_| generator.below(labels as u32 * 8 + 1) as i16 / 8);
                drawn.map(|code| if code == labels { -1 } else { code }).collect()
            };
            let (experiments, conditions) = (codes(labels.0), codes(labels.1));
            let present: Vec<bool> = (0..rows).map(|_| generator.below(9) > 0).collect();
            let table = Table {
                rows,
                experiments: has.0.then(|| column(&experiments, chunks.0, labels.0)),
                conditions: has.1.then(|| column(&conditions, chunks.1, labels.1)),
                times: None,
            };
            let present = has.2.then_some(&present[..]);
            let mut pause = || Ok::<(), Error>(());
            let groups = Groups::new(&table, present, pools, &mut Pauses::new(&mut pause));
            let of = |experiment: Option<i16>, condition: Option<i16>| -> Vec<u32> {
                let is_kept = |row: usize| {
                    let (e, c) = (has.0.then(|| experiments[row]), has.1.then(|| conditions[row]));
                    e != Some(-1)
                        && c != Some(-1)
                        && present.is_none_or(|present| present[row])
                        && e == experiment.or(e)
                        && c == condition.or(c)
                };
                (0..rows).filter(|&row| is_kept(row)).map(|row| row as u32).collect()
            };
            let all = of(None, None);
            prop_assert_eq!(groups.as_ref().err(), all.is_empty().then_some(&Error::NoRows));
            let Ok(groups) = groups else { return Ok(()) };
            prop_assert_eq!(groups.kept() as usize, all.len());
            let experiment = |position: usize| has.0.then(|| groups.experiment_labels()[position] as i16);
            for cell in groups.cells() {
                let condition = groups.condition_labels()[cell.condition as usize] as i16;
                let entries = cell.start as usize..(cell.start + cell.rows) as usize;
                prop_assert_eq!(&groups.by_cell[entries], of(experiment(cell.experiment as usize), Some(condition)));
            }
            prop_assert_eq!(groups.by_cell.len(), if has.1 { all.len() } else { 0 });
            if let Some(list) = &groups.by_experiment {
                for position in 0..groups.experiments() {
                    let start = groups.starts()[position] as usize;
                    prop_assert_eq!(&list[start..start + groups.size(position) as usize], of(experiment(position), None));
                }
            } else {
                // Then the table's own order is that of the one experiment, or cells are all that is asked for.
                prop_assert!(!has.0 && all.len() == rows || has.1 && !pools);
            }
        }
    }
}
