//! Known answers of dealt batches, and what must hold for all of them.

use std::collections::HashSet;

use crate::answers::{Hours, digest, frame, hex, hours, int, proportions, read};
use cascade_sampler::audit::{Audit, Coverage};
use cascade_sampler::columns::MISSING;
use cascade_sampler::{Batches, Column, Deal, DealtSettings, Error, Mark, Plan, Source, Table, Weights};
use proptest::prelude::*;
use serde_json::Value;

/// Row numbers of which every so many-th has no value, from an offset on: none where a frame says nothing.
fn missing(table: &Value, column: &str) -> impl Iterator<Item = usize> {
    let rows = int(&table["rows"]) as usize;
    let spacing = table["missing"][column].as_array();
    let (every, offset) = spacing.map_or((1, rows), |it| (int(&it[0]) as usize, int(&it[1]) as usize));
    (offset..rows).step_by(every)
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.is_string().then(|| hex(value)))
}

fn label(value: &Value) -> u32 {
    value.as_str().unwrap().rsplit('_').next().unwrap().parse().unwrap()
}

fn settings(table: &Value, arguments: &Value) -> DealtSettings {
    let defaults = DealtSettings::default();
    let weights = match arguments["experiment_weights"].as_str() {
        Some("sqrt") => Weights::Sqrt,
        Some("equal") => Weights::Equal,
        _ => proportions(&arguments["experiment_weights"], int(&table["experiments"]))
            .map_or(Weights::Size, Weights::Named),
    };
    let always = arguments["always"].as_array();
    DealtSettings {
        batch_size: int(&arguments["batch_size"]),
        leaky: arguments["leaky"].as_f64().unwrap_or(0.0),
        weights,
        ratios: proportions(&arguments["condition_ratio"], int(&table["conditions"])),
        always: always.into_iter().flatten().map(label).collect(),
        conditions_per_batch: arguments["conditions_per_batch"].as_u64(),
        run_length: arguments["run_length"].as_u64().unwrap_or(1),
        batches_per_experiment: arguments["batches_per_experiment"].as_u64().unwrap_or(1),
        batches: arguments["num_batches"].as_u64(),
        window: arguments["temporal_window_hours"].as_f64().unwrap_or(defaults.window),
        global_fraction: arguments["temporal_global_fraction"]
            .as_f64()
            .unwrap_or(defaults.global_fraction),
    }
}

fn plan(table: &Value, arguments: &Value) -> Plan {
    let mut numbers = frame(table);
    let mut hours = hours(table);
    for row in missing(table, "experiment") {
        numbers.experiment[row] = MISSING;
    }
    for row in missing(table, "condition") {
        numbers.condition[row] = MISSING;
    }
    for row in missing(table, "hours_post_infection") {
        match &mut hours {
            Hours::F64(hours) => hours[row] = f64::NAN,
            Hours::F32(hours) => hours[row] = f32::NAN,
        }
    }
    let is_on = |key: &str| arguments[key].is_string();
    let column = |codes, labels: &str| Column::from_ranks(codes, int(&table[labels]) as usize);
    let columns = Table {
        rows: numbers.time.len(),
        experiments: is_on("experiment_key").then(|| column(&numbers.experiment, "experiments")),
        conditions: is_on("condition_key").then(|| column(&numbers.condition, "conditions")),
        times: is_on("time_key").then(|| hours.times()),
    };
    Plan::dealt(&columns, &settings(table, arguments)).unwrap()
}

fn rows(batches: &[Vec<u32>]) -> String {
    digest(batches.iter().flatten().copied())
}

#[test]
fn vectors() {
    let cases = read("dealt_vectors");
    let cases = cases["cases"].as_array().unwrap();
    for case in cases {
        let arguments = &case["kwargs"];
        let plan = plan(&case["frame"], arguments);
        let seed = number(&arguments["seed"]).unwrap();
        let batches = Batches::<u32>::new(&plan, Deal::default(), seed, int(&case["epoch"])).unwrap();
        let batches: Vec<Vec<u32>> = batches.collect::<Result<_, _>>().unwrap();
        assert_eq!(batches.len() as u64, int(&case["batches"]), "{case}");
        for (found, expected) in batches.iter().zip(case["first"].as_array().unwrap()) {
            let expected: Vec<u32> = expected.as_array().unwrap().iter().map(|row| int(row) as u32).collect();
            assert_eq!(*found, expected, "{case}");
        }
        assert_eq!(rows(&batches), case["sha256"].as_str().unwrap(), "{case}");
    }
    assert_eq!(cases.len(), 64);
}

#[test]
fn batches() {
    for case in read("dealt_batches")["cases"].as_array().unwrap() {
        let why = &case["why"];
        let plan = plan(&case["frame"], &case["kwargs"]);
        assert_eq!(plan.batches(), int(&case["total"]), "{why}");
        let seed = number(&case["kwargs"]["seed"]).unwrap();
        for epoch in case["epochs"].as_array().unwrap() {
            let replicas = case["num_replicas"].as_u64().unwrap_or(1);
            let mut of_ranks: Vec<_> = (0..replicas)
                .map(|rank| {
                    let deal = Deal::new(replicas, rank).unwrap();
                    Batches::<u32>::new(&plan, deal, seed, int(&epoch["epoch"])).unwrap()
                })
                .collect();
            let (mut found, mut seats) = (Vec::new(), Vec::new());
            for number in 0..int(&epoch["batches"]) {
                let batches = &mut of_ranks[(number % replicas) as usize];
                let rows = batches.next().unwrap().unwrap();
                let origins = batches.origins().unwrap();
                assert!(origins.rows.iter().copied().eq(rows.iter().map(|&row| i64::from(row))));
                let letter = |source: &Source| match source {
                    Source::Primary => 0,
                    Source::Near => 1,
                    Source::Far => 2,
                    Source::Leak => 3,
                };
                let of_seats = origins.sources.iter().map(letter).zip(&origins.dealt);
                seats.extend(of_seats.map(|(source, &dealt)| 2 * source + u32::from(dealt)));
                if let Some(first) = epoch["first"].get(number as usize) {
                    let expected: Vec<u32> = first["rows"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|row| int(row) as u32)
                        .collect();
                    assert_eq!(rows, expected, "{why}");
                }
                found.push(rows);
            }
            assert!(of_ranks.iter_mut().all(|batches| batches.next().is_none()), "{why}");
            assert_eq!(rows(&found), epoch["sha256"].as_str().unwrap(), "{why}");
            assert_eq!(digest(seats), epoch["origins"].as_str().unwrap(), "{why}");
        }
    }
}

const EXPERIMENT: [u32; 12] = [0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2];
const CONDITION: [u32; 12] = [0, 1, 0, 1, 1, 3, 1, 3, 1, 3, 0, 0];

fn small(change: impl Fn(&mut DealtSettings)) -> Result<Plan, Error> {
    let mut settings = DealtSettings {
        batch_size: 4,
        ..DealtSettings::default()
    };
    change(&mut settings);
    let table = Table {
        rows: 12,
        experiments: Some(Column::from_ranks(&EXPERIMENT, 3)),
        conditions: Some(Column::from_ranks(&CONDITION, 4)),
        times: None,
    };
    Plan::dealt(&table, &settings)
}

#[test]
fn settings_out_of_range() {
    let refused = |change: &dyn Fn(&mut DealtSettings)| small(change).unwrap_err();
    assert_eq!(
        refused(&|s| s.batch_size = 2),
        Error::TooFewSeats {
            experiment: 2,
            conditions: 3,
            seats: 2
        }
    );
    assert!(small(|s| (s.batch_size, s.conditions_per_batch) = (2, Some(2))).is_ok());
    // An experiment that cannot be picked may have too many.
    assert!(small(|s| (s.batch_size, s.weights) = (2, Weights::Named(vec![Some(1.0)]))).is_ok());
    assert!(matches!(
        refused(&|s| s.leaky = 1.0),
        Error::TooFewSeats { seats: 0, .. }
    ));
    for (found, always) in [(0, vec![]), (1, vec![0, 1]), (0, vec![0, 0])] {
        let different = u64::from(!always.is_empty()) + u64::from(always.contains(&1));
        let change = |s: &mut DealtSettings| (s.conditions_per_batch, s.always) = (Some(found), always.clone());
        let error = Error::ConditionsPerBatch {
            found,
            always: different,
        };
        assert_eq!(small(change).unwrap_err(), error);
    }
    for batches in [0_u64, 7, 9] {
        let error = refused(&|s| (s.batches, s.batches_per_experiment) = (Some(batches), 4));
        match batches {
            0 => assert_eq!(error, Error::Batches { found: 0 }),
            _ => assert_eq!(error, Error::BrokenBlocks { batches, block: 4 }),
        }
    }
    let message = refused(&|s| (s.batches, s.batches_per_experiment) = (Some(9), 4)).to_string();
    assert!(message.ends_with("the nearest are 8 and 12"), "{message}");
    let message = refused(&|s| (s.batches, s.batches_per_experiment) = (Some(3), 4)).to_string();
    assert!(message.ends_with("the nearest is 4"), "{message}");
    let without = |what, label| Error::WithoutRows { what, label };
    assert_eq!(refused(&|s| s.always = vec![1, 2]), without("always", 2));
    assert_eq!(
        refused(&|s| s.ratios = Some(vec![None, None, Some(1.0)])),
        without("ratio", 2)
    );
    let named = |values: [f64; 4]| Some(values.map(|value| (value >= 0.0).then_some(value)).to_vec());
    let turns =
        |ratios: [f64; 4]| small(|s| (s.conditions_per_batch, s.always, s.ratios) = (Some(2), vec![1], named(ratios)));
    assert!(turns([0.0, 2.5, -1.0, 1.0]).is_ok());
    assert_eq!(
        turns([0.5, 2.5, -1.0, 1.0]).unwrap_err(),
        Error::RatioNotAllowed { label: 0, found: 0.5 }
    );
    assert_eq!(
        refused(&|s| s.ratios = named([0.0, 0.0, -1.0, 1.0])),
        Error::NoCondition { experiment: 0 }
    );
    assert_eq!(
        refused(&|s| s.ratios = named([1e308, 1e308, -1.0, 1e308])),
        Error::Overflow { what: "ratios" }
    );
    assert_eq!(refused(&|s| s.run_length = 0), Error::RunLength { found: 0 });
    for found in [0, 1 << 32] {
        assert_eq!(
            refused(&|s| s.batches_per_experiment = found),
            Error::BatchesPerExperiment { found }
        );
    }
    assert_eq!(
        refused(&|s| s.batches = Some(1 << 32)),
        Error::TooManyBatches { total: 1 << 32 }
    );
    assert_eq!(
        refused(&|s| s.batches_per_experiment = (1 << 32) - 1),
        Error::TooManyBatches {
            total: 2 * ((1 << 32) - 1)
        }
    );
    assert!(small(|s| s.batches = Some((1 << 32) - 1)).is_ok());
}

#[test]
fn what_is_for_conditions_without_a_column() {
    let refused = |settings: DealtSettings| {
        let table = Table {
            rows: 12,
            ..Table::default()
        };
        Plan::dealt(&table, &settings).unwrap_err()
    };
    let settings = DealtSettings::default;
    let without = |what| Error::WithoutColumn { what };
    assert_eq!(
        refused(DealtSettings {
            always: vec![0],
            ..settings()
        }),
        without("always")
    );
    assert_eq!(
        refused(DealtSettings {
            conditions_per_batch: Some(1),
            ..settings()
        }),
        without("conditions_per_batch")
    );
    assert_eq!(
        refused(DealtSettings {
            weights: Weights::Named(vec![Some(1.0)]),
            ..settings()
        }),
        without("weight")
    );
}

#[test]
fn epochs_that_there_are_not() {
    let plan = small(|_| {}).unwrap();
    let batches = |epoch| Batches::<u32>::new(&plan, Deal::default(), u64::MAX, epoch);
    assert!(batches((1 << 20) - 1).is_ok());
    let error = batches(1 << 20).unwrap_err();
    assert_eq!(
        error,
        Error::Epoch {
            epoch: 1 << 20,
            limit: 1 << 20
        }
    );
}

#[derive(Clone, Debug)]
struct Case {
    columns: Vec<(u32, u32)>,
    keys: (bool, bool),
    settings: DealtSettings,
    seed: u64,
    epoch: u64,
}

impl Case {
    fn plan(&self) -> Plan {
        let (experiments, conditions): (Vec<u32>, Vec<u32>) = self.columns.iter().copied().unzip();
        let table = Table {
            rows: self.columns.len(),
            experiments: self.keys.0.then(|| Column::from_ranks(&experiments, 4)),
            conditions: self.keys.1.then(|| Column::from_ranks(&conditions, 4)),
            times: None,
        };
        Plan::dealt(&table, &self.settings).unwrap()
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let columns = proptest::collection::vec((0..4_u32, 0..4_u32), 1..400);
    let weights = prop_oneof![Just(Weights::Size), Just(Weights::Sqrt), Just(Weights::Equal)];
    let numbers = (8..40_u64, 1..5_u64, proptest::option::of(1..30_u64), 1..9_u64);
    let chosen = (0.0..0.5_f64, proptest::option::of(1..4_u64), any::<(bool, bool)>());
    (columns, weights, numbers, chosen, any::<u64>(), 0..50_u64).prop_map(
        |(columns, weights, (batch_size, block, blocks, run_length), (leaky, turns, keys), seed, epoch)| Case {
            columns,
            settings: DealtSettings {
                batch_size,
                leaky,
                weights: if keys.0 { weights } else { Weights::Size },
                conditions_per_batch: turns.filter(|_| keys.1),
                run_length,
                batches_per_experiment: block,
                batches: blocks.map(|blocks| blocks * block),
                ..DealtSettings::default()
            },
            keys,
            seed,
            epoch,
        },
    )
}

fn epoch(plan: &Plan, deal: Deal, seed: u64, epoch: u64) -> Vec<Vec<u32>> {
    let batches = Batches::new(plan, deal, seed, epoch).unwrap();
    batches.collect::<Result<_, _>>().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_batch_is_what_its_number_says(case in cases(), ranks in 1..6_u64, start in any::<prop::sample::Index>()) {
        let plan = case.plan();
        let all = epoch(&plan, Deal::default(), case.seed, case.epoch);
        prop_assert_eq!(all.len() as u64, plan.batches());
        for rank in 0..ranks {
            let deal = Deal::new(ranks, rank).unwrap();
            for (round, batch) in (0..).zip(epoch(&plan, deal, case.seed, case.epoch)) {
                prop_assert_eq!(&batch, &all[(deal.position(round) % plan.batches()) as usize]);
            }
        }
        // Another plan of the same table remembers no epoch.
        let fresh = case.plan();
        let mark = Mark {
            batches: start.index(all.len()) as u64,
            ..Mark::beginning(case.epoch.into())
        };
        let rest = Batches::<u32>::at(&fresh, Deal::default(), case.seed, &mark).unwrap();
        let rest: Vec<Vec<u32>> = rest.collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(&rest[..], &all[mark.batches as usize..]);
    }

    #[test]
    fn seats_are_of_whom_they_are_for(case in cases()) {
        let plan = case.plan();
        let mut batches = Batches::<u32>::new(&plan, Deal::default(), case.seed, case.epoch).unwrap();
        let mut before = None;
        for number in 0..plan.batches() {
            batches.next().unwrap().unwrap();
            let origins = batches.origins().unwrap();
            prop_assert_eq!(origins.rows.len() as u64, case.settings.batch_size);
            let leaks = origins.sources.iter().filter(|&&source| source == Source::Leak).count();
            prop_assert_eq!(leaks, plan.leak());
            if case.keys.0 {
                for (experiment, source) in origins.experiments.iter().zip(&origins.sources) {
                    prop_assert_eq!(*experiment == origins.picked, *source != Source::Leak);
                }
                if number % case.settings.batches_per_experiment > 0 {
                    prop_assert_eq!(before, Some(origins.picked));
                }
            }
            before = Some(origins.picked);
            let mut seen = HashSet::new();
            for (row, replaced) in origins.rows.iter().zip(&origins.replaced) {
                prop_assert!(seen.insert(row) || *replaced);
            }
        }
    }

    #[test]
    fn an_epoch_is_a_pass(mut case in cases(), epoch_of in 0..22_u64) {
        case.keys.1 = false;
        case.settings = DealtSettings {
            weights: Weights::Size,
            batches: None,
            run_length: 1,
            conditions_per_batch: None,
            ..case.settings
        };
        let plan = case.plan();
        let primary = plan.batch_size() - plan.leak();
        let mut rows: Vec<u32> = epoch(&plan, Deal::default(), case.seed, epoch_of)
            .iter()
            .flat_map(|batch| &batch[..primary])
            .copied()
            .collect();
        rows.sort_unstable();
        rows.dedup();
        prop_assert_eq!(rows.len(), case.columns.len());
    }

    #[test]
    fn coverage_is_as_counted(mut case in cases()) {
        case.columns = case.columns.iter().copied().cycle().take(3000).collect();
        let plan = case.plan();
        let audit = Audit::new::<Error>(&plan, case.seed, case.epoch, 3, None, |_| Ok(())).unwrap();
        let coverage = Coverage::of::<Error>(&plan, case.seed, case.epoch, || Ok(())).unwrap().unwrap();
        let unseen: f64 = coverage.unseen(3.0).unwrap().iter().sum();
        let (expected, counted) = (3000.0 - unseen, audit.seen[2] as f64);
        prop_assert!((expected - counted).abs() <= 0.02 * counted + 60.0, "{} {}", expected, counted);
    }
}
