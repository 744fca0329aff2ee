//! Rows near a time (specification, section 3), asked for by position and found without looking at the others.

mod counts;
mod few_times;
pub(crate) mod focus;
pub(crate) mod index;
mod many_times;
mod search;
