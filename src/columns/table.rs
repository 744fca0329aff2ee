//! A table as a plan reads it.

use crate::columns::column::Column;
use crate::columns::times::Times;
use crate::error::Error;

/// What batches are planned over: the number of rows, and the columns that say something about them. A column that is not
/// given switches off what it is for.
///
/// ```
/// use cascade_sampler::{Column, Table};
///
/// let experiment = [0, 0, 1, 1];
/// let table = Table {
///     rows: 4,
///     experiments: Some(Column::from_ranks(&experiment, 2)),
///     ..Table::default()
/// };
/// assert!(table.conditions.is_none());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Table<'a> {
    /// Number of rows, below 2^32.
    pub rows: usize,
    /// The experiment of each row. Without it all rows are one experiment, and nothing leaks.
    pub experiments: Option<Column<'a>>,
    /// The condition of each row. Without it the seats of a batch are not split.
    pub conditions: Option<Column<'a>>,
    /// The time of each row. Without it a batch does not gather around a focal time.
    pub times: Option<Times<'a>>,
}

impl Table<'_> {
    /// Refuses more rows than can be told apart, and columns that are not as long as the table.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let rows = self.rows;
        // Row numbers must fit, and so must their count, which is a bound of draws.
        if u32::try_from(rows).is_err() {
            return Err(Error::TooManyRows { rows });
        }
        let columns = [&self.experiments, &self.conditions].map(|column| column.as_ref().map(Column::len));
        let lengths = columns.into_iter().chain([self.times.as_ref().map(Times::len)]);
        match lengths.flatten().find(|&found| found != rows) {
            Some(found) => Err(Error::Length { rows, found }),
            None => Ok(()),
        }
    }
}
