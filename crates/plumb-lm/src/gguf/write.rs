//! Writing GGUF: enough to make small models, for tests and for conversions.

use super::TensorType;

/// Collects metadata and tensors and lays them out as a GGUF file of version 3.
///
/// Nothing is checked beyond sizes: tests also build files that must be refused.
#[derive(Debug, Default, Clone)]
pub struct Builder {
    entries: Vec<u8>,
    entry_count: u64,
    tensors: Vec<(String, Vec<u64>, TensorType, Vec<u8>)>,
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

impl Builder {
    /// An empty file.
    pub fn new() -> Self {
        Self::default()
    }

    fn key(&mut self, key: &str, kind: u32) {
        put_string(&mut self.entries, key);
        self.entries.extend(kind.to_le_bytes());
        self.entry_count += 1;
    }

    /// Adds a string.
    pub fn string(mut self, key: &str, value: &str) -> Self {
        self.key(key, 8);
        put_string(&mut self.entries, value);
        self
    }

    /// Adds a 32-bit unsigned integer.
    pub fn u32(mut self, key: &str, value: u32) -> Self {
        self.key(key, 4);
        self.entries.extend(value.to_le_bytes());
        self
    }

    /// Adds a 32-bit float.
    pub fn f32(mut self, key: &str, value: f32) -> Self {
        self.key(key, 6);
        self.entries.extend(value.to_le_bytes());
        self
    }

    /// Adds a boolean.
    pub fn boolean(mut self, key: &str, value: bool) -> Self {
        self.key(key, 7);
        self.entries.push(u8::from(value));
        self
    }

    /// Adds an array of strings.
    pub fn strings<S: AsRef<str>>(mut self, key: &str, values: &[S]) -> Self {
        self.key(key, 9);
        self.entries.extend(8_u32.to_le_bytes());
        self.entries.extend((values.len() as u64).to_le_bytes());
        for value in values {
            put_string(&mut self.entries, value.as_ref());
        }
        self
    }

    /// Adds an array of 32-bit signed integers.
    pub fn i32s(mut self, key: &str, values: &[i32]) -> Self {
        self.key(key, 9);
        self.entries.extend(5_u32.to_le_bytes());
        self.entries.extend((values.len() as u64).to_le_bytes());
        self.entries.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self
    }

    /// Adds a tensor of already encoded data; `shape` is fastest dimension first.
    pub fn tensor(mut self, name: &str, shape: &[u64], kind: TensorType, data: Vec<u8>) -> Self {
        self.tensors.push((name.to_owned(), shape.to_vec(), kind, data));
        self
    }

    /// Adds a tensor of f32 values.
    pub fn tensor_f32(self, name: &str, shape: &[u64], values: &[f32]) -> Self {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, shape, TensorType::F32, data)
    }

    /// Leaves out the tensor called `name`.
    pub fn without_tensor(mut self, name: &str) -> Self {
        self.tensors.retain(|tensor| tensor.0 != name);
        self
    }

    /// The file's bytes.
    pub fn finish(self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3_u32.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend(self.entry_count.to_le_bytes());
        out.extend(&self.entries);
        let mut start = 0_u64;
        for (name, shape, kind, data) in &self.tensors {
            put_string(&mut out, name);
            out.extend((shape.len() as u32).to_le_bytes());
            out.extend(shape.iter().flat_map(|size| size.to_le_bytes()));
            out.extend((*kind as u32).to_le_bytes());
            out.extend(start.to_le_bytes());
            start = (start + data.len() as u64).next_multiple_of(32);
        }
        for (_, _, _, data) in &self.tensors {
            out.resize(out.len().next_multiple_of(32), 0);
            out.extend(data);
        }
        out
    }
}
