//! Epochs, ranks and positions (specification, section 4).

use crate::batch::{Draft, Index, pass_batch};
use crate::draw::Generator;
use crate::error::Error;
use crate::plan::{Plan, Rule};

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

    /// Global position of this rank's batch in `round`.
    #[must_use]
    pub fn position(&self, round: u64) -> u64 {
        round * u64::from(self.replicas) + u64::from(self.rank)
    }
}

/// Where a stream stands: all that is needed to go on from there, beside the seed and the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Global batches that were drawn.
    pub position: u64,
    /// Words of the generator that were drawn for them.
    pub words: u64,
    /// The half of a word that is left over.
    pub kept: Option<u32>,
}

/// The generator of one epoch, and how many of its global batches were drawn from it.
#[derive(Clone, Debug)]
pub struct Stream {
    generator: Generator,
    position: u64,
}

impl Stream {
    /// The beginning of `epoch`.
    ///
    /// # Errors
    /// [`Error::Seed`] where `seed + epoch` is 2^64 or more.
    pub fn new(seed: u64, epoch: u64) -> Result<Self, Error> {
        let sum = seed.checked_add(epoch).ok_or(Error::Seed {
            seed,
            epoch: epoch.into(),
        })?;
        Ok(Self {
            generator: Generator::new(sum),
            position: 0,
        })
    }

    /// The stream where another one of that seed and epoch stood, by its [`Stream::mark`].
    ///
    /// # Errors
    /// [`Error::Seed`].
    pub fn at(seed: u64, epoch: u64, mark: Mark) -> Result<Self, Error> {
        Self::new(seed, epoch)?;
        Ok(Self {
            generator: Generator::at(seed + epoch, mark.words, mark.kept),
            position: mark.position,
        })
    }

    /// Where this stream stands.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let (words, kept) = self.generator.place();
        Mark {
            position: self.position,
            words,
            kept,
        }
    }

    /// Global batches that were drawn: the position of the next.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Moves past the next batch.
    pub fn pass(&mut self, plan: &Plan) {
        let Rule::Drawn(drawn) = plan.rule();
        pass_batch(plan, drawn.composition(self.position), &mut self.generator);
        self.position += 1;
    }

    /// Draws the next batch into `draft`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], before anything is drawn.
    pub fn draw(&mut self, plan: &Plan, draft: &mut Draft) -> Result<(), Error> {
        let Rule::Drawn(drawn) = plan.rule();
        draft.draw(plan, drawn.composition(self.position), &mut self.generator)?;
        self.position += 1;
        Ok(())
    }
}

/// One rank's batches of one epoch, in order.
#[derive(Clone, Debug)]
pub struct Batches<'a, T> {
    plan: &'a Plan,
    deal: Deal,
    stream: Stream,
    draft: Draft,
    round: u64,
    index: std::marker::PhantomData<T>,
}

impl<'a, T: Index> Batches<'a, T> {
    /// The batches of `epoch` that fall to `deal`.
    ///
    /// # Errors
    /// [`Error::Seed`].
    pub fn new(plan: &'a Plan, deal: Deal, seed: u64, epoch: u64) -> Result<Self, Error> {
        Ok(Self {
            plan,
            deal,
            stream: Stream::new(seed, epoch)?,
            draft: Draft::default(),
            round: 0,
            index: std::marker::PhantomData,
        })
    }
}

impl<T: Index> Iterator for Batches<'_, T> {
    type Item = Result<Vec<T>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.round == self.deal.rounds(self.plan.batches()) {
            return None;
        }
        while self.stream.position() < self.deal.position(self.round) {
            self.stream.pass(self.plan);
        }
        self.round += 1;
        Some(
            self.stream
                .draw(self.plan, &mut self.draft)
                .and_then(|()| self.draft.rows(self.plan)),
        )
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.deal.rounds(self.plan.batches()) - self.round);
        (left.unwrap_or(usize::MAX), left.ok())
    }
}
