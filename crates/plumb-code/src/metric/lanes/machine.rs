//! Vectors of 64-bit lanes. All unsafe code of the metrics is here, but for the two doors in [`super::table`].

use std::arch::x86_64::*;

/// Lanes of the widest vectors.
pub(super) const MOST_LANES: usize = 8;
/// Words of the highest strips.
pub(super) const MOST_WORDS: usize = 6;
/// Bits of a letter of ASCII.
pub(super) const PLANES: usize = 7;

/// An instruction set: vectors of 64-bit lanes and what the recurrences do with them. A value of it exists only where the machine
/// has it.
pub(super) trait Machine: Copy {
    type Vector: Copy;
    const LANES: usize;
    const REGISTERS: usize;
    /// The first lanes of a slice that is long enough.
    fn load(self, from: &[u64]) -> Self::Vector;
    /// The lanes from there on.
    ///
    /// # Safety
    /// As many as there are lanes can be read there.
    unsafe fn load_at(self, from: *const u64) -> Self::Vector;
    /// Into the first lanes of such a slice.
    fn store(self, to: &mut [u64], v: Self::Vector);
    fn all(self, value: u64) -> Self::Vector;
    fn and(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn or(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn xor(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a` − `b`.
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `b` where `a` is not.
    fn without(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Each lane of `a` shifted down by as many bits as `b` has there; nothing is left of it by 64.
    fn down(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The letters' first bits, a bit each, then their second bits, and so on.
    fn planes(self, letters: &[u8; 64]) -> ([u64; PLANES], bool);
}

/// `K` vectors for each letter there is, looked up along a text without asking each time whether they are there.
#[derive(Clone, Copy)]
pub(super) struct Strip<'a, M, const K: usize> {
    m: M,
    /// The rows of all letters, one after the other.
    cells: &'a [u64],
    text: &'a [u8],
}

impl<'a, M: Machine, const K: usize> Strip<'a, M, K> {
    /// Nothing if the cells are too few.
    #[inline(always)]
    pub(super) fn new(m: M, cells: &'a [u64], text: &'a [u8]) -> Option<Self> {
        (cells.len() >= 128 * K * M::LANES).then_some(Strip { m, cells, text })
    }

    /// How many letters the text has.
    pub(super) fn len(self) -> usize {
        self.text.len()
    }

    /// The vector `k` of the letter `at`.
    #[inline(always)]
    pub(super) fn at(self, at: usize, k: usize) -> M::Vector {
        assert!(k < K);
        let row = usize::from(self.text[at] & 127);
        // SAFETY: `new` has seen that there are 128 rows of K vectors, of which this is one.
        unsafe { self.m.load_at(self.cells.as_ptr().add((row * K + k) * M::LANES)) }
    }
}

macro_rules! machine {
    ($name:ident, $features:literal, $vector:ident, $lanes:literal, $registers:literal, $load:ident, $store:ident, $all:ident, $and:ident, $or:ident, $xor:ident,
     $add:ident, $sub:ident, $without:ident, $shift:ident) => {
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
            unsafe fn load_at(self, from: *const u64) -> $vector { unsafe { $load(from.cast()) } }
            #[inline(always)]
            fn store(self, to: &mut [u64], v: $vector) {
                if let Some(to) = to.first_chunk_mut::<$lanes>() {
                    unsafe { $store(to.as_mut_ptr().cast(), v) }
                }
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
            fn sub(self, a: $vector, b: $vector) -> $vector { unsafe { $sub(a, b) } }
            #[inline(always)]
            fn without(self, a: $vector, b: $vector) -> $vector { unsafe { $without(a, b) } }
            #[inline(always)]
            fn down(self, a: $vector, b: $vector) -> $vector { unsafe { $shift(a, b) } }
            #[inline(always)]
            fn planes(self, letters: &[u8; 64]) -> ([u64; PLANES], bool) { unsafe { planes(letters) } }
        }
    };
}

machine!(
    Avx512,
    "avx512f,avx512bw,bmi1,bmi2,popcnt",
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
    _mm512_sub_epi64,
    _mm512_andnot_si512,
    _mm512_srlv_epi64
);
machine!(
    Avx2,
    "avx2,bmi1,bmi2,popcnt",
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
    _mm256_sub_epi64,
    _mm256_andnot_si256,
    _mm256_srlv_epi64
);

/// Machines with AVX-512 have these instructions, too.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn planes(letters: &[u8; 64]) -> ([u64; PLANES], bool) {
    let (low, high) = letters.split_at(32);
    // SAFETY: each half is as long as a vector.
    let mut halves = [low, high].map(|half| unsafe { _mm256_loadu_si256(half.as_ptr().cast()) });
    let right = _mm256_movemask_epi8(_mm256_or_si256(halves[0], halves[1])) == 0;
    let mut planes = [0; PLANES];
    for plane in planes.iter_mut().rev() {
        // The next lower bit becomes each letter's highest, which is what can be taken out.
        halves = halves.map(|half| _mm256_add_epi8(half, half));
        let [low, high] = halves.map(|half| _mm256_movemask_epi8(half) as u32);
        *plane = u64::from(low) | u64::from(high) << 32;
    }
    (planes, right)
}

/// Eight lanes without any instruction of their own: what AVX-512 does, on machines that have no such thing.
#[cfg(test)]
#[derive(Clone, Copy)]
pub(super) struct Plain;

#[cfg(test)]
impl Machine for Plain {
    type Vector = [u64; 8];
    const LANES: usize = 8;
    const REGISTERS: usize = 32;

    fn load(self, from: &[u64]) -> [u64; 8] {
        from.first_chunk().copied().unwrap_or_default()
    }
    unsafe fn load_at(self, from: *const u64) -> [u64; 8] {
        // SAFETY: the caller's.
        unsafe { from.cast::<[u64; 8]>().read_unaligned() }
    }
    fn store(self, to: &mut [u64], v: [u64; 8]) {
        to[..8].copy_from_slice(&v);
    }
    fn all(self, value: u64) -> [u64; 8] {
        [value; 8]
    }
    fn and(self, a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        std::array::from_fn(|lane| a[lane] & b[lane])
    }
    fn or(self, a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        std::array::from_fn(|lane| a[lane] | b[lane])
    }
    fn xor(self, a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        std::array::from_fn(|lane| a[lane] ^ b[lane])
    }
    fn add(self, a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        std::array::from_fn(|lane| a[lane].wrapping_add(b[lane]))
    }
    fn sub(self, a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        std::array::from_fn(|lane| a[lane].wrapping_sub(b[lane]))
    }
    fn without(self, a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        std::array::from_fn(|lane| !a[lane] & b[lane])
    }
    fn down(self, a: [u64; 8], b: [u64; 8]) -> [u64; 8] {
        std::array::from_fn(|lane| a[lane].checked_shr(b[lane] as u32).unwrap_or(0))
    }
    fn planes(self, letters: &[u8; 64]) -> ([u64; PLANES], bool) {
        let bit = |plane: usize, at: usize| u64::from(letters[at] >> plane & 1) << at;
        let plane = |plane| (0..64).map(|at| bit(plane, at)).sum();
        (std::array::from_fn(plane), letters.is_ascii())
    }
}
