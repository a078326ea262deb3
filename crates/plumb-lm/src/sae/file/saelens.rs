//! The layout of SAELens, which is our own as well.
//!
//! Facts from its source, 6.54.12. `W_enc` is stored `[width, latents]`. Before version 6 the settings lie flat, under
//! older names, and TopK is an activation function, not an architecture. `expected_average_only_in` changes nothing at run
//! time: its factor is folded in when an autoencoder is saved.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::super::{Activation, Fault, Parts, Provenance, Rescale, Sae};
use super::{
    TRANSCODES, Table, another, config, scale_rows, transposed, unsound, write_tensors, write_whole,
};
use crate::Error;
use crate::hook::Site;

/// The version whose layout we write.
const LAYOUT: &str = "6.54.12";
const WEIGHTS: &str = "sae_weights.safetensors";

pub(super) fn open(folder: &Path) -> Result<Sae, Error> {
    let path = folder.join("cfg.json");
    let cfg = Cfg { path: &path, all: config(&path)? };
    let architecture = cfg.architecture()?;
    let weights = folder.join(WEIGHTS);
    let mut table = Table::read(&weights)?;
    let (width, latents) = match table.shape("W_enc") {
        Some(&[width, latents]) => (width, latents),
        _ => return Err(unsound(&weights, "tensor \"W_enc\" with two dimensions is missing")),
    };
    for (key, found) in [("d_in", width), ("d_sae", latents)] {
        let said = cfg.number(key)?;
        if said.is_some_and(|said| said != found) {
            let said = said.unwrap_or_default();
            return Err(unsound(&path, format!("{key} is {said}, but W_enc is [{width}, {latents}]")));
        }
    }
    let mut encoder = transposed(&table.take("W_enc", &[width, latents])?, width, latents);
    let mut encoder_bias = table.take("b_enc", &[latents])?;
    let mut decoder = table.take("W_dec", &[latents, width])?;
    let decoder_bias = table.take("b_dec", &[width])?;
    let activation = match architecture {
        Architecture::Standard => Activation::Relu,
        Architecture::TopK => Activation::TopK { k: cfg.k()? },
        Architecture::JumpRelu => {
            let threshold = match table.find("log_threshold", &[latents])? {
                Some(log) => log.into_iter().map(f32::exp).collect(),
                None => table.take("threshold", &[latents])?,
            };
            Activation::JumpRelu { threshold: threshold.into() }
        }
    };
    table.nothing_left()?;
    if cfg.flag("rescale_acts_by_decoder_norm", false)? && matches!(activation, Activation::TopK { .. }) {
        // Ranked and given as z · ‖d‖, decoded by d / ‖d‖: the same with the norms in the encoder.
        let norms: Vec<f32> = decoder.chunks_exact(width).map(|row| norm(row).max(1e-8)).collect();
        scale_rows(&mut encoder, width, &norms);
        encoder_bias.iter_mut().zip(&norms).for_each(|(bias, norm)| *bias *= norm);
        let inverse: Vec<f32> = norms.iter().map(|norm| 1.0 / norm).collect();
        scale_rows(&mut decoder, width, &inverse);
    }
    let mut provenance = cfg.provenance()?;
    let rescale = cfg.rescale(&mut provenance.notes)?;
    let centred = cfg.flag("apply_b_dec_to_input", true)?;
    let parts = Parts { width, encoder, encoder_bias, decoder, decoder_bias, centred, activation, rescale };
    Sae::new(parts, provenance).map_err(|error| error.at(folder))
}

fn norm(row: &[f32]) -> f32 {
    row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt() as f32
}

/// Architectures that are read.
enum Architecture {
    Standard,
    TopK,
    JumpRelu,
}

/// Settings of both layouts.
struct Cfg<'a> {
    path: &'a Path,
    all: Map<String, Value>,
}

impl Cfg<'_> {
    /// A setting that is set: at the top, or under `metadata`.
    fn get(&self, key: &str) -> Option<&Value> {
        let inner = || self.all.get("metadata")?.get(key);
        self.all
            .get(key)
            .filter(|value| !value.is_null())
            .or_else(|| inner().filter(|value| !value.is_null()))
    }

    fn text(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.get(key)?.as_str())
    }

    fn wrong(&self, key: &str, expected: &str) -> Error {
        let found = self.get(key).map_or_else(|| "missing".to_owned(), Value::to_string);
        unsound(self.path, format!("{key} is {found}, expected {expected}"))
    }

    fn number(&self, key: &str) -> Result<Option<usize>, Error> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(number as usize)),
                None => Err(self.wrong(key, "a number")),
            },
        }
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, Error> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    fn architecture(&self) -> Result<Architecture, Error> {
        let other = |found: &str, why: &str| {
            Err(another(self.path, &format!("an autoencoder of the architecture {found:?}"), why))
        };
        if self.get("transcoder").is_some() || self.get("d_out").is_some() {
            return other("transcoder", TRANSCODES);
        }
        if self.flag("finetuning_scaling_factor", false)? {
            return other("standard with a fine-tuned scaling factor", "that factor is not done");
        }
        // Before version 6, TopK was an activation function of the architecture "standard".
        let function = self.text(&["activation_fn", "activation_fn_str"]).unwrap_or("relu");
        let architecture = self.text(&["architecture"]).unwrap_or("standard");
        match (architecture, function) {
            ("standard", "topk") | ("topk", _) => Ok(Architecture::TopK),
            ("standard", "relu") => Ok(Architecture::Standard),
            ("jumprelu", _) => Ok(Architecture::JumpRelu),
            ("standard", other) => {
                let found = format!("an autoencoder with the activation function {other:?}");
                Err(another(self.path, &found, "relu, topk and jumprelu are read"))
            }
            (name, _) if name.contains("transcoder") => other(name, TRANSCODES),
            (name, _) => other(name, "its latents follow a rule that is none of relu, topk and jumprelu"),
        }
    }

    fn k(&self) -> Result<usize, Error> {
        let old = || self.get("activation_fn_kwargs")?.get("k")?.as_u64().map(|k| k as usize);
        match self.number("k")?.or_else(old) {
            Some(k) => Ok(k),
            None => Err(self.wrong("k", "the number of active latents")),
        }
    }

    fn rescale(&self, notes: &mut Vec<String>) -> Result<Rescale, Error> {
        match self.get("normalize_activations") {
            None | Some(Value::Bool(false)) => Ok(Rescale::None),
            Some(Value::Bool(true)) => {
                notes.push(AVERAGE.to_owned());
                Ok(Rescale::None)
            }
            Some(value) => match value.as_str() {
                Some("none") => Ok(Rescale::None),
                Some("expected_average_only_in") => {
                    notes.push(AVERAGE.to_owned());
                    Ok(Rescale::None)
                }
                Some("constant_norm_rescale") => Ok(Rescale::ConstantNorm),
                Some("layer_norm") => Ok(Rescale::LayerNorm),
                _ => {
                    let found = format!("an autoencoder with normalize_activations = {value}");
                    Err(another(
                        self.path,
                        &found,
                        "only \"none\", \"expected_average_only_in\", \"constant_norm_rescale\" and \"layer_norm\" are done",
                    ))
                }
            },
        }
    }

    fn provenance(&self) -> Result<Provenance, Error> {
        let hook = self.text(&["hook_name", "hook_point", "hf_hook_name"]);
        let head = match self.number("hook_head_index")? {
            Some(head) => Some(head),
            None => self.number("hook_point_head_index")?,
        };
        let hook = match (hook, head) {
            (Some(hook), Some(head)) => match hook.split('.').nth(1) {
                Some(layer) if hook.ends_with("attn.hook_z") => Some(format!("head.{layer}.{head}")),
                _ => {
                    let found = format!("an autoencoder of head {head} of {hook}");
                    return Err(another(self.path, &found, "of single heads only hook_z is a place here"));
                }
            },
            (hook, _) => hook.map(str::to_owned),
        };
        let extra = match self.all.get("metadata").and_then(|metadata| metadata.get("plumbline")) {
            Some(Value::Object(extra)) => extra.clone(),
            _ => Map::new(),
        };
        Ok(Provenance {
            model: self.text(&["model_name"]).map(str::to_owned),
            model_digest: extra.get("model_digest").and_then(Value::as_str).map(str::to_owned),
            hook,
            notes: Vec::new(),
            extra,
        })
    }
}

const AVERAGE: &str = "activations were scaled to an average norm in training; the file must hold that factor folded in, for \
     it is not stored";

/// The name that TransformerLens, and so SAELens, has for a site; `None` where it has none.
pub fn hook_name(site: Site) -> Option<String> {
    Some(match site {
        Site::Embedding => "hook_embed".to_owned(),
        Site::ResidPre(layer) => format!("blocks.{layer}.hook_resid_pre"),
        Site::Heads(layer) => format!("blocks.{layer}.attn.hook_z"),
        Site::AttnOut(layer) => format!("blocks.{layer}.hook_attn_out"),
        Site::ResidMid(layer) => format!("blocks.{layer}.hook_resid_mid"),
        Site::Neurons(layer) => format!("blocks.{layer}.mlp.hook_post"),
        Site::MlpOut(layer) => format!("blocks.{layer}.hook_mlp_out"),
        Site::ResidPost(layer) => format!("blocks.{layer}.hook_resid_post"),
        Site::Head { .. } | Site::Pattern { .. } | Site::FinalNorm | Site::Logits => return None,
    })
}

/// Writes an autoencoder as SAELens does from version 6 on: `cfg.json` and `sae_weights.safetensors` in `folder`.
///
/// # Errors
/// [`Error::is_io`] if a file cannot be written.
pub fn write_saelens(sae: &Sae, folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|source| Fault::Io { path: folder.to_owned(), source })?;
    let parts = sae.parts();
    let (width, latents) = (sae.width(), sae.latents());
    let encoder = transposed(&parts.encoder, latents, width);
    let mut tensors: Vec<(&str, Vec<usize>, &[f32])> = vec![
        ("W_enc", vec![width, latents], &encoder),
        ("b_enc", vec![latents], &parts.encoder_bias),
        ("W_dec", vec![latents, width], &parts.decoder),
        ("b_dec", vec![width], &parts.decoder_bias),
    ];
    let from = sae.provenance();
    let mut extra = from.extra.clone();
    if let Some(digest) = &from.model_digest {
        extra.insert("model_digest".to_owned(), json!(digest));
    }
    let rescale = match parts.rescale {
        Rescale::None => "none",
        Rescale::ConstantNorm => "constant_norm_rescale",
        Rescale::LayerNorm => "layer_norm",
    };
    let mut cfg = json!({
        "architecture": "standard", "d_in": width, "d_sae": latents, "dtype": "float32", "device": "cpu",
        "apply_b_dec_to_input": parts.centred, "normalize_activations": rescale, "reshape_activations": "none",
        "metadata": {
            "sae_lens_version": LAYOUT, "model_name": from.model, "hook_name": from.hook, "hook_head_index": null,
            "prepend_bos": false, "plumbline": extra,
        },
    });
    match &parts.activation {
        Activation::Relu => {}
        Activation::TopK { k } => {
            cfg["architecture"] = json!("topk");
            cfg["k"] = json!(k);
            cfg["rescale_acts_by_decoder_norm"] = json!(false);
        }
        Activation::JumpRelu { threshold } => {
            cfg["architecture"] = json!("jumprelu");
            tensors.push(("threshold", vec![latents], threshold));
        }
    }
    write_tensors(&folder.join(WEIGHTS), &tensors)?;
    write_whole(folder.join("cfg.json"), format!("{cfg:#}\n").as_bytes())
}
