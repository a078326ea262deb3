//! The weighted n-gram part: keywords weigh 1, other words 0.2, in single words; longer runs weigh the same.
//!
//! The paper calls it a precision; the package computes a recall over the reference's n-grams, and so does this. The
//! package takes the length of every reference to be 2 (it counts a pair that holds it), so that only candidates of one
//! word are punished for being short.

use super::super::bleu::{ORDERS, brevity};
use super::super::tokens::{matches, numbered, words};
use std::collections::HashMap;

/// Words that weigh 1: what the package lists for Python.
const KEYWORDS: [&str; 38] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "case", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "match", "nonlocal", "not", "or", "pass", "raise", "return", "try", "type", "while", "with",
    "yield",
];
/// The weight of any other word.
const OTHER: f64 = 0.2;
/// The length that the package sees in every reference.
const LENGTH: usize = 2;
/// What stands for no match at all (smoothing method 1).
const NONE: f64 = 0.1;

/// Geometric mean of the recalls of runs of one to four words, times what is left of the brevity penalty.
pub(super) fn weighted_recall(reference: &str, candidate: &str) -> f64 {
    let (matched, of) = single(reference, candidate);
    if matched == 0.0 {
        return 0.0;
    }
    let (reference, candidate) = numbered(words(reference), words(candidate));
    let mut sum = (matched / of).ln();
    for n in 2..=ORDERS {
        let matched = f64::from(matches(&reference, &candidate, n));
        let of = (reference.len() + 1).saturating_sub(n).max(1) as f64;
        sum += (if matched == 0.0 { NONE } else { matched } / of).ln();
    }
    brevity(LENGTH, candidate.len()) * (sum / ORDERS as f64).exp()
}

/// Weight of the reference's words that the candidate has, each as often as there at most, and of all of them.
fn single(reference: &str, candidate: &str) -> (f64, f64) {
    let count = |text| {
        let mut counts: HashMap<&str, u32> = HashMap::new();
        words(text).for_each(|word| *counts.entry(word).or_default() += 1);
        counts
    };
    let (mut keywords, mut others) = ([0, 0], [0, 0]);
    let there = count(candidate);
    for (word, wanted) in count(reference) {
        let sums = if KEYWORDS.contains(&word) { &mut keywords } else { &mut others };
        sums[0] += wanted.min(there.get(word).copied().unwrap_or(0));
        sums[1] += wanted;
    }
    let weight = |at: usize| f64::from(keywords[at]) + OTHER * f64::from(others[at]);
    (weight(0), weight(1).max(1.0))
}
