//! A stable counting sort of rows into buckets.

use crate::error::Error;
use crate::support::memory::filled;

/// Every row goes to the next free entry of its bucket.
pub(super) struct Scatter {
    sorted: Vec<u32>,
    /// The next free entry of every bucket.
    next: Vec<u32>,
    /// Whether a row found no entry left.
    overflowed: bool,
}

impl Scatter {
    /// Of so many rows; `next` is the first entry of every bucket.
    pub(super) fn new(rows: u32, next: Vec<u32>) -> Result<Self, Error> {
        Ok(Self {
            sorted: filled(rows as usize, 0)?,
            next,
            overflowed: false,
        })
    }

    #[inline]
    pub(super) fn put(&mut self, row: u32, bucket: usize) {
        let entry = &mut self.next[bucket];
        match self.sorted.get_mut(*entry as usize) {
            Some(place) => *place = row,
            None => self.overflowed = true,
        }
        *entry = entry.wrapping_add(1);
    }

    /// The sorted rows, of which so many were `put`. `ends` tells where every bucket that has rows must end.
    ///
    /// # Errors
    /// [`Error::Code`] where a bucket got more or fewer rows than were counted: then the table was written to meanwhile.
    pub(super) fn done(self, put: u32, ends: impl IntoIterator<Item = (usize, u32)>) -> Result<Vec<u32>, Error> {
        let is_full = |(bucket, end): (usize, u32)| self.next[bucket] == end;
        if self.overflowed || put as usize != self.sorted.len() || !ends.into_iter().all(is_full) {
            return Err(Error::Code);
        }
        Ok(self.sorted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_not_those_that_were_counted() {
        let sorted = |buckets: &[usize]| {
            let mut scatter = Scatter::new(4, vec![0, 2, 2, 3]).unwrap();
            for (row, &bucket) in (0..).zip(buckets) {
                scatter.put(row, bucket);
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
