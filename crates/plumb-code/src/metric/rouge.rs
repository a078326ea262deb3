//! ROUGE-L as the package rouge-score defines it (Lin 2004): F1 over the longest common subsequence of words.
//!
//! Words are runs of `a` to `z` and digits after lower-casing, so operators vanish: `a+b` and `a-b` score 1. Without the
//! optional stemmer.

use super::edit::common;
use super::tokens::numbered;

/// F1, 0 to 1; 0 where a side has no word.
pub(super) fn rouge_l(reference: &str, candidate: &str) -> f64 {
    let (reference, candidate) = (reference.to_lowercase(), candidate.to_lowercase());
    let (reference, candidate) = numbered(plain_words(&reference), plain_words(&candidate));
    if reference.is_empty() || candidate.is_empty() {
        return 0.0;
    }
    let common = common(&reference, &candidate) as f64;
    let (precision, recall) = (common / candidate.len() as f64, common / reference.len() as f64);
    if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
}

fn plain_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit()).filter(|word| !word.is_empty())
}
