//! Whole numbers in order.

use crate::error::Error;
use crate::labels::Numbered;
use crate::labels::order::{Sorter, in_turn, numbered};
use crate::support::pauses::Pauses;

/// Numbers `keys` in ascending order. `pause` is called every few milliseconds; its error ends the work.
///
/// # Errors
/// [`Error::TooManyRows`], [`Error::OutOfMemory`], or what `pause` returns.
pub fn number_with_pause<E: From<Error>>(
    keys: &[u64],
    mut pause: impl FnMut() -> Result<(), E>,
) -> Result<Numbered, E> {
    let pauses = &mut Pauses::new(&mut pause);
    let mut order = in_turn(keys.len(), pauses)?;
    let mut sorter = Sorter::new(keys.len(), pauses)?;
    sorter.sort(&mut order, |place| keys[place as usize], pauses)?;
    let mut first = pauses.filled(keys.len(), true)?;
    for (first, pair) in first.iter_mut().skip(1).zip(sorter.keys().windows(2)) {
        *first = pair[0] != pair[1];
    }
    pauses.after(keys.len())?;
    numbered(&order, &first, pauses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::memory::testing::refuse_in_turn;

    #[test]
    fn in_order_and_the_first_place_of_each() {
        let many: Vec<u64> = (0..5_000)
            .map(|place| (place * 7_919) % 1_000 * (1 << 40) + 5)
            .collect();
        for keys in [&[][..], &[9], &[5, 2, u64::MAX, 2, 0, 5], &many] {
            let found = number_with_pause(keys, || Ok::<_, Error>(())).unwrap();
            let mut distinct = keys.to_vec();
            distinct.sort_unstable();
            distinct.dedup();
            let of_places: Vec<u64> = found.places.iter().map(|&place| keys[place as usize]).collect();
            assert_eq!(of_places, distinct);
            for (&key, &number) in keys.iter().zip(&found.numbers) {
                assert_eq!(distinct[number as usize], key);
            }
            for (&place, key) in found.places.iter().zip(&distinct) {
                assert_eq!(keys.iter().position(|other| other == key), Some(place as usize));
            }
        }
    }

    #[test]
    fn memory_may_run_out() {
        let keys: Vec<u64> = (0..3_000).rev().collect();
        assert!(refuse_in_turn(|| number_with_pause(&keys, || Ok(()))) > 3);
    }
}
