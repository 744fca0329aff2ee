//! Rows near a time (specification, section 3), asked for by position and found without looking at the others.
//!
//! Each file imports only those that stand before it here.

mod part;

mod clock;
mod ends;

mod counts;

mod cells;

mod search;

mod short;

mod few_times;

mod node;

mod shape;

mod many_times;

mod index;

mod focus;

pub(crate) use cells::Spans;
pub(crate) use clock::Clocks;
pub(crate) use focus::Focus;
pub(crate) use index::Finder;
pub(crate) use part::Part;
