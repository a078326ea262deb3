//! A decoder's weights, checked against its configuration and laid out by a backend.
//!
//! Every tensor that the configuration asks for must be there in its shape, and no other: a file that holds more would
//! compute something else than we do. Start with [`Weights::load`]; [`names`] knows what files call each part, and
//! [`source`] hands tensors out. Not here: reading files (`gguf`, `folder`).

mod names;
mod source;

use crate::Error;
use crate::arch::{Architecture, Config, NormKind};
use crate::backend::Backend;
use crate::gguf::{Tensor, TensorType};
use crate::quant::dequantise;
pub(crate) use names::Layout;
use names::Part;
pub(crate) use source::{Form, Given};
use source::{Matrix, Source};

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
    fn new(tensor: &Tensor<'_>) -> Self {
        Self { bytes: tensor.data.into(), kind: tensor.kind, row_bytes: tensor.row_bytes() }
    }

    /// Writes the row of `token`, which must be in the vocabulary.
    pub(crate) fn row(&self, token: usize, out: &mut [f32]) {
        dequantise(self.kind, &self.bytes[token * self.row_bytes..][..self.row_bytes], out);
    }
}

/// Weight and perhaps bias of a norm, each `[width]`.
#[derive(Debug)]
pub(crate) enum Norm<V> {
    /// By the root mean square.
    Rms { weight: V },
    /// By mean and variance.
    Layer { weight: V, bias: V },
}

/// A matrix and perhaps a bias for each of its outputs.
#[derive(Debug)]
pub(crate) struct Linear<B: Backend> {
    pub weights: B::Matrix,
    pub bias: Option<B::Vector>,
}

#[derive(Debug)]
pub(crate) struct Layer<B: Backend> {
    pub attn_norm: Norm<B::Vector>,
    /// Outputs: all heads of q, then of k, then of v.
    pub qkv: Linear<B>,
    /// Weights of the norms of query and of key heads, `[head_dim]` each.
    pub head_norms: Option<[B::Vector; 2]>,
    pub out: Linear<B>,
    pub post_attn: Option<Norm<B::Vector>>,
    pub ffn_norm: Norm<B::Vector>,
    /// Outputs: the gate and then what it multiplies, or only what is activated.
    pub up: Linear<B>,
    pub down: Linear<B>,
    pub post_ffn: Option<Norm<B::Vector>>,
}

#[derive(Debug)]
pub(crate) struct Weights<B: Backend> {
    pub embedding: Embedding,
    /// Rows of learned positions.
    pub positions: Option<Embedding>,
    pub layers: Vec<Layer<B>>,
    pub final_norm: Norm<B::Vector>,
    pub head: B::Matrix,
}

impl<B: Backend> Weights<B> {
    /// Lays all weights out, in parallel. `release` is called now and then, when nothing of what was read is needed again.
    pub(crate) fn load<'a>(
        backend: &B,
        tensors: impl Iterator<Item = &'a Tensor<'a>>,
        layout: Layout,
        config: &Config,
        release: &dyn Fn(),
    ) -> Result<Self, Error> {
        let mut loader = Loader { backend, source: Source::new(tensors, layout, config), layout, config };
        let (width, vocab) = (config.width, config.vocab);
        let embedding = loader.source.take(&loader.weight(Part::Embedding, 0), &[width, vocab])?;
        let positions = match config.learned_positions {
            true => {
                let name = loader.weight(Part::Positions, 0);
                Some(Embedding::new(loader.source.take(&name, &[width, config.context])?))
            }
            false => None,
        };
        let final_norm = loader.norm(Part::FinalNorm, 0)?;
        let head = match config.tied {
            true => embedding,
            false => loader.source.take(&loader.weight(Part::Head, 0), &[width, vocab])?,
        };
        let head = Matrix::stored(head).place(backend)?;
        let embedding = Embedding::new(embedding);
        release();
        let mut layers = Vec::with_capacity(config.layers);
        for layer in 0..config.layers {
            layers.push(loader.layer(layer)?);
            release();
        }
        loader.source.nothing_left()?;
        Ok(Self { embedding, positions, layers, final_norm, head })
    }

    /// Memory of the weights in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let layer = |l: &Layer<B>| {
            [&l.qkv, &l.out, &l.up, &l.down].map(|linear| B::bytes(&linear.weights)).iter().sum::<usize>()
        };
        let rows = |rows: &Embedding| rows.bytes.len();
        self.layers.iter().map(layer).sum::<usize>()
            + B::bytes(&self.head)
            + rows(&self.embedding)
            + self.positions.as_ref().map_or(0, rows)
    }
}

struct Loader<'a, 'c, B> {
    backend: &'c B,
    source: Source<'a>,
    layout: Layout,
    config: &'c Config,
}

impl<'a, B: Backend> Loader<'a, '_, B> {
    fn weight(&self, part: Part, layer: usize) -> String {
        self.layout.name(self.config.architecture, part, layer, "weight")
    }

    fn vector(&mut self, part: Part, layer: usize, kind: &str, size: usize) -> Result<Vec<f32>, Fault> {
        let name = self.layout.name(self.config.architecture, part, layer, kind);
        self.source.vector(&name, size)
    }

    /// The weight of a norm; some files store its difference from one.
    fn norm_weight(&mut self, part: Part, layer: usize, size: usize) -> Result<B::Vector, Fault> {
        let mut weight = self.vector(part, layer, "weight", size)?;
        if self.layout.norms_are_offsets(self.config.architecture) {
            weight.iter_mut().for_each(|weight| *weight += 1.0);
        }
        Ok(self.backend.vector(weight))
    }

    fn norm(&mut self, part: Part, layer: usize) -> Result<Norm<B::Vector>, Fault> {
        let width = self.config.width;
        let weight = self.norm_weight(part, layer, width)?;
        Ok(match self.config.norm {
            NormKind::Layer => {
                let bias = self.backend.vector(self.vector(part, layer, "bias", width)?);
                Norm::Layer { weight, bias }
            }
            NormKind::Rms => Norm::Rms { weight },
        })
    }

    fn post_norm(&mut self, part: Part, layer: usize) -> Result<Option<Norm<B::Vector>>, Fault> {
        if self.config.post_norms { self.norm(part, layer).map(Some) } else { Ok(None) }
    }

    fn matrix(
        &mut self,
        part: Part,
        layer: usize,
        depth: usize,
        outputs: usize,
    ) -> Result<Matrix<'a>, Fault> {
        let name = self.weight(part, layer);
        match self.layout.is_transposed(self.config.architecture) {
            true => Ok(Matrix::transposed(self.source.take(&name, &[outputs, depth])?)),
            false => Ok(Matrix::stored(self.source.take(&name, &[depth, outputs])?)),
        }
    }

    /// Some parts, one after the other, as one matrix with one bias.
    fn linear(
        &mut self,
        parts: &[(Part, usize)],
        layer: usize,
        depth: usize,
        biased: bool,
    ) -> Result<Linear<B>, Fault> {
        let mut matrices = Vec::new();
        let mut bias = Vec::new();
        for &(part, outputs) in parts {
            matrices.push(self.matrix(part, layer, depth, outputs)?);
            if biased {
                bias.extend(self.vector(part, layer, "bias", outputs)?);
            }
        }
        let matrix = Matrix::stacked(matrices);
        Ok(Linear { weights: matrix.place(self.backend)?, bias: biased.then(|| self.backend.vector(bias)) })
    }

    fn layer(&mut self, layer: usize) -> Result<Layer<B>, Fault> {
        let config = self.config;
        let (width, ffn) = (config.width, config.ffn);
        let gathered = config.heads * config.head_dim;
        let up: &[(Part, usize)] = match (config.gated, config.architecture) {
            (true, Architecture::Phi3) => &[(Part::GateUp, 2 * ffn)],
            (true, _) => &[(Part::Gate, ffn), (Part::Up, ffn)],
            (false, _) => &[(Part::Up, ffn)],
        };
        Ok(Layer {
            attn_norm: self.norm(Part::AttnNorm, layer)?,
            qkv: self.qkv(layer)?,
            head_norms: match config.head_norms {
                true => Some([
                    self.norm_weight(Part::QueryNorm, layer, config.head_dim)?,
                    self.norm_weight(Part::KeyNorm, layer, config.head_dim)?,
                ]),
                false => None,
            },
            out: self.linear(&[(Part::Out, width)], layer, gathered, config.biases.out)?,
            post_attn: self.post_norm(Part::PostAttn, layer)?,
            ffn_norm: self.norm(Part::FfnNorm, layer)?,
            up: self.linear(up, layer, width, config.biases.mlp)?,
            down: self.linear(&[(Part::Down, width)], layer, ffn, config.biases.mlp)?,
            post_ffn: self.post_norm(Part::PostFfn, layer)?,
        })
    }

    fn qkv(&mut self, layer: usize) -> Result<Linear<B>, Fault> {
        let config = self.config;
        let (q, kv) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
        if !self.layout.is_fused(config.architecture) {
            let parts = [(Part::Query, q), (Part::Key, kv), (Part::Value, kv)];
            return self.linear(&parts, layer, config.width, config.biases.qkv);
        }
        let outputs = q + 2 * kv;
        let mut matrix = self.matrix(Part::Qkv, layer, config.width, outputs)?;
        let mut bias = match config.biases.qkv {
            true => Some(self.vector(Part::Qkv, layer, "bias", outputs)?),
            false => None,
        };
        if self.layout.heads_are_together(config.architecture) {
            // The file has q, k and v of the first head, then of the second, and so on.
            let dim = config.head_dim;
            let row = |n: usize| (n / dim % config.heads) * 3 * dim + n / q * dim + n % dim;
            matrix.reorder(row);
            bias = bias.map(|bias| (0..outputs).map(|n| bias[row(n)]).collect());
        }
        let bias = bias.map(|bias| self.backend.vector(bias));
        Ok(Linear { weights: matrix.place(self.backend)?, bias })
    }
}
