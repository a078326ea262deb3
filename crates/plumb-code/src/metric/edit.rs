//! Edit similarities: how much of two sequences stays when one is turned into the other, 0 to 1.
//!
//! Sequences are code points or words. The distances are rapidfuzz's, whose authors also wrote the Python library that
//! most published numbers come from.

use super::tokens::{chars, numbered, words};
use rapidfuzz::HashableChar;
use rapidfuzz::distance::{indel, lcs_seq, levenshtein};

/// 1 − d / max(length, length), d the Levenshtein distance (insertion, deletion, substitution cost 1). Two empty
/// sequences are equal: 1.
pub(super) fn levenshtein_chars(reference: &str, candidate: &str) -> f64 {
    levenshtein::normalized_similarity(chars(reference), chars(candidate))
}

/// The same over words.
pub(super) fn levenshtein_words(reference: &str, candidate: &str) -> f64 {
    let (reference, candidate) = numbered(words(reference), words(candidate));
    levenshtein::normalized_similarity(reference, candidate)
}

/// 1 − d / (length + length), d the number of insertions and deletions: a substitution costs 2.
pub(super) fn indel_chars(reference: &str, candidate: &str) -> f64 {
    indel::normalized_similarity(chars(reference), chars(candidate))
}

/// The same over words.
pub(super) fn indel_words(reference: &str, candidate: &str) -> f64 {
    let (reference, candidate) = numbered(words(reference), words(candidate));
    indel::normalized_similarity(reference, candidate)
}

/// CodeXGLUE's edit similarity of line completion: the indel similarity in percent as a whole number, halves to even.
pub(super) fn codexglue(reference: &str, candidate: &str) -> f64 {
    (100.0 * indel_chars(reference, candidate)).round_ties_even()
}

/// Length of the longest common subsequence.
pub(super) fn common<T: HashableChar + Copy + PartialEq>(a: &[T], b: &[T]) -> usize {
    lcs_seq::similarity(a.iter().copied(), b.iter().copied())
}
