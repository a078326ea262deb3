//! A configuration from the metadata of a GGUF file.
//!
//! Keys are llama.cpp's. What its code holds instead of the file (which layers of Gemma have windows, the local base of
//! Gemma 3, the scale of the two largest Gemmas) is written here.

use super::rotary::{Yarn, longrope_magnitude};
use super::{Architecture, Config, Fault, Rotary, RotaryPairs, Sizes, check_heads, check_rotated, family};
use crate::Error;
use crate::gguf::{Gguf, missing};
use crate::quant::dequantise;

const KNOWN: [(&str, Architecture); 8] = [
    ("llama", Architecture::Llama),
    ("qwen2", Architecture::Qwen2),
    ("qwen3", Architecture::Qwen3),
    ("phi3", Architecture::Phi3),
    ("gemma2", Architecture::Gemma2),
    ("gemma3", Architecture::Gemma3),
    ("gpt2", Architecture::Gpt2),
    ("gptneox", Architecture::GptNeox),
];

impl Config {
    /// Reads and checks the configuration of a GGUF file.
    pub(crate) fn from_gguf(gguf: &Gguf<'_>) -> Result<Self, Error> {
        let name = gguf
            .string("general.architecture")?
            .ok_or_else(|| missing("general.architecture", "a string"))?;
        let architecture = KNOWN.iter().find(|(known, _)| *known == name);
        let &(_, architecture) = architecture.ok_or_else(|| Fault::architecture(name, &KNOWN))?;
        let keys = Keys { gguf, prefix: name };
        keys.refuse_unknown_computation(architecture)?;
        let sizes = keys.sizes()?;
        let layer_norm = matches!(architecture, Architecture::Gpt2 | Architecture::GptNeox);
        let eps = keys.positive(
            if layer_norm { "attention.layer_norm_epsilon" } else { "attention.layer_norm_rms_epsilon" },
            None,
        )?;
        let rotaries = match architecture {
            Architecture::Gpt2 => Vec::new(),
            _ => keys.rotaries(architecture, &sizes)?,
        };
        let mut config = family(architecture, &sizes, eps, rotaries);
        config.tied = !gguf.tensors().iter().any(|tensor| tensor.name == "output.weight");
        keys.particulars(&mut config)?;
        Ok(config)
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

    fn optional_size(&self, key: &str) -> Result<Option<usize>, Error> {
        match self.gguf.unsigned(&self.name(key))? {
            None => Ok(None),
            Some(size @ 1..=LARGEST) => Ok(Some(size as usize)),
            Some(size) => Err(Fault::impossible(&self.name(key), size, format!("1 to {LARGEST}")).into()),
        }
    }

    fn size(&self, key: &str) -> Result<usize, Error> {
        Ok(self.optional_size(key)?.ok_or_else(|| missing(&self.name(key), "a positive integer"))?)
    }

    fn optional(&self, key: &str) -> Result<Option<f64>, Error> {
        let Some(value) = self.gguf.float(&self.name(key))? else { return Ok(None) };
        if value.is_finite() && value > 0.0 {
            Ok(Some(value))
        } else {
            Err(Fault::impossible(&self.name(key), value, "a finite number above 0").into())
        }
    }

    fn positive(&self, key: &str, default: Option<f64>) -> Result<f64, Error> {
        let found = self.optional(key)?.or(default);
        Ok(found.ok_or_else(|| missing(&self.name(key), "a floating-point number"))?)
    }

    fn sizes(&self) -> Result<Sizes, Error> {
        let heads = self.size("attention.head_count")?;
        let width = self.size("embedding_length")?;
        let kv_heads = self.optional_size("attention.head_count_kv")?.unwrap_or(heads);
        check_heads(&self.name("attention.head_count_kv"), heads, kv_heads)?;
        let head_dim = match self.optional_size("attention.key_length")? {
            Some(size) => size,
            None if width % heads == 0 => width / heads,
            None => {
                let expected = format!("a multiple of {heads}");
                return Err(Fault::impossible(&self.name("embedding_length"), width, expected).into());
            }
        };
        let (vocab, _) = self
            .gguf
            .strings("tokenizer.ggml.tokens")?
            .ok_or_else(|| missing("tokenizer.ggml.tokens", "strings"))?;
        Ok(Sizes {
            layers: self.size("block_count")?,
            width,
            heads,
            kv_heads,
            head_dim,
            ffn: self.size("feed_forward_length")?,
            vocab,
            context: self.size("context_length")?,
        })
    }

    fn rotaries(&self, architecture: Architecture, sizes: &Sizes) -> Result<Vec<Rotary>, Error> {
        let dims = self.optional_size("rope.dimension_count")?.unwrap_or(sizes.head_dim);
        check_rotated(&self.name("rope.dimension_count"), dims, sizes.head_dim)?;
        let base = self.positive("rope.freq_base", Some(10_000.0))?;
        let pairs = match architecture {
            Architecture::Llama => RotaryPairs::Interleaved,
            _ => RotaryPairs::Halves,
        };
        let plain = Rotary::plain(base, dims, pairs);
        let factors = |name: &str| self.factors(name, dims / 2);
        let original = self.optional_size("rope.scaling.original_context_length")?;
        let mut rotary = match factors("rope_freqs.weight")? {
            Some(factors) => plain.divided(&factors),
            None => plain,
        };
        if let (Some(short), Some(long)) =
            (factors("rope_factors_short.weight")?, factors("rope_factors_long.weight")?)
        {
            let after = original.unwrap_or(sizes.context);
            let magnitude = longrope_magnitude(sizes.context as f64 / after as f64, after as f64);
            let magnitude = self.positive("rope.scaling.attn_factor", Some(magnitude))?;
            return Ok(vec![rotary.longrope(&short, &long, after, magnitude)]);
        }
        rotary = self.scaled(rotary, base, original.unwrap_or(sizes.context))?;
        if architecture == Architecture::Gemma3 {
            let local = self.positive("rope.freq_base_swa", Some(10_000.0))?;
            return Ok(vec![rotary, Rotary::plain(local, dims, pairs)]);
        }
        Ok(vec![rotary])
    }

    fn scaled(&self, rotary: Rotary, base: f64, original: usize) -> Result<Rotary, Error> {
        let factor = || self.positive("rope.scaling.factor", None);
        match self.gguf.string(&self.name("rope.scaling.type"))? {
            None | Some("none") => match self.optional("rope.scaling.factor")? {
                Some(factor) => Ok(rotary.linear(factor)),
                None => Ok(rotary),
            },
            Some("linear") => Ok(rotary.linear(factor()?)),
            Some("yarn") => {
                let factor = factor()?;
                let default = if factor <= 1.0 { 1.0 } else { 0.1 * factor.ln() + 1.0 };
                let more = self.positive("rope.scaling.attn_factor", Some(1.0))?;
                let yarn = Yarn {
                    factor,
                    original: original as f64,
                    fast: self.positive("rope.scaling.yarn_beta_fast", Some(32.0))?,
                    slow: self.positive("rope.scaling.yarn_beta_slow", Some(1.0))?,
                    whole: true,
                    magnitude: Some(default * more),
                };
                Ok(rotary.yarn(&yarn, base))
            }
            Some(other) => {
                let key = self.name("rope.scaling.type");
                Err(Fault::unsupported(&key, other, "\"none\", \"linear\" or \"yarn\"").into())
            }
        }
    }

    /// A tensor of divisors of the frequencies, if the file has it.
    fn factors(&self, name: &str, pairs: usize) -> Result<Option<Vec<f64>>, Error> {
        let Some(tensor) = self.gguf.tensors().iter().find(|tensor| tensor.name == name) else {
            return Ok(None);
        };
        if tensor.shape != [pairs as u64] {
            return Err(Fault::impossible(name, format!("{:?}", tensor.shape), format!("[{pairs}]")).into());
        }
        let mut values = vec![0.0; pairs];
        dequantise(tensor.kind, tensor.data, &mut values);
        match values.iter().all(|factor| factor.is_finite() && *factor > 0.0) {
            true => Ok(Some(values.into_iter().map(f64::from).collect())),
            false => Err(Fault::impossible(name, format!("{values:?}"), "numbers above 0").into()),
        }
    }

    /// What a family's keys say beyond sizes and positions.
    fn particulars(&self, config: &mut Config) -> Result<(), Error> {
        let window = match self.gguf.unsigned(&self.name("attention.sliding_window"))? {
            None | Some(0) => None,
            Some(size) => Some(usize::try_from(size).unwrap_or(usize::MAX)),
        };
        match config.architecture {
            Architecture::Gemma2 => {
                config.score_cap = Some(self.positive("attn_logit_softcapping", Some(50.0))? as f32);
                config.logit_cap = Some(self.positive("final_logit_softcapping", Some(30.0))? as f32);
                let windowed = |layer: usize| layer.is_multiple_of(2);
                let window = window.or(Some(4096));
                config
                    .kinds
                    .iter_mut()
                    .enumerate()
                    .filter(|(i, _)| windowed(*i))
                    .for_each(|(_, k)| k.window = window);
                // The 27B model, which alone has 46 layers, scales by the width a head has in the stream.
                if config.layers == 46 {
                    config.score_scale = 1.0 / (config.width as f64 / config.heads as f64).sqrt();
                }
            }
            Architecture::Gemma3 => {
                for (layer, kind) in config.kinds.iter_mut().enumerate() {
                    if (layer + 1) % 6 != 0 {
                        (kind.window, kind.rotary) = (window, Some(1));
                    }
                }
                if config.layers == 62 {
                    config.score_scale = 1.0 / (config.width as f64 / config.heads as f64).sqrt();
                }
            }
            Architecture::GptNeox => {
                let key = self.name("use_parallel_residual");
                config.parallel = self.gguf.boolean(&key)?.unwrap_or(true);
            }
            _ => config.kinds.iter_mut().for_each(|kind| kind.window = window),
        }
        Ok(())
    }

    /// Keys that would change the computation in ways not implemented, unless they say that nothing changes.
    fn refuse_unknown_computation(&self, architecture: Architecture) -> Result<(), Error> {
        if let Some(parts) = self.gguf.unsigned("split.count")?
            && parts > 1
        {
            let expected = "1: one file, into which llama-gguf-split --merge joins the parts";
            return Err(Fault::unsupported("split.count", parts, expected).into());
        }
        let refuse = |key: &str, found: String, expected| {
            Err(Error::from(Fault::unsupported(&self.name(key), found, expected)))
        };
        let mut none = vec!["expert_count"];
        if matches!(architecture, Architecture::Qwen2 | Architecture::Qwen3) {
            // llama.cpp applies no window to these, `transformers` to some layers: the file does not say which.
            none.push("attention.sliding_window");
        }
        for key in none {
            if let Some(count) = self.gguf.unsigned(&self.name(key))?
                && count != 0
            {
                return refuse(key, count.to_string(), "0");
            }
        }
        for key in ["rope.scale_linear", "logit_scale", "attention.scale", "residual_scale"] {
            if let Some(scale) = self.gguf.float(&self.name(key))?
                && scale != 1.0
            {
                return refuse(key, scale.to_string(), "1");
            }
        }
        if let (Some(keys), Some(values)) = (
            self.gguf.unsigned(&self.name("attention.key_length"))?,
            self.gguf.unsigned(&self.name("attention.value_length"))?,
        ) && keys != values
        {
            return refuse("attention.value_length", values.to_string(), "the key length");
        }
        Ok(())
    }
}
