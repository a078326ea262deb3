//! chrF and chrF++ as sacreBLEU defines them (Popović 2015, 2017).

use super::tokens::{lettered, matches, numbered, words};

/// Orders of character n-grams.
const CHARS: usize = 6;
/// Recall counts β² as much as precision, β = 2.
const BETA_SQUARED: f64 = 4.0;
/// ASCII punctuation, which chrF++ cuts off the ends of words.
fn is_mark(c: char) -> bool {
    c.is_ascii_punctuation()
}

/// F-score of mean precision and mean recall over character n-grams up to 6, white space removed, and word n-grams up to
/// `word_orders` (0 for chrF, 2 for chrF++). Orders that one of the texts is too short for do not count. 0 to 100.
pub(super) fn chrf(reference: &str, candidate: &str, word_orders: usize) -> f64 {
    let mut sums = Sums::default();
    let (r, c) = lettered(reference, candidate);
    (1..=CHARS).for_each(|n| sums.add(&r, &c, n));
    if word_orders > 0 {
        let (r, c) = numbered(words(reference).flat_map(parts), words(candidate).flat_map(parts));
        (1..=word_orders).for_each(|n| sums.add(&r, &c, n));
    }
    sums.score()
}

#[derive(Default)]
struct Sums {
    precision: f64,
    recall: f64,
    orders: f64,
}

impl Sums {
    fn add(&mut self, reference: &[u32], candidate: &[u32], n: usize) {
        if reference.len() < n || candidate.len() < n {
            return;
        }
        let matched = f64::from(matches(reference, candidate, n));
        self.precision += matched / (candidate.len() + 1 - n) as f64;
        self.recall += matched / (reference.len() + 1 - n) as f64;
        self.orders += 1.0;
    }

    fn score(&self) -> f64 {
        if self.precision + self.recall == 0.0 {
            return 0.0;
        }
        let (precision, recall) = (self.precision / self.orders, self.recall / self.orders);
        100.0 * (1.0 + BETA_SQUARED) * precision * recall / (BETA_SQUARED * precision + recall)
    }
}

/// A word and one mark at its end, or else at its beginning, apart. Only one mark is cut off, as in the library.
fn parts(word: &str) -> impl Iterator<Item = &str> {
    let (first, last) = (word.chars().next(), word.chars().next_back());
    let single = word.chars().nth(1).is_none();
    let (head, tail) = match (first, last) {
        (Some(_), Some(last)) if !single && is_mark(last) => word.split_at(word.len() - last.len_utf8()),
        (Some(first), Some(_)) if !single && is_mark(first) => word.split_at(first.len_utf8()),
        _ => (word, ""),
    };
    std::iter::once(head).chain((!tail.is_empty()).then_some(tail))
}
