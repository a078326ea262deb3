//! Unbiased draws from a stream of random numbers.

use rand_core::Rng;

/// A whole number below `n`, each with the same probability: numbers from the incomplete last stretch of 2^64 are drawn
/// again. Zero for `n` = 0.
pub(super) fn below(rng: &mut impl Rng, n: usize) -> usize {
    let n = n as u64;
    if n < 2 {
        return 0;
    }
    let usable = u64::MAX - u64::MAX % n;
    loop {
        let drawn = rng.next_u64();
        if drawn < usable {
            return (drawn % n) as usize;
        }
    }
}

/// Fisher and Yates's shuffle.
pub(crate) fn shuffle<T>(rng: &mut impl Rng, cards: &mut [T]) {
    for i in (1..cards.len()).rev() {
        cards.swap(i, below(rng, i + 1));
    }
}

/// From 0 to 1, without 1.
pub(crate) fn uniform(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}
