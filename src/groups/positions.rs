//! What the table said, written back: the experiment's and the condition's position of every row.

use crate::columns::Codes;
use crate::error::Error;
use crate::groups::Groups;
use crate::support::pauses::{ENTRIES, Pauses};

/// A position a row, in the narrowest width that counts all positions; -1 for rows that are in no group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Positions {
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
}

impl Positions {
    /// The same as codes of a column, whose labels are the positions.
    #[must_use]
    pub fn codes(&self) -> Codes<'_> {
        match self {
            Self::I8(positions) => Codes::I8(positions),
            Self::I16(positions) => Codes::I16(positions),
            Self::I32(positions) => Codes::I32(positions),
            Self::I64(positions) => Codes::I64(positions),
        }
    }

    /// Of so many rows and positions; `lists` are the rows of some of the positions.
    fn new<'a, E: From<Error>>(
        rows: usize,
        positions: usize,
        lists: impl Iterator<Item = (&'a [u32], usize)>,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Self, E> {
        // Fingerprints of saved states are made of these bytes: the bounds stay as they are.
        Ok(match positions as u64 {
            0..0x80 => Self::I8(written(rows, lists, |position| position as i8, pauses)?),
            0x80..0x8000 => Self::I16(written(rows, lists, |position| position as i16, pauses)?),
            0x8000..0x8000_0000 => Self::I32(written(rows, lists, |position| position as i32, pauses)?),
            _ => Self::I64(written(rows, lists, |position| position as i64, pauses)?),
        })
    }
}

fn written<'a, T: Copy + From<i8>, E: From<Error>>(
    rows: usize,
    lists: impl Iterator<Item = (&'a [u32], usize)>,
    narrow: impl Fn(usize) -> T,
    pauses: &mut Pauses<'_, E>,
) -> Result<Vec<T>, E> {
    let mut of_rows = pauses.filled(rows, T::from(-1))?;
    for (list, position) in lists {
        for list in list.chunks(ENTRIES) {
            for &row in list {
                of_rows[row as usize] = narrow(position);
            }
            pauses.after(list.len())?;
        }
    }
    Ok(of_rows)
}

impl Groups {
    /// The position of every row's experiment. `pause` is called every few milliseconds; its error ends the work.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or what `pause` returns.
    pub fn experiment_positions<E: From<Error>>(
        &self,
        mut pause: impl FnMut() -> Result<(), E>,
    ) -> Result<Positions, E> {
        self.experiments_of_rows(&mut Pauses::new(&mut pause))
    }

    pub(super) fn experiments_of_rows<E: From<Error>>(&self, pauses: &mut Pauses<'_, E>) -> Result<Positions, E> {
        let Some(entries) = self.entries(self.pool_order()) else {
            // In the table's own order all rows are of one experiment.
            return Ok(Positions::I8(pauses.filled(self.rows, 0)?));
        };
        let pools = self.starts.windows(2).enumerate();
        let lists = pools.map(|(experiment, pair)| (&entries[pair[0] as usize..pair[1] as usize], experiment));
        Positions::new(self.rows, self.experiments(), lists, pauses)
    }

    /// The position of every row's condition; `None` without conditions. `pause` as in [`Groups::experiment_positions`].
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or what `pause` returns.
    pub fn condition_positions<E: From<Error>>(
        &self,
        mut pause: impl FnMut() -> Result<(), E>,
    ) -> Result<Option<Positions>, E> {
        if self.cells.is_empty() {
            return Ok(None);
        }
        let lists = self
            .cells
            .iter()
            .map(|cell| (self.rows_of(cell), cell.condition as usize));
        let pauses = &mut Pauses::new(&mut pause);
        Positions::new(self.rows, self.condition_labels.len(), lists, pauses).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_by_the_number_of_positions() {
        let positions = |count: usize| {
            let pause = &mut || Ok::<_, Error>(());
            let list: (&[u32], usize) = (&[1], count - 1);
            Positions::new(3, count, std::iter::once(list), &mut Pauses::new(pause)).unwrap()
        };
        assert_eq!(positions(1), Positions::I8(vec![-1, 0, -1]));
        assert_eq!(positions((1 << 7) - 1), Positions::I8(vec![-1, i8::MAX - 1, -1]));
        assert_eq!(positions(1 << 7), Positions::I16(vec![-1, 127, -1]));
        assert_eq!(positions((1 << 15) - 1), Positions::I16(vec![-1, i16::MAX - 1, -1]));
        assert_eq!(positions(1 << 15), Positions::I32(vec![-1, 32_767, -1]));
        assert_eq!(positions((1 << 31) - 1), Positions::I32(vec![-1, i32::MAX - 1, -1]));
        assert_eq!(positions(1 << 31), Positions::I64(vec![-1, i64::from(i32::MAX), -1]));
        let Positions::I64(widest) = positions((1 << 32) - 1) else {
            panic!()
        };
        assert_eq!(widest, [-1, (1 << 32) - 2, -1]);
        assert_eq!(positions(1 << 8).codes().count(1 << 8).unwrap()[1 << 8], 2);
    }
}
