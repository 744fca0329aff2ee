//! Pairs of rows: in batches, and in the table, which plain shuffling draws from.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::columns::times::Time;
use crate::error::Error;
use crate::near::Clocks;
use crate::plan::Plan;
use crate::support::memory::{collected, filled};
use crate::support::pauses::{ENTRIES, Pauses};

/// Counts of the pairs of seats within batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// All pairs.
    pub all: u128,
    /// Rows of one experiment.
    pub experiment: u128,
    /// Rows of one condition.
    pub condition: u128,
    /// Rows of one experiment and one condition.
    pub both: u128,
    /// Rows whose times lie within the window of each other.
    pub near: u128,
}

/// Pairs among so many.
pub(super) fn pairs_of(seats: u64) -> u128 {
    u128::from(seats) * u128::from(seats.saturating_sub(1)) / 2
}

/// Pairs within `window` among hours that ascend, each with how often it occurs. Both iterators yield the same.
pub(super) fn near_pairs<E: From<Error>>(
    ahead: impl Iterator<Item = (f64, u64)>,
    mut behind: impl Iterator<Item = (f64, u64)>,
    clocks: &Clocks,
    window: f64,
    pauses: &mut Pauses<'_, E>,
) -> Result<u128, E> {
    let mut pairs = 0;
    let mut inside = 0_u64;
    let mut tail = behind.next();
    for (hours, count) in ahead {
        while let Some((earlier, gone)) = tail.filter(|&(earlier, _)| !clocks.within(hours, earlier, window)) {
            debug_assert!(earlier <= hours);
            inside -= gone;
            tail = behind.next();
        }
        pairs += u128::from(inside) * u128::from(count) + pairs_of(count);
        inside += count;
        pauses.after(1)?;
    }
    Ok(pairs)
}

/// The pairs of rows of the table.
pub(super) fn table_pairs<E: From<Error>>(
    plan: &Plan,
    times: Option<&[u32]>,
    pauses: &mut Pauses<'_, E>,
) -> Result<Pairs, E> {
    let groups = plan.groups();
    let mut conditions: Vec<u64> = filled(groups.condition_labels().len(), 0)?;
    let mut pairs = Pairs {
        all: pairs_of(groups.kept().into()),
        ..Pairs::default()
    };
    for cell in groups.cells() {
        conditions[cell.condition as usize] += u64::from(cell.rows);
        pairs.both += pairs_of(cell.rows.into());
    }
    pairs.condition = conditions.into_iter().map(pairs_of).sum();
    pairs.experiment = (0..groups.experiments())
        .map(|experiment| pairs_of(groups.size(experiment).into()))
        .sum();
    if let (Some(focus), Some(times)) = (plan.focus(), times) {
        let clocks = focus.clocks();
        let mut counts: Vec<u32> = filled(clocks.len(), 0)?;
        for times in times.chunks(ENTRIES) {
            for &number in times {
                if let Some(count) = counts.get_mut(number as usize) {
                    *count += 1;
                }
            }
            pauses.after(times.len())?;
        }
        let ascending = || Ascending::new(clocks, groups.experiments(), &counts);
        pairs.near = near_pairs(ascending()?, ascending()?, clocks, plan.window(), pauses)?;
    }
    Ok(pairs)
}

/// The times of all pools together, ascending, each with how often it occurs.
struct Ascending<'a> {
    clocks: &'a Clocks,
    counts: &'a [u32],
    /// Of every pool its next time: order, number, and how many are left.
    heads: BinaryHeap<Reverse<(u64, u32, u32)>>,
}

impl<'a> Ascending<'a> {
    fn new(clocks: &'a Clocks, pools: usize, counts: &'a [u32]) -> Result<Self, Error> {
        let heads = (0..pools).map(|pool| {
            let number = clocks.first_of(pool);
            Reverse((clocks.hour(number).key(), number, clocks.times_of(pool)))
        });
        Ok(Self {
            clocks,
            counts,
            heads: collected(heads)?.into(),
        })
    }
}

impl Iterator for Ascending<'_> {
    type Item = (f64, u64);

    fn next(&mut self) -> Option<Self::Item> {
        let mut head = self.heads.peek_mut()?;
        let Reverse((_, number, left)) = *head;
        if left > 1 {
            *head = Reverse((self.clocks.hour(number + 1).key(), number + 1, left - 1));
        } else {
            std::collections::binary_heap::PeekMut::pop(head);
        }
        Some((self.clocks.hour(number), self.counts[number as usize].into()))
    }
}
