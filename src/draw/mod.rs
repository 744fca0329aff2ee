//! The draws that everything is made of (specification, section 1).

mod ahead;
mod distinct;
mod generator;
mod sample;

pub(crate) use ahead::Ahead;
pub use distinct::Slots;
pub(crate) use generator::words_of;
pub use generator::{Generator, seed_words};
pub(crate) use sample::{sample, sample_and};
