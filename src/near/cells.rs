//! The entries of every pool, by time, over the pool's cells.

use crate::error::Error;
use crate::groups::Groups;
use crate::near::counts::ChildCounts;
use crate::near::ends::{TimeEnds, TimeEndsBuilder};
#[cfg(feature = "file")]
use crate::support::arrays::ArrayFile;
use crate::support::arrays::{Arrays, Source};
use crate::support::memory::room;
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

/// [`TimedCells`] pool by pool.
pub(crate) struct TimedCellsBuilder {
    of_pools: ChildCounts,
    ends: TimeEndsBuilder,
    /// Of a pool's entries the cell, by place, and the time, by cell and time.
    cells: Vec<u32>,
    times: Vec<u32>,
    sorted: Vec<u32>,
}

impl TimedCellsBuilder {
    /// For pools of up to `longest` entries.
    pub(crate) fn new<E: From<Error>>(groups: &Groups, longest: usize, pauses: &mut Pauses<'_, E>) -> Result<Self, E> {
        Ok(Self {
            of_pools: of_pools(groups, pauses)?,
            ends: TimeEndsBuilder::new(groups.kept() as usize, groups.cells().len())?,
            cells: room(longest)?,
            times: pauses.filled(longest, 0)?,
            sorted: pauses.filled(longest, 0)?,
        })
    }

    /// `places` are those of a pool's entries by time; they become places in the cells, those of one cell after another.
    /// `ends` tells where each of the pool's times ends.
    pub(crate) fn add<E: From<Error>>(
        &mut self,
        groups: &Groups,
        pool: usize,
        ends: &[u32],
        places: &mut [u32],
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        let cells = groups.cells_of(pool);
        let first = cells.first().map_or(0, |cell| cell.start);
        self.cells.clear();
        for (number, cell) in (0..).zip(cells) {
            pauses.extend(&mut self.cells, std::iter::repeat_n(number, cell.rows as usize))?;
        }
        let (mut time, mut entry) = (0, 0);
        let (cell_of, times, sorted) = (&self.cells, &mut self.times, &mut self.sorted);
        self.of_pools.fill(
            pool,
            places,
            |place| cell_of[place as usize] as usize,
            |place, cell, before| {
                if entry == ends[time as usize] {
                    time += 1;
                }
                entry += 1;
                let start = cells[cell].start - first;
                sorted[start as usize + before] = place - start;
                times[start as usize + before] = time;
            },
            pauses,
        )?;
        places.copy_from_slice(&sorted[..places.len()]);
        for cell in cells {
            let start = (cell.start - first) as usize;
            self.ends
                .add(&times[start..start + cell.rows as usize], |_| (), pauses)?;
        }
        Ok(())
    }

    pub(crate) fn build<E: From<Error>>(self, pauses: &mut Pauses<'_, E>) -> Result<TimedCells, E> {
        Ok(TimedCells {
            of_pools: self.of_pools,
            ends: self.ends.build(pauses)?,
        })
    }
}
