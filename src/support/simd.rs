//! What depends on the processor: looking at many bytes, or counts, at once. Results are the same everywhere.
#![allow(unsafe_code)]
#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

/// Bytes that are looked at together.
pub(crate) const LINE: usize = 64;

/// Counts that are compared together.
pub(crate) const WINDOW: usize = 32;

/// Questions that processors answer at different speeds.
pub(crate) trait Bits {
    /// One bit for each byte: whether it is one of the `extra + 1` values from `first` on, counted past 255 from 0.
    fn among(bytes: &[u8; LINE], first: u8, extra: u8) -> u64;
    /// Place of the bit that has `before` set bits below it. There must be one.
    fn place_of(bits: u64, before: u32) -> u32;
    /// Number of set bits.
    fn count(bits: u64) -> u32;
    /// One bit for each place: whether `more - less + first + place * unit + (place * slope >> 8)` is at most `most`, in
    /// whole numbers of 16 bits.
    fn reached(more: &[u16; WINDOW], less: &[u16; WINDOW], first: u16, unit: u16, slope: i16, most: u16) -> u32;
}

/// For every processor.
pub(crate) struct Plain;

impl Bits for Plain {
    #[inline(always)]
    fn among(bytes: &[u8; LINE], first: u8, extra: u8) -> u64 {
        /// Moves the lowest bits of eight bytes next to one another, into the highest byte of the product.
        const GATHER: u64 = 0x0102_0408_1020_4080;
        let mut wanted = [0_u8; LINE];
        for (wanted, byte) in wanted.iter_mut().zip(bytes) {
            *wanted = u8::from(byte.wrapping_sub(first) <= extra);
        }
        let mut bits = 0;
        for (eight, part) in wanted.chunks_exact(8).enumerate() {
            let part = u64::from_le_bytes(part.try_into().unwrap_or_default());
            bits |= part.wrapping_mul(GATHER) >> 56 << (8 * eight);
        }
        bits
    }

    #[inline(always)]
    fn place_of(bits: u64, before: u32) -> u32 {
        let (mut bits, mut before, mut place) = (bits, before, 0);
        for half in [32, 16, 8, 4, 2, 1] {
            let lower = Self::count(bits & ((1 << half) - 1));
            let passed = lower <= before;
            before -= if passed { lower } else { 0 };
            place += if passed { half } else { 0 };
            bits >>= if passed { half } else { 0 };
        }
        place
    }

    #[inline(always)]
    fn count(bits: u64) -> u32 {
        bits.count_ones()
    }

    #[inline(always)]
    fn reached(more: &[u16; WINDOW], less: &[u16; WINDOW], first: u16, unit: u16, slope: i16, most: u16) -> u32 {
        let mut bits = 0;
        for place in 0..WINDOW {
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

/// For x86-64 processors that have what [`with_bits!`] asks for.
#[cfg(target_arch = "x86_64")]
pub(crate) struct Wide;

#[cfg(target_arch = "x86_64")]
impl Bits for Wide {
    #[inline(always)]
    fn among(bytes: &[u8; LINE], first: u8, extra: u8) -> u64 {
        use std::arch::x86_64::{
            __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_set1_epi8,
            _mm256_sub_epi8,
        };
        // SAFETY: only functions that were compiled for such a processor come here, and both halves lie in the line.
        unsafe {
            let (first, extra) = (_mm256_set1_epi8(first as i8), _mm256_set1_epi8(extra as i8));
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
    fn place_of(bits: u64, before: u32) -> u32 {
        // SAFETY: only functions that were compiled for such a processor come here.
        unsafe { std::arch::x86_64::_pdep_u64(1 << before, bits) }.trailing_zeros()
    }

    #[inline(always)]
    fn count(bits: u64) -> u32 {
        bits.count_ones()
    }

    #[inline(always)]
    fn reached(more: &[u16; WINDOW], less: &[u16; WINDOW], first: u16, unit: u16, slope: i16, most: u16) -> u32 {
        use std::arch::x86_64::{
            __m256i, _mm256_add_epi16, _mm256_cmpeq_epi16, _mm256_loadu_si256, _mm256_min_epu16, _mm256_movemask_epi8,
            _mm256_mullo_epi16, _mm256_packs_epi16, _mm256_permute4x64_epi64, _mm256_set1_epi16, _mm256_setr_epi16,
            _mm256_srai_epi16, _mm256_sub_epi16,
        };
        // SAFETY: only functions that were compiled for such a processor come here, and both halves lie in the window.
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

/// Defines `$name` that calls the `inline(always)` function `$body` compiled for the best [`Bits`] of this processor.
macro_rules! with_bits {
    ($name:ident, $body:ident, ($($argument:ident: $type:ty),* $(,)?)) => {
        fn $name($($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
                fn wide($($argument: $type),*) {
                    $body::<$crate::support::simd::Wide>($($argument),*);
                }
                if $crate::support::simd::is_wide() {
                    // SAFETY: the processor was asked.
                    #[allow(unsafe_code)]
                    unsafe { wide($($argument),*) };
                    return;
                }
            }
            $body::<$crate::support::simd::Plain>($($argument),*);
        }
    };
}
pub(crate) use with_bits;

/// Whether this processor has what [`Wide`] needs.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn is_wide() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

/// Place of the wanted byte that has `before` wanted ones in front of it, in whole lines of bytes. Which are wanted is
/// said as in [`Bits::among`].
///
/// Looks at all of them: no branch depends on where it is.
#[inline(always)]
pub(crate) fn nth_among<B: Bits>(bytes: &[u8], first: u8, extra: u8, before: u32) -> usize {
    let (mut sum, mut found, mut start, mut left) = (0, 1, 0, 0);
    for (line, bytes) in bytes.chunks_exact(LINE).enumerate() {
        let Ok(bytes) = bytes.try_into() else { continue };
        let bits = B::among(bytes, first, extra);
        let reached = sum <= before;
        found = if reached { bits } else { found };
        start = if reached { line * LINE } else { start };
        left = if reached { before - sum } else { left };
        sum += B::count(bits);
    }
    start + B::place_of(found, left) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answers<B: Bits>(bytes: &[u8; LINE], first: u8, extra: u8) -> (u64, Vec<u32>) {
        let bits = B::among(bytes, first, extra);
        (
            bits,
            (0..B::count(bits)).map(|before| B::place_of(bits, before)).collect(),
        )
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn wide_reached(counts: &[[u16; WINDOW]; 2], first: u16, unit: u16, slope: i16, most: u16) -> u32 {
        Wide::reached(&counts[0], &counts[1], first, unit, slope, most)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn wide_answers(bytes: &[u8; LINE], first: u8, extra: u8) -> (u64, Vec<u32>) {
        answers::<Wide>(bytes, first, extra)
    }

    proptest! {
        #[cfg(target_arch = "x86_64")]
        #[test]
        fn windows_are_compared_alike(counts: [[u16; WINDOW]; 2], first: u16, unit: u16, slope: i16, most: u16) {
            if is_wide() {
                let plain = Plain::reached(&counts[0], &counts[1], first, unit, slope, most);
                // SAFETY: the processor was asked.
                prop_assert_eq!(unsafe { wide_reached(&counts, first, unit, slope, most) }, plain);
            }
        }

        #[test]
        fn bytes_are_found_as_by_looking_at_each(bytes: [[u8; 32]; 2], first: u8, extra: u8) {
            let bytes: [u8; LINE] = std::array::from_fn(|place| bytes[place / 32][place % 32]);
            let wanted = |byte: u8| (0..=extra).any(|step| first.wrapping_add(step) == byte);
            let places: Vec<u32> = (0..).zip(bytes).filter(|&(_, byte)| wanted(byte)).map(|(place, _)| place).collect();
            let bits = places.iter().fold(0, |bits, place| bits | 1_u64 << place);
            prop_assert_eq!(answers::<Plain>(&bytes, first, extra), (bits, places.clone()));
            #[cfg(target_arch = "x86_64")]
            if is_wide() {
                // SAFETY: the processor was asked.
                prop_assert_eq!(unsafe { wide_answers(&bytes, first, extra) }, (bits, places));
            }
        }
    }
}
