//! What an epoch is drawn from: weights, quotas and the number of batches, fixed at construction
//! (specification, sections 2 and 4).

mod sums;

use crate::columns::codes::Column;
use crate::columns::times::{Hours, Times};
use crate::error::Error;
use crate::groups::{Groups, Order, Pool};
use crate::near::focus::Focus;
use crate::support::memory::{collected, push, room};
use sums::{exact_sum, pairwise_sum};

/// What the user asks for, beside the table.
///
/// Weights and ratios are by label number of their column; `None` stands for a label that was not named.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Rows of a batch, B.
    pub batch_size: u64,
    /// Fraction of a batch that comes from other experiments, in `[0, 1]`.
    pub leaky: f64,
    /// Experiment weights; without them an experiment weighs what it has of the rows.
    pub weights: Option<Vec<Option<f64>>>,
    /// Condition ratios; without them, and for a condition not named, equal shares.
    pub ratios: Option<Vec<Option<f64>>>,
    /// Whether the rows that do not fill a last batch are left out of the count of batches.
    pub drop_last: bool,
    /// Number of global batches in an epoch, in place of the one that the table's size gives.
    pub batches: Option<u64>,
    /// How far from the focal time, in hours, a row is still near. Only where times are given, as is the next.
    pub window: f64,
    /// Fraction of the seats that do not leak that goes to rows that are not near, in `[0, 1]`.
    pub global_fraction: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch_size: 128,
            leaky: 0.0,
            weights: None,
            ratios: None,
            drop_last: true,
            batches: None,
            window: 2.0,
            global_fraction: 0.3,
        }
    }
}

impl Settings {
    /// Refuses what is out of range; returns the batch size.
    fn checked(&self) -> Result<u32, Error> {
        let found = self.batch_size;
        let batch_size = u32::try_from(found).unwrap_or(0);
        if batch_size == 0 {
            return Err(Error::BatchSize { found });
        }
        let fraction = 0.0..=1.0;
        if !fraction.contains(&self.leaky) {
            return Err(Error::Leaky { found: self.leaky });
        }
        if !fraction.contains(&self.global_fraction) {
            return Err(Error::GlobalFraction {
                found: self.global_fraction,
            });
        }
        if self.window.is_nan() || self.window < 0.0 {
            return Err(Error::Window { found: self.window });
        }
        if let Some(found) = self
            .batches
            .filter(|&batches| batches == 0 || batches > i64::MAX as u64)
        {
            return Err(Error::Batches { found });
        }
        check_proportions("weight", self.weights.as_deref())?;
        check_proportions("ratio", self.ratios.as_deref())?;
        Ok(batch_size)
    }
}

/// Seats of one condition in a batch of one experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Number of the cell in [`Groups::cells`].
    pub cell: u32,
    /// Seats, at least 1.
    pub seats: u32,
    /// How many of them go to rows far from the focal time; 0 without times.
    pub far: u32,
}

/// How the seats of a batch of one size are split.
#[derive(Clone, Debug)]
pub struct Composition {
    size: usize,
    leak: usize,
    far: usize,
    /// Quotas of all experiments that can be picked, one experiment after another; `None` without conditions.
    quotas: Option<Vec<Quota>>,
    /// Where each experiment's quotas begin, and last where they end.
    quota_starts: Vec<usize>,
    most_quotas: usize,
}

impl Composition {
    /// Seats of the batch.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Seats that go to rows of other experiments.
    #[must_use]
    pub fn leak(&self) -> usize {
        self.leak
    }

    /// Seats that go to rows far from the focal time; 0 without times.
    #[must_use]
    pub fn far(&self) -> usize {
        self.far
    }

    /// Seats that do not leak.
    #[must_use]
    pub fn primary(&self) -> usize {
        self.size - self.leak
    }

    /// The largest number of quotas, or of other parts, that the primary of a batch has.
    pub(crate) fn most_quotas(&self) -> usize {
        if self.quotas.is_some() { self.most_quotas } else { 1 }
    }

    /// Works out the quotas of all experiments that can be picked.
    fn split(
        &mut self,
        groups: &Groups,
        weights: &[f64],
        ratios: Option<&[Option<f64>]>,
        far_fraction: f64,
    ) -> Result<(), Error> {
        let mut quotas = Vec::new();
        self.quota_starts = room(groups.experiments() + 1)?;
        self.quota_starts.push(0);
        for position in 0..groups.experiments() {
            let before = quotas.len();
            if weights.get(position).is_none_or(|&weight| weight > 0.0) {
                self.split_one(groups, position, ratios, far_fraction, &mut quotas)?;
            }
            self.most_quotas = self.most_quotas.max(quotas.len() - before);
            self.quota_starts.push(quotas.len());
        }
        self.quotas = Some(quotas);
        Ok(())
    }

    /// Appends the quotas of the experiment at `position`.
    fn split_one(
        &self,
        groups: &Groups,
        position: usize,
        ratios: Option<&[Option<f64>]>,
        far_fraction: f64,
        quotas: &mut Vec<Quota>,
    ) -> Result<(), Error> {
        let cells = groups.cells_of(position);
        let equal = 1.0 / cells.len() as f64;
        let mut taking_part: Vec<(u32, f64)> = room(cells.len())?;
        for (number, cell) in (groups.first_cell_of(position)..).zip(cells) {
            let ratio = ratios
                .and_then(|ratios| ratios[cell.condition as usize])
                .unwrap_or(equal);
            if ratio > 0.0 {
                taking_part.push((number, ratio));
            }
        }
        let Some((&(last, _), others)) = taking_part.split_last() else {
            return Err(Error::NoCondition {
                experiment: groups.experiment_labels()[position] as usize,
            });
        };
        let sum = exact_sum(taking_part.iter().map(|&(_, ratio)| ratio));
        let n = self.primary() as f64;
        if !sum.is_finite() || taking_part.iter().any(|&(_, ratio)| !(n * ratio).is_finite()) {
            return Err(Error::Overflow { what: "ratios" });
        }
        let mut taken = 0;
        let mut take = |cell, seats: usize| {
            let far = seats_of(taken + seats, far_fraction) - seats_of(taken, far_fraction);
            taken += seats;
            if seats == 0 {
                return Ok(self.primary() - taken);
            }
            let quota = Quota {
                cell,
                seats: seats as u32,
                far: far.min(seats) as u32,
            };
            push(quotas, quota).map(|()| self.primary() - taken)
        };
        let mut left = self.primary();
        for &(cell, ratio) in others {
            // The tolerance can round up past what is left only where seats are counted in thousands of millions.
            left = take(cell, (((n * ratio) / sum + 1e-9).floor() as usize).min(left))?;
        }
        take(last, left)?;
        Ok(())
    }

    /// The quotas of the experiment at `position`, by condition, those of no seat left out. `None` where a batch is not
    /// split by condition.
    #[must_use]
    pub fn quotas(&self, position: usize) -> Option<&[Quota]> {
        let quotas = self.quotas.as_ref()?;
        Some(&quotas[self.quota_starts[position]..self.quota_starts[position + 1]])
    }
}

/// Everything that does not change from batch to batch. It is only ever read, by any number of threads.
#[derive(Clone, Debug)]
pub struct Plan {
    groups: Groups,
    /// As given, but weights and ratios by position.
    settings: Settings,
    /// Normed weights by position; empty where experiments are not used.
    weights: Vec<f64>,
    cdf: Vec<f64>,
    full: Composition,
    /// The last batch, where it is short.
    short: Option<Composition>,
    batches: u64,
    focus: Option<Focus>,
}

impl Plan {
    /// Plans batches over a table of `rows` rows.
    ///
    /// Without an experiment column all rows are one pool, and nothing leaks; without a condition column a batch is not
    /// split; without times it does not gather around one.
    ///
    /// # Errors
    /// Any [`Error`] but [`Error::Rank`] and [`Error::Seed`].
    pub fn new(
        rows: usize,
        experiments: Option<&Column<'_>>,
        conditions: Option<&Column<'_>>,
        times: Option<&Times<'_>>,
        settings: &Settings,
    ) -> Result<Self, Error> {
        let batch_size = settings.checked()?;
        if let Some(found) = times.map(Times::len).filter(|&found| found != rows) {
            return Err(Error::Length { rows, found });
        }
        let present = times.map(Times::present).transpose()?.flatten();
        let leaks = experiments.is_some() && seats_of(batch_size as usize, settings.leaky) > 0;
        let groups = Groups::new(rows, experiments, conditions, present.as_deref(), leaks)?;
        drop(present);

        let named_weights = named(
            "weight",
            settings.weights.as_deref(),
            experiments.map(|_| groups.experiment_labels()),
        )?;
        let ratios = named(
            "ratio",
            settings.ratios.as_deref(),
            conditions.map(|_| groups.condition_labels()),
        )?;
        let weights = match &named_weights {
            Some(given) => normed(given)?,
            None if experiments.is_some() => collected(
                (0..groups.experiments()).map(|position| f64::from(groups.size(position)) / f64::from(groups.kept())),
            )?,
            None => Vec::new(),
        };
        let compose = |size: usize| -> Result<Composition, Error> {
            let leak = if groups.experiments() > 1 && experiments.is_some() {
                seats_of(size, settings.leaky)
            } else {
                0
            };
            let far_fraction = if times.is_some() { settings.global_fraction } else { 0.0 };
            let mut composition = Composition {
                size,
                leak,
                far: seats_of(size - leak, far_fraction),
                quotas: None,
                quota_starts: Vec::new(),
                most_quotas: 0,
            };
            if conditions.is_some() {
                composition.split(&groups, &weights, ratios.as_deref(), far_fraction)?;
            }
            Ok(composition)
        };
        let rest = groups.kept() % batch_size;
        let has_short = settings.batches.is_none() && !settings.drop_last && rest > 0;
        let batches = settings
            .batches
            .unwrap_or_else(|| u64::from(groups.kept() / batch_size) + u64::from(has_short));
        if batches == 0 {
            return Err(Error::NoBatches {
                rows: groups.kept(),
                batch_size,
            });
        }
        let full = compose(batch_size as usize)?;
        let short = if has_short { Some(compose(rest as usize)?) } else { None };
        let focus = match times {
            Some(times) => {
                let order = if conditions.is_some() {
                    Order::Cells
                } else {
                    groups.pool_order()
                };
                Some(Focus::new(&groups, times, order)?)
            }
            None => None,
        };
        Ok(Self {
            focus,
            cdf: cumulative(&weights)?,
            settings: Settings {
                weights: named_weights,
                ratios,
                ..*settings
            },
            groups,
            weights,
            full,
            short,
            batches,
        })
    }

    /// The rows by experiment and condition.
    #[must_use]
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// What was asked for, with weights and ratios by the positions of experiments and conditions.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Global batches of an epoch.
    #[must_use]
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// How a full batch is split.
    #[must_use]
    pub fn full(&self) -> &Composition {
        &self.full
    }

    /// How the last batch is split, where it is short.
    #[must_use]
    pub fn short(&self) -> Option<&Composition> {
        self.short.as_ref()
    }

    /// How the global batch at `position` is split. Those past the epoch's end, which fill up the last round, are full.
    #[must_use]
    pub fn composition(&self, position: u64) -> &Composition {
        match &self.short {
            Some(short) if position + 1 == self.batches => short,
            _ => &self.full,
        }
    }

    /// The chance of each experiment to be picked, by position; empty where experiments are not used.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The running sum of the weights that an experiment is picked by.
    #[must_use]
    pub fn cdf(&self) -> &[f64] {
        &self.cdf
    }

    /// The time of every row in hours, NaN for rows in no pool; `None` without times.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn times(&self) -> Result<Option<Hours>, Error> {
        self.focus.as_ref().map(|focus| focus.times(&self.groups)).transpose()
    }

    pub(crate) fn focus(&self) -> Option<&Focus> {
        self.focus.as_ref()
    }

    /// Whether the experiment at `position` can be picked.
    #[must_use]
    pub fn can_pick(&self, position: usize) -> bool {
        self.weights.get(position).is_none_or(|&weight| weight > 0.0)
    }

    pub(crate) fn cell(&self, quota: Quota) -> Pool {
        let cell = self.groups.cells()[quota.cell as usize];
        Pool::run(Order::Cells, cell.start, cell.start + cell.rows)
    }
}

/// `int(seats * fraction)`: what is left of a seat is dropped, with no tolerance.
fn seats_of(seats: usize, fraction: f64) -> usize {
    (seats as f64 * fraction) as usize
}

fn check_proportions(what: &'static str, values: Option<&[Option<f64>]>) -> Result<(), Error> {
    for (label, &value) in values.unwrap_or_default().iter().enumerate() {
        if let Some(found) = value.filter(|value| !(0.0..f64::INFINITY).contains(value)) {
            return Err(Error::Proportion { what, label, found });
        }
    }
    Ok(())
}

/// Values by label number to values by position among the labels with rows, which every named one must have.
fn named(
    what: &'static str,
    given: Option<&[Option<f64>]>,
    labels: Option<&[u32]>,
) -> Result<Option<Vec<Option<f64>>>, Error> {
    let (given, labels) = match (given, labels) {
        (None, _) => return Ok(None),
        (Some(_), None) => return Err(Error::WithoutColumn { what }),
        (Some(given), Some(labels)) => (given, labels),
    };
    let mut values = room(labels.len())?;
    let mut named = 0;
    for &label in labels {
        let value = given.get(label as usize).copied().flatten();
        named += usize::from(value.is_some());
        values.push(value);
    }
    if named < given.iter().flatten().count() {
        let without = |label: &usize| given[*label].is_some() && labels.binary_search(&(*label as u32)).is_err();
        if let Some(label) = (0..given.len()).find(without) {
            return Err(Error::WithoutRows { what, label });
        }
    }
    Ok(Some(values))
}

fn normed(given: &[Option<f64>]) -> Result<Vec<f64>, Error> {
    let mut weights = collected(given.iter().map(|weight| weight.unwrap_or(0.0)))?;
    let sum = pairwise_sum(&weights);
    if !sum.is_finite() {
        return Err(Error::Overflow { what: "weights" });
    }
    if sum <= 0.0 {
        return Err(Error::NoWeight);
    }
    for weight in &mut weights {
        *weight /= sum;
    }
    Ok(weights)
}

/// The running sum, each entry divided by the last.
fn cumulative(weights: &[f64]) -> Result<Vec<f64>, Error> {
    let mut sum = 0.0;
    let mut sums = collected(weights.iter().map(|weight| {
        sum += weight;
        sum
    }))?;
    for entry in &mut sums {
        *entry /= sum;
    }
    Ok(sums)
}
