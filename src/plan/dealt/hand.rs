//! One deck of rows, and what a batch takes of it (specification of the dealt cascade, sections 1 and 3).

use crate::decks::{Laps, Shape};

/// A deck whose cards are runs of rows, and the rows that every deal holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hand {
    /// Seats that are held for rows of the deck in every batch that deals from it.
    pub(crate) held: u32,
    /// Rows of a card.
    pub(crate) run: u32,
    /// Cards of a deal: as many as hold that many rows.
    pub(crate) cards: u32,
    pub(crate) deck: Shape,
    pub(crate) laps: Laps,
}

impl Hand {
    /// Of a cell of `rows`, at least 1. `run_length` is at least 1; `block` batches in a row are dealt from the cell.
    pub(crate) fn new(rows: u32, held: u32, run_length: u32, block: u32) -> Self {
        // As short as they can be for as many cards, so that none is cut in vain.
        let run = match held {
            0 => 1,
            _ => held.div_ceil(held.div_ceil(run_length)),
        };
        let run = if rows / run <= held.div_ceil(run) { 1 } else { run };
        Self {
            held,
            run,
            cards: held.div_ceil(run),
            deck: Shape::new(rows / run),
            laps: Laps::new(rows, held, block),
        }
    }
}
