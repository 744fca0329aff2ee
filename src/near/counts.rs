//! How a sequence of members is dealt out to children: how many of the first so many belong to each.
//!
//! Counts are kept at checkpoints, every so many members, and of each member the child that it belongs to. The members
//! between the nearest checkpoint and the one asked for are looked at.
#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use crate::error::Error;
use crate::support::arrays::{Arrays, Source};
use crate::support::memory::{LINE, filled, prefetch, push};
use crate::support::pauses::Pauses;
use crate::support::simd::{Bits, Search, Values, on_this_processor};
use crate::support::store::Store;

/// Lines of an array that are asked for ahead at most: those behind them are read in order, and come by themselves.
const LINES: usize = 16;
/// Children that are few.
const FEW: usize = 8;

/// The checkpoint that is nearest to a member, and the members in between.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nearest {
    /// Its number.
    pub(crate) checkpoint: usize,
    /// The members in between, counted from half a stride before the checkpoint.
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// Whether they lie behind the checkpoint.
    pub(crate) behind: bool,
}

impl Nearest {
    /// Of the checkpoints that stand every 2^`stride_bits` members, up to the `last`-th.
    #[inline(always)]
    pub(crate) fn new(member: u32, stride_bits: u32, last: usize) -> Self {
        let middle: u32 = 1 << (stride_bits - 1);
        let moved = member as usize + middle as usize;
        let checkpoint = (moved >> stride_bits).min(last);
        let place = (moved - (checkpoint << stride_bits)) as u32;
        Self {
            checkpoint,
            from: middle.min(place),
            to: middle.max(place),
            behind: place >= middle,
        }
    }

    /// Members in between, below zero where they lie before the checkpoint.
    #[inline(always)]
    pub(crate) fn between(&self) -> i32 {
        let between = (self.to - self.from) as i32;
        if self.behind { between } else { -between }
    }

    /// A count at the member: that at the checkpoint, and those of the members in between that count.
    #[inline(always)]
    pub(crate) fn count(&self, at_checkpoint: u32, between: u32) -> u32 {
        if self.behind {
            at_checkpoint + between
        } else {
            at_checkpoint - between
        }
    }
}

/// The members of several sequences, one sequence's after another.
#[derive(Clone, Debug)]
pub(crate) struct ChildCounts {
    sequences: Vec<Sequence>,
    /// The largest number of children of a sequence.
    most_children: usize,
    /// At each checkpoint, for each child: the members so far that belong to the children before.
    before: Store<u32>,
    /// The child of each member, in one byte or, where there are more children, in two or four.
    children: Store<u8>,
}

/// One sequence.
#[derive(Clone, Copy, Debug)]
struct Sequence {
    len: usize,
    /// Number of its children.
    width: usize,
    stride_bits: u32,
    /// Where its counts and members begin.
    before: usize,
    children: usize,
}

impl Sequence {
    fn new(len: usize, width: usize) -> Self {
        Self {
            len,
            width,
            // The counts of a checkpoint take up to two bytes a member.
            stride_bits: (2 * width).next_power_of_two().trailing_zeros().clamp(8, 31),
            before: 0,
            children: 0,
        }
    }

    /// Bytes of a member.
    #[inline]
    fn bytes(&self) -> usize {
        match self.width {
            0..=0x100 => 1,
            0x101..=0x1_0000 => 2,
            _ => 4,
        }
    }

    /// Members between two checkpoints.
    #[inline]
    fn stride(&self) -> usize {
        1 << self.stride_bits
    }

    /// Number of the last checkpoint.
    #[inline]
    fn last(&self) -> usize {
        self.len >> self.stride_bits
    }

    #[inline]
    fn nearest(&self, member: u32) -> Nearest {
        Nearest::new(member, self.stride_bits, self.last())
    }
}

#[inline]
fn number_of(child: &[u8]) -> usize {
    match *child {
        [one] => one.into(),
        [low, high] => u16::from_le_bytes([low, high]).into(),
        [a, b, c, d] => u32::from_le_bytes([a, b, c, d]) as usize,
        _ => 0,
    }
}

impl ChildCounts {
    /// Sequences of `(members, children)`, whose arrays are of `name`.
    pub(crate) fn new<E: From<Error>>(
        name: &str,
        sequences: impl Iterator<Item = (usize, usize)>,
        source: &mut impl Source<E>,
    ) -> Result<Self, E> {
        let (mut cut, mut most_children) = (Vec::new(), 0);
        let (mut before, mut children) = (0, 0);
        for (len, width) in sequences {
            let sequence = Sequence {
                before,
                children,
                ..Sequence::new(len, width)
            };
            before += (sequence.last() + 1) * width;
            children += len * sequence.bytes();
            most_children = most_children.max(width);
            push(&mut cut, sequence)?;
        }
        Ok(Self {
            sequences: cut,
            most_children,
            before: source.array(format_args!("{name}.before"), before, 0)?,
            children: source.array(format_args!("{name}.children"), children, 0)?,
        })
    }

    pub(crate) fn arrays<'a>(&'a self, name: &str, to: &mut Arrays<'a>) {
        to.add(format!("{name}.before"), &self.before);
        to.add(format!("{name}.children"), &self.children);
    }

    /// Writes a sequence down. Calls `visit(member, child, number)` for each, which is the child's `number`-th.
    pub(crate) fn fill<E: From<Error>>(
        &mut self,
        number: usize,
        members: &[u32],
        child_of: impl Fn(u32) -> usize,
        mut visit: impl FnMut(u32, usize, usize),
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        let sequence = self.sequences[number];
        let (stride, bytes) = (sequence.stride(), sequence.bytes());
        let mut counts: Vec<u32> = filled(sequence.width, 0)?;
        let mut told = self.children.written()[sequence.children..].chunks_exact_mut(bytes);
        // The last checkpoint may have no members behind it, and is asked for all the same.
        let mut strides = members.chunks(stride).chain(std::iter::once(&[] as &[u32]));
        for before in self.before.written()[sequence.before..]
            .chunks_exact_mut(sequence.width)
            .take(sequence.last() + 1)
        {
            let mut sum = 0;
            for (before, &count) in before.iter_mut().zip(&counts) {
                *before = sum;
                sum += count;
            }
            for (&member, told) in strides.next().unwrap_or_default().iter().zip(&mut told) {
                let child = child_of(member);
                told.copy_from_slice(&(child as u32).to_le_bytes()[..bytes]);
                visit(member, child, counts[child] as usize);
                counts[child] += 1;
            }
            pauses.after(stride)?;
        }
        Ok(())
    }

    /// The largest number of children of a sequence.
    pub(crate) fn most_children(&self) -> usize {
        self.most_children
    }

    /// Number of children of a sequence.
    pub(crate) fn width(&self, number: usize) -> usize {
        self.sequences[number].width
    }

    /// The child of every member of a sequence.
    pub(crate) fn children(&self, number: usize) -> impl Iterator<Item = usize> + Clone {
        let sequence = self.sequences[number];
        let end = sequence.children + sequence.len * sequence.bytes();
        self.children[sequence.children..end]
            .chunks_exact(sequence.bytes())
            .map(number_of)
    }

    /// The bytes of the members between one and its nearest checkpoint.
    #[inline]
    fn between(&self, sequence: &Sequence, nearest: &Nearest) -> &[u8] {
        let (stride, bytes) = (sequence.stride(), sequence.bytes());
        let [from, to] = [nearest.from, nearest.to].map(|end| {
            let member = nearest.checkpoint * stride + end as usize - stride / 2;
            sequence.children + member * bytes
        });
        &self.children[from..to]
    }

    /// The counts at a checkpoint of a sequence.
    #[inline]
    fn at(&self, sequence: &Sequence, nearest: &Nearest) -> &[u32] {
        &self.before[sequence.before + nearest.checkpoint * sequence.width..][..sequence.width]
    }

    /// Asks for what is read to count up to each of some members.
    pub(crate) fn ask_for(&self, number: usize, members: [u32; 2]) {
        let sequence = &self.sequences[number];
        for member in members {
            let nearest = sequence.nearest(member);
            for children in self.between(sequence, &nearest).chunks(LINE).take(LINES) {
                prefetch(children, children.len() - 1);
                prefetch(children, 0);
            }
            for before in self.at(sequence, &nearest).chunks(LINE / size_of::<u32>()).take(LINES) {
                prefetch(before, 0);
            }
        }
    }

    /// How many of the first `member` members belong to the children before each, and last to all.
    pub(crate) fn count_all(&self, number: usize, member: u32, counts: &mut Vec<u32>) {
        let sequence = &self.sequences[number];
        let nearest = sequence.nearest(member);
        // A place late, so that the running sum is that of the children before.
        counts.clear();
        counts.resize(sequence.width + 1, 0);
        if sequence.width <= FEW {
            on_this_processor(CountFew {
                members: self.between(sequence, &nearest),
                before: self.at(sequence, &nearest),
                nearest,
                counts,
            });
            counts[sequence.width] = member;
            return;
        }
        let between = self.between(sequence, &nearest);
        let mut count = |child: usize| counts[child + 1] += 1;
        // A loop for each width: one for all would ask for it again at each member.
        match sequence.bytes() {
            1 => between.iter().for_each(|&child| count(child.into())),
            2 => between.chunks_exact(2).for_each(|child| count(number_of(child))),
            _ => between.chunks_exact(4).for_each(|child| count(number_of(child))),
        }
        let mut sum = 0;
        for (count, &before) in counts.iter_mut().zip(self.at(sequence, &nearest)) {
            sum += *count;
            *count = nearest.count(before, sum);
        }
        counts[sequence.width] = member;
    }

    /// How many of the first `member` members belong to one child.
    pub(crate) fn count(&self, number: usize, member: u32, child: usize) -> u32 {
        let sequence = &self.sequences[number];
        let nearest = sequence.nearest(member);
        let members = self.between(sequence, &nearest).chunks_exact(sequence.bytes());
        let between = members.filter(|one| number_of(one) == child).count();
        let before = self.at(sequence, &nearest);
        let all = (nearest.checkpoint * sequence.stride()) as u32;
        let next = before.get(child + 1).copied().unwrap_or(all);
        nearest.count(next - before[child], between as u32)
    }
}

/// Counts members of so few children, of one byte each, that they are looked at once for each child, many together.
struct CountFew<'a> {
    members: &'a [u8],
    before: &'a [u32],
    nearest: Nearest,
    counts: &'a mut [u32],
}

impl Search for CountFew<'_> {
    #[inline(always)]
    fn run<B: Bits>(self, bits: B) {
        self.counts[..self.before.len()].copy_from_slice(self.before);
        for members in self.members.chunks(LINE) {
            let mut line = [u8::MAX; LINE];
            line[..members.len()].copy_from_slice(members);
            for (extra, count) in (0..).zip(self.counts[..self.before.len()].iter_mut().skip(1)) {
                let between = bits.count(bits.among(&line, Values { first: 0, extra }));
                *count = self.nearest.count(*count, between);
            }
        }
    }
}
