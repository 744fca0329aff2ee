//! Places in the order of keys.

use crate::columns::sort::{BUCKETS, PASSES, SHORT, deal, digit};
use crate::error::Error;
use crate::labels::Numbered;
use crate::support::memory::{filled, push, room};
use crate::support::pauses::{ENTRIES, Pauses};

/// Sorts places by keys that are made for one stretch of them after another, in memory that is used again.
pub(super) struct Sorter {
    keys: Vec<u64>,
    count: usize,
    keys_to: Vec<u64>,
    places_to: Vec<u32>,
    pairs: Vec<(u64, u32)>,
    counts: Vec<[u32; BUCKETS]>,
}

impl Sorter {
    /// For stretches of up to `longest` places.
    pub(super) fn new<E: From<Error>>(longest: usize, pauses: &mut Pauses<'_, E>) -> Result<Self, E> {
        let by_digits = if longest > SHORT { longest } else { 0 };
        Ok(Self {
            keys: pauses.filled(longest, 0)?,
            count: 0,
            keys_to: pauses.filled(by_digits, 0)?,
            places_to: pauses.filled(by_digits, 0)?,
            pairs: room(longest.min(SHORT))?,
            counts: filled(if by_digits > 0 { PASSES } else { 0 }, [0; BUCKETS])?,
        })
    }

    /// Sorts `places` by their keys; equal ones keep their order.
    pub(super) fn sort<E: From<Error>>(
        &mut self,
        places: &mut [u32],
        key: impl Fn(u32) -> u64,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        self.count = places.len();
        if self.count <= SHORT {
            self.by_comparison(places, key);
            return pauses.after(self.count);
        }
        let mut low = u64::MAX;
        for (keys, places) in self.keys.chunks_mut(ENTRIES).zip(places.chunks(ENTRIES)) {
            for (entry, &place) in keys.iter_mut().zip(places) {
                *entry = key(place);
                low = low.min(*entry);
            }
            pauses.after(places.len())?;
        }
        self.by_digits(places, low, pauses)
    }

    /// The keys that were sorted last, in order; of keys that are close together only how far they are from the least.
    pub(super) fn keys(&self) -> &[u64] {
        &self.keys[..self.count]
    }

    fn by_comparison(&mut self, places: &mut [u32], key: impl Fn(u32) -> u64) {
        self.pairs.clear();
        self.pairs.extend(places.iter().map(|&place| (key(place), place)));
        self.pairs.sort_unstable();
        for ((key, place), &(sorted, of_sorted)) in self.keys.iter_mut().zip(places).zip(&self.pairs) {
            (*key, *place) = (sorted, of_sorted);
        }
    }

    fn by_digits<E: From<Error>>(&mut self, places: &mut [u32], low: u64, pauses: &mut Pauses<'_, E>) -> Result<(), E> {
        let count = self.count;
        // Labels that lie close together differ in few digits, counted from the least.
        self.counts.iter_mut().for_each(|counts| counts.fill(0));
        for keys in self.keys[..count].chunks_mut(ENTRIES) {
            for key in keys.iter_mut() {
                *key -= low;
                for (pass, counts) in self.counts.iter_mut().enumerate() {
                    counts[digit(*key, pass)] += 1;
                }
            }
            pauses.after(keys.len())?;
        }
        let mut swapped = false;
        for (pass, counts) in self.counts.iter_mut().enumerate() {
            if counts.iter().any(|&found| found as usize == count) {
                continue;
            }
            let other = &mut self.places_to[..count];
            let (from, to) = if swapped {
                (&*other, &mut *places)
            } else {
                (&*places, other)
            };
            deal(
                (&self.keys[..count], from),
                (&mut self.keys_to[..count], to),
                pass,
                counts,
                pauses,
            )?;
            std::mem::swap(&mut self.keys, &mut self.keys_to);
            swapped = !swapped;
        }
        if swapped {
            places.copy_from_slice(&self.places_to[..count]);
        }
        Ok(())
    }
}

/// Numbers labels whose places are in order; `first` tells where another label begins.
pub(super) fn numbered<E: From<Error>>(
    order: &[u32],
    first: &[bool],
    pauses: &mut Pauses<'_, E>,
) -> Result<Numbered, E> {
    let mut numbers: Vec<u32> = pauses.filled(order.len(), 0)?;
    let mut places = Vec::new();
    for (order, first) in order.chunks(ENTRIES).zip(first.chunks(ENTRIES)) {
        for (&place, &first) in order.iter().zip(first) {
            if first {
                push(&mut places, place)?;
            }
            numbers[place as usize] = places.len().saturating_sub(1) as u32;
        }
        pauses.after(order.len())?;
    }
    Ok(Numbered { numbers, places })
}

/// Places from 0 on.
pub(super) fn in_turn<E: From<Error>>(count: usize, pauses: &mut Pauses<'_, E>) -> Result<Vec<u32>, E> {
    if u32::try_from(count).is_err() {
        return Err(Error::TooManyRows { rows: count }.into());
    }
    pauses.collected((0..count).map(|place| place as u32))
}
