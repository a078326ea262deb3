//! The simulated twin of a model file: a complete GGUF file of a few kilobytes with reproducible random weights.
//!
//! What it writes means nothing, but it goes through everything that a real model does, so that code around models can
//! be tested without one. Its tokens are the 256 bytes and a few control tokens. Start with [`file`](fn@file).

use crate::Error;
use crate::gguf::Builder;
use crate::sae::{Activation, Parts, Provenance, Rescale, Sae};
use crate::tokenizer::TokenId;

/// Which family's file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Llama.
    Llama,
    /// Qwen2: biases on q, k and v.
    Qwen2,
}

/// Width of its residual stream.
pub const WIDTH: u64 = 24;
/// Number of its blocks.
pub const LAYERS: u32 = 3;
/// Most positions of a sequence.
pub const CONTEXT: u32 = 96;
/// The token `<|end|>`, with which it ends a turn; it follows the 256 bytes. `<|start|>`, `<tool>` (ordinary text that is
/// one token) and an unused token come after it.
pub const END: TokenId = 256;
/// Inner width of the feed-forward part.
const FFN: u64 = 40;

/// Its chat template: a default system message, then `<|start|>role`, the text and `<|end|>` for each turn.
pub const TEMPLATE: &str = "{% if messages[0].role != 'system' %}<|start|>system\nBe brief.<|end|>\n{% endif %}\
    {% for m in messages %}<|start|>{{ m.role }}\n{{ m.content | trim }}<|end|>\n{% endfor %}<|start|>assistant{{ '\n' }}";

/// Texts and types: the characters of all bytes in byte order, then control, user-defined and unused tokens.
fn vocabulary() -> (Vec<String>, Vec<i32>) {
    let prints = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut next = 0x100;
    let mut tokens = Vec::new();
    for byte in 0..=u8::MAX {
        let code = if prints(byte) {
            u32::from(byte)
        } else {
            next += 1;
            next - 1
        };
        tokens.extend(char::from_u32(code).map(String::from));
    }
    let mut kinds = vec![1; 256];
    for (token, kind) in [("<|end|>", 3), ("<|start|>", 3), ("<tool>", 4), ("[PAD]", 5)] {
        tokens.push(token.to_owned());
        kinds.push(kind);
    }
    (tokens, kinds)
}

/// A file of that family; two of its four heads share a key-value head.
pub fn file(family: Family) -> Builder {
    file_with(family, Some(TEMPLATE))
}

/// [`file`](fn@file) with another chat template, or none.
pub fn file_with(family: Family, template: Option<&str>) -> Builder {
    let metadata = metadata(family);
    let metadata = match template {
        Some(template) => metadata.string("tokenizer.chat_template", template),
        None => metadata,
    };
    tensors(family, metadata)
}

fn metadata(family: Family) -> Builder {
    let (name, pre) = match family {
        Family::Llama => ("llama", "smollm"),
        Family::Qwen2 => ("qwen2", "qwen2"),
    };
    let key = |part: &str| format!("{name}.{part}");
    let (tokens, kinds) = vocabulary();
    Builder::new()
        .string("general.architecture", name)
        .string("general.name", "Tiny")
        .u32(&key("block_count"), LAYERS)
        .u32(&key("embedding_length"), WIDTH as u32)
        .u32(&key("attention.head_count"), 4)
        .u32(&key("attention.head_count_kv"), 2)
        .u32(&key("feed_forward_length"), FFN as u32)
        .u32(&key("context_length"), CONTEXT)
        .f32(&key("attention.layer_norm_rms_epsilon"), 1e-5)
        .string("tokenizer.ggml.model", "gpt2")
        .string("tokenizer.ggml.pre", pre)
        .strings("tokenizer.ggml.tokens", &tokens)
        .i32s("tokenizer.ggml.token_type", &kinds)
        .strings::<&str>("tokenizer.ggml.merges", &[])
        .u32("tokenizer.ggml.eos_token_id", END)
}

fn tensors(family: Family, mut builder: Builder) -> Builder {
    let vocab = vocabulary().0.len() as u64;
    let mut next = noise(5);
    let mut add = |builder: Builder, name: &str, shape: &[u64], scale: f32, centre: f32| {
        let count = shape.iter().product::<u64>();
        let values: Vec<f32> = (0..count).map(|_| centre + scale * next()).collect();
        builder.tensor_f32(name, shape, &values)
    };
    builder = add(builder, "token_embd.weight", &[WIDTH, vocab], 1.0, 0.0);
    builder = add(builder, "output_norm.weight", &[WIDTH], 0.2, 1.0);
    for layer in 0..LAYERS {
        let name = |part: &str| format!("blk.{layer}.{part}");
        let half = WIDTH / 2;
        for (part, inputs, outputs) in [
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", WIDTH, half),
            ("attn_v", WIDTH, half),
            ("attn_output", WIDTH, WIDTH),
            ("ffn_gate", WIDTH, FFN),
            ("ffn_up", WIDTH, FFN),
            ("ffn_down", FFN, WIDTH),
        ] {
            builder = add(builder, &name(&format!("{part}.weight")), &[inputs, outputs], 0.4, 0.0);
            if family == Family::Qwen2 && ["attn_q", "attn_k", "attn_v"].contains(&part) {
                builder = add(builder, &name(&format!("{part}.bias")), &[outputs], 0.3, 0.0);
            }
        }
        builder = add(builder, &name("attn_norm.weight"), &[WIDTH], 0.2, 1.0);
        builder = add(builder, &name("ffn_norm.weight"), &[WIDTH], 0.2, 1.0);
    }
    builder
}

/// Number of latents of [`sae`].
pub const LATENTS: usize = 40;

/// An autoencoder of random numbers for rows `width` long, at the place that `hook` names: TopK of 5.
///
/// # Errors
/// None; the numbers fit together.
pub fn sae(width: usize, hook: &str) -> Result<Sae, Error> {
    let mut next = noise(5);
    let mut numbers = |count: usize, scale: f32| -> Vec<f32> { (0..count).map(|_| scale * next()).collect() };
    let scale = 2.0 / (width as f32).sqrt();
    let parts = Parts {
        width,
        encoder: numbers(LATENTS * width, scale),
        encoder_bias: numbers(LATENTS, 0.1),
        decoder: numbers(LATENTS * width, scale),
        decoder_bias: numbers(width, 0.1),
        centred: true,
        activation: Activation::TopK { k: 5 },
        rescale: Rescale::None,
    };
    Sae::new(parts, Provenance { hook: Some(hook.to_owned()), ..Provenance::default() })
}

/// Reproducible numbers in `-1 .. 1`.
fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }
}
