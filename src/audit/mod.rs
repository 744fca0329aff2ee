//! What whole epochs are made of, before they are trained on.

mod chances;
mod count;
mod coverage;

pub use chances::{Reach, WindowReach};
pub use count::{Audit, OfExperiment, OfTime, OfUnit, Pairs, Share};
pub use coverage::Coverage;
