//! Places in the order of keys.

use crate::columns::digits::{ByDigits, SHORT};
use crate::error::Error;
use crate::labels::Numbered;
use crate::support::memory::{push, room};
use crate::support::pauses::{ENTRIES, Pauses};

/// Sorts places by keys that are made for one stretch of them after another, in memory that is used again.
pub(super) struct Sorter {
    keys: Vec<u64>,
    count: usize,
    pairs: Vec<(u64, u32)>,
    by_digits: ByDigits<u64>,
}

impl Sorter {
    /// For stretches of up to `longest` places.
    pub(super) fn new<E: From<Error>>(longest: usize, pauses: &mut Pauses<'_, E>) -> Result<Self, E> {
        Ok(Self {
            keys: pauses.filled(longest, 0)?,
            count: 0,
            pairs: room(longest.min(SHORT))?,
            by_digits: ByDigits::new(),
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
        let keys = &mut self.keys[..self.count];
        // Labels that lie close together differ in few digits, counted from the least.
        for keys in keys.chunks_mut(ENTRIES) {
            for key in keys.iter_mut() {
                *key -= low;
            }
            pauses.after(keys.len())?;
        }
        self.by_digits.sort(keys, places, |key| key, pauses)
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
