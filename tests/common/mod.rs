//! The tables of the known answers, and how those are read.

use serde_json::Value;
use sha2::{Digest, Sha256};

use cascade_sampler::{Column, Plan, Settings};

pub(crate) fn read(name: &str) -> Value {
    let path = format!("{}/tests/known_answers/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) fn hex(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap(), 16).unwrap()
}

pub(crate) fn double(value: &Value) -> f64 {
    f64::from_bits(hex(value))
}

pub(crate) fn int(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

pub(crate) fn digest(indices: impl IntoIterator<Item = u32>) -> String {
    let mut sha = Sha256::new();
    for index in indices {
        sha.update(index.to_le_bytes());
    }
    sha.finalize()
        .iter()
        .fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}

fn mix(mut word: u32) -> u32 {
    word ^= word >> 16;
    word = word.wrapping_mul(0x7feb_352d);
    word ^= word >> 15;
    word = word.wrapping_mul(0x846c_a68b);
    word ^ (word >> 16)
}

/// Experiment and condition numbers of every row of a frame.
pub(crate) fn frame(frame: &Value) -> (Vec<u32>, Vec<u32>) {
    let salt = int(&frame["salt"]);
    let column = |j: u64, labels: u64, skew: bool| -> Vec<u32> {
        (0..int(&frame["rows"]))
            .map(|row| {
                let hash = u64::from(mix((3 * row + j + salt) as u32));
                let spread = if skew { (hash * hash) >> 32 } else { hash };
                ((spread * labels) >> 32) as u32
            })
            .collect()
    };
    (
        column(0, int(&frame["experiments"]), frame["skew"].as_bool().unwrap()),
        column(1, int(&frame["conditions"]), false),
    )
}

/// Weights or ratios by label number.
fn proportions(given: &Value, labels: u64) -> Option<Vec<Option<f64>>> {
    let mut values = vec![None; labels as usize];
    for (name, value) in given.as_object()? {
        let number: usize = name.rsplit('_').next().unwrap().parse().unwrap();
        values[number] = value.as_f64();
    }
    Some(values)
}

/// The plan of a case, whose arguments are upstream's.
pub(crate) fn plan(table: &Value, arguments: &Value) -> Plan {
    let (experiment, condition) = frame(table);
    let (experiments, conditions) = (int(&table["experiments"]), int(&table["conditions"]));
    let aware = arguments["experiment_aware"].as_bool().unwrap_or(true);
    let balanced = arguments["condition_balanced"].as_bool().unwrap_or(true);
    let settings = Settings {
        batch_size: int(&arguments["batch_size"]),
        leaky: arguments["leaky"].as_f64().unwrap_or(0.0),
        weights: proportions(&arguments["experiment_weights"], experiments).filter(|_| aware),
        ratios: proportions(&arguments["condition_ratio"], conditions).filter(|_| balanced),
        drop_last: arguments["drop_last"].as_bool().unwrap_or(true),
        batches: arguments["num_batches"].as_u64(),
    };
    let experiment = Column::from_ranks(&experiment, experiments as usize);
    let condition = Column::from_ranks(&condition, conditions as usize);
    Plan::new(
        experiment.len(),
        aware.then_some(&experiment),
        balanced.then_some(&condition),
        &settings,
    )
    .unwrap()
}
