//! Labels given numbers in ascending order, equal ones the same: whole numbers, and texts by their bytes.

mod numbers;
mod order;
mod texts;

pub use numbers::number_with_pause;
pub use texts::{Texts, number_texts_with_pause, take_texts_with_pause};

/// What labels are numbered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// The number of each label.
    pub numbers: Vec<u32>,
    /// By number, the first place where that label is.
    pub places: Vec<u32>,
}
