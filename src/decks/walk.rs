//! Walks in decks that are no lists: from many places together, of one deck or of several.

use super::deck::Shape;

/// Neighbouring places that are walked from together: as many as fill a vector.
pub(crate) const FEW: usize = 8;
/// So many few of them that none waits long for the step before.
pub(crate) const TOGETHER: usize = 4;
/// Cards that come of one walk of all.
pub(crate) const ALL: usize = FEW * TOGETHER;
/// Steps of a walk.
pub(crate) const STEPS: usize = 8;

/// A few neighbouring places of a deck.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Few {
    shape: Shape,
    keys: [u32; STEPS],
    /// Where the first of them is in the table.
    row: u32,
    column: u32,
}

impl Few {
    /// The places from `place` on of a deck whose steps have these keys.
    #[inline]
    pub(super) fn new(shape: Shape, keys: [u32; STEPS], place: u32) -> Self {
        Self {
            shape,
            keys,
            row: place / shape.width,
            column: place % shape.width,
        }
    }

    /// Moves on by as many places.
    #[inline]
    pub(super) fn next(&mut self) {
        // A table is at least as wide as a few are many, so not more than one row is passed.
        self.column += FEW as u32;
        if self.column >= self.shape.width {
            self.column -= self.shape.width;
            self.row += 1;
        }
    }

    /// Goes on with those walks that ended at no card.
    #[cold]
    #[inline(never)]
    fn go_on(&self, places: &mut [u32]) {
        for place in places.iter_mut().filter(|place| **place >= self.shape.cards) {
            *place = walk_on(self.shape, &self.keys, *place);
        }
    }
}

/// Walks that are taken together, whatever decks they are in.
#[derive(Clone, Debug)]
pub(crate) struct Walks<T> {
    /// Where they begin, how many of each few there are and what they are for.
    from: [(Few, usize, T); TOGETHER],
    count: usize,
}

impl<T: Copy> Walks<T> {
    /// No walks; `none` stands where there is no few.
    #[inline]
    pub(crate) fn new(none: T) -> Self {
        Self {
            from: [(Few::default(), 0, none); TOGETHER],
            count: 0,
        }
    }

    /// Adds the walks from the first `many` of a few places. Tells whether there is no room for more.
    #[inline]
    pub(crate) fn add(&mut self, few: &Few, many: usize, whose: T) -> bool {
        self.from[self.count] = (*few, many, whose);
        self.count += 1;
        self.count == TOGETHER
    }

    /// Whether there are no walks.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Takes all walks to their ends and tells the cards of each few, of which only the first so many count. `meanwhile` is
    /// called after each step.
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "compiled for the processor that the caller is compiled for"
    )]
    pub(crate) fn end(&mut self, mut meanwhile: impl FnMut(), mut tell: impl FnMut(&T, &[u32; FEW], usize)) {
        let (heights, widths) = (self.lanes(|few| few.shape.height), self.lanes(|few| few.shape.width));
        let (mut rows, mut columns) = (self.lanes(|few| few.row), self.lanes(|few| few.column));
        for lane in 0..ALL {
            let on = columns[lane] + (lane % FEW) as u32;
            rows[lane] += u32::from(on >= widths[lane]);
            columns[lane] = on.min(on.wrapping_sub(widths[lane]));
        }
        for step in (0..STEPS).step_by(2) {
            let keys = self.lanes(|few| few.keys[step]);
            for lane in 0..ALL {
                rows[lane] = moved(rows[lane], hash(columns[lane], keys[lane]), heights[lane]);
            }
            meanwhile();
            let keys = self.lanes(|few| few.keys[step + 1]);
            for lane in 0..ALL {
                columns[lane] = moved(columns[lane], hash(rows[lane], keys[lane]), widths[lane]);
            }
            meanwhile();
        }
        for lane in 0..ALL {
            rows[lane] = rows[lane].wrapping_mul(widths[lane]).wrapping_add(columns[lane]);
        }
        for (number, (few, many, whose)) in self.from[..self.count].iter().enumerate() {
            let mut cards: [u32; FEW] = std::array::from_fn(|lane| rows[number * FEW + lane]);
            let beyond = cards.iter().filter(|&&card| card >= few.shape.cards).count();
            if beyond > 0 {
                few.go_on(&mut cards[..*many]);
            }
            tell(whose, &cards, *many);
        }
        self.count = 0;
    }

    /// A number of each few, in all of its lanes.
    #[inline(always)]
    #[allow(
        clippy::inline_always,
        reason = "compiled for the processor that the caller is compiled for"
    )]
    fn lanes(&self, number: impl Fn(&Few) -> u32) -> [u32; ALL] {
        let mut lanes = [0; ALL];
        for (lanes, (few, ..)) in lanes.chunks_exact_mut(FEW).zip(&self.from) {
            lanes.fill(number(few));
        }
        lanes
    }
}

/// The card that a walk from a place ends at.
pub(super) fn walk_on(shape: Shape, keys: &[u32; STEPS], place: u32) -> u32 {
    let Shape { cards, height, width } = shape;
    let moved = |value: u32, by: u32, bound: u32| {
        let sum = value.wrapping_add(((u64::from(by) * u64::from(bound)) >> 32) as u32);
        sum.min(sum.wrapping_sub(bound))
    };
    let mut place = place;
    loop {
        let (mut row, mut column) = (place / width, place % width);
        for pair in keys.chunks_exact(2) {
            row = moved(row, hash(column, pair[0]), height);
            column = moved(column, hash(row, pair[1]), width);
        }
        place = row.wrapping_mul(width).wrapping_add(column);
        if place < cards {
            return place;
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

/// Moves `value`, below `bound`, on by as much as `by` says of 2^32; after the bound, which is at most 2^16, it begins anew.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "compiled for the processor that the caller is compiled for"
)]
fn moved(value: u32, by: u32, bound: u32) -> u32 {
    // The upper half of a product by halves, of which no sum leaves 32 bits: so vectors need no lanes of 64.
    let lower = (by & 0xffff).wrapping_mul(bound) >> 16;
    let sum = value.wrapping_add((by >> 16).wrapping_mul(bound).wrapping_add(lower) >> 16);
    // The smaller is the one that did not pass below zero.
    sum.min(sum.wrapping_sub(bound))
}
