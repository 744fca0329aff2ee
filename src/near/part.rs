//! A part of a list of rows: those near a time, or all others.

/// A part of a list: the entries whose times lie in a range, or all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) list: u32,
    /// How many entries are earlier than the range, and than its end.
    pub(crate) low: u32,
    pub(crate) high: u32,
    /// Whether the entries inside the range are meant, and not those outside.
    pub(crate) inside: bool,
}

impl Part {
    /// Entries of the part, of a list of `len`.
    pub(crate) fn population(&self, len: u32) -> u32 {
        let near = self.high - self.low;
        if self.inside { near } else { len - near }
    }
}
