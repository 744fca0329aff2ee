//! The different times of every experiment's rows, and how far a focal time reaches (specification, section 3).

#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use std::ops::Range;

use crate::columns::MISSING;
use crate::columns::times::{Hours, Time};
use crate::error::Error;
#[cfg(feature = "file")]
use crate::support::arrays::ArrayFile;
use crate::support::arrays::Arrays;
use crate::support::memory::{LINE, prefetch, room};
use crate::support::pauses::Pauses;
use crate::support::simd::{Bits, Search, on_this_processor};
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

const STEP: usize = 32;
const LEVELS: u32 = 4;

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
            pauses.extend(&mut steps, hours.iter().copied().step_by(STEP.pow(level)))?;
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

    /// The times of a pool within `window` of its `focal`-th, as places among them. `wait` is called whenever memory was asked
    /// for that is read next.
    pub(crate) fn near(&self, pool: usize, focal: u32, window: f64, mut wait: impl FnMut()) -> Range<u32> {
        let pool = self.starts[pool] as usize..self.starts[pool + 1] as usize;
        let focal = pool.start + focal as usize;
        self.prefetch(focal as u32);
        wait();
        let near = match (&self.hours, &self.steps) {
            (Kept::F64(hours), Kept::F64(steps)) => near_of(hours, steps, &pool, focal, window, wait),
            (Kept::F32(hours), Kept::F32(steps)) => near_of(hours, steps, &pool, focal, window as f32, wait),
            // Both are made of the same times.
            _ => focal..focal,
        };
        (near.start - pool.start) as u32..(near.end - pool.start) as u32
    }

    /// As [`Clocks::near`], of every time of a pool in turn: both ends of the run move on with the focal time.
    pub(crate) fn each_near<E: From<Error>>(
        &self,
        pool: usize,
        window: f64,
        visit: impl FnMut(Range<u32>),
        pauses: &mut Pauses<'_, E>,
    ) -> Result<(), E> {
        let pool = self.starts[pool] as usize..self.starts[pool + 1] as usize;
        match &self.hours {
            Kept::F64(hours) => each_near_of(&hours[pool], window, visit, pauses),
            Kept::F32(hours) => each_near_of(&hours[pool], window as f32, visit, pauses),
        }
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

/// A width of times.
trait Hour: Copy {
    /// Whether it is not within `window` of another.
    fn is_far(self, other: Self, window: Self) -> bool;
}

macro_rules! hours {
    ($($type:ty)*) => {$(
        impl Hour for $type {
            #[inline(always)]
            fn is_far(self, other: Self, window: Self) -> bool {
                (self - other).abs() > window
            }
        }
    )*};
}
hours!(f32 f64);

/// The times of a pool around its focal one that are not far from it: rounding keeps the order of differences, so they are
/// one run.
fn near_of<T: Hour>(
    hours: &[T],
    steps: &[T],
    pool: &Range<usize>,
    focal: usize,
    window: T,
    wait: impl FnMut(),
) -> Range<usize> {
    let mut near = focal..focal;
    on_this_processor(Find {
        hours,
        steps,
        from: pool.start..focal,
        to: focal..pool.end,
        time: hours[focal],
        window,
        wait,
        near: &mut near,
    });
    near
}

fn each_near_of<T: Hour, E: From<Error>>(
    hours: &[T],
    window: T,
    mut visit: impl FnMut(Range<u32>),
    pauses: &mut Pauses<'_, E>,
) -> Result<(), E> {
    let (mut start, mut end) = (0, 0);
    for (focal, &time) in hours.iter().enumerate() {
        while start < focal && hours[start].is_far(time, window) {
            start += 1;
        }
        end = end.max(focal);
        while hours.get(end).is_some_and(|other| !other.is_far(time, window)) {
            end += 1;
        }
        visit(start as u32..end as u32);
        pauses.after(1)?;
    }
    Ok(())
}

/// Finds both ends of a run together, list by list of the steps, so that they miss the cache at the same time.
struct Find<'a, T, W> {
    hours: &'a [T],
    steps: &'a [T],
    /// Where either end may be.
    from: Range<usize>,
    to: Range<usize>,
    time: T,
    window: T,
    wait: W,
    near: &'a mut Range<usize>,
}

impl<T: Hour, W: FnMut()> Search for Find<'_, T, W> {
    #[inline(always)]
    fn run<B: Bits>(mut self, _bits: B) {
        let mut after = self.steps.len();
        for level in (0..=LEVELS).rev() {
            let step = STEP.pow(level);
            let times = if level > 0 {
                let before = after - self.hours.len().div_ceil(step);
                &self.steps[before..std::mem::replace(&mut after, before)]
            } else {
                self.hours
            };
            if level < 2 {
                for range in [&self.from, &self.to] {
                    for place in (range.start / step..range.end.div_ceil(step))
                        .step_by(LINE / size_of::<T>())
                        .take(STEP)
                    {
                        prefetch(times, place);
                    }
                }
                (self.wait)();
            }
            narrow(&mut self.from, times, step, self.time, self.window, true);
            narrow(&mut self.to, times, step, self.time, self.window, false);
        }
        *self.near = self.from.start..self.to.start;
    }
}

/// Narrows a range of places down to where the first time is that is not far, or the first that is, by one time in every
/// `step`.
#[inline(always)]
fn narrow<T: Hour>(range: &mut Range<usize>, times: &[T], step: usize, time: T, window: T, far_first: bool) {
    let (first, last) = (range.start.div_ceil(step), range.end.div_ceil(step));
    let times = &times[first..last];
    // All of so few are looked at: no step waits for the one before.
    let next = if times.len() <= 2 * STEP {
        let mut passed = 0;
        for &other in times {
            passed += u32::from(other.is_far(time, window) == far_first);
        }
        first + passed as usize
    } else {
        first + times.partition_point(|&other| other.is_far(time, window) == far_first)
    };
    if next > first {
        range.start = (next - 1) * step + 1;
    }
    if next < last {
        range.end = next * step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn times_near_one_are_found_as_by_looking_at_every_time(
            sizes in proptest::collection::vec(prop_oneof![1..100_usize, 1..5_000_usize, 30_000..70_000_usize], 1..4),
            seed: u64,
            picks in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0.0..1.0), 20),
            narrow in 0..3_usize,
        ) {
            let mut generator = crate::draw::Generator::new(seed);
            let mut starts = vec![0];
            let mut hours: Vec<f64> = Vec::new();
            for size in sizes {
                let mut times: Vec<f64> = (0..size).map(|_| generator.unit() * 24.0 - 12.0).collect();
                times.sort_by(f64::total_cmp);
                times.dedup();
                hours.extend(times);
                starts.push(hours.len() as u32);
            }
            let mut pause = || Ok::<(), Error>(());
            let clocks = Clocks::new(starts.clone(), hours.clone(), &mut Pauses::new(&mut pause)).unwrap();
            for (pool, focal, window) in picks {
                let pool = pool.index(starts.len() - 1);
                let times = &hours[starts[pool] as usize..starts[pool + 1] as usize];
                let focal = focal.index(times.len());
                let window = window * [24.0, 0.1, 0.0][narrow];
                let near = |time: &f64| (time - times[focal]).abs() <= window;
                let start = times.iter().position(near).unwrap();
                let end = start + times[start..].iter().take_while(|time| near(time)).count();
                prop_assert_eq!(clocks.near(pool, focal as u32, window, || ()), start as u32..end as u32);
                let mut each = Vec::new();
                let mut pause = || Ok::<(), Error>(());
                clocks.each_near(pool, window, |near| each.push(near), &mut Pauses::new(&mut pause)).unwrap();
                prop_assert_eq!(each.len(), times.len());
                prop_assert_eq!(&each[focal], &(start as u32..end as u32));
            }
        }
    }
}
