//! Edit similarities: how much of two sequences stays when one is turned into the other, 0 to 1.
//!
//! Sequences are code points or words. The distances are rapidfuzz's, whose authors also wrote the Python library that
//! most published numbers come from; short ASCII texts, which nearly all programs are, have the same from [`super::bits`], and
//! several beside one reference from [`super::lanes`].

use super::bits;
use super::lanes::{self, Wanted};
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

/// The same of several candidates.
pub(super) fn levenshtein_each(reference: &str, candidates: &[&str]) -> Vec<f64> {
    let by_lane = |distance, text: &str| similarity(distance, reference.len().max(text.len()));
    each(Wanted::Distance, reference, candidates, by_lane, levenshtein_chars)
}

/// What is wanted of each candidate: several at once where they are ASCII and the machine has vectors, else one by one.
fn each(
    wanted: Wanted,
    reference: &str,
    candidates: &[&str],
    by_lane: impl Fn(usize, &str) -> f64,
    alone: fn(&str, &str) -> f64,
) -> Vec<f64> {
    // One alone does not fill the lanes.
    let found = if candidates.len() < 2 || !reference.is_ascii() {
        None
    } else {
        let plain = candidates.iter().map(|text| if text.is_ascii() { text.as_bytes() } else { &[] });
        lanes::each(wanted, reference.as_bytes(), &plain.collect::<Vec<_>>())
    };
    match found {
        Some(found) => found
            .into_iter()
            .zip(candidates)
            .map(|(n, text)| if text.is_ascii() { by_lane(n, text) } else { alone(reference, text) })
            .collect(),
        None => candidates.iter().map(|candidate| alone(reference, candidate)).collect(),
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
        Some(common) => of_common(common, reference, candidate),
        None => indel::normalized_similarity(chars(reference), chars(candidate)),
    }
}

/// What is not common to two ASCII texts must be taken out and put in.
fn of_common(common: usize, reference: &str, candidate: &str) -> f64 {
    let both = reference.len() + candidate.len();
    similarity(both - 2 * common, both)
}

/// The same of several candidates.
pub(super) fn indel_each(reference: &str, candidates: &[&str]) -> Vec<f64> {
    each(
        Wanted::Common,
        reference,
        candidates,
        |common, text| of_common(common, reference, text),
        indel_chars,
    )
}

/// The same over words.
pub(super) fn indel_words(reference: &str, candidate: &str) -> f64 {
    let (reference, candidate) = numbered(words(reference), words(candidate));
    indel::normalized_similarity(reference, candidate)
}

/// CodeXGLUE's edit similarity of line completion, from the indel similarity: percent as a whole number, halves to even.
pub(super) fn codexglue(indel: f64) -> f64 {
    (100.0 * indel).round_ties_even()
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

        #[test]
        fn many_beside_one_reference_have_what_each_has_alone(
            reference in "[ab\n]{0,300}",
            candidates in proptest::collection::vec("[abc ]{0,40}|[ab]{50,70}|[a\n]{100,700}", 0..23),
        ) {
            let candidates: Vec<&str> = candidates.iter().map(String::as_str).collect();
            let (edits, indels) = (levenshtein_each(&reference, &candidates), indel_each(&reference, &candidates));
            let found: Vec<[f64; 2]> = edits.into_iter().zip(indels).map(<[f64; 2]>::from).collect();
            let alone: Vec<[f64; 2]> = candidates.iter().map(|candidate| slow(&reference, candidate)).collect();
            prop_assert_eq!(found, alone);
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
