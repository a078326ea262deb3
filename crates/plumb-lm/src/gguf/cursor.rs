//! A reader of little-endian values that never leaves its slice and always knows where it is.

use super::Fault;

/// A position in the file's bytes. Every read is checked; every fault carries the offset at which it was found.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at: at.min(bytes.len()) }
    }

    pub(super) fn offset(&self) -> usize {
        self.at
    }

    pub(super) fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(super) fn take(&mut self, count: u64, what: &'static str) -> Result<&'a [u8], Fault> {
        let count = match usize::try_from(count) {
            Ok(count) if count <= self.remaining() => count,
            _ => return Err(Fault::Truncated { offset: self.at, what, need: count, have: self.remaining() }),
        };
        let taken = &self.bytes[self.at..self.at + count];
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Fault> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N as u64, what)?);
        Ok(out)
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, Fault> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u64(&mut self, what: &'static str) -> Result<u64, Fault> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A length-prefixed string; must be UTF-8.
    pub(super) fn string(&mut self, what: &'static str) -> Result<&'a str, Fault> {
        let start = self.at;
        let length = self.u64(what)?;
        let bytes = self.take(length, what)?;
        std::str::from_utf8(bytes).map_err(|_| Fault::NotUtf8 { offset: start, what })
    }

    /// A count of things that take at least `least` bytes each, checked against what is left of the file, so that a
    /// caller may reserve memory for it.
    pub(super) fn count(&mut self, least: usize, what: &'static str) -> Result<usize, Fault> {
        let offset = self.at;
        let count = self.u64(what)?;
        match usize::try_from(count) {
            Ok(count) if count <= self.remaining() / least.max(1) => Ok(count),
            _ => Err(Fault::Count { offset, what, count, have: self.remaining() }),
        }
    }
}
