//! Memory for weights, in large pages where the system has them.
//!
//! A model's weights are gigabytes that are written once while loading. In pages of 4 KiB the system spends about as
//! much time on handing out the pages as we do on decoding.

use memmap2::MmapMut;

/// Buffers below this stay with the allocator.
const WORTH_MAPPING: usize = 4 << 20;

/// Numbers, zero at first.
#[derive(Debug)]
pub(super) enum Buffer {
    Small(Vec<f32>),
    Mapped { map: MmapMut, len: usize },
}

impl Buffer {
    pub(super) fn zeroed(len: usize) -> Self {
        let bytes = len * size_of::<f32>();
        if bytes < WORTH_MAPPING {
            return Self::Small(vec![0.0; len]);
        }
        match MmapMut::map_anon(bytes) {
            Ok(map) => {
                // Only a hint: without large pages everything works as well.
                #[cfg(target_os = "linux")]
                let _ = map.advise(memmap2::Advice::HugePage);
                Self::Mapped { map, len }
            }
            Err(_) => Self::Small(vec![0.0; len]),
        }
    }
}

impl std::ops::Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::Small(values) => values,
            // SAFETY: the map has `len` times four bytes, begins at a page and so is aligned for f32, every bit pattern
            // (at first zero) is an f32, and the borrow of `self` keeps it mapped and unchanged.
            Self::Mapped { map, len } => unsafe { std::slice::from_raw_parts(map.as_ptr().cast(), *len) },
        }
    }
}

impl std::ops::DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        match self {
            Self::Small(values) => values,
            // SAFETY: as above; the borrow is exclusive, and the map is private to this value.
            Self::Mapped { map, len } => unsafe {
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
