//! Pools and cells: which rows belong to which experiment and condition (specification, section 2).

use crate::columns::codes::{BLOCK, Column, MISSING, is_dense};
use crate::error::Error;
use crate::support::memory::{filled, push, room};
use crate::support::pauses::{ENTRIES, Pauses};

/// Which list of rows positions are looked up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The table itself: position and row are one.
    Table,
    /// Rows by experiment.
    Pools,
    /// Rows by experiment, then condition.
    Cells,
}

/// A run of rows in one of the orders, perhaps with a hole in it. Rows are asked for by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    pub(crate) order: Order,
    pub(crate) start: u32,
    pub(crate) len: u32,
    /// The position from which on `hole_len` entries are passed over.
    pub(crate) hole: u32,
    pub(crate) hole_len: u32,
}

impl Pool {
    pub(crate) fn run(order: Order, start: u32, end: u32) -> Self {
        Self {
            order,
            start,
            len: end - start,
            hole: u32::MAX,
            hole_len: 0,
        }
    }

    /// Where the entry of `position` lies in the order.
    #[inline]
    pub(crate) fn entry(&self, position: u32) -> u32 {
        let passed = if position >= self.hole { self.hole_len } else { 0 };
        self.start + position + passed
    }
}

/// The rows of one experiment and one condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Position of the experiment.
    pub experiment: u32,
    /// Position of the condition.
    pub condition: u32,
    /// First entry in the order of cells.
    pub(crate) start: u32,
    /// Number of rows.
    pub rows: u32,
}

/// The rows of a table by experiment and condition: at most two lists of all rows, each as wide as one `u32` a row.
#[derive(Clone, Debug)]
pub struct Groups {
    rows: usize,
    /// Label numbers of the experiments that have rows, ascending; their places here are the experiments' positions.
    experiment_labels: Vec<u32>,
    /// Likewise the conditions.
    condition_labels: Vec<u32>,
    /// Where each experiment's rows begin in either order, and last where the rows end.
    starts: Vec<u32>,
    /// All cells that have rows, by experiment, then condition; empty without conditions.
    cells: Vec<Cell>,
    /// Where each experiment's cells begin, and last where the cells end.
    cell_starts: Vec<u32>,
    by_experiment: Option<Vec<u32>>,
    by_cell: Vec<u32>,
}

/// How often each label occurs: the first of two passes over the columns.
struct Counts {
    experiments: Vec<u32>,
    conditions: Vec<u32>,
    /// By experiment, then condition, where that table is small.
    cells: Option<Vec<u32>>,
}

impl Groups {
    /// Sorts the rows of a table, which was checked, by their experiments and conditions. A missing column stands for one
    /// experiment of all rows, or no conditions; rows with a missing label in either, and those that are not `present`,
    /// are left out.
    ///
    /// `pools` says whether rows of an experiment will be asked for regardless of their condition; without conditions
    /// they are in any case.
    ///
    /// # Errors
    /// [`Error::NoRows`], [`Error::TooManyRows`], [`Error::Length`], [`Error::Code`], [`Error::OutOfMemory`].
    pub(crate) fn new<E: From<Error>>(
        table: &crate::columns::table::Table<'_>,
        present: Option<&[bool]>,
        pools: bool,
        pause: &mut impl FnMut() -> Result<(), E>,
    ) -> Result<Self, E> {
        let rows = table.rows;
        let (experiments, conditions) = (table.experiments.as_ref(), table.conditions.as_ref());
        pause()?;
        let table = Table {
            rows,
            experiments,
            conditions,
            present,
        };
        let counts = Counts::new(&table)?;
        let experiment_labels = occurring(&counts.experiments)?;
        let condition_labels = occurring(&counts.conditions)?;
        if experiment_labels.is_empty() {
            return Err(Error::NoRows.into());
        }
        let mut starts = room(experiment_labels.len() + 1)?;
        starts.push(0);
        let mut kept = 0;
        for &label in &experiment_labels {
            kept += counts.experiments[label as usize];
            starts.push(kept);
        }
        let mut groups = Self {
            rows,
            cells: Vec::new(),
            cell_starts: filled(experiment_labels.len() + 1, 0)?,
            by_experiment: None,
            by_cell: Vec::new(),
            experiment_labels,
            condition_labels,
            starts,
        };
        let in_table_order = experiments.is_none() && kept as usize == rows;
        let mut into_pools = None;
        if (pools || conditions.is_none()) && !in_table_order {
            let mut next = filled(counts.experiments.len(), 0)?;
            for (&label, &start) in groups.experiment_labels.iter().zip(&groups.starts) {
                next[label as usize] = start;
            }
            into_pools = Some(Scatter::new(kept, next)?);
        }
        let mut into_cells = None;
        let width = counts.conditions.len();
        if conditions.is_some() {
            match counts.cells {
                Some(counted) => into_cells = Some(Scatter::new(kept, groups.lay_out_cells(counted, width)?)?),
                None => groups.fill_cells_by_two_sorts(&counts, &table)?,
            }
        }
        match (&mut into_pools, &mut into_cells) {
            (None, None) => {}
            (Some(pools), None) => table.each_row(|row, e, _| pools.put(row, e as usize))?,
            (None, Some(cells)) => table.each_row(|row, e, c| cells.put(row, e as usize * width + c as usize))?,
            // The columns are read once for both.
            (Some(pools), Some(cells)) => table.each_row(|row, e, c| {
                pools.put(row, e as usize);
                cells.put(row, e as usize * width + c as usize);
            })?,
        }
        groups.by_experiment = into_pools.map(Scatter::done).transpose()?;
        if let Some(cells) = into_cells {
            groups.by_cell = cells.done()?;
        }
        Ok(groups)
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
    fn fill_cells_by_two_sorts(&mut self, counts: &Counts, table: &Table<'_>) -> Result<(), Error> {
        let kept = self.starts[self.experiment_labels.len()];
        let mut next = room(counts.conditions.len())?;
        let mut start = 0;
        for count in &counts.conditions {
            next.push(start);
            start += count;
        }
        let mut by_condition = Scatter::new(kept, next)?;
        table.each_row(|row, _, c| by_condition.put(row, c as usize))?;
        let by_condition = by_condition.done()?;
        // Sorted rows are met out of order, so each needs its experiment at hand.
        let place = positions(&self.experiment_labels, counts.experiments.len())?;
        let mut experiment_of: Vec<u32> = filled(self.rows, 0)?;
        table.each_row(|row, e, _| {
            experiment_of[row as usize] = place[e as usize].min(self.experiments() as u32 - 1);
        })?;
        // A cell begins where an experiment meets a condition that is not the one it met last.
        let mut last = filled(self.experiments(), MISSING)?;
        let mut each = |visit: &mut dyn FnMut(u32, u32, u32, bool)| {
            last.fill(MISSING);
            let mut rows = by_condition.iter();
            for (condition, &label) in (0..).zip(&self.condition_labels) {
                for &row in rows.by_ref().take(counts.conditions[label as usize] as usize) {
                    let experiment = experiment_of[row as usize];
                    let begins = std::mem::replace(&mut last[experiment as usize], condition) != condition;
                    visit(row, experiment, condition, begins);
                }
            }
        };
        let mut cells = filled(self.experiments() + 1, 0_u32)?;
        let mut sizes = filled(self.experiments(), 0)?;
        each(&mut |_, experiment, _, begins| {
            cells[experiment as usize + 1] += u32::from(begins);
            sizes[experiment as usize] += 1;
        });
        // Only a table that is written to while it is read can have changed.
        if (0..self.experiments()).any(|experiment| sizes[experiment] != self.size(experiment)) {
            return Err(Error::Code);
        }
        for experiment in 0..self.experiments() {
            cells[experiment + 1] += cells[experiment];
        }
        let mut found = filled(cells[self.experiments()] as usize, Cell::default())?;
        let mut next_cell = filled(self.experiments(), 0_u32)?;
        next_cell.copy_from_slice(&cells[..self.experiments()]);
        let mut next_entry = filled(self.experiments(), 0)?;
        next_entry.copy_from_slice(&self.starts[..self.experiments()]);
        let mut by_cell: Vec<u32> = filled(kept as usize, 0)?;
        each(&mut |row, experiment, condition, begins| {
            let entry = &mut next_entry[experiment as usize];
            let cell = &mut next_cell[experiment as usize];
            if begins {
                found[*cell as usize] = Cell {
                    experiment,
                    condition,
                    start: *entry,
                    rows: 0,
                };
                *cell += 1;
            }
            found[*cell as usize - 1].rows += 1;
            by_cell[*entry as usize] = row;
            *entry += 1;
        });
        self.cells = found;
        self.cell_starts = cells;
        self.by_cell = by_cell;
        Ok(())
    }

    /// Rows of the table, those that were left out included.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Rows that are in a pool: N of the specification.
    #[must_use]
    pub fn kept(&self) -> u32 {
        self.starts[self.experiments()]
    }

    /// Number of experiments: those that have rows.
    #[must_use]
    pub fn experiments(&self) -> usize {
        self.experiment_labels.len()
    }

    /// Label numbers of the experiments, ascending.
    #[must_use]
    pub fn experiment_labels(&self) -> &[u32] {
        &self.experiment_labels
    }

    /// Label numbers of the conditions that have rows, ascending.
    #[must_use]
    pub fn condition_labels(&self) -> &[u32] {
        &self.condition_labels
    }

    /// Where each experiment's rows begin in either order, and last where the rows end.
    pub(crate) fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// Rows of the experiment at `position`.
    #[must_use]
    pub fn size(&self, position: usize) -> u32 {
        self.starts[position + 1] - self.starts[position]
    }

    /// All cells that have rows, by experiment, then condition.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The cells of the experiment at `position`, by condition.
    #[must_use]
    pub fn cells_of(&self, position: usize) -> &[Cell] {
        &self.cells[self.cell_starts[position] as usize..self.cell_starts[position + 1] as usize]
    }

    /// What a batch of the experiment at `position` comes from: the numbers of its cells; without conditions its own position.
    pub(crate) fn units_of(&self, position: usize) -> std::ops::Range<usize> {
        if self.cells.is_empty() {
            return position..position + 1;
        }
        let first = self.first_cell_of(position) as usize;
        first..first + self.cells_of(position).len()
    }

    /// Number of the first cell of the experiment at `position`.
    pub(crate) fn first_cell_of(&self, position: usize) -> u32 {
        self.cell_starts[position]
    }

    /// The experiment of an entry in the order of pools or of cells.
    pub(crate) fn experiment_of(&self, entry: u32) -> usize {
        self.starts.partition_point(|&start| start <= entry) - 1
    }

    /// Number of the cell that an entry in the order of cells is of.
    pub(crate) fn cell_of(&self, entry: u32) -> usize {
        self.cells.partition_point(|cell| cell.start <= entry) - 1
    }

    /// Rows of a cell, ascending.
    pub(crate) fn rows_of(&self, cell: &Cell) -> &[u32] {
        &self.by_cell[cell.start as usize..(cell.start + cell.rows) as usize]
    }

    /// The rows of the experiment at `position`.
    pub(crate) fn pool(&self, position: usize) -> Pool {
        Pool::run(self.pool_order(), self.starts[position], self.starts[position + 1])
    }

    /// The rows of all other experiments, one after another.
    pub(crate) fn others(&self, position: usize) -> Pool {
        let (start, end) = (self.starts[position], self.starts[position + 1]);
        Pool {
            order: self.pool_order(),
            start: 0,
            len: self.kept() - (end - start),
            hole: start,
            hole_len: end - start,
        }
    }

    /// The list that pools are runs of: by experiment where there is one, else by cell, else the table's own.
    pub(crate) fn pool_order(&self) -> Order {
        if self.by_experiment.is_some() {
            Order::Pools
        } else if self.cells.is_empty() {
            Order::Table
        } else {
            Order::Cells
        }
    }

    /// The rows of the cell of a number.
    pub(crate) fn pool_of_cell(&self, number: u32) -> Pool {
        let cell = self.cells[number as usize];
        Pool::run(Order::Cells, cell.start, cell.start + cell.rows)
    }

    /// The list behind an order; none for the table's own.
    pub(crate) fn entries(&self, order: Order) -> Option<&[u32]> {
        match order {
            Order::Table => None,
            Order::Pools => self.by_experiment.as_deref(),
            Order::Cells => Some(&self.by_cell),
        }
    }

    /// Writes back what the table said: the experiment's and the condition's position of every row, [`MISSING`] for
    /// rows that were left out. A column that was not given comes back empty.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn positions(&self) -> Result<(Vec<u32>, Vec<u32>), Error> {
        self.positions_with(&mut Pauses::new(&mut || Ok(())))
    }

    /// As [`Groups::positions`], with pauses.
    pub(crate) fn positions_with<E: From<Error>>(&self, pauses: &mut Pauses<'_, E>) -> Result<(Vec<u32>, Vec<u32>), E> {
        let mut experiments = Vec::new();
        let mut conditions = Vec::new();
        if self.by_experiment.is_some() || !self.cells.is_empty() {
            experiments = pauses.filled(self.rows, MISSING)?;
        }
        if let Some(rows) = &self.by_experiment {
            for position in 0..self.experiments() {
                let rows = &rows[self.starts[position] as usize..self.starts[position + 1] as usize];
                for rows in rows.chunks(ENTRIES) {
                    for &row in rows {
                        experiments[row as usize] = position as u32;
                    }
                    pauses.after(rows.len())?;
                }
            }
        }
        if !self.cells.is_empty() {
            conditions = pauses.filled(self.rows, MISSING)?;
            for cell in &self.cells {
                for rows in self.rows_of(cell).chunks(ENTRIES) {
                    for &row in rows {
                        experiments[row as usize] = cell.experiment;
                        conditions[row as usize] = cell.condition;
                    }
                    pauses.after(rows.len())?;
                }
            }
        }
        Ok((experiments, conditions))
    }
}

impl Counts {
    fn new(table: &Table<'_>) -> Result<Self, Error> {
        let width = table.conditions.map_or(1, Column::labels);
        let height = table.experiments.map_or(1, Column::labels);
        let mut counts = Self {
            experiments: filled(height, 0)?,
            conditions: filled(width, 0)?,
            cells: None,
        };
        match height.checked_mul(width) {
            Some(possible) if is_dense(possible, table.rows) => {
                let mut cells = filled(possible, 0)?;
                table.each_row(|_, e, c| {
                    cells[e as usize * width + c as usize] += 1;
                })?;
                for (experiment, counted) in cells.chunks_exact(width.max(1)).enumerate() {
                    counts.experiments[experiment] = counted.iter().sum();
                    counts
                        .conditions
                        .iter_mut()
                        .zip(counted)
                        .for_each(|(sum, count)| *sum += count);
                }
                counts.cells = Some(cells);
            }
            _ => table.each_row(|_, e, c| {
                counts.experiments[e as usize] += 1;
                counts.conditions[c as usize] += 1;
            })?,
        }
        Ok(counts)
    }
}

/// The labels that occur.
fn occurring(counts: &[u32]) -> Result<Vec<u32>, Error> {
    let mut labels = room(counts.iter().filter(|&&count| count > 0).count())?;
    labels.extend(
        (0..)
            .zip(counts)
            .filter(|&(_, &count)| count > 0)
            .map(|(label, _)| label),
    );
    Ok(labels)
}

/// The position of each label among those that occur, `labels` ascending.
fn positions(labels: &[u32], count: usize) -> Result<Vec<u32>, Error> {
    let mut positions = filled(count, MISSING)?;
    for (position, &label) in (0..).zip(labels) {
        positions[label as usize] = position;
    }
    Ok(positions)
}

/// A stable counting sort: every row goes to the next free entry of its bucket.
struct Scatter {
    sorted: Vec<u32>,
    /// The next free entry of every bucket.
    next: Vec<u32>,
    moved: bool,
}

impl Scatter {
    fn new(kept: u32, next: Vec<u32>) -> Result<Self, Error> {
        Ok(Self {
            sorted: filled(kept as usize, 0)?,
            next,
            moved: false,
        })
    }

    #[inline]
    fn put(&mut self, row: u32, bucket: usize) {
        let entry = &mut self.next[bucket];
        // Only a table that is written to while it is read can lead past the end.
        match self.sorted.get_mut(*entry as usize) {
            Some(place) => *place = row,
            None => self.moved = true,
        }
        *entry += 1;
    }

    fn done(self) -> Result<Vec<u32>, Error> {
        if self.moved {
            return Err(Error::Code);
        }
        Ok(self.sorted)
    }
}

/// What rows are sorted by.
struct Table<'a> {
    rows: usize,
    experiments: Option<&'a Column<'a>>,
    conditions: Option<&'a Column<'a>>,
    /// Rows that may be drawn at all; `None` where all may.
    present: Option<&'a [bool]>,
}

impl Table<'_> {
    /// Calls `visit(row, experiment label, condition label)` for every row that has both, in row order.
    fn each_row(&self, mut visit: impl FnMut(u32, u32, u32)) -> Result<(), Error> {
        let mut experiments = self.experiments.map(Column::reader);
        let mut conditions = self.conditions.map(Column::reader);
        let (mut e, mut c) = ([0; BLOCK], [0; BLOCK]);
        for start in (0..self.rows).step_by(BLOCK) {
            let block = BLOCK.min(self.rows - start);
            if let Some(reader) = &mut experiments {
                reader.next(&mut e[..block])?;
            } else {
                e.fill(0);
            }
            if let Some(reader) = &mut conditions {
                reader.next(&mut c[..block])?;
            }
            if let Some(present) = self.present {
                for (e, &present) in e.iter_mut().zip(&present[start..start + block]) {
                    *e = if present { *e } else { MISSING };
                }
            }
            for (row, (&e, &c)) in (start as u32..).zip(e[..block].iter().zip(&c[..block])) {
                if e != MISSING && c != MISSING {
                    visit(row, e, c);
                }
            }
        }
        Ok(())
    }
}
