//! Pools and cells: which rows belong to which experiment and condition (specification, section 2).

mod arrays;
mod build;
mod by_condition;
mod counts;
mod labels;
mod pool;
mod positions;
mod scatter;
mod views;

use crate::support::store::{Plain, Store};

pub(crate) use arrays::BY_EXPERIMENT;
pub(crate) use pool::{Order, Pool};
pub use positions::Positions;

/// The rows of one experiment and one condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
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

// SAFETY: four numbers of one width, in the order that they are written in.
#[allow(unsafe_code)]
unsafe impl Plain for Cell {
    const NUMBERS: (&'static str, usize) = ("U32", 4);
}

/// The rows of a table by experiment and condition: at most two lists of all rows, each as wide as one `u32` a row. A clone shares them.
#[derive(Clone, Debug)]
pub struct Groups {
    rows: usize,
    /// Label numbers of the experiments that have rows, ascending; their places here are the experiments' positions.
    experiment_labels: Store<u32>,
    /// Likewise the conditions.
    condition_labels: Store<u32>,
    /// Where each experiment's rows begin in either order, and last where the rows end.
    starts: Store<u32>,
    /// All cells that have rows, by experiment, then condition; empty without conditions.
    cells: Store<Cell>,
    /// Where each experiment's cells begin, and last where the cells end.
    cell_starts: Store<u32>,
    by_experiment: Option<Store<u32>>,
    by_cell: Store<u32>,
}

impl Groups {
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
}
