//! How rows are sorted into groups: two passes over the columns, one to count and one to sort.

use crate::columns::MISSING;
use crate::columns::Table;
use crate::columns::is_dense;
use crate::error::Error;
use crate::groups::by_condition::ByCondition;
use crate::groups::labels::Labels;
use crate::groups::scatter::Scatter;
use crate::groups::{Cell, Groups};
use crate::support::memory::{filled, push, room};
use crate::support::pauses::Pauses;
use crate::support::store::Store;

/// How often each label occurs.
struct Counts {
    experiments: Vec<u32>,
    conditions: Vec<u32>,
    /// By experiment, then condition, where that table is small.
    cells: Option<Vec<u32>>,
}

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
        let mut into_pools = if pools {
            Some(Scatter::new(
                self.kept(),
                self.first_entries(counts.experiments.len())?,
            )?)
        } else {
            None
        };
        let mut into_cells = match counts.cells {
            Some(cells) if labels.has_conditions() => {
                Some(Scatter::new(self.kept(), self.lay_out_cells(cells, width)?)?)
            }
            _ => None,
        };
        let put = match (&mut into_pools, &mut into_cells) {
            (None, None) => return Ok(()),
            (Some(pools), None) => labels.each(pauses, |row, e, _| pools.put(row, e as usize))?,
            (None, Some(cells)) => labels.each(pauses, |row, e, c| cells.put(row, e as usize * width + c as usize))?,
            // The columns are read once for both.
            (Some(pools), Some(cells)) => labels.each(pauses, |row, e, c| {
                pools.put(row, e as usize);
                cells.put(row, e as usize * width + c as usize);
            })?,
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

impl Counts {
    fn new<E: From<Error>>(labels: &Labels<'_>, pauses: &mut Pauses<'_, E>) -> Result<Self, E> {
        let (height, width) = (labels.experiments(), labels.conditions());
        let mut counts = Self {
            experiments: filled(height, 0)?,
            conditions: filled(width, 0)?,
            cells: None,
        };
        match height.checked_mul(width) {
            Some(possible) if is_dense(possible, labels.rows()) => {
                // Neighbouring rows mostly share a cell: with several tables one addition does not wait for the last.
                let lanes = if possible < 4096 { 4 } else { 1 };
                let mut cells: Vec<u32> = filled(lanes * possible, 0)?;
                labels.each(pauses, |row, e, c| {
                    cells[(row as usize & (lanes - 1)) * possible + e as usize * width + c as usize] += 1;
                })?;
                let (sums, others) = cells.split_at_mut(possible);
                for table in others.chunks_exact(possible.max(1)) {
                    sums.iter_mut().zip(table).for_each(|(sum, count)| *sum += count);
                }
                cells.truncate(possible);
                for (of_experiment, counted) in counts.experiments.iter_mut().zip(cells.chunks_exact(width.max(1))) {
                    *of_experiment = counted.iter().sum();
                    let conditions = counts.conditions.iter_mut().zip(counted);
                    conditions.for_each(|(sum, count)| *sum += count);
                }
                counts.cells = Some(cells);
            }
            _ => {
                labels.each(pauses, |_, e, c| {
                    counts.experiments[e as usize] += 1;
                    counts.conditions[c as usize] += 1;
                })?;
            }
        }
        Ok(counts)
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
