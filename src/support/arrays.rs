//! The arrays that a structure is made of: where they come from, and by which names a file has them.

use std::fmt::Display;

use crate::error::Error;
use crate::support::pauses::Pauses;
use crate::support::store::{Plain, Store};

/// Where the arrays of a structure come from: memory that is filled afterwards, or a file that has them.
pub(crate) trait Source<E> {
    /// An array of `len` values; in memory each is `value`, and the name is not even written down.
    fn array<T: Plain>(&mut self, name: impl Display, len: usize, value: T) -> Result<Store<T>, E>;
}

impl<E: From<Error>> Source<E> for Pauses<'_, E> {
    fn array<T: Plain>(&mut self, _name: impl Display, len: usize, value: T) -> Result<Store<T>, E> {
        Ok(Store::new(self.filled(len, value)?)?)
    }
}

/// A file that arrays come from.
#[cfg(feature = "file")]
pub(crate) trait ArrayFile: Source<Error> {
    /// The type of numbers that an array is of; `None` where there is no such array.
    fn numbers_of(&self, name: &str) -> Option<&'static str>;

    /// How many values an array has; `None` where there is no such array.
    fn len_of(&self, name: &str) -> Option<usize>;

    /// What to say where the arrays do not fit together.
    fn damaged(&self, what: &str) -> Error;

    /// An array of `len` values, in memory of its own: what was checked stays as it was.
    fn copied<T: Plain>(&mut self, name: &str, len: usize, value: T) -> Result<Vec<T>, Error> {
        let array = self.array(name, len, value)?;
        crate::support::memory::collected(array.iter().copied())
    }

    /// Where each of so many lists begins in all, and last where they end, each with at least one.
    fn starts(&mut self, name: &str, lists: usize) -> Result<Vec<u32>, Error> {
        let starts = self.copied(name, lists + 1, 0)?;
        if starts[0] != 0 || !starts.is_sorted_by(|start, next| start < next) {
            return Err(self.damaged(&format!("{name} does not ascend from 0")));
        }
        Ok(starts)
    }
}

/// An array and its name.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "file"), expect(dead_code, reason = "what files have of an array"))]
pub(crate) struct Array<'a> {
    pub(crate) name: String,
    /// The type of its numbers, and how many of them a value is.
    pub(crate) numbers: (&'static str, usize),
    /// Bytes that its place in a file must be a multiple of.
    pub(crate) align: usize,
    pub(crate) bytes: &'a [u8],
    pub(crate) is_mapped: bool,
}

/// The arrays of a structure, one after another.
#[derive(Debug, Default)]
pub(crate) struct Arrays<'a>(pub(crate) Vec<Array<'a>>);

impl<'a> Arrays<'a> {
    pub(crate) fn add<T: Plain>(&mut self, name: impl Into<String>, array: &'a Store<T>) {
        self.0.push(Array {
            name: name.into(),
            numbers: T::NUMBERS,
            align: align_of::<T>(),
            bytes: array.as_bytes(),
            is_mapped: array.is_mapped(),
        });
    }
}
