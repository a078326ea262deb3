//! Reading GGUF, the single-file format of llama.cpp: metadata, then a tensor directory, then the data.
//!
//! The format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. Start with [`Gguf::parse`].
//! A file is untrusted: every count is checked against the bytes that are left before anything is reserved, every
//! fault is an error with its byte offset, and the reader's memory is in proportion to the header bytes it has really
//! read. Not here: what the keys mean (`config`, `tokenizer`) and how blocks become numbers (`quant`).

mod cursor;
mod fault;
mod metadata;
mod tensor;
mod write;

use std::path::Path;

pub(crate) use fault::Fault;
pub use tensor::{Tensor, TensorType};
pub use write::Builder;

use crate::Error;
use cursor::Cursor;

const DEFAULT_ALIGNMENT: u64 = 32;

/// A file mapped into memory.
#[derive(Debug)]
pub struct Mapped(memmap2::Mmap);

impl Mapped {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// [`Error::is_io`] when it cannot be opened or mapped.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let map = || {
            let file = std::fs::File::open(path)?;
            // SAFETY: the map is read-only and private to this value. Model files are written once, under a temporary
            // name, and never changed in place, so the bytes do not change under us; a truncation by somebody else
            // while we read would end the process (SIGBUS), as it would for every reader that maps.
            unsafe { memmap2::Mmap::map(&file) }
        };
        map().map(Self).map_err(|error| Error::from(error).at(path))
    }

    /// Gives the memory of what was read so far back to the system, which reads the file again where it is needed.
    pub(crate) fn release(&self) {
        // Only a hint: without it everything works as well.
        #[cfg(unix)]
        // SAFETY: the map is of a file and never written to, so that dropped pages come back as they were.
        let _ = unsafe { self.0.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
    }
}

impl std::ops::Deref for Mapped {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// A checked GGUF file. Every tensor's data lie within the file and overlap no other's.
#[derive(Debug)]
pub struct Gguf<'a> {
    metadata: metadata::Index<'a>,
    tensors: Vec<Tensor<'a>>,
}

impl<'a> Gguf<'a> {
    /// Reads the header of `bytes`, a whole file.
    ///
    /// # Errors
    /// [`Error::is_corrupt`] or [`Error::is_unsupported`]; the message names the byte offset.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        Ok(Self::read(bytes)?)
    }

    fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut cursor = Cursor::new(bytes, 0);
        let magic = cursor.u32("the file's first four bytes")?.to_le_bytes();
        if &magic != b"GGUF" {
            return Err(Fault::Magic { offset: 0, found: magic });
        }
        let version = cursor.u32("the version")?;
        if !(2..=3).contains(&version) {
            return Err(Fault::Version { offset: 4, found: version });
        }
        let tensors = cursor.count(tensor::SMALLEST_ENTRY, "the number of tensors")?;
        let entries = cursor.count(metadata::Index::least_entry(), "the number of metadata entries")?;
        let metadata = metadata::Index::read(bytes, &mut cursor, entries)?;
        let alignment = metadata.unsigned("general.alignment")?.unwrap_or(DEFAULT_ALIGNMENT);
        if !alignment.is_power_of_two() || alignment > 65536 {
            let offset = metadata.offset("general.alignment").unwrap_or_default();
            return Err(Fault::Alignment { offset, found: alignment });
        }
        let tensors = tensor::read(bytes, &mut cursor, tensors, alignment)?;
        Ok(Self { metadata, tensors })
    }

    /// All tensors, in the order of the directory.
    pub fn tensors(&self) -> &[Tensor<'a>] {
        &self.tensors
    }

    /// All metadata keys, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.metadata.keys()
    }

    /// A string value; `None` if the key is absent.
    ///
    /// # Errors
    /// If the value has another type.
    pub fn string(&self, key: &str) -> Result<Option<&'a str>, Error> {
        Ok(self.metadata.string(key)?)
    }

    /// A non-negative integer of any width; `None` if the key is absent.
    ///
    /// # Errors
    /// If the value has another type or is negative.
    pub fn unsigned(&self, key: &str) -> Result<Option<u64>, Error> {
        Ok(self.metadata.unsigned(key)?)
    }

    /// A floating-point value; `None` if the key is absent.
    ///
    /// # Errors
    /// If the value has another type.
    pub fn float(&self, key: &str) -> Result<Option<f64>, Error> {
        Ok(self.metadata.float(key)?)
    }

    /// A boolean; `None` if the key is absent.
    ///
    /// # Errors
    /// If the value has another type.
    pub fn boolean(&self, key: &str) -> Result<Option<bool>, Error> {
        Ok(self.metadata.boolean(key)?)
    }

    /// The strings of an array and their number; `None` if the key is absent.
    ///
    /// # Errors
    /// If the value has another type.
    pub fn strings(
        &self,
        key: &str,
    ) -> Result<Option<(usize, impl Iterator<Item = &'a str> + use<'a>)>, Error> {
        let items = self.metadata.strings(key)?;
        Ok(items.map(|mut items| (items.len(), std::iter::from_fn(move || items.next_string()))))
    }

    /// The integers of an array and their number; `None` if the key is absent.
    ///
    /// # Errors
    /// If the value has another type.
    pub fn integers(
        &self,
        key: &str,
    ) -> Result<Option<(usize, impl Iterator<Item = i128> + use<'a>)>, Error> {
        let items = self.metadata.integers(key)?;
        Ok(items.map(|mut items| (items.len(), std::iter::from_fn(move || items.next_integer()))))
    }

    /// The floating-point numbers of an array and their number; `None` if the key is absent.
    ///
    /// # Errors
    /// If the value has another type.
    pub fn floats(&self, key: &str) -> Result<Option<(usize, impl Iterator<Item = f64> + use<'a>)>, Error> {
        let items = self.metadata.floats(key)?;
        Ok(items.map(|mut items| (items.len(), std::iter::from_fn(move || items.next_float()))))
    }

    /// Where the value of `key` stands in the file.
    pub fn offset(&self, key: &str) -> Option<usize> {
        self.metadata.offset(key)
    }
}

/// The fault for a key that must be there.
pub(crate) fn missing(key: &str, expected: &'static str) -> Fault {
    Fault::MissingKey { key: key.to_owned(), expected }
}
