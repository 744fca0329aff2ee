//! Where a position falls among ascending counts: guessed from its share, then looked for in a window around the guess.
//!
//! A structure knows, for two ends of a range of times, how many earlier entries lie before each of its parts; the
//! difference says how many near ones do. Rows near a time are mostly spread evenly, so the guess is close, and a whole
//! window is compared at once: no branch depends on where in it the position falls.
#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use crate::support::memory::prefetch;
use crate::support::simd::{Bits, WINDOW};

/// Counts of 32 bits that are compared together: they stand for so many entries that guesses are closer.
const WIDE_WINDOW: usize = 8;

/// The last of `len` places that is reached. The expression looks at `valid` places from `start` on and says how many of them
/// are reached; the first of all always is. A macro, as a closure might be compiled for another processor than its caller.
macro_rules! last_reached {
    ($window:ident, $len:expr, $guess:expr, |$start:ident, $valid:ident| $reached:expr) => {{
        let (mut from, mut to) = (0, $len);
        let mut $start = window::<$window>($guess, $len);
        loop {
            let $valid = $window.min(to - $start);
            let found: usize = $reached;
            if found == 0 && $start > from {
                to = $start;
            } else if found == $valid && $start + $valid < to {
                from = $start + $valid - 1;
            } else {
                break $start + found.max(1) - 1;
            }
            // Where shares lead astray the rest is halved.
            $start = from.midpoint(to).saturating_sub($window / 2).max(from).min(to - 1);
        }
    }};
}

/// How the entries before a place follow from two counts: the first of `counts` less the second, and `unit` more for every
/// place.
#[derive(Clone, Copy)]
pub(crate) struct Ends<'a, C> {
    counts: [&'a [C]; 2],
    unit: u32,
}

impl<'a, C: Copy + Into<u32>> Ends<'a, C> {
    /// For the entries inside a range, or for those outside it, of which there are `unit` between two counts.
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

    /// Asks for the counts around `guess`, one of `len`.
    #[inline(always)]
    pub(crate) fn ask_for(&self, guess: usize, len: usize) {
        let start = window::<WINDOW>(guess, len);
        for counts in self.counts {
            prefetch(counts, start);
            prefetch(counts, start + WINDOW - 1);
        }
    }
}

impl Ends<'_, u16> {
    /// The last of `len` places that no more than `position` entries come before, as far as the counts tell: those of a
    /// place are off by `slope` / 256 for each place before it.
    #[inline(always)]
    pub(crate) fn place_of<B: Bits>(&self, position: u32, len: usize, guess: usize, slope: i32) -> usize {
        last_reached!(WINDOW, len, guess, |start, valid| {
            let [Some(more), Some(less)] = self.counts.map(|counts| counts[start..].first_chunk()) else {
                break start;
            };
            let first = (start as u32)
                .wrapping_mul(self.unit)
                .wrapping_add(((start as i32 * slope) >> 8) as u32);
            let reached = B::reached(
                more,
                less,
                first as u16,
                self.unit as u16,
                slope as i16,
                position as u16,
            );
            (reached & u32::MAX >> (WINDOW - valid)).count_ones() as usize
        })
    }
}

impl Ends<'_, u32> {
    /// The last of `len` places that no more than `position` entries come before.
    #[inline(always)]
    pub(crate) fn place_of(&self, position: u32, len: usize, guess: usize) -> usize {
        last_reached!(WIDE_WINDOW, len, guess, |start, valid| {
            let mut reached = 0;
            for place in start..start + valid {
                reached += usize::from(self.before(place) <= position);
            }
            reached
        })
    }
}

/// The first place of the window around `guess` among `len` places.
#[inline(always)]
fn window<const WINDOW: usize>(guess: usize, len: usize) -> usize {
    guess.saturating_sub(WINDOW / 2).min(len.saturating_sub(WINDOW))
}

/// Where positions fall if they are spread evenly.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    /// Places a position, in parts of 2^32: a product is quicker than the division it stands for.
    places: u64,
}

impl Share {
    /// Of `population` positions over `places`.
    #[inline(always)]
    pub(crate) fn new(population: u32, places: usize) -> Self {
        Self {
            places: ((places as u64) << 32) / u64::from(population),
        }
    }

    #[inline(always)]
    pub(crate) fn of(self, position: u32) -> usize {
        ((u64::from(position) * self.places) >> 32) as usize
    }
}
