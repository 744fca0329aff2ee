//! Columns of codes in any widths, chunks and tables of labels.

use std::collections::BTreeMap;

use cascade_sampler::columns::{MISSING, combine};
use cascade_sampler::{Chunk, Codes, Column, Error, Plan, Settings, Table};

use crate::bytes::Bytes;
use crate::compare::name;

/// A chunk as it is handed over, each code as a whole number of any size.
#[derive(Debug)]
struct Stretch {
    width: Width,
    codes: Vec<i128>,
    ranks: Option<Vec<u32>>,
}

macro_rules! widths {
    ($($name:ident: $type:ty),*) => {
        #[derive(Debug)]
        enum Width { $($name(Vec<$type>)),* }

        impl Width {
            fn of(kind: u64, codes: &mut [i128]) -> Self {
                let mut number = 0..;
                $(if number.next() == Some(kind) {
                    // Whatever does not fit becomes what a cast makes of it.
                    codes.iter_mut().for_each(|code| *code = i128::from(*code as $type));
                    return Self::$name(codes.iter().map(|&code| code as $type).collect());
                })*
                unreachable!()
            }

            fn codes(&self) -> Codes<'_> {
                match self { $(Self::$name(codes) => Codes::$name(codes)),* }
            }

            fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name)),* }
            }
        }
    };
}

widths!(I8: i8, I16: i16, I32: i32, I64: i64, U8: u8, U16: u16, U32: u32, U64: u64);

impl Stretch {
    fn of(bytes: &mut Bytes<'_>, labels: u64) -> Self {
        let kind = bytes.below(8);
        let rows = bytes.one_of(&[0, 1, 3, 20, 150, 1100]);
        let entries = bytes.perhaps(|bytes| 1 + bytes.below(20));
        let highest = entries.unwrap_or(labels).max(1);
        let mut codes: Vec<i128> = (0..rows)
            .map(|_| match bytes.below(256) {
                0..=235 => bytes.below(highest).into(),
                236..=252 => -1,
                253 => highest.into(),
                254 => bytes.whole().into(),
                _ => bytes.one_of(&[
                    u32::MAX.into(),
                    i128::from(u32::MAX) - 1,
                    u64::MAX.into(),
                    i64::MIN.into(),
                ]),
            })
            .collect();
        // Unsigned codes have none that stands for a missing label.
        if kind > 3 && !bytes.once_in(4) {
            codes.iter_mut().filter(|code| **code < 0).for_each(|code| *code = 0);
        }
        let rank = |bytes: &mut Bytes<'_>| match bytes.below(64) {
            0..=60 => bytes.below(labels.max(1)) as u32,
            61..=62 => MISSING,
            _ => bytes.one_of(&[MISSING - 1, labels as u32]),
        };
        let ranks = entries.map(|entries| (0..entries).map(|_| rank(bytes)).collect());
        Self {
            width: Width::of(kind, &mut codes),
            codes,
            ranks,
        }
    }

    fn chunk(&self) -> Chunk<'_> {
        Chunk {
            codes: self.width.codes(),
            ranks: self.ranks.as_deref(),
        }
    }

    /// Whether a code says that a row has no label.
    fn is_missing(&self, code: i128) -> bool {
        code < 0 || self.width.name() == "U32" && code == u32::MAX.into()
    }

    /// The label's number of every row; `MISSING` where there is none, `None` where a code stands for nothing.
    fn labels(&self, labels: u64) -> impl Iterator<Item = Option<u32>> {
        let bound = labels.min(u64::from(MISSING) - 1);
        self.codes.iter().map(move |&code| {
            if self.is_missing(code) {
                return Some(MISSING);
            }
            match &self.ranks {
                Some(ranks) => {
                    let rank = *ranks.get(usize::try_from(code).ok()?)?;
                    (rank == MISSING || u64::from(rank) < bound).then_some(rank)
                }
                None => (code < bound.into()).then_some(code as u32),
            }
        })
    }

    fn compare_count(&self, labels: usize) {
        let mut counts = vec![0_u64; labels + 1];
        let mut is_wrong = false;
        for &code in &self.codes {
            match usize::try_from(code) {
                _ if self.is_missing(code) => counts[labels] += 1,
                Ok(code) if code < labels => counts[code] += 1,
                _ => is_wrong = true,
            }
        }
        let expected = if is_wrong { Err(Error::Code) } else { Ok(counts) };
        assert_eq!(self.width.codes().count(labels), expected);
    }
}

fn chunks(bytes: &mut Bytes<'_>, labels: u64) -> Vec<Stretch> {
    (0..=bytes.below(3)).map(|_| Stretch::of(bytes, labels)).collect()
}

fn decoded(stretches: &[Stretch], labels: u64) -> Vec<Option<u32>> {
    stretches.iter().flat_map(|stretch| stretch.labels(labels)).collect()
}

/// Reads two columns of codes, and compares what becomes of them with what each code says.
pub fn codes(data: &[u8]) {
    let bytes = &mut Bytes::new(data);
    let choices = [
        1,
        2,
        5,
        40,
        128,
        300,
        70_000,
        1 << 31,
        (1 << 32) - 2,
        1 << 33,
        u64::MAX,
        0,
    ];
    let labels = [bytes.one_of(&choices), bytes.one_of(&choices)];
    let first = chunks(bytes, labels[0]);
    // As long as the first, mostly: the same codes once more, turned round.
    let second = if bytes.once_in(4) {
        chunks(bytes, labels[1])
    } else {
        copy(&first)
    };
    let labels = if bytes.once_in(4) { labels } else { [labels[0]; 2] };
    let (one, other) = (column(&first, labels[0]), column(&second, labels[1]));
    let (a, b) = (decoded(&first, labels[0]), decoded(&second, labels[1]));
    let is_wrong = a.iter().chain(&b).any(Option::is_none);

    for stretch in first.iter().chain(&second) {
        stretch.compare_count(bytes.one_of(&[0, 1, 2, 20, 128, 5000]));
    }

    let combined = combine(&one, &other);
    let table = Table {
        rows: a.len(),
        experiments: Some(one),
        conditions: Some(other),
        times: None,
    };
    let plan = Plan::new(
        &table,
        &Settings {
            batch_size: 1,
            batches: Some(1),
            ..Settings::default()
        },
    );
    if a.len() != b.len() {
        assert_eq!((&*name(&plan), &*name(&combined)), ("Length", "Length"));
        return;
    }
    if is_wrong {
        assert_eq!(name(&combined), "Code");
        assert!(["Code", "NoRows"].contains(&&*name(&plan)), "{plan:?}");
        return;
    }
    let rows: Vec<(u32, u32)> = a.iter().zip(&b).map(|(a, b)| (a.unwrap(), b.unwrap())).collect();
    let is_kept = |&(a, b): &(u32, u32)| a != MISSING && b != MISSING;
    let (numbers, pairs) = combined.unwrap();
    let mut seen = Vec::new();
    for (number, row) in numbers.iter().zip(&rows) {
        if !is_kept(row) {
            assert_eq!(*number, MISSING);
        } else if *number as usize == seen.len() {
            assert!(!seen.contains(row));
            seen.push(*row);
        } else {
            assert_eq!(seen[*number as usize], *row);
        }
    }
    assert_eq!((numbers.len(), seen), (rows.len(), pairs));

    let mut cells = BTreeMap::new();
    for row in rows.iter().filter(|row| is_kept(row)) {
        *cells.entry(*row).or_insert(0) += 1;
    }
    if cells.is_empty() {
        assert_eq!(name(&plan), "NoRows");
        return;
    }
    let plan = plan.unwrap();
    let groups = plan.groups();
    let labelled = groups.cells().iter().map(|cell| {
        let experiment = groups.experiment_labels()[cell.experiment as usize];
        (
            (experiment, groups.condition_labels()[cell.condition as usize]),
            cell.rows,
        )
    });
    assert_eq!(labelled.collect::<Vec<_>>(), Vec::from_iter(cells));
}

fn column(stretches: &[Stretch], labels: u64) -> Column<'_> {
    Column::new(stretches.iter().map(Stretch::chunk).collect(), labels as usize)
}

/// The same labels, in the other order of chunks.
fn copy(stretches: &[Stretch]) -> Vec<Stretch> {
    let turned = stretches.iter().rev().map(|stretch| {
        let mut codes = stretch.codes.clone();
        let width = Width::of(
            if codes.iter().all(|&code| (0..128).contains(&code)) {
                4
            } else {
                3
            },
            &mut codes,
        );
        Stretch {
            width,
            codes,
            ranks: stretch.ranks.clone(),
        }
    });
    turned.collect()
}
