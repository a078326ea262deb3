//! A decoder described by data: which family, how large, how its positions are encoded.
//!
//! Read from a file's metadata by [`Config::read`]; anything there that would change the computation and is not known
//! here is an error that names it. Not here: the weights (`weights`) and the computation (`forward`).

use crate::Error;
use crate::gguf::{Gguf, missing};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("architecture {0:?} is not supported (llama and qwen2 are)")]
    Architecture(String),
    #[error("{key} = {found} is not supported by this version (expected {expected})")]
    Unsupported { key: String, found: String, expected: &'static str },
    #[error("{key} = {found} is not possible (expected {expected})")]
    Impossible { key: String, found: String, expected: String },
}

impl Fault {
    pub(crate) fn is_unsupported(&self) -> bool {
        !matches!(self, Self::Impossible { .. })
    }
}

/// A family of decoders that differ only in their sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Architecture {
    /// Llama and what follows it (SmolLM2, Mistral): no biases, rotary pairs interleaved in GGUF.
    Llama,
    /// Qwen2 and Qwen2.5: biases on q, k and v, rotary pairs in halves.
    Qwen2,
}

/// Which two elements of a head are rotated together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotaryPairs {
    /// `2 i` and `2 i + 1`.
    Interleaved,
    /// `i` and `i + dims / 2`.
    Halves,
}

/// Rotary position embedding: Su et al. 2021, "RoFormer".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rotary {
    /// Base of the frequencies `base^(-2 i / dims)`.
    pub base: f64,
    /// How many elements of each head are rotated; even.
    pub dims: usize,
    /// Which elements make a pair.
    pub pairs: RotaryPairs,
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
    /// Added to the mean square in each norm.
    pub eps: f64,
    /// How positions enter.
    pub rotary: Rotary,
    /// Whether q, k and v have biases.
    pub qkv_bias: bool,
    /// Whether the output head is the embedding.
    pub tied: bool,
}

impl Config {
    /// Reads and checks the configuration of a GGUF file.
    pub(crate) fn read(gguf: &Gguf<'_>) -> Result<Self, Error> {
        let name = gguf
            .string("general.architecture")?
            .ok_or_else(|| missing("general.architecture", "a string"))?;
        let (architecture, pairs, qkv_bias) = match name {
            "llama" => (Architecture::Llama, RotaryPairs::Interleaved, false),
            "qwen2" => (Architecture::Qwen2, RotaryPairs::Halves, true),
            other => return Err(Fault::Architecture(other.to_owned()).into()),
        };
        let keys = Keys { gguf, prefix: name };
        keys.refuse_unknown_computation()?;
        let heads = keys.size("attention.head_count")?;
        let width = keys.size("embedding_length")?;
        let kv_heads = keys.optional_size("attention.head_count_kv")?.unwrap_or(heads);
        if kv_heads > heads || heads % kv_heads != 0 {
            let expected = format!("a divisor of the {heads} heads");
            return Err(keys.impossible("attention.head_count_kv", kv_heads, expected).into());
        }
        let head_dim = match keys.optional_size("attention.key_length")? {
            Some(size) => size,
            None if width % heads == 0 => width / heads,
            None => {
                return Err(keys
                    .impossible("embedding_length", width, format!("a multiple of {heads}"))
                    .into());
            }
        };
        let dims = keys.optional_size("rope.dimension_count")?.unwrap_or(head_dim);
        if dims % 2 != 0 || dims > head_dim {
            return Err(keys
                .impossible("rope.dimension_count", dims, format!("even, at most {head_dim}"))
                .into());
        }
        let (vocab, _) = gguf
            .strings("tokenizer.ggml.tokens")?
            .ok_or_else(|| missing("tokenizer.ggml.tokens", "strings"))?;
        Ok(Self {
            architecture,
            layers: keys.size("block_count")?,
            width,
            heads,
            kv_heads,
            head_dim,
            ffn: keys.size("feed_forward_length")?,
            vocab,
            context: keys.size("context_length")?,
            eps: keys.positive("attention.layer_norm_rms_epsilon", None)?,
            rotary: Rotary { base: keys.positive("rope.freq_base", Some(10_000.0))?, dims, pairs },
            qkv_bias,
            tied: !gguf.tensors().iter().any(|tensor| tensor.name == "output.weight"),
        })
    }

    /// Query heads that share one key and value head.
    pub fn group(&self) -> usize {
        self.heads / self.kv_heads
    }
}

struct Keys<'a> {
    gguf: &'a Gguf<'a>,
    prefix: &'a str,
}

/// Sizes beyond this are not models; it keeps later products of sizes far from overflow.
const LARGEST: u64 = 1 << 24;

impl Keys<'_> {
    fn name(&self, key: &str) -> String {
        format!("{}.{key}", self.prefix)
    }

    fn impossible(&self, key: &str, found: impl ToString, expected: String) -> Fault {
        Fault::Impossible { key: self.name(key), found: found.to_string(), expected }
    }

    fn optional_size(&self, key: &str) -> Result<Option<usize>, Error> {
        match self.gguf.unsigned(&self.name(key))? {
            None => Ok(None),
            Some(size @ 1..=LARGEST) => Ok(Some(size as usize)),
            Some(size) => Err(self.impossible(key, size, format!("1 to {LARGEST}")).into()),
        }
    }

    fn size(&self, key: &str) -> Result<usize, Error> {
        Ok(self.optional_size(key)?.ok_or_else(|| missing(&self.name(key), "a positive integer"))?)
    }

    fn positive(&self, key: &str, default: Option<f64>) -> Result<f64, Error> {
        let found = self.gguf.float(&self.name(key))?.or(default);
        let value = found.ok_or_else(|| missing(&self.name(key), "a floating-point number"))?;
        if value.is_finite() && value > 0.0 {
            Ok(value)
        } else {
            Err(self.impossible(key, value, "a finite number above 0".to_owned()).into())
        }
    }

    /// Keys that would change the computation in ways not implemented, unless they say that nothing changes.
    fn refuse_unknown_computation(&self) -> Result<(), Error> {
        let unsupported = |key: &str, found: String, expected| {
            Err(Error::from(Fault::Unsupported { key: self.name(key), found, expected }))
        };
        if let Some(kind) = self.gguf.string(&self.name("rope.scaling.type"))?
            && kind != "none"
        {
            return unsupported("rope.scaling.type", kind.to_owned(), "\"none\"");
        }
        for key in ["expert_count", "attention.sliding_window"] {
            if let Some(count) = self.gguf.unsigned(&self.name(key))?
                && count != 0
            {
                return unsupported(key, count.to_string(), "0");
            }
        }
        for key in
            ["rope.scale_linear", "rope.scaling.factor", "logit_scale", "attention.scale", "residual_scale"]
        {
            if let Some(scale) = self.gguf.float(&self.name(key))?
                && scale != 1.0
            {
                return unsupported(key, scale.to_string(), "1");
            }
        }
        if let (Some(keys), Some(values)) = (
            self.gguf.unsigned(&self.name("attention.key_length"))?,
            self.gguf.unsigned(&self.name("attention.value_length"))?,
        ) && keys != values
        {
            return unsupported("attention.value_length", values.to_string(), "the key length");
        }
        Ok(())
    }
}
