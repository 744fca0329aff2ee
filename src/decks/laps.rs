//! Dealing a deck to its end before it is shuffled again (specification of the dealt cascade, section 1).

/// A deck of which every deal takes so many cards, dealt over and over: each lap is shuffled anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Laps {
    /// Deals of a lap.
    deals: u64,
}

impl Laps {
    /// The laps of a deck of `cards`, at least 1, dealt `each` at a time; a lap has a multiple of `block` deals.
    pub(crate) fn new(cards: u32, each: u32, block: u32) -> Self {
        let block = u64::from(block);
        Self {
            deals: u64::from(cards.div_ceil(each.max(1))).div_ceil(block) * block,
        }
    }

    /// Deals of a lap.
    pub(crate) fn deals(self) -> u64 {
        self.deals
    }

    /// The lap of a deal, and the deal's number in it.
    #[inline]
    pub(crate) fn of(self, deal: u64) -> (u64, u64) {
        // Half as wide a division takes half the time.
        match (u32::try_from(deal), u32::try_from(self.deals)) {
            (Ok(deal), Ok(deals)) => ((deal / deals).into(), (deal % deals).into()),
            _ => (deal / self.deals, deal % self.deals),
        }
    }
}

/// The place where a deal begins in a deck of `cards`: the first of its `each` places.
#[inline]
pub(crate) fn first_place(cards: u32, each: u32, deal: u64) -> u32 {
    let place = deal.wrapping_mul(each.into());
    match u32::try_from(place) {
        Ok(place) => place % cards,
        Err(_) => (place % u64::from(cards)) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_lap_deals_every_place(cards in 1..3_000_u32, each in 1..200_u32, block in 1..9_u32) {
            let laps = Laps::new(cards, each, block);
            prop_assert_eq!(laps.deals() % u64::from(block), 0);
            let mut dealt = vec![0; cards as usize];
            for deal in 0..laps.deals() {
                let first = first_place(cards, each, deal);
                for place in 0..each.min(cards) {
                    dealt[((first + place) % cards) as usize] += 1;
                }
            }
            prop_assert!(dealt.iter().all(|&times| times >= 1));
            prop_assert!(laps.deals() * u64::from(each) < u64::from(cards + each * block));
        }

        #[test]
        fn deals_are_counted_by_lap(cards in 1..=u32::MAX, each in 1..=u32::MAX, block in 1..=u32::MAX, deal: u64) {
            let laps = Laps::new(cards, each, block);
            let (lap, number) = laps.of(deal);
            prop_assert_eq!(u128::from(lap) * u128::from(laps.deals()) + u128::from(number), u128::from(deal));
            let place = (number.wrapping_mul(u64::from(each)) % u64::from(cards)) as u32;
            prop_assert_eq!(first_place(cards, each, number), place);
        }
    }
}
