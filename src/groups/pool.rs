//! Rows that seats are drawn from, asked for by position.

/// Which list of rows positions are looked up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The table itself: position and row are one.
    Table,
    /// Rows by experiment.
    Pools,
    /// Rows by experiment, then condition.
    Cells,
}

/// A run of rows in one of the orders, perhaps with a hole in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    pub(crate) order: Order,
    pub(crate) start: u32,
    pub(crate) len: u32,
    /// The position from which on `hole_len` entries are passed over.
    pub(crate) hole: u32,
    pub(crate) hole_len: u32,
}

impl Pool {
    pub(crate) fn run(order: Order, start: u32, end: u32) -> Self {
        Self {
            order,
            start,
            len: end - start,
            hole: u32::MAX,
            hole_len: 0,
        }
    }

    /// Where the entry of `position` lies in the order.
    #[inline]
    pub(crate) fn entry(&self, position: u32) -> u32 {
        self.start + position + self.passed(position)
    }

    /// Entries that are passed over before `position`.
    #[inline]
    pub(crate) fn passed(&self, position: u32) -> u32 {
        if position >= self.hole { self.hole_len } else { 0 }
    }
}
