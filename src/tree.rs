//! Rows near a time by position, in lists with many different times.
//!
//! A tree over the entries of a list: leaves of 256 neighbouring entries, nodes of 64 children. The entries near a focal
//! time are those whose ranks by time lie in one range, and in every node they are again those of one range of ranks among
//! the node's own. A node knows, for every so many of its ranks, how many of those below belong to each child, and to which
//! child each of the next ones belongs: so the ranges of its children follow from its own. A leaf holds the rank of each of
//! its entries. A position is followed from the root to a leaf, all positions one level at a time, so that what the next
//! level reads is asked for ahead. Its child is guessed from the counts alone, the next ranks taken as spread evenly; then
//! they are looked at, and the guess moved on where it was wrong, which is seldom.
#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use crate::error::{Error, filled, grow, room};
use crate::machine::{Bits, LINE, nth_among, prefetch, with_bits};
use crate::near::Span;

const LEAF_BITS: u32 = 8;
const LEAF: usize = 1 << LEAF_BITS;
const ARITY_BITS: u32 = 6;
const ARITY: usize = 1 << ARITY_BITS;
/// Levels of nodes over 2^32 entries.
const LEVELS: usize = 4;

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
pub(crate) type Paths = Vec<Path>;

/// A position on its way: the node or leaf that it has reached, and the range of ranks there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Path {
    node: u32,
    low: u32,
    high: u32,
}

impl Path {
    #[inline(always)]
    fn child(&self, child: usize, here: Before, next: Before) -> Self {
        let low = next.low - here.low;
        Self {
            node: self.node << ARITY_BITS | child as u32,
            low,
            high: low + next.near - here.near,
        }
    }
}

/// Counts of a row, in the width that its level needs.
trait Count: Copy + Into<u32> {
    /// How many children the part's entries before a position fill, if the ranks between the rows and the ends of the range
    /// are spread evenly over `children`: about the child that the position falls to.
    fn guess(low: &[Self; ARITY], high: &[Self; ARITY], between: i32, node: Node, inside: bool, position: u32)
    -> usize;
}

/// What of a node does not depend on its entries.
#[derive(Clone, Copy)]
struct Node {
    size: usize,
    child_bits: u32,
}

impl Node {
    #[inline(always)]
    fn of(list: &List, level: usize, node: u32) -> Self {
        Self {
            size: list.size(level, node as usize),
            child_bits: bits(level) - ARITY_BITS,
        }
    }

    /// Entries before a child.
    #[inline(always)]
    fn before(&self, child: usize) -> usize {
        (child << self.child_bits).min(self.size)
    }
}

macro_rules! count {
    ($count:ty, $signed:ty) => {
        impl Count for $count {
            #[inline(always)]
            fn guess(
                low: &[Self; ARITY],
                high: &[Self; ARITY],
                between: i32,
                node: Node,
                inside: bool,
                position: u32,
            ) -> usize {
                let children = node.size.div_ceil(1 << node.child_bits) as $signed;
                let slope = (between * ARITY as i32 / i32::from(children as i16)) as $signed;
                let (size, position) = (node.size as $signed, position as $signed);
                let mut reached: $signed = 0;
                for child in 0..ARITY {
                    let near = high[child].wrapping_sub(low[child]) as $signed
                        + ((child as $signed).min(children) * slope >> ARITY_BITS);
                    let before = if inside {
                        near
                    } else {
                        ((child << node.child_bits) as $signed).min(size) - near
                    };
                    reached += <$signed>::from(before <= position);
                }
                (reached as usize).saturating_sub(1)
            }
        }
    };
}
count!(u16, i16);
count!(u32, i32);

/// A range of ranks of a node: the rows below its ends.
struct Ends<'a, C, const RANKS: usize> {
    node: Node,
    inside: bool,
    ranks: [u32; 2],
    rows: [&'a Row<C, RANKS>; 2],
}

/// What lies before a child.
#[derive(Clone, Copy)]
struct Before {
    /// Entries of ranks below the range, and in it.
    low: u32,
    near: u32,
    /// Entries of the part.
    part: u32,
}

impl<'a, C: Count, const RANKS: usize> Ends<'a, C, RANKS> {
    #[inline(always)]
    fn new(rows: &'a [Row<C, RANKS>], node: Node, path: &Path, inside: bool) -> Self {
        Self {
            node,
            inside,
            ranks: [path.low, path.high],
            rows: [path.low, path.high].map(|rank| &rows[row_of::<RANKS>(rank, node.size)]),
        }
    }

    /// Ranks between an end's row and the end.
    #[inline(always)]
    fn between(&self, end: usize) -> u32 {
        self.ranks[end] - (row_of::<RANKS>(self.ranks[end], self.node.size) * RANKS) as u32
    }

    #[inline(always)]
    fn count<B: Bits>(&self, end: usize, child: usize) -> u32 {
        if child == 0 {
            return 0;
        }
        if child == ARITY {
            return self.ranks[end];
        }
        let (row, between) = (self.rows[end], self.between(end));
        let mut count = row.before[child].into();
        for (line, children) in (0..).zip(row.children.chunks_exact(LINE)) {
            let Ok(children) = children.try_into() else { continue };
            let counted = between.saturating_sub(line * LINE as u32).min(LINE as u32);
            let bits = B::among(children, 0, child as u8 - 1);
            // Shifted in two steps, as a shift by all 64 bits is none.
            count += B::count(bits & !((!0 << (counted / 2)) << (counted - counted / 2)));
        }
        count
    }

    #[inline(always)]
    fn before<B: Bits>(&self, child: usize) -> Before {
        let low = self.count::<B>(0, child);
        let near = self.count::<B>(1, child) - low;
        Before {
            low,
            near,
            part: if self.inside {
                near
            } else {
                self.node.before(child) as u32 - near
            },
        }
    }

    /// The child that a position falls to, what lies before it, and before the next.
    #[inline(always)]
    fn child_of<B: Bits>(&self, position: u32) -> (usize, Before, Before) {
        let between = self.between(1) as i32 - self.between(0) as i32;
        let (low, high) = (&self.rows[0].before, &self.rows[1].before);
        let mut child = C::guess(low, high, between, self.node, self.inside, position);
        let (mut here, mut next) = (self.before::<B>(child), self.before::<B>(child + 1));
        while here.part > position {
            child -= 1;
            next = here;
            here = self.before::<B>(child);
        }
        while next.part <= position {
            child += 1;
            here = next;
            next = self.before::<B>(child + 1);
        }
        (child, here, next)
    }
}

/// What lies before each child of a root: looked up by all positions, so worked out once.
struct Root {
    before: [Before; ARITY + 1],
    part: [u32; ARITY],
}

impl Root {
    #[inline(always)]
    fn new<B: Bits, C: Count, const RANKS: usize>(ends: &Ends<'_, C, RANKS>) -> Self {
        let before: [Before; ARITY + 1] = std::array::from_fn(|child| ends.before::<B>(child));
        Self {
            before,
            part: std::array::from_fn(|child| before[child].part),
        }
    }

    /// As [`Ends::child_of`].
    #[inline(always)]
    fn child_of(&self, position: u32) -> (usize, Before, Before) {
        // Counting instead of stopping: no branch depends on where the position leads. The first child has none before.
        let reached = self
            .part
            .iter()
            .map(|&before| u32::from(before <= position))
            .sum::<u32>();
        let child = (reached as usize - 1) % ARITY;
        (child, self.before[child], self.before[child + 1])
    }
}

/// The row of a node of `size` entries whose counts lead to `rank`.
#[inline(always)]
fn row_of<const RANKS: usize>(rank: u32, size: usize) -> usize {
    (rank as usize / RANKS).min((size - 1) / RANKS)
}

#[inline(always)]
fn ask_for<C, const RANKS: usize>(rows: &[Row<C, RANKS>], first: usize, path: &Path, size: usize) {
    for rank in [path.low, path.high] {
        if let Some(row) = rows.get(first + row_of::<RANKS>(rank, size)) {
            for count in (0..ARITY).step_by(LINE / size_of::<C>()) {
                prefetch(&row.before, count);
            }
            for child in (0..RANKS).step_by(LINE) {
                prefetch(&row.children, child);
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
            let top = (0..LEVELS - 1)
                .find(|&level| len <= 1 << bits(level))
                .unwrap_or(LEVELS - 1);
            tree.lists.push(List { len, top, ranks, rows });
            ranks += len.next_multiple_of(LEAF);
            rows[0] += len.div_ceil(64);
            for row in &mut rows[1..=top] {
                *row += len.div_ceil(128);
            }
        }
        grow(&mut tree.ranks, ranks)?;
        tree.low = filled(
            rows[0],
            Low {
                before: [0; ARITY],
                children: [0; 64],
            },
        )?;
        for (high, &rows) in tree.high.iter_mut().zip(&rows[1..]) {
            *high = filled(
                rows,
                High {
                    before: [0; ARITY],
                    children: [0; 128],
                },
            )?;
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
                    deal(
                        &mut self.low[first..first + (end - start).div_ceil(64)],
                        from,
                        to,
                        LEAF_BITS,
                        |count| count as u16,
                    );
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
        if !self.lists.is_empty() && paths.capacity() < positions {
            *paths = room(positions)?;
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
    pub(crate) fn find(&self, number: usize, span: &Span, positions: &mut [u32], rows: &[u32], paths: &mut Paths) {
        find_fast(self, number, span, positions, rows, paths);
    }

    /// Where a node's rows begin.
    #[inline(always)]
    fn first_row(list: &List, level: usize, node: u32) -> usize {
        let ranks = if level == 0 { 64 } else { 128 };
        list.rows[level] + ((node as usize) << bits(level)) / ranks
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

with_bits!(
    find_fast,
    find_by,
    (tree: &Tree, number: usize, span: &Span, positions: &mut [u32], rows: &[u32], paths: &mut Paths)
);

#[inline(always)]
fn find_by<B: Bits>(tree: &Tree, number: usize, span: &Span, positions: &mut [u32], rows: &[u32], paths: &mut Paths) {
    let list = tree.lists[number];
    let top = Node::of(&list, list.top, 0);
    let ask_for_next = |path: &Path, level: usize| {
        if level == 0 {
            for line in (0..LEAF).step_by(LINE) {
                prefetch(&tree.ranks, list.ranks + ((path.node as usize) << LEAF_BITS) + line);
            }
        } else {
            let first = Tree::first_row(&list, level - 1, path.node);
            let size = Node::of(&list, level - 1, path.node).size;
            match level {
                1 => ask_for(&tree.low, first, path, size),
                _ => ask_for(&tree.high[level - 2], first, path, size),
            }
        }
    };
    let whole = Path {
        node: 0,
        low: span.low,
        high: span.high,
    };
    let root = if list.top == 0 {
        Root::new::<B, _, 64>(&Ends::new(&tree.low[list.rows[0]..], top, &whole, span.inside))
    } else {
        let rows = &tree.high[list.top - 1][list.rows[list.top]..];
        Root::new::<B, _, 128>(&Ends::new(rows, top, &whole, span.inside))
    };
    paths.clear();
    paths.extend(positions.iter_mut().map(|position| {
        let (child, here, next) = root.child_of(*position);
        *position -= here.part;
        let path = whole.child(child, here, next);
        ask_for_next(&path, list.top);
        path
    }));
    for level in (0..list.top).rev() {
        for (path, position) in paths.iter_mut().zip(positions.iter_mut()) {
            let node = Node::of(&list, level, path.node);
            let first = Tree::first_row(&list, level, path.node);
            let (child, here, next) = if level == 0 {
                Ends::new(&tree.low[first..], node, path, span.inside).child_of::<B>(*position)
            } else {
                Ends::new(&tree.high[level - 1][first..], node, path, span.inside).child_of::<B>(*position)
            };
            *position -= here.part;
            *path = path.child(child, here, next);
            ask_for_next(path, level);
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
        prefetch(rows, *position as usize);
    }
}
