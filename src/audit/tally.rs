//! Sums by key, whose memory is asked for: what the standard library's maps take more of, they take or abort.

use std::ops::AddAssign;

use crate::error::Error;
use crate::support::memory::push;

/// Entries that are added before the first are brought together.
const FEW: usize = 64;

/// Sums by key. In the order in which they were added, so that sums of doubles do not depend on how they are sorted.
#[derive(Clone, Debug)]
pub(super) struct Tally<K, V> {
    /// The key, the turn, and what was added; up to `folded` each key once and ascending.
    entries: Vec<(K, u32, V)>,
    folded: usize,
}

impl<K, V> Default for Tally<K, V> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            folded: 0,
        }
    }
}

impl<K: Copy + Ord, V: Copy + AddAssign> Tally<K, V> {
    /// Adds `value` to the sum of `key`.
    pub(super) fn add(&mut self, key: K, value: V) -> Result<(), Error> {
        if self.entries.len() >= (2 * self.folded).max(FEW) {
            self.fold();
        }
        let turn = (self.entries.len() - self.folded + 1) as u32;
        push(&mut self.entries, (key, turn, value))
    }

    /// The sums, by key.
    pub(super) fn sums(mut self) -> impl ExactSizeIterator<Item = (K, V)> {
        self.fold();
        self.entries.into_iter().map(|(key, _, sum)| (key, sum))
    }

    fn fold(&mut self) {
        self.entries.sort_unstable_by_key(|&(key, turn, _)| (key, turn));
        self.entries.dedup_by(|&mut (key, _, value), (kept, _, sum)| {
            let same = key == *kept;
            if same {
                *sum += value;
            }
            same
        });
        for (_, turn, _) in &mut self.entries {
            *turn = 0;
        }
        self.folded = self.entries.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn sums_are_those_of_a_map(added in proptest::collection::vec((0..200_u32, 0.0..1.0_f64), 0..2000)) {
            let (mut tally, mut map) = (Tally::default(), BTreeMap::<u32, f64>::new());
            for (key, value) in added {
                tally.add(key, value).unwrap();
                *map.entry(key).or_default() += value;
            }
            // To the last bit: they are added in the same order.
            prop_assert_eq!(tally.sums().collect::<Vec<_>>(), map.into_iter().collect::<Vec<_>>());
        }
    }
}
