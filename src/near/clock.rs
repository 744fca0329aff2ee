//! The different times of every experiment's rows, and how far a focal time reaches (specification, section 3).

use std::ops::Range;

use crate::columns::MISSING;
use crate::columns::times::{Hours, Time};
use crate::error::Error;
#[cfg(feature = "file")]
use crate::support::arrays::ArrayFile;
use crate::support::arrays::Arrays;
use crate::support::memory::prefetch;
use crate::support::pauses::Pauses;
use crate::support::simd::LINE;
use crate::support::store::Store;

/// The different times of every pool, ascending.
#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    /// Where each pool's times begin, and last where the times end.
    starts: Store<u32>,
    hours: Kept,
    /// One time in [`COARSE`], so that looking for one misses the cache but once or twice.
    coarse: Kept,
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

/// Times of which one is set apart: some cache lines of them.
const COARSE: usize = 64;

impl Clocks {
    /// From the times of every pool, one pool's after another.
    pub(crate) fn new<T: Time, E: From<Error>>(
        starts: Vec<u32>,
        times: &[T::Key],
        pauses: &mut Pauses<'_, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            starts: Store::new(starts)?,
            hours: Kept::new(T::hours(pauses.collected(times.iter().map(|&key| T::of(key)))?))?,
            coarse: Kept::new(T::hours(
                pauses.collected(times.iter().step_by(COARSE).map(|&key| T::of(key)))?,
            ))?,
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
        let (hours, coarse) = (
            times_of("clocks.hours", times)?,
            times_of("clocks.coarse", times.div_ceil(COARSE))?,
        );
        if matches!(
            (&hours, &coarse),
            (Kept::F64(_), Kept::F32(_)) | (Kept::F32(_), Kept::F64(_))
        ) {
            return Err(file.damaged("clocks.hours and clocks.coarse are of two widths"));
        }
        Ok(Self {
            starts: Store::new(starts)?,
            hours,
            coarse,
        })
    }

    pub(crate) fn arrays<'a>(&'a self, to: &mut Arrays<'a>) {
        to.add("clocks.starts", &self.starts);
        for (name, hours) in [("clocks.hours", &self.hours), ("clocks.coarse", &self.coarse)] {
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
        // Rounding keeps the order of differences, so what is near is one run of times around the focal one.
        let (from, to) = match (&self.hours, &self.coarse) {
            (Kept::F64(hours), Kept::F64(coarse)) => {
                let far = |time: f64| (time - hours[focal]).abs() > window;
                (
                    first_of(hours, coarse, pool.start..focal, |time| !far(time)),
                    first_of(hours, coarse, focal..pool.end, far),
                )
            }
            (Kept::F32(hours), Kept::F32(coarse)) => {
                let window = window as f32;
                let far = |time: f32| (time - hours[focal]).abs() > window;
                (
                    first_of(hours, coarse, pool.start..focal, |time| !far(time)),
                    first_of(hours, coarse, focal..pool.end, far),
                )
            }
            // Both are made of the same times.
            _ => (focal, focal),
        };
        (from - pool.start) as u32..(to - pool.start) as u32
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

/// The first place in a range of times that is `wanted`, as all behind it are; `coarse` holds one time in [`COARSE`].
fn first_of<T: Copy>(times: &[T], coarse: &[T], range: Range<usize>, wanted: impl Fn(T) -> bool) -> usize {
    let (first, last) = (range.start.div_ceil(COARSE), range.end.div_ceil(COARSE));
    let step = first + coarse[first..last].partition_point(|&time| !wanted(time));
    let from = if step == first {
        range.start
    } else {
        (step - 1) * COARSE + 1
    };
    let to = if step == last { range.end } else { step * COARSE };
    for place in (from..to).step_by(LINE / size_of::<T>()) {
        prefetch(times, place);
    }
    from + times[from..to].partition_point(|&time| !wanted(time))
}
