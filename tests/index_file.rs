//! A file that the Python package wrote yields the batches that Python had of it.
#![cfg(feature = "file")]

#[allow(dead_code, reason = "this test brings plans of its own")]
mod common;

use std::sync::Arc;

use cascade_sampler::{Batches, Deal, DealtSettings, Index, Opening, Plan, Settings};
use common::{digest, int, read};

#[test]
fn an_index_that_python_saved() {
    let known = read("index");
    let path = format!("{}/tests/known_answers/index.safetensors", env!("CARGO_MANIFEST_DIR"));
    let how = Opening {
        verify: true,
        ..Opening::default()
    };
    let index = Arc::new(Index::open_with_pause::<cascade_sampler::Error>(path, how, || Ok(())).unwrap());
    assert_eq!(index.groups().rows() as u64, int(&known["rows"]));
    let drawn = Settings {
        batch_size: int(&known["batch_size"]),
        leaky: known["leaky"].as_f64().unwrap(),
        ..Settings::default()
    };
    let dealt = DealtSettings {
        batch_size: drawn.batch_size,
        leaky: drawn.leaky,
        ..DealtSettings::default()
    };
    for (name, plan) in [
        ("drawn", Plan::over(&index, &drawn).unwrap()),
        ("dealt", Plan::dealt_over(&index, &dealt).unwrap()),
    ] {
        let batches = Batches::<u32>::new(&plan, Deal::default(), int(&known["seed"]), int(&known["epoch"])).unwrap();
        let rows: Vec<u32> = batches.flat_map(Result::unwrap).collect();
        assert_eq!(digest(rows), known[name].as_str().unwrap(), "{name}");
    }
}
