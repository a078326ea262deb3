//! The loss of a batch and its gradients, by hand.
//!
//! For `n` scaled rows `x`, `u = x - b_dec`, `z = W_enc u + b_enc`, `f` the active latents, `x̂ = f W_dec + b_dec`,
//! `e = x̂ - x` and the variance `V` of rows: `loss = Σ‖e‖² / nV`, and what the kind adds. With `g = 2e / nV`:
//! `df_j = g·d_j`, `∂W_dec[j] = Σ f_j g`, `∂W_enc[j] = Σ df_j u`, `∂b_enc[j] = Σ df_j`,
//! `∂b_dec = Σ g - Σ_j ∂b_enc[j] W_enc[j]`.
//!
//! Dead latents (Gao et al. 2024, appendix A.2): the `revive_k` of them with the largest `z > 0` describe `-e`, taken as
//! given; `r = ê + e`, and the same formulas with `2 c r / nV`.
//!
//! JumpReLU (Rajamanoharan et al. 2024, eq. 11 and 12): the derivatives by the threshold are a kernel's, a box of width
//! `ε`: `∂f/∂θ = -θ/ε`, `∂H(z - θ)/∂θ = -1/ε` where `|z - θ| < ε/2`.
//!
//! ReLU: the loss has `λ Σ f / n√width` more, so `df_j = g·d_j + λ/n√width` for every active latent.

use rayon::prelude::*;

use super::super::{axpy, select};
use super::adam::{Rate, dot};
use super::{Kind, Trainer};
use crate::kernel;

/// Rows that one thread encodes together.
const ROWS: usize = 32;
/// Latents that one thread updates together; sums over latents are taken in pieces of so many.
const LATENTS: usize = 64;

/// How much faster thresholds move than weights: by their logarithm they have a long way to go.
const THRESHOLD: f32 = 5.0;

/// A latent's part in a row: activation, derivative of the loss by it, and whose error it is told of.
#[derive(Clone, Copy)]
struct Entry {
    latent: u32,
    f: f32,
    df: f32,
    /// Derivative by the threshold.
    threshold: f32,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Active,
    /// One of the dead, which describes what is left.
    Revived,
    /// Not active, but near enough to its threshold to move it.
    Near,
}

/// A row's parts and losses.
#[derive(Default)]
struct RowPass {
    entries: Vec<Entry>,
    error: f64,
    revived: f64,
    active: usize,
    /// Sum of activations.
    sum: f64,
}

pub(super) struct Pass {
    /// By rows: `u`, `g`, and the derivative by `ê`.
    inputs: Vec<f32>,
    errors: Vec<f32>,
    revived: Vec<f32>,
    /// For each latent, its entries in the order of rows.
    by_latent: Vec<Vec<(u32, Entry)>>,
    pub(super) loss: f64,
    /// Mean squared error of a row.
    pub(super) error: f64,
    pub(super) active: usize,
}

/// Forward and backward as far as rows go alone.
pub(super) fn pass(trainer: &Trainer, scaled: &[f32], dead: &[u32]) -> Pass {
    let (width, latents) = (trainer.width, trainer.recipe.latents);
    let count = scaled.len() / width;
    let panels = trainer.panels();
    let mut inputs = scaled.to_vec();
    inputs.par_chunks_mut(width).for_each(|row| axpy(row, -1.0, &trainer.decoder_bias.values));
    let mut errors = vec![0.0; scaled.len()];
    let mut revived = vec![0.0; if dead.is_empty() { 0 } else { scaled.len() }];
    // Chunks of a table that is not there still have to be counted.
    let mut revived_chunks: Vec<&mut [f32]> = revived.chunks_mut(ROWS * width).collect();
    revived_chunks.resize_with(count.div_ceil(ROWS), Default::default);
    let mut rows: Vec<RowPass> = inputs
        .par_chunks(ROWS * width)
        .zip(errors.par_chunks_mut(ROWS * width))
        .zip(revived_chunks)
        .flat_map_iter(|((inputs, errors), revived)| {
            let mut z = vec![0.0; inputs.len() / width * latents];
            kernel::multiply(trainer.isa, inputs, panels.operand(), &mut z);
            let mut rows = Vec::with_capacity(ROWS);
            for (index, z) in z.chunks_exact_mut(latents).enumerate() {
                let at = index * width..(index + 1) * width;
                z.iter_mut().zip(&trainer.encoder_bias.values).for_each(|(z, bias)| *z += bias);
                let revived = revived.get_mut(at.clone()).unwrap_or_default();
                rows.push(forward(trainer, z, &inputs[at.clone()], &mut errors[at], revived, dead));
            }
            rows
        })
        .collect();
    let mut pass = Pass {
        loss: 0.0,
        error: rows.iter().map(|row| row.error).sum::<f64>() / count as f64,
        active: rows.iter().map(|row| row.active).sum(),
        by_latent: Vec::new(),
        inputs,
        errors,
        revived,
    };
    let sum = rows.iter().map(|row| row.sum).sum::<f64>();
    let shape = Shape::new(trainer, dead.len(), count, (pass.active, sum));
    pass.loss = pass.error / trainer.variance
        + shape.revive * rows.iter().map(|row| row.revived).sum::<f64>() / count as f64 / trainer.variance
        + shape.sparsity;
    pass.errors.iter_mut().chain(&mut pass.revived).for_each(|value| *value *= shape.scale);
    pass.revived.iter_mut().for_each(|value| *value *= shape.revive as f32);
    let (errors, revived) = (&pass.errors, &pass.revived);
    rows.par_iter_mut().enumerate().for_each(|(row, parts)| {
        for entry in &mut parts.entries {
            let told = if entry.what == What::Revived { revived } else { errors };
            let along = dot(&told[row * width..][..width], trainer.decoder.row(entry.latent as usize));
            shape.derive(trainer, entry, along);
        }
    });
    pass.by_latent = vec![Vec::new(); latents];
    for (row, parts) in rows.iter().enumerate() {
        for entry in &parts.entries {
            pass.by_latent[entry.latent as usize].push((row as u32, *entry));
        }
    }
    pass
}

/// Factors of a batch.
struct Shape {
    /// `2 / nV`.
    scale: f32,
    /// Weight of what the dead describe.
    revive: f64,
    /// The part of the loss that counts active latents, and its derivative by one more in one row.
    sparsity: f64,
    more: f32,
    /// What one more of activation costs, of ReLU.
    each: f32,
}

impl Shape {
    fn new(trainer: &Trainer, dead: usize, count: usize, (active, sum): (usize, f64)) -> Self {
        let recipe = &trainer.recipe;
        let share = if recipe.revive_k == 0 { 0.0 } else { (dead as f64 / recipe.revive_k as f64).min(1.0) };
        let (sparsity, more, each) = match recipe.kind {
            Kind::TopK { .. } => (0.0, 0.0, 0.0),
            Kind::Relu { sparsity } => {
                let each = f64::from(sparsity) / count as f64 / (trainer.width as f64).sqrt();
                (each * sum, 0.0, each as f32)
            }
            Kind::JumpRelu { k, sparsity, .. } => {
                let off = active as f64 / count as f64 / k as f64 - 1.0;
                let more = f64::from(sparsity) * 2.0 * off / k as f64 / count as f64;
                (f64::from(sparsity) * off * off, more as f32, 0.0)
            }
        };
        let scale = (2.0 / (count as f64 * trainer.variance)) as f32;
        Self { scale, revive: f64::from(recipe.revive) * share, sparsity, more, each }
    }

    /// Turns `g·d` into the entry's derivatives.
    fn derive(&self, trainer: &Trainer, entry: &mut Entry, along: f32) {
        match entry.what {
            What::Near => {}
            What::Revived => entry.df = along,
            What::Active => entry.df = along + self.each,
        }
        if let (Kind::JumpRelu { bandwidth, .. }, true) = (trainer.recipe.kind, entry.threshold != 0.0) {
            // By the logarithm of the threshold, which is what is learned.
            let theta = trainer.threshold(entry.latent as usize);
            entry.threshold = -theta / bandwidth * (theta * along + self.more);
        }
    }
}

/// A row forward: its active latents, and its error in `error`.
fn forward(
    trainer: &Trainer,
    z: &[f32],
    input: &[f32],
    error: &mut [f32],
    revived: &mut [f32],
    dead: &[u32],
) -> RowPass {
    let mut row = RowPass::default();
    let entry =
        |latent: usize, f: f32, what| Entry { latent: latent as u32, f, df: 0.0, threshold: 0.0, what };
    match trainer.recipe.kind {
        Kind::TopK { k } => {
            row.entries
                .extend(select::largest(z, k).into_iter().map(|(latent, f)| entry(latent, f, What::Active)));
        }
        Kind::Relu { .. } => {
            let active = z.iter().enumerate().filter(|(_, z)| **z > 0.0);
            row.entries.extend(active.map(|(latent, z)| entry(latent, *z, What::Active)));
        }
        Kind::JumpRelu { bandwidth, .. } => {
            for (latent, z) in z.iter().enumerate().filter(|(_, z)| **z > -bandwidth) {
                let theta = trainer.threshold(latent);
                let near = (z - theta).abs() < bandwidth / 2.0;
                if *z > theta || near {
                    let what = if *z > theta { What::Active } else { What::Near };
                    let f = if *z > theta { *z } else { 0.0 };
                    // Any number but 0 says that the threshold is near; the derivative comes later.
                    row.entries
                        .push(Entry { threshold: f32::from(u8::from(near)), ..entry(latent, f, what) });
                }
            }
        }
    }
    // e = x̂ - x = Σ f d + b_dec - x = Σ f d - u.
    error.iter_mut().zip(input).for_each(|(e, u)| *e = -u);
    for entry in row.entries.iter().filter(|entry| entry.what == What::Active) {
        axpy(error, entry.f, trainer.decoder.row(entry.latent as usize));
        row.active += 1;
        row.sum += f64::from(entry.f);
    }
    row.error = squared(error);
    if !dead.is_empty() {
        let left: Vec<f32> = dead.iter().map(|latent| z[*latent as usize]).collect();
        revived.copy_from_slice(error);
        for (index, f) in select::largest(&left, trainer.recipe.revive_k) {
            let latent = dead[index] as usize;
            axpy(revived, f, trainer.decoder.row(latent));
            row.entries.push(entry(latent, f, What::Revived));
        }
        row.revived = squared(revived);
    }
    row
}

fn squared(row: &[f32]) -> f64 {
    row.iter().map(|value| f64::from(*value) * f64::from(*value)).sum()
}

/// A latent's gradients.
pub(super) struct LatentGradient {
    pub(super) encoder: Vec<f32>,
    pub(super) decoder: Vec<f32>,
    pub(super) bias: f32,
    pub(super) threshold: f32,
}

impl Pass {
    /// Whether each latent was active in some row.
    pub(super) fn uses(&self) -> impl Iterator<Item = bool> {
        self.by_latent.iter().map(|entries| entries.iter().any(|(_, entry)| entry.what == What::Active))
    }

    pub(super) fn gradient(&self, latent: usize, width: usize) -> LatentGradient {
        let (mut encoder, mut decoder) = (vec![0.0; width], vec![0.0; width]);
        let (mut bias, mut threshold) = (0.0, 0.0);
        for (row, entry) in &self.by_latent[latent] {
            let at = *row as usize * width;
            threshold += entry.threshold;
            if entry.what == What::Near {
                continue;
            }
            let told = if entry.what == What::Revived { &self.revived } else { &self.errors };
            axpy(&mut encoder, entry.df, &self.inputs[at..at + width]);
            axpy(&mut decoder, entry.f, &told[at..at + width]);
            bias += entry.df;
        }
        LatentGradient { encoder, decoder, bias, threshold }
    }

    /// Sum of `g` over rows.
    pub(super) fn summed_errors(&self, width: usize) -> Vec<f32> {
        let mut sum = vec![0.0; width];
        self.errors.chunks_exact(width).for_each(|row| axpy(&mut sum, 1.0, row));
        sum
    }

    /// One step of Adam with these gradients.
    pub(super) fn update(&self, trainer: &mut Trainer, rate: f32) {
        let rate = Rate::new(rate, trainer.step);
        let width = trainer.width;
        let learns = matches!(trainer.recipe.kind, Kind::JumpRelu { .. });
        let mut rows: Vec<_> = trainer.encoder.rows_mut().zip(trainer.decoder.rows_mut()).collect();
        let pieces: Vec<(Vec<f32>, Vec<f32>, Vec<f32>)> = rows
            .par_chunks_mut(LATENTS)
            .enumerate()
            .map(|(piece, rows)| {
                let mut through = vec![0.0; width];
                let (mut biases, mut thresholds) = (Vec::new(), Vec::new());
                for (index, (encoder, decoder)) in rows.iter_mut().enumerate() {
                    let mut gradient = self.gradient(piece * LATENTS + index, width);
                    // Through the bias that is taken off the input, with the encoder before its step.
                    axpy(&mut through, -gradient.bias, encoder.values());
                    encoder.update(rate, &gradient.encoder);
                    decoder.update_direction(rate, &mut gradient.decoder);
                    biases.push(gradient.bias);
                    thresholds.push(gradient.threshold);
                }
                (through, biases, thresholds)
            })
            .collect();
        drop(rows);
        let mut centre = self.summed_errors(width);
        let (mut biases, mut thresholds) = (Vec::new(), Vec::new());
        for (through, bias, threshold) in pieces {
            axpy(&mut centre, 1.0, &through);
            biases.extend(bias);
            thresholds.extend(threshold);
        }
        trainer.encoder_bias.update(rate, &biases);
        trainer.decoder_bias.update(rate, &centre);
        if learns {
            trainer.log_threshold.update(rate.times(THRESHOLD), &thresholds);
        }
    }
}
