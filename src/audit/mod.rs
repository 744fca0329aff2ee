//! What whole epochs are made of, before they are trained on.

mod chances;
mod count;

pub use chances::{Reach, WindowReach};
pub use count::{Audit, OfExperiment, OfTime, OfUnit, Pairs, Share};
