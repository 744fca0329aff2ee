//! What an iterator protocol needs on top of an epoch: which epoch comes next, which positions are known.
//!
//! Every lock here is held for a bounded stretch of work that waits for nothing else.

mod bookmarks;
mod clock;
mod progress;
mod run;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::batch::{Draft, Row};
use crate::epoch::{Deal, Mark, Stream, check_epoch};
use crate::error::Error;
use crate::plan::Plan;
use crate::support::memory::room;
use crate::support::pauses::Pauses;
use bookmarks::Bookmarks;
use clock::Clock;
use progress::{Course, Progress};

pub(crate) use bookmarks::{Walk, Walked};
pub(crate) use run::{Run, Step};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a lock guards here is whole after every step, whatever happened to the thread that held it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One rank's source of batches over all epochs.
#[derive(Debug)]
pub(crate) struct Feed {
    plan: Arc<Plan>,
    deal: OnceLock<Deal>,
    seed: u64,
    /// The epoch that every run is of; `None` where they follow one another.
    fixed: Option<u64>,
    clock: Mutex<Clock>,
    bookmarks: Mutex<Bookmarks>,
}

impl Feed {
    /// A feed whose first epoch is 0. Who its rank is may be told later, and not be changed then.
    #[must_use]
    pub(crate) fn new(plan: Arc<Plan>, deal: Option<Deal>, seed: u64) -> Self {
        Self {
            plan,
            deal: deal.map(OnceLock::from).unwrap_or_default(),
            seed,
            fixed: None,
            clock: Mutex::default(),
            bookmarks: Mutex::default(),
        }
    }

    /// The same, but all its epochs are `epoch`.
    ///
    /// # Errors
    /// Where there is no such epoch.
    pub(crate) fn with_fixed_epoch(self, epoch: u64) -> Result<Self, Error> {
        self.set_epoch(epoch)?;
        Ok(Self {
            fixed: Some(epoch),
            ..self
        })
    }

    /// The epoch that every run is of; `None` where they follow one another.
    #[must_use]
    pub(crate) fn fixed_epoch(&self) -> Option<u64> {
        self.fixed
    }

    /// The epoch that follows on `epoch`.
    fn after(&self, epoch: u128) -> u128 {
        self.fixed.map_or(epoch + 1, u128::from)
    }

    /// What the batches are drawn from.
    #[must_use]
    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Which batches fall to this rank: all, until it is told.
    #[must_use]
    pub(crate) fn deal(&self) -> Deal {
        self.deal.get().copied().unwrap_or_default()
    }

    /// Whether it is known which batches fall to this rank.
    #[must_use]
    pub(crate) fn is_dealt(&self) -> bool {
        self.deal.get().is_some()
    }

    /// Tells which batches fall to this rank, if that is not known yet. A run that has begun goes on as it began.
    pub(crate) fn set_deal(&self, deal: Deal) {
        self.deal.get_or_init(|| deal);
    }

    /// The seed of epoch 0.
    #[must_use]
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The epoch last begun, or set since.
    #[must_use]
    pub(crate) fn epoch(&self) -> u64 {
        lock(&self.clock).current()
    }

    /// What the next run begins; where there is no epoch left, that of a number which none has.
    #[must_use]
    pub(crate) fn pending(&self) -> Mark {
        lock(&self.clock).pending()
    }

    /// Makes `epoch` the next to begin. A place in that epoch that is pending already is kept.
    ///
    /// # Errors
    /// [`Error::Seed`] where there is no such epoch.
    pub(crate) fn set_epoch(&self, epoch: u64) -> Result<(), Error> {
        let epoch = check_epoch(&self.plan, self.seed, epoch.into())?;
        lock(&self.clock).set_epoch(epoch);
        Ok(())
    }

    /// Makes the next run begin at `place`; the end of an epoch is the beginning of the next.
    ///
    /// # Errors
    /// [`Error::Seed`]; [`Error::Mark`] where the generator stands behind the place.
    pub(crate) fn resume(&self, place: Mark) -> Result<(), Error> {
        self.stream_at(&place)?;
        let is_over = place.batches >= self.plan.batches();
        let place = if is_over {
            Mark::beginning(self.after(place.epoch))
        } else {
            place
        };
        lock(&self.clock).ask(place);
        Ok(())
    }

    /// Where things stand: how far the run that was begun last has come, unless something else was asked for since.
    #[must_use]
    pub(crate) fn place(&self) -> Mark {
        let clock = lock(&self.clock);
        let (latest, pending) = (clock.latest(), clock.pending());
        drop(clock);
        latest.and_then(|latest| lock(&latest).mark()).unwrap_or(pending)
    }

    /// Puts the clock where another feed had it.
    ///
    /// # Errors
    /// [`Error::Mark`] where the generator stands behind the place.
    pub(crate) fn restore(&self, current: u64, pending: Mark) -> Result<(), Error> {
        if pending.drawn > pending.batches {
            return Err(Error::Mark);
        }
        lock(&self.clock).restore(current, pending);
        Ok(())
    }

    /// The furthest stream that is known on the way to a place.
    fn stream_at(&self, place: &Mark) -> Result<Stream, Error> {
        let stream = Stream::at(&self.plan, self.seed, place)?;
        let bookmarks = lock(&self.bookmarks);
        let known = bookmarks.nearest(stream.epoch(), place.batches);
        Ok(known
            .filter(|known| known.position() > stream.position())
            .cloned()
            .unwrap_or(stream))
    }

    /// Takes what is pending, or `loaded` in its place, for a run, and leaves the following epoch pending.
    fn begin(&self, loaded: Option<Mark>, run: &Arc<Mutex<Progress>>) -> Result<Course, Error> {
        let mut clock = lock(&self.clock);
        let place = loaded.unwrap_or(clock.pending());
        let stream = self.stream_at(&place)?;
        clock.begin(stream.epoch(), self.after(stream.epoch().into()), run);
        Ok(Course::new(place.batches, self.deal(), stream))
    }

    /// Batches that this rank takes of an epoch: the same for all ranks.
    #[must_use]
    pub(crate) fn rounds(&self) -> u64 {
        self.deal().rounds(self.plan.batches())
    }

    /// Global batches of an epoch, those that fill the last round included.
    #[must_use]
    pub(crate) fn dealt(&self) -> u64 {
        self.deal().batches(self.rounds())
    }

    /// The way to the global batch at `position` of `epoch`, from the nearest place that is known.
    ///
    /// # Errors
    /// [`Error::Seed`] where there is no such epoch.
    pub(crate) fn walk(&self, epoch: u64, position: u64) -> Result<Walk<'_>, Error> {
        let known = lock(&self.bookmarks).nearest(epoch, position).cloned();
        let stream = match known {
            Some(known) => known,
            None => Stream::new(&self.plan, self.seed, epoch)?,
        };
        Ok(Walk::new(&self.plan, stream, position))
    }

    /// Remembers where a walk came by.
    pub(crate) fn remember(&self, walked: Walked) {
        lock(&self.bookmarks).remember(walked);
    }

    /// All rows of this rank's batches of `epoch`, one batch after another. `pause` is called every few milliseconds; its
    /// error ends the work. Takes no lock.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] before anything is drawn, [`Error::Ragged`] where a short last batch gives the batches no
    /// common length, [`Error::Seed`], or what `pause` returns.
    pub(crate) fn whole_epoch<T: Row, E: From<Error>>(
        &self,
        epoch: u64,
        mut pause: impl FnMut() -> Result<(), E>,
    ) -> Result<Vec<T>, E> {
        let (plan, deal) = (&*self.plan, self.deal());
        let size = plan.batch_size();
        if let Some(last) = plan.short_size() {
            return Err(Error::Ragged { last, size }.into());
        }
        let rounds = deal.rounds(plan.batches());
        let seats = u128::from(rounds) * size as u128;
        let bytes = seats * size_of::<T>() as u128;
        let seats = usize::try_from(seats).map_err(|_| Error::OutOfMemory { bytes })?;
        let mut rows = room(seats)?;
        let mut stream = Stream::new(plan, self.seed, epoch)?;
        let mut draft = Draft::default();
        let mut pauses = Pauses::new(&mut pause);
        for round in 0..rounds {
            stream.move_to(plan, deal.position(round), |_| pauses.after(size))?;
            stream.draw(plan, &mut draft)?;
            draft.append_rows(plan, &mut rows)?;
            pauses.after(size)?;
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests;
