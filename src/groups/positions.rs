//! What the table said, written back: the experiment's and the condition's position of every row.

use crate::columns::codes::Codes;
use crate::error::Error;
use crate::groups::Groups;
use crate::support::memory::filled;

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

    /// Of so many rows and positions: `write` is to call what it is given with the rows of each position.
    fn new<'a>(
        rows: usize,
        positions: usize,
        write: impl FnOnce(&mut dyn FnMut(&'a [u32], usize)),
    ) -> Result<Self, Error> {
        macro_rules! of {
            ($width:ident $type:ty) => {{
                let mut of_rows: Vec<$type> = filled(rows, -1)?;
                write(&mut |rows, position| {
                    for &row in rows {
                        of_rows[row as usize] = position as $type;
                    }
                });
                Ok(Self::$width(of_rows))
            }};
        }
        // Fingerprints of saved states are made of these bytes: the bounds stay as they are.
        match positions as u64 {
            0..0x80 => of!(I8 i8),
            0x80..0x8000 => of!(I16 i16),
            0x8000..0x8000_0000 => of!(I32 i32),
            _ => of!(I64 i64),
        }
    }
}

impl Groups {
    /// The position of every row's experiment.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn experiment_positions(&self) -> Result<Positions, Error> {
        let Some(entries) = self.entries(self.pool_order()) else {
            // In the table's own order all rows are of one experiment.
            return Ok(Positions::I8(filled(self.rows, 0)?));
        };
        Positions::new(self.rows, self.experiments(), |write| {
            for experiment in 0..self.experiments() {
                let (start, end) = (self.starts[experiment] as usize, self.starts[experiment + 1] as usize);
                write(&entries[start..end], experiment);
            }
        })
    }

    /// The position of every row's condition; `None` without conditions.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn condition_positions(&self) -> Result<Option<Positions>, Error> {
        if self.cells.is_empty() {
            return Ok(None);
        }
        let positions = Positions::new(self.rows, self.condition_labels.len(), |write| {
            for cell in &self.cells {
                write(self.rows_of(cell), cell.condition as usize);
            }
        });
        positions.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_by_the_number_of_positions() {
        let positions = |count: usize| Positions::new(3, count, |write| write(&[1], count - 1)).unwrap();
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
