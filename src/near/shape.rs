//! How the tree over a list with many different times is cut: leaves, nodes, root.
#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use crate::near::node::{ARITY_BITS, High, Low, Node};

pub(crate) const LEAF_BITS: u32 = 8;
pub(crate) const LEAF: usize = 1 << LEAF_BITS;
/// Levels of nodes between the leaves and a root over 2^32 entries.
pub(crate) const LEVELS: usize = 2;
/// Lists up to this length have no nodes: their root's children are leaves.
pub(crate) const FLAT: usize = 1 << 17;
/// A root may have more children than a node, so that lists up to this length need one level of nodes only. In tests it is
/// less, as lists of so many rows would take them minutes.
pub(crate) const LOW: usize = if cfg!(test) { 1 << 20 } else { 1 << 26 };

/// The shape of a list's tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Entries of the list.
    pub(crate) len: usize,
    /// Levels of nodes between the root and the leaves.
    pub(crate) levels: usize,
    /// Where the list's leaves and checkpoints begin.
    pub(crate) ranks: usize,
    pub(crate) checkpoints: [usize; LEVELS],
}

impl Shape {
    pub(crate) fn new(len: usize) -> Self {
        Self {
            len,
            levels: usize::from(len > FLAT) + usize::from(len > LOW),
            ranks: 0,
            checkpoints: [0; LEVELS],
        }
    }

    /// Bits of a place that lie below a node of a level; level 0 has leaves as children, and so on up to the root's children.
    #[inline(always)]
    pub(crate) fn bits(level: usize) -> u32 {
        LEAF_BITS + ARITY_BITS * (level as u32 + 1)
    }

    /// Bits of a place that lie below a child of the root.
    #[inline(always)]
    pub(crate) fn root_bits(&self) -> u32 {
        LEAF_BITS + ARITY_BITS * self.levels as u32
    }

    /// Children of the root.
    #[inline(always)]
    pub(crate) fn width(&self) -> usize {
        self.len.div_ceil(1 << self.root_bits())
    }

    /// Entries of a node.
    #[inline(always)]
    pub(crate) fn size(&self, level: usize, node: u32) -> usize {
        let start = (node as usize) << Self::bits(level);
        (self.len - start).min(1 << Self::bits(level))
    }

    #[inline(always)]
    pub(crate) fn node(&self, level: usize, node: u32, inside: bool) -> Node {
        Node {
            size: self.size(level, node),
            child_bits: Self::bits(level) - ARITY_BITS,
            inside,
        }
    }

    /// Where a node's checkpoints begin. All nodes before it are full.
    #[inline(always)]
    pub(crate) fn first_checkpoint(&self, level: usize, node: u32) -> usize {
        self.checkpoints[level] + node as usize * checkpoints_of(level, 1 << Self::bits(level))
    }

    /// Checkpoints of all nodes of a level.
    pub(crate) fn all_checkpoints(&self, level: usize) -> usize {
        if level >= self.levels {
            return 0;
        }
        let last = ((self.len - 1) >> Self::bits(level)) as u32;
        let before = self.first_checkpoint(level, last) - self.checkpoints[level];
        before + checkpoints_of(level, self.size(level, last))
    }
}

/// Checkpoints of a node of so many entries.
#[inline(always)]
pub(crate) fn checkpoints_of(level: usize, entries: usize) -> usize {
    if level == 0 {
        Low::number(entries)
    } else {
        High::number(entries)
    }
}
