//! Rows near a time by position, in lists with many different times.
//!
//! A tree over the entries of a list: leaves of 2^8 neighbouring entries, nodes of 256 children, and a root with as many
//! children as it takes. The entries near a focal time are those whose ranks by time lie in one range, and in every node
//! they are again those of one range of ranks among the node's own. A node knows, for every so many of its ranks, how many
//! of those below belong to each child, and to which child each of the ranks in between belongs: so the ranges of its
//! children follow from its own. A leaf holds the rank of each of its entries. The root's children are worked out once for
//! all positions. Each position is then followed down to a leaf, all positions one level at a time, so that what the next
//! level reads is asked for ahead. A child is guessed from its node's counts alone, the ranks in between taken as spread
//! evenly; then those are looked at, and the guess moved on where it was wrong.
#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use crate::error::Error;
use crate::near::counts::Splits;
use crate::near::index::Span;
use crate::near::search::{Ends, Share};
use crate::support::memory::prefetch;
use crate::support::memory::{collected, filled, grow, room};
use crate::support::simd::{Bits, LINE, nth_among, with_bits};

const LEAF_BITS: u32 = 8;
const LEAF: usize = 1 << LEAF_BITS;
const ARITY_BITS: u32 = 8;
const ARITY: usize = 1 << ARITY_BITS;
/// Levels of nodes between the leaves and a root over 2^32 entries.
const LEVELS: usize = 2;
/// Lists up to this length have no nodes: their root's children are leaves.
const FLAT: usize = 1 << 17;
/// A root may have more children than a node, so that lists up to this length need one level of nodes only. In tests it is
/// less, as lists of so many rows would take them minutes.
const LOW: usize = if cfg!(test) { 1 << 20 } else { 1 << 26 };

/// Some neighbouring ranks of a node: those around the rank that the counts lead to.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Row<C, const RANKS: usize> {
    /// How many entries of smaller ranks lie in the children before each.
    before: [C; ARITY],
    /// The child of the entry of each of the ranks around.
    children: [u8; RANKS],
}

/// A node of the lowest level has 2^16 entries: its counts fit 16 bits.
type Low = Row<u16, 128>;
type High = Row<u32, 512>;

impl<C: Copy + Default, const RANKS: usize> Row<C, RANKS> {
    fn empty() -> Self {
        Self {
            before: [C::default(); ARITY],
            children: [0; RANKS],
        }
    }

    /// The row of a rank, and the rank's place among those around.
    #[inline(always)]
    fn of(rank: u32) -> (usize, usize) {
        let moved = rank as usize + RANKS / 2;
        (moved / RANKS, moved % RANKS)
    }

    /// Rows of a node.
    fn rows(entries: usize) -> usize {
        Self::of(entries as u32).0 + 1
    }
}

/// Lists with any number of different times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    lists: Vec<List>,
    /// Rank of every entry in its leaf, filled up to whole leaves.
    ranks: Vec<u8>,
    low: Vec<Low>,
    high: Vec<High>,
    /// The ranks of every list over the children of its root.
    roots: Splits,
}

#[derive(Clone, Copy, Debug)]
struct List {
    len: usize,
    /// Levels of nodes between the root and the leaves.
    levels: usize,
    /// Where the list's leaves and rows begin.
    ranks: usize,
    rows: [usize; LEVELS],
}

impl List {
    fn new(len: usize) -> Self {
        Self {
            len,
            levels: usize::from(len > FLAT) + usize::from(len > LOW),
            ranks: 0,
            rows: [0; LEVELS],
        }
    }

    /// Bits of a place that lie below a node of a level; level 0 has leaves as children, and so on up to the root's children.
    #[inline(always)]
    fn bits(level: usize) -> u32 {
        LEAF_BITS + ARITY_BITS * (level as u32 + 1)
    }

    /// Bits of a place that lie below a child of the root.
    #[inline(always)]
    fn root_bits(&self) -> u32 {
        LEAF_BITS + ARITY_BITS * self.levels as u32
    }

    /// Children of the root.
    #[inline(always)]
    fn width(&self) -> usize {
        self.len.div_ceil(1 << self.root_bits())
    }

    /// Entries of a node.
    #[inline(always)]
    fn size(&self, level: usize, node: u32) -> usize {
        let start = (node as usize) << Self::bits(level);
        (self.len - start).min(1 << Self::bits(level))
    }

    /// Where a node's rows begin. All nodes before it are full.
    #[inline(always)]
    fn first_row(&self, level: usize, node: u32) -> usize {
        let full = 1 << Self::bits(level);
        let rows = if level == 0 { Low::rows(full) } else { High::rows(full) };
        self.rows[level] + node as usize * rows
    }

    /// Rows of all nodes of a level.
    fn all_rows(&self, level: usize) -> usize {
        if level >= self.levels {
            return 0;
        }
        let last = (self.len - 1) >> Self::bits(level);
        let size = self.size(level, last as u32);
        let rows = if level == 0 { Low::rows(size) } else { High::rows(size) };
        self.first_row(level, last as u32) - self.rows[level] + rows
    }
}

/// Memory to follow positions, used again for the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paths {
    paths: Vec<Path>,
    /// How many entries below each end of the range lie before each child of the root, and before the end of all.
    root: [Vec<u32>; 2],
}

/// A position on its way: the node or leaf that it has reached, and the range of ranks there.
#[derive(Clone, Copy, Debug, Default)]
struct Path {
    node: u32,
    low: u32,
    high: u32,
    /// The child it will probably turn to.
    guess: u32,
}

/// What of a node does not depend on its entries.
#[derive(Clone, Copy)]
struct Node {
    size: usize,
    child_bits: u32,
    inside: bool,
}

impl Node {
    #[inline(always)]
    fn of(list: &List, level: usize, node: u32, inside: bool) -> Self {
        Self {
            size: list.size(level, node),
            child_bits: List::bits(level) - ARITY_BITS,
            inside,
        }
    }

    /// Entries of the part, of `near` in the range, before a child.
    #[inline(always)]
    fn part(&self, child: usize, near: u32) -> u32 {
        if self.inside {
            near
        } else {
            (child << self.child_bits).min(self.size) as u32 - near
        }
    }

    #[inline(always)]
    fn children(&self) -> usize {
        self.size.div_ceil(1 << self.child_bits)
    }
}

/// One end of a range of ranks: the row that is near it, and the ranks in between.
#[derive(Clone, Copy)]
struct End<'a, C, const RANKS: usize> {
    rank: u32,
    row: &'a Row<C, RANKS>,
    /// Where the ranks in between are among those around, and whether they lie below the end.
    from: u32,
    to: u32,
    below: bool,
}

impl<'a, C: Copy + Default + Into<u32>, const RANKS: usize> End<'a, C, RANKS> {
    #[inline(always)]
    fn new(rows: &'a [Row<C, RANKS>], rank: u32) -> Self {
        let (row, place) = Row::<C, RANKS>::of(rank);
        let (middle, place) = (RANKS as u32 / 2, place as u32);
        Self {
            rank,
            row: &rows[row],
            from: middle.min(place),
            to: middle.max(place),
            below: place >= middle,
        }
    }

    /// Ranks in between.
    #[inline(always)]
    fn between(&self) -> i32 {
        let between = (self.to - self.from) as i32;
        if self.below { between } else { -between }
    }

    /// Entries below the end that lie before `child`, and before the next one.
    #[inline(always)]
    fn count<B: Bits>(&self, child: usize) -> [u32; 2] {
        let half = if self.below { RANKS / 2 } else { 0 };
        let (mut before, mut within) = (0, 0);
        for line in 0..RANKS / 2 / LINE {
            let start = half + line * LINE;
            let Some(children) = self.row.children[start..].first_chunk() else {
                continue;
            };
            let [from, to] = [self.from, self.to].map(|end| end.saturating_sub(start as u32).min(LINE as u32));
            let wanted = below(to) & !below(from);
            // No child is before the first, and at least one value is asked for.
            let less = if child == 0 {
                0
            } else {
                B::among(children, 0, child as u8 - 1)
            };
            before += B::count(less & wanted);
            within += B::count(B::among(children, child as u8, 0) & wanted);
        }
        let from_row = |child: usize, between: u32| {
            let count = self.row.before[child].into();
            if self.below { count + between } else { count - between }
        };
        let here = from_row(child, before);
        let next = if child + 1 < ARITY {
            from_row(child + 1, before + within)
        } else {
            self.rank
        };
        [here, next]
    }
}

/// About the child of a node that a position falls to, if the ranks in between are spread evenly.
#[inline(always)]
fn guess_low<B: Bits>(ends: &[End<'_, u16, 128>; 2], node: Node, guess: usize, position: u32) -> usize {
    let children = node.children();
    let [low, high] = ends.each_ref().map(|end| &end.row.before[..]);
    let between = ends[1].between() - ends[0].between();
    let between = if node.inside { between } else { -between };
    // In parts of 256 a child; where children are few it may be left out.
    let slope = if children == ARITY { between } else { 0 };
    Ends::new([low, high], node.inside, LEAF).place_of::<B>(position, children, guess, slope)
}

/// The lowest `count` bits, up to all 64.
#[inline(always)]
fn below(count: u32) -> u64 {
    // Shifted in two steps, as a shift by all 64 bits is none.
    !((!0 << (count / 2)) << (count - count / 2))
}

/// The child of a node that a position falls to: the child, and the ends of the range before it and before the next.
#[inline(always)]
fn child_of<B: Bits, C: Copy + Default + Into<u32>, const RANKS: usize>(
    ends: &[End<'_, C, RANKS>; 2],
    node: Node,
    guess: usize,
    position: u32,
) -> (usize, [[u32; 2]; 2]) {
    let mut child = guess;
    loop {
        let (low, high) = (ends[0].count::<B>(child), ends[1].count::<B>(child));
        let [here, next] = [0, 1].map(|which| node.part(child + which, high[which] - low[which]));
        if here > position {
            child -= 1;
        } else if next <= position {
            child += 1;
        } else {
            return (child, [[low[0], high[0]], [low[1], high[1]]]);
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
        let mut next = List::new(0);
        for &len in lists {
            let list = List {
                len,
                levels: List::new(len).levels,
                ..next
            };
            next.ranks += len.next_multiple_of(LEAF);
            for (level, rows) in next.rows.iter_mut().enumerate() {
                *rows += list.all_rows(level);
            }
            tree.lists.push(list);
        }
        grow(&mut tree.ranks, next.ranks)?;
        tree.low = filled(next.rows[0], Low::empty())?;
        tree.high = filled(next.rows[1], High::empty())?;
        tree.roots = Splits::new(tree.lists.iter().map(|list| (list.len, list.width())))?;
        Ok(tree)
    }

    /// Fills a list. `by_time` holds its places by time, and is used up; `other` is memory of the same length.
    pub(crate) fn fill<'a>(
        &mut self,
        number: usize,
        mut by_time: &'a mut [u32],
        mut other: &'a mut [u32],
    ) -> Result<(), Error> {
        let list = self.lists[number];
        // Level by level the places of every node are dealt to its children, each child's in the order of their times.
        let bits = list.root_bits();
        self.roots.fill(
            number,
            by_time,
            |place| (place >> bits) as usize,
            |place, child, before| other[(child << bits) + before] = place,
        )?;
        for level in (0..list.levels).rev() {
            std::mem::swap(&mut by_time, &mut other);
            for (node, start) in (0..).zip((0..list.len).step_by(1 << List::bits(level))) {
                let end = start + list.size(level, node);
                let (from, to) = (&by_time[start..end], &mut other[start..end]);
                let first = list.first_row(level, node);
                if level == 0 {
                    deal(&mut self.low[first..], from, to, LEAF_BITS, |count| count as u16);
                } else {
                    deal(&mut self.high[first..], from, to, List::bits(level - 1), |count| count);
                }
            }
        }
        let ranks = &mut self.ranks[list.ranks..];
        for (leaf, places) in other.chunks(LEAF).enumerate() {
            for (rank, &place) in places.iter().enumerate() {
                ranks[leaf * LEAF + place as usize % LEAF] = rank as u8;
            }
        }
        Ok(())
    }

    /// Makes room to find rows of any list.
    pub(crate) fn reserve(&self, paths: &mut Paths, positions: usize) -> Result<(), Error> {
        if !self.lists.is_empty() && paths.paths.capacity() < positions {
            paths.paths = room(positions)?;
        }
        let width = self.roots.most_children();
        for root in &mut paths.root {
            if root.capacity() < width + 1 {
                *root = room(width + 1)?;
            }
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
        for level in 0..list.levels {
            for (node, start) in (0..).zip((0..list.len).step_by(1 << List::bits(level))) {
                let end = start + list.size(level, node);
                let first = list.first_row(level, node);
                let (from, to) = (&places[start..end], &mut other[start..end]);
                if level == 0 {
                    gather(&self.low[first..], from, to, LEAF_BITS);
                } else {
                    gather(&self.high[first..], from, to, List::bits(level - 1));
                }
            }
            std::mem::swap(&mut places, &mut other);
        }
        let mut next = collected((0..list.width()).map(|child| child << list.root_bits()))?;
        for (other, child) in other.iter_mut().zip(self.roots.children(number)) {
            let next = &mut next[child];
            *other = places[*next];
            *next += 1;
        }
        Ok(other)
    }

    /// Replaces positions in a part of a list by positions in the list. The paths must have been given room.
    pub(crate) fn find(&self, number: usize, span: &Span, positions: &mut [u32], rows: &[u32], paths: &mut Paths) {
        find_fast(self, number, span, positions, rows, paths);
    }

    /// Guesses where a position will go on in the node or leaf that its path has reached, and asks for what is read there.
    /// `level` counts the nodes' levels from there down.
    #[inline(always)]
    fn ask_for(&self, list: &List, level: usize, path: &mut Path, position: u32, inside: bool) {
        if level == 0 {
            for line in (0..LEAF).step_by(LINE) {
                prefetch(&self.ranks, list.ranks + ((path.node as usize) << LEAF_BITS) + line);
            }
            return;
        }
        let node = Node::of(list, level - 1, path.node, inside);
        let first = list.first_row(level - 1, path.node);
        let near = path.high - path.low;
        let population = if inside { near } else { node.size as u32 - near };
        let children = node.children();
        if level == 1 {
            // Below 2^24, so a short division does.
            path.guess = position * children as u32 / population;
            ask_for_row(&self.low[first..], path, children);
        } else {
            path.guess = (u64::from(position) * children as u64 / u64::from(population)) as u32;
            ask_for_row(&self.high[first..], path, children);
        }
    }
}

#[inline(always)]
fn ask_for_row<C: Copy + Default + Into<u32>, const RANKS: usize>(
    rows: &[Row<C, RANKS>],
    path: &Path,
    children: usize,
) {
    let ends = [path.low, path.high].map(|rank| End::new(rows, rank));
    let [low, high] = ends.each_ref().map(|end| &end.row.before[..]);
    Ends::new([low, high], true, 0).ask_for(path.guess as usize, children);
    for end in &ends {
        for line in (end.from as usize / LINE..=(end.to as usize - 1) / LINE).take(RANKS / 2 / LINE) {
            prefetch(&end.row.children, line * LINE);
        }
    }
}

/// Notes which child of a node each place falls to, and hands the places on to the children.
fn deal<C: Copy + Default, const RANKS: usize>(
    rows: &mut [Row<C, RANKS>],
    from: &[u32],
    to: &mut [u32],
    child_bits: u32,
    narrow: impl Fn(u32) -> C,
) {
    let mut counts = [0_u32; ARITY];
    for (half, places) in from.chunks(RANKS / 2).enumerate() {
        // The first half of a row holds the ranks below the one that its counts lead to.
        let row = &mut rows[half.div_ceil(2)];
        let start = if half % 2 == 0 {
            lead(row, &counts, 0, &narrow);
            RANKS / 2
        } else {
            0
        };
        for (told, &place) in row.children[start..].iter_mut().zip(places) {
            let child = (place >> child_bits) as usize % ARITY;
            *told = child as u8;
            to[(child << child_bits) + counts[child] as usize] = place;
            counts[child] += 1;
        }
    }
    let (last, _) = Row::<C, RANKS>::of(from.len() as u32);
    if let Some(missing) = (last * RANKS).checked_sub(from.len()) {
        // Ranks that are not there stand in the row as those of the first child.
        lead(&mut rows[last], &counts, missing as u32, &narrow);
    }
}

/// Writes down how many entries lie before each child.
fn lead<C, const RANKS: usize>(
    row: &mut Row<C, RANKS>,
    counts: &[u32; ARITY],
    more_in_first: u32,
    narrow: impl Fn(u32) -> C,
) {
    let (mut sum, mut more) = (0, more_in_first);
    for (before, count) in row.before.iter_mut().zip(counts) {
        *before = narrow(sum);
        sum += count + std::mem::take(&mut more);
    }
}

/// Undoes [`deal`]: brings the places of a node's children back into the order of their times.
fn gather<C: Copy + Default, const RANKS: usize>(
    rows: &[Row<C, RANKS>],
    from: &[u32],
    to: &mut [u32],
    child_bits: u32,
) {
    let mut next: [usize; ARITY] = std::array::from_fn(|child| child << child_bits);
    for (rank, place) in (0..).zip(to) {
        let (row, at) = Row::<C, RANKS>::of(rank);
        let next = &mut next[rows[row].children[at] as usize];
        *place = from[*next];
        *next += 1;
    }
}

with_bits!(
    find_fast,
    find_by,
    (tree: &Tree, number: usize, span: &Span, positions: &mut [u32], rows: &[u32], paths: &mut Paths)
);

#[inline(always)]
fn find_by<B: Bits>(tree: &Tree, number: usize, span: &Span, positions: &mut [u32], rows: &[u32], paths: &mut Paths) {
    let list = &tree.lists[number];
    let width = list.width();
    let Paths { paths, root } = paths;
    tree.roots.count_all(number, span.low, &mut root[0]);
    tree.roots.count_all(number, span.high, &mut root[1]);
    let counts = Ends::new([&root[0], &root[1]], span.inside, 1 << list.root_bits());
    let share = Share::new(span.population(list.len as u32), width);
    // Loops, not closures: those might be compiled for the processor that all are compiled for.
    paths.resize(positions.len(), Path::default());
    for (path, position) in paths.iter_mut().zip(positions.iter_mut()) {
        let child = counts.place_of(*position, width, share.of(*position));
        *position -= counts.before(child);
        let [here, next] = [child, child + 1].map(|child| [root[0][child], root[1][child]]);
        *path = Path {
            node: child as u32,
            low: next[0] - here[0],
            high: next[1] - here[1],
            guess: 0,
        };
        tree.ask_for(list, list.levels, path, *position, span.inside);
    }
    for level in (0..list.levels).rev() {
        for (path, position) in paths.iter_mut().zip(positions.iter_mut()) {
            let node = Node::of(list, level, path.node, span.inside);
            let first = list.first_row(level, path.node);
            let (child, [here, next]) = if level == 0 {
                let ends = [path.low, path.high].map(|rank| End::new(&tree.low[first..], rank));
                let guess = guess_low::<B>(&ends, node, path.guess as usize, *position);
                child_of::<B, _, _>(&ends, node, guess, *position)
            } else {
                let ends = [path.low, path.high].map(|rank| End::new(&tree.high[first..], rank));
                let [low, high] = ends.each_ref().map(|end| &end.row.before[..]);
                let counts = Ends::new([low, high], span.inside, 1 << node.child_bits);
                let guess = counts.place_of(*position, node.children(), path.guess as usize);
                child_of::<B, _, _>(&ends, node, guess, *position)
            };
            *position -= node.part(child, here[1] - here[0]);
            *path = Path {
                node: path.node << ARITY_BITS | child as u32,
                low: next[0] - here[0],
                high: next[1] - here[1],
                guess: 0,
            };
            tree.ask_for(list, level, path, *position, span.inside);
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
