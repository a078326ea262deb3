//! What can be wrong with a GGUF file; every fault names the byte offset at which it was found.

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("byte {offset}: not a GGUF file (it begins with {found:?}, expected \"GGUF\")")]
    Magic { offset: usize, found: [u8; 4] },
    #[error("byte {offset}: GGUF version {found} is not supported (expected 2 or 3, little-endian)")]
    Version { offset: usize, found: u32 },
    #[error("byte {offset}: the file ends inside {what} ({need} bytes needed, {have} left)")]
    Truncated { offset: usize, what: &'static str, need: u64, have: usize },
    #[error("byte {offset}: {what} says {count}, more than the {have} bytes left can hold")]
    Count { offset: usize, what: &'static str, count: u64, have: usize },
    #[error("byte {offset}: {what} is not UTF-8")]
    NotUtf8 { offset: usize, what: &'static str },
    #[error("byte {offset}: unknown metadata value type {found} (expected 0 to 12)")]
    ValueType { offset: usize, found: u32 },
    #[error("byte {offset}: a boolean must be 0 or 1, found {found}")]
    Bool { offset: usize, found: u8 },
    #[error("byte {offset}: arrays of arrays are not supported")]
    Nested { offset: usize },
    #[error("byte {offset}: metadata key {key:?} appears twice")]
    DuplicateKey { offset: usize, key: String },
    #[error("byte {offset}: tensor {name:?} appears twice")]
    DuplicateTensor { offset: usize, name: String },
    #[error("byte {offset}: general.alignment is {found} (expected a power of two, at most 65536)")]
    Alignment { offset: usize, found: u64 },
    #[error("byte {offset}: tensor {name:?} has {found} dimensions (expected 1 to 4)")]
    Dimensions { offset: usize, name: String, found: u32 },
    #[error("byte {offset}: tensor {name:?} has an empty or impossible shape {shape:?}")]
    Shape { offset: usize, name: String, shape: Vec<u64> },
    #[error(
        "byte {offset}: tensor {name:?} has rows of {row} values, not a multiple of the {block} of its type"
    )]
    Row { offset: usize, name: String, row: u64, block: usize },
    #[error(
        "byte {offset}: tensor {name:?} has type {found}, which is not supported \
         (F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K are)"
    )]
    TensorType { offset: usize, name: String, found: u32 },
    #[error(
        "byte {offset}: tensor {name:?} begins at {start}, not at a multiple of the alignment {alignment}"
    )]
    Unaligned { offset: usize, name: String, start: u64, alignment: u64 },
    #[error("byte {offset}: tensor {name:?} needs {need} bytes, the file has {have} there")]
    OutOfFile { offset: usize, name: String, need: u64, have: u64 },
    #[error("byte {offset}: the data of tensor {name:?} overlaps that of {other:?}")]
    Overlap { offset: usize, name: String, other: String },
    #[error("metadata key {key:?} is missing (expected {expected})")]
    MissingKey { key: String, expected: &'static str },
    #[error("byte {offset}: metadata key {key:?} has another type than expected ({expected})")]
    WrongType { offset: usize, key: String, expected: &'static str },
}

impl Fault {
    pub(crate) fn is_unsupported(&self) -> bool {
        matches!(self, Self::TensorType { .. } | Self::Version { .. } | Self::Nested { .. })
    }
}
