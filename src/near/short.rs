//! Rows near a time by position, in short lists: every entry has its rank by time as one byte, and all of them are looked at.
#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use crate::error::Error;
use crate::near::part::Part;
use crate::support::arrays::{Arrays, Source};
use crate::support::memory::{filled, prefetch};
use crate::support::pauses::Pauses;
use crate::support::simd::{Bits, LINE, Search, Values, nth_among, on_this_processor};
use crate::support::store::Store;

/// Entries that a byte tells apart.
pub(crate) const MOST_ENTRIES: usize = 256;

/// Lists of at most [`MOST_ENTRIES`] entries each.
#[derive(Clone, Debug)]
pub(crate) struct ShortLists {
    /// The rank of every entry by time, one list's entries after another, and last some that are looked at along with them.
    ranks: Store<u8>,
}

/// Where a short list lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) start: u32,
    pub(crate) len: u16,
}

impl Run {
    fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.start as usize + usize::from(self.len)
    }
}

impl ShortLists {
    /// Lists of so many entries together.
    pub(crate) fn new<E: From<Error>>(entries: usize, source: &mut impl Source<E>) -> Result<Self, E> {
        let more = if entries > 0 { LINE } else { 0 };
        Ok(Self {
            ranks: source.array("short.ranks", entries + more, 0)?,
        })
    }

    pub(crate) fn arrays<'a>(&'a self, to: &mut Arrays<'a>) {
        to.add("short.ranks", &self.ranks);
    }

    /// Fills a list. `by_time` holds its places by time.
    pub(crate) fn fill<E: From<Error>>(
        &mut self,
        run: Run,
        by_time: &[u32],
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        let ranks = &mut self.ranks.written()[run.range()];
        for (rank, &place) in (0..=u8::MAX).zip(by_time) {
            ranks[place as usize] = rank;
        }
        pauses.after(by_time.len())
    }

    /// The places of a list by time.
    pub(crate) fn by_time(&self, run: Run) -> Result<Vec<u32>, Error> {
        let mut places = filled(run.len.into(), 0)?;
        for (place, &rank) in (0..).zip(&self.ranks[run.range()]) {
            places[usize::from(rank)] = place;
        }
        Ok(places)
    }

    /// Replaces positions in a part of a list by positions in the list.
    pub(crate) fn find(&self, run: Run, part: &Part, positions: &mut [u32], rows: &[u32]) {
        let start = run.start as usize;
        on_this_processor(Find {
            // Those of the next lists come behind all that are meant.
            ranks: &self.ranks[start..start + usize::from(run.len).next_multiple_of(LINE)],
            wanted: wanted(part.low, part.high, part.inside),
            positions,
            rows,
        });
    }
}

/// The bytes that are ranks in a range, which is not empty, or all others, of which there are some.
#[inline(always)]
pub(crate) fn wanted(low: u32, high: u32, inside: bool) -> Values {
    let near = high - low;
    let (first, extra) = if inside {
        (low, near - 1)
    } else {
        (high, MOST_ENTRIES as u32 - 1 - near)
    };
    Values {
        first: first as u8,
        extra: extra as u8,
    }
}

struct Find<'a> {
    ranks: &'a [u8],
    wanted: Values,
    positions: &'a mut [u32],
    rows: &'a [u32],
}

impl Search for Find<'_> {
    #[inline(always)]
    fn run<B: Bits>(self, bits: B) {
        for position in self.positions {
            *position = nth_among(bits, self.ranks, self.wanted, *position) as u32;
            prefetch(self.rows, *position as usize);
        }
    }
}
