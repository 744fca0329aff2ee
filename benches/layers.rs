//! Time of the core's layers, each by itself: draws, samples, batches, moving past them. `cargo bench --bench layers`.

#[path = "common/mod.rs"]
mod common;

use cascade_sampler::decks::Deck;
use cascade_sampler::draw::{Generator, Slots};
use cascade_sampler::{Batches, Deal};
use common::{BATCH, CASES};
use divan::Bencher;

/// Rows of the table.
const ROWS: usize = 1_000_000;
/// What is drawn from: the size of a pool, of a cell, and of one that the tail of a shuffle is taken of.
const POPULATIONS: [u32; 3] = [2_500_000, 9_000, 12_000];

fn main() {
    divan::main();
}

#[divan::bench]
fn seed() -> Generator {
    Generator::new(divan::black_box(7))
}

#[divan::bench]
fn word(bencher: Bencher) {
    let mut generator = Generator::new(1);
    bencher.bench_local(|| generator.next64());
}

#[divan::bench(args = [3, 50_000_000, (1 << 31) + 1])]
fn bounded(bencher: Bencher, bound: u32) {
    let mut generator = Generator::new(1);
    bencher.bench_local(|| generator.below(divan::black_box(bound)));
}

#[divan::bench(args = POPULATIONS)]
fn sampled(bencher: Bencher, population: u32) {
    let (mut generator, mut slots, mut out) = (Generator::new(1), Slots::default(), [0; BATCH]);
    bencher.bench_local(|| generator.sample(population, &mut out, &mut slots));
}

#[divan::bench(args = POPULATIONS)]
fn passed(bencher: Bencher, population: u32) {
    let mut generator = Generator::new(1);
    bencher.bench_local(|| generator.pass(population, BATCH));
}

#[divan::bench(args = CASES.map(|case| case.name))]
fn batch(bencher: Bencher, name: &str) {
    let plan = common::plan(common::named(name), ROWS);
    let mut batches = Batches::<i64>::new(&plan, Deal::default(), 3, 0).expect("a seed");
    bencher.bench_local(|| batches.next());
}

#[divan::bench(args = CASES.map(|case| case.name))]
fn a_hundred_batches_passed(bencher: Bencher, name: &str) {
    let plan = common::plan(common::named(name), ROWS);
    let mut batches = Batches::<i64>::new(&plan, Deal::default(), 3, 0).expect("a seed");
    bencher.bench_local(|| batches.nth(100));
}

#[divan::bench(args = [40, 1_000, 9_000, 2_500_000])]
fn cards(bencher: Bencher, cards: u32) {
    let (mut key, mut out) = (0, [0; BATCH]);
    bencher.bench_local(|| {
        key += 1;
        Deck::new(cards, key).deal(divan::black_box(cards / 3), &mut out);
        out
    });
}

#[divan::bench(args = CASES.map(|case| case.name))]
fn batch_dealt(bencher: Bencher, name: &str) {
    let plan = common::dealt_plan(common::named(name), ROWS);
    let mut batches = Batches::<i64>::new(&plan, Deal::default(), 3, 0).expect("a seed");
    bencher.bench_local(|| batches.next());
}
