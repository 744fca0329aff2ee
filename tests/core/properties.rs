//! Drawn tables and settings against an oracle that is slow and obvious, and what must hold for all of them.

use std::collections::HashSet;

use crate::answers::drawn;
use cascade_sampler::columns::{MISSING, combine};
use cascade_sampler::draw::{Generator, Slots};
use cascade_sampler::plan::Positions;
use cascade_sampler::{Batches, Chunk, Codes, Column, Deal, Error, Plan, Settings, Table};
use proptest::prelude::*;

/// `sample` as the specification words it.
fn plain_sample(generator: &mut Generator, n: u32, k: usize) -> Vec<u32> {
    if k > n as usize {
        return (0..k).map(|_| generator.below(n)).collect();
    }
    let start = n - k as u32;
    if n > 10_000 && k > (n / 50) as usize {
        let mut all: Vec<u32> = (0..n).collect();
        for i in (start.max(1)..n).rev() {
            all.swap(i as usize, generator.below(i + 1) as usize);
        }
        return all.split_off(start as usize);
    }
    let mut chosen = HashSet::new();
    let mut out = Vec::new();
    for j in start..n {
        let drawn = generator.below(j + 1);
        let taken = if chosen.contains(&drawn) { j } else { drawn };
        chosen.insert(taken);
        out.push(taken);
    }
    for i in (1..k).rev() {
        out.swap(i, generator.below(i as u32 + 1) as usize);
    }
    out
}

#[derive(Clone, Debug)]
struct Case {
    experiment: Vec<u32>,
    condition: Vec<u32>,
    aware: bool,
    balanced: bool,
    settings: Settings,
    seed: u64,
    epoch: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let proportions = || proptest::option::of(proptest::collection::vec(proptest::option::of(0.1..4.0), 6));
    (1..200_usize, 1..6_u32, 1..5_u32).prop_flat_map(move |(rows, experiments, conditions)| {
        (
            proptest::collection::vec(0..experiments, rows),
            proptest::collection::vec(0..conditions, rows),
            any::<(bool, bool, bool)>(),
            (
                1..40_u64,
                0.0..=1.0,
                proportions(),
                proportions(),
                proptest::option::of(1..20_u64),
            ),
            (0..u64::MAX / 2, 0..1000_u64),
        )
            .prop_map(
                |(experiment, condition, (aware, balanced, drop_last), chosen, (seed, epoch))| {
                    let (batch_size, leaky, weights, ratios, batches) = chosen;
                    let only_present = |values: Option<Vec<Option<f64>>>, column: &[u32]| {
                        values
                            .map(|values| -> Vec<Option<f64>> {
                                let present = |label: usize| column.contains(&(label as u32));
                                (0..6).map(|label| values[label].filter(|_| present(label))).collect()
                            })
                            .filter(|values| values.iter().any(Option::is_some))
                    };
                    Case {
                        settings: Settings {
                            batch_size,
                            leaky,
                            weights: only_present(weights, &experiment).filter(|_| aware),
                            ratios: only_present(ratios, &condition).filter(|_| balanced),
                            drop_last,
                            batches,
                            ..Settings::default()
                        },
                        experiment,
                        condition,
                        aware,
                        balanced,
                        seed,
                        epoch,
                    }
                },
            )
    })
}

impl Case {
    fn plan(&self) -> Result<Plan, Error> {
        let table = Table {
            rows: self.experiment.len(),
            experiments: self.aware.then(|| Column::from_ranks(&self.experiment, 6)),
            conditions: self.balanced.then(|| Column::from_ranks(&self.condition, 6)),
            times: None,
        };
        Plan::new(&table, &self.settings)
    }

    /// One batch, every pool looked up in the table itself. Weights and quotas are the plan's, which has answers of its
    /// own.
    fn batch(&self, plan: &Plan, position: u64, generator: &mut Generator) -> Vec<u32> {
        let rows_where = |keep: &dyn Fn(usize) -> bool| -> Vec<u32> {
            (0..self.experiment.len())
                .filter(|&row| keep(row))
                .map(|row| row as u32)
                .collect()
        };
        let composition = drawn(plan).composition(position);
        let labels = plan.groups().experiment_labels();
        let picked = if self.aware {
            let unit = generator.unit();
            plan.cdf().iter().filter(|&&entry| entry <= unit).count()
        } else {
            0
        };
        let of = |row: usize| if self.aware { self.experiment[row] } else { 0 };
        let label = labels[picked];
        let mut leaked = Vec::new();
        if composition.leak() > 0 {
            let others: Vec<u32> = labels
                .iter()
                .filter(|&&other| other != label)
                .flat_map(|&other| rows_where(&|row| of(row) == other))
                .collect();
            leaked = choose(generator, &others, composition.leak());
        }
        let mut batch = Vec::new();
        if self.balanced {
            for quota in composition.quotas(picked).unwrap() {
                let cell = plan.groups().cells()[quota.cell as usize];
                let condition = plan.groups().condition_labels()[cell.condition as usize];
                let pool = rows_where(&|row| of(row) == label && self.condition[row] == condition);
                batch.extend(choose(generator, &pool, quota.seats as usize));
            }
        } else {
            batch.extend(choose(
                generator,
                &rows_where(&|row| of(row) == label),
                composition.primary(),
            ));
        }
        batch.extend(leaked);
        batch
    }
}

/// A table of an experiment and a condition column.
fn both<'a>(experiments: Column<'a>, conditions: Column<'a>) -> Table<'a> {
    Table {
        rows: experiments.len(),
        experiments: Some(experiments),
        conditions: Some(conditions),
        times: None,
    }
}

/// The experiment and the condition of every row, as the plan holds them.
fn positions(plan: &Plan) -> (Positions, Option<Positions>) {
    let groups = plan.groups();
    (
        groups.experiment_positions(|| Ok::<_, Error>(())).unwrap(),
        groups.condition_positions(|| Ok::<_, Error>(())).unwrap(),
    )
}

fn choose(generator: &mut Generator, pool: &[u32], seats: usize) -> Vec<u32> {
    let positions = plain_sample(generator, pool.len() as u32, seats);
    positions.into_iter().map(|position| pool[position as usize]).collect()
}

proptest! {
    #[test]
    fn samples_are_those_of_the_specification(
        seed: u64,
        half: bool,
        n in prop_oneof![1..40_u32, 9_990..10_060_u32, 10_000..80_000_u32],
        share in 0.0..1.2_f64,
    ) {
        let k = (f64::from(n).powf(share) as usize).min(4000);
        let mut generator = Generator::new(seed);
        if half {
            generator.next32();
        }
        let (mut plain, mut passing) = (generator.clone(), generator.clone());
        let mut slots = Slots::default();
        let mut found = vec![0; k];
        generator.sample(n, &mut found, &mut slots).unwrap();
        prop_assert_eq!(found, plain_sample(&mut plain, n, k));
        prop_assert_eq!(&generator, &plain);
        passing.pass(n, k);
        prop_assert_eq!(passing, plain);
    }

    #[test]
    fn batches_are_those_of_the_oracle(case in cases()) {
        let plan = match case.plan() {
            Ok(plan) => plan,
            Err(Error::NoBatches { rows, batch_size }) => {
                prop_assert!(rows < batch_size);
                return Ok(());
            }
            Err(Error::NoWeight | Error::NoCondition { .. }) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        let mut generator = Generator::new(case.seed + case.epoch);
        let total = plan.batches().min(20);
        let found: Vec<Vec<u32>> = Batches::new(&plan, Deal::default(), case.seed, case.epoch)
            .unwrap()
            .take(total as usize)
            .collect::<Result<_, _>>()
            .unwrap();
        for (position, batch) in (0..).zip(&found) {
            prop_assert_eq!(batch, &case.batch(&plan, position, &mut generator));
            prop_assert_eq!(batch.len(), plan.size(position));
        }
    }

    #[test]
    fn ranks_deal_out_the_global_sequence(case in cases(), replicas in 1..9_u64) {
        let Ok(plan) = case.plan() else { return Ok(()) };
        let rounds = Deal::new(replicas, 0).unwrap().rounds(plan.batches());
        let mut ranks: Vec<_> = (0..replicas)
            .map(|rank| Batches::<u32>::new(&plan, Deal::new(replicas, rank).unwrap(), case.seed, case.epoch).unwrap())
            .collect();
        let mut generator = Generator::new(case.seed + case.epoch);
        for position in 0..(rounds * replicas).min(60) {
            let batch = ranks[(position % replicas) as usize].next().unwrap().unwrap();
            prop_assert_eq!(batch, case.batch(&plan, position, &mut generator));
        }
    }

    #[test]
    fn columns_read_alike_in_any_chunks_and_widths(
        ranks in proptest::collection::vec(proptest::option::of(0..5_u32), 1..3000),
        cut in 0.0..1.0_f64,
    ) {
        let plain: Vec<u32> = ranks.iter().map(|rank| rank.unwrap_or(MISSING)).collect();
        let narrow: Vec<i8> = ranks.iter().map(|rank| rank.map_or(-1, |rank| 4 - rank as i8)).collect();
        let wide: Vec<i64> = ranks.iter().map(|rank| rank.map_or(-7, i64::from)).collect();
        let cut = (ranks.len() as f64 * cut) as usize;
        let backwards = [4, 3, 2, 1, 0];
        let column = Column::new(
            vec![
                Chunk { codes: Codes::I8(&narrow[..cut]), ranks: Some(&backwards) },
                Chunk { codes: Codes::I64(&wide[cut..]), ranks: None },
            ],
            5,
        );
        let settings = Settings { batch_size: 4, drop_last: false, leaky: 0.5, ..Settings::default() };
        let plan = |column: Column<'_>| Plan::new(&both(column.clone(), column), &settings);
        match (plan(column), plan(Column::from_ranks(&plain, 5))) {
            (Ok(found), Ok(expected)) => {
                prop_assert_eq!(positions(&found), positions(&expected));
                prop_assert_eq!(found.groups().cells(), expected.groups().cells());
            }
            (found, expected) => prop_assert_eq!(found.err(), expected.err()),
        }
    }

    #[test]
    fn many_labels_sort_as_few_do(
        codes in proptest::collection::vec((0..6_u32, 0..6_u32), 1..400),
    ) {
        // Labels spread so far apart that the table of all pairs would dwarf the rows.
        let (far, near): (Vec<u32>, Vec<u32>) = codes.iter().map(|&(a, _)| (a * 1000, a)).unzip();
        let (far_too, near_too): (Vec<u32>, Vec<u32>) = codes.iter().map(|&(_, b)| (b * 1000, b)).unzip();
        let settings = Settings { batch_size: 1, leaky: 1.0, ..Settings::default() };
        let plan = |experiments: &[u32], conditions: &[u32], labels: usize| {
            let column = |ranks| Column::from_ranks(ranks, labels);
            Plan::new(&both(column(experiments), column(conditions)), &settings).unwrap()
        };
        let (spread, dense) = (plan(&far, &far_too, 5001), plan(&near, &near_too, 6));
        prop_assert_eq!(spread.groups().cells(), dense.groups().cells());
        prop_assert_eq!(positions(&spread), positions(&dense));
        let first = combine(&Column::from_ranks(&far, 5001), &Column::from_ranks(&far_too, 5001)).unwrap();
        let second = combine(&Column::from_ranks(&near, 6), &Column::from_ranks(&near_too, 6)).unwrap();
        prop_assert_eq!(first.0, second.0);
    }
}
