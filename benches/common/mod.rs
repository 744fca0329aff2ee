//! Plans over drawn tables, for the benches that need no table from outside.

use cascade_sampler::draw::Generator;
use cascade_sampler::{Column, DealtSettings, Plan, Settings, Table, Times};

pub(crate) const BATCH: usize = 256;
pub(crate) const EXPERIMENTS: usize = 20;
pub(crate) const CONDITIONS: usize = 4;

/// Which times a table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    None,
    Few,
    Continuous,
}

/// Which features of a plan are on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) grouped: bool,
    pub(crate) balanced: bool,
    pub(crate) leaky: f64,
    pub(crate) clock: Clock,
}

const fn case(name: &'static str, grouped: bool, balanced: bool, leaky: f64, clock: Clock) -> Case {
    Case {
        name,
        grouped,
        balanced,
        leaky,
        clock,
    }
}

pub(crate) const CASES: [Case; 9] = [
    case("grouped", true, false, 0.0, Clock::None),
    case("balanced", true, true, 0.0, Clock::None),
    case("leaky", true, true, 0.2, Clock::None),
    case("few_times", true, false, 0.0, Clock::Few),
    case("few_times_balanced", true, true, 0.0, Clock::Few),
    case("few_times_ungrouped", false, false, 0.0, Clock::Few),
    case("continuous", true, false, 0.0, Clock::Continuous),
    case("continuous_balanced", true, true, 0.0, Clock::Continuous),
    case("continuous_ungrouped", false, false, 0.0, Clock::Continuous),
];

/// Settings of an epoch that does not end.
pub(crate) fn settings(leaky: f64) -> Settings {
    Settings {
        batch_size: BATCH as u64,
        leaky,
        batches: Some(u64::MAX >> 1),
        ..Settings::default()
    }
}

/// Conditions that share a batch where they do so in turn.
pub(crate) const SHARING: u64 = 32;

/// As [`settings`], dealt: an epoch has as many batches as one can have.
pub(crate) fn dealt_settings(leaky: f64, in_turn: bool) -> DealtSettings {
    DealtSettings {
        batch_size: BATCH as u64,
        leaky,
        conditions_per_batch: in_turn.then_some(SHARING),
        batches: Some(u64::from(u32::MAX)),
        ..DealtSettings::default()
    }
}

/// The plan of a case over a table of so many rows, the same every time.
pub(crate) fn plan(case: Case, rows: usize) -> Plan {
    with_table(case, rows, |table| {
        Plan::new(table, &settings(case.leaky)).expect("a plan")
    })
}

/// As [`plan`], dealt.
pub(crate) fn dealt_plan(case: Case, rows: usize) -> Plan {
    with_table(case, rows, |table| {
        Plan::dealt(table, &dealt_settings(case.leaky, false)).expect("a plan")
    })
}

fn with_table(case: Case, rows: usize, make: impl FnOnce(&Table<'_>) -> Plan) -> Plan {
    let mut generator = Generator::new(1);
    // Skewed sizes: the product of two even draws.
    let experiment: Vec<u32> = (0..rows)
        .map(|_| (generator.unit() * generator.unit() * EXPERIMENTS as f64) as u32)
        .collect();
    let condition: Vec<u32> = (0..rows).map(|_| generator.below(CONDITIONS as u32)).collect();
    let few: Vec<f32> = (0..rows).map(|_| generator.below(48) as f32 * 0.5).collect();
    let continuous: Vec<f64> = (0..rows).map(|_| generator.unit() * 24.0).collect();
    let times = match case.clock {
        Clock::None => None,
        Clock::Few => Some(Times::F32(vec![&few])),
        Clock::Continuous => Some(Times::F64(vec![&continuous])),
    };
    let table = Table {
        rows,
        experiments: case.grouped.then(|| Column::from_ranks(&experiment, EXPERIMENTS)),
        conditions: case.balanced.then(|| Column::from_ranks(&condition, CONDITIONS)),
        times,
    };
    make(&table)
}

/// The case of a name.
pub(crate) fn named(name: &str) -> Case {
    CASES.into_iter().find(|case| case.name == name).expect("a case")
}
