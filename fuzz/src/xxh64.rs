//! XXH64 with the seed 0, from its public description.

const PRIMES: [u64; 5] = [
    0x9E37_79B1_85EB_CA87,
    0xC2B2_AE3D_27D4_EB4F,
    0x1656_67B1_9E37_79F9,
    0x85EB_CA77_C2B2_AE63,
    0x27D4_EB2F_1656_67C5,
];

pub(crate) fn xxh64(bytes: &[u8]) -> u64 {
    let [one, two, three, four, five] = PRIMES;
    let round = |lane: u64, word: u64| {
        lane.wrapping_add(word.wrapping_mul(two))
            .rotate_left(31)
            .wrapping_mul(one)
    };
    let stripes = bytes.chunks_exact(32);
    let rest = stripes.remainder();
    let mut hash = five;
    if bytes.len() >= 32 {
        let mut lanes = [one.wrapping_add(two), two, 0, 0_u64.wrapping_sub(one)];
        for stripe in stripes {
            for (lane, word) in lanes.iter_mut().zip(stripe.chunks(8)) {
                *lane = round(*lane, little(word));
            }
        }
        let turns = lanes.iter().zip([1, 7, 12, 18]);
        hash = turns.fold(0, |sum: u64, (lane, turn)| sum.wrapping_add(lane.rotate_left(turn)));
        for lane in lanes {
            hash = (hash ^ round(0, lane)).wrapping_mul(one).wrapping_add(four);
        }
    }
    hash = hash.wrapping_add(bytes.len() as u64);
    let words = rest.chunks_exact(8);
    let mut rest = words.remainder();
    for word in words {
        hash = (hash ^ round(0, little(word)))
            .rotate_left(27)
            .wrapping_mul(one)
            .wrapping_add(four);
    }
    if let Some((word, last)) = rest.split_at_checked(4) {
        hash = (hash ^ little(word).wrapping_mul(one))
            .rotate_left(23)
            .wrapping_mul(two)
            .wrapping_add(three);
        rest = last;
    }
    for &byte in rest {
        hash = (hash ^ u64::from(byte).wrapping_mul(five))
            .rotate_left(11)
            .wrapping_mul(one);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(two);
    hash = (hash ^ (hash >> 29)).wrapping_mul(three);
    hash ^ (hash >> 32)
}

fn little(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}
