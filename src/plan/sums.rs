//! Two sums of doubles that do not depend on compiler, platform or library.

use crate::error::Error;
use crate::support::memory::push;

/// The sum as `numpy.sum` takes it over contiguous doubles: pairwise, with eight running sums in the leaves.
pub(crate) fn pairwise_sum(values: &[f64]) -> f64 {
    match values.len() {
        0..8 => values.iter().sum(),
        8..=128 => {
            let blocks = values.chunks_exact(8);
            let rest = blocks.remainder();
            let mut lanes = [0.0; 8];
            for (number, block) in blocks.enumerate() {
                for (lane, value) in lanes.iter_mut().zip(block) {
                    // The first value starts the sum, so that a negative zero would stay one.
                    *lane = if number == 0 { *value } else { *lane + value };
                }
            }
            let pairs = [0, 2, 4, 6].map(|lane| lanes[lane] + lanes[lane + 1]);
            let joined = (pairs[0] + pairs[1]) + (pairs[2] + pairs[3]);
            rest.iter().fold(joined, |sum, value| sum + value)
        }
        len => {
            let half = len / 2 / 8 * 8;
            pairwise_sum(&values[..half]) + pairwise_sum(&values[half..])
        }
    }
}

/// The correctly rounded sum of values that are not negative: what `math.fsum` returns, infinite where that overflows.
///
/// Shewchuk's algorithm: a list of doubles that do not overlap, ascending, whose exact sum is the sum so far.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub(crate) fn exact_sum(values: impl Iterator<Item = f64>) -> Result<f64, Error> {
    let mut partials: Vec<f64> = Vec::new();
    for value in values {
        let mut high = value;
        let mut kept = 0;
        for index in 0..partials.len() {
            let (sum, error) = two_sum(high, partials[index]);
            if error != 0.0 {
                partials[kept] = error;
                kept += 1;
            }
            high = sum;
        }
        if !high.is_finite() {
            return Ok(f64::INFINITY);
        }
        partials.truncate(kept);
        push(&mut partials, high)?;
    }
    Ok(round(&partials))
}

/// `a + b` rounded, and exactly what that rounding lost.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let (large, small) = if a.abs() < b.abs() { (b, a) } else { (a, b) };
    let sum = large + small;
    (sum, small - (sum - large))
}

/// The double nearest to the sum of partials, ties to even.
fn round(partials: &[f64]) -> f64 {
    let Some((&last, mut rest)) = partials.split_last() else {
        return 0.0;
    };
    let mut high = last;
    while let Some((&next, before)) = rest.split_last() {
        rest = before;
        let (sum, error) = two_sum(high, next);
        high = sum;
        if error != 0.0 {
            // A tie that was rounded to even although more of the same sign lies below is no tie.
            if let Some(&below) = rest.last() {
                if (error < 0.0) == (below < 0.0) {
                    let doubled = error * 2.0;
                    let away = high + doubled;
                    if away - high == doubled {
                        high = away;
                    }
                }
            }
            break;
        }
    }
    high
}
