//! The rules of the specification once more, slow and obvious. Of the crate it uses only the words in which settings are
//! told and answers are given.

pub(crate) mod dealt;
pub(crate) mod decks;
pub(crate) mod drawn;
pub(crate) mod draws;
pub(crate) mod shared;
pub(crate) mod sums;
pub(crate) mod weights;

use cascade_sampler::Source;

/// One row of a batch, and what it is there for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seat {
    pub(crate) row: u32,
    pub(crate) source: Source,
    pub(crate) dealt: bool,
}

/// Seats whose rows were drawn.
pub(crate) fn drawn_seats(rows: Vec<u32>, source: Source) -> impl Iterator<Item = Seat> {
    rows.into_iter().map(move |row| Seat {
        row,
        source,
        dealt: false,
    })
}

pub(crate) fn is_fraction(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}
