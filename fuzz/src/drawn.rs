//! Batches that are drawn.

use cascade_sampler::{Batches, Deal, Plan, Settings};

use crate::bytes::Bytes;
use crate::compare::{compare, name, refused_rightly};
use crate::oracle::drawn::Drawn;
use crate::table::Rows;

/// Plans drawn batches, and compares them with the oracle's.
pub fn drawn(data: &[u8]) {
    let bytes = &mut Bytes::new(data);
    let settings = settings(bytes);
    let (seed, epoch) = (bytes.one_of(&[0, 7, u64::MAX - 3, 1 << 32]), bytes.below(6));
    let table = Rows::of(bytes);
    let facts = table.facts();
    let settings = Settings {
        weights: bytes.once_in(3).then(|| bytes.proportions(&facts.experiments)),
        ratios: bytes.once_in(3).then(|| bytes.proportions(&facts.conditions)),
        ..settings
    };
    let oracle = Drawn::new(&table, &facts, &settings);
    let Some(plan) = refused_rightly(Plan::new(&table.table(), &settings), &oracle.reasons()) else {
        return;
    };
    assert_eq!(plan.batches(), oracle.total());
    let Some(sum) = seed.checked_add(epoch) else {
        assert_eq!(name(&Batches::<u32>::new(&plan, Deal::default(), seed, epoch)), "Seed");
        return;
    };
    let limit = (plan.batches().min(20) + 4).min(4000_u64.div_ceil(settings.batch_size));
    let expected = oracle.batches(sum, limit);
    compare(&plan, (seed, epoch), bytes, limit, &|place| {
        expected[place as usize].clone()
    });
}

/// Settings that labels have no part in.
pub(crate) fn settings(bytes: &mut Bytes<'_>) -> Settings {
    Settings {
        batch_size: bytes.batch_size(),
        leaky: bytes.fraction(),
        drop_last: bytes.once_in(2),
        batches: bytes.perhaps(|bytes| match bytes.below(8) {
            0..=6 => bytes.below(30) + 1,
            _ => bytes.one_of(&[0, 1 << 40, (1 << 63) - 1, 1 << 63]),
        }),
        window: bytes.window(),
        global_fraction: bytes.fraction(),
        ..Settings::default()
    }
}
