//! How many rows dealt batches come to in a number of epochs: worked out from the laps of every deck, not counted.
//!
//! Laps are shuffled independently of each other, so a row is missed where each lap that was begun has missed it. A lap of
//! which a share `f` was dealt misses a row with probability `1 - f`, and none when it is dealt to its end; but for seats that
//! were held and did not come, whose rows are passed over. What is drawn, around a focal time or for odd seats, misses a row
//! independently of other batches.

use super::chances::{PoolTimes, chance, dealt_seats, grouped, primary_chances, rows_of, units_of};
use crate::error::Error;
use crate::plan::{Dealt, Hand, Plan, Rule};
use crate::support::memory::{collected, filled, push, room};
use crate::support::pauses::Pauses;

/// The most epochs that are asked about.
const MOST_EPOCHS: f64 = (1_u64 << 20) as f64;
/// Less of an epoch than one batch, of which no epoch has so many.
const LEAST_EPOCHS: f64 = 1.0 / (1_u64 << 32) as f64;

/// What is known of the rows that some epochs come to.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// By experiment.
    courses: Vec<Course>,
    /// By cell; without conditions by experiment.
    units: Vec<Unit>,
}

/// The deals of one experiment.
#[derive(Clone, Copy, Debug)]
struct Course {
    /// Number of the first one.
    first: f64,
    /// How many an epoch has, on average.
    each: f64,
    leak: Option<Lapping>,
}

/// One deck that is dealt lap by lap.
#[derive(Clone, Copy, Debug)]
struct Lapping {
    /// Deals of a lap.
    deals: f64,
    /// What share of the deck each deal takes.
    share: f64,
    /// What share of the rows that it takes come into the batch.
    kept: f64,
    /// Batches of the experiment to one deal.
    batches: f64,
    /// Logarithm of the chance that what is drawn beside the deal misses a row.
    beside: f64,
}

/// Rows that are dealt alike.
#[derive(Clone, Debug)]
struct Unit {
    experiment: usize,
    rows: u64,
    chances: Chances,
}

/// How the primary comes to the rows of a unit.
#[derive(Clone, Debug)]
enum Chances {
    Never,
    Laps(Lapping),
    /// By draws: rows, and the rate at which a batch of the experiment misses each of them.
    Draws(Vec<(f64, u64)>),
}

/// A stretch of epochs, as deals of an experiment: all of the whole ones, and a share of those of the last.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start: f64,
    end: f64,
    last_end: f64,
    share: f64,
}

impl Stretch {
    fn new(course: &Course, epochs: f64) -> Self {
        let end = course.first + epochs.floor() * course.each;
        Self {
            start: course.first,
            end,
            last_end: end + course.each,
            share: epochs.fract(),
        }
    }

    /// Batches in it.
    fn batches(&self) -> f64 {
        self.end - self.start + (self.last_end - self.end) * self.share
    }

    /// The same in deals of which each is of so many batches.
    fn each(self, batches: f64) -> Self {
        Self {
            start: self.start / batches,
            end: self.end / batches,
            last_end: self.last_end / batches,
            ..self
        }
    }

    /// How many deals from `from` to `to` are done.
    fn done(&self, from: f64, to: f64) -> f64 {
        let between = |start: f64, end: f64| (end.min(to) - start.max(from)).max(0.0);
        between(self.start, self.end) + between(self.end, self.last_end) * self.share
    }
}

impl Lapping {
    fn of(hand: &Hand, rows: u32, batches: f64) -> Self {
        let cards = f64::from(hand.deck.cards());
        let dealt = f64::from(hand.cards) * f64::from(hand.run);
        // Rows behind the last whole card, and those of a deal's last card that no seat is held for.
        let kept = f64::from(hand.held) / dealt * (cards * f64::from(hand.run) / f64::from(rows));
        Self {
            deals: hand.laps.deals() as f64,
            share: f64::from(hand.cards) / cards,
            kept: if hand.held == 0 { 0.0 } else { kept },
            batches,
            beside: 0.0,
        }
    }

    /// The logarithm of the chance that a lap misses a row, so many of its deals done.
    fn missed_by(&self, deals: f64) -> f64 {
        (-(deals * self.share).min(1.0) * self.kept).ln_1p()
    }

    /// The logarithm of the chance that a stretch misses a row.
    fn missed(&self, stretch: Stretch) -> f64 {
        let stretch = stretch.each(self.batches);
        let lap = |deal: f64| (deal / self.deals).floor();
        let [first, middle, last] = [stretch.start, stretch.end, stretch.last_end].map(lap);
        let alike = |laps: f64, deals: f64| if laps > 0.0 { laps * self.missed_by(deals) } else { 0.0 };
        let mut sum = alike(middle - first - 1.0, self.deals) + alike(last - middle - 1.0, self.deals * stretch.share);
        let mut before = -1.0;
        for lap in [first, middle, last] {
            if lap > before {
                sum += self.missed_by(stretch.done(lap * self.deals, (lap + 1.0) * self.deals));
            }
            before = lap;
        }
        sum + of_batches(self.beside, stretch)
    }
}

/// The logarithm of the chance that all batches of a stretch miss a row, from that of one, which is infinite where every
/// batch has the row.
fn of_batches(missed: f64, stretch: Stretch) -> f64 {
    let batches = stretch.batches();
    if batches > 0.0 { batches * missed } else { 0.0 }
}

impl Coverage {
    /// Of the epochs of `seed` from `epoch` on; `None` where batches are not dealt. `pause` is called every few milliseconds;
    /// its error ends the work.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::Epoch`], or what `pause` returns.
    pub fn of<E: From<Error>>(
        plan: &Plan,
        seed: u64,
        epoch: u64,
        pause: impl FnMut() -> Result<(), E>,
    ) -> Result<Option<Self>, E> {
        plan.index().guarded(|| Self::worked_out(plan, seed, epoch, pause))
    }

    fn worked_out<E: From<Error>>(
        plan: &Plan,
        seed: u64,
        epoch: u64,
        mut pause: impl FnMut() -> Result<(), E>,
    ) -> Result<Option<Self>, E> {
        let Rule::Dealt(dealt) = plan.rule() else {
            return Ok(None);
        };
        let mut pauses = Pauses::new(&mut pause);
        let pass = dealt.pass(seed, epoch)?;
        let groups = plan.groups();
        let (mut courses, mut units) = (room(groups.experiments())?, Vec::new());
        for experiment in 0..groups.experiments() {
            let others = groups.kept() - groups.size(experiment);
            courses.push(Course {
                first: dealt.deals_before(&pass, experiment) as f64,
                each: dealt.mean_deals(experiment),
                leak: dealt.leak(experiment).map(|hand| Lapping::of(hand, others, 1.0)),
            });
            let pool = PoolTimes::new(plan, experiment, &mut pauses)?;
            for unit in units_of(plan, experiment) {
                let unit = Unit {
                    experiment,
                    rows: rows_of(plan, unit).into(),
                    chances: chances(plan, dealt, experiment, unit, &pool, &mut pauses)?,
                };
                push(&mut units, unit)?;
                pauses.after(1)?;
            }
        }
        Ok(Some(Self { courses, units }))
    }

    /// Rows that can be expected not to have come after so many epochs, by cell; without conditions by experiment. Half an
    /// epoch stands for half of its batches.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn unseen(&self, epochs: f64) -> Result<Vec<f64>, Error> {
        let stretches = collected(self.courses.iter().map(|course| Stretch::new(course, epochs)))?;
        let leaks = self.leaks(&stretches)?;
        let mut unseen = room(self.units.len())?;
        for unit in &self.units {
            let stretch = stretches[unit.experiment];
            let leak = leaks[unit.experiment];
            unseen.push(match &unit.chances {
                Chances::Never => unit.rows as f64 * leak.exp(),
                Chances::Laps(laps) => unit.rows as f64 * (laps.missed(stretch) + leak).exp(),
                Chances::Draws(rates) => {
                    let of = |&(rate, rows): &(f64, u64)| rows as f64 * (leak + of_batches(-rate, stretch)).exp();
                    rates.iter().map(of).sum()
                }
            });
        }
        Ok(unseen)
    }

    /// After how many epochs the expected share of rows that have come is `share`; `None` where it never is.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn epochs_until(&self, share: f64) -> Result<Option<f64>, Error> {
        let rows: u64 = self.units.iter().map(|unit| unit.rows).sum();
        let left = (1.0 - share) * rows as f64;
        let is_enough = |epochs: f64| Ok::<_, Error>(self.unseen(epochs)?.iter().sum::<f64>() <= left);
        let mut most = 1.0;
        while !is_enough(most)? {
            most *= 2.0;
            if most > MOST_EPOCHS {
                return Ok(None);
            }
        }
        let (mut low, mut high) = (if most > 1.0 { most / 2.0 } else { 0.0 }, most);
        // Until the next step is below a hundred-thousandth, or no batch is left between.
        while high - low > high * 1e-5 && high > LEAST_EPOCHS {
            let middle = f64::midpoint(low, high);
            if is_enough(middle)? {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(Some(high))
    }

    /// Rows that no batch ever comes to.
    #[must_use]
    pub fn never(&self) -> u64 {
        let leaks = |experiment: usize| {
            let of_another =
                |(other, course): (usize, &Course)| other != experiment && course.each > 0.0 && course.leak.is_some();
            self.courses.iter().enumerate().any(of_another)
        };
        let never = |unit: &&Unit| {
            let is_dealt = !matches!(unit.chances, Chances::Never) && self.courses[unit.experiment].each > 0.0;
            !is_dealt && !leaks(unit.experiment)
        };
        self.units.iter().filter(never).map(|unit| unit.rows).sum()
    }

    /// By experiment the logarithm of the chance that the leak of all others misses a row.
    fn leaks(&self, stretches: &[Stretch]) -> Result<Vec<f64>, Error> {
        let of = |experiment: usize| {
            let leak = self.courses[experiment].leak;
            leak.map_or(0.0, |laps| laps.missed(stretches[experiment]))
        };
        let count = stretches.len();
        let mut missed = filled(count, 0.0)?;
        // Sums from both ends: where one's own is infinite, nothing could be taken from the whole.
        let (mut before, mut after) = (0.0, 0.0);
        for experiment in 0..count {
            missed[experiment] += before;
            before += of(experiment);
            let mirrored = count - 1 - experiment;
            missed[mirrored] += after;
            after += of(mirrored);
        }
        Ok(missed)
    }
}

fn chances<E: From<Error>>(
    plan: &Plan,
    dealt: &Dealt,
    experiment: usize,
    unit: usize,
    pool: &PoolTimes,
    pauses: &mut Pauses<'_, E>,
) -> Result<Chances, E> {
    let groups = plan.groups();
    let part = dealt.part(groups, experiment, unit as u32);
    let Some(part) = part.filter(|part| part.seats > 0.0 && plan.can_pick(experiment)) else {
        return Ok(Chances::Never);
    };
    let rows = rows_of(plan, unit);
    if plan.focus().is_some() {
        let seats = dealt_seats(plan, dealt, experiment, unit);
        let shared = |chance: f64| (chance * part.often).clamp(0.0, 1.0);
        let chances = primary_chances(plan, seats, unit, pool, shared, pauses)?;
        let rates = chances.into_iter().map(|chance| -(-chance).ln_1p());
        let groups = grouped(plan, unit, rates, pauses)?;
        let mut all = room(groups.len())?;
        all.extend(groups);
        return Ok(Chances::Draws(all));
    }
    let hand = dealt.hand(unit as u32);
    let mut laps = Lapping::of(hand, rows, part.turns);
    let held = f64::from(hand.held);
    if held > part.seats {
        // A seat that is held and does not come.
        laps.kept *= 1.0 - (1.0 - part.odd) / held;
    } else {
        let others = rows.saturating_sub(hand.cards * hand.run);
        laps.beside += (-part.odd * chance(1.0, if others > 0 { others } else { rows })).ln_1p();
    }
    // Those that fill up a lap of conditions draw all their rows.
    laps.beside += (-part.filling * chance(part.seats, rows)).ln_1p();
    Ok(Chances::Laps(laps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Column, Table, Times};
    use crate::plan::DealtSettings;

    #[test]
    fn rows_that_every_batch_has() {
        let experiments: Vec<u32> = (0..6).collect();
        let table = Table {
            rows: 6,
            experiments: Some(Column::from_ranks(&experiments, 6)),
            times: Some(Times::F64(vec![&[0.0; 6]])),
            ..Table::default()
        };
        let settings = DealtSettings {
            batch_size: 2,
            ..DealtSettings::default()
        };
        let plan = Plan::dealt(&table, &settings).unwrap();
        let coverage = |epoch| Coverage::of::<Error>(&plan, 0, epoch, || Ok(()));
        let found = coverage(0).unwrap().unwrap();
        assert_eq!(found.unseen(0.0).unwrap(), [1.0; 6]);
        assert_eq!(found.unseen(1.0).unwrap(), [0.0; 6]);
        assert!(found.epochs_until(0.5).unwrap().is_some_and(|epochs| epochs < 1.0));
        for epoch in [1 << 20, u64::MAX] {
            assert!(matches!(coverage(epoch), Err(Error::Epoch { .. })));
        }
    }
}
