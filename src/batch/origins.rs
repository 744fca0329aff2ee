//! Where each seat of a batch came from.

use crate::error::Error;
use crate::groups::{Groups, Order};
use crate::plan::Plan;
use crate::support::memory::room;

use super::draft::{Draft, Source};

/// The origin of every seat of one batch: equally long columns, in the order of the batch's rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origins {
    /// The rows.
    pub rows: Vec<i64>,
    /// Position of each row's experiment; -1 where experiments are not used.
    pub experiments: Vec<i64>,
    /// Position of each row's condition; -1 where conditions are not used.
    pub conditions: Vec<i64>,
    /// What each seat is there for.
    pub sources: Vec<Source>,
    /// Whether the seat's row was dealt, and not drawn.
    pub dealt: Vec<bool>,
    /// Whether the seat was drawn with replacement.
    pub replaced: Vec<bool>,
    /// Whether the part that the seat is for was empty, so that the cell or the pool stood in.
    pub fallback: Vec<bool>,
    /// Position of the experiment that was picked; -1 where experiments are not used.
    pub picked: i64,
    /// The focal time in hours, where there is one.
    pub focal: Option<f64>,
}

impl Origins {
    /// Of the batch that was drawn last.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub(crate) fn new(plan: &Plan, draft: &Draft) -> Result<Self, Error> {
        plan.index().guarded(|| Self::looked_up(plan, draft))
    }

    fn looked_up(plan: &Plan, draft: &Draft) -> Result<Self, Error> {
        let groups = plan.groups();
        let seats = draft.seats();
        let aware = !plan.weights().is_empty();
        let position = |experiment: usize| if aware { experiment as i64 } else { -1 };
        let mut origins = Self {
            rows: draft.rows(plan)?,
            experiments: room(seats)?,
            conditions: room(seats)?,
            sources: room(seats)?,
            dealt: room(seats)?,
            replaced: room(seats)?,
            fallback: room(seats)?,
            picked: position(draft.picked()),
            focal: plan.focus().map(|focus| {
                let clocks = focus.clocks();
                clocks.hour(clocks.first_of(draft.picked()) + draft.focal())
            }),
        };
        for segment in draft.segments() {
            let start = origins.experiments.len();
            let end = start + segment.end - segment.start;
            if segment.source == Source::Leak {
                let rows = &origins.rows[start..end];
                for (&place, &row) in draft.positions(segment).iter().zip(rows) {
                    let experiment = groups.experiment_of(segment.pool.entry(place));
                    origins.experiments.push(position(experiment));
                    origins.conditions.push(condition_of(groups, experiment, row));
                }
            } else {
                let condition = match segment.pool.order {
                    Order::Cells => i64::from(groups.cells()[groups.cell_of(segment.pool.start)].condition),
                    Order::Table | Order::Pools => -1,
                };
                origins.experiments.resize(end, origins.picked);
                origins.conditions.resize(end, condition);
            }
            origins.sources.resize(end, segment.source);
            origins.dealt.resize(end, segment.dealt);
            origins.replaced.resize(end, segment.replaced());
            origins.fallback.resize(end, segment.fallback);
        }
        Ok(origins)
    }
}

/// The condition of a row whose experiment is known; -1 without conditions.
fn condition_of(groups: &Groups, experiment: usize, row: i64) -> i64 {
    groups
        .cells_of(experiment)
        .iter()
        .find(|cell| groups.rows_of(cell).binary_search(&(row as u32)).is_ok())
        .map_or(-1, |cell| i64::from(cell.condition))
}
