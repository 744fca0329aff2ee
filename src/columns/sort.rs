//! Rows sorted by their times.
//!
//! The times of a list are dealt out to buckets by their value, straight from the column to their places, and each bucket is
//! sorted by itself: beside the sorted times and places there is only memory for the longest bucket whose times differ.

use crate::columns::digits::{ByDigits, SHORT};
use crate::columns::times::Time;
use crate::error::Error;
use crate::support::memory::{filled, room};
use crate::support::pauses::{ENTRIES, Pauses};

/// Sorts the times of one list of rows after another, in memory that is used again.
pub(crate) struct Sorter<'a, T: Time> {
    chunks: &'a [&'a [T]],
    /// The earliest of all times, and buckets an hour if one list has the most that there are.
    earliest: f64,
    scale: f64,
    /// Where each bucket of a list begins, and then ends.
    buckets: Vec<u32>,
    pairs: Vec<(T::Key, u32)>,
    by_digits: ByDigits<T>,
}

/// The most buckets, and about how many rows each of fewer gets: they fit into a near cache.
const MOST_BUCKETS: usize = 1 << 11;
const BUCKET: usize = 1 << 12;

impl<'a, T: Time> Sorter<'a, T> {
    /// For lists of up to `longest` rows.
    pub(crate) fn new<E: From<Error>>(
        chunks: &'a [&'a [T]],
        longest: usize,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Self, E> {
        let (mut earliest, mut latest) = (f64::INFINITY, f64::NEG_INFINITY);
        for times in chunks.iter().flat_map(|chunk| chunk.chunks(ENTRIES)) {
            for &time in times {
                earliest = earliest.min(time.wide());
                latest = latest.max(time.wide());
            }
            pauses.after(times.len())?;
        }
        let buckets = if longest > SHORT { MOST_BUCKETS + 1 } else { 0 };
        Ok(Self {
            chunks,
            earliest,
            scale: 1.0 / (latest - earliest),
            buckets: filled(buckets, 0)?,
            pairs: room(longest.min(SHORT))?,
            by_digits: ByDigits::new(),
        })
    }

    /// Sorts rows by their times, equal ones in their own order. They ascend, or are some runs that do. `times` becomes their
    /// times, ascending, and `places` their places among the rows in that order.
    pub(crate) fn sort<E: From<Error>>(
        &mut self,
        rows: impl ExactSizeIterator<Item = u32> + Clone,
        times: &mut [T],
        places: &mut [u32],
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        if rows.len() <= SHORT {
            let mut reader = Reader::new(self.chunks);
            for (place, row) in rows.enumerate() {
                (times[place], places[place]) = (reader.time(row), place as u32);
            }
            self.by_comparison(times, places);
            return Ok(());
        }
        let number = self.deal(rows, times, places, pauses)?;
        let mut start = 0;
        for bucket in 0..number {
            let bucket = std::mem::replace(&mut start, self.buckets[bucket] as usize)..self.buckets[bucket] as usize;
            let (times, places) = (&mut times[bucket.clone()], &mut places[bucket]);
            if times.len() > SHORT {
                self.by_digits.sort(times, places, |time| time.key().into(), pauses)?;
            } else {
                self.by_comparison(times, places);
                pauses.after(times.len())?;
            }
        }
        Ok(())
    }

    /// Deals times and places out to buckets of ascending times, and returns their number.
    fn deal<E: From<Error>>(
        &mut self,
        rows: impl ExactSizeIterator<Item = u32> + Clone,
        times: &mut [T],
        places: &mut [u32],
        pauses: &mut Pauses<'_, E>,
    ) -> Result<usize, E> {
        let number = (rows.len() / BUCKET).clamp(1, MOST_BUCKETS);
        // Rounding keeps the order of differences and of products. Where times lie so far apart, or so close together, that
        // one of these is infinite, or none, all are in one bucket.
        let scale = self.scale * number as f64;
        let (earliest, scale) = (self.earliest, if scale.is_finite() { scale } else { 0.0 });
        let bucket_of = |time: T| (((time.wide() - earliest) * scale) as usize).min(number - 1);
        let next = &mut self.buckets[..=number];
        next.fill(0);
        let mut reader = Reader::new(self.chunks);
        let mut left = rows.clone();
        while left.len() > 0 {
            let at_once = left.len().min(ENTRIES);
            for row in left.by_ref().take(at_once) {
                next[bucket_of(reader.time(row)) + 1] += 1;
            }
            pauses.after(at_once)?;
        }
        for bucket in 0..number {
            next[bucket + 1] += next[bucket];
        }
        let mut reader = Reader::new(self.chunks);
        let mut left = (0_u32..).zip(rows);
        let mut behind = times.len();
        while behind > 0 {
            let at_once = behind.min(ENTRIES);
            for (place, row) in left.by_ref().take(at_once) {
                let time = reader.time(row);
                let entry = &mut next[bucket_of(time)];
                times[*entry as usize] = time;
                places[*entry as usize] = place;
                *entry += 1;
            }
            behind -= at_once;
            pauses.after(at_once)?;
        }
        Ok(number)
    }

    fn by_comparison(&mut self, times: &mut [T], places: &mut [u32]) {
        let keys = times.iter().map(|time| time.key());
        self.pairs.clear();
        self.pairs.extend(keys.zip(places.iter().copied()));
        self.pairs.sort_unstable();
        for ((time, entry), &(key, place)) in times.iter_mut().zip(places).zip(&self.pairs) {
            (*time, *entry) = (T::of(key), place);
        }
    }
}

/// Reads times by their rows, which ascend, or are some runs that do.
struct Reader<'a, T> {
    chunks: &'a [&'a [T]],
    left: std::slice::Iter<'a, &'a [T]>,
    chunk: &'a [T],
    start: usize,
}

impl<'a, T: Time> Reader<'a, T> {
    fn new(chunks: &'a [&'a [T]]) -> Self {
        Self {
            chunks,
            left: chunks.iter(),
            chunk: &[],
            start: 0,
        }
    }

    /// The time of a row, one zero of the two.
    #[inline]
    fn time(&mut self, row: u32) -> T {
        if (row as usize) < self.start {
            *self = Self::new(self.chunks);
        }
        while row as usize - self.start >= self.chunk.len() {
            self.start += self.chunk.len();
            self.chunk = self.left.next().copied().unwrap_or_default();
        }
        self.chunk[row as usize - self.start].one_zero()
    }
}
