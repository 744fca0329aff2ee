//! Where a position falls among ascending counts: guessed as if positions were spread evenly, then looked for around the guess.
//!
//! A structure knows, for two ends of a range of times, how many earlier entries lie before each of its places; the
//! difference says how many near ones do. Rows near a time are mostly spread evenly, so the guess is close, and many
//! neighbouring counts are compared at once: no branch depends on where among them the position falls.
#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use crate::support::memory::prefetch;
use crate::support::simd::{Bits, LANES};

/// Counts of 32 bits that are compared together: they stand for so many entries that guesses are closer.
const WIDE_LANES: usize = 8;

/// Narrows down which of `len` places is the last that is reached, `AT_ONCE` neighbouring ones at a time. The first of all
/// always is. No closure tells how many are, as that might be compiled for another processor than its caller.
#[derive(Clone, Copy)]
struct Narrowing<const AT_ONCE: usize> {
    from: usize,
    to: usize,
    /// The places to look at, the first of them and how many.
    start: usize,
    valid: usize,
    /// Whether these are the first.
    guessed: bool,
}

impl<const AT_ONCE: usize> Narrowing<AT_ONCE> {
    #[inline(always)]
    fn new(len: usize, start: usize) -> Self {
        Self {
            from: 0,
            to: len,
            start,
            valid: AT_ONCE.min(len - start),
            guessed: true,
        }
    }

    /// Is told how many of the places looked at are reached. The last that is, or `None` where others are to be looked at.
    #[inline(always)]
    fn last(&mut self, reached: usize) -> Option<usize> {
        let end = self.start + self.valid;
        let neighbour = if reached == 0 && self.start > self.from {
            self.to = self.start;
            self.start.saturating_sub(AT_ONCE)
        } else if reached == self.valid && end < self.to {
            self.from = end - 1;
            end
        } else {
            return Some(self.start + reached.max(1) - 1);
        };
        // Where the guess leads astray the next places are looked at, and then the rest is halved.
        let next = if std::mem::take(&mut self.guessed) {
            neighbour
        } else {
            self.from.midpoint(self.to).saturating_sub(AT_ONCE / 2)
        };
        self.start = next.max(self.from).min(self.to - 1);
        self.valid = AT_ONCE.min(self.to - self.start);
        None
    }
}

/// The first of the counts to compare around `guess`, one of `len`.
#[inline(always)]
pub(crate) fn first_around(guess: usize, len: usize) -> usize {
    guess.saturating_sub(LANES / 2).min(len.saturating_sub(LANES))
}

/// The first of those in the cache line of `guess`, where counts begin with one. Half as many lines are read, but a guess at
/// an end of its line leads astray more often: it should be close.
#[inline(always)]
pub(crate) fn first_in_line(guess: usize) -> usize {
    guess - guess % LANES
}

/// Entries of a part before each of some places, by two rows of counts: the first less the second, and `unit` more for every
/// place.
#[derive(Clone, Copy)]
pub(crate) struct PartCounts<'a, C> {
    counts: [&'a [C]; 2],
    unit: u32,
}

impl<'a, C: Copy + Into<u32>> PartCounts<'a, C> {
    /// Of the entries inside a range, or of those outside it, of which there are `unit` from one place to the next.
    #[inline(always)]
    pub(crate) fn new([low, high]: [&'a [C]; 2], inside: bool, unit: usize) -> Self {
        if inside {
            Self {
                counts: [high, low],
                unit: 0,
            }
        } else {
            Self {
                counts: [low, high],
                unit: unit as u32,
            }
        }
    }

    /// Entries of the part before a place.
    #[inline(always)]
    pub(crate) fn before(&self, place: usize) -> u32 {
        let [more, less] = self.counts.map(|counts| counts[place].into());
        (place as u32)
            .wrapping_mul(self.unit)
            .wrapping_add(more)
            .wrapping_sub(less)
    }

    /// Asks for the counts from a place on to another, in no more than two cache lines.
    #[inline(always)]
    pub(crate) fn ask_for(&self, first: usize, last: usize) {
        for counts in self.counts {
            prefetch(counts, first);
            prefetch(counts, last);
        }
    }
}

impl PartCounts<'_, u16> {
    /// The last of `len` places that no more than `position` entries come before, as far as the counts tell: those of a
    /// place are off by `slope` / 256 for each place before it. Those from `first` on are compared first.
    #[inline(always)]
    pub(crate) fn about_place(&self, bits: impl Bits, position: u32, len: usize, first: usize, slope: i32) -> usize {
        let mut places = Narrowing::<LANES>::new(len, first);
        loop {
            let start = places.start;
            let [Some(more), Some(less)] = self.counts.map(|counts| counts[start..].first_chunk()) else {
                return start;
            };
            let first = (start as u32)
                .wrapping_mul(self.unit)
                .wrapping_add(((start as i32 * slope) >> 8) as u32);
            let reached = bits.reached(
                more,
                less,
                first as u16,
                self.unit as u16,
                slope as i16,
                position as u16,
            );
            let reached = (reached & u32::MAX >> (LANES - places.valid)).count_ones();
            if let Some(last) = places.last(reached as usize) {
                return last;
            }
        }
    }
}

impl PartCounts<'_, u32> {
    /// The last of `len` places that no more than `position` entries come before.
    #[inline(always)]
    pub(crate) fn place(&self, position: u32, len: usize, guess: usize) -> usize {
        let first = guess.saturating_sub(WIDE_LANES / 2).min(len.saturating_sub(WIDE_LANES));
        let mut places = Narrowing::<WIDE_LANES>::new(len, first);
        loop {
            let mut reached = 0;
            for place in places.start..places.start + places.valid {
                reached += usize::from(self.before(place) <= position);
            }
            if let Some(last) = places.last(reached) {
                return last;
            }
        }
    }
}

/// Where positions fall if they are spread evenly.
#[derive(Clone, Copy)]
pub(crate) struct EvenSpread {
    /// Places a position, in parts of 2^32: a product is quicker than the division it stands for.
    places: u64,
}

impl EvenSpread {
    /// Of `population` positions over `places`.
    #[inline(always)]
    pub(crate) fn new(population: u32, places: usize) -> Self {
        Self {
            places: ((places as u64) << 32) / u64::from(population),
        }
    }

    /// About the place of a position.
    #[inline(always)]
    pub(crate) fn place(self, position: u32) -> usize {
        ((u64::from(position) * self.places) >> 32) as usize
    }
}
