//! What `plumb sae train` reads: a model, a site, texts, and how to train. Every number that is not written has the value
//! that docs/sae.md gives.

use crate::exit::Problem;
use plumb_lm::sae::file::hook_name;
use plumb_lm::sae::store::Precision;
use plumb_lm::sae::train;
use plumb_lm::{Config, Site};
use serde::Deserialize;
use std::path::Path;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The autoencoder's name.
    pub name: String,
    #[serde(default)]
    pub about: String,
    pub model: String,
    /// One place, or several that are captured in one pass; each gets an autoencoder of its own.
    site: Option<String>,
    #[serde(default)]
    sites: Vec<String>,
    #[serde(default)]
    pub seed: u64,
    #[serde(default)]
    pub activations: Activations,
    pub source: Vec<Source>,
    pub train: Train,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Activations {
    /// The folder's name; by default the recipe's name. Recipes that share it must capture the same.
    pub name: Option<String>,
    /// Stop after so many rows.
    pub rows: usize,
    pub precision: Precision,
    /// Share of documents set aside.
    pub unseen: f64,
    /// Use no more of a document.
    pub max_tokens: usize,
    /// Rows of a shard.
    pub shard: usize,
}

impl Default for Activations {
    fn default() -> Activations {
        Activations {
            name: None,
            rows: 400_000,
            precision: Precision::Bf16,
            unseen: 0.05,
            max_tokens: 512,
            shard: 4096,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub kind: SourceKind,
    pub path: String,
    /// Field with the prompt.
    pub prompt: Option<String>,
    /// Field with the reply.
    pub reply: Option<String>,
    /// At most so many documents, a seeded choice.
    pub most: Option<usize>,
}

#[derive(Debug, Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// A plain text, in pieces of whole lines.
    Text,
    /// A JSON list or JSON lines: each a chat.
    Chats,
    /// A run: prompts and their replies.
    Run,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Train {
    pub kind: TrainKind,
    pub latents: usize,
    /// Of ReLU unused.
    #[serde(default)]
    pub k: usize,
    #[serde(default = "batch")]
    pub batch: usize,
    /// Rows seen in all, each as often as it takes.
    pub rows: usize,
    #[serde(default = "rate")]
    pub rate: f32,
    #[serde(default = "warmup")]
    pub warmup: usize,
    #[serde(default = "decay")]
    pub decay: f32,
    #[serde(default = "dead_after")]
    pub dead_after: usize,
    #[serde(default = "revive")]
    pub revive: f32,
    pub revive_k: Option<usize>,
    /// By default 1, of ReLU 0.1.
    pub sparsity: Option<f32>,
    #[serde(default = "bandwidth")]
    pub bandwidth: f32,
}

/// No published autoencoder has as many; a mistyped number is told before anything is loaded.
const MOST_LATENTS: usize = 1 << 22;

#[derive(Debug, Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum TrainKind {
    TopK,
    Relu,
    JumpRelu,
}

fn batch() -> usize {
    1024
}
fn rate() -> f32 {
    1e-3
}
fn warmup() -> usize {
    50
}
fn decay() -> f32 {
    0.2
}
fn dead_after() -> usize {
    100_000
}
fn revive() -> f32 {
    1.0 / 32.0
}
fn bandwidth() -> f32 {
    0.05
}

impl Recipe {
    pub fn read(path: &Path) -> Result<Recipe, Problem> {
        let text = std::fs::read_to_string(path).map_err(Problem::io(path))?;
        let wrong = |message: String| Problem::usage(format!("{}: {message}", path.display()));
        let recipe: Recipe = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let (a, t) = (&recipe.activations, &recipe.train);
        let sign = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let name = |text: &str| !text.is_empty() && text.chars().all(sign);
        let above = |number: f32| number > 0.0 && number.is_finite();
        let weight = |number: f32| number == 0.0 || above(number);
        let checks = [
            (name(&recipe.name), "name is to be a word of letters, digits, - and _"),
            (
                a.name.as_deref().is_none_or(name),
                "activations.name is to be a word of letters, digits, - and _",
            ),
            (recipe.site.is_some() == recipe.sites.is_empty(), "either site or sites is to be there"),
            (!recipe.source.is_empty(), "there is no [[source]]"),
            ((0.0..=0.5).contains(&a.unseen), "activations.unseen is a share from 0 to 0.5"),
            (
                a.max_tokens >= 8 && a.shard > 0 && a.rows > 0,
                "activations: max_tokens, shard and rows are above 0 (max_tokens at least 8)",
            ),
            ((1..=MOST_LATENTS).contains(&t.latents), "train.latents is between 1 and 4,194,304"),
            (
                t.kind == TrainKind::Relu || (t.k > 0 && t.k <= t.latents),
                "train.k is between 1 and train.latents",
            ),
            (t.batch > 0 && t.rows >= t.batch, "train.rows is at least train.batch"),
            (above(t.rate), "train.rate is above 0"),
            ((0.0..=1.0).contains(&t.decay), "train.decay is a share from 0 to 1"),
            (
                above(t.bandwidth) && weight(t.revive) && t.sparsity.is_none_or(weight),
                "train.bandwidth is above 0, train.sparsity and train.revive not below 0",
            ),
        ];
        match checks.into_iter().find(|(holds, _)| !holds) {
            Some((_, message)) => Err(wrong(message.to_owned())),
            None => Ok(recipe),
        }
    }

    /// Its places in a model, each with the name of the autoencoder that is trained there.
    pub fn places(&self, config: &Config, path: &Path) -> Result<Vec<(Site, String)>, Problem> {
        let wrong = |message: String| Problem::usage(format!("{}: site: {message}", path.display()));
        let mut places: Vec<(Site, String)> = Vec::new();
        for text in self.site.iter().chain(&self.sites) {
            let site = Site::parse(text, config).map_err(|error| wrong(error.to_string()))?;
            if hook_name(site).is_none() {
                return Err(wrong(format!(
                    "{site} is no place for an autoencoder (one such as resid_post.12 is)"
                )));
            }
            if places.iter().any(|(other, _)| *other == site) {
                return Err(wrong(format!("{site} is named twice")));
            }
            let name = match self.site {
                Some(_) => self.name.clone(),
                None => format!("{}-{}", self.name, site.to_string().replace('.', "-")),
            };
            places.push((site, name));
        }
        Ok(places)
    }

    pub fn trained(&self) -> train::Recipe {
        let t = &self.train;
        let kind = match t.kind {
            TrainKind::TopK => train::Kind::TopK { k: t.k },
            TrainKind::Relu => train::Kind::Relu { sparsity: t.sparsity.unwrap_or(0.1) },
            TrainKind::JumpRelu => {
                train::Kind::JumpRelu { k: t.k, sparsity: t.sparsity.unwrap_or(1.0), bandwidth: t.bandwidth }
            }
        };
        train::Recipe {
            kind,
            latents: t.latents,
            batch: t.batch,
            steps: t.rows / t.batch,
            rate: t.rate,
            warmup: t.warmup,
            decay: t.decay,
            dead_after: t.dead_after,
            revive: t.revive,
            revive_k: t.revive_k.unwrap_or(if t.k == 0 { 64 } else { 2 * t.k }),
            seed: self.seed,
        }
    }
}
