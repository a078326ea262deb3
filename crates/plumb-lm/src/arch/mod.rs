//! A decoder described by data: how large it is and which of the known parts it is made of.
//!
//! There is one forward pass; what distinguishes the families is in [`Config`], so that taps, edits and kernels are the
//! same for all. It is read from a GGUF file's metadata ([`from_gguf`]) or from a `config.json` ([`from_json`]); anything
//! there that would change the computation and is not known here is an error that names it. Start with [`Config`]. Not
//! here: the weights (`weights`) and the computation (`forward`).

mod from_gguf;
mod from_json;
mod rotary;
#[cfg(test)]
mod tests;

pub use rotary::{LongRotary, Rotary, RotaryPairs};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("architecture {found:?} is not supported ({known} are)")]
    Architecture { found: String, known: String },
    #[error("{key} = {found} is not supported by this version (expected {expected})")]
    Unsupported { key: String, found: String, expected: &'static str },
    #[error("{key} = {found} is not possible (expected {expected})")]
    Impossible { key: String, found: String, expected: String },
    #[error("{key} is missing (expected {expected})")]
    Missing { key: String, expected: &'static str },
}

impl Fault {
    pub(crate) fn is_unsupported(&self) -> bool {
        matches!(self, Self::Architecture { .. } | Self::Unsupported { .. })
    }

    fn unsupported(key: &str, found: impl ToString, expected: &'static str) -> Self {
        Self::Unsupported { key: key.to_owned(), found: found.to_string(), expected }
    }

    fn impossible(key: &str, found: impl ToString, expected: impl Into<String>) -> Self {
        Self::Impossible { key: key.to_owned(), found: found.to_string(), expected: expected.into() }
    }

    /// The tokenizer has more tokens than the embedding has rows.
    pub(crate) fn too_many_tokens(vocab: usize, tokens: usize) -> Self {
        Self::impossible(
            "config.json: vocab_size",
            vocab,
            format!("at least the tokenizer's {tokens} tokens"),
        )
    }

    fn architecture(found: &str, known: &[(&str, Architecture)]) -> Self {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        Self::Architecture { found: found.to_owned(), known: names.join(", ") }
    }
}

/// A family of decoders: whose names its tensors and settings have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Architecture {
    /// Llama and what follows it (SmolLM2): RMS norms, SwiGLU, no biases. In GGUF Mistral is one of them.
    Llama,
    /// Mistral: as Llama, with a sliding window.
    Mistral,
    /// Qwen2 and Qwen2.5: biases on q, k and v.
    Qwen2,
    /// Qwen3: norms of each query and key head.
    Qwen3,
    /// Phi-3 and Phi-3.5: fused projections, long rotary factors.
    Phi3,
    /// Gemma 2: soft caps, norms after each part, every second layer with a window.
    Gemma2,
    /// Gemma 3 (text): norms of heads, two rotary bases.
    Gemma3,
    /// GPT-2: layer norms with biases, learned positions.
    Gpt2,
    /// GPT-NeoX and Pythia: parallel residual, partial rotary.
    GptNeox,
}

impl Architecture {
    /// Its name, as the configurations of Hugging Face write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
            Self::Phi3 => "phi3",
            Self::Gemma2 => "gemma2",
            Self::Gemma3 => "gemma3",
            Self::Gpt2 => "gpt2",
            Self::GptNeox => "gpt_neox",
        }
    }
}

/// How rows are normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormKind {
    /// By their root mean square. Zhang and Sennrich 2019.
    Rms,
    /// By mean and variance, with a bias. Ba et al. 2016.
    Layer,
}

/// The function between the two matrices of a feed-forward part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x / (1 + e^-x)`.
    Silu,
    /// `x Φ(x)`, exactly. Hendrycks and Gimpel 2016.
    Gelu,
    /// The same with the tangent approximation.
    GeluTanh,
}

/// What is particular to one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerKind {
    /// A token sees itself and so many less one before it; all if `None`.
    pub window: Option<usize>,
    /// Which of [`Config::rotaries`] turns its queries and keys; `None` if positions are learned.
    pub rotary: Option<usize>,
}

/// Which parts have biases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Biases {
    /// q, k and v.
    pub qkv: bool,
    /// The projection of what the heads gathered.
    pub out: bool,
    /// The matrices of the feed-forward part.
    pub mlp: bool,
}

/// The shape of a decoder.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Its family.
    pub architecture: Architecture,
    /// Number of blocks.
    pub layers: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Elements of a head.
    pub head_dim: usize,
    /// Inner width of the feed-forward part.
    pub ffn: usize,
    /// Number of tokens.
    pub vocab: usize,
    /// Most positions of a sequence.
    pub context: usize,
    /// Kind of all norms.
    pub norm: NormKind,
    /// Added to the mean square (or variance) in each norm.
    pub eps: f64,
    /// What embeddings are multiplied with; 1 in most families.
    pub embedding_scale: f32,
    /// Whether a learned vector for each position is added to the embedding.
    pub learned_positions: bool,
    /// The rotary embeddings that layers choose from.
    pub rotaries: Vec<Rotary>,
    /// One for each layer.
    pub kinds: Vec<LayerKind>,
    /// Which parts have biases.
    pub biases: Biases,
    /// Whether each query and key head is normalised before it is rotated.
    pub head_norms: bool,
    /// What scores are multiplied with; `1 / √head_dim` in most families.
    pub score_scale: f64,
    /// Scores become `cap · tanh(score / cap)`.
    pub score_cap: Option<f32>,
    /// Logits become `cap · tanh(logit / cap)`.
    pub logit_cap: Option<f32>,
    /// Function of the feed-forward part.
    pub activation: Activation,
    /// Whether the activated half multiplies another half. Shazeer 2020, "GLU Variants Improve Transformer".
    pub gated: bool,
    /// Whether attention and feed-forward part both read the stream before the layer.
    pub parallel: bool,
    /// Whether what each part adds is normalised first.
    pub post_norms: bool,
    /// Whether the output head is the embedding.
    pub tied: bool,
}

impl Config {
    /// Query heads that share one key and value head.
    pub fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// The most tokens of a sequence that fit without the long rotary factors, if the model has such.
    pub fn short_context(&self) -> Option<usize> {
        self.rotaries.iter().find_map(|rotary| rotary.long.as_ref().map(|long| long.after))
    }
}

/// Sizes that both readers find under different names.
struct Sizes {
    layers: usize,
    width: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    ffn: usize,
    vocab: usize,
    context: usize,
}

/// A family's decoder of that size, with what no setting changes. Readers then overwrite what theirs say.
fn family(architecture: Architecture, sizes: &Sizes, eps: f64, rotaries: Vec<Rotary>) -> Config {
    use Architecture as A;
    let gemma = matches!(architecture, A::Gemma2 | A::Gemma3);
    let layer_norm = matches!(architecture, A::Gpt2 | A::GptNeox);
    let all = layer_norm;
    let kind = LayerKind { window: None, rotary: (architecture != A::Gpt2).then_some(0) };
    Config {
        architecture,
        layers: sizes.layers,
        width: sizes.width,
        heads: sizes.heads,
        kv_heads: sizes.kv_heads,
        head_dim: sizes.head_dim,
        ffn: sizes.ffn,
        vocab: sizes.vocab,
        context: sizes.context,
        norm: if layer_norm { NormKind::Layer } else { NormKind::Rms },
        eps,
        embedding_scale: if gemma { (sizes.width as f64).sqrt() as f32 } else { 1.0 },
        learned_positions: architecture == A::Gpt2,
        rotaries,
        kinds: vec![kind; sizes.layers],
        biases: Biases { qkv: all || architecture == A::Qwen2, out: all, mlp: all },
        head_norms: matches!(architecture, A::Qwen3 | A::Gemma3),
        score_scale: 1.0 / (sizes.head_dim as f64).sqrt(),
        score_cap: None,
        logit_cap: None,
        activation: match architecture {
            A::GptNeox => Activation::Gelu,
            A::Gpt2 | A::Gemma2 | A::Gemma3 => Activation::GeluTanh,
            _ => Activation::Silu,
        },
        gated: !layer_norm,
        parallel: architecture == A::GptNeox,
        post_norms: gemma,
        tied: false,
    }
}

/// Heads must share key-value heads evenly; sizes of heads and rotated parts must be possible.
fn check_heads(key: &str, heads: usize, kv_heads: usize) -> Result<(), Fault> {
    if kv_heads > heads || !heads.is_multiple_of(kv_heads) {
        return Err(Fault::impossible(key, kv_heads, format!("a divisor of the {heads} heads")));
    }
    Ok(())
}

fn check_rotated(key: &str, dims: usize, head_dim: usize) -> Result<(), Fault> {
    if dims == 0 || !dims.is_multiple_of(2) || dims > head_dim {
        return Err(Fault::impossible(key, dims, format!("even, at most {head_dim}")));
    }
    Ok(())
}
