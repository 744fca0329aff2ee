//! A stable counting sort of rows into buckets, which two cores may share.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::Error;
use crate::support::memory::{atomics, collected, filled};

/// Every row goes to the next free entry of its bucket.
pub(super) struct Scatter {
    sorted: Vec<u32>,
    halves: [Half; 2],
    /// Where in every bucket the rows of the second half begin; `None` where there is one part.
    middle: Option<Vec<u32>>,
}

/// Rows that are put in one after another: all, or those of one half.
struct Half {
    /// The next free entry of every bucket.
    next: Vec<u32>,
    /// Whether a row found no entry left.
    overflowed: bool,
}

/// Puts rows in.
pub(super) struct Putter<'a> {
    sorted: &'a [AtomicU32],
    half: &'a mut Half,
}

impl Scatter {
    /// Of so many rows; `next` is the first entry of every bucket. Where two cores share the rows, `in_first_half` says how many
    /// of every bucket are the first one's.
    pub(super) fn new(rows: u32, next: Vec<u32>, in_first_half: Option<&[u32]>) -> Result<Self, Error> {
        let second = |counts: &[u32]| collected(next.iter().zip(counts).map(|(next, count)| next + count));
        let (middle, second) = match in_first_half {
            Some(counts) => (Some(second(counts)?), second(counts)?),
            None => (None, Vec::new()),
        };
        Ok(Self {
            sorted: filled(rows as usize, 0)?,
            halves: [next, second].map(|next| Half {
                next,
                overflowed: false,
            }),
            middle,
        })
    }

    /// For either half of the rows, or for all and none.
    pub(super) fn putters(&mut self) -> [Putter<'_>; 2] {
        let sorted = atomics(&mut self.sorted);
        self.halves.each_mut().map(|half| Putter { sorted, half })
    }

    /// The sorted rows, of which so many were `put`. `ends` tells where every bucket that has rows must end.
    ///
    /// # Errors
    /// [`Error::Code`] where a bucket got more or fewer rows than were counted: then the table was written to meanwhile.
    pub(super) fn done(self, put: u32, ends: impl IntoIterator<Item = (usize, u32)>) -> Result<Vec<u32>, Error> {
        let [first, second] = &self.halves;
        let is_full = |(bucket, end): (usize, u32)| match &self.middle {
            None => first.next[bucket] == end,
            Some(middle) => first.next[bucket] == middle[bucket] && second.next[bucket] == end,
        };
        let overflowed = first.overflowed || second.overflowed;
        if overflowed || put as usize != self.sorted.len() || !ends.into_iter().all(is_full) {
            return Err(Error::Code);
        }
        Ok(self.sorted)
    }
}

impl Putter<'_> {
    #[inline]
    pub(super) fn put(&mut self, row: u32, bucket: usize) {
        let entry = &mut self.half.next[bucket];
        match self.sorted.get(*entry as usize) {
            // Each entry is one half's alone, unless the table is written to meanwhile.
            Some(place) => place.store(row, Ordering::Relaxed),
            None => self.half.overflowed = true,
        }
        *entry = entry.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_not_those_that_were_counted() {
        for half in [None, Some(2)] {
            // In the first half, one row each of the first bucket and of the last.
            let in_first_half = half.map(|_| [1, 0, 0, 1]);
            let sorted = |buckets: &[usize]| {
                let next = vec![0, 2, 2, 3];
                let mut scatter = Scatter::new(4, next, in_first_half.as_ref().map(|counts| &counts[..])).unwrap();
                let [mut first, mut second] = scatter.putters();
                for (row, &bucket) in (0..).zip(buckets) {
                    let is_first = half.is_none_or(|half| row < half);
                    (if is_first { &mut first } else { &mut second }).put(row, bucket);
                }
                scatter.done(buckets.len() as u32, [(0, 2), (2, 3), (3, 4)])
            };
            assert_eq!(sorted(&[3, 0, 2, 0]), Ok(vec![1, 3, 2, 0]));
            let others: [&[usize]; 7] = [
                &[3, 0, 2, 2],
                &[3, 0, 2, 3],
                &[0, 0, 0, 2],
                &[3, 0, 2, 1],
                &[3, 0, 2],
                &[3, 0, 2, 0, 0],
                &[3, 0, 2, 0, 1],
            ];
            for buckets in others {
                assert_eq!(sorted(buckets), Err(Error::Code), "{buckets:?}");
            }
        }
    }
}
