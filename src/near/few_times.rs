//! Rows near a time by position, in lists with few different times.
//!
//! Every entry of a list has its time as one byte. A list is cut into blocks, neighbouring blocks into stretches of 2^16
//! entries, and for every time it is known how many entries of the stretch before each block are earlier, and how many of
//! the list before each stretch. The difference of two of these counts says how many before a block are near; then the
//! bytes of one block are looked at.
#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use crate::error::Error;
use crate::near::index::Span;
use crate::near::search::{Ends, Share};
use crate::support::memory::prefetch;
use crate::support::memory::{filled, grow, room};
use crate::support::simd::{Bits, LINE, WINDOW, nth_among, with_bits};

/// Different times that a byte tells apart.
pub(crate) const MOST_TIMES: usize = 256;
/// So many entries that their counts fit 16 bits.
const STRETCH_BITS: u32 = 16;
const STRETCH: usize = 1 << STRETCH_BITS;

/// Lists with at most [`MOST_TIMES`] different times each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coded {
    lists: Vec<List>,
    /// The time of each entry, as its place among the list's times, filled up to whole blocks.
    codes: Vec<u8>,
    /// For each stretch, for each time and the end of all, for each block: the stretch's entries before it that are earlier.
    of_stretch: Vec<u16>,
    /// For each time and the end of all, for each stretch: the list's entries before it that are earlier. None for lists of
    /// one stretch.
    of_all: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct List {
    len: usize,
    block_bits: u32,
    times: usize,
    /// Where the list's part of `codes`, `of_stretch` and `of_all` begins.
    codes: usize,
    of_stretch: usize,
    of_all: usize,
}

impl List {
    fn new(len: usize, times: usize) -> Self {
        // Counts take up to 2 bytes an entry, some more in short lists.
        let block = times.next_power_of_two().max(LINE);
        Self {
            len,
            block_bits: block.trailing_zeros(),
            times,
            codes: 0,
            of_stretch: 0,
            of_all: 0,
        }
    }

    #[inline(always)]
    fn block(&self) -> usize {
        1 << self.block_bits
    }

    fn blocks(&self) -> usize {
        self.len.div_ceil(self.block())
    }

    #[inline(always)]
    fn stretches(&self) -> usize {
        self.len.div_ceil(STRETCH)
    }

    /// Blocks of a stretch.
    #[inline(always)]
    fn blocks_of(&self, stretch: usize) -> usize {
        (self.len - stretch * STRETCH).min(STRETCH).div_ceil(self.block())
    }

    /// Where a stretch's counts of one time begin.
    #[inline(always)]
    fn row(&self, stretch: usize, time: usize) -> usize {
        let before = stretch * (STRETCH >> self.block_bits) * (self.times + 1);
        self.of_stretch + before + time * self.blocks_of(stretch)
    }

    /// Lists of one block need no counts.
    fn counts(&self) -> (usize, usize) {
        let of_stretch = if self.blocks() > 1 {
            (self.times + 1) * self.blocks()
        } else {
            0
        };
        let of_all = if self.stretches() > 1 {
            (self.times + 1) * self.stretches()
        } else {
            0
        };
        (of_stretch, of_all)
    }
}

/// Memory to find positions, used again for the next.
pub(crate) type Steps = Vec<Step>;

/// How far a position has been followed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Step {
    stretch: u32,
    /// The block of the stretch: guessed, then found.
    block: u32,
}

impl Coded {
    /// Makes room for lists of `(entries, different times)`.
    pub(crate) fn new(lists: &[(usize, usize)]) -> Result<Self, Error> {
        let mut new = Self {
            lists: room(lists.len())?,
            ..Self::default()
        };
        let (mut codes, mut of_stretch, mut of_all) = (0, 0, 0);
        for &(len, times) in lists {
            let list = List {
                codes,
                of_stretch,
                of_all,
                ..List::new(len, times)
            };
            let counts = list.counts();
            codes += list.blocks() << list.block_bits;
            of_stretch += counts.0;
            of_all += counts.1;
            new.lists.push(list);
        }
        grow(&mut new.codes, codes)?;
        // A window may reach past the last counts.
        grow(&mut new.of_stretch, of_stretch + WINDOW)?;
        grow(&mut new.of_all, of_all)?;
        Ok(new)
    }

    /// Fills a list. `by_time` holds its places by time, and `ends` where the places of each time end.
    pub(crate) fn fill(
        &mut self,
        number: usize,
        by_time: &[u32],
        ends: impl Iterator<Item = u32>,
    ) -> Result<(), Error> {
        let list = self.lists[number];
        let codes = &mut self.codes[list.codes..list.codes + list.len];
        let mut start = 0;
        for (code, end) in ends.enumerate() {
            for &place in &by_time[start..end as usize] {
                codes[place as usize] = code as u8;
            }
            start = end as usize;
        }
        if list.blocks() < 2 {
            return Ok(());
        }
        let mut of_all: Vec<u32> = filled(list.times, 0)?;
        let mut of_stretch: Vec<u32> = filled(list.times, 0)?;
        for (stretch, codes) in codes.chunks(STRETCH).enumerate() {
            if list.stretches() > 1 {
                let mut sum = 0;
                for (time, &count) in (1..).zip(&of_all) {
                    sum += count;
                    self.of_all[list.of_all + time * list.stretches() + stretch] = sum;
                }
            }
            for (block, codes) in codes.chunks(list.block()).enumerate() {
                let mut sum = 0;
                for (time, &count) in (1..).zip(&of_stretch) {
                    sum += count;
                    self.of_stretch[list.row(stretch, time) + block] = sum as u16;
                }
                for &code in codes {
                    of_stretch[code as usize] += 1;
                }
            }
            for (sum, count) in of_all.iter_mut().zip(&mut of_stretch) {
                *sum += std::mem::take(count);
            }
        }
        Ok(())
    }

    /// The places of a list by time. `ends` tells where those of each of its times end.
    pub(crate) fn by_time(&self, number: usize, ends: impl Iterator<Item = u32>) -> Result<Vec<u32>, Error> {
        let list = self.lists[number];
        let mut next: Vec<u32> = room(list.times + 1)?;
        next.push(0);
        next.extend(ends);
        let mut places = filled(list.len, 0)?;
        for (place, &code) in (0..).zip(&self.codes[list.codes..list.codes + list.len]) {
            let next = &mut next[code as usize];
            places[*next as usize] = place;
            *next += 1;
        }
        Ok(places)
    }

    /// Makes room to find rows of any list.
    pub(crate) fn reserve(&self, steps: &mut Steps, positions: usize) -> Result<(), Error> {
        if !self.lists.is_empty() && steps.capacity() < positions {
            *steps = room(positions)?;
        }
        Ok(())
    }

    /// Replaces positions in a part of a list by positions in the list. `steps` must have been given room.
    pub(crate) fn find(&self, number: usize, span: &Span, positions: &mut [u32], rows: &[u32], steps: &mut Steps) {
        find_fast(self, number, span, positions, rows, steps);
    }
}

/// Entries of a list whose times lie in a range, or all others.
#[derive(Clone, Copy)]
struct Part<'a> {
    few: &'a Coded,
    list: List,
    /// The ends of the range, as places among the list's times.
    ends: [usize; 2],
    inside: bool,
    codes: &'a [u8],
}

impl<'a> Part<'a> {
    /// What comes before the blocks of a stretch.
    #[inline(always)]
    fn counts(&self, stretch: usize) -> Ends<'a, u16> {
        let few = self.few;
        let counts = self.ends.map(|time| &few.of_stretch[self.list.row(stretch, time)..]);
        Ends::new(counts, self.inside, self.list.block())
    }

    /// The block of a position in a stretch, which becomes one in the block, and asks for its codes.
    #[inline(always)]
    fn block_of<B: Bits>(&self, stretch: usize, guess: usize, position: &mut u32) -> u32 {
        let list = &self.list;
        let counts = self.counts(stretch);
        let block = counts.place_of::<B>(*position, list.blocks_of(stretch), guess, 0);
        *position -= counts.before(block);
        let block = (stretch << (STRETCH_BITS - list.block_bits)) + block;
        for line in (0..list.block()).step_by(LINE) {
            prefetch(self.codes, (block << list.block_bits) + line);
        }
        block as u32
    }
}

with_bits!(
    find_fast,
    find_by,
    (few: &Coded, number: usize, span: &Span, positions: &mut [u32], rows: &[u32], steps: &mut Steps)
);

#[inline(always)]
fn find_by<B: Bits>(few: &Coded, number: usize, span: &Span, positions: &mut [u32], rows: &[u32], steps: &mut Steps) {
    let list = few.lists[number];
    let near_times = span.times.end - span.times.start;
    let (first, extra) = if span.inside {
        (span.times.start as u8, (near_times - 1) as u8)
    } else {
        (span.times.end as u8, (MOST_TIMES as u32 - 1 - near_times) as u8)
    };
    let ends = [span.times.start as usize, span.times.end as usize];
    let codes = &few.codes[list.codes..list.codes + (list.blocks() << list.block_bits)];
    // Loops, not closures: those might be compiled for the processor that all are compiled for.
    steps.resize(positions.len(), Step::default());
    if list.blocks() == 1 {
        for position in positions {
            *position = nth_among::<B>(codes, first, extra, *position) as u32;
            prefetch(rows, *position as usize);
        }
        return;
    }
    let population = span.population(list.len as u32);
    let stretches = list.stretches();
    let part = Part {
        few,
        list,
        ends,
        inside: span.inside,
        codes,
    };
    if stretches == 1 {
        // All positions share two rows of counts, which soon are at hand.
        let share = Share::new(population, list.blocks_of(0));
        for (step, position) in steps.iter_mut().zip(positions.iter_mut()) {
            step.block = part.block_of::<B>(0, share.of(*position), position);
        }
    } else {
        let counts = ends.map(|time| &few.of_all[list.of_all + time * stretches..]);
        let counts = Ends::new(counts, span.inside, STRETCH);
        let share = Share::new(population, stretches);
        for (step, position) in steps.iter_mut().zip(positions.iter_mut()) {
            let stretch = counts.place_of(*position, stretches, share.of(*position));
            let here = counts.before(stretch);
            let next = if stretch + 1 < stretches {
                counts.before(stretch + 1)
            } else {
                population
            };
            *position -= here;
            let blocks = list.blocks_of(stretch);
            // Both factors are below 2^16.
            let block = (*position * blocks as u32 / (next - here)) as usize;
            part.counts(stretch).ask_for(block, blocks);
            *step = Step {
                stretch: stretch as u32,
                block: block as u32,
            };
        }
        for (step, position) in steps.iter_mut().zip(positions.iter_mut()) {
            step.block = part.block_of::<B>(step.stretch as usize, step.block as usize, position);
        }
    }
    for (step, position) in steps.iter().zip(positions) {
        let start = (step.block as usize) << list.block_bits;
        *position = (start + nth_among::<B>(&codes[start..start + list.block()], first, extra, *position)) as u32;
        prefetch(rows, *position as usize);
    }
}
