//! One batch (specification, section 3): how it is drawn, and where its seats came from.

mod cascade;
mod dealing;
mod draft;
mod lanes;
mod origins;
mod rows;
mod scratch;

pub(crate) use cascade::{PassBy, draw_batch, pass_batch};
pub(crate) use dealing::deal_batch;
pub(crate) use draft::Draft;
pub use draft::Source;
pub use origins::Origins;
pub use rows::Row;
pub(crate) use rows::check_width;
