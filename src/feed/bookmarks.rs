//! Where streams came by, so that the way to a batch is short the next time.

use std::collections::VecDeque;

use crate::batch::{Draft, Row};
use crate::epoch::Stream;
use crate::error::Error;
use crate::plan::Plan;
use crate::support::memory::push;
use crate::support::pauses::Pauses;

/// Batches between two remembered positions.
const PAGE: u64 = 1024;
/// Epochs whose positions are remembered.
const EPOCHS: usize = 4;

/// The epochs that were walked through last, the latest first.
#[derive(Debug, Default)]
pub(super) struct Bookmarks(VecDeque<Walked>);

impl Bookmarks {
    /// The known stream of `epoch` nearest to `position`, at or before it.
    pub(super) fn nearest(&self, epoch: u64, position: u64) -> Option<&Stream> {
        let known = self.0.iter().find(|known| known.last.epoch() == epoch)?;
        let before = known.pages.partition_point(|page| page.position() <= position);
        let page = before.checked_sub(1).map(|page| &known.pages[page]);
        let last = Some(&known.last).filter(|last| last.position() <= position);
        [page, last]
            .into_iter()
            .flatten()
            .max_by_key(|stream| stream.position())
    }

    /// Remembers where a walk came by.
    pub(super) fn remember(&mut self, walked: Walked) {
        let epoch = walked.last.epoch();
        let place = self.0.iter().position(|known| known.last.epoch() == epoch);
        let known = place.and_then(|place| self.0.remove(place));
        let mut pages = known.map(|known| known.pages).unwrap_or_default();
        for page in walked.pages {
            // Without memory for it a page is not remembered, which costs time and nothing else.
            if page.position() == pages.len() as u64 * PAGE && push(&mut pages, page).is_err() {
                break;
            }
        }
        let last = walked.last;
        let known = Walked { pages, last };
        self.0.push_front(known);
        self.0.truncate(EPOCHS);
    }
}

/// What a walk leaves to be remembered.
#[derive(Debug)]
pub(crate) struct Walked {
    /// The stream at multiples of [`PAGE`], ascending; those that are remembered have no gap.
    pages: Vec<Stream>,
    /// The stream behind the batch that was asked for.
    last: Stream,
}

/// The way to one batch. It takes no lock.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    plan: &'a Plan,
    stream: Stream,
    position: u64,
}

impl<'a> Walk<'a> {
    pub(super) fn new(plan: &'a Plan, stream: Stream, position: u64) -> Self {
        Self { plan, stream, position }
    }

    #[cfg(test)]
    pub(super) fn from(&self) -> u64 {
        self.stream.position()
    }

    /// The rows of the batch. `pause` is called every few milliseconds; its error ends the walk.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or what `pause` returns.
    pub(crate) fn rows<T: Row, E: From<Error>>(
        self,
        pause: impl FnMut() -> Result<(), E>,
    ) -> Result<(Vec<T>, Walked), E> {
        let plan = self.plan;
        let (draft, walked) = self.draft(pause)?;
        Ok((draft.rows(plan)?, walked))
    }

    /// As [`Walk::rows`], and leaves the batch in a draft, which can tell where its rows come from.
    ///
    /// # Errors
    /// As [`Walk::rows`].
    pub(crate) fn draft<E: From<Error>>(self, mut pause: impl FnMut() -> Result<(), E>) -> Result<(Draft, Walked), E> {
        let Self {
            plan,
            mut stream,
            position,
        } = self;
        let mut pages = Vec::new();
        let mut pauses = Pauses::new(&mut pause);
        // The page at the position itself too: who asks for one batch after another passes none.
        let mut turn_page = |stream: &Stream| match stream.position() % PAGE {
            0 => push(&mut pages, stream.clone()),
            _ => Ok(()),
        };
        turn_page(&stream)?;
        stream.move_to(plan, position, |stream| {
            turn_page(stream)?;
            pauses.after(plan.batch_size())
        })?;
        let mut draft = Draft::default();
        stream.draw(plan, &mut draft)?;
        Ok((draft, Walked { pages, last: stream }))
    }
}
