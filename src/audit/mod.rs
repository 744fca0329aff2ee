//! What whole epochs are made of, before they are trained on.

mod chances;
mod count;
mod counts;
mod coverage;
mod marks;
mod pairs;
mod tally;

pub use chances::{Reach, WindowReach};
pub use counts::{Audit, FirstSeats, OfExperiment, OfTime, OfUnit};
pub use coverage::Coverage;
pub use pairs::Pairs;
