//! Dealt seats of a batch whose cards are worked out together, whatever decks they are of.

use crate::decks::{Deck, FEW, STEPS, TOGETHER, Walks};
use crate::groups::{Order, Pool};
use crate::support::memory::prefetch;
use crate::support::simd::{Bits, Search, on_this_processor};

/// The lanes of a processor's vectors, which seats wait for until all are taken.
pub(super) struct Lanes<'a> {
    /// The list behind the pools, where there is one.
    entries: Option<&'a [u32]>,
    /// Of each few the pool and the first seat.
    walks: Walks<(Pool, usize)>,
    /// Entries of those that were worked out last. They are asked for while the next are: memory answers so many at a time.
    known: [[u32; FEW]; TOGETHER],
}

impl<'a> Lanes<'a> {
    /// All that is dealt is looked up in `entries`.
    #[inline]
    pub(super) fn new(entries: Option<&'a [u32]>) -> Self {
        Self {
            entries,
            walks: Walks::new((Pool::run(Order::Table, 0, 0), 0)),
            known: [[0; FEW]; TOGETHER],
        }
    }

    /// Deals from place `first` of a deck that is no list to `seats` seats from `start` on, at the latest when
    /// [`Lanes::finish`] is called. `positions` are those of the batch.
    #[inline(never)]
    pub(super) fn deal(
        &mut self,
        (deck, first): (&Deck, u32),
        pool: Pool,
        (start, seats): (usize, usize),
        positions: &mut [u32],
    ) {
        deck.each_few(first, seats, |few, before, many| {
            if self.walks.add(few, many, (pool, start + before)) {
                on_this_processor(End { lanes: self, positions });
            }
        });
    }

    /// Works out what still waits.
    pub(super) fn finish(&mut self, positions: &mut [u32]) {
        if !self.walks.is_empty() {
            on_this_processor(End { lanes: self, positions });
        }
        if let Some(entries) = self.entries {
            let known = self.known.as_flattened();
            for &entry in known {
                prefetch(entries, entry as usize);
            }
        }
    }
}

struct End<'a, 'b> {
    lanes: &'a mut Lanes<'b>,
    positions: &'a mut [u32],
}

impl Search for End<'_, '_> {
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "compiled for the processor that the caller is compiled for"
    )]
    fn run<B: Bits>(self, _bits: B) {
        let Lanes { entries, walks, known } = self.lanes;
        let before = *known;
        let mut asks = before.as_flattened().chunks_exact(FEW * TOGETHER / STEPS);
        let mut known = known.iter_mut();
        walks.end(
            || {
                if let (Some(entries), Some(asks)) = (*entries, asks.next()) {
                    for &entry in asks {
                        prefetch(entries, entry as usize);
                    }
                }
            },
            |&(pool, start), cards, many| {
                let (Some(positions), Some(known)) = (self.positions[start..].get_mut(..many), known.next()) else {
                    return;
                };
                if let Some(positions) = positions.first_chunk_mut::<FEW>() {
                    (*positions, *known) = (*cards, cards.map(|card| pool.entry(card)));
                    return;
                }
                // Lanes that do not count keep the entries of seats that were asked for already.
                for ((position, known), &card) in positions.iter_mut().zip(known).zip(cards) {
                    (*position, *known) = (card, pool.entry(card));
                }
            },
        );
    }
}
