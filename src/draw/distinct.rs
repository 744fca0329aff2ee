//! Which positions a sample has already.

use crate::error::Error;
use crate::support::memory::grow;

/// A hash table from position to position that is emptied by counting up a stamp.
///
/// Open addressing over the first power of two that holds twice the keys: a batch of a few hundred stays in the
/// first-level cache, whatever larger samples came before.
#[derive(Clone, Debug, Default)]
pub struct Slots {
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

    /// Puts `key` in; false where it was already there.
    #[inline]
    pub(super) fn insert(&mut self, key: u32) -> bool {
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
