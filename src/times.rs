//! Times of the rows: sorted, told apart, and how far a focal time reaches (specification, sections 2 and 3).

use std::ops::Range;

use crate::codes::MISSING;
use crate::error::{Error, collected, grow, room};

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

/// All rows that have a time, by time, rows of one time in their own order.
pub(crate) struct Sorted {
    /// The rows.
    pub(crate) rows: Vec<u32>,
    /// Where the rows of each different time end.
    pub(crate) ends: Vec<u32>,
    /// The times themselves.
    pub(crate) times: Hours,
}

/// The different times of every pool, ascending.
#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    /// Where each pool's times begin, and last where the times end.
    starts: Vec<u32>,
    hours: Hours,
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

    /// Sorts the rows by time.
    pub(crate) fn sorted(&self) -> Result<Sorted, Error> {
        match self {
            Self::F64(chunks) => {
                // Adding 0.0 makes one zero of the two.
                let (keys, rows) = sort(chunks, |time| (!time.is_nan()).then(|| order64((time + 0.0).to_bits())))?;
                let (ends, distinct) = runs(&keys)?;
                let hours = distinct.iter().map(|&key| f64::from_bits(disorder64(key))).collect();
                Ok(Sorted {
                    rows,
                    ends,
                    times: Hours::F64(hours),
                })
            }
            Self::F32(chunks) => {
                let (keys, rows) = sort(chunks, |time| (!time.is_nan()).then(|| order32((time + 0.0).to_bits())))?;
                let (ends, distinct) = runs(&keys)?;
                let hours = distinct.iter().map(|&key| f32::from_bits(disorder32(key))).collect();
                Ok(Sorted {
                    rows,
                    ends,
                    times: Hours::F32(hours),
                })
            }
        }
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

/// A key of a radix sort.
trait Key: Copy + Default + Ord + Into<u64> {}
impl Key for u64 {}
impl Key for u32 {}

/// Sorts the rows that have a key by it, stably: keys and rows in that order.
fn sort<T: Copy, K: Key>(chunks: &[&[T]], key_of: impl Fn(T) -> Option<K>) -> Result<(Vec<K>, Vec<u32>), Error> {
    const DIGIT: u32 = 11;
    const BUCKETS: usize = 1 << DIGIT;
    let len = chunks.iter().map(|chunk| chunk.len()).sum();
    let (mut keys, mut rows) = (room(len)?, room(len)?);
    for (row, &time) in (0..).zip(chunks.iter().copied().flatten()) {
        if let Some(key) = key_of(time) {
            keys.push(key);
            rows.push(row);
        }
    }
    let (mut keys_to, mut rows_to) = (Vec::new(), Vec::new());
    for shift in (0..size_of::<K>() as u32 * 8).step_by(DIGIT as usize) {
        let digit = |key: K| (key.into() >> shift) as usize & (BUCKETS - 1);
        let mut next = [0_u32; BUCKETS];
        for &key in &keys {
            next[digit(key)] += 1;
        }
        if next.iter().any(|&count| count as usize == keys.len()) {
            continue;
        }
        if keys_to.is_empty() {
            grow(&mut keys_to, keys.len())?;
            grow(&mut rows_to, keys.len())?;
        }
        let mut start = 0;
        for entry in &mut next {
            start += std::mem::replace(entry, start);
        }
        for (&key, &row) in keys.iter().zip(&rows) {
            let entry = &mut next[digit(key)];
            keys_to[*entry as usize] = key;
            rows_to[*entry as usize] = row;
            *entry += 1;
        }
        std::mem::swap(&mut keys, &mut keys_to);
        std::mem::swap(&mut rows, &mut rows_to);
    }
    Ok((keys, rows))
}

/// Where each run of equal keys ends, and the key of each.
fn runs<K: Key>(keys: &[K]) -> Result<(Vec<u32>, Vec<K>), Error> {
    let different = keys.windows(2).filter(|pair| pair[0] != pair[1]).count() + usize::from(!keys.is_empty());
    let (mut ends, mut distinct) = (room(different)?, room(different)?);
    for (place, &key) in (1..).zip(keys) {
        if distinct.last() == Some(&key) {
            continue;
        }
        if place > 1 {
            ends.push(place - 1);
        }
        distinct.push(key);
    }
    if !keys.is_empty() {
        ends.push(keys.len() as u32);
    }
    Ok((ends, distinct))
}

impl Clocks {
    /// From the numbers of every pool's times among those of the table.
    pub(crate) fn new(starts: Vec<u32>, numbers: &[u32], times: &Hours) -> Result<Self, Error> {
        let hours = times.of(numbers)?;
        Ok(Self { starts, hours })
    }

    /// Number of different times in a pool.
    pub(crate) fn times_of(&self, pool: usize) -> u32 {
        self.starts[pool + 1] - self.starts[pool]
    }

    /// Number of a pool's first time among those of all pools, one after another.
    pub(crate) fn first_of(&self, pool: usize) -> u32 {
        self.starts[pool]
    }

    /// The times of a pool within `window` of its `focal`-th, as places among them.
    pub(crate) fn near(&self, pool: usize, focal: u32, window: f64) -> Range<u32> {
        let focal = focal as usize;
        let of_pool = self.starts[pool] as usize..self.starts[pool + 1] as usize;
        // Rounding keeps the order of differences, so what is near is one run of times around the focal one.
        let (before, after) = match &self.hours {
            Hours::F64(hours) => {
                let hours = &hours[of_pool];
                let far = |time: &f64| (time - hours[focal]).abs() > window;
                (
                    hours[..focal].partition_point(far),
                    hours[focal..].partition_point(|time| !far(time)),
                )
            }
            Hours::F32(hours) => {
                let hours = &hours[of_pool];
                let window = window as f32;
                let far = |time: &f32| (time - hours[focal]).abs() > window;
                (
                    hours[..focal].partition_point(far),
                    hours[focal..].partition_point(|time| !far(time)),
                )
            }
        };
        before as u32..(focal + after) as u32
    }

    /// The times of numbers among those of all pools, NaN for [`MISSING`].
    pub(crate) fn of(&self, numbers: &[u32]) -> Result<Hours, Error> {
        self.hours.of(numbers)
    }
}

impl Hours {
    /// The times at places, NaN for [`MISSING`].
    fn of(&self, places: &[u32]) -> Result<Self, Error> {
        fn look_up<T: Copy>(hours: &[T], places: &[u32], nan: T) -> Result<Vec<T>, Error> {
            collected(
                places
                    .iter()
                    .map(|&place| if place == MISSING { nan } else { hours[place as usize] }),
            )
        }
        Ok(match self {
            Self::F64(hours) => Self::F64(look_up(hours, places, f64::NAN)?),
            Self::F32(hours) => Self::F32(look_up(hours, places, f32::NAN)?),
        })
    }
}
