//! One batch (specification, section 3): how it is drawn, and where its seats came from.

mod draft;
mod origins;

pub(crate) use draft::pass_batch;
pub use draft::{Draft, Index, Source};
pub use origins::Origins;
