//! The layout of Gemma Scope: `params.npz` with a JumpReLU autoencoder whose `b_dec` is not taken off a row.

use std::path::Path;

use super::super::{Activation, Parts, Provenance, Rescale, Sae};
use super::{Table, npz, transposed, unsound};
use crate::Error;

pub(super) fn open(path: &Path) -> Result<Sae, Error> {
    let mut table = Table::of(path, npz::read(path)?);
    let (width, latents) = match table.shape("w_enc") {
        Some(&[width, latents]) => (width, latents),
        _ => return Err(unsound(path, "array \"W_enc\" with two dimensions is missing")),
    };
    let parts = Parts {
        width,
        encoder: transposed(&table.take("w_enc", &[width, latents])?, width, latents),
        encoder_bias: table.take("b_enc", &[latents])?,
        decoder: table.take("w_dec", &[latents, width])?,
        decoder_bias: table.take("b_dec", &[width])?,
        centred: false,
        activation: Activation::JumpRelu { threshold: table.take("threshold", &[latents])?.into() },
        rescale: Rescale::None,
    };
    table.nothing_left()?;
    Sae::new(parts, provenance(path)).map_err(|error| error.at(path))
}

/// The place, as the folders of the published sets tell it: `…-pt-res/layer_12/width_16k/average_l0_71/params.npz`.
fn provenance(path: &Path) -> Provenance {
    let names: Vec<String> =
        path.ancestors().filter_map(|part| Some(part.file_name()?.to_string_lossy().into_owned())).collect();
    let layer = names.iter().find_map(|name| name.strip_prefix("layer_")?.parse::<usize>().ok());
    let kind = names.iter().find_map(|name| {
        [("-res", "hook_resid_post"), ("-mlp", "hook_mlp_out"), ("-att", "attn.hook_z")]
            .into_iter()
            .find_map(|(end, hook)| name.ends_with(end).then_some(hook))
    });
    let mut provenance = Provenance::default();
    match (layer, kind) {
        (Some(layer), Some(hook)) => provenance.hook = Some(format!("blocks.{layer}.{hook}")),
        _ => provenance.notes.push(
            "the folders' names do not tell the site (expected …-res, -mlp or -att, then layer_N)".to_owned(),
        ),
    }
    provenance
}
