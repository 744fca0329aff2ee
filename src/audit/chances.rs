//! How likely each row is to be drawn in an epoch, and how far the window reaches: worked out from the plan, not sampled.
//!
//! Batches are drawn independently of each other, so a row that a batch misses with probability `m` is missed by `k`
//! batches with probability `m^k`. Within a batch, `q` of `n` rows without replacement hold a given one with probability
//! `q / n`; with replacement, `1 - (1 - 1/n)^q`.

use std::ops::AddAssign;

use super::tally::Tally;
use crate::error::Error;
use crate::plan::{Composition, Dealt, Plan, Rule};
use crate::support::memory::{filled, push, room};
use crate::support::pauses::Pauses;

/// Lists of up to this many times have each of their rates told apart; of others, rates that agree in 12 binary places
/// are one.
const EXACT_TIMES: usize = 4096;
const BITS_DROPPED: u32 = 40;
/// Work of a rate, a logarithm or two and its place among the others.
const STEPS_OF_A_RATE: usize = 16;

/// Rows of one cell (of one experiment, without conditions) that are equally likely to be drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// Number of the cell, or position of the experiment.
    pub unit: u32,
    /// How many rows.
    pub rows: u64,
    /// An epoch misses each of them with probability `exp(-rate)`. Infinite where it never does.
    pub rate: f64,
}

/// What the window holds around the focal times of an experiment, of one of its cells (of all its rows, without
/// conditions).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WindowReach {
    /// Share of the focal times where all rows of the experiment are near, so that none is far.
    pub whole: f64,
    /// Share of the focal times where fewer rows are near than there are seats for them.
    pub scarce: f64,
    /// Mean number of rows near.
    pub near: f64,
    /// Seats of a full batch for them.
    pub seats: f64,
}

impl Reach {
    /// Of all rows of drawn batches, by unit; none where batches are dealt, for which there is [`Coverage`](super::Coverage).
    /// `pause` is called every few milliseconds; its error ends the work.
    ///
    /// With times this takes up to 36 bytes for each different time of the experiment at hand, 44 with a short last batch.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or what `pause` returns.
    pub fn of<E: From<Error>>(plan: &Plan, pause: impl FnMut() -> Result<(), E>) -> Result<Vec<Self>, E> {
        plan.index().guarded(|| Self::worked_out(plan, pause))
    }

    fn worked_out<E: From<Error>>(plan: &Plan, mut pause: impl FnMut() -> Result<(), E>) -> Result<Vec<Self>, E> {
        let Rule::Drawn(drawn) = plan.rule() else {
            return Ok(Vec::new());
        };
        let compositions = [Some(drawn.full()), drawn.short()];
        let mut leaks = [const { Vec::new() }; 2];
        for (leak, composition) in leaks.iter_mut().zip(compositions) {
            if let Some(composition) = composition {
                *leak = leak_chances(plan, composition)?;
            }
        }
        let mut pauses = Pauses::new(&mut pause);
        let mut reaches = Vec::new();
        for experiment in 0..plan.groups().experiments() {
            let times = PoolTimes::new(plan, experiment, &mut pauses)?;
            let weight = plan.weights().get(experiment).copied().unwrap_or(1.0);
            for unit in units_of(plan, experiment) {
                let mut chances = [const { Vec::new() }; 2];
                for ((chances, composition), leak) in chances.iter_mut().zip(compositions).zip(&leaks) {
                    let Some(composition) = composition else { continue };
                    let seats = drawn_seats(plan, composition, experiment, unit);
                    let either = |chance: f64| (chance * weight + leak[experiment]).clamp(0.0, 1.0);
                    *chances = primary_chances(plan, seats, unit, &times, either, &mut pauses)?;
                }
                pauses.after(1)?;
                collect(plan, unit, &chances, &mut reaches, &mut pauses)?;
            }
        }
        Ok(reaches)
    }
}

impl WindowReach {
    /// Of every cell (of every experiment, without conditions), in order; empty without times. `pause` as in
    /// [`Reach::of`].
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or what `pause` returns.
    pub fn of<E: From<Error>>(plan: &Plan, pause: impl FnMut() -> Result<(), E>) -> Result<Vec<Self>, E> {
        plan.index().guarded(|| Self::worked_out(plan, pause))
    }

    fn worked_out<E: From<Error>>(plan: &Plan, mut pause: impl FnMut() -> Result<(), E>) -> Result<Vec<Self>, E> {
        if plan.focus().is_none() {
            return Ok(Vec::new());
        }
        let mut pauses = Pauses::new(&mut pause);
        let mut reaches = Vec::new();
        for experiment in 0..plan.groups().experiments() {
            let pool = PoolTimes::new(plan, experiment, &mut pauses)?;
            let times = pool.near.len();
            let whole = pool
                .near
                .iter()
                .filter(|&&(start, end)| (end - start) as usize == times)
                .count();
            let share = |count: usize| count as f64 / times as f64;
            for unit in units_of(plan, experiment) {
                let seats = match plan.rule() {
                    Rule::Drawn(drawn) => drawn_seats(plan, drawn.full(), experiment, unit).near,
                    Rule::Dealt(dealt) => dealt_seats(plan, dealt, experiment, unit).near,
                };
                let (mut scarce, mut rows) = (0, 0.0);
                let visit = |_, inside, _| {
                    scarce += usize::from(f64::from(inside) < seats);
                    rows += f64::from(inside);
                };
                each_window(plan, unit, &pool, visit, &mut pauses)?;
                pauses.after(1)?;
                let reach = Self {
                    whole: share(whole),
                    scarce: share(scarce),
                    near: rows / times as f64,
                    seats,
                };
                push(&mut reaches, reach)?;
            }
        }
        Ok(reaches)
    }
}

/// What a batch draws from by itself: the numbers of an experiment's cells, or the experiment.
pub(super) fn units_of(plan: &Plan, experiment: usize) -> std::ops::Range<usize> {
    plan.groups().units_of(experiment)
}

pub(super) fn rows_of(plan: &Plan, unit: usize) -> u32 {
    let groups = plan.groups();
    groups
        .cells()
        .get(unit)
        .map_or_else(|| groups.size(unit), |cell| cell.rows)
}

/// The probability that `seats` draws of `rows` hold a given row.
pub(super) fn chance(seats: f64, rows: u32) -> f64 {
    if seats == 0.0 || rows == 0 {
        0.0
    } else if seats <= f64::from(rows) {
        seats / f64::from(rows)
    } else {
        -(seats * (-1.0 / f64::from(rows)).ln_1p()).exp_m1()
    }
}

/// The probability that a batch leaks a given row of each experiment.
fn leak_chances(plan: &Plan, composition: &Composition) -> Result<Vec<f64>, Error> {
    let groups = plan.groups();
    let count = groups.experiments();
    let of = |picked: usize| {
        let weight = plan.weights().get(picked).copied().unwrap_or(1.0);
        weight * chance(composition.leak() as f64, groups.kept() - groups.size(picked))
    };
    // Sums from both ends: taking one's own from the whole would lose what little the others leave.
    let mut chances = filled(count, 0.0)?;
    let (mut before, mut after) = (0.0, 0.0);
    for experiment in 0..count {
        chances[experiment] += before;
        before += of(experiment);
        let mirrored = count - 1 - experiment;
        chances[mirrored] += after;
        after += of(mirrored);
    }
    Ok(chances)
}

/// Seats of a unit in a batch picked from its experiment, on average: near (or all, without times) and far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UnitSeats {
    pub(super) near: f64,
    pub(super) far: f64,
}

fn drawn_seats(plan: &Plan, composition: &Composition, experiment: usize, unit: usize) -> UnitSeats {
    if !plan.can_pick(experiment) {
        return UnitSeats::default();
    }
    let of = |near, far| UnitSeats {
        near: f64::from(near),
        far: f64::from(far),
    };
    match composition.quotas(experiment) {
        Some(quotas) => quotas
            .binary_search_by_key(&(unit as u32), |quota| quota.cell)
            .map_or_else(
                |_| of(0, 0),
                |place| of(quotas[place].seats - quotas[place].far, quotas[place].far),
            ),
        None => of(
            (composition.primary() - composition.far()) as u32,
            composition.far() as u32,
        ),
    }
}

/// Of a dealt batch that the unit shares.
pub(super) fn dealt_seats(plan: &Plan, dealt: &Dealt, experiment: usize, unit: usize) -> UnitSeats {
    let part = dealt.part(plan.groups(), experiment, unit as u32);
    let Some(part) = part.filter(|_| plan.can_pick(experiment)) else {
        return UnitSeats::default();
    };
    let far_fraction = if plan.focus().is_some() {
        dealt.settings().global_fraction
    } else {
        0.0
    };
    UnitSeats {
        near: part.seats * (1.0 - far_fraction),
        far: part.seats * far_fraction,
    }
}

/// The times of a pool.
#[derive(Default)]
pub(super) struct PoolTimes {
    /// Of every time the run of times that are near.
    near: Vec<(u32, u32)>,
    /// Of every cell the times it has, as places among the pool's; none where the pool itself is drawn from.
    places: Vec<Vec<u32>>,
    /// The first of those cells.
    first: usize,
}

impl PoolTimes {
    pub(super) fn new<E: From<Error>>(plan: &Plan, pool: usize, pauses: &mut Pauses<'_, E>) -> Result<Self, E> {
        let Some(focus) = plan.focus() else {
            return Ok(Self::default());
        };
        let mut near = room(focus.times_of(pool) as usize)?;
        let clocks = focus.clocks();
        clocks.each_near(pool, plan.window(), |range| near.push((range.start, range.end)), pauses)?;
        let units = units_of(plan, pool);
        Ok(Self {
            near,
            places: focus.places(pool, units.len())?,
            first: units.start,
        })
    }

    /// The times that a unit has; `None` where it has all.
    fn places_of(&self, unit: usize) -> Option<&[u32]> {
        self.places.get(unit - self.first).map(Vec::as_slice)
    }
}

/// Calls `visit` with each focal time of a unit's pool, the number of rows near it, and of those before these.
fn each_window<E: From<Error>>(
    plan: &Plan,
    unit: usize,
    pool: &PoolTimes,
    mut visit: impl FnMut(usize, u32, u32),
    pauses: &mut Pauses<'_, E>,
) -> Result<(), E> {
    let Some(focus) = plan.focus() else { return Ok(()) };
    let places = pool.places_of(unit);
    // Both ends of the run move on with the focal time.
    let (mut first, mut last) = (0_u32, 0_u32);
    for (focal, &(start, end)) in pool.near.iter().enumerate() {
        match places {
            None => (first, last) = (start, end),
            Some(places) => {
                let move_on = |place: &mut u32, bound: u32| {
                    while places.get(*place as usize).is_some_and(|&time| time < bound) {
                        *place += 1;
                    }
                };
                move_on(&mut first, start);
                move_on(&mut last, end);
            }
        }
        let before = focus.before(unit, first);
        visit(focal, focus.before(unit, last) - before, before);
        pauses.after(1)?;
    }
    Ok(())
}

/// The probability that the primary of a batch of its experiment holds a given row of a unit, as `either` makes it one of all
/// batches: one for all its rows, or with times one for the rows of each.
pub(super) fn primary_chances<E: From<Error>>(
    plan: &Plan,
    seats: UnitSeats,
    unit: usize,
    pool: &PoolTimes,
    either: impl Fn(f64) -> f64,
    pauses: &mut Pauses<'_, E>,
) -> Result<Vec<f64>, E> {
    let rows = rows_of(plan, unit);
    if plan.focus().is_none() {
        return Ok(filled(1, either(chance(seats.near, rows)))?);
    }
    let near = &pool.near;
    // A time is near a focal one where that is near it, so it is inside for a run of focal times, and outside for all
    // others: running sums over the focal times say what both add up to.
    let mut inside_sums = room(near.len() + 1)?;
    let mut outside_sums = room(near.len() + 1)?;
    let (mut inside_sum, mut outside_sum) = (0.0, 0.0);
    inside_sums.push(0.0);
    outside_sums.push(0.0);
    let visit = |_, inside, _| {
        let outside = rows - inside;
        let stands_in = |empty: u32, seats: f64| if empty == 0 { chance(seats, rows) } else { 0.0 };
        let one_or_other = |one: f64, other: f64| one + other - one * other;
        inside_sum += one_or_other(chance(seats.near, inside), stands_in(outside, seats.far));
        outside_sum += one_or_other(chance(seats.far, outside), stands_in(inside, seats.near));
        inside_sums.push(inside_sum);
        outside_sums.push(outside_sum);
    };
    each_window(plan, unit, pool, visit, pauses)?;
    let of = |place: usize| {
        let (start, end) = near[place];
        let between = |sums: &[f64]| sums[end as usize] - sums[start as usize];
        either((between(&inside_sums) + outside_sum - between(&outside_sums)) / near.len() as f64)
    };
    let places = pool.places_of(unit);
    let count = places.map_or(near.len(), <[u32]>::len);
    let mut chances = room(count)?;
    for place in 0..count {
        chances.push(of(places.map_or(place, |places| places[place] as usize)));
        pauses.after(1)?;
    }
    Ok(chances)
}

/// Rates that count as equal: what they add up to over their rows.
#[derive(Clone, Copy, Debug, Default)]
struct Rates {
    sum: f64,
    rows: u64,
}

impl AddAssign for Rates {
    fn add_assign(&mut self, other: Self) {
        self.sum += other.sum;
        self.rows += other.rows;
    }
}

/// The rates of a unit's rows, one for each of its times or one for all, and how many rows have each.
pub(super) fn grouped<E: From<Error>>(
    plan: &Plan,
    unit: usize,
    rates: impl ExactSizeIterator<Item = f64>,
    pauses: &mut Pauses<'_, E>,
) -> Result<impl ExactSizeIterator<Item = (f64, u64)>, E> {
    let dropped = if rates.len() > EXACT_TIMES { BITS_DROPPED } else { 0 };
    let mut groups = Tally::default();
    for (place, rate) in rates.enumerate() {
        let rows = plan.focus().map_or_else(
            || rows_of(plan, unit),
            |focus| focus.before(unit, place as u32 + 1) - focus.before(unit, place as u32),
        );
        // The bits of doubles that are not negative are in the order of the doubles.
        let of_rows = Rates {
            sum: rate * f64::from(rows),
            rows: rows.into(),
        };
        groups.add(rate.to_bits() >> dropped, of_rows)?;
        pauses.after(STEPS_OF_A_RATE)?;
    }
    Ok(groups.sums().map(|(_, Rates { sum, rows })| (sum / rows as f64, rows)))
}

/// Appends the rates of a unit's rows, equal ones as one.
fn collect<E: From<Error>>(
    plan: &Plan,
    unit: usize,
    [full, short]: &[Vec<f64>; 2],
    reaches: &mut Vec<Reach>,
    pauses: &mut Pauses<'_, E>,
) -> Result<(), E> {
    let shorts = u64::from(plan.short_size().is_some());
    let fulls = plan.batches() - shorts;
    let missed = |chance: f64, batches: u64| {
        if batches == 0 {
            0.0
        } else {
            -(-chance).ln_1p() * batches as f64
        }
    };
    let rates = full
        .iter()
        .enumerate()
        .map(|(place, &chance)| missed(chance, fulls) + short.get(place).map_or(0.0, |&chance| missed(chance, shorts)));
    for (rate, rows) in grouped(plan, unit, rates, pauses)? {
        let unit = unit as u32;
        push(reaches, Reach { unit, rows, rate })?;
    }
    Ok(())
}
