//! Files of autoencoders, of several tools.
//!
//! | format | files | rules of its own |
//! |---|---|---|
//! | SAELens, version 6 and older | `cfg.json`, `sae_weights.safetensors` | `W_enc` is `[width, latents]`; `apply_b_dec_to_input`; activations may be rescaled; TopK may rank by decoder norm |
//! | EleutherAI sparsify | `cfg.json`, `sae.safetensors` | `encoder.weight` and `W_dec` are `[latents, width]`; `b_dec` is taken off always |
//! | Gemma Scope | `params.npz` | JumpReLU; `b_dec` is never taken off |
//!
//! All are brought into [`Parts`](super::Parts); factors are folded in together with thresholds. We write SAELens, which
//! is also our own format, and sparsify. Files that hold Python objects (`.pt`) are not read: reading them runs what is
//! in them. Start with [`open`]. Not here: fetching.

mod gemma_scope;
mod npz;
mod saelens;
mod sparsify;
mod tensors;

use std::path::{Path, PathBuf};

use super::{Fault, Sae};
use crate::Error;

pub use saelens::{hook_name, write_saelens};
pub use sparsify::write_sparsify;
pub(crate) use tensors::{Table, write as write_tensors};

/// How files of Python objects and other layouts become one that is read.
const CONVERT: &str = "with the library that made it, load it in Python and save it with sae_lens \
     (SAE.from_pretrained(…), then .save_model(FOLDER)), which is read here";

pub(super) fn open(path: &Path) -> Result<Sae, Error> {
    if path.is_dir() {
        return folder(path);
    }
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("npz") => gemma_scope::open(path),
        Some("safetensors") if path.is_file() => folder(path.parent().unwrap_or(Path::new("."))),
        Some("pt" | "pth" | "bin" | "pkl") => Err(unsupported(path, "a file of Python objects")),
        _ => {
            let source = std::fs::metadata(path).err();
            Err(match source {
                Some(source) => Fault::Io { path: path.to_owned(), source }.into(),
                None => unsupported(path, "no autoencoder that is known"),
            })
        }
    }
}

fn folder(path: &Path) -> Result<Sae, Error> {
    let has = |name: &str| path.join(name).is_file();
    if has("sae_weights.safetensors") {
        return saelens::open(path);
    }
    if has("sae.safetensors") {
        return sparsify::open(path);
    }
    if has("params.npz") {
        return gemma_scope::open(&path.join("params.npz"));
    }
    let known = [
        ("ae.pt", "an autoencoder of dictionary_learning"),
        ("hyperparams.json", "an autoencoder of Llama Scope"),
        ("params.safetensors", "an autoencoder of Gemma Scope 2"),
        ("sae_weights.pt", "an autoencoder of an old SAELens, as Python objects"),
    ];
    match known.iter().find(|(name, _)| has(name)) {
        Some((_, found)) => Err(unsupported(path, found)),
        None => {
            let reason = "no autoencoder in this folder (expected cfg.json with sae_weights.safetensors or sae.safetensors, \
                          or params.npz)";
            Err(unsound(path, reason))
        }
    }
}

fn unsupported(path: &Path, found: &str) -> Error {
    Fault::Unsupported {
        path: path.to_owned(),
        found: found.to_owned(),
        help: format!("To use it: {CONVERT}"),
    }
    .into()
}

/// What is no sparse autoencoder in the sense of this module, in whatever layout.
fn another(path: &Path, found: &str, why: &str) -> Error {
    Fault::Unsupported {
        path: path.to_owned(),
        found: found.to_owned(),
        help: format!("It cannot be used here, and no conversion makes it usable: {why}"),
    }
    .into()
}

/// Why what reads one place and writes another is none.
const TRANSCODES: &str = "an autoencoder gives back the row that it reads";

fn unsound(path: &Path, reason: impl Into<String>) -> Error {
    Fault::Unsound { path: path.to_owned(), reason: reason.into() }.into()
}

fn config(path: &Path) -> Result<serde_json::Map<String, serde_json::Value>, Error> {
    let text = std::fs::read(path).map_err(|source| Fault::Io { path: path.to_owned(), source })?;
    serde_json::from_slice(&text).map_err(|error| unsound(path, format!("no JSON object: {error}")))
}

/// `[rows][columns]` to `[columns][rows]`.
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    for (row, values) in values.chunks_exact(columns).enumerate() {
        for (column, value) in values.iter().enumerate() {
            out[column * rows + row] = *value;
        }
    }
    out
}

/// Multiplies each row of `values` by its factor.
fn scale_rows(values: &mut [f32], width: usize, factors: &[f32]) {
    for (row, factor) in values.chunks_exact_mut(width).zip(factors) {
        row.iter_mut().for_each(|value| *value *= factor);
    }
}

/// Writes a file under a temporary name and renames it, so that nobody sees half of it.
pub(crate) fn write_whole(path: PathBuf, bytes: &[u8]) -> Result<(), Error> {
    let half = path.with_extension("part");
    let write = || {
        std::fs::write(&half, bytes)?;
        std::fs::File::open(&half)?.sync_all()?;
        std::fs::rename(&half, &path)
    };
    write().map_err(|source| Fault::Io { path: path.clone(), source }.into())
}
