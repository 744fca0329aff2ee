//! What the machine gives: memory that may run out, instructions that look at many numbers at once, and who waits for it.
//! `memory` and `simd` are the only files with unsafe code.

pub(crate) mod memory;
pub(crate) mod pauses;
pub(crate) mod simd;
