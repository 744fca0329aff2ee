//! Columns of any width and any number of labels, what is refused of them, and that reading them can be ended.

use cascade_sampler::columns::{MISSING, combine, combine_with_pause};
use cascade_sampler::{Chunk, Codes, Column, Error, Plan, Settings, Table, Times};

fn settings() -> Settings {
    Settings {
        batch_size: 1,
        leaky: 1.0,
        ..Settings::default()
    }
}

fn of_experiments(column: Column<'_>) -> Result<Plan, Error> {
    let table = Table {
        rows: column.len(),
        experiments: Some(column),
        ..Table::default()
    };
    Plan::new(&table, &settings())
}

#[test]
fn counts_of_more_labels_than_there_is_memory_for() {
    let codes = Codes::I8(&[0, 1, 1, -1]);
    assert_eq!(codes.count(2), Ok(vec![1, 2, 1]));
    assert_eq!(codes.count(1), Err(Error::Code));
    assert_eq!(codes.count(0), Err(Error::Code));
    for labels in [usize::MAX, usize::MAX - 1, usize::MAX - 2, usize::MAX / 8] {
        assert!(
            matches!(codes.count(labels), Err(Error::OutOfMemory { .. })),
            "{labels}"
        );
    }
}

#[test]
fn codes_that_no_label_has_are_not_cut_short() {
    let ranks = [0_u32, 1];
    for wide in [1_i64 << 32, (1 << 32) + 1, 1 << 40, i64::MAX, 2] {
        for codes in [Codes::I64(&[0, wide]), Codes::U64(&[0, wide as u64])] {
            for ranks in [None, Some(&ranks[..])] {
                let column = Column::new(vec![Chunk { codes, ranks }], 2);
                assert_eq!(of_experiments(column).unwrap_err(), Error::Code, "{wide}");
            }
            assert_eq!(codes.count(2), Err(Error::Code), "{wide}");
        }
    }
    assert_eq!(Codes::U64(&[0, u64::MAX]).count(2), Err(Error::Code));
    assert_eq!(Codes::I64(&[0, i64::MIN]).count(2), Ok(vec![1, 0, 1]));
    let column = Column::new(
        vec![Chunk {
            codes: Codes::U32(&[0, MISSING, MISSING - 1]),
            ranks: None,
        }],
        usize::MAX,
    );
    assert_eq!(of_experiments(column).unwrap_err(), Error::Code);
}

#[test]
fn many_labels_of_which_few_occur() {
    let ranks = [5_u32, (1 << 31) - 1, MISSING, 5, u32::MAX - 2];
    for labels in [u32::MAX as usize - 1, u32::MAX as usize, usize::MAX] {
        let column = || Column::from_ranks(&ranks, labels);
        let table = Table {
            rows: 5,
            experiments: Some(column()),
            conditions: Some(column()),
            times: None,
        };
        let plan = Plan::new(&table, &settings()).unwrap();
        let groups = plan.groups();
        assert_eq!(groups.experiment_labels(), [5, (1 << 31) - 1, u32::MAX - 2]);
        assert_eq!(groups.condition_labels(), groups.experiment_labels());
        let rows: Vec<u32> = groups.cells().iter().map(|cell| cell.rows).collect();
        assert_eq!(rows, [2, 1, 1]);
        let (codes, pairs) = combine(&column(), &column()).unwrap();
        assert_eq!(codes, [0, 1, MISSING, 0, 2]);
        assert_eq!(pairs[2], (u32::MAX - 2, u32::MAX - 2));
    }
    assert_eq!(
        of_experiments(Column::from_ranks(&ranks, 1 << 31)).unwrap_err(),
        Error::Code
    );
}

/// How work ended before its time.
#[derive(Debug, PartialEq)]
enum Ended {
    Here,
    Refused(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// Runs `work` to its end, then again for each of its pauses, which ends it. Returns how many there are.
fn check_pauses<T: std::fmt::Debug>(work: impl Fn(&mut dyn FnMut() -> Result<(), Ended>) -> Result<T, Ended>) -> usize {
    let mut pauses = 0_usize;
    work(&mut || {
        pauses += 1;
        Ok(())
    })
    .unwrap();
    for last in 0..pauses {
        let mut left: usize = last;
        let ended = work(&mut || {
            left = left.checked_sub(1).ok_or(Ended::Here)?;
            Ok(())
        });
        assert_eq!(ended.unwrap_err(), Ended::Here);
    }
    pauses
}

#[test]
fn work_on_many_rows_ends_where_a_pause_says_so() {
    const ROWS: usize = 1_100_000;
    let few: Vec<u32> = (0..ROWS as u32).map(|row| row % 7).collect();
    let many: Vec<u32> = (0..ROWS as u32).map(|row| row % 90_001).collect();
    let times: Vec<f32> = (0..ROWS).map(|row| (row % 50) as f32).collect();
    let build = |experiments: &[u32], conditions: &[u32], times: Option<&[f32]>| {
        check_pauses(|pause| {
            let column = |ranks| Column::from_ranks(ranks, 90_001);
            let table = Table {
                rows: ROWS,
                experiments: Some(column(experiments)),
                conditions: Some(column(conditions)),
                times: times.map(|times| Times::F32(vec![times])),
            };
            Plan::with_pause(&table, &settings(), pause).map(drop)
        })
    };
    // Every pass over so many rows pauses twice.
    assert!(build(&many, &few, None) >= 10);
    assert!(build(&few, &few, Some(&times)) >= 10);
    let pauses = check_pauses(|pause| {
        let column = |ranks| Column::from_ranks(ranks, 90_001);
        combine_with_pause(&column(&few), &column(&many), pause).map(drop)
    });
    assert_eq!(pauses, 2);
    let counting = |labels| check_pauses(|pause| Codes::U32(&few).count_with_pause(labels, pause).map(drop));
    // Rows, and room for so many labels, of which there may be 2^31.
    assert_eq!((counting(7), counting(1 << 20)), (2, 6));
}

fn in_two_chunks(codes: &[u8], labels: usize) -> Column<'_> {
    let (first, rest) = codes.split_at(codes.len() / 3);
    let chunks = [first, rest].map(|codes| Chunk {
        codes: Codes::U8(codes),
        ranks: None,
    });
    Column::new(chunks.into(), labels)
}

/// From about four million rows on two cores share them, where there are two.
#[test]
fn tables_of_some_million_rows_are_sorted_whole() {
    let rows = (1 << 22) + 1_077;
    let codes = |labels: u32, step: u32| -> Vec<u8> {
        let drawn = (0..rows as u32).map(|row| row.wrapping_mul(0x9e37_79b1) >> step);
        drawn.map(|number| (number % labels) as u8).collect()
    };
    let (experiments, conditions) = (codes(7, 3), codes(5, 17));
    let table = Table {
        rows,
        experiments: Some(in_two_chunks(&experiments, 7)),
        conditions: Some(in_two_chunks(&conditions, 5)),
        ..Table::default()
    };
    let plan = Plan::new(&table, &settings()).unwrap();
    let groups = plan.index().groups();
    for cell in groups.cells() {
        let [e, c] = [cell.experiment, cell.condition].map(|position| position as u8);
        let rows = experiments.iter().zip(&conditions).filter(|&of_row| of_row == (&e, &c));
        assert_eq!(cell.rows as usize, rows.count());
    }
    // All labels occur, so positions are codes.
    let of_rows = |codes: Codes<'_>| match codes {
        Codes::I8(codes) => codes.iter().map(|&code| code as u8).collect::<Vec<_>>(),
        _ => unreachable!("seven labels are told apart by bytes"),
    };
    let positions = groups.experiment_positions(|| Ok::<_, Error>(())).unwrap();
    assert!(of_rows(positions.codes()) == experiments);
    let positions = groups.condition_positions(|| Ok::<_, Error>(())).unwrap().unwrap();
    assert!(of_rows(positions.codes()) == conditions);
}
