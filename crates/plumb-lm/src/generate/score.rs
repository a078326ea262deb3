//! How likely a token is among all that could stand in its place.
//!
//! Not here: which tokens are scored (`sequence`) and scoring of whole texts (`choose`).

use super::request::TokenScore;
use crate::sample::{greedy, likeliest};
use crate::tokenizer::TokenId;

/// The sum under the probabilities of one place, and the likeliest token.
pub(super) struct Spread {
    largest: f64,
    log_total: f64,
    /// Of equal ones the first.
    pub best: TokenId,
}

impl Spread {
    pub(super) fn of(logits: &[f32]) -> Self {
        let best = greedy(logits);
        let largest = f64::from(logits[best as usize]);
        let total: f64 = logits.iter().map(|&logit| (f64::from(logit) - largest).exp()).sum();
        Self { largest, log_total: total.ln(), best }
    }

    /// Natural logarithm of the probability of a token.
    pub(super) fn log_probability(&self, logits: &[f32], token: TokenId) -> f64 {
        f64::from(logits[token as usize]) - self.largest - self.log_total
    }
}

/// The score of `token` with the `top` likeliest; `logits` has one value for each token of the vocabulary.
///
/// The same sum stands under all, so that a token's own value and its value among the likeliest are equal to the bit.
pub(super) fn token(logits: &[f32], token: TokenId, top: usize) -> TokenScore {
    let spread = Spread::of(logits);
    let log = |id: TokenId| spread.log_probability(logits, id);
    let top = likeliest(logits, top).into_iter().map(|id| (id, log(id))).collect();
    TokenScore { token, log_probability: log(token), top }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::log_probability;

    #[test]
    fn the_likeliest_come_first_and_hold_the_probability_of_all() {
        let logits = [0.5_f32, 3.0, -1.0, 3.0, 2.0];
        let score = token(&logits, 4, 9);
        assert_eq!(score.top.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 3, 4, 0, 2]);
        assert!((score.top.iter().map(|(_, log)| log.exp()).sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(score.log_probability, log_probability(&logits, 4));
        assert_eq!(score.log_probability, score.top[2].1);
        assert_eq!(token(&logits, 0, 1).top[0].0, greedy(&logits));
        assert_eq!(token(&logits, 0, 0).top, []);
    }
}
