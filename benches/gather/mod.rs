//! A list to gather from as fast as the machine does: in large pages where there are some, asked for ahead.

/// As many entries as a table has rows.
pub(crate) struct Entries(Vec<u32>);

impl Entries {
    pub(crate) fn new(rows: usize) -> Self {
        let mut entries = Vec::with_capacity(rows);
        #[cfg(target_os = "linux")]
        advise(&mut entries);
        entries.extend((0..rows as u32).rev());
        Self(entries)
    }

    pub(crate) fn len(&self) -> u32 {
        self.0.len() as u32
    }

    #[inline]
    pub(crate) fn at(&self, entry: u32) -> i64 {
        i64::from(self.0[entry as usize])
    }

    #[inline]
    pub(crate) fn gather(&self, wanted: &[u32], rows: &mut [i64]) {
        for &entry in wanted {
            prefetch(self, entry);
        }
        for (row, &entry) in rows.iter_mut().zip(wanted) {
            *row = self.at(entry);
        }
    }
}

#[inline]
pub(crate) fn prefetch(entries: &Entries, entry: u32) {
    #[cfg(target_arch = "x86_64")]
    if let Some(entry) = entries.0.get(entry as usize) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 processor has the instruction, and the address is that of an element.
        unsafe { _mm_prefetch(std::ptr::from_ref(entry).cast(), _MM_HINT_T0) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (entries, entry);
}

/// Asks for large pages for what is not yet touched.
#[cfg(target_os = "linux")]
fn advise(entries: &mut Vec<u32>) {
    const LARGE: usize = 2 << 20;
    let (start, bytes) = (entries.as_mut_ptr().cast::<u8>(), entries.capacity() * size_of::<u32>());
    let skipped = start.align_offset(LARGE);
    if skipped < bytes {
        // SAFETY: the range lies in the allocation, and the advice changes no contents. It may be refused.
        unsafe { libc::madvise(start.add(skipped).cast(), bytes - skipped, libc::MADV_HUGEPAGE) };
    }
}
