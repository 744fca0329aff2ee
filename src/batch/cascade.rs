//! The order of draws of one batch, from a plan and a generator (specification, section 3).

use std::ops::Range;

use crate::draw::{Ahead, Generator};
use crate::error::Error;
use crate::groups::Pool;
use crate::near::{Focus, Spans};
use crate::plan::{Composition, Plan};

use super::draft::{Draft, Source, Supply};

/// What is done with a draw of `seats` positions, which go to the seats from `start` on.
trait Take {
    /// Whether rows are found, so that what is read for that is asked for ahead.
    const FINDS: bool;

    fn take(&mut self, plan: &Plan, generator: &mut Generator, supply: Supply, start: usize, seats: usize);

    /// Finds out which entries of the experiment, by time, are near the focal time, before the seats around it are drawn.
    fn focus_on(&mut self, plan: &Plan, focus: &Focus, generator: &mut Generator, around: &Around) -> Range<u32>;

    /// What is near in the lists.
    fn spans(&self) -> &Spans;
}

/// What seats are drawn around.
struct Around {
    experiment: usize,
    /// The focal time, as a place among the experiment's.
    place: u32,
    /// Lists that are drawn from.
    lists: usize,
}

impl Take for Draft {
    const FINDS: bool = true;

    #[inline]
    fn take(&mut self, plan: &Plan, generator: &mut Generator, supply: Supply, start: usize, seats: usize) {
        self.draw_segment(plan, generator, &supply, start, seats);
    }

    fn focus_on(&mut self, plan: &Plan, focus: &Focus, _generator: &mut Generator, around: &Around) -> Range<u32> {
        Self::focus_on(self, around.place);
        let focal = (around.experiment, around.place);
        focus.near_in_lists(focal, plan.window(), around.lists, self.spans_mut(), || ())
    }

    fn spans(&self) -> &Spans {
        Self::spans(self)
    }
}

/// Draws, and lets go of what was drawn; memory that is used again for the next batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct PassBy {
    spans: Spans,
    ahead: Ahead,
}

impl Take for PassBy {
    const FINDS: bool = false;

    #[inline]
    fn take(&mut self, _plan: &Plan, generator: &mut Generator, supply: Supply, _start: usize, seats: usize) {
        self.ahead.pass(generator, supply.population(), seats);
    }

    fn focus_on(&mut self, plan: &Plan, focus: &Focus, generator: &mut Generator, around: &Around) -> Range<u32> {
        let focal = (around.experiment, around.place);
        let ahead = &mut self.ahead;
        focus.near_in_lists(focal, plan.window(), around.lists, &mut self.spans, || {
            ahead.wait(generator);
        })
    }

    fn spans(&self) -> &Spans {
        &self.spans
    }
}

/// Draws one batch into `draft`.
///
/// # Errors
/// [`Error::OutOfMemory`], before anything is drawn.
pub(crate) fn draw_batch(
    plan: &Plan,
    composition: &Composition,
    generator: &mut Generator,
    draft: &mut Draft,
) -> Result<(), Error> {
    draft.reserve(plan, composition.size(), most_segments(plan, composition))?;
    let picked = cascade(plan, composition, generator, draft);
    draft.pick(picked);
    Ok(())
}

/// Moves the generator past one batch without building it.
///
/// # Errors
/// [`Error::OutOfMemory`], before anything is drawn.
pub(crate) fn pass_batch(
    plan: &Plan,
    composition: &Composition,
    generator: &mut Generator,
    pass_by: &mut PassBy,
) -> Result<(), Error> {
    if let Some(focus) = plan.focus() {
        focus.reserve_spans(&mut pass_by.spans, composition.most_quotas())?;
    }
    // Mostly a list takes half a word less than it has seats. What is too much is given back.
    let expected = composition.size().saturating_sub(composition.most_quotas() / 2 + 1);
    pass_by.ahead.expect(expected);
    cascade(plan, composition, generator, pass_by);
    pass_by.ahead.give_back(generator);
    Ok(())
}

/// The most draws that a batch takes: its leak, and every quota, with times once near and once far.
fn most_segments(plan: &Plan, composition: &Composition) -> usize {
    let parts = if plan.focus().is_some() { 2 } else { 1 };
    1 + parts * composition.most_quotas()
}

/// The order of draws of one batch, for all that builds batches or passes them. Returns the experiment's position.
fn cascade(plan: &Plan, composition: &Composition, generator: &mut Generator, taker: &mut impl Take) -> usize {
    let groups = plan.groups();
    let picked = if plan.cdf().is_empty() {
        0
    } else {
        generator.pick(plan.cdf())
    };
    let primary = composition.primary();
    if composition.leak() > 0 {
        let others = Supply::whole(groups.others(picked), Source::Leak);
        taker.take(plan, generator, others, primary, composition.leak());
    }
    if let Some(focus) = plan.focus() {
        focused(plan, focus, composition, generator, picked, taker);
    } else if let Some(quotas) = composition.quotas(picked) {
        let mut start = 0;
        for &quota in quotas {
            let seats = quota.seats as usize;
            taker.take(
                plan,
                generator,
                Supply::whole(plan.groups().pool_of_cell(quota.cell), Source::Primary),
                start,
                seats,
            );
            start += seats;
        }
    } else if primary > 0 {
        taker.take(
            plan,
            generator,
            Supply::whole(groups.pool(picked), Source::Primary),
            0,
            primary,
        );
    }
    picked
}

/// So many lists ahead what is read of one is asked for.
const AHEAD: usize = 8;

/// The seats that do not leak, near a focal time and far from it.
fn focused<T: Take>(
    plan: &Plan,
    focus: &Focus,
    composition: &Composition,
    generator: &mut Generator,
    picked: usize,
    taker: &mut T,
) {
    let place = generator.below(focus.times_of(picked));
    let around = Around {
        experiment: picked,
        place,
        lists: composition.quotas(picked).map_or(1, <[_]>::len),
    };
    let near = taker.focus_on(plan, focus, generator, &around);
    let first = if composition.quotas(picked).is_some() {
        plan.groups().first_cell_of(picked)
    } else {
        0
    };
    let ask_for = |list: u32, child: u32, spans: &Spans| {
        if T::FINDS {
            focus.ask_for(list, child, &near, spans);
        }
    };
    match composition.quotas(picked) {
        Some(quotas) => {
            for quota in quotas.iter().take(AHEAD) {
                ask_for(quota.cell, quota.cell - first, taker.spans());
            }
        }
        None => ask_for(picked as u32, 0, taker.spans()),
    }
    let mut start = 0;
    for inside in [true, false] {
        let mut take = |taker: &mut T, list: u32, child: u32, pool: Pool, seats: usize| {
            if seats > 0 {
                let part = focus.part(list, child, &near, taker.spans(), inside);
                taker.take(plan, generator, Supply::part(pool, part), start, seats);
                start += seats;
            }
        };
        if let Some(quotas) = composition.quotas(picked) {
            for (place, &quota) in quotas.iter().enumerate() {
                if let Some(next) = quotas.get(place + AHEAD) {
                    ask_for(next.cell, next.cell - first, taker.spans());
                }
                let seats = if inside { quota.seats - quota.far } else { quota.far };
                take(
                    taker,
                    quota.cell,
                    quota.cell - first,
                    plan.groups().pool_of_cell(quota.cell),
                    seats as usize,
                );
            }
        } else {
            let seats = if inside {
                composition.primary() - composition.far()
            } else {
                composition.far()
            };
            take(taker, picked as u32, 0, plan.groups().pool(picked), seats);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Column;
    use crate::columns::Table;
    use crate::columns::times::Times;
    use crate::plan::{Rule, Settings};

    #[test]
    fn room_for_every_draw_is_made_before_the_first() {
        let rows = 240;
        let experiments: Vec<u32> = (0..rows).map(|row| row % 2).collect();
        let conditions: Vec<u32> = (0..rows).map(|row| row / 2 % 12).collect();
        let times: Vec<f64> = (0..rows).map(|row| f64::from(row / 24)).collect();
        let settings = Settings {
            batch_size: 60,
            leaky: 0.2,
            global_fraction: 0.5,
            ..Settings::default()
        };
        let table = Table {
            rows: rows as usize,
            experiments: Some(Column::from_ranks(&experiments, 2)),
            conditions: Some(Column::from_ranks(&conditions, 12)),
            times: Some(Times::F64(vec![&times])),
        };
        let plan = Plan::new(&table, &settings).unwrap();
        let Rule::Drawn(drawn) = plan.rule() else {
            unreachable!("the plan was made so")
        };
        let full = drawn.full();
        let mut generator = Generator::new(0);
        let mut draft = Draft::default();
        for _ in 0..20 {
            draft.reserve(&plan, full.size(), most_segments(&plan, full)).unwrap();
            let (_, reserved) = draft.room_for_segments();
            cascade(&plan, full, &mut generator, &mut draft);
            let (segments, capacity) = draft.room_for_segments();
            assert_eq!(segments, 25);
            assert_eq!(capacity, reserved);
        }
    }
}
