//! What an iterator protocol needs on top of an epoch: which epoch comes next, which positions are known.
//!
//! Every lock here is held for a bounded stretch of work that waits for nothing else.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::batch::{Draft, Index};
use crate::epoch::{Deal, Mark, Stream};
use crate::error::Error;
use crate::plan::Plan;
use crate::support::memory::room;

/// Batches between two remembered positions.
const BOOKMARK_EVERY: u64 = 1024;
/// Epochs whose positions are remembered.
const BOOKMARKED_EPOCHS: usize = 4;
/// Seats that are drawn between two chances to pause: some milliseconds.
pub(crate) const SEATS_AT_A_TIME: u64 = 1 << 18;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a lock guards here is whole after every step, whatever happened to the thread that held it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place in an epoch: from where its batches are handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Wider than an epoch, so that the one after the last is an error and not the first again.
    pub epoch: u128,
    /// Global batches of the epoch that are done.
    pub batches: u64,
    /// Where a stream stood on the way there, at most there; the beginning serves as well.
    pub mark: Mark,
}

/// Which epoch was begun last, and what is next.
#[derive(Clone, Debug, Default)]
struct Clock {
    current: u64,
    pending: Place,
    /// Whether what is pending was asked for, and does not just follow on the last run.
    asked: bool,
    /// The run that was begun last.
    latest: Option<Arc<Mutex<RunState>>>,
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
    deal: OnceLock<Deal>,
    seed: u64,
    clock: Mutex<Clock>,
    bookmarks: Mutex<VecDeque<Bookmarks>>,
}

impl Feed {
    /// A feed whose first epoch is 0. Who its rank is may be told later, and not be changed then.
    #[must_use]
    pub fn new(plan: Arc<Plan>, deal: Option<Deal>, seed: u64) -> Self {
        Self {
            plan,
            deal: deal.map(OnceLock::from).unwrap_or_default(),
            seed,
            clock: Mutex::default(),
            bookmarks: Mutex::new(VecDeque::new()),
        }
    }

    /// What the batches are drawn from.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Which batches fall to this rank: all, until it is told.
    #[must_use]
    pub fn deal(&self) -> Deal {
        self.deal.get().copied().unwrap_or_default()
    }

    /// Whether it is known which batches fall to this rank.
    #[must_use]
    pub fn is_dealt(&self) -> bool {
        self.deal.get().is_some()
    }

    /// Tells which batches fall to this rank, if that is not known yet.
    pub fn set_deal(&self, deal: Deal) {
        self.deal.get_or_init(|| deal);
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

    /// What the next run begins; its epoch is [`u64::MAX`] + 1 where there is none left.
    #[must_use]
    pub fn pending(&self) -> Place {
        lock(&self.clock).pending
    }

    /// Makes `epoch` the next to begin. A place in that epoch that is pending already is kept.
    ///
    /// # Errors
    /// [`Error::Seed`] where `seed + epoch` is 2^64 or more.
    pub fn set_epoch(&self, epoch: u64) -> Result<(), Error> {
        Stream::new(self.seed, epoch)?;
        let mut clock = lock(&self.clock);
        if clock.pending.epoch != u128::from(epoch) {
            // A client that names the epoch which is under way does not mean to have it forgotten.
            clock.asked = clock.latest.is_none() || clock.current != epoch;
            clock.pending = Place {
                epoch: epoch.into(),
                ..Place::default()
            };
        }
        clock.current = epoch;
        Ok(())
    }

    /// Makes the next run begin at `place`; the end of an epoch is the beginning of the next.
    ///
    /// # Errors
    /// [`Error::Seed`]; [`Error::Mark`] where the mark lies behind the place.
    pub fn resume(&self, place: Place) -> Result<(), Error> {
        self.stream_at(&place)?;
        let mut clock = lock(&self.clock);
        clock.pending = if place.batches >= self.plan.batches() {
            Place {
                epoch: place.epoch + 1,
                ..Place::default()
            }
        } else {
            place
        };
        clock.current = u64::try_from(clock.pending.epoch).unwrap_or(clock.current);
        clock.asked = true;
        Ok(())
    }

    /// Where things stand: how far the run that was begun last has come, unless something else was asked for since.
    #[must_use]
    pub fn place(&self) -> Place {
        let clock = lock(&self.clock);
        let latest = clock.latest.clone().filter(|_| !clock.asked);
        let pending = clock.pending;
        drop(clock);
        latest.map_or(pending, |latest| lock(&latest).place(self.deal()).unwrap_or(pending))
    }

    /// Puts the clock where another feed had it.
    ///
    /// # Errors
    /// [`Error::Mark`] where the mark lies behind the place.
    pub fn restore(&self, current: u64, pending: Place) -> Result<(), Error> {
        if pending.mark.position > pending.batches {
            return Err(Error::Mark);
        }
        let mut clock = lock(&self.clock);
        clock.current = current;
        clock.pending = pending;
        clock.asked = true;
        Ok(())
    }

    /// The stream at a place's mark.
    fn stream_at(&self, place: &Place) -> Result<(u64, Stream), Error> {
        let epoch = u64::try_from(place.epoch).map_err(|_| Error::Seed {
            seed: self.seed,
            epoch: place.epoch,
        })?;
        if place.mark.position > place.batches {
            return Err(Error::Mark);
        }
        let stream = Stream::at(self.seed, epoch, place.mark)?;
        let known = self.nearest(epoch, place.batches)?;
        Ok((
            epoch,
            if known.position() > stream.position() {
                known
            } else {
                stream
            },
        ))
    }

    /// Takes what is pending, or `loaded` in its place, for `run`, and leaves the following epoch pending.
    fn begin(&self, loaded: Option<Place>, run: &Arc<Mutex<RunState>>) -> Result<(Place, Stream), Error> {
        let mut clock = lock(&self.clock);
        let place = loaded.unwrap_or(clock.pending);
        let (epoch, stream) = self.stream_at(&place)?;
        clock.current = epoch;
        clock.pending = Place {
            epoch: place.epoch + 1,
            ..Place::default()
        };
        clock.asked = false;
        clock.latest = Some(run.clone());
        Ok((place, stream))
    }

    /// Batches that this rank takes of an epoch: the same for all ranks.
    #[must_use]
    pub fn rounds(&self) -> u64 {
        self.deal().rounds(self.plan.batches())
    }

    /// Global batches of an epoch, those that fill the last round included.
    #[must_use]
    pub fn dealt(&self) -> u64 {
        self.rounds() * u64::from(self.deal().replicas())
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
        stream: Stream,
        position: u64,
        pause: impl FnMut() -> Result<(), E>,
    ) -> Result<(Vec<T>, Walked), E> {
        let (draft, walked) = self.walk_to(stream, position, pause)?;
        Ok((draft.rows(&self.plan)?, walked))
    }

    /// As [`Feed::walk`], and leaves the batch in a draft, which can tell where its rows come from.
    ///
    /// # Errors
    /// As [`Feed::walk`].
    pub fn walk_to<E: From<Error>>(
        &self,
        mut stream: Stream,
        position: u64,
        mut pause: impl FnMut() -> Result<(), E>,
    ) -> Result<(Draft, Walked), E> {
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
        Ok((draft, Walked { pages, last: stream }))
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
        let size = self.plan.batch_size();
        if let Some(last) = self.plan.short_size() {
            return Err(Error::Ragged { last, size }.into());
        }
        let seats = u128::from(self.rounds()) * size as u128;
        let bytes = seats * size_of::<T>() as u128;
        let seats = usize::try_from(seats).map_err(|_| Error::OutOfMemory { bytes })?;
        let mut rows = room(seats)?;
        let mut stream = Stream::new(self.seed, epoch)?;
        let mut draft = Draft::default();
        let mut worked = 0;
        for round in 0..self.rounds() {
            while stream.position() < self.deal().position(round) {
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
    *seats += plan.batch_size() as u64;
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

/// One pass over one epoch, or over what is left of it, which begins with its first step. Any number of threads may step it:
/// each batch comes out once.
#[derive(Debug)]
pub struct Run {
    feed: Arc<Feed>,
    state: Arc<Mutex<RunState>>,
}

#[derive(Debug, Default)]
struct RunState {
    /// Where to begin, if not where the feed says.
    loaded: Option<Place>,
    /// Where it began, and the stream since then.
    begun: Option<(Place, Stream)>,
    round: u64,
    draft: Draft,
}

impl RunState {
    /// How far this rank has come: whole rounds of all ranks' batches. `None` before the first step.
    fn place(&self, deal: Deal) -> Option<Place> {
        let (start, stream) = self.begun.as_ref()?;
        Some(Place {
            epoch: start.epoch,
            batches: start.batches + self.round * u64::from(deal.replicas()),
            mark: stream.mark(),
        })
    }
}

impl Run {
    /// A run that has not begun.
    #[must_use]
    pub fn new(feed: Arc<Feed>) -> Self {
        Self {
            feed,
            state: Arc::default(),
        }
    }

    /// How far this run has come, or where it will begin.
    #[must_use]
    pub fn place(&self) -> Place {
        let state = lock(&self.state);
        let place = state.place(self.feed.deal()).or(state.loaded);
        drop(state);
        place.unwrap_or_else(|| self.feed.pending())
    }

    /// Makes the run go on at `place` with its next step. At the end of the epoch it is over.
    ///
    /// # Errors
    /// [`Error::Seed`]; [`Error::Mark`] where the mark lies behind the place.
    pub fn resume(&self, place: Place) -> Result<(), Error> {
        self.feed.stream_at(&place)?;
        let mut state = lock(&self.state);
        *state = RunState {
            loaded: Some(place),
            ..RunState::default()
        };
        Ok(())
    }

    /// Makes the next batch, or a bounded part of the way to it.
    ///
    /// # Errors
    /// [`Error::Seed`] and [`Error::OutOfMemory`]; the run stays where it was.
    pub fn step<T: Index>(&self) -> Result<Step<T>, Error> {
        let plan = &*self.feed.plan;
        let deal = self.feed.deal();
        let mut state = lock(&self.state);
        let RunState {
            loaded,
            begun,
            round,
            draft,
        } = &mut *state;
        let (start, stream) = match begun {
            Some(begun) => begun,
            None => begun.insert(self.feed.begin(*loaded, &self.state)?),
        };
        if *round == deal.rounds(plan.batches().saturating_sub(start.batches)) {
            return Ok(Step::Over);
        }
        let mut seats = 0;
        while stream.position() < start.batches + deal.position(*round) {
            if seats >= SEATS_AT_A_TIME {
                return Ok(Step::Passing);
            }
            stream.pass(plan);
            seats += plan.batch_size() as u64;
        }
        // Room for the rows comes before the draw, so that a batch is never drawn and lost.
        let mut rows = room(plan.size(stream.position()))?;
        stream.draw(plan, draft)?;
        draft.append_rows(plan, &mut rows);
        *round += 1;
        Ok(Step::Batch(rows))
    }
}
