//! The decks, as Python sees them.

use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::decks::{Deck, Keys, Laps, first_place, word};
use crate::draw::words_of;
use crate::support::memory::filled;

/// The decks that batches are dealt from, for those who port or test them.
#[pyclass(frozen, name = "Deck", module = "cascade_sampler._core")]
pub(super) struct PyDeck {
    deck: Deck,
    cards: u32,
}

#[pymethods]
impl PyDeck {
    #[new]
    fn new(cards: u32, key: u64) -> PyResult<Self> {
        if cards == 0 {
            return Err(PyValueError::new_err("cards must be at least 1, got 0"));
        }
        Ok(Self {
            deck: Deck::new(cards, key),
            cards,
        })
    }

    /// The four words that a seed and an epoch stand for.
    #[staticmethod]
    fn seed_words(seed: u64, epoch: u64) -> [u64; 4] {
        words_of([seed, epoch])
    }

    /// The key of a seed for a purpose and two numbers.
    #[staticmethod]
    fn key(seed: u64, purpose: u64, first: u64, second: u64) -> u64 {
        Keys::new(seed).key_of(purpose, first, second)
    }

    /// The word of a number that a key stands for.
    #[staticmethod]
    fn word(key: u64, number: u64) -> u64 {
        word(key, number)
    }

    /// Of a deck of which every deal takes `each` cards and a lap has a multiple of `block` deals: the lap of a deal, the
    /// deal's number in it, and the place of its first card.
    #[staticmethod]
    fn laps(cards: u32, each: u32, block: u32, deal: u64) -> PyResult<(u64, u64, u32)> {
        for (name, value) in [("cards", cards), ("each", each), ("block", block)] {
            if value == 0 {
                return Err(PyValueError::new_err(format!("{name} must be at least 1, got 0")));
            }
        }
        let (lap, number) = Laps::new(cards, each, block).of(deal);
        Ok((lap, number, first_place(cards, each, number)))
    }

    /// The card at a place.
    fn card(&self, place: u32) -> PyResult<u32> {
        self.check(place)?;
        Ok(self.deck.card(place))
    }

    /// `count` cards from a place on; after the last comes the first again.
    fn deal<'py>(&self, py: Python<'py>, first: u32, count: usize) -> PyResult<Bound<'py, PyArray1<u32>>> {
        self.check(first)?;
        let mut cards = filled(count, 0)?;
        self.deck.deal(first, &mut cards);
        Ok(cards.into_pyarray(py))
    }
}

impl PyDeck {
    fn check(&self, place: u32) -> PyResult<()> {
        if place < self.cards {
            return Ok(());
        }
        let last = self.cards - 1;
        Err(PyValueError::new_err(format!(
            "a place must be in 0..={last}, got {place}"
        )))
    }
}
