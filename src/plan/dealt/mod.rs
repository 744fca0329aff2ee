//! Plans whose batches are dealt (version 2 of the specification).

mod hand;
mod pass;
mod settings;
mod share;

use std::sync::Arc;

use crate::columns::Table;
use crate::error::Error;
use crate::groups::Groups;
use crate::index::{Columns, Index};
use crate::plan::weights::{self, by_name, by_size, cumulative, normed};
use crate::plan::{Plan, Rule, leak_seats};
use crate::support::memory::{collected, filled, prefetch, room, shared};
use crate::support::pauses::Pauses;

pub(crate) use hand::Hand;
use pass::{Blocks, EPOCHS, LastPass};
pub(crate) use pass::{Pass, Turn};
pub use settings::{DealtSettings, Weights};
pub(crate) use share::{Part, Seats, Sharing};
use share::{Shares, Wanted};

/// What only dealt batches have: how an epoch's blocks are shared out, and the decks.
#[derive(Clone, Debug)]
pub struct Dealt {
    /// As given, but weights, ratios and those that are in every batch by position.
    settings: DealtSettings,
    blocks: Blocks,
    last: LastPass,
    /// Seats of a batch that do not leak.
    primary: u32,
    /// `None` without conditions.
    shares: Option<Shares>,
    /// By cell; without conditions by experiment.
    hands: Vec<Hand>,
    /// What leaks into the batches of each experiment; none where nothing does.
    leaks: Vec<Hand>,
}

impl Dealt {
    /// What was asked for, with weights, ratios and those that are in every batch by the positions of experiments and
    /// conditions.
    #[must_use]
    pub fn settings(&self) -> &DealtSettings {
        &self.settings
    }

    /// The blocks of an epoch.
    ///
    /// # Errors
    /// [`Error::Epoch`], [`Error::OutOfMemory`].
    pub(crate) fn pass(&self, seed: u64, epoch: u64) -> Result<Arc<Pass>, Error> {
        self.last.pass(&self.blocks, seed, check_epoch(epoch.into())?)
    }

    /// The global batch at a position, those that fill the last round beginning anew, and whose it is.
    #[inline]
    pub(crate) fn turn(&self, pass: &Pass, position: u64) -> (u64, Turn) {
        let position = position % self.blocks.batches();
        (position, self.blocks.turn(pass, position as u32))
    }

    /// Batches of an experiment in the epochs before a pass.
    pub(crate) fn deals_before(&self, pass: &Pass, experiment: usize) -> u64 {
        pass.before(experiment) * u64::from(self.block())
    }

    /// Batches of an experiment in an epoch, on average.
    pub(crate) fn mean_deals(&self, experiment: usize) -> f64 {
        self.blocks.mean(experiment) * f64::from(self.block())
    }

    /// Seats of a batch that do not leak.
    pub(crate) fn primary(&self) -> u32 {
        self.primary
    }

    pub(crate) fn shares(&self) -> Option<&Shares> {
        self.shares.as_ref()
    }

    /// The most conditions that share a batch; 1 without conditions.
    pub(crate) fn most_shares(&self) -> usize {
        self.shares.as_ref().map_or(1, Shares::most) as usize
    }

    /// What a unit has of the batches of its experiment: a cell, or without conditions all its rows.
    pub(crate) fn part(&self, groups: &Groups, experiment: usize, unit: u32) -> Option<Part> {
        match &self.shares {
            Some(shares) => shares.part(groups, experiment, unit, self.primary),
            None => Some(Part::new(self.primary.into(), 0.0)),
        }
    }

    /// What is dealt from a cell, or without conditions from an experiment.
    #[inline]
    pub(crate) fn hand(&self, unit: u32) -> &Hand {
        &self.hands[unit as usize]
    }

    /// Asks for what is known of a cell.
    #[inline]
    pub(crate) fn prefetch(&self, groups: &Groups, cell: u32) {
        prefetch(groups.cells(), cell as usize);
        prefetch(&self.hands, cell as usize);
    }

    /// What a hand would be that holds rows for another number of seats.
    #[cold]
    pub(crate) fn other_hand(&self, rows: u32, held: u32, fixed: bool) -> Hand {
        let block = if fixed { self.block() } else { 1 };
        Hand::new(rows, held, run_length(&self.settings), block)
    }

    /// What leaks into batches of an experiment.
    #[inline]
    pub(crate) fn leak(&self, experiment: usize) -> Option<&Hand> {
        self.leaks.get(experiment)
    }

    fn block(&self) -> u32 {
        self.settings.batches_per_experiment as u32
    }
}

/// The number of an epoch that batches can be dealt for.
///
/// # Errors
/// [`Error::Epoch`].
pub(crate) fn check_epoch(epoch: u128) -> Result<u64, Error> {
    match u64::try_from(epoch) {
        Ok(epoch) if epoch < EPOCHS => Ok(epoch),
        _ => Err(Error::Epoch { epoch, limit: EPOCHS }),
    }
}

impl Plan {
    /// Plans dealt batches over a table.
    ///
    /// # Errors
    /// Whatever [`Error`] says of tables and settings, and [`Error::OutOfMemory`].
    pub fn dealt(table: &Table<'_>, settings: &DealtSettings) -> Result<Self, Error> {
        Self::dealt_with_pause(table, settings, || Ok(()))
    }

    /// As [`Plan::dealt`]. `pause` is called every few milliseconds; its error ends the work.
    ///
    /// # Errors
    /// As [`Plan::dealt`], or what `pause` returns.
    pub fn dealt_with_pause<E: From<Error>>(
        table: &Table<'_>,
        settings: &DealtSettings,
        mut pause: impl FnMut() -> Result<(), E>,
    ) -> Result<Self, E> {
        settings.checked()?;
        let pauses = &mut Pauses::new(&mut pause);
        // What leaks is looked up in the list of cells.
        let index = shared(Index::read(table, false, pauses)?)?;
        Ok(Self::dealt_over(&index, settings)?)
    }

    /// Plans dealt batches over an index: no table is read.
    ///
    /// # Errors
    /// Whatever [`Error`] says of settings, and [`Error::OutOfMemory`].
    pub fn dealt_over(index: &Arc<Index>, settings: &DealtSettings) -> Result<Self, Error> {
        let batch_size = settings.checked()?;
        check_columns(index.columns(), settings)?;
        let groups = index.groups();
        let experiment_labels = index.columns().experiments.then(|| groups.experiment_labels());
        let (weights, named) = weights(groups, settings, experiment_labels)?;
        let cdf = cumulative(&weights)?;
        let leak = leak_seats(batch_size as usize, settings.leaky, groups.experiments() > 1);
        let primary = batch_size - leak as u32;
        let blocks = blocks(
            groups,
            settings,
            &weights,
            &cdf,
            if primary > 0 { primary } else { batch_size },
        )?;
        let mut by_position = DealtSettings {
            weights: named,
            ratios: None,
            always: Vec::new(),
            ..settings.clone()
        };
        let (shares, hands) = if index.columns().conditions {
            let labels = groups.condition_labels();
            by_position.ratios = weights::by_position("ratio", settings.ratios.as_deref(), Some(labels))?;
            by_position.always = positions(&settings.always, labels)?;
            let shares = shares(groups, &by_position, &weights, primary)?;
            let hands = shares.hands(groups, primary, run_length(settings), settings.block()?)?;
            (Some(shares), hands)
        } else {
            (None, hands_of_pools(groups, settings, primary)?)
        };
        let leaks = leaks(groups, leak as u32, settings.block()?)?;
        let rule = Rule::Dealt(Dealt {
            settings: by_position,
            last: LastPass::default(),
            primary,
            shares,
            hands,
            leaks,
            blocks,
        });
        let Rule::Dealt(dealt) = &rule else { unreachable!() };
        Ok(Self {
            batches: dealt.blocks.batches(),
            groups: groups.clone(),
            index: index.clone(),
            weights,
            cdf,
            window: settings.window,
            batch_size,
            leak,
            rule,
        })
    }
}

/// Refuses what is for a column that the index does not have.
fn check_columns(columns: Columns, settings: &DealtSettings) -> Result<(), Error> {
    let of_conditions = [
        ("ratio", settings.ratios.is_some()),
        ("always", !settings.always.is_empty()),
        ("conditions_per_batch", settings.conditions_per_batch.is_some()),
    ];
    match of_conditions.into_iter().find(|&(_, is_asked)| is_asked) {
        Some((what, _)) if !columns.conditions => Err(Error::WithoutColumn { what }),
        _ => Ok(()),
    }
}

/// Longer runs than a table has rows are no other than runs of all its rows.
fn run_length(settings: &DealtSettings) -> u32 {
    u32::try_from(settings.run_length).unwrap_or(u32::MAX)
}

/// The weights by position, none where there is no experiment column; and the same as they were given.
fn weights(groups: &Groups, settings: &DealtSettings, labels: Option<&[u32]>) -> Result<(Vec<f64>, Weights), Error> {
    let experiments = groups.experiments();
    let weights = match &settings.weights {
        Weights::Named(given) => {
            let given = weights::by_position("weight", Some(given), labels)?.unwrap_or_default();
            return Ok((by_name(&given)?, Weights::Named(given)));
        }
        _ if labels.is_none() => Vec::new(),
        Weights::Size => by_size(groups)?,
        Weights::Sqrt => normed(collected(
            (0..experiments).map(|position| f64::from(groups.size(position)).sqrt()),
        )?)?,
        Weights::Equal => normed(filled(experiments, 1.0)?)?,
    };
    Ok((weights, settings.weights.clone()))
}

/// Positions among the labels with rows, which all that are in every batch must have.
fn positions(always: &[u32], labels: &[u32]) -> Result<Vec<u32>, Error> {
    let mut positions = room(always.len())?;
    for &label in always {
        let position = labels.binary_search(&label).map_err(|_| Error::WithoutRows {
            what: "always",
            label: label as usize,
        })?;
        positions.push(position as u32);
    }
    Ok(positions)
}

/// The blocks of an epoch, each batch of which deals `seats` rows of its experiment.
fn blocks(
    groups: &Groups,
    settings: &DealtSettings,
    weights: &[f64],
    cdf: &[f64],
    seats: u32,
) -> Result<Blocks, Error> {
    let block = settings.block()?;
    let experiments = groups.experiments();
    let mut full = room(experiments)?;
    for position in 0..experiments {
        let can_pick = weights.get(position).is_none_or(|&weight| weight > 0.0);
        let blocks = groups.size(position).div_ceil(seats).div_ceil(block);
        full.push(if can_pick { blocks } else { 0 });
    }
    let total = match settings.batches {
        Some(batches) => u128::from(batches),
        None => full.iter().map(|&blocks| u128::from(blocks) * u128::from(block)).sum(),
    };
    let Ok(total) = u32::try_from(total) else {
        return Err(Error::TooManyBatches { total });
    };
    if settings.batches.is_none() && settings.weights == Weights::Size || weights.is_empty() {
        if let Some(batches) = settings.batches {
            return Blocks::fixed(&[batches as u32 / block], block);
        }
        return Blocks::fixed(&full, block);
    }
    Blocks::rounded(total / block, block, cdf)
}

/// Which conditions share the batches of each experiment, from settings by position.
fn shares(groups: &Groups, settings: &DealtSettings, weights: &[f64], seats: u32) -> Result<Shares, Error> {
    let mut always = filled(groups.condition_labels().len(), false)?;
    for &position in &settings.always {
        always[position as usize] = true;
    }
    let wanted = Wanted {
        ratios: settings.ratios.as_deref(),
        always: &always,
        per_batch: settings.conditions_per_batch,
        seats,
    };
    Shares::new(groups, weights, &wanted)
}

/// The hand of every experiment, where all its rows are one cell.
fn hands_of_pools(groups: &Groups, settings: &DealtSettings, seats: u32) -> Result<Vec<Hand>, Error> {
    let (run_length, block) = (run_length(settings), settings.block()?);
    collected((0..groups.experiments()).map(|position| Hand::new(groups.size(position), seats, run_length, block)))
}

/// Of the rows of all other experiments what leaks into the batches of each.
fn leaks(groups: &Groups, seats: u32, block: u32) -> Result<Vec<Hand>, Error> {
    if seats == 0 {
        return Ok(Vec::new());
    }
    let others = (0..groups.experiments()).map(|position| groups.kept() - groups.size(position));
    collected(others.map(|rows| Hand::new(rows, seats, 1, block)))
}
