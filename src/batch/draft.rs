//! One batch, from a plan and a generator (specification, section 3).

use crate::draw::Generator;
use crate::draw::{Slots, pass, sample, sample_and};
use crate::error::Error;
use crate::groups::Pool;
use crate::near::focus::Focus;
use crate::near::index::{Finder, Span};
use crate::plan::{Composition, Plan};
use crate::support::memory::prefetch;
use crate::support::memory::room;

/// An integer that a row number is handed out as. The caller sees to it that the table's rows fit.
pub trait Index: Copy + Send + Sync + 'static {
    /// `row` in this width.
    fn from_row(row: u32) -> Self;
}

macro_rules! index {
    ($($type:ty)*) => {$(
        impl Index for $type {
            #[inline]
            #[allow(clippy::cast_lossless, reason = "one body for all widths")]
            fn from_row(row: u32) -> Self {
                row as Self
            }
        }
    )*};
}
index!(u32 i32 i64 usize);

/// What a seat is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The picked experiment.
    Primary,
    /// Those of its rows that are near the focal time.
    Near,
    /// Those that are not.
    Far,
    /// Other experiments.
    Leak,
}

/// Neighbouring seats that were drawn from one pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) pool: Pool,
    pub(crate) source: Source,
    /// Whether the pool stood in for a part of it that is empty.
    pub(crate) fallback: bool,
    /// Rows that were drawn from: the pool's, or those of a part of it.
    pub(crate) population: u32,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Segment {
    /// Whether there were too few rows, so that some were put back.
    pub(crate) fn replaced(&self) -> bool {
        self.end - self.start > self.population as usize
    }
}

/// What seats are drawn from: a pool, or the part of it that is near a time or far from it.
#[derive(Clone)]
struct Supply {
    pool: Pool,
    part: Option<Span>,
    source: Source,
    fallback: bool,
}

impl Supply {
    fn whole(pool: Pool, source: Source) -> Self {
        Self {
            pool,
            part: None,
            source,
            fallback: false,
        }
    }

    /// The part of a pool that `span` means; the whole pool where that is empty.
    fn part(pool: Pool, span: Span) -> Self {
        let source = if span.inside { Source::Near } else { Source::Far };
        let supply = Self {
            pool,
            part: Some(span),
            source,
            fallback: false,
        };
        if supply.population() == 0 {
            Self {
                fallback: true,
                ..Self::whole(pool, source)
            }
        } else {
            supply
        }
    }

    fn population(&self) -> u32 {
        self.part
            .as_ref()
            .map_or(self.pool.len, |span| span.population(self.pool.len))
    }
}

/// A batch as positions in pools, and the memory to draw it in, which is used again for the next.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    positions: Vec<u32>,
    segments: Vec<Segment>,
    slots: Slots,
    finder: Finder,
    picked: usize,
    focal: u32,
}

impl Draft {
    /// Draws one batch and leaves it here.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], before anything is drawn.
    pub fn draw(&mut self, plan: &Plan, composition: &Composition, generator: &mut Generator) -> Result<(), Error> {
        let size = composition.size();
        if self.positions.len() < size {
            crate::support::memory::grow(&mut self.positions, size)?;
        }
        self.slots.reserve(size.min(plan.groups().kept() as usize))?;
        if let Some(focus) = plan.focus() {
            focus.reserve(&mut self.finder, size)?;
        }
        self.segments.clear();
        let segments = 1 + composition.most_quotas();
        self.segments.try_reserve(segments).map_err(|_| Error::OutOfMemory {
            bytes: segments as u128 * size_of::<Segment>() as u128,
        })?;
        self.picked = cascade(plan, composition, generator, self);
        Ok(())
    }

    /// The rows of the batch that was drawn last, primary before leak.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn rows<T: Index>(&self, plan: &Plan) -> Result<Vec<T>, Error> {
        let mut rows = room(self.seats())?;
        self.append_rows(plan, &mut rows);
        Ok(rows)
    }

    /// Appends the rows of the batch that was drawn last. `rows` should have room for them.
    pub fn append_rows<T: Index>(&self, plan: &Plan, rows: &mut Vec<T>) {
        for segment in self.segments() {
            let positions = self.positions(segment);
            match plan.groups().entries(segment.pool.order) {
                Some(entries) => rows.extend(
                    positions
                        .iter()
                        .map(|&position| T::from_row(entries[segment.pool.entry(position) as usize])),
                ),
                None => rows.extend(
                    positions
                        .iter()
                        .map(|&position| T::from_row(segment.pool.entry(position))),
                ),
            }
        }
    }

    /// What the seats of the batch that was drawn last were drawn from, in the order of the seats.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &Segment> {
        // The leak is drawn first and handed out last.
        let (leak, primary): (&[Segment], &[Segment]) = match self.segments.split_first() {
            Some((first, rest)) if first.source == Source::Leak => (std::slice::from_ref(first), rest),
            _ => (&[], &self.segments),
        };
        primary.iter().chain(leak)
    }

    /// The positions of a segment's seats in its pool.
    pub(crate) fn positions(&self, segment: &Segment) -> &[u32] {
        &self.positions[segment.start..segment.end]
    }

    /// The focal time of the last batch, as a place among the times of its experiment; 0 without times.
    pub(crate) fn focal(&self) -> u32 {
        self.focal
    }

    /// Rows of the batch that was drawn last.
    #[must_use]
    pub fn seats(&self) -> usize {
        self.segments.iter().map(|segment| segment.end - segment.start).sum()
    }

    /// Position of the experiment that the last batch was picked from; 0 where experiments are not used.
    #[must_use]
    pub fn picked(&self) -> usize {
        self.picked
    }

    /// Whether a pool of the last batch was too small, so that rows of it were drawn with replacement.
    #[must_use]
    pub fn replaced(&self) -> bool {
        self.segments.iter().any(Segment::replaced)
    }
}

/// What is done with a draw of `seats` positions, which go to the seats from `start` on.
trait Take {
    fn take(&mut self, plan: &Plan, generator: &mut Generator, supply: Supply, start: usize, seats: usize);

    /// Is told the focal time before the seats around it are drawn.
    fn focus_on(&mut self, _place: u32) {}
}

impl Take for Draft {
    fn focus_on(&mut self, place: u32) {
        self.focal = place;
    }

    fn take(&mut self, plan: &Plan, generator: &mut Generator, supply: Supply, start: usize, seats: usize) {
        let end = start + seats;
        let population = supply.population();
        let positions = &mut self.positions[start..end];
        if let (Some(span), Some(focus)) = (&supply.part, plan.focus()) {
            sample(generator, population, positions, &mut self.slots);
            let entries = plan.groups().entries(supply.pool.order);
            let rows = entries.map_or(&[] as &[u32], |entries| &entries[supply.pool.start as usize..]);
            focus.find(span, positions, rows, &mut self.finder);
        } else if let Some(entries) = plan.groups().entries(supply.pool.order) {
            sample_and(generator, population, positions, &mut self.slots, |position| {
                prefetch(entries, supply.pool.entry(position) as usize);
            });
        } else {
            sample(generator, population, positions, &mut self.slots);
        }
        self.segments.push(Segment {
            pool: supply.pool,
            source: supply.source,
            fallback: supply.fallback,
            population,
            start,
            end,
        });
    }
}

/// Draws, and lets go of what was drawn.
struct PassBy;

impl Take for PassBy {
    fn take(&mut self, _plan: &Plan, generator: &mut Generator, supply: Supply, _start: usize, seats: usize) {
        pass(generator, supply.population(), seats);
    }
}

/// Moves the generator past one batch without building it.
pub(crate) fn pass_batch(plan: &Plan, composition: &Composition, generator: &mut Generator) {
    cascade(plan, composition, generator, &mut PassBy);
}

/// The order of draws of one batch, for all that builds batches or passes them. Returns the experiment's position.
fn cascade(plan: &Plan, composition: &Composition, generator: &mut Generator, taker: &mut impl Take) -> usize {
    let groups = plan.groups();
    let picked = if plan.cdf().is_empty() {
        0
    } else {
        generator.pick(plan.cdf())
    };
    let primary = composition.primary();
    if composition.leak() > 0 {
        let others = Supply::whole(groups.others(picked), Source::Leak);
        taker.take(plan, generator, others, primary, composition.leak());
    }
    if let Some(focus) = plan.focus() {
        focused(plan, focus, composition, generator, picked, taker);
    } else if let Some(quotas) = composition.quotas(picked) {
        let mut start = 0;
        for &quota in quotas {
            let seats = quota.seats as usize;
            taker.take(
                plan,
                generator,
                Supply::whole(plan.groups().pool_of_cell(quota.cell), Source::Primary),
                start,
                seats,
            );
            start += seats;
        }
    } else if primary > 0 {
        taker.take(
            plan,
            generator,
            Supply::whole(groups.pool(picked), Source::Primary),
            0,
            primary,
        );
    }
    picked
}

/// The seats that do not leak, near a focal time and far from it.
fn focused(
    plan: &Plan,
    focus: &Focus,
    composition: &Composition,
    generator: &mut Generator,
    picked: usize,
    taker: &mut impl Take,
) {
    let place = generator.below(focus.times_of(picked));
    taker.focus_on(place);
    let near = focus.near(picked, place, plan.window());
    let first = if composition.quotas(picked).is_some() {
        plan.groups().first_cell_of(picked)
    } else {
        0
    };
    let mut start = 0;
    for inside in [true, false] {
        let mut take = |list: u32, child: u32, pool: Pool, seats: usize| {
            if seats > 0 {
                let span = focus.span(list, child, &near, inside);
                taker.take(plan, generator, Supply::part(pool, span), start, seats);
                start += seats;
            }
        };
        if let Some(quotas) = composition.quotas(picked) {
            for &quota in quotas {
                let seats = if inside { quota.seats - quota.far } else { quota.far };
                take(
                    quota.cell,
                    quota.cell - first,
                    plan.groups().pool_of_cell(quota.cell),
                    seats as usize,
                );
            }
        } else {
            let seats = if inside {
                composition.primary() - composition.far()
            } else {
                composition.far()
            };
            take(picked as u32, 0, plan.groups().pool(picked), seats);
        }
    }
}
