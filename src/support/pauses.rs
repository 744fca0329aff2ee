//! Chances to pause in work that takes long: to answer Ctrl-C, and to be told to end.

use crate::error::Error;
use crate::support::memory::room;

/// Entries that are worked on between two chances to pause: some milliseconds.
pub(crate) const ENTRIES: usize = 1 << 19;
/// Bytes of so many entries.
const BYTES: usize = 4 * ENTRIES;

/// Counts the entries worked on, and pauses every so many of them. An error of the pause ends the work.
pub(crate) struct Pauses<'a, E> {
    worked: usize,
    pause: &'a mut dyn FnMut() -> Result<(), E>,
}

impl<'a, E: From<Error>> Pauses<'a, E> {
    pub(crate) fn new(pause: &'a mut dyn FnMut() -> Result<(), E>) -> Self {
        Self { worked: 0, pause }
    }

    /// Is told how many entries were worked on since it was told last.
    #[inline]
    pub(crate) fn after(&mut self, entries: usize) -> Result<(), E> {
        self.worked += entries;
        if self.worked < ENTRIES {
            return Ok(());
        }
        self.now()
    }

    /// Pauses now.
    pub(crate) fn now(&mut self) -> Result<(), E> {
        self.worked = 0;
        (self.pause)()
    }

    /// A vector of `len` times `value`.
    pub(crate) fn filled<T: Clone>(&mut self, len: usize, value: T) -> Result<Vec<T>, E> {
        let mut vector = room(len)?;
        while vector.len() < len {
            let start = vector.len();
            let next = len.min(start + at_once::<T>());
            vector.resize(next, value.clone());
            self.after((next - start) * size_of::<T>() / 4)?;
        }
        Ok(vector)
    }

    /// The elements of an iterator that knows how many it has.
    pub(crate) fn collected<T>(&mut self, elements: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>, E> {
        let mut vector = room(elements.len())?;
        self.extend(&mut vector, elements)?;
        Ok(vector)
    }

    /// Appends elements to a vector that has room for them.
    pub(crate) fn extend<T>(
        &mut self,
        vector: &mut Vec<T>,
        mut elements: impl ExactSizeIterator<Item = T>,
    ) -> Result<(), E> {
        while elements.len() > 0 {
            let more = elements.len().min(at_once::<T>());
            vector.extend(elements.by_ref().take(more));
            self.after(more * size_of::<T>() / 4)?;
        }
        Ok(())
    }
}

/// Elements that are written between two chances to pause.
fn at_once<T>() -> usize {
    (BYTES / size_of::<T>().max(1)).max(1)
}
