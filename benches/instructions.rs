//! What callgrind counts: so many batches of a case, built, passed or dealt. `make instructions` runs it, by benches/instructions.sh.
//!
//! `instructions CASE batch|pass|deal BATCHES`; without arguments the cases are listed.

#[path = "common/mod.rs"]
mod common;

use std::hint::black_box;

use cascade_sampler::{Batches, Deal};
use common::CASES;

const ROWS: usize = 1_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let [case, what, batches] = &arguments[..] else {
        for case in CASES {
            println!("{}", case.name);
        }
        return;
    };
    let plan = match what.as_str() {
        "deal" => common::dealt_plan(common::named(case), ROWS),
        _ => common::plan(common::named(case), ROWS),
    };
    let batches: usize = batches.parse().expect("a number of batches");
    let mut built = Batches::<i64>::new(&plan, Deal::default(), 3, 0).expect("a seed");
    if what == "pass" {
        black_box(built.nth(batches));
    } else {
        for _ in 0..batches {
            black_box(built.next());
        }
    }
}
