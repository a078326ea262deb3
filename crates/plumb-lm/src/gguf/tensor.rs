//! The tensor directory of a GGUF file: names, shapes, types, and where the data lie.

use std::collections::HashMap;

use super::Fault;
use super::cursor::Cursor;

/// Name length, dimension count, one dimension, type and offset.
pub(super) const SMALLEST_ENTRY: usize = 8 + 4 + 8 + 4 + 8;

/// How a tensor's numbers are stored. The numbers are llama.cpp's `ggml_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs, reason = "these are the format's own names")]
pub enum TensorType {
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    Q4K = 12,
    Q5K = 13,
    Q6K = 14,
    BF16 = 30,
}

impl TensorType {
    pub(crate) const ALL: [Self; 11] = [
        Self::F32,
        Self::F16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q4K,
        Self::Q5K,
        Self::Q6K,
        Self::BF16,
    ];

    fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|&kind| kind as u32 == code)
    }

    /// Values in a block, and bytes of a block.
    pub const fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::BF16 => (1, 2),
            Self::Q4_0 => (32, 2 + 16),
            Self::Q4_1 => (32, 4 + 16),
            Self::Q5_0 => (32, 2 + 4 + 16),
            Self::Q5_1 => (32, 4 + 4 + 16),
            Self::Q8_0 => (32, 2 + 32),
            Self::Q4K => (256, 4 + 12 + 128),
            Self::Q5K => (256, 4 + 12 + 32 + 128),
            Self::Q6K => (256, 128 + 64 + 16 + 2),
        }
    }
}

/// One tensor: its rows lie one after the other, each of `shape[0]` values.
#[derive(Debug, Clone)]
pub struct Tensor<'a> {
    /// Its name in the file.
    pub name: &'a str,
    /// Dimensions, fastest first: `[row length, rows, …]`.
    pub shape: Vec<u64>,
    /// How its numbers are stored.
    pub kind: TensorType,
    /// Its data: `rows × row_bytes()` bytes.
    pub data: &'a [u8],
    /// Where its directory entry begins in the file.
    pub offset: usize,
}

impl Tensor<'_> {
    /// Values in a row.
    pub fn row_len(&self) -> usize {
        self.shape[0] as usize
    }

    /// Bytes of a row.
    pub fn row_bytes(&self) -> usize {
        let (values, bytes) = self.kind.block();
        self.row_len() / values * bytes
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.data.len() / self.row_bytes()
    }
}

#[derive(Debug)]
struct Entry<'a> {
    name: &'a str,
    shape: Vec<u64>,
    kind: TensorType,
    offset: usize,
    /// Relative to the start of the data.
    start: u64,
    size: u64,
}

/// Reads `count` directory entries, then checks that each tensor's data lie in the file and apart from all others.
pub(super) fn read<'a>(
    bytes: &'a [u8],
    cursor: &mut Cursor<'a>,
    count: usize,
    alignment: u64,
) -> Result<Vec<Tensor<'a>>, Fault> {
    let mut entries = Vec::new();
    for _ in 0..count {
        entries.push(entry(cursor, alignment)?);
    }
    let padded = (cursor.offset() as u64).next_multiple_of(alignment);
    let data = bytes.get(usize::try_from(padded).unwrap_or(usize::MAX)..).unwrap_or(&[]);
    check_places(&entries, data.len() as u64)?;
    let mut seen = HashMap::new();
    entries
        .into_iter()
        .map(|entry| {
            if seen.insert(entry.name, ()).is_some() {
                return Err(Fault::DuplicateTensor { offset: entry.offset, name: entry.name.to_owned() });
            }
            let start = entry.start as usize;
            let data = &data[start..start + entry.size as usize];
            Ok(Tensor { name: entry.name, shape: entry.shape, kind: entry.kind, data, offset: entry.offset })
        })
        .collect()
}

fn entry<'a>(cursor: &mut Cursor<'a>, alignment: u64) -> Result<Entry<'a>, Fault> {
    let offset = cursor.offset();
    let name = cursor.string("a tensor's name")?;
    let owned = || name.to_owned();
    let dimensions_at = cursor.offset();
    let dimensions = cursor.u32("a tensor's dimension count")?;
    if !(1..=4).contains(&dimensions) {
        return Err(Fault::Dimensions { offset: dimensions_at, name: owned(), found: dimensions });
    }
    let shape_at = cursor.offset();
    let shape = (0..dimensions).map(|_| cursor.u64("a tensor's shape")).collect::<Result<Vec<u64>, _>>()?;
    let kind_at = cursor.offset();
    let code = cursor.u32("a tensor's type")?;
    let kind = TensorType::from_code(code).ok_or_else(|| Fault::TensorType {
        offset: kind_at,
        name: owned(),
        found: code,
    })?;
    let (block, block_bytes) = kind.block();
    let values = shape.iter().try_fold(1_u64, |product, &size| product.checked_mul(size)).filter(|&n| n > 0);
    let size = values.and_then(|values| (values / block as u64).checked_mul(block_bytes as u64));
    let Some(size) = size else {
        return Err(Fault::Shape { offset: shape_at, name: owned(), shape });
    };
    if !shape[0].is_multiple_of(block as u64) {
        return Err(Fault::Row { offset: shape_at, name: owned(), row: shape[0], block });
    }
    let start_at = cursor.offset();
    let start = cursor.u64("a tensor's offset")?;
    if !start.is_multiple_of(alignment) {
        return Err(Fault::Unaligned { offset: start_at, name: owned(), start, alignment });
    }
    Ok(Entry { name, shape, kind, offset, start, size })
}

fn check_places(entries: &[Entry<'_>], have: u64) -> Result<(), Fault> {
    for entry in entries {
        if entry.start.checked_add(entry.size).is_none_or(|end| end > have) {
            let have = have.saturating_sub(entry.start);
            return Err(Fault::OutOfFile {
                offset: entry.offset,
                name: entry.name.to_owned(),
                need: entry.size,
                have,
            });
        }
    }
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_unstable_by_key(|&i| entries[i].start);
    for pair in order.windows(2) {
        let (before, after) = (&entries[pair[0]], &entries[pair[1]]);
        if before.start + before.size > after.start {
            let (name, other) = (after.name.to_owned(), before.name.to_owned());
            return Err(Fault::Overlap { offset: after.offset, name, other });
        }
    }
    Ok(())
}
