//! Which columns an index has, and indexes of some of them only.

use super::{Index, once};
use crate::error::Error;
use crate::support::pauses::Pauses;
use crate::support::store::Store;

/// The columns that an index has of its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// That of the experiments.
    pub experiments: bool,
    /// That of the conditions.
    pub conditions: bool,
    /// That of the times.
    pub times: bool,
}

impl Index {
    /// The index as if it had only those of its columns that are in `columns`: a plan over it does without the others. It
    /// shares the memory of this one, and rows that this one leaves out stay left out.
    ///
    /// ```
    /// use cascade_sampler::{Column, Columns, Index, Table};
    ///
    /// let (plate, dose) = ([0, 0, 1, 1], [0, 1, 0, 1]);
    /// let table = Table {
    ///     rows: 4,
    ///     experiments: Some(Column::from_ranks(&plate, 2)),
    ///     conditions: Some(Column::from_ranks(&dose, 2)),
    ///     times: None,
    /// };
    /// let index = Index::build(&table)?;
    /// let plates = index.only(Columns { conditions: false, ..index.columns() })?;
    /// assert!(plates.groups().cells().is_empty());
    /// assert_eq!(plates.groups().experiments(), 2);
    /// # Ok::<(), cascade_sampler::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::IndexHas`] where the rows would have to be sorted anew: for conditions without experiments, and for times
    /// without a column that they were sorted with. [`Error::OutOfMemory`].
    pub fn only(&self, columns: Columns) -> Result<Self, Error> {
        self.only_with_pause(columns, || Ok(()))
    }

    /// As [`Index::only`]. `pause` is called every few milliseconds, where a list of the rows in the table's order is made
    /// for the first time; its error ends the work.
    ///
    /// # Errors
    /// As [`Index::only`], or what `pause` returns.
    pub fn only_with_pause<E: From<Error>>(
        &self,
        columns: Columns,
        mut pause: impl FnMut() -> Result<(), E>,
    ) -> Result<Self, E> {
        let has = self.columns;
        let columns = Columns {
            experiments: has.experiments && columns.experiments,
            conditions: has.conditions && columns.conditions,
            times: has.times && columns.times,
        };
        let pauses = &mut Pauses::new(&mut pause);
        let with_times = |what| {
            if columns.times {
                Err(Error::IndexHas { what, with: "times" })
            } else {
                Ok(())
            }
        };
        let mut groups = self.groups.clone();
        if has.experiments && !columns.experiments {
            with_times("experiments")?;
            if columns.conditions {
                return Err(Error::IndexHas {
                    what: "experiments",
                    with: "conditions",
                }
                .into());
            }
            groups = groups.as_one(self.all(pauses)?)?;
        } else if has.conditions && !columns.conditions {
            with_times("conditions")?;
            let pools = if has.experiments {
                Some(self.pools(pauses)?)
            } else {
                self.all(pauses)?
            };
            groups = groups.without_conditions(pools)?;
        }
        Ok(Self {
            groups,
            focus: self.focus.clone().filter(|_| columns.times),
            columns,
            made: self.made.clone(),
            #[cfg(feature = "file")]
            file: self.file.clone(),
        })
    }

    /// The rows in the order of the table, where some are in no pool.
    fn all<E: From<Error>>(&self, pauses: &mut Pauses<'_, E>) -> Result<Option<Store<u32>>, E> {
        if self.groups.are_all() {
            return Ok(None);
        }
        once(&self.made.all, || self.guarded(|| self.groups.in_table_order(pauses))).map(Some)
    }
}
