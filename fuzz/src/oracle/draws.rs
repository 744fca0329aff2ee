//! Section 1 of the specification.

pub(crate) struct Generator {
    state: u128,
    inc: u128,
    kept: Option<u32>,
}

const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

/// The four words of NumPy's `SeedSequence` for a pool of four 32-bit words.
pub(crate) fn seed_words(entropy: [u32; 4]) -> [u64; 4] {
    let mut constant = 0x43b0_d7e5_u32;
    let hash = |constant: &mut u32, multiplier: u32, value: u32| {
        let mut v = value ^ *constant;
        *constant = constant.wrapping_mul(multiplier);
        v = v.wrapping_mul(*constant);
        v ^ v >> 16
    };
    let mix = |x: u32, y: u32| {
        let r = 0xca01_f9dd_u32
            .wrapping_mul(x)
            .wrapping_sub(0x4973_f715_u32.wrapping_mul(y));
        r ^ r >> 16
    };
    let mut pool = entropy.map(|word| hash(&mut constant, 0x931e_8875, word));
    for i in 0..4 {
        for j in 0..4 {
            if i != j {
                pool[j] = mix(pool[j], hash(&mut constant, 0x931e_8875, pool[i]));
            }
        }
    }
    let mut constant = 0x8b51_f9dd_u32;
    let mut out = [0_u64; 8];
    for (k, word) in out.iter_mut().enumerate() {
        *word = hash(&mut constant, 0x58f3_8ded, pool[k % 4]).into();
    }
    [0, 1, 2, 3].map(|i| out[2 * i] | out[2 * i + 1] << 32)
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self::of(seed_words([seed as u32, (seed >> 32) as u32, 0, 0]))
    }

    pub(crate) fn of(words: [u64; 4]) -> Self {
        let [w0, w1, w2, w3] = words.map(u128::from);
        let inc = (w2 << 64 | w3).wrapping_mul(2).wrapping_add(1);
        let mut generator = Self {
            state: (w0 << 64 | w1).wrapping_add(inc),
            inc,
            kept: None,
        };
        generator.step();
        generator
    }

    fn step(&mut self) {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.inc);
    }

    fn next64(&mut self) -> u64 {
        self.step();
        let halves = (self.state >> 64) as u64 ^ self.state as u64;
        halves.rotate_right((self.state >> 122) as u32)
    }

    fn next32(&mut self) -> u32 {
        if let Some(high) = self.kept.take() {
            return high;
        }
        let word = self.next64();
        self.kept = Some((word >> 32) as u32);
        word as u32
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.next64() >> 11) as f64 * 2.0_f64.powi(-53)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        if n == 1 {
            return 0;
        }
        let n = n as u64;
        let threshold = ((1 << 32) - n) % n;
        loop {
            let m = u64::from(self.next32()) * n;
            if m & 0xffff_ffff >= threshold {
                return (m >> 32) as usize;
            }
        }
    }

    pub(crate) fn sample(&mut self, n: usize, k: usize) -> Vec<usize> {
        if k > n {
            return (0..k).map(|_| self.below(n)).collect();
        }
        if n > 10_000 && k > n / 50 {
            let mut a: Vec<usize> = (0..n).collect();
            for i in ((n - k).max(1)..n).rev() {
                a.swap(i, self.below(i + 1));
            }
            return a.split_off(n - k);
        }
        let mut out = Vec::new();
        for j in n - k..n {
            let v = self.below(j + 1);
            out.push(if out.contains(&v) { j } else { v });
        }
        for i in (1..k).rev() {
            out.swap(i, self.below(i + 1));
        }
        out
    }

    pub(crate) fn choose(&mut self, pool: &[u32], k: usize) -> Vec<u32> {
        if k == 0 {
            return Vec::new();
        }
        self.sample(pool.len(), k)
            .into_iter()
            .map(|place| pool[place])
            .collect()
    }
}
