//! Choosing the next token from logits.
//!
//! Greedy, or drawn with a temperature from the smallest set of tokens that holds a share `top_p` of the probability
//! (Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration"), from the `top_k` likeliest (Fan et al. 2018,
//! "Hierarchical Neural Story Generation"), or from those at least `min_p` times as likely as the likeliest (Nguyen et al.
//! 2024, "Min-p Sampling"). They hold in the order penalty, temperature, `top_k`, `top_p`, `min_p`, as in `transformers`. A
//! draw depends on the logits, on what was seen if that is penalised, and on the request's own seed, nothing else. Not
//! here: when to stop (`generate`).

use std::borrow::Cow;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

use crate::tokenizer::TokenId;

/// How many of the likeliest tokens are sorted at first; most of the time they hold enough probability.
const SORT_FIRST: usize = 256;

/// Chooses tokens for one sequence.
#[derive(Debug, Clone)]
pub struct Sampler {
    temperature: f64,
    top_p: f64,
    top_k: usize,
    min_p: f64,
    repetition_penalty: f64,
    random: ChaCha12Rng,
}

impl Sampler {
    /// `temperature` 0 is greedy and makes no draws; `top_p` 1 keeps all tokens. Values outside `0 ..` and `0 ..= 1` are
    /// brought into them.
    pub fn new(temperature: f64, top_p: f64, seed: u64) -> Self {
        Self {
            temperature: temperature.max(0.0),
            top_p: top_p.clamp(0.0, 1.0),
            top_k: 0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            random: ChaCha12Rng::seed_from_u64(seed),
        }
    }

    /// Draws from so many of the likeliest tokens; 0, as at first, from all.
    #[must_use]
    pub fn top_k(self, top_k: usize) -> Self {
        Self { top_k, ..self }
    }

    /// Draws from tokens at least so many times as likely as the likeliest, 0 to 1; 0, as at first, from all.
    #[must_use]
    pub fn min_p(self, min_p: f64) -> Self {
        Self { min_p: min_p.clamp(0.0, 1.0), ..self }
    }

    /// Makes tokens that were seen less likely: positive logits are divided by this, others multiplied (Keskar et al.
    /// 2019, "CTRL"). 1, as at first, changes nothing. Counts for greedy choice too.
    #[must_use]
    pub fn repetition_penalty(self, repetition_penalty: f64) -> Self {
        Self { repetition_penalty, ..self }
    }

    /// [`Sampler::next`] after the tokens of prompt and answer so far, which matter to a repetition penalty alone.
    pub fn next_after(&mut self, logits: &[f32], seen: &[TokenId]) -> TokenId {
        if self.repetition_penalty == 1.0 {
            return self.next(logits);
        }
        let mut changed = Cow::Borrowed(logits);
        let penalty = self.repetition_penalty as f32;
        for &token in seen {
            // From the model's own logits, so that a token that was seen twice is not penalised twice.
            if let Some(&logit) = logits.get(token as usize) {
                let less = if logit > 0.0 { logit / penalty } else { logit * penalty };
                changed.to_mut()[token as usize] = less;
            }
        }
        self.next(&changed)
    }

    /// The next token; `logits` has one value for each token of the vocabulary, at least one.
    pub fn next(&mut self, logits: &[f32]) -> TokenId {
        if self.temperature == 0.0 {
            return greedy(logits);
        }
        // 53 bits: a uniform number in [0, 1).
        let draw = (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weight = |logit: f32| ((f64::from(logit) - f64::from(largest)) / self.temperature).exp();
        if self.top_k > 0 && self.top_k < logits.len() {
            let kept: Vec<(TokenId, f64)> = likeliest(logits, self.top_k)
                .into_iter()
                .map(|id| (id, weight(logits[id as usize])))
                .collect();
            let enough = self.top_p * kept.iter().map(|(_, weight)| weight).sum::<f64>();
            let mut before = 0.0;
            let nucleus = kept.into_iter().take_while(|(_, weight)| {
                let begun = before == 0.0 || before < enough;
                before += weight;
                begun
            });
            return self.draw(nucleus.collect(), draw).unwrap_or_else(|| greedy(logits));
        }
        let total: f64 = logits.iter().map(|&logit| weight(logit)).sum();
        if self.top_p >= 1.0 && self.min_p > 0.0 {
            let all = logits.iter().enumerate().map(|(id, &logit)| (id as TokenId, weight(logit)));
            return self.draw(all.collect(), draw).unwrap_or_else(|| greedy(logits));
        }
        if self.top_p >= 1.0 {
            let all = logits.iter().enumerate().map(|(id, &logit)| (id as TokenId, weight(logit)));
            return pick(all, draw * total).unwrap_or_else(|| greedy(logits));
        }
        let nucleus = nucleus(logits, weight, self.top_p * total);
        self.draw(nucleus, draw).unwrap_or_else(|| greedy(logits))
    }

    /// Of tokens and their weights, the likeliest's being 1, those that `min_p` leaves; `at` is in `[0, 1)`.
    fn draw(&self, mut kept: Vec<(TokenId, f64)>, at: f64) -> Option<TokenId> {
        kept.retain(|(_, weight)| *weight >= self.min_p);
        let total: f64 = kept.iter().map(|(_, weight)| weight).sum();
        pick(kept.iter().copied(), at * total)
    }
}

/// Ids of the `count` largest, largest first; of equal ones the smaller id first.
pub(crate) fn likeliest(logits: &[f32], count: usize) -> Vec<TokenId> {
    let count = count.min(logits.len());
    if count == 0 {
        return Vec::new();
    }
    let order = |a: &TokenId, b: &TokenId| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b));
    let mut ids: Vec<TokenId> = (0..logits.len() as TokenId).collect();
    if count < ids.len() {
        ids.select_nth_unstable_by(count - 1, order);
    }
    ids.truncate(count);
    ids.sort_unstable_by(order);
    ids
}

/// The token with the largest logit; of equal ones the first.
pub fn greedy(logits: &[f32]) -> TokenId {
    let mut best = 0;
    for (id, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = id;
        }
    }
    best as TokenId
}

/// Natural logarithm of the probability of `token`, in f64.
pub fn log_probability(logits: &[f32], token: TokenId) -> f64 {
    let largest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let total: f64 = logits.iter().map(|&logit| (f64::from(logit) - largest).exp()).sum();
    f64::from(logits[token as usize]) - largest - total.ln()
}

/// The likeliest tokens, likeliest first, until their weights reach `enough`; at least one.
fn nucleus(logits: &[f32], weight: impl Fn(f32) -> f64, enough: f64) -> Vec<(TokenId, f64)> {
    let mut ids: Vec<TokenId> = (0..logits.len() as TokenId).collect();
    let order = |a: &TokenId, b: &TokenId| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b));
    let mut sorted = SORT_FIRST;
    loop {
        let count = sorted.min(ids.len());
        if count < ids.len() {
            ids.select_nth_unstable_by(count - 1, order);
        }
        ids[..count].sort_unstable_by(order);
        let mut sum = 0.0;
        let mut kept = Vec::new();
        for &id in &ids[..count] {
            let weight = weight(logits[id as usize]);
            sum += weight;
            kept.push((id, weight));
            if sum >= enough {
                return kept;
            }
        }
        if count == ids.len() {
            return kept;
        }
        sorted *= 8;
    }
}

/// The token at which the running sum of weights passes `at`; the last one if rounding keeps it just below.
fn pick(weights: impl Iterator<Item = (TokenId, f64)>, at: f64) -> Option<TokenId> {
    let mut sum = 0.0;
    let mut last = None;
    for (id, weight) in weights.filter(|(_, weight)| *weight > 0.0) {
        sum += weight;
        last = Some(id);
        if sum > at {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(temperature: f64, top_p: f64, logits: &[f32]) -> Vec<f64> {
        let mut counts = vec![0.0; logits.len()];
        let mut sampler = Sampler::new(temperature, top_p, 11);
        for _ in 0..20_000 {
            counts[sampler.next(logits) as usize] += 1.0 / 20_000.0;
        }
        counts
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let logits = [0.5_f32.ln(), 0.3_f32.ln(), 0.15_f32.ln(), 0.05_f32.ln()];
        for (share, expected) in shares(1.0, 1.0, &logits).iter().zip([0.5, 0.3, 0.15, 0.05]) {
            assert!((share - expected).abs() < 0.015, "{share} {expected}");
        }
        // 0.5 + 0.3 reaches 0.75: the others are out.
        for (share, expected) in shares(1.0, 0.75, &logits).iter().zip([0.625, 0.375, 0.0, 0.0]) {
            assert!((share - expected).abs() < 0.015, "{share} {expected}");
        }
        assert_eq!(shares(1.0, 0.0, &logits)[0].round(), 1.0);
        // Temperature ½ squares the probabilities.
        assert!((shares(0.5, 1.0, &logits)[0] - 0.25 / (0.25 + 0.09 + 0.0225 + 0.0025)).abs() < 0.015);
    }

    #[test]
    fn the_other_filters_leave_what_they_say() {
        let logits = [0.5_f32.ln(), 0.3_f32.ln(), 0.15_f32.ln(), 0.05_f32.ln()];
        let check = |sampler: Sampler, expected: [f64; 4]| {
            let mut sampler = sampler;
            let mut counts = [0.0; 4];
            for _ in 0..20_000 {
                counts[sampler.next_after(&logits, &[0, 0]) as usize] += 1.0 / 20_000.0;
            }
            for (share, expected) in counts.iter().zip(expected) {
                assert!((share - expected).abs() < 0.015, "{counts:?} {expected}");
                assert_eq!(*share == 0.0, expected == 0.0);
            }
        };
        let plain = |top_p| Sampler::new(1.0, top_p, 5);
        check(plain(1.0).top_k(2), [0.625, 0.375, 0.0, 0.0]);
        check(plain(1.0).top_k(9), [0.5, 0.3, 0.15, 0.05]);
        // Of the three likeliest, 0.8 / 0.95 is the first share that reaches 0.7.
        check(plain(0.7).top_k(3), [0.625, 0.375, 0.0, 0.0]);
        check(plain(1.0).min_p(0.29), [0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0.0]);
        check(plain(0.9).min_p(0.5), [0.625, 0.375, 0.0, 0.0]);
        check(plain(1.0).min_p(1.0), [1.0, 0.0, 0.0, 0.0]);
        // ln ½ doubled is ln ¼; twice seen is penalised once.
        check(plain(1.0).repetition_penalty(2.0), [1.0 / 3.0, 0.4, 0.2, 0.2 / 3.0]);
        let mut greedy = Sampler::new(0.0, 1.0, 0).repetition_penalty(2.0);
        assert_eq!((greedy.next_after(&logits, &[0]), greedy.next_after(&[3.0, 2.0], &[0])), (1, 1));
        assert_eq!(greedy.next_after(&logits, &[]), 0);
    }

    #[test]
    fn greedy_takes_the_first_of_equals_and_seeds_repeat() {
        assert_eq!(greedy(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(Sampler::new(0.0, 1.0, 0).next(&[f32::NEG_INFINITY, 0.0]), 1);
        let logits: Vec<f32> = (0..1000).map(|i| (i % 37) as f32 / 10.0).collect();
        let draw = |seed| {
            let mut sampler = Sampler::new(1.3, 0.9, seed);
            (0..20).map(|_| sampler.next(&logits)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn log_probabilities_sum_to_one() {
        let logits = [100.0, 101.0, -5.0];
        let sum: f64 = (0..3).map(|id| log_probability(&logits, id).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }
}
