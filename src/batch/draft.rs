//! The seats of one batch: what each was drawn from, and at which position.

use crate::draw::{Generator, Slots, sample, sample_and};
use crate::error::Error;
use crate::groups::Pool;
use crate::near::{Finder, Part, Spans};
use crate::plan::Plan;
use crate::support::memory::{grow, prefetch, room};

use super::rows::Row;
use super::scratch::Scratch;

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

/// What seats are drawn from: a pool, or the part of it that is near a time or far from it.
#[derive(Clone)]
pub(super) struct Supply {
    pool: Pool,
    part: Option<Part>,
    source: Source,
    fallback: bool,
}

impl Supply {
    pub(super) fn whole(pool: Pool, source: Source) -> Self {
        Self {
            pool,
            part: None,
            source,
            fallback: false,
        }
    }

    /// A part of a pool; the whole pool where that is empty.
    pub(super) fn part(pool: Pool, part: Part) -> Self {
        let source = if part.inside { Source::Near } else { Source::Far };
        let supply = Self {
            pool,
            part: Some(part),
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

    /// Rows that can be drawn.
    pub(super) fn population(&self) -> u32 {
        self.part
            .as_ref()
            .map_or(self.pool.len, |part| part.population(self.pool.len))
    }
}

/// Neighbouring seats that were drawn from one pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) pool: Pool,
    pub(crate) source: Source,
    /// Whether the pool stood in for a part of it that is empty.
    pub(crate) fallback: bool,
    /// Whether the rows were dealt, and not drawn.
    pub(crate) dealt: bool,
    /// Rows that were drawn or dealt from: the pool's, or those of a part of it.
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

/// A batch as positions in pools, and the memory to draw it in, which is used again for the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    positions: Vec<u32>,
    segments: Vec<Segment>,
    slots: Slots,
    finder: Finder,
    spans: Spans,
    scratch: Scratch,
    picked: usize,
    focal: u32,
}

impl Draft {
    /// Empties the draft and makes room for a batch of so many seats in so many segments: nothing after this runs out of
    /// memory.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub(super) fn reserve(&mut self, plan: &Plan, seats: usize, segments: usize) -> Result<(), Error> {
        self.segments.clear();
        if self.positions.len() < seats {
            grow(&mut self.positions, seats)?;
        }
        self.slots.reserve(seats.min(plan.groups().kept() as usize))?;
        if let Some(focus) = plan.focus() {
            focus.reserve(&mut self.finder, seats)?;
            focus.reserve_spans(&mut self.spans, segments)?;
        }
        self.segments.try_reserve(segments).map_err(|_| Error::OutOfMemory {
            bytes: segments as u128 * size_of::<Segment>() as u128,
        })
    }

    /// Draws `seats` positions, which go to the seats from `start` on.
    #[inline]
    pub(super) fn draw_segment(
        &mut self,
        plan: &Plan,
        generator: &mut Generator,
        supply: &Supply,
        start: usize,
        seats: usize,
    ) {
        let end = start + seats;
        let population = supply.population();
        let positions = &mut self.positions[start..end];
        if let (Some(part), Some(focus)) = (&supply.part, plan.focus()) {
            sample(generator, population, positions, &mut self.slots);
            let entries = plan.groups().entries(supply.pool.order);
            let rows = entries.map_or(&[] as &[u32], |entries| &entries[supply.pool.start as usize..]);
            focus.find(part, supply.pool.len, positions, rows, &mut self.finder);
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
            dealt: false,
            population,
            start,
            end,
        });
    }

    /// Adds a segment. Its positions are for the caller to fill in.
    #[inline]
    pub(super) fn segment(&mut self, segment: Segment) -> &mut [u32] {
        self.segments.push(segment);
        &mut self.positions[segment.start..segment.end]
    }

    /// The positions of all seats, to be filled in.
    #[inline]
    pub(super) fn all_positions(&mut self) -> &mut [u32] {
        &mut self.positions
    }

    /// The memory that is counted in what is near a focal time, with room for it.
    pub(super) fn spans_mut(&mut self) -> &mut Spans {
        &mut self.spans
    }

    /// What was counted in it.
    pub(super) fn spans(&self) -> &Spans {
        &self.spans
    }

    /// The memory that samples are drawn in.
    pub(super) fn slots(&mut self) -> &mut Slots {
        &mut self.slots
    }

    /// Lends the memory that batches are dealt in, to be given back.
    pub(super) fn take_scratch(&mut self) -> Scratch {
        std::mem::take(&mut self.scratch)
    }

    /// Takes back what was lent.
    pub(super) fn give_scratch(&mut self, scratch: Scratch) {
        self.scratch = scratch;
    }

    /// Writes down the experiment that was picked.
    pub(super) fn pick(&mut self, picked: usize) {
        self.picked = picked;
    }

    /// Writes down the focal time, as a place among the times of the experiment.
    pub(super) fn focus_on(&mut self, place: u32) {
        self.focal = place;
    }

    /// The rows of the batch, primary before leak.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub(crate) fn rows<T: Row>(&self, plan: &Plan) -> Result<Vec<T>, Error> {
        let mut rows = room(self.seats())?;
        self.append_rows(plan, &mut rows)?;
        Ok(rows)
    }

    /// Appends the rows of the batch. `rows` should have room for them.
    ///
    /// # Errors
    /// [`Error::Damaged`] where an index from a file has other rows than its table.
    pub(crate) fn append_rows<T: Row>(&self, plan: &Plan, rows: &mut Vec<T>) -> Result<(), Error> {
        if plan.index().is_from_file() {
            return self.append_checked_rows(plan, rows);
        }
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
        Ok(())
    }

    /// As [`Draft::append_rows`], of what may be anything.
    fn append_checked_rows<T: Row>(&self, plan: &Plan, rows: &mut Vec<T>) -> Result<(), Error> {
        let all = plan.groups().rows() as u64;
        for segment in self.segments() {
            let entries = plan.groups().entries(segment.pool.order);
            let mut largest = 0;
            for &position in self.positions(segment) {
                // A position from damaged times may lead anywhere.
                let entry = segment
                    .pool
                    .start
                    .wrapping_add(position)
                    .wrapping_add(segment.pool.passed(position));
                let row = match entries {
                    Some(entries) => entries.get(entry as usize).copied().unwrap_or(u32::MAX),
                    None => entry,
                };
                largest = largest.max(row);
                rows.push(T::from_row(row));
            }
            if u64::from(largest) >= all {
                return Err(plan.index().damaged("it has rows that its table has not"));
            }
        }
        Ok(())
    }

    /// Appends the entries of the batch's rows, each in the order of its pool.
    pub(crate) fn append_entries(&self, entries: &mut Vec<u32>) {
        for segment in self.segments() {
            let positions = self.positions(segment).iter();
            entries.extend(positions.map(|&position| segment.pool.entry(position)));
        }
    }

    /// What the seats were drawn from, in the order of the seats.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &Segment> {
        // The leak of a drawn batch is drawn first and handed out last.
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

    /// The focal time, as a place among the times of the experiment; 0 without times.
    pub(crate) fn focal(&self) -> u32 {
        self.focal
    }

    /// Rows of the batch.
    #[must_use]
    pub(crate) fn seats(&self) -> usize {
        self.segments.iter().map(|segment| segment.end - segment.start).sum()
    }

    /// Position of the experiment that the batch was picked from; 0 where experiments are not used.
    #[must_use]
    pub(crate) fn picked(&self) -> usize {
        self.picked
    }

    /// Whether a pool was too small, so that rows of it were drawn with replacement.
    #[must_use]
    pub(crate) fn replaced(&self) -> bool {
        self.segments.iter().any(Segment::replaced)
    }

    #[cfg(test)]
    pub(super) fn room_for_segments(&self) -> (usize, usize) {
        (self.segments.len(), self.segments.capacity())
    }
}
