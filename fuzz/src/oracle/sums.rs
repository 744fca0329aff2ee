//! Sums of doubles that are not negative.

/// As NumPy sums (specification, section 2).
pub(crate) fn pairwise(values: &[f64]) -> f64 {
    let n = values.len();
    if n < 8 {
        return values.iter().fold(0.0, |sum, value| sum + value);
    }
    if n > 128 {
        let cut = n / 2 - n / 2 % 8;
        return pairwise(&values[..cut]) + pairwise(&values[cut..]);
    }
    let whole = n - n % 8;
    let mut sums = [0.0; 8];
    for (index, value) in values[..whole].iter().enumerate() {
        sums[index % 8] += value;
    }
    let joined = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
    values[whole..].iter().fold(joined, |sum, value| sum + value)
}

/// The correctly rounded sum: all bits of all values added in one number of 2,240 bits, which is rounded once.
pub(crate) fn exact(values: &[f64]) -> f64 {
    let mut sum = [0_u64; 35];
    for value in values {
        let exponent = value.to_bits() >> 52;
        let fraction = value.to_bits() & ((1 << 52) - 1);
        let (digits, shift) = if exponent == 0 {
            (fraction, 0)
        } else {
            (fraction | 1 << 52, exponent - 1)
        };
        let mut carry = u128::from(digits) << (shift % 64);
        for limb in &mut sum[(shift / 64) as usize..] {
            carry += u128::from(*limb);
            *limb = carry as u64;
            carry >>= 64;
        }
    }
    let bit = |place: usize| sum[place / 64] >> (place % 64) & 1;
    let Some(top) = (0..35 * 64).rev().find(|&place| bit(place) == 1) else {
        return 0.0;
    };
    if top < 53 {
        return f64::from_bits(sum[0]);
    }
    let shift = top - 52;
    let mut digits = (shift..=top).fold(0, |digits, place| digits | bit(place) << (place - shift));
    let above_half = bit(shift - 1) == 1 && ((0..shift - 1).any(|place| bit(place) == 1) || digits & 1 == 1);
    digits += u64::from(above_half);
    let bits = ((shift as u64) << 52) + digits;
    f64::from_bits(bits.min(f64::INFINITY.to_bits()))
}
