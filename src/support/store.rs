//! Arrays that many hold at once, and that are read as slices are.
#![allow(unsafe_code)]

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::error::Error;
use crate::support::memory::shared;

/// What arrays are made of: numbers, and records of numbers without gaps between them.
///
/// # Safety
/// Every pattern of bits is a value of the type, and none of its bytes is padding.
pub(crate) unsafe trait Plain: Copy + Send + Sync + 'static {}

// SAFETY: numbers have neither gaps nor bits that they cannot have.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for u16 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for f64 {}

/// An array that does not change. A clone is the same array, and costs nothing; reading it is reading a slice.
pub(crate) struct Store<T> {
    first: NonNull<T>,
    len: usize,
    owner: Owner<T>,
}

/// Who keeps the memory of an array.
enum Owner<T> {
    Memory(Arc<Memory<T>>),
}

/// The memory of a vector, which is only ever reached through the one pointer that it was taken apart to.
struct Memory<T> {
    first: NonNull<T>,
    len: usize,
    room: usize,
}

// SAFETY: a memory owns its values, which may go to other threads and be read by several.
unsafe impl<T: Plain> Send for Memory<T> {}
// SAFETY: as above.
unsafe impl<T: Plain> Sync for Memory<T> {}
// SAFETY: the values stay where they are as long as their owner lives, and are only read.
unsafe impl<T: Plain> Send for Store<T> {}
// SAFETY: as above.
unsafe impl<T: Plain> Sync for Store<T> {}

impl<T> Drop for Memory<T> {
    fn drop(&mut self) {
        // SAFETY: these are the parts of a vector that was taken apart and not dropped.
        drop(unsafe { Vec::from_raw_parts(self.first.as_ptr(), self.len, self.room) });
    }
}

impl<T: Plain> Store<T> {
    /// The array of a vector, where it is.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] for the few bytes beside it.
    pub(crate) fn new(values: Vec<T>) -> Result<Self, Error> {
        let mut values = std::mem::ManuallyDrop::new(values);
        // A vector's pointer is never null.
        let first = NonNull::new(values.as_mut_ptr()).unwrap_or(NonNull::dangling());
        let memory = Memory {
            first,
            len: values.len(),
            room: values.capacity(),
        };
        Ok(Self {
            first,
            len: memory.len,
            owner: Owner::Memory(shared(memory)?),
        })
    }

    /// Bytes of the array.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&**self)
    }
}

impl<T> Clone for Store<T> {
    fn clone(&self) -> Self {
        let owner = match &self.owner {
            Owner::Memory(memory) => Owner::Memory(memory.clone()),
        };
        Self { owner, ..*self }
    }
}

impl<T> Deref for Store<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: the owner keeps so many values there, and nobody writes to them.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }
}

impl<T: fmt::Debug> fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::memory::testing::refuse_in_turn;

    #[test]
    fn clones_are_the_same_array_and_outlive_one_another() {
        let mut values = Vec::with_capacity(100);
        values.extend([3_u32, 1, 2]);
        let place = values.as_ptr();
        let store = Store::new(values).unwrap();
        let clone = store.clone();
        drop(store);
        assert_eq!(clone[..], [3, 1, 2]);
        assert_eq!((clone.as_ptr(), clone.bytes()), (place, 12));
        let read = std::thread::spawn(move || clone.iter().sum::<u32>());
        assert_eq!(read.join().unwrap(), 6);
        assert!(Store::<f64>::new(Vec::new()).unwrap().is_empty());
        assert_eq!(refuse_in_turn(|| Store::new(Vec::<u8>::new())), 1);
    }
}
