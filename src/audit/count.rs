//! What whole epochs are made of, counted: every batch is drawn, and its rows are looked up in the table.

use std::cell::Cell;
use std::ops::AddAssign;

use super::chances::units_of;
use super::counts::{Audit, FirstSeats, OfExperiment, OfTime, OfUnit};
use super::marks::Marks;
use super::pairs::{near_pairs, pairs_of, table_pairs};
use super::tally::Tally;
use crate::batch::{Draft, Source};
use crate::columns::times::Time;
use crate::epoch::Stream;
use crate::error::Error;
use crate::near::Focus;
use crate::plan::{Plan, Rule};
use crate::support::memory::{collected, filled, prefetch, push, room};
use crate::support::pauses::Pauses;

/// Batches whose composition is written down one by one.
const FIRST_BATCHES: usize = 200;
/// How many seats ahead a row's mark is asked for.
const AHEAD: usize = 16;

impl Audit {
    /// Counts `epochs` epochs of the global sequence from `epoch` on, each whole or only its first `batches`. `pause` is
    /// called every few milliseconds with the number of batches that are done; its error ends the work.
    ///
    /// Takes 4 bytes a row; with times 8, and 4 for each different time of each experiment, and while it reads them 4 a row of
    /// the largest experiment.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::Seed`], or what `pause` returns.
    pub fn new<E: From<Error>>(
        plan: &Plan,
        seed: u64,
        epoch: u64,
        epochs: u64,
        batches: Option<u64>,
        mut pause: impl FnMut(u64) -> Result<(), E>,
    ) -> Result<Self, E> {
        plan.index().guarded(|| {
            let done = Cell::new(0);
            let mut tell = || pause(done.get());
            let mut pauses = Pauses::new(&mut tell);
            let mut counter = Counter::new(plan, &mut pauses)?;
            counter.audit.table_pairs = table_pairs(plan, counter.times.as_deref(), &mut pauses)?;
            for number in 0..epochs {
                let mut stream = Stream::new(plan, seed, u128::from(epoch) + u128::from(number))?;
                for position in 0..batches.unwrap_or(u64::MAX).min(plan.batches()) {
                    let mut draft = std::mem::take(&mut counter.draft);
                    stream.draw(plan, &mut draft)?;
                    counter.count(&draft, position)?;
                    let seats = draft.seats();
                    counter.draft = draft;
                    done.set(counter.audit.batches);
                    pauses.after(seats)?;
                }
                push(&mut counter.audit.seen, counter.marks.seen())?;
                // An epoch of few batches, or none, is work too.
                pauses.after(EPOCH + plan.groups().experiments())?;
            }
            counter.finish(&mut pauses)
        })
    }
}

/// What it takes to begin an epoch, beside what goes with the experiments: as long as so many entries.
const EPOCH: usize = 100;

/// The counting, and the memory that it uses again for each batch.
struct Counter<'a> {
    plan: &'a Plan,
    audit: Audit,
    marks: Marks,
    /// The number of each row's time, with times.
    times: Option<Vec<u32>>,
    /// Batches by their focal time's number.
    focal: Tally<u32, SeatsOfTime>,
    draft: Draft,
    /// The rows of the batch, or the entries that stand for them in the marks.
    rows: Vec<u32>,
    sorted: Vec<u32>,
    hours: Vec<u64>,
    /// Runs of neighbouring seats of one unit: the unit, whether they leak, and how many.
    runs: Vec<(u32, bool, u32)>,
    held: SeatsHeld,
}

/// What is counted of batches around one time.
#[derive(Clone, Copy, Debug, Default)]
struct SeatsOfTime {
    batches: u64,
    near: u64,
    far: u64,
    fallback: u64,
}

impl AddAssign for SeatsOfTime {
    fn add_assign(&mut self, other: Self) {
        self.batches += other.batches;
        self.near += other.near;
        self.far += other.far;
        self.fallback += other.fallback;
    }
}

/// How many seats of the batch at hand each experiment, condition and unit has.
struct SeatsHeld {
    experiments: Vec<u32>,
    conditions: Vec<u32>,
    units: Vec<u32>,
}

impl<'a> Counter<'a> {
    fn new<E: From<Error>>(plan: &'a Plan, pauses: &mut Pauses<'_, E>) -> Result<Self, E> {
        let groups = plan.groups();
        let units = if groups.cells().is_empty() {
            groups.experiments()
        } else {
            groups.cells().len()
        };
        Ok(Self {
            plan,
            audit: Audit {
                experiments: filled(groups.experiments(), OfExperiment::default())?,
                units: filled(units, OfUnit::default())?,
                ..Audit::default()
            },
            marks: Marks::new(plan, pauses)?,
            times: plan.focus().map(|focus| focus.numbers(groups, pauses)).transpose()?,
            focal: Tally::default(),
            draft: Draft::default(),
            rows: room(plan.batch_size())?,
            sorted: Vec::new(),
            hours: room(if plan.focus().is_some() { plan.batch_size() } else { 0 })?,
            runs: room(plan.batch_size())?,
            held: SeatsHeld {
                experiments: filled(groups.experiments(), 0)?,
                conditions: filled(groups.condition_labels().len().max(1), 0)?,
                units: filled(units, 0)?,
            },
        })
    }

    /// Counts the batch that a draft holds, which is at `position` of its epoch.
    fn count(&mut self, draft: &Draft, position: u64) -> Result<(), Error> {
        self.rows.clear();
        if self.marks.are_by_entry() {
            draft.append_entries(&mut self.rows);
        } else {
            draft.append_rows(self.plan, &mut self.rows)?;
        }
        let seats = self.rows.len() as u64;
        let leak = self.plan.leak_at(position);
        self.look_up(leak)?;

        let of = &mut self.audit.experiments[draft.picked()];
        let is_short = self.plan.short_size().is_some() && position + 1 == self.plan.batches();
        *(if is_short { &mut of.short } else { &mut of.full }) += 1;
        of.replaced += u64::from(draft.replaced());
        self.count_pairs();
        if self.audit.batches < FIRST_BATCHES as u64 {
            self.write_down(draft.picked())?;
        }
        // Only what is drawn with replacement, or stands in for an empty part, can bring a row twice.
        if draft.segments().any(|segment| segment.replaced() || segment.fallback) {
            self.count_duplicates()?;
        }
        if let Some(focus) = self.plan.focus() {
            self.count_times(draft, focus)?;
        }
        self.audit.batches += 1;
        self.audit.seats += seats;
        self.audit.leak_asked += leak as u64;
        let dealt = draft.segments().filter(|segment| segment.dealt);
        self.audit.dealt += dealt.map(|segment| (segment.end - segment.start) as u64).sum::<u64>();
        self.audit.pairs.all += pairs_of(seats);
        Ok(())
    }

    /// Marks the rows of the batch as drawn, and finds out what units they are of.
    fn look_up(&mut self, leak: usize) -> Result<(), Error> {
        self.runs.clear();
        let primary = self.rows.len() - leak;
        let (mut last, mut run) = ((u32::MAX, false), 0);
        for (seat, &row) in self.rows.iter().enumerate() {
            if let Some(&ahead) = self.rows.get(seat + AHEAD) {
                self.marks.prefetch(ahead);
                if let Some(times) = &self.times {
                    prefetch(times, ahead as usize);
                }
            }
            let this = (self.marks.draw(row)?, seat >= primary);
            if this != last && run > 0 {
                self.runs.push((last.0, last.1, run));
                run = 0;
            }
            last = this;
            run += 1;
        }
        self.runs.push((last.0, last.1, run));
        Ok(())
    }

    fn count_pairs(&mut self) {
        let cells = self.plan.groups().cells();
        let places = |unit: u32| match cells.get(unit as usize) {
            Some(cell) => (cell.experiment as usize, cell.condition as usize),
            None => (unit as usize, 0),
        };
        let (mut experiments, mut conditions, mut both) = (0, 0, 0);
        for &(unit, leaks, run) in &self.runs {
            let (experiment, condition) = places(unit);
            let within = pairs_of(u64::from(run));
            let add = |held: &mut u32, sum: &mut u128| {
                *sum += u128::from(*held) * u128::from(run) + within;
                *held += run;
            };
            add(&mut self.held.experiments[experiment], &mut experiments);
            add(&mut self.held.conditions[condition], &mut conditions);
            add(&mut self.held.units[unit as usize], &mut both);
            let of = &mut self.audit.units[unit as usize];
            *(if leaks { &mut of.leaked } else { &mut of.got }) += u64::from(run);
        }
        for &(unit, ..) in &self.runs {
            let (experiment, condition) = places(unit);
            self.held.experiments[experiment] = 0;
            self.held.conditions[condition] = 0;
            self.held.units[unit as usize] = 0;
        }
        let pairs = &mut self.audit.pairs;
        pairs.experiment += experiments;
        pairs.condition += conditions;
        pairs.both += both;
    }

    fn write_down(&mut self, picked: usize) -> Result<(), Error> {
        let mut seats = Tally::default();
        for &(unit, leak, run) in &self.runs {
            seats.add((leak, unit), run)?;
        }
        for ((leak, unit), seats) in seats.sums() {
            let share = FirstSeats {
                batch: self.audit.batches as u32,
                picked: picked as u32,
                unit,
                leak,
                seats,
            };
            push(&mut self.audit.first, share)?;
        }
        Ok(())
    }

    fn count_duplicates(&mut self) -> Result<(), Error> {
        self.sorted.clear();
        let len = self.rows.len();
        self.sorted.try_reserve(len).map_err(|_| Error::OutOfMemory {
            bytes: len as u128 * size_of::<u32>() as u128,
        })?;
        self.sorted.extend_from_slice(&self.rows);
        self.sorted.sort_unstable();
        let duplicates = self.sorted.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
        self.audit.duplicates += duplicates;
        self.audit.batches_with_duplicates += u64::from(duplicates > 0);
        Ok(())
    }

    fn count_times(&mut self, draft: &Draft, focus: &Focus) -> Result<(), Error> {
        let clocks = focus.clocks();
        let number = clocks.first_of(draft.picked()) + draft.focal();
        let mut of = SeatsOfTime {
            batches: 1,
            ..SeatsOfTime::default()
        };
        for segment in draft.segments() {
            let seats = (segment.end - segment.start) as u64;
            match segment.source {
                Source::Near => of.near += seats,
                Source::Far => of.far += seats,
                Source::Primary | Source::Leak => {}
            }
            of.fallback += if segment.fallback { seats } else { 0 };
        }
        self.focal.add(number, of)?;
        if let Some(times) = &self.times {
            // The rows are not needed any more; their times are asked for before they are read.
            for row in &mut self.rows {
                *row = times[*row as usize];
                clocks.prefetch(*row);
            }
            self.hours.clear();
            self.hours
                .extend(self.rows.iter().map(|&number| clocks.hour(number).key()));
            self.hours.sort_unstable();
            let one_by_one = || self.hours.iter().map(|&key| (f64::of(key), 1));
            let mut no_pause = || Ok::<_, Error>(());
            let mut pauses = Pauses::new(&mut no_pause);
            let near = near_pairs(one_by_one(), one_by_one(), clocks, self.plan.window(), &mut pauses)?;
            self.audit.pairs.near += near;
        }
        Ok(())
    }

    /// Works out how many primary seats every unit should have had.
    fn ask(&mut self) {
        let audit = &mut self.audit;
        match self.plan.rule() {
            Rule::Drawn(drawn) => {
                for (experiment, of) in audit.experiments.iter().enumerate() {
                    for (composition, batches) in [(Some(drawn.full()), of.full), (drawn.short(), of.short)] {
                        let Some(composition) = composition else { continue };
                        match composition.quotas(experiment) {
                            Some(quotas) => {
                                for quota in quotas {
                                    audit.units[quota.cell as usize].asked += u64::from(quota.seats) * batches;
                                }
                            }
                            None => audit.units[experiment].asked += composition.primary() as u64 * batches,
                        }
                    }
                }
            }
            Rule::Dealt(dealt) => {
                for (experiment, of) in audit.experiments.iter().enumerate() {
                    for unit in units_of(self.plan, experiment) {
                        if let Some(part) = dealt.part(self.plan.groups(), experiment, unit as u32) {
                            let seats = part.seats * part.often * of.full as f64;
                            audit.units[unit].asked += seats.round() as u64;
                        }
                    }
                }
            }
        }
    }

    fn finish<E: From<Error>>(mut self, pauses: &mut Pauses<'_, E>) -> Result<Audit, E> {
        let plan = self.plan;
        self.ask();
        self.audit.times = match plan.focus() {
            Some(focus) => by_hours(focus, self.focal)?,
            None => Vec::new(),
        };
        self.audit.draws = self.marks.draws(plan.groups().kept(), pauses)?;
        Ok(self.audit)
    }
}

/// The counts by hours, from those by the numbers of times: different pools have the same hours.
fn by_hours(focus: &Focus, focal: Tally<u32, SeatsOfTime>) -> Result<Vec<OfTime>, Error> {
    let clocks = focus.clocks();
    let mut times = collected(focal.sums().map(|(number, of)| OfTime {
        hours: clocks.hour(number),
        batches: of.batches,
        near: of.near,
        far: of.far,
        fallback: of.fallback,
    }))?;
    times.sort_unstable_by(|one, other| one.hours.total_cmp(&other.hours));
    times.dedup_by(|one, kept| {
        let same = one.hours == kept.hours;
        if same {
            kept.batches += one.batches;
            kept.near += one.near;
            kept.far += one.far;
            kept.fallback += one.fallback;
        }
        same
    });
    Ok(times)
}
