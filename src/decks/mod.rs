//! Decks of cards: what is dealt, and what is not dealt twice (specification of the dealt cascade, section 1).

mod deck;
mod keys;
mod laps;

pub(crate) use deck::{Deck, Shape};
pub(crate) use keys::{Keys, Purpose, onto, word};
pub(crate) use laps::{Laps, first_place};
