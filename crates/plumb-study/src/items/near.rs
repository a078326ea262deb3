//! Near duplicates: prompts of nearly the same words.

use std::collections::{BTreeSet, HashMap};

/// Two prompts are near duplicates from this similarity on.
const NEAR: f64 = 0.5;

/// Sequences of three words of a text, in lower case and without punctuation; of a shorter text, the text.
fn grams(text: &str) -> BTreeSet<String> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    match words.len() {
        0 => BTreeSet::new(),
        1 | 2 => BTreeSet::from([words.join(" ")]),
        _ => words.windows(3).map(|three| three.join(" ")).collect(),
    }
}

/// Prompts with an index of their grams, so that only those that share one are compared.
#[derive(Clone, Debug)]
pub struct Near {
    all: Vec<BTreeSet<String>>,
    of_gram: HashMap<String, Vec<usize>>,
}

impl Near {
    /// An index of these.
    pub fn of(prompts: &[String]) -> Near {
        let all: Vec<BTreeSet<String>> = prompts.iter().map(|prompt| grams(prompt)).collect();
        let mut of_gram: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, grams) in all.iter().enumerate() {
            for gram in grams {
                of_gram.entry(gram.clone()).or_default().push(at);
            }
        }
        Near { all, of_gram }
    }

    /// Whether a prompt is near one of these: Jaccard's similarity of their grams is at least one half.
    pub fn holds(&self, prompt: &str) -> bool {
        let mine = grams(prompt);
        let mut shared: HashMap<usize, usize> = HashMap::new();
        for at in mine.iter().filter_map(|gram| self.of_gram.get(gram)).flatten() {
            *shared.entry(*at).or_default() += 1;
        }
        shared.iter().any(|(at, both)| {
            let either = mine.len() + self.all[*at].len() - both;
            *both as f64 / either as f64 >= NEAR
        })
    }
}
