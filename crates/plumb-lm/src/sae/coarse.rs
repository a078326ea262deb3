//! A small copy of an encoder that bounds its pre-activations.
//!
//! Whether a latent is among the `k` largest of a row depends on all others, but hardly on their exact values. A copy in bytes is
//! a quarter of what has to be read for each token, and how far its products may be from the encoder's is known: by Cauchy and
//! Schwarz not farther than the length of what rounding took from the latent's row, times the length of the row that is read.
//! Whoever is decided by these bounds needs no more; the others are computed ([`super::select`]). So the bits do not depend on it.

use std::ops::Range;

use super::Sae;
use crate::kernel::{Isa, Packed, team};

/// Steps of a byte, from zero to the largest value.
const STEPS: f32 = 127.0;

#[derive(Debug)]
pub(super) struct Coarse {
    encoder: Packed,
    /// For each latent, the most by which a product may be wrong, for a row of length one.
    wrong: Vec<f32>,
}

impl Coarse {
    pub(super) fn new(sae: &Sae) -> Self {
        let (latents, width) = (sae.latents(), sae.width());
        let encoder = Packed::codes(latents, width, width, false, |latent, codes| {
            let reader = sae.reader(latent);
            let step = step(&reader);
            codes.scales[0] = step;
            codes.quants.iter_mut().zip(reader).for_each(|(quant, w)| *quant = quantise(w, step));
        });
        let mut rounding = vec![0.0; latents];
        team::chunks(&mut rounding, 64, |part, some| {
            (part * 64..).zip(some).for_each(|(latent, most)| *most = wrong(&sae.reader(latent)));
        });
        Self { encoder, wrong: rounding }
    }

    /// Writes products of rows with the latents of some panels; `z` has room for those of all.
    pub(super) fn multiply(&self, isa: Isa, rows: &[f32], panels: Range<usize>, z: &mut [f32]) {
        self.encoder.multiply_panels(isa, rows, panels, z);
    }

    /// Lower and upper bounds of the encoder's pre-activations of these latents, given their products `z` with a row of that length.
    pub(super) fn bounds(
        &self,
        sae: &Sae,
        latents: Range<usize>,
        z: &[f32],
        length: f32,
    ) -> (Vec<f32>, Vec<f32>) {
        let (mut low, mut high) = (vec![0.0; z.len()], vec![0.0; z.len()]);
        let known = self.wrong[latents.clone()].iter().zip(&sae.encoder_bias[latents]).zip(z);
        for (((wrong, bias), z), (low, high)) in known.zip(low.iter_mut().zip(&mut high)) {
            let z = z + bias;
            // The bias is added with rounding, here and there.
            let wrong = wrong * length + 4.0 * f32::EPSILON * z.abs() + f32::MIN_POSITIVE;
            (*low, *high) = (z - wrong, z + wrong);
        }
        (low, high)
    }
}

fn step(reader: &[f32]) -> f32 {
    reader.iter().fold(0.0_f32, |most, w| most.max(w.abs())) / STEPS
}

fn quantise(w: f32, step: f32) -> i8 {
    // Of a row of zeros the step is zero; the cast of what is not a number gives zero, and it keeps all others within a byte.
    (w / step).round() as i8
}

/// The length of what rounding takes from a row, and what rounding in the sums of both products may add to it: each is within
/// `width · ε/2 · Σ |w x|` of the exact one (Higham 2002, Accuracy and Stability of Numerical Algorithms, §3.1).
fn wrong(reader: &[f32]) -> f32 {
    let step = step(reader);
    let lost = |w: &f32| f64::from(*w) - f64::from(f32::from(quantise(*w, step)) * step);
    let squared = |values: &dyn Fn(&f32) -> f64| reader.iter().map(|w| values(w).powi(2)).sum::<f64>().sqrt();
    let (lost, whole) = (squared(&lost), squared(&|w| f64::from(*w)));
    let sums = reader.len() as f64 * f64::from(f32::EPSILON) * (2.0 * whole + lost);
    ((lost + sums) * (1.0 + 1e-6)) as f32
}

/// The length of a row, not rounded down.
pub(super) fn length(row: &[f32]) -> f32 {
    let squared: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
    (squared.sqrt() * (1.0 + 1e-6)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sae::{Activation, Parts, Provenance, Rescale};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_the_encoder_gives_is_within_the_bounds(
            seed in any::<u64>(), width in 1..300_usize, latents in 1..40_usize, size in -20..20_i32, rows in 1..7_usize,
        ) {
            let mut state = seed;
            let mut numbers = |count: usize, scale: f32| -> Vec<f32> {
                let next = || {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let size = if state >> 60 == 0 { 100.0 } else { 1.0 };
                    ((state >> 40) as f32 / (1 << 24) as f32 - 0.5) * scale * size
                };
                std::iter::repeat_with(next).take(count).collect()
            };
            let scale = (size as f32).exp2();
            let parts = Parts {
                width,
                encoder: numbers(latents * width, scale),
                encoder_bias: numbers(latents, 1.0),
                decoder: numbers(latents * width, 1.0),
                decoder_bias: numbers(width, 1.0),
                centred: true,
                activation: Activation::TopK { k: 1 },
                rescale: Rescale::None,
            };
            let sae = Sae::new(parts, Provenance::default()).unwrap();
            let all = numbers(rows * width, 8.0);
            let mut exact = Vec::new();
            sae.pre_activations(&all, |_, z| exact.push(z.to_vec()));
            let mut read = vec![0.0; all.len()];
            for (row, read) in all.chunks_exact(width).zip(read.chunks_exact_mut(width)) {
                sae.reads(row, read);
            }
            let mut z = vec![0.0; rows * latents];
            sae.coarse().multiply(sae.isa(), &read, 0..latents.div_ceil(crate::kernel::LANES), &mut z);
            for ((row, z), exact) in read.chunks_exact(width).zip(z.chunks_exact(latents)).zip(exact) {
                let (low, high) = sae.coarse().bounds(&sae, 0..latents, z, length(row));
                for ((low, high), exact) in low.into_iter().zip(high).zip(exact) {
                    prop_assert!(low <= exact && exact <= high, "{low} {exact} {high}");
                    prop_assert!(high - low <= 0.1 * length(row) * scale * (width as f32).sqrt() * 50.0 + 1e-3, "of some use");
                }
            }
        }
    }
}
