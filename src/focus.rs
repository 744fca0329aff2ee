//! The time focus: what a plan holds for batches that gather around a focal time (specification, section 3).

use std::ops::Range;

use crate::codes::MISSING;
use crate::error::{Error, grow, room};
use crate::groups::{Groups, Order};
use crate::near::{Finder, NearIndex, Span};
use crate::times::{Clock, Hours, Sorted};

/// Which rows lie near which times, for every list that a batch draws from: the cells where it is split by condition, the
/// pools where it is not.
#[derive(Clone, Debug)]
pub(crate) struct Focus {
    clock: Clock,
    lists: ListTimes,
    /// The times of each pool, where the lists are cells.
    pools: Option<ListTimes>,
    index: NearIndex,
    order: Order,
}

/// The different times of each list, ascending, by their numbers.
#[derive(Clone, Debug)]
struct ListTimes {
    /// Where each list's times begin, and last where the times end.
    starts: Vec<u32>,
    numbers: Vec<u32>,
    /// How many entries of its list come before each time; `None` where no list has a time twice, so that a time's place
    /// says it.
    before: Option<Vec<u32>>,
}

/// Where a row lies: its list, and its place in it.
#[derive(Clone, Copy, Default)]
struct Place {
    list: u32,
    place: u32,
}

impl Focus {
    /// Arranges the rows of the cells, or of the pools, by time.
    pub(crate) fn new(groups: &Groups, sorted: Sorted, order: Order) -> Result<Self, Error> {
        let bounds = groups.bounds(order);
        let kept = groups.kept() as usize;
        let places = places(groups, order, &bounds)?;
        let (mut by_time, mut numbers): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        grow(&mut by_time, kept)?;
        grow(&mut numbers, kept)?;
        let mut next = bounds.clone();
        let pool_of = |list: u32| groups.cells()[list as usize].experiment as usize;
        let (mut in_pool, mut next_in_pool): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        if order == Order::Cells {
            grow(&mut in_pool, kept)?;
            next_in_pool = groups.bounds(Order::Pools);
        }
        let mut start = 0;
        for (number, &end) in (0..).zip(&sorted.ends) {
            for &row in &sorted.rows[start as usize..end as usize] {
                let Place { list, place } = places[row as usize];
                if list == MISSING {
                    continue;
                }
                let entry = &mut next[list as usize];
                by_time[*entry as usize] = place;
                numbers[*entry as usize] = number;
                *entry += 1;
                if order == Order::Cells {
                    let entry = &mut next_in_pool[pool_of(list)];
                    in_pool[*entry as usize] = number;
                    *entry += 1;
                }
            }
            start = end;
        }
        drop(places);
        let pools = if order == Order::Cells {
            Some(ListTimes::new(&groups.bounds(Order::Pools), &in_pool, false)?)
        } else {
            None
        };
        Ok(Self {
            clock: sorted.clock,
            lists: ListTimes::new(&bounds, &numbers, true)?,
            pools,
            index: NearIndex::new(&bounds, &by_time)?,
            order,
        })
    }

    /// Number of different times in a pool.
    pub(crate) fn times_of(&self, pool: usize) -> u32 {
        self.pools.as_ref().unwrap_or(&self.lists).numbers(pool).len() as u32
    }

    /// The numbers of the times that lie within `window` of a pool's `place`-th time.
    pub(crate) fn near(&self, pool: usize, place: u32, window: f64) -> Range<u32> {
        let focal = self.pools.as_ref().unwrap_or(&self.lists).numbers(pool)[place as usize];
        self.clock.near(focal, window)
    }

    /// The entries of a list, `len` in all, whose times have numbers in a range.
    pub(crate) fn span(&self, list: u32, near: &Range<u32>, len: u32) -> Span {
        Span {
            list,
            low: self.lists.entries_before(list as usize, near.start, len),
            high: self.lists.entries_before(list as usize, near.end, len),
            inside: true,
        }
    }

    /// Makes room to find rows of any list.
    pub(crate) fn reserve(&self, finder: &mut Finder, positions: usize) -> Result<(), Error> {
        self.index.reserve(finder, positions)
    }

    /// Replaces positions in a part of a list by positions in the list.
    pub(crate) fn find(&self, span: Span, positions: &mut [u32], finder: &mut Finder) {
        self.index.find(span, positions, finder);
    }

    /// The time of every row in hours, NaN where a row is in no list.
    pub(crate) fn times(&self, groups: &Groups) -> Result<Hours, Error> {
        let rows = groups.rows();
        let mut numbers = Vec::new();
        grow(&mut numbers, rows)?;
        numbers.fill(MISSING);
        let entries = groups.entries(self.order);
        for (list, &start) in groups.bounds(self.order).iter().enumerate().take(self.index.lists()) {
            let times = self.lists.numbers(list);
            let mut time = 0;
            self.index.each_by_time(list, |rank, place| {
                while time + 1 < times.len() && self.lists.first_entry(list, time + 1) <= rank {
                    time += 1;
                }
                let entry = start as usize + place as usize;
                let row = entries.map_or(entry, |entries| entries[entry] as usize);
                numbers[row] = times[time];
            });
        }
        self.clock.of(&numbers)
    }
}

impl ListTimes {
    /// From the time numbers of each list's entries, ascending.
    fn new(bounds: &[u32], numbers: &[u32], with_entries: bool) -> Result<Self, Error> {
        let first_of_its_time = |start: usize, entry: usize| entry == start || numbers[entry - 1] != numbers[entry];
        let mut starts = room(bounds.len())?;
        starts.push(0);
        let mut different = 0;
        for pair in bounds.windows(2) {
            let (start, end) = (pair[0] as usize, pair[1] as usize);
            different += (start..end).filter(|&entry| first_of_its_time(start, entry)).count();
            starts.push(different as u32);
        }
        let mut times = Self {
            starts,
            numbers: room(different)?,
            before: if with_entries && different < numbers.len() {
                Some(room(different)?)
            } else {
                None
            },
        };
        for pair in bounds.windows(2) {
            let (start, end) = (pair[0] as usize, pair[1] as usize);
            for entry in (start..end).filter(|&entry| first_of_its_time(start, entry)) {
                times.numbers.push(numbers[entry]);
                if let Some(before) = &mut times.before {
                    before.push((entry - start) as u32);
                }
            }
        }
        Ok(times)
    }

    fn numbers(&self, list: usize) -> &[u32] {
        &self.numbers[self.starts[list] as usize..self.starts[list + 1] as usize]
    }

    /// How many of a list's entries come before its time at `place`.
    fn first_entry(&self, list: usize, place: usize) -> u32 {
        match &self.before {
            Some(before) => before[self.starts[list] as usize + place],
            None => place as u32,
        }
    }

    /// How many of a list's `len` entries have times of smaller numbers.
    fn entries_before(&self, list: usize, number: u32, len: u32) -> u32 {
        let numbers = self.numbers(list);
        let place = numbers.partition_point(|&other| other < number);
        if place == numbers.len() {
            len
        } else {
            self.first_entry(list, place)
        }
    }
}

fn places(groups: &Groups, order: Order, bounds: &[u32]) -> Result<Vec<Place>, Error> {
    let mut places = Vec::new();
    grow(&mut places, groups.rows())?;
    places.fill(Place {
        list: MISSING,
        place: 0,
    });
    let entries = groups.entries(order);
    for (list, pair) in (0..).zip(bounds.windows(2)) {
        for (place, entry) in (0..).zip(pair[0]..pair[1]) {
            let row = entries.map_or(entry, |entries| entries[entry as usize]);
            places[row as usize] = Place { list, place };
        }
    }
    Ok(places)
}
