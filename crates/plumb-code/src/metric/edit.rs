//! Edit similarities: how much of two sequences stays when one is turned into the other, 0 to 1.
//!
//! Sequences are code points or words. The distances are rapidfuzz's, whose authors also wrote the Python library that
//! most published numbers come from; short ASCII texts, which nearly all programs are, have the same from [`super::bits`], and
//! several texts beside one reference from [`super::lanes`].

use super::bits;
use super::codes::coded;
use super::lanes::{self, Wanted};
use super::tokens::{chars, numbered, words};
use rapidfuzz::HashableChar;
use rapidfuzz::distance::{indel, lcs_seq, levenshtein};

/// 1 − d / (longest possible distance); two empty sequences are equal: 1.
fn similarity(distance: usize, most: usize) -> f64 {
    if most == 0 { 1.0 } else { 1.0 - distance as f64 / most as f64 }
}

fn of_edits(distance: usize, reference: usize, candidate: usize) -> f64 {
    similarity(distance, reference.max(candidate))
}

/// 1 − d / max(length, length), d the Levenshtein distance (insertion, deletion, substitution cost 1).
pub(super) fn levenshtein_chars(reference: &str, candidate: &str) -> f64 {
    match bits::levenshtein(reference, candidate) {
        Some(distance) => of_edits(distance, reference.len(), candidate.len()),
        None => levenshtein::normalized_similarity(chars(reference), chars(candidate)),
    }
}

/// The same of several candidates.
pub(super) fn levenshtein_each(reference: &str, candidates: &[&str]) -> Vec<f64> {
    each(Wanted::Distance, reference, candidates, of_edits, levenshtein_chars)
}

/// What is wanted of each candidate, by `of` from the number and the two lengths: several at once where the machine has vectors, else one
/// by one.
fn each(
    wanted: Wanted,
    reference: &str,
    candidates: &[&str],
    of: impl Fn(usize, usize, usize) -> f64,
    alone: fn(&str, &str) -> f64,
) -> Vec<f64> {
    // One alone does not fill the lanes.
    let found = if candidates.len() < 2 || !lanes::there() {
        None
    } else {
        beside(wanted, reference.as_bytes(), candidates, &of).or_else(|| {
            let (reference, candidates) = coded(reference, candidates)?;
            beside(wanted, &reference, &candidates, &of)
        })
    };
    found.unwrap_or_else(|| candidates.iter().map(|candidate| alone(reference, candidate)).collect())
}

/// The same of texts of letters below 128; nothing of others.
fn beside<T: AsRef<[u8]>>(
    wanted: Wanted,
    reference: &[u8],
    candidates: &[T],
    of: impl Fn(usize, usize, usize) -> f64,
) -> Option<Vec<f64>> {
    let found = lanes::each(wanted, reference, candidates)?.into_iter().zip(candidates);
    Some(found.map(|(number, text)| of(number, reference.len(), text.as_ref().len())).collect())
}

/// The same over words.
pub(super) fn levenshtein_words(reference: &str, candidate: &str) -> f64 {
    let (reference, candidate) = numbered(words(reference), words(candidate));
    levenshtein::normalized_similarity(reference, candidate)
}

/// 1 − d / (length + length), d the number of insertions and deletions: a substitution costs 2.
pub(super) fn indel_chars(reference: &str, candidate: &str) -> f64 {
    match bits::common(reference, candidate) {
        Some(common) => of_common(common, reference.len(), candidate.len()),
        None => indel::normalized_similarity(chars(reference), chars(candidate)),
    }
}

/// What is not common to two texts of such lengths must be taken out and put in.
fn of_common(common: usize, reference: usize, candidate: usize) -> f64 {
    let both = reference + candidate;
    similarity(both - 2 * common, both)
}

/// The same of several candidates.
pub(super) fn indel_each(reference: &str, candidates: &[&str]) -> Vec<f64> {
    each(Wanted::Common, reference, candidates, of_common, indel_chars)
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

        #[test]
        fn near_far_repeated_and_foreign_texts_have_what_each_has_alone(
            // All letters of ASCII, and others; in many cases so few candidates that lanes stay empty.
            reference in "[\x00-\x7féß…😀]{0,300}",
            changes in proptest::collection::vec((0..300_usize, 0..80_usize, "[\x00-\x7fé≤]{0,90}"), 0..26),
            again in 0..4_usize,
        ) {
            let letters: Vec<char> = reference.chars().collect();
            let mut candidates: Vec<String> = vec![reference.clone()];
            for (from, taken, put) in &changes {
                let from = letters.len().min(*from);
                let rest = letters.iter().skip(from + taken);
                candidates.push(letters[..from].iter().copied().chain(put.chars()).chain(rest.copied()).collect());
                candidates.push(put.clone());
            }
            candidates.extend_from_within(..again.min(candidates.len()));
            let candidates: Vec<&str> = candidates.iter().map(String::as_str).collect();
            let (edits, indels) = (levenshtein_each(&reference, &candidates), indel_each(&reference, &candidates));
            for ((candidate, edit), indel) in candidates.iter().zip(edits).zip(indels) {
                prop_assert_eq!([edit, indel], slow(&reference, candidate));
            }
        }
    }

    /// More different letters than there are codes.
    #[test]
    fn texts_of_many_different_letters_have_what_each_has_alone() {
        let letters =
            |from: u32, count: u32| (from..from + count).filter_map(char::from_u32).collect::<String>();
        for reference in
            [letters(0x4e00, 126), letters(0x4e00, 127), letters(0x4e00, 128), letters(0x20, 300)]
        {
            let candidates = [letters(0x4e10, 90), letters(0x20, 200), reference.clone()];
            let candidates = candidates.each_ref().map(String::as_str);
            let found = levenshtein_each(&reference, &candidates)
                .into_iter()
                .zip(indel_each(&reference, &candidates));
            for (candidate, (edit, indel)) in candidates.iter().zip(found) {
                assert_eq!([edit, indel], slow(&reference, candidate));
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
