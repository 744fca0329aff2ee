//! Vectors whose memory is asked for before it is used, so that running out of it is an error and never an abort; large pages,
//! and memory asked for ahead of its use.
#![allow(unsafe_code)]
#![allow(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the processor that the caller was compiled for"
)]

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use crate::error::Error;

/// Bytes of a cache line.
pub(crate) const LINE: usize = 64;

/// An empty vector with room for `len` elements.
pub(crate) fn room<T>(len: usize) -> Result<Vec<T>, Error> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(len).map_err(|_| Error::OutOfMemory {
        bytes: len as u128 * size_of::<T>() as u128,
    })?;
    ask_for_large_pages(vector.spare_capacity_mut());
    Ok(vector)
}

/// A vector of `len` times `value`.
pub(crate) fn filled<T: Clone>(len: usize, value: T) -> Result<Vec<T>, Error> {
    let mut vector = room(len)?;
    vector.resize(len, value);
    Ok(vector)
}

/// The elements of an iterator that knows how many it has.
pub(crate) fn collected<T>(elements: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>, Error> {
    let mut vector = room(elements.len())?;
    vector.extend(elements);
    Ok(vector)
}

/// Appends one element, in amortised constant time.
pub(crate) fn push<T>(vector: &mut Vec<T>, element: T) -> Result<(), Error> {
    vector.try_reserve(1).map_err(|_| Error::OutOfMemory {
        bytes: 2 * vector.len() as u128 * size_of::<T>() as u128,
    })?;
    vector.push(element);
    Ok(())
}

/// Makes `vector` one of `len` default elements. What it held is dropped first, so that both never stand side by side.
pub(crate) fn grow<T: Clone + Default>(vector: &mut Vec<T>, len: usize) -> Result<(), Error> {
    *vector = Vec::new();
    *vector = filled(len, T::default())?;
    Ok(())
}

/// A value that several hold.
///
/// Only its memory cannot be refused, so as much is asked for before and given back; an allocator has it at hand then.
pub(crate) fn shared<T>(value: T) -> Result<Arc<T>, Error> {
    let counts = size_of::<[usize; 2]>();
    drop(room::<u8>(size_of::<T>() + counts)?);
    #[cfg(test)]
    let _granted = testing::Granted::new();
    Ok(Arc::new(value))
}

/// Memory that is asked for in large pages, from this size on: one of them.
#[cfg(target_os = "linux")]
const LARGE: usize = 2 << 20;

/// Asks for large pages under memory that is not yet in use, where the system gives them: random reads miss fewer addresses.
pub(crate) fn ask_for_large_pages<T>(room: &mut [std::mem::MaybeUninit<T>]) {
    #[cfg(target_os = "linux")]
    if size_of_val(room) >= LARGE {
        const PAGE: usize = 4096;
        let start = room.as_mut_ptr().addr().next_multiple_of(PAGE) - room.as_mut_ptr().addr();
        let bytes = size_of_val(room) - start;
        // SAFETY: the pages lie in memory that is ours, and the advice changes nothing of what they hold.
        unsafe {
            libc::madvise(room.as_mut_ptr().byte_add(start).cast(), bytes, libc::MADV_HUGEPAGE);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = room;
}

/// Asks for the cache line of `slice[index]`. Changes nothing but the time a later read takes, also where there is no such
/// element.
#[inline(always)]
pub(crate) fn prefetch<T>(slice: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 processor has the instruction, which reads nothing and takes any address.
        unsafe { _mm_prefetch(slice.as_ptr().wrapping_add(index).cast(), _MM_HINT_T0) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, index);
}

/// As many bytes as a cache line has, in one line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [u8; LINE]);

/// The bytes of neighbouring lines.
#[inline(always)]
pub(crate) fn bytes(lines: &[Line]) -> &[u8] {
    // SAFETY: a line is its bytes and nothing else.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), size_of_val(lines)) }
}

/// As [`bytes`], to be written.
#[inline(always)]
pub(crate) fn bytes_mut(lines: &mut [Line]) -> &mut [u8] {
    // SAFETY: a line is its bytes and nothing else.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), size_of_val(lines)) }
}

/// As [`bytes`], as numbers of 16 bits in the order of the machine.
#[inline(always)]
pub(crate) fn words(lines: &[Line]) -> &[u16] {
    // SAFETY: a line is its bytes and nothing else, and lies where such numbers may; all bits are values.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), size_of_val(lines) / size_of::<u16>()) }
}

/// As [`words`], to be written.
#[inline(always)]
pub(crate) fn words_mut(lines: &mut [Line]) -> &mut [u16] {
    // SAFETY: as above.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), size_of_val(lines) / size_of::<u16>()) }
}

/// Numbers that several threads may write.
pub(crate) fn atomics(numbers: &mut [u32]) -> &[AtomicU32] {
    // SAFETY: both have the same shape, and nobody else has the numbers as long as they are borrowed.
    unsafe { std::slice::from_raw_parts(numbers.as_mut_ptr().cast(), numbers.len()) }
}

/// In tests memory can be refused, as it is where it runs out.
#[cfg(test)]
pub(crate) mod testing {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::cell::Cell;

    use crate::error::Error;

    struct Refusing;

    #[global_allocator]
    static ALLOCATOR: Refusing = Refusing;

    thread_local! {
        /// How often this thread still gets memory, where that is limited.
        static ALLOWED: Cell<Option<usize>> = const { Cell::new(None) };
    }

    /// As long as it lives, this thread gets all memory.
    pub(super) struct Granted(Option<usize>);

    impl Granted {
        pub(super) fn new() -> Self {
            Self(ALLOWED.take())
        }
    }

    impl Drop for Granted {
        fn drop(&mut self) {
            ALLOWED.set(self.0);
        }
    }

    fn refused() -> bool {
        let allowed = ALLOWED.get();
        ALLOWED.set(allowed.map(|times| times.saturating_sub(1)));
        allowed == Some(0)
    }

    // SAFETY: memory is the system's, or none.
    unsafe impl GlobalAlloc for Refusing {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            if refused() {
                return std::ptr::null_mut();
            }
            // SAFETY: what is promised to this function.
            unsafe { System.alloc(layout) }
        }

        unsafe fn realloc(&self, memory: *mut u8, layout: Layout, len: usize) -> *mut u8 {
            if refused() {
                return std::ptr::null_mut();
            }
            // SAFETY: what is promised to this function.
            unsafe { System.realloc(memory, layout, len) }
        }

        unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
            // SAFETY: what is promised to this function.
            unsafe { System.dealloc(memory, layout) }
        }
    }

    /// Runs `work` over and over, with memory refused from the first time on that it asks for some, from the second, and
    /// so on until it gets all. Each time the error must say so; memory that cannot be refused ends the process. Returns how
    /// often `work` asks.
    pub(crate) fn refuse_in_turn<T>(mut work: impl FnMut() -> Result<T, Error>) -> usize {
        let mut allowed = 0;
        loop {
            ALLOWED.set(Some(allowed));
            let result = work();
            ALLOWED.set(None);
            match result {
                Ok(_) => return allowed,
                Err(error) => assert!(matches!(error, Error::OutOfMemory { .. }), "{error}"),
            }
            allowed += 1;
        }
    }
}
