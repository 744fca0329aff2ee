//! Decks of cards: what is dealt, and what is not dealt twice (specification of the dealt cascade, section 1).

mod deck;
mod keys;
mod laps;
mod walk;

pub use deck::Deck;
pub(crate) use deck::Shape;
pub(crate) use keys::{Keys, Purpose, onto, word};
pub(crate) use laps::{Laps, first_place};
pub(crate) use walk::{FEW, STEPS, TOGETHER, Walks};

#[cfg(test)]
mod tests;
