//! A node of the tree over a list with many different times: the ranks by time of its entries, dealt out to 256 children.
//!
//! Checkpoints stand every so many ranks. Each knows how many entries of smaller ranks lie before each child, and to which
//! child each of the ranks around it belongs, from half a stride before it to half a stride behind. So the one nearest to
//! a rank has all the ranks in between with it, in one place in memory. With a stride of 128:
//!
//! ```text
//! rank            0      64     128    192    256    320    384
//!                 |       |       |      |       |      |      |
//! checkpoint      0               1              2             3
//! children  [-----0-------)[------1------)[------2------)[-----3---
//!             (none)  ^             ^  ^
//!                     |             |  rank 150, place 86: the count at 1 and those of the ranks 128..150
//!                     |             rank 100, place 36: the count at 1 less those of the ranks 100..128
//!                     rank 20, place 84: the count at 0, which is nothing, and those of the ranks 0..20
//! ```
//!
//! A rank's place among the children that its checkpoint keeps is counted from the bracket: the checkpoint itself stands
//! in the middle, at half a stride. Where a node ends before its last checkpoint, the ranks that are missing up to there
//! stand in the counts, and among the children, as entries of the first child. What is asked for lies before them, and so
//! takes them off again.
#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use crate::error::Error;
use crate::near::counts::Nearest;
use crate::near::search::PartCounts;
use crate::support::memory::prefetch;
use crate::support::pauses::{ENTRIES, Pauses};
use crate::support::simd::{Bits, LINE, Values};
use crate::support::store::Plain;

pub(crate) const ARITY_BITS: u32 = 8;
pub(crate) const ARITY: usize = 1 << ARITY_BITS;

/// What is known at one rank of a node, in counts of the width `C`; `STRIDE` ranks lie between two of them.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Checkpoint<C, const STRIDE: usize> {
    /// How many entries of smaller ranks lie in the children before each.
    before: [C; ARITY],
    /// The child of the entry of each of the ranks around.
    children: [u8; STRIDE],
}

/// A node of the lowest level has 2^16 entries: its counts fit 16 bits.
pub(crate) type Low = Checkpoint<u16, 128>;
pub(crate) type High = Checkpoint<u32, 512>;

// SAFETY: 256 counts and a byte for each rank are whole lines, so no byte of them is padding.
#[allow(unsafe_code)]
unsafe impl Plain for Low {
    const NUMBERS: (&'static str, usize) = ("U8", size_of::<Low>());
}

// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Plain for High {
    const NUMBERS: (&'static str, usize) = ("U8", size_of::<High>());
}

const _: () = assert!(size_of::<Low>() == 2 * ARITY + 128 && size_of::<High>() == 4 * ARITY + 512);

impl<C: Copy + Default + Into<u32>, const STRIDE: usize> Checkpoint<C, STRIDE> {
    pub(crate) fn empty() -> Self {
        Self {
            before: [C::default(); ARITY],
            children: [0; STRIDE],
        }
    }

    /// The checkpoint of a rank, and the rank's place among those around.
    #[inline(always)]
    fn of(rank: u32) -> (usize, usize) {
        let moved = rank as usize + STRIDE / 2;
        (moved / STRIDE, moved % STRIDE)
    }

    /// Checkpoints of a node.
    pub(crate) fn number(entries: usize) -> usize {
        Self::of(entries as u32).0 + 1
    }

    /// Writes down how many entries lie before each child.
    fn lead(&mut self, counts: &[u32; ARITY], more_in_first: u32, narrow: impl Fn(u32) -> C) {
        let (mut sum, mut more) = (0, more_in_first);
        for (before, count) in self.before.iter_mut().zip(counts) {
            *before = narrow(sum);
            sum += count + std::mem::take(&mut more);
        }
    }
}

/// What of a node does not depend on its entries.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    /// Entries of the node.
    pub(crate) size: usize,
    /// Bits of a place that lie below a child.
    pub(crate) child_bits: u32,
    /// Whether the entries inside a range of ranks are meant.
    pub(crate) inside: bool,
}

impl Node {
    /// Entries of the part, of `near` in the range, before a child.
    #[inline(always)]
    pub(crate) fn part(&self, child: usize, near: u32) -> u32 {
        if self.inside {
            near
        } else {
            (child << self.child_bits).min(self.size) as u32 - near
        }
    }

    #[inline(always)]
    pub(crate) fn children(&self) -> usize {
        self.size.div_ceil(1 << self.child_bits)
    }
}

/// A range of ranks of a node.
#[derive(Clone, Copy)]
pub(crate) struct Ranks<'a, C, const STRIDE: usize> {
    node: Node,
    low: RangeEnd<'a, C, STRIDE>,
    high: RangeEnd<'a, C, STRIDE>,
}

/// One end of a range of ranks: the checkpoint that is near it, and the ranks in between.
#[derive(Clone, Copy)]
struct RangeEnd<'a, C, const STRIDE: usize> {
    rank: u32,
    checkpoint: &'a Checkpoint<C, STRIDE>,
    nearest: Nearest,
}

/// How many entries below each end of a range lie before a child.
pub(crate) type Below = [u32; 2];

impl<'a, C: Copy + Default + Into<u32>, const STRIDE: usize> Ranks<'a, C, STRIDE> {
    #[inline(always)]
    pub(crate) fn new(checkpoints: &'a [Checkpoint<C, STRIDE>], node: Node, low: u32, high: u32) -> Self {
        Self {
            node,
            low: RangeEnd::new(checkpoints, low),
            high: RangeEnd::new(checkpoints, high),
        }
    }

    /// Entries of the part before each child, if there were no ranks between the ends and their checkpoints.
    #[inline(always)]
    fn at_checkpoints(&self) -> PartCounts<'a, C> {
        let counts = [&self.low, &self.high].map(|end| &end.checkpoint.before[..]);
        PartCounts::new(counts, self.node.inside, 1 << self.node.child_bits)
    }

    /// Asks for what is read when a position turns to the child `guess` or one around it.
    #[inline(always)]
    pub(crate) fn ask_for(&self, guess: usize) {
        self.at_checkpoints().ask_for(guess, self.node.children());
        for end in [&self.low, &self.high] {
            let (from, to) = (end.nearest.from as usize, end.nearest.to as usize);
            for line in (from / LINE..=(to - 1) / LINE).take(STRIDE / 2 / LINE) {
                prefetch(&end.checkpoint.children, line * LINE);
            }
        }
    }

    /// Ranks in the range.
    #[inline(always)]
    fn near(&self) -> u32 {
        self.high.rank - self.low.rank
    }

    /// The child that a position falls to, looked for from `guess` on, and what lies before it and before the next.
    #[inline(always)]
    fn child(&self, bits: impl Bits, guess: usize, position: u32) -> (usize, [Below; 2]) {
        let children = self.node.children();
        let (mut child, mut from, mut to, mut least) = (guess, 0, children, 1);
        loop {
            let (low, high) = (self.low.count(bits, child), self.high.count(bits, child));
            let [here, next] = [0, 1].map(|which| self.node.part(child + which, high[which] - low[which]));
            let (back, off) = if here > position {
                to = child;
                (true, here - position)
            } else if next <= position {
                from = child + 1;
                (false, position - next)
            } else {
                return (child, [[low[0], high[0]], [low[1], high[1]]]);
            };
            // Only counts that contradict one another lead past all children.
            assert!(from < to, "the counts of a node contradict one another");
            // On by as many children as the rest spreads over if evenly, further each time; where that is too far, into the
            // middle of what is left.
            let near = self.near();
            let population = if self.node.inside {
                near
            } else {
                self.node.size as u32 - near
            };
            let off = (u64::from(off) * children as u64 / u64::from(population)) as usize + least;
            least *= 2;
            child = if off > to - from {
                from.midpoint(to)
            } else if back {
                to - off
            } else {
                from + off - 1
            };
        }
    }
}

impl Ranks<'_, u16, 128> {
    /// The child that a position falls to, and what lies before it and before the next.
    #[inline(always)]
    pub(crate) fn find(&self, bits: impl Bits, guess: usize, position: u32) -> (usize, [Below; 2]) {
        if self.node.inside && self.near() as usize <= LINE {
            return self.find_among_few(bits, position);
        }
        let children = self.node.children();
        let between = self.high.nearest.between() - self.low.nearest.between();
        let between = if self.node.inside { between } else { -between };
        // The ranks in between are taken as spread evenly, in parts of 256 a child; where children are few they may be left
        // out.
        let slope = if children == ARITY { between } else { 0 };
        let guess = self
            .at_checkpoints()
            .about_place(bits, position, children, guess, slope);
        self.child(bits, guess, position)
    }

    /// The same in a range of so few ranks that counts tell little: the child is the one of a place among theirs, sorted.
    #[inline(always)]
    fn find_among_few(&self, bits: impl Bits, position: u32) -> (usize, [Below; 2]) {
        let (_, place) = Low::of(self.low.rank);
        // The line from the lower end on, or the last one that its checkpoint keeps, and the first that the next one does.
        let start = place.min(LINE);
        let (skipped, end) = ((place - start) as u32, place as u32 + self.near());
        let (Some(here), Some(behind)) = (
            self.low.checkpoint.children[start..].first_chunk(),
            self.high.checkpoint.children.first_chunk(),
        ) else {
            return (0, [[0; 2]; 2]);
        };
        let few = Few {
            lines: [here, behind],
            ranks: [
                lowest((skipped + self.near()).min(LINE as u32)) & !lowest(skipped),
                lowest(end.saturating_sub(128)),
            ],
        };
        let mut child = 0;
        for bit in (0..ARITY_BITS).rev() {
            let next = child | 1 << bit;
            child = if few.before(bits, next) <= position {
                next
            } else {
                child
            };
        }
        let before = if child == 0 { 0 } else { few.before(bits, child) };
        let low = self.low.count(bits, child);
        let high = [low[0] + before, low[1] + few.before(bits, child + 1)];
        (child, [[low[0], high[0]], [low[1], high[1]]])
    }
}

/// The children of a few ranks, in two lines.
#[derive(Clone, Copy)]
struct Few<'a> {
    lines: [&'a [u8; LINE]; 2],
    /// Which of the bytes are of the ranks.
    ranks: [u64; 2],
}

impl Few<'_> {
    /// How many of them lie before `child`, which is not the first.
    #[inline(always)]
    fn before(&self, bits: impl Bits, child: usize) -> u32 {
        let values = Values {
            first: 0,
            extra: (child - 1) as u8,
        };
        bits.count(bits.among(self.lines[0], values) & self.ranks[0])
            + bits.count(bits.among(self.lines[1], values) & self.ranks[1])
    }
}

impl Ranks<'_, u32, 512> {
    /// The child that a position falls to, and what lies before it and before the next.
    #[inline(always)]
    pub(crate) fn find(&self, bits: impl Bits, guess: usize, position: u32) -> (usize, [Below; 2]) {
        let guess = self.at_checkpoints().place(position, self.node.children(), guess);
        self.child(bits, guess, position)
    }
}

impl<'a, C: Copy + Default + Into<u32>, const STRIDE: usize> RangeEnd<'a, C, STRIDE> {
    #[inline(always)]
    fn new(checkpoints: &'a [Checkpoint<C, STRIDE>], rank: u32) -> Self {
        let nearest = Nearest::new(rank, STRIDE.trailing_zeros(), usize::MAX);
        Self {
            rank,
            checkpoint: &checkpoints[nearest.checkpoint],
            nearest,
        }
    }

    /// Entries below the end that lie before `child`, and before the next one.
    #[inline(always)]
    fn count(&self, bits: impl Bits, child: usize) -> [u32; 2] {
        let half = if self.nearest.behind { STRIDE / 2 } else { 0 };
        let (mut before, mut within) = (0, 0);
        for line in 0..STRIDE / 2 / LINE {
            let start = half + line * LINE;
            let Some(children) = self.checkpoint.children[start..].first_chunk() else {
                continue;
            };
            let [from, to] =
                [self.nearest.from, self.nearest.to].map(|end| end.saturating_sub(start as u32).min(LINE as u32));
            let between = lowest(to) & !lowest(from);
            // No child is before the first, and at least one value is asked for.
            let less = if child == 0 {
                0
            } else {
                let extra = child as u8 - 1;
                bits.among(children, Values { first: 0, extra })
            };
            let same = Values {
                first: child as u8,
                extra: 0,
            };
            before += bits.count(less & between);
            within += bits.count(bits.among(children, same) & between);
        }
        let at = &self.checkpoint.before;
        let here = self.nearest.count(at[child].into(), before);
        let next = if child + 1 < ARITY {
            self.nearest.count(at[child + 1].into(), before + within)
        } else {
            self.rank
        };
        [here, next]
    }
}

/// The lowest `count` bits, up to all 64.
#[inline(always)]
fn lowest(count: u32) -> u64 {
    // Shifted in two steps, as a shift by all 64 bits is none.
    !((!0 << (count / 2)) << (count - count / 2))
}

/// Notes which child of a node each place falls to, and hands the places on to the children.
pub(crate) fn deal<C: Copy + Default + Into<u32>, const STRIDE: usize, E: From<Error>>(
    checkpoints: &mut [Checkpoint<C, STRIDE>],
    from: &[u32],
    to: &mut [u32],
    child_bits: u32,
    narrow: impl Fn(u32) -> C,
    pauses: &mut Pauses<'_, E>,
) -> Result<(), E> {
    let mut counts = [0_u32; ARITY];
    for (half, places) in from.chunks(STRIDE / 2).enumerate() {
        // The first half of a checkpoint's children are those of the ranks below it.
        let checkpoint = &mut checkpoints[half.div_ceil(2)];
        let start = if half % 2 == 0 {
            checkpoint.lead(&counts, 0, &narrow);
            STRIDE / 2
        } else {
            0
        };
        for (told, &place) in checkpoint.children[start..].iter_mut().zip(places) {
            let child = (place >> child_bits) as usize % ARITY;
            *told = child as u8;
            to[(child << child_bits) + counts[child] as usize] = place;
            counts[child] += 1;
        }
        pauses.after(places.len())?;
    }
    let (last, _) = Checkpoint::<C, STRIDE>::of(from.len() as u32);
    if let Some(missing) = (last * STRIDE).checked_sub(from.len()) {
        checkpoints[last].lead(&counts, missing as u32, &narrow);
    }
    Ok(())
}

/// Undoes [`deal`]: brings the places of a node's children back into the order of their times.
pub(crate) fn gather<C: Copy + Default + Into<u32>, const STRIDE: usize, E: From<Error>>(
    checkpoints: &[Checkpoint<C, STRIDE>],
    from: &[u32],
    to: &mut [u32],
    child_bits: u32,
    pauses: &mut Pauses<'_, E>,
) -> Result<(), E> {
    let mut next: [usize; ARITY] = std::array::from_fn(|child| child << child_bits);
    for (start, to) in (0..).step_by(ENTRIES).zip(to.chunks_mut(ENTRIES)) {
        for (rank, place) in (start..).zip(&mut *to) {
            let (checkpoint, at) = Checkpoint::<C, STRIDE>::of(rank);
            let next = &mut next[checkpoints[checkpoint].children[at] as usize];
            *place = from[*next];
            *next += 1;
        }
        pauses.after(to.len())?;
    }
    Ok(())
}
