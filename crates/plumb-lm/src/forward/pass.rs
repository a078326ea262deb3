//! One pass over checked inputs, from embeddings to logits, with a visit of the hooks at every site.

use rayon::prelude::*;

use super::{Input, Logits, attention, rotary};
use crate::config::Config;
use crate::hook::{Hooks, Place, Site, Taps};
use crate::kernel::{self, Isa, Panels, rows};
use crate::model::Model;
use crate::weights::Layer;

/// Fewer elements than this are not worth a second thread.
const WORTH_THREADS: usize = 1 << 13;

/// What the layers work on. All buffers are `rows ×` something, without gaps.
struct Buffers {
    /// The residual stream: `width`.
    stream: Vec<f32>,
    /// Normalised stream, and what a part adds to the stream: `width`.
    normed: Vec<f32>,
    added: Vec<f32>,
    qkv: Vec<f32>,
    /// What the heads gathered: `heads · head_dim`.
    gathered: Vec<f32>,
    /// `2 · ffn` and `ffn`.
    gate_up: Vec<f32>,
    inner: Vec<f32>,
}

struct Pass<'a> {
    isa: Isa,
    config: &'a Config,
    places: Vec<Place>,
    /// Rotary cosines and sines of each row.
    angles: Vec<Vec<(f32, f32)>>,
}

pub(super) fn run(model: &Model, inputs: &mut [Input<'_>], taps: &mut Taps<'_>) -> Logits {
    let config = model.config();
    let weights = model.weights();
    let mut hooks = Hooks::new(inputs.iter().map(|input| input.edits).collect(), taps);
    let places: Vec<Place> = inputs
        .iter()
        .enumerate()
        .flat_map(|(index, input)| {
            let start = input.cache.len();
            (0..input.tokens.len()).map(move |i| Place { input: index, position: start + i })
        })
        .collect();
    let angles = places.iter().map(|place| rotary::angles(&config.rotary, place.position)).collect();
    let pass = Pass { isa: model.isa(), config, places, angles };
    let mut buffers = pass.buffers();
    let tokens = inputs.iter().flat_map(|input| input.tokens);
    for (row, token) in buffers.stream.chunks_exact_mut(config.width).zip(tokens) {
        weights.embedding.row(*token as usize, row);
    }
    hooks.visit(Site::Embedding, &pass.places, &mut buffers.stream);
    for (index, layer) in weights.layers.iter().enumerate() {
        pass.layer(index, layer, inputs, &mut buffers, &mut hooks);
    }
    let logits = pass.logits(model, inputs, &buffers.stream, &mut hooks);
    for input in inputs {
        input.cache.advance(input.tokens.len());
    }
    logits
}

impl Pass<'_> {
    fn buffers(&self) -> Buffers {
        let config = self.config;
        let buffer = |width: usize| vec![0.0; self.places.len() * width];
        Buffers {
            stream: buffer(config.width),
            normed: buffer(config.width),
            added: buffer(config.width),
            qkv: buffer((config.heads + 2 * config.kv_heads) * config.head_dim),
            gathered: buffer(config.heads * config.head_dim),
            gate_up: buffer(2 * config.ffn),
            inner: buffer(config.ffn),
        }
    }

    fn layer(
        &self,
        index: usize,
        layer: &Layer,
        inputs: &mut [Input<'_>],
        b: &mut Buffers,
        hooks: &mut Hooks<'_, '_>,
    ) {
        hooks.visit(Site::ResidPre(index), &self.places, &mut b.stream);
        self.norm(&b.stream, &layer.attn_norm, &mut b.normed);
        self.multiply(&b.normed, &layer.qkv, &mut b.qkv);
        self.place_queries_and_keys(layer.qkv_bias.as_deref(), &mut b.qkv);
        self.store(index, inputs, &b.qkv);
        let width = layer.qkv.outputs();
        attention::attend(self.isa, self.config, index, inputs, &b.qkv, width, &mut b.gathered);
        self.multiply(&b.gathered, &layer.attn_out, &mut b.added);
        hooks.visit(Site::AttnOut(index), &self.places, &mut b.added);
        rows::add(&mut b.stream, &b.added);
        hooks.visit(Site::ResidMid(index), &self.places, &mut b.stream);

        self.norm(&b.stream, &layer.ffn_norm, &mut b.normed);
        self.multiply(&b.normed, &layer.gate_up, &mut b.gate_up);
        self.gate(&b.gate_up, &mut b.inner);
        self.multiply(&b.inner, &layer.down, &mut b.added);
        hooks.visit(Site::MlpOut(index), &self.places, &mut b.added);
        rows::add(&mut b.stream, &b.added);
        hooks.visit(Site::ResidPost(index), &self.places, &mut b.stream);
    }

    fn multiply(&self, x: &[f32], w: &Panels, y: &mut [f32]) {
        kernel::multiply_parallel(self.isa, x, w.operand(), y);
    }

    fn norm(&self, x: &[f32], weight: &[f32], out: &mut [f32]) {
        let (width, eps) = (self.config.width, self.config.eps);
        let rows = (WORTH_THREADS / width).max(1);
        out.par_chunks_mut(rows * width).zip(x.par_chunks(rows * width)).for_each(|(out, x)| {
            for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                rows::rms_norm(x, weight, eps, out);
            }
        });
    }

    fn gate(&self, gate_up: &[f32], inner: &mut [f32]) {
        let ffn = self.config.ffn;
        let rows = (WORTH_THREADS / ffn).max(1);
        inner.par_chunks_mut(rows * ffn).zip(gate_up.par_chunks(rows * 2 * ffn)).for_each(
            |(inner, gate_up)| {
                for (inner, gate_up) in inner.chunks_exact_mut(ffn).zip(gate_up.chunks_exact(2 * ffn)) {
                    rows::silu_times(&gate_up[..ffn], &gate_up[ffn..], inner);
                }
            },
        );
    }

    /// Adds the biases and rotates all query and key heads.
    fn place_queries_and_keys(&self, bias: Option<&[f32]>, qkv: &mut [f32]) {
        let config = self.config;
        let width = qkv.len() / self.places.len();
        let rotated = (config.heads + config.kv_heads) * config.head_dim;
        let rows = (WORTH_THREADS / width).max(1);
        qkv.par_chunks_mut(rows * width).zip(self.angles.par_chunks(rows)).for_each(|(qkv, angles)| {
            for (row, angles) in qkv.chunks_exact_mut(width).zip(angles) {
                if let Some(bias) = bias {
                    rows::add(row, bias);
                }
                for head in row[..rotated].chunks_exact_mut(config.head_dim) {
                    rotary::rotate(&config.rotary, angles, head);
                }
            }
        });
    }

    /// Puts the new tokens' keys and values into the caches.
    fn store(&self, layer: usize, inputs: &mut [Input<'_>], qkv: &[f32]) {
        let config = self.config;
        let dim = config.head_dim;
        let width = qkv.len() / self.places.len();
        let (keys, values) = (config.heads * dim, (config.heads + config.kv_heads) * dim);
        let mut rows = qkv.chunks_exact(width);
        for input in inputs {
            let start = input.cache.len();
            let end = start + input.tokens.len();
            let heads = input.cache.layer_mut(layer);
            heads.iter_mut().for_each(|head| head.grow(end, dim));
            for (position, row) in (start..end).zip(rows.by_ref()) {
                for (index, head) in heads.iter_mut().enumerate() {
                    head.store(
                        position,
                        &row[keys + index * dim..][..dim],
                        &row[values + index * dim..][..dim],
                    );
                }
            }
        }
    }

    fn logits(
        &self,
        model: &Model,
        inputs: &[Input<'_>],
        stream: &[f32],
        hooks: &mut Hooks<'_, '_>,
    ) -> Logits {
        let config = self.config;
        let mut spans = Vec::with_capacity(inputs.len());
        let mut wanted = Vec::new();
        let mut first = 0;
        for input in inputs {
            let start = wanted.len();
            wanted.extend(input.wanted().map(|i| first + i));
            spans.push(start..wanted.len());
            first += input.tokens.len();
        }
        if wanted.is_empty() {
            return Logits { values: Vec::new(), vocab: config.vocab, spans };
        }
        let places: Vec<Place> = wanted.iter().map(|&row| self.places[row]).collect();
        let mut normed = vec![0.0; wanted.len() * config.width];
        for (&row, out) in wanted.iter().zip(normed.chunks_exact_mut(config.width)) {
            let row = &stream[row * config.width..][..config.width];
            rows::rms_norm(row, &model.weights().final_norm, config.eps, out);
        }
        hooks.visit(Site::FinalNorm, &places, &mut normed);
        let mut values = vec![0.0; wanted.len() * config.vocab];
        self.multiply(&normed, &model.weights().head, &mut values);
        hooks.visit(Site::Logits, &places, &mut values);
        Logits { values, vocab: config.vocab, spans }
    }
}
