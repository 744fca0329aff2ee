//! Rows sorted by their times.

use crate::columns::times::{Key, Time};
use crate::error::Error;
use crate::support::memory::{filled, room};
use crate::support::pauses::{ENTRIES, Pauses};

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
pub(crate) const BUCKETS: usize = 1 << DIGIT;
/// Passes over the widest key.
pub(crate) const PASSES: usize = passes::<u64>();
/// Lists up to this length are sorted by comparison: passes over all buckets would take longer.
pub(crate) const SHORT: usize = 1024;

const fn passes<K>() -> usize {
    (size_of::<K>() * 8).div_ceil(DIGIT as usize)
}

pub(crate) fn digit(key: impl Key, pass: usize) -> usize {
    (key.into() >> (pass as u32 * DIGIT)) as usize & (BUCKETS - 1)
}

impl<'a, T: Time> Sorter<'a, T> {
    /// For lists of up to `longest` rows.
    pub(crate) fn new<E: From<Error>>(
        chunks: &'a [&'a [T]],
        longest: usize,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Self, E> {
        let by_digits = if longest > SHORT { longest } else { 0 };
        Ok(Self {
            chunks,
            keys: room(longest)?,
            keys_to: pauses.filled(by_digits, T::Key::default())?,
            places_to: pauses.filled(by_digits, 0)?,
            pairs: room(longest.min(SHORT))?,
            counts: filled(if by_digits > 0 { PASSES } else { 0 }, [0; BUCKETS])?,
        })
    }

    /// Sorts rows by their times, equal ones in their own order. They ascend, or are some runs that do. `places` becomes
    /// their places in the order of their times. Returns the sorted times.
    pub(crate) fn sort<E: From<Error>>(
        &mut self,
        rows: impl ExactSizeIterator<Item = u32>,
        places: &mut [u32],
        pauses: &mut Pauses<'_, E>,
    ) -> Result<&[T::Key], E> {
        self.read(rows, pauses)?;
        for (place, entry) in (0..).zip(places.iter_mut()) {
            *entry = place;
        }
        if places.len() > SHORT {
            self.by_digits(places, pauses)?;
        } else {
            self.by_comparison(places);
        }
        Ok(&self.keys)
    }

    /// Reads the times of the rows, in their order.
    fn read<E: From<Error>>(
        &mut self,
        rows: impl ExactSizeIterator<Item = u32>,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        let mut chunks = self.chunks.iter();
        let (mut chunk, mut start): (&[T], usize) = (&[], 0);
        let keys = rows.map(|row| {
            if (row as usize) < start {
                chunks = self.chunks.iter();
                (chunk, start) = (&[], 0);
            }
            while row as usize - start >= chunk.len() {
                start += chunk.len();
                chunk = chunks.next().copied().unwrap_or_default();
            }
            chunk[row as usize - start].key()
        });
        self.keys.clear();
        pauses.extend(&mut self.keys, keys)
    }

    fn by_comparison(&mut self, places: &mut [u32]) {
        self.pairs.clear();
        self.pairs.extend(self.keys.iter().copied().zip(places.iter().copied()));
        self.pairs.sort_unstable();
        for ((key, entry), &(sorted, place)) in self.keys.iter_mut().zip(places).zip(&self.pairs) {
            (*key, *entry) = (sorted, place);
        }
    }

    fn by_digits<E: From<Error>>(&mut self, places: &mut [u32], pauses: &mut Pauses<'_, E>) -> Result<(), E> {
        let len = self.keys.len();
        self.count_digits(pauses)?;
        self.keys_to.resize(len, T::Key::default());
        let places_to = &mut self.places_to[..len];
        let mut swapped = false;
        for (pass, counts) in self.counts[..passes::<T::Key>()].iter_mut().enumerate() {
            if counts.iter().any(|&count| count as usize == len) {
                continue;
            }
            let (from, to) = if swapped {
                (&*places_to, &mut *places)
            } else {
                (&*places, &mut *places_to)
            };
            deal((&self.keys, from), (&mut self.keys_to, to), pass, counts, pauses)?;
            std::mem::swap(&mut self.keys, &mut self.keys_to);
            swapped = !swapped;
        }
        if swapped {
            places.copy_from_slice(places_to);
        }
        Ok(())
    }

    fn count_digits<E: From<Error>>(&mut self, pauses: &mut Pauses<'_, E>) -> Result<(), E> {
        self.counts.iter_mut().for_each(|counts| counts.fill(0));
        for keys in self.keys.chunks(ENTRIES) {
            for &key in keys {
                for (pass, counts) in self.counts[..passes::<T::Key>()].iter_mut().enumerate() {
                    counts[digit(key, pass)] += 1;
                }
            }
            pauses.after(keys.len())?;
        }
        Ok(())
    }
}

/// Deals keys and places out by one digit. `counts` says how many keys have each, and is used up.
pub(crate) fn deal<K: Key, E: From<Error>>(
    (keys, places): (&[K], &[u32]),
    (keys_to, places_to): (&mut [K], &mut [u32]),
    pass: usize,
    counts: &mut [u32; BUCKETS],
    pauses: &mut Pauses<'_, E>,
) -> Result<(), E> {
    let mut start = 0;
    for count in counts.iter_mut() {
        start += std::mem::replace(count, start);
    }
    let next = counts;
    for (keys, places) in keys.chunks(ENTRIES).zip(places.chunks(ENTRIES)) {
        for (&key, &place) in keys.iter().zip(places) {
            let entry = &mut next[digit(key, pass)];
            keys_to[*entry as usize] = key;
            places_to[*entry as usize] = place;
            *entry += 1;
        }
        pauses.after(keys.len())?;
    }
    Ok(())
}
