//! What stands at the beginning of a file: where its arrays are, and what is said of them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::hash::Hash;
use crate::support::arrays::Array;

/// The key and value by which a file is known as an index.
pub(super) const FORMAT: (&str, &str) = ("format", "cascade-sampler-index");
pub(super) const VERSION: (&str, &str) = ("version", "1");
pub(super) const ROWS: &str = "rows";
pub(super) const COLUMNS: &str = "columns";
const FINGERPRINT: &str = "fingerprint";
/// What the key of an array's checksum begins with.
const CHECKSUM: &str = "xxh64:";
/// Bytes that the arrays begin at a multiple of: a cache line, and the widest that any is aligned to.
const ALIGN: usize = 64;
/// The most bytes that the format allows.
pub(super) const MOST: usize = 100_000_000;

/// The key of an array's checksum.
pub(super) fn checksum_key(array: &str) -> String {
    format!("{CHECKSUM}{array}")
}

/// Whether a key of the metadata is one of the format's own.
pub(super) fn is_own(key: &str) -> bool {
    [FORMAT.0, VERSION.0, ROWS, COLUMNS, FINGERPRINT].contains(&key) || key.starts_with(CHECKSUM)
}

/// A checksum, or a fingerprint, as text.
pub(super) fn digits(hash: u64) -> String {
    format!("{hash:016x}")
}

/// A header with its length before it, filled up so that the arrays behind it are aligned; and its fingerprint. Its length
/// does not depend on the checksums.
pub(super) fn header(
    mut metadata: BTreeMap<String, String>,
    arrays: &[Array<'_>],
    checksums: impl Iterator<Item = u64>,
) -> (Vec<u8>, u64) {
    for (array, checksum) in arrays.iter().zip(checksums) {
        metadata.insert(checksum_key(&array.name), digits(checksum));
    }
    metadata.insert(FINGERPRINT.into(), digits(0));
    let metadata: serde_json::Map<String, Value> =
        metadata.into_iter().map(|(key, value)| (key, value.into())).collect();
    let mut text = format!("{{\"__metadata__\":{}", Value::Object(metadata));
    let mut start = 0;
    for Array {
        name, numbers, bytes, ..
    } in arrays
    {
        let (kind, parts) = *numbers;
        let end = start + bytes.len();
        let values = bytes.len() / (parts * width_of(kind));
        let shape = if parts == 1 {
            format!("[{values}]")
        } else {
            format!("[{values},{parts}]")
        };
        let fields = format!("\"dtype\":\"{kind}\",\"shape\":{shape},\"data_offsets\":[{start},{end}]");
        text.extend([",\"", name.as_str(), "\":{", &fields, "}"]);
        start = end;
    }
    text.push('}');
    let len = (8 + text.len()).next_multiple_of(ALIGN) - 8;
    let mut header = (len as u64).to_le_bytes().to_vec();
    header.extend(text.bytes());
    header.resize(8 + len, b' ');
    let hash = Hash::new().end(&header);
    if let Some(place) = place_of_fingerprint(&header) {
        header[place..place + 16].copy_from_slice(digits(hash).as_bytes());
    }
    (header, hash)
}

/// The fingerprint that a header has, and the one that it should have.
pub(super) fn fingerprints(header: &[u8]) -> Option<(String, u64)> {
    let place = place_of_fingerprint(header)?;
    let mut zeroed = header.to_vec();
    let found = String::from_utf8_lossy(&header[place..place + 16]).into_owned();
    zeroed[place..place + 16].fill(b'0');
    Some((found, Hash::new().end(&zeroed)))
}

fn place_of_fingerprint(header: &[u8]) -> Option<usize> {
    let before = format!("\"{FINGERPRINT}\":\"");
    let found = header
        .windows(before.len())
        .position(|bytes| bytes == before.as_bytes())?;
    let place = found + before.len();
    (place + 16 <= header.len()).then_some(place)
}

/// Bytes of a number of a type.
pub(super) fn width_of(kind: &str) -> usize {
    match kind {
        "U8" => 1,
        "U16" => 2,
        "F64" => 8,
        _ => 4,
    }
}
