//! Index files that someone wrote to: an error, or rows of the table.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cascade_sampler::audit::{Audit, Coverage, Reach, WindowReach};
use cascade_sampler::{Batches, Deal, DealtSettings, Error, Index, Opening, Plan, Settings};

use crate::bytes::Bytes;
use crate::compare::name;
use crate::edits::{Edit, changed};
use crate::table::Rows;
use crate::{dealt, drawn};

/// Batches of each plan that are looked at.
const BATCHES: usize = 6;

/// Saves an index, changes the file and does with it all that is ever done with an index.
pub fn files(data: &[u8]) {
    let bytes = &mut Bytes::new(data);
    let edits: Vec<Edit> = (0..bytes.below(4)).map(|_| Edit::new(bytes)).collect();
    let is_signed = !bytes.once_in(8);
    let how = Opening {
        verify: bytes.once_in(8),
        copy: bytes.once_in(2),
        fingerprint: None,
    };
    let pools = bytes.once_in(2);
    let settings = (drawn::settings(bytes), dealt::settings(bytes));
    let table = Rows::of(bytes);
    let Ok(index) = Index::build_with_pause::<Error>(&table.table(), pools, || Ok(())) else {
        return;
    };
    let path = File::new();
    index.save(&path.0, &BTreeMap::new()).unwrap();
    let whole = std::fs::read(&path.0).unwrap();
    let file = changed(&whole, &edits, is_signed);
    std::fs::write(&path.0, &file).unwrap();
    let opened = Index::open_with_pause::<Error>(&path.0, how, || Ok(()));
    if file == whole {
        let (index, opened) = (Arc::new(index), Arc::new(opened.unwrap()));
        let (expected, found) = (asked(&index, &settings), asked(&opened, &settings));
        assert!(expected == found, "{expected:?} {found:?}");
        return;
    }
    if how.verify && !is_signed {
        assert_ne!(name(&opened), "none");
    }
    match opened {
        Ok(opened) => drop(asked(&Arc::new(opened), &settings)),
        Err(_) => drop(name(&opened)),
    }
}

/// All that is ever asked of an index, as far as there is no error.
fn asked(index: &Arc<Index>, (drawn, dealt): &(Settings, DealtSettings)) -> Vec<Result<Vec<u32>, String>> {
    let rows = index.groups().rows() as u32;
    let mut found = Vec::new();
    for plan in [Plan::over(index, drawn), Plan::dealt_over(index, dealt)] {
        let Ok(plan) = plan else {
            found.push(Err(name(&plan)));
            continue;
        };
        let mut batches = Batches::<u32>::new(&plan, Deal::default(), 3, 0).unwrap();
        for batch in batches.by_ref().take(BATCHES) {
            if let Ok(batch) = &batch {
                assert!(batch.iter().all(|&row| row < rows), "{batch:?} of {rows} rows");
            }
            found.push(batch.map_err(|error| error.to_string()));
        }
        let told = [
            name(&batches.origins()),
            name(&Audit::new::<Error>(&plan, 3, 0, 1, Some(BATCHES as u64), |_| Ok(()))),
            name(&Reach::of::<Error>(&plan, || Ok(()))),
            name(&WindowReach::of::<Error>(&plan, || Ok(()))),
            name(&Coverage::of::<Error>(&plan, 3, 0, || Ok(()))),
        ];
        found.extend(told.map(Err));
    }
    found.push(Err(name(&index.times::<Error>(|| Ok(())))));
    found
}

/// A path of this process's own, whose file goes when it is not needed any more.
struct File(PathBuf);

impl File {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("cascade-sampler-fuzz-{}-{number}.index", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
