//! What a table says, apart from what is planned over it: any number of plans share it.

mod columns;
#[cfg(feature = "file")]
mod file;
#[cfg(feature = "file")]
mod hash;
#[cfg(feature = "file")]
mod header;
#[cfg(feature = "file")]
mod reader;
#[cfg(all(test, feature = "file"))]
mod tests;

use std::sync::{Arc, OnceLock};

use crate::columns::Table;
use crate::columns::times::{Hours, Times};
use crate::error::Error;
use crate::groups::{BY_EXPERIMENT, Groups, Order};
use crate::near::Focus;
use crate::support::arrays::Arrays;
use crate::support::caught::caught;
use crate::support::memory::shared;
use crate::support::pauses::Pauses;
use crate::support::store::Store;

pub use columns::Columns;
#[cfg(feature = "file")]
pub use file::Opening;

/// The rows of a table by experiment, condition and time. A clone shares its memory.
///
/// A plan is made from an index with [`Plan::over`](crate::Plan::over) or [`Plan::dealt_over`](crate::Plan::dealt_over)
/// without reading the table again.
///
/// ```
/// use std::sync::Arc;
///
/// use cascade_sampler::{Column, DealtSettings, Index, Plan, Settings, Table};
///
/// let experiment = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1];
/// let table = Table { rows: 12, experiments: Some(Column::from_ranks(&experiment, 2)), ..Table::default() };
/// let index = Arc::new(Index::build(&table)?);
/// let drawn = Plan::over(&index, &Settings { batch_size: 4, ..Settings::default() })?;
/// let dealt = Plan::dealt_over(&index, &DealtSettings { batch_size: 4, ..DealtSettings::default() })?;
/// assert_eq!((drawn.batches(), dealt.batches()), (3, 3));
/// # Ok::<(), cascade_sampler::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Index {
    groups: Groups,
    focus: Option<Arc<Focus>>,
    columns: Columns,
    /// Of all columns, so that indexes of some of them share it.
    made: Arc<Made>,
    /// Where it was opened from.
    #[cfg(feature = "file")]
    file: Option<Arc<file::Opened>>,
}

/// Lists that are made when they are first wanted.
#[derive(Debug, Default)]
struct Made {
    /// Rows by experiment, where there are conditions.
    pools: OnceLock<Store<u32>>,
    /// Rows in the order of the table, where some are in no pool.
    all: OnceLock<Store<u32>>,
}

impl Index {
    /// Reads a table.
    ///
    /// # Errors
    /// Whatever [`Error`] says of tables, and [`Error::OutOfMemory`].
    pub fn build(table: &Table<'_>) -> Result<Self, Error> {
        Self::build_with_pause(table, false, || Ok(()))
    }

    /// As [`Index::build`]. `pools` says whether the second list that leak of drawn batches needs, where there are
    /// conditions, is made in the same pass; else it is made when a plan first wants it. `pause` is called every few
    /// milliseconds; its error ends the work.
    ///
    /// # Errors
    /// As [`Index::build`], or what `pause` returns.
    pub fn build_with_pause<E: From<Error>>(
        table: &Table<'_>,
        pools: bool,
        mut pause: impl FnMut() -> Result<(), E>,
    ) -> Result<Self, E> {
        Self::read(table, pools, &mut Pauses::new(&mut pause))
    }

    pub(crate) fn read<E: From<Error>>(table: &Table<'_>, pools: bool, pauses: &mut Pauses<'_, E>) -> Result<Self, E> {
        table.check()?;
        let present = table.times.as_ref().map(Times::present).transpose()?.flatten();
        pauses.after(table.rows)?;
        let mut groups = Groups::new(table, present.as_deref(), pools, pauses)?;
        drop(present);
        let made = Made::default();
        let mut order = groups.pool_order();
        if table.conditions.is_some() {
            order = Order::Cells;
            if let Some(pools) = groups.pools() {
                made.pools.get_or_init(|| pools.clone());
            }
            groups = groups.with_pools(None);
        }
        let focus = match &table.times {
            Some(times) => Some(shared(Focus::new(&groups, times, order, pauses)?)?),
            None => None,
        };
        Ok(Self {
            groups,
            focus,
            columns: Columns {
                experiments: table.experiments.is_some(),
                conditions: table.conditions.is_some(),
                times: table.times.is_some(),
            },
            made: shared(made)?,
            #[cfg(feature = "file")]
            file: None,
        })
    }

    /// The rows by experiment and condition.
    #[must_use]
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// The columns that there are.
    #[must_use]
    pub fn columns(&self) -> Columns {
        self.columns
    }

    /// Whether the second list that leak of drawn batches needs was made already, or is not needed.
    #[must_use]
    pub fn has_pools(&self) -> bool {
        let needs_none = !self.columns.conditions || !self.columns.experiments;
        needs_none || self.made.pools.get().is_some()
    }

    /// The arrays that it is made of, with the names that files have for them.
    fn arrays(&self) -> Arrays<'_> {
        let mut arrays = Arrays::default();
        self.groups.arrays(&mut arrays);
        if self.columns.conditions {
            // Of groups without conditions the list is their own.
            if let Some(pools) = self.made.pools.get() {
                arrays.add(BY_EXPERIMENT, pools);
            }
        }
        if let Some(focus) = &self.focus {
            focus.arrays(&mut arrays);
        }
        arrays
    }

    /// Bytes that are held in this process, and bytes of a file that are mapped.
    #[must_use]
    pub fn bytes(&self) -> (usize, usize) {
        let all = self.made.all.get().map_or(0, |all| all.as_bytes().len());
        self.arrays().0.iter().fold((all, 0), |(held, mapped), array| {
            let bytes = array.bytes.len();
            if array.is_mapped && !self.is_copied() {
                (held, mapped + bytes)
            } else {
                (held + bytes, mapped)
            }
        })
    }

    /// Whether row numbers are to be looked at before they are handed out: whoever wrote a file could write anything.
    #[inline]
    #[cfg_attr(
        not(feature = "file"),
        expect(clippy::unused_self, reason = "without files none is from one")
    )]
    pub(crate) fn is_from_file(&self) -> bool {
        #[cfg(feature = "file")]
        return self.file.is_some();
        #[cfg(not(feature = "file"))]
        false
    }

    /// Whether the arrays of a file were copied into memory.
    #[cfg_attr(
        not(feature = "file"),
        expect(clippy::unused_self, reason = "without files none is from one")
    )]
    pub(crate) fn is_copied(&self) -> bool {
        #[cfg(feature = "file")]
        return self.file.as_ref().is_some_and(|file| file.is_copied);
        #[cfg(not(feature = "file"))]
        false
    }

    /// What to say of a file whose contents led to something that cannot be.
    #[cold]
    #[cfg_attr(
        not(feature = "file"),
        expect(clippy::unused_self, reason = "without files none is from one")
    )]
    pub(crate) fn damaged(&self, reason: &str) -> Error {
        #[cfg(feature = "file")]
        let path = self.file.as_ref().map(|file| file.path.clone()).unwrap_or_default();
        #[cfg(not(feature = "file"))]
        let path = std::path::PathBuf::new();
        let reason = format!("{reason}, as opening it with verify will tell");
        Error::Damaged { path, reason }
    }

    /// Does work that reads the index. Where that is from a file whose contents contradict one another, an error comes of it.
    #[inline]
    pub(crate) fn guarded<T, E: From<Error>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        if !self.is_from_file() {
            return work();
        }
        caught(work).unwrap_or_else(|| Err(self.damaged("its parts contradict one another").into()))
    }

    /// The time of every row in hours, NaN for rows in no pool; `None` without times. `pause` is called every few
    /// milliseconds; its error ends the work.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or what `pause` returns.
    pub fn times<E: From<Error>>(&self, mut pause: impl FnMut() -> Result<(), E>) -> Result<Option<Hours>, E> {
        let pauses = &mut Pauses::new(&mut pause);
        let focus = self.focus.as_ref();
        self.guarded(|| focus.map(|focus| focus.times(&self.groups, pauses)).transpose())
    }

    pub(crate) fn focus(&self) -> Option<&Focus> {
        self.focus.as_deref()
    }

    /// The groups whose pools are runs of a list of their own, in the order of the table.
    pub(crate) fn groups_with_pools<E: From<Error>>(&self, pauses: &mut Pauses<'_, E>) -> Result<Groups, E> {
        if self.columns.conditions {
            let pools = self.pools(pauses)?;
            return Ok(self.groups.clone().with_pools(Some(pools)));
        }
        Ok(self.groups.clone())
    }

    /// The rows by experiment, which are made once.
    fn pools<E: From<Error>>(&self, pauses: &mut Pauses<'_, E>) -> Result<Store<u32>, E> {
        once(&self.made.pools, || self.guarded(|| self.groups.by_experiment(pauses)))
    }
}

/// What is in a cell, or is made for it. No lock is held meanwhile: at worst two threads make the same.
fn once<T: Clone, E>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    if let Some(made) = cell.get() {
        return Ok(made.clone());
    }
    let value = make()?;
    Ok(cell.get_or_init(|| value).clone())
}
