//! What a table hands over: codes of labels, and times.

pub(crate) mod codes;
pub(crate) mod sort;
pub(crate) mod table;
pub(crate) mod times;
