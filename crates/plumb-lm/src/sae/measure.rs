//! How well an autoencoder describes rows, and what a model loses when the description takes the rows' place.
//!
//! Sums are taken in f64 over all rows (the global form): a mean of ratios of batches is another, wrong number. Start with
//! [`Measure`] for rows and [`splice`] for a model. Not here: which rows.

use std::sync::Arc;

use super::store::sink_norm;
use super::{Change, LatentEdit, LatentOptions, Remainder, Sae, norm};
use crate::Error;
use crate::cache::Cache;
use crate::forward::{Input, Logits, Want};
use crate::hook::{Edit, Edits, Operation, Positions, Site, Taps};
use crate::model::Model;
use crate::tokenizer::TokenId;

/// Sums over rows.
#[derive(Debug, Clone)]
pub struct Measure {
    rows: usize,
    active: usize,
    squared: f64,
    error: f64,
    cosine: f64,
    mean: Vec<f64>,
    /// Rows in which each latent is active.
    counts: Vec<u32>,
    /// Largest activation of each.
    largest: Vec<f32>,
}

/// What the sums come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Number of rows.
    pub rows: usize,
    /// Mean number of active latents.
    pub l0: f64,
    /// `1 - E‖x - x̂‖² / (E‖x‖² - ‖E x‖²)`.
    pub explained: f64,
    /// Fraction of variance unexplained: `1 - explained`.
    pub fvu: f64,
    /// Mean cosine of a row and its reconstruction.
    pub cosine: f64,
    /// Mean squared error of a row, summed over its numbers.
    pub mse: f64,
    /// Share of latents active in none of the rows.
    pub dead: f64,
}

impl Measure {
    /// Nothing yet.
    pub fn new(sae: &Sae) -> Self {
        Self {
            rows: 0,
            active: 0,
            squared: 0.0,
            error: 0.0,
            cosine: 0.0,
            mean: vec![0.0; sae.width()],
            counts: vec![0; sae.latents()],
            largest: vec![0.0; sae.latents()],
        }
    }

    /// Adds rows.
    ///
    /// # Panics
    /// If `rows` are not whole rows.
    pub fn add(&mut self, sae: &Sae, rows: &[f32]) {
        let (again, codes) = sae.reconstruct(rows);
        for (index, (x, y)) in rows.chunks_exact(sae.width()).zip(again.chunks_exact(sae.width())).enumerate()
        {
            let (mut xx, mut yy, mut xy, mut error) = (0.0, 0.0, 0.0, 0.0);
            for ((x, y), mean) in x.iter().zip(y).zip(&mut self.mean) {
                let (x, y) = (f64::from(*x), f64::from(*y));
                *mean += x;
                xx += x * x;
                yy += y * y;
                xy += x * y;
                error += (x - y) * (x - y);
            }
            self.rows += 1;
            self.squared += xx;
            self.error += error;
            self.cosine += if xx > 0.0 && yy > 0.0 { xy / (xx * yy).sqrt() } else { 0.0 };
            for (latent, value) in codes.row(index) {
                self.active += 1;
                self.counts[latent] += 1;
                self.largest[latent] = self.largest[latent].max(value);
            }
        }
    }

    /// The result; `None` without rows, or where all rows are one and there is nothing to explain.
    pub fn result(&self) -> Option<Measured> {
        let count = self.rows as f64;
        let mean: f64 = self.mean.iter().map(|sum| (sum / count).powi(2)).sum();
        let variance = self.squared / count - mean;
        if self.rows == 0 || variance <= 1e-12 * self.squared / count {
            return None;
        }
        let fvu = self.error / count / variance;
        let dead = self.counts.iter().filter(|count| **count == 0).count();
        Some(Measured {
            rows: self.rows,
            l0: self.active as f64 / count,
            explained: 1.0 - fvu,
            fvu,
            cosine: self.cosine / count,
            mse: self.error / count,
            dead: dead as f64 / self.counts.len() as f64,
        })
    }

    /// Rows in which each latent is active.
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// Largest activation of each latent.
    pub fn largest(&self) -> &[f32] {
        &self.largest
    }

    /// How many latents are active in none of the rows; in fewer than one of 10⁴ rows, of 1,000, of 100, of 10; in fewer
    /// than all; in all.
    pub fn frequencies(&self) -> [usize; 7] {
        let mut bins = [0; 7];
        for count in &self.counts {
            let share = f64::from(*count) / self.rows.max(1) as f64;
            let bin = match *count {
                0 => 0,
                _ => [1e-4, 1e-3, 1e-2, 1e-1, 1.0].iter().take_while(|bound| share >= **bound).count() + 1,
            };
            bins[bin] += 1;
        }
        bins
    }
}

/// What next-token prediction loses. Means over predicted tokens, in nats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spliced {
    /// Predicted tokens.
    pub tokens: usize,
    /// Cross-entropy of the model as it is.
    pub clean: f64,
    /// With the reconstruction in the rows' place.
    pub spliced: f64,
    /// With zeros in their place.
    pub zeroed: f64,
    /// Kullback-Leibler divergence from the model as it is to the spliced one.
    pub kl: f64,
    /// The same to the zeroed one.
    pub kl_zeroed: f64,
}

impl Spliced {
    /// `(zeroed - spliced) / (zeroed - clean)`; `None` where zeros cost nothing.
    pub fn ce_recovered(&self) -> Option<f64> {
        let cost = self.zeroed - self.clean;
        (cost > 0.0).then(|| (self.zeroed - self.spliced) / cost)
    }

    /// `1 - kl / kl_zeroed`; `None` where zeros change nothing.
    pub fn kl_recovered(&self) -> Option<f64> {
        (self.kl_zeroed > 0.0).then(|| 1.0 - self.kl / self.kl_zeroed)
    }
}

/// Splices the reconstruction in at `site` for all tokens of each document but the first and attention sinks, and measures
/// what the prediction of the next tokens loses. Zeros take the place of the same tokens.
///
/// # Errors
/// As [`Model::forward`]; [`Error::is_invalid_request`] if the autoencoder does not fit.
pub fn splice(
    model: &Model,
    sae: &Arc<Sae>,
    site: Site,
    documents: &[Vec<TokenId>],
    told: &mut dyn FnMut(usize),
) -> Result<Option<Spliced>, Error> {
    sae.fits(model, site)?;
    let options = LatentOptions { remainder: Remainder::Dropped, keep_norm: false };
    let dropped = LatentEdit::new(sae.clone(), Vec::<(usize, Change)>::new(), options)?;
    let operations = [Operation::Latents(Arc::new(dropped)), Operation::Zero].map(Arc::new);
    let mut sums = [0.0; 5];
    let mut tokens = 0;
    for (done, document) in documents.iter().enumerate() {
        if document.len() > 2 {
            let pass = |edits: &Edits, taps: &mut Taps<'_>| {
                let mut cache: Cache = model.cache_for(document.len());
                let input = Input { cache: &mut cache, tokens: document, want: Want::From(0), edits };
                model.forward(&mut [input], taps)
            };
            let mut clean = Vec::new();
            let mut add = |variant: usize, logits: Logits| {
                // The first token is predicted alike by all; the last predicts nothing that is known.
                for (position, row) in logits.rows(0).enumerate().take(document.len() - 1).skip(1) {
                    let log = log_softmax(row);
                    sums[variant] -= log[document[position + 1] as usize];
                    if variant == 0 {
                        tokens += 1;
                        clean.push(log);
                    } else {
                        let p = &clean[position - 1];
                        sums[2 + variant] += p.iter().zip(&log).map(|(p, q)| p.exp() * (p - q)).sum::<f64>();
                    }
                }
            };
            let mut rows = Vec::new();
            let mut keep = |_: Site, _: usize, _: usize, row: &[f32]| rows.extend_from_slice(row);
            add(0, pass(&Edits::NONE, &mut Taps::new(std::slice::from_ref(&site), &mut keep))?);
            let norm = sink_norm(&rows, sae.width()) as f32;
            for (at, operation) in operations.iter().enumerate() {
                let operation = Operation::Below { norm, operation: operation.clone() };
                let edits = Edits::new(vec![Edit { site, positions: Positions::From(1), operation }]);
                add(1 + at, pass(&edits, &mut Taps::none())?);
            }
        }
        told(done + 1);
    }
    let mean = |sum: f64| sum / tokens as f64;
    let [clean, spliced, zeroed, kl, kl_zeroed] = sums.map(mean);
    Ok((tokens > 0).then_some(Spliced { tokens, clean, spliced, zeroed, kl, kl_zeroed }))
}

/// Measures at each of `sites` on at most so many tokens of documents, as the model computes them; the first token of every
/// document and attention sinks are left out.
///
/// # Errors
/// As [`Model::forward`].
pub fn captured(
    sae: &Sae,
    model: &Model,
    sites: &[Site],
    documents: &[&[TokenId]],
    most: usize,
) -> Result<Vec<Measure>, Error> {
    let mut measures: Vec<Measure> = sites.iter().map(|_| Measure::new(sae)).collect();
    let mut left = most;
    for document in documents {
        let take = document.len().min(left + 1);
        if take < 2 {
            continue;
        }
        let tables = rows_of(model, sites, &document[..take])?;
        for (measure, rows) in measures.iter_mut().zip(&tables) {
            let counting = rows.chunks_exact(sae.width()).zip(counting(rows, sae.width()));
            let kept: Vec<f32> =
                counting.filter(|(_, counts)| *counts).flat_map(|(row, _)| row).copied().collect();
            measure.add(sae, &kept);
        }
        left -= take - 1;
    }
    Ok(measures)
}

/// Rows at each of `sites` as the model computes them, one for every token of a document.
///
/// # Errors
/// As [`Model::forward`].
pub fn rows_of(model: &Model, sites: &[Site], tokens: &[TokenId]) -> Result<Vec<Vec<f32>>, Error> {
    let mut tables: Vec<Vec<f32>> = vec![Vec::new(); sites.len()];
    let mut sink = |site: Site, _: usize, _: usize, row: &[f32]| {
        if let Some(at) = sites.iter().position(|other| *other == site) {
            tables[at].extend_from_slice(row);
        }
    };
    let mut cache = model.cache_for(tokens.len());
    let input = Input { cache: &mut cache, tokens, want: Want::Nothing, edits: &Edits::NONE };
    model.forward(&mut [input], &mut Taps::new(sites, &mut sink))?;
    Ok(tables)
}

/// Which rows of a document count: not the first token's, and no attention sink's.
pub fn counting(rows: &[f32], width: usize) -> Vec<bool> {
    let least = sink_norm(rows.get(width..).unwrap_or_default(), width);
    rows.chunks_exact(width).enumerate().map(|(at, row)| at > 0 && norm(row) < least).collect()
}

fn log_softmax(row: &[f32]) -> Vec<f64> {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = row.iter().map(|value| f64::from(*value - largest).exp()).sum();
    let shift = f64::from(largest) + sum.ln();
    row.iter().map(|value| f64::from(*value) - shift).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sae::{Activation, Parts, Provenance, Rescale};

    /// Two latents that read and write the two axes: positive rows come back whole.
    fn identity(bias: f32) -> Sae {
        let eye = vec![1.0, 0.0, 0.0, 1.0];
        let parts = Parts {
            width: 2,
            encoder: eye.clone(),
            encoder_bias: vec![0.0; 2],
            decoder: eye,
            decoder_bias: vec![bias, 0.0],
            centred: false,
            activation: Activation::Relu,
            rescale: Rescale::None,
        };
        Sae::new(parts, Provenance::default()).unwrap()
    }

    #[test]
    fn measures_by_hand() {
        let rows = [1.0, 0.0, 3.0, 0.0, 2.0, 4.0];
        let exact = identity(0.0);
        let mut measure = Measure::new(&exact);
        rows.chunks(2).for_each(|row| measure.add(&exact, row));
        let result = measure.result().unwrap();
        assert!((result.explained - 1.0).abs() < 1e-12 && (result.cosine - 1.0).abs() < 1e-12);
        assert!((result.l0 - 4.0 / 3.0).abs() < 1e-12 && result.dead == 0.0);
        assert_eq!(measure.counts(), [3, 1]);
        // A bias of 1 adds 1 to each squared error. Mean (2, 4/3), E‖x‖² = 30/3, variance 10 - 4 - 16/9 = 38/9.
        let off = identity(1.0);
        let mut measure = Measure::new(&off);
        measure.add(&off, &rows);
        let result = measure.result().unwrap();
        assert!((result.fvu - 9.0 / 38.0).abs() < 1e-12 && result.mse == 1.0, "{result:?}");
        assert_eq!(measure.frequencies(), [0, 0, 0, 0, 0, 1, 1]);
    }

    #[test]
    fn rows_that_are_all_one_have_nothing_to_explain() {
        let sae = identity(0.0);
        let mut measure = Measure::new(&sae);
        assert_eq!(measure.result(), None);
        measure.add(&sae, &[2.0, 2.0, 2.0, 2.0]);
        assert_eq!(measure.result(), None);
    }
}
