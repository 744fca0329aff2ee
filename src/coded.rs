//! Rows near a time by position, in lists with few different times.
//!
//! Every entry of a list has its time as one byte. A list is cut into blocks, and for every time it is known how many
//! entries before each block are earlier. Two of these counts say how many before a block are near; the block of a position
//! is guessed from its share, as rows near a time are mostly spread evenly, and closed in on.
#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use crate::error::{Error, filled, grow, room};
use crate::machine::{Bits, LINE, nth_among, prefetch, with_bits};
use crate::near::Span;

/// Different times that a byte tells apart.
pub(crate) const MOST_TIMES: usize = 256;
/// Guesses that go by shares, before the range is halved.
const GUESSES: u32 = 6;

/// Lists with at most [`MOST_TIMES`] different times each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coded {
    lists: Vec<List>,
    /// The time of each entry, as its place among the list's times, filled up to whole blocks.
    codes: Vec<u8>,
    /// For each time but the first, for each block but the first, how many entries before the block are earlier.
    earlier: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct List {
    len: usize,
    block: usize,
    blocks: usize,
    /// Where the list's part of `codes` and of `earlier` begins.
    codes: usize,
    earlier: usize,
    times: usize,
}

impl List {
    fn new(len: usize, times: usize) -> Self {
        // Counts take up to 3 bytes an entry.
        let block = (times * 4 / 3).next_power_of_two().max(LINE);
        Self {
            len,
            block,
            blocks: len.div_ceil(block),
            codes: 0,
            earlier: 0,
            times,
        }
    }

    fn counts(&self) -> usize {
        self.times.saturating_sub(1) * self.blocks.saturating_sub(1)
    }
}

/// Counts of one end of a range of times.
#[derive(Clone, Copy)]
enum Ahead<'a> {
    /// The end lies before the first time.
    Nothing,
    /// By block, from the second on.
    Counts(&'a [u32]),
    /// The end lies behind the last time.
    All,
}

/// A part of a list: how many of its entries come before each block.
struct Part<'a> {
    list: List,
    low: Ahead<'a>,
    high: Ahead<'a>,
    inside: bool,
    /// Entries of the part.
    len: u32,
}

impl Part<'_> {
    /// `block` is neither the first nor past the last.
    #[inline(always)]
    fn before(&self, block: usize) -> u32 {
        let all = (block * self.list.block) as u32;
        let of = |ahead: Ahead<'_>| match ahead {
            Ahead::Nothing => 0,
            Ahead::Counts(counts) => counts[block - 1],
            Ahead::All => all,
        };
        let near = of(self.high) - of(self.low);
        if self.inside { near } else { all - near }
    }

    #[inline(always)]
    fn ask_for(&self, block: usize) {
        for ahead in [self.low, self.high] {
            if let Ahead::Counts(counts) = ahead {
                prefetch(counts, block.saturating_sub(1));
            }
        }
    }

    /// The block of a position, from a first guess, and the part's entries before it.
    #[inline(always)]
    fn block_of(&self, position: u32, guess: usize, blocks_an_entry: f64) -> (usize, u32) {
        let (mut low, mut high) = (0, self.list.blocks);
        let mut before_low = 0;
        let mut guess = guess;
        let mut guesses = 0;
        while high - low > 1 {
            let block = guess.clamp(low + 1, high - 1);
            let before = self.before(block);
            if before <= position {
                low = block;
                before_low = before;
            } else {
                high = block;
            }
            guesses += 1;
            guess = if guesses < GUESSES {
                let off = (f64::from(position) - f64::from(before)) * blocks_an_entry;
                // Half a block is rounding: the next one is looked at anyway.
                (block as f64 + off.floor()).max(0.0) as usize
            } else {
                low.midpoint(high)
            };
        }
        (low, before_low)
    }
}

impl Coded {
    /// Makes room for lists of `(entries, different times)`.
    pub(crate) fn new(lists: &[(usize, usize)]) -> Result<Self, Error> {
        let mut new = Self {
            lists: room(lists.len())?,
            ..Self::default()
        };
        let (mut codes, mut earlier) = (0, 0);
        for &(len, times) in lists {
            let list = List {
                codes,
                earlier,
                ..List::new(len, times)
            };
            codes += list.blocks * list.block;
            earlier += list.counts();
            new.lists.push(list);
        }
        grow(&mut new.codes, codes)?;
        grow(&mut new.earlier, earlier)?;
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
        if list.blocks < 2 {
            return Ok(());
        }
        let mut counts: Vec<u32> = filled(list.times, 0)?;
        for (block, codes) in codes.chunks(list.block).enumerate() {
            if block > 0 {
                let mut sum = 0;
                for (time, &count) in counts[..list.times - 1].iter().enumerate() {
                    sum += count;
                    self.earlier[list.earlier + time * (list.blocks - 1) + block - 1] = sum;
                }
            }
            for &code in codes {
                counts[code as usize] += 1;
            }
        }
        Ok(())
    }

    /// Calls `visit(place, time)` for every entry of a list.
    pub(crate) fn each(&self, number: usize, mut visit: impl FnMut(u32, u32)) {
        let list = self.lists[number];
        for (place, &code) in (0..).zip(&self.codes[list.codes..list.codes + list.len]) {
            visit(place, code.into());
        }
    }

    /// Replaces positions in a part of a list by positions in the list. `blocks` has room for as many numbers.
    pub(crate) fn find(&self, number: usize, span: &Span, positions: &mut [u32], rows: &[u32], blocks: &mut Vec<u32>) {
        find_fast(self, number, span, positions, rows, blocks);
    }

    #[inline]
    fn ahead(&self, list: &List, time: u32) -> Ahead<'_> {
        match time as usize {
            0 => Ahead::Nothing,
            time if time >= list.times => Ahead::All,
            time => Ahead::Counts(&self.earlier[list.earlier + (time - 1) * (list.blocks - 1)..][..list.blocks - 1]),
        }
    }
}

with_bits!(
    find_fast,
    find_by,
    (few: &Coded, number: usize, span: &Span, positions: &mut [u32], rows: &[u32], blocks: &mut Vec<u32>)
);

#[inline(always)]
fn find_by<B: Bits>(
    few: &Coded,
    number: usize,
    span: &Span,
    positions: &mut [u32],
    rows: &[u32],
    blocks: &mut Vec<u32>,
) {
    let list = few.lists[number];
    let near_times = span.times.end - span.times.start;
    let (first, extra) = if span.inside {
        (span.times.start as u8, (near_times - 1) as u8)
    } else {
        (span.times.end as u8, (MOST_TIMES as u32 - 1 - near_times) as u8)
    };
    let codes = &few.codes[list.codes..list.codes + list.blocks * list.block];
    if list.blocks > 1 {
        let part = Part {
            list,
            low: few.ahead(&list, span.times.start),
            high: few.ahead(&list, span.times.end),
            inside: span.inside,
            len: span.population(list.len as u32),
        };
        let blocks_an_entry = list.blocks as f64 / f64::from(part.len);
        blocks.clear();
        blocks.extend(positions.iter().map(|&position| {
            let guess = (f64::from(position) * blocks_an_entry) as usize;
            part.ask_for(guess);
            guess as u32
        }));
        // Where the guess is further off than a line of counts, the second one is asked for ahead as well.
        if list.blocks > 1024 {
            for (guess, &position) in blocks.iter_mut().zip(positions.iter()) {
                let block = (*guess as usize).clamp(1, list.blocks - 1);
                let off = (f64::from(position) - f64::from(part.before(block))) * blocks_an_entry;
                *guess = (block as f64 + off.floor()).max(0.0) as u32;
                part.ask_for((*guess as usize).min(list.blocks - 1));
            }
        }
        for (block, position) in blocks.iter_mut().zip(positions.iter_mut()) {
            let (found, before) = part.block_of(*position, *block as usize, blocks_an_entry);
            for line in (0..list.block).step_by(LINE) {
                prefetch(codes, found * list.block + line);
            }
            *block = found as u32;
            *position -= before;
        }
        for (&block, position) in blocks.iter().zip(positions) {
            let start = block as usize * list.block;
            *position = (start + nth_among::<B>(&codes[start..start + list.block], first, extra, *position)) as u32;
            prefetch(rows, *position as usize);
        }
    } else {
        for position in positions {
            *position = nth_among::<B>(codes, first, extra, *position) as u32;
            prefetch(rows, *position as usize);
        }
    }
}
