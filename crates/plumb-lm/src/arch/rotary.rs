//! Rotary position embedding: the frequencies of each family's variant.
//!
//! Su et al. 2021, "RoFormer". The scalings: linear (Chen et al. 2023), Llama 3 (its reference code), YaRN (Peng et al.
//! 2023), LongRoPE (Ding et al. 2024), with the defaults of `transformers`. Not here: turning heads (`forward`).

use std::f64::consts::PI;

/// Which two elements of a head are rotated together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotaryPairs {
    /// `2 i` and `2 i + 1`.
    Interleaved,
    /// `i` and `i + dims / 2`.
    Halves,
}

/// A rotary embedding.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotary {
    /// Which elements make a pair.
    pub pairs: RotaryPairs,
    /// Radians a position, for each pair; elements beyond the pairs are not rotated.
    pub frequencies: Vec<f64>,
    /// Rotated elements are multiplied with it.
    pub magnitude: f64,
    /// Other frequencies for long sequences.
    pub long: Option<LongRotary>,
}

/// What replaces the frequencies in sequences of more than `after` tokens, for all of their tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct LongRotary {
    /// Longest sequence that uses the ordinary frequencies.
    pub after: usize,
    /// As [`Rotary::frequencies`].
    pub frequencies: Vec<f64>,
}

impl Rotary {
    /// `base^(-2 i / dims)`.
    pub(super) fn plain(base: f64, dims: usize, pairs: RotaryPairs) -> Self {
        let frequency = |i| base.powf(-2.0 * i as f64 / dims as f64);
        Self { pairs, frequencies: (0..dims / 2).map(frequency).collect(), magnitude: 1.0, long: None }
    }

    /// Positions as if they were `factor` times closer.
    pub(super) fn linear(mut self, factor: f64) -> Self {
        self.frequencies.iter_mut().for_each(|frequency| *frequency /= factor);
        self
    }

    /// Each frequency divided by its own factor.
    pub(super) fn divided(mut self, factors: &[f64]) -> Self {
        self.frequencies.iter_mut().zip(factors).for_each(|(frequency, factor)| *frequency /= factor);
        self
    }

    /// Long waves as [`Rotary::linear`], short ones unchanged, those between mixed.
    pub(super) fn llama3(mut self, factor: f64, low: f64, high: f64, original: f64) -> Self {
        for frequency in &mut self.frequencies {
            let wave = 2.0 * PI / *frequency;
            if wave > original / low {
                *frequency /= factor;
            } else if wave >= original / high {
                let smooth = (original / wave - low) / (high - low);
                *frequency = (1.0 - smooth) * *frequency / factor + smooth * *frequency;
            }
        }
        self
    }

    /// Waves that turn less than `slow` times within `original` positions as [`Rotary::linear`], those that turn more
    /// than `fast` times unchanged, a ramp between.
    pub(super) fn yarn(mut self, yarn: &Yarn, base: f64) -> Self {
        let dims = 2 * self.frequencies.len();
        let place = |turns: f64| dims as f64 * (yarn.original / (turns * 2.0 * PI)).ln() / (2.0 * base.ln());
        let (mut low, mut high) = (place(yarn.fast), place(yarn.slow));
        if yarn.whole {
            (low, high) = (low.floor(), high.ceil());
        }
        let (low, mut high) = (low.max(0.0), high.min(dims as f64 - 1.0));
        if low == high {
            high += 0.001;
        }
        for (i, frequency) in self.frequencies.iter_mut().enumerate() {
            let keep = 1.0 - ((i as f64 - low) / (high - low)).clamp(0.0, 1.0);
            *frequency = *frequency / yarn.factor * (1.0 - keep) + *frequency * keep;
        }
        self.magnitude =
            yarn.magnitude.unwrap_or(if yarn.factor <= 1.0 { 1.0 } else { 0.1 * yarn.factor.ln() + 1.0 });
        self
    }

    /// Other factors for short and for long sequences; `extension` is how much longer than `after` they may be.
    pub(super) fn longrope(self, short: &[f64], long: &[f64], after: usize, magnitude: f64) -> Self {
        let frequencies = self.clone().divided(long).frequencies;
        Self { magnitude, long: Some(LongRotary { after, frequencies }), ..self.divided(short) }
    }
}

/// What LongRoPE multiplies rotated elements with, if the file does not say.
pub(super) fn longrope_magnitude(extension: f64, original: f64) -> f64 {
    if extension <= 1.0 { 1.0 } else { (1.0 + extension.ln() / original.ln()).sqrt() }
}

/// Settings of YaRN.
pub(super) struct Yarn {
    pub factor: f64,
    pub original: f64,
    pub fast: f64,
    pub slow: f64,
    /// Whether the ramp begins and ends at whole pairs.
    pub whole: bool,
    /// `None` for the default, `0.1 ln factor + 1`.
    pub magnitude: Option<f64>,
}
