//! Known answers of dealt batches, and what must hold for all of them.

#[allow(dead_code, reason = "these tests bring plans of their own")]
mod common;

use cascade_sampler::{Batches, Column, Deal, DealtSettings, Draft, MISSING, Origins, Plan, Source, Stream, Table, Weights};
use common::{Hours, digest, frame, hex, hours, int, proportions, read};
use serde_json::Value;

/// Row numbers of which every so many-th has no value, from an offset on: none where a frame says nothing.
fn missing(table: &Value, column: &str) -> impl Iterator<Item = usize> {
    let rows = int(&table["rows"]) as usize;
    let spacing = table["missing"][column].as_array();
    let (every, offset) = spacing.map_or((1, rows), |it| (int(&it[0]) as usize, int(&it[1]) as usize));
    (offset..rows).step_by(every)
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.is_string().then(|| hex(value)))
}

fn label(value: &Value) -> u32 {
    value.as_str().unwrap().rsplit('_').next().unwrap().parse().unwrap()
}

fn settings(table: &Value, arguments: &Value) -> DealtSettings {
    let defaults = DealtSettings::default();
    let weights = match arguments["experiment_weights"].as_str() {
        Some("sqrt") => Weights::Sqrt,
        Some("equal") => Weights::Equal,
        _ => proportions(&arguments["experiment_weights"], int(&table["experiments"]))
            .map_or(Weights::Size, Weights::Named),
    };
    let always = arguments["always"].as_array();
    DealtSettings {
        batch_size: int(&arguments["batch_size"]),
        leaky: arguments["leaky"].as_f64().unwrap_or(0.0),
        weights,
        ratios: proportions(&arguments["condition_ratio"], int(&table["conditions"])),
        always: always.into_iter().flatten().map(label).collect(),
        conditions_per_batch: arguments["conditions_per_batch"].as_u64(),
        run_length: arguments["run_length"].as_u64().unwrap_or(1),
        batches_per_experiment: arguments["batches_per_experiment"].as_u64().unwrap_or(1),
        batches: arguments["num_batches"].as_u64(),
        window: arguments["temporal_window_hours"].as_f64().unwrap_or(defaults.window),
        global_fraction: arguments["temporal_global_fraction"].as_f64().unwrap_or(defaults.global_fraction),
    }
}

fn plan(table: &Value, arguments: &Value) -> Plan {
    let mut numbers = frame(table);
    let mut hours = hours(table);
    for row in missing(table, "experiment") {
        numbers.experiment[row] = MISSING;
    }
    for row in missing(table, "condition") {
        numbers.condition[row] = MISSING;
    }
    for row in missing(table, "hours_post_infection") {
        match &mut hours {
            Hours::F64(hours) => hours[row] = f64::NAN,
            Hours::F32(hours) => hours[row] = f32::NAN,
        }
    }
    let is_on = |key: &str| arguments[key].is_string();
    let column = |codes, labels: &str| Column::from_ranks(codes, int(&table[labels]) as usize);
    let columns = Table {
        rows: numbers.time.len(),
        experiments: is_on("experiment_key").then(|| column(&numbers.experiment, "experiments")),
        conditions: is_on("condition_key").then(|| column(&numbers.condition, "conditions")),
        times: is_on("time_key").then(|| hours.times()),
    };
    Plan::dealt(&columns, &settings(table, arguments)).unwrap()
}

fn rows(batches: &[Vec<u32>]) -> String {
    digest(batches.iter().flatten().copied())
}

#[test]
fn vectors() {
    let cases = read("dealt_vectors");
    let cases = cases["cases"].as_array().unwrap();
    for case in cases {
        let arguments = &case["kwargs"];
        let plan = plan(&case["frame"], arguments);
        let seed = number(&arguments["seed"]).unwrap();
        let batches = Batches::<u32>::new(&plan, Deal::default(), seed, int(&case["epoch"])).unwrap();
        let batches: Vec<Vec<u32>> = batches.collect::<Result<_, _>>().unwrap();
        assert_eq!(batches.len() as u64, int(&case["batches"]), "{case}");
        for (found, expected) in batches.iter().zip(case["first"].as_array().unwrap()) {
            let expected: Vec<u32> = expected.as_array().unwrap().iter().map(|row| int(row) as u32).collect();
            assert_eq!(*found, expected, "{case}");
        }
        assert_eq!(rows(&batches), case["sha256"].as_str().unwrap(), "{case}");
    }
    assert_eq!(cases.len(), 64);
}

#[test]
fn batches() {
    for case in read("dealt_batches")["cases"].as_array().unwrap() {
        let why = &case["why"];
        let plan = plan(&case["frame"], &case["kwargs"]);
        assert_eq!(plan.batches(), int(&case["total"]), "{why}");
        let seed = number(&case["kwargs"]["seed"]).unwrap();
        for epoch in case["epochs"].as_array().unwrap() {
            let mut stream = Stream::new(&plan, seed, int(&epoch["epoch"])).unwrap();
            let (mut found, mut seats) = (Vec::new(), Vec::new());
            for number in 0..int(&epoch["batches"]) {
                let mut draft = Draft::default();
                stream.draw(&plan, &mut draft).unwrap();
                let origins = Origins::new(&plan, &draft).unwrap();
                let rows: Vec<u32> = origins.rows.iter().map(|&row| row as u32).collect();
                let letter = |source: &Source| match source {
                    Source::Primary => 0,
                    Source::Near => 1,
                    Source::Far => 2,
                    Source::Leak => 3,
                };
                let of_seats = origins.sources.iter().map(letter).zip(&origins.dealt);
                seats.extend(of_seats.map(|(source, &dealt)| 2 * source + u32::from(dealt)));
                if let Some(first) = epoch["first"].get(number as usize) {
                    let expected: Vec<u32> = first["rows"].as_array().unwrap().iter().map(|row| int(row) as u32).collect();
                    assert_eq!(rows, expected, "{why}");
                }
                found.push(rows);
            }
            assert_eq!(rows(&found), epoch["sha256"].as_str().unwrap(), "{why}");
            assert_eq!(digest(seats), epoch["origins"].as_str().unwrap(), "{why}");
        }
    }
}
