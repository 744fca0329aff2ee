//! A file that Python's `Index.save` wrote, and the batches of Python's samplers over it.
#![cfg(feature = "file")]

use std::sync::Arc;

use cascade_sampler::{Batches, Deal, DealtSettings, Error, Index, Opening, Plan, Settings};
use serde_json::Value;

use crate::answers::{digest, int, read};

fn same(plan: &Plan, known: &Value) {
    let seed = int(&known["arguments"]["seed"]);
    let batches: Vec<Vec<u32>> = Batches::new(plan, Deal::default(), seed, 1)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let first: Vec<u32> = serde_json::from_value(known["first"].clone()).unwrap();
    assert_eq!(batches[0], first);
    assert_eq!(batches.len() as u64, int(&known["batches"]));
    assert_eq!(digest(batches.into_iter().flatten()), known["digest"].as_str().unwrap());
}

#[test]
fn a_file_that_python_wrote() {
    let known = read("index");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/known_answers/index.safetensors");
    let how = Opening {
        verify: true,
        ..Opening::default()
    };
    let index = Arc::new(Index::open_with_pause::<Error>(path, how, || Ok(())).unwrap());
    assert_eq!(index.groups().rows() as u64, int(&known["rows"]));
    assert_eq!(u64::from(index.groups().kept()), int(&known["kept"]));
    // What Python's classes do where nothing is said of times.
    let (batch_size, window, global_fraction) = (20, 2.0, 0.3);
    let drawn = Settings {
        batch_size,
        window,
        global_fraction,
        leaky: 0.2,
        ..Settings::default()
    };
    same(&Plan::over(&index, &drawn).unwrap(), &known["drawn"]);
    let dealt = DealtSettings {
        batch_size,
        window,
        global_fraction,
        leaky: 0.1,
        ..DealtSettings::default()
    };
    same(&Plan::dealt_over(&index, &dealt).unwrap(), &known["dealt"]);
}
