//! Which experiment each block of an epoch is of, and how many of its blocks came before (specification of the dealt cascade,
//! section 3).

use std::sync::{Arc, Mutex, PoisonError};

use crate::decks::{Deck, Keys, Purpose, Shape, word};
use crate::error::Error;
use crate::support::memory::filled;

/// Epochs are numbered below this.
pub(crate) const EPOCHS: u64 = 1 << 20;

/// The blocks of every epoch, as far as all epochs have them in common.
#[derive(Clone, Debug)]
pub(crate) struct Blocks {
    /// Blocks of an epoch.
    count: u32,
    deck: Shape,
    /// Global batches of a block.
    batches: u32,
    parts: Parts,
}

/// How the blocks of an epoch are shared out among the experiments.
#[derive(Clone, Debug)]
enum Parts {
    /// In every epoch alike: where each experiment's end.
    Fixed(Vec<u32>),
    /// By shares that come out whole on average: where each experiment's end, to a fraction of a block.
    Rounded(Vec<f64>),
}

/// The blocks of one epoch of one seed.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) keys: Keys,
    epoch: u64,
    key: u64,
    /// Where each experiment's blocks end.
    ends: Vec<u32>,
    /// How many blocks of the experiments up to each one the epochs before had.
    before: Vec<u64>,
}

/// Whose a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Position of the experiment.
    pub(crate) experiment: usize,
    /// Number of the batch among all of the experiment's, over all epochs.
    pub(crate) deal: u64,
}

/// The pass that was worked out last: to know how many blocks came before, all epochs before must be added up.
#[derive(Debug, Default)]
pub(crate) struct LastPass(Mutex<Option<Arc<Pass>>>);

impl Clone for LastPass {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.get()))
    }
}

impl LastPass {
    fn get(&self) -> Option<Arc<Pass>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The pass of an epoch, from the last one where that helps.
    pub(super) fn pass(&self, blocks: &Blocks, seed: u64, epoch: u64) -> Result<Arc<Pass>, Error> {
        let keys = Keys::new(seed);
        let last = self.get().filter(|last| last.keys == keys && last.epoch <= epoch);
        if let Some(last) = last.as_ref().filter(|last| last.epoch == epoch) {
            return Ok(last.clone());
        }
        // No lock is held meanwhile: at worst two threads work out the same.
        let pass = Arc::new(blocks.pass(keys, epoch, last.as_deref())?);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(pass.clone());
        Ok(pass)
    }
}

impl Blocks {
    /// As many for each experiment in every epoch as `parts` says, each block of `batches`.
    pub(super) fn fixed(parts: &[u32], batches: u32) -> Result<Self, Error> {
        let mut ends = filled(parts.len(), 0)?;
        let mut sum = 0;
        for (end, part) in ends.iter_mut().zip(parts) {
            sum += part;
            *end = sum;
        }
        Ok(Self::new(sum, batches, Parts::Fixed(ends)))
    }

    /// `count` blocks that experiments share by the running sum `cdf`.
    pub(super) fn rounded(count: u32, batches: u32, cdf: &[f64]) -> Result<Self, Error> {
        let mut ends = filled(cdf.len(), 0.0)?;
        for (end, share) in ends.iter_mut().zip(cdf) {
            *end = f64::from(count) * share;
        }
        Ok(Self::new(count, batches, Parts::Rounded(ends)))
    }

    fn new(count: u32, batches: u32, parts: Parts) -> Self {
        Self {
            count,
            deck: Shape::new(count),
            batches,
            parts,
        }
    }

    /// Global batches of an epoch.
    pub(super) fn batches(&self) -> u64 {
        u64::from(self.count) * u64::from(self.batches)
    }

    /// Where the blocks of each experiment end in an epoch.
    fn ends(&self, keys: Keys, epoch: u64, mut each: impl FnMut(usize, u32)) {
        match &self.parts {
            Parts::Fixed(ends) => ends.iter().enumerate().for_each(|(number, &end)| each(number, end)),
            Parts::Rounded(shares) => {
                let up = (word(keys.key(Purpose::Rounding, epoch, 0), 0) >> 32) as f64 * (1.0 / 4_294_967_296.0);
                for (number, exact) in shares.iter().enumerate() {
                    let last = number + 1 == shares.len();
                    // What is not negative is rounded down by the cast.
                    let end = if last {
                        self.count
                    } else {
                        ((exact + up) as u32).min(self.count)
                    };
                    each(number, end);
                }
            }
        }
    }

    fn pass(&self, keys: Keys, epoch: u64, last: Option<&Pass>) -> Result<Pass, Error> {
        let experiments = match &self.parts {
            Parts::Fixed(ends) => ends.len(),
            Parts::Rounded(ends) => ends.len(),
        };
        let mut pass = Pass {
            keys,
            epoch,
            key: keys.key(Purpose::Blocks, epoch, 0),
            ends: filled(experiments, 0)?,
            before: filled(experiments, 0)?,
        };
        self.ends(keys, epoch, |number, end| pass.ends[number] = end);
        if let Parts::Fixed(ends) = &self.parts {
            for (before, &end) in pass.before.iter_mut().zip(ends) {
                *before = epoch * u64::from(end);
            }
            return Ok(pass);
        }
        let mut first = 0;
        if let Some(last) = last {
            first = last.epoch;
            pass.before.copy_from_slice(&last.before);
        }
        for epoch in first..epoch {
            self.ends(keys, epoch, |number, end| pass.before[number] += u64::from(end));
        }
        Ok(pass)
    }

    /// Blocks of an experiment in an epoch, on average.
    pub(super) fn mean(&self, experiment: usize) -> f64 {
        let end = |experiment: usize| match &self.parts {
            Parts::Fixed(ends) => f64::from(ends[experiment]),
            Parts::Rounded(ends) => ends[experiment],
        };
        end(experiment) - experiment.checked_sub(1).map_or(0.0, end)
    }

    /// Whose the global batch at `position` is, which is below the number of batches.
    #[inline]
    pub(crate) fn turn(&self, pass: &Pass, position: u32) -> Turn {
        let block = Deck::of(self.deck, pass.key).card(position / self.batches);
        let experiment = pass.ends.partition_point(|&end| end <= block);
        let start = experiment.checked_sub(1).map_or(0, |previous| pass.ends[previous]);
        let block = pass.before(experiment) + u64::from(block - start);
        Turn {
            experiment,
            deal: block * u64::from(self.batches) + u64::from(position % self.batches),
        }
    }
}

impl Pass {
    /// Blocks of an experiment in the epochs before.
    pub(super) fn before(&self, experiment: usize) -> u64 {
        let start = experiment.checked_sub(1).map_or(0, |previous| self.before[previous]);
        self.before[experiment] - start
    }

    /// The epoch.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }
}
