//! The time focus: what a plan holds for batches that gather around a focal time (specification, section 3).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::ops::Range;

use crate::codes::MISSING;
use crate::error::{Error, collected, filled, room};
use crate::groups::{Groups, Order};
use crate::near::{Finder, NearIndex, Span};
use crate::times::{Clocks, Hours, Key, Sorter, Time, Times};

/// Which rows lie near which times, for every list that a batch draws from: the cells where it is split by condition, the
/// pools where it is not.
#[derive(Clone, Debug)]
pub(crate) struct Focus {
    /// The different times of every pool.
    clocks: Clocks,
    /// Of the pools; `None` where they are the lists themselves.
    cells: Option<CellTimes>,
    ends: Ends,
    index: NearIndex,
    order: Order,
}

/// The different times of every cell, as places among those of its pool.
#[derive(Clone, Debug)]
struct CellTimes {
    /// One cell's after another, as in [`Ends`].
    places: Vec<u32>,
}

/// How many entries of a list come before the end of each of its times.
#[derive(Clone, Debug)]
struct Ends {
    /// Where each list's times begin, and last where the times end.
    starts: Vec<u32>,
    /// `None` where no list has a time twice, so that a time's place says it.
    ends: Option<Vec<u32>>,
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
        let longest = bounds.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0) as usize;
        let mut sorter = Sorter::<T>::new(chunks, longest)?;
        let mut by_time: Vec<u32> = filled(kept, 0)?;
        // Of every list the different times, and where the entries of each end.
        let (mut different, mut ends, mut starts) = (room(kept)?, room(kept)?, room(bounds.len())?);
        starts.push(0);
        for pair in bounds.windows(2) {
            let (start, end) = (pair[0] as usize, pair[1] as usize);
            let places = &mut by_time[start..end];
            let in_order = match entries {
                Some(entries) => sorter.sort(entries[start..end].iter().copied(), places),
                None => sorter.sort(pair[0]..pair[1], places),
            };
            for (end, time) in (1..).zip(in_order) {
                if in_order.get(end as usize) != Some(time) {
                    different.push(*time);
                    ends.push(end);
                }
            }
            starts.push(different.len() as u32);
        }
        drop(sorter);
        let (clocks, cells) = if order == Order::Cells {
            let (pool_starts, in_pools) = merged(groups, &starts, &different)?;
            let cells = CellTimes::new(groups, &starts, &different, &pool_starts, &in_pools)?;
            (Clocks::new::<T>(pool_starts, &in_pools)?, Some(cells))
        } else {
            (Clocks::new::<T>(starts.clone(), &different)?, None)
        };
        drop(different);
        let ends = Ends {
            ends: if ends.len() < kept {
                Some(collected(ends.iter().copied())?)
            } else {
                None
            },
            starts,
        };
        Ok(Self {
            clocks,
            cells,
            index: NearIndex::new(&bounds, &mut by_time, |list| ends.of(list))?,
            ends,
            order,
        })
    }

    /// Number of different times in a pool.
    pub(crate) fn times_of(&self, pool: usize) -> u32 {
        self.clocks.times_of(pool)
    }

    /// The times of a pool that lie within `window` of its `place`-th, as places among its times.
    pub(crate) fn near(&self, pool: usize, place: u32, window: f64) -> Range<u32> {
        self.clocks.near(pool, place, window)
    }

    /// The times of a list, as places among those of its pool; `None` where it has all of them.
    pub(crate) fn places_of(&self, list: usize) -> Option<&[u32]> {
        let cells = self.cells.as_ref()?;
        Some(&cells.places[self.ends.times_of(list)])
    }

    /// How many of a list's entries come before its time at `place`, and so after the last time: all.
    pub(crate) fn before(&self, list: usize, place: u32) -> u32 {
        self.ends.before(list, place)
    }

    /// The entries of a list whose times lie in a range of its pool's times.
    pub(crate) fn span(&self, list: u32, near: &Range<u32>, inside: bool) -> Span {
        let times = match &self.cells {
            None => near.clone(),
            Some(cells) => {
                let places = &cells.places[self.ends.times_of(list as usize)];
                let before = |time: u32| places.partition_point(|&place| place < time) as u32;
                before(near.start)..before(near.end)
            }
        };
        Span {
            list,
            low: self.ends.before(list as usize, times.start),
            high: self.ends.before(list as usize, times.end),
            times,
            inside,
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
        for (list, pair) in groups.bounds(self.order).windows(2).enumerate() {
            self.index.each(list, self.ends.of(list), |place, time| {
                let entry = (pair[0] + place) as usize;
                let row = entries.map_or(entry, |entries| entries[entry] as usize);
                numbers[row] = match &self.cells {
                    None => self.clocks.first_of(list) + time,
                    Some(cells) => {
                        let pool = groups.cells()[list].experiment as usize;
                        self.clocks.first_of(pool) + cells.places[self.ends.times_of(list)][time as usize]
                    }
                };
            })?;
        }
        Ok(numbers)
    }
}

impl Ends {
    /// Where a list's times are among those of all lists.
    fn times_of(&self, list: usize) -> Range<usize> {
        self.starts[list] as usize..self.starts[list + 1] as usize
    }

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
}

impl CellTimes {
    /// From the times of the cells and of the pools, each with where those of one begin.
    fn new<K: Key>(
        groups: &Groups,
        starts: &[u32],
        times: &[K],
        pool_starts: &[u32],
        in_pools: &[K],
    ) -> Result<Self, Error> {
        let mut places = room(times.len())?;
        for (cell, pair) in groups.cells().iter().zip(starts.windows(2)) {
            let pool = cell.experiment as usize;
            let in_pool = &in_pools[pool_starts[pool] as usize..pool_starts[pool + 1] as usize];
            let mut place = 0;
            for time in &times[pair[0] as usize..pair[1] as usize] {
                while in_pool[place] < *time {
                    place += 1;
                }
                places.push(place as u32);
            }
        }
        Ok(Self { places })
    }
}

/// The different times of every pool, from those of its cells, and where those of each pool begin.
fn merged<K: Key>(groups: &Groups, starts: &[u32], times: &[K]) -> Result<(Vec<u32>, Vec<K>), Error> {
    let (mut pool_starts, mut in_pools) = (room(groups.experiments() + 1)?, room(times.len())?);
    pool_starts.push(0);
    let most = (0..groups.experiments()).map(|pool| groups.cells_of(pool).len()).max();
    let mut heads: Vec<Reverse<(K, usize, usize)>> = room(most.unwrap_or(0))?;
    for pool in 0..groups.experiments() {
        let first = groups.first_cell_of(pool) as usize;
        heads.clear();
        heads.extend(
            starts[first..=first + groups.cells_of(pool).len()]
                .windows(2)
                .map(|pair| Reverse((times[pair[0] as usize], pair[0] as usize, pair[1] as usize))),
        );
        let mut heap = BinaryHeap::from(std::mem::take(&mut heads));
        let mut last = None;
        while let Some(mut head) = heap.peek_mut() {
            let Reverse((time, place, end)) = *head;
            if last != Some(time) {
                in_pools.push(time);
                last = Some(time);
            }
            if place + 1 < end {
                *head = Reverse((times[place + 1], place + 1, end));
            } else {
                PeekMut::pop(head);
            }
        }
        heads = heap.into_vec();
        pool_starts.push(in_pools.len() as u32);
    }
    Ok((pool_starts, in_pools))
}
