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

/// Words of a reference as numbers, so that comparing costs one step; kept for all its candidates.
pub(super) struct Numbers<'a> {
    known: HashMap<&'a str, u32>,
    /// The reference's words, in order.
    pub reference: Vec<u32>,
}

impl<'a> Numbers<'a> {
    pub(super) fn of(reference: impl Iterator<Item = &'a str>) -> Numbers<'a> {
        let mut known: HashMap<&str, u32> = HashMap::new();
        let number = |word| {
            let next = known.len() as u32;
            *known.entry(word).or_insert(next)
        };
        let reference = reference.map(number).collect();
        Numbers { known, reference }
    }

    /// A candidate's words: those that the reference has have its numbers, all others one of their own.
    pub(super) fn candidate<'b>(&self, words: impl Iterator<Item = &'b str>) -> Vec<u32> {
        let other = self.known.len() as u32;
        words.map(|word| self.known.get(word).copied().unwrap_or(other)).collect()
    }
}

/// Both as numbers.
pub(super) fn numbered<'a>(
    reference: impl Iterator<Item = &'a str>,
    candidate: impl Iterator<Item = &'a str>,
) -> (Vec<u32>, Vec<u32>) {
    let numbers = Numbers::of(reference);
    let candidate = numbers.candidate(candidate);
    (numbers.reference, candidate)
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
/// numbers as [`Numbers`] and [`lettered`] give them.
pub(super) fn matches(reference: &[u32], candidate: &[u32], n: usize) -> u32 {
    Runs::of(reference, n).matched(candidate)
}

/// The runs of `n` neighbours of a reference, counted once for all its candidates.
pub(super) struct Runs<'a> {
    n: usize,
    /// What is greater is no number of the reference.
    most: u32,
    known: Known<'a>,
}

enum Known<'a> {
    /// A run fits into 64 bits, so many for each number.
    Packed(Grams, u32),
    Any(HashMap<&'a [u32], u32>),
}

impl<'a> Runs<'a> {
    pub(super) fn of(reference: &'a [u32], n: usize) -> Runs<'a> {
        let most = reference.iter().copied().max().unwrap_or(0);
        // One more for all numbers that it does not have.
        let bits = u32::BITS - most.saturating_add(1).leading_zeros();
        let known = if most < u32::MAX && bits as usize * n <= u64::BITS as usize {
            let count = (reference.len() + 1).saturating_sub(n);
            Known::Packed(Grams::of(packed(reference.iter().copied(), n, bits), count), bits)
        } else {
            Known::Any(counted(reference, n))
        };
        Runs { n, most, known }
    }

    /// How many of a candidate's runs are among them, each as often as here at most.
    pub(super) fn matched(&self, candidate: &[u32]) -> u32 {
        match &self.known {
            Known::Packed(grams, bits) => {
                let other = self.most + 1;
                let numbers = candidate.iter().map(|number| (*number).min(other));
                grams.matched(packed(numbers, self.n, *bits))
            }
            Known::Any(known) => {
                let there = counted(candidate, self.n);
                there.iter().map(|(run, count)| known.get(run).map_or(0, |most| *count.min(most))).sum()
            }
        }
    }
}

fn counted(numbers: &[u32], n: usize) -> HashMap<&[u32], u32> {
    let mut counts = HashMap::new();
    numbers.windows(n).for_each(|run| *counts.entry(run).or_insert(0) += 1);
    counts
}

/// Runs of `n` neighbours as one number each.
fn packed(sequence: impl Iterator<Item = u32>, n: usize, bits: u32) -> impl Iterator<Item = u64> {
    let width = bits * n as u32;
    let mask = if width == u64::BITS { u64::MAX } else { (1 << width) - 1 };
    let mut run = 0;
    sequence
        .map(move |number| {
            run = (run << bits | u64::from(number)) & mask;
            run
        })
        .skip(n - 1)
}

/// How often each run occurs: a table with open addresses, at most half full.
struct Grams {
    /// A run and how many there are of it; none where the place is free.
    places: Vec<(u64, u32)>,
    shift: u32,
}

impl Grams {
    fn of(runs: impl Iterator<Item = u64>, count: usize) -> Grams {
        let size = (2 * count).next_power_of_two().max(2);
        let mut grams = Grams { places: vec![(0, 0); size], shift: u64::BITS - size.trailing_zeros() };
        for run in runs {
            let at = grams.find(run);
            grams.places[at] = (run, grams.places[at].1 + 1);
        }
        grams
    }

    /// The place of a run, or the empty one where it would be.
    fn find(&self, run: u64) -> usize {
        // Fibonacci hashing: the high bits of a product with 2^64 over the golden ratio.
        let mut at = (run.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize;
        loop {
            match self.places[at] {
                (other, 1..) if other != run => at = (at + 1) & (self.places.len() - 1),
                _ => return at,
            }
        }
    }

    /// How many of these runs are here, each as often as here at most.
    fn matched(&self, runs: impl Iterator<Item = u64>) -> u32 {
        let mut used = vec![0; self.places.len()];
        let met = runs.filter(|run| {
            let at = self.find(*run);
            used[at] += 1;
            used[at] <= self.places[at].1
        });
        met.count() as u32
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
            let (here, there) = (counted(&one, n), counted(&other, n));
            let expected: u32 = there.iter().map(|(run, count)| (*count).min(here.get(run).copied().unwrap_or(0))).sum();
            proptest::prop_assert_eq!(matches(&one, &other, n), expected);
            // Numbers that the reference does not have, or that do not pack, change nothing.
            let far = std::iter::once(wide.max(9));
            let longer: Vec<u32> = far.clone().chain(other.iter().copied()).collect();
            proptest::prop_assert_eq!(matches(&one, &longer, n), expected);
            let wider: Vec<u32> = far.map(|far| far | 1 << 31).chain(one).collect();
            proptest::prop_assert_eq!(matches(&wider, &other, n), expected);
        }
    }

    #[test]
    fn pythons_white_space_splits() {
        let found: Vec<&str> = words(" a\u{1c}b\u{1f}\u{85}c\u{a0}d\u{200b}e\r\n").collect();
        assert_eq!(found, ["a", "b", "c", "d\u{200b}e"]);
        assert_eq!(stripped("\u{1d} x \n"), "x");
    }
}
