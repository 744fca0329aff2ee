//! Which experiment each block of an epoch is of, and how many of its blocks came before (specification of the dealt cascade,
//! section 3).

use std::sync::{Arc, Mutex, PoisonError};

use crate::decks::{Deck, Keys, Purpose, Shape, word};
use crate::error::Error;
use crate::support::memory::{collected, filled};

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

/// What an epoch adds to every running sum before it is rounded down, in parts of 2^32.
#[inline]
fn up(keys: Keys, epoch: u64) -> u32 {
    (word(keys.key(Purpose::Rounding, epoch, 0), 0) >> 32) as u32
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

    /// Where an experiment's blocks end in an epoch that rounds by `up`: a greater one makes none end earlier. The last share
    /// is whole.
    #[inline]
    fn end(&self, exact: f64, up: u32) -> u32 {
        // What is not negative is rounded down by the cast.
        ((exact + f64::from(up) * (1.0 / 4_294_967_296.0)) as u32).min(self.count)
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
        match &self.parts {
            Parts::Fixed(ends) => {
                pass.ends.copy_from_slice(ends);
                for (before, &end) in pass.before.iter_mut().zip(ends) {
                    *before = epoch * u64::from(end);
                }
            }
            Parts::Rounded(shares) => {
                let up = up(keys, epoch);
                for (end, &exact) in pass.ends.iter_mut().zip(shares) {
                    *end = self.end(exact, up);
                }
                let mut first = 0;
                if let Some(last) = last {
                    first = last.epoch + 1;
                    for (before, (sum, &end)) in pass.before.iter_mut().zip(last.before.iter().zip(&last.ends)) {
                        *before = sum + u64::from(end);
                    }
                }
                let mut ups = collected((first as u32..epoch as u32).map(|epoch| self::up(keys, epoch.into())))?;
                ups.sort_unstable();
                for (before, &exact) in pass.before.iter_mut().zip(shares) {
                    *before += self.sum_of_ends(exact, &ups);
                }
            }
        }
        Ok(pass)
    }

    /// The sum of [`Blocks::end`] over ascending `ups`. Those that end alike, which most do, are found by halving: there may be
    /// 2^20 of them for each of many experiments.
    fn sum_of_ends(&self, exact: f64, mut ups: &[u32]) -> u64 {
        let mut sum = 0;
        while let [up, more @ ..] = ups {
            let end = self.end(exact, *up);
            let alike = more.partition_point(|&up| self.end(exact, up) == end);
            sum += (1 + alike as u64) * u64::from(end);
            ups = &more[alike..];
        }
        sum
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

#[cfg(test)]
mod tests {
    use super::*;

    const LAST: u64 = EPOCHS - 1;

    /// What the epochs before come to, added up one by one as the specification has it.
    fn one_by_one(blocks: &Blocks, shares: &[f64], seed: u64, epochs: std::ops::Range<u64>) -> Vec<u64> {
        let keys = Keys::new(seed);
        let mut sums = vec![0; shares.len()];
        for epoch in epochs {
            let up = (word(keys.key(Purpose::Rounding, epoch, 0), 0) >> 32) as f64 / 2_f64.powi(32);
            for (number, (sum, share)) in sums.iter_mut().zip(shares).enumerate() {
                let end = (f64::from(blocks.count) * share + up)
                    .floor()
                    .min(f64::from(blocks.count));
                *sum += if number + 1 == shares.len() {
                    u64::from(blocks.count)
                } else {
                    end as u64
                };
            }
        }
        sums
    }

    #[test]
    fn the_epochs_before_are_added_up_as_one_by_one() {
        let almost = 1.0 - f64::EPSILON / 2.0;
        let uneven = [
            0.0,
            1e-300,
            1e-9,
            0.1,
            0.1,
            0.25,
            0.3,
            1.0 / 3.0,
            0.5,
            almost / 2.0,
            almost,
            1.0,
            1.0,
        ];
        for count in [1, 2, 3, 64, 1000, u32::MAX] {
            let mut shares = uneven.to_vec();
            shares[8..10].reverse();
            for whole in [1.0, 2.0, 7.0, 63.0] {
                // On both sides of a whole number of blocks.
                let share = whole / f64::from(count);
                if share < 1.0 {
                    shares.extend([share.next_down(), share, share.next_up()]);
                }
            }
            shares.sort_by(f64::total_cmp);
            let blocks = Blocks::rounded(count, 3, &shares).unwrap();
            for (seed, epoch) in [(0, 0), (1, 1), (2, 2), (3, 777), (u64::MAX, 5000)] {
                let pass = blocks.pass(Keys::new(seed), epoch, None).unwrap();
                assert_eq!(pass.before, one_by_one(&blocks, &shares, seed, 0..epoch));
                let ends: Vec<_> = pass.ends.iter().map(|&end| u64::from(end)).collect();
                assert_eq!(ends, one_by_one(&blocks, &shares, seed, epoch..epoch + 1));
                let later = blocks.pass(Keys::new(seed), epoch + 300, Some(&pass)).unwrap();
                assert_eq!(later.before, one_by_one(&blocks, &shares, seed, 0..epoch + 300));
            }
        }
    }

    #[test]
    fn the_last_epoch_of_many_experiments_takes_no_sum_over_all_epochs_for_each() {
        let experiments = 400_000_u32;
        let shares: Vec<_> = (1..=experiments)
            .map(|number| (f64::from(number) / f64::from(experiments)).powi(2))
            .collect();
        let blocks = Blocks::rounded(1_000_003, 1, &shares).unwrap();
        let pass = blocks.pass(Keys::new(5), LAST, None).unwrap();
        for number in [0, 1, 77_777, 200_000, 399_998, 399_999] {
            // Two of them, since the last of a list is always whole.
            let alone = one_by_one(&blocks, &[shares[number], 1.0], 5, 0..LAST);
            assert_eq!(pass.before[number], alone[0], "{number}");
        }
    }
}
