//! Tests of the crate from outside, one module a theme. Those on real models use the cache and are skipped by name where
//! it does not hold the model.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests stop at what they do not expect, and say what they skip"
)]

mod activations;
mod batch;
mod capturing;
mod chat;
mod choose;
mod cutting;
mod families;
mod generate;
mod gguf;
mod gguf_families;
mod hooks;
mod latents;
mod loading;
mod memory;
mod parity;
mod sae_files;
mod sae_oracles;
mod scores;
mod sharing;
mod support;
mod tokenizer;
mod wanted;
