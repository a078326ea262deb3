//! GGUF files of families whose stored form differs from that of `transformers`: each tiny checkpoint is written as llama.cpp
//! stores it, and must give the logits of the folder, which `families` holds against `transformers`.
//!
//! Names of tensors are those that llama.cpp's own package gives (`oracles/llama_cpp/names.py`). How matrices are stored is
//! written here after its converter: q and k of Llama permuted for rotation of neighbours, Gemma's norms with the one added,
//! GPT-2's matrices turned, q, k and v of GPT-NeoX apart. Gemma 3's files have windows in five layers of six, and the checkpoint has
//! four layers with others: both forms are made of it with six.

use std::collections::BTreeMap;

use plumb_lm::gguf::Builder;
use plumb_lm::{Edits, Input, Model, Taps, TokenId, Want};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::families::folder;
use crate::support;

struct Tensor {
    /// As `transformers` has it: the slowest dimension first.
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// What `config.json` says; of Gemma 3 with six layers, of which the last has no window.
fn config(family: &str) -> Value {
    let bytes = std::fs::read(folder(family).join("config.json")).unwrap();
    let mut config: Value = serde_json::from_slice(&bytes).unwrap();
    if family == "gemma3" {
        let kind = |layer| if layer == 5 { "full_attention" } else { "sliding_attention" };
        config["num_hidden_layers"] = 6.into();
        config["layer_types"] = (0..6).map(kind).collect();
    }
    config
}

/// The tensors of a checkpoint; of Gemma 3 the first two layers once more as the last two.
fn checkpoint(family: &str) -> BTreeMap<String, Tensor> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder(family)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("model") || !name.ends_with(".safetensors") {
            continue;
        }
        let bytes = std::fs::read(path).unwrap();
        for (name, view) in SafeTensors::deserialize(&bytes).unwrap().iter() {
            assert_eq!(view.dtype(), Dtype::F32, "{family} {name}");
            let values: Vec<f32> =
                view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
            let shape = view.shape().to_vec();
            for (layer, again) in [(0, 4), (1, 5)] {
                if family == "gemma3" && name.contains(&format!("layers.{layer}.")) {
                    let name = name.replacen(&format!("layers.{layer}."), &format!("layers.{again}."), 1);
                    all.insert(name, Tensor { shape: shape.clone(), values: Clone::clone(&values) });
                }
            }
            all.insert(name.to_owned(), Tensor { shape, values });
        }
    }
    all
}

impl Tensor {
    /// The rows of the first dimension in another order.
    fn rows(&self, count: usize, source: impl Fn(usize) -> usize) -> Vec<f32> {
        let width = self.values.len() / count;
        (0..count).flat_map(|row| self.values[source(row) * width..][..width].to_vec()).collect()
    }

    fn transposed(self) -> Self {
        let (rows, columns) = (self.shape[0], self.shape[1]);
        let values = (0..columns).flat_map(|c| (0..rows).map(move |r| (r, c)));
        let values = values.map(|(r, c)| self.values[r * columns + c]).collect();
        Self { shape: vec![columns, rows], values }
    }
}

fn number(config: &Value, key: &str) -> usize {
    config[key].as_u64().unwrap_or_else(|| panic!("{key}")) as usize
}

/// A tensor as llama.cpp stores it.
fn stored(family: &str, name: &str, tensor: Tensor, config: &Value) -> Tensor {
    let Tensor { shape, .. } = &tensor;
    let rows = shape[0];
    // llama.cpp scales Gemma's scores by the head's width; the checkpoint by another number, which is put into q, or into its norm.
    let size = |key| config[key].as_f64().unwrap_or(1.0);
    let factor = (size("head_dim") / size("query_pre_attn_scalar")).sqrt();
    match family {
        "llama2" | "mistral" if name.contains("q_proj") || name.contains("k_proj") => {
            let dim = number(config, "head_dim");
            // Row 2i + j of a head is row j · dim / 2 + i here.
            let source = |row: usize| row / dim * dim + row % 2 * (dim / 2) + row % dim / 2;
            Tensor { values: tensor.rows(rows, source), shape: tensor.shape }
        }
        "gemma3" if name.contains("q_norm") => {
            let values =
                tensor.values.iter().map(|value| ((f64::from(*value) + 1.0) * factor) as f32).collect();
            Tensor { values, ..tensor }
        }
        "gemma2" | "gemma3" if name.ends_with("norm.weight") => {
            let values = tensor.values.iter().map(|value| value + 1.0).collect();
            Tensor { values, ..tensor }
        }
        "gemma2" if name.contains("q_proj") => {
            let values = tensor.values.iter().map(|value| (f64::from(*value) * factor) as f32).collect();
            Tensor { values, ..tensor }
        }
        "gpt2" if shape.len() == 2 && name.contains(".c_") => tensor.transposed(),
        "gpt-neox" | "gpt-neox-serial" if name.contains("query_key_value") => {
            let (heads, width) = (number(config, "num_attention_heads"), number(config, "hidden_size"));
            let dim = width / heads;
            let source = |row: usize| row % width / dim * 3 * dim + row / width * dim + row % dim;
            Tensor { values: tensor.rows(rows, source), shape: tensor.shape }
        }
        _ => tensor,
    }
}

fn metadata(family: &str, config: &Value) -> Builder {
    let architecture = match family {
        "llama2" | "mistral" => "llama",
        "gpt-neox" | "gpt-neox-serial" => "gptneox",
        other => other,
    };
    let first = |keys: &[&str]| keys.iter().find_map(|key| config[*key].as_u64()).map(|value| value as u32);
    let vocab = number(config, "vocab_size");
    let tokens: Vec<String> =
        (0..vocab as u32).map(|id| char::from_u32(0x100 + id).unwrap().to_string()).collect();
    let key = |part: &str| format!("{architecture}.{part}");
    let mut file = Builder::new()
        .string("general.architecture", architecture)
        .string("tokenizer.ggml.model", "gpt2")
        .string("tokenizer.ggml.pre", "gpt-2")
        .strings("tokenizer.ggml.tokens", &tokens)
        .i32s("tokenizer.ggml.token_type", &vec![1; vocab])
        .strings::<&str>("tokenizer.ggml.merges", &[])
        .u32("tokenizer.ggml.eos_token_id", 2);
    for (part, keys) in [
        ("block_count", &["num_hidden_layers", "n_layer"][..]),
        ("embedding_length", &["hidden_size", "n_embd"]),
        ("attention.head_count", &["num_attention_heads", "n_head"]),
        ("attention.head_count_kv", &["num_key_value_heads"]),
        ("attention.key_length", &["head_dim"]),
        ("feed_forward_length", &["intermediate_size", "n_inner"]),
        ("context_length", &["max_position_embeddings", "n_positions"]),
        ("attention.sliding_window", &["sliding_window"]),
        ("rope.scaling.original_context_length", &["original_max_position_embeddings"]),
    ] {
        if let Some(value) = first(keys) {
            file = file.u32(&key(part), value);
        }
    }
    let norm = if config["rms_norm_eps"].is_null() { "layer_norm_epsilon" } else { "layer_norm_rms_epsilon" };
    file = file.f32(&key(&format!("attention.{norm}")), 1e-5);
    let mut rope = &config["rope_parameters"];
    if family == "gemma3" {
        let local = rope["sliding_attention"]["rope_theta"].as_f64().unwrap();
        rope = &rope["full_attention"];
        file = file.f32(&key("rope.freq_base_swa"), local as f32).string(&key("rope.scaling.type"), "linear");
        file = file.f32(&key("rope.scaling.factor"), rope["factor"].as_f64().unwrap() as f32);
    }
    if let Some(base) = rope["rope_theta"].as_f64() {
        file = file.f32(&key("rope.freq_base"), base as f32);
    }
    if let Some(share) = rope["partial_rotary_factor"].as_f64() {
        let dim = number(config, "hidden_size") / number(config, "num_attention_heads");
        file = file.u32(&key("rope.dimension_count"), (share * dim as f64) as u32);
    }
    for (name, factors) in [
        ("rope_factors_short.weight", &rope["short_factor"]),
        ("rope_factors_long.weight", &rope["long_factor"]),
    ] {
        if let Some(factors) = factors.as_array() {
            let values: Vec<f32> = factors.iter().map(|factor| factor.as_f64().unwrap() as f32).collect();
            file = file.tensor_f32(name, &[values.len() as u64], &values);
        }
    }
    for (part, name) in [
        ("attn_logit_softcapping", "attn_logit_softcapping"),
        ("final_logit_softcapping", "final_logit_softcapping"),
    ] {
        if let Some(cap) = config[name].as_f64() {
            file = file.f32(&key(part), cap as f32);
        }
    }
    if let Some(parallel) = config["use_parallel_residual"].as_bool() {
        file = file.boolean(&key("use_parallel_residual"), parallel);
    }
    file
}

fn file(family: &str, names: &Value) -> Vec<u8> {
    let config = config(family);
    let mut builder = metadata(family, &config);
    for (name, tensor) in checkpoint(family) {
        let parts: Vec<&str> = name.split('.').collect();
        let layer = parts.iter().find(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        let zero = layer.map_or(name.clone(), |layer| name.replacen(&format!(".{layer}."), ".0.", 1));
        // Masks that old checkpoints carry have no name there.
        let Some(known) = names[family][&zero].as_str() else { continue };
        let known =
            layer.map_or(known.to_owned(), |layer| known.replacen("blk.0.", &format!("blk.{layer}."), 1));
        let tensor = stored(family, &name, tensor, &config);
        let shape: Vec<u64> = tensor.shape.iter().rev().map(|size| *size as u64).collect();
        builder = builder.tensor_f32(&known, &shape, &tensor.values);
    }
    builder.finish()
}

fn logits(model: &Model, tokens: &[TokenId]) -> Vec<f32> {
    let mut cache = model.cache_for(tokens.len());
    let input = Input { cache: &mut cache, tokens, want: Want::From(0), edits: &Edits::NONE };
    model.forward(&mut [input], &mut Taps::none()).unwrap().rows(0).flatten().copied().collect()
}

/// The checkpoint that a family's file is made of, as a folder.
fn whole(family: &str) -> Model {
    if family != "gemma3" {
        return Model::open(&folder(family)).unwrap();
    }
    let made = tempfile::tempdir().unwrap();
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        std::fs::copy(folder(family).join(name), made.path().join(name)).unwrap();
    }
    std::fs::write(made.path().join("config.json"), config(family).to_string()).unwrap();
    let tensors: BTreeMap<_, _> = checkpoint(family)
        .into_iter()
        .map(|(name, Tensor { shape, values })| {
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name, (shape, bytes))
        })
        .collect();
    let views = tensors.iter().map(|(name, (shape, bytes))| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    let bytes = safetensors::serialize(views, None).unwrap();
    std::fs::write(made.path().join("model.safetensors"), bytes).unwrap();
    Model::open(made.path()).unwrap()
}

#[test]
fn files_of_every_family_give_the_logits_of_their_folders() {
    let names = support::fixture("gguf_names.json");
    for family in
        ["llama2", "mistral", "qwen3", "phi3", "gemma2", "gemma3", "gpt2", "gpt-neox", "gpt-neox-serial"]
    {
        let model =
            Model::from_bytes(&file(family, &names)).unwrap_or_else(|error| panic!("{family}: {error}"));
        let whole = whole(family);
        // Long enough for windows, and for the long factors of Phi-3; short enough for its short ones.
        for count in [12, 40] {
            let tokens: Vec<TokenId> = (0..count).map(|i| (i * 29 + 7) % 96).collect();
            let (found, expected) = (logits(&model, &tokens), logits(&whole, &tokens));
            let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let spread = expected.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            assert!(apart <= 2e-5 * spread.max(1.0), "{family}, {count} tokens: {apart} of {spread}");
        }
    }
}
