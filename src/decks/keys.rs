//! Where every deck and every batch has its randomness from: 64-bit keys, worked out from the seed by counting
//! (specification of the dealt cascade, section 1).

use crate::draw::{Generator, words_of};

/// 2^64 over the golden ratio: steps by it meet every word before one comes again.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a key is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// The rounding of one epoch's blocks to whole numbers.
    Rounding = 0,
    /// The order of one epoch's blocks.
    Blocks = 1,
    /// One lap of the conditions of an experiment.
    Conditions = 2,
    /// One lap of the rows of a cell.
    Rows = 3,
    /// One lap of the rows that leak into batches of an experiment.
    Leak = 4,
    /// The generator of one batch.
    Batch = 5,
}

/// A bijection on 64 bits that leaves no trace of the order of its arguments.
#[inline]
pub(crate) fn mix64(word: u64) -> u64 {
    let mixed = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The `number`-th word of a key.
#[inline]
pub(crate) fn word(key: u64, number: u64) -> u64 {
    mix64(key.wrapping_add(STEP.wrapping_mul(number.wrapping_add(1))))
}

/// The upper half of a word as a number below `bound`.
#[inline]
pub(crate) fn onto(word: u64, bound: u32) -> u32 {
    (((word >> 32) * u64::from(bound)) >> 32) as u32
}

/// The keys of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    root: u64,
}

impl Keys {
    pub(crate) fn new(seed: u64) -> Self {
        let [root, ..] = words_of([seed, 0]);
        Self { root }
    }

    #[inline]
    pub(crate) fn key(self, purpose: Purpose, first: u64, second: u64) -> u64 {
        self.key_of(purpose as u64, first, second)
    }

    #[inline]
    pub(crate) fn key_of(self, purpose: u64, first: u64, second: u64) -> u64 {
        [purpose, first, second].into_iter().fold(self.root, word)
    }

    /// The generator of one batch.
    #[inline]
    pub(crate) fn generator(self, epoch: u64, position: u64) -> Generator {
        let key = self.key(Purpose::Batch, epoch, position);
        Generator::of_words([0, 1, 2, 3].map(|number| word(key, number)))
    }
}
