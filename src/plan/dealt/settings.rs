//! What a user asks for of dealt batches, beside the table, and what of it is out of range.

use crate::error::Error;
use crate::plan::settings::{check_batch_size, check_batches, check_focus, check_leaky, check_proportions};

/// How the batches of an epoch are shared out among experiments.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Weights {
    /// By the number of their rows: an epoch is a pass over the table.
    #[default]
    Size,
    /// By the square root of that.
    Sqrt,
    /// Equally.
    Equal,
    /// By label number of the column; `None`, and a label behind the last, stands for a weight of 0.
    Named(Vec<Option<f64>>),
}

/// How batches are dealt (version 2 of the specification).
///
/// Labels are named by their numbers in their column.
#[derive(Clone, Debug, PartialEq)]
pub struct DealtSettings {
    /// Rows of a batch, B.
    pub batch_size: u64,
    /// Fraction of a batch that comes from other experiments, in `[0, 1]`.
    pub leaky: f64,
    /// What share of the batches each experiment gets. Where the table has experiments; else this is [`Weights::Size`].
    pub weights: Weights,
    /// Condition ratios by label number. A condition that is not named has the ratio 1.
    pub ratios: Option<Vec<Option<f64>>>,
    /// Label numbers of conditions that are in every batch whose experiment has them.
    pub always: Vec<u32>,
    /// How many conditions share a batch, those of `always` among them; without it all.
    pub conditions_per_batch: Option<u64>,
    /// Rows that are neighbours in their cell and dealt as one card.
    pub run_length: u64,
    /// How many global batches in a row are of one experiment.
    pub batches_per_experiment: u64,
    /// Number of global batches in an epoch, a multiple of `batches_per_experiment`; without it an epoch is a pass.
    pub batches: Option<u64>,
    /// How far from the focal time, in hours, a row is still near. Only where times are given, as is the next.
    pub window: f64,
    /// Fraction of the seats that do not leak that goes to rows that are not near, in `[0, 1]`.
    pub global_fraction: f64,
}

impl Default for DealtSettings {
    fn default() -> Self {
        Self {
            batch_size: 128,
            leaky: 0.0,
            weights: Weights::Size,
            ratios: None,
            always: Vec::new(),
            conditions_per_batch: None,
            run_length: 1,
            batches_per_experiment: 1,
            batches: None,
            window: 2.0,
            global_fraction: 0.3,
        }
    }
}

impl DealtSettings {
    /// Refuses what is out of range; returns the batch size.
    pub(super) fn checked(&self) -> Result<u32, Error> {
        let batch_size = check_batch_size(self.batch_size)?;
        check_leaky(self.leaky)?;
        check_focus(self.window, self.global_fraction)?;
        if let Weights::Named(weights) = &self.weights {
            check_proportions("weight", Some(weights))?;
        }
        check_proportions("ratio", self.ratios.as_deref())?;
        check_batches(self.batches)?;
        self.block()?;
        if self.run_length == 0 {
            return Err(Error::RunLength { found: 0 });
        }
        let always = self.different_always();
        if let Some(found) = self.conditions_per_batch.filter(|&found| found < always.max(1)) {
            return Err(Error::ConditionsPerBatch { found, always });
        }
        Ok(batch_size)
    }

    /// Batches of a block, of which an epoch has a whole number.
    pub(super) fn block(&self) -> Result<u32, Error> {
        let found = self.batches_per_experiment;
        let Some(block) = u32::try_from(found).ok().filter(|&block| block > 0) else {
            return Err(Error::BatchesPerExperiment { found });
        };
        match self.batches {
            Some(batches) if batches % found > 0 => Err(Error::BrokenBlocks { batches, block: found }),
            _ => Ok(block),
        }
    }

    /// Number of different labels in `always`.
    fn different_always(&self) -> u64 {
        let mut labels = self.always.clone();
        labels.sort_unstable();
        labels.dedup();
        labels.len() as u64
    }
}
