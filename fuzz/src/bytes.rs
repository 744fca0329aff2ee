//! Choices, made from the bytes that a fuzzer invents. Where they end, every choice is the first one.

use libfuzzer_sys::arbitrary::Unstructured;

pub(crate) struct Bytes<'a>(Unstructured<'a>);

impl<'a> Bytes<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(Unstructured::new(data))
    }

    /// A whole number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0.int_in_range(0..=bound - 1).unwrap_or(0)
    }

    pub(crate) fn whole(&mut self) -> u64 {
        self.0.arbitrary().unwrap_or(0)
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == times - 1
    }

    pub(crate) fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize].clone()
    }

    /// Any double, by its bits.
    pub(crate) fn double(&mut self) -> f64 {
        f64::from_bits(self.whole())
    }

    /// A fraction of one: mostly such as people write, sometimes any, rarely none at all.
    pub(crate) fn fraction(&mut self) -> f64 {
        match self.below(8) {
            0..=3 => self.one_of(&[0.0, 0.1, 0.2, 0.25, 0.29, 0.3, 0.5, 0.9, 1.0]),
            4..=6 => self.below(1 << 32) as f64 / ((1_u64 << 32) - 1) as f64,
            _ => self.double(),
        }
    }

    /// A number of seats: mostly few.
    pub(crate) fn batch_size(&mut self) -> u64 {
        match self.below(16) {
            0..=11 => 1 + self.below(48),
            12..=14 => 1 + self.below(700),
            _ => self.one_of(&[0, 1 << 32, u64::MAX]),
        }
    }

    /// Hours around a focal time.
    pub(crate) fn window(&mut self) -> f64 {
        match self.below(8) {
            0..=5 => self.one_of(&[0.0, 0.5, 1.0, 2.0, 0.1, 0.3, 24.0]),
            6 => f64::INFINITY,
            _ => self.double(),
        }
    }

    /// A weight or a ratio.
    fn proportion(&mut self) -> f64 {
        match self.below(8) {
            0..=3 => self.one_of(&[1.0, 0.0, 2.0, 0.1, 0.2, 0.3, 0.7, 3.0, 1.0 / 3.0]),
            4..=5 => self.below(1 << 20) as f64 / 1024.0,
            6 => self.one_of(&[1e-320, 1e-300, 1e300, 1e308, f64::MAX, 4e-16]),
            _ => self.double(),
        }
    }

    /// Weights or ratios by label; mostly of labels that the table has.
    pub(crate) fn proportions(&mut self, labels: &[u32]) -> Vec<Option<f64>> {
        let mut values = Vec::new();
        // Values stand by label number, so that those of the highest labels would fill the memory.
        for &label in labels.iter().take_while(|&&label| label < 100_000) {
            if !self.once_in(3) {
                values.resize(values.len().max(label as usize + 1), None);
                values[label as usize] = Some(self.proportion());
            }
        }
        if self.once_in(16) {
            values.push(Some(self.proportion()));
        }
        values
    }

    /// None half the time.
    pub(crate) fn perhaps<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.once_in(2).then(|| make(self))
    }
}
