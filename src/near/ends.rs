//! Where a list's times end among its entries.

use crate::error::Error;
#[cfg(feature = "file")]
use crate::support::arrays::ArrayFile;
use crate::support::arrays::Arrays;
use crate::support::memory::{filled, prefetch, room};
use crate::support::pauses::{ENTRIES, Pauses};
use crate::support::store::Store;

/// How many entries of a list come before the end of each of its times.
#[derive(Clone, Debug)]
pub(crate) struct TimeEnds {
    /// Where each list's times begin, and last where the times end.
    starts: Store<u32>,
    /// `None` where no list has a time twice, so that a time's place says it.
    ends: Option<Store<u32>>,
}

impl TimeEnds {
    /// From a file: of lists of so many entries.
    #[cfg(feature = "file")]
    pub(crate) fn open(
        name: &str,
        lists: impl ExactSizeIterator<Item = u32>,
        file: &mut impl ArrayFile,
    ) -> Result<Self, Error> {
        let starts = file.starts(&format!("{name}.starts"), lists.len())?;
        let ends = format!("{name}.ends");
        let times = starts.last().map_or(0, |&end| end as usize);
        let has_ends = file.numbers_of(&ends).is_some();
        let fits = |(entries, pair): (u32, &[u32])| {
            let times = pair[1] - pair[0];
            if has_ends { times <= entries } else { times == entries }
        };
        if !lists.zip(starts.windows(2)).all(fits) {
            return Err(file.damaged(&format!("{name}.starts does not fit the rows")));
        }
        Ok(Self {
            starts: Store::new(starts)?,
            ends: has_ends.then(|| file.array(&ends, times, 0)).transpose()?,
        })
    }

    pub(crate) fn arrays<'a>(&'a self, name: &str, to: &mut Arrays<'a>) {
        to.add(format!("{name}.starts"), &self.starts);
        if let Some(ends) = &self.ends {
            to.add(format!("{name}.ends"), ends);
        }
    }

    /// Where each of a list's times ends.
    pub(crate) fn of(&self, list: usize) -> impl ExactSizeIterator<Item = u32> {
        let (start, end) = (self.starts[list], self.starts[list + 1]);
        (0..end - start).map(move |time| match &self.ends {
            Some(ends) => ends[(start + time) as usize],
            None => time + 1,
        })
    }

    /// How many of a list's entries come before its time at `place`, and so after the last time: all.
    pub(crate) fn before(&self, list: usize, place: u32) -> u32 {
        match &self.ends {
            Some(ends) if place > 0 => ends[(self.starts[list] + place) as usize - 1],
            _ => place,
        }
    }

    /// Asks for what [`TimeEnds::before`] reads. False where that is nothing.
    #[inline]
    pub(crate) fn ask_for(&self, list: usize, places: [u32; 2]) -> bool {
        if let Some(ends) = &self.ends {
            for place in places {
                prefetch(ends, ((self.starts[list] + place) as usize).wrapping_sub(1));
            }
        }
        self.ends.is_some()
    }

    /// The place of the time that begins behind so many entries.
    pub(crate) fn place(&self, list: usize, entries: u32) -> u32 {
        match &self.ends {
            Some(ends) => {
                let ends = &ends[self.starts[list] as usize..self.starts[list + 1] as usize];
                ends.partition_point(|&end| end <= entries) as u32
            }
            None => entries,
        }
    }

    /// The place of the time of every entry.
    pub(crate) fn times(&self, list: usize) -> impl Iterator<Item = u32> {
        let mut start = 0;
        (0..).zip(self.of(list)).flat_map(move |(time, end)| {
            let entries = end - std::mem::replace(&mut start, end);
            std::iter::repeat_n(time, entries as usize)
        })
    }
}

/// [`TimeEnds`] list by list.
pub(crate) struct TimeEndsBuilder {
    starts: Vec<u32>,
    /// Of the lists so far, once one has a time twice.
    ends: Option<Vec<u32>>,
    entries: usize,
}

impl TimeEndsBuilder {
    /// For so many lists of so many entries together.
    pub(crate) fn new(entries: usize, lists: usize) -> Result<Self, Error> {
        let mut starts = room(lists + 1)?;
        starts.push(0);
        Ok(Self {
            starts,
            ends: None,
            entries,
        })
    }

    /// Adds a list by the times of its entries, ascending. The different ones are left at the beginning; returns how many
    /// there are.
    pub(crate) fn add<T: Copy + PartialEq, E: From<Error>>(
        &mut self,
        times: &mut [T],
        pauses: &mut Pauses<'_, E>,
    ) -> Result<usize, E> {
        let mut different = 0;
        for start in (0..times.len()).step_by(ENTRIES) {
            let end = times.len().min(start + ENTRIES);
            for entry in start..end {
                if times.get(entry + 1) == Some(&times[entry]) {
                    if self.ends.is_none() {
                        self.write(different, pauses)?;
                    }
                    continue;
                }
                times[different] = times[entry];
                different += 1;
                if let Some(ends) = &mut self.ends {
                    ends.push(entry as u32 + 1);
                }
            }
            pauses.after(end - start)?;
        }
        self.close(different);
        Ok(different)
    }

    /// Adds lists of so many entries without any time twice.
    pub(crate) fn add_different(&mut self, lists: impl Iterator<Item = u32>) {
        for entries in lists {
            if let Some(ends) = &mut self.ends {
                ends.extend(1..=entries);
            }
            self.close(entries as usize);
        }
    }

    /// Adds so many lists by the list and the time of each of their entries, in the order of the times.
    pub(crate) fn add_dealt<E: From<Error>>(
        &mut self,
        lists: usize,
        entries: impl Iterator<Item = (usize, u32)> + Clone,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        let mut different: Vec<u32> = filled(lists, 0)?;
        let mut last: Vec<u32> = filled(lists, u32::MAX)?;
        let mut twice = false;
        for (list, time) in entries.clone() {
            let another = std::mem::replace(&mut last[list], time) != time;
            different[list] += u32::from(another);
            twice |= !another;
            pauses.after(1)?;
        }
        if twice && self.ends.is_none() {
            self.write(0, pauses)?;
        }
        for different in &mut different {
            let first = self.starts.last().copied().unwrap_or_default();
            self.close(*different as usize);
            *different = first;
        }
        if let Some(ends) = &mut self.ends {
            // Where each list's next end goes; the last one is written over for every entry of its time.
            let mut next = different;
            let mut counts: Vec<u32> = filled(lists, 0)?;
            ends.resize(self.starts.last().map_or(0, |&end| end as usize), 0);
            last.fill(u32::MAX);
            for (list, time) in entries {
                next[list] += u32::from(std::mem::replace(&mut last[list], time) != time);
                counts[list] += 1;
                ends[next[list] as usize - 1] = counts[list];
                pauses.after(1)?;
            }
        }
        Ok(())
    }

    /// Notes that a list of so many different times ends here.
    fn close(&mut self, different: usize) {
        let first = self.starts.last().copied().unwrap_or_default();
        self.starts.push(first + different as u32);
    }

    /// Begins to write ends: those of the lists so far, which have no time twice, and of so many entries of the next.
    fn write<E: From<Error>>(&mut self, entries: usize, pauses: &mut Pauses<'_, E>) -> Result<(), E> {
        let mut ends = room(self.entries)?;
        for pair in self.starts.windows(2) {
            pauses.extend(&mut ends, (pair[0]..pair[1]).map(|time| time - pair[0] + 1))?;
        }
        pauses.extend(&mut ends, (0..entries as u32).map(|time| time + 1))?;
        self.ends = Some(ends);
        Ok(())
    }

    /// Where each of the times of the list that was added last ends; `None` where no list so far has a time twice.
    pub(crate) fn of_last(&self) -> Option<&[u32]> {
        match self.starts[..] {
            [.., start, end] => self.ends.as_ref().map(|ends| &ends[start as usize..end as usize]),
            _ => None,
        }
    }

    /// Where the times of each list begin among those of all, and last where the times end.
    pub(crate) fn starts(&self) -> &[u32] {
        &self.starts
    }

    pub(crate) fn build<E: From<Error>>(self, pauses: &mut Pauses<'_, E>) -> Result<TimeEnds, E> {
        let ends = match self.ends {
            Some(ends) if ends.len() < ends.capacity() - ends.capacity() / 8 => {
                Some(pauses.collected(ends.iter().copied())?)
            }
            ends => ends,
        };
        Ok(TimeEnds {
            starts: Store::new(self.starts)?,
            ends: ends.map(Store::new).transpose()?,
        })
    }
}
