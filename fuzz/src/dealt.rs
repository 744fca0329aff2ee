//! Batches that are dealt.

use cascade_sampler::{Batches, Deal, DealtSettings, Plan, Weights};

use crate::bytes::Bytes;
use crate::compare::{compare, name, refused_rightly};
use crate::oracle::dealt::Dealt;
use crate::table::{Facts, Rows};

/// Plans dealt batches, and compares them with the oracle's.
pub fn dealt(data: &[u8]) {
    let bytes = &mut Bytes::new(data);
    let settings = settings(bytes);
    let seed = bytes.one_of(&[0, 7, u64::MAX, 1 << 32]);
    let epoch = bytes.below(40);
    let late = bytes
        .once_in(8)
        .then(|| bytes.one_of(&[(1 << 20) - 1, 1 << 20, u64::MAX, 65_537]));
    let table = Rows::of(bytes);
    let facts = table.facts();
    let settings = of_labels(bytes, settings, &table, &facts);
    let oracle = Dealt::new(&table, &facts, &settings, seed);
    let Some(plan) = refused_rightly(Plan::dealt(&table.table(), &settings), &oracle.reasons()) else {
        return;
    };
    assert_eq!(plan.batches(), oracle.total());
    // What goes before a late epoch is summed epoch by epoch, unless all have the same blocks.
    let epoch = late.filter(|late| oracle.is_pass() || late >> 20 > 0).unwrap_or(epoch);
    if epoch >> 20 > 0 {
        assert_eq!(name(&Batches::<u32>::new(&plan, Deal::default(), seed, epoch)), "Epoch");
        return;
    }
    let limit = (plan.batches().min(16) + 4).min(2000_u64.div_ceil(settings.batch_size));
    compare(&plan, (seed, epoch), bytes, limit, &|place| oracle.batch(place, epoch));
    let mark = cascade_sampler::Mark {
        batches: plan.batches() - 1,
        ..cascade_sampler::Mark::beginning(epoch.into())
    };
    let mut last = Batches::<u32>::at(&plan, Deal::default(), seed, &mark).unwrap();
    let expected = oracle.batch(mark.batches, epoch);
    assert!(
        last.next()
            .unwrap()
            .unwrap()
            .into_iter()
            .eq(expected.iter().map(|seat| seat.row))
    );
}

/// Settings that labels have no part in.
pub(crate) fn settings(bytes: &mut Bytes<'_>) -> DealtSettings {
    let batches_per_experiment = bytes.one_of(&[1, 1, 1, 2, 3, 8, 0, 1 << 32]);
    DealtSettings {
        batch_size: bytes.batch_size(),
        leaky: bytes.fraction(),
        run_length: match bytes.below(8) {
            0..=3 => 1,
            4..=6 => 1 + bytes.below(40),
            _ => bytes.one_of(&[0, u64::MAX, 1 << 32, 1 << 31]),
        },
        batches: bytes.perhaps(|bytes| match bytes.below(8) {
            0..=5 => (bytes.below(30) + 1).wrapping_mul(batches_per_experiment),
            6 => bytes.below(100),
            _ => bytes.one_of(&[0, (1 << 32) - 1, (1 << 32) - 8, 1 << 32, 1 << 63]),
        }),
        batches_per_experiment,
        window: bytes.window(),
        global_fraction: bytes.fraction(),
        ..DealtSettings::default()
    }
}

/// Adds what is said of labels.
fn of_labels(bytes: &mut Bytes<'_>, settings: DealtSettings, table: &Rows, facts: &Facts) -> DealtSettings {
    let has_conditions = table.conditions.is_some() || bytes.once_in(16);
    let weights = match bytes.below(4) {
        0 => Weights::Size,
        1 => Weights::Sqrt,
        2 => Weights::Equal,
        _ => Weights::Named(bytes.proportions(&facts.experiments)),
    };
    let mut always = Vec::new();
    if has_conditions && bytes.once_in(3) && !facts.conditions.is_empty() {
        always = (0..bytes.below(4)).map(|_| bytes.one_of(&facts.conditions)).collect();
    }
    let conditions_per_batch = bytes.perhaps(|bytes| bytes.below(10)).filter(|_| has_conditions);
    let mut ratios = if has_conditions && bytes.once_in(3) {
        Some(bytes.proportions(&facts.conditions))
    } else {
        None
    };
    // Mostly such as are allowed beside the rest.
    if conditions_per_batch.is_some() && !bytes.once_in(4) {
        for (label, ratio) in ratios.iter_mut().flatten().enumerate() {
            *ratio = ratio.filter(|&ratio| ratio == 0.0 || ratio == 1.0 || always.contains(&(label as u32)));
        }
    }
    DealtSettings {
        weights,
        always,
        conditions_per_batch,
        ratios,
        ..settings
    }
}
