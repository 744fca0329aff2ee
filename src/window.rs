//! Where a position falls among ascending counts: guessed from its share, then looked for in a window around the guess.
//!
//! A structure knows, for two ends of a range of times, how many earlier entries lie before each of its parts; the
//! difference says how many near ones do. Rows near a time are mostly spread evenly, so the guess is close, and a whole
//! window is compared at once: no branch depends on where in it the position falls.
#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use crate::machine::{LINE, prefetch};

/// Counts that are compared together.
pub(crate) const WINDOW: usize = 32;

/// What is added to the difference of two counts to tell how many entries of a part come before a place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Entries between two counts; 0 where those inside the range are meant.
    unit: u32,
    /// All ones where those outside the range are meant, to turn the sign of a difference round.
    turn: u32,
}

impl Scale {
    #[inline(always)]
    pub(crate) fn new(inside: bool, unit: u32) -> Self {
        if inside {
            Self { unit: 0, turn: 0 }
        } else {
            Self { unit, turn: !0 }
        }
    }

    /// Entries of the part before count `place`, of which `near` are in the range.
    #[inline(always)]
    pub(crate) fn before(self, place: usize, near: u32) -> u32 {
        (place as u32)
            .wrapping_mul(self.unit)
            .wrapping_add((near ^ self.turn).wrapping_sub(self.turn))
    }
}

/// A width of counts.
pub(crate) trait Count: Copy + Default + Into<u32> + TryFrom<u32> {
    /// How many of the first `valid` places from `start` on have at most `position` entries of the part before them.
    /// The counts of a place are off by `slope` / 256 more for each place from the first on.
    fn reached(
        counts: [&[Self]; 2],
        start: usize,
        valid: usize,
        scale: Scale,
        slope: i32,
        position: u32,
    ) -> usize;
}

macro_rules! count {
    ($count:ty, $signed:ty) => {
        impl Count for $count {
            #[inline(always)]
            fn reached(
                counts: [&[Self]; 2],
                start: usize,
                valid: usize,
                scale: Scale,
                slope: i32,
                position: u32,
            ) -> usize {
                let (Some(low), Some(high)) = (
                    counts[0][start..].first_chunk::<WINDOW>(),
                    counts[1][start..].first_chunk::<WINDOW>(),
                ) else {
                    return valid;
                };
                let (unit, turn) = (scale.unit as $count, scale.turn as $count);
                let first = (start as u32).wrapping_mul(scale.unit) as $count;
                let off = (start as i32 * slope >> 8) as $count;
                let (slope, valid, position) = (slope as $signed, valid as $count, position as $count);
                let mut reached: $count = 0;
                for place in 0..WINDOW {
                    let more = (place as $signed * slope >> 8) as $count;
                    let near = high[place].wrapping_sub(low[place]).wrapping_add(off).wrapping_add(more);
                    let before = (near ^ turn)
                        .wrapping_sub(turn)
                        .wrapping_add(first)
                        .wrapping_add((place as $count).wrapping_mul(unit));
                    reached += <$count>::from((before <= position) & ((place as $count) < valid));
                }
                reached as usize
            }
        }
    };
}
count!(u16, i16);
count!(u32, i32);

/// The first place of the window around `guess` among `len` places.
#[inline(always)]
fn window(guess: usize, len: usize) -> usize {
    guess.saturating_sub(WINDOW / 2).min(len.saturating_sub(WINDOW))
}

/// Asks for the counts around `guess`.
#[inline(always)]
pub(crate) fn ask_for<C>(counts: [&[C]; 2], guess: usize, len: usize) {
    let start = window(guess, len);
    for counts in counts {
        for place in (0..WINDOW).step_by(LINE / size_of::<C>()).chain([WINDOW - 1]) {
            prefetch(counts, start + place);
        }
    }
}

/// The last of `len` places that `reached(start, valid)` finds reached. The first one always is.
#[inline(always)]
pub(crate) fn last_reached(len: usize, guess: usize, reached: impl Fn(usize, usize) -> usize) -> usize {
    let (mut from, mut to) = (0, len);
    let mut start = window(guess, len);
    loop {
        let valid = WINDOW.min(to - start);
        let found = reached(start, valid);
        if found == 0 && start > from {
            to = start;
        } else if found == valid && start + valid < to {
            from = start + valid - 1;
        } else {
            return start + found.max(1) - 1;
        }
        // Where shares lead astray the rest is halved.
        start = from.midpoint(to).saturating_sub(WINDOW / 2).max(from).min(to - 1);
    }
}

/// The place that `position` of `population` falls to if they are spread evenly over `places`.
#[inline(always)]
pub(crate) fn share(position: u32, population: u32, places: usize) -> usize {
    (u64::from(position) * places as u64 / u64::from(population)) as usize
}
