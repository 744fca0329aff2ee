//! The arrays of a file that was opened.

use std::any::Any;
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::error::Error;
use crate::support::arrays::{ArrayFile, Source};
use crate::support::store::{Plain, Store};

pub(super) struct Reader<'a> {
    pub(super) path: &'a Path,
    pub(super) tensors: &'a SafeTensors<'a>,
    /// Keeps the memory of the tensors.
    pub(super) memory: Arc<dyn Any + Send + Sync>,
}

impl<'a> Reader<'a> {
    fn tensor(&self, name: &str) -> Option<TensorView<'a>> {
        self.tensors.tensor(name).ok()
    }
}

fn kind_of(tensor: &TensorView<'_>) -> &'static str {
    match tensor.dtype() {
        Dtype::U8 => "U8",
        Dtype::U16 => "U16",
        Dtype::U32 => "U32",
        Dtype::F32 => "F32",
        Dtype::F64 => "F64",
        _ => "other numbers",
    }
}

impl Source<Error> for Reader<'_> {
    fn array<T: Plain>(&mut self, name: impl Display, len: usize, _value: T) -> Result<Store<T>, Error> {
        let name = name.to_string();
        let Some(tensor) = self.tensor(&name) else {
            return Err(self.damaged(&format!("{name} is not there")));
        };
        let (kind, parts) = T::NUMBERS;
        let shape = [len, parts];
        let shape = if parts == 1 { &shape[..1] } else { &shape[..] };
        let found = kind_of(&tensor);
        if found != kind || tensor.shape() != shape {
            let found = format!("{found} {:?}", tensor.shape());
            return Err(self.damaged(&format!("{name} must be {kind} {shape:?}, and is {found}")));
        }
        #[allow(unsafe_code)]
        // SAFETY: the tensor lies in the memory, which stays where it is.
        let array = unsafe { Store::within(tensor.data(), self.memory.clone()) };
        array.ok_or_else(|| self.damaged(&format!("{name} lies askew")))
    }
}

impl ArrayFile for Reader<'_> {
    fn numbers_of(&self, name: &str) -> Option<&'static str> {
        self.tensor(name).as_ref().map(kind_of)
    }

    fn len_of(&self, name: &str) -> Option<usize> {
        self.tensor(name)?.shape().first().copied()
    }

    fn damaged(&self, what: &str) -> Error {
        Error::Damaged {
            path: self.path.into(),
            reason: what.into(),
        }
    }
}
