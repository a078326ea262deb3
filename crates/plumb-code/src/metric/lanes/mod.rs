//! Distances of one text to many, a candidate in each lane of a vector. Letters are codes below 128.
//!
//! Why beside [`super::bits`]: samples come twenty to a problem. With the reference along the table's rows and candidates in its
//! columns, a step of the recurrences takes the same letter of the reference for all of them, so what it looks up
//! lies side by side and one instruction serves four or eight candidates. The recurrences are those of `bits`
//! ([`column`]), the vectors those of AVX-512 and AVX2 ([`machine`]); where letters stand is found for all letters at once
//! ([`letters`]), which candidate stands in which lane is decided by [`stack`]. [`super::edit`] holds the results against rapidfuzz.
//!
//! Where to start: [`each`], then [`table`]. Not here: other machines, for which `each` has no answer.

#[cfg(target_arch = "x86_64")]
mod column;
#[cfg(target_arch = "x86_64")]
mod letters;
#[cfg(target_arch = "x86_64")]
mod machine;
#[cfg(target_arch = "x86_64")]
mod stack;
#[cfg(target_arch = "x86_64")]
mod table;

#[cfg(target_arch = "x86_64")]
pub(super) use table::{each, there};

/// What is computed of two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The Levenshtein distance.
    Distance,
    /// The length of the longest common subsequence.
    Common,
}

/// As on machines that have no vectors.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn there() -> bool {
    false
}

/// As on machines that have no vectors.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn each<T: AsRef<[u8]>>(_: Wanted, _: &[u8], _: &[T]) -> Option<Vec<usize>> {
    None
}
