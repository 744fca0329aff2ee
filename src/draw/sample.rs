//! `k` distinct positions of `n` in random order, and moving past them (specification, section 1.2).

use crate::draw::distinct::Slots;
use crate::draw::generator::Generator;
use crate::error::Error;

/// Populations up to this size always go by Floyd's algorithm.
const FLOYD_POPULATION: u32 = 10_000;
/// In larger ones, samples of more than one position in this many go by the tail of a shuffle.
const FLOYD_SHARE: u32 = 50;

fn by_tail_shuffle(population: u32, seats: usize) -> bool {
    population > FLOYD_POPULATION && seats > (population / FLOYD_SHARE) as usize
}

impl Generator {
    /// Fills `out` with `sample(population, out.len())` of the specification: distinct positions below `population` in random
    /// order, where there are as many; else each is drawn anew. Of an empty population all are 0.
    ///
    /// ```
    /// use cascade_sampler::draw::{Generator, Slots};
    ///
    /// let mut hand = [0; 5];
    /// Generator::new(7).sample(52, &mut hand, &mut Slots::default())?;
    /// assert!(hand.iter().all(|&card| card < 52));
    /// # Ok::<(), cascade_sampler::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], before anything is drawn.
    pub fn sample(&mut self, population: u32, out: &mut [u32], slots: &mut Slots) -> Result<(), Error> {
        slots.reserve(out.len().min(population as usize))?;
        sample(self, population, out, slots);
        Ok(())
    }

    /// Draws what [`Generator::sample`] draws for so many seats and keeps nothing.
    pub fn pass(&mut self, population: u32, seats: usize) {
        pass(self, population, seats);
    }
}

/// As [`Generator::sample`], with `slots` that were given room for `min(population, out.len())` keys.
pub(crate) fn sample(generator: &mut Generator, population: u32, out: &mut [u32], slots: &mut Slots) {
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

/// As [`Generator::pass`].
pub(crate) fn pass(generator: &mut Generator, population: u32, seats: usize) {
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
