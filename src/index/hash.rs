//! XXH64 with the seed 0, by which the arrays of a file are told from others.

use crate::support::pauses::{ENTRIES, Pauses};

const PRIME_1: u64 = 0x9E37_79B1_85EB_CA87;
const PRIME_2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const PRIME_3: u64 = 0x1656_67B1_9E37_79F9;
const PRIME_4: u64 = 0x85EB_CA77_C2B2_AE63;
const PRIME_5: u64 = 0x27D4_EB2F_1656_67C5;

/// Bytes that are mixed together.
const STRIPE: usize = 32;
/// Bytes between two chances to pause: whole stripes.
pub(super) const PIECE: usize = 4 * ENTRIES;

/// A hash of bytes that come piece by piece. All pieces but the last are whole stripes.
pub(super) struct Hash {
    lanes: [u64; 4],
    len: u64,
}

impl Hash {
    pub(super) fn new() -> Self {
        Self {
            lanes: [PRIME_1.wrapping_add(PRIME_2), PRIME_2, 0, PRIME_1.wrapping_neg()],
            len: 0,
        }
    }

    /// Takes whole stripes.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        for stripe in bytes.chunks_exact(STRIPE) {
            for (lane, word) in self.lanes.iter_mut().zip(stripe.chunks_exact(8)) {
                *lane = mixed(*lane, word_of(word));
            }
        }
        self.len += bytes.len() as u64;
    }

    /// The hash, of the last piece too.
    pub(super) fn end(mut self, bytes: &[u8]) -> u64 {
        let (stripes, mut rest) = bytes.split_at(bytes.len() / STRIPE * STRIPE);
        self.add(stripes);
        let mut hash = if self.len >= STRIPE as u64 {
            let turned = self.lanes.iter().zip([1, 7, 12, 18]);
            let sum = turned.fold(0_u64, |sum, (lane, bits)| sum.wrapping_add(lane.rotate_left(bits)));
            self.lanes.iter().fold(sum, |hash, &lane| {
                (hash ^ mixed(0, lane)).wrapping_mul(PRIME_1).wrapping_add(PRIME_4)
            })
        } else {
            PRIME_5
        };
        hash = hash.wrapping_add(self.len + rest.len() as u64);
        while let Some((word, more)) = rest.split_at_checked(8) {
            hash ^= mixed(0, word_of(word));
            hash = hash.rotate_left(27).wrapping_mul(PRIME_1).wrapping_add(PRIME_4);
            rest = more;
        }
        if let Some((word, more)) = rest.split_at_checked(4) {
            hash ^= word_of(word).wrapping_mul(PRIME_1);
            hash = hash.rotate_left(23).wrapping_mul(PRIME_2).wrapping_add(PRIME_3);
            rest = more;
        }
        for &byte in rest {
            hash ^= u64::from(byte).wrapping_mul(PRIME_5);
            hash = hash.rotate_left(11).wrapping_mul(PRIME_1);
        }
        hash = (hash ^ hash >> 33).wrapping_mul(PRIME_2);
        hash = (hash ^ hash >> 29).wrapping_mul(PRIME_3);
        hash ^ hash >> 32
    }
}

/// The hash of all bytes.
pub(super) fn hash<E: From<crate::Error>>(bytes: &[u8], pauses: &mut Pauses<'_, E>) -> Result<u64, E> {
    let mut hash = Hash::new();
    let (pieces, rest) = bytes.split_at(bytes.len() / PIECE * PIECE);
    for piece in pieces.chunks_exact(PIECE) {
        hash.add(piece);
        pauses.after(piece.len() / 4)?;
    }
    Ok(hash.end(rest))
}

fn mixed(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(PRIME_2))
        .rotate_left(31)
        .wrapping_mul(PRIME_1)
}

/// Up to eight bytes as a number.
fn word_of(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn hash_of(bytes: &[u8]) -> u64 {
        hash(bytes, &mut Pauses::new(&mut || Ok::<_, Error>(()))).unwrap()
    }

    #[test]
    fn known_hashes() {
        assert_eq!(hash_of(b""), 0xEF46_DB37_51D8_E999);
        assert_eq!(hash_of(b"a"), 0xD24E_C4F1_A98C_6E5B);
        assert_eq!(hash_of(b"abc"), 0x44BC_2CF5_AD77_0999);
        assert_eq!(
            hash_of(b"Nobody inspects the spammish repetition"),
            0xFBCE_A83C_8A37_8BF1
        );
    }

    #[test]
    fn pieces_are_as_the_whole() {
        let bytes: Vec<u8> = (0..2 * PIECE + 77).map(|place| ((place * place) >> 3) as u8).collect();
        assert_eq!(hash_of(&bytes), Hash::new().end(&bytes));
        assert_ne!(hash_of(&bytes), hash_of(&bytes[1..]));
    }
}
