//! One pass over one epoch, as an iterator takes it.

use std::sync::{Arc, Mutex};

use super::progress::Progress;
use super::{Feed, lock};
use crate::batch::{Draft, Row};
use crate::epoch::{Mark, Stream};
use crate::error::Error;
use crate::plan::Plan;
use crate::support::memory::room;
use crate::support::pauses::Pauses;

/// One pass over one epoch, or over what is left of it, which begins with its first step. Any number of threads may step it:
/// each batch comes out once.
///
/// A batch is drawn with [`Run::step`] and [`Next::rows`], and counts as done with [`Run::finish`]. What goes wrong in between
/// leaves the run where it was, and no lock is held while a batch is drawn and handed over.
#[derive(Debug)]
pub(crate) struct Run {
    feed: Arc<Feed>,
    progress: Arc<Mutex<Progress>>,
}

/// What one step of a [`Run`] came to.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly every step comes to a batch")]
pub(crate) enum Step {
    /// This rank's next batch can be drawn.
    Batch(Next),
    /// There is still more to pass before the next batch: call again.
    Passing,
    /// The epoch is over.
    Over,
}

/// A run's next batch, before it is drawn.
#[derive(Debug)]
pub(crate) struct Next {
    stream: Stream,
    draft: Draft,
    turn: u64,
}

impl Next {
    /// Draws the batch.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub(crate) fn rows<T: Row>(&mut self, plan: &Plan) -> Result<Vec<T>, Error> {
        let mut rows = room(plan.size(self.stream.position()))?;
        self.stream.draw(plan, &mut self.draft)?;
        self.draft.append_rows(plan, &mut rows)?;
        Ok(rows)
    }
}

/// Why a run does not come to its next batch.
enum Halt {
    Pause,
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Run {
    /// A run that has not begun.
    #[must_use]
    pub(crate) fn new(feed: Arc<Feed>) -> Self {
        Self {
            feed,
            progress: Arc::default(),
        }
    }

    /// How far this run has come, or where it will begin.
    #[must_use]
    pub(crate) fn place(&self) -> Mark {
        let progress = lock(&self.progress);
        let place = progress.mark().or(progress.loaded);
        drop(progress);
        place.unwrap_or_else(|| self.feed.pending())
    }

    /// Makes the run go on at `place` with its next step. At the end of the epoch it is over.
    ///
    /// # Errors
    /// [`Error::Seed`]; [`Error::Mark`] where the generator stands behind the place.
    pub(crate) fn resume(&self, place: Mark) -> Result<(), Error> {
        self.feed.stream_at(&place)?;
        let mut progress = lock(&self.progress);
        *progress = Progress {
            loaded: Some(place),
            turn: progress.turn + 1,
            ..Progress::default()
        };
        Ok(())
    }

    /// Comes to the next batch, or a bounded part of the way to it.
    ///
    /// # Errors
    /// [`Error::Seed`]; the run stays where it was.
    #[inline]
    pub(crate) fn step(&self) -> Result<Step, Error> {
        let plan = self.feed.plan();
        let mut progress = lock(&self.progress);
        let Progress {
            loaded,
            course,
            turn,
            draft,
        } = &mut *progress;
        let course = match course {
            Some(course) => course,
            None => course.insert(self.feed.begin(*loaded, &self.progress)?),
        };
        let Some(position) = course.next(plan) else {
            return Ok(Step::Over);
        };
        let mut halt = || Err(Halt::Pause);
        let mut pauses = Pauses::new(&mut halt);
        let size = plan.batch_size();
        match course.stream.move_to(plan, position, |_| pauses.after(size)) {
            Ok(()) => Ok(Step::Batch(Next {
                stream: course.stream.clone(),
                draft: std::mem::take(draft),
                turn: *turn,
            })),
            Err(Halt::Pause) => Ok(Step::Passing),
            Err(Halt::Failed(error)) => Err(error),
        }
    }

    /// Counts a batch that was drawn as done. False where another thread was before, so that it is not to be handed out.
    #[must_use]
    #[inline]
    pub(crate) fn finish(&self, next: Next) -> bool {
        let mut progress = lock(&self.progress);
        if progress.turn != next.turn {
            return false;
        }
        progress.turn += 1;
        progress.draft = next.draft;
        if let Some(course) = &mut progress.course {
            course.stream = next.stream;
            course.round += 1;
        }
        true
    }
}
