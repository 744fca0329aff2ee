//! What an iterator protocol needs on top of an epoch: which epoch comes next, which positions are known.
//!
//! Every lock here is held for a bounded stretch of work that waits for nothing else.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::batch::{Draft, Index};
use crate::epoch::{Deal, Stream};
use crate::error::{Error, room};
use crate::plan::Plan;

/// Batches between two remembered positions.
const BOOKMARK_EVERY: u64 = 1024;
/// Epochs whose positions are remembered.
const BOOKMARKED_EPOCHS: usize = 4;
/// Seats that are drawn between two chances to pause: some milliseconds.
const SEATS_AT_A_TIME: u64 = 1 << 18;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a lock guards here is whole after every step, whatever happened to the thread that held it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which epoch was begun last, and which is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Clock {
    current: u64,
    /// Wider than an epoch, so that the one after the last is an error and not the first again.
    pending: u128,
}

/// Where the generator stood at some positions of one epoch.
#[derive(Debug)]
struct Bookmarks {
    epoch: u64,
    /// The stream at every multiple of [`BOOKMARK_EVERY`] that was reached, without gaps.
    pages: Vec<Stream>,
    /// The stream behind the batch that was asked for last.
    last: Stream,
}

/// One rank's source of batches over all epochs.
#[derive(Debug)]
pub struct Feed {
    plan: Arc<Plan>,
    deal: Deal,
    seed: u64,
    clock: Mutex<Clock>,
    bookmarks: Mutex<VecDeque<Bookmarks>>,
}

impl Feed {
    /// A feed whose first epoch is 0.
    #[must_use]
    pub fn new(plan: Arc<Plan>, deal: Deal, seed: u64) -> Self {
        Self {
            plan,
            deal,
            seed,
            clock: Mutex::new(Clock { current: 0, pending: 0 }),
            bookmarks: Mutex::new(VecDeque::new()),
        }
    }

    /// What the batches are drawn from.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Which batches fall to this rank.
    #[must_use]
    pub fn deal(&self) -> Deal {
        self.deal
    }

    /// The seed of epoch 0.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The epoch last begun, or set since.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        lock(&self.clock).current
    }

    /// The epoch that the next run begins; [`u64::MAX`] + 1 where there is none left.
    #[must_use]
    pub fn pending(&self) -> u128 {
        lock(&self.clock).pending
    }

    /// Makes `epoch` the next to begin.
    ///
    /// # Errors
    /// [`Error::Seed`] where `seed + epoch` is 2^64 or more.
    pub fn set_epoch(&self, epoch: u64) -> Result<(), Error> {
        Stream::new(self.seed, epoch)?;
        *lock(&self.clock) = Clock {
            current: epoch,
            pending: epoch.into(),
        };
        Ok(())
    }

    /// Puts both epochs where another feed had them.
    pub fn restore(&self, current: u64, pending: u128) {
        *lock(&self.clock) = Clock { current, pending };
    }

    /// Takes the pending epoch, and leaves the following one pending.
    fn begin(&self) -> Result<Stream, Error> {
        let mut clock = lock(&self.clock);
        let epoch = u64::try_from(clock.pending).map_err(|_| Error::Seed {
            seed: self.seed,
            epoch: clock.pending,
        })?;
        let stream = Stream::new(self.seed, epoch)?;
        *clock = Clock {
            current: epoch,
            pending: u128::from(epoch) + 1,
        };
        Ok(stream)
    }

    /// Batches that this rank takes of an epoch: the same for all ranks.
    #[must_use]
    pub fn rounds(&self) -> u64 {
        self.deal.rounds(self.plan.batches())
    }

    /// Global batches of an epoch, those that fill the last round included.
    #[must_use]
    pub fn dealt(&self) -> u64 {
        self.rounds() * u64::from(self.deal.replicas())
    }

    /// The known stream of `epoch` nearest to `position`, at or before it.
    ///
    /// # Errors
    /// [`Error::Seed`].
    pub fn nearest(&self, epoch: u64, position: u64) -> Result<Stream, Error> {
        let bookmarks = lock(&self.bookmarks);
        let Some(known) = bookmarks.iter().find(|known| known.epoch == epoch) else {
            return Stream::new(self.seed, epoch);
        };
        let page = (position / BOOKMARK_EVERY).min(known.pages.len() as u64 - 1);
        let page = &known.pages[page as usize];
        let last = &known.last;
        let nearer = last.position() <= position && last.position() > page.position();
        Ok(if nearer { last.clone() } else { page.clone() })
    }

    /// Draws the global batch at `position` with a stream from [`Feed::nearest`]. `pause` is called every few
    /// milliseconds; its error ends the walk. Takes no lock.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or what `pause` returns.
    pub fn walk<T: Index, E: From<Error>>(
        &self,
        mut stream: Stream,
        position: u64,
        mut pause: impl FnMut() -> Result<(), E>,
    ) -> Result<(Vec<T>, Walked), E> {
        let mut pages = Vec::new();
        let mut seats = 0;
        // The page at the position itself too: who asks for one batch after another passes none.
        loop {
            if stream.position() % BOOKMARK_EVERY == 0 {
                pages.push(stream.clone());
            }
            if stream.position() == position {
                break;
            }
            stream.pass(&self.plan);
            rest_after(&mut seats, &self.plan, &mut pause)?;
        }
        let mut draft = Draft::default();
        stream.draw(&self.plan, &mut draft)?;
        let rows = draft.rows(&self.plan)?;
        Ok((rows, Walked { pages, last: stream }))
    }

    /// Remembers where a walk through `epoch` came by.
    pub fn remember(&self, epoch: u64, walked: Walked) {
        let mut bookmarks = lock(&self.bookmarks);
        let known = bookmarks.iter().position(|known| known.epoch == epoch);
        let mut known = known
            .and_then(|place| bookmarks.remove(place))
            .unwrap_or_else(|| Bookmarks {
                epoch,
                // The first page is always there, even where another thread's epochs drove out those before this walk.
                pages: Stream::new(self.seed, epoch).into_iter().collect(),
                last: walked.last.clone(),
            });
        for page in walked.pages {
            if page.position() == known.pages.len() as u64 * BOOKMARK_EVERY {
                known.pages.push(page);
            }
        }
        known.last = walked.last;
        bookmarks.push_front(known);
        bookmarks.truncate(BOOKMARKED_EPOCHS);
    }

    /// All rows of this rank's batches of `epoch`, one batch after another. `pause` as in [`Feed::walk`]. Takes no lock.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] before anything is drawn, [`Error::Ragged`] where a short last batch gives the batches no
    /// common length, [`Error::Seed`], or what `pause` returns.
    pub fn whole_epoch<T: Index, E: From<Error>>(
        &self,
        epoch: u64,
        mut pause: impl FnMut() -> Result<(), E>,
    ) -> Result<Vec<T>, E> {
        let size = self.plan.full().size();
        if let Some(short) = self.plan.short() {
            return Err(Error::Ragged {
                last: short.size(),
                size,
            }
            .into());
        }
        let seats = u128::from(self.rounds()) * size as u128;
        let bytes = seats * size_of::<T>() as u128;
        let seats = usize::try_from(seats).map_err(|_| Error::OutOfMemory { bytes })?;
        let mut rows = room(seats)?;
        let mut stream = Stream::new(self.seed, epoch)?;
        let mut draft = Draft::default();
        let mut worked = 0;
        for round in 0..self.rounds() {
            while stream.position() < self.deal.position(round) {
                stream.pass(&self.plan);
                rest_after(&mut worked, &self.plan, &mut pause)?;
            }
            stream.draw(&self.plan, &mut draft)?;
            draft.append_rows(&self.plan, &mut rows);
            rest_after(&mut worked, &self.plan, &mut pause)?;
        }
        Ok(rows)
    }
}

/// What a walk leaves to be remembered.
#[derive(Debug)]
pub struct Walked {
    pages: Vec<Stream>,
    last: Stream,
}

fn rest_after<E>(seats: &mut u64, plan: &Plan, pause: &mut impl FnMut() -> Result<(), E>) -> Result<(), E> {
    *seats += plan.full().size() as u64;
    if *seats < SEATS_AT_A_TIME {
        return Ok(());
    }
    *seats = 0;
    pause()
}

/// What one step of a [`Run`] came to.
#[derive(Debug)]
pub enum Step<T> {
    /// This rank's next batch.
    Batch(Vec<T>),
    /// There is still more to pass before the next batch: call again.
    Passing,
    /// The epoch is over.
    Over,
}

/// One pass over one epoch, which begins with its first step. Any number of threads may step it: each batch comes out
/// once.
#[derive(Debug)]
pub struct Run {
    feed: Arc<Feed>,
    state: Mutex<RunState>,
}

#[derive(Debug, Default)]
struct RunState {
    stream: Option<Stream>,
    round: u64,
    draft: Draft,
}

impl Run {
    /// A run that has not begun.
    #[must_use]
    pub fn new(feed: Arc<Feed>) -> Self {
        Self {
            feed,
            state: Mutex::default(),
        }
    }

    /// Makes the next batch, or a bounded part of the way to it.
    ///
    /// # Errors
    /// [`Error::Seed`] and [`Error::OutOfMemory`]; the run stays where it was.
    pub fn step<T: Index>(&self) -> Result<Step<T>, Error> {
        let plan = &*self.feed.plan;
        let deal = self.feed.deal;
        let mut state = lock(&self.state);
        let RunState { stream, round, draft } = &mut *state;
        let stream = match stream {
            Some(stream) => stream,
            None => stream.insert(self.feed.begin()?),
        };
        if *round == self.feed.rounds() {
            return Ok(Step::Over);
        }
        let mut seats = 0;
        while stream.position() < deal.position(*round) {
            if seats >= SEATS_AT_A_TIME {
                return Ok(Step::Passing);
            }
            stream.pass(plan);
            seats += plan.full().size() as u64;
        }
        // Room for the rows comes before the draw, so that a batch is never drawn and lost.
        let mut rows = room(plan.composition(stream.position()).size())?;
        stream.draw(plan, draft)?;
        draft.append_rows(plan, &mut rows);
        *round += 1;
        Ok(Step::Batch(rows))
    }
}
