//! The time focus: what a plan holds for batches that gather around a focal time (specification, section 3).

use std::ops::Range;

use crate::columns::codes::MISSING;
use crate::columns::times::{Clocks, Hours, Sorter, Time, Times};
use crate::error::Error;
use crate::groups::{Groups, Order};
use crate::near::counts::Splits;
use crate::near::index::{Finder, NearIndex, Span};
use crate::support::memory::{collected, filled, push, room};

/// Which rows lie near which times, for every list that a batch draws from: the cells where it is split by condition, the
/// pools where it is not.
#[derive(Clone, Debug)]
pub(crate) struct Focus {
    /// The different times of every pool.
    clocks: Clocks,
    /// How many entries of a pool come before the end of each of its times.
    ends: Ends,
    /// `None` where the pools are the lists.
    cells: Option<Cells>,
    index: NearIndex,
    order: Order,
}

/// The cells of every pool.
#[derive(Clone, Debug)]
struct Cells {
    /// The entries of every pool, by time, over its cells.
    of_pools: Splits,
    /// How many entries of a cell come before the end of each of its times.
    ends: Ends,
}

/// How many entries of a list come before the end of each of its times.
#[derive(Clone, Debug)]
struct Ends {
    /// Where each list's times begin, and last where the times end.
    starts: Vec<u32>,
    /// `None` where no list has a time twice, so that a time's place says it.
    ends: Option<Vec<u32>>,
}

/// What is near the focal time of one batch.
pub(crate) struct Near {
    pool: usize,
    /// Places among the pool's times.
    pub(crate) times: Range<u32>,
    /// Entries of the pool, by time.
    entries: Range<u32>,
}

impl Focus {
    /// Arranges the rows of the cells, or of the pools, by time.
    pub(crate) fn new(groups: &Groups, times: &Times<'_>, order: Order) -> Result<Self, Error> {
        match times {
            Times::F64(chunks) => Self::of(groups, chunks, order),
            Times::F32(chunks) => Self::of(groups, chunks, order),
        }
    }

    fn of<T: Time>(groups: &Groups, chunks: &[&[T]], order: Order) -> Result<Self, Error> {
        let bounds = groups.bounds(order);
        let entries = groups.entries(order);
        let kept = groups.kept() as usize;
        let pools = groups.experiments();
        let longest = (0..pools).map(|pool| groups.size(pool)).max().unwrap_or(0) as usize;
        let mut sorter = Sorter::<T>::new(chunks, longest)?;
        let mut by_time: Vec<u32> = filled(kept, 0)?;
        // Of every pool the different times, and where the entries of each end.
        let (mut different, mut ends) = (room(kept)?, EndsBuilder::new(kept, pools)?);
        let mut splitter = match order {
            Order::Cells => Some(Splitter::new(groups, longest)?),
            Order::Table | Order::Pools => None,
        };
        for (pool, start) in (0..pools).zip(groups.starts()) {
            let (start, end) = (*start as usize, (*start + groups.size(pool)) as usize);
            let places = &mut by_time[start..end];
            let in_order = match entries {
                Some(entries) => sorter.sort(entries[start..end].iter().copied(), places),
                None => sorter.sort(start as u32..end as u32, places),
            };
            for (end, time) in (1..).zip(in_order) {
                if in_order.get(end as usize) != Some(time) {
                    different.push(*time);
                    ends.ends.push(end);
                }
            }
            ends.end_of_list();
            if let Some(splitter) = &mut splitter {
                splitter.split(groups, pool, &ends, places)?;
            }
        }
        drop(sorter);
        let clocks = Clocks::new::<T>(collected(ends.starts.iter().copied())?, &different)?;
        drop(different);
        let (ends, cells) = (ends.build()?, splitter.map(Splitter::build).transpose()?);
        let of_lists = cells.as_ref().map_or(&ends, |cells| &cells.ends);
        let index = NearIndex::new(&bounds, &mut by_time, |list| of_lists.of(list))?;
        Ok(Self {
            clocks,
            ends,
            cells,
            index,
            order,
        })
    }

    /// Number of different times in a pool.
    pub(crate) fn times_of(&self, pool: usize) -> u32 {
        self.clocks.times_of(pool)
    }

    /// What of a pool lies within `window` of its `place`-th time.
    pub(crate) fn near(&self, pool: usize, place: u32, window: f64) -> Near {
        let times = self.clocks.near(pool, place, window);
        let entries = self.ends.before(pool, times.start)..self.ends.before(pool, times.end);
        Near { pool, times, entries }
    }

    /// The times of each cell of a pool, as places among the pool's; none where the pools are the lists.
    pub(crate) fn places(&self, pool: usize, cells: usize) -> Result<Vec<Vec<u32>>, Error> {
        let Some(of_pools) = self.cells.as_ref().map(|cells| &cells.of_pools) else {
            return Ok(Vec::new());
        };
        let mut places = filled(cells, Vec::new())?;
        for (cell, time) in of_pools.children(pool).zip(self.ends.times(pool)) {
            if places[cell].last() != Some(&time) {
                push(&mut places[cell], time)?;
            }
        }
        Ok(places)
    }

    /// How many of a list's entries come before its time at `place`, and so after the last time: all.
    pub(crate) fn before(&self, list: usize, place: u32) -> u32 {
        self.cells
            .as_ref()
            .map_or(&self.ends, |cells| &cells.ends)
            .before(list, place)
    }

    /// The entries of a list, the `child`-th of its pool's, that are near, or all others.
    pub(crate) fn span(&self, list: u32, child: u32, near: &Near, inside: bool) -> Span {
        match &self.cells {
            None => Span {
                list,
                times: near.times.clone(),
                low: near.entries.start,
                high: near.entries.end,
                inside,
            },
            Some(cells) => {
                let [low, high] = [near.entries.start, near.entries.end]
                    .map(|entries| cells.of_pools.count(near.pool, entries, child as usize));
                let times = if self.index.asks_for_times(list) {
                    cells.ends.place(list as usize, low)..cells.ends.place(list as usize, high)
                } else {
                    0..0
                };
                Span {
                    list,
                    times,
                    low,
                    high,
                    inside,
                }
            }
        }
    }

    /// Makes room to find rows of any list.
    pub(crate) fn reserve(&self, finder: &mut Finder, positions: usize) -> Result<(), Error> {
        self.index.reserve(finder, positions)
    }

    /// Replaces positions in a part of a list by positions in the list, and asks for their `rows`, if there are any.
    pub(crate) fn find(&self, span: &Span, positions: &mut [u32], rows: &[u32], finder: &mut Finder) {
        self.index.find(span, positions, rows, finder);
    }

    /// The different times of every pool.
    pub(crate) fn clocks(&self) -> &Clocks {
        &self.clocks
    }

    /// The time of every row in hours, NaN where a row is in no list.
    pub(crate) fn times(&self, groups: &Groups) -> Result<Hours, Error> {
        self.clocks.of(&self.numbers(groups)?)
    }

    /// The number of every row's time among those of all pools, [`MISSING`] where a row is in no list.
    pub(crate) fn numbers(&self, groups: &Groups) -> Result<Vec<u32>, Error> {
        let mut numbers: Vec<u32> = filled(groups.rows(), MISSING)?;
        let entries = groups.entries(self.order);
        let mut number = |entry: u32, time: u32| {
            let row = entries.map_or(entry, |entries| entries[entry as usize]);
            numbers[row as usize] = time;
        };
        for (pool, &start) in (0..groups.experiments()).zip(groups.starts()) {
            let first = self.clocks.first_of(pool);
            let times = self.ends.times(pool);
            if let Some(cells) = &self.cells {
                let first_cell = groups.first_cell_of(pool) as usize;
                let mut lists = room(groups.cells_of(pool).len())?;
                for (cell, list) in groups.cells_of(pool).iter().zip(first_cell..) {
                    let by_time = self.index.by_time(list, cells.ends.of(list))?;
                    lists.push((cell.start, by_time.into_iter()));
                }
                for (cell, time) in cells.of_pools.children(pool).zip(times) {
                    let (start, by_time) = &mut lists[cell];
                    number(*start + by_time.next().unwrap_or_default(), first + time);
                }
            } else {
                for (place, time) in self.index.by_time(pool, self.ends.of(pool))?.into_iter().zip(times) {
                    number(start + place, first + time);
                }
            }
        }
        Ok(numbers)
    }
}

impl Ends {
    fn of(&self, list: usize) -> impl ExactSizeIterator<Item = u32> {
        let (start, end) = (self.starts[list], self.starts[list + 1]);
        (0..end - start).map(move |time| match &self.ends {
            Some(ends) => ends[(start + time) as usize],
            None => time + 1,
        })
    }

    /// How many of a list's entries come before its time at `place`.
    fn before(&self, list: usize, place: u32) -> u32 {
        match &self.ends {
            Some(ends) if place > 0 => ends[(self.starts[list] + place) as usize - 1],
            _ => place,
        }
    }

    /// The place of the time that begins behind so many entries.
    fn place(&self, list: usize, entries: u32) -> u32 {
        match &self.ends {
            Some(ends) => {
                let ends = &ends[self.starts[list] as usize..self.starts[list + 1] as usize];
                ends.partition_point(|&end| end <= entries) as u32
            }
            None => entries,
        }
    }

    /// The place of the time of every entry.
    fn times(&self, list: usize) -> impl Iterator<Item = u32> {
        let mut start = 0;
        (0..).zip(self.of(list)).flat_map(move |(time, end)| {
            let entries = end - std::mem::replace(&mut start, end);
            std::iter::repeat_n(time, entries as usize)
        })
    }
}

/// [`Ends`] list by list.
struct EndsBuilder {
    starts: Vec<u32>,
    ends: Vec<u32>,
    entries: usize,
}

impl EndsBuilder {
    fn new(entries: usize, lists: usize) -> Result<Self, Error> {
        let mut starts = room(lists + 1)?;
        starts.push(0);
        Ok(Self {
            starts,
            ends: room(entries)?,
            entries,
        })
    }

    fn end_of_list(&mut self) {
        self.starts.push(self.ends.len() as u32);
    }

    fn build(self) -> Result<Ends, Error> {
        let ends = if self.ends.len() < self.entries {
            Some(collected(self.ends.iter().copied())?)
        } else {
            None
        };
        Ok(Ends {
            starts: self.starts,
            ends,
        })
    }
}

/// Splits the sorted entries of one pool after another over its cells.
struct Splitter {
    of_pools: Splits,
    ends: EndsBuilder,
    /// Of a pool's entries the cell, by place, and the time, by cell and time.
    cells: Vec<u32>,
    times: Vec<u32>,
    sorted: Vec<u32>,
}

impl Splitter {
    fn new(groups: &Groups, longest: usize) -> Result<Self, Error> {
        let pools = (0..groups.experiments()).map(|pool| (groups.size(pool) as usize, groups.cells_of(pool).len()));
        Ok(Self {
            of_pools: Splits::new(pools)?,
            ends: EndsBuilder::new(groups.kept() as usize, groups.cells().len())?,
            cells: room(longest)?,
            times: filled(longest, 0)?,
            sorted: filled(longest, 0)?,
        })
    }

    /// `places` are those of a pool's entries by time; they become places in the cells, those of one cell after another.
    fn split(&mut self, groups: &Groups, pool: usize, ends: &EndsBuilder, places: &mut [u32]) -> Result<(), Error> {
        let cells = groups.cells_of(pool);
        let first = cells.first().map_or(0, |cell| cell.start);
        self.cells.clear();
        for (number, cell) in (0..).zip(cells) {
            self.cells.extend(std::iter::repeat_n(number, cell.rows as usize));
        }
        let of_pool = &ends.ends[ends.starts[pool] as usize..];
        let (mut time, mut entry) = (0, 0);
        let (cell_of, times, sorted) = (&self.cells, &mut self.times, &mut self.sorted);
        self.of_pools.fill(
            pool,
            places,
            |place| cell_of[place as usize] as usize,
            |place, cell, before| {
                if entry == of_pool[time as usize] {
                    time += 1;
                }
                entry += 1;
                let start = cells[cell].start - first;
                sorted[start as usize + before] = place - start;
                times[start as usize + before] = time;
            },
        )?;
        places.copy_from_slice(&sorted[..places.len()]);
        for cell in cells {
            let start = (cell.start - first) as usize;
            let times = &times[start..start + cell.rows as usize];
            for (end, time) in (1..).zip(times) {
                if times.get(end as usize) != Some(time) {
                    self.ends.ends.push(end);
                }
            }
            self.ends.end_of_list();
        }
        Ok(())
    }

    fn build(self) -> Result<Cells, Error> {
        Ok(Cells {
            of_pools: self.of_pools,
            ends: self.ends.build()?,
        })
    }
}
