//! `k` distinct positions of `n` in random order (specification, section 1.2).

use crate::draw::distinct::Slots;
use crate::draw::generator::Generator;
use crate::error::Error;

/// Populations up to this size always go by Floyd's algorithm.
const FLOYD_POPULATION: u32 = 10_000;
/// In larger ones, samples of more than one position in this many go by the tail of a shuffle.
const FLOYD_SHARE: u32 = 50;

pub(super) fn by_tail_shuffle(population: u32, seats: usize) -> bool {
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
}

/// As [`Generator::sample`], with `slots` that were given room for `min(population, out.len())` keys.
pub(crate) fn sample(generator: &mut Generator, population: u32, out: &mut [u32], slots: &mut Slots) {
    sample_and(generator, population, out, slots, |_| {});
}

/// As [`sample`], and tells most positions twice, as soon as they are known, so that what they lead to can be asked for.
#[inline]
pub(crate) fn sample_and(
    generator: &mut Generator,
    population: u32,
    out: &mut [u32],
    slots: &mut Slots,
    known: impl Fn(u32),
) {
    let seats = out.len();
    if seats > population as usize {
        with_replacement(generator, population, out);
    } else if by_tail_shuffle(population, seats) {
        tail_shuffle(generator, population, out, slots);
    } else {
        floyd(generator, population, out, slots, known);
    }
}

fn with_replacement(generator: &mut Generator, population: u32, out: &mut [u32]) {
    out.fill(0);
    if population > 1 {
        let mut seats = out.iter_mut();
        generator.each_below(population, 0, seats.len(), |drawn| {
            if let Some(seat) = seats.next() {
                *seat = drawn;
            }
        });
    }
}

/// Draws all, tells them apart and shuffles them, one loop after another: none of them waits for another's misses.
#[inline]
fn floyd(generator: &mut Generator, population: u32, out: &mut [u32], slots: &mut Slots, known: impl Fn(u32)) {
    if out.is_empty() {
        return;
    }
    let start = population - out.len() as u32;
    let mut seats = out.iter_mut();
    if start == 0 {
        // A bound of 1 draws nothing.
        seats.next().into_iter().for_each(|seat| *seat = 0);
    }
    let left = seats.len();
    generator.each_below(population - left as u32 + 1, 1, left, |drawn| {
        if let Some(seat) = seats.next() {
            *seat = drawn;
            known(drawn);
        }
    });
    slots.tell_apart(start, out);
    let mut seat = out.len();
    generator.each_below(seat as u32, -1, seat - 1, |drawn| {
        seat -= 1;
        out.swap(seat, drawn as usize);
        // Once more: what is asked for while memory has enough to answer is forgotten.
        known(out[seat]);
    });
}

/// The last seats of a shuffle of `0..population` that begins at its end, in memory of the seats alone: the places
/// before them are held in `slots`, and only where a swap touched them.
fn tail_shuffle(generator: &mut Generator, population: u32, out: &mut [u32], slots: &mut Slots) {
    slots.clear(out.len());
    let start = population - out.len() as u32;
    for (place, seat) in (start..population).zip(out.iter_mut()) {
        *seat = place;
    }
    let mut here = out.len();
    generator.each_below(population, -1, (population - start.max(1)) as usize, |drawn| {
        here -= 1;
        if drawn >= start {
            out.swap(here, (drawn - start) as usize);
        } else {
            out[here] = slots.replace(drawn, out[here]);
        }
    });
}
