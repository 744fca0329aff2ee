//! Values and their places sorted by the digits of their keys.

use crate::error::Error;
use crate::support::memory::filled;
use crate::support::pauses::{ENTRIES, Pauses};

/// Lists up to this length are sorted by comparison: passes over all digits would take longer.
pub(crate) const SHORT: usize = 512;
/// Bits that one pass goes by.
const DIGIT: u32 = 11;

/// Memory to sort one list after another.
pub(crate) struct ByDigits<T> {
    values_to: Vec<T>,
    places_to: Vec<u32>,
    /// How many values have each digit, and then where the next of each goes.
    counts: Vec<u32>,
}

impl<T: Copy> ByDigits<T> {
    pub(crate) fn new() -> Self {
        Self {
            values_to: Vec::new(),
            places_to: Vec::new(),
            counts: Vec::new(),
        }
    }

    /// Sorts values and places by those bits of the values' keys that are not the same in all; equal ones keep their order.
    pub(crate) fn sort<E: From<Error>>(
        &mut self,
        values: &mut [T],
        places: &mut [u32],
        key: impl Fn(T) -> u64,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        let Some(&first) = values.first() else { return Ok(()) };
        let mut differing = 0;
        for values in values.chunks(ENTRIES) {
            differing = values
                .iter()
                .fold(differing, |bits, &value| bits | (key(value) ^ key(first)));
            pauses.after(values.len())?;
        }
        if differing == 0 {
            return Ok(());
        }
        let len = values.len();
        if self.values_to.len() < len {
            // What was there is let go first.
            (self.values_to, self.places_to) = (Vec::new(), Vec::new());
            (self.values_to, self.places_to) = (pauses.filled(len, first)?, pauses.filled(len, 0)?);
        }
        if self.counts.is_empty() {
            self.counts = filled(1 << DIGIT, 0)?;
        }
        let (values_to, places_to) = (&mut self.values_to[..len], &mut self.places_to[..len]);
        let mut swapped = false;
        for shift in (differing.trailing_zeros()..u64::BITS - differing.leading_zeros()).step_by(DIGIT as usize) {
            let digit = |value: T| (key(value) >> shift) as usize % (1 << DIGIT);
            if swapped {
                deal(
                    (&*values_to, &*places_to),
                    (&mut *values, &mut *places),
                    digit,
                    &mut self.counts,
                    pauses,
                )?;
            } else {
                deal(
                    (&*values, &*places),
                    (&mut *values_to, &mut *places_to),
                    digit,
                    &mut self.counts,
                    pauses,
                )?;
            }
            swapped = !swapped;
        }
        if swapped {
            values.copy_from_slice(values_to);
            places.copy_from_slice(places_to);
        }
        Ok(())
    }
}

/// Deals values and places out by one digit.
fn deal<T: Copy, E: From<Error>>(
    (values, places): (&[T], &[u32]),
    (values_to, places_to): (&mut [T], &mut [u32]),
    digit: impl Fn(T) -> usize,
    counts: &mut [u32],
    pauses: &mut Pauses<'_, E>,
) -> Result<(), E> {
    counts.fill(0);
    for values in values.chunks(ENTRIES) {
        for &value in values {
            counts[digit(value)] += 1;
        }
        pauses.after(values.len())?;
    }
    let mut start = 0;
    for count in counts.iter_mut() {
        start += std::mem::replace(count, start);
    }
    let next = counts;
    for (values, places) in values.chunks(ENTRIES).zip(places.chunks(ENTRIES)) {
        for (&value, &place) in values.iter().zip(places) {
            let entry = &mut next[digit(value)];
            values_to[*entry as usize] = value;
            places_to[*entry as usize] = place;
            *entry += 1;
        }
        pauses.after(values.len())?;
    }
    Ok(())
}
