//! Names of sites as people and other tools write them, turned into a [`Site`] once, at the edge.

use super::Site;
use crate::Error;
use crate::arch::{Architecture, Config};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(
        "{name:?} names no site (expected one such as resid_post.3, head.3.1, blocks.3.hook_resid_post or \
         model.layers.3)"
    )]
    Unknown { name: String },
    #[error(
        "{name:?} is a place that TransformerLens has and that cannot be tapped or edited here: {reason}"
    )]
    Untapped { name: String, reason: &'static str },
    #[error("{name:?} is not a site of this model: {reason}")]
    Other { name: String, reason: &'static str },
}

impl Site {
    /// Reads a site's name: as it is written here (`resid_post.3`, `head.3.1`), as TransformerLens does
    /// (`blocks.3.hook_resid_post`, `blocks.3.attn.hook_z`), or as the path of a module whose output it is in
    /// `transformers` (`model.layers.3`, `transformer.h.3.mlp`, `layers.3`).
    ///
    /// # Errors
    /// [`Error::is_invalid_request`] if it names none, one beyond the model's layers, or one whose numbers here would
    /// not be those that the name has there.
    pub fn parse(name: &str, config: &Config) -> Result<Self, Error> {
        let parts: Vec<&str> = name.split('.').collect();
        let known = own(&parts).or_else(|| transformer_lens(&parts)).or_else(|| modules(&parts, config));
        let site = known.ok_or_else(|| match untapped(&parts) {
            Some(reason) => Fault::Untapped { name: name.to_owned(), reason },
            None => Fault::Unknown { name: name.to_owned() },
        })?;
        let other = |reason| Err(Error::from(Fault::Other { name: name.to_owned(), reason }));
        if name == "hook_embed" && config.learned_positions {
            return other("positions are added to its embedding; resid_pre.0 is the sum");
        }
        if is_embedding_module(&parts) && (config.learned_positions || config.embedding_scale != 1.0) {
            return other(
                "that module's output is changed before the first layer; embedding is what the layer reads",
            );
        }
        let tail = parts.last().copied().unwrap_or_default();
        if config.post_norms && ["self_attn", "mlp"].contains(&tail) {
            return other(
                "that module's output is normalised before it is added; attn_out and mlp_out are what is added",
            );
        }
        site.check(config)?;
        Ok(site)
    }
}

fn number(text: &str) -> Option<usize> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn own(parts: &[&str]) -> Option<Site> {
    match *parts {
        ["embedding"] => Some(Site::Embedding),
        ["final_norm"] => Some(Site::FinalNorm),
        ["logits"] => Some(Site::Logits),
        [kind, layer] => {
            let layer = number(layer)?;
            match kind {
                "resid_pre" => Some(Site::ResidPre(layer)),
                "heads" => Some(Site::Heads(layer)),
                "attn_out" => Some(Site::AttnOut(layer)),
                "resid_mid" => Some(Site::ResidMid(layer)),
                "neurons" => Some(Site::Neurons(layer)),
                "mlp_out" => Some(Site::MlpOut(layer)),
                "resid_post" => Some(Site::ResidPost(layer)),
                _ => None,
            }
        }
        ["head", layer, head] => Some(Site::Head { layer: number(layer)?, head: number(head)? }),
        ["pattern", layer, head] => Some(Site::Pattern { layer: number(layer)?, head: number(head)? }),
        _ => None,
    }
}

fn transformer_lens(parts: &[&str]) -> Option<Site> {
    match *parts {
        ["hook_embed"] => Some(Site::Embedding),
        ["blocks", layer, hook] => {
            let layer = number(layer)?;
            match hook {
                "hook_resid_pre" => Some(Site::ResidPre(layer)),
                "hook_attn_out" => Some(Site::AttnOut(layer)),
                "hook_resid_mid" => Some(Site::ResidMid(layer)),
                "hook_mlp_out" => Some(Site::MlpOut(layer)),
                "hook_resid_post" => Some(Site::ResidPost(layer)),
                _ => None,
            }
        }
        ["blocks", layer, "attn", "hook_z"] => Some(Site::Heads(number(layer)?)),
        ["blocks", layer, "mlp", "hook_post"] => Some(Site::Neurons(number(layer)?)),
        _ => None,
    }
}

/// Places that TransformerLens has and this engine does not visit, with what is nearest.
fn untapped(parts: &[&str]) -> Option<&'static str> {
    let ["blocks", layer, rest @ ..] = parts else { return None };
    number(layer)?;
    match *rest {
        ["hook_mlp_in"] => Some(
            "it is a copy of the stream that the feed-forward part alone reads; resid_mid of the layer has its numbers",
        ),
        ["hook_attn_in" | "hook_q_input" | "hook_k_input" | "hook_v_input"] => Some(
            "it is a copy of the stream that attention alone reads; resid_pre of the layer has its numbers",
        ),
        ["ln1", _] => {
            Some("it is inside the norm before attention; resid_pre of the layer is what that norm reads")
        }
        ["ln2", _] => Some(
            "it is inside the norm before the feed-forward part; resid_mid of the layer is what that norm reads",
        ),
        ["attn", "hook_pattern"] => Some("it is of all heads; pattern.LAYER.HEAD is of one"),
        ["attn", _] => {
            Some("it is inside attention; heads of the layer (attn.hook_z) is what the heads gathered")
        }
        ["mlp", _] => Some(
            "it is inside the feed-forward part; neurons of the layer (mlp.hook_post) is what its last matrix reads",
        ),
        _ => None,
    }
}

fn is_embedding_module(parts: &[&str]) -> bool {
    matches!(*parts, ["model", "embed_tokens"] | ["transformer", "wte"] | ["gpt_neox", "embed_in"])
}

/// Paths of modules, as the family names them; sparse autoencoders of EleutherAI leave the first part out.
fn modules(parts: &[&str], config: &Config) -> Option<Site> {
    if is_embedding_module(parts) {
        return Some(Site::Embedding);
    }
    let (root, layers, head) = match config.architecture {
        Architecture::Gpt2 => ("transformer", "h", "lm_head"),
        Architecture::GptNeox => ("gpt_neox", "layers", "embed_out"),
        _ => ("model", "layers", "lm_head"),
    };
    match *parts {
        [name] if name == head && config.logit_cap.is_none() => return Some(Site::Logits),
        [first, "norm" | "ln_f" | "final_layer_norm"] if first == root => return Some(Site::FinalNorm),
        _ => {}
    }
    let parts = parts.strip_prefix(&[root]).unwrap_or(parts);
    let [first, layer, rest @ ..] = parts else { return None };
    if *first != layers {
        return None;
    }
    let layer = number(layer)?;
    match rest {
        [] => Some(Site::ResidPost(layer)),
        ["self_attn" | "attn" | "attention"] => Some(Site::AttnOut(layer)),
        ["post_attention_layernorm"] if config.post_norms => Some(Site::AttnOut(layer)),
        ["mlp"] => Some(Site::MlpOut(layer)),
        ["post_feedforward_layernorm"] if config.post_norms => Some(Site::MlpOut(layer)),
        _ => None,
    }
}
