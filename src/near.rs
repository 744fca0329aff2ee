//! Rows near a time, asked for by position in row order.
//!
//! A list of rows (a pool or a cell) is cut into blocks of [`BLOCK`] entries, and these into superblocks. The rows near a
//! focal time are those whose rank by time lies in one range. Where a batch asks for many of them, how many ranks below
//! each end of that range fall into each superblock is counted once: from a checkpoint, and the few ranks beyond it. A
//! position then leads to its superblock by that table, to its block by checkpoints over the superblock's own ranks, and to
//! its entry by looking at the block's.

use std::ops::Range;

use crate::error::{Error, grow, room};

/// Entries of a block.
const BLOCK: usize = 128;
const BLOCK_BITS: u32 = BLOCK.trailing_zeros();
/// Entries of a superblock: their ranks fit 16 bits. Of larger ones there are few enough to number in 16 bits.
const SUPERBLOCK_BITS: u32 = 14;
const LARGE_SUPERBLOCK_BITS: u32 = 16;
/// Largest list that goes into superblocks of the smaller size.
const SMALL_LIST: usize = 1 << 30;
/// Ranks between two checkpoints of a list.
const STRIDE: usize = 8192;

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
    /// For each superblock, for every [`BLOCK`] ranks from 0 on, how many of the ranks below lie in each block and those
    /// before it, the first block's (none) included.
    checkpoints: Vec<u16>,
    /// Superblock of every entry by time; only of lists that have several.
    superblocks: Vec<u16>,
    /// For every [`STRIDE`] ranks of such a list, how many of the ranks below lie in each superblock.
    coarse: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct List {
    start: usize,
    len: usize,
    bits: u32,
    /// Where the list's part of `checkpoints`, of `superblocks` and of `coarse` begins.
    checkpoints: usize,
    superblocks: usize,
    coarse: usize,
}

impl List {
    fn count(&self) -> usize {
        self.len.div_ceil(1 << self.bits)
    }

    /// Entries of a superblock.
    fn size(&self, superblock: usize) -> usize {
        (self.len - (superblock << self.bits)).min(1 << self.bits)
    }

    /// Checkpoints of all superblocks before `superblock`, which are full.
    fn checkpoints_of(&self, superblock: usize) -> usize {
        self.checkpoints + superblock * checkpoints(1 << self.bits)
    }
}

/// Entries of the checkpoints of a superblock of `size` entries.
fn checkpoints(size: usize) -> usize {
    (size / BLOCK + 1) * size.div_ceil(BLOCK)
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
    /// For each superblock, how many of its ranks lie below either end of the range.
    low: Vec<u32>,
    high: Vec<u32>,
    /// Entries of the part before each superblock, and last all of them.
    before: Vec<u32>,
}

impl NearIndex {
    /// Indexes lists that follow one another. `by_time` holds each list's places in the order of their times.
    pub(crate) fn new(bounds: &[u32], by_time: &[u32]) -> Result<Self, Error> {
        let mut index = Self {
            lists: room(bounds.len() - 1)?,
            most_superblocks: 0,
            ranks: Vec::new(),
            by_time: Vec::new(),
            checkpoints: Vec::new(),
            superblocks: Vec::new(),
            coarse: Vec::new(),
        };
        let (mut fine, mut several, mut coarse) = (0, 0, 0);
        for pair in bounds.windows(2) {
            let (start, len) = (pair[0] as usize, (pair[1] - pair[0]) as usize);
            let list = List {
                start,
                len,
                bits: if len <= SMALL_LIST { SUPERBLOCK_BITS } else { LARGE_SUPERBLOCK_BITS },
                checkpoints: fine,
                superblocks: several,
                coarse,
            };
            fine += (0..list.count()).map(|superblock| checkpoints(list.size(superblock))).sum::<usize>();
            if list.count() > 1 {
                several += len;
                coarse += (len / STRIDE + 1) * list.count();
            }
            index.most_superblocks = index.most_superblocks.max(list.count());
            index.lists.push(list);
        }
        grow(&mut index.ranks, by_time.len())?;
        grow(&mut index.by_time, by_time.len())?;
        grow(&mut index.checkpoints, fine)?;
        grow(&mut index.superblocks, several)?;
        grow(&mut index.coarse, coarse)?;
        for number in 0..index.lists.len() {
            index.fill(index.lists[number], by_time)?;
        }
        Ok(index)
    }

    fn fill(&mut self, list: List, by_time: &[u32]) -> Result<(), Error> {
        let Range { start, end } = list.start..list.start + list.len;
        let count = list.count();
        let mut counts: Vec<u32> = Vec::new();
        grow(&mut counts, count)?;
        for (rank, &place) in by_time[start..end].iter().enumerate() {
            let superblock = (place >> list.bits) as usize;
            if count > 1 {
                if rank % STRIDE == 0 {
                    let row = list.coarse + rank / STRIDE * count;
                    self.coarse[row..row + count].copy_from_slice(&counts);
                }
                self.superblocks[list.superblocks + rank] = superblock as u16;
            }
            let local = counts[superblock];
            counts[superblock] += 1;
            self.ranks[start + place as usize] = local as u16;
            let first = start + (superblock << list.bits);
            self.by_time[first + local as usize] = (place as usize & ((1 << list.bits) - 1)) as u16;
        }
        if count > 1 && list.len % STRIDE == 0 {
            let row = list.coarse + list.len / STRIDE * count;
            self.coarse[row..row + count].copy_from_slice(&counts);
        }
        for superblock in 0..count {
            let size = list.size(superblock);
            let blocks = size.div_ceil(BLOCK);
            let first = start + (superblock << list.bits);
            let mut in_block = [0_u16; 1 << (LARGE_SUPERBLOCK_BITS - BLOCK_BITS)];
            let table = list.checkpoints_of(superblock);
            for step in 0..=size / BLOCK {
                let row = &mut self.checkpoints[table + step * blocks..][..blocks];
                let mut sum = 0_u16;
                for (entry, count) in row.iter_mut().zip(&in_block) {
                    *entry = sum;
                    // Counts below a block are fewer than 2^16: the last block's own are not in them.
                    sum = sum.wrapping_add(*count);
                }
                let ranks = first + step * BLOCK..first + ((step + 1) * BLOCK).min(size);
                for &place in &self.by_time[ranks] {
                    in_block[place as usize >> BLOCK_BITS] += 1;
                }
            }
        }
        Ok(())
    }

    /// Makes room to find rows of any list.
    pub(crate) fn reserve(&self, finder: &mut Finder) -> Result<(), Error> {
        finder.reserve(self.most_superblocks)
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
                self.superblocks[list.superblocks + rank] as usize
            } else {
                0
            };
            let first = superblock << list.bits;
            let place = self.by_time[list.start + first + next[superblock]];
            next[superblock] += 1;
            visit(rank as u32, first as u32 + u32::from(place));
        }
    }

    /// Replaces positions in a part of a list by positions in the list.
    pub(crate) fn find(&self, span: Span, positions: &mut [u32], finder: &mut Finder) {
        let list = self.lists[span.list as usize];
        finder.count(self, &list, span);
        for position in positions {
            *position = self.select(&list, span.inside, *position, finder);
        }
    }

    #[inline]
    fn select(&self, list: &List, inside: bool, position: u32, finder: &Finder) -> u32 {
        let superblock = finder.before.partition_point(|&before| before <= position) - 1;
        let size = list.size(superblock);
        let part = Superblock {
            checkpoints: &self.checkpoints[list.checkpoints_of(superblock)..],
            by_time: &self.by_time[list.start + (superblock << list.bits)..][..size],
            ranks: &self.ranks[list.start + (superblock << list.bits)..][..size],
            low: finder.low[superblock] as usize,
            high: finder.high[superblock] as usize,
            inside,
        };
        let wanted = (position - finder.before[superblock]) as usize;
        let all = (finder.before[superblock + 1] - finder.before[superblock]) as usize;
        ((superblock << list.bits) + part.select(wanted, all)) as u32
    }
}

impl Finder {
    /// Makes room for lists of up to `superblocks` superblocks.
    fn reserve(&mut self, superblocks: usize) -> Result<(), Error> {
        if self.before.capacity() < superblocks + 1 {
            self.low = room(superblocks)?;
            self.high = room(superblocks)?;
            self.before = room(superblocks + 1)?;
        }
        Ok(())
    }

    /// Counts the part of a list by superblocks.
    fn count(&mut self, index: &NearIndex, list: &List, span: Span) {
        let count = list.count();
        index.below(list, span.low as usize, &mut self.low);
        index.below(list, span.high as usize, &mut self.high);
        self.before.clear();
        let mut sum = 0;
        self.before.push(0);
        for superblock in 0..count {
            let near = self.high[superblock] - self.low[superblock];
            sum += if span.inside { near } else { list.size(superblock) as u32 - near };
            self.before.push(sum);
        }
    }
}

impl NearIndex {
    /// How many of a list's ranks below `rank` lie in each of its superblocks.
    fn below(&self, list: &List, rank: usize, counts: &mut Vec<u32>) {
        counts.clear();
        let count = list.count();
        if count == 1 {
            counts.push(rank as u32);
            return;
        }
        // The nearer checkpoint: ranks between are added to the one below, or taken from the one above.
        let step = ((rank + STRIDE / 2) / STRIDE).min(list.len / STRIDE);
        counts.extend_from_slice(&self.coarse[list.coarse + step * count..][..count]);
        let checkpoint = step * STRIDE;
        let superblocks = &self.superblocks[list.superblocks..][..list.len];
        if checkpoint <= rank {
            for &superblock in &superblocks[checkpoint..rank] {
                counts[superblock as usize] += 1;
            }
        } else {
            for &superblock in &superblocks[rank..checkpoint] {
                counts[superblock as usize] -= 1;
            }
        }
    }
}

/// One superblock, and the range of its own ranks that is near.
struct Superblock<'a> {
    checkpoints: &'a [u16],
    by_time: &'a [u16],
    ranks: &'a [u16],
    low: usize,
    high: usize,
    inside: bool,
}

impl Superblock<'_> {
    /// Ranks below `rank` in the blocks before `block`.
    #[inline]
    fn below(&self, rank: usize, block: usize) -> usize {
        let size = self.ranks.len();
        let blocks = size.div_ceil(BLOCK);
        let step = ((rank + BLOCK / 2) / BLOCK).min(size / BLOCK);
        let checkpoint = step * BLOCK;
        let counted = self.checkpoints[step * blocks + block] as usize;
        let end = block << BLOCK_BITS;
        if checkpoint <= rank {
            counted + before(&self.by_time[checkpoint..rank], end)
        } else {
            counted - before(&self.by_time[rank..checkpoint], end)
        }
    }

    /// Wanted entries in the blocks before `block`.
    #[inline]
    fn wanted_before(&self, block: usize) -> usize {
        let near = self.below(self.high, block) - self.below(self.low, block);
        if self.inside { near } else { (block << BLOCK_BITS) - near }
    }

    /// Place of the wanted entry numbered `wanted` of `all`.
    #[inline]
    fn select(&self, wanted: usize, all: usize) -> usize {
        // Wanted entries before the first and before the last block that can hold it: guessed as if they were spread
        // evenly, and halved now and then for where they are not.
        let (mut first, mut before_first) = (0, 0);
        let (mut last, mut before_last) = (self.ranks.len().div_ceil(BLOCK), all);
        let mut step = 0;
        while last - first > 1 {
            step += 1;
            let middle = if step % 4 == 0 {
                first.midpoint(last)
            } else {
                let share = (wanted - before_first) * (last - first) / (before_last - before_first);
                (first + share).clamp(first + 1, last - 1)
            };
            let before = self.wanted_before(middle);
            if before <= wanted {
                (first, before_first) = (middle, before);
            } else {
                (last, before_last) = (middle, before);
            }
        }
        let start = first << BLOCK_BITS;
        let end = (start + BLOCK).min(self.ranks.len());
        start + self.nth(&self.ranks[start..end], wanted - before_first)
    }

    /// Place of the wanted entry numbered `left` in a block.
    #[inline]
    fn nth(&self, ranks: &[u16], mut left: usize) -> usize {
        const PIECE: usize = 16;
        let (low, width) = (self.low as u16, (self.high - self.low) as u32);
        let is_wanted = |rank: u16| (u32::from(rank.wrapping_sub(low)) < width) == self.inside;
        let mut place = 0;
        for piece in ranks.chunks(PIECE) {
            let here = piece.iter().map(|&rank| u16::from(is_wanted(rank))).sum::<u16>() as usize;
            if left < here {
                for &rank in piece {
                    if is_wanted(rank) {
                        if left == 0 {
                            return place;
                        }
                        left -= 1;
                    }
                    place += 1;
                }
            }
            left -= here;
            place += piece.len();
        }
        // A position is always below the number of wanted entries.
        ranks.len() - 1
    }
}

/// How many of the places lie before `end`.
#[inline]
fn before(places: &[u16], end: usize) -> usize {
    places.iter().map(|&place| u16::from((place as usize) < end)).sum::<u16>() as usize
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
                    _ => list.iter_mut().enumerate().for_each(|(place, time)| *time += (place % 1000) as u32 * 100),
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
            index.reserve(&mut finder).unwrap();
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
