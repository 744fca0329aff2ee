//! What the core refuses, and that it may be shared between threads.

use cascade_sampler::{Batches, Column, Deal, Error, Mark, Plan, Settings, Source, Table};

const EXPERIMENT: [u32; 6] = [0, 0, 0, 2, 2, 2];
const CONDITION: [u32; 6] = [0, 1, 0, 1, 1, 1];

fn plan(settings: &Settings) -> Result<Plan, Error> {
    let table = Table {
        rows: 6,
        experiments: Some(Column::from_ranks(&EXPERIMENT, 3)),
        conditions: Some(Column::from_ranks(&CONDITION, 2)),
        times: None,
    };
    Plan::new(&table, settings)
}

fn settings() -> Settings {
    Settings {
        batch_size: 2,
        ..Settings::default()
    }
}

#[test]
fn settings_out_of_range() {
    let refused = |change: &dyn Fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        plan(&settings).unwrap_err()
    };
    assert_eq!(refused(&|s| s.batch_size = 0), Error::BatchSize { found: 0 });
    assert_eq!(
        refused(&|s| s.batch_size = 1 << 32),
        Error::BatchSize { found: 1 << 32 }
    );
    assert!(matches!(refused(&|s| s.leaky = f64::NAN), Error::Leaky { .. }));
    assert_eq!(refused(&|s| s.leaky = 1.5), Error::Leaky { found: 1.5 });
    assert_eq!(refused(&|s| s.batches = Some(0)), Error::Batches { found: 0 });
    assert_eq!(refused(&|s| s.weights = Some(vec![Some(0.0)])), Error::NoWeight);
    assert_eq!(
        refused(&|s| s.weights = Some(vec![Some(1e308), None, Some(1e308)])),
        Error::Overflow { what: "weights" }
    );
    let without = |what, label| Error::WithoutRows { what, label };
    assert_eq!(
        refused(&|s| s.weights = Some(vec![None, Some(1.0)])),
        without("weight", 1)
    );
    assert_eq!(
        refused(&|s| s.ratios = Some(vec![None, None, Some(1.0)])),
        without("ratio", 2)
    );
    assert!(matches!(
        refused(&|s| s.ratios = Some(vec![Some(-1.0)])),
        Error::Proportion { label: 0, .. }
    ));
    assert_eq!(
        refused(&|s| s.ratios = Some(vec![Some(1.0), Some(0.0)])),
        Error::NoCondition { experiment: 2 }
    );
    assert_eq!(
        refused(&|s| s.batch_size = 7),
        Error::NoBatches { rows: 6, batch_size: 7 }
    );
}

#[test]
fn an_experiment_that_is_never_picked_needs_no_condition() {
    let allowed = Settings {
        weights: Some(vec![Some(1.0)]),
        ratios: Some(vec![Some(1.0), Some(0.0)]),
        ..settings()
    };
    assert!(plan(&allowed).is_ok());
}

#[test]
fn columns_that_do_not_fit() {
    let refused = |rows: usize, experiments: Option<Column<'_>>| {
        let table = Table {
            rows,
            experiments,
            ..Table::default()
        };
        Plan::new(&table, &settings()).unwrap_err()
    };
    let short = Column::from_ranks(&EXPERIMENT[..5], 3);
    assert_eq!(refused(6, Some(short)), Error::Length { rows: 6, found: 5 });
    let unknown = Column::from_ranks(&EXPERIMENT, 2);
    assert_eq!(refused(6, Some(unknown)), Error::Code);
    let rows = u32::MAX as usize + 1;
    assert_eq!(refused(rows, None), Error::TooManyRows { rows });
    assert_eq!(refused(0, None), Error::NoRows);
}

#[test]
fn ranks_and_seeds() {
    assert!(Deal::new(0, 0).is_err());
    assert!(Deal::new(2, 2).is_err());
    assert!(Deal::new(1 << 32, 0).is_err());
    let plan = plan(&settings()).unwrap();
    let batches = |seed, epoch| Batches::<u32>::new(&plan, Deal::default(), seed, epoch);
    assert!(batches(u64::MAX, 0).is_ok());
    let (seed, epoch) = (u64::MAX, 1);
    assert_eq!(batches(seed, epoch).unwrap_err(), Error::Seed { seed, epoch: 1 });
}

#[test]
fn places_that_no_epoch_has() {
    let deal = Deal::new((1 << 32) - 1, 7).unwrap();
    assert_eq!(deal.position(u64::MAX), u64::MAX);
    assert_eq!(deal.position((1 << 32) + 1), u64::MAX);
    assert_eq!(deal.position(1 << 31), (1 << 63) - (1 << 31) + 7);
    let settings = Settings {
        batches: Some(i64::MAX as u64),
        ..settings()
    };
    let plan = plan(&settings).unwrap();
    let at = |mark: Mark| Batches::<u32>::at(&plan, deal, 1, &mark);
    let mark = Mark {
        batches: i64::MAX as u64 - 1,
        drawn: i64::MAX as u64 - 1,
        ..Mark::default()
    };
    // The last round is filled up, past the epoch's end.
    let mut last = at(mark).unwrap();
    assert_eq!(last.len(), 1);
    assert!(last.next().unwrap().is_ok());
    assert_eq!(last.mark().batches, mark.batches + (1 << 32) - 1);
    let behind = Mark {
        batches: u64::MAX,
        ..Mark::default()
    };
    let mut over = at(behind).unwrap();
    assert_eq!(over.mark().batches, u64::MAX);
    assert!(over.next().is_none());
    assert!(over.nth(usize::MAX).is_none());
    assert_eq!(
        at(Mark {
            drawn: 1,
            ..Mark::default()
        })
        .unwrap_err(),
        Error::Mark
    );
    let epoch = 1 << 64;
    assert_eq!(at(Mark::beginning(epoch)).unwrap_err(), Error::Seed { seed: 1, epoch });
}

#[test]
fn what_is_shared_can_be() {
    fn shared<T: Send + Sync>() {}
    shared::<Plan>();
}

#[test]
fn errors_speak_of_what_a_rust_user_wrote() {
    let refused = |change: &dyn Fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        plan(&settings).unwrap_err().to_string()
    };
    let words = [
        (
            refused(&|s| s.window = -1.0),
            "window must not be negative or NaN, got -1",
        ),
        (
            refused(&|s| s.global_fraction = 2.0),
            "global_fraction must be a fraction in [0, 1], got 2",
        ),
        (refused(&|s| s.batches = Some(0)), "batches must be in 1..2^63, got 0"),
        (
            refused(&|s| s.batch_size = 7),
            "6 rows do not fill one batch of 7: lower batch_size, unset drop_last, or say in batches how many an epoch has",
        ),
        (
            Deal::new(2, 2).unwrap_err().to_string(),
            "there must be 1 to 2^32 - 1 replicas, and a rank below their number: got rank 2 of 2",
        ),
    ];
    for (found, expected) in words {
        assert_eq!(found, expected);
    }
}

#[test]
fn origins_of_the_batch_that_came_last() {
    let settings = Settings {
        batch_size: 6,
        leaky: 0.34,
        ..settings()
    };
    let plan = plan(&settings).unwrap();
    let mut batches = Batches::<u32>::new(&plan, Deal::default(), 3, 0).unwrap();
    assert!(batches.origins().unwrap().rows.is_empty());
    let batch = batches.next().unwrap().unwrap();
    let origins = batches.origins().unwrap();
    assert!(origins.rows.iter().copied().eq(batch.iter().map(|&row| i64::from(row))));
    for (seat, &row) in batch.iter().enumerate() {
        // Labels 0 and 2 have the positions 0 and 1.
        assert_eq!(origins.experiments[seat], i64::from(EXPERIMENT[row as usize] / 2));
        assert_eq!(origins.conditions[seat], i64::from(CONDITION[row as usize]));
        let leaks = origins.experiments[seat] != origins.picked;
        assert_eq!(origins.sources[seat] == Source::Leak, leaks);
        assert_eq!(leaks, seat >= 4);
    }
}
