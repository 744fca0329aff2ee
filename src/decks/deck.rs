//! A shuffled deck whose cards are worked out one by one, or many at a time: no list is kept
//! (specification of the dealt cascade, section 1).
//!
//! A deck of up to 64 cards is shuffled as a list. In a larger one a place is written as a row and a column of a table of
//! about as many rows as columns, and each of the two in turn is moved on by what the other says: eight times, which is a
//! bijection of the table's fields whatever the other says. A field that is no card is walked on from until one is.

use super::keys::{onto, word};
use crate::support::simd::{Bits, Search, on_this_processor};

/// Decks up to this size are shuffled as a list.
const LIST: u32 = 64;
/// Cards that are worked out together: so many that none waits long for the step before.
const MANY: usize = 32;
/// As many as fill one vector.
const FEW: usize = 8;

/// How many cards a deck has, and the table that they are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    cards: u32,
    /// Rows and columns of the table, both at most 2^16.
    height: u32,
    width: u32,
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
        self.walked(&self.round_keys(), place)
    }

    /// The cards at the places from `first` on; after the last comes the first again.
    ///
    /// # Panics
    /// Where `first` is not below the number of cards.
    #[inline]
    pub fn deal(&self, first: u32, out: &mut [u32]) {
        self.deal_and(first, out, |_| {});
    }

    /// As [`Deck::deal`], and tells cards as soon as they are known, so that what they lead to can be asked for while others
    /// are worked out.
    #[inline]
    pub(crate) fn deal_and(&self, first: u32, out: &mut [u32], known: impl Fn(&[u32])) {
        let cards = self.shape.cards;
        assert!(first < cards, "a place is below the number of cards");
        let before_end = (cards - first) as usize;
        if cards <= LIST {
            let wraps = out.len() > before_end;
            let list = self.shuffled(if wraps { 0 } else { first });
            for (card, &dealt) in out
                .iter_mut()
                .zip(list[..cards as usize].iter().cycle().skip(first as usize))
            {
                *card = dealt.into();
            }
            known(out);
            return;
        }
        let keys = self.round_keys();
        let mut first = first;
        let mut rest = out;
        while !rest.is_empty() {
            let (part, behind) = rest.split_at_mut(rest.len().min((cards - first) as usize).min(2 * MANY));
            on_this_processor(Walk {
                shape: self.shape,
                keys: &keys,
                first,
                out: part,
            });
            for card in &mut *part {
                if *card >= cards {
                    *card = self.walked(&keys, *card);
                }
            }
            known(part);
            first += part.len() as u32;
            first = if first == cards { 0 } else { first };
            rest = behind;
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
    fn round_keys(&self) -> [u32; 8] {
        let words = [0, 1, 2, 3].map(|number| word(self.key, number));
        std::array::from_fn(|half| (words[half / 2] >> (half % 2 * 32)) as u32)
    }

    /// The card at a place of a deck that is no list.
    #[inline]
    fn walked(&self, keys: &[u32; 8], place: u32) -> u32 {
        let Shape { cards, height, width } = self.shape;
        let mut place = place;
        loop {
            let (mut row, mut column) = ([place / width], [place % width]);
            rounds(&mut row, &mut column, height, width, keys);
            place = row[0].wrapping_mul(width).wrapping_add(column[0]);
            if place < cards {
                return place;
            }
        }
    }
}

/// Spreads 32 bits over 32 bits.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "compiled for the processor that the caller is compiled for"
)]
fn hash(value: u32, key: u32) -> u32 {
    let value = (value ^ key).wrapping_mul(0x7feb_352d);
    let value = (value ^ (value >> 15)).wrapping_mul(0x846c_a68b);
    value ^ (value >> 16)
}

/// The upper half of `by * bound`, the bound at most 2^16.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "compiled for the processor that the caller is compiled for"
)]
fn share<const N: usize>(by: u32, bound: u32) -> u32 {
    if N == 1 {
        return ((u64::from(by) * u64::from(bound)) >> 32) as u32;
    }
    // By halves, of which no sum leaves 32 bits: so vectors need no lanes of 64.
    let lower = (by & 0xffff).wrapping_mul(bound) >> 16;
    (by >> 16).wrapping_mul(bound).wrapping_add(lower) >> 16
}

/// Moves `value`, below `bound`, on by as much as `by` says of 2^32; after the bound it begins anew.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "compiled for the processor that the caller is compiled for"
)]
fn moved<const N: usize>(value: u32, by: u32, bound: u32) -> u32 {
    let sum = value.wrapping_add(share::<N>(by, bound));
    // The smaller is the one that did not pass below zero.
    sum.min(sum.wrapping_sub(bound))
}

#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "compiled for the processor that the caller is compiled for"
)]
fn rounds<const N: usize>(rows: &mut [u32; N], columns: &mut [u32; N], height: u32, width: u32, keys: &[u32; 8]) {
    for pair in keys.chunks_exact(2) {
        for (row, column) in rows.iter_mut().zip(&*columns) {
            *row = moved::<N>(*row, hash(*column, pair[0]), height);
        }
        for (column, row) in columns.iter_mut().zip(&*rows) {
            *column = moved::<N>(*column, hash(*row, pair[1]), width);
        }
    }
}

/// One walk from each of the places from `first` on, which is all but where it ends at no card.
struct Walk<'a> {
    shape: Shape,
    keys: &'a [u32; 8],
    first: u32,
    out: &'a mut [u32],
}

impl Search for Walk<'_> {
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "compiled for the processor that the caller is compiled for"
    )]
    fn run<B: Bits>(self, _bits: B) {
        let Self {
            shape,
            keys,
            first,
            out,
        } = self;
        let width = shape.width;
        let (mut row, mut column) = (first / width, first % width);
        for part in out.chunks_mut(MANY) {
            // A few lanes too many take less time than several times a few.
            match part.len() {
                MANY => part.copy_from_slice(&walk::<MANY>(shape, keys, row, column)),
                len if len > 2 * FEW => part.copy_from_slice(&walk::<MANY>(shape, keys, row, column)[..len]),
                len if len > FEW => part.copy_from_slice(&walk::<{ 2 * FEW }>(shape, keys, row, column)[..len]),
                len => part.copy_from_slice(&walk::<FEW>(shape, keys, row, column)[..len]),
            }
            column += MANY as u32;
            row += column / width;
            column %= width;
        }
    }
}

/// One walk from each of the places from a row and a column on.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "compiled for the processor that the caller is compiled for"
)]
fn walk<const N: usize>(shape: Shape, keys: &[u32; 8], row: u32, column: u32) -> [u32; N] {
    let Shape { height, width, .. } = shape;
    let (mut rows, mut columns) = ([0; N], [0; N]);
    let (mut start_row, mut start_column) = (row, column);
    for (rows, columns) in rows.chunks_exact_mut(FEW).zip(columns.chunks_exact_mut(FEW)) {
        for (lane, (row, column)) in (0..).zip(rows.iter_mut().zip(columns)) {
            // A table is at least as wide as a few lanes are many, so not more than one row is passed.
            let on = start_column + lane;
            let beyond = on.wrapping_sub(width);
            *row = start_row + u32::from(on >= width);
            *column = on.min(beyond);
        }
        start_column += FEW as u32;
        let passed = u32::from(start_column >= width);
        start_row += passed;
        start_column -= passed * width;
    }
    rounds(&mut rows, &mut columns, height, width, keys);
    for (row, column) in rows.iter_mut().zip(columns) {
        *row = row.wrapping_mul(width).wrapping_add(column);
    }
    rows
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
