//! What the machine gives: memory that may run out, and instructions that look at many numbers at once.
//! The two files here are the only ones with unsafe code.

pub(crate) mod memory;
pub(crate) mod simd;
