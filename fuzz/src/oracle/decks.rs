//! Section 1 of the specification's version 2.

use crate::oracle::draws::seed_words;

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix64(mut z: u64) -> u64 {
    z ^= z >> 30;
    z = z.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^= z >> 27;
    z = z.wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

pub(crate) fn word(z: u64, i: u64) -> u64 {
    mix64(z.wrapping_add(GOLDEN.wrapping_mul(i.wrapping_add(1))))
}

pub(crate) fn onto(w: u64, n: usize) -> usize {
    ((w >> 32) * n as u64 >> 32) as usize
}

pub(crate) fn key(seed: u64, purpose: u64, a: u64, b: u64) -> u64 {
    let words = seed_words([seed as u32, (seed >> 32) as u32, 0, 0]);
    [purpose, a, b].into_iter().fold(words[0], word)
}

/// The card at place `x` of the deck 0..n as key `z` shuffles it.
pub(crate) fn deal(n: usize, z: u64, mut x: usize) -> usize {
    if n <= 64 {
        let mut cards: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            cards.swap(i, onto(word(z, i as u64), i + 1));
        }
        return cards[x];
    }
    let a = (1..).find(|a| a * a >= n).unwrap();
    let b = n.div_ceil(a);
    let keys: Vec<u32> = (0..4)
        .flat_map(|i| [word(z, i) as u32, (word(z, i) >> 32) as u32])
        .collect();
    loop {
        let (mut l, mut r) = (x / b, x % b);
        for turn in 0..4 {
            l = (l + (hash(r, keys[2 * turn]) * a >> 32)) % a;
            r = (r + (hash(l, keys[2 * turn + 1]) * b >> 32)) % b;
        }
        x = l * b + r;
        if x < n {
            return x;
        }
    }
}

fn hash(v: usize, k: u32) -> usize {
    let mut v = (v as u32 ^ k).wrapping_mul(0x7feb_352d);
    v ^= v >> 15;
    v = v.wrapping_mul(0x846c_a68b);
    (v ^ v >> 16) as usize
}

/// The lap of deal `number`, and which deal of that lap it is.
pub(crate) fn lap(n: usize, q: usize, k: u64, number: u64) -> (u64, u64) {
    let deals = k * (n.div_ceil(q) as u64).div_ceil(k);
    (number / deals, number % deals)
}

/// The places that deal `j` of a lap takes.
pub(crate) fn places(n: usize, q: usize, j: u64) -> Vec<usize> {
    (0..q as u64)
        .map(|i| ((j * q as u64 + i) % n as u64) as usize)
        .collect()
}
