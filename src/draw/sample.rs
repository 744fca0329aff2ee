//! `k` distinct positions of `n` in random order, and moving past them (specification, section 1.2).

use super::generator::Generator;
use crate::error::Error;
use crate::support::memory::grow;

/// Populations up to this size always go by Floyd's algorithm.
const FLOYD_POPULATION: u32 = 10_000;
/// In larger ones, samples of more than one position in this many go by the tail of a shuffle.
const FLOYD_SHARE: u32 = 50;

fn by_tail_shuffle(population: u32, seats: usize) -> bool {
    population > FLOYD_POPULATION && seats > (population / FLOYD_SHARE) as usize
}

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
    fn capacity(keys: usize) -> usize {
        (3 * keys).next_power_of_two().max(16)
    }

    /// Makes room for samples of up to `keys` positions.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] where there is none.
    pub fn reserve(&mut self, keys: usize) -> Result<(), Error> {
        let capacity = Self::capacity(keys);
        if capacity > self.keys.len() {
            grow(&mut self.keys, capacity)?;
            grow(&mut self.values, capacity)?;
        }
        Ok(())
    }

    fn clear(&mut self, keys: usize) {
        let capacity = Self::capacity(keys);
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
    fn insert(&mut self, key: u32) -> bool {
        let (slot, found) = self.find(key);
        self.keys[slot] = u64::from(self.stamp) << 32 | u64::from(key);
        !found
    }

    /// Lets `key` stand for `value` and returns what it stood for: itself, unless it was replaced before.
    #[inline]
    fn replace(&mut self, key: u32, value: u32) -> u32 {
        let (slot, found) = self.find(key);
        self.keys[slot] = u64::from(self.stamp) << 32 | u64::from(key);
        let old = if found { self.values[slot] } else { key };
        self.values[slot] = value;
        old
    }
}

/// Fills `out` with `sample(population, out.len())`. `slots` must hold `min(population, out.len())` keys.
pub fn sample(generator: &mut Generator, population: u32, out: &mut [u32], slots: &mut Slots) {
    sample_and(generator, population, out, slots, |_| {});
}

/// As [`sample`], and tells most positions as soon as they are drawn, so that what they lead to can be asked for.
#[inline]
pub(crate) fn sample_and(
    generator: &mut Generator,
    population: u32,
    out: &mut [u32],
    slots: &mut Slots,
    drawn: impl Fn(u32),
) {
    let seats = out.len();
    // A copy of its own stays in registers.
    let mut local = generator.clone();
    if seats > population as usize {
        out.fill_with(|| local.below(population));
    } else if by_tail_shuffle(population, seats) {
        tail_shuffle(&mut local, population, out, slots);
    } else {
        floyd(&mut local, population, out, slots, drawn);
    }
    *generator = local;
}

/// Draws what `sample(population, seats)` draws and keeps nothing.
pub fn pass(generator: &mut Generator, population: u32, seats: usize) {
    let mut local = generator.clone();
    if seats > population as usize {
        for _ in 0..seats {
            local.below(population);
        }
    } else {
        let seats = seats as u32;
        let start = population - seats;
        // A bound of 1 draws nothing.
        let skipped = u32::from(start == 0 && seats > 0);
        if by_tail_shuffle(population, seats as usize) {
            local.pass_below(population, -1, seats - skipped);
        } else {
            local.pass_below(start + 1 + skipped, 1, seats - skipped);
            local.pass_below(seats, -1, seats.saturating_sub(1));
        }
    }
    *generator = local;
}

#[inline]
fn floyd(generator: &mut Generator, population: u32, out: &mut [u32], slots: &mut Slots, each: impl Fn(u32)) {
    slots.clear(out.len());
    let start = population - out.len() as u32;
    for (j, seat) in (start..population).zip(out.iter_mut()) {
        let drawn = generator.below(j + 1);
        *seat = if slots.insert(drawn) {
            drawn
        } else {
            slots.insert(j);
            j
        };
        each(*seat);
    }
    for i in (1..out.len()).rev() {
        out.swap(i, generator.below(i as u32 + 1) as usize);
    }
}

/// The last seats of a shuffle of `0..population` that begins at its end, in memory of the seats alone: the places
/// before them are held in `slots`, and only where a swap touched them.
fn tail_shuffle(generator: &mut Generator, population: u32, out: &mut [u32], slots: &mut Slots) {
    slots.clear(out.len());
    let start = population - out.len() as u32;
    for (place, seat) in (start..population).zip(out.iter_mut()) {
        *seat = place;
    }
    for i in (start.max(1)..population).rev() {
        let drawn = generator.below(i + 1);
        let here = (i - start) as usize;
        if drawn >= start {
            out.swap(here, (drawn - start) as usize);
        } else {
            out[here] = slots.replace(drawn, out[here]);
        }
    }
}
