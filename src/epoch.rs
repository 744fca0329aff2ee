//! Epochs, ranks and positions (specification, section 4).

use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::batch::{Draft, Origins, PassBy, Row, check_width, deal_batch, draw_batch, pass_batch};
use crate::draw::Generator;
use crate::error::Error;
use crate::plan::{self, Pass, Plan, Rule};
use crate::support::memory::room;

/// Which of an epoch's batches one rank takes: in round `j`, rank `r` of `R` takes global batch `j * R + r`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deal {
    replicas: u32,
    rank: u32,
}

impl Default for Deal {
    fn default() -> Self {
        Self { replicas: 1, rank: 0 }
    }
}

impl Deal {
    /// Rank `rank` of `replicas`.
    ///
    /// # Errors
    /// [`Error::Rank`] unless `rank < replicas < 2^32`.
    pub fn new(replicas: u64, rank: u64) -> Result<Self, Error> {
        match (u32::try_from(replicas), u32::try_from(rank)) {
            (Ok(replicas), Ok(rank)) if rank < replicas => Ok(Self { replicas, rank }),
            _ => Err(Error::Rank { replicas, rank }),
        }
    }

    /// Number of ranks.
    #[must_use]
    pub fn replicas(&self) -> u32 {
        self.replicas
    }

    /// This one.
    #[must_use]
    pub fn rank(&self) -> u32 {
        self.rank
    }

    /// Batches that every rank takes of an epoch of `batches`, the last round filled.
    #[must_use]
    pub fn rounds(&self, batches: u64) -> u64 {
        batches.div_ceil(u64::from(self.replicas))
    }

    /// Global batches in so many rounds: 2^64 - 1 where they are more, which no epoch has.
    #[must_use]
    pub fn batches(&self, rounds: u64) -> u64 {
        rounds.saturating_mul(u64::from(self.replicas))
    }

    /// Global position of this rank's batch in `round`: 2^64 - 1 where it lies behind that, as in no epoch.
    #[must_use]
    pub fn position(&self, round: u64) -> u64 {
        self.batches(round).saturating_add(u64::from(self.rank))
    }
}

/// A place in an epoch: all that is needed to go on from there, beside the table, the settings and the seed.
///
/// The generator's place is there to save the way: it may be one that was passed before, and its default, the beginning of
/// the epoch, serves as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The epoch. Wider than one, so that the epoch after the last is an error and not the first again.
    pub epoch: u128,
    /// Global batches of the epoch that are done, by all ranks together.
    pub batches: u64,
    /// After how many of them the generator stood where `words` and `half` say.
    pub drawn: u64,
    /// Words that the generator had drawn.
    pub words: u64,
    /// The half of a word that was left over.
    pub half: Option<u32>,
}

impl Mark {
    /// The beginning of an epoch.
    #[must_use]
    pub fn beginning(epoch: u128) -> Self {
        Self {
            epoch,
            ..Self::default()
        }
    }
}

/// The number of an epoch that the rule of `plan` has.
///
/// # Errors
/// [`Error::Seed`] where batches are drawn and `seed + epoch` is 2^64 or more; [`Error::Epoch`] where they are dealt and the
/// epoch is 2^20 or more.
pub(crate) fn check_epoch(plan: &Plan, seed: u64, epoch: u128) -> Result<u64, Error> {
    if let Rule::Dealt(_) = plan.rule() {
        return plan::check_epoch(epoch);
    }
    u64::try_from(epoch)
        .ok()
        .filter(|&epoch| seed.checked_add(epoch).is_some())
        .ok_or(Error::Seed { seed, epoch })
}

/// The global batches of one epoch, one after another.
///
/// This is where rules part: what a stream needs to make its next batch, and what it takes to come to another one.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    epoch: u64,
    position: u64,
    way: Way,
}

/// How a rule comes to the batch at a position.
#[derive(Clone, Debug)]
enum Way {
    /// All are drawn from one generator, so that those before it are passed one by one.
    Drawn(Generator),
    /// Each is dealt by its position alone.
    Dealt(Arc<Pass>),
}

impl Stream {
    /// The beginning of `epoch`.
    ///
    /// # Errors
    /// [`Error::Seed`] where there is no such epoch.
    pub(crate) fn new(plan: &Plan, seed: u64, epoch: impl Into<u128>) -> Result<Self, Error> {
        Self::at(plan, seed, &Mark::beginning(epoch.into()))
    }

    /// The stream at the last place that a mark tells of, at most at the mark's batches.
    ///
    /// # Errors
    /// [`Error::Seed`]; [`Error::Mark`] where the generator stands behind the mark's batches.
    pub(crate) fn at(plan: &Plan, seed: u64, mark: &Mark) -> Result<Self, Error> {
        let epoch = check_epoch(plan, seed, mark.epoch)?;
        if mark.drawn > mark.batches {
            return Err(Error::Mark);
        }
        Ok(match plan.rule() {
            Rule::Drawn(_) => Self {
                epoch,
                position: mark.drawn,
                way: Way::Drawn(Generator::at(seed + epoch, mark.words, mark.half)),
            },
            Rule::Dealt(dealt) => Self {
                epoch,
                position: mark.batches,
                way: Way::Dealt(dealt.pass(seed, epoch)?),
            },
        })
    }

    /// The mark of a place at which so many of the epoch's batches are done, this stream's among them.
    #[must_use]
    pub(crate) fn mark(&self, batches: u64) -> Mark {
        let beginning = Mark {
            batches,
            ..Mark::beginning(self.epoch.into())
        };
        match &self.way {
            Way::Drawn(generator) => {
                let (words, half) = generator.place();
                Mark {
                    drawn: self.position,
                    words,
                    half,
                    ..beginning
                }
            }
            Way::Dealt(_) => beginning,
        }
    }

    /// The epoch.
    #[must_use]
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The position of the next batch.
    #[must_use]
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Moves on to the batch at `position`. `passed` is called after each batch that is drawn on the way there; its error ends
    /// the move, which may be taken up again.
    ///
    /// # Errors
    /// [`Error::Mark`] where the stream is past that batch already and cannot go back; [`Error::OutOfMemory`]; or what `passed`
    /// returns.
    #[inline]
    pub(crate) fn move_to<E: From<Error>>(
        &mut self,
        plan: &Plan,
        position: u64,
        mut passed: impl FnMut(&Self) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Way::Dealt(_) = self.way {
            self.position = position;
        }
        if position < self.position {
            return Err(Error::Mark.into());
        }
        if position == self.position {
            return Ok(());
        }
        let mut pass_by = PassBy::default();
        while self.position < position {
            let (Way::Drawn(generator), Rule::Drawn(drawn)) = (&mut self.way, plan.rule()) else {
                return Err(Error::Mark.into());
            };
            plan.index()
                .guarded(|| pass_batch(plan, drawn.composition(self.position), generator, &mut pass_by))?;
            self.position += 1;
            passed(self)?;
        }
        Ok(())
    }

    /// Makes the next batch in `draft`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; the stream stays where it was.
    #[inline]
    pub(crate) fn draw(&mut self, plan: &Plan, draft: &mut Draft) -> Result<(), Error> {
        let position = self.position;
        plan.index().guarded(|| match (&mut self.way, plan.rule()) {
            (Way::Drawn(generator), Rule::Drawn(drawn)) => {
                draw_batch(plan, drawn.composition(position), generator, draft)
            }
            (Way::Dealt(pass), Rule::Dealt(dealt)) => deal_batch(plan, dealt, pass, position, draft),
            // The stream is another plan's.
            _ => Err(Error::Mark),
        })?;
        self.position = self.position.saturating_add(1);
        Ok(())
    }
}

/// One rank's batches of one epoch, in order, as `Vec`s of row numbers.
///
/// A batch for which there is no memory is an error and not lost: the next call tries again. [`Iterator::nth`] passes
/// batches without building them.
///
/// ```
/// use cascade_sampler::{Batches, Deal, Plan, Settings, Table};
///
/// let table = Table { rows: 100, ..Table::default() };
/// let plan = Plan::new(&table, &Settings { batch_size: 8, ..Settings::default() })?;
/// let mut batches = Batches::<u32>::new(&plan, Deal::default(), 42, 0)?;
/// batches.next();
/// let rest = Batches::<u32>::at(&plan, Deal::default(), 42, &batches.mark())?;
/// assert!(rest.eq(batches));
/// # Ok::<(), cascade_sampler::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batches<'a, T> {
    plan: &'a Plan,
    deal: Deal,
    stream: Stream,
    draft: Draft,
    /// Batches that were done before the first round.
    start: u64,
    round: u64,
    rounds: u64,
    row: PhantomData<T>,
}

impl<'a, T: Row> Batches<'a, T> {
    /// The batches of `epoch` that fall to `deal`.
    ///
    /// # Errors
    /// [`Error::Seed`] where there is no such epoch; [`Error::RowWidth`] where `T` cannot hold the table's row numbers.
    pub fn new(plan: &'a Plan, deal: Deal, seed: u64, epoch: u64) -> Result<Self, Error> {
        Self::at(plan, deal, seed, &Mark::beginning(epoch.into()))
    }

    /// What is left of the mark's epoch, dealt out anew: the number of ranks may be another than before.
    ///
    /// # Errors
    /// As [`Batches::new`]; [`Error::Mark`] where the mark's generator stands behind its batches.
    pub fn at(plan: &'a Plan, deal: Deal, seed: u64, mark: &Mark) -> Result<Self, Error> {
        check_width::<T>(plan.groups().rows())?;
        Ok(Self {
            plan,
            deal,
            stream: Stream::at(plan, seed, mark)?,
            draft: Draft::default(),
            start: mark.batches,
            round: 0,
            rounds: deal.rounds(plan.batches().saturating_sub(mark.batches)),
            row: PhantomData,
        })
    }

    /// How far all ranks have come when each has taken as many batches as this one.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.stream
            .mark(self.start.saturating_add(self.deal.batches(self.round)))
    }

    /// Where each seat of the batch that came last is from; of no seat before the first one.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn origins(&self) -> Result<Origins, Error> {
        Origins::new(self.plan, &self.draft)
    }

    fn build(&mut self) -> Result<Vec<T>, Error> {
        let position = self.start.saturating_add(self.deal.position(self.round));
        self.stream.move_to(self.plan, position, |_| Ok::<_, Error>(()))?;
        // Room for the rows comes before the draw, so that a batch is never drawn and lost.
        let mut rows = room(self.plan.size(position))?;
        self.stream.draw(self.plan, &mut self.draft)?;
        self.draft.append_rows(self.plan, &mut rows)?;
        self.round += 1;
        Ok(rows)
    }
}

impl<T: Row> Iterator for Batches<'_, T> {
    type Item = Result<Vec<T>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.round < self.rounds).then(|| self.build())
    }

    fn nth(&mut self, passed: usize) -> Option<Self::Item> {
        self.round = self.round.saturating_add(passed as u64).min(self.rounds);
        self.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.rounds - self.round);
        (left.unwrap_or(usize::MAX), left.ok())
    }
}

/// Not where `usize` has 32 bits: an epoch can have more batches than that counts.
#[cfg(target_pointer_width = "64")]
impl<T: Row> ExactSizeIterator for Batches<'_, T> {}

impl<T: Row> FusedIterator for Batches<'_, T> {}
