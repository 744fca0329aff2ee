//! Arrays that many hold at once, and that are read as slices are.
#![allow(unsafe_code)]

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::error::Error;
use crate::support::memory::{LINE, Line, shared};

/// What arrays are made of: numbers, and records of numbers without gaps between them.
///
/// # Safety
/// Every pattern of bits is a value of the type, and none of its bytes is padding.
pub(crate) unsafe trait Plain: Copy + Send + Sync + 'static {
    /// What files call the numbers, and how many of them a value is. Records of several widths are told as their bytes.
    const NUMBERS: (&'static str, usize);
}

macro_rules! plain {
    ($($type:ty, $name:literal;)*) => {$(
        // SAFETY: numbers have neither gaps nor bits that they cannot have.
        unsafe impl Plain for $type {
            const NUMBERS: (&'static str, usize) = ($name, 1);
        }
    )*};
}
plain! { u8, "U8"; u16, "U16"; u32, "U32"; f32, "F32"; f64, "F64"; }

// SAFETY: a line is its bytes.
unsafe impl Plain for Line {
    const NUMBERS: (&'static str, usize) = ("U8", LINE);
}

/// An array that does not change. A clone is the same array, and costs nothing; reading it is reading a slice.
pub(crate) struct Store<T> {
    first: NonNull<T>,
    len: usize,
    owner: Owner<T>,
}

/// Who keeps the memory of an array.
enum Owner<T> {
    Memory(Arc<Memory<T>>),
    /// A file that is mapped.
    #[cfg(feature = "file")]
    File(Arc<dyn std::any::Any + Send + Sync>),
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

    /// An array in bytes that `file` keeps; `None` where they are no whole number of values, or lie askew.
    ///
    /// # Safety
    /// As long as `file` lives the bytes stay where they are.
    #[cfg(feature = "file")]
    pub(crate) unsafe fn within(bytes: &[u8], file: Arc<dyn std::any::Any + Send + Sync>) -> Option<Self> {
        let len = bytes.len() / size_of::<T>();
        let first = if len == 0 {
            NonNull::dangling()
        } else {
            NonNull::from(bytes).cast::<T>()
        };
        (bytes.len() % size_of::<T>() == 0 && first.is_aligned()).then_some(Self {
            first,
            len,
            owner: Owner::File(file),
        })
    }

    /// The array to be written, as long as nobody else has it.
    pub(crate) fn written(&mut self) -> &mut [T] {
        let is_alone = match &mut self.owner {
            Owner::Memory(memory) => Arc::get_mut(memory).is_some(),
            #[cfg(feature = "file")]
            Owner::File(_) => false,
        };
        if !is_alone {
            return &mut [];
        }
        // SAFETY: the memory is this store's alone, which is borrowed as long as the slice lives.
        unsafe { std::slice::from_raw_parts_mut(self.first.as_ptr(), self.len) }
    }

    /// The bytes of the array.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        // SAFETY: none of the bytes is padding.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr().cast(), size_of_val(&**self)) }
    }

    /// Whether the array lies in a file that is mapped.
    pub(crate) fn is_mapped(&self) -> bool {
        match self.owner {
            Owner::Memory(_) => false,
            #[cfg(feature = "file")]
            Owner::File(_) => true,
        }
    }
}

impl<T> Clone for Store<T> {
    fn clone(&self) -> Self {
        let owner = match &self.owner {
            Owner::Memory(memory) => Owner::Memory(memory.clone()),
            #[cfg(feature = "file")]
            Owner::File(file) => Owner::File(file.clone()),
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
        assert_eq!((clone.as_ptr(), clone.as_bytes().len()), (place, 12));
        let read = std::thread::spawn(move || clone.iter().sum::<u32>());
        assert_eq!(read.join().unwrap(), 6);
        let mut empty = Store::<f64>::new(Vec::new()).unwrap();
        assert!(empty.is_empty() && empty.written().is_empty());
        let mut store = Store::new(vec![1_u16, 2]).unwrap();
        store.written()[1] = 3;
        let other = store.clone();
        assert!(store.written().is_empty());
        assert_eq!((store[..].to_vec(), other.as_bytes()), (vec![1, 3], &[1, 0, 3, 0][..]));
        assert_eq!(refuse_in_turn(|| Store::new(Vec::<u8>::new())), 1);
    }
}
