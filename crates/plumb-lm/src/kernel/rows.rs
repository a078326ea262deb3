//! Elementwise functions on rows: norm, softmax, SiLU, sums.
//!
//! Written with plain multiplications and additions, so that every machine gives the same bits and the compiler is free
//! to vectorise. Sums run over a fixed number of lanes, in an order that depends on the row's length only. What takes time is
//! compiled for each instruction set ([`each_set`]).

use super::Isa;
use crate::arch::{Activation, RotaryPairs};

/// Makes a function that is compiled for each instruction set and takes the one in use as its first argument. The sets differ
/// in how many numbers an instruction takes; multiplications and additions are the same, in the same order.
macro_rules! each_set {
    ($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),*) $body:block) => {
        $(#[$doc])*
        pub(crate) fn $name(isa: Isa, $($arg: $type),*) {
            #[inline(always)]
            fn plain($($arg: $type),*) $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn avx2($($arg: $type),*) {
                plain($($arg),*);
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            fn avx512($($arg: $type),*) {
                plain($($arg),*);
            }
            match isa {
                // SAFETY: `isa` is only ever made by `detect`, or by tests for sets that this machine has.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => unsafe { avx2($($arg),*) },
                Isa::Portable => plain($($arg),*),
            }
        }
    };
}

each_set! {
/// `out = x / rms(x) · weight`, `rms(x)² = mean(x²) + eps`. Zhang and Sennrich 2019, "Root Mean Square Layer
/// Normalization". The mean is taken in f64.
fn rms_norm(x: &[f32], weight: &[f32], eps: f64, out: &mut [f32]) {
    let mut lanes = [0.0_f64; 4];
    for chunk in x.chunks(4) {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(*value) * f64::from(*value);
        }
    }
    let mean = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) / x.len() as f64;
    let scale = (1.0 / (mean + eps).sqrt()) as f32;
    for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
        *out = x * scale * weight;
    }
}
}

/// `out = (x - mean) / √(variance + eps) · weight + bias`. Ba et al. 2016, "Layer Normalization". Mean and variance are
/// taken in f64.
pub(crate) fn layer_norm(x: &[f32], weight: &[f32], bias: &[f32], eps: f64, out: &mut [f32]) {
    let sum = |value: &dyn Fn(f64) -> f64| {
        let mut lanes = [0.0_f64; 4];
        for chunk in x.chunks(4) {
            for (lane, x) in lanes.iter_mut().zip(chunk) {
                *lane += value(f64::from(*x));
            }
        }
        (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
    };
    let count = x.len() as f64;
    let mean = sum(&|x| x) / count;
    let variance = sum(&|x| (x - mean) * (x - mean)) / count;
    let scale = 1.0 / (variance + eps).sqrt();
    for (((out, x), weight), bias) in out.iter_mut().zip(x).zip(weight).zip(bias) {
        *out = ((f64::from(*x) - mean) * scale) as f32 * weight + bias;
    }
}

/// `x = cap · tanh(x / cap)`.
pub(crate) fn soft_cap(x: &mut [f32], cap: f32) {
    for x in x {
        *x = cap * libm::tanhf(*x / cap);
    }
}

/// `e^x` to within two units in the last place; 0 far below and the largest power far above.
///
/// `x = n ln 2 + r` with `|r| ≤ ½ ln 2`, then the Taylor polynomial of degree 7 (remainder 5e-9) and a shift of the
/// exponent. `n` is found by adding 1.5 · 2²³, which leaves the nearest integer in the low bits.
#[inline(always)]
fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, the first with few enough bits that its product with n is exact.
    let r = (x - n * 0.693_359_4) - n * -0.000_212_194_44;
    let p = 1.0 / 720.0 + r * (1.0 / 5040.0);
    let p = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * p)))));
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits());
    p * f32::from_bits(n.wrapping_add(127) << 23)
}

each_set! {
/// Softmax in place.
fn softmax(x: &mut [f32]) {
    let largest = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut lanes = [0.0_f32; 8];
    for chunk in x.chunks_mut(8) {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *value = exp(*value - largest);
            *lane += *value;
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    let scale = 1.0 / (((a + e) + (b + f)) + ((c + g) + (d + h)));
    for value in x {
        *value *= scale;
    }
}
}

each_set! {
/// `out = silu(gate) · up`, `silu(x) = x / (1 + e^-x)`. Shazeer 2020, "GLU Variants Improve Transformer" (SwiGLU).
fn silu_times(gate: &[f32], up: &[f32], out: &mut [f32]) {
    for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
        *out = gate / (1.0 + exp(-gate)) * up;
    }
}
}

/// `out = f(x)`.
pub(crate) fn activate(activation: Activation, x: &[f32], out: &mut [f32]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = match activation {
            Activation::Silu => x / (1.0 + exp(-x)),
            Activation::Gelu => gelu(*x),
            Activation::GeluTanh => gelu_tanh(*x),
        };
    }
}

/// `out = f(gate) · up`.
pub(crate) fn activate_times(isa: Isa, activation: Activation, gate: &[f32], up: &[f32], out: &mut [f32]) {
    match activation {
        Activation::Silu => silu_times(isa, gate, up, out),
        other => {
            activate(other, gate, out);
            out.iter_mut().zip(up).for_each(|(out, up)| *out *= up);
        }
    }
}

/// `x Φ(x)`. Hendrycks and Gimpel 2016, "Gaussian Error Linear Units".
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// Its approximation `½ x (1 + tanh y)`, `y = √(2/π) (x + 0.044715 x³)`, written as `x / (1 + e^(-2y))`.
fn gelu_tanh(x: f32) -> f32 {
    const ROOT: f32 = 0.797_884_6;
    x / (1.0 + exp(-2.0 * ROOT * (x + 0.044_715 * x * x * x)))
}

/// Rotates one head in place, each pair by its cosine and sine; elements past the rotated ones stay.
pub(crate) fn rotate(pairs: RotaryPairs, turns: &[[f32; 2]], head: &mut [f32]) {
    let half = turns.len();
    for (i, &[cos, sin]) in turns.iter().enumerate() {
        let (a, b) = match pairs {
            RotaryPairs::Interleaved => (2 * i, 2 * i + 1),
            RotaryPairs::Halves => (i, i + half),
        };
        let (x, y) = (head[a], head[b]);
        head[a] = x * cos - y * sin;
        head[b] = x * sin + y * cos;
    }
}

/// `x += y`.
pub(crate) fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activations_and_caps_are_those_of_their_formulas() {
        for i in -80..80 {
            let x = i as f32 / 8.0;
            let exact = f64::from(x);
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (exact + 0.044715 * exact.powi(3));
            let tanh = 0.5 * exact * (1.0 + inner.tanh());
            let erf = 0.5 * exact * (1.0 + libm::erf(exact / 2.0_f64.sqrt()));
            for (activation, expected) in [
                (Activation::Silu, exact / (1.0 + (-exact).exp())),
                (Activation::Gelu, erf),
                (Activation::GeluTanh, tanh),
            ] {
                let mut out = [0.0];
                activate(activation, &[x], &mut out);
                assert!((f64::from(out[0]) - expected).abs() < 2e-6, "{activation:?} {x}");
            }
            let mut capped = [x];
            soft_cap(&mut capped, 3.0);
            assert!((f64::from(capped[0]) - 3.0 * (exact / 3.0).tanh()).abs() < 1e-6, "{x}");
        }
    }

    #[test]
    fn layer_norm_by_hand() {
        let mut out = [0.0; 2];
        layer_norm(&[1.0, 5.0], &[2.0, 3.0], &[0.5, -1.0], 0.0, &mut out);
        assert_eq!(out, [-1.5, 2.0]);
    }

    #[test]
    fn exp_is_close() {
        for i in -8700..8800 {
            let x = i as f32 / 100.0;
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) / exact - 1.0).abs() < 2.5e-7, "{x}");
        }
        assert!(exp(-1000.0) < 1e-37);
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn softmax_sums_to_one_and_survives_large_values() {
        let mut x = vec![1000.0, 1000.0, 999.0, -1000.0];
        softmax(Isa::Portable, &mut x);
        assert!((x.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(x[0], x[1]);
        assert!(x[3] < 1e-30);
    }

    #[test]
    fn norm_and_silu_by_hand() {
        let mut out = [0.0; 2];
        rms_norm(Isa::Portable, &[3.0, 4.0], &[1.0, 2.0], 0.0, &mut out);
        let rms = 12.5_f32.sqrt();
        assert!((out[0] - 3.0 / rms).abs() < 1e-6 && (out[1] - 8.0 / rms).abs() < 1e-6);
        silu_times(Isa::Portable, &[0.0, 1.0], &[5.0, 2.0], &mut out);
        assert!(out[0] == 0.0 && (out[1] - 2.0 / (1.0 + (-1.0_f32).exp())).abs() < 1e-6);
    }
}
