//! Time of batches beside a floor: as many bounded draws and random gathers from lists of the same size.
//!
//! `cargo bench --bench batches [-- ROWS...]`. Every figure is a median of repeated runs, the batch's and the floor's
//! taken in turn; both are nanoseconds an index.

use std::hint::black_box;
use std::time::Instant;

use cascade_sampler::{Batches, Column, Deal, Generator, Plan, Settings, Times};

const BATCH: usize = 256;
const ROUNDS: usize = 9;
const EXPERIMENTS: u32 = 20;

fn main() {
    let mut sizes: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![100_000, 1_000_000, 10_000_000, 50_000_000];
    }
    println!("rows        times       grouped  split   ns an index  floor  ratio   seconds to plan");
    for rows in sizes {
        let mut generator = Generator::new(1);
        // Skewed sizes: the product of two even draws.
        let experiment: Vec<u32> = (0..rows)
            .map(|_| (generator.unit() * generator.unit() * f64::from(EXPERIMENTS)) as u32)
            .collect();
        let condition: Vec<u32> = (0..rows).map(|_| generator.below(4)).collect();
        let few: Vec<f32> = (0..rows).map(|_| generator.below(48) as f32 * 0.5).collect();
        let continuous: Vec<f64> = (0..rows).map(|_| generator.unit() * 24.0).collect();
        let times = [
            ("none", None),
            ("48", Some(Times::F32(vec![&few]))),
            ("continuous", Some(Times::F64(vec![&continuous]))),
        ];
        for (name, times) in &times {
            for grouped in [true, false] {
                for split in [false, true] {
                    let settings = Settings {
                        batch_size: BATCH as u64,
                        batches: Some(u64::MAX >> 1),
                        ..Settings::default()
                    };
                    let start = Instant::now();
                    let plan = Plan::new(
                        rows,
                        grouped
                            .then(|| Column::from_ranks(&experiment, EXPERIMENTS as usize))
                            .as_ref(),
                        split.then(|| Column::from_ranks(&condition, 4)).as_ref(),
                        times.as_ref(),
                        &settings,
                    )
                    .expect("a plan");
                    let planned = start.elapsed().as_secs_f64();
                    let (batch, floor) = measure(&plan, rows, grouped, split);
                    println!(
                        "{rows:<11} {name:<11} {:<8} {:<7} {batch:<12.1} {floor:<6.1} {:<7.2} {planned:.3}",
                        if grouped { "yes" } else { "no" },
                        if split { "yes" } else { "no" },
                        batch / floor,
                    );
                }
            }
        }
    }
}

fn measure(plan: &Plan, rows: usize, grouped: bool, split: bool) -> (f64, f64) {
    let mut batches = Batches::<i64>::new(plan, Deal::default(), 3, 0).expect("a seed");
    let order: Vec<u32> = (0..rows as u32).rev().collect();
    let list = rows / if grouped { EXPERIMENTS as usize } else { 1 } / if split { 4 } else { 1 };
    let lists = rows / list;
    let mut generator = Generator::new(5);
    let (mut batch_times, mut floor_times) = (Vec::new(), Vec::new());
    let count = 400;
    for round in 0..=ROUNDS {
        let start = Instant::now();
        for _ in 0..count {
            black_box(batches.next());
        }
        let batch = start.elapsed().as_nanos() as f64 / (count * BATCH) as f64;
        let start = Instant::now();
        for _ in 0..count {
            black_box(floor(&mut generator, &order, list, lists, if split { 4 } else { 1 }));
        }
        let floor = start.elapsed().as_nanos() as f64 / (count * BATCH) as f64;
        if round > 0 {
            batch_times.push(batch);
            floor_times.push(floor);
        }
    }
    (median(&mut batch_times), median(&mut floor_times))
}

/// Draws positions in lists that lie one after another, two draws an index as a sample makes, and fetches the rows. The
/// fetches stand apart from the draws, so that they wait for memory together.
fn floor(generator: &mut Generator, order: &[u32], list: usize, lists: usize, parts: usize) -> Vec<i64> {
    let mut entries = [0; BATCH];
    for part in entries.chunks_exact_mut(BATCH / parts) {
        let start = generator.below(lists as u32) as usize * list;
        for (seat, entry) in (1..).zip(part) {
            *entry = start + generator.below(list as u32) as usize;
            black_box(generator.below(seat + 1));
        }
    }
    entries.iter().map(|&entry| i64::from(order[entry])).collect()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
