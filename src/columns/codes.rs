//! Columns of labels as whole numbers, read where they lie and chunk by chunk.

use crate::error::Error;
use crate::support::memory::{filled, push, room};

/// Rank of a row that has no label. Such rows are in no pool.
pub const MISSING: u32 = u32::MAX;

/// What [`Chunk::read`] writes for a code outside its table.
const INVALID: u32 = u32::MAX - 1;

/// Rows that are decoded at a time: few enough for the first-level cache.
pub(crate) const BLOCK: usize = 1024;

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

/// Runs `$body` with `$codes` bound to the slice and `$index` to what turns a code into a place in a table; one that stands
/// for a missing label becomes `usize::MAX`, which no table reaches.
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
                let $index = |code: u32| if code == MISSING { usize::MAX } else { code as usize };
                $body
            }}
            Codes::U64($codes) => with_codes!(@unsigned u64, $index, $body),
        }
    };
    (@signed $type:ty, $index:ident, $body:expr) => {{
        let $index = |code: $type| if code < 0 { usize::MAX } else { code as usize };
        $body
    }};
    (@unsigned $type:ty, $index:ident, $body:expr) => {{
        let $index = |code: $type| usize::try_from(code).unwrap_or(usize::MAX);
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

    /// Whether a place of `usize::MAX` stands for a missing label, and not for a number that is too large.
    fn marks_missing(&self) -> bool {
        !matches!(self, Self::U8(_) | Self::U16(_) | Self::U64(_))
    }

    /// How often each of `labels` codes occurs, and last the number of rows without a label.
    ///
    /// # Errors
    /// [`Error::Code`] for a code of `labels` or more; [`Error::OutOfMemory`].
    pub fn count(&self, labels: usize) -> Result<Vec<u64>, Error> {
        // Neighbouring rows mostly share a code; four tables keep one addition from waiting for the last.
        const LANES: usize = 4;
        let lanes = if labels < 4096 { LANES } else { 1 };
        let width = labels + 2;
        let mut tables: Vec<u64> = filled(lanes * width, 0)?;
        let (missing, invalid) = (labels, labels + 1);
        let rest = if self.marks_missing() { missing } else { invalid };
        with_codes!(self, |codes, index| {
            for (row, &code) in codes.iter().enumerate() {
                let code = index(code);
                let place = if code < labels {
                    code
                } else if code == usize::MAX {
                    rest
                } else {
                    invalid
                };
                tables[(row & (lanes - 1)) * width + place] += 1;
            }
        });
        let (counts, others) = tables.split_at_mut(width);
        for table in others.chunks_exact(width) {
            counts.iter_mut().zip(table).for_each(|(sum, count)| *sum += count);
        }
        if counts[invalid] > 0 {
            return Err(Error::Code);
        }
        tables.truncate(invalid);
        Ok(tables)
    }
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
    fn read(&self, start: usize, bytes: Option<&[u32; BYTES]>, out: &mut [u32]) {
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
                Some(ranks) => fill(out, places, outside, |place| ranks.get(place).copied()),
                None => fill(out, places, outside, |place| {
                    u32::try_from(place).ok().filter(|&rank| rank < INVALID)
                }),
            }
        });
    }
}

/// Codes that a byte tells apart.
const BYTES: usize = 1 << u8::BITS;

impl Chunk<'_> {
    /// What each byte stands for, where codes are bytes: a column of them is read with a look at this table a row.
    fn of_bytes(&self) -> Option<[u32; BYTES]> {
        let mut of_bytes = [0; BYTES];
        let signed: [i8; BYTES] = std::array::from_fn(|byte| byte as i8);
        let unsigned: [u8; BYTES] = std::array::from_fn(|byte| byte as u8);
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
fn fill(out: &mut [u32], places: impl Iterator<Item = usize>, outside: u32, rank_of: impl Fn(usize) -> Option<u32>) {
    for (rank, place) in out.iter_mut().zip(places) {
        *rank = match rank_of(place) {
            Some(rank) => rank,
            None if place == usize::MAX => outside,
            None => INVALID,
        };
    }
}

/// A column of labels in as many chunks as it came in.
#[derive(Clone, Debug)]
pub struct Column<'a> {
    chunks: Vec<Chunk<'a>>,
    labels: usize,
    len: usize,
}

impl<'a> Column<'a> {
    /// A column whose labels are numbered `0..labels`, in the order of the specification's section 2.
    #[must_use]
    pub fn new(chunks: Vec<Chunk<'a>>, labels: usize) -> Self {
        let len = chunks.iter().map(|chunk| chunk.codes.len()).sum();
        Self { chunks, labels, len }
    }

    /// A column of label numbers, one a row.
    #[must_use]
    pub fn from_ranks(ranks: &'a [u32], labels: usize) -> Self {
        Self::new(
            vec![Chunk {
                codes: Codes::U32(ranks),
                ranks: None,
            }],
            labels,
        )
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of labels, those without rows included.
    #[must_use]
    pub fn labels(&self) -> usize {
        self.labels
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader {
            column: self,
            chunk: 0,
            start: 0,
            bytes: None,
        }
    }
}

/// Reads a column block by block from its first row to its last.
pub(crate) struct Reader<'a> {
    column: &'a Column<'a>,
    chunk: usize,
    start: usize,
    bytes: Option<[u32; BYTES]>,
}

impl Reader<'_> {
    /// Fills `out` with the label numbers of the next rows. There must be that many.
    pub(crate) fn next(&mut self, out: &mut [u32]) -> Result<(), Error> {
        let mut filled = 0;
        while filled < out.len() {
            let chunk = &self.column.chunks[self.chunk];
            let rows = (chunk.codes.len() - self.start).min(out.len() - filled);
            if self.start == 0 {
                self.bytes = chunk.of_bytes();
            }
            chunk.read(self.start, self.bytes.as_ref(), &mut out[filled..filled + rows]);
            self.start += rows;
            filled += rows;
            if self.start == chunk.codes.len() {
                self.chunk += 1;
                self.start = 0;
            }
        }
        let labels = u32::try_from(self.column.labels).unwrap_or(INVALID).min(INVALID);
        // All of them are looked at: a loop that may end early is slower than one that may not.
        #[expect(clippy::needless_bitwise_bool, reason = "likewise")]
        let outside = out
            .iter()
            .fold(false, |outside, &rank| outside | ((rank >= labels) & (rank != MISSING)));
        if outside {
            return Err(Error::Code);
        }
        Ok(())
    }
}

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
    let rows = first.len();
    if second.len() != rows {
        return Err(Error::Length {
            rows,
            found: second.len(),
        });
    }
    let mut combined = room(rows)?;
    let mut pairs = Vec::new();
    let mut numbers = PairNumbers::new(first.labels, second.labels, rows)?;
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
            return Err(Error::TooManyLabels);
        }
    }
    Ok((combined, pairs))
}

/// Numbers pairs as they come: by a table where all possible pairs are few, else by a hash table that is only ever
/// asked, never walked, so that its order cannot show.
enum PairNumbers {
    Dense { table: Vec<u32>, width: usize },
    Sparse(std::collections::HashMap<Pair, u32>),
}

impl PairNumbers {
    fn new(first: usize, second: usize, rows: usize) -> Result<Self, Error> {
        match first.checked_mul(second) {
            Some(possible) if is_dense(possible, rows) => Ok(Self::Dense {
                table: filled(possible, MISSING)?,
                width: second,
            }),
            _ => Ok(Self::Sparse(std::collections::HashMap::new())),
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

/// Whether a table of `possible` entries is small beside the rows.
pub(crate) fn is_dense(possible: usize, rows: usize) -> bool {
    possible <= (rows / 4).max(1 << 16)
}
