//! The memory that a batch is dealt in.

use crate::error::Error;
use crate::support::memory::{grow, room};

/// Memory to deal in, used again for the next batch.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    pub(super) sharers: Vec<Sharer>,
    /// Conditions or cards, in the order that they are dealt in.
    pub(super) order: Vec<u32>,
}

/// One of the conditions that share a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sharer {
    pub(super) cell: u32,
    /// Which of the deals of its cell is its own.
    pub(super) deal: Option<Number>,
    /// Seats that it has.
    pub(super) seats: u32,
    /// Those for which rows are held.
    pub(super) held: u32,
    /// What is left of its share.
    pub(super) rest: f64,
}

/// The number of a deal of a cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    pub(super) number: u64,
    /// Whether the cell is in every batch of its experiment.
    pub(super) fixed: bool,
}

impl Scratch {
    /// Makes room for so many conditions, and for so many cards.
    pub(super) fn reserve(&mut self, sharers: usize, cards: usize) -> Result<(), Error> {
        if self.sharers.capacity() < sharers {
            self.sharers = room(sharers)?;
        }
        self.sharers.clear();
        if self.order.len() < sharers.max(cards) {
            grow(&mut self.order, sharers.max(cards))?;
        }
        Ok(())
    }
}
