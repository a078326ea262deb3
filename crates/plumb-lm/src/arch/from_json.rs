//! A configuration from a `config.json` of Hugging Face.
//!
//! Both spellings are read: that of `transformers` 4 (`rope_theta` and `rope_scaling`) and that of 5 (`rope_parameters`).

use serde_json::{Map, Value};

use super::rotary::{Yarn, longrope_magnitude};
use super::{
    Activation, Architecture, Config, Fault, LayerKind, Rotary, RotaryPairs, Sizes, check_heads,
    check_rotated, family,
};

const KNOWN: [(&str, Architecture); 10] = [
    ("llama", Architecture::Llama),
    ("mistral", Architecture::Mistral),
    ("qwen2", Architecture::Qwen2),
    ("qwen3", Architecture::Qwen3),
    ("phi3", Architecture::Phi3),
    ("gemma2", Architecture::Gemma2),
    ("gemma3_text", Architecture::Gemma3),
    ("gemma3", Architecture::Gemma3),
    ("gpt2", Architecture::Gpt2),
    ("gpt_neox", Architecture::GptNeox),
];

impl Config {
    /// Reads and checks a parsed `config.json`.
    pub(crate) fn from_json(json: &Map<String, Value>) -> Result<Self, Fault> {
        let keys = Keys { map: json, place: "" };
        let name = keys.text("model_type")?.ok_or_else(|| keys.missing("model_type", "a string"))?;
        let architecture = KNOWN.iter().find(|(known, _)| *known == name);
        let &(_, architecture) = architecture.ok_or_else(|| Fault::architecture(name, &KNOWN))?;
        refuse_unknown_computation(&keys)?;
        let sizes = sizes(&keys, architecture)?;
        let eps = match architecture {
            Architecture::Gpt2 => keys.number("layer_norm_epsilon", Some(1e-5))?,
            Architecture::GptNeox => keys.number("layer_norm_eps", Some(1e-5))?,
            _ => keys.number("rms_norm_eps", Some(1e-6))?,
        };
        let rotaries = match architecture {
            Architecture::Gpt2 => Vec::new(),
            _ => rotaries(&keys, architecture, &sizes)?,
        };
        let mut config = family(architecture, &sizes, eps, rotaries);
        // Families differ in what holds when the key is absent.
        let gemma = matches!(architecture, Architecture::Gemma2 | Architecture::Gemma3);
        config.tied =
            keys.flag("tie_word_embeddings")?.unwrap_or(gemma || architecture == Architecture::Gpt2);
        config.activation = activation(&keys, config.activation)?;
        particulars(&keys, &mut config)?;
        windows(&keys, &mut config)?;
        Ok(config)
    }
}

/// A JSON object and where it stands, for messages.
struct Keys<'a> {
    map: &'a Map<String, Value>,
    place: &'static str,
}

const LARGEST: u64 = 1 << 24;

impl<'a> Keys<'a> {
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn name(&self, key: &str) -> String {
        format!("config.json: {}{key}", self.place)
    }

    fn missing(&self, key: &str, expected: &'static str) -> Fault {
        Fault::Missing { key: self.name(key), expected }
    }

    fn wrong(&self, key: &str, found: impl ToString, expected: impl Into<String>) -> Fault {
        Fault::impossible(&self.name(key), found, expected)
    }

    fn unsupported(&self, key: &str, found: impl ToString, expected: &'static str) -> Fault {
        Fault::unsupported(&self.name(key), found, expected)
    }

    fn text(&self, key: &str) -> Result<Option<&'a str>, Fault> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.wrong(key, value, "a string"))
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, Fault> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.wrong(key, value, "true or false"))
    }

    fn optional_size(&self, key: &str) -> Result<Option<usize>, Fault> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.as_u64() {
            Some(size @ 1..=LARGEST) => Ok(Some(size as usize)),
            _ => Err(self.wrong(key, value, format!("1 to {LARGEST}"))),
        }
    }

    fn size(&self, key: &str) -> Result<usize, Fault> {
        self.optional_size(key)?.ok_or_else(|| self.missing(key, "a positive integer"))
    }

    fn optional_number(&self, key: &str) -> Result<Option<f64>, Fault> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.as_f64() {
            Some(number) if number.is_finite() && number > 0.0 => Ok(Some(number)),
            _ => Err(self.wrong(key, value, "a finite number above 0")),
        }
    }

    fn number(&self, key: &str, default: Option<f64>) -> Result<f64, Fault> {
        self.optional_number(key)?.or(default).ok_or_else(|| self.missing(key, "a number above 0"))
    }

    fn numbers(&self, key: &str, count: usize) -> Result<Vec<f64>, Fault> {
        let value = self.get(key).ok_or_else(|| self.missing(key, "numbers"))?;
        let numbers = value.as_array().map(|all| all.iter().filter_map(Value::as_f64).collect::<Vec<_>>());
        match numbers {
            Some(numbers) if numbers.len() == count && numbers.iter().all(|n| n.is_finite() && *n > 0.0) => {
                Ok(numbers)
            }
            _ => Err(self.wrong(key, value, format!("{count} numbers above 0"))),
        }
    }

    fn object(&self, key: &str, place: &'static str) -> Result<Option<Keys<'a>>, Fault> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.as_object() {
            Some(map) => Ok(Some(Keys { map, place })),
            None => Err(self.wrong(key, value, "an object")),
        }
    }
}

fn sizes(keys: &Keys<'_>, architecture: Architecture) -> Result<Sizes, Fault> {
    let gpt2 = architecture == Architecture::Gpt2;
    let [layers, width, heads, context] = match gpt2 {
        true => ["n_layer", "n_embd", "n_head", "n_positions"],
        false => ["num_hidden_layers", "hidden_size", "num_attention_heads", "max_position_embeddings"],
    };
    let width_key = width;
    let (width, heads) = (keys.size(width)?, keys.size(heads)?);
    let kv_heads = keys.optional_size("num_key_value_heads")?.unwrap_or(heads);
    check_heads(&keys.name("num_key_value_heads"), heads, kv_heads)?;
    let head_dim = match keys.optional_size("head_dim")? {
        Some(size) => size,
        None if width.is_multiple_of(heads) => width / heads,
        None => return Err(keys.wrong(width_key, width, format!("a multiple of {heads}"))),
    };
    let ffn = match gpt2 {
        true => keys.optional_size("n_inner")?.unwrap_or(4 * width),
        false => keys.size("intermediate_size")?,
    };
    let (layers, vocab, context) = (keys.size(layers)?, keys.size("vocab_size")?, keys.size(context)?);
    Ok(Sizes { layers, width, heads, kv_heads, head_dim, ffn, vocab, context })
}

fn rotaries(keys: &Keys<'_>, architecture: Architecture, sizes: &Sizes) -> Result<Vec<Rotary>, Fault> {
    let parameters = keys.object("rope_parameters", "rope_parameters.")?;
    if architecture == Architecture::Gemma3 {
        let parts = match &parameters {
            Some(parameters) => [
                parameters.object("full_attention", "rope_parameters.full_attention.")?,
                parameters.object("sliding_attention", "rope_parameters.sliding_attention.")?,
            ],
            None => [None, None],
        };
        if let [Some(full), Some(local)] = parts {
            return Ok(vec![rotary(keys, &full, sizes, None)?, rotary(keys, &local, sizes, None)?]);
        }
        let base = keys.number("rope_theta", Some(1e6))?;
        let scaling = keys.object("rope_scaling", "rope_scaling.")?;
        let empty = Map::new();
        let none = Keys { map: &empty, place: "" };
        let full = rotary(keys, scaling.as_ref().unwrap_or(&none), sizes, Some(base))?;
        let local = keys.number("rope_local_base_freq", Some(1e4))?;
        return Ok(vec![full, rotary(keys, &none, sizes, Some(local))?]);
    }
    if let Some(parameters) = parameters {
        return Ok(vec![rotary(keys, &parameters, sizes, None)?]);
    }
    let base = match architecture {
        Architecture::GptNeox => keys.number("rotary_emb_base", Some(1e4))?,
        _ => keys.number("rope_theta", Some(1e4))?,
    };
    let empty = Map::new();
    let none = Keys { map: &empty, place: "" };
    let scaling = keys.object("rope_scaling", "rope_scaling.")?;
    Ok(vec![rotary(keys, scaling.as_ref().unwrap_or(&none), sizes, Some(base))?])
}

/// One rotary embedding from its own object; `base` is given where the object does not hold it.
fn rotary(keys: &Keys<'_>, own: &Keys<'_>, sizes: &Sizes, base: Option<f64>) -> Result<Rotary, Fault> {
    let base = match base {
        Some(base) => base,
        None => own.number("rope_theta", Some(1e4))?,
    };
    let part = match own.optional_number("partial_rotary_factor")? {
        Some(part) => Some(part),
        None => keys.optional_number("partial_rotary_factor")?.or(keys.optional_number("rotary_pct")?),
    };
    let dims = (sizes.head_dim as f64 * part.unwrap_or(1.0)) as usize;
    check_rotated(&keys.name("partial_rotary_factor (elements that are rotated)"), dims, sizes.head_dim)?;
    let plain = Rotary::plain(base, dims, RotaryPairs::Halves);
    let kind = match own.text("rope_type")? {
        Some(kind) => kind,
        None => own.text("type")?.unwrap_or("default"),
    };
    let original = match own.optional_size("original_max_position_embeddings")? {
        Some(original) => original,
        None => keys.optional_size("original_max_position_embeddings")?.unwrap_or(sizes.context),
    };
    match kind {
        "default" => Ok(plain),
        "linear" => Ok(plain.linear(own.number("factor", None)?)),
        "llama3" => Ok(plain.llama3(
            own.number("factor", None)?,
            own.number("low_freq_factor", None)?,
            own.number("high_freq_factor", None)?,
            original as f64,
        )),
        "yarn" => {
            for key in ["mscale", "mscale_all_dim"] {
                if let Some(scale) = own.optional_number(key)? {
                    return Err(own.unsupported(key, scale, "no such key"));
                }
            }
            let yarn = Yarn {
                factor: own.number("factor", None)?,
                original: original as f64,
                fast: own.number("beta_fast", Some(32.0))?,
                slow: own.number("beta_slow", Some(1.0))?,
                whole: own.flag("truncate")?.unwrap_or(true),
                magnitude: own.optional_number("attention_factor")?,
            };
            Ok(plain.yarn(&yarn, base))
        }
        "longrope" | "su" => {
            let (short, long) =
                (own.numbers("short_factor", dims / 2)?, own.numbers("long_factor", dims / 2)?);
            let extension = match own.optional_number("factor")? {
                Some(factor) => factor,
                None => sizes.context as f64 / original as f64,
            };
            let default = longrope_magnitude(extension, original as f64);
            let magnitude = own.number("attention_factor", Some(default))?;
            Ok(plain.longrope(&short, &long, original, magnitude))
        }
        other => Err(own.unsupported("rope_type", other, "default, linear, llama3, yarn or longrope")),
    }
}

fn activation(keys: &Keys<'_>, default: Activation) -> Result<Activation, Fault> {
    // Gemma has two keys and its code reads `hidden_activation`; the other is a leftover.
    let mut found = None;
    for key in ["hidden_activation", "hidden_act", "activation_function"] {
        if let (None, Some(name)) = (found, keys.text(key)?) {
            found = Some((key, name));
        }
    }
    match found {
        None => Ok(default),
        Some((_, "silu" | "swish")) => Ok(Activation::Silu),
        Some((_, "gelu")) => Ok(Activation::Gelu),
        Some((_, "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast")) => Ok(Activation::GeluTanh),
        Some((key, other)) => Err(keys.unsupported(key, other, "silu, gelu, gelu_new or gelu_pytorch_tanh")),
    }
}

fn particulars(keys: &Keys<'_>, config: &mut Config) -> Result<(), Fault> {
    match config.architecture {
        Architecture::Llama => {
            let bias = keys.flag("attention_bias")?.unwrap_or(false);
            (config.biases.qkv, config.biases.out) = (bias, bias);
            config.biases.mlp = keys.flag("mlp_bias")?.unwrap_or(false);
        }
        Architecture::Qwen3 => {
            let bias = keys.flag("attention_bias")?.unwrap_or(false);
            (config.biases.qkv, config.biases.out) = (bias, bias);
        }
        Architecture::Gemma2 | Architecture::Gemma3 => {
            if keys.flag("attention_bias")? == Some(true) {
                return Err(keys.unsupported("attention_bias", true, "false"));
            }
            if let Some(scalar) = keys.optional_number("query_pre_attn_scalar")? {
                config.score_scale = 1.0 / scalar.sqrt();
            }
            config.score_cap = keys.optional_number("attn_logit_softcapping")?.map(|cap| cap as f32);
            config.logit_cap = keys.optional_number("final_logit_softcapping")?.map(|cap| cap as f32);
        }
        Architecture::GptNeox => {
            config.parallel = keys.flag("use_parallel_residual")?.unwrap_or(true);
            let bias = keys.flag("attention_bias")?.unwrap_or(true);
            (config.biases.qkv, config.biases.out) = (bias, bias);
        }
        Architecture::Gpt2 if keys.flag("scale_attn_weights")? == Some(false) => config.score_scale = 1.0,
        _ => {}
    }
    Ok(())
}

/// Which layers have windows, and which rotary embedding.
fn windows(keys: &Keys<'_>, config: &mut Config) -> Result<(), Fault> {
    let asks = keys.flag("use_sliding_window")?;
    let window = keys.optional_size("sliding_window")?;
    let layers = config.layers;
    let listed = match keys.get("layer_types") {
        None => None,
        Some(value) => Some(layer_types(keys, value, layers)?),
    };
    let default = |layer: usize| -> Result<bool, Fault> {
        Ok(match config.architecture {
            Architecture::Mistral | Architecture::Phi3 => window.is_some(),
            Architecture::Qwen2 | Architecture::Qwen3 => {
                asks == Some(true) && layer >= keys.optional_size("max_window_layers")?.unwrap_or(28)
            }
            Architecture::Gemma2 => layer.is_multiple_of(2),
            Architecture::Gemma3 => {
                let pattern = match keys.optional_size("sliding_window_pattern")? {
                    Some(pattern) => pattern,
                    None => keys.optional_size("_sliding_window_pattern")?.unwrap_or(6),
                };
                !(layer + 1).is_multiple_of(pattern)
            }
            _ => false,
        })
    };
    let mut windowed = Vec::with_capacity(layers);
    for layer in 0..layers {
        windowed.push(match &listed {
            Some(listed) => listed[layer],
            None => default(layer)?,
        });
    }
    let gemma3 = config.architecture == Architecture::Gemma3;
    for (kind, windowed) in config.kinds.iter_mut().zip(windowed) {
        if windowed {
            let window = Some(window.ok_or_else(|| keys.missing("sliding_window", "a positive integer"))?);
            *kind = LayerKind { window, rotary: kind.rotary.map(|first| if gemma3 { 1 } else { first }) };
        }
    }
    Ok(())
}

fn layer_types(keys: &Keys<'_>, value: &Value, layers: usize) -> Result<Vec<bool>, Fault> {
    let kinds: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if kinds.len() != layers {
        return Err(keys.wrong("layer_types", value, format!("{layers} names")));
    }
    let windowed = |kind: &&str| match *kind {
        "full_attention" => Ok(false),
        "sliding_attention" => Ok(true),
        other => Err(keys.unsupported("layer_types", other, "full_attention or sliding_attention")),
    };
    kinds.iter().map(windowed).collect()
}

/// Settings that change the computation in ways not implemented.
fn refuse_unknown_computation(keys: &Keys<'_>) -> Result<(), Fault> {
    for key in [
        "scale_attn_by_inverse_layer_idx",
        "add_cross_attention",
        "use_bidirectional_attention",
        "is_encoder_decoder",
    ] {
        if keys.flag(key)? == Some(true) {
            return Err(keys.unsupported(key, true, "false"));
        }
    }
    for key in ["quantization_config", "text_config", "num_local_experts"] {
        if let Some(value) = keys.get(key) {
            return Err(keys.unsupported(key, value, "no such key"));
        }
    }
    Ok(())
}
