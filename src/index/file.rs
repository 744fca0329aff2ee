//! An index in a file, in the format of `docs/index-file.md`.

use std::any::Any;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use safetensors::SafeTensors;

use super::hash::{Hash, PIECE, hash};
use super::header::{COLUMNS, FORMAT, MOST, ROWS, VERSION, checksum_key, digits, fingerprints, header, is_own};
use super::reader::Reader;
use super::{Columns, Index, Made};
use crate::error::Error;
use crate::groups::{Groups, Order};
use crate::near::Focus;
use crate::support::caught::caught;
use crate::support::memory::{LINE, Line, bytes_mut, shared};
use crate::support::pauses::Pauses;
use crate::support::store::Store;

/// Where an index was opened from.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) fingerprint: u64,
    pub(super) metadata: BTreeMap<String, String>,
    /// Whether its arrays were read into memory, and are not mapped.
    pub(super) is_copied: bool,
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Whether all of the file is read and compared with its checksums.
    pub verify: bool,
    /// Whether the arrays are read into memory. Else the file is mapped: what is not read takes no memory, and all processes
    /// of a machine share what is. A mapped file must not be written to or cut off; one that is replaced by another is kept.
    pub copy: bool,
    /// The fingerprint that the file must have.
    pub fingerprint: Option<u64>,
}

impl Index {
    /// Writes a file, with what else is to be known of it. A file that is there is replaced once the new one is whole.
    ///
    /// ```
    /// # use cascade_sampler::{Column, Index, Table};
    /// # use std::collections::BTreeMap;
    /// # let folder = std::env::temp_dir().join(format!("cascade-sampler-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// # let path = folder.join("cells.index");
    /// let plate = [0, 0, 1, 1, 1];
    /// let table = Table { rows: 5, experiments: Some(Column::from_ranks(&plate, 2)), ..Table::default() };
    /// let metadata = BTreeMap::from([("plates".to_owned(), "A1 B7".to_owned())]);
    /// Index::build(&table)?.save(&path, &metadata)?;
    /// let index = Index::open(&path)?;
    /// assert_eq!(index.groups().size(1), 3);
    /// assert_eq!(index.metadata(), Some(&metadata));
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), cascade_sampler::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::File`], [`Error::MetadataKey`], [`Error::ByteOrder`]; [`Error::NotAnIndex`] where the metadata is larger than
    /// the format allows.
    pub fn save(&self, path: impl AsRef<Path>, metadata: &BTreeMap<String, String>) -> Result<(), Error> {
        self.save_with_pause(path, metadata, || Ok(()))
    }

    /// As [`Index::save`]. `pause` is called every few milliseconds; its error ends the work, and leaves no file.
    ///
    /// # Errors
    /// As [`Index::save`], or what `pause` returns.
    pub fn save_with_pause<E: From<Error>>(
        &self,
        path: impl AsRef<Path>,
        metadata: &BTreeMap<String, String>,
        mut pause: impl FnMut() -> Result<(), E>,
    ) -> Result<(), E> {
        let path = path.as_ref();
        refuse_byte_order()?;
        if let Some(key) = metadata.keys().find(|key| is_own(key)) {
            return Err(Error::MetadataKey { key: key.clone() }.into());
        }
        let mut all = metadata.clone();
        let mut say = |key: &str, value: String| all.insert(key.into(), value);
        say(FORMAT.0, FORMAT.1.into());
        say(VERSION.0, VERSION.1.into());
        say(ROWS, self.groups.rows().to_string());
        say(COLUMNS, names_of(self.columns));
        let mut arrays = self.arrays().0;
        // Each begins where the one before ends, which is a multiple of its own alignment.
        arrays.sort_by_key(|array| std::cmp::Reverse(array.align));
        let (placeholder, _) = header(all.clone(), &arrays, std::iter::repeat(0));
        if placeholder.len() - 8 > MOST {
            let reason = format!("the metadata has more than the {MOST} bytes that the format allows");
            let path = path.into();
            return Err(Error::NotAnIndex { path, reason }.into());
        }
        let failed = |error: io::Error| failed(path, "written", &error);
        let pauses = &mut Pauses::new(&mut pause);
        let mut part = Part::beside(path).map_err(failed)?;
        part.file.write_all(&placeholder).map_err(failed)?;
        let mut checksums = Vec::new();
        for array in &arrays {
            let mut hash = Hash::new();
            let (pieces, rest) = array.bytes.split_at(array.bytes.len() / PIECE * PIECE);
            for piece in pieces.chunks_exact(PIECE) {
                hash.add(piece);
                part.file.write_all(piece).map_err(failed)?;
                pauses.after(PIECE / 4)?;
            }
            part.file.write_all(rest).map_err(failed)?;
            checksums.push(hash.end(rest));
        }
        let (header, _) = header(all, &arrays, checksums.into_iter());
        part.file.rewind().map_err(failed)?;
        part.file.write_all(&header).map_err(failed)?;
        part.take_place(path).map_err(failed)?;
        Ok(())
    }

    /// Maps a file. What there is for every experiment, condition and cell is checked; row numbers are looked at when a batch
    /// has them, and times when they are used.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::NotAnIndex`], [`Error::IndexVersion`], [`Error::Damaged`], [`Error::ByteOrder`],
    /// [`Error::OutOfMemory`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with_pause(path, Opening::default(), || Ok(()))
    }

    /// As [`Index::open`], in the way that `how` tells. `pause` is called every few milliseconds; its error ends the work.
    ///
    /// # Errors
    /// As [`Index::open`], [`Error::OtherIndex`], or what `pause` returns.
    pub fn open_with_pause<E: From<Error>>(
        path: impl AsRef<Path>,
        how: Opening,
        mut pause: impl FnMut() -> Result<(), E>,
    ) -> Result<Self, E> {
        let path = path.as_ref();
        let pauses = &mut Pauses::new(&mut pause);
        // A length that overflows is caught in builds that check for it.
        caught(|| opened(path, how, pauses)).unwrap_or_else(|| Err(damaged(path, "its lengths overflow").into()))
    }

    /// What else is known of an index that was opened.
    #[must_use]
    pub fn metadata(&self) -> Option<&BTreeMap<String, String>> {
        self.file.as_ref().map(|file| &file.metadata)
    }

    /// The file that an index was opened from.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| &*file.path)
    }

    /// What the file that an index was opened from is told from others by: a hash of its header, which has a checksum of
    /// every array.
    #[must_use]
    pub fn fingerprint(&self) -> Option<u64> {
        self.file.as_ref().map(|file| file.fingerprint)
    }
}

fn opened<E: From<Error>>(path: &Path, how: Opening, pauses: &mut Pauses<'_, E>) -> Result<Index, E> {
    refuse_byte_order()?;
    let failed = |error: io::Error| failed(path, "read", &error);
    let file = File::open(path).map_err(failed)?;
    let len = file.metadata().map_err(failed)?.len();
    let Some(len) = usize::try_from(len).ok().filter(|&len| len >= 8) else {
        let reason = format!("it has {len} bytes");
        return Err(Error::NotAnIndex {
            path: path.into(),
            reason,
        }
        .into());
    };
    if how.copy {
        let memory = shared(copied(file, len, pauses).map_err(|error| error.or(failed))?)?;
        let bytes = memory.as_bytes().get(..len).unwrap_or_default();
        read(path, how, bytes, memory.clone(), pauses)
    } else {
        #[allow(unsafe_code)]
        // SAFETY: that nobody writes to the file or cuts it off is asked of those who open it. What is read may be anything.
        let memory = unsafe { memmap2::Mmap::map(&file) }.map_err(failed)?;
        let memory = shared(memory)?;
        read(path, how, &memory, memory.clone(), pauses)
    }
}

/// What ends the reading of a file.
enum Ended<E> {
    Failed(io::Error),
    By(E),
}

impl<E> Ended<E> {
    fn or(self, failed: impl Fn(io::Error) -> Error) -> E
    where
        E: From<Error>,
    {
        match self {
            Self::Failed(error) => failed(error).into(),
            Self::By(error) => error,
        }
    }
}

/// So many bytes of a file, in memory.
fn copied<E: From<Error>>(mut file: File, len: usize, pauses: &mut Pauses<'_, E>) -> Result<Store<Line>, Ended<E>> {
    let by = |error: Error| Ended::By(error.into());
    let lines = pauses.filled(len.div_ceil(LINE), Line([0; LINE])).map_err(Ended::By)?;
    let mut memory = Store::new(lines).map_err(by)?;
    for piece in bytes_mut(memory.written())[..len].chunks_mut(PIECE) {
        file.read_exact(piece).map_err(Ended::Failed)?;
        pauses.after(piece.len() / 4).map_err(Ended::By)?;
    }
    Ok(memory)
}

fn read<E: From<Error>>(
    path: &Path,
    how: Opening,
    bytes: &[u8],
    memory: Arc<dyn Any + Send + Sync>,
    pauses: &mut Pauses<'_, E>,
) -> Result<Index, E> {
    let (header_len, parsed) = SafeTensors::read_metadata(bytes).map_err(|error| not_readable(path, bytes, &error))?;
    let metadata: BTreeMap<String, String> = parsed
        .metadata()
        .iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let is = |(key, value): (&str, &str)| metadata.get(key).is_some_and(|found| found == value);
    if !is(FORMAT) {
        let reason = "its metadata does not say so".into();
        return Err(Error::NotAnIndex {
            path: path.into(),
            reason,
        }
        .into());
    }
    if !is(VERSION) {
        let found = metadata.get(VERSION.0).cloned().unwrap_or_default();
        return Err(Error::IndexVersion {
            path: path.into(),
            found,
        }
        .into());
    }
    let Some((found, fingerprint)) = fingerprints(&bytes[..8 + header_len]) else {
        return Err(damaged(path, "it has no fingerprint").into());
    };
    if found != digits(fingerprint) {
        return Err(damaged(path, "its header is not the one that was written").into());
    }
    if let Some(expected) = how.fingerprint.filter(|&expected| expected != fingerprint) {
        return Err(Error::OtherIndex {
            path: path.into(),
            expected: digits(expected),
            found,
        }
        .into());
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| not_readable(path, bytes, &error))?;
    if how.verify {
        for name in parsed.offset_keys() {
            let Ok(tensor) = tensors.tensor(&name) else { continue };
            let found = digits(hash(tensor.data(), pauses)?);
            if metadata.get(&checksum_key(&name)) != Some(&found) {
                return Err(damaged(path, &format!("the bytes of {name} are not those that were written")).into());
            }
        }
    }
    let rows = metadata.get(ROWS).and_then(|rows| rows.parse::<u32>().ok());
    let Some((rows, columns)) = rows.zip(metadata.get(COLUMNS).and_then(|names| columns_of(names))) else {
        return Err(damaged(path, "its rows or columns are not told").into());
    };
    let reader = &mut Reader {
        path,
        tensors: &tensors,
        memory,
    };
    let has = [columns.experiments, columns.conditions];
    let (groups, pools) = Groups::open(rows as usize, has, reader)?;
    let order = if columns.conditions {
        Order::Cells
    } else {
        groups.pool_order()
    };
    let focus = if columns.times {
        Some(shared(Focus::open(&groups, order, reader)?)?)
    } else {
        None
    };
    let made = Made::default();
    if let Some(pools) = pools {
        made.pools.get_or_init(|| pools);
    }
    Ok(Index {
        groups,
        focus,
        columns,
        made: shared(made)?,
        file: Some(shared(Opened {
            // Who changes to another folder has the same file.
            path: std::path::absolute(path).unwrap_or_else(|_| path.into()),
            fingerprint,
            metadata: metadata.into_iter().filter(|(key, _)| !is_own(key)).collect(),
            is_copied: how.copy,
        })?),
    })
}

fn refuse_byte_order() -> Result<(), Error> {
    if cfg!(target_endian = "big") {
        Err(Error::ByteOrder)
    } else {
        Ok(())
    }
}

fn failed(path: &Path, what: &'static str, error: &io::Error) -> Error {
    Error::File {
        path: path.into(),
        what,
        kind: error.kind(),
        reason: error.to_string(),
    }
}

fn damaged(path: &Path, reason: &str) -> Error {
    Error::Damaged {
        path: path.into(),
        reason: reason.into(),
    }
}

/// What to say of bytes that are not in the format: an index that is cut off is damaged, others are none.
fn not_readable(path: &Path, bytes: &[u8], error: &safetensors::SafeTensorError) -> Error {
    let start = &bytes[..bytes.len().min(4096)];
    let is_index = start
        .windows(FORMAT.1.len())
        .any(|window| window == FORMAT.1.as_bytes());
    if is_index {
        damaged(path, &error.to_string())
    } else {
        Error::NotAnIndex {
            path: path.into(),
            reason: error.to_string(),
        }
    }
}

/// The names of columns, as the metadata has them.
fn names_of(columns: Columns) -> String {
    let Columns {
        experiments,
        conditions,
        times,
    } = columns;
    let names = [
        ("experiments", experiments),
        ("conditions", conditions),
        ("times", times),
    ];
    let names: Vec<&str> = names
        .into_iter()
        .filter(|&(_, is_there)| is_there)
        .map(|(name, _)| name)
        .collect();
    names.join(" ")
}

fn columns_of(names: &str) -> Option<Columns> {
    let has = |name: &str| names.split(' ').any(|one| one == name);
    let columns = Columns {
        experiments: has("experiments"),
        conditions: has("conditions"),
        times: has("times"),
    };
    (names_of(columns) == names).then_some(columns)
}

/// A file that is being written beside the place that it will take. It goes where it is not finished.
struct Part {
    file: File,
    path: PathBuf,
}

impl Part {
    fn beside(path: &Path) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}-{number}.part", std::process::id()));
        let path = path.with_file_name(hidden);
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self { file, path })
    }

    fn take_place(self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, path)?;
        // The name lasts for certain once the folder is written; not every system lets a folder be opened for that.
        #[cfg(unix)]
        if let Some(folder) = path.parent() {
            let here = folder.as_os_str().is_empty().then_some(Path::new("."));
            let _ = File::open(here.unwrap_or(folder)).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It is gone where it took its place.
        let _ = std::fs::remove_file(&self.path);
    }
}
