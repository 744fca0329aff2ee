//! Times of the rows: sorted, told apart, and how far a focal time reaches (specification, sections 2 and 3).

use std::ops::Range;

use crate::columns::codes::MISSING;
use crate::error::Error;
use crate::support::memory::prefetch;
use crate::support::memory::{collected, filled, room};
use crate::support::simd::LINE;

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

/// The different times of every pool, ascending.
#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    /// Where each pool's times begin, and last where the times end.
    starts: Vec<u32>,
    hours: Hours,
    /// One time in [`STEP`], so that looking for one misses the cache but once or twice.
    steps: Hours,
}

/// Times of which one is set apart: some cache lines of them.
const STEP: usize = 64;

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
pub(crate) trait Time: Copy {
    type Key: Key;
    fn key(self) -> Self::Key;
    fn of(key: Self::Key) -> Self;
    fn hours(times: Vec<Self>) -> Hours;
}

impl Time for f64 {
    type Key = u64;

    #[inline]
    fn key(self) -> u64 {
        // Adding 0.0 makes one zero of the two.
        order64((self + 0.0).to_bits())
    }

    fn of(key: u64) -> Self {
        Self::from_bits(disorder64(key))
    }

    fn hours(times: Vec<Self>) -> Hours {
        Hours::F64(times)
    }
}

impl Time for f32 {
    type Key = u32;

    #[inline]
    fn key(self) -> u32 {
        order32((self + 0.0).to_bits())
    }

    fn of(key: u32) -> Self {
        Self::from_bits(disorder32(key))
    }

    fn hours(times: Vec<Self>) -> Hours {
        Hours::F32(times)
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

/// Sorts the times of one list of rows after another, in memory that is used again.
pub(crate) struct Sorter<'a, T: Time> {
    chunks: &'a [&'a [T]],
    keys: Vec<T::Key>,
    keys_to: Vec<T::Key>,
    places_to: Vec<u32>,
    pairs: Vec<(T::Key, u32)>,
    /// How many keys have each digit, for every pass.
    counts: Vec<[u32; BUCKETS]>,
}

/// Bits that one pass of a sort goes by.
const DIGIT: u32 = 11;
const BUCKETS: usize = 1 << DIGIT;
/// Passes over the widest key.
const PASSES: usize = u64::BITS.div_ceil(DIGIT) as usize;
/// Lists up to this length are sorted by comparison: passes over all buckets would take longer.
const SHORT: usize = 1024;

impl<'a, T: Time> Sorter<'a, T> {
    /// For lists of up to `longest` rows.
    pub(crate) fn new(chunks: &'a [&'a [T]], longest: usize) -> Result<Self, Error> {
        let passes_to = if longest > SHORT { longest } else { 0 };
        Ok(Self {
            chunks,
            keys: room(longest)?,
            keys_to: filled(passes_to, T::Key::default())?,
            places_to: filled(passes_to, 0)?,
            pairs: room(longest.min(SHORT))?,
            counts: filled(if passes_to > 0 { PASSES } else { 0 }, [0; BUCKETS])?,
        })
    }

    /// Sorts rows by their times, equal ones in their own order; they ascend, or are some runs that do: `places` becomes their places in that order.
    /// Returns the sorted times.
    pub(crate) fn sort(&mut self, rows: impl Iterator<Item = u32>, places: &mut [u32]) -> &[T::Key] {
        self.keys.clear();
        let mut chunks = self.chunks.iter();
        let (mut chunk, mut start): (&[T], usize) = (&[], 0);
        self.keys.extend(rows.map(|row| {
            if (row as usize) < start {
                chunks = self.chunks.iter();
                (chunk, start) = (&[], 0);
            }
            while row as usize - start >= chunk.len() {
                start += chunk.len();
                chunk = chunks.next().copied().unwrap_or_default();
            }
            chunk[row as usize - start].key()
        }));
        for (place, entry) in (0..).zip(places.iter_mut()) {
            *entry = place;
        }
        if places.len() > SHORT {
            self.by_digits(places);
        } else {
            self.pairs.clear();
            self.pairs.extend(self.keys.iter().copied().zip(places.iter().copied()));
            self.pairs.sort_unstable();
            for ((key, entry), &(sorted, place)) in self.keys.iter_mut().zip(places).zip(&self.pairs) {
                (*key, *entry) = (sorted, place);
            }
        }
        &self.keys
    }

    fn by_digits(&mut self, places: &mut [u32]) {
        let digit = |key: T::Key, pass: usize| (key.into() >> (pass as u32 * DIGIT)) as usize & (BUCKETS - 1);
        let len = self.keys.len();
        let passes = (size_of::<T::Key>() as u32 * 8).div_ceil(DIGIT) as usize;
        self.counts.iter_mut().for_each(|counts| counts.fill(0));
        for &key in &self.keys {
            for (pass, counts) in self.counts[..passes].iter_mut().enumerate() {
                counts[digit(key, pass)] += 1;
            }
        }
        self.keys_to.truncate(0);
        self.keys_to.resize(len, T::Key::default());
        let mut swapped = false;
        for (pass, next) in self.counts[..passes].iter_mut().enumerate() {
            if next.iter().any(|&count| count as usize == len) {
                continue;
            }
            let mut start = 0;
            for entry in next.iter_mut() {
                start += std::mem::replace(entry, start);
            }
            let places_to = &mut self.places_to[..len];
            let (from, to) = if swapped {
                (&*places_to, &mut *places)
            } else {
                (&*places, &mut *places_to)
            };
            for (&key, &place) in self.keys.iter().zip(from) {
                let entry = &mut next[digit(key, pass)];
                self.keys_to[*entry as usize] = key;
                to[*entry as usize] = place;
                *entry += 1;
            }
            std::mem::swap(&mut self.keys, &mut self.keys_to);
            swapped = !swapped;
        }
        if swapped {
            places.copy_from_slice(&self.places_to[..len]);
        }
    }
}

impl Clocks {
    /// From the times of every pool, one pool's after another.
    pub(crate) fn new<T: Time>(starts: Vec<u32>, times: &[T::Key]) -> Result<Self, Error> {
        Ok(Self {
            starts,
            hours: T::hours(collected(times.iter().map(|&key| T::of(key)))?),
            steps: T::hours(collected(times.iter().step_by(STEP).map(|&key| T::of(key)))?),
        })
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
        let pool = self.starts[pool] as usize..self.starts[pool + 1] as usize;
        let focal = pool.start + focal as usize;
        // Rounding keeps the order of differences, so what is near is one run of times around the focal one.
        let (from, to) = match (&self.hours, &self.steps) {
            (Hours::F64(hours), Hours::F64(steps)) => {
                let far = |time: f64| (time - hours[focal]).abs() > window;
                (
                    first_of(hours, steps, pool.start..focal, |time| !far(time)),
                    first_of(hours, steps, focal..pool.end, far),
                )
            }
            (Hours::F32(hours), Hours::F32(steps)) => {
                let window = window as f32;
                let far = |time: f32| (time - hours[focal]).abs() > window;
                (
                    first_of(hours, steps, pool.start..focal, |time| !far(time)),
                    first_of(hours, steps, focal..pool.end, far),
                )
            }
            // Both are made of the same times.
            _ => (focal, focal),
        };
        (from - pool.start) as u32..(to - pool.start) as u32
    }

    /// Number of times, those of all pools together.
    pub(crate) fn len(&self) -> usize {
        self.starts.last().map_or(0, |&end| end as usize)
    }

    /// A time by its number among those of all pools.
    #[inline]
    pub(crate) fn hour(&self, number: u32) -> f64 {
        match &self.hours {
            Hours::F64(hours) => hours[number as usize],
            Hours::F32(hours) => f64::from(hours[number as usize]),
        }
    }

    /// Asks for a time ahead of [`Clocks::hour`].
    #[inline]
    pub(crate) fn prefetch(&self, number: u32) {
        match &self.hours {
            Hours::F64(hours) => prefetch(hours, number as usize),
            Hours::F32(hours) => prefetch(hours, number as usize),
        }
    }

    /// Whether two times lie within `window` of each other, in the width that times are worked on in.
    pub(crate) fn within(&self, one: f64, other: f64, window: f64) -> bool {
        match &self.hours {
            Hours::F64(_) => (one - other).abs() <= window,
            Hours::F32(_) => (one as f32 - other as f32).abs() <= window as f32,
        }
    }

    /// The times of numbers among those of all pools, NaN for [`MISSING`].
    pub(crate) fn of(&self, numbers: &[u32]) -> Result<Hours, Error> {
        fn look_up<T: Copy>(hours: &[T], numbers: &[u32], nan: T) -> Result<Vec<T>, Error> {
            collected(
                numbers
                    .iter()
                    .map(|&number| if number == MISSING { nan } else { hours[number as usize] }),
            )
        }
        Ok(match &self.hours {
            Hours::F64(hours) => Hours::F64(look_up(hours, numbers, f64::NAN)?),
            Hours::F32(hours) => Hours::F32(look_up(hours, numbers, f32::NAN)?),
        })
    }
}

/// The first place in a range of times that is `wanted`, as all behind it are; `steps` holds one time in [`STEP`].
fn first_of<T: Copy>(times: &[T], steps: &[T], range: Range<usize>, wanted: impl Fn(T) -> bool) -> usize {
    let (first, last) = (range.start.div_ceil(STEP), range.end.div_ceil(STEP));
    let step = first + steps[first..last].partition_point(|&time| !wanted(time));
    let from = if step == first {
        range.start
    } else {
        (step - 1) * STEP + 1
    };
    let to = if step == last { range.end } else { step * STEP };
    for place in (from..to).step_by(LINE / size_of::<T>()) {
        prefetch(times, place);
    }
    from + times[from..to].partition_point(|&time| !wanted(time))
}
