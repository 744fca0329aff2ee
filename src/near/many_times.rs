//! Rows near a time by position, in lists with many different times.
//!
//! A tree over the entries of a list: leaves of 2^8 neighbouring entries, nodes of 256 children, and a root with as many
//! children as it takes. The entries near a focal time are those whose ranks by time lie in one range, and in every node
//! they are again those of one range of ranks among the node's own: the ranges of its children follow from it. A leaf holds
//! the rank of each of its entries. The root's children are worked out once for all positions. Each position is then
//! followed down to a leaf, all positions one level at a time, so that what the next level reads is asked for ahead. A child
//! is guessed from its node's counts alone, the ranks in between taken as spread evenly; then those are looked at, and the
//! guess moved on where it was wrong.
//!
//! ```text
//! level              root       any number of children, counted by ChildCounts
//!                   /  | \
//!   1            node node ...  2^24 entries each, in lists of more than 2^26
//!               /  |  \
//!   0        node node ...      2^16 entries each, in lists of more than 2^17
//!           /  |  \
//!       leaf leaf leaf ...      2^8 entries each
//! ```
#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use crate::error::Error;
use crate::near::counts::ChildCounts;
use crate::near::node::{ARITY_BITS, Below, High, Low, Ranks, deal, gather};
use crate::near::part::Part;
use crate::near::search::{EvenSpread, PartCounts};
use crate::near::shape::{LEAF, LEAF_BITS, Shape};
use crate::near::short::wanted;
use crate::support::arrays::{Arrays, Source};
use crate::support::memory::{LINE, Line, bytes, bytes_mut, collected, prefetch, room};
use crate::support::pauses::{ENTRIES, Pauses};
use crate::support::simd::{Bits, Search, nth_among, on_this_processor};
use crate::support::store::Store;

/// Lists with any number of different times.
#[derive(Clone, Debug)]
pub(crate) struct ManyTimes {
    lists: Vec<Shape>,
    /// The rank of every entry in its leaf, one list's after another, each filled up to whole leaves.
    ranks: Store<Line>,
    /// The checkpoints of all nodes of level 0, one list's after another, and those of all of level 1.
    low: Store<Low>,
    high: Store<High>,
    /// The ranks of every list over the children of its root.
    roots: ChildCounts,
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

impl Path {
    /// At a node, by what lies before it and before the next in the node that it is a child of.
    #[inline(always)]
    fn at(node: u32, [here, next]: [Below; 2]) -> Self {
        Self {
            node,
            low: next[0] - here[0],
            high: next[1] - here[1],
            guess: 0,
        }
    }
}

impl ManyTimes {
    /// Lists of so many entries, each more than none.
    pub(crate) fn new<E: From<Error>>(lists: &[usize], source: &mut impl Source<E>) -> Result<Self, E> {
        let mut shapes = room(lists.len())?;
        let mut next = Shape::new(0);
        for &len in lists {
            let list = Shape {
                len,
                levels: Shape::new(len).levels,
                ..next
            };
            next.ranks += len.next_multiple_of(LEAF);
            for (level, checkpoints) in next.checkpoints.iter_mut().enumerate() {
                *checkpoints += list.all_checkpoints(level);
            }
            shapes.push(list);
        }
        Ok(Self {
            ranks: source.array("many_times.ranks", next.ranks / LINE, Line([0; LINE]))?,
            low: source.array("many_times.low", next.checkpoints[0], Low::empty())?,
            high: source.array("many_times.high", next.checkpoints[1], High::empty())?,
            roots: ChildCounts::new(
                "many_times.roots",
                shapes.iter().map(|list| (list.len, list.width())),
                source,
            )?,
            lists: shapes,
        })
    }

    pub(crate) fn arrays<'a>(&'a self, to: &mut Arrays<'a>) {
        to.add("many_times.ranks", &self.ranks);
        to.add("many_times.low", &self.low);
        to.add("many_times.high", &self.high);
        self.roots.arrays("many_times.roots", to);
    }

    /// Fills a list. `by_time` holds its places by time, and is used up; `other` is memory of the same length.
    pub(crate) fn fill<'a, E: From<Error>>(
        &mut self,
        number: usize,
        mut by_time: &'a mut [u32],
        mut other: &'a mut [u32],
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        let list = self.lists[number];
        // Level by level the places of every node are dealt to its children, each child's in the order of their times.
        let bits = list.root_bits();
        self.roots.fill(
            number,
            by_time,
            |place| (place >> bits) as usize,
            |place, child, before| other[(child << bits) + before] = place,
            pauses,
        )?;
        for level in (0..list.levels).rev() {
            std::mem::swap(&mut by_time, &mut other);
            for (node, start) in (0..).zip((0..list.len).step_by(1 << Shape::bits(level))) {
                let end = start + list.size(level, node);
                let (from, to) = (&by_time[start..end], &mut other[start..end]);
                let first = list.first_checkpoint(level, node);
                let child_bits = Shape::bits(level) - ARITY_BITS;
                if level == 0 {
                    deal(
                        &mut self.low.written()[first..],
                        from,
                        to,
                        child_bits,
                        |count| count as u16,
                        pauses,
                    )?;
                } else {
                    deal(
                        &mut self.high.written()[first..],
                        from,
                        to,
                        child_bits,
                        |count| count,
                        pauses,
                    )?;
                }
            }
        }
        let ranks = &mut bytes_mut(self.ranks.written())[list.ranks..];
        for (leaf, places) in other.chunks(LEAF).enumerate() {
            for (rank, &place) in places.iter().enumerate() {
                ranks[leaf * LEAF + place as usize % LEAF] = rank as u8;
            }
            pauses.after(places.len())?;
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
    pub(crate) fn by_time<E: From<Error>>(&self, number: usize, pauses: &mut Pauses<'_, E>) -> Result<Vec<u32>, E> {
        let list = self.lists[number];
        let mut places: Vec<u32> = pauses.filled(list.len, 0)?;
        let mut other: Vec<u32> = pauses.filled(list.len, 0)?;
        let ranks = &bytes(&self.ranks)[list.ranks..list.ranks + list.len];
        for (leaf, ranks) in (0..).step_by(LEAF).zip(ranks.chunks(LEAF)) {
            for (place, &rank) in (leaf..).zip(ranks) {
                places[leaf as usize + rank as usize] = place;
            }
            pauses.after(ranks.len())?;
        }
        for level in 0..list.levels {
            for (node, start) in (0..).zip((0..list.len).step_by(1 << Shape::bits(level))) {
                let end = start + list.size(level, node);
                let first = list.first_checkpoint(level, node);
                let (from, to) = (&places[start..end], &mut other[start..end]);
                let child_bits = Shape::bits(level) - ARITY_BITS;
                if level == 0 {
                    gather(&self.low[first..], from, to, child_bits, pauses)?;
                } else {
                    gather(&self.high[first..], from, to, child_bits, pauses)?;
                }
            }
            std::mem::swap(&mut places, &mut other);
        }
        let mut next = collected((0..list.width()).map(|child| child << list.root_bits()))?;
        let mut children = self.roots.children(number);
        for other in other.chunks_mut(ENTRIES) {
            for (other, child) in other.iter_mut().zip(&mut children) {
                let next = &mut next[child];
                *other = places[*next];
                *next += 1;
            }
            pauses.after(other.len())?;
        }
        Ok(other)
    }

    /// Asks for what the root's children are counted by, up to each of two ranks.
    pub(crate) fn ask_for(&self, number: usize, ranks: [u32; 2]) {
        self.roots.ask_for(number, ranks);
    }

    /// Replaces positions in a part of a list by positions in the list. The paths must have been given room.
    pub(crate) fn find(&self, number: usize, part: &Part, positions: &mut [u32], rows: &[u32], paths: &mut Paths) {
        self.roots.count_all(number, part.low, &mut paths.root[0]);
        self.roots.count_all(number, part.high, &mut paths.root[1]);
        on_this_processor(Find {
            tree: self,
            list: self.lists[number],
            part,
            positions,
            rows,
            paths,
        });
    }

    /// The range of ranks of a path that has reached a node of level 0.
    #[inline(always)]
    fn low(&self, list: &Shape, path: &Path, inside: bool) -> Ranks<'_, u16, 128> {
        let first = list.first_checkpoint(0, path.node);
        Ranks::new(&self.low[first..], list.node(0, path.node, inside), path.low, path.high)
    }

    /// The range of ranks of a path that has reached a node of a higher level.
    #[inline(always)]
    fn high(&self, list: &Shape, level: usize, path: &Path, inside: bool) -> Ranks<'_, u32, 512> {
        let first = list.first_checkpoint(level, path.node);
        let node = list.node(level, path.node, inside);
        Ranks::new(&self.high[first..], node, path.low, path.high)
    }
}

/// Finds entries of a part by position: the root's children, then node by node, then the entries of leaves.
///
/// In loops, not in closures: those might be compiled for the processor that all are compiled for.
struct Find<'a> {
    tree: &'a ManyTimes,
    list: Shape,
    part: &'a Part,
    positions: &'a mut [u32],
    rows: &'a [u32],
    paths: &'a mut Paths,
}

impl Search for Find<'_> {
    #[inline(always)]
    fn run<B: Bits>(mut self, bits: B) {
        self.leave_root();
        let few = self.part.inside
            && self.part.high - self.part.low <= (LINE * self.list.len.div_ceil(1 << Shape::bits(0))) as u32;
        for level in (0..self.list.levels).rev() {
            if level == 0 && few {
                self.leave_nodes_of_few(bits);
            } else {
                self.leave_nodes(bits, level);
            }
        }
        self.find_entries(bits);
    }
}

impl Find<'_> {
    /// Positions in the part become positions in the children of the root.
    #[inline(always)]
    fn leave_root(&mut self) {
        let (list, inside) = (self.list, self.part.inside);
        let width = list.width();
        let Paths { paths, root } = &mut *self.paths;
        let counts = PartCounts::new([&root[0], &root[1]], inside, 1 << list.root_bits());
        let spread = EvenSpread::new(self.part.population(list.len as u32), width);
        paths.resize(self.positions.len(), Path::default());
        for (path, position) in paths.iter_mut().zip(self.positions.iter_mut()) {
            let child = counts.place(*position, width, spread.place(*position));
            *position -= counts.before(child);
            let below = [child, child + 1].map(|child| [root[0][child], root[1][child]]);
            *path = Path::at(child as u32, below);
            ask_for(self.tree, &list, list.levels, path, *position, inside);
        }
    }

    /// Positions in nodes of a level become positions in their children.
    #[inline(always)]
    fn leave_nodes(&mut self, bits: impl Bits, level: usize) {
        let (tree, list, inside) = (self.tree, self.list, self.part.inside);
        for (path, position) in self.paths.paths.iter_mut().zip(self.positions.iter_mut()) {
            let guess = path.guess as usize;
            let found = if level == 0 {
                tree.low(&list, path, inside).find(bits, guess, *position)
            } else {
                tree.high(&list, level, path, inside).find(bits, guess, *position)
            };
            turn(tree, &list, level, path, position, found, inside);
        }
    }

    /// The same at level 0, where nodes have few entries inside the range.
    #[inline(always)]
    fn leave_nodes_of_few(&mut self, bits: impl Bits) {
        let (tree, list) = (self.tree, self.list);
        for (path, position) in self.paths.paths.iter_mut().zip(self.positions.iter_mut()) {
            let guess = path.guess as usize;
            let found = tree.low(&list, path, true).find_among_few(bits, guess, *position);
            turn(tree, &list, 0, path, position, found, true);
        }
    }

    /// Positions in leaves become positions in the list.
    #[inline(always)]
    fn find_entries(&mut self, bits: impl Bits) {
        let (tree, list) = (self.tree, self.list);
        for (path, position) in self.paths.paths.iter().zip(self.positions.iter_mut()) {
            let start = (path.node as usize) << LEAF_BITS;
            let ranks = &bytes(&tree.ranks)[list.ranks + start..list.ranks + start + LEAF];
            let wanted = wanted(path.low, path.high, self.part.inside);
            *position = (start + nth_among(bits, ranks, wanted, *position)) as u32;
            prefetch(self.rows, *position as usize);
        }
    }
}

/// Turns a position to the child that was found for it in a node of a level.
#[inline(always)]
fn turn(
    tree: &ManyTimes,
    list: &Shape,
    level: usize,
    path: &mut Path,
    position: &mut u32,
    (child, below): (usize, [Below; 2]),
    inside: bool,
) {
    let node = list.node(level, path.node, inside);
    *position -= node.part(child, below[0][1] - below[0][0]);
    *path = Path::at(path.node << ARITY_BITS | child as u32, below);
    ask_for(tree, list, level, path, *position, inside);
}

/// Guesses where a position will go on in the node or leaf that its path has reached, and asks for what is read there.
/// `level` counts the nodes' levels from there down.
#[inline(always)]
fn ask_for(tree: &ManyTimes, list: &Shape, level: usize, path: &mut Path, position: u32, inside: bool) {
    if level == 0 {
        let leaf = list.ranks + ((path.node as usize) << LEAF_BITS);
        for line in 0..LEAF / LINE {
            prefetch(&tree.ranks, leaf / LINE + line);
        }
        return;
    }
    let node = list.node(level - 1, path.node, inside);
    let near = path.high - path.low;
    let population = if inside { near } else { node.size as u32 - near };
    let children = node.children();
    if level == 1 {
        // Below 2^24, so a short division does.
        path.guess = position * children as u32 / population;
        tree.low(list, path, inside).ask_for(path.guess as usize);
    } else {
        path.guess = (u64::from(position) * children as u64 / u64::from(population)) as u32;
        tree.high(list, level - 1, path, inside).ask_for(path.guess as usize);
    }
}
