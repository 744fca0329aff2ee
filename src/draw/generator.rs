//! Seeding and the draws everything is made of (specification, section 1).

use rand_pcg::Lcg128Xsl64;
use rand_pcg::rand_core::Rng;

const INIT_A: u32 = 0x43b0_d7e5;
const MULT_A: u32 = 0x931e_8875;
const INIT_B: u32 = 0x8b51_f9dd;
const MULT_B: u32 = 0x58f3_8ded;
const MIX_L: u32 = 0xca01_f9dd;
const MIX_R: u32 = 0x4973_f715;

/// `NumPy`'s word hash: every call moves the constant on, so the order of calls is part of the result.
struct Hash {
    constant: u32,
    multiplier: u32,
}

impl Hash {
    fn word(&mut self, word: u32) -> u32 {
        let mixed = word ^ self.constant;
        self.constant = self.constant.wrapping_mul(self.multiplier);
        let mixed = mixed.wrapping_mul(self.constant);
        mixed ^ (mixed >> 16)
    }
}

fn mix(x: u32, y: u32) -> u32 {
    let mixed = MIX_L.wrapping_mul(x).wrapping_sub(MIX_R.wrapping_mul(y));
    mixed ^ (mixed >> 16)
}

/// The four words that `numpy.random.SeedSequence(seed).generate_state(4, numpy.uint64)` gives.
#[must_use]
pub fn seed_words(seed: u64) -> [u64; 4] {
    words_of([seed, 0])
}

/// The four words that `numpy.random.SeedSequence(entropy).generate_state(4, numpy.uint64)` gives, `entropy` an array of two
/// numbers as four words of 32 bits, the lower ones first.
#[must_use]
pub(crate) fn words_of(entropy: [u64; 2]) -> [u64; 4] {
    let mut hash = Hash {
        constant: INIT_A,
        multiplier: MULT_A,
    };
    let [first, second] = entropy;
    let words = [first as u32, (first >> 32) as u32, second as u32, (second >> 32) as u32];
    let mut pool = words.map(|word| hash.word(word));
    for source in 0..4 {
        for target in (0..4).filter(|&target| target != source) {
            pool[target] = mix(pool[target], hash.word(pool[source]));
        }
    }
    let mut hash = Hash {
        constant: INIT_B,
        multiplier: MULT_B,
    };
    std::array::from_fn(|word| {
        let low = hash.word(pool[2 * word % 4]);
        let high = hash.word(pool[(2 * word + 1) % 4]);
        u64::from(low) | u64::from(high) << 32
    })
}

/// PCG64 as `numpy.random.default_rng(seed)` seeds and reads it.
///
/// The value of every method is part of the specification: the same seed gives the same numbers in every release of
/// one major version, on every platform.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Generator {
    pub(super) pcg: Lcg128Xsl64,
    /// High half of the last word that was split: `rand_pcg` would drop it, `NumPy` hands it out next.
    pub(super) kept: Option<u32>,
    /// Words drawn since the seed.
    pub(super) words: u64,
}

impl Generator {
    /// The generator of `seed`, which for an epoch is the sampler's seed plus the epoch.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::of_words(seed_words(seed))
    }

    /// The generator whose state and increment are seeded by four words.
    #[must_use]
    pub(crate) fn of_words(words: [u64; 4]) -> Self {
        let [w0, w1, w2, w3] = words.map(u128::from);
        Self {
            pcg: Lcg128Xsl64::new(w0 << 64 | w1, w2 << 64 | w3),
            kept: None,
            words: 0,
        }
    }

    /// The generator of `seed` where another one of that seed stood, by its [`Generator::place`].
    #[must_use]
    pub fn at(seed: u64, words: u64, kept: Option<u32>) -> Self {
        let mut generator = Self::new(seed);
        generator.pcg.advance(words.into());
        Self {
            kept,
            words,
            ..generator
        }
    }

    /// Words drawn since the seed, and the half that is kept.
    #[must_use]
    pub fn place(&self) -> (u64, Option<u32>) {
        (self.words, self.kept)
    }

    /// The next 64 bits. A kept half stays kept.
    #[inline]
    pub fn next64(&mut self) -> u64 {
        self.words = self.words.wrapping_add(1);
        self.pcg.next_u64()
    }

    /// The next 32 bits: the low half of a fresh word, then its high half.
    #[inline]
    pub fn next32(&mut self) -> u32 {
        if let Some(high) = self.kept.take() {
            return high;
        }
        let word = self.next64();
        self.kept = Some((word >> 32) as u32);
        word as u32
    }

    /// A double in `[0, 1)` of 53 random bits.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.next64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// A whole number in `0..bound` without bias, by Lemire's multiplication on 32 bits. A `bound` of 1 (or 0, which
    /// has no number below it) draws nothing and gives 0.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        if bound <= 1 {
            return 0;
        }
        let drawn = self.next32();
        self.below_from(drawn, bound)
    }

    /// As [`Generator::below`], of a `bound` above 1, where the first 32 bits are drawn already.
    #[inline]
    fn below_from(&mut self, drawn: u32, bound: u32) -> u32 {
        let mut product = u64::from(drawn) * u64::from(bound);
        // Only a low half under `bound` can lie under the threshold, so the division is rare.
        if (product as u32) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (product as u32) < threshold {
                product = u64::from(self.next32()) * u64::from(bound);
            }
        }
        (product >> 32) as u32
    }

    /// Draws [`Generator::below`] for `count` bounds, each `step` from the last, and tells the numbers. All bounds are above 1.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a call takes as long as the draws of a short list")]
    pub(crate) fn each_below(&mut self, first: u32, step: i32, count: usize, mut tell: impl FnMut(u32)) {
        let (mut bound, mut left) = (first, count);
        while left > 0 {
            if left == 1 || self.kept.is_some() {
                tell(self.below(bound));
                bound = bound.wrapping_add_signed(step);
                left -= 1;
                continue;
            }
            // Two bounds a word: all that is rare is whether one of them is drawn again. What the loop needs is in variables
            // of its own, so that it stays in registers.
            let mut pcg = self.pcg.clone();
            let (mut word, mut next) = (0, bound);
            let before = left;
            let mut again = false;
            while left > 1 {
                word = pcg.next_u64();
                next = bound.wrapping_add_signed(step);
                left -= 2;
                let one = u64::from(word as u32) * u64::from(bound);
                let other = (word >> 32) * u64::from(next);
                again = (one as u32) < bound || (other as u32) < next;
                if again {
                    break;
                }
                tell((one >> 32) as u32);
                tell((other >> 32) as u32);
                bound = next.wrapping_add_signed(step);
            }
            self.pcg = pcg;
            self.words = self.words.wrapping_add(((before - left) / 2) as u64);
            if again {
                self.draw_again(word, bound, next).into_iter().for_each(&mut tell);
                bound = next.wrapping_add_signed(step);
            }
        }
    }

    /// Draws [`Generator::below`] for two bounds above 1, the first word for which is drawn already.
    #[cold]
    #[inline(never)]
    fn draw_again(&mut self, word: u64, one: u32, other: u32) -> [u32; 2] {
        self.kept = Some((word >> 32) as u32);
        [self.below_from(word as u32, one), self.below(other)]
    }

    /// How many entries of the ascending `cdf` are at or below one `unit()` draw.
    #[inline]
    pub fn pick(&mut self, cdf: &[f64]) -> usize {
        let unit = self.unit();
        cdf.partition_point(|&entry| entry <= unit)
    }
}
