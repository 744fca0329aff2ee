//! Rows near a time by position, in lists with many different times.
//!
//! A tree over the entries of a list: leaves of 256 neighbouring entries, nodes of 64 children. The entries near a focal
//! time are those whose ranks by time lie in one range, and in every node they are again those of one range of ranks among
//! the node's own. A node knows, for every so many of its ranks, how many of those below belong to each child, and to which
//! child each of the next ones belongs: so the ranges of its children follow from its own. A leaf holds the rank of each of
//! its entries. A position is followed from the root to a leaf, all positions one level at a time, so that what the next
//! level reads is asked for ahead.

use crate::error::{Error, filled, grow, room};
use crate::machine::{Bits, nth_among, prefetch, with_bits};
use crate::near::Span;

const LEAF_BITS: u32 = 8;
const LEAF: usize = 1 << LEAF_BITS;
const ARITY_BITS: u32 = 6;
const ARITY: usize = 1 << ARITY_BITS;
/// Levels of nodes over 2^32 entries.
const LEVELS: usize = 4;
/// Nodes of a level whose counts a finder keeps.
const KEPT: usize = 128;

/// Bits of a place that lie below a node of a level; level 0 is right above the leaves.
const fn bits(level: usize) -> u32 {
    LEAF_BITS + ARITY_BITS * (level as u32 + 1)
}

/// Some neighbouring ranks of a node.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Row<C, const RANKS: usize> {
    /// How many entries of smaller ranks lie in the children before each.
    before: [C; ARITY],
    /// The child of the entry of each of these ranks.
    children: [u8; RANKS],
}

/// A node of the lowest level has 2^14 entries: its counts fit 16 bits. Either row takes three bytes a rank.
type Low = Row<u16, 64>;
type High = Row<u32, 128>;

/// Lists with any number of different times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    lists: Vec<List>,
    /// Rank of every entry in its leaf, filled up to whole leaves.
    ranks: Vec<u8>,
    low: Vec<Low>,
    high: [Vec<High>; LEVELS - 1],
}

#[derive(Clone, Copy, Debug)]
struct List {
    len: usize,
    /// The level of the root.
    top: usize,
    /// Where the list's leaves and rows begin.
    ranks: usize,
    rows: [usize; LEVELS],
}

impl List {
    /// Entries of a node.
    #[inline(always)]
    fn size(&self, level: usize, node: usize) -> usize {
        let start = node << bits(level);
        (self.len - start).min(1 << bits(level))
    }
}

/// Memory to follow positions, used again for the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paths {
    /// Counts of the nodes that were met, a level's each in the slot of its number modulo [`KEPT`].
    tables: [Vec<Table>; LEVELS],
    /// Tells one part's tables from those of earlier ones.
    stamp: u64,
    paths: Vec<Path>,
}

/// How the part's entries in a node are divided among its children.
#[derive(Clone, Debug)]
struct Table {
    stamp: u64,
    node: u32,
    /// Entries of ranks below the range in the children before each, and last in all.
    low: [u32; ARITY + 1],
    /// Entries of ranks in the range.
    near: [u32; ARITY + 1],
    /// Entries of the part.
    part: [u32; ARITY],
}

/// A position on its way: the node or leaf that it has reached, and the range of ranks there.
#[derive(Clone, Copy, Debug, Default)]
struct Path {
    node: u32,
    low: u32,
    high: u32,
}

impl<const RANKS: usize, C: Copy + Into<u32>> Row<C, RANKS> {
    /// The row whose first rank is nearest to `rank`, of a node of `size` entries.
    #[inline(always)]
    fn nearest(rank: usize, size: usize) -> usize {
        ((rank + RANKS / 2) / RANKS).min((size - 1) / RANKS)
    }

    /// How many entries of ranks below `rank` lie in the children before each.
    #[inline(always)]
    fn count(rows: &[Self], rank: usize, size: usize) -> [u32; ARITY] {
        let nearest = Self::nearest(rank, size);
        let start = nearest * RANKS;
        let row = &rows[nearest];
        // Of the ranks between, those above the row are added and those below it taken away.
        let above = rank >= start;
        let between = if above {
            &row.children[..(rank - start).min(RANKS)]
        } else {
            &rows[nearest - 1].children[RANKS - (start - rank)..]
        };
        let mut counts = [0_u8; ARITY];
        for &child in between {
            counts[child as usize % ARITY] += 1;
        }
        let mut sums = [0_u8; ARITY];
        let mut carried = 0;
        for (sums, counts) in sums.chunks_exact_mut(8).zip(counts.chunks_exact(8)) {
            // The product with ones in every byte sums up the bytes below each.
            const ONES: u64 = 0x0101_0101_0101_0101;
            let counts = u64::from_le_bytes(counts.try_into().unwrap_or_default());
            let upto = counts.wrapping_mul(ONES).wrapping_add(carried);
            sums.copy_from_slice(&upto.wrapping_sub(counts).to_le_bytes());
            carried = (upto >> 56).wrapping_mul(ONES);
        }
        let mut before = [0; ARITY];
        if above {
            for ((before, row), sum) in before.iter_mut().zip(&row.before).zip(&sums) {
                *before = (*row).into() + u32::from(*sum);
            }
        } else {
            for ((before, row), sum) in before.iter_mut().zip(&row.before).zip(&sums) {
                *before = (*row).into() - u32::from(*sum);
            }
        }
        before
    }

    /// Prefetches what counting will read.
    #[inline(always)]
    fn ask_for(rows: &[Self], first: usize, rank: usize, size: usize) {
        let nearest = Self::nearest(rank, size);
        let row = first + nearest;
        let Some(found) = rows.get(row) else { return };
        for count in (0..ARITY).step_by(64 / size_of::<C>()) {
            prefetch(&found.before, count);
        }
        let start = nearest * RANKS;
        if rank >= start {
            for child in (0..(rank - start).min(RANKS)).step_by(64) {
                prefetch(&found.children, child);
            }
        } else if let Some(previous) = rows.get(row.wrapping_sub(1)) {
            for child in (RANKS - (start - rank)..RANKS).step_by(64) {
                prefetch(&previous.children, child);
            }
        }
    }
}

impl Tree {
    /// Makes room for lists of so many entries, each more than none.
    pub(crate) fn new(lists: &[usize]) -> Result<Self, Error> {
        let mut tree = Self {
            lists: room(lists.len())?,
            ..Self::default()
        };
        let (mut ranks, mut rows) = (0, [0; LEVELS]);
        for &len in lists {
            let top = (0..LEVELS - 1).find(|&level| len <= 1 << bits(level)).unwrap_or(LEVELS - 1);
            tree.lists.push(List { len, top, ranks, rows });
            ranks += len.next_multiple_of(LEAF);
            rows[0] += len.div_ceil(64);
            for row in &mut rows[1..=top] {
                *row += len.div_ceil(128);
            }
        }
        grow(&mut tree.ranks, ranks)?;
        tree.low = filled(rows[0], Low { before: [0; ARITY], children: [0; 64] })?;
        for (high, &rows) in tree.high.iter_mut().zip(&rows[1..]) {
            *high = filled(rows, High { before: [0; ARITY], children: [0; 128] })?;
        }
        Ok(tree)
    }

    /// Fills a list. `by_time` holds its places by time, and is used up; `other` is memory of the same length.
    pub(crate) fn fill<'a>(&mut self, number: usize, mut by_time: &'a mut [u32], mut other: &'a mut [u32]) {
        let list = self.lists[number];
        // Level by level the places of every node are dealt to its children, each child's in the order of their times.
        for level in (0..=list.top).rev() {
            for start in (0..list.len).step_by(1 << bits(level)) {
                let end = start + list.size(level, start >> bits(level));
                let (from, to) = (&by_time[start..end], &mut other[start..end]);
                if level == 0 {
                    let first = list.rows[0] + start / 64;
                    deal(&mut self.low[first..first + (end - start).div_ceil(64)], from, to, LEAF_BITS, |count| count as u16);
                } else {
                    let first = list.rows[level] + start / 128;
                    let rows = &mut self.high[level - 1][first..first + (end - start).div_ceil(128)];
                    deal(rows, from, to, bits(level - 1), |count| count);
                }
            }
            std::mem::swap(&mut by_time, &mut other);
        }
        let ranks = &mut self.ranks[list.ranks..];
        for (leaf, places) in by_time.chunks(LEAF).enumerate() {
            for (rank, &place) in places.iter().enumerate() {
                ranks[leaf * LEAF + place as usize % LEAF] = rank as u8;
            }
        }
    }

    /// Makes room to find rows of any list.
    pub(crate) fn reserve(&self, paths: &mut Paths, positions: usize) -> Result<(), Error> {
        for list in &self.lists {
            for (level, tables) in paths.tables[..=list.top].iter_mut().enumerate() {
                let nodes = list.len.div_ceil(1 << bits(level)).min(KEPT);
                if tables.len() < nodes {
                    *tables = filled(nodes.next_power_of_two(), Table::EMPTY)?;
                }
            }
        }
        if !self.lists.is_empty() && paths.paths.capacity() < positions {
            paths.paths = room(positions)?;
        }
        Ok(())
    }

    /// The places of a list by time.
    pub(crate) fn by_time(&self, number: usize) -> Result<Vec<u32>, Error> {
        let list = self.lists[number];
        let mut places: Vec<u32> = filled(list.len, 0)?;
        let mut other: Vec<u32> = filled(list.len, 0)?;
        for (place, &rank) in self.ranks[list.ranks..list.ranks + list.len].iter().enumerate() {
            places[place / LEAF * LEAF + rank as usize] = place as u32;
        }
        for level in 0..=list.top {
            for start in (0..list.len).step_by(1 << bits(level)) {
                let end = start + list.size(level, start >> bits(level));
                let child_bits = bits(level) - ARITY_BITS;
                let mut next: [usize; ARITY] = std::array::from_fn(|child| start + (child << child_bits));
                for (rank, other) in other[start..end].iter_mut().enumerate() {
                    let child = if level == 0 {
                        self.low[list.rows[0] + start / 64 + rank / 64].children[rank % 64]
                    } else {
                        self.high[level - 1][list.rows[level] + start / 128 + rank / 128].children[rank % 128]
                    };
                    let next = &mut next[child as usize];
                    *other = places[*next];
                    *next += 1;
                }
            }
            std::mem::swap(&mut places, &mut other);
        }
        Ok(places)
    }

    /// Replaces positions in a part of a list by positions in the list. The paths must have been given room.
    pub(crate) fn find(&self, number: usize, span: &Span, positions: &mut [u32], paths: &mut Paths) {
        paths.stamp += 1;
        find_fast(self, number, span, positions, paths);
    }

    #[inline(always)]
    fn ask_for(&self, list: &List, level: usize, path: &Path) {
        let size = list.size(level, path.node as usize);
        for rank in [path.low, path.high] {
            if level == 0 {
                Low::ask_for(&self.low, list.rows[0] + (path.node as usize) * 256, rank as usize, size);
            } else {
                let first = list.rows[level] + ((path.node as usize) << bits(level)) / 128;
                High::ask_for(&self.high[level - 1], first, rank as usize, size);
            }
        }
    }

    #[inline(always)]
    fn fill_table(&self, table: &mut Table, list: &List, level: usize, path: &Path, inside: bool) {
        let size = list.size(level, path.node as usize);
        let start = (path.node as usize) << bits(level);
        let [low, high] = [path.low, path.high].map(|rank| {
            if level == 0 {
                Low::count(&self.low[list.rows[0] + start / 64..], rank as usize, size)
            } else {
                High::count(&self.high[level - 1][list.rows[level] + start / 128..], rank as usize, size)
            }
        });
        table.low[..ARITY].copy_from_slice(&low);
        table.low[ARITY] = path.low;
        for ((near, low), high) in table.near.iter_mut().zip(&low).zip(&high) {
            *near = high - low;
        }
        table.near[ARITY] = path.high - path.low;
        let child = 1_usize << (bits(level) - ARITY_BITS);
        for (number, (part, near)) in table.part.iter_mut().zip(&table.near).enumerate() {
            *part = if inside { *near } else { ((number * child).min(size)) as u32 - near };
        }
    }
}

/// Notes which child each place falls to, and hands the places on to the children.
fn deal<C: Copy, const RANKS: usize>(
    rows: &mut [Row<C, RANKS>],
    from: &[u32],
    to: &mut [u32],
    child_bits: u32,
    narrow: impl Fn(u32) -> C,
) {
    let mut counts = [0_u32; ARITY];
    for (row, places) in rows.iter_mut().zip(from.chunks(RANKS)) {
        let mut sum = 0;
        for (before, &count) in row.before.iter_mut().zip(&counts) {
            *before = narrow(sum);
            sum += count;
        }
        for (entry, &place) in row.children.iter_mut().zip(places) {
            let child = (place >> child_bits) as usize % ARITY;
            *entry = child as u8;
            to[(child << child_bits) + counts[child] as usize] = place;
            counts[child] += 1;
        }
    }
}

impl Table {
    const EMPTY: Self = Self {
        stamp: 0,
        node: 0,
        low: [0; ARITY + 1],
        near: [0; ARITY + 1],
        part: [0; ARITY],
    };
}

with_bits!(
    find_fast,
    find_by,
    (tree: &Tree, number: usize, span: &Span, positions: &mut [u32], paths: &mut Paths)
);

#[inline(always)]
fn find_by<B: Bits>(tree: &Tree, number: usize, span: &Span, positions: &mut [u32], paths: &mut Paths) {
    let list = tree.lists[number];
    let Paths { tables, stamp, paths } = paths;
    paths.clear();
    paths.resize(
        positions.len(),
        Path {
            node: 0,
            low: span.low,
            high: span.high,
        },
    );
    for level in (0..=list.top).rev() {
        let tables = &mut tables[level];
        let slots = tables.len() - 1;
        for (path, position) in paths.iter_mut().zip(positions.iter_mut()) {
            let table = &mut tables[path.node as usize & slots];
            if table.stamp != *stamp || table.node != path.node {
                table.stamp = *stamp;
                table.node = path.node;
                tree.fill_table(table, &list, level, path, span.inside);
            }
            // Counting instead of stopping: no branch depends on where the position leads. The first child has none before.
            let child = table.part.iter().map(|&before| u32::from(before <= *position)).sum::<u32>() as usize - 1;
            let child = child % ARITY;
            *position -= table.part[child];
            path.node = path.node << ARITY_BITS | child as u32;
            path.low = table.low[child + 1] - table.low[child];
            path.high = path.low + table.near[child + 1] - table.near[child];
            if level > 0 {
                tree.ask_for(&list, level - 1, path);
            } else {
                for line in (0..LEAF).step_by(64) {
                    prefetch(&tree.ranks, list.ranks + ((path.node as usize) << LEAF_BITS) + line);
                }
            }
        }
    }
    for (path, position) in paths.iter().zip(positions) {
        let start = (path.node as usize) << LEAF_BITS;
        let ranks = &tree.ranks[list.ranks + start..list.ranks + start + LEAF];
        let near = path.high - path.low;
        let (first, extra) = if span.inside {
            (path.low as u8, (near - 1) as u8)
        } else {
            (path.high as u8, (LEAF as u32 - 1 - near) as u8)
        };
        *position = (start + nth_among::<B>(ranks, first, extra, *position)) as u32;
    }
}
