//! What a table says, apart from what is planned over it: any number of plans share it.

mod columns;

use std::sync::{Arc, OnceLock};

use crate::columns::Table;
use crate::columns::times::{Hours, Times};
use crate::error::Error;
use crate::groups::{Groups, Order};
use crate::near::Focus;
use crate::support::memory::shared;
use crate::support::pauses::Pauses;
use crate::support::store::Store;

pub use columns::Columns;

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
        !self.columns.conditions || self.made.pools.get().is_some()
    }

    /// Bytes that are held in this process.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let made = [&self.made.pools, &self.made.all];
        let is_other = |made: &&Store<u32>| self.groups.pools().is_none_or(|own| own.as_ptr() != made.as_ptr());
        let made = made.into_iter().filter_map(OnceLock::get).filter(is_other);
        let made: usize = made.map(Store::bytes).sum();
        let focus = self.focus.as_ref().map_or(0, |focus| focus.bytes());
        self.groups.bytes() + made + focus
    }

    /// The time of every row in hours, NaN for rows in no pool; `None` without times. `pause` is called every few
    /// milliseconds; its error ends the work.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or what `pause` returns.
    pub fn times<E: From<Error>>(&self, mut pause: impl FnMut() -> Result<(), E>) -> Result<Option<Hours>, E> {
        let pauses = &mut Pauses::new(&mut pause);
        let focus = self.focus.as_ref();
        focus.map(|focus| focus.times(&self.groups, pauses)).transpose()
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
        once(&self.made.pools, || self.groups.by_experiment(pauses))
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
