//! Elementwise functions on rows: norm, softmax, SiLU, sums.
//!
//! Written with plain multiplications and additions, so that every machine gives the same bits and the compiler is free
//! to vectorise. Sums run over a fixed number of lanes, in an order that depends on the row's length only.

/// `out = x / rms(x) · weight`, `rms(x)² = mean(x²) + eps`. Zhang and Sennrich 2019, "Root Mean Square Layer
/// Normalization". The mean is taken in f64.
pub(crate) fn rms_norm(x: &[f32], weight: &[f32], eps: f64, out: &mut [f32]) {
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

/// `e^x` to within two units in the last place; 0 far below and the largest power far above.
///
/// `x = n ln 2 + r` with `|r| ≤ ½ ln 2`, then the Taylor polynomial of degree 7 (remainder 5e-9) and a shift of the
/// exponent. `n` is found by adding 1.5 · 2²³, which leaves the nearest integer in the low bits.
#[inline]
pub(crate) fn exp(x: f32) -> f32 {
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

/// Softmax in place.
pub(crate) fn softmax(x: &mut [f32]) {
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

/// `out = silu(gate) · up`, `silu(x) = x / (1 + e^-x)`. Shazeer 2020, "GLU Variants Improve Transformer" (SwiGLU).
pub(crate) fn silu_times(gate: &[f32], up: &[f32], out: &mut [f32]) {
    for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
        *out = gate / (1.0 + exp(-gate)) * up;
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
        softmax(&mut x);
        assert!((x.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(x[0], x[1]);
        assert!(x[3] < 1e-30);
    }

    #[test]
    fn norm_and_silu_by_hand() {
        let mut out = [0.0; 2];
        rms_norm(&[3.0, 4.0], &[1.0, 2.0], 0.0, &mut out);
        let rms = 12.5_f32.sqrt();
        assert!((out[0] - 3.0 / rms).abs() < 1e-6 && (out[1] - 8.0 / rms).abs() < 1e-6);
        silu_times(&[0.0, 1.0], &[5.0, 2.0], &mut out);
        assert!(out[0] == 0.0 && (out[1] - 2.0 / (1.0 + (-1.0_f32).exp())).abs() < 1e-6);
    }
}
