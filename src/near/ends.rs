//! Where a list's times end among its entries.

use crate::error::Error;
#[cfg(feature = "file")]
use crate::support::arrays::ArrayFile;
use crate::support::arrays::Arrays;
use crate::support::memory::room;
use crate::support::pauses::Pauses;
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
    ends: Vec<u32>,
    entries: usize,
}

impl TimeEndsBuilder {
    /// Makes room for so many lists of so many entries together.
    pub(crate) fn new(entries: usize, lists: usize) -> Result<Self, Error> {
        let mut starts = room(lists + 1)?;
        starts.push(0);
        Ok(Self {
            starts,
            ends: room(entries)?,
            entries,
        })
    }

    /// Adds a list by the times of its entries, ascending. Calls `visit` with every different one.
    pub(crate) fn add<T: Copy + PartialEq, E: From<Error>>(
        &mut self,
        times: &[T],
        mut visit: impl FnMut(T),
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        let mut before = 0;
        for run in times.chunk_by(T::eq) {
            visit(run[0]);
            before += run.len() as u32;
            self.ends.push(before);
            pauses.after(run.len())?;
        }
        self.starts.push(self.ends.len() as u32);
        Ok(())
    }

    /// Where each of the times of the list that was added last ends.
    pub(crate) fn of_last(&self) -> &[u32] {
        match self.starts[..] {
            [.., start, end] => &self.ends[start as usize..end as usize],
            _ => &[],
        }
    }

    /// Where the times of each list begin among those of all, and last where the times end.
    pub(crate) fn starts(&self) -> &[u32] {
        &self.starts
    }

    pub(crate) fn build<E: From<Error>>(self, pauses: &mut Pauses<'_, E>) -> Result<TimeEnds, E> {
        let ends = if self.ends.len() < self.entries {
            Some(pauses.collected(self.ends.iter().copied())?)
        } else {
            None
        };
        Ok(TimeEnds {
            starts: Store::new(self.starts)?,
            ends: ends.map(Store::new).transpose()?,
        })
    }
}
