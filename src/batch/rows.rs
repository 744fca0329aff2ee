//! The integers that rows are handed out as.

use crate::error::Error;

mod sealed {
    /// Keeps the list of widths closed, so that each of them is checked against the table.
    pub trait Sealed {}
}

/// An integer that a row number is handed out as: `u32`, `u64`, `usize`, `i32` or `i64`.
///
/// Whatever hands out rows refuses a table whose rows it cannot hold, which is possible for `i32` alone.
pub trait Row: sealed::Sealed + Copy + Send + Sync + 'static {
    /// The most rows that can be told apart.
    #[doc(hidden)]
    const MOST: u64;

    /// `row` in this width.
    #[doc(hidden)]
    fn from_row(row: u32) -> Self;
}

macro_rules! rows {
    ($($type:ty)*) => {$(
        impl sealed::Sealed for $type {}

        impl Row for $type {
            #[allow(clippy::cast_lossless, reason = "one body for all widths")]
            const MOST: u64 = (<$type>::MAX as u64).saturating_add(1);

            #[inline]
            #[allow(clippy::cast_lossless, reason = "one body for all widths")]
            fn from_row(row: u32) -> Self {
                row as Self
            }
        }
    )*};
}
rows!(u32 u64 usize i32 i64);

/// Refuses a table of more rows than the width tells apart.
pub(crate) fn check_width<T: Row>(rows: usize) -> Result<(), Error> {
    if rows as u64 > T::MOST {
        return Err(Error::RowWidth { rows, most: T::MOST });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_numbers_that_an_integer_does_not_hold() {
        let (rows, most) = (1 << 31, 1 << 31);
        assert_eq!(check_width::<i32>(rows), Ok(()));
        let refused = Error::RowWidth { rows: rows + 1, most };
        assert_eq!(check_width::<i32>(rows + 1), Err(refused));
        let rows = u32::MAX as usize;
        assert_eq!(check_width::<u32>(rows), Ok(()));
        assert_eq!(check_width::<i64>(rows), Ok(()));
        assert_eq!(check_width::<u64>(rows), Ok(()));
        assert_eq!(check_width::<usize>(rows), Ok(()));
    }
}
