//! Plans over an index yield the batches of plans over the table.

use std::sync::Arc;

use cascade_sampler::columns::MISSING;
use cascade_sampler::draw::Generator;
use cascade_sampler::{Batches, Column, Columns, Deal, DealtSettings, Error, Index, Plan, Settings, Table, Times};
use proptest::prelude::*;

/// Columns whose rows of some numbers have no value.
#[derive(Clone, Debug)]
struct Case {
    experiment: Vec<u32>,
    condition: Vec<u32>,
    time: Vec<f64>,
    columns: Columns,
    drawn: Settings,
    dealt: DealtSettings,
}

const LABELS: usize = 5;

fn cases() -> impl Strategy<Value = Case> {
    let columns = any::<[bool; 3]>().prop_map(|[experiments, conditions, times]| Columns {
        experiments,
        conditions,
        times,
    });
    (1..400_usize, any::<u64>(), 0..3_usize, columns, 1..30_u64, 0.0..=0.9).prop_map(
        |(rows, seed, missing, columns, batch_size, leaky)| {
            let mut generator = Generator::new(seed);
            let mut labels = || -> Vec<u32> { (0..rows).map(|_| generator.below(LABELS as u32)).collect() };
            let (mut experiment, mut condition, time) = (labels(), labels(), labels());
            let mut time: Vec<f64> = time.into_iter().map(f64::from).collect();
            // At least one row keeps its labels.
            for row in (1..rows).filter(|row| missing > 0 && row % (5 * missing) == 0) {
                (experiment[row], condition[row], time[row]) = (MISSING, MISSING, f64::NAN);
            }
            Case {
                experiment,
                condition,
                time,
                columns,
                drawn: Settings {
                    batch_size,
                    leaky,
                    drop_last: false,
                    window: 1.0,
                    ..Settings::default()
                },
                dealt: DealtSettings {
                    batch_size: batch_size + 20,
                    leaky: leaky / 2.0,
                    window: 1.0,
                    ..DealtSettings::default()
                },
            }
        },
    )
}

impl Case {
    fn with_table<T>(&self, columns: Columns, work: impl FnOnce(&Table<'_>) -> T) -> T {
        work(&Table {
            rows: self.experiment.len(),
            experiments: columns
                .experiments
                .then(|| Column::from_ranks(&self.experiment, LABELS)),
            conditions: columns.conditions.then(|| Column::from_ranks(&self.condition, LABELS)),
            times: columns.times.then(|| Times::F64(vec![&self.time])),
        })
    }

    fn has_gaps(&self) -> bool {
        self.experiment.contains(&MISSING)
    }
}

const ALL: Columns = Columns {
    experiments: true,
    conditions: true,
    times: true,
};

fn batches(plan: &Plan) -> Vec<Vec<u32>> {
    let batches = Batches::new(plan, Deal::default(), 9, 3).unwrap();
    batches.take(20).collect::<Result<_, _>>().unwrap()
}

proptest! {
    #[test]
    fn batches_are_those_of_plans_over_the_table(case in cases()) {
        let index = Arc::new(case.with_table(case.columns, Index::build).unwrap());
        let [drawn, dealt] = case.with_table(case.columns, |table| {
            [Plan::new(table, &case.drawn), Plan::dealt(table, &case.dealt)].map(Result::unwrap)
        });
        // The list that leak needs is made once, and changes nothing for those that do not.
        for _ in 0..2 {
            prop_assert_eq!(batches(&Plan::over(&index, &case.drawn).unwrap()), batches(&drawn));
            prop_assert_eq!(batches(&Plan::dealt_over(&index, &case.dealt).unwrap()), batches(&dealt));
        }
        if drawn.leak() > 0 {
            prop_assert!(index.has_pools());
        }
    }

    #[test]
    fn columns_that_are_not_wanted_are_as_none(case in cases(), from in 0..2_usize) {
        let has = [ALL, Columns { times: false, ..ALL }][from];
        let index = case.with_table(has, Index::build).unwrap();
        let wanted = case.columns;
        let (e, c, t) = (wanted.experiments, wanted.conditions, wanted.times && has.times);
        let refused = match (e, c, t) {
            (false, _, true) => Some(("experiments", "times")),
            (true, false, true) => Some(("conditions", "times")),
            (false, true, false) => Some(("experiments", "conditions")),
            _ => None,
        };
        let only = match (index.only(wanted), refused) {
            (Err(error), Some((what, with))) => {
                prop_assert_eq!(error, Error::IndexHas { what, with });
                return Ok(());
            }
            (only, refused) => {
                prop_assert_eq!(refused, None);
                Arc::new(only.unwrap())
            }
        };
        prop_assert_eq!(only.columns(), Columns { times: t, ..wanted });
        // Without any column a table has no rows that are left out.
        if case.has_gaps() && !(e || c || t) {
            let all: Vec<u32> = (0..).zip(&case.experiment).filter(|&(_, &e)| e != MISSING).map(|(row, _)| row).collect();
            let plan = Plan::dealt_over(&only, &DealtSettings { batch_size: 1, ..DealtSettings::default() }).unwrap();
            let mut rows = Batches::new(&plan, Deal::default(), 1, 0).unwrap().collect::<Result<Vec<Vec<u32>>, _>>().unwrap().concat();
            rows.sort_unstable();
            prop_assert_eq!(rows, all);
            return Ok(());
        }
        let [drawn, dealt] = case.with_table(only.columns(), |table| {
            [Plan::new(table, &case.drawn), Plan::dealt(table, &case.dealt)].map(Result::unwrap)
        });
        prop_assert_eq!(batches(&Plan::over(&only, &case.drawn).unwrap()), batches(&drawn));
        prop_assert_eq!(batches(&Plan::dealt_over(&only, &case.dealt).unwrap()), batches(&dealt));
        {
            let (one, other) = (only.groups(), drawn.index().groups());
            prop_assert_eq!(one.experiment_labels(), other.experiment_labels());
            prop_assert_eq!(one.condition_labels(), other.condition_labels());
            let positions = |groups: &cascade_sampler::plan::Groups| {
                let experiments = groups.experiment_positions(|| Ok::<_, Error>(()));
                (experiments.unwrap(), groups.condition_positions(|| Ok::<_, Error>(())).unwrap())
            };
            prop_assert_eq!(positions(one), positions(other));
        }
        // What is made of a part is there for the whole, and the other way round.
        let again = only.only(Columns { times: false, ..wanted }).unwrap();
        prop_assert_eq!(again.groups().kept(), only.groups().kept());
    }
}

#[test]
fn what_an_index_holds_is_counted_once() {
    let ranks: Vec<u32> = (0..1000).map(|row| row % 4).collect();
    let column = || Some(Column::from_ranks(&ranks, 4));
    let table = Table {
        rows: 1000,
        experiments: column(),
        conditions: column(),
        times: None,
    };
    let index = Arc::new(Index::build(&table).unwrap());
    let list = 4 * 1000;
    let held = |index: &Index| index.bytes().0;
    assert!((list..list + 300).contains(&held(&index)), "{}", held(&index));
    assert!(!index.has_pools());
    let settings = Settings {
        batch_size: 10,
        leaky: 0.2,
        ..Settings::default()
    };
    let plan = Plan::over(&index, &settings).unwrap();
    assert!(index.has_pools());
    assert!((2 * list..2 * list + 300).contains(&held(&index)), "{}", held(&index));
    let pools = index
        .only(Columns {
            conditions: false,
            ..index.columns()
        })
        .unwrap();
    assert!(held(&pools) < list + 300, "{}", held(&pools));
    assert!(Arc::ptr_eq(plan.index(), &index));
}
