//! What the machine gives: memory that may run out, instructions that look at many numbers at once, a second core, who waits
//! for it, and panics that are caught.
//! `memory`, `simd` and `store` are the only files with unsafe code that is more than a promise.

pub(crate) mod arrays;
pub(crate) mod caught;
pub(crate) mod cores;
pub(crate) mod memory;
pub(crate) mod pauses;
pub(crate) mod simd;
pub(crate) mod store;
