//! Which epoch was begun last, and what is next.

use std::sync::{Arc, Mutex};

use super::progress::Progress;
use crate::epoch::Mark;

#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    current: u64,
    pending: Mark,
    /// Whether what is pending was asked for, and does not just follow on the last run.
    asked: bool,
    /// The run that was begun last.
    latest: Option<Arc<Mutex<Progress>>>,
}

impl Clock {
    /// The epoch last begun, or set since.
    pub(super) fn current(&self) -> u64 {
        self.current
    }

    /// What the next run begins.
    pub(super) fn pending(&self) -> Mark {
        self.pending
    }

    /// The run that tells where things stand; none where something else was asked for since it began.
    pub(super) fn latest(&self) -> Option<Arc<Mutex<Progress>>> {
        self.latest.clone().filter(|_| !self.asked)
    }

    /// Makes `epoch` the next to begin. A place in that epoch that is pending already is kept.
    pub(super) fn set_epoch(&mut self, epoch: u64) {
        if self.pending.epoch != u128::from(epoch) {
            // A client that names the epoch which is under way does not mean to have it forgotten.
            self.asked = self.latest.is_none() || self.current != epoch;
            self.pending = Mark::beginning(epoch.into());
        }
        self.current = epoch;
    }

    /// Makes the next run begin at `mark`, which lies before the end of its epoch, or where there is no epoch left.
    pub(super) fn ask(&mut self, mark: Mark) {
        self.pending = mark;
        self.current = u64::try_from(mark.epoch).unwrap_or(self.current);
        self.asked = true;
    }

    /// Puts the clock where another one stood.
    pub(super) fn restore(&mut self, current: u64, pending: Mark) {
        self.current = current;
        self.pending = pending;
        self.asked = true;
    }

    /// Notes that a run of `epoch` begins, and leaves the epoch that comes `next` pending.
    pub(super) fn begin(&mut self, epoch: u64, next: u128, run: &Arc<Mutex<Progress>>) {
        self.current = epoch;
        self.pending = Mark::beginning(next);
        self.asked = false;
        self.latest = Some(run.clone());
    }
}
