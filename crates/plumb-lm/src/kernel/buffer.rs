//! Memory for weights, in large pages where the system has them.
//!
//! A model's weights are gigabytes that are written once while loading. In pages of 4 KiB the system spends about as
//! much time on handing out the pages as we do on decoding.

use std::marker::PhantomData;

use half::{bf16, f16};
use memmap2::MmapMut;

/// Buffers below this stay with the allocator.
const WORTH_MAPPING: usize = 4 << 20;

/// Numbers that are zero where all their bits are.
///
/// # Safety
/// Every pattern of bits is a value, and the alignment is at most that of a page.
pub(super) unsafe trait Number: Copy + Default {}
// SAFETY: floats and integers have no invalid bits and an alignment of at most four bytes; `f16` and `bf16` are `u16` inside.
unsafe impl Number for f32 {}
// SAFETY: as above.
unsafe impl Number for f16 {}
// SAFETY: as above.
unsafe impl Number for bf16 {}
// SAFETY: as above.
unsafe impl Number for i8 {}

/// Numbers, zero at first.
#[derive(Debug)]
pub(super) enum Buffer<T> {
    Small(Vec<T>),
    Mapped { map: MmapMut, len: usize, of: PhantomData<T> },
}

impl<T: Number> Buffer<T> {
    pub(super) fn zeroed(len: usize) -> Self {
        let bytes = len * size_of::<T>();
        if bytes < WORTH_MAPPING {
            return Self::Small(vec![T::default(); len]);
        }
        match MmapMut::map_anon(bytes) {
            Ok(map) => {
                // Only a hint: without large pages everything works as well.
                #[cfg(target_os = "linux")]
                let _ = map.advise(memmap2::Advice::HugePage);
                Self::Mapped { map, len, of: PhantomData }
            }
            Err(_) => Self::Small(vec![T::default(); len]),
        }
    }
}

impl<T: Number> std::ops::Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Small(values) => values,
            // SAFETY: the map has `len` times the bytes of a number, begins at a page and so is aligned, every bit pattern
            // (at first zero) is a number, and the borrow of `self` keeps it mapped and unchanged.
            Self::Mapped { map, len, .. } => unsafe { std::slice::from_raw_parts(map.as_ptr().cast(), *len) },
        }
    }
}

impl<T: Number> std::ops::DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::Small(values) => values,
            // SAFETY: as above; the borrow is exclusive, and the map is private to this value.
            Self::Mapped { map, len, .. } => unsafe {
                std::slice::from_raw_parts_mut(map.as_mut_ptr().cast(), *len)
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_zero_and_hold_what_is_written() {
        for len in [5, WORTH_MAPPING / 4 + 3] {
            let mut buffer = Buffer::zeroed(len);
            assert_eq!(buffer.len(), len);
            assert!(buffer.iter().all(|value| *value == 0.0));
            buffer[len - 1] = 2.5;
            assert_eq!(buffer[len - 1], 2.5);
        }
    }
}
