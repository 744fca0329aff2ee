//! The tables of the known answers, and how those are read.

use serde_json::Value;
use sha2::{Digest, Sha256};

use cascade_sampler::plan::{Drawn, Rule};
use cascade_sampler::{Column, Plan, Settings, Table, Times};

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

/// The numbers that a frame holds for each row.
pub(crate) struct Frame {
    pub(crate) experiment: Vec<u32>,
    pub(crate) condition: Vec<u32>,
    pub(crate) time: Vec<u32>,
}

pub(crate) fn frame(frame: &Value) -> Frame {
    let salt = int(&frame["salt"]);
    let column = |j: u64, labels: &str, skew: bool| -> Vec<u32> {
        (0..int(&frame["rows"]))
            .map(|row| {
                let hash = u64::from(mix((3 * row + j + salt) as u32));
                let spread = if skew { (hash * hash) >> 32 } else { hash };
                ((spread * int(&frame[labels])) >> 32) as u32
            })
            .collect()
    };
    Frame {
        experiment: column(0, "experiments", frame["skew"].as_bool().unwrap()),
        condition: column(1, "conditions", false),
        time: column(2, "times", false),
    }
}

/// Hours in the width that a case asks for.
pub(crate) enum Hours {
    F64(Vec<f64>),
    F32(Vec<f32>),
}

impl Hours {
    pub(crate) fn times(&self) -> Times<'_> {
        match self {
            Self::F64(hours) => Times::F64(vec![hours]),
            Self::F32(hours) => Times::F32(vec![hours]),
        }
    }
}

/// The time of every row of a frame, half an hour a number where it says nothing else.
pub(crate) fn hours(table: &Value) -> Hours {
    let given = &table["time"];
    let mut numbers = frame(table).time;
    if let Some(spread) = given["spread"].as_u64() {
        let rows = numbers.len() as u64;
        numbers = (0..rows).map(|row| (row * spread % rows) as u32).collect();
    }
    let step = given["step"].as_f64().unwrap_or(0.5);
    let offset = given["offset"].as_f64().unwrap_or(0.0);
    let values = given["values"].as_array();
    if given["dtype"] == "float32" {
        let hour = |number: u32| match values {
            Some(values) => f32::from_bits(hex(&values[number as usize]) as u32),
            None => number as f32 * step as f32 + offset as f32,
        };
        Hours::F32(numbers.into_iter().map(hour).collect())
    } else {
        let hour = |number: u32| match values {
            Some(values) => double(&values[number as usize]),
            None => f64::from(number) * step + offset,
        };
        Hours::F64(numbers.into_iter().map(hour).collect())
    }
}

/// Weights or ratios by label number.
pub(crate) fn proportions(given: &Value, labels: u64) -> Option<Vec<Option<f64>>> {
    let mut values = vec![None; labels as usize];
    for (name, value) in given.as_object()? {
        let number: usize = name.rsplit('_').next().unwrap().parse().unwrap();
        values[number] = value.as_f64();
    }
    Some(values)
}

/// The settings that all kinds of cases name alike.
pub(crate) fn settings(arguments: &Value) -> Settings {
    let defaults = Settings::default();
    let window = &arguments["temporal_window_hours"];
    Settings {
        batch_size: int(&arguments["batch_size"]),
        leaky: arguments["leaky"].as_f64().unwrap_or(0.0),
        drop_last: arguments["drop_last"].as_bool().unwrap_or(true),
        batches: arguments["num_batches"].as_u64(),
        // By its bits where a case may ask for infinity.
        window: match window {
            Value::String(_) => double(window),
            _ => window.as_f64().unwrap_or(defaults.window),
        },
        global_fraction: arguments["temporal_global_fraction"]
            .as_f64()
            .unwrap_or(defaults.global_fraction),
        ..defaults
    }
}

/// The plan of a case, whose arguments are upstream's.
pub(crate) fn plan(table: &Value, arguments: &Value) -> Plan {
    let numbers = frame(table);
    let (experiments, conditions) = (int(&table["experiments"]), int(&table["conditions"]));
    let aware = arguments["experiment_aware"].as_bool().unwrap_or(true);
    let balanced = arguments["condition_balanced"].as_bool().unwrap_or(true);
    let temporal = arguments["temporal_enrichment"].as_bool().unwrap_or(false);
    let settings = Settings {
        weights: proportions(&arguments["experiment_weights"], experiments).filter(|_| aware),
        ratios: proportions(&arguments["condition_ratio"], conditions).filter(|_| balanced),
        ..settings(arguments)
    };
    let hours = hours(table);
    let table = Table {
        rows: numbers.time.len(),
        experiments: aware.then(|| Column::from_ranks(&numbers.experiment, experiments as usize)),
        conditions: balanced.then(|| Column::from_ranks(&numbers.condition, conditions as usize)),
        times: temporal.then(|| hours.times()),
    };
    Plan::new(&table, &settings).unwrap()
}

/// What only drawn batches have.
pub(crate) fn drawn(plan: &Plan) -> &Drawn {
    match plan.rule() {
        Rule::Drawn(drawn) => drawn,
        rule => panic!("{rule:?}"),
    }
}
