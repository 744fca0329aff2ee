//! Which rows go into each training batch.
//!
//! A [`Plan`] is made once from a table's experiment and condition columns; [`Batches`] then yields the batches of an
//! epoch, each composed by the cascade: an experiment picked by weight, its seats split over conditions, a fraction leaked
//! in from other experiments, replacement where a group is too small. `docs/specification.md` fixes every index, so the
//! same seed gives the same batches here, from Python and from any other implementation.
//!
//! ```
//! use cascade_sampler::{Batches, Column, Deal, Plan, Settings, Table};
//!
//! let experiment = [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1];
//! let condition = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1];
//! let table = Table {
//!     rows: 12,
//!     experiments: Some(Column::from_ranks(&experiment, 2)),
//!     conditions: Some(Column::from_ranks(&condition, 2)),
//!     ..Table::default()
//! };
//! let settings = Settings { batch_size: 4, leaky: 0.25, ..Settings::default() };
//! let plan = Plan::new(&table, &settings)?;
//! for batch in Batches::<usize>::new(&plan, Deal::default(), 42, 0)? {
//!     let batch = batch?;
//!     assert_eq!(batch.len(), 4);
//!     assert_ne!(experiment[batch[3]], experiment[batch[0]]);
//! }
//! # Ok::<(), cascade_sampler::Error>(())
//! ```
//!
//! # Dealt batches
//! [`Plan::dealt`] plans batches whose rows are dealt like cards: an epoch is a pass over the table, and any batch is built
//! without those before it. `docs/specification-2.md` fixes their indices.
//!
//! ```
//! use cascade_sampler::{Batches, Column, Deal, DealtSettings, Mark, Plan, Table};
//!
//! let experiment: Vec<u32> = (0..100).map(|row| row / 70).collect();
//! let table = Table { rows: 100, experiments: Some(Column::from_ranks(&experiment, 2)), ..Table::default() };
//! let plan = Plan::dealt(&table, &DealtSettings { batch_size: 10, ..DealtSettings::default() })?;
//! let batches: Vec<Vec<usize>> = Batches::new(&plan, Deal::default(), 42, 0)?.collect::<Result<_, _>>()?;
//! let mut rows = batches.concat();
//! rows.sort_unstable();
//! assert!(rows.into_iter().eq(0..100));
//!
//! let seventh = Mark { batches: 7, ..Mark::beginning(0) };
//! let rest = Batches::<usize>::at(&plan, Deal::default(), 42, &seventh)?;
//! assert!(rest.map(|batch| batch.unwrap()).eq(batches[7..].iter().cloned()));
//! # Ok::<(), cascade_sampler::Error>(())
//! ```
//!
//! # What stays the same
//! Indices are part of the interface: within one version of the specification no release changes a batch.

#![deny(unsafe_code)]

pub mod audit;
mod batch;
pub mod columns;
pub mod decks;
pub mod draw;
mod epoch;
mod error;
#[cfg_attr(
    not(feature = "python"),
    allow(
        dead_code,
        unused_imports,
        reason = "the iterator protocol of Python, which is tested without it"
    )
)]
mod feed;
mod groups;
mod index;
pub mod labels;
mod near;
pub mod plan;
#[cfg(feature = "python")]
mod python;
mod support;

pub use batch::{Origins, Row, Source};
pub use columns::{Chunk, Codes, Column, Table, Times};
pub use epoch::{Batches, Deal, Mark};
pub use error::Error;
#[cfg(feature = "file")]
pub use index::Opening;
pub use index::{Columns, Index};
pub use plan::{DealtSettings, Plan, Settings, Weights};
