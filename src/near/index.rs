//! Rows near a time, asked for by position in row order: each list in the structure that suits it.

use std::ops::Range;

use crate::error::Error;
use crate::near::few_times::{FewTimes, MOST_TIMES, Spot};
use crate::near::many_times::{ManyTimes, Paths};
use crate::near::part::Part;
use crate::near::short::{MOST_ENTRIES, Run, ShortLists};
use crate::support::arrays::{Arrays, Source};
use crate::support::memory::{push, room};
use crate::support::pauses::Pauses;

/// The lists of one order, each with its entries by time.
#[derive(Clone, Debug)]
pub(crate) struct NearIndex {
    lists: Vec<List>,
    short: ShortLists,
    few_times: FewTimes,
    many_times: ManyTimes,
}

/// What has a list, and where: one of the constants below.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct List {
    structure: u16,
    /// Of a short list its entries.
    len: u16,
    /// Of a short list its first entry among those of all; else its number in the structure.
    place: u32,
}

impl List {
    const SHORT: u16 = 0;
    const FEW_TIMES: u16 = 1;
    const MANY_TIMES: u16 = 2;

    #[inline]
    fn run(self) -> Run {
        Run {
            start: self.place,
            len: self.len,
        }
    }
}

/// Memory for one part of a list, used again for the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finder {
    spots: Vec<Spot>,
    paths: Paths,
    /// The entries of a part of which more are asked for than there are.
    entries: Vec<u32>,
}

impl NearIndex {
    /// Lists that follow one another, each of so many different times.
    pub(crate) fn of<E: From<Error>>(
        bounds: &[u32],
        times: impl Fn(usize) -> usize,
        source: &mut impl Source<E>,
    ) -> Result<Self, E> {
        let number = bounds.len() - 1;
        let (mut lists, mut few, mut many) = (room(number)?, Vec::new(), Vec::new());
        let mut short = 0;
        for (number, pair) in bounds.windows(2).enumerate() {
            let len = (pair[1] - pair[0]) as usize;
            let (structure, place) = if len <= MOST_ENTRIES {
                let start = short;
                short += len;
                (List::SHORT, start)
            } else {
                let times = times(number);
                if times <= MOST_TIMES {
                    push(&mut few, (len, times))?;
                    (List::FEW_TIMES, few.len() - 1)
                } else {
                    push(&mut many, len)?;
                    (List::MANY_TIMES, many.len() - 1)
                }
            };
            lists.push(List {
                structure,
                len: if structure == List::SHORT { len as u16 } else { 0 },
                place: place as u32,
            });
        }
        Ok(Self {
            lists,
            short: ShortLists::new(short, source)?,
            few_times: FewTimes::new(&few, source)?,
            many_times: ManyTimes::new(&many, source)?,
        })
    }

    /// Indexes lists that follow one another. `by_time` holds each list's places in the order of their times, and is used
    /// up; `ends(list)` tells where the places of each of its times end.
    pub(crate) fn new<T: ExactSizeIterator<Item = u32>, E: From<Error>>(
        bounds: &[u32],
        by_time: &mut [u32],
        ends: impl Fn(usize) -> T,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Self, E> {
        let Self {
            lists,
            mut short,
            mut few_times,
            mut many_times,
        } = Self::of(bounds, |list| ends(list).len(), pauses)?;
        let many = lists.iter().zip(bounds.windows(2));
        let many = many.filter(|(list, _)| list.structure == List::MANY_TIMES);
        let longest = many.map(|(_, pair)| pair[1] - pair[0]).max().unwrap_or(0);
        let mut other = pauses.filled(longest as usize, 0)?;
        for (number, (list, pair)) in lists.iter().zip(bounds.windows(2)).enumerate() {
            let by_time = &mut by_time[pair[0] as usize..pair[1] as usize];
            let place = list.place as usize;
            match list.structure {
                List::SHORT => short.fill(list.run(), by_time, pauses)?,
                List::FEW_TIMES => few_times.fill(place, by_time, ends(number), pauses)?,
                _ => {
                    let len = by_time.len();
                    many_times.fill(place, by_time, &mut other[..len], pauses)?;
                }
            }
        }
        Ok(Self {
            lists,
            short,
            few_times,
            many_times,
        })
    }

    pub(crate) fn arrays<'a>(&'a self, to: &mut Arrays<'a>) {
        self.short.arrays(to);
        self.few_times.arrays(to);
        self.many_times.arrays(to);
    }

    /// Makes room to find rows of any list.
    pub(crate) fn reserve(&self, finder: &mut Finder, positions: usize) -> Result<(), Error> {
        if finder.entries.capacity() < positions {
            finder.entries = room(positions)?;
        }
        self.few_times.reserve(&mut finder.spots, positions)?;
        self.many_times.reserve(&mut finder.paths, positions)
    }

    /// The places of a list by time. `ends` tells where those of each of its times end.
    pub(crate) fn by_time<E: From<Error>>(
        &self,
        list: usize,
        ends: impl Iterator<Item = u32>,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Vec<u32>, E> {
        let list = self.lists[list];
        match list.structure {
            List::SHORT => Ok(self.short.by_time(list.run())?),
            List::FEW_TIMES => self.few_times.by_time(list.place as usize, ends, pauses),
            _ => self.many_times.by_time(list.place as usize, pauses),
        }
    }

    /// Asks for what is read first when rows of a list are found; `ends` tells how many entries lie before those that are near,
    /// and before the end of these.
    #[inline]
    pub(crate) fn ask_for(&self, list: u32, ends: impl FnOnce() -> [u32; 2]) {
        let list = self.lists[list as usize];
        match list.structure {
            List::SHORT => self.short.ask_for(list.run()),
            List::MANY_TIMES => self.many_times.ask_for(list.place as usize, ends()),
            // What is read first of few times is little, and found by what would have to be waited for.
            _ => {}
        }
    }

    /// Replaces positions in a part of a list of `len` entries by positions in the list, and asks for their `rows`, if there
    /// are any. `times` tells the times of the range, as places among the list's. The finder must have been given room.
    pub(crate) fn find(
        &self,
        part: &Part,
        times: impl FnOnce() -> Range<u32>,
        len: u32,
        positions: &mut [u32],
        rows: &[u32],
        finder: &mut Finder,
    ) {
        let population = part.population(len) as usize;
        if population >= positions.len() {
            self.find_each(part, times, positions, rows, finder);
            return;
        }
        // Drawn with replacement: looking for every entry once takes less.
        let mut entries = std::mem::take(&mut finder.entries);
        entries.clear();
        entries.extend(0..population as u32);
        self.find_each(part, times, &mut entries, rows, finder);
        for position in positions {
            *position = entries[*position as usize];
        }
        finder.entries = entries;
    }

    fn find_each(
        &self,
        part: &Part,
        times: impl FnOnce() -> Range<u32>,
        positions: &mut [u32],
        rows: &[u32],
        finder: &mut Finder,
    ) {
        let list = self.lists[part.list as usize];
        let place = list.place as usize;
        match list.structure {
            List::SHORT => self.short.find(list.run(), part, positions, rows),
            List::FEW_TIMES => self
                .few_times
                .find(place, part, times(), positions, rows, &mut finder.spots),
            _ => self.many_times.find(place, part, positions, rows, &mut finder.paths),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::pauses::ENTRIES;
    use crate::support::simd::testing::on_every_processor;
    use proptest::prelude::*;

    /// Lists whose times are drawn, sorted, or few; some of several nodes.
    fn lists() -> impl Strategy<Value = Vec<Vec<u32>>> {
        let list = (
            prop_oneof![4 => 1..300_usize, 2 => 300..20_000_usize, 1 => 20_000..140_000_usize, 1 => 1_040_000..1_100_000_usize],
            prop_oneof![Just(1_u32), Just(3), Just(48), Just(200), Just(256), Just(257), Just(100_000)],
            any::<u64>(),
            0..3_u8,
        )
            .prop_map(|(len, times, seed, shape)| {
                let mut generator = crate::draw::Generator::new(seed);
                let mut list: Vec<u32> = (0..len).map(|_| generator.below(times)).collect();
                match shape {
                    0 => {}
                    1 => list.sort_unstable(),
                    _ => list
                        .iter_mut()
                        .enumerate()
                        .for_each(|(place, time)| *time += (place % 1000) as u32 * 100),
                }
                list
            });
        proptest::collection::vec(list, 1..4)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn parts_are_found_as_by_looking_at_every_entry(
            lists in lists(),
            which: prop::sample::Index,
            shares in proptest::collection::vec((0.0..=1.0, 0.0..=1.0), 4),
            narrow in proptest::collection::vec((0.0..=1.0, 0..200_usize), 4),
            picks in proptest::collection::vec(any::<prop::sample::Index>(), 20),
        ) {
            let mut bounds = vec![0];
            let mut by_time = Vec::new();
            for list in &lists {
                let mut places: Vec<u32> = (0..list.len() as u32).collect();
                places.sort_by_key(|&place| list[place as usize]);
                by_time.extend(places);
                bounds.push(by_time.len() as u32);
            }
            let ends: Vec<Vec<u32>> = lists
                .iter()
                .map(|list| {
                    let mut times = list.clone();
                    times.sort_unstable();
                    let last = |&place: &usize| times.get(place) != times.get(place + 1);
                    (0..times.len()).filter(last).map(|place| place as u32 + 1).collect()
                })
                .collect();
            let mut paused = 0;
            let mut pause = || -> Result<(), Error> {
                paused += 1;
                Ok(())
            };
            let mut pauses = Pauses::new(&mut pause);
            let index =
                NearIndex::new(&bounds, &mut by_time.clone(), |list| ends[list].iter().copied(), &mut pauses).unwrap();
            // Each structure goes over all entries at least once.
            prop_assert!(paused >= by_time.len() / ENTRIES);
            let number = which.index(lists.len());
            let places = &by_time[bounds[number] as usize..bounds[number + 1] as usize];
            let mut finder = Finder::default();
            index.reserve(&mut finder, 22).unwrap();
            let ends = &ends[number];
            let time = |share: f64| (share * ends.len() as f64).round() as usize;
            let wide = shares.into_iter().map(|(one, other)| (time(one), time(other)));
            let narrow = narrow.into_iter().map(|(share, more)| (time(share), (time(share) + more).min(ends.len())));
            for (one, other) in wide.chain(narrow) {
                let (first, last) = (one.min(other), one.max(other));
                let [low, high] = [first, last].map(|time| time.checked_sub(1).map_or(0, |time| ends[time] as usize));
                for inside in [true, false] {
                    let mut entries: Vec<u32> = if inside {
                        places[low..high].to_vec()
                    } else {
                        [&places[..low], &places[high..]].concat()
                    };
                    entries.sort_unstable();
                    if entries.is_empty() {
                        continue;
                    }
                    let mut asked: Vec<u32> = picks.iter().map(|pick| pick.index(entries.len()) as u32).collect();
                    asked.extend([0, entries.len() as u32 - 1]);
                    let expected: Vec<u32> = asked.iter().map(|&position| entries[position as usize]).collect();
                    let part = Part {
                        list: number as u32,
                        low: low as u32,
                        high: high as u32,
                        inside,
                    };
                    on_every_processor(|| {
                        let mut positions = asked.clone();
                        let times = || first as u32..last as u32;
                        index.find(&part, times, lists[number].len() as u32, &mut positions, &[], &mut finder);
                        prop_assert_eq!(&positions, &expected);
                        Ok(())
                    })?;
                }
            }
            let mut pause = || Ok::<(), Error>(());
            let by_time = index.by_time(number, ends.iter().copied(), &mut Pauses::new(&mut pause)).unwrap();
            prop_assert_eq!(by_time, places);
        }
    }
}
