//! Times of the rows as they come in, and integers that sort as they do (specification, section 2).

use crate::error::Error;
use crate::support::memory::room;

/// A column of times in hours, in chunks. NaN stands for a missing time.
///
/// Doubles and floats are worked on in their own width.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Times<'a> {
    F64(Vec<&'a [f64]>),
    F32(Vec<&'a [f32]>),
}

/// Hours in the width that they came in.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Hours {
    F64(Vec<f64>),
    F32(Vec<f32>),
}

impl Times<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::F64(chunks) => chunks.iter().map(|chunk| chunk.len()).sum(),
            Self::F32(chunks) => chunks.iter().map(|chunk| chunk.len()).sum(),
        }
    }

    /// Whether each row has a time; `None` where all have.
    pub(crate) fn present(&self) -> Result<Option<Vec<bool>>, Error> {
        fn of<T: Copy>(
            chunks: &[&[T]],
            len: usize,
            missing: impl Fn(T) -> bool,
            infinite: impl Fn(T) -> bool,
        ) -> Result<Option<Vec<bool>>, Error> {
            if let Some(row) = chunks.iter().copied().flatten().position(|&time| infinite(time)) {
                return Err(Error::InfiniteTime { row });
            }
            if !chunks.iter().any(|chunk| chunk.iter().any(|&time| missing(time))) {
                return Ok(None);
            }
            let mut present = room(len)?;
            for chunk in chunks {
                present.extend(chunk.iter().map(|&time| !missing(time)));
            }
            Ok(Some(present))
        }
        match self {
            Self::F64(chunks) => of(chunks, self.len(), f64::is_nan, f64::is_infinite),
            Self::F32(chunks) => of(chunks, self.len(), f32::is_nan, f32::is_infinite),
        }
    }
}

/// A width of times, and integers of the same order.
pub(crate) trait Time: Copy + PartialEq {
    type Key: Key;
    fn key(self) -> Self::Key;
    fn of(key: Self::Key) -> Self;
    fn hours(times: Vec<Self>) -> Hours;
    /// The time as a double.
    fn wide(self) -> f64;
    /// The time, -0.0 as 0.0.
    fn one_zero(self) -> Self;
}

impl Time for f64 {
    type Key = u64;

    #[inline]
    fn key(self) -> u64 {
        order64(self.to_bits())
    }

    fn of(key: u64) -> Self {
        Self::from_bits(disorder64(key))
    }

    fn hours(times: Vec<Self>) -> Hours {
        Hours::F64(times)
    }

    #[inline]
    fn wide(self) -> f64 {
        self
    }

    #[inline]
    fn one_zero(self) -> Self {
        self + 0.0
    }
}

impl Time for f32 {
    type Key = u32;

    #[inline]
    fn key(self) -> u32 {
        order32(self.to_bits())
    }

    fn of(key: u32) -> Self {
        Self::from_bits(disorder32(key))
    }

    fn hours(times: Vec<Self>) -> Hours {
        Hours::F32(times)
    }

    #[inline]
    fn wide(self) -> f64 {
        self.into()
    }

    #[inline]
    fn one_zero(self) -> Self {
        self + 0.0
    }
}

/// Bits of a double to an integer of the same order: negative numbers are turned round.
fn order64(bits: u64) -> u64 {
    bits ^ (((bits as i64 >> 63) as u64) | 1 << 63)
}

fn disorder64(key: u64) -> u64 {
    key ^ ((!(key as i64 >> 63) as u64) | 1 << 63)
}

fn order32(bits: u32) -> u32 {
    bits ^ (((bits as i32 >> 31) as u32) | 1 << 31)
}

fn disorder32(key: u32) -> u32 {
    key ^ ((!(key as i32 >> 31) as u32) | 1 << 31)
}

/// A key to sort by.
pub(crate) trait Key: Copy + Default + Ord + Into<u64> {}
impl Key for u64 {}
impl Key for u32 {}
