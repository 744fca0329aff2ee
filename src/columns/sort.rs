//! Rows sorted by their times.
//!
//! The times of a list are dealt out to buckets by their value, straight from the column to their places, and each bucket is
//! sorted by itself: beside the sorted times and places there is only memory for the longest bucket whose times differ.

use crate::columns::digits::{ByDigits, SHORT};
use crate::columns::times::Time;
use crate::error::Error;
use crate::support::memory::{filled, prefetch, room};
use crate::support::pauses::{ENTRIES, Pauses};

/// Sorts the times of one list of rows after another, in memory that is used again.
pub(crate) struct Sorter<'a, T: Time> {
    chunks: &'a [&'a [T]],
    /// The earliest of all times, and buckets an hour if one list has the most that there are.
    earliest: f64,
    scale: f64,
    /// Where the next time of each bucket of a list goes, and where the bucket ends.
    buckets: Vec<(u32, u32)>,
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
        let buckets = if longest > SHORT { MOST_BUCKETS } else { 0 };
        Ok(Self {
            chunks,
            earliest,
            scale: 1.0 / (latest - earliest),
            buckets: filled(buckets, (0, 0))?,
            pairs: room(longest.min(SHORT))?,
            by_digits: ByDigits::new(),
        })
    }

    /// Sorts rows by their times, equal ones in their own order. They ascend, or are some runs that do. `times` becomes their
    /// times, ascending, and `places` their places among the rows in that order.
    ///
    /// # Errors
    /// [`Error::Code`] where a time is none, or not what it was before: only those that are written to while they are read
    /// can be; [`Error::OutOfMemory`], or what a pause returns.
    pub(crate) fn sort<E: From<Error>>(
        &mut self,
        rows: impl ExactSizeIterator<Item = u32> + Clone,
        times: &mut [T],
        places: &mut [u32],
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        if rows.len() <= SHORT {
            for (place, time) in Reader::new(self.chunks, rows).enumerate() {
                (times[place], places[place]) = (time, place as u32);
            }
            if !times.iter().all(|time| time.wide().is_finite()) {
                return Err(Error::Code.into());
            }
            self.by_comparison(times, places);
            return Ok(());
        }
        let number = self.deal(rows, times, places, pauses)?;
        let mut start = 0;
        for bucket in 0..number {
            let end = self.buckets[bucket].1 as usize;
            let bucket = std::mem::replace(&mut start, end)..end;
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
        let bucket_of = |time: T| (((time.wide() - earliest) * scale) as u32 as usize).min(number - 1);
        let buckets = &mut self.buckets[..number];
        buckets.fill((0, 0));
        let mut all = Reader::new(self.chunks, rows.clone());
        while all.rows.len() > 0 {
            let at_once = all.rows.len().min(ENTRIES);
            for time in all.by_ref().take(at_once) {
                buckets[bucket_of(time)].1 += 1;
            }
            pauses.after(at_once)?;
        }
        let mut start = 0;
        for (next, end) in buckets.iter_mut() {
            *next = start;
            start += *end;
            *end = start;
        }
        let mut left = (0_u32..).zip(Reader::new(self.chunks, rows));
        let mut behind = times.len();
        while behind > 0 {
            let at_once = behind.min(ENTRIES);
            for (place, time) in left.by_ref().take(at_once) {
                let (next, end) = &mut buckets[bucket_of(time)];
                if next == end || !time.wide().is_finite() {
                    return Err(Error::Code.into());
                }
                times[*next as usize] = time;
                places[*next as usize] = place;
                *next += 1;
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

/// How many rows ahead a time is asked for: those of a cell lie too far apart for a processor to see where the next one is.
const AHEAD: usize = 24;

/// Reads the times of rows that ascend, or are some runs that do; of the two zeros it has one.
struct Reader<'a, T, R> {
    chunks: &'a [&'a [T]],
    left: std::slice::Iter<'a, &'a [T]>,
    chunk: &'a [T],
    start: usize,
    rows: R,
    ahead: std::iter::Skip<R>,
}

impl<'a, T: Time, R: Iterator<Item = u32> + Clone> Reader<'a, T, R> {
    fn new(chunks: &'a [&'a [T]], rows: R) -> Self {
        Self {
            chunks,
            left: chunks.iter(),
            chunk: &[],
            start: 0,
            ahead: rows.clone().skip(AHEAD),
            rows,
        }
    }

    fn time(&mut self, row: usize) -> T {
        if row < self.start {
            (self.left, self.chunk, self.start) = (self.chunks.iter(), &[], 0);
        }
        while row - self.start >= self.chunk.len() {
            self.start += self.chunk.len();
            self.chunk = self.left.next().copied().unwrap_or_default();
        }
        self.chunk[row - self.start].one_zero()
    }
}

impl<T: Time, R: Iterator<Item = u32> + Clone> Iterator for Reader<'_, T, R> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        if let Some(row) = self.ahead.next() {
            prefetch(self.chunk, (row as usize).wrapping_sub(self.start));
        }
        self.rows.next().map(|row| self.time(row as usize))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// What comes of times of which others are read the second time.
    fn sorted(first: &[f64], second: &[f64]) -> Result<Vec<u32>, Error> {
        let all = [first, second].concat();
        let chunks = [all.as_slice()];
        let mut pause = || Ok::<_, Error>(());
        let pauses = &mut Pauses::new(&mut pause);
        let (len, read) = (first.len(), Cell::new(0));
        let rows = (0..len).map(|row| {
            read.set(read.get() + 1);
            // Each row is asked for, and then read.
            (if read.get() > 2 * len { row + len } else { row }) as u32
        });
        let (mut times, mut places) = (vec![0.0; len], vec![0; len]);
        let mut sorter = Sorter::new(&chunks, len, pauses)?;
        sorter.sort(rows, &mut times, &mut places, pauses)?;
        assert!(times.is_sorted());
        Ok(places)
    }

    #[test]
    fn times_that_are_not_those_that_were_counted() {
        let ascending: Vec<f64> = (0..4 * BUCKET).map(|hour| hour as f64).collect();
        let places: Vec<u32> = (0..4 * BUCKET as u32).collect();
        assert_eq!(sorted(&ascending, &ascending), Ok(places));
        for (from, to) in [(0, 1e9), (4 * BUCKET - 1, 0.0), (5, f64::NAN), (5, f64::INFINITY)] {
            let mut changed = ascending.clone();
            changed[from] = to;
            assert_eq!(sorted(&ascending, &changed), Err(Error::Code), "{from} {to}");
        }
        assert_eq!(sorted(&[1.0, f64::NAN], &[]).err(), Some(Error::Code));
    }
}
