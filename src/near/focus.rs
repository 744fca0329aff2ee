//! The time focus: what a plan holds for batches that gather around a focal time (specification, section 3).

use std::ops::Range;

use crate::columns::MISSING;
use crate::columns::sort::Sorter;
use crate::columns::times::{Hours, Time, Times};
use crate::error::Error;
use crate::groups::{Groups, Order};
use crate::near::cells::{Spans, TimedCells, TimedCellsBuilder};
use crate::near::clock::Clocks;
use crate::near::ends::{TimeEnds, TimeEndsBuilder};
use crate::near::index::{Finder, NearIndex};
use crate::near::part::Part;
#[cfg(feature = "file")]
use crate::support::arrays::ArrayFile;
use crate::support::arrays::Arrays;
use crate::support::memory::{collected, filled, push, room};
use crate::support::pauses::Pauses;

/// Which rows lie near which times, for every list that a batch draws from: the cells where it is split by condition, the
/// pools where it is not.
#[derive(Clone, Debug)]
pub(crate) struct Focus {
    /// The different times of every pool.
    clocks: Clocks,
    /// How many entries of a pool come before the end of each of its times.
    ends: TimeEnds,
    /// `None` where the pools are the lists.
    cells: Option<TimedCells>,
    index: NearIndex,
    order: Order,
}

impl Focus {
    /// Arranges the rows of the cells, or of the pools, by time.
    pub(crate) fn new<E: From<Error>>(
        groups: &Groups,
        times: &Times<'_>,
        order: Order,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Self, E> {
        match times {
            Times::F64(chunks) => Self::of(groups, chunks, order, pauses),
            Times::F32(chunks) => Self::of(groups, chunks, order, pauses),
        }
    }

    fn of<T: Time, E: From<Error>>(
        groups: &Groups,
        chunks: &[&[T]],
        order: Order,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Self, E> {
        let Sorted {
            mut by_time,
            clocks,
            ends,
            cells,
        } = Sorted::new(groups, chunks, order, pauses)?;
        Self::indexed(clocks, ends, cells, order, |ends| {
            NearIndex::new(&bounds(groups, order)?, &mut by_time, |list| ends.of(list), pauses)
        })
    }

    /// From a file that was saved for the same groups and order.
    #[cfg(feature = "file")]
    pub(crate) fn open(groups: &Groups, order: Order, file: &mut impl ArrayFile) -> Result<Self, Error> {
        let pools = groups.experiments();
        let sizes = (0..pools).map(|pool| groups.size(pool));
        let (clocks, ends) = (Clocks::open(pools, file)?, TimeEnds::open("pool_times", sizes, file)?);
        if (0..pools).any(|pool| clocks.times_of(pool) as usize != ends.of(pool).len()) {
            return Err(file.damaged("clocks.starts and pool_times.starts differ"));
        }
        let cells = match order {
            Order::Cells => Some(TimedCells::open(groups, file)?),
            Order::Table | Order::Pools => None,
        };
        Self::indexed(clocks, ends, cells, order, |ends| {
            NearIndex::of(&bounds(groups, order)?, |list| ends.of(list).len(), file)
        })
    }

    /// With the index that is made of the ends of the times of the lists.
    fn indexed<E>(
        clocks: Clocks,
        ends: TimeEnds,
        cells: Option<TimedCells>,
        order: Order,
        index: impl FnOnce(&TimeEnds) -> Result<NearIndex, E>,
    ) -> Result<Self, E> {
        let index = index(cells.as_ref().map_or(&ends, |cells| &cells.ends))?;
        Ok(Self {
            clocks,
            ends,
            cells,
            index,
            order,
        })
    }

    /// The arrays that a file has of it.
    pub(crate) fn arrays<'a>(&'a self, to: &mut Arrays<'a>) {
        self.clocks.arrays(to);
        self.ends.arrays("pool_times", to);
        if let Some(cells) = &self.cells {
            cells.arrays(to);
        }
        self.index.arrays(to);
    }

    /// Number of different times in a pool.
    pub(crate) fn times_of(&self, pool: usize) -> u32 {
        self.clocks.times_of(pool)
    }

    /// Those entries of a pool, by time, that lie within `window` of its `place`-th time. `wait` is called whenever memory was asked for that is read
    /// next.
    fn near(&self, pool: usize, place: u32, window: f64, mut wait: impl FnMut()) -> Range<u32> {
        let times = self.clocks.near(pool, place, window, &mut wait);
        if self.ends.ask_for(pool, [times.start, times.end]) {
            wait();
        }
        self.ends.before(pool, times.start)..self.ends.before(pool, times.end)
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

    /// The ends of the times of the lists: of the cells, or of the pools.
    fn ends_of_lists(&self) -> &TimeEnds {
        self.cells.as_ref().map_or(&self.ends, |cells| &cells.ends)
    }

    /// How many of a list's entries come before its time at `place`, and so after the last time: all.
    pub(crate) fn before(&self, list: usize, place: u32) -> u32 {
        self.ends_of_lists().before(list, place)
    }

    /// As [`Focus::near`], and counts what is near in the lists of the pool, of which so many are asked for. There must be
    /// room for that. `wait` is called whenever memory was asked for that is read next.
    pub(crate) fn near_in_lists(
        &self,
        (pool, place): (usize, u32),
        window: f64,
        lists: usize,
        spans: &mut Spans,
        mut wait: impl FnMut(),
    ) -> Range<u32> {
        let near = self.near(pool, place, window, &mut wait);
        if let Some(cells) = &self.cells {
            cells.of_pools.ask_for(pool, [near.start, near.end]);
            wait();
            spans.count(cells, pool, near.clone(), lists);
        }
        near
    }

    /// The entries of a list, the `child`-th of its pool's, that are near, or all others.
    pub(crate) fn part(&self, list: u32, child: u32, near: &Range<u32>, spans: &Spans, inside: bool) -> Part {
        let [low, high] = self.ends_in(child, near, spans);
        Part {
            list,
            low,
            high,
            inside,
        }
    }

    /// Asks for what is read first when rows of a list, the `child`-th of its pool's, are found.
    #[inline]
    pub(crate) fn ask_for(&self, list: u32, child: u32, near: &Range<u32>, spans: &Spans) {
        self.index.ask_for(list, || self.ends_in(child, near, spans));
    }

    /// How many entries of a list, the `child`-th of its pool's, lie before those that are near, and before the end of these.
    #[inline]
    fn ends_in(&self, child: u32, near: &Range<u32>, spans: &Spans) -> [u32; 2] {
        match &self.cells {
            None => [near.start, near.end],
            Some(cells) => spans.of(cells, child),
        }
    }

    /// Makes room to count what is near in up to so many lists of a pool.
    pub(crate) fn reserve_spans(&self, spans: &mut Spans, lists: usize) -> Result<(), Error> {
        self.cells.as_ref().map_or(Ok(()), |cells| spans.reserve(cells, lists))
    }

    /// Makes room to find rows of any list.
    pub(crate) fn reserve(&self, finder: &mut Finder, positions: usize) -> Result<(), Error> {
        self.index.reserve(finder, positions)
    }

    /// Replaces positions in a part of a list of `len` entries by positions in the list, and asks for their `rows`, if there
    /// are any.
    pub(crate) fn find(&self, part: &Part, len: u32, positions: &mut [u32], rows: &[u32], finder: &mut Finder) {
        let ends = self.ends_of_lists();
        let times = || ends.place(part.list as usize, part.low)..ends.place(part.list as usize, part.high);
        self.index.find(part, times, len, positions, rows, finder);
    }

    /// The different times of every pool.
    pub(crate) fn clocks(&self) -> &Clocks {
        &self.clocks
    }

    /// The time of every row in hours, NaN where a row is in no list.
    pub(crate) fn times<E: From<Error>>(&self, groups: &Groups, pauses: &mut Pauses<'_, E>) -> Result<Hours, E> {
        let numbers = self.numbers(groups, pauses)?;
        self.clocks.of(&numbers, pauses)
    }

    /// The number of every row's time among those of all pools, [`MISSING`] where a row is in no list.
    pub(crate) fn numbers<E: From<Error>>(&self, groups: &Groups, pauses: &mut Pauses<'_, E>) -> Result<Vec<u32>, E> {
        let mut numbers: Vec<u32> = pauses.filled(groups.rows(), MISSING)?;
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
                    let by_time = self.index.by_time(list, cells.ends.of(list), pauses)?;
                    lists.push((cell.start, by_time.into_iter()));
                }
                for (cell, time) in cells.of_pools.children(pool).zip(times) {
                    let (start, by_time) = &mut lists[cell];
                    number(*start + by_time.next().unwrap_or_default(), first + time);
                    pauses.after(1)?;
                }
            } else {
                for (place, time) in self
                    .index
                    .by_time(pool, self.ends.of(pool), pauses)?
                    .into_iter()
                    .zip(times)
                {
                    number(start + place, first + time);
                    pauses.after(1)?;
                }
            }
        }
        Ok(numbers)
    }
}

/// Where each list of an order begins, and last where the rows end: the pools, or the cells.
fn bounds(groups: &Groups, order: Order) -> Result<Vec<u32>, Error> {
    match order {
        Order::Cells => {
            let mut bounds = room(groups.cells().len() + 1)?;
            bounds.extend(groups.cells().iter().map(|cell| cell.start));
            bounds.push(groups.kept());
            Ok(bounds)
        }
        Order::Table | Order::Pools => collected(groups.starts().iter().copied()),
    }
}

/// The rows of every list by time.
struct Sorted {
    /// Of every list its places, in the order of their times.
    by_time: Vec<u32>,
    clocks: Clocks,
    /// Of the pools.
    ends: TimeEnds,
    cells: Option<TimedCells>,
}

impl Sorted {
    /// Sorts pool by pool, and deals the entries of each out to its cells, where these are the lists.
    fn new<T: Time, E: From<Error>>(
        groups: &Groups,
        chunks: &[&[T]],
        order: Order,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Self, E> {
        let entries = groups.entries(order);
        let kept = groups.kept() as usize;
        let pools = groups.experiments();
        let longest = (0..pools).map(|pool| groups.size(pool)).max().unwrap_or(0) as usize;
        let mut sorter = Sorter::<T>::new(chunks, longest, pauses)?;
        let mut by_time = pauses.filled(kept, 0)?;
        let mut hours: Vec<T> = room(kept)?;
        let mut ends = TimeEndsBuilder::new(kept, pools)?;
        let mut cells = match order {
            Order::Cells => Some(TimedCellsBuilder::new(groups, longest, pauses)?),
            Order::Table | Order::Pools => None,
        };
        for (pool, &start) in (0..pools).zip(groups.starts()) {
            let pool_entries = start as usize..(start + groups.size(pool)) as usize;
            let (size, first) = (pool_entries.len(), hours.len());
            let places = &mut by_time[pool_entries.clone()];
            // The sorted times end up where the different ones of all pools are kept.
            pauses.extend(&mut hours, std::iter::repeat_n(T::of(T::Key::default()), size))?;
            let times = &mut hours[first..];
            match entries {
                Some(entries) => sorter.sort(entries[pool_entries].iter().copied(), times, places, pauses)?,
                None => sorter.sort(start..start + groups.size(pool), times, places, pauses)?,
            }
            let different = ends.add(times, pauses)?;
            hours.truncate(first + different);
            if different < size / 8 && size - different > hours.len() {
                // Most of the memory was touched, and is given back.
                let left = kept - start as usize - size;
                hours = copy_of(&hours, left)?;
            }
            if let Some(cells) = &mut cells {
                let ends = ends.of_last().filter(|ends| ends.len() < size);
                cells.add(groups, pool, ends, places, pauses)?;
            }
        }
        drop(sorter);
        if hours.len() < kept - kept / 8 {
            hours = copy_of(&hours, 0)?;
        }
        Ok(Self {
            by_time,
            clocks: Clocks::new(collected(ends.starts().iter().copied())?, hours, pauses)?,
            ends: ends.build(pauses)?,
            cells: match cells {
                Some(cells) => Some(cells.build(pauses)?),
                None => None,
            },
        })
    }
}

/// A copy of some times, with room for so many more.
fn copy_of<T: Copy>(times: &[T], more: usize) -> Result<Vec<T>, Error> {
    let mut copy = room(times.len() + more)?;
    copy.extend_from_slice(times);
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Column, Table};
    use crate::draw::Generator;
    use crate::support::memory::testing::refuse_in_turn;
    use crate::support::pauses::ENTRIES;

    /// Two pools of three cells each, and times that are drawn.
    fn table(rows: usize, mut time: impl FnMut(&mut Generator) -> f64) -> (Groups, Vec<f64>) {
        let mut generator = Generator::new(1);
        let mut codes = |labels| -> Vec<u32> { (0..rows).map(|_| generator.below(labels)).collect() };
        let (experiments, conditions) = (codes(2), codes(3));
        let times = (0..rows).map(|_| time(&mut generator)).collect();
        let table = Table {
            rows,
            experiments: Some(Column::from_ranks(&experiments, 2)),
            conditions: Some(Column::from_ranks(&conditions, 3)),
            times: None,
        };
        let groups = Groups::new(&table, None, true, &mut Pauses::new(&mut || Ok::<(), Error>(()))).unwrap();
        (groups, times)
    }

    #[test]
    fn running_out_of_memory_is_an_error_wherever_it_happens() {
        // Lists of one block and of several, and lists with many different times.
        for (rows, different) in [(40, 5), (4000, 200), (9000, 1 << 30)] {
            let (groups, times) = table(rows, |generator| f64::from(generator.below(different)));
            let times = Times::F64(vec![&times]);
            for order in [Order::Cells, groups.pool_order()] {
                let build = || Focus::new(&groups, &times, order, &mut Pauses::new(&mut || Ok::<(), Error>(())));
                assert!(refuse_in_turn(build) > 10);
                let focus = build().unwrap();
                assert!(refuse_in_turn(|| focus.reserve(&mut Finder::default(), 100)) > 0);
                assert!(refuse_in_turn(|| focus.times(&groups, &mut Pauses::new(&mut || Ok::<(), Error>(())))) > 0);
                refuse_in_turn(|| focus.places(0, groups.cells_of(0).len()));
            }
        }
    }

    #[derive(Debug, PartialEq)]
    enum Ended {
        ByPause,
        ByCore(Error),
    }

    impl From<Error> for Ended {
        fn from(error: Error) -> Self {
            Self::ByCore(error)
        }
    }

    #[test]
    fn building_pauses_within_a_pool_and_ends_when_told() {
        let rows = 3 * ENTRIES;
        for different in [48, 1 << 30] {
            let (groups, times) = table(rows, |generator| f64::from(generator.below(different)));
            let times = Times::F64(vec![&times]);
            let build = |most: usize| {
                let mut paused = 0;
                let mut pause = || {
                    paused += 1;
                    if paused > most { Err(Ended::ByPause) } else { Ok(()) }
                };
                let focus = Focus::new(&groups, &times, Order::Cells, &mut Pauses::new(&mut pause));
                (focus.err(), paused)
            };
            let (error, pauses) = build(usize::MAX);
            assert_eq!(error, None);
            // Read, counted by digit, dealt out by digit, told apart, split, and put into the index.
            assert!(pauses >= 8 * rows / ENTRIES, "{pauses}");
            for most in [0, pauses / 2, pauses - 1] {
                assert_eq!(build(most), (Some(Ended::ByPause), most + 1));
            }
        }
    }
}
