//! What an epoch is made from: groups, weights, quotas and the number of batches, fixed at construction (specification,
//! sections 2 and 4).

mod dealt;
mod drawn;
mod quotas;
mod settings;
mod sums;
mod weights;

use std::sync::Arc;

use crate::index::Index;
use crate::near::Focus;

pub use crate::groups::{Cell, Groups, Positions};
pub use dealt::{Dealt, DealtSettings, Weights};
pub(crate) use dealt::{Hand, Pass, Seats, Sharing, Turn, check_epoch};
pub use drawn::Drawn;
pub use quotas::{Composition, Quota};
pub use settings::Settings;

/// Everything that does not change from batch to batch. It is only ever read, by any number of threads.
///
/// [`Plan::new`] plans batches that are drawn one after another, [`Plan::dealt`] batches that are dealt. Any number of
/// plans share the rows of one [`Index`].
#[derive(Clone, Debug)]
pub struct Plan {
    index: Arc<Index>,
    /// Those of the index, with the list that pools are runs of here.
    groups: Groups,
    /// Normed weights by position; empty where experiments are not used.
    weights: Vec<f64>,
    cdf: Vec<f64>,
    /// Of the focus, in hours.
    window: f64,
    /// Seats of a full batch, and those of them that leak.
    batch_size: u32,
    leak: usize,
    batches: u64,
    rule: Rule,
}

/// How a plan's batches come about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Rule {
    /// Every batch is drawn anew, one after another (version 1 of the specification).
    Drawn(Drawn),
    /// Rows are dealt, each batch by its number alone (version 2 of the specification).
    Dealt(Dealt),
}

impl Plan {
    /// The rows by experiment and condition.
    #[must_use]
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// How the batches come about, and what only batches of that kind have.
    #[must_use]
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Global batches of an epoch, at least 1.
    #[must_use]
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// Seats of a batch; the last one of an epoch may have fewer.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.batch_size as usize
    }

    /// Seats of the last batch of an epoch, where it is short.
    #[must_use]
    pub fn short_size(&self) -> Option<usize> {
        match &self.rule {
            Rule::Drawn(drawn) => drawn.short().map(Composition::size),
            Rule::Dealt(_) => None,
        }
    }

    /// Seats of the global batch at `position`.
    #[must_use]
    pub fn size(&self, position: u64) -> usize {
        match &self.rule {
            Rule::Drawn(drawn) => drawn.composition(position).size(),
            Rule::Dealt(_) => self.batch_size(),
        }
    }

    /// Seats of a full batch that go to rows of other experiments.
    #[must_use]
    pub fn leak(&self) -> usize {
        self.leak
    }

    /// Seats of the global batch at `position` that go to rows of other experiments.
    #[must_use]
    pub fn leak_at(&self, position: u64) -> usize {
        match &self.rule {
            Rule::Drawn(drawn) => drawn.composition(position).leak(),
            Rule::Dealt(_) => self.leak,
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

    /// Whether the experiment at `position` can be picked.
    #[must_use]
    pub fn can_pick(&self, position: usize) -> bool {
        self.weights.get(position).is_none_or(|&weight| weight > 0.0)
    }

    /// How far from the focal time, in hours, a row is still near.
    #[must_use]
    pub fn window(&self) -> f64 {
        self.window
    }

    /// What the table says.
    #[must_use]
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    #[inline]
    pub(crate) fn focus(&self) -> Option<&Focus> {
        self.index.focus()
    }
}

/// Seats of so many that leak, where there is an experiment to leak from.
fn leak_seats(seats: usize, leaky: f64, has_others: bool) -> usize {
    if has_others {
        quotas::whole_seats(seats, leaky)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Column, Table, Times, combine};
    use crate::support::memory::shared;
    use crate::support::memory::testing::refuse_in_turn;

    #[test]
    fn running_out_of_memory_is_an_error_wherever_it_happens() {
        let few: Vec<u32> = (0..600).map(|row| row % 5).collect();
        let many: Vec<u32> = (0..600).map(|row| row * 7 % 401 * 2).collect();
        let times: Vec<f64> = (0..600).map(f64::from).collect();
        // In one pass over a table of all pairs, by two sorts, and with labels that are numbered anew.
        for (ranks, labels) in [(&few, 5), (&many, 802), (&many, 1 << 30)] {
            let column = |ranks| Column::from_ranks(ranks, labels);
            let table = Table {
                rows: 600,
                experiments: Some(column(ranks)),
                conditions: Some(column(ranks)),
                times: Some(Times::F64(vec![&times])),
            };
            let settings = Settings {
                batch_size: 7,
                leaky: 0.5,
                drop_last: false,
                weights: Some(vec![Some(1.0); 1]),
                ..Settings::default()
            };
            let build = || Plan::new(&table, &settings);
            assert!(refuse_in_turn(build) > 20);
            let plan = build().unwrap();
            assert!(refuse_in_turn(|| plan.groups().experiment_positions(|| Ok(()))) > 0);
            assert!(refuse_in_turn(|| plan.groups().condition_positions(|| Ok(()))) > 0);
            // The list that leak needs, made later.
            let over = || Plan::over(&shared(Index::build(&table)?)?, &settings);
            assert!(refuse_in_turn(over) > 20);
            let pools = |plan: &Plan| plan.groups().pools().map(|list| list.to_vec());
            assert_eq!(pools(&over().unwrap()), pools(&plan));
            let (first, second) = (column(ranks), column(&few));
            assert!(refuse_in_turn(|| combine(&first, &second)) > 1);
        }
    }
}
