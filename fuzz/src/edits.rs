//! Changes to an index file, as someone makes them who knows the format: numbers, names and bytes become others, and the
//! fingerprint mostly fits again.

use std::ops::Range;

use crate::bytes::Bytes;
use crate::xxh64::xxh64;

/// One change. Which part of the file it meets is told by numbers, since the file is made after them.
pub(crate) struct Edit {
    kind: u64,
    place: u64,
    other: u64,
    value: u64,
}

/// Values that lengths, places and rows are changed to.
const VALUES: [u64; 10] = [
    0,
    1,
    2,
    255,
    1 << 16,
    (1 << 32) - 1,
    1 << 32,
    1 << 61,
    1 << 63,
    u64::MAX,
];

impl Edit {
    pub(crate) fn new(bytes: &mut Bytes<'_>) -> Self {
        Self {
            kind: bytes.below(12),
            place: bytes.below(1 << 20),
            other: bytes.below(1 << 12),
            value: if bytes.once_in(3) {
                bytes.whole()
            } else {
                bytes.one_of(&VALUES)
            },
        }
    }

    fn make(&self, header: &mut Vec<u8>, body: &mut Vec<u8>) {
        match self.kind {
            0..=2 => {
                let numbers = numbers(header);
                let Some(range) = chosen(&numbers, self.place) else {
                    return;
                };
                let before: u64 = std::str::from_utf8(&header[range.clone()])
                    .unwrap()
                    .parse()
                    .unwrap_or(0);
                let value = match self.other % 4 {
                    0 => before.wrapping_add(1),
                    1 => before.wrapping_sub(1),
                    2 => before.wrapping_add(self.value),
                    _ => self.value,
                };
                header.splice(range, value.to_string().into_bytes());
            }
            3 => {
                let texts = texts(header);
                let (Some(one), Some(other)) = (chosen(&texts, self.place), chosen(&texts, self.other)) else {
                    return;
                };
                let text = header[other].to_vec();
                header.splice(one, text);
            }
            4 => {
                let place = self.place as usize % header.len();
                header[place] ^= 1 << (self.value % 8);
            }
            5 => {
                body.truncate(body.len().saturating_sub(self.other as usize));
            }
            6 => body.extend(&self.value.to_le_bytes()[..self.other as usize % 9]),
            _ if body.is_empty() => {}
            7..=9 => {
                // Mostly one of the numbers of 32 bits.
                let place = self.place as usize % body.len() & if self.other % 8 > 0 { !3 } else { !0 };
                let width = if self.other % 3 > 0 { 4 } else { 8 };
                for (byte, value) in body[place..].iter_mut().zip(&self.value.to_le_bytes()[..width]) {
                    *byte = *value;
                }
            }
            _ => {
                let start = self.place as usize % body.len();
                let end = (start + 1 + self.other as usize).min(body.len());
                body[start..end].fill(self.value as u8);
            }
        }
    }
}

/// The file with all changes made.
pub(crate) fn changed(file: &[u8], edits: &[Edit], is_signed: bool) -> Vec<u8> {
    let start = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let (mut header, mut body) = (file[8..start].trim_ascii_end().to_vec(), file[start..].to_vec());
    for edit in edits {
        edit.make(&mut header, &mut body);
    }
    let len = (8 + header.len()).next_multiple_of(64) - 8;
    header.resize(len, b' ');
    let mut all = [&(len as u64).to_le_bytes()[..], &header].concat();
    if is_signed {
        sign(&mut all);
    }
    all.extend(body);
    all
}

/// Writes the fingerprint that a header should have.
fn sign(header: &mut [u8]) {
    let before = b"\"fingerprint\":\"";
    let Some(place) = header.windows(before.len()).position(|bytes| bytes == before) else {
        return;
    };
    let digits = place + before.len()..place + before.len() + 16;
    if digits.end > header.len() {
        return;
    }
    header[digits.clone()].fill(b'0');
    let hash = format!("{:016x}", xxh64(header));
    header[digits].copy_from_slice(hash.as_bytes());
}

/// Where the numbers of a header stand: lengths, places, rows and the version.
fn numbers(header: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut place = 0;
    while place < header.len() {
        let end = place + header[place..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_apart = |at: Option<usize>| {
            let byte = at.and_then(|at| header.get(at));
            byte.is_some_and(|byte| b"[],\"".contains(byte))
        };
        if end > place && is_apart(place.checked_sub(1)) && is_apart(Some(end)) {
            found.push(place..end);
        }
        place = end.max(place + 1);
    }
    found
}

/// Where the texts of a header stand, without their quotes.
fn texts(header: &[u8]) -> Vec<Range<usize>> {
    let quotes = header.iter().enumerate().filter(|&(_, &byte)| byte == b'"');
    let quotes: Vec<usize> = quotes.map(|(place, _)| place).collect();
    quotes.chunks_exact(2).map(|pair| pair[0] + 1..pair[1]).collect()
}

fn chosen(ranges: &[Range<usize>], number: u64) -> Option<Range<usize>> {
    ranges.get(number as usize % ranges.len().max(1)).cloned()
}
