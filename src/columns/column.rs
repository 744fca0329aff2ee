//! Columns of labels, read block by block in as many chunks as they came in.

use crate::columns::codes::{BYTES, Chunk, Codes, INVALID, MISSING};
use crate::error::Error;

/// Rows that are decoded at a time: few enough for the first-level cache.
pub(crate) const BLOCK: usize = 1024;

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
        let lengths = chunks.iter().map(|chunk| chunk.codes.len());
        let len = lengths.fold(0, usize::saturating_add);
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

    /// A number that the label numbers of all rows are below.
    pub(crate) fn bound(&self) -> u32 {
        u32::try_from(self.labels).unwrap_or(INVALID).min(INVALID)
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        self.reader_at(0)
    }

    /// A reader that begins with a row.
    pub(crate) fn reader_at(&self, first: usize) -> Reader<'_> {
        let (mut chunk, mut start) = (0, first);
        while let Some(here) = self.chunks.get(chunk).filter(|here| start >= here.codes.len()) {
            start -= here.codes.len();
            chunk += 1;
        }
        Reader {
            column: self,
            chunk,
            start,
            bytes: self.chunks.get(chunk).and_then(Chunk::of_bytes),
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
    /// Fills `out` with the label numbers of the next rows, [`MISSING`] where there is none. There must be that many rows.
    pub(crate) fn next(&mut self, out: &mut [u32]) -> Result<(), Error> {
        let mut filled = 0;
        while filled < out.len() {
            let chunk = &self.column.chunks[self.chunk];
            let rows = (chunk.codes.len() - self.start).min(out.len() - filled);
            chunk.read(self.start, self.bytes.as_ref(), &mut out[filled..filled + rows]);
            self.start += rows;
            filled += rows;
            if self.start == chunk.codes.len() {
                self.chunk += 1;
                self.start = 0;
                self.bytes = self.column.chunks.get(self.chunk).and_then(Chunk::of_bytes);
            }
        }
        let bound = self.column.bound();
        // All of them are looked at: a loop that may end early is slower than one that may not.
        #[expect(clippy::needless_bitwise_bool, reason = "likewise")]
        let outside = out
            .iter()
            .fold(false, |outside, &rank| outside | ((rank >= bound) & (rank != MISSING)));
        if outside {
            return Err(Error::Code);
        }
        Ok(())
    }
}

/// Whether a table of `possible` entries is small beside the rows.
pub(crate) fn is_dense(possible: usize, rows: usize) -> bool {
    possible <= (rows / 4).max(1 << 16)
}
