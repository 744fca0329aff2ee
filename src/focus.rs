//! The time focus: what a plan holds for batches that gather around a focal time (specification, section 3).

use std::ops::Range;

use crate::codes::MISSING;
use crate::error::{Error, filled};
use crate::groups::{Groups, Order};
use crate::near::{Finder, NearIndex, Span};
use crate::times::{Clocks, Hours, Sorted};

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
    starts: Vec<u32>,
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
        let split = order == Order::Cells;
        let pool_of = |list: usize| if split { groups.cells()[list].experiment as usize } else { list };
        let places = places(groups, order, &bounds)?;
        // Rows come by time, so a time is new to a pool, or to a cell, where it is not the one that came last.
        let each_new = |visit: &mut dyn FnMut(u32, Place, bool, bool)| -> Result<(), Error> {
            let mut last_of_list: Vec<u32> = filled(bounds.len() - 1, MISSING)?;
            let mut last_of_pool: Vec<u32> = filled(groups.experiments(), MISSING)?;
            let mut start = 0;
            for (number, &end) in (0..).zip(&sorted.ends) {
                for &row in &sorted.rows[start as usize..end as usize] {
                    let place = places[row as usize];
                    if place.list != MISSING {
                        let list = place.list as usize;
                        let new_in_list = std::mem::replace(&mut last_of_list[list], number) != number;
                        let new_in_pool = std::mem::replace(&mut last_of_pool[pool_of(list)], number) != number;
                        visit(number, place, new_in_list, new_in_pool);
                    }
                }
                start = end;
            }
            Ok(())
        };
        let mut list_starts: Vec<u32> = filled(bounds.len(), 0)?;
        let mut pool_starts: Vec<u32> = filled(groups.experiments() + 1, 0)?;
        each_new(&mut |_, place, new_in_list, new_in_pool| {
            list_starts[place.list as usize + 1] += u32::from(new_in_list);
            pool_starts[pool_of(place.list as usize) + 1] += u32::from(new_in_pool);
        })?;
        for starts in [&mut list_starts, &mut pool_starts] {
            for list in 1..starts.len() {
                starts[list] += starts[list - 1];
            }
        }
        let different = list_starts[bounds.len() - 1] as usize;
        let kept = groups.kept() as usize;
        let mut by_time: Vec<u32> = filled(kept, 0)?;
        let mut numbers: Vec<u32> = filled(pool_starts[groups.experiments()] as usize, 0)?;
        let mut ends: Vec<u32> = filled(if different < kept { different } else { 0 }, 0)?;
        let mut cell_places: Vec<u32> = filled(if split { different } else { 0 }, 0)?;
        let mut next_entry = bounds.clone();
        let (mut next_time, mut next_in_pool) = (list_starts.clone(), pool_starts.clone());
        each_new(&mut |number, Place { list, place }, new_in_list, new_in_pool| {
            let pool = pool_of(list as usize);
            let list = list as usize;
            if new_in_pool {
                numbers[next_in_pool[pool] as usize] = number;
                next_in_pool[pool] += 1;
            }
            if new_in_list {
                if split {
                    cell_places[next_time[list] as usize] = next_in_pool[pool] - pool_starts[pool] - 1;
                }
                next_time[list] += 1;
            }
            by_time[next_entry[list] as usize] = place;
            next_entry[list] += 1;
            if let Some(end) = ends.get_mut(next_time[list] as usize - 1) {
                *end = next_entry[list] - bounds[list];
            }
        })?;
        drop(places);
        let clocks = Clocks::new(pool_starts, &numbers, &sorted.times)?;
        drop((numbers, sorted));
        let ends = Ends {
            starts: list_starts,
            ends: (different < kept).then_some(ends),
        };
        Ok(Self {
            clocks,
            cells: split.then(|| CellTimes {
                starts: ends.starts.clone(),
                places: cell_places,
            }),
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

    /// The entries of a list whose times lie in a range of its pool's times.
    pub(crate) fn span(&self, list: u32, near: &Range<u32>, inside: bool) -> Span {
        let times = match &self.cells {
            None => near.clone(),
            Some(cells) => {
                let places = &cells.places
                    [cells.starts[list as usize] as usize..cells.starts[list as usize + 1] as usize];
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

    /// Replaces positions in a part of a list by positions in the list.
    pub(crate) fn find(&self, span: &Span, positions: &mut [u32], finder: &mut Finder) {
        self.index.find(span, positions, finder);
    }

    /// The time of every row in hours, NaN where a row is in no list.
    pub(crate) fn times(&self, groups: &Groups) -> Result<Hours, Error> {
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
                        self.clocks.first_of(pool) + cells.places[(cells.starts[list] + time) as usize]
                    }
                };
            })?;
        }
        self.clocks.of(&numbers)
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
}

fn places(groups: &Groups, order: Order, bounds: &[u32]) -> Result<Vec<Place>, Error> {
    let mut places = filled(
        groups.rows(),
        Place {
            list: MISSING,
            place: 0,
        },
    )?;
    let entries = groups.entries(order);
    for (list, pair) in (0..).zip(bounds.windows(2)) {
        for (place, entry) in (0..).zip(pair[0]..pair[1]) {
            let row = entries.map_or(entry, |entries| entries[entry as usize]);
            places[row as usize] = Place { list, place };
        }
    }
    Ok(places)
}
