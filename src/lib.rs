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
//! # What stays the same
//! Indices are part of the interface: within one version of the specification no release changes a batch.

#![deny(unsafe_code)]

mod audit;
mod batch;
mod columns;
mod draw;
mod epoch;
mod error;
mod feed;
mod groups;
mod near;
pub mod plan;
#[cfg(feature = "python")]
mod python;
mod support;

pub use audit::{Audit, OfExperiment, OfTime, OfUnit, Pairs, Reach, Share, WindowReach};
pub use batch::{Draft, Origins, Row, Source};
pub use columns::codes::{Chunk, Codes, Column, MISSING, Pair, combine};
pub use columns::table::Table;
pub use columns::times::{Hours, Times};
pub use draw::{Generator, Slots, pass, sample, seed_words};
pub use epoch::{Batches, Deal, Mark, Stream};
pub use error::Error;
pub use feed::{Feed, Next, Run, Step, Walk, Walked};
pub use plan::{Plan, Settings};
