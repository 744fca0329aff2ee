//! Which positions a sample has already.

use crate::error::Error;
use crate::support::memory::grow;

/// Remainders by which the positions of small samples are told apart: a byte each, half of the first-level cache.
const MARKS: usize = 1 << 14;
/// Samples up to this size are small: of as many, one in 32 has another's remainder.
const SMALL: usize = 1 << 10;

/// Memory to tell the positions of a sample apart: a hash table from position to position that is emptied by counting up a
/// stamp, and for small samples a mark for each remainder.
///
/// Open addressing over the first power of two that holds twice the keys: a batch of a few hundred stays in the
/// first-level cache, whatever larger samples came before.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    /// The number of the last sample that had a position of each remainder.
    marks: Vec<u8>,
    /// The number of the sample.
    number: u8,
    /// Stamp in the high half, key in the low half. A slot with another stamp is empty.
    keys: Vec<u64>,
    /// What the keys stand for; read only where a key was found.
    values: Vec<u32>,
    stamp: u32,
    shift: u32,
    mask: usize,
}

impl Slots {
    /// Slots for so many keys; `None` where that is no number.
    fn capacity(keys: usize) -> Option<usize> {
        Some(keys.checked_mul(3)?.checked_next_power_of_two()?.max(16))
    }

    /// Makes room for samples of up to `keys` positions.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] where there is none.
    pub fn reserve(&mut self, keys: usize) -> Result<(), Error> {
        let capacity = Self::capacity(keys).ok_or(Error::OutOfMemory {
            bytes: 3 * keys as u128 * size_of::<(u64, u32)>() as u128,
        })?;
        // One of the two may have been grown where there was no memory for the other.
        if capacity > self.keys.len().min(self.values.len()) {
            grow(&mut self.keys, capacity)?;
            grow(&mut self.values, capacity)?;
        }
        if self.marks.is_empty() {
            grow(&mut self.marks, MARKS)?;
        }
        Ok(())
    }

    /// Empties as many slots as so many keys take, which there must be.
    pub(super) fn clear(&mut self, keys: usize) {
        let capacity = Self::capacity(keys).unwrap_or(self.keys.len());
        self.mask = capacity - 1;
        self.shift = u32::BITS - capacity.trailing_zeros().min(u32::BITS);
        if self.stamp == u32::MAX {
            self.keys.fill(0);
            self.stamp = 0;
        }
        self.stamp += 1;
    }

    /// The slot where `key` is, or where it belongs, and whether it is there.
    #[inline]
    fn find(&self, key: u32) -> (usize, bool) {
        let entry = u64::from(self.stamp) << 32 | u64::from(key);
        // The multiplier is 2^32 over the golden ratio, which spreads runs of neighbouring keys.
        let hash = key.wrapping_mul(0x9e37_79b1) >> self.shift;
        let mut slot = hash as usize & self.mask;
        loop {
            let found = self.keys[slot];
            if found == entry {
                return (slot, true);
            }
            if (found >> 32) as u32 != self.stamp {
                return (slot, false);
            }
            slot = (slot + 1) & self.mask;
        }
    }

    /// Replaces each position that was there before by `start` and its own place, which none before it can be.
    #[inline]
    pub(super) fn tell_apart(&mut self, start: u32, positions: &mut [u32]) {
        match self.marks.first_chunk_mut::<MARKS>() {
            Some(marks) if positions.len() <= SMALL => {
                if self.number == u8::MAX {
                    marks.fill(0);
                    self.number = 0;
                }
                self.number += 1;
                let number = self.number;
                let is_exact = start as usize + positions.len() <= MARKS;
                for place in 0..positions.len() {
                    let position = positions[place];
                    let mark = &mut marks[position as usize % MARKS];
                    if *mark == number && (is_exact || positions[..place].contains(&position)) {
                        positions[place] = start + place as u32;
                        marks[positions[place] as usize % MARKS] = number;
                    } else {
                        *mark = number;
                    }
                }
            }
            _ => {
                self.clear(positions.len());
                for (position, own) in positions.iter_mut().zip(start..) {
                    if !self.insert(*position) {
                        *position = own;
                        self.insert(own);
                    }
                }
            }
        }
    }

    /// Puts `key` in; false where it was already there.
    #[inline]
    fn insert(&mut self, key: u32) -> bool {
        let (slot, found) = self.find(key);
        self.keys[slot] = u64::from(self.stamp) << 32 | u64::from(key);
        !found
    }

    /// Lets `key` stand for `value` and returns what it stood for: itself, unless it was replaced before.
    #[inline]
    pub(super) fn replace(&mut self, key: u32, value: u32) -> u32 {
        let (slot, found) = self.find(key);
        self.keys[slot] = u64::from(self.stamp) << 32 | u64::from(key);
        let old = if found { self.values[slot] } else { key };
        self.values[slot] = value;
        old
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_keys_than_there_can_be() {
        let mut slots = Slots::default();
        for keys in [
            usize::MAX,
            usize::MAX / 3,
            usize::MAX / 3 + 1,
            1 << (usize::BITS - 2),
            1 << (usize::BITS - 5),
        ] {
            assert!(matches!(slots.reserve(keys), Err(Error::OutOfMemory { .. })), "{keys}");
        }
        slots.reserve(100).unwrap();
        slots.clear(100);
        assert!(slots.insert(7) && !slots.insert(7));
    }
}
