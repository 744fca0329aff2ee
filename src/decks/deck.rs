//! A shuffled deck whose cards are worked out one by one, or many at a time: no list is kept
//! (specification of the dealt cascade, section 1).
//!
//! A deck of up to 64 cards is shuffled as a list. In a larger one a place is written as a row and a column of a table of
//! about as many rows as columns, and each of the two in turn is moved on by what the other says: eight times, which is a
//! bijection of the table's fields whatever the other says. A field that is no card is walked on from until one is.

use super::keys::{onto, word};
use super::walk::{FEW, Few, STEPS, Walks, walk_on};
use crate::support::simd::{Bits, Search, on_this_processor};

/// Decks up to this size are shuffled as a list.
const LIST: u32 = 64;

/// How many cards a deck has, and the table that they are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(super) cards: u32,
    /// Rows and columns of the table, both at most 2^16.
    pub(super) height: u32,
    pub(super) width: u32,
}

impl Shape {
    pub(crate) fn new(cards: u32) -> Self {
        // The root of a number of 32 bits, rounded, is below the next integer unless it is that.
        let height = f64::from(cards).sqrt().ceil() as u32;
        Self {
            cards,
            height,
            width: cards.div_ceil(height.max(1)),
        }
    }

    #[inline]
    pub(crate) fn cards(self) -> u32 {
        self.cards
    }
}

/// A deck as one key shuffles it: the numbers below that of its cards, each once, in an order that the key alone decides.
///
/// ```
/// use cascade_sampler::decks::Deck;
///
/// let deck = Deck::new(1_000_000_000, 42);
/// let mut cards = [0; 5];
/// deck.deal(3, &mut cards);
/// assert_eq!(cards[2], deck.card(5));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Deck {
    shape: Shape,
    key: u64,
}

impl Deck {
    /// A deck of so many cards, at least 1.
    ///
    /// # Panics
    /// Where there are no cards.
    #[must_use]
    pub fn new(cards: u32, key: u64) -> Self {
        assert!(cards > 0, "a deck has cards");
        Self::of(Shape::new(cards), key)
    }

    /// A deck whose shape is known.
    #[inline]
    pub(crate) fn of(shape: Shape, key: u64) -> Self {
        Self { shape, key }
    }

    /// The card at `place`.
    ///
    /// # Panics
    /// Where `place` is not below the number of cards.
    #[must_use]
    pub fn card(&self, place: u32) -> u32 {
        assert!(place < self.shape.cards, "a place is below the number of cards");
        if self.shape.cards <= LIST {
            return self.shuffled(place)[place as usize].into();
        }
        walk_on(self.shape, &self.step_keys(), place)
    }

    /// The cards at the places from `first` on; after the last comes the first again.
    ///
    /// # Panics
    /// Where `first` is not below the number of cards.
    #[inline]
    pub fn deal(&self, first: u32, out: &mut [u32]) {
        let cards = self.shape.cards;
        assert!(first < cards, "a place is below the number of cards");
        if !self.is_list() {
            on_this_processor(Dealing { deck: self, first, out });
            return;
        }
        let wraps = out.len() > (cards - first) as usize;
        let list = self.shuffled(if wraps { 0 } else { first });
        for (card, &dealt) in out
            .iter_mut()
            .zip(list[..cards as usize].iter().cycle().skip(first as usize))
        {
            *card = dealt.into();
        }
    }

    /// Whether the deck is so small that it is shuffled as a list.
    #[inline]
    pub(crate) fn is_list(&self) -> bool {
        self.shape.cards <= LIST
    }

    /// Calls `each` for `count` places of a deck that is no list from `first` on, a few at a time with their place among
    /// these and how many they are; after the last comes the first again.
    #[inline]
    pub(crate) fn each_few(&self, first: u32, count: usize, mut each: impl FnMut(&Few, usize, usize)) {
        let (mut few, mut before_end) = (Few::new(self.shape, self.step_keys(), first), self.shape.cards - first);
        let mut done = 0;
        while done < count {
            let many = (count - done).min(FEW).min(before_end as usize);
            each(&few, done, many);
            done += many;
            before_end -= many as u32;
            few.next();
            if before_end == 0 && done < count {
                few = Few::new(self.shape, self.step_keys(), 0);
                before_end = self.shape.cards;
            }
        }
    }

    /// The list of a small deck, right from place `from` on.
    #[inline]
    fn shuffled(&self, from: u32) -> [u8; LIST as usize] {
        let mut list: [u8; LIST as usize] = std::array::from_fn(|card| card as u8);
        // A swap settles the later of its two places.
        for place in (from.max(1)..self.shape.cards).rev() {
            list.swap(place as usize, onto(word(self.key, place.into()), place + 1) as usize);
        }
        list
    }

    #[inline]
    fn step_keys(&self) -> [u32; STEPS] {
        let words = [0, 1, 2, 3].map(|number| word(self.key, number));
        std::array::from_fn(|half| (words[half / 2] >> (half % 2 * 32)) as u32)
    }
}

/// Deals from a deck that is no list.
struct Dealing<'a> {
    deck: &'a Deck,
    first: u32,
    out: &'a mut [u32],
}

impl Search for Dealing<'_> {
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "compiled for the processor that the caller is compiled for"
    )]
    fn run<B: Bits>(self, _bits: B) {
        let Self { deck, first, out } = self;
        let (mut walks, count) = (Walks::new(0), out.len());
        let mut end = |walks: &mut Walks<usize>| {
            walks.end(
                || {},
                |&start, cards, many| out[start..start + many].copy_from_slice(&cards[..many]),
            );
        };
        deck.each_few(first, count, |few, start, many| {
            if walks.add(few, many, start) {
                end(&mut walks);
            }
        });
        end(&mut walks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::simd::testing::on_every_processor;
    use proptest::prelude::*;

    /// The specification's words, one place at a time.
    #[allow(clippy::many_single_char_names, reason = "the specification's own")]
    fn slow(cards: u32, key: u64, place: u32) -> u32 {
        if cards <= 64 {
            let mut list: Vec<u32> = (0..cards).collect();
            for i in (1..cards).rev() {
                list.swap(i as usize, onto(word(key, i.into()), i + 1) as usize);
            }
            return list[place as usize];
        }
        let n = u64::from(cards);
        let a = (1..=1 << 16).find(|a| a * a >= n).unwrap();
        let b = n.div_ceil(a);
        let keys: Vec<u64> = (0..4)
            .flat_map(|i| [word(key, i) & 0xffff_ffff, word(key, i) >> 32])
            .collect();
        let h = |v: u64, k: u64| {
            let mut v = ((v ^ k) * 0x7feb_352d) & 0xffff_ffff;
            v ^= v >> 15;
            v = (v * 0x846c_a68b) & 0xffff_ffff;
            v ^ (v >> 16)
        };
        let mut x = u64::from(place);
        loop {
            let (mut l, mut r) = (x / b, x % b);
            for pair in keys.chunks(2) {
                l = (l + ((h(r, pair[0]) * a) >> 32)) % a;
                r = (r + ((h(l, pair[1]) * b) >> 32)) % b;
            }
            x = l * b + r;
            if x < n {
                return x as u32;
            }
        }
    }

    fn sizes() -> impl Strategy<Value = u32> {
        prop_oneof![
            1..=64_u32,
            65..400_u32,
            400..200_000_u32,
            65..=u32::MAX,
            u32::MAX - 10..=u32::MAX
        ]
    }

    proptest! {
        #[test]
        fn many_cards_are_those_of_one_at_a_time(
            cards in sizes(),
            key: u64,
            first: prop::sample::Index,
            each in 0..300_usize,
        ) {
            let first = first.index(cards as usize) as u32;
            let deck = Deck::new(cards, key);
            on_every_processor(|| {
                let mut out = vec![0; each];
                deck.deal(first, &mut out);
                for (step, &card) in (0..).zip(&out) {
                    let place = ((u64::from(first) + step) % u64::from(cards)) as u32;
                    prop_assert_eq!(card, deck.card(place));
                    prop_assert_eq!(card, slow(cards, key, place));
                }
                Ok(())
            })?;
        }

        #[test]
        fn every_card_is_dealt_once(cards in 1..2_000_u32, key: u64, first: prop::sample::Index) {
            let mut out = vec![0; cards as usize];
            Deck::new(cards, key).deal(first.index(cards as usize) as u32, &mut out);
            out.sort_unstable();
            prop_assert!(out.into_iter().eq(0..cards));
        }
    }
}
