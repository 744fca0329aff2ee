//! The entries of every pool, by time, over the pool's cells.

use std::ops::Range;

use crate::error::Error;
use crate::groups::{Cell, Groups};
use crate::near::counts::ChildCounts;
use crate::near::ends::{TimeEnds, TimeEndsBuilder};
#[cfg(feature = "file")]
use crate::support::arrays::ArrayFile;
use crate::support::arrays::{Arrays, Source};
use crate::support::memory::{filled, room};
use crate::support::pauses::Pauses;

/// The cells of every pool.
#[derive(Clone, Debug)]
pub(crate) struct TimedCells {
    /// The entries of every pool, by time, over its cells.
    pub(crate) of_pools: ChildCounts,
    /// How many entries of a cell come before the end of each of its times.
    pub(crate) ends: TimeEnds,
}

/// The entries of every pool over its cells, by the name that files have.
fn of_pools<E: From<Error>>(groups: &Groups, source: &mut impl Source<E>) -> Result<ChildCounts, E> {
    let pools = (0..groups.experiments()).map(|pool| (groups.size(pool) as usize, groups.cells_of(pool).len()));
    ChildCounts::new("timed_cells", pools, source)
}

impl TimedCells {
    /// From a file.
    #[cfg(feature = "file")]
    pub(crate) fn open(groups: &Groups, file: &mut impl ArrayFile) -> Result<Self, Error> {
        Ok(Self {
            of_pools: of_pools(groups, file)?,
            ends: TimeEnds::open("timed_cells", groups.cells().iter().map(|cell| cell.rows), file)?,
        })
    }

    pub(crate) fn arrays<'a>(&'a self, to: &mut Arrays<'a>) {
        self.of_pools.arrays("timed_cells", to);
        self.ends.arrays("timed_cells", to);
    }
}

/// How many entries of every cell of a pool come before those near a focal time, and before those behind these: counted once
/// a batch, in memory that is used again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    pool: usize,
    /// The pool's entries that are near, by time.
    near: Range<u32>,
    /// Running sums from cell to cell, up to either end; none where the cells are counted one by one.
    sums: [Vec<u32>; 2],
}

/// In a pool of more cells than [`FEW_CELLS`], no more than [`EACH`] of them are counted one by one: less work than all.
const FEW_CELLS: usize = 64;
const EACH: usize = 4;

impl Spans {
    /// Makes room to count up to so many cells of any pool.
    pub(crate) fn reserve(&mut self, cells: &TimedCells, wanted: usize) -> Result<(), Error> {
        let most = cells.of_pools.most_children();
        let most = if wanted > EACH { most } else { most.min(FEW_CELLS) };
        for sums in &mut self.sums {
            if sums.capacity() < most + 1 {
                *sums = room(most + 1)?;
            }
        }
        Ok(())
    }

    /// Counts in a pool, of whose entries by time those of a range are near; so many of its cells are asked for. There must
    /// be room.
    pub(crate) fn count(&mut self, cells: &TimedCells, pool: usize, near: Range<u32>, wanted: usize) {
        let ends = [near.start, near.end];
        (self.pool, self.near) = (pool, near);
        for (end, sums) in ends.into_iter().zip(&mut self.sums) {
            sums.clear();
            if wanted > EACH || cells.of_pools.width(pool) <= FEW_CELLS {
                cells.of_pools.count_all(pool, end, sums);
            }
        }
    }

    /// The two counts of a cell, the `child`-th of the pool.
    #[inline]
    pub(crate) fn of(&self, cells: &TimedCells, child: u32) -> [u32; 2] {
        let child = child as usize;
        let count = |sums: &[u32], end| match sums.get(child..child + 2) {
            Some(sums) => sums[1] - sums[0],
            None => cells.of_pools.count(self.pool, end, child),
        };
        [
            count(&self.sums[0], self.near.start),
            count(&self.sums[1], self.near.end),
        ]
    }
}

/// [`TimedCells`] pool by pool.
pub(crate) struct TimedCellsBuilder {
    of_pools: ChildCounts,
    ends: TimeEndsBuilder,
    /// The places of a pool, by cell and time, and how many the longest has.
    sorted: Vec<u32>,
    longest: usize,
}

impl TimedCellsBuilder {
    /// For pools of up to `longest` entries.
    pub(crate) fn new<E: From<Error>>(groups: &Groups, longest: usize, pauses: &mut Pauses<'_, E>) -> Result<Self, E> {
        Ok(Self {
            of_pools: of_pools(groups, pauses)?,
            ends: TimeEndsBuilder::new(groups.kept() as usize, groups.cells().len())?,
            sorted: Vec::new(),
            longest,
        })
    }

    /// `places` are those of a pool's entries by time; they become places in the cells, those of one cell after another.
    /// `ends` tells where each of the pool's times ends, where some are there twice.
    pub(crate) fn add<E: From<Error>>(
        &mut self,
        groups: &Groups,
        pool: usize,
        ends: Option<&[u32]>,
        places: &mut [u32],
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        let cells = Cells::new(groups.cells_of(pool), places.len())?;
        // Late, as the first pool was sorted in more memory before.
        if self.sorted.is_empty() {
            self.sorted = pauses.filled(self.longest, 0)?;
        }
        let sorted = &mut self.sorted[..places.len()];
        self.of_pools.fill(
            pool,
            places,
            |place| cells.of(place),
            |place, cell, before| {
                let start = cells.start(cell);
                sorted[start as usize + before] = place - start;
            },
            pauses,
        )?;
        places.copy_from_slice(sorted);
        let cells = groups.cells_of(pool);
        match ends {
            Some(ends) => {
                let times = (0..).zip(ends.iter().scan(0, |start, &end| {
                    let entries = end - std::mem::replace(start, end);
                    Some(entries as usize)
                }));
                let times = times.flat_map(|(time, entries)| std::iter::repeat_n(time, entries));
                let entries = self.of_pools.children(pool).zip(times);
                self.ends.add_dealt(cells.len(), entries, pauses)
            }
            None => {
                self.ends.add_different(cells.iter().map(|cell| cell.rows));
                Ok(())
            }
        }
    }

    pub(crate) fn build<E: From<Error>>(self, pauses: &mut Pauses<'_, E>) -> Result<TimedCells, E> {
        Ok(TimedCells {
            of_pools: self.of_pools,
            ends: self.ends.build(pauses)?,
        })
    }
}

/// The cells of a pool, looked up by the places of their entries.
struct Cells<'a> {
    cells: &'a [Cell],
    /// The pool is cut into parts of 2^`part_bits` places; for each the cell that it begins in, and last the last cell.
    first: Vec<u32>,
    part_bits: u32,
}

impl<'a> Cells<'a> {
    /// The cells of a pool of so many entries: about two parts a cell.
    fn new(cells: &'a [Cell], entries: usize) -> Result<Self, Error> {
        let part_bits = (entries / cells.len().max(1)).max(2).ilog2() - 1;
        let mut first = filled((entries >> part_bits) + 2, cells.len().saturating_sub(1) as u32)?;
        let mut new = Self {
            cells,
            first: Vec::new(),
            part_bits,
        };
        let mut cell = 0;
        for (part, first) in first.iter_mut().enumerate().take(entries.div_ceil(1 << part_bits)) {
            while cell + 1 < cells.len() && new.start(cell + 1) as usize <= part << part_bits {
                cell += 1;
            }
            *first = cell as u32;
        }
        new.first = first;
        Ok(new)
    }

    /// The first place of a cell.
    #[inline]
    fn start(&self, cell: usize) -> u32 {
        self.cells[cell].start - self.cells[0].start
    }

    /// The cell of a place.
    #[inline]
    fn of(&self, place: u32) -> usize {
        let part = (place >> self.part_bits) as usize;
        let (first, last) = (self.first[part] as usize, self.first[part + 1] as usize);
        first + self.cells[first + 1..=last].partition_point(|cell| cell.start - self.cells[0].start <= place)
    }
}
