//! Tables out of bytes, and the facts of them that the specification speaks of.

use cascade_sampler::columns::MISSING;
use cascade_sampler::{Column, Table, Times};

use crate::bytes::Bytes;

/// The columns of a table.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) rows: usize,
    pub(crate) experiments: Option<Vec<u32>>,
    pub(crate) conditions: Option<Vec<u32>>,
    pub(crate) hours: Option<Hours>,
}

/// Times in the width that they are worked on.
#[derive(Debug)]
pub(crate) enum Hours {
    F64(Vec<f64>),
    F32(Vec<f32>),
}

impl Hours {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::F64(hours) => hours.len(),
            Self::F32(hours) => hours.len(),
        }
    }

    fn at(&self, row: usize) -> f64 {
        match self {
            Self::F64(hours) => hours[row],
            Self::F32(hours) => hours[row].into(),
        }
    }

    /// The different times of some rows, ascending; the two zeros are one.
    pub(crate) fn distinct(&self, rows: &[u32]) -> Vec<f64> {
        let mut hours: Vec<f64> = rows.iter().map(|&row| self.at(row as usize)).collect();
        hours.sort_by(|a, b| a.partial_cmp(b).unwrap());
        hours.dedup();
        hours
    }

    pub(crate) fn is_near(&self, row: u32, focal: f64, window: f64) -> bool {
        match self {
            Self::F64(hours) => (hours[row as usize] - focal).abs() <= window,
            Self::F32(hours) => (hours[row as usize] - focal as f32).abs() <= window as f32,
        }
    }
}

/// The rows of one experiment and one condition; of an experiment where conditions are not used.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) experiment: usize,
    pub(crate) condition: u32,
    pub(crate) rows: Vec<u32>,
}

/// What the specification's section 2 says of a table.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) kept: usize,
    /// Labels that have rows, ascending; without the column one, of all rows.
    pub(crate) experiments: Vec<u32>,
    pub(crate) conditions: Vec<u32>,
    pub(crate) pools: Vec<Vec<u32>>,
    pub(crate) cells: Vec<Cell>,
}

impl Facts {
    /// The rows of all experiments but one: pools one after another.
    pub(crate) fn others(&self, experiment: usize) -> Vec<u32> {
        let pools = self.pools.iter().enumerate();
        let others = pools.filter(|&(position, _)| position != experiment);
        others.flat_map(|(_, pool)| pool).copied().collect()
    }

    pub(crate) fn cells_of(&self, experiment: usize) -> impl Iterator<Item = (usize, &Cell)> {
        let cells = self.cells.iter().enumerate();
        cells.filter(move |(_, cell)| cell.experiment == experiment)
    }
}

impl Rows {
    pub(crate) fn of(bytes: &mut Bytes<'_>) -> Self {
        let rows = match bytes.below(16) {
            0..=9 => bytes.below(40),
            10..=14 => bytes.below(300),
            _ => bytes.below(14_000),
        } as usize;
        let missing = bytes.once_in(4);
        Self {
            rows,
            experiments: bytes.perhaps(|bytes| labels(bytes, rows, missing)),
            conditions: bytes.perhaps(|bytes| labels(bytes, rows, missing)),
            hours: if bytes.once_in(3) {
                Some(hours(bytes, rows, missing))
            } else {
                None
            },
        }
    }

    pub(crate) fn table(&self) -> Table<'_> {
        let column = |labels: &'_ Vec<u32>| -> usize {
            let most = labels.iter().filter(|&&label| label != MISSING).max();
            most.map_or(0, |&label| label as usize + 1)
        };
        Table {
            rows: self.rows,
            experiments: self.experiments.as_ref().map(|it| Column::from_ranks(it, column(it))),
            conditions: self.conditions.as_ref().map(|it| Column::from_ranks(it, column(it))),
            times: self.hours.as_ref().map(|hours| match hours {
                Hours::F64(hours) => Times::F64(vec![hours]),
                Hours::F32(hours) => Times::F32(vec![hours]),
            }),
        }
    }

    pub(crate) fn has_infinite_time(&self) -> bool {
        let hours = self.hours.as_ref();
        hours.is_some_and(|hours| (0..hours.len()).any(|row| hours.at(row).is_infinite()))
    }

    pub(crate) fn facts(&self) -> Facts {
        let label = |column: &Option<Vec<u32>>, row: u32| column.as_ref().map_or(0, |it| it[row as usize]);
        let is_kept = |row: u32| {
            let has_time = self.hours.as_ref().is_none_or(|hours| !hours.at(row as usize).is_nan());
            label(&self.experiments, row) != MISSING && label(&self.conditions, row) != MISSING && has_time
        };
        let kept: Vec<u32> = (0..self.rows as u32).filter(|&row| is_kept(row)).collect();
        let different = |column: &Option<Vec<u32>>| {
            let mut labels: Vec<u32> = kept.iter().map(|&row| label(column, row)).collect();
            labels.sort_unstable();
            labels.dedup();
            labels
        };
        let (experiments, conditions) = (different(&self.experiments), different(&self.conditions));
        let of = |wanted: u32| {
            kept.iter()
                .copied()
                .filter(move |&row| label(&self.experiments, row) == wanted)
        };
        let pools: Vec<Vec<u32>> = experiments.iter().map(|&label| of(label).collect()).collect();
        let mut cells = Vec::new();
        for (experiment, pool) in pools.iter().enumerate() {
            for &condition in &conditions {
                let is_of = |&row: &u32| label(&self.conditions, row) == condition;
                let rows: Vec<u32> = pool.iter().copied().filter(is_of).collect();
                if !rows.is_empty() {
                    cells.push(Cell {
                        experiment,
                        condition,
                        rows,
                    });
                }
            }
        }
        Facts {
            kept: kept.len(),
            pools,
            conditions: if self.conditions.is_some() {
                conditions
            } else {
                Vec::new()
            },
            experiments,
            cells,
        }
    }
}

fn labels(bytes: &mut Bytes<'_>, rows: usize, missing: bool) -> Vec<u32> {
    let many = bytes.one_of(&[2, 3, 5, 9, 1, 60, 300]);
    // Labels far apart are sorted in another way than such that a table of all of them is small.
    let apart = bytes.one_of(&[1, 1, 7, 70_000, 9_000_000]);
    let in_runs = bytes.once_in(4);
    let mut run = (0, 0);
    let mut label = |bytes: &mut Bytes<'_>| {
        if missing && bytes.once_in(8) {
            return MISSING;
        }
        if !in_runs || run.0 == 0 {
            run = (1 + bytes.below(50), bytes.below(many) as u32 * apart);
        }
        run.0 -= 1;
        run.1
    };
    (0..rows).map(|_| label(bytes)).collect()
}

fn hours(bytes: &mut Bytes<'_>, rows: usize, missing: bool) -> Hours {
    let kind = bytes.below(6);
    let hour = |bytes: &mut Bytes<'_>| {
        if missing && bytes.once_in(8) {
            return f64::NAN;
        }
        match kind {
            0 => bytes.below(8) as f64 / 2.0,
            1 => bytes.below(256) as f64 - 128.0,
            2 => bytes.one_of(&[0.0, -0.0, 0.1, 0.2, 0.3, -0.1, 1.0 / 3.0, 2.0, -2.0, 1e-320, 1e30]),
            3 => bytes.below(1 << 16) as f64 / 6.0,
            4 => bytes.double(),
            _ => Some(bytes.double()).filter(|hour| hour.is_finite()).unwrap_or(0.0),
        }
    };
    let hours: Vec<f64> = (0..rows).map(|_| hour(bytes)).collect();
    if bytes.once_in(3) {
        return Hours::F32(hours.into_iter().map(|hour| hour as f32).collect());
    }
    Hours::F64(hours)
}
