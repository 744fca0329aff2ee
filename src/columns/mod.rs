//! What a table hands over: labels as codes, and times.

pub(crate) mod codes;
pub(crate) mod column;
mod combine;
pub(crate) mod sort;
pub(crate) mod table;
pub(crate) mod times;

pub use codes::MISSING;
pub use combine::{Pair, combine, combine_with_pause};
pub use times::Hours;
