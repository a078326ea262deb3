//! Edit similarities: how much of two sequences stays when one is turned into the other, 0 to 1.
//!
//! Sequences are code points or words. The distances are rapidfuzz's, whose authors also wrote the Python library that
//! most published numbers come from; short ASCII texts, which nearly all programs are, have the same from [`super::bits`].

use super::bits;
use super::tokens::{chars, numbered, words};
use rapidfuzz::HashableChar;
use rapidfuzz::distance::{indel, lcs_seq, levenshtein};

/// 1 − d / (longest possible distance); two empty sequences are equal: 1.
fn similarity(distance: usize, most: usize) -> f64 {
    if most == 0 { 1.0 } else { 1.0 - distance as f64 / most as f64 }
}

/// 1 − d / max(length, length), d the Levenshtein distance (insertion, deletion, substitution cost 1).
pub(super) fn levenshtein_chars(reference: &str, candidate: &str) -> f64 {
    match bits::levenshtein(reference, candidate) {
        Some(distance) => similarity(distance, reference.len().max(candidate.len())),
        None => levenshtein::normalized_similarity(chars(reference), chars(candidate)),
    }
}

/// The same over words.
pub(super) fn levenshtein_words(reference: &str, candidate: &str) -> f64 {
    let (reference, candidate) = numbered(words(reference), words(candidate));
    levenshtein::normalized_similarity(reference, candidate)
}

/// 1 − d / (length + length), d the number of insertions and deletions: a substitution costs 2.
pub(super) fn indel_chars(reference: &str, candidate: &str) -> f64 {
    match bits::common(reference, candidate) {
        Some(common) => {
            let both = reference.len() + candidate.len();
            similarity(both - 2 * common, both)
        }
        None => indel::normalized_similarity(chars(reference), chars(candidate)),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slow(reference: &str, candidate: &str) -> [f64; 2] {
        [
            levenshtein::normalized_similarity(chars(reference), chars(candidate)),
            indel::normalized_similarity(chars(reference), chars(candidate)),
        ]
    }

    proptest! {
        #[test]
        fn bits_and_rapidfuzz_agree_to_the_last_digit(
            // Few letters, so that much is common; lengths on both sides of every number of words.
            reference in "[ab\n]{0,600}",
            candidate in "[abc]{0,150}",
            long in "[ab ]{500,1100}",
        ) {
            for (one, other) in [(&reference, &candidate), (&candidate, &reference), (&long, &candidate), (&long, &reference)] {
                let found = [levenshtein_chars(one, other), indel_chars(one, other)];
                prop_assert_eq!(found, slow(one, other));
            }
        }
    }

    #[test]
    fn edges() {
        for (one, other) in [("", ""), ("", "a"), ("abc", "abc"), ("é", "e"), ("ab", "ba"), ("aXb", "ab")] {
            assert_eq!(
                [levenshtein_chars(one, other), indel_chars(one, other)],
                slow(one, other),
                "{one} {other}"
            );
        }
    }
}
