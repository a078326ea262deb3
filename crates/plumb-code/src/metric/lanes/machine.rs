//! Vectors of 64-bit lanes. All unsafe code of the metrics is here, but for the two doors in [`super::table`].

use std::arch::x86_64::*;

/// An instruction set: vectors of 64-bit lanes and what the recurrences do with them. A value of it exists only where the machine
/// has it.
pub(super) trait Machine: Copy {
    type Vector: Copy;
    const LANES: usize;
    const REGISTERS: usize;
    /// The first lanes of a slice that is long enough.
    fn load(self, from: &[u64]) -> Self::Vector;
    fn lane(self, v: Self::Vector, lane: usize) -> u64;
    fn all(self, value: u64) -> Self::Vector;
    fn and(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn or(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn xor(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `b` where `a` is not.
    fn without(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The highest bit of each lane, as the lowest.
    fn top(self, v: Self::Vector) -> Self::Vector;
    /// Where a letter stands, a bit each.
    fn places(self, letters: &[u8; 64], letter: u8) -> u64;
}

macro_rules! machine {
    ($name:ident, $features:literal, $vector:ident, $lanes:literal, $registers:literal, $load:ident, $store:ident, $all:ident, $and:ident, $or:ident, $xor:ident,
     $add:ident, $without:ident, $shift:ident, $places:ident) => {
        #[derive(Clone, Copy)]
        pub(super) struct $name(());

        impl $name {
            /// For callers that are compiled for it, which run only where the machine has it.
            #[target_feature(enable = $features)]
            pub(super) fn here() -> Self {
                $name(())
            }
        }

        // SAFETY, for each block: the instructions are there since `self` is. Loads and stores, of any alignment, are of arrays as
        // long as a vector.
        #[rustfmt::skip]
        impl Machine for $name {
            type Vector = $vector;
            const LANES: usize = $lanes;
            const REGISTERS: usize = $registers;
            #[inline(always)]
            fn load(self, from: &[u64]) -> $vector {
                match from.first_chunk::<$lanes>() {
                    Some(from) => unsafe { $load(from.as_ptr().cast()) },
                    None => self.all(0),
                }
            }
            #[inline(always)]
            fn lane(self, v: $vector, lane: usize) -> u64 {
                let mut lanes = [0_u64; $lanes];
                unsafe { $store(lanes.as_mut_ptr().cast(), v) };
                lanes[lane]
            }
            #[inline(always)]
            fn all(self, value: u64) -> $vector { unsafe { $all(value as i64) } }
            #[inline(always)]
            fn and(self, a: $vector, b: $vector) -> $vector { unsafe { $and(a, b) } }
            #[inline(always)]
            fn or(self, a: $vector, b: $vector) -> $vector { unsafe { $or(a, b) } }
            #[inline(always)]
            fn xor(self, a: $vector, b: $vector) -> $vector { unsafe { $xor(a, b) } }
            #[inline(always)]
            fn add(self, a: $vector, b: $vector) -> $vector { unsafe { $add(a, b) } }
            #[inline(always)]
            fn without(self, a: $vector, b: $vector) -> $vector { unsafe { $without(a, b) } }
            #[inline(always)]
            fn top(self, v: $vector) -> $vector { unsafe { $shift::<63>(v) } }
            #[inline(always)]
            fn places(self, letters: &[u8; 64], letter: u8) -> u64 { unsafe { $places(letters, letter) } }
        }
    };
}

machine!(
    Avx512,
    "avx512f,avx512bw",
    __m512i,
    8,
    32,
    _mm512_loadu_si512,
    _mm512_storeu_si512,
    _mm512_set1_epi64,
    _mm512_and_si512,
    _mm512_or_si512,
    _mm512_xor_si512,
    _mm512_add_epi64,
    _mm512_andnot_si512,
    _mm512_srli_epi64,
    places_512
);
machine!(
    Avx2,
    "avx2",
    __m256i,
    4,
    16,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_set1_epi64x,
    _mm256_and_si256,
    _mm256_or_si256,
    _mm256_xor_si256,
    _mm256_add_epi64,
    _mm256_andnot_si256,
    _mm256_srli_epi64,
    places_256
);

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn places_512(letters: &[u8; 64], letter: u8) -> u64 {
    // SAFETY: the array is as long as the vector.
    let letters = unsafe { _mm512_loadu_si512(letters.as_ptr().cast()) };
    _mm512_cmpeq_epi8_mask(letters, _mm512_set1_epi8(letter as i8))
}

#[inline]
#[target_feature(enable = "avx2")]
fn places_256(letters: &[u8; 64], letter: u8) -> u64 {
    let wanted = _mm256_set1_epi8(letter as i8);
    let (low, high) = letters.split_at(32);
    // SAFETY: each half is as long as a vector.
    let halves = [low, high].map(|half| unsafe { _mm256_loadu_si256(half.as_ptr().cast()) });
    let [low, high] = halves.map(|half| _mm256_movemask_epi8(_mm256_cmpeq_epi8(half, wanted)) as u32);
    u64::from(low) | u64::from(high) << 32
}
