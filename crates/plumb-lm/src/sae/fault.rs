//! What can be wrong with an autoencoder, and with what is asked of it.

use std::path::PathBuf;

use super::{Activation, Parts};
use crate::hook::Site;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{path}: {source}", path = path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{path}: {reason}", path = path.display())]
    Unsound { path: PathBuf, reason: String },
    #[error("{path}: {found}. {help}", path = path.display())]
    Unsupported { path: PathBuf, found: String, help: String },
    #[error("{what} has {found} numbers, expected {expected}")]
    Size { what: &'static str, found: usize, expected: usize },
    #[error("{what} has a number that is not finite")]
    NotFinite { what: &'static str },
    #[error("an autoencoder needs at least one latent and rows of at least one number")]
    Empty,
    #[error("k is {k}, but there are {latents} latents")]
    K { k: usize, latents: usize },
    #[error(
        "the autoencoder's file does not say where in a model it belongs; name the site, such as resid_post.12"
    )]
    NoHook,
    #[error("the autoencoder has rows of {sae} numbers, {site} of this model has {model}")]
    Width { site: Site, sae: usize, model: usize },
    #[error(
        "there is no latent {latent}: the autoencoder has {latents} (0 to {last}), of rows of {width} numbers",
        last = latents - 1
    )]
    NoSuchLatent { latent: usize, latents: usize, width: usize },
    #[error("latent {latent} is changed twice")]
    Twice { latent: usize },
    #[error("latent {latent} is changed by {value}, which is not finite")]
    Value { latent: usize, value: f32 },
    #[error(
        "sparsify knows TopK alone, on plain rows with the decoder's bias taken off; this is {activation} or differs in that"
    )]
    NotSparsify { activation: &'static str },
    #[error("nothing is changed (expected at least one latent, or the remainder dropped)")]
    Nothing,
}

impl Fault {
    pub(crate) fn is_io(&self) -> bool {
        matches!(self, Self::Io { .. })
    }

    pub(crate) fn is_unsupported(&self) -> bool {
        matches!(self, Self::Unsupported { .. })
    }

    pub(crate) fn is_corrupt(&self) -> bool {
        matches!(
            self,
            Self::Unsound { .. } | Self::Size { .. } | Self::NotFinite { .. } | Self::Empty | Self::K { .. }
        )
    }
}

/// Checks that sizes agree and all numbers are finite.
pub(super) fn check(parts: &Parts) -> Result<(), Fault> {
    let (width, latents) = (parts.width, parts.encoder_bias.len());
    if width == 0 || latents == 0 {
        return Err(Fault::Empty);
    }
    let none = Vec::new();
    let threshold = match &parts.activation {
        Activation::JumpRelu { threshold } => threshold.to_vec(),
        _ => none,
    };
    let jumps = matches!(parts.activation, Activation::JumpRelu { .. });
    for (what, values, expected) in [
        ("the encoder", &parts.encoder, latents * width),
        ("the encoder's bias", &parts.encoder_bias, latents),
        ("the decoder", &parts.decoder, latents * width),
        ("the decoder's bias", &parts.decoder_bias, width),
        ("the threshold", &threshold, if jumps { latents } else { 0 }),
    ] {
        if values.len() != expected {
            return Err(Fault::Size { what, found: values.len(), expected });
        }
        if !values.iter().all(|value| value.is_finite()) {
            return Err(Fault::NotFinite { what });
        }
    }
    match parts.activation {
        Activation::TopK { k } if k == 0 || k > latents => Err(Fault::K { k, latents }),
        _ => Ok(()),
    }
}
