//! How far a run has come: what it shares with its feed.

use crate::batch::Draft;
use crate::epoch::{Deal, Mark, Stream};
use crate::plan::Plan;

/// A run's place, and the memory it draws in.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Where to begin, if not where the feed says.
    pub(super) loaded: Option<Mark>,
    /// `None` before the first step.
    pub(super) course: Option<Course>,
    /// Counts whatever moved the run on, so that a batch is known to be still the next.
    pub(super) turn: u64,
    pub(super) draft: Draft,
}

impl Progress {
    /// How far the run has come. `None` before the first step.
    pub(super) fn mark(&self) -> Option<Mark> {
        self.course.as_ref().map(Course::mark)
    }
}

/// A run that has begun.
#[derive(Debug)]
pub(super) struct Course {
    /// Batches that were done before it.
    start: u64,
    /// Which batches fell to this rank when it began: they stay so.
    deal: Deal,
    pub(super) stream: Stream,
    pub(super) round: u64,
}

impl Course {
    pub(super) fn new(start: u64, deal: Deal, stream: Stream) -> Self {
        Self {
            start,
            deal,
            stream,
            round: 0,
        }
    }

    /// How far this rank has come: whole rounds of all ranks' batches.
    fn mark(&self) -> Mark {
        self.stream
            .mark(self.start.saturating_add(self.deal.batches(self.round)))
    }

    /// Global position of the next batch; `None` where the epoch is over.
    pub(super) fn next(&self, plan: &Plan) -> Option<u64> {
        let rounds = self.deal.rounds(plan.batches().saturating_sub(self.start));
        (self.round < rounds).then(|| self.start.saturating_add(self.deal.position(self.round)))
    }
}
