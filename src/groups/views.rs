//! Groups of fewer columns, and with another list, that share the arrays of those they are made from.

use crate::error::Error;
use crate::groups::{Groups, Positions};
use crate::support::memory::{collected, filled};
use crate::support::pauses::{ENTRIES, Pauses};
use crate::support::store::Store;

impl Groups {
    /// The rows by experiment, in each in the order of the table.
    pub(crate) fn by_experiment<E: From<Error>>(&self, pauses: &mut Pauses<'_, E>) -> Result<Store<u32>, E> {
        self.sorted(&self.starts, |position| position, pauses)
    }

    /// All rows that are in a pool, in the order of the table.
    pub(crate) fn in_table_order<E: From<Error>>(&self, pauses: &mut Pauses<'_, E>) -> Result<Store<u32>, E> {
        self.sorted(&[0], |_| 0, pauses)
    }

    /// The rows by what `bucket` makes of their experiments. `starts` tells where each bucket begins.
    fn sorted<E: From<Error>>(
        &self,
        starts: &[u32],
        bucket: impl Fn(usize) -> usize,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Store<u32>, E> {
        let mut next = collected(starts.iter().copied())?;
        let mut sorted = pauses.filled(self.kept() as usize, 0)?;
        let mut put = |row: u32, position: usize| {
            let entry = &mut next[bucket(position)];
            sorted[*entry as usize] = row;
            *entry += 1;
        };
        match self.experiments_of_rows(pauses)? {
            Positions::I8(positions) => each(&positions, &mut put, pauses)?,
            Positions::I16(positions) => each(&positions, &mut put, pauses)?,
            Positions::I32(positions) => each(&positions, &mut put, pauses)?,
            Positions::I64(positions) => each(&positions, &mut put, pauses)?,
        }
        Ok(Store::new(sorted)?)
    }

    /// The same whose pools are runs of `list`, where there is one; else of the cells or of the table.
    pub(crate) fn with_pools(self, list: Option<Store<u32>>) -> Self {
        Self {
            by_experiment: list,
            ..self
        }
    }

    /// The list that pools are runs of, where it is one of its own.
    pub(crate) fn pools(&self) -> Option<&Store<u32>> {
        self.by_experiment.as_ref()
    }

    /// The same rows without conditions. `list` as in [`Groups::with_pools`].
    pub(crate) fn without_conditions(&self, list: Option<Store<u32>>) -> Result<Self, Error> {
        Ok(Self {
            condition_labels: Store::new(filled(1, 0)?)?,
            cells: Store::new(Vec::new())?,
            cell_starts: Store::new(filled(self.cell_starts.len(), 0)?)?,
            by_cell: Store::new(Vec::new())?,
            ..self.clone()
        }
        .with_pools(list))
    }

    /// The same rows as one experiment without conditions. `list` as in [`Groups::with_pools`].
    pub(crate) fn as_one(&self, list: Option<Store<u32>>) -> Result<Self, Error> {
        let mut starts = filled(2, 0)?;
        starts[1] = self.kept();
        Ok(Self {
            experiment_labels: Store::new(filled(1, 0)?)?,
            starts: Store::new(starts)?,
            cell_starts: Store::new(filled(2, 0)?)?,
            ..self.without_conditions(list)?
        })
    }

    /// Whether every row of the table is in a pool.
    pub(crate) fn are_all(&self) -> bool {
        self.kept() as usize == self.rows
    }
}

/// Calls `put` with every row that has a position, and that position.
fn each<T: Copy + TryInto<usize>, E: From<Error>>(
    positions: &[T],
    put: &mut impl FnMut(u32, usize),
    pauses: &mut Pauses<'_, E>,
) -> Result<(), E> {
    for (number, block) in positions.chunks(ENTRIES).enumerate() {
        for (&position, row) in block.iter().zip((number * ENTRIES) as u32..) {
            // Those of rows that are in no pool are negative.
            if let Ok(position) = position.try_into() {
                put(row, position);
            }
        }
        pauses.after(block.len())?;
    }
    Ok(())
}
