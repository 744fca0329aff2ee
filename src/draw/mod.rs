//! The draws that everything is made of (specification, section 1).

mod generator;
mod sample;

pub(crate) use generator::words_of;
pub use generator::{Generator, seed_words};
pub(crate) use sample::sample_and;
pub use sample::{Slots, pass, sample};
