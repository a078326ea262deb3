//! Sparse autoencoders: a row of activations as a sum of few directions, and back.
//!
//! A [`Sae`] is loaded from files of several tools and never changes. Whatever the tool, it is brought into one form, so
//! that everything after loading knows three rules only ([`Activation`]): see [`mod@file`] for what each format says. A
//! [`LatentEdit`] changes latents during a forward pass as an [`Operation`](crate::Operation) like any other.
//!
//! For a row `x` of `width` numbers, `z = W_enc (x - b_pre) + b_enc`, `f = activation(z)`, `x̂ = f W_dec + b_dec`; `b_pre`
//! is `b_dec` or nothing. Start with [`Sae::open`] and [`Sae::encode`]. Not here: what latents mean, which to choose.

mod coarse;
mod codes;
mod edit;
mod fault;
pub mod file;
pub mod measure;
mod select;
pub mod store;
pub mod train;
pub mod units;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::Error;
use crate::hook::Site;
use crate::kernel::{self, Isa, LANES, Panels};
use crate::model::Model;

use coarse::Coarse;
pub use codes::Codes;

/// The length of a row, summed in f64.
pub fn norm(row: &[f32]) -> f64 {
    row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt()
}

pub use edit::{Change, LatentEdit, LatentOptions, Remainder};
pub(crate) use edit::{apply_all, restore};
pub(crate) use fault::Fault;
pub(crate) use select::Selected;

/// Rows that are encoded together: what they take is this many times the number of latents.
const TOGETHER: usize = 64;

/// What is done with pre-activations `z`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// `f = max(z, 0)`.
    Relu,
    /// The `k` largest of a row, then `max(z, 0)`. Of equal ones those with the smaller number count as larger.
    TopK {
        /// How many latents of a row may be active.
        k: usize,
    },
    /// `f = z` where `z > threshold` (strictly) and `z > 0`, else 0; one threshold a latent. Rajamanoharan et al. 2024,
    /// "Jumping Ahead". A BatchTopK autoencoder is kept in this form.
    JumpRelu {
        /// A threshold for each latent.
        threshold: Arc<[f32]>,
    },
}

impl Activation {
    /// Its name in files and for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::TopK { .. } => "topk",
            Self::JumpRelu { .. } => "jumprelu",
        }
    }

    /// The latent's activation if nothing but `z` decides; of TopK what it is if it is among the `k`.
    fn of(&self, latent: usize, z: f32) -> f32 {
        match self {
            Self::JumpRelu { threshold } if z <= threshold[latent] => 0.0,
            _ => z.max(0.0),
        }
    }
}

/// What is done to a row before it is encoded, and undone after it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Rescale {
    /// Nothing.
    #[default]
    None,
    /// `x · √width / ‖x‖`.
    ConstantNorm,
    /// `(x - mean) / (std + 1e-5)`, with the standard deviation of a sample (n - 1).
    LayerNorm,
}

impl Rescale {
    /// Shift and factor for a row: `(x - shift) · factor` in, `y · back + shift` out.
    fn of(self, row: &[f32]) -> (f32, f32, f32) {
        let count = row.len() as f64;
        let sum = |value: &dyn Fn(f64) -> f64| row.iter().map(|x| value(f64::from(*x))).sum::<f64>();
        match self {
            Self::None => (0.0, 1.0, 1.0),
            Self::ConstantNorm => {
                let norm = sum(&|x| x * x).sqrt();
                let factor = if norm > 0.0 { count.sqrt() / norm } else { 1.0 };
                (0.0, factor as f32, (1.0 / factor) as f32)
            }
            Self::LayerNorm => {
                let mean = sum(&|x| x) / count;
                let std = (sum(&|x| (x - mean) * (x - mean)) / (count - 1.0)).sqrt();
                (mean as f32, (1.0 / (std + 1e-5)) as f32, std as f32)
            }
        }
    }
}

/// Where an autoencoder comes from, as far as its files say.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Provenance {
    /// The model that it was trained on.
    pub model: Option<String>,
    /// Digest of that model's file.
    pub model_digest: Option<String>,
    /// The place, as the file names it: `blocks.12.hook_resid_post`, `layers.12`.
    pub hook: Option<String>,
    /// What else should be known, in words: what a format left open, what was done on loading.
    pub notes: Vec<String>,
    /// The tables of the file that are kept as they are.
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// The numbers that make an autoencoder; all without gaps, one latent a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// Length of a row.
    pub width: usize,
    /// `latents × width`.
    pub encoder: Vec<f32>,
    /// One for each latent.
    pub encoder_bias: Vec<f32>,
    /// `latents × width`.
    pub decoder: Vec<f32>,
    /// `width`.
    pub decoder_bias: Vec<f32>,
    /// Whether the decoder's bias is taken off a row before it is encoded.
    pub centred: bool,
    /// The rule.
    pub activation: Activation,
    /// What is done to a row before.
    pub rescale: Rescale,
}

/// A sparse autoencoder.
#[derive(Debug)]
pub struct Sae {
    encoder: Panels,
    encoder_bias: Vec<f32>,
    decoder: Vec<f32>,
    decoder_bias: Vec<f32>,
    centred: bool,
    activation: Activation,
    rescale: Rescale,
    width: usize,
    provenance: Provenance,
    digest: String,
    isa: Isa,
    /// Made when it is first needed.
    coarse: OnceLock<Coarse>,
}

impl Sae {
    /// Makes one of its numbers.
    ///
    /// # Errors
    /// [`Error::is_corrupt`] if the sizes contradict one another or a number is not finite.
    pub fn new(parts: Parts, provenance: Provenance) -> Result<Self, Error> {
        let (width, latents) = (parts.width, parts.encoder_bias.len());
        fault::check(&parts)?;
        let digest = digest(&parts);
        let encoder = Panels::build(latents, width, |latent, out| {
            out.copy_from_slice(&parts.encoder[latent * width..][..width]);
        });
        Ok(Self {
            encoder,
            encoder_bias: parts.encoder_bias,
            decoder: parts.decoder,
            decoder_bias: parts.decoder_bias,
            centred: parts.centred,
            activation: parts.activation,
            rescale: parts.rescale,
            width,
            provenance,
            digest,
            isa: Isa::detect(),
            coarse: OnceLock::new(),
        })
    }

    /// Loads one from a folder or file of any format that [`mod@file`] reads.
    ///
    /// # Errors
    /// [`Error::is_io`], [`Error::is_corrupt`], or [`Error::is_unsupported`] with the way to convert the file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        file::open(path)
    }

    /// Length of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of latents.
    pub fn latents(&self) -> usize {
        self.encoder_bias.len()
    }

    /// The rule that makes latents active.
    pub fn activation(&self) -> &Activation {
        &self.activation
    }

    /// Where it comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// BLAKE3 of its numbers in f32 and its rules; the same for equal autoencoders of different formats.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The direction that a latent writes: its row of the decoder, not scaled.
    ///
    /// # Panics
    /// If there is no such latent.
    pub fn direction(&self, latent: usize) -> &[f32] {
        &self.decoder[latent * self.width..][..self.width]
    }

    /// The direction that a latent reads: its row of the encoder.
    ///
    /// # Panics
    /// If there is no such latent.
    pub fn reader(&self, latent: usize) -> Vec<f32> {
        assert!(latent < self.latents(), "latent {latent} of {}", self.latents());
        let operand = self.encoder.operand();
        let start = latent / LANES * operand.panel + latent % LANES;
        (0..self.width).map(|k| operand.data[start + k * operand.step]).collect()
    }

    /// Its numbers, to write them or to train on.
    pub fn parts(&self) -> Parts {
        Parts {
            width: self.width,
            encoder: (0..self.latents()).flat_map(|latent| self.reader(latent)).collect(),
            encoder_bias: self.encoder_bias.clone(),
            decoder: self.decoder.clone(),
            decoder_bias: self.decoder_bias.clone(),
            centred: self.centred,
            activation: self.activation.clone(),
            rescale: self.rescale,
        }
    }

    /// The place in `model` that its file names, if the autoencoder fits there.
    ///
    /// # Errors
    /// [`Error::is_invalid_request`] if the file names none, the model has no such place (both numbers are told), or
    /// rows there have another length (both are told).
    pub fn site(&self, model: &Model) -> Result<Site, Error> {
        let hook = self.provenance.hook.as_deref().ok_or(Fault::NoHook)?;
        let site = Site::parse(hook, model.config())?;
        self.fits(model, site)?;
        Ok(site)
    }

    /// Checks that rows at `site` are as long as its own.
    ///
    /// # Errors
    /// [`Error::is_invalid_request`]; both lengths are told.
    pub fn fits(&self, model: &Model, site: Site) -> Result<(), Error> {
        site.check(model.config())?;
        let found = site.width(model.config());
        match found == self.width {
            true => Ok(()),
            false => Err(Fault::Width { site, sae: self.width, model: found }.into()),
        }
    }

    /// Codes of rows, each `width` long.
    ///
    /// # Panics
    /// If `rows` are not whole rows.
    pub fn encode(&self, rows: &[f32]) -> Codes {
        let mut codes = Codes::new(self.latents());
        self.pre_activations(rows, |_, z| codes.push(self.active(z)));
        codes
    }

    /// Rows of codes.
    pub fn decode(&self, codes: &Codes) -> Vec<f32> {
        let mut rows = vec![0.0; codes.len() * self.width];
        for (row, out) in rows.chunks_exact_mut(self.width).enumerate() {
            self.decode_row(codes.row(row), out);
        }
        rows
    }

    /// Rows as the autoencoder gives them back, and their codes. What is rescaled before is scaled back.
    pub fn reconstruct(&self, rows: &[f32]) -> (Vec<f32>, Codes) {
        let codes = self.encode(rows);
        let mut out = self.decode(&codes);
        if self.rescale != Rescale::None {
            for (row, out) in rows.chunks_exact(self.width).zip(out.chunks_exact_mut(self.width)) {
                let (shift, _, back) = self.rescale.of(row);
                out.iter_mut().for_each(|value| *value = *value * back + shift);
            }
        }
        (out, codes)
    }

    /// Latents in ascending order, so that the sum does not depend on how they were found.
    fn decode_row<'a>(&self, latents: impl Iterator<Item = (usize, f32)> + 'a, out: &mut [f32]) {
        out.copy_from_slice(&self.decoder_bias);
        for (latent, value) in latents {
            axpy(out, value, self.direction(latent));
        }
    }

    /// What the encoder reads of a row: rescaled, and without the decoder's bias where that is the rule.
    fn reads(&self, row: &[f32], out: &mut [f32]) {
        let (shift, factor, _) = self.rescale.of(row);
        match self.rescale {
            Rescale::None => out.copy_from_slice(row),
            _ => out.iter_mut().zip(row).for_each(|(out, x)| *out = (x - shift) * factor),
        }
        if self.centred {
            out.iter_mut().zip(&self.decoder_bias).for_each(|(out, bias)| *out -= bias);
        }
    }

    /// Gives `z` of each row, with the row's number, to `told`.
    pub(crate) fn pre_activations(&self, rows: &[f32], mut told: impl FnMut(usize, &mut [f32])) {
        assert!(rows.len().is_multiple_of(self.width), "whole rows");
        let latents = self.latents();
        let most = TOGETHER.min(rows.len() / self.width);
        let (mut read, mut z) = (vec![0.0; most * self.width], vec![0.0; most * latents]);
        for (block, rows) in rows.chunks(TOGETHER * self.width).enumerate() {
            let count = rows.len() / self.width;
            let (read, z) = (&mut read[..rows.len()], &mut z[..count * latents]);
            for (row, out) in rows.chunks_exact(self.width).zip(read.chunks_exact_mut(self.width)) {
                self.reads(row, out);
            }
            kernel::multiply_parallel(self.isa, read, self.encoder.operand(), z);
            for (index, z) in z.chunks_exact_mut(latents).enumerate() {
                z.iter_mut().zip(&self.encoder_bias).for_each(|(z, bias)| *z += bias);
                told(block * TOGETHER + index, z);
            }
        }
    }

    /// The active latents of a row, ascending. `z` is overwritten.
    fn active(&self, z: &mut [f32]) -> impl Iterator<Item = (usize, f32)> + use<> {
        let kept: Vec<(usize, f32)> = match &self.activation {
            Activation::TopK { k } => select::largest(z, *k),
            activation => {
                let of = |(latent, z): (usize, &mut f32)| (latent, activation.of(latent, *z));
                z.iter_mut().enumerate().map(of).filter(|(_, f)| *f > 0.0).collect()
            }
        };
        kept.into_iter()
    }

    /// A small copy of the encoder.
    fn coarse(&self) -> &Coarse {
        self.coarse.get_or_init(|| Coarse::new(self))
    }

    fn isa(&self) -> Isa {
        self.isa
    }
}

/// `y += a x`.
pub(crate) fn axpy(y: &mut [f32], a: f32, x: &[f32]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += a * x);
}

fn digest(parts: &Parts) -> String {
    let mut hash = blake3::Hasher::new();
    let mut put = |values: &[f32]| {
        hash.update(&(values.len() as u64).to_le_bytes());
        for chunk in values.chunks(4096) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|value| value.to_le_bytes()).collect();
            hash.update(&bytes);
        }
    };
    for values in [&parts.encoder, &parts.encoder_bias, &parts.decoder, &parts.decoder_bias] {
        put(values);
    }
    if let Activation::JumpRelu { threshold } = &parts.activation {
        put(threshold);
    }
    let k = if let Activation::TopK { k } = parts.activation { k } else { 0 };
    let rules = format!("{} {k} {} {:?}", parts.activation.name(), parts.centred, parts.rescale);
    hash.update(rules.as_bytes());
    hash.finalize().to_hex().to_string()
}
