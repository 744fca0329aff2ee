//! Columns of pairs of labels.

use std::collections::HashMap;

use crate::columns::codes::{INVALID, MISSING};
use crate::columns::column::{BLOCK, Column, is_dense};
use crate::error::Error;
use crate::support::memory::{filled, push, room};
use crate::support::pauses::Pauses;

/// Label numbers of the two columns that were combined.
pub type Pair = (u32, u32);

/// Combines two columns into one of their pairs, numbered in the order in which they are first seen.
///
/// Returns a number a row ([`MISSING`] where either is), and the pair that each number stands for. Time and memory are
/// linear in the rows, whatever the number of possible pairs.
///
/// # Errors
/// [`Error::Length`] where they are not equally long, [`Error::Code`], [`Error::TooManyLabels`],
/// [`Error::OutOfMemory`].
pub fn combine(first: &Column<'_>, second: &Column<'_>) -> Result<(Vec<u32>, Vec<Pair>), Error> {
    combine_with_pause(first, second, || Ok(()))
}

/// As [`combine`]. `pause` is called every few milliseconds; its error ends the work.
///
/// # Errors
/// As [`combine`], or what `pause` returns.
pub fn combine_with_pause<E: From<Error>>(
    first: &Column<'_>,
    second: &Column<'_>,
    mut pause: impl FnMut() -> Result<(), E>,
) -> Result<(Vec<u32>, Vec<Pair>), E> {
    let pauses = &mut Pauses::new(&mut pause);
    let rows = first.len();
    if second.len() != rows {
        return Err(Error::Length {
            rows,
            found: second.len(),
        }
        .into());
    }
    let mut combined = room(rows)?;
    let mut pairs = Vec::new();
    let mut numbers = PairNumbers::new(first.labels(), second.labels(), rows)?;
    let (mut left, mut right) = (first.reader(), second.reader());
    let (mut a, mut b) = ([0; BLOCK], [0; BLOCK]);
    while combined.len() < rows {
        let block = BLOCK.min(rows - combined.len());
        left.next(&mut a[..block])?;
        right.next(&mut b[..block])?;
        for (&a, &b) in a[..block].iter().zip(&b[..block]) {
            combined.push(if a == MISSING || b == MISSING {
                MISSING
            } else {
                numbers.of(a, b, &mut pairs)?
            });
        }
        if pairs.len() >= INVALID as usize {
            return Err(Error::TooManyLabels.into());
        }
        pauses.after(block)?;
    }
    Ok((combined, pairs))
}

/// Numbers pairs as they come: by a table where all possible pairs are few, else by a hash table that is only ever
/// asked, never walked, so that its order cannot show.
enum PairNumbers {
    Dense { table: Vec<u32>, width: usize },
    Sparse(HashMap<Pair, u32>),
}

impl PairNumbers {
    fn new(first: usize, second: usize, rows: usize) -> Result<Self, Error> {
        match first.checked_mul(second) {
            Some(possible) if is_dense(possible, rows) => Ok(Self::Dense {
                table: filled(possible, MISSING)?,
                width: second,
            }),
            _ => Ok(Self::Sparse(HashMap::new())),
        }
    }

    #[inline]
    fn of(&mut self, a: u32, b: u32, pairs: &mut Vec<Pair>) -> Result<u32, Error> {
        let next = pairs.len() as u32;
        let number = match self {
            Self::Dense { table, width } => {
                let entry = &mut table[a as usize * *width + b as usize];
                if *entry == MISSING {
                    *entry = next;
                }
                *entry
            }
            Self::Sparse(map) => {
                map.try_reserve(1).map_err(|_| Error::OutOfMemory {
                    bytes: 2 * map.len() as u128 * size_of::<(Pair, u32)>() as u128,
                })?;
                *map.entry((a, b)).or_insert(next)
            }
        };
        if number == next {
            push(pairs, (a, b))?;
        }
        Ok(number)
    }
}
