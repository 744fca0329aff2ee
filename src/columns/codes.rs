//! Codes of labels as whole numbers of any width, read where they lie.

use crate::error::Error;
use crate::support::pauses::{ENTRIES, Pauses};

/// Rank of a row that has no label. Such rows are in no pool.
pub const MISSING: u32 = u32::MAX;

/// What [`Chunk::read`] writes for a code outside its table. Label numbers stay below it.
pub(crate) const INVALID: u32 = u32::MAX - 1;

/// Codes of any integer width, as dataframe libraries hold them. Negative ones, and [`MISSING`] among `u32`, stand for a
/// missing label.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Codes<'a> {
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
}

/// A place in a table that no code of a label stands for: wider than `usize` may be, so that a code is never cut short.
const NOWHERE: u64 = u64::MAX;

/// Runs `$body` with `$codes` bound to the slice and `$index` to what turns a code into a place in a table; one that stands
/// for a missing label becomes [`NOWHERE`].
macro_rules! with_codes {
    ($value:expr, |$codes:ident, $index:ident| $body:expr) => {
        match $value {
            Codes::I8($codes) => with_codes!(@signed i8, $index, $body),
            Codes::I16($codes) => with_codes!(@signed i16, $index, $body),
            Codes::I32($codes) => with_codes!(@signed i32, $index, $body),
            Codes::I64($codes) => with_codes!(@signed i64, $index, $body),
            Codes::U8($codes) => with_codes!(@unsigned u8, $index, $body),
            Codes::U16($codes) => with_codes!(@unsigned u16, $index, $body),
            Codes::U32($codes) => {{
                let $index = |code: u32| if code == MISSING { NOWHERE } else { u64::from(code) };
                $body
            }}
            Codes::U64($codes) => with_codes!(@unsigned u64, $index, $body),
        }
    };
    (@signed $type:ty, $index:ident, $body:expr) => {{
        let $index = |code: $type| if code < 0 { NOWHERE } else { code as u64 };
        $body
    }};
    (@unsigned $type:ty, $index:ident, $body:expr) => {{
        #[allow(clippy::useless_conversion, reason = "one body for all widths")]
        let $index = |code: $type| u64::from(code);
        $body
    }};
}

impl Codes<'_> {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        with_codes!(self, |codes, _index| codes.len())
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether [`NOWHERE`] stands for a missing label, and not for a number that is too large.
    fn marks_missing(&self) -> bool {
        !matches!(self, Self::U8(_) | Self::U16(_) | Self::U64(_))
    }

    /// How often each of `labels` codes occurs, and last the number of rows without a label.
    ///
    /// # Errors
    /// [`Error::Code`] for a code of `labels` or more; [`Error::OutOfMemory`].
    pub fn count(&self, labels: usize) -> Result<Vec<u64>, Error> {
        self.count_with_pause(labels, || Ok(()))
    }

    /// As [`Codes::count`]. `pause` is called every few milliseconds; its error ends the work.
    ///
    /// # Errors
    /// As [`Codes::count`], or what `pause` returns.
    pub fn count_with_pause<E: From<Error>>(
        &self,
        labels: usize,
        mut pause: impl FnMut() -> Result<(), E>,
    ) -> Result<Vec<u64>, E> {
        let pauses = &mut Pauses::new(&mut pause);
        // Bytes are counted as they are, and only then is looked at what each stands for.
        match self {
            Self::I8(codes) => {
                let counts = count_bytes(codes, |code| code as u8, pauses)?;
                Codes::I8(&all_bytes(|byte| byte as i8)).sums(labels, |byte| counts[byte], pauses)
            }
            Self::U8(codes) => {
                let counts = count_bytes(codes, |code| code, pauses)?;
                Codes::U8(&all_bytes(|byte| byte)).sums(labels, |byte| counts[byte], pauses)
            }
            _ => self.sums(labels, |_| 1, pauses),
        }
    }

    /// As [`Codes::count`], where every row counts as much as `weight` says.
    fn sums<E: From<Error>>(
        &self,
        labels: usize,
        weight: impl Fn(usize) -> u64,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Vec<u64>, E> {
        let lanes = if labels < 4096 { LANES } else { 1 };
        // More labels than there is memory for are no label's number but that of a mistake.
        let width = labels.saturating_add(2);
        let mut tables: Vec<u64> = pauses.filled(lanes * width, 0)?;
        let (missing, invalid) = (labels, labels + 1);
        let rest = if self.marks_missing() { missing } else { invalid };
        with_codes!(self, |codes, index| {
            for (number, some) in codes.chunks(ENTRIES).enumerate() {
                for (row, &code) in (number * ENTRIES..).zip(some) {
                    let code = index(code);
                    let place = if code < labels as u64 {
                        code as usize
                    } else if code == NOWHERE {
                        rest
                    } else {
                        invalid
                    };
                    tables[(row & (lanes - 1)) * width + place] += weight(row);
                }
                pauses.after(some.len())?;
            }
        });
        let (counts, others) = tables.split_at_mut(width);
        for table in others.chunks_exact(width) {
            counts.iter_mut().zip(table).for_each(|(sum, count)| *sum += count);
        }
        if counts[invalid] > 0 {
            return Err(Error::Code.into());
        }
        tables.truncate(invalid);
        Ok(tables)
    }
}

/// Neighbouring rows mostly share a code; so many tables keep one addition from waiting for the last.
const LANES: usize = 4;

/// How often each byte occurs.
fn count_bytes<T: Copy, E: From<Error>>(
    codes: &[T],
    byte: impl Fn(T) -> u8,
    pauses: &mut Pauses<'_, E>,
) -> Result<[u64; BYTES], E> {
    let mut tables = [[0; BYTES]; LANES];
    for some in codes.chunks(ENTRIES) {
        for (row, &code) in some.iter().enumerate() {
            tables[row % LANES][usize::from(byte(code))] += 1;
        }
        pauses.after(some.len())?;
    }
    Ok(std::array::from_fn(|byte| tables.iter().map(|table| table[byte]).sum()))
}

/// Each byte as a code.
fn all_bytes<T>(of: impl Fn(u8) -> T) -> [T; BYTES] {
    std::array::from_fn(|byte| of(byte as u8))
}

/// One stretch of a column: codes, and the label each of them stands for.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// A code a row.
    pub codes: Codes<'a>,
    /// The label's number of each code, or [`MISSING`]. Without a table a code is its label's number.
    pub ranks: Option<&'a [u32]>,
}

impl Chunk<'_> {
    /// Writes the ranks of the rows from `start` on; [`INVALID`] for a code outside the table. `bytes` is [`Chunk::of_bytes`].
    pub(super) fn read(&self, start: usize, bytes: Option<&[u32; BYTES]>, out: &mut [u32]) {
        let end = start + out.len();
        match (self.codes, bytes) {
            (Codes::I8(codes), Some(bytes)) => {
                for (rank, &code) in out.iter_mut().zip(&codes[start..end]) {
                    *rank = bytes[usize::from(code as u8)];
                }
                return;
            }
            (Codes::U8(codes), Some(bytes)) => {
                for (rank, &code) in out.iter_mut().zip(&codes[start..end]) {
                    *rank = bytes[usize::from(code)];
                }
                return;
            }
            _ => {}
        }
        let outside = if self.codes.marks_missing() { MISSING } else { INVALID };
        with_codes!(self.codes, |codes, index| {
            let places = codes[start..end].iter().map(|&code| index(code));
            match self.ranks {
                Some(ranks) => fill(out, places, outside, |place| {
                    usize::try_from(place).ok().and_then(|place| ranks.get(place)).copied()
                }),
                None => fill(out, places, outside, |place| {
                    u32::try_from(place).ok().filter(|&rank| rank < INVALID)
                }),
            }
        });
    }
}

/// Codes that a byte tells apart.
pub(super) const BYTES: usize = 1 << u8::BITS;

impl Chunk<'_> {
    /// What each byte stands for, where codes are bytes: a column of them is read with a look at this table a row.
    pub(super) fn of_bytes(&self) -> Option<[u32; BYTES]> {
        let mut of_bytes = [0; BYTES];
        let (signed, unsigned) = (all_bytes(|byte| byte as i8), all_bytes(|byte| byte));
        let codes = match self.codes {
            Codes::I8(_) => Codes::I8(&signed),
            Codes::U8(_) => Codes::U8(&unsigned),
            _ => return None,
        };
        Chunk { codes, ..*self }.read(0, None, &mut of_bytes);
        Some(of_bytes)
    }
}

#[inline]
fn fill(out: &mut [u32], places: impl Iterator<Item = u64>, outside: u32, rank_of: impl Fn(u64) -> Option<u32>) {
    for (rank, place) in out.iter_mut().zip(places) {
        *rank = match rank_of(place) {
            Some(rank) => rank,
            None if place == NOWHERE => outside,
            None => INVALID,
        };
    }
}
