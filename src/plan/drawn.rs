//! Plans whose batches are drawn one after another (version 1 of the specification).

use std::sync::Arc;

use crate::columns::Table;
use crate::error::Error;
use crate::index::Index;
use crate::plan::quotas::Composition;
use crate::plan::settings::Settings;
use crate::plan::weights::{by_name, by_position, by_size, cumulative};
use crate::plan::{Plan, Rule, leak_seats};
use crate::support::memory::shared;
use crate::support::pauses::Pauses;

/// What only drawn batches have: how those of each size are split.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// As given, but weights and ratios by position.
    settings: Settings,
    full: Composition,
    /// The last batch, where it is short, and its position.
    short: Option<(Composition, u64)>,
}

impl Drawn {
    /// What was asked for, with weights and ratios by the positions of experiments and conditions.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How a full batch is split.
    #[must_use]
    pub fn full(&self) -> &Composition {
        &self.full
    }

    /// How the last batch is split, where it is short.
    #[must_use]
    pub fn short(&self) -> Option<&Composition> {
        self.short.as_ref().map(|(short, _)| short)
    }

    /// How the global batch at `position` is split. Those past the epoch's end, which fill up the last round, are full.
    #[must_use]
    pub fn composition(&self, position: u64) -> &Composition {
        match &self.short {
            Some((short, last)) if *last == position => short,
            _ => &self.full,
        }
    }
}

impl Plan {
    /// Plans drawn batches over a table.
    ///
    /// # Errors
    /// Whatever [`Error`] says of tables and settings, and [`Error::OutOfMemory`].
    pub fn new(table: &Table<'_>, settings: &Settings) -> Result<Self, Error> {
        Self::with_pause(table, settings, || Ok(()))
    }

    /// As [`Plan::new`]. `pause` is called every few milliseconds; its error ends the work.
    ///
    /// # Errors
    /// As [`Plan::new`], or what `pause` returns.
    pub fn with_pause<E: From<Error>>(
        table: &Table<'_>,
        settings: &Settings,
        mut pause: impl FnMut() -> Result<(), E>,
    ) -> Result<Self, E> {
        let pauses = &mut Pauses::new(&mut pause);
        let batch_size = settings.checked()?;
        // Both lists of rows are made in one pass.
        let pools = leak_seats(batch_size as usize, settings.leaky, table.experiments.is_some()) > 0;
        let index = shared(Index::read(table, pools, pauses)?)?;
        Self::drawn(&index, settings, pauses)
    }

    /// Plans drawn batches over an index: no table is read.
    ///
    /// ```
    /// # use cascade_sampler::{Column, Index, Plan, Settings, Table};
    /// # use std::sync::Arc;
    /// let plate = [0, 0, 0, 0, 1, 1, 1, 1];
    /// let table = Table { rows: 8, experiments: Some(Column::from_ranks(&plate, 2)), ..Table::default() };
    /// let index = Arc::new(Index::build(&table)?);
    /// let settings = Settings { batch_size: 2, ..Settings::default() };
    /// assert_eq!(Plan::over(&index, &settings)?.batches(), Plan::new(&table, &settings)?.batches());
    /// # Ok::<(), cascade_sampler::Error>(())
    /// ```
    ///
    /// # Errors
    /// Whatever [`Error`] says of settings, and [`Error::OutOfMemory`].
    pub fn over(index: &Arc<Index>, settings: &Settings) -> Result<Self, Error> {
        Self::over_with_pause(index, settings, || Ok(()))
    }

    /// As [`Plan::over`]. `pause` is called every few milliseconds, where the list that leak needs is made for the first
    /// time; its error ends the work.
    ///
    /// # Errors
    /// As [`Plan::over`], or what `pause` returns.
    pub fn over_with_pause<E: From<Error>>(
        index: &Arc<Index>,
        settings: &Settings,
        mut pause: impl FnMut() -> Result<(), E>,
    ) -> Result<Self, E> {
        Self::drawn(index, settings, &mut Pauses::new(&mut pause))
    }

    fn drawn<E: From<Error>>(index: &Arc<Index>, settings: &Settings, pauses: &mut Pauses<'_, E>) -> Result<Self, E> {
        let batch_size = settings.checked()?;
        let columns = index.columns();
        let groups = index.groups();
        let experiment_labels = columns.experiments.then(|| groups.experiment_labels());
        let condition_labels = columns.conditions.then(|| groups.condition_labels());
        let given = by_position("weight", settings.weights.as_deref(), experiment_labels)?;
        let ratios = by_position("ratio", settings.ratios.as_deref(), condition_labels)?;
        let weights = match &given {
            Some(given) => by_name(given)?,
            None if columns.experiments => by_size(groups)?,
            None => Vec::new(),
        };

        let (batches, short_size) = length_of_epoch(groups.kept(), batch_size, settings)?;
        let far_fraction = if columns.times { settings.global_fraction } else { 0.0 };
        let compose = |size: usize| {
            let leak = leak_seats(size, settings.leaky, groups.experiments() > 1);
            let composition = Composition::new(size, leak, far_fraction);
            if columns.conditions {
                composition.split(groups, &weights, ratios.as_deref(), far_fraction)
            } else {
                Ok(composition)
            }
        };
        let full = compose(batch_size as usize)?;
        let short = short_size.map(|size| compose(size as usize)).transpose()?;
        let leak = full.leak();
        let rule = Rule::Drawn(Drawn {
            settings: Settings {
                weights: given,
                ratios,
                ..*settings
            },
            full,
            short: short.map(|short| (short, batches - 1)),
        });
        Ok(Self {
            cdf: cumulative(&weights)?,
            groups: if leak > 0 {
                // What leaks is drawn from the rows in the order of the table.
                index.groups_with_pools(pauses)?
            } else {
                groups.clone()
            },
            index: index.clone(),
            weights,
            window: settings.window,
            batch_size,
            leak,
            batches,
            rule,
        })
    }
}

/// Global batches of an epoch, and the seats of the last one where it is short.
fn length_of_epoch(rows: u32, batch_size: u32, settings: &Settings) -> Result<(u64, Option<u32>), Error> {
    if let Some(batches) = settings.batches {
        return Ok((batches, None));
    }
    let rest = rows % batch_size;
    let short = (rest > 0 && !settings.drop_last).then_some(rest);
    let batches = u64::from(rows / batch_size) + u64::from(short.is_some());
    if batches == 0 {
        return Err(Error::NoBatches { rows, batch_size });
    }
    Ok((batches, short))
}
