//! The known answers, layer by layer: seed words, raw words, doubles, bounded numbers, samples, plans, batches.

mod common;

use cascade_sampler::{Batches, Column, Deal, Generator, Plan, Settings, Slots, sample, seed_words};
use common::{digest, double, hex, int, plan, read};
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
        slots.reserve(seats.min(population as usize)).unwrap();
        sample(&mut generator, population, &mut found, &mut slots);
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
        cascade_sampler::pass(&mut passing, population, seats);
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
        let experiments = Column::from_ranks(&ranks, ranks.len());
        let plan = Plan::new(ranks.len(), Some(&experiments), None, &settings).unwrap();
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
        let conditions = Column::from_ranks(&ranks, ranks.len());
        let plan = Plan::new(ranks.len(), None, Some(&conditions), &settings).unwrap();
        let mut found = vec![0; ratios.len()];
        for quota in plan.full().quotas(0).unwrap() {
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

#[test]
fn batches() {
    for case in read("batches")["cases"].as_array().unwrap() {
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
fn upstream() {
    let mut checked = 0;
    for case in read("upstream")["v2"].as_array().unwrap() {
        let arguments = &case["kwargs"];
        if arguments["temporal_enrichment"].as_bool().unwrap() {
            continue;
        }
        let plan = plan(&case["frame"], arguments);
        let found = epoch(&plan, Deal::default(), int(&arguments["seed"]), int(&case["epoch"]));
        assert_eq!(found.len() as u64, int(&case["batches"]));
        assert_eq!(digest(found.concat()), case["sha256"].as_str().unwrap(), "{arguments}");
        checked += 1;
    }
    assert_eq!(checked, 37);
}
