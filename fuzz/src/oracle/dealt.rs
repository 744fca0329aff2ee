//! Sections 2 and 3 of the specification's version 2.

use cascade_sampler::{DealtSettings, Source, Weights};

use crate::oracle::decks::{deal, key, lap, onto, places, word};
use crate::oracle::drawn::{around, focal};
use crate::oracle::draws::Generator;
use crate::oracle::shared::{Shared, named};
use crate::oracle::sums::exact;
use crate::oracle::{Seat, drawn_seats, weights};
use crate::table::{Facts, Rows};

pub(crate) struct Dealt<'a> {
    table: &'a Rows,
    facts: &'a Facts,
    settings: &'a DealtSettings,
    seed: u64,
}

/// A condition that shares a batch: its cell, which deal of it is on, and after how many deals in one block.
struct Share {
    cell: usize,
    ratio: f64,
    index: Option<u64>,
    block: u64,
}

impl<'a> Dealt<'a> {
    pub(crate) fn new(table: &'a Rows, facts: &'a Facts, settings: &'a DealtSettings, seed: u64) -> Self {
        Self {
            table,
            facts,
            settings,
            seed,
        }
    }

    /// The names of all errors that these arguments may be refused with; none where they are accepted.
    pub(crate) fn reasons(&self) -> Vec<&'static str> {
        let (table, settings) = (self.table, self.settings);
        let shared = Shared::from(settings);
        let mut always = settings.always.clone();
        always.sort_unstable();
        always.dedup();
        let for_conditions = !always.is_empty() || settings.conditions_per_batch.is_some();
        let block = settings.batches_per_experiment;
        let is_too_few = |most: u64| most < (always.len() as u64).max(1);
        let mut reasons = shared.reasons(table, self.facts);
        reasons.extend(named(&[
            (block == 0 || block >> 32 > 0, "BatchesPerExperiment"),
            (
                block > 0 && settings.batches.is_some_and(|batches| batches % block > 0),
                "BrokenBlocks",
            ),
            (settings.run_length == 0, "RunLength"),
            (
                settings.conditions_per_batch.is_some_and(is_too_few),
                "ConditionsPerBatch",
            ),
            (for_conditions && table.conditions.is_none(), "WithoutColumn"),
        ]));
        // What is asked of a column that there is not is looked at together with what is asked of labels.
        if reasons.iter().any(|&reason| reason != "WithoutColumn") {
            return reasons;
        }
        if shared.names_labels_without_rows(self.facts)
            || always.iter().any(|label| !self.facts.conditions.contains(label))
        {
            reasons.push("WithoutRows");
        }
        if let Weights::Named(given) = &settings.weights {
            reasons.extend(weights::reasons(&weights::given(given, &self.facts.experiments)));
        }
        if !reasons.is_empty() {
            return reasons;
        }
        if self.total() >> 32 > 0 {
            reasons.push("TooManyBatches");
        }
        if table.conditions.is_some() {
            let others = self.facts.conditions.iter().filter(|label| !always.contains(label));
            let is_wrong = |&label: &u32| self.ratio(label) != 0.0 && self.ratio(label) != 1.0;
            if settings.conditions_per_batch.is_some() && others.copied().any(|label| is_wrong(&label)) {
                reasons.push("RatioNotAllowed");
            }
            for experiment in (0..self.facts.experiments.len()).filter(|&it| self.can_pick(it)) {
                reasons.extend(self.wrong_with(experiment));
            }
        }
        reasons
    }

    /// What is wrong with the conditions of an experiment that can be picked.
    fn wrong_with(&self, experiment: usize) -> Option<&'static str> {
        let cells = self.cells_of(experiment);
        let most = self
            .settings
            .conditions_per_batch
            .unwrap_or(u64::MAX)
            .min(cells.len() as u64);
        let seats = self.primary();
        if cells.is_empty() {
            return Some("NoCondition");
        }
        if most > seats as u64 {
            return Some("TooFewSeats");
        }
        let ratios: Vec<f64> = self.shares(experiment, 0).iter().map(|share| share.ratio).collect();
        let overflows = ratios.iter().any(|ratio| !(seats as f64 * ratio).is_finite());
        (overflows || !exact(&ratios).is_finite()).then_some("Overflow")
    }

    fn leaked(&self) -> usize {
        let size = self.settings.batch_size as f64;
        if self.facts.experiments.len() > 1 {
            (size * self.settings.leaky) as usize
        } else {
            0
        }
    }

    fn primary(&self) -> usize {
        self.settings.batch_size as usize - self.leaked()
    }

    /// None where they are the shares of the rows.
    fn weights(&self) -> Option<Vec<f64>> {
        let rows = self.facts.pools.iter().map(|pool| pool.len() as f64);
        match &self.settings.weights {
            _ if self.table.experiments.is_none() => None,
            Weights::Size => None,
            Weights::Sqrt => Some(weights::normed(&rows.map(f64::sqrt).collect::<Vec<_>>())),
            Weights::Equal => Some(weights::normed(&rows.map(|_| 1.0).collect::<Vec<_>>())),
            Weights::Named(given) => Some(weights::normed(&weights::given(given, &self.facts.experiments))),
        }
    }

    fn can_pick(&self, experiment: usize) -> bool {
        self.weights().is_none_or(|weights| weights[experiment] > 0.0)
    }

    fn cdf(&self) -> Vec<f64> {
        let by_size = || {
            self.facts
                .pools
                .iter()
                .map(|pool| pool.len() as f64 / self.facts.kept as f64)
                .collect()
        };
        weights::cdf(&self.weights().unwrap_or_else(by_size))
    }

    fn ratio(&self, condition: u32) -> f64 {
        let given = self.settings.ratios.as_deref().unwrap_or_default();
        given.get(condition as usize).copied().flatten().unwrap_or(1.0)
    }

    /// Numbers of the cells of an experiment that take part.
    fn cells_of(&self, experiment: usize) -> Vec<usize> {
        let cells = self.facts.cells_of(experiment);
        cells
            .filter(|(_, cell)| self.ratio(cell.condition) > 0.0)
            .map(|(number, _)| number)
            .collect()
    }

    /// Blocks of each experiment in an epoch that is a pass.
    fn passes(&self) -> Vec<u64> {
        let seats = if self.primary() > 0 {
            self.primary()
        } else {
            self.settings.batch_size as usize
        };
        let blocks = |(experiment, pool): (usize, &Vec<u32>)| {
            let batches = pool.len().div_ceil(seats) as u64;
            if self.can_pick(experiment) {
                batches.div_ceil(self.settings.batches_per_experiment)
            } else {
                0
            }
        };
        self.facts.pools.iter().enumerate().map(blocks).collect()
    }

    fn blocks(&self) -> u64 {
        let of_a_pass = || self.passes().iter().sum();
        self.settings
            .batches
            .map_or_else(of_a_pass, |batches| batches / self.settings.batches_per_experiment)
    }

    pub(crate) fn total(&self) -> u64 {
        self.blocks() * self.settings.batches_per_experiment
    }

    /// Whether every epoch has the same blocks.
    pub(crate) fn is_pass(&self) -> bool {
        self.weights().is_none() && self.settings.batches.is_none()
    }

    fn ends(&self, epoch: u64) -> Vec<u64> {
        if self.is_pass() {
            let running = |sum: &mut u64, blocks| {
                *sum += blocks;
                Some(*sum)
            };
            return self.passes().into_iter().scan(0, running).collect();
        }
        let shift = (word(key(self.seed, 0, epoch, 0), 0) >> 32) as f64 * 2.0_f64.powi(-32);
        let all = self.blocks();
        let end = |entry: f64| all.min((all as f64 * entry + shift).floor() as u64);
        let mut ends: Vec<u64> = self.cdf().into_iter().map(end).collect();
        *ends.last_mut().unwrap() = all;
        ends
    }

    fn before(&self, experiment: usize, epoch: u64) -> u64 {
        if self.is_pass() {
            return epoch * self.passes()[experiment];
        }
        let blocks = |epoch| {
            let ends = self.ends(epoch);
            ends[experiment] - if experiment > 0 { ends[experiment - 1] } else { 0 }
        };
        (0..epoch).map(blocks).sum()
    }

    fn shares(&self, experiment: usize, turn: u64) -> Vec<Share> {
        let block = self.settings.batches_per_experiment;
        if self.table.conditions.is_none() {
            return vec![Share {
                cell: experiment,
                ratio: 1.0,
                index: Some(turn),
                block,
            }];
        }
        let share = |cell: usize, index, block| Share {
            cell,
            ratio: self.ratio(self.facts.cells[cell].condition),
            index,
            block,
        };
        let is_always = |&cell: &usize| self.settings.always.contains(&self.facts.cells[cell].condition);
        let (always, others): (Vec<usize>, Vec<usize>) = self.cells_of(experiment).into_iter().partition(is_always);
        let taken = match self.settings.conditions_per_batch {
            Some(most) => (most as usize).saturating_sub(always.len()).min(others.len()),
            None => others.len(),
        };
        let mut shares: Vec<Share> = always.iter().map(|&cell| share(cell, Some(turn), block)).collect();
        if taken == others.len() {
            shares.extend(others.iter().map(|&cell| share(cell, Some(turn), block)));
        } else if taken > 0 {
            let (lap, j) = lap(others.len(), taken, 1, turn);
            let shuffled = key(self.seed, 2, experiment as u64, lap);
            for (nth, place) in places(others.len(), taken, j).into_iter().enumerate() {
                let fills_up = j as usize * taken + nth >= others.len();
                let cell = others[deal(others.len(), shuffled, place)];
                shares.push(share(cell, (!fills_up).then_some(lap), 1));
            }
        }
        shares.sort_by_key(|share| share.cell);
        shares
    }

    /// Batch `g` of epoch `e`.
    pub(crate) fn batch(&self, g: u64, e: u64) -> Vec<Seat> {
        let (g, block) = (g % self.total(), self.settings.batches_per_experiment);
        let place = deal(self.blocks() as usize, key(self.seed, 1, e, 0), (g / block) as usize) as u64;
        let ends = self.ends(e);
        let experiment = ends.iter().filter(|&&end| end <= place).count();
        let first = if experiment > 0 { ends[experiment - 1] } else { 0 };
        let turn = (self.before(experiment, e) + place - first) * block + g % block;

        let batch = key(self.seed, 5, e, g);
        let mut generator = Generator::of([0, 1, 2, 3].map(|i| word(batch, i)));
        let focal = self
            .table
            .hours
            .as_ref()
            .map(|_| focal(self.table, &self.facts.pools[experiment], &mut generator));
        let shares = self.shares(experiment, turn);
        let ratios: Vec<f64> = shares.iter().map(|share| share.ratio).collect();
        let split = split(self.primary(), &ratios, &mut generator);
        let mut seats = Vec::new();
        if let Some(focal) = focal {
            let rows = shares.iter().map(|share| self.rows_of(share));
            let parts: Vec<_> = rows
                .zip(&split)
                .map(|(rows, &(_, base, odd))| (rows, base + odd))
                .collect();
            let (window, global_fraction) = (self.settings.window, self.settings.global_fraction);
            seats = around(self.table, focal, window, global_fraction, &parts, &mut generator);
        } else {
            for (share, (exact, base, odd)) in shares.iter().zip(split) {
                let held = base + usize::from(exact - base as f64 >= 0.5);
                seats.extend(self.from_cell(share, held, base + odd, &mut generator));
            }
        }
        seats.extend(self.leak(experiment, turn));
        seats
    }

    fn rows_of(&self, share: &Share) -> &Vec<u32> {
        if self.table.conditions.is_some() {
            &self.facts.cells[share.cell].rows
        } else {
            &self.facts.pools[share.cell]
        }
    }

    /// Rows of one cell that holds cards for `held` seats, of which `wanted` come.
    fn from_cell(&self, share: &Share, held: usize, wanted: usize, generator: &mut Generator) -> Vec<Seat> {
        let rows = self.rows_of(share);
        let len = rows.len();
        let Some(index) = share.index else {
            return drawn_seats(generator.choose(rows, wanted), Source::Primary).collect();
        };
        let mut length = 1;
        if held > 0 {
            let run = self.settings.run_length.min(1 << 40) as usize;
            length = held.div_ceil(held.div_ceil(run));
            if len / length <= held.div_ceil(length) {
                length = 1;
            }
        }
        let (cards, taken) = (len / length, held.div_ceil(length));
        let (lap, j) = if held > 0 {
            lap(len, held, share.block, index)
        } else {
            (index, 0)
        };
        let z = key(self.seed, 3, share.cell as u64, lap);
        let offset = if length > 1 { onto(word(z, 64), len) } else { 0 };
        let row_of = |card: usize, within: usize| rows[(offset + card * length + within) % len];
        let mut seats = Vec::new();
        for place in places(cards, taken, j) {
            let card = deal(cards, z, place);
            seats.extend((0..length).map(|d| Seat {
                row: row_of(card, d),
                source: Source::Primary,
                dealt: true,
            }));
        }
        seats.truncate(held.min(wanted));
        while seats.len() < wanted {
            let row = if cards > taken {
                let place = (j as usize * taken + taken + generator.below(cards - taken)) % cards;
                let card = deal(cards, z, place);
                row_of(card, generator.below(length))
            } else {
                rows[generator.below(len)]
            };
            seats.push(Seat {
                row,
                source: Source::Primary,
                dealt: false,
            });
        }
        seats
    }

    fn leak(&self, experiment: usize, turn: u64) -> Vec<Seat> {
        let taken = self.leaked();
        if taken == 0 {
            return Vec::new();
        }
        let mut others = self.facts.others(experiment);
        if self.table.conditions.is_some() {
            let cells = self.facts.cells.iter().filter(|cell| cell.experiment != experiment);
            others = cells.flat_map(|cell| &cell.rows).copied().collect();
        }
        let (lap, j) = lap(others.len(), taken, self.settings.batches_per_experiment, turn);
        let z = key(self.seed, 4, experiment as u64, lap);
        let places = places(others.len(), taken, j).into_iter();
        let row = |place| others[deal(others.len(), z, place)];
        places
            .map(|place| Seat {
                row: row(place),
                source: Source::Leak,
                dealt: true,
            })
            .collect()
    }
}

/// For each ratio its exact share of the seats, the whole seats of it, and the odd ones that come to them.
fn split(seats: usize, ratios: &[f64], generator: &mut Generator) -> Vec<(f64, usize, usize)> {
    let sum = exact(ratios);
    let mut left = seats;
    let mut split = Vec::new();
    for ratio in ratios {
        let exact = (seats as f64 * ratio) / sum;
        let base = left.min((exact + 1e-9).floor() as usize);
        left -= base;
        split.push((exact, base, 0));
    }
    if left > 0 && ratios.iter().all(|ratio| *ratio == ratios[0]) {
        for number in generator.sample(ratios.len(), left) {
            split[number].2 += 1;
        }
    } else if left > 0 {
        let order = generator.sample(ratios.len(), ratios.len());
        let shift = generator.unit();
        let mut sum = 0.0;
        let mut sums = Vec::new();
        for &number in &order {
            sum += f64::max(0.0, split[number].0 - split[number].1 as f64);
            sums.push(sum);
        }
        let mut given = 0;
        for (nth, &number) in order.iter().enumerate() {
            let upto = left.min(((sums[nth] * left as f64) / sum + shift).floor() as usize);
            let upto = if nth + 1 == order.len() { left } else { upto };
            split[number].2 = upto - given;
            given = upto;
        }
    }
    split
}
