//! What a table hands over: labels as codes, and times.

mod codes;
mod column;
mod combine;
pub(crate) mod digits;
pub(crate) mod sort;
mod table;
pub(crate) mod times;

pub use codes::{Chunk, Codes, MISSING};
pub use column::Column;
pub(crate) use column::{BLOCK, Reader, is_dense};
pub use combine::{Pair, combine, combine_with_pause};
pub use table::Table;
pub use times::{Hours, Times};
