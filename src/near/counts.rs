//! How a sequence of members is split over children: how many of the first so many belong to each.
//!
//! Counts are kept for every so many members, and of each member to which child it belongs; the members between the nearest
//! counts and the one asked for are looked at.

use crate::error::Error;
use crate::support::memory::{filled, grow, push};

/// The members of several sequences, one sequence's after another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Splits {
    sequences: Vec<Split>,
    /// For every so many members, and for each child: those of the members before that belong to the children before.
    before: Vec<u32>,
    /// The child of each member, in one byte or, where there are more children, in two or four.
    children: Vec<u8>,
}

/// One sequence.
#[derive(Clone, Copy, Debug)]
struct Split {
    len: usize,
    width: usize,
    /// Where its counts and members begin.
    before: usize,
    children: usize,
}

impl Split {
    #[inline]
    fn bytes(&self) -> usize {
        match self.width {
            0..=0x100 => 1,
            0x101..=0x1_0000 => 2,
            _ => 4,
        }
    }

    /// Members between two counts: these take up to two bytes a member.
    #[inline]
    fn stride(&self) -> usize {
        (2 * self.width).next_power_of_two().max(256)
    }

    fn rows(&self) -> usize {
        self.len / self.stride() + 1
    }

    /// The counts nearest to those of the first `member` members: their number, and how many members they are of.
    #[inline]
    fn nearest(&self, member: usize) -> (usize, usize) {
        let row = ((member + self.stride() / 2) / self.stride()).min(self.rows() - 1);
        (row, row * self.stride())
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

impl Splits {
    /// Makes room for sequences of `(members, children)`.
    pub(crate) fn new(sequences: impl Iterator<Item = (usize, usize)>) -> Result<Self, Error> {
        let mut new = Self::default();
        let (mut before, mut children) = (0, 0);
        for (len, width) in sequences {
            let split = Split {
                len,
                width,
                before,
                children,
            };
            before += split.rows() * width;
            children += len * split.bytes();
            push(&mut new.sequences, split)?;
        }
        grow(&mut new.before, before)?;
        grow(&mut new.children, children)?;
        Ok(new)
    }

    /// Writes a sequence down. Calls `visit(member, child, number)` for each, which is the child's `number`-th.
    pub(crate) fn fill(
        &mut self,
        number: usize,
        members: &[u32],
        child_of: impl Fn(u32) -> usize,
        mut visit: impl FnMut(u32, usize, usize),
    ) -> Result<(), Error> {
        let split = self.sequences[number];
        let (stride, bytes) = (split.stride(), split.bytes());
        let mut counts: Vec<u32> = filled(split.width, 0)?;
        let mut told = self.children[split.children..].chunks_exact_mut(bytes);
        // The last counts may have no members behind them, and are asked for all the same.
        let mut strides = members.chunks(stride).chain(std::iter::once(&[] as &[u32]));
        for before in self.before[split.before..]
            .chunks_exact_mut(split.width)
            .take(split.rows())
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
        }
        Ok(())
    }

    /// The largest number of children of a sequence.
    pub(crate) fn most_children(&self) -> usize {
        self.sequences.iter().map(|split| split.width).max().unwrap_or(0)
    }

    /// The child of every member of a sequence.
    pub(crate) fn children(&self, number: usize) -> impl Iterator<Item = usize> {
        let split = self.sequences[number];
        self.between(&split, 0, split.len).map(number_of)
    }

    fn between(&self, split: &Split, from: usize, to: usize) -> std::slice::ChunksExact<'_, u8> {
        let bytes = split.bytes();
        self.children[split.children + from * bytes..split.children + to * bytes].chunks_exact(bytes)
    }

    /// How many of the first `member` members belong to the children before each, and last to all.
    pub(crate) fn count_all(&self, number: usize, member: u32, counts: &mut Vec<u32>) {
        let split = &self.sequences[number];
        let member = member as usize;
        let (row, middle) = split.nearest(member);
        // A place late, so that the running sum is that of the children before.
        counts.clear();
        counts.resize(split.width + 1, 0);
        for child in self.between(split, middle.min(member), middle.max(member)) {
            counts[number_of(child) + 1] += 1;
        }
        let before = &self.before[split.before + row * split.width..][..split.width];
        let mut sum = 0;
        for (count, &before) in counts.iter_mut().zip(before) {
            sum += *count;
            *count = if middle <= member { before + sum } else { before - sum };
        }
        counts[split.width] = member as u32;
    }

    /// How many of the first `member` members belong to one child.
    pub(crate) fn count(&self, number: usize, member: u32, child: usize) -> u32 {
        let split = &self.sequences[number];
        let member = member as usize;
        let (row, middle) = split.nearest(member);
        let (from, to) = (middle.min(member), middle.max(member));
        let between = if split.bytes() == 1 {
            let children = &self.children[split.children + from..split.children + to];
            children.iter().map(|&one| usize::from(one == child as u8)).sum()
        } else {
            self.between(split, from, to)
                .filter(|one| number_of(one) == child)
                .count()
        };
        let before = &self.before[split.before + row * split.width..][..split.width];
        let next = before.get(child + 1).map_or(middle, |&before| before as usize);
        let counted = next - before[child] as usize;
        (if middle <= member {
            counted + between
        } else {
            counted - between
        }) as u32
    }
}
