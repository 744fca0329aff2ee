//! A file that Python's `Index.save` wrote, and the batches of Python's samplers over it.

#![cfg(feature = "file")]

#[allow(dead_code, reason = "this test brings plans of its own")]
mod common;

use std::sync::Arc;

use cascade_sampler::{Batches, Deal, DealtSettings, Index, Plan, Settings};
use common::{int, read};
use serde_json::Value;

fn same(plan: &Plan, case: &Value) {
    let seed = int(&case["arguments"]["seed"]);
    let batches: Vec<Vec<u32>> = Batches::new(plan, Deal::default(), seed, 1)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let expected: Vec<Vec<u32>> = serde_json::from_value(case["batches"].clone()).unwrap();
    assert_eq!(batches, expected);
}

#[test]
fn a_file_that_python_wrote() {
    let answers = read("cells");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/known_answers/cells.safetensors");
    let index = Arc::new(Index::open(path).unwrap());
    assert_eq!(index.groups().rows() as u64, int(&answers["rows"]));
    assert_eq!(u64::from(index.groups().kept()), int(&answers["kept"]));
    let (batch_size, window, global_fraction) = (20, 2.0, 0.3);
    let drawn = Settings {
        batch_size,
        window,
        global_fraction,
        leaky: 0.2,
        ..Settings::default()
    };
    same(&Plan::over(&index, &drawn).unwrap(), &answers["drawn"]);
    let dealt = DealtSettings {
        batch_size,
        window,
        global_fraction,
        leaky: 0.1,
        ..DealtSettings::default()
    };
    same(&Plan::dealt_over(&index, &dealt).unwrap(), &answers["dealt"]);
}
