//! What depends on the processor: looking at many bytes, or counts, at once. Results are the same everywhere.
//!
//! Whoever searches is generic over [`Bits`] and is compiled once for every kind of processor; [`on_this_processor`] picks.
#![allow(unsafe_code)]
#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use std::sync::OnceLock;

/// Bytes that are looked at together: those of a cache line.
pub(crate) use crate::support::memory::LINE;

/// Counts of 16 bits that are compared together.
pub(crate) const LANES: usize = 32;

/// The `extra + 1` values of a byte from `first` on, counted past 255 from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values {
    pub(crate) first: u8,
    pub(crate) extra: u8,
}

/// Questions that processors answer at different speeds. A value of such a type shows that the processor can answer so.
pub(crate) trait Bits: Copy {
    /// One bit for each byte: whether it is one of the values.
    fn among(self, bytes: &[u8; LINE], values: Values) -> u64;
    /// Place of the set bit that has `before` set bits below it. There must be one.
    fn nth_set(self, bits: u64, before: u32) -> u32;
    /// Number of set bits.
    fn count(self, bits: u64) -> u32;
    /// One bit for each place: whether `more - less + first + place * unit + (place * slope >> 8)` is at most `most`, in
    /// whole numbers of 16 bits.
    fn reached(self, more: &[u16; LANES], less: &[u16; LANES], first: u16, unit: u16, slope: i16, most: u16) -> u32;
}

/// What is compiled for every kind of processor. [`Search::run`] and all that it calls must be `inline(always)`.
pub(crate) trait Search {
    fn run<B: Bits>(self, bits: B);
}

/// Runs a search as this processor does it best.
#[inline]
pub(crate) fn on_this_processor(search: impl Search) {
    match Detected::here() {
        Detected::Plain => search.run(Plain),
        #[cfg(target_arch = "x86_64")]
        Detected::Wide(wide) => wide.run(search),
        #[cfg(target_arch = "x86_64")]
        Detected::WideButDeposits(wide) => wide.run(search),
    }
}

/// What a processor was found to have.
#[derive(Clone, Copy, Debug)]
enum Detected {
    Plain,
    #[cfg(target_arch = "x86_64")]
    Wide(Wide<true>),
    /// All of it, but bits are deposited so slowly that they are better found otherwise.
    #[cfg(target_arch = "x86_64")]
    WideButDeposits(Wide<false>),
}

impl Detected {
    #[inline]
    fn here() -> Self {
        static HERE: OnceLock<Detected> = OnceLock::new();
        #[cfg(test)]
        if let Some(chosen) = testing::CHOSEN.get() {
            return chosen;
        }
        *HERE.get_or_init(Self::detect)
    }

    fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(wide) = Wide::detect() {
            return if deposits_slowly() {
                Self::WideButDeposits(wide.without_deposits())
            } else {
                Self::Wide(wide)
            };
        }
        Self::Plain
    }
}

/// For every processor.
#[derive(Clone, Copy, Debug)]
struct Plain;

impl Bits for Plain {
    #[inline(always)]
    fn among(self, bytes: &[u8; LINE], values: Values) -> u64 {
        /// Moves the lowest bits of eight bytes next to one another, into the highest byte of the product.
        const GATHER: u64 = 0x0102_0408_1020_4080;
        let mut wanted = [0_u8; LINE];
        for (wanted, byte) in wanted.iter_mut().zip(bytes) {
            *wanted = u8::from(byte.wrapping_sub(values.first) <= values.extra);
        }
        let mut bits = 0;
        for (eight, part) in wanted.chunks_exact(8).enumerate() {
            let part = u64::from_le_bytes(part.try_into().unwrap_or_default());
            bits |= part.wrapping_mul(GATHER) >> 56 << (8 * eight);
        }
        bits
    }

    #[inline(always)]
    fn nth_set(self, bits: u64, before: u32) -> u32 {
        let (mut bits, mut before, mut place) = (bits, before, 0);
        for half in [32, 16, 8, 4, 2, 1] {
            let lower = self.count(bits & ((1 << half) - 1));
            let passed = lower <= before;
            before -= if passed { lower } else { 0 };
            place += if passed { half } else { 0 };
            bits >>= if passed { half } else { 0 };
        }
        place
    }

    #[inline(always)]
    fn count(self, bits: u64) -> u32 {
        bits.count_ones()
    }

    #[inline(always)]
    fn reached(self, more: &[u16; LANES], less: &[u16; LANES], first: u16, unit: u16, slope: i16, most: u16) -> u32 {
        let mut bits = 0;
        for place in 0..LANES {
            let off = (place as i16).wrapping_mul(slope) >> 8;
            let value = more[place]
                .wrapping_sub(less[place])
                .wrapping_add(first)
                .wrapping_add((place as u16).wrapping_mul(unit))
                .wrapping_add(off as u16);
            bits |= u32::from(value <= most) << place;
        }
        bits
    }
}

/// For x86-64 processors with vectors of 32 bytes, and with the instructions on bits that came along with them. `DEPOSITS`
/// says whether a bit is found by depositing one.
///
/// Only [`Wide::detect`] and what asks it make one, so whoever has one may use the instructions.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
struct Wide<const DEPOSITS: bool>(());

#[cfg(target_arch = "x86_64")]
impl Wide<true> {
    fn detect() -> Option<Self> {
        let has_all = !cfg!(cascade_plain)
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        has_all.then_some(Self(()))
    }

    /// The same processor without its deposits.
    fn without_deposits(self) -> Wide<false> {
        let Self(()) = self;
        Wide(())
    }
}

#[cfg(target_arch = "x86_64")]
impl<const DEPOSITS: bool> Wide<DEPOSITS> {
    #[inline]
    fn run(self, search: impl Search) {
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn compiled<B: Bits>(bits: B, search: impl Search) {
            search.run(bits);
        }
        // SAFETY: who has a `Wide` has a processor that was found to have these.
        unsafe { compiled(self, search) }
    }
}

/// Whether the processor deposits bits in microcode, dozens of times slower than others: AMD's before Zen 3, and those that
/// Hygon makes after the first of them.
#[cfg(target_arch = "x86_64")]
fn deposits_slowly() -> bool {
    const ZEN_3: u32 = 0x19;
    #[allow(unused_unsafe, reason = "later compilers know that this is safe")]
    // SAFETY: every x86-64 processor has the instruction and these two leaves.
    let [maker, version] = [0, 1].map(|leaf| unsafe { std::arch::x86_64::__cpuid(leaf) });
    let name = [maker.ebx, maker.edx, maker.ecx].map(u32::to_le_bytes);
    let family = (version.eax >> 8 & 0xf) + (version.eax >> 20 & 0xff);
    [b"AuthenticAMD", b"HygonGenuine"].contains(&name.as_flattened().try_into().unwrap_or(&[0; 12])) && family < ZEN_3
}

#[cfg(target_arch = "x86_64")]
impl<const DEPOSITS: bool> Bits for Wide<DEPOSITS> {
    #[inline(always)]
    fn among(self, bytes: &[u8; LINE], values: Values) -> u64 {
        use std::arch::x86_64::{
            __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_set1_epi8,
            _mm256_sub_epi8,
        };
        // SAFETY: who has a `Wide` has a processor that was found to have the instructions, and both halves lie in the line.
        unsafe {
            let (first, extra) = (
                _mm256_set1_epi8(values.first as i8),
                _mm256_set1_epi8(values.extra as i8),
            );
            let half = |at: usize| {
                #[allow(clippy::cast_ptr_alignment, reason = "this load takes any address")]
                let bytes = _mm256_loadu_si256(bytes.as_ptr().add(at).cast::<__m256i>());
                let above = _mm256_sub_epi8(bytes, first);
                _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(above, extra), above)) as u32
            };
            u64::from(half(0)) | u64::from(half(32)) << 32
        }
    }

    #[inline(always)]
    fn nth_set(self, bits: u64, before: u32) -> u32 {
        if !DEPOSITS {
            return Plain.nth_set(bits, before);
        }
        // SAFETY: who has a `Wide` has a processor that was found to have the instruction.
        unsafe { std::arch::x86_64::_pdep_u64(1 << before, bits) }.trailing_zeros()
    }

    #[inline(always)]
    fn count(self, bits: u64) -> u32 {
        bits.count_ones()
    }

    #[inline(always)]
    fn reached(self, more: &[u16; LANES], less: &[u16; LANES], first: u16, unit: u16, slope: i16, most: u16) -> u32 {
        use std::arch::x86_64::{
            __m256i, _mm256_add_epi16, _mm256_cmpeq_epi16, _mm256_loadu_si256, _mm256_min_epu16, _mm256_movemask_epi8,
            _mm256_mullo_epi16, _mm256_packs_epi16, _mm256_permute4x64_epi64, _mm256_set1_epi16, _mm256_setr_epi16,
            _mm256_srai_epi16, _mm256_sub_epi16,
        };
        // SAFETY: who has a `Wide` has a processor that was found to have the instructions, and both halves lie in the lanes.
        unsafe {
            let [first, unit, most] = [first, unit, most].map(|value| _mm256_set1_epi16(value as i16));
            let slope = _mm256_set1_epi16(slope);
            let places = _mm256_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let half = |at: usize| {
                #[allow(clippy::cast_ptr_alignment, reason = "this load takes any address")]
                let [more, less] =
                    [more, less].map(|counts| _mm256_loadu_si256(counts.as_ptr().add(at).cast::<__m256i>()));
                let place = _mm256_add_epi16(places, _mm256_set1_epi16(at as i16));
                let off = _mm256_srai_epi16(_mm256_mullo_epi16(place, slope), 8);
                let added = _mm256_add_epi16(_mm256_mullo_epi16(place, unit), off);
                let value = _mm256_add_epi16(_mm256_add_epi16(_mm256_sub_epi16(more, less), first), added);
                _mm256_cmpeq_epi16(_mm256_min_epu16(value, most), value)
            };
            // The halves come out of the packing in quarters, every other one of which is the other's.
            let packed = _mm256_permute4x64_epi64(_mm256_packs_epi16(half(0), half(16)), 0b11_01_10_00);
            _mm256_movemask_epi8(packed) as u32
        }
    }
}

/// Place of the wanted byte that has `before` wanted ones in front of it, in whole lines of bytes.
///
/// Looks at all of them: no branch depends on where it is.
#[inline(always)]
pub(crate) fn nth_among(bits: impl Bits, bytes: &[u8], wanted: Values, before: u32) -> usize {
    let (mut sum, mut found, mut start, mut left) = (0, 1, 0, 0);
    for (line, bytes) in bytes.chunks_exact(LINE).enumerate() {
        let Ok(bytes) = bytes.try_into() else { continue };
        let here = bits.among(bytes, wanted);
        let reached = sum <= before;
        found = if reached { here } else { found };
        start = if reached { line * LINE } else { start };
        left = if reached { before - sum } else { left };
        sum += bits.count(here);
    }
    start + bits.nth_set(found, left) as usize
}

/// In tests every kind of processor that this one can stand for takes its turn.
#[cfg(test)]
pub(crate) mod testing {
    use std::cell::Cell;

    use super::Detected;

    thread_local! {
        pub(super) static CHOSEN: Cell<Option<Detected>> = const { Cell::new(None) };
    }

    /// Runs `test` once for every kind of [`super::Bits`] that there is here, the plain one first.
    pub(crate) fn on_every_processor<E>(mut test: impl FnMut() -> Result<(), E>) -> Result<(), E> {
        let mut kinds = vec![Detected::Plain];
        #[cfg(target_arch = "x86_64")]
        if let Some(wide) = super::Wide::detect() {
            kinds.extend([Detected::Wide(wide), Detected::WideButDeposits(wide.without_deposits())]);
        }
        kinds.into_iter().try_for_each(|kind| {
            CHOSEN.set(Some(kind));
            let result = test();
            CHOSEN.set(None);
            result
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Lanes<'a> {
        counts: &'a [[u16; LANES]; 2],
        numbers: (u16, u16, i16, u16),
        reached: &'a mut u32,
    }

    impl Search for Lanes<'_> {
        #[inline(always)]
        fn run<B: Bits>(self, bits: B) {
            let (first, unit, slope, most) = self.numbers;
            *self.reached = bits.reached(&self.counts[0], &self.counts[1], first, unit, slope, most);
        }
    }

    struct Places<'a> {
        bytes: &'a [u8; LINE],
        values: Values,
        bits: &'a mut u64,
        found: &'a mut Vec<u32>,
    }

    impl Search for Places<'_> {
        #[inline(always)]
        fn run<B: Bits>(self, bits: B) {
            *self.bits = bits.among(self.bytes, self.values);
            for before in 0..bits.count(*self.bits) {
                self.found.push(bits.nth_set(*self.bits, before));
            }
        }
    }

    proptest! {
        #[test]
        fn lanes_are_compared_as_one_by_one(counts: [[u16; LANES]; 2], first: u16, unit: u16, slope: i16, most: u16) {
            let mut expected = 0;
            for (place, (&more, &less)) in counts[0].iter().zip(&counts[1]).enumerate() {
                let off = (place as i16).wrapping_mul(slope) >> 8;
                let value = i64::from(more) - i64::from(less)
                    + i64::from(first) + place as i64 * i64::from(unit) + i64::from(off);
                expected |= u32::from(value.rem_euclid(1 << 16) <= i64::from(most)) << place;
            }
            testing::on_every_processor(|| {
                let mut reached = 0;
                on_this_processor(Lanes { counts: &counts, numbers: (first, unit, slope, most), reached: &mut reached });
                prop_assert_eq!(reached, expected);
                Ok(())
            })?;
        }

        #[test]
        fn bytes_are_found_as_by_looking_at_each(bytes: [[u8; 32]; 2], first: u8, extra: u8) {
            let bytes: [u8; LINE] = std::array::from_fn(|place| bytes[place / 32][place % 32]);
            let wanted = |byte: u8| (0..=extra).any(|step| first.wrapping_add(step) == byte);
            let expected: Vec<u32> = (0..).zip(bytes).filter(|&(_, byte)| wanted(byte)).map(|(place, _)| place).collect();
            testing::on_every_processor(|| {
                let (mut bits, mut places) = (0, Vec::new());
                let values = Values { first, extra };
                on_this_processor(Places { bytes: &bytes, values, bits: &mut bits, found: &mut places });
                prop_assert_eq!(bits, expected.iter().fold(0, |bits, place| bits | 1_u64 << place));
                prop_assert_eq!(&places, &expected);
                Ok(())
            })?;
        }
    }
}
