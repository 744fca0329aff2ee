//! How likely each row is to be drawn in an epoch, and how far the window reaches: worked out from the plan, not sampled.
//!
//! Batches are drawn independently of each other, so a row that a batch misses with probability `m` is missed by `k`
//! batches with probability `m^k`. Within a batch, `q` of `n` rows without replacement hold a given one with probability
//! `q / n`; with replacement, `1 - (1 - 1/n)^q`.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::plan::{Composition, Dealt, Plan, Rule};
use crate::support::memory::{filled, push, room};

/// Lists of up to this many times have each of their rates told apart; of others, rates that agree in 12 binary places
/// are one.
const EXACT_TIMES: usize = 4096;
const BITS_DROPPED: u32 = 40;

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

/// What the window holds around the focal times of one experiment, as shares of these times.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WindowReach {
    /// Where all rows are near, so that none is far.
    pub whole: f64,
    /// Where a part that is near has fewer rows than seats.
    pub scarce: f64,
    /// Mean number of rows near.
    pub near: f64,
}

impl Reach {
    /// Of all rows of drawn batches, by unit; none where batches are dealt, for which there is [`Coverage`](super::Coverage).
    /// `pause` is called every few milliseconds; its error ends the work.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or what `pause` returns.
    pub fn of<E: From<Error>>(plan: &Plan, mut pause: impl FnMut() -> Result<(), E>) -> Result<Vec<Self>, E> {
        let Rule::Drawn(drawn) = plan.rule() else {
            return Ok(Vec::new());
        };
        let leaks = [Some(drawn.full()), drawn.short()].map(|composition| composition.map(|it| leak_chances(plan, it)));
        let mut reaches = Vec::new();
        for experiment in 0..plan.groups().experiments() {
            let pool = Pool::new(plan, experiment, &mut pause)?;
            for unit in units_of(plan, experiment) {
                let mut chances = [const { Vec::new() }; 2];
                for ((chances, composition), leak) in
                    chances.iter_mut().zip([Some(drawn.full()), drawn.short()]).zip(&leaks)
                {
                    if let (Some(composition), Some(leak)) = (composition, leak) {
                        let weight = plan.weights().get(experiment).copied().unwrap_or(1.0);
                        let seats = drawn_seats(plan, composition, experiment, unit);
                        *chances = primary_chances(plan, seats, unit, &pool)?;
                        for chance in chances.iter_mut() {
                            *chance = (*chance * weight + leak[experiment]).clamp(0.0, 1.0);
                        }
                    }
                }
                pause()?;
                collect(plan, unit, &chances, &mut reaches)?;
            }
        }
        Ok(reaches)
    }
}

impl WindowReach {
    /// Of every experiment; empty without times. `pause` as in [`Reach::of`].
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or what `pause` returns.
    pub fn of<E: From<Error>>(plan: &Plan, mut pause: impl FnMut() -> Result<(), E>) -> Result<Vec<Self>, E> {
        if plan.focus().is_none() {
            return Ok(Vec::new());
        }
        let mut reaches = room(plan.groups().experiments())?;
        for experiment in 0..plan.groups().experiments() {
            let pool = Pool::new(plan, experiment, &mut pause)?;
            let times = pool.near.len();
            let mut scarce = filled(times, false)?;
            let mut rows = 0.0;
            for unit in units_of(plan, experiment) {
                let seats = match plan.rule() {
                    Rule::Drawn(drawn) => drawn_seats(plan, drawn.full(), experiment, unit),
                    Rule::Dealt(dealt) => dealt_seats(plan, dealt, experiment, unit),
                };
                each_window(plan, unit, &pool, |focal, inside, _| {
                    scarce[focal] |= f64::from(inside) < seats.near;
                    rows += f64::from(inside);
                });
                pause()?;
            }
            let whole = pool
                .near
                .iter()
                .filter(|&&(start, end)| (end - start) as usize == times)
                .count();
            let share = |count: usize| count as f64 / times as f64;
            reaches.push(Self {
                whole: share(whole),
                scarce: share(scarce.iter().filter(|&&is| is).count()),
                near: rows / times as f64,
            });
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
fn leak_chances(plan: &Plan, composition: &Composition) -> Vec<f64> {
    let groups = plan.groups();
    let count = groups.experiments();
    let of = |picked: usize| {
        let weight = plan.weights().get(picked).copied().unwrap_or(1.0);
        weight * chance(composition.leak() as f64, groups.kept() - groups.size(picked))
    };
    // Sums from both ends: taking one's own from the whole would lose what little the others leave.
    let mut chances = vec![0.0; count];
    let (mut before, mut after) = (0.0, 0.0);
    for experiment in 0..count {
        chances[experiment] += before;
        before += of(experiment);
        let mirrored = count - 1 - experiment;
        chances[mirrored] += after;
        after += of(mirrored);
    }
    chances
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

/// Of a batch that the unit shares.
pub(super) fn dealt_seats(plan: &Plan, dealt: &Dealt, experiment: usize, unit: usize) -> UnitSeats {
    let Some(part) = dealt
        .part(plan.groups(), experiment, unit as u32)
        .filter(|_| plan.can_pick(experiment))
    else {
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
pub(super) struct Pool {
    /// Of every time the run of times that are near.
    near: Vec<(u32, u32)>,
    /// Of every cell the times it has, as places among the pool's; none where the pool itself is drawn from.
    places: Vec<Vec<u32>>,
    /// The first of those cells.
    first: usize,
}

impl Pool {
    pub(super) fn new<E: From<Error>>(
        plan: &Plan,
        pool: usize,
        pause: &mut impl FnMut() -> Result<(), E>,
    ) -> Result<Self, E> {
        let Some(focus) = plan.focus() else {
            return Ok(Self::default());
        };
        let window = plan.window();
        let times = focus.times_of(pool);
        let mut near = room(times as usize)?;
        for focal in 0..times {
            let range = focus.near(pool, focal, window).times;
            near.push((range.start, range.end));
            if focal % 65_536 == 0 {
                pause()?;
            }
        }
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
fn each_window(plan: &Plan, unit: usize, pool: &Pool, mut visit: impl FnMut(usize, u32, u32)) {
    let Some(focus) = plan.focus() else { return };
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
    }
}

/// The probability that the primary of a batch of its experiment holds a given row of a unit: one for all its rows, or with
/// times one for the rows of each.
pub(super) fn primary_chances(plan: &Plan, seats: UnitSeats, unit: usize, pool: &Pool) -> Result<Vec<f64>, Error> {
    let rows = rows_of(plan, unit);
    let UnitSeats {
        near: near_seats,
        far: far_seats,
    } = seats;
    if plan.focus().is_none() {
        return filled(1, chance(near_seats, rows));
    }
    let near = &pool.near;
    // A time is near a focal one where that is near it, so it is inside for a run of focal times, and outside for all
    // others: running sums over the focal times say what both add up to.
    let mut inside_sums = room(near.len() + 1)?;
    let mut outside_sums = room(near.len() + 1)?;
    let (mut inside_sum, mut outside_sum) = (0.0, 0.0);
    inside_sums.push(0.0);
    outside_sums.push(0.0);
    each_window(plan, unit, pool, |_, inside, _| {
        let outside = rows - inside;
        let stands_in = |empty: u32, seats: f64| if empty == 0 { chance(seats, rows) } else { 0.0 };
        let either = |one: f64, other: f64| one + other - one * other;
        inside_sum += either(chance(near_seats, inside), stands_in(outside, far_seats));
        outside_sum += either(chance(far_seats, outside), stands_in(inside, near_seats));
        inside_sums.push(inside_sum);
        outside_sums.push(outside_sum);
    });
    let of = |place: u32| {
        let (start, end) = near[place as usize];
        let between = |sums: &[f64]| sums[end as usize] - sums[start as usize];
        (between(&inside_sums) + outside_sum - between(&outside_sums)) / near.len() as f64
    };
    match pool.places_of(unit) {
        Some(places) => crate::support::memory::collected(places.iter().map(|&place| of(place))),
        None => crate::support::memory::collected((0..near.len() as u32).map(of)),
    }
}

/// Rows of a unit at one of its times, or all without times.
fn rows_at(plan: &Plan, unit: usize, place: usize) -> u32 {
    plan.focus().map_or_else(
        || rows_of(plan, unit),
        |focus| focus.before(unit, place as u32 + 1) - focus.before(unit, place as u32),
    )
}

/// Appends the rates of a unit's rows, equal ones as one.
fn collect(plan: &Plan, unit: usize, [full, short]: &[Vec<f64>; 2], reaches: &mut Vec<Reach>) -> Result<(), Error> {
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
    for (rate, rows) in grouped(plan, unit, rates) {
        let unit = unit as u32;
        push(reaches, Reach { unit, rows, rate })?;
    }
    Ok(())
}

/// The rates of a unit's rows, one for each of its times or one for all, and how many rows have each.
pub(super) fn grouped(
    plan: &Plan,
    unit: usize,
    rates: impl ExactSizeIterator<Item = f64>,
) -> impl Iterator<Item = (f64, u64)> {
    let dropped = if rates.len() > EXACT_TIMES { BITS_DROPPED } else { 0 };
    let mut groups: BTreeMap<u64, (f64, u64)> = BTreeMap::new();
    for (place, rate) in rates.enumerate() {
        let rows = rows_at(plan, unit, place);
        // The bits of doubles that are not negative are in the order of the doubles.
        let (sum, count) = groups.entry(rate.to_bits() >> dropped).or_default();
        *sum += rate * f64::from(rows);
        *count += u64::from(rows);
    }
    groups.into_values().map(|(sum, rows)| (sum / rows as f64, rows))
}
