//! Moving past draws: all that their numbers leave behind is whether one was drawn again.
//!
//! So words may be drawn before it is known what for, while memory is waited for, and are looked at in blocks.

#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use rand_pcg::Lcg128Xsl64;
use rand_pcg::rand_core::Rng;

use crate::draw::generator::Generator;
use crate::draw::sample::by_tail_shuffle;
use crate::support::simd::{Bits, Search, on_this_processor};

/// A word: its low half and its high one, in the order that they are drawn in.
type Word = [u32; 2];

/// Words that are looked at together.
const BLOCK: usize = 16;
/// Words that are drawn each time that memory is waited for, about as long as it takes.
const WAIT: usize = 64;
/// Words that are drawn before they are used.
const MOST: usize = 4 * WAIT;

/// Words that are drawn ahead.
#[derive(Clone, Debug)]
pub(crate) struct Ahead {
    /// Those that are drawn end at `end`, and from `next` on they are not used. A block may be read behind them.
    words: [Word; MOST + BLOCK],
    next: usize,
    end: usize,
    /// The generator before the first of them.
    before: Option<Lcg128Xsl64>,
    /// Words that will probably still be used beside them.
    expected: usize,
}

impl Default for Ahead {
    fn default() -> Self {
        Self {
            words: [Word::default(); MOST + BLOCK],
            next: 0,
            end: 0,
            before: None,
            expected: 0,
        }
    }
}

impl Ahead {
    /// Is told how many words will probably be used: so many may be drawn before it is known what for.
    pub(crate) fn expect(&mut self, words: usize) {
        self.expected = words;
    }

    /// Draws some words ahead, if so many are expected and there is room.
    #[inline]
    pub(crate) fn wait(&mut self, generator: &mut Generator) {
        if self.expected >= WAIT && self.end + WAIT <= MOST {
            self.draw(generator, WAIT);
        }
    }

    /// Draws so many words ahead. There must be room.
    #[inline]
    fn draw(&mut self, generator: &mut Generator, words: usize) {
        self.before.get_or_insert_with(|| generator.pcg.clone());
        let end = self.end + words;
        // A copy stays in registers.
        let mut pcg = generator.pcg.clone();
        for halves in &mut self.words[self.end..end] {
            let word = pcg.next_u64();
            *halves = [word as u32, (word >> 32) as u32];
        }
        generator.pcg = pcg;
        self.end = end;
        self.expected = self.expected.saturating_sub(words);
    }

    /// Gives the words that are not used back to the generator, which then stands as if they had not been drawn.
    #[inline]
    pub(crate) fn give_back(&mut self, generator: &mut Generator) {
        if let Some(mut before) = self.before.take() {
            if self.next < self.end {
                before.advance(self.next as u128);
                generator.pcg = before;
            }
        }
        (self.next, self.end) = (0, 0);
    }

    /// Draws what [`Generator::sample`] draws for so many seats and keeps nothing.
    #[inline]
    pub(crate) fn pass(&mut self, generator: &mut Generator, population: u32, seats: usize) {
        if self.end == 0 {
            pass(generator, population, seats);
        } else {
            each_draws(&mut WithAhead { ahead: self, generator }, population, seats);
        }
    }
}

/// As [`Ahead::pass`], without words that were drawn ahead.
fn pass(generator: &mut Generator, population: u32, seats: usize) {
    each_draws(generator, population, seats);
}

/// What passes so many draws below bounds, each `step` from the last.
trait PassEach {
    fn pass_each(&mut self, first: u32, step: i32, count: usize);
}

impl PassEach for Generator {
    #[inline(always)]
    fn pass_each(&mut self, first: u32, step: i32, count: usize) {
        self.each_below(first, step, count, |_| {});
    }
}

struct WithAhead<'a> {
    ahead: &'a mut Ahead,
    generator: &'a mut Generator,
}

impl PassEach for WithAhead<'_> {
    fn pass_each(&mut self, first: u32, step: i32, count: usize) {
        on_this_processor(PassBelow {
            ahead: self.ahead,
            generator: self.generator,
            bound: first,
            step,
            left: count,
        });
    }
}

/// Passes all draws that [`Generator::sample`] takes.
#[inline(always)]
fn each_draws(draws: &mut impl PassEach, population: u32, seats: usize) {
    if seats > population as usize {
        if population > 1 {
            draws.pass_each(population, 0, seats);
        }
        return;
    }
    if seats == 0 {
        return;
    }
    let start = population - seats as u32;
    // A bound of 1 draws nothing.
    let skipped = usize::from(start == 0);
    if by_tail_shuffle(population, seats) {
        draws.pass_each(population, -1, seats - skipped);
    } else {
        draws.pass_each(start + 1 + skipped as u32, 1, seats - skipped);
        draws.pass_each(seats as u32, -1, seats - 1);
    }
}

/// Moves past so many draws, in blocks.
struct PassBelow<'a> {
    ahead: &'a mut Ahead,
    generator: &'a mut Generator,
    bound: u32,
    step: i32,
    left: usize,
}

impl Search for PassBelow<'_> {
    #[inline(always)]
    fn run<B: Bits>(mut self, _bits: B) {
        while self.left > 0 {
            if self.ahead.next == self.ahead.end {
                if self.left < 2 * BLOCK {
                    break;
                }
                self.ahead.give_back(self.generator);
                self.ahead.draw(self.generator, self.left.div_ceil(2).min(MOST));
            }
            let most = if self.generator.kept.is_some() {
                self.pass_kept()
            } else {
                self.pass_block()
            };
            self.bound = self.bound.wrapping_add_signed(self.step.wrapping_mul(most as i32));
            self.left -= most;
        }
        if self.left > 0 {
            self.draw(self.left);
        }
    }
}

impl PassBelow<'_> {
    /// One draw from the half that is kept.
    #[inline(always)]
    fn pass_kept(&mut self) -> usize {
        match self.generator.kept {
            Some(half) if half.wrapping_mul(self.bound) >= self.bound => self.generator.kept = None,
            _ => self.draw(1),
        }
        1
    }

    /// The draws of some words.
    #[inline(always)]
    fn pass_block(&mut self) -> usize {
        let Ahead { words, next, end, .. } = &mut *self.ahead;
        let draws = self.left.min(2 * BLOCK).min(2 * (*end - *next));
        match words[*next..].first_chunk() {
            Some(block) if !any_again(block, draws, self.bound, self.step) => {
                *next += draws.div_ceil(2);
                self.generator.use_up(block, draws);
            }
            _ => self.draw(draws),
        }
        draws
    }

    /// Draws one by one.
    #[inline(never)]
    fn draw(&mut self, draws: usize) {
        self.ahead.give_back(self.generator);
        self.generator.each_below(self.bound, self.step, draws, |_| {});
    }
}

/// Whether one of the first draws of a block might have to be drawn again.
#[inline(always)]
fn any_again(block: &[Word; BLOCK], draws: usize, first: u32, step: i32) -> bool {
    let mut again = 0;
    for (place, half) in (0..).zip(block.as_flattened()) {
        let bound = first.wrapping_add_signed(step.wrapping_mul(place));
        // Nothing is below 0.
        let bound = if place < draws as i32 { bound } else { 0 };
        again |= u32::from(half.wrapping_mul(bound) < bound);
    }
    again > 0
}

impl Generator {
    /// Draws what [`Generator::sample`] draws for so many seats and keeps nothing.
    pub fn pass(&mut self, population: u32, seats: usize) {
        pass(self, population, seats);
    }

    /// Counts the words of some draws, and keeps the half that is left over.
    #[inline(always)]
    fn use_up(&mut self, block: &[Word; BLOCK], draws: usize) {
        self.words = self.words.wrapping_add(draws.div_ceil(2) as u64);
        if draws % 2 == 1 {
            self.kept = Some(block[draws / 2][1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Slots, sample};
    use crate::support::simd::testing::on_every_processor;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn passing_leaves_the_generator_where_drawing_does(
            seed: u64,
            batches in proptest::collection::vec(
                (
                    // Of the largest many draws are drawn again.
                    proptest::collection::vec((prop_oneof![0..70_u32, 1..100_000_u32, 1 << 31..u32::MAX], 0..300_usize), 0..5),
                    0..600_usize,
                    0..5_usize,
                ),
                1..5,
            ),
        ) {
            let mut expected = Generator::new(seed);
            let mut slots = Slots::default();
            let mut places = Vec::new();
            for (lists, ..) in &batches {
                for &(population, seats) in lists {
                    let mut positions = vec![0; seats];
                    slots.reserve(seats).unwrap();
                    sample(&mut expected, population, &mut positions, &mut slots);
                }
                places.push(expected.clone());
            }
            on_every_processor(|| {
                let mut generator = Generator::new(seed);
                let mut ahead = Ahead::default();
                for ((lists, words, waits), place) in batches.iter().zip(&places) {
                    ahead.expect(*words);
                    (0..*waits).for_each(|_| ahead.wait(&mut generator));
                    for &(population, seats) in lists {
                        ahead.pass(&mut generator, population, seats);
                        // Memory may be waited for between lists, too.
                        ahead.wait(&mut generator);
                    }
                    ahead.give_back(&mut generator);
                    prop_assert_eq!(&generator, place);
                }
                Ok(())
            })?;
        }
    }
}
