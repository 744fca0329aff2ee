//! The arrays of groups, as files have them.

use crate::groups::Groups;
use crate::support::arrays::Arrays;

/// The list of rows by experiment.
pub(crate) const BY_EXPERIMENT: &str = "rows.by_experiment";
const BY_CELL: &str = "rows.by_cell";

impl Groups {
    pub(crate) fn arrays<'a>(&'a self, to: &mut Arrays<'a>) {
        to.add("experiments.labels", &self.experiment_labels);
        to.add("experiments.starts", &self.starts);
        if !self.cells.is_empty() {
            to.add("conditions.labels", &self.condition_labels);
            to.add("cells", &self.cells);
            to.add("cells.starts", &self.cell_starts);
            to.add(BY_CELL, &self.by_cell);
        }
        if let Some(list) = &self.by_experiment {
            to.add(BY_EXPERIMENT, list);
        }
    }
}

#[cfg(feature = "file")]
mod open {
    use super::{BY_CELL, BY_EXPERIMENT};
    use crate::error::Error;
    use crate::groups::{Cell, Groups};
    use crate::support::arrays::ArrayFile;
    use crate::support::memory::filled;
    use crate::support::store::Store;

    impl Groups {
        /// From a file, of so many rows, with or without conditions. What there is for every cell is checked, and kept in
        /// memory; row numbers are not looked at. The second list is that by experiment, where it is one beside the cells.
        pub(crate) fn open(
            rows: usize,
            [has_experiments, has_conditions]: [bool; 2],
            file: &mut impl ArrayFile,
        ) -> Result<(Self, Option<Store<u32>>), Error> {
            let experiment_labels = labels("experiments.labels", file)?;
            let experiments = experiment_labels.len();
            let starts = file.starts("experiments.starts", experiments)?;
            let kept = starts[experiments];
            if kept as usize > rows || !(has_experiments || experiments == 1) {
                return Err(file.damaged("experiments.starts does not fit the rows"));
            }
            let list = match file.len_of(BY_EXPERIMENT) {
                Some(_) => Some(file.array(BY_EXPERIMENT, kept as usize, 0)?),
                None => None,
            };
            let mut groups = Self {
                rows,
                experiment_labels: Store::new(experiment_labels)?,
                condition_labels: Store::new(filled(1, 0)?)?,
                starts: Store::new(starts)?,
                cells: Store::new(Vec::new())?,
                cell_starts: Store::new(filled(experiments + 1, 0)?)?,
                by_experiment: None,
                by_cell: Store::new(Vec::new())?,
            };
            if !has_conditions {
                // Without a list a row is where it is in the table.
                if list.is_none() && (has_experiments || !groups.are_all()) {
                    return Err(file.damaged("rows.by_experiment is not there"));
                }
                return Ok((groups.with_pools(list), None));
            }
            groups.condition_labels = Store::new(labels("conditions.labels", file)?)?;
            let cell_starts = file.starts("cells.starts", experiments)?;
            let number = cell_starts[experiments] as usize;
            let cells = file.copied("cells", number, Cell::default())?;
            groups.cell_starts = Store::new(cell_starts)?;
            groups.cells = Store::new(cells)?;
            if !groups.cells_tile() {
                return Err(file.damaged("cells do not follow one another"));
            }
            groups.by_cell = file.array(BY_CELL, kept as usize, 0)?;
            Ok((groups, list))
        }

        /// Whether the cells of every experiment ascend and are all its rows, and every condition has a cell.
        fn cells_tile(&self) -> bool {
            let Ok(mut has_rows) = filled(self.condition_labels.len(), false) else {
                return false;
            };
            let of_one = |experiment: usize| {
                let mut start = self.starts[experiment];
                let mut last = None;
                for cell in self.cells_of(experiment) {
                    let end = cell.start.checked_add(cell.rows);
                    let (Some(has_rows), Some(end)) = (has_rows.get_mut(cell.condition as usize), end) else {
                        return false;
                    };
                    if cell.experiment as usize != experiment
                        || cell.start != start
                        || cell.rows == 0
                        || last >= Some(cell.condition)
                    {
                        return false;
                    }
                    *has_rows = true;
                    (start, last) = (end, Some(cell.condition));
                }
                start == self.starts[experiment + 1]
            };
            (0..self.experiments()).all(of_one) && has_rows.iter().all(|&has_rows| has_rows)
        }
    }

    /// Numbers of labels, at least one, ascending.
    fn labels(name: &str, file: &mut impl ArrayFile) -> Result<Vec<u32>, Error> {
        let labels = match file.len_of(name) {
            Some(len) if len > 0 => file.copied(name, len, 0)?,
            _ => return Err(file.damaged(&format!("{name} is not there"))),
        };
        if !labels.is_sorted_by(|label, next| label < next) {
            return Err(file.damaged(&format!("{name} does not ascend")));
        }
        Ok(labels)
    }
}
