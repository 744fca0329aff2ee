//! What the core refuses, and that it may be shared between threads.

use std::sync::Arc;

use cascade_sampler::{Column, Deal, Error, Feed, Plan, Run, Settings, Stream, Table};

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
    assert!(Stream::new(u64::MAX, 0).is_ok());
    assert!(Stream::new(u64::MAX, 1).is_err());
}

#[test]
fn positions_are_remembered_however_they_were_reached() {
    let settings = Settings {
        batches: Some(10_000),
        ..settings()
    };
    let feed = Feed::new(Arc::new(plan(&settings).unwrap()), Some(Deal::default()), 1);
    let ask = |position: u64| {
        let stream = feed.nearest(0, position).unwrap();
        let walked = position - stream.position();
        let (_, place) = feed.walk::<u32, Error>(stream, position, || Ok(())).unwrap();
        feed.remember(0, place);
        walked
    };
    for position in 0..5000 {
        assert_eq!(ask(position), 0);
    }
    assert_eq!(ask(4999), 4999 % 1024);
    assert_eq!(ask(3071), 1023);
    assert_eq!(ask(9000), 9000 - 4096);
    assert_eq!(ask(8191), 1023);
    assert_eq!(ask(1024), 0);
}

#[test]
fn a_walk_whose_epoch_was_forgotten_meanwhile() {
    let settings = Settings {
        batches: Some(10_000),
        ..settings()
    };
    let feed = Feed::new(Arc::new(plan(&settings).unwrap()), Some(Deal::default()), 1);
    let walk = |epoch: u64, position: u64| {
        let stream = feed.nearest(epoch, position).unwrap();
        feed.walk::<u32, Error>(stream, position, || Ok(())).unwrap()
    };
    feed.remember(0, walk(0, 2000).1);
    let (batch, late) = walk(0, 2001);
    for epoch in 1..10 {
        feed.remember(epoch, walk(epoch, 5).1);
    }
    feed.remember(0, late);
    assert_eq!(walk(0, 2001).0, batch);
    assert_eq!(walk(0, 1500).0, walk(0, 1500).0);
}

#[test]
fn what_is_shared_can_be() {
    fn shared<T: Send + Sync>() {}
    shared::<Plan>();
    shared::<Feed>();
    shared::<Run>();
}
