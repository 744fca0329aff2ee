//! The different times of every experiment's rows, and how far a focal time reaches (specification, section 3).

use std::ops::Range;

use crate::columns::MISSING;
use crate::columns::times::{Hours, Time};
use crate::error::Error;
#[cfg(feature = "file")]
use crate::support::arrays::ArrayFile;
use crate::support::arrays::Arrays;
use crate::support::memory::{LINE, prefetch, room};
use crate::support::pauses::{ENTRIES, Pauses};
use crate::support::store::Store;

/// The different times of every pool, ascending.
#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    /// Where each pool's times begin, and last where the times end.
    starts: Store<u32>,
    /// The times, one pool's after another.
    hours: Kept,
    /// The times at every step of [`STEP`] times, then those at every [`STEP`]-th of these steps, and so on, [`LEVELS`] lists
    /// one after another, each rounded up. So looking for a time reads some cache lines of each, and misses the cache once
    /// or twice.
    steps: Kept,
}

/// Hours in the width that they came in.
#[derive(Clone, Debug)]
enum Kept {
    F64(Store<f64>),
    F32(Store<f32>),
}

impl Kept {
    fn new(hours: Hours) -> Result<Self, Error> {
        Ok(match hours {
            Hours::F64(hours) => Self::F64(Store::new(hours)?),
            Hours::F32(hours) => Self::F32(Store::new(hours)?),
        })
    }
}

const STEP: usize = 64;
const LEVELS: u32 = 3;

/// Steps of so many times, those of all levels together.
fn steps_of(times: usize) -> usize {
    (1..=LEVELS).map(|level| times.div_ceil(STEP.pow(level))).sum()
}

impl Clocks {
    /// From the times of every pool, one pool's after another.
    pub(crate) fn new<T: Time, E: From<Error>>(
        starts: Vec<u32>,
        hours: Vec<T>,
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Self, E> {
        let mut steps = room(steps_of(hours.len()))?;
        for level in 1..=LEVELS {
            for times in hours.chunks(ENTRIES) {
                steps.extend(times.iter().copied().step_by(STEP.pow(level)));
                pauses.after(times.len() / STEP)?;
            }
        }
        Ok(Self {
            starts: Store::new(starts)?,
            hours: Kept::new(T::hours(hours))?,
            steps: Kept::new(T::hours(steps))?,
        })
    }

    /// From a file: of so many pools.
    #[cfg(feature = "file")]
    pub(crate) fn open(pools: usize, file: &mut impl ArrayFile) -> Result<Self, Error> {
        let starts = file.starts("clocks.starts", pools)?;
        let times = starts.last().map_or(0, |&end| end as usize);
        let mut times_of = |name, times| match file.numbers_of(name) {
            Some("F32") => Ok(Kept::F32(file.array(name, times, 0.0)?)),
            _ => Ok::<_, Error>(Kept::F64(file.array(name, times, 0.0)?)),
        };
        let (hours, steps) = (
            times_of("clocks.hours", times)?,
            times_of("clocks.steps", steps_of(times))?,
        );
        if matches!(
            (&hours, &steps),
            (Kept::F64(_), Kept::F32(_)) | (Kept::F32(_), Kept::F64(_))
        ) {
            return Err(file.damaged("clocks.hours and clocks.steps are of two widths"));
        }
        Ok(Self {
            starts: Store::new(starts)?,
            hours,
            steps,
        })
    }

    pub(crate) fn arrays<'a>(&'a self, to: &mut Arrays<'a>) {
        to.add("clocks.starts", &self.starts);
        for (name, hours) in [("clocks.hours", &self.hours), ("clocks.steps", &self.steps)] {
            match hours {
                Kept::F64(hours) => to.add(name, hours),
                Kept::F32(hours) => to.add(name, hours),
            }
        }
    }

    /// Number of different times in a pool.
    pub(crate) fn times_of(&self, pool: usize) -> u32 {
        self.starts[pool + 1] - self.starts[pool]
    }

    /// Number of a pool's first time among those of all pools, one after another.
    pub(crate) fn first_of(&self, pool: usize) -> u32 {
        self.starts[pool]
    }

    /// The times of a pool within `window` of its `focal`-th, as places among them.
    pub(crate) fn near(&self, pool: usize, focal: u32, window: f64) -> Range<u32> {
        let pool = self.starts[pool] as usize..self.starts[pool + 1] as usize;
        let focal = pool.start + focal as usize;
        let near = match (&self.hours, &self.steps) {
            (Kept::F64(hours), Kept::F64(steps)) => {
                let time = hours[focal];
                near_of(hours, steps, &pool, focal, |other| (other - time).abs() > window)
            }
            (Kept::F32(hours), Kept::F32(steps)) => {
                let (time, window) = (hours[focal], window as f32);
                near_of(hours, steps, &pool, focal, |other| (other - time).abs() > window)
            }
            // Both are made of the same times.
            _ => focal..focal,
        };
        (near.start - pool.start) as u32..(near.end - pool.start) as u32
    }

    /// Number of times, those of all pools together.
    pub(crate) fn len(&self) -> usize {
        self.starts.last().map_or(0, |&end| end as usize)
    }

    /// A time by its number among those of all pools.
    #[inline]
    pub(crate) fn hour(&self, number: u32) -> f64 {
        match &self.hours {
            Kept::F64(hours) => hours[number as usize],
            Kept::F32(hours) => f64::from(hours[number as usize]),
        }
    }

    /// Asks for a time ahead of [`Clocks::hour`].
    #[inline]
    pub(crate) fn prefetch(&self, number: u32) {
        match &self.hours {
            Kept::F64(hours) => prefetch(hours, number as usize),
            Kept::F32(hours) => prefetch(hours, number as usize),
        }
    }

    /// Whether two times lie within `window` of each other, in the width that times are worked on in.
    pub(crate) fn within(&self, one: f64, other: f64, window: f64) -> bool {
        match &self.hours {
            Kept::F64(_) => (one - other).abs() <= window,
            Kept::F32(_) => (one as f32 - other as f32).abs() <= window as f32,
        }
    }

    /// The times of numbers among those of all pools, NaN for [`MISSING`].
    pub(crate) fn of<E: From<Error>>(&self, numbers: &[u32], pauses: &mut Pauses<'_, E>) -> Result<Hours, E> {
        fn look_up<T: Copy>(hours: &[T], nan: T) -> impl Fn(&u32) -> T {
            move |&number| if number == MISSING { nan } else { hours[number as usize] }
        }
        let numbers = numbers.iter();
        Ok(match &self.hours {
            Kept::F64(hours) => Hours::F64(pauses.collected(numbers.map(look_up(hours, f64::NAN)))?),
            Kept::F32(hours) => Hours::F32(pauses.collected(numbers.map(look_up(hours, f32::NAN)))?),
        })
    }
}

/// The times of a pool around its focal one that are not far from it: rounding keeps the order of differences, so they are
/// one run. Both ends are looked for together, list by list of the steps, so that they miss the cache at the same time.
fn near_of<T: Copy>(
    hours: &[T],
    steps: &[T],
    pool: &Range<usize>,
    focal: usize,
    far: impl Fn(T) -> bool,
) -> Range<usize> {
    let (mut from, mut to) = (pool.start..focal, focal..pool.end);
    let mut after = steps.len();
    for level in (0..=LEVELS).rev() {
        let step = STEP.pow(level);
        let times = if level > 0 {
            let before = after - hours.len().div_ceil(step);
            &steps[before..std::mem::replace(&mut after, before)]
        } else {
            hours
        };
        if level < 2 {
            for range in [&from, &to] {
                for place in (range.start / step..range.end.div_ceil(step))
                    .step_by(LINE / size_of::<T>())
                    .take(STEP)
                {
                    prefetch(times, place);
                }
            }
        }
        narrow(&mut from, times, step, &far);
        narrow(&mut to, times, step, |time| !far(time));
    }
    from.start..to.start
}

/// Narrows a range of places down to where the first time after all that are `passed` is, by one time in every `step`.
#[inline]
fn narrow<T: Copy>(range: &mut Range<usize>, times: &[T], step: usize, passed: impl Fn(T) -> bool) {
    let (first, last) = (range.start.div_ceil(step), range.end.div_ceil(step));
    let next = first + times[first..last].partition_point(|&time| passed(time));
    if next > first {
        range.start = (next - 1) * step + 1;
    }
    if next < last {
        range.end = next * step;
    }
}
