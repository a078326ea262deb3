//! Texts as the reference libraries split them.
//!
//! All of them split with Python's `str.split`, whose white space is Unicode's plus the four separators
//! U+001C to U+001F; a port that forgets those gives other tokens for the same text.

use std::collections::HashMap;

/// White space in Python's sense.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The pieces between white space.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// Without white space at both ends.
pub(super) fn stripped(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Without white space at the end.
pub(super) fn stripped_end(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// Code points, the unit of all character metrics: not bytes, not what a reader sees as one letter.
pub(super) fn chars(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// Two lists of words as numbers, equal words having equal numbers, so that comparing costs one step.
pub(super) fn numbered<'a>(
    reference: impl Iterator<Item = &'a str>,
    candidate: impl Iterator<Item = &'a str>,
) -> (Vec<u32>, Vec<u32>) {
    let mut known: HashMap<&str, u32> = HashMap::new();
    let mut number = |word| {
        let next = known.len() as u32;
        *known.entry(word).or_insert(next)
    };
    let reference = reference.map(&mut number).collect();
    (reference, candidate.map(&mut number).collect())
}

/// How often each run of `n` neighbours occurs.
pub(super) fn ngrams<T: Eq + std::hash::Hash>(sequence: &[T], n: usize) -> HashMap<&[T], u32> {
    let mut counts = HashMap::new();
    for gram in sequence.windows(n) {
        *counts.entry(gram).or_insert(0) += 1;
    }
    counts
}

/// How many n-grams of `candidate` are found in `reference`, each as often as there at most.
pub(super) fn matches<T: Eq + std::hash::Hash>(reference: &[T], candidate: &[T], n: usize) -> u32 {
    let known = ngrams(reference, n);
    ngrams(candidate, n).iter().map(|(gram, count)| known.get(gram).map_or(0, |k| *k.min(count))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pythons_white_space_splits() {
        let found: Vec<&str> = words(" a\u{1c}b\u{1f}\u{85}c\u{a0}d\u{200b}e\r\n").collect();
        assert_eq!(found, ["a", "b", "c", "d\u{200b}e"]);
        assert_eq!(stripped("\u{1d} x \n"), "x");
    }
}
