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

use std::ops::Range;

use crate::error::Error;
use crate::near::part::Part;
use crate::near::search::{EvenSpread, PartCounts, first_around};
use crate::support::arrays::{Arrays, Source};
use crate::support::memory::{Line, bytes, bytes_mut, filled, prefetch, room, words, words_mut};
use crate::support::pauses::{ENTRIES, Pauses};
use crate::support::simd::{Bits, LANES, LINE, Search, Values, nth_among, on_this_processor};
use crate::support::store::Store;

/// Different times that a byte tells apart.
pub(crate) const MOST_TIMES: usize = 256;
/// So many entries that their counts fit 16 bits.
const STRETCH_BITS: u32 = 16;
const STRETCH: usize = 1 << STRETCH_BITS;

/// Lists with at most [`MOST_TIMES`] different times each.
#[derive(Clone, Debug)]
pub(crate) struct FewTimes {
    lists: Vec<Blocks>,
    /// The time of each entry, as its place among the list's times, one list's after another, each filled up to whole blocks.
    codes: Store<Line>,
    /// For each stretch, for each time and the end of all, for each block: the stretch's entries before it that are earlier.
    /// Each list's begin with a line.
    of_stretch: Store<Line>,
    /// For each time and the end of all, for each stretch: the list's entries before it that are earlier. None for lists of
    /// one stretch.
    of_all: Store<u32>,
}

/// How a list is cut into blocks.
#[derive(Clone, Copy, Debug)]
struct Blocks {
    /// Entries of the list, and different times.
    len: usize,
    times: usize,
    block_bits: u32,
    /// Where the list's part of the bytes of `codes`, of `of_stretch` and of `of_all` begins.
    codes: usize,
    of_stretch: usize,
    of_all: usize,
}

impl Blocks {
    fn new(len: usize, times: usize) -> Self {
        // Counts take up to 2 bytes an entry, some more in short lists.
        let block = times.next_power_of_two().max(LINE);
        Self {
            len,
            times,
            block_bits: block.trailing_zeros(),
            codes: 0,
            of_stretch: 0,
            of_all: 0,
        }
    }

    /// Entries of a block.
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

    /// Counts of all stretches, and of the list. Lists of one block need none.
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

/// How far a position has been followed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spot {
    stretch: u32,
    /// The block of the stretch: guessed, then found.
    block: u32,
}

impl FewTimes {
    /// Lists of `(entries, different times)`.
    pub(crate) fn new<E: From<Error>>(lists: &[(usize, usize)], source: &mut impl Source<E>) -> Result<Self, E> {
        let mut cut = room(lists.len())?;
        let (mut codes, mut of_stretch, mut of_all) = (0, 0, 0);
        for &(len, times) in lists {
            let list = Blocks {
                codes,
                of_stretch,
                of_all,
                ..Blocks::new(len, times)
            };
            let counts = list.counts();
            codes += list.blocks() << list.block_bits;
            of_stretch += counts.0.next_multiple_of(LANES);
            of_all += counts.1;
            cut.push(list);
        }
        Ok(Self {
            lists: cut,
            codes: source.array("few_times.codes", codes / LINE, Line([0; LINE]))?,
            // Counts that are compared together may reach past the last of them.
            of_stretch: source.array("few_times.of_stretch", of_stretch / LANES + 1, Line([0; LINE]))?,
            of_all: source.array("few_times.of_all", of_all, 0)?,
        })
    }

    pub(crate) fn arrays<'a>(&'a self, to: &mut Arrays<'a>) {
        to.add("few_times.codes", &self.codes);
        to.add("few_times.of_stretch", &self.of_stretch);
        to.add("few_times.of_all", &self.of_all);
    }

    /// Fills a list. `by_time` holds its places by time, and `ends` where the places of each time end.
    pub(crate) fn fill<E: From<Error>>(
        &mut self,
        number: usize,
        by_time: &[u32],
        ends: impl Iterator<Item = u32>,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        let list = self.lists[number];
        let codes = &mut bytes_mut(self.codes.written())[list.codes..list.codes + list.len];
        let mut start = 0;
        for (code, end) in ends.enumerate() {
            for places in by_time[start..end as usize].chunks(ENTRIES) {
                for &place in places {
                    codes[place as usize] = code as u8;
                }
                pauses.after(places.len())?;
            }
            start = end as usize;
        }
        if list.blocks() > 1 {
            self.count(list, pauses)?;
        }
        Ok(())
    }

    /// Counts the entries before every block and every stretch of a list whose codes are there.
    fn count<E: From<Error>>(&mut self, list: Blocks, pauses: &mut Pauses<'_, E>) -> Result<(), E> {
        let codes = &bytes(&self.codes)[list.codes..list.codes + list.len];
        let (all_counts, before_blocks) = (self.of_all.written(), words_mut(self.of_stretch.written()));
        let mut of_all: Vec<u32> = filled(list.times, 0)?;
        let mut of_stretch: Vec<u32> = filled(list.times, 0)?;
        for (stretch, codes) in codes.chunks(STRETCH).enumerate() {
            if list.stretches() > 1 {
                let mut sum = 0;
                for (time, &count) in (1..).zip(&of_all) {
                    sum += count;
                    all_counts[list.of_all + time * list.stretches() + stretch] = sum;
                }
            }
            for (block, codes) in codes.chunks(list.block()).enumerate() {
                let mut sum = 0;
                for (time, &count) in (1..).zip(&of_stretch) {
                    sum += count;
                    before_blocks[list.row(stretch, time) + block] = sum as u16;
                }
                for &code in codes {
                    of_stretch[code as usize] += 1;
                }
            }
            for (sum, count) in of_all.iter_mut().zip(&mut of_stretch) {
                *sum += std::mem::take(count);
            }
            pauses.after(codes.len())?;
        }
        Ok(())
    }

    /// The places of a list by time. `ends` tells where those of each of its times end.
    pub(crate) fn by_time<E: From<Error>>(
        &self,
        number: usize,
        ends: impl Iterator<Item = u32>,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Vec<u32>, E> {
        let list = self.lists[number];
        let mut next: Vec<u32> = room(list.times + 1)?;
        next.push(0);
        next.extend(ends);
        let mut places = pauses.filled(list.len, 0)?;
        let codes = &bytes(&self.codes)[list.codes..list.codes + list.len];
        for (start, codes) in (0..).step_by(ENTRIES).zip(codes.chunks(ENTRIES)) {
            for (place, &code) in (start..).zip(codes) {
                let next = &mut next[code as usize];
                places[*next as usize] = place;
                *next += 1;
            }
            pauses.after(codes.len())?;
        }
        Ok(places)
    }

    /// Makes room to find rows of any list.
    pub(crate) fn reserve(&self, spots: &mut Vec<Spot>, positions: usize) -> Result<(), Error> {
        if !self.lists.is_empty() && spots.capacity() < positions {
            *spots = room(positions)?;
        }
        Ok(())
    }

    /// Replaces positions in a part of a list, whose range is one of `times`, by positions in the list. `spots` must have been
    /// given room.
    pub(crate) fn find(
        &self,
        number: usize,
        part: &Part,
        times: Range<u32>,
        positions: &mut [u32],
        rows: &[u32],
        spots: &mut Vec<Spot>,
    ) {
        let list = self.lists[number];
        on_this_processor(Find {
            part: PartOfList::new(self, list, times, part.inside),
            population: part.population(list.len as u32),
            positions,
            rows,
            spots,
        });
    }
}

/// Entries of a list whose times lie in a range, or all others.
#[derive(Clone, Copy)]
struct PartOfList<'a> {
    few: &'a FewTimes,
    list: Blocks,
    /// The ends of the range, as places among the list's times.
    ends: [usize; 2],
    inside: bool,
    codes: &'a [u8],
    /// The codes that are meant.
    wanted: Values,
}

impl<'a> PartOfList<'a> {
    #[inline(always)]
    fn new(few: &'a FewTimes, list: Blocks, times: Range<u32>, inside: bool) -> Self {
        let near_times = times.end - times.start;
        let (first, extra) = if inside {
            (times.start as u8, (near_times - 1) as u8)
        } else {
            (times.end as u8, (MOST_TIMES as u32 - 1 - near_times) as u8)
        };
        Self {
            few,
            list,
            ends: [times.start as usize, times.end as usize],
            inside,
            codes: &bytes(&few.codes)[list.codes..list.codes + (list.blocks() << list.block_bits)],
            wanted: Values { first, extra },
        }
    }

    /// What comes before the stretches.
    #[inline(always)]
    fn before_stretches(&self) -> PartCounts<'a, u32> {
        let (few, list) = (self.few, &self.list);
        let counts = self
            .ends
            .map(|time| &few.of_all[list.of_all + time * list.stretches()..]);
        PartCounts::new(counts, self.inside, STRETCH)
    }

    /// What comes before the blocks of a stretch.
    #[inline(always)]
    fn before_blocks(&self, stretch: usize) -> PartCounts<'a, u16> {
        let counts = words(&self.few.of_stretch);
        let counts = self.ends.map(|time| &counts[self.list.row(stretch, time)..]);
        PartCounts::new(counts, self.inside, self.list.block())
    }

    /// The block of a position in a stretch, which becomes one in the block, and asks for its codes. `counts` are what comes
    /// before the stretch's blocks.
    #[inline(always)]
    fn block_of(
        &self,
        bits: impl Bits,
        stretch: usize,
        counts: &PartCounts<'_, u16>,
        guess: usize,
        position: &mut u32,
    ) -> u32 {
        let list = &self.list;
        let blocks = list.blocks_of(stretch);
        let block = counts.about_place(bits, *position, blocks, first_around(guess, blocks), 0);
        *position -= counts.before(block);
        let block = (stretch << (STRETCH_BITS - list.block_bits)) + block;
        for line in (0..list.block()).step_by(LINE) {
            prefetch(self.codes, (block << list.block_bits) + line);
        }
        block as u32
    }
}

/// Finds entries of a part by position: their stretches, then their blocks, then themselves.
///
/// In loops, not in closures: those might be compiled for the processor that all are compiled for.
struct Find<'a> {
    part: PartOfList<'a>,
    population: u32,
    positions: &'a mut [u32],
    rows: &'a [u32],
    spots: &'a mut Vec<Spot>,
}

impl Search for Find<'_> {
    #[inline(always)]
    fn run<B: Bits>(mut self, bits: B) {
        let list = &self.part.list;
        if list.blocks() == 1 {
            self.find_entries_of_one_block(bits);
            return;
        }
        self.spots.resize(self.positions.len(), Spot::default());
        if list.stretches() == 1 {
            self.find_blocks_of_one_stretch(bits);
        } else {
            self.find_stretches();
            self.find_blocks(bits);
        }
        self.find_entries(bits);
    }
}

impl Find<'_> {
    /// Positions in the part become positions in their stretches.
    #[inline(always)]
    fn find_stretches(&mut self) {
        let (part, list) = (self.part, self.part.list);
        let counts = part.before_stretches();
        let stretches = list.stretches();
        let spread = EvenSpread::new(self.population, stretches);
        for (spot, position) in self.spots.iter_mut().zip(self.positions.iter_mut()) {
            let stretch = counts.place(*position, stretches, spread.place(*position));
            let here = counts.before(stretch);
            let next = if stretch + 1 < stretches {
                counts.before(stretch + 1)
            } else {
                self.population
            };
            *position -= here;
            let blocks = list.blocks_of(stretch);
            // Both factors are below 2^16.
            let block = (*position * blocks as u32 / (next - here)) as usize;
            let first = first_around(block, blocks);
            part.before_blocks(stretch).ask_for(first, first + LANES - 1);
            *spot = Spot {
                stretch: stretch as u32,
                block: block as u32,
            };
        }
    }

    /// Positions in stretches become positions in their blocks.
    #[inline(always)]
    fn find_blocks(&mut self, bits: impl Bits) {
        let part = self.part;
        for (spot, position) in self.spots.iter_mut().zip(self.positions.iter_mut()) {
            let stretch = spot.stretch as usize;
            let counts = part.before_blocks(stretch);
            spot.block = part.block_of(bits, stretch, &counts, spot.block as usize, position);
        }
    }

    /// The same where there is one stretch: all positions share two rows of counts, which soon are at hand.
    #[inline(always)]
    fn find_blocks_of_one_stretch(&mut self, bits: impl Bits) {
        let part = self.part;
        let counts = part.before_blocks(0);
        let spread = EvenSpread::new(self.population, part.list.blocks_of(0));
        for (spot, position) in self.spots.iter_mut().zip(self.positions.iter_mut()) {
            spot.block = part.block_of(bits, 0, &counts, spread.place(*position), position);
        }
    }

    /// Positions in the part become positions in the list, where that is one block.
    #[inline(always)]
    fn find_entries_of_one_block(&mut self, bits: impl Bits) {
        let PartOfList { codes, wanted, .. } = self.part;
        for position in self.positions.iter_mut() {
            *position = nth_among(bits, codes, wanted, *position) as u32;
            prefetch(self.rows, *position as usize);
        }
    }

    /// Positions in blocks become positions in the list.
    #[inline(always)]
    fn find_entries(&mut self, bits: impl Bits) {
        let PartOfList {
            codes, list, wanted, ..
        } = self.part;
        for (spot, position) in self.spots.iter().zip(self.positions.iter_mut()) {
            let start = (spot.block as usize) << list.block_bits;
            *position = (start + nth_among(bits, &codes[start..start + list.block()], wanted, *position)) as u32;
            prefetch(self.rows, *position as usize);
        }
    }
}
