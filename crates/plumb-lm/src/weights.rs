//! A decoder's weights, checked against its configuration and laid out for `kernel`.
//!
//! Every tensor that the configuration asks for must be there in its shape, and no other: a file that holds more would
//! compute something else than we do. Start with [`Weights::load`].

use std::collections::HashMap;

use crate::Error;
use crate::config::Config;
use crate::gguf::{Gguf, Tensor, TensorType};
use crate::kernel::Panels;
use crate::quant::dequantise;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("tensor {name:?} is missing")]
    Missing { name: String },
    #[error("tensor {name:?} has shape {found:?}, expected {expected:?}")]
    Shape { name: String, found: Vec<u64>, expected: Vec<u64> },
    #[error("tensor {name:?} is not known to this architecture")]
    Superfluous { name: String },
    #[error("tensor {name:?} holds a value that is not finite, in row {row}")]
    NotFinite { name: String, row: usize },
}

impl Fault {
    pub(crate) fn is_unsupported(&self) -> bool {
        matches!(self, Self::Superfluous { .. })
    }
}

/// The embedding as it was stored; rows are decoded when they are looked up.
#[derive(Debug)]
pub(crate) struct Embedding {
    bytes: Box<[u8]>,
    kind: TensorType,
    row_bytes: usize,
}

impl Embedding {
    /// Writes the row of `token`, which must be in the vocabulary.
    pub(crate) fn row(&self, token: usize, out: &mut [f32]) {
        dequantise(self.kind, &self.bytes[token * self.row_bytes..][..self.row_bytes], out);
    }
}

#[derive(Debug)]
pub(crate) struct Layer {
    /// `[width]`
    pub attn_norm: Vec<f32>,
    /// Outputs: all heads of q, then of k, then of v.
    pub qkv: Panels,
    /// In the order of `qkv`.
    pub qkv_bias: Option<Vec<f32>>,
    pub attn_out: Panels,
    /// `[width]`
    pub ffn_norm: Vec<f32>,
    /// Outputs: the gate, then what it multiplies.
    pub gate_up: Panels,
    pub down: Panels,
}

#[derive(Debug)]
pub(crate) struct Weights {
    pub embedding: Embedding,
    pub layers: Vec<Layer>,
    /// `[width]`
    pub final_norm: Vec<f32>,
    pub head: Panels,
}

impl Weights {
    /// Decodes all weights to f32, in parallel.
    pub(crate) fn load(gguf: &Gguf<'_>, config: &Config) -> Result<Self, Error> {
        let mut source =
            Source { tensors: gguf.tensors().iter().map(|tensor| (tensor.name, tensor)).collect() };
        let (width, ffn) = (config.width, config.ffn);
        let (q, kv) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
        let embedding = source.take("token_embd.weight", &[width, config.vocab])?;
        let head =
            if config.tied { embedding } else { source.take("output.weight", &[width, config.vocab])? };
        let final_norm = source.vector("output_norm.weight", width)?;
        let mut layers = Vec::new();
        for layer in 0..config.layers {
            let name = |part: &str| format!("blk.{layer}.{part}");
            let mut part = |part: &str, shape: &[usize]| source.take(&name(part), shape);
            let qkv = [
                part("attn_q.weight", &[width, q])?,
                part("attn_k.weight", &[width, kv])?,
                part("attn_v.weight", &[width, kv])?,
            ];
            let attn_out = part("attn_output.weight", &[q, width])?;
            let gate_up = [part("ffn_gate.weight", &[width, ffn])?, part("ffn_up.weight", &[width, ffn])?];
            let down = part("ffn_down.weight", &[ffn, width])?;
            let mut vector = |part: &str, size: usize| source.vector(&name(part), size);
            let qkv_bias = match config.qkv_bias {
                true => Some(
                    [vector("attn_q.bias", q)?, vector("attn_k.bias", kv)?, vector("attn_v.bias", kv)?]
                        .concat(),
                ),
                false => None,
            };
            layers.push(Layer {
                attn_norm: vector("attn_norm.weight", width)?,
                ffn_norm: vector("ffn_norm.weight", width)?,
                qkv_bias,
                qkv: panels(&qkv)?,
                attn_out: panels(&[attn_out])?,
                gate_up: panels(&gate_up)?,
                down: panels(&[down])?,
            });
        }
        source.nothing_left()?;
        let stored = Embedding {
            bytes: embedding.data.into(),
            kind: embedding.kind,
            row_bytes: embedding.row_bytes(),
        };
        Ok(Self { embedding: stored, layers, final_norm, head: panels(&[head])? })
    }

    /// Memory of the weights in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let layer = |l: &Layer| l.qkv.bytes() + l.attn_out.bytes() + l.gate_up.bytes() + l.down.bytes();
        self.layers.iter().map(layer).sum::<usize>() + self.head.bytes() + self.embedding.bytes.len()
    }
}

/// The tensors that nobody has asked for yet.
struct Source<'a> {
    tensors: HashMap<&'a str, &'a Tensor<'a>>,
}

impl<'a> Source<'a> {
    fn take(&mut self, name: &str, shape: &[usize]) -> Result<&'a Tensor<'a>, Fault> {
        let tensor = self.tensors.remove(name).ok_or_else(|| Fault::Missing { name: name.to_owned() })?;
        let expected: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
        if tensor.shape != expected {
            return Err(Fault::Shape { name: name.to_owned(), found: tensor.shape.clone(), expected });
        }
        Ok(tensor)
    }

    fn vector(&mut self, name: &str, size: usize) -> Result<Vec<f32>, Fault> {
        let tensor = self.take(name, &[size])?;
        let mut out = vec![0.0; size];
        dequantise(tensor.kind, tensor.data, &mut out);
        match out.iter().all(|value| value.is_finite()) {
            true => Ok(out),
            false => Err(Fault::NotFinite { name: name.to_owned(), row: 0 }),
        }
    }

    fn nothing_left(self) -> Result<(), Fault> {
        match self.tensors.keys().min() {
            None => Ok(()),
            Some(name) => Err(Fault::Superfluous { name: (*name).to_owned() }),
        }
    }
}

/// One matrix whose rows are those of `parts`, one after the other. All have the same row length.
fn panels(parts: &[&Tensor<'_>]) -> Result<Panels, Fault> {
    let rows: Vec<(&Tensor<'_>, usize)> =
        parts.iter().flat_map(|tensor| (0..tensor.rows()).map(move |row| (*tensor, row))).collect();
    let bad = std::sync::atomic::AtomicUsize::new(usize::MAX);
    let panels = Panels::build(rows.len(), parts[0].row_len(), |n, out| {
        let (tensor, row) = rows[n];
        dequantise(tensor.kind, &tensor.data[row * tensor.row_bytes()..][..tensor.row_bytes()], out);
        // The sum of magnitudes is finite only if all are (or so large that the model could not compute anything).
        if !out.iter().map(|value| value.abs()).sum::<f32>().is_finite() {
            bad.fetch_min(n, std::sync::atomic::Ordering::Relaxed);
        }
    });
    match bad.into_inner() {
        usize::MAX => Ok(panels),
        n => Err(Fault::NotFinite { name: rows[n].0.name.to_owned(), row: rows[n].1 }),
    }
}
