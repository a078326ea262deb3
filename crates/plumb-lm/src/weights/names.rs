//! What files call the parts of a decoder, and how they store them.

use crate::arch::Architecture;

/// Where tensors come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// llama.cpp's names and conventions.
    Gguf,
    /// Those of `transformers`, without the prefix that the names of the inner model have.
    HuggingFace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Embedding,
    Positions,
    FinalNorm,
    Head,
    AttnNorm,
    Query,
    Key,
    Value,
    Qkv,
    QueryNorm,
    KeyNorm,
    Out,
    PostAttn,
    FfnNorm,
    Gate,
    Up,
    GateUp,
    Down,
    PostFfn,
}

impl Layout {
    /// What files call the tables whose rows are looked up, kept as they are stored.
    pub(crate) const LOOKED_UP: [&'static str; 6] =
        ["token_embd", "position_embd", "embed_tokens", "wte", "wpe", "embed_in"];

    /// The name of a part's weight or bias.
    pub(super) fn name(self, architecture: Architecture, part: Part, layer: usize, kind: &str) -> String {
        use Architecture as A;
        let (block, stem) = match (self, architecture) {
            (Self::Gguf, _) => ("blk", gguf(architecture, part)),
            (_, A::Gpt2) => ("h", gpt2(part)),
            (_, A::GptNeox) => ("layers", neox(part)),
            (_, A::Gemma2 | A::Gemma3) => ("layers", gemma(part)),
            _ => ("layers", llama(part)),
        };
        match part {
            Part::Embedding | Part::Positions | Part::FinalNorm | Part::Head => format!("{stem}.{kind}"),
            _ => format!("{block}.{layer}.{stem}.{kind}"),
        }
    }

    /// Whether q, k and v are one tensor.
    pub(super) fn is_fused(self, architecture: Architecture) -> bool {
        matches!(architecture, Architecture::Phi3 | Architecture::Gpt2 | Architecture::GptNeox)
    }

    /// Whether the fused tensor has q, k and v of each head together.
    pub(super) fn heads_are_together(self, architecture: Architecture) -> bool {
        self == Self::HuggingFace && architecture == Architecture::GptNeox
    }

    /// Whether matrices are stored with an input a row.
    pub(super) fn is_transposed(self, architecture: Architecture) -> bool {
        self == Self::HuggingFace && architecture == Architecture::Gpt2
    }

    /// Whether weights of norms are stored as differences from one.
    pub(super) fn norms_are_offsets(self, architecture: Architecture) -> bool {
        self == Self::HuggingFace && matches!(architecture, Architecture::Gemma2 | Architecture::Gemma3)
    }

    /// A tensor's name without the prefix of the inner model.
    pub(super) fn bare(self, name: &str) -> &str {
        if self == Self::Gguf {
            return name;
        }
        ["model.", "transformer.", "gpt_neox."]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .unwrap_or(name)
    }

    /// Tensors that the configuration already took in.
    pub(super) fn is_setting(self, name: &str) -> bool {
        self == Self::Gguf
            && ["rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"].contains(&name)
    }
}

fn gguf(architecture: Architecture, part: Part) -> &'static str {
    match part {
        Part::Embedding => "token_embd",
        Part::Positions => "position_embd",
        Part::FinalNorm => "output_norm",
        Part::Head => "output",
        Part::AttnNorm => "attn_norm",
        Part::Query => "attn_q",
        Part::Key => "attn_k",
        Part::Value => "attn_v",
        Part::Qkv => "attn_qkv",
        Part::QueryNorm => "attn_q_norm",
        Part::KeyNorm => "attn_k_norm",
        Part::Out => "attn_output",
        Part::PostAttn => "post_attention_norm",
        Part::FfnNorm => "ffn_norm",
        Part::Gate => "ffn_gate",
        Part::Up | Part::GateUp => "ffn_up",
        Part::Down => "ffn_down",
        Part::PostFfn if architecture == Architecture::Gemma2 || architecture == Architecture::Gemma3 => {
            "post_ffw_norm"
        }
        Part::PostFfn => "post_ffn_norm",
    }
}

fn llama(part: Part) -> &'static str {
    match part {
        Part::Embedding => "embed_tokens",
        Part::Positions => "embed_positions",
        Part::FinalNorm => "norm",
        Part::Head => "lm_head",
        Part::AttnNorm => "input_layernorm",
        Part::Query => "self_attn.q_proj",
        Part::Key => "self_attn.k_proj",
        Part::Value => "self_attn.v_proj",
        Part::Qkv => "self_attn.qkv_proj",
        Part::QueryNorm => "self_attn.q_norm",
        Part::KeyNorm => "self_attn.k_norm",
        Part::Out => "self_attn.o_proj",
        Part::PostAttn | Part::FfnNorm => "post_attention_layernorm",
        Part::Gate => "mlp.gate_proj",
        Part::Up => "mlp.up_proj",
        Part::GateUp => "mlp.gate_up_proj",
        Part::Down => "mlp.down_proj",
        Part::PostFfn => "post_feedforward_layernorm",
    }
}

/// As Llama's, with two more norms.
fn gemma(part: Part) -> &'static str {
    match part {
        Part::FfnNorm => "pre_feedforward_layernorm",
        other => llama(other),
    }
}

fn gpt2(part: Part) -> &'static str {
    match part {
        Part::Embedding => "wte",
        Part::Positions => "wpe",
        Part::FinalNorm => "ln_f",
        Part::AttnNorm => "ln_1",
        Part::Qkv => "attn.c_attn",
        Part::Out => "attn.c_proj",
        Part::FfnNorm => "ln_2",
        Part::Up => "mlp.c_fc",
        Part::Down => "mlp.c_proj",
        other => llama(other),
    }
}

fn neox(part: Part) -> &'static str {
    match part {
        Part::Embedding => "embed_in",
        Part::FinalNorm => "final_layer_norm",
        Part::Head => "embed_out",
        Part::Qkv => "attention.query_key_value",
        Part::Out => "attention.dense",
        Part::Up => "mlp.dense_h_to_4h",
        Part::Down => "mlp.dense_4h_to_h",
        other => llama(other),
    }
}
