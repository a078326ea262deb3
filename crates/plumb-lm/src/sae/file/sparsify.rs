//! The layout of EleutherAI's sparsify.
//!
//! Facts from its source, 1.3.3: `encoder.weight` and `W_dec` are both `[latents, width]`; `b_dec` is taken off a row
//! unless the coder transcodes; the folder's name is the module (`layers.12`), whose output it reads.

use std::path::Path;

use serde_json::{Value, json};

use super::super::{Activation, Fault, Parts, Provenance, Rescale, Sae, norm};
use super::{TRANSCODES, Table, another, config, unsound, write_tensors, write_whole};
use crate::Error;

const WEIGHTS: &str = "sae.safetensors";

pub(super) fn open(folder: &Path) -> Result<Sae, Error> {
    let path = folder.join("cfg.json");
    let cfg = config(&path)?;
    let flag = |key: &str| cfg.get(key).and_then(Value::as_bool).unwrap_or(false);
    let weights = folder.join(WEIGHTS);
    let mut table = Table::read(&weights)?;
    let (latents, width) = match table.shape("encoder.weight") {
        Some(&[latents, width]) => (latents, width),
        _ => return Err(unsound(&weights, "tensor \"encoder.weight\" with two dimensions is missing")),
    };
    if let Some(said) = cfg.get("d_in").and_then(Value::as_u64).filter(|said| *said as usize != width) {
        return Err(unsound(&path, format!("d_in is {said}, but encoder.weight is [{latents}, {width}]")));
    }
    if flag("transcode") || flag("skip_connection") {
        return Err(another(&path, "a transcoder, which writes another place than it reads", TRANSCODES));
    }
    match cfg.get("activation").and_then(Value::as_str) {
        None | Some("topk") => {}
        Some(other) => {
            let found = format!("a sparse coder with the activation {other:?}");
            return Err(another(&path, &found, "sparsify's coders with activation \"topk\" are read"));
        }
    }
    let k = cfg.get("k").and_then(Value::as_u64).ok_or_else(|| unsound(&path, "k is missing"))? as usize;
    let parts = Parts {
        width,
        encoder: table.take("encoder.weight", &[latents, width])?,
        encoder_bias: table.take("encoder.bias", &[latents])?,
        decoder: table.take("W_dec", &[latents, width])?,
        decoder_bias: table.take("b_dec", &[width])?,
        centred: true,
        activation: Activation::TopK { k },
        rescale: Rescale::None,
    };
    table.nothing_left()?;
    let hook = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let provenance = Provenance { hook: hook.filter(|name| name.contains('.')), ..Provenance::default() };
    Sae::new(parts, provenance).map_err(|error| error.at(folder))
}

/// Writes an autoencoder as sparsify does: `cfg.json` and `sae.safetensors` in `folder`, which should have the module's
/// name.
///
/// # Errors
/// [`Error::is_invalid_request`] if it is not TopK on plain rows with the bias taken off, which is all that sparsify
/// knows; [`Error::is_io`] if a file cannot be written.
pub fn write_sparsify(sae: &Sae, folder: &Path) -> Result<(), Error> {
    let parts = sae.parts();
    let k = match parts.activation {
        Activation::TopK { k } if parts.centred && parts.rescale == Rescale::None => k,
        _ => return Err(Fault::NotSparsify { activation: parts.activation.name() }.into()),
    };
    std::fs::create_dir_all(folder).map_err(|source| Fault::Io { path: folder.to_owned(), source })?;
    let (width, latents) = (sae.width(), sae.latents());
    let matrix = vec![latents, width];
    write_tensors(
        &folder.join(WEIGHTS),
        &[
            ("encoder.weight", matrix.clone(), &parts.encoder),
            ("encoder.bias", vec![latents], &parts.encoder_bias),
            ("W_dec", matrix, &parts.decoder),
            ("b_dec", vec![width], &parts.decoder_bias),
        ],
    )?;
    let unit = |row: &[f32]| (norm(row) - 1.0).abs() < 1e-3;
    let cfg = json!({
        "activation": "topk", "expansion_factor": latents.div_ceil(width), "num_latents": latents, "k": k,
        "normalize_decoder": parts.decoder.chunks_exact(width).all(unit),
        "multi_topk": false, "skip_connection": false, "transcode": false, "d_in": width,
    });
    write_whole(folder.join("cfg.json"), format!("{cfg:#}\n").as_bytes())
}
