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

/// Code points as numbers, small ones where there are few different.
pub(super) fn lettered(reference: &str, candidate: &str) -> (Vec<u32>, Vec<u32>) {
    let letters = |text: &str| words(text).flat_map(str::chars).map(u32::from).collect::<Vec<u32>>();
    let (mut reference_letters, mut candidate_letters) = (letters(reference), letters(candidate));
    if !(reference.is_ascii() && candidate.is_ascii()) {
        let mut known: HashMap<u32, u32> = HashMap::new();
        for letter in reference_letters.iter_mut().chain(&mut candidate_letters) {
            let next = known.len() as u32;
            *letter = *known.entry(*letter).or_insert(next);
        }
    }
    (reference_letters, candidate_letters)
}

/// How many runs of `n` neighbours of `candidate` are found in `reference`, each as often as there at most. Neighbours are
/// numbers as [`numbered`] and [`lettered`] give them.
pub(super) fn matches(reference: &[u32], candidate: &[u32], n: usize) -> u32 {
    let most = reference.iter().chain(candidate).copied().max().unwrap_or(0);
    let bits = u32::BITS - most.leading_zeros();
    if bits as usize * n > u64::BITS as usize {
        return matches_of_any(reference, candidate, n);
    }
    let mut known = Grams::of(packed(reference, n, bits), (reference.len() + 1).saturating_sub(n));
    packed(candidate, n, bits).filter(|gram| known.take(*gram)).count() as u32
}

/// The same where a run does not fit into 64 bits.
fn matches_of_any(reference: &[u32], candidate: &[u32], n: usize) -> u32 {
    let mut known: HashMap<&[u32], u32> = HashMap::new();
    for gram in reference.windows(n) {
        *known.entry(gram).or_insert(0) += 1;
    }
    let mut left =
        |gram: &&[u32]| known.get_mut(*gram).filter(|count| **count > 0).map(|count| *count -= 1).is_some();
    candidate.windows(n).filter(|gram| left(gram)).count() as u32
}

/// Runs of `n` neighbours as one number each.
fn packed(sequence: &[u32], n: usize, bits: u32) -> impl Iterator<Item = u64> {
    let width = bits * n as u32;
    let mask = if width == u64::BITS { u64::MAX } else { (1 << width) - 1 };
    let mut run = 0;
    sequence
        .iter()
        .map(move |number| {
            run = (run << bits | u64::from(*number)) & mask;
            run
        })
        .skip(n - 1)
}

/// How often each run occurs: a table with open addresses, at most half full.
struct Grams {
    /// A run, how many of it are left, and whether the place is taken at all.
    places: Vec<(u64, u32, bool)>,
    shift: u32,
}

impl Grams {
    fn of(runs: impl Iterator<Item = u64>, count: usize) -> Grams {
        let size = (2 * count).next_power_of_two().max(2);
        let mut grams = Grams { places: vec![(0, 0, false); size], shift: u64::BITS - size.trailing_zeros() };
        for run in runs {
            let at = grams.find(run);
            let (_, known, _) = grams.places[at];
            grams.places[at] = (run, known + 1, true);
        }
        grams
    }

    /// The place of a run, or the empty one where it would be.
    fn find(&self, run: u64) -> usize {
        // Fibonacci hashing: the high bits of a product with 2^64 over the golden ratio.
        let mut at = (run.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize;
        loop {
            match self.places[at] {
                (other, _, true) if other != run => at = (at + 1) & (self.places.len() - 1),
                _ => return at,
            }
        }
    }

    /// Takes one away, if there is one left.
    fn take(&mut self, run: u64) -> bool {
        let at = self.find(run);
        let left = self.places[at].1;
        self.places[at].1 = left.saturating_sub(1);
        left > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn packed_runs_match_as_often_as_any(
            one in proptest::collection::vec(0u32..5, 0..60),
            other in proptest::collection::vec(0u32..7, 0..60),
            wide in 0u32..=u32::MAX,
            n in 1usize..7,
        ) {
            let expected = matches_of_any(&one, &other, n);
            proptest::prop_assert_eq!(matches(&one, &other, n), expected);
            // A number that does not pack takes the other way and changes nothing.
            let other: Vec<u32> = std::iter::once(wide.max(9)).chain(other).collect();
            proptest::prop_assert_eq!(matches(&one, &other, n), expected);
        }
    }

    #[test]
    fn pythons_white_space_splits() {
        let found: Vec<&str> = words(" a\u{1c}b\u{1f}\u{85}c\u{a0}d\u{200b}e\r\n").collect();
        assert_eq!(found, ["a", "b", "c", "d\u{200b}e"]);
        assert_eq!(stripped("\u{1d} x \n"), "x");
    }
}
