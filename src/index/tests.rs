//! Indexes in files: whole ones, and those that someone wrote to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::header::fingerprints;
use super::{Columns, Index, Opening};
use crate::audit::{Audit, Coverage, Reach, WindowReach};
use crate::columns::{Column, MISSING, Table, Times};
use crate::draw::Generator;
use crate::epoch::{Batches, Deal};
use crate::error::Error;
use crate::plan::{DealtSettings, Plan, Settings};
use crate::support::memory::testing::refuse_in_turn;

/// A folder that goes when it is not needed any more.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("cascade-sampler-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("rows.index")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const ROWS: usize = 1500;

/// How an index is made: its columns, and how many different times there are.
#[derive(Clone, Copy, Debug)]
struct Made {
    columns: Columns,
    different: u32,
    gaps: bool,
}

const ALL: Columns = Columns {
    experiments: true,
    conditions: true,
    times: true,
};

fn made_with(columns: Columns, different: u32, gaps: bool) -> Made {
    Made {
        columns,
        different,
        gaps,
    }
}

/// Every kind of structure that a file can have: few times and many, times that occur once, one list and both.
fn all_kinds() -> Vec<Made> {
    let timed =
        |columns| [(12, true), (900, false), (1 << 30, false)].map(|(times, gaps)| made_with(columns, times, gaps));
    let pools = Columns {
        conditions: false,
        ..ALL
    };
    let table = Columns {
        experiments: false,
        ..pools
    };
    let without = |columns: Columns| Columns {
        times: false,
        ..columns
    };
    let mut kinds: Vec<Made> = [ALL, pools, table].into_iter().flat_map(timed).collect();
    for columns in [
        ALL,
        pools,
        table,
        Columns {
            experiments: false,
            ..ALL
        },
    ] {
        kinds.push(made_with(without(columns), 1, true));
        kinds.push(made_with(without(columns), 1, false));
    }
    kinds
}

fn index(made: Made, pools: bool) -> Index {
    let mut generator = Generator::new(7);
    let mut labels = |labels: u32| -> Vec<u32> { (0..ROWS).map(|_| generator.below(labels)).collect() };
    let (mut experiment, condition, times) = (labels(3), labels(4), labels(made.different));
    let mut times: Vec<f64> = times.into_iter().map(f64::from).collect();
    for row in (0..ROWS).step_by(7).filter(|_| made.gaps) {
        (experiment[row], times[row]) = (MISSING, f64::NAN);
    }
    let narrow: Vec<f32> = times.iter().map(|&time| time as f32).collect();
    let table = Table {
        rows: ROWS,
        experiments: made.columns.experiments.then(|| Column::from_ranks(&experiment, 3)),
        conditions: made.columns.conditions.then(|| Column::from_ranks(&condition, 4)),
        times: made.columns.times.then(|| match made.different {
            12 => Times::F32(vec![&narrow]),
            _ => Times::F64(vec![&times]),
        }),
    };
    Index::build_with_pause::<Error>(&table, pools, || Ok(())).unwrap()
}

/// All that is ever asked of an index.
fn asked(index: &Arc<Index>) -> Result<Vec<u32>, Error> {
    let mut rows = Vec::new();
    let window = 1e8;
    for leaky in [0.0, 0.2] {
        let settings = Settings {
            batch_size: 40,
            leaky,
            window: if leaky > 0.0 { window } else { 2.0 },
            ..Settings::default()
        };
        let plan = Plan::over(index, &settings)?;
        for batch in Batches::<u32>::new(&plan, Deal::default(), 3, 0)?.take(12) {
            rows.extend(batch?);
        }
        let mut batches = Batches::<u32>::new(&plan, Deal::default(), 3, 0)?;
        rows.extend(batches.nth(9).unwrap()?);
        batches.origins()?;
        let settings = DealtSettings {
            batch_size: 40,
            leaky,
            window: settings.window,
            ..DealtSettings::default()
        };
        let dealt = Plan::dealt_over(index, &settings)?;
        for batch in Batches::<u32>::new(&dealt, Deal::default(), 3, 0)?.take(12) {
            rows.extend(batch?);
        }
        for plan in [&plan, &dealt] {
            Audit::new::<Error>(plan, 3, 0, 1, Some(3), |_| Ok(()))?;
            Reach::of::<Error>(plan, || Ok(()))?;
            WindowReach::of::<Error>(plan, || Ok(()))?;
        }
        Coverage::of::<Error>(&dealt, 3, 0, || Ok(()))?;
    }
    index.times::<Error>(|| Ok(()))?;
    index.guarded(|| index.groups().experiment_positions(|| Ok::<_, Error>(())))?;
    index.guarded(|| index.groups().condition_positions(|| Ok::<_, Error>(())))?;
    Ok(rows)
}

fn opened(path: &Path, how: Opening) -> Result<Arc<Index>, Error> {
    Index::open_with_pause(path, how, || Ok(())).map(Arc::new)
}

fn metadata() -> BTreeMap<String, String> {
    BTreeMap::from([
        ("labels".into(), "[\"fingerprint\", \"ä\\\"\"]".into()),
        ("zeal".into(), String::new()),
    ])
}

#[test]
fn batches_are_those_of_the_index_that_was_saved() {
    let folder = Folder::new("round");
    for made in all_kinds() {
        for pools in [false, true] {
            let index = Arc::new(index(made, pools));
            index.save(folder.file(), &metadata()).unwrap();
            let expected = asked(&index).unwrap();
            for (verify, copy) in [(false, false), (true, false), (true, true)] {
                let how = Opening {
                    verify,
                    copy,
                    ..Opening::default()
                };
                let found = opened(&folder.file(), how).unwrap();
                let needs_none = !(made.columns.conditions && made.columns.experiments);
                assert_eq!(found.has_pools(), pools || needs_none, "{made:?}");
                assert_eq!((found.columns(), found.metadata()), (made.columns, Some(&metadata())));
                let (held, mapped) = found.bytes();
                assert!(
                    if copy {
                        mapped == 0
                    } else {
                        held < 600 && mapped > 0 || mapped == 0
                    },
                    "{made:?}"
                );
                assert_eq!(asked(&found).unwrap(), expected, "{made:?}");
                // No NaN is equal to another.
                let times = |index: &Index| format!("{:?}", index.times::<Error>(|| Ok(())));
                assert!(times(&found) == times(&index), "{made:?}");
            }
            assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1);
        }
    }
}

#[test]
fn saving_again_writes_the_same_bytes_and_leaves_open_files_alone() {
    let folder = Folder::new("again");
    let first = index(made_with(ALL, 900, true), true);
    first.save(folder.file(), &metadata()).unwrap();
    let bytes = std::fs::read(folder.file()).unwrap();
    let mapped = opened(&folder.file(), Opening::default()).unwrap();
    mapped.save(folder.file(), &metadata()).unwrap();
    assert!(std::fs::read(folder.file()).unwrap() == bytes);
    let expected = asked(&mapped).unwrap();
    index(made_with(ALL, 12, false), false)
        .save(folder.file(), &metadata())
        .unwrap();
    assert_eq!(asked(&mapped).unwrap(), expected);
    let how = Opening {
        fingerprint: mapped.fingerprint(),
        ..Opening::default()
    };
    assert!(matches!(opened(&folder.file(), how), Err(Error::OtherIndex { .. })));
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing() {
    let folder = Folder::new("unwritten");
    let made = index(made_with(ALL, 12, true), true);
    let nowhere = folder.0.join("none").join("rows.index");
    assert!(matches!(
        made.save(&nowhere, &metadata()),
        Err(Error::File { what: "written", .. })
    ));
    assert!(matches!(made.save("..", &metadata()), Err(Error::File { .. })));
    for key in ["rows", "format", "xxh64:cells", "fingerprint"] {
        let own = BTreeMap::from([(key.to_owned(), String::new())]);
        assert_eq!(
            made.save(folder.file(), &own),
            Err(Error::MetadataKey { key: key.into() })
        );
    }
    let large = BTreeMap::from([("large".to_owned(), "x".repeat(100_000_000))]);
    assert!(matches!(
        made.save(folder.file(), &large),
        Err(Error::NotAnIndex { .. })
    ));
    assert!(matches!(
        Index::open(folder.file()),
        Err(Error::File { what: "read", .. })
    ));
    assert!(matches!(
        Index::open(&folder.0),
        Err(Error::File { .. } | Error::NotAnIndex { .. } | Error::Damaged { .. })
    ));
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
}

/// What a file comes to that holds `bytes`: an error, or rows that are all below the table's number.
fn comes_to(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).unwrap();
    let index = opened(path, Opening::default())?;
    let rows = asked(&index)?;
    assert!(rows.into_iter().all(|row| (row as usize) < index.groups().rows()));
    Ok(())
}

/// The same with a fingerprint that fits, as one who means harm would write it.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    let len = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let Some((_, hash)) = bytes.get(..len).and_then(fingerprints) else {
        return bytes;
    };
    let before = b"\"fingerprint\":\"";
    let place = bytes.windows(before.len()).position(|bytes| bytes == before).unwrap() + before.len();
    bytes[place..place + 16].copy_from_slice(super::header::digits(hash).as_bytes());
    bytes
}

#[test]
fn files_that_are_cut_off() {
    let folder = Folder::new("cut");
    for made in [made_with(ALL, 12, true), made_with(ALL, 900, false)] {
        index(made, true).save(folder.file(), &metadata()).unwrap();
        let bytes = std::fs::read(folder.file()).unwrap();
        let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let body = (header..bytes.len()).step_by(97);
        for len in (0..header).chain(body).chain([bytes.len() - 1]) {
            let error = comes_to(&folder.file(), &bytes[..len]).unwrap_err();
            let is_right = matches!(error, Error::NotAnIndex { .. } | Error::Damaged { .. });
            assert!(is_right, "{len}: {error}");
        }
        let longer = [&bytes[..], b"x"].concat();
        assert!(matches!(comes_to(&folder.file(), &longer), Err(Error::Damaged { .. })));
    }
}

#[test]
fn files_with_one_byte_that_is_another() {
    let folder = Folder::new("flipped");
    let path = folder.file();
    for (number, made) in all_kinds().into_iter().enumerate() {
        index(made, true).save(&path, &metadata()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let mut generator = Generator::new(number as u64);
        // Every byte of the header of one file, and some of the others.
        let some = if number == 0 { 1 } else { 41 };
        let places: Vec<usize> = (0..header).step_by(some).collect();
        for place in places {
            let mut other = bytes.clone();
            other[place] ^= 1 << generator.below(8);
            assert!(comes_to(&path, &other).is_err(), "{place}");
            // Errors, or sound batches.
            let _ = comes_to(&path, &signed(other));
        }
        for _ in 0..60 {
            let mut other = bytes.clone();
            let first = header + generator.below((bytes.len() - header) as u32) as usize;
            let last = (first + 1 + generator.below(200) as usize).min(bytes.len());
            match generator.below(3) {
                0 => other[first] ^= 1 << generator.below(8),
                1 => other[first..last].fill(0xFF),
                _ => other[first..last]
                    .iter_mut()
                    .for_each(|byte| *byte = generator.below(256) as u8),
            }
            let _ = comes_to(&path, &other);
            std::fs::write(&path, &other).unwrap();
            let how = Opening {
                verify: true,
                ..Opening::default()
            };
            if other != bytes {
                assert!(matches!(opened(&path, how), Err(Error::Damaged { .. })));
            }
        }
    }
}

#[test]
fn files_that_say_what_cannot_be() {
    let folder = Folder::new("lies");
    index(made_with(ALL, 900, false), true)
        .save(folder.file(), &metadata())
        .unwrap();
    let bytes = std::fs::read(folder.file()).unwrap();
    let len = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let text = String::from_utf8(bytes[8..len].to_vec()).unwrap();
    let said = |from: &str, to: &str| {
        let other = text.trim_end().replacen(from, to, 1);
        assert_ne!(other, text.trim_end(), "{from}");
        let padded = (8 + other.len()).next_multiple_of(64) - 8;
        let mut all = (padded as u64).to_le_bytes().to_vec();
        all.extend(other.bytes());
        all.resize(8 + padded, b' ');
        all.extend(&bytes[len..]);
        comes_to(&folder.file(), &signed(all)).unwrap_err()
    };
    let version = said("\"version\":\"1\"", "\"version\":\"2\"");
    assert!(
        matches!(version, Error::IndexVersion { ref found, .. } if found == "2"),
        "{version}"
    );
    let format = said("cascade-sampler-index", "cascade-sampler-model");
    assert!(matches!(format, Error::NotAnIndex { .. }), "{format}");
    for (from, to) in [
        ("\"rows\":\"1500\"", "\"rows\":\"1499\""),
        ("\"rows\":\"1500\"", "\"rows\":\"4294967296\""),
        ("\"rows\":\"1500\"", "\"rows\":\"-1\""),
        (
            "\"columns\":\"experiments conditions times\"",
            "\"columns\":\"experiments times\"",
        ),
        (
            "\"columns\":\"experiments conditions times\"",
            "\"columns\":\"conditions times\"",
        ),
        (
            "\"columns\":\"experiments conditions times\"",
            "\"columns\":\"times conditions experiments\"",
        ),
        ("\"fingerprint\":\"", "\"Fingerprint\":\""),
        ("\"shape\":[3]", "\"shape\":[2]"),
        ("\"shape\":[3]", "\"shape\":[18446744073709551615,18446744073709551615]"),
        ("\"data_offsets\":[0,", "\"data_offsets\":[8,"),
        ("\"data_offsets\":[0,", "\"data_offsets\":[18446744073709551608,"),
        ("\"cells\":{\"dtype\":\"U32\"", "\"cells\":{\"dtype\":\"F32\""),
        ("\"cells\":", "\"CELLS\":"),
        ("\"rows.by_cell\":", "\"rows.by_cell2\":"),
        ("\"experiments.labels\":", "\"x.labels\":"),
        ("{\"__metadata__\"", "{\"__metadata_\""),
    ] {
        let error = said(from, to);
        assert!(
            matches!(error, Error::Damaged { .. } | Error::NotAnIndex { .. }),
            "{from} {to}: {error}"
        );
    }
    // Rows that the table does not have are found once a batch has them.
    let place = text.find("\"rows.by_cell\"").unwrap();
    let offsets = text[place..].split("data_offsets\":[").nth(1).unwrap();
    let start: usize = offsets.split(',').next().unwrap().parse().unwrap();
    let mut other = bytes.clone();
    for row in 0..ROWS {
        other[len + start + 4 * row..][..4].copy_from_slice(&(ROWS as u32).to_le_bytes());
    }
    std::fs::write(folder.file(), other).unwrap();
    let index = opened(&folder.file(), Opening::default()).unwrap();
    let plan = Plan::dealt_over(&index, &DealtSettings::default()).unwrap();
    let batch = Batches::<u32>::new(&plan, Deal::default(), 1, 0).unwrap().next();
    assert!(matches!(batch, Some(Err(Error::Damaged { .. }))), "{batch:?}");
}

#[test]
fn running_out_of_memory_is_an_error_wherever_it_happens() {
    let folder = Folder::new("memory");
    for made in all_kinds() {
        index(made, true).save(folder.file(), &metadata()).unwrap();
        for copy in [false, true] {
            let how = Opening {
                copy,
                ..Opening::default()
            };
            // What reads the header asks for its memory in its own way, so only what comes behind it is refused.
            assert!(opened(&folder.file(), how).is_ok());
        }
    }
    let index = Arc::new(index(made_with(ALL, 12, true), false));
    let part = Columns {
        conditions: false,
        times: false,
        ..ALL
    };
    assert!(refuse_in_turn(|| index.only(part)) > 3);
}
