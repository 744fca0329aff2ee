//! Batches beside those of an oracle, from the beginning, by ranks, and from the middle.

use cascade_sampler::{Batches, Deal, Error, Mark, Plan};

use crate::bytes::Bytes;
use crate::oracle::Seat;

/// The name of an error, or of none.
pub(crate) fn name<T>(result: &Result<T, Error>) -> String {
    let Err(error) = result else { return "none".to_owned() };
    assert!(error.to_string().len() > 10, "{error:?}");
    format!("{error:?}")
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect()
}

/// The plan, if it was right to make one; it must be refused for one of the `reasons`, where there are any.
pub(crate) fn refused_rightly(plan: Result<Plan, Error>, reasons: &[&str]) -> Option<Plan> {
    let found = name(&plan);
    if reasons.is_empty() {
        assert_eq!(found, "none");
    } else {
        assert!(reasons.contains(&&*found), "{found} and not one of {reasons:?}");
    }
    plan.ok()
}

/// Compares an epoch's batches with those `expected` at each place below `limit`.
pub(crate) fn compare(
    plan: &Plan,
    (seed, epoch): (u64, u64),
    bytes: &mut Bytes<'_>,
    limit: u64,
    expected: &dyn Fn(u64) -> Vec<Seat>,
) {
    let rows_at = |place| expected(place).iter().map(|seat| seat.row).collect::<Vec<u32>>();
    let ranks = 1 + bytes.below(4);
    let mut marks = Vec::new();
    for rank in 0..ranks {
        let deal = Deal::new(ranks, rank).unwrap();
        let mut batches = Batches::<u32>::new(plan, deal, seed, epoch).unwrap();
        let rounds = deal.rounds(plan.batches());
        assert_eq!(batches.size_hint().1, usize::try_from(rounds).ok());
        for round in (0..rounds).take_while(|&round| deal.position(round) < limit) {
            let seats = expected(deal.position(round));
            let found = batches.next().unwrap().unwrap();
            assert!(
                found.iter().copied().eq(seats.iter().map(|seat| seat.row)),
                "{round} {found:?} {seats:?}"
            );
            let origins = batches.origins().unwrap();
            assert!(
                origins.sources.iter().eq(seats.iter().map(|seat| &seat.source)),
                "{round} {seats:?}"
            );
            assert!(
                origins.dealt.iter().copied().eq(seats.iter().map(|seat| seat.dealt)),
                "{round} {seats:?}"
            );
            marks.push(batches.mark());
        }
        if deal.position(rounds - 1) < limit {
            assert!(batches.next().is_none());
        }
    }
    // From the middle, with as many ranks as come: by what was remembered, and by the number alone.
    let done = bytes.below(limit.min(plan.batches()) + 1);
    marks.push(Mark {
        batches: done,
        ..Mark::beginning(epoch.into())
    });
    let mark = bytes.one_of(&marks);
    let mark = if bytes.once_in(2) { mark } else { marks[marks.len() - 1] };
    let ranks = 1 + bytes.below(3);
    for rank in 0..ranks {
        let deal = Deal::new(ranks, rank).unwrap();
        let mut rest = Batches::<i64>::at(plan, deal, seed, &mark).unwrap();
        let passed = bytes.below(3);
        let found = rest.nth(passed as usize);
        let place = mark.batches + deal.position(passed);
        let left = plan.batches().saturating_sub(mark.batches);
        if passed >= deal.rounds(left) {
            assert!(found.is_none());
        } else if place < limit {
            let found = found.unwrap().unwrap();
            assert!(
                found.into_iter().eq(rows_at(place).into_iter().map(i64::from)),
                "{mark:?} {passed}"
            );
        }
    }
}
