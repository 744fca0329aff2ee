//! How the seats of a drawn batch are split (version 1 of the specification, section 4).

use crate::error::Error;
use crate::groups::Groups;
use crate::plan::sums::exact_sum;
use crate::support::memory::{push, room};

/// Seats of one condition in a batch of one experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Number of the cell in [`Groups::cells`].
    pub cell: u32,
    /// Seats, at least 1.
    pub seats: u32,
    /// How many of them go to rows far from the focal time; 0 without times.
    pub far: u32,
}

/// How the seats of a batch of one size are split.
#[derive(Clone, Debug)]
pub struct Composition {
    size: usize,
    leak: usize,
    far: usize,
    quotas: Option<Quotas>,
}

/// The quotas of all experiments that can be picked, one experiment after another.
#[derive(Clone, Debug)]
struct Quotas {
    parts: Vec<Quota>,
    /// Where each experiment's quotas begin, and last where they end.
    starts: Vec<usize>,
    /// The largest number that an experiment has.
    most: usize,
}

impl Composition {
    /// A batch of `size` seats of which `leak` leak; of the others the fraction `far_fraction` is far. It is not split by
    /// condition yet.
    pub(super) fn new(size: usize, leak: usize, far_fraction: f64) -> Self {
        Self {
            size,
            leak,
            far: whole_seats(size - leak, far_fraction),
            quotas: None,
        }
    }

    /// The same, split by condition in every experiment that can be picked. `weights` and `ratios` are by position.
    pub(super) fn split(
        mut self,
        groups: &Groups,
        weights: &[f64],
        ratios: Option<&[Option<f64>]>,
        far_fraction: f64,
    ) -> Result<Self, Error> {
        let mut all = Quotas {
            parts: Vec::new(),
            starts: room(groups.experiments() + 1)?,
            most: 0,
        };
        all.starts.push(0);
        for position in 0..groups.experiments() {
            let before = all.parts.len();
            if weights.get(position).is_none_or(|&weight| weight > 0.0) {
                let taking_part = taking_part(groups, position, ratios)?;
                split_one(self.primary(), &taking_part, far_fraction, &mut all.parts)?;
            }
            all.most = all.most.max(all.parts.len() - before);
            all.starts.push(all.parts.len());
        }
        self.quotas = Some(all);
        Ok(self)
    }

    /// Seats of the batch.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Seats that go to rows of other experiments.
    #[must_use]
    pub fn leak(&self) -> usize {
        self.leak
    }

    /// Seats that go to rows far from the focal time; 0 without times.
    #[must_use]
    pub fn far(&self) -> usize {
        self.far
    }

    /// Seats that do not leak.
    #[must_use]
    pub fn primary(&self) -> usize {
        self.size - self.leak
    }

    /// The largest number of quotas, or of other parts, that the primary of a batch has.
    pub(crate) fn most_quotas(&self) -> usize {
        self.quotas.as_ref().map_or(1, |all| all.most)
    }

    /// The quotas of the experiment at `position`, by condition, those of no seat left out; none for an experiment that
    /// cannot be picked. `None` where a batch is not split by condition.
    ///
    /// # Panics
    /// Where there is no experiment at `position`.
    #[must_use]
    pub fn quotas(&self, position: usize) -> Option<&[Quota]> {
        let all = self.quotas.as_ref()?;
        Some(&all.parts[all.starts[position]..all.starts[position + 1]])
    }
}

/// Numbers of the cells of the experiment at `position` that share its batches, each with its ratio.
fn taking_part(groups: &Groups, position: usize, ratios: Option<&[Option<f64>]>) -> Result<Vec<(u32, f64)>, Error> {
    let cells = groups.cells_of(position);
    let equal = 1.0 / cells.len() as f64;
    let mut taking_part = room(cells.len())?;
    for (number, cell) in (groups.first_cell_of(position)..).zip(cells) {
        let ratio = ratios
            .and_then(|ratios| ratios[cell.condition as usize])
            .unwrap_or(equal);
        if ratio > 0.0 {
            taking_part.push((number, ratio));
        }
    }
    if taking_part.is_empty() {
        return Err(Error::NoCondition {
            experiment: groups.experiment_labels()[position] as usize,
        });
    }
    Ok(taking_part)
}

/// Appends the quotas of cells that share `primary` seats: what remains is the last one's.
fn split_one(
    primary: usize,
    taking_part: &[(u32, f64)],
    far_fraction: f64,
    quotas: &mut Vec<Quota>,
) -> Result<(), Error> {
    let sum = exact_sum(taking_part.iter().map(|&(_, ratio)| ratio))?;
    let n = primary as f64;
    if !sum.is_finite() || taking_part.iter().any(|&(_, ratio)| !(n * ratio).is_finite()) {
        return Err(Error::Overflow { what: "ratios" });
    }
    let mut taken = 0;
    for (number, &(cell, ratio)) in (1..).zip(taking_part) {
        let left = primary - taken;
        let seats = if number == taking_part.len() {
            left
        } else {
            // The tolerance can round up past what is left only where seats are counted in thousands of millions.
            (((n * ratio) / sum + 1e-9).floor() as usize).min(left)
        };
        let far = whole_seats(taken + seats, far_fraction) - whole_seats(taken, far_fraction);
        taken += seats;
        if seats > 0 {
            let quota = Quota {
                cell,
                seats: seats as u32,
                far: far.min(seats) as u32,
            };
            push(quotas, quota)?;
        }
    }
    Ok(())
}

/// `int(seats * fraction)`: what is left of a seat is dropped, with no tolerance.
pub(super) fn whole_seats(seats: usize, fraction: f64) -> usize {
    (seats as f64 * fraction) as usize
}
