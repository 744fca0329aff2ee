//! What the machine gives: memory that may run out, time that others wait for, and instructions that look at many numbers
//! at once. `memory` and `simd` are the only files with unsafe code.

pub(crate) mod memory;
pub(crate) mod pace;
pub(crate) mod pauses;
pub(crate) mod simd;
