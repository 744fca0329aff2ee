//! Which conditions share a batch of an experiment, and how much each has of its seats (specification of the dealt cascade,
//! sections 2 and 3).

use crate::decks::{Laps, Shape};
use crate::error::Error;
use crate::groups::Groups;
use crate::plan::dealt::hand::Hand;
use crate::plan::sums::exact_sum;
use crate::support::memory::{filled, room};

/// The conditions of one experiment that can share its batches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sharing {
    /// Where its cells begin in [`Shares::cells`], first those that are in every batch.
    start: u32,
    fixed: u32,
    /// How many others there are, and how many of them come into a batch: fewer than there are, or none.
    others: u32,
    pub(crate) dealt: u32,
    /// Sum of the ratios of those that share a batch, which is the same for every batch.
    pub(crate) sum: f64,
    /// Whether those ratios are all equal.
    pub(crate) equal: bool,
    /// The deck of the others.
    pub(crate) deck: Shape,
    pub(crate) laps: Laps,
}

impl Sharing {
    /// How many conditions share a batch.
    pub(crate) fn many(&self) -> u32 {
        self.fixed + self.dealt
    }
}

/// The conditions of all experiments.
#[derive(Clone, Debug)]
pub(crate) struct Shares {
    /// By position of the condition.
    ratios: Vec<f64>,
    /// Numbers of the cells that can share batches, by experiment. Those that are in every batch come first, then the
    /// others, each in the order of conditions.
    cells: Vec<u32>,
    /// By experiment.
    sharings: Vec<Sharing>,
}

/// What [`Shares`] are made from.
pub(super) struct Wanted<'a> {
    /// By position of the condition.
    pub(super) ratios: Option<&'a [Option<f64>]>,
    /// Whether each condition is in every batch.
    pub(super) always: &'a [bool],
    pub(super) per_batch: Option<u64>,
    /// Seats that do not leak.
    pub(super) seats: u32,
}

impl Shares {
    /// `weights` are by position, and empty where there is one experiment that is always picked.
    pub(super) fn new(groups: &Groups, weights: &[f64], wanted: &Wanted<'_>) -> Result<Self, Error> {
        let conditions = groups.condition_labels().len();
        let mut shares = Self {
            ratios: filled(conditions, 1.0)?,
            cells: room(groups.cells().len())?,
            sharings: room(groups.experiments())?,
        };
        for (ratio, named) in shares.ratios.iter_mut().zip(wanted.ratios.unwrap_or_default()) {
            *ratio = named.unwrap_or(1.0);
        }
        if wanted.per_batch.is_some() {
            shares.refuse_ratios(groups, wanted.always)?;
        }
        for experiment in 0..groups.experiments() {
            let can_pick = weights.get(experiment).is_none_or(|&weight| weight > 0.0);
            let sharing = if can_pick {
                shares.of(groups, experiment, wanted)?
            } else {
                Sharing::default()
            };
            shares.sharings.push(sharing);
        }
        Ok(shares)
    }

    /// Where only some conditions share a batch, ratios are for those that are always among them.
    fn refuse_ratios(&self, groups: &Groups, always: &[bool]) -> Result<(), Error> {
        let is_wrong =
            |&position: &usize| !always[position] && self.ratios[position] != 0.0 && self.ratios[position] != 1.0;
        match (0..self.ratios.len()).find(is_wrong) {
            Some(position) => Err(Error::RatioNotAllowed {
                label: groups.condition_labels()[position] as usize,
                found: self.ratios[position],
            }),
            None => Ok(()),
        }
    }

    fn of(&mut self, groups: &Groups, experiment: usize, wanted: &Wanted<'_>) -> Result<Sharing, Error> {
        let start = self.cells.len();
        let numbered = || (groups.first_cell_of(experiment)..).zip(groups.cells_of(experiment));
        let takes_part = |condition: u32| self.ratios[condition as usize] > 0.0;
        let is_always = |condition: u32| wanted.per_batch.is_some() && wanted.always[condition as usize];
        let count = |always: bool| {
            let cells =
                numbered().filter(|(_, cell)| takes_part(cell.condition) && is_always(cell.condition) == always);
            cells.count() as u64
        };
        let (always, others) = (count(true), count(false));
        let dealt = wanted.per_batch.map_or(others, |all| all.saturating_sub(always));
        let label = groups.experiment_labels()[experiment] as usize;
        if always + others == 0 {
            return Err(Error::NoCondition { experiment: label });
        }
        let share = always + dealt.min(others);
        if share > u64::from(wanted.seats) {
            return Err(Error::TooFewSeats {
                experiment: label,
                conditions: share as usize,
                seats: wanted.seats as usize,
            });
        }
        // Where all share every batch, the order of conditions is all that counts.
        let all = dealt >= others;
        for first in [true, false] {
            let cells = numbered().filter(|(_, cell)| {
                takes_part(cell.condition) && (all && first || !all && is_always(cell.condition) == first)
            });
            self.cells.extend(cells.map(|(number, _)| number));
        }
        let (fixed, dealt) = if all { (share, 0) } else { (always, dealt) };
        let sharing = Sharing {
            start: start as u32,
            fixed: fixed as u32,
            others: (self.cells.len() - start) as u32 - fixed as u32,
            dealt: dealt as u32,
            ..Sharing::default()
        };
        self.with_sum(groups, sharing, wanted.seats)
    }

    /// Adds what those who share a batch have in common.
    fn with_sum(&self, groups: &Groups, sharing: Sharing, seats: u32) -> Result<Sharing, Error> {
        let ratio = |&cell: &u32| self.ratio_of(groups, cell);
        // Of the others only those with a ratio of 1 come in part.
        let ratios = || {
            let fixed = self.fixed(&sharing).iter().map(ratio);
            fixed.chain(std::iter::repeat_n(1.0, sharing.dealt as usize))
        };
        let sum = exact_sum(ratios())?;
        if !sum.is_finite() || ratios().any(|ratio| !(f64::from(seats) * ratio).is_finite()) {
            return Err(Error::Overflow { what: "ratios" });
        }
        let first = ratios().next();
        Ok(Sharing {
            sum,
            equal: ratios().all(|ratio| Some(ratio) == first),
            deck: Shape::new(sharing.others.max(1)),
            laps: Laps::new(sharing.others.max(1), sharing.dealt, 1),
            ..sharing
        })
    }

    /// How the conditions of an experiment share its batches.
    #[inline]
    pub(crate) fn sharing(&self, experiment: usize) -> &Sharing {
        &self.sharings[experiment]
    }

    /// The largest number of conditions that share a batch.
    pub(super) fn most(&self) -> u32 {
        self.sharings.iter().map(Sharing::many).max().unwrap_or(0)
    }

    /// The cells that are in every batch.
    #[inline]
    pub(crate) fn fixed(&self, sharing: &Sharing) -> &[u32] {
        &self.cells[sharing.start as usize..(sharing.start + sharing.fixed) as usize]
    }

    /// The cells of which a part is in each batch; none where all are.
    #[inline]
    pub(crate) fn others(&self, sharing: &Sharing) -> &[u32] {
        let start = sharing.start + sharing.fixed;
        &self.cells[start as usize..(start + sharing.others) as usize]
    }

    #[inline]
    pub(crate) fn ratio_of(&self, groups: &Groups, cell: u32) -> f64 {
        self.ratios[groups.cells()[cell as usize].condition as usize]
    }

    /// What a cell has of the batches of its experiment, of which `seats` are shared; `None` where it never shares them.
    pub(super) fn part(&self, groups: &Groups, experiment: usize, cell: u32, seats: u32) -> Option<Part> {
        let sharing = self.sharing(experiment);
        let is_fixed = self.fixed(sharing).binary_search(&cell).is_ok();
        let is_other = sharing.dealt > 0 && self.others(sharing).binary_search(&cell).is_ok();
        if !is_fixed && !is_other {
            return None;
        }
        let seats = Seats::new(seats, self.ratio_of(groups, cell), sharing.sum);
        let part = Part::new(seats.exact, seats.rest().clamp(0.0, 1.0));
        if is_fixed {
            return Some(part);
        }
        let (others, dealt) = (f64::from(sharing.others), f64::from(sharing.dealt));
        let turns = sharing.laps.deals() as f64;
        Some(Part {
            often: dealt / others,
            turns,
            filling: turns * dealt / others - 1.0,
            ..part
        })
    }

    /// The hand of every cell, with `seats` to share.
    pub(super) fn hands(&self, groups: &Groups, seats: u32, run_length: u32, block: u32) -> Result<Vec<Hand>, Error> {
        let mut hands = filled(groups.cells().len(), Hand::default())?;
        for sharing in &self.sharings {
            let dealt = (self.others(sharing), 1);
            for (cells, block) in [(self.fixed(sharing), block), dealt] {
                for &cell in cells {
                    let seats = Seats::new(seats, self.ratio_of(groups, cell), sharing.sum);
                    let rows = groups.cells()[cell as usize].rows;
                    hands[cell as usize] = Hand::new(rows, seats.held(), run_length, block);
                }
            }
        }
        Ok(hands)
    }
}

/// What a unit has of the batches of its experiment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Part {
    /// Its seats in a batch that it shares, on average.
    pub(crate) seats: f64,
    /// How often it has an odd seat in those.
    pub(crate) odd: f64,
    /// The share of batches that it shares.
    pub(crate) often: f64,
    /// Batches in which its turn comes once.
    pub(crate) turns: f64,
    /// How often it fills up a lap of conditions besides.
    pub(crate) filling: f64,
}

impl Part {
    /// Of every batch.
    pub(super) fn new(seats: f64, odd: f64) -> Self {
        Self {
            seats,
            odd,
            often: 1.0,
            turns: 1.0,
            filling: 0.0,
        }
    }
}

/// What one of those who share a batch has of its seats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seats {
    /// Its share, to a fraction of a seat.
    pub(crate) exact: f64,
    /// Those that it has in every batch.
    pub(crate) base: u32,
}

impl Seats {
    #[inline]
    pub(crate) fn new(seats: u32, ratio: f64, sum: f64) -> Self {
        let exact = (f64::from(seats) * ratio) / sum;
        Self {
            exact,
            base: (exact + 1e-9).floor() as u32,
        }
    }

    /// The same where no more than `left` are left.
    #[inline]
    pub(crate) fn at_most(self, left: u32) -> Self {
        Self {
            base: self.base.min(left),
            ..self
        }
    }

    /// Its fraction of a seat.
    #[inline]
    pub(crate) fn rest(self) -> f64 {
        self.exact - f64::from(self.base)
    }

    /// Seats for which rows are held: one more than always come where it is likelier than not that it comes.
    #[inline]
    pub(crate) fn held(self) -> u32 {
        self.base + u32::from(self.rest() >= 0.5)
    }
}
