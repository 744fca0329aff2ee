//! Long work in stretches, with a chance to pause between them.

/// Seats that are drawn, or steps as small, between two chances to pause: some milliseconds.
pub(crate) const STRETCH: u64 = 1 << 18;

/// Counts work, and says when it is time to pause.
#[derive(Debug, Default)]
pub(crate) struct Pace(u64);

impl Pace {
    /// Pauses where this much work fills up a stretch. The error of `pause` ends the work.
    #[inline]
    pub(crate) fn after<E>(&mut self, work: usize, pause: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        self.0 += work as u64;
        if self.0 < STRETCH {
            return Ok(());
        }
        self.0 = 0;
        pause()
    }
}
