//! `plumb sae …`: what can be typed.

use clap::{Args as ClapArgs, Subcommand, ValueHint};
use std::path::PathBuf;

#[derive(Subcommand, Debug)]
pub enum Sae {
    /// Capture activations and train an autoencoder on them, or go on with it
    Train(SaeTrain),
    /// Measure an autoencoder on documents that it was not trained on
    Eval(SaeEval),
    /// Show what a latent responds to and what it writes
    Features(SaeFeatures),
    /// Show what an autoencoder is
    Show(SaeShow),
}

#[derive(ClapArgs, Debug)]
pub struct SaeTrain {
    /// The recipe
    #[arg(value_hint = ValueHint::FilePath)]
    pub recipe: PathBuf,
    /// Stop after capturing the activations
    #[arg(long)]
    pub capture_only: bool,
    /// Train on what is captured so far, even if that is not all
    #[arg(long, conflicts_with = "capture_only")]
    pub as_is: bool,
    /// Forget the training that is there; activations stay
    #[arg(long)]
    pub fresh: bool,
    /// Seconds between checkpoints: what a killed process may lose of the training
    #[arg(long, value_name = "S", default_value_t = 45)]
    pub checkpoint: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(ClapArgs, Debug)]
pub struct SaeEval {
    /// Its name, or the folder or file of one
    pub name: String,
    /// The model, where its files do not tell or another is meant: a name or a path
    #[arg(long)]
    pub model: Option<String>,
    /// The place, where its files do not tell: resid_post.12
    #[arg(long, value_name = "SITE")]
    pub site: Option<String>,
    /// Texts to measure on: a line each, or JSON lines with "text" or "messages"; without it, those set aside in training
    #[arg(long = "in", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub input: Option<PathBuf>,
    /// At most so many tokens
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = at_least_one)]
    pub tokens: usize,
    /// Of these, so many for what the model loses and for the neighbouring layers, which takes whole passes; 0 for none
    #[arg(long, value_name = "N", default_value_t = 3_000)]
    pub splice_tokens: usize,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Also write a page
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
}

#[derive(ClapArgs, Debug)]
pub struct SaeFeatures {
    /// Its name
    pub name: String,
    /// The latent's number, from 0
    #[arg(long, value_name = "N")]
    pub latent: usize,
    /// The model, where its files do not tell or another is meant: a name or a path
    #[arg(long)]
    pub model: Option<String>,
    /// The place, where its files do not tell: resid_post.12
    #[arg(long, value_name = "SITE")]
    pub site: Option<String>,
    /// Texts to look through: a line each, or JSON lines with "text" or "messages"; without it, those kept from training
    #[arg(long = "in", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub input: Option<PathBuf>,
    /// How many contexts
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub top: usize,
    /// Look through so many tokens at most
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = at_least_one)]
    pub tokens: usize,
    /// Also write a page
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(ClapArgs, Debug)]
pub struct SaeShow {
    /// Its name, or the folder or file of one; without it, all that are there are listed
    pub name: Option<String>,
    /// Print rows of a JSON list, encoded and decoded, as JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "name")]
    pub probe: Option<PathBuf>,
    /// Also write it in the layout of SAELens into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "name")]
    pub saelens: Option<PathBuf>,
    /// Also write it in the layout of sparsify into this folder, which should have the module's name (layers.12)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "name")]
    pub sparsify: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a number from 1 on".to_owned()),
        Ok(number) => Ok(number),
    }
}
