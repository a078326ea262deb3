//! Training an autoencoder on rows of activations.
//!
//! Rows are scaled by one factor to a mean norm of √width, so that the same settings do for every model; the factor is
//! taken out again when the result is made, thresholds included. Decoder rows have length one throughout, so activations
//! are in units of the activations' own space. Only active latents have gradients, so the encoder's product is the one
//! large product of a step. The same seed and rows give the same bits, whatever the number of threads.
//!
//! Start with [`Trainer`]; [`gradient`] has the formulas, [`adam`] the update, [`state`] the checkpoint. Not here: clocks,
//! files of rows (`store`), progress.

mod adam;
mod gradient;
mod origin;
mod state;
#[cfg(test)]
mod tests;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use super::{Activation, Parts, Provenance, Rescale, Sae, norm};
use crate::Error;
use crate::kernel::{Isa, Panels};

pub use origin::Origin;

/// What kind is trained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Kind {
    /// `k` active latents a row. Gao et al. 2024, "Scaling and evaluating sparse autoencoders".
    TopK {
        /// How many.
        k: usize,
    },
    /// Thresholds are learned, the number of active latents is pulled towards `k` by `sparsity · (L0 / k - 1)²`.
    /// Rajamanoharan et al. 2024, "Jumping Ahead".
    JumpRelu {
        /// The mean number wanted.
        k: usize,
        /// Weight of the pull, beside a loss that is 1 for predicting the mean.
        sparsity: f32,
        /// Width of the kernel that stands for the step's derivative, in scaled units.
        bandwidth: f32,
    },
    /// Every latent above zero is active, and the sum of activations is pulled down by `sparsity · E[Σ f] / √width` (Bricken et
    /// al. 2023, "Towards Monosemanticity"; rows of the decoder have length one, so that it cannot be evaded).
    Relu {
        /// Weight of the pull, beside a loss that is 1 for predicting the mean.
        sparsity: f32,
    },
}

/// Settings of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What is trained.
    pub kind: Kind,
    /// Number of latents.
    pub latents: usize,
    /// Rows of a step.
    pub batch: usize,
    /// Steps in all.
    pub steps: usize,
    /// Learning rate after the warm-up.
    pub rate: f32,
    /// Steps over which it rises from 0.
    pub warmup: usize,
    /// Part of the steps, at the end, over which it falls to 0.
    pub decay: f32,
    /// A latent that was active in none of this many rows is dead, and learns to describe what the others leave.
    pub dead_after: usize,
    /// Weight of that.
    pub revive: f32,
    /// Of the dead, how many may describe a row.
    pub revive_k: usize,
    /// Seed of the first weights and of the order of rows.
    pub seed: u64,
}

impl Recipe {
    /// The learning rate of a step, counted from 0.
    fn rate_at(&self, step: usize) -> f32 {
        let rise = if self.warmup == 0 { 1.0 } else { ((step + 1) as f32 / self.warmup as f32).min(1.0) };
        let tail = (self.steps as f32 * self.decay).max(1.0);
        let fall = ((self.steps - step.min(self.steps)) as f32 / tail).min(1.0);
        self.rate * rise * fall
    }
}

/// What a step showed. Shares are of all latents.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// The loss: unexplained variance, and what the kind adds.
    pub loss: f64,
    /// Explained variance of this batch.
    pub explained: f64,
    /// Mean number of active latents.
    pub active: f64,
    /// Share of dead latents.
    pub dead: f64,
}

/// What is learned, and how far that is. `latents × width` where not told otherwise, in scaled units.
pub struct Trainer {
    recipe: Recipe,
    width: usize,
    /// What rows are multiplied by.
    factor: f32,
    /// Mean squared distance of scaled rows from their mean.
    variance: f64,
    encoder: adam::Table,
    decoder: adam::Table,
    encoder_bias: adam::Vector,
    decoder_bias: adam::Vector,
    /// Logarithm of each threshold; of TopK unused.
    log_threshold: adam::Vector,
    /// Rows since each latent was active.
    idle: Vec<u32>,
    step: usize,
    /// Of what these rows are.
    origin: Origin,
    isa: Isa,
}

/// The least threshold that JumpReLU begins with, in scaled units.
const LEAST_THRESHOLD: f32 = 0.01;
/// Rows of the sample that give the threshold that it begins with.
const FIRST_ROWS: usize = 256;

impl Trainer {
    /// Begins. `sample` are some thousand rows of what it will be trained on: they give the factor, the mean and the
    /// variance.
    ///
    /// # Panics
    /// If `sample` has no rows of `width`.
    pub fn new(recipe: Recipe, width: usize, sample: &[f32]) -> Self {
        let rows = sample.chunks_exact(width);
        let count = rows.len() as f64;
        assert!(count > 0.0 && sample.len().is_multiple_of(width), "a sample of whole rows");
        let factor = (width as f64).sqrt() * count / rows.clone().map(norm).sum::<f64>().max(1e-30);
        let mut mean = vec![0.0_f64; width];
        rows.clone().for_each(|row| mean.iter_mut().zip(row).for_each(|(m, x)| *m += f64::from(*x) * factor));
        mean.iter_mut().for_each(|value| *value /= count);
        let distance = |row: &[f32]| {
            row.iter().zip(&mean).map(|(x, m)| (f64::from(*x) * factor - m).powi(2)).sum::<f64>()
        };
        let variance = (rows.map(distance).sum::<f64>() / count).max(1e-30);
        let decoder = first_directions(&recipe, width);
        let mean: Vec<f32> = mean.into_iter().map(|value| value as f32).collect();
        let threshold = match recipe.kind {
            Kind::JumpRelu { k, .. } => first_threshold(&decoder, sample, factor as f32, &mean, k),
            _ => 1.0,
        };
        let threshold = vec![threshold.ln(); recipe.latents];
        Self {
            width,
            factor: factor as f32,
            variance,
            encoder: adam::Table::new(decoder.clone(), width),
            decoder: adam::Table::new(decoder, width),
            encoder_bias: adam::Vector::new(vec![0.0; recipe.latents]),
            decoder_bias: adam::Vector::new(mean),
            log_threshold: adam::Vector::new(threshold),
            idle: vec![0; recipe.latents],
            step: 0,
            origin: Origin::default(),
            isa: Isa::detect(),
            recipe,
        }
    }

    /// The same, with what its rows are: a checkpoint keeps it.
    #[must_use]
    pub fn on(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Its settings.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// What it is trained on.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Steps that are done.
    pub fn steps_done(&self) -> usize {
        self.step
    }

    /// Whether all are.
    pub fn is_done(&self) -> bool {
        self.step >= self.recipe.steps
    }

    /// Numbers of the rows of the next step, of `count` rows in all: each round goes through all of them, in an order of
    /// its own; what does not fill a batch is left out of that round.
    ///
    /// # Panics
    /// If there are fewer rows than a batch.
    pub fn next_rows(&self, count: usize, order: &mut Order) -> Vec<usize> {
        let batches = count / self.recipe.batch;
        assert!(batches > 0, "a batch of rows");
        let round = self.step / batches;
        order.prepare(self.recipe.seed, round, count);
        let start = self.step % batches * self.recipe.batch;
        order.rows[start..start + self.recipe.batch].iter().map(|row| *row as usize).collect()
    }

    /// One step on rows as they were captured.
    ///
    /// # Panics
    /// If `rows` are not whole rows.
    pub fn step(&mut self, rows: &[f32]) -> Report {
        let scaled: Vec<f32> = rows.iter().map(|value| value * self.factor).collect();
        let dead: Vec<u32> = (0..self.recipe.latents as u32)
            .filter(|latent| self.idle[*latent as usize] as usize >= self.recipe.dead_after)
            .collect();
        let pass = gradient::pass(self, &scaled, &dead);
        let count = (rows.len() / self.width) as u32;
        for (idle, entries) in self.idle.iter_mut().zip(pass.uses()) {
            *idle = if entries { 0 } else { idle.saturating_add(count) };
        }
        let report = Report {
            loss: pass.loss,
            explained: 1.0 - pass.error / self.variance,
            active: pass.active as f64 / f64::from(count),
            dead: dead.len() as f64 / self.recipe.latents as f64,
        };
        let rate = self.recipe.rate_at(self.step);
        self.step += 1;
        pass.update(self, rate);
        report
    }

    /// The autoencoder as it is now, for rows as they were captured.
    ///
    /// # Errors
    /// If training went astray and a number is not finite.
    pub fn result(&self, provenance: Provenance) -> Result<Sae, Error> {
        let back = 1.0 / self.factor;
        let scaled = |values: &[f32]| values.iter().map(|value| value * back).collect::<Vec<f32>>();
        let activation = match self.recipe.kind {
            Kind::TopK { k } => Activation::TopK { k },
            Kind::JumpRelu { .. } => {
                let thresholds = self.log_threshold.values.iter().map(|log| log.exp() * back).collect();
                Activation::JumpRelu { threshold: thresholds }
            }
            Kind::Relu { .. } => Activation::Relu,
        };
        let parts = Parts {
            width: self.width,
            encoder: self.encoder.values.clone(),
            encoder_bias: scaled(&self.encoder_bias.values),
            decoder: self.decoder.values.clone(),
            decoder_bias: scaled(&self.decoder_bias.values),
            centred: true,
            activation,
            rescale: Rescale::None,
        };
        Sae::new(parts, provenance)
    }

    fn threshold(&self, latent: usize) -> f32 {
        self.log_threshold.values[latent].exp()
    }

    fn panels(&self) -> Panels {
        Panels::build(self.recipe.latents, self.width, |latent, out| {
            out.copy_from_slice(self.encoder.row(latent))
        })
    }
}

/// An order of rows, kept between steps of one round.
#[derive(Debug, Default)]
pub struct Order {
    made_for: Option<(u64, usize, usize)>,
    rows: Vec<u32>,
}

impl Order {
    fn prepare(&mut self, seed: u64, round: usize, count: usize) {
        if self.made_for == Some((seed, round, count)) {
            return;
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x5AE0_0000);
        random.set_stream(round as u64 + 1);
        self.rows = (0..count as u32).collect();
        for index in (1..count).rev() {
            // Fisher and Yates; the bias of the remainder of a 64-bit number is below 2⁻³⁰ here.
            self.rows.swap(index, (random.next_u64() % (index as u64 + 1)) as usize);
        }
        self.made_for = Some((seed, round, count));
    }
}

/// The threshold above which twice `k` latents of a row are active on the mean before anything is learned. Thresholds
/// move slowly, and where they begin far too low nearly all of a short training goes by before rows are sparse; a little
/// too low leaves each latent enough rows to learn from.
fn first_threshold(directions: &[f32], sample: &[f32], factor: f32, mean: &[f32], k: usize) -> f32 {
    let mut z: Vec<f32> = Vec::new();
    let mut rows = 0;
    for row in sample.chunks_exact(mean.len()).take(FIRST_ROWS) {
        let input: Vec<f32> = row.iter().zip(mean).map(|(x, mean)| x * factor - mean).collect();
        z.extend(directions.chunks_exact(mean.len()).map(|direction| adam::dot(direction, &input)));
        rows += 1;
    }
    let above = (2 * k * rows).min(z.len().saturating_sub(1));
    match z.is_empty() {
        true => LEAST_THRESHOLD,
        false => z.select_nth_unstable_by(above, |a, b| b.total_cmp(a)).1.max(LEAST_THRESHOLD),
    }
}

/// Random directions of length one.
fn first_directions(recipe: &Recipe, width: usize) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(recipe.seed);
    let mut values = Vec::with_capacity(recipe.latents * width);
    for _ in 0..recipe.latents {
        let start = values.len();
        values.extend((0..width).map(|_| {
            // The sum of four uniform numbers is near enough to a normal one for a direction.
            (0..4).map(|_| random.next_u32() as f32 / u32::MAX as f32 - 0.5).sum::<f32>()
        }));
        adam::normalise(&mut values[start..]);
    }
    values
}
