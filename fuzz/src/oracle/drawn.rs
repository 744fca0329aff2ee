//! Sections 2 and 3 of the specification.

use cascade_sampler::{Settings, Source};

use crate::oracle::draws::Generator;
use crate::oracle::shared::Shared;
use crate::oracle::sums::exact;
use crate::oracle::{Seat, drawn_seats, weights};
use crate::table::{Facts, Rows};

pub(crate) struct Drawn<'a> {
    table: &'a Rows,
    facts: &'a Facts,
    settings: &'a Settings,
    weights: Option<Vec<f64>>,
}

impl<'a> Drawn<'a> {
    pub(crate) fn new(table: &'a Rows, facts: &'a Facts, settings: &'a Settings) -> Self {
        let given = settings.weights.as_ref();
        let weights = given.map(|given| weights::given(given, &facts.experiments));
        Self {
            table,
            facts,
            settings,
            weights,
        }
    }

    /// The names of all errors that these arguments may be refused with; none where they are accepted.
    pub(crate) fn reasons(&self) -> Vec<&'static str> {
        let (table, settings) = (self.table, self.settings);
        let shared = Shared::from(settings);
        let mut reasons = shared.reasons(table, self.facts);
        // What is asked of a column that there is not is looked at together with what is asked of labels.
        if reasons.iter().any(|&reason| reason != "WithoutColumn") {
            return reasons;
        }
        if shared.names_labels_without_rows(self.facts) {
            reasons.push("WithoutRows");
        }
        if let Some(given) = &self.weights {
            reasons.extend(weights::reasons(given));
        }
        if self.total() == 0 {
            reasons.push("NoBatches");
        }
        if reasons.is_empty() && table.conditions.is_some() {
            for experiment in (0..self.facts.experiments.len()).filter(|&it| self.can_pick(it)) {
                let ratios: Vec<f64> = self.ratios(experiment).into_iter().map(|(_, ratio)| ratio).collect();
                if ratios.is_empty() {
                    reasons.push("NoCondition");
                }
                let seats = (settings.batch_size as usize - self.leak(settings.batch_size as usize)) as f64;
                if !exact(&ratios).is_finite() || ratios.iter().any(|ratio| !(seats * ratio).is_finite()) {
                    reasons.push("Overflow");
                }
            }
        }
        reasons
    }

    pub(crate) fn total(&self) -> u64 {
        let (rows, size) = (self.facts.kept as u64, self.settings.batch_size);
        self.settings
            .batches
            .unwrap_or(rows / size + u64::from(!self.settings.drop_last && rows % size > 0))
    }

    fn size(&self, position: u64) -> usize {
        let (rows, size) = (self.facts.kept as u64, self.settings.batch_size);
        let has_short = self.settings.batches.is_none() && !self.settings.drop_last && rows % size > 0;
        (if has_short && position + 1 == self.total() {
            rows % size
        } else {
            size
        }) as usize
    }

    /// The weights, as the specification's cdf is made from.
    fn chances(&self) -> Vec<f64> {
        match &self.weights {
            Some(given) => weights::normed(given),
            None => self
                .facts
                .pools
                .iter()
                .map(|pool| pool.len() as f64 / self.facts.kept as f64)
                .collect(),
        }
    }

    fn can_pick(&self, experiment: usize) -> bool {
        self.chances()[experiment] > 0.0
    }

    fn leak(&self, size: usize) -> usize {
        if self.facts.experiments.len() > 1 {
            (size as f64 * self.settings.leaky) as usize
        } else {
            0
        }
    }

    /// The cells that take part in batches of an experiment, by number, with their ratios.
    fn ratios(&self, experiment: usize) -> Vec<(usize, f64)> {
        let equal = 1.0 / self.facts.cells_of(experiment).count() as f64;
        let given = self.settings.ratios.as_deref().unwrap_or_default();
        let ratio = |condition: u32| given.get(condition as usize).copied().flatten().unwrap_or(equal);
        let cells = self.facts.cells_of(experiment);
        cells
            .map(|(number, cell)| (number, ratio(cell.condition)))
            .filter(|&(_, ratio)| ratio > 0.0)
            .collect()
    }

    fn quotas(&self, experiment: usize, seats: usize) -> Vec<(usize, usize)> {
        let ratios = self.ratios(experiment);
        let sum = exact(&ratios.iter().map(|&(_, ratio)| ratio).collect::<Vec<_>>());
        let mut left = seats;
        let mut quotas = Vec::new();
        for (nth, &(cell, ratio)) in ratios.iter().enumerate() {
            let whole = ((seats as f64 * ratio) / sum + 1e-9).floor() as usize;
            quotas.push((cell, if nth + 1 == ratios.len() { left } else { whole }));
            left -= quotas[nth].1;
        }
        quotas
    }

    /// The first batches of an epoch, one after another from one generator.
    pub(crate) fn batches(&self, seed: u64, many: u64) -> Vec<Vec<Seat>> {
        let mut generator = Generator::new(seed);
        (0..many)
            .map(|position| self.batch(&mut generator, self.size(position)))
            .collect()
    }

    fn batch(&self, generator: &mut Generator, size: usize) -> Vec<Seat> {
        let mut experiment = 0;
        if self.table.experiments.is_some() {
            let unit = generator.unit();
            experiment = weights::cdf(&self.chances())
                .iter()
                .filter(|&&entry| entry <= unit)
                .count();
        }
        let mut leaked = Vec::new();
        if self.leak(size) > 0 {
            leaked = generator.choose(&self.facts.others(experiment), self.leak(size));
        }
        let mut seats = self.primary(generator, experiment, size - self.leak(size));
        seats.extend(drawn_seats(leaked, Source::Leak));
        seats
    }

    fn primary(&self, generator: &mut Generator, experiment: usize, seats: usize) -> Vec<Seat> {
        let mut parts = vec![(&self.facts.pools[experiment], seats)];
        if self.table.conditions.is_some() {
            let quotas = self.quotas(experiment, seats).into_iter();
            parts = quotas
                .map(|(cell, quota)| (&self.facts.cells[cell].rows, quota))
                .collect();
        }
        if self.table.hours.is_some() {
            let focal = focal(self.table, &self.facts.pools[experiment], generator);
            return around(
                self.table,
                focal,
                self.settings.window,
                self.settings.global_fraction,
                &parts,
                generator,
            );
        }
        let mut found = Vec::new();
        for (rows, quota) in parts {
            found.extend(drawn_seats(generator.choose(rows, quota), Source::Primary));
        }
        found
    }
}

/// One of the times of an experiment.
pub(crate) fn focal(table: &Rows, pool: &[u32], generator: &mut Generator) -> f64 {
    let different = table.hours.as_ref().unwrap().distinct(pool);
    different[generator.below(different.len())]
}

/// Rows near the focal time of every part, then rows far from it.
pub(crate) fn around(
    table: &Rows,
    focal: f64,
    window: f64,
    global_fraction: f64,
    parts: &[(&Vec<u32>, usize)],
    generator: &mut Generator,
) -> Vec<Seat> {
    let hours = table.hours.as_ref().unwrap();
    let int = |seats: usize| (seats as f64 * global_fraction) as usize;
    let mut found = Vec::new();
    for source in [Source::Near, Source::Far] {
        let mut before = 0;
        for &(rows, quota) in parts {
            let far = int(before + quota) - int(before);
            before += quota;
            let is_of = |&row: &u32| hours.is_near(row, focal, window) == (source == Source::Near);
            let some: Vec<u32> = rows.iter().copied().filter(is_of).collect();
            let pool = if some.is_empty() { rows } else { &some };
            let seats = if source == Source::Near { quota - far } else { far };
            found.extend(drawn_seats(generator.choose(pool, seats), source));
        }
    }
    found
}
