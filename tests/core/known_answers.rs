//! The known answers, layer by layer: seed words, raw words, doubles, bounded numbers, samples, plans, batches.

use std::collections::BTreeSet;

use crate::answers::{Frame, digest, double, drawn, frame, hex, hours, int, plan, read, settings};
use cascade_sampler::draw::{Generator, Slots, seed_words};
use cascade_sampler::{Batches, Column, Deal, Plan, Settings, Table};
use serde_json::Value;

#[test]
fn draws_of_each_kind() {
    for case in read("draws")["cases"].as_array().unwrap() {
        let seed = hex(&case["seed"]);
        let words: Vec<u64> = case["seed_words"].as_array().unwrap().iter().map(hex).collect();
        assert_eq!(seed_words(seed).to_vec(), words);
        let mut generator = Generator::new(seed);
        for word in case["next64"].as_array().unwrap() {
            assert_eq!(generator.next64(), hex(word));
        }
        let mut generator = Generator::new(seed);
        for half in case["next32"].as_array().unwrap() {
            assert_eq!(u64::from(generator.next32()), int(half));
        }
        let mut generator = Generator::new(seed);
        for number in case["unit"].as_array().unwrap() {
            assert_eq!(generator.unit().to_bits(), hex(number));
        }
        for (bound, numbers) in case["below"].as_object().unwrap() {
            let mut generator = Generator::new(seed);
            for number in numbers.as_array().unwrap() {
                assert_eq!(
                    u64::from(generator.below(bound.parse().unwrap())),
                    int(number),
                    "below({bound})"
                );
            }
        }
    }
}

#[test]
fn draws_in_turn() {
    for case in read("draws")["mixed"].as_array().unwrap() {
        let mut generator = Generator::new(hex(&case["seed"]));
        for step in case["steps"].as_array().unwrap() {
            match step[0].as_str().unwrap() {
                "below" => assert_eq!(u64::from(generator.below(int(&step[1]) as u32)), int(&step[2])),
                "unit" => assert_eq!(generator.unit().to_bits(), hex(&step[2])),
                "next64" => assert_eq!(generator.next64(), hex(&step[2])),
                "next32" => assert_eq!(u64::from(generator.next32()), int(&step[2])),
                kind => panic!("no such draw: {kind}"),
            }
        }
    }
}

#[test]
fn rejected_draws() {
    for case in read("draws")["rejections"].as_array().unwrap() {
        let mut generator = Generator::new(hex(&case["seed"]));
        let bound = int(&case["bound"]) as u32;
        let found = digest((0..int(&case["count"])).map(|_| generator.below(bound)));
        assert_eq!(found, case["sha256"].as_str().unwrap(), "below({bound})");
        assert_eq!(u64::from(generator.next32()), int(&case["then"]));
    }
}

#[test]
fn samples() {
    // One set of slots for all: what an earlier sample left must not show.
    let mut slots = Slots::default();
    for case in read("samples")["cases"].as_array().unwrap() {
        let (population, seats) = (int(&case["population"]) as u32, int(&case["seats"]) as usize);
        let mut generator = Generator::new(hex(&case["seed"]));
        if let Some(half) = case["half_before"].as_u64() {
            assert_eq!(u64::from(generator.next32()), half);
        }
        let mut passing = generator.clone();
        let mut found = vec![0; seats];
        generator.sample(population, &mut found, &mut slots).unwrap();
        let first = case["first"].as_array().unwrap();
        assert_eq!(
            found[..first.len()],
            first.iter().map(|v| int(v) as u32).collect::<Vec<_>>()
        );
        assert_eq!(
            digest(found),
            case["sha256"].as_str().unwrap(),
            "sample({population}, {seats})"
        );
        passing.pass(population, seats);
        assert_eq!(passing, generator, "pass({population}, {seats})");
        assert_eq!(u64::from(generator.next32()), int(&case["then"]));
    }
}

fn doubles(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(double).collect()
}

#[test]
fn running_sums() {
    for case in read("plans")["cdfs"].as_array().unwrap() {
        let weights = doubles(&case["weights"]);
        let ranks: Vec<u32> = (0..weights.len() as u32).collect();
        let settings = Settings {
            batch_size: 1,
            weights: Some(weights.iter().copied().map(Some).collect()),
            ..Settings::default()
        };
        let table = Table {
            rows: ranks.len(),
            experiments: Some(Column::from_ranks(&ranks, ranks.len())),
            ..Table::default()
        };
        let plan = Plan::new(&table, &settings).unwrap();
        assert_eq!(plan.cdf(), doubles(&case["cdf"]), "{} weights", ranks.len());
    }
}

#[test]
fn quotas() {
    for case in read("plans")["quotas"].as_array().unwrap() {
        let ratios = doubles(&case["ratios"]);
        let ranks: Vec<u32> = (0..ratios.len() as u32).collect();
        let settings = Settings {
            batch_size: int(&case["seats"]),
            ratios: Some(ratios.iter().copied().map(Some).collect()),
            batches: Some(1),
            ..Settings::default()
        };
        let table = Table {
            rows: ranks.len(),
            conditions: Some(Column::from_ranks(&ranks, ranks.len())),
            ..Table::default()
        };
        let plan = Plan::new(&table, &settings).unwrap();
        let mut found = vec![0; ratios.len()];
        for quota in drawn(&plan).full().quotas(0).unwrap() {
            found[quota.cell as usize] = u64::from(quota.seats);
        }
        let expected: Vec<u64> = case["quotas"].as_array().unwrap().iter().map(int).collect();
        assert_eq!(found, expected, "{ratios:?}");
    }
}

fn epoch(plan: &Plan, deal: Deal, seed: u64, epoch: u64) -> Vec<Vec<u32>> {
    Batches::new(plan, deal, seed, epoch)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn check_epochs_of_ranks(name: &str) {
    for case in read(name)["cases"].as_array().unwrap() {
        let plan = plan(&case["frame"], case);
        let ranks = case["ranks"].as_array().unwrap();
        for (rank, expected) in ranks.iter().enumerate() {
            let deal = Deal::new(ranks.len() as u64, rank as u64).unwrap();
            let found = epoch(&plan, deal, hex(&case["seed"]), int(&case["epoch"]));
            let sizes: Vec<u64> = found.iter().map(|batch| batch.len() as u64).collect();
            let expected_sizes: Vec<u64> = expected["sizes"].as_array().unwrap().iter().map(int).collect();
            assert_eq!(sizes, expected_sizes, "{}", case["why"]);
            let first: Vec<u64> = expected["first"].as_array().unwrap().iter().map(int).collect();
            let start: Vec<u64> = found[0].iter().take(first.len()).map(|&row| row.into()).collect();
            assert_eq!(start, first, "{}", case["why"]);
            assert_eq!(
                digest(found.concat()),
                expected["sha256"].as_str().unwrap(),
                "{}",
                case["why"]
            );
        }
    }
}

#[test]
fn batches() {
    check_epochs_of_ranks("batches");
}

#[test]
fn temporal_batches() {
    check_epochs_of_ranks("temporal");
}

fn check_upstream(case: &Value, plan: &Plan) {
    let arguments = &case["kwargs"];
    let found = epoch(plan, Deal::default(), int(&arguments["seed"]), int(&case["epoch"]));
    assert_eq!(found.len() as u64, int(&case["batches"]));
    assert_eq!(digest(found.concat()), case["sha256"].as_str().unwrap(), "{arguments}");
}

#[test]
fn upstream() {
    let cases = read("upstream");
    let cases = cases["v2"].as_array().unwrap();
    for case in cases {
        let mut arguments = case["kwargs"].clone();
        if arguments["temporal_enrichment"].as_bool().unwrap() {
            // Upstream does not split such a batch, whatever it is told.
            arguments["condition_balanced"] = false.into();
        }
        check_upstream(case, &plan(&case["frame"], &arguments));
    }
    assert_eq!(cases.len(), 48);
}

/// The labels of the columns that `names` has, or is, joined as text: one label a row.
fn joined(frame: &Frame, names: &Value) -> Option<Vec<String>> {
    let names: Vec<&str> = match names {
        Value::Null => return None,
        Value::String(name) => vec![name],
        names => names
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect(),
    };
    let label = |row: usize| {
        let parts: Vec<String> = names
            .iter()
            .map(|&name| match name {
                "experiment" => format!("exp_{:03}", frame.experiment[row]),
                "perturbation" => format!("cond_{:03}", frame.condition[row]),
                "hours_post_perturbation" => format!("{:?}", 0.5 * f64::from(frame.time[row])),
                name => panic!("no such column: {name}"),
            })
            .collect();
        parts.join("|")
    };
    Some((0..frame.time.len()).map(label).collect())
}

/// Labels in order, and the number of each row's label.
struct Labels {
    names: Vec<String>,
    ranks: Vec<u32>,
}

impl Labels {
    fn new(labels: &[String]) -> Self {
        let names: Vec<String> = labels.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let ranks = labels
            .iter()
            .map(|label| names.binary_search(label).unwrap() as u32)
            .collect();
        Self { names, ranks }
    }

    fn column(&self) -> Column<'_> {
        Column::from_ranks(&self.ranks, self.names.len())
    }
}

#[test]
fn upstream_with_any_columns() {
    let cases = read("upstream");
    let cases = cases["head"].as_array().unwrap();
    for case in cases {
        let (table, arguments) = (frame(&case["frame"]), &case["kwargs"]);
        let temporal = arguments["temporal_enrichment"].as_bool().unwrap();
        let groups = joined(&table, &arguments["batch_group_by"]);
        // Upstream does not split a temporal batch, whatever it is told.
        let strata = joined(&table, &arguments["stratify_by"]).filter(|_| !temporal);
        let groups = groups.as_deref().map(Labels::new);
        let strata = strata.as_deref().map(Labels::new);
        let weights = arguments["group_weights"].as_object().map(|given| {
            let names = &groups.as_ref().unwrap().names;
            names.iter().map(|name| given.get(name)?.as_f64()).collect()
        });
        let settings = Settings {
            weights,
            ..settings(arguments)
        };
        let hours = hours(&case["frame"]);
        let table = Table {
            rows: table.time.len(),
            experiments: groups.as_ref().map(Labels::column),
            conditions: strata.as_ref().map(Labels::column),
            times: temporal.then(|| hours.times()),
        };
        check_upstream(case, &Plan::new(&table, &settings).unwrap());
    }
    assert_eq!(cases.len(), 32);
}
