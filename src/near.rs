//! Rows near a time, asked for by position in row order.
//!
//! A list of rows (a pool or a cell) is cut into superblocks of 2^14 entries, and these into blocks of 128. The rows near a
//! focal time are those whose rank by time lies in one range. Where a batch asks for them, how many ranks of the range fall
//! into each superblock is counted once, from a checkpoint at either end and the ranks between it and the end. The same
//! then happens within a superblock, for its blocks, when a position first leads there. A position is a superblock, then a
//! block, then an entry of the block, whose ranks are looked at one by one.

use std::ops::Range;

use crate::error::{Error, grow, room};
use crate::prefetch::prefetch;

/// Entries of a block.
const BLOCK: usize = 128;
const BLOCK_BITS: u32 = BLOCK.trailing_zeros();
/// Entries of a superblock: few enough that their ranks fit 16 bits.
const SUPERBLOCK: usize = 1 << SUPERBLOCK_BITS;
const SUPERBLOCK_BITS: u32 = 14;
const BLOCKS: usize = SUPERBLOCK / BLOCK;
/// Blocks whose counts are summed up together.
const GROUP: usize = 8;
const GROUPS: usize = BLOCKS / GROUP;
/// Ranks between two checkpoints of a superblock.
const FINE: usize = 64;
/// Superblocks whose counts a finder keeps.
const KEPT: usize = 128;
/// How many positions ahead memory is asked for.
const AHEAD: usize = 8;

/// The lists of one order, each with its entries by time.
#[derive(Clone, Debug)]
pub(crate) struct NearIndex {
    lists: Vec<List>,
    /// Superblocks of the largest list.
    most_superblocks: usize,
    /// Rank of each entry by time within its superblock.
    ranks: Vec<u16>,
    /// The entries of each superblock by time, as places in it.
    by_time: Vec<u16>,
    /// For each superblock, for every [`FINE`] ranks from 0 on, how many of the ranks below lie in each block.
    fine: Vec<u8>,
    /// Superblock of every entry by time, in two halves; only of lists that have several.
    superblocks: Vec<u16>,
    /// The upper half, where a list has more than 2^16 superblocks.
    superblocks_high: Vec<u16>,
    /// For every [`List::stride`] ranks of such a list, how many of the ranks below lie in each superblock.
    coarse: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct List {
    start: usize,
    len: usize,
    /// Where the list's part of `fine`, of `superblocks` and of `coarse` begins.
    fine: usize,
    superblocks: usize,
    coarse: usize,
}

impl List {
    fn count(&self) -> usize {
        self.len.div_ceil(SUPERBLOCK)
    }

    /// Ranks between two checkpoints of the list: as few as a byte a row allows.
    fn stride(&self) -> usize {
        (4 * self.count()).next_power_of_two().max(256)
    }

    /// Entries of a superblock.
    fn size(&self, superblock: usize) -> usize {
        (self.len - superblock * SUPERBLOCK).min(SUPERBLOCK)
    }

    /// Where a superblock's checkpoints begin: all before it are full.
    fn fine_of(&self, superblock: usize) -> usize {
        self.fine + superblock * fine_len(SUPERBLOCK)
    }
}

/// Length of the checkpoints of a superblock of `size` entries.
fn fine_len(size: usize) -> usize {
    (size / FINE + 1) * size.div_ceil(BLOCK)
}

/// A part of a list: the entries whose ranks by time lie in a range, or all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) list: u32,
    pub(crate) low: u32,
    pub(crate) high: u32,
    /// Whether the ranks inside the range are meant, and not those outside.
    pub(crate) inside: bool,
}

/// Memory for one part of a list, used again for the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finder {
    /// The list and the range that `low` and `high` were counted for.
    counted: Option<(u32, u32, u32)>,
    /// For each superblock, how many of its ranks lie below either end of the range.
    low: Vec<u32>,
    high: Vec<u32>,
    /// Entries of the part before each superblock, and last all of them.
    before: Vec<u32>,
    /// Counts of the superblocks that were met, each in the slot of its number modulo [`KEPT`].
    tables: Vec<Table>,
    /// Tells this part's tables from those of earlier ones.
    stamp: u64,
    found: Vec<Found>,
}

/// Entries of a part in the blocks of one superblock.
#[derive(Clone, Debug)]
struct Table {
    stamp: u64,
    superblock: u32,
    blocks: [u8; BLOCKS],
    /// Entries up to the end of each group of blocks.
    groups: [u16; GROUPS],
}

/// A position on its way: its block, and its number among the part's entries there.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    superblock: u32,
    block: u16,
    left: u16,
}

impl NearIndex {
    /// Indexes lists that follow one another. `by_time` holds each list's places in the order of their times.
    pub(crate) fn new(bounds: &[u32], by_time: &[u32]) -> Result<Self, Error> {
        let mut index = Self {
            lists: room(bounds.len() - 1)?,
            most_superblocks: 0,
            ranks: Vec::new(),
            by_time: Vec::new(),
            fine: Vec::new(),
            superblocks: Vec::new(),
            superblocks_high: Vec::new(),
            coarse: Vec::new(),
        };
        let (mut fine, mut superblocks, mut coarse) = (0, 0, 0);
        for pair in bounds.windows(2) {
            let list = List {
                start: pair[0] as usize,
                len: (pair[1] - pair[0]) as usize,
                fine,
                superblocks,
                coarse,
            };
            fine += (0..list.count())
                .map(|superblock| fine_len(list.size(superblock)))
                .sum::<usize>();
            if list.count() > 1 {
                superblocks += list.len;
                coarse += (list.len / list.stride() + 1) * list.count();
            }
            index.most_superblocks = index.most_superblocks.max(list.count());
            index.lists.push(list);
        }
        grow(&mut index.ranks, by_time.len())?;
        grow(&mut index.by_time, by_time.len())?;
        grow(&mut index.fine, fine)?;
        grow(&mut index.superblocks, superblocks)?;
        if index.most_superblocks > 1 << u16::BITS {
            grow(&mut index.superblocks_high, superblocks)?;
        }
        grow(&mut index.coarse, coarse)?;
        let mut counts = Vec::new();
        grow(&mut counts, index.most_superblocks)?;
        for number in 0..index.lists.len() {
            let list = index.lists[number];
            index.fill(
                list,
                &by_time[list.start..list.start + list.len],
                &mut counts[..list.count()],
            );
        }
        Ok(index)
    }

    fn fill(&mut self, list: List, by_time: &[u32], counts: &mut [u32]) {
        let (count, stride) = (list.count(), list.stride());
        counts.fill(0);
        for (rank, &place) in by_time.iter().enumerate() {
            let superblock = (place >> SUPERBLOCK_BITS) as usize;
            if count > 1 {
                if rank % stride == 0 {
                    let row = list.coarse + rank / stride * count;
                    self.coarse[row..row + count].copy_from_slice(counts);
                }
                self.superblocks[list.superblocks + rank] = superblock as u16;
                if let Some(high) = self.superblocks_high.get_mut(list.superblocks + rank) {
                    *high = (superblock >> u16::BITS) as u16;
                }
            }
            let local = counts[superblock];
            counts[superblock] += 1;
            self.ranks[list.start + place as usize] = local as u16;
            self.by_time[list.start + superblock * SUPERBLOCK + local as usize] = (place as usize % SUPERBLOCK) as u16;
        }
        if count > 1 && list.len % stride == 0 {
            let row = list.coarse + list.len / stride * count;
            self.coarse[row..row + count].copy_from_slice(counts);
        }
        for superblock in 0..count {
            let size = list.size(superblock);
            let blocks = size.div_ceil(BLOCK);
            let first = list.start + superblock * SUPERBLOCK;
            let mut in_block = [0_u8; BLOCKS];
            for step in 0..=size / FINE {
                let row = list.fine_of(superblock) + step * blocks;
                self.fine[row..row + blocks].copy_from_slice(&in_block[..blocks]);
                let ranks = first + step * FINE..first + ((step + 1) * FINE).min(size);
                for &place in &self.by_time[ranks] {
                    in_block[place as usize >> BLOCK_BITS] += 1;
                }
            }
        }
    }

    /// Makes room to find rows of any list, for a batch that may be another plan's than the last.
    pub(crate) fn reserve(&self, finder: &mut Finder, positions: usize) -> Result<(), Error> {
        finder.counted = None;
        let superblocks = self.most_superblocks;
        if finder.before.capacity() < superblocks + 1 {
            finder.low = room(superblocks)?;
            finder.high = room(superblocks)?;
            finder.before = room(superblocks + 1)?;
        }
        if finder.found.capacity() < positions {
            finder.found = room(positions)?;
        }
        if finder.tables.len() < superblocks.min(KEPT) {
            finder.tables = room(superblocks.min(KEPT))?;
            finder.tables.resize(superblocks.min(KEPT), Table::EMPTY);
        }
        Ok(())
    }

    /// Number of lists.
    pub(crate) fn lists(&self) -> usize {
        self.lists.len()
    }

    /// Calls `visit(rank, place)` for every entry of a list, by time.
    pub(crate) fn each_by_time(&self, list: usize, mut visit: impl FnMut(u32, u32)) {
        let list = self.lists[list];
        let mut next = vec![0; list.count()];
        for rank in 0..list.len {
            let superblock = if list.count() > 1 {
                self.superblock_of(&list, rank)
            } else {
                0
            };
            let first = superblock * SUPERBLOCK;
            let place = self.by_time[list.start + first + next[superblock]];
            next[superblock] += 1;
            visit(rank as u32, first as u32 + u32::from(place));
        }
    }

    #[inline]
    fn superblock_of(&self, list: &List, rank: usize) -> usize {
        let low = self.superblocks[list.superblocks + rank] as usize;
        let high = self.superblocks_high.get(list.superblocks + rank);
        low | high.map_or(0, |&high| (high as usize) << u16::BITS)
    }

    /// Replaces positions in a part of a list by positions in the list. The finder must have been given room.
    pub(crate) fn find(&self, span: Span, positions: &mut [u32], finder: &mut Finder) {
        let list = self.lists[span.list as usize];
        let Finder {
            counted,
            low,
            high,
            before,
            tables,
            stamp,
            found,
        } = finder;
        // The far part of a list follows its near part, and is counted from the same two ends.
        if *counted != Some((span.list, span.low, span.high)) {
            self.below(&list, span.low as usize, low);
            self.below(&list, span.high as usize, high);
            *counted = Some((span.list, span.low, span.high));
        }
        before.clear();
        before.push(0);
        let mut sum = 0;
        for superblock in 0..list.count() {
            let near = high[superblock] - low[superblock];
            sum += if span.inside {
                near
            } else {
                list.size(superblock) as u32 - near
            };
            before.push(sum);
        }
        *stamp += 1;
        found.clear();
        let several = list.count() > 1;
        // Mostly rows near a time are spread evenly, and a position's share of them leads to its superblock, or next to it.
        let scale = list.count() as f64 / f64::from(sum.max(1));
        found.extend(positions.iter().map(|&position| Found {
            superblock: if several {
                superblock_of(before, position, scale)
            } else {
                0
            },
            ..Found::default()
        }));
        for place in 0..found.len() {
            if let Some(ahead) = found.get(place + AHEAD).filter(|_| several) {
                let superblock = ahead.superblock as usize;
                self.ask_for(&list, superblock, low[superblock] as usize);
                self.ask_for(&list, superblock, high[superblock] as usize);
            }
            let superblock = found[place].superblock as usize;
            let table = &mut tables[superblock % KEPT];
            if table.stamp != *stamp || table.superblock as usize != superblock {
                table.stamp = *stamp;
                table.superblock = superblock as u32;
                self.fill_table(
                    table,
                    &list,
                    low[superblock] as usize,
                    high[superblock] as usize,
                    span.inside,
                );
            }
            let (block, left) = table.block_of(positions[place] - before[superblock]);
            found[place].block = block as u16;
            found[place].left = left as u16;
            let first = list.start + superblock * SUPERBLOCK + block * BLOCK;
            for line in 0..BLOCK * size_of::<u16>() / 64 {
                prefetch(&self.ranks, first + line * 32);
            }
        }
        for (position, found) in positions.iter_mut().zip(found) {
            let superblock = found.superblock as usize;
            let first = superblock * SUPERBLOCK + found.block as usize * BLOCK;
            let end = (first + BLOCK).min(list.len);
            let ranks = &self.ranks[list.start + first..list.start + end];
            let near = high[superblock] - low[superblock];
            let place = nth(
                ranks,
                low[superblock] as u16,
                near as u16,
                span.inside,
                found.left as usize,
            );
            *position = (first + place) as u32;
        }
    }

    /// How many of a list's ranks below `rank` lie in each of its superblocks.
    fn below(&self, list: &List, rank: usize, counts: &mut Vec<u32>) {
        counts.clear();
        let count = list.count();
        if count == 1 {
            counts.push(rank as u32);
            return;
        }
        // The nearer checkpoint: ranks between are added to the one below, or taken from the one above.
        let stride = list.stride();
        let step = ((rank + stride / 2) / stride).min(list.len / stride);
        counts.extend_from_slice(&self.coarse[list.coarse + step * count..][..count]);
        let checkpoint = step * stride;
        let mut shift = |ranks: Range<usize>, by: u32| {
            if self.superblocks_high.is_empty() {
                let ranks = list.superblocks + ranks.start..list.superblocks + ranks.end;
                for &superblock in &self.superblocks[ranks] {
                    let count = &mut counts[superblock as usize];
                    *count = count.wrapping_add(by);
                }
            } else {
                for rank in ranks {
                    let count = &mut counts[self.superblock_of(list, rank)];
                    *count = count.wrapping_add(by);
                }
            }
        };
        if checkpoint < rank {
            shift(checkpoint..rank, 1);
        } else {
            shift(rank..checkpoint, u32::MAX);
        }
    }

    /// Prefetches what counting ranks below `rank` in a superblock's blocks will read.
    #[inline]
    fn ask_for(&self, list: &List, superblock: usize, rank: usize) {
        let size = list.size(superblock);
        let step = nearest(rank, size);
        let row = list.fine_of(superblock) + step * size.div_ceil(BLOCK);
        prefetch(&self.fine, row);
        prefetch(&self.fine, row + 64);
        prefetch(
            &self.by_time,
            list.start + superblock * SUPERBLOCK + rank.min(step * FINE),
        );
    }

    fn fill_table(&self, table: &mut Table, list: &List, low: usize, high: usize, inside: bool) {
        let size = list.size(table.superblock as usize);
        let blocks = size.div_ceil(BLOCK);
        let first = list.start + table.superblock as usize * SUPERBLOCK;
        let by_time = &self.by_time[first..first + size];
        let row = |step: usize| &self.fine[list.fine_of(table.superblock as usize) + step * blocks..][..blocks];
        let (low_step, high_step) = (nearest(low, size), nearest(high, size));
        for ((count, high), low) in table.blocks.iter_mut().zip(row(high_step)).zip(row(low_step)) {
            *count = high.wrapping_sub(*low);
        }
        let mut shift = |ranks: Range<usize>, by: u8| {
            for &place in by_time.get(ranks).unwrap_or_default() {
                let count = &mut table.blocks[(place as usize >> BLOCK_BITS) % BLOCKS];
                *count = count.wrapping_add(by);
            }
        };
        shift(high_step * FINE..high, 1);
        shift(high..high_step * FINE, u8::MAX);
        shift(low_step * FINE..low, u8::MAX);
        shift(low..low_step * FINE, 1);
        if !inside {
            let (full, partial) = table.blocks[..blocks].split_at_mut(size / BLOCK);
            for count in full {
                *count = BLOCK as u8 - *count;
            }
            for count in partial {
                *count = (size % BLOCK) as u8 - *count;
            }
        }
        table.blocks[blocks..].fill(0);
        let mut sum = 0;
        for (end, blocks) in table.groups.iter_mut().zip(table.blocks.chunks_exact(GROUP)) {
            // Eight bytes as four sums of two, which the product adds up in its highest 16 bits.
            let counts = u64::from_le_bytes(blocks.try_into().unwrap_or_default());
            let pairs = (counts & 0x00ff_00ff_00ff_00ff) + (counts >> 8 & 0x00ff_00ff_00ff_00ff);
            sum += (pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48) as u16;
            *end = sum;
        }
    }
}

/// The checkpoint of a superblock of `size` entries that is nearest to `rank`.
#[inline]
fn nearest(rank: usize, size: usize) -> usize {
    ((rank + FINE / 2) / FINE).min(size / FINE)
}

/// The superblock that a position falls into, near `position * scale` if the guess is good.
#[inline]
fn superblock_of(before: &[u32], position: u32, scale: f64) -> u32 {
    let last = before.len() - 2;
    let guess = ((f64::from(position) * scale) as usize).min(last);
    for guess in [guess, guess.saturating_sub(1), (guess + 1).min(last)] {
        if before[guess] <= position && position < before[guess + 1] {
            return guess as u32;
        }
    }
    before.partition_point(|&before| before <= position) as u32 - 1
}

impl Table {
    const EMPTY: Self = Self {
        stamp: 0,
        superblock: 0,
        blocks: [0; BLOCKS],
        groups: [0; GROUPS],
    };

    /// The block of the part's entry numbered `number` in the superblock, and the entry's number in the block.
    #[inline]
    fn block_of(&self, number: u32) -> (usize, usize) {
        // Counting instead of stopping: no branch depends on where the entry is.
        let number = number as u16;
        let group = self.groups.iter().map(|&end| u16::from(end <= number)).sum::<u16>() as usize % GROUPS;
        let before = if group == 0 { 0 } else { self.groups[group - 1] };
        let (mut block, mut sum, mut before_block) = (group * GROUP, before, before);
        for &count in &self.blocks[group * GROUP..(group + 1) * GROUP] {
            sum += u16::from(count);
            let passed = sum <= number;
            block += usize::from(passed);
            before_block = if passed { sum } else { before_block };
        }
        (block, usize::from(number - before_block))
    }
}

/// Place of the entry numbered `left` among those of a block whose ranks are in `low..low + near`, or are not.
///
/// Counts instead of stopping: no branch depends on where the entry is.
#[inline]
fn nth(ranks: &[u16], low: u16, near: u16, inside: bool, left: usize) -> usize {
    /// One in every byte: a product's highest byte is the sum of the other factor's bytes.
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut wanted = [0_u8; BLOCK];
    for (wanted, rank) in wanted.iter_mut().zip(ranks) {
        *wanted = u8::from((rank.wrapping_sub(low) < near) == inside);
    }
    let (mut sum, mut group, mut before) = (0, 0, 0);
    for bytes in wanted.chunks_exact(GROUP) {
        let bytes = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        sum += (bytes.wrapping_mul(ONES) >> 56) as usize;
        let passed = sum <= left;
        group += usize::from(passed);
        before = if passed { sum } else { before };
    }
    let first = (group * GROUP).min(BLOCK - GROUP);
    let mut place = first;
    for &wanted in &wanted[first..first + GROUP] {
        before += usize::from(wanted);
        place += usize::from(before <= left);
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Lists whose times are drawn, sorted, or few; some of several superblocks.
    fn lists() -> impl Strategy<Value = Vec<Vec<u32>>> {
        let list = (
            prop_oneof![4 => 1..300_usize, 2 => 300..20_000_usize, 1 => 20_000..60_000_usize],
            prop_oneof![Just(1_u32), Just(3), Just(48), Just(100_000)],
            any::<u64>(),
            0..3_u8,
        )
            .prop_map(|(len, times, seed, shape)| {
                let mut generator = crate::random::Generator::new(seed);
                let mut list: Vec<u32> = (0..len).map(|_| generator.below(times)).collect();
                match shape {
                    0 => {}
                    1 => list.sort_unstable(),
                    _ => list
                        .iter_mut()
                        .enumerate()
                        .for_each(|(place, time)| *time += (place % 1000) as u32 * 100),
                }
                list
            });
        proptest::collection::vec(list, 1..4)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn parts_are_found_as_by_looking_at_every_entry(
            lists in lists(),
            which: prop::sample::Index,
            ends in proptest::collection::vec((0.0..=1.0, 0.0..=1.0), 4),
            picks in proptest::collection::vec(any::<prop::sample::Index>(), 20),
        ) {
            let mut bounds = vec![0];
            let mut by_time = Vec::new();
            for list in &lists {
                let mut places: Vec<u32> = (0..list.len() as u32).collect();
                places.sort_by_key(|&place| list[place as usize]);
                by_time.extend(places);
                bounds.push(by_time.len() as u32);
            }
            let index = NearIndex::new(&bounds, &by_time).unwrap();
            let number = which.index(lists.len());
            let places = &by_time[bounds[number] as usize..bounds[number + 1] as usize];
            let mut finder = Finder::default();
            index.reserve(&mut finder, 22).unwrap();
            for (one, other) in ends {
                let [one, other]: [f64; 2] = [one, other].map(|share: f64| (share * places.len() as f64).round());
                let (low, high) = (one.min(other) as usize, one.max(other) as usize);
                for inside in [true, false] {
                    let mut part: Vec<u32> = if inside {
                        places[low..high].to_vec()
                    } else {
                        [&places[..low], &places[high..]].concat()
                    };
                    part.sort_unstable();
                    if part.is_empty() {
                        continue;
                    }
                    let mut positions: Vec<u32> = picks.iter().map(|pick| pick.index(part.len()) as u32).collect();
                    positions.extend([0, part.len() as u32 - 1]);
                    let expected: Vec<u32> = positions.iter().map(|&position| part[position as usize]).collect();
                    let span = Span { list: number as u32, low: low as u32, high: high as u32, inside };
                    index.find(span, &mut positions, &mut finder);
                    prop_assert_eq!(positions, expected);
                }
            }
            let mut visited = Vec::new();
            index.each_by_time(number, |rank, place| visited.push((rank, place)));
            let expected: Vec<(u32, u32)> = (0..).zip(places.iter().copied()).collect();
            prop_assert_eq!(visited, expected);
        }
    }
}
