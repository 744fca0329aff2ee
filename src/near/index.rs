//! Rows near a time, asked for by position in row order: each list in the structure that suits it.

use std::ops::Range;

use crate::error::Error;
use crate::near::few_times::{Coded, MOST_TIMES, Steps};
use crate::near::many_times::{Paths, Tree};
use crate::support::memory::{grow, room};

/// The lists of one order, each with its entries by time.
#[derive(Clone, Debug)]
pub(crate) struct NearIndex {
    lists: Vec<List>,
    coded: Coded,
    tree: Tree,
}

/// Which structure has a list, and its number there.
#[derive(Clone, Copy, Debug)]
enum List {
    Coded(u32),
    Tree(u32),
}

/// A part of a list: the entries whose times lie in a range, or all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) list: u32,
    /// The range, as places among the list's times, where the list asks for them.
    pub(crate) times: Range<u32>,
    /// How many entries are earlier than the range, and than its end.
    pub(crate) low: u32,
    pub(crate) high: u32,
    /// Whether the entries inside the range are meant, and not those outside.
    pub(crate) inside: bool,
}

impl Span {
    /// Entries of the part, of a list of `len`.
    pub(crate) fn population(&self, len: u32) -> u32 {
        let near = self.high - self.low;
        if self.inside { near } else { len - near }
    }
}

/// Memory for one part of a list, used again for the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finder {
    steps: Steps,
    paths: Paths,
}

impl NearIndex {
    /// Indexes lists that follow one another. `by_time` holds each list's places in the order of their times, and is used
    /// up; `ends(list)` tells where the places of each of its times end.
    pub(crate) fn new<E: ExactSizeIterator<Item = u32>>(
        bounds: &[u32],
        by_time: &mut [u32],
        ends: impl Fn(usize) -> E,
    ) -> Result<Self, Error> {
        let mut lists = room(bounds.len() - 1)?;
        let (mut few, mut many) = (room(bounds.len() - 1)?, room(bounds.len() - 1)?);
        let mut longest = 0;
        for (number, pair) in bounds.windows(2).enumerate() {
            let (len, times) = ((pair[1] - pair[0]) as usize, ends(number).len());
            if times <= MOST_TIMES {
                lists.push(List::Coded(few.len() as u32));
                few.push((len, times));
            } else {
                lists.push(List::Tree(many.len() as u32));
                many.push(len);
                longest = longest.max(len);
            }
        }
        let mut other = Vec::new();
        grow(&mut other, longest)?;
        let (mut coded, mut tree) = (Coded::new(&few)?, Tree::new(&many)?);
        for (number, (list, pair)) in lists.iter().zip(bounds.windows(2)).enumerate() {
            let by_time = &mut by_time[pair[0] as usize..pair[1] as usize];
            match *list {
                List::Coded(place) => coded.fill(place as usize, by_time, ends(number))?,
                List::Tree(place) => {
                    let len = by_time.len();
                    tree.fill(place as usize, by_time, &mut other[..len])?;
                }
            }
        }
        Ok(Self { lists, coded, tree })
    }

    /// Makes room to find rows of any list.
    pub(crate) fn reserve(&self, finder: &mut Finder, positions: usize) -> Result<(), Error> {
        self.coded.reserve(&mut finder.steps, positions)?;
        self.tree.reserve(&mut finder.paths, positions)
    }

    /// The places of a list by time. `ends` tells where those of each of its times end.
    pub(crate) fn by_time(&self, list: usize, ends: impl Iterator<Item = u32>) -> Result<Vec<u32>, Error> {
        match self.lists[list] {
            List::Coded(place) => self.coded.by_time(place as usize, ends),
            List::Tree(place) => self.tree.by_time(place as usize),
        }
    }

    /// Whether spans of a list must tell its times.
    pub(crate) fn asks_for_times(&self, list: u32) -> bool {
        matches!(self.lists[list as usize], List::Coded(_))
    }

    /// Replaces positions in a part of a list by positions in the list, and asks for their `rows`, if there are any. The
    /// finder must have been given room.
    pub(crate) fn find(&self, span: &Span, positions: &mut [u32], rows: &[u32], finder: &mut Finder) {
        match self.lists[span.list as usize] {
            List::Coded(place) => self
                .coded
                .find(place as usize, span, positions, rows, &mut finder.steps),
            List::Tree(place) => self.tree.find(place as usize, span, positions, rows, &mut finder.paths),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
            let index = NearIndex::new(&bounds, &mut by_time.clone(), |list| ends[list].iter().copied()).unwrap();
            let number = which.index(lists.len());
            let places = &by_time[bounds[number] as usize..bounds[number + 1] as usize];
            let mut finder = Finder::default();
            index.reserve(&mut finder, 22).unwrap();
            let ends = &ends[number];
            for (one, other) in shares {
                let [one, other] = [one, other].map(|share: f64| (share * ends.len() as f64).round() as usize);
                let (first, last) = (one.min(other), one.max(other));
                let [low, high] = [first, last].map(|time| time.checked_sub(1).map_or(0, |time| ends[time] as usize));
                for inside in [true, false] {
                    let mut part: Vec<u32> = if inside {
                        places[low..high].to_vec()
                    } else {
                        [&places[..low], &places[high..]].concat()
                    };
                    part.sort_unstable();
                    if part.is_empty() {
                        continue;
                    }
                    let mut positions: Vec<u32> = picks.iter().map(|pick| pick.index(part.len()) as u32).collect();
                    positions.extend([0, part.len() as u32 - 1]);
                    let expected: Vec<u32> = positions.iter().map(|&position| part[position as usize]).collect();
                    let span = Span {
                        list: number as u32,
                        times: first as u32..last as u32,
                        low: low as u32,
                        high: high as u32,
                        inside,
                    };
                    index.find(&span, &mut positions, &[], &mut finder);
                    prop_assert_eq!(positions, expected);
                }
            }
            prop_assert_eq!(index.by_time(number, ends.iter().copied()).unwrap(), places);
        }
    }
}
