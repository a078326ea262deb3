//! One pass over checked inputs, from embeddings to logits, with a visit of the hooks at every site.

use super::attention::Attention;
use super::merge::{self, Span};
use super::{Input, Logits, Work, rotary};
use crate::arch::{Config, NormKind};
use crate::hook::{Hooks, Place, Site, Taps};
use crate::kernel::{Isa, Stored, rows, team};
use crate::model::Model;
use crate::weights::{Layer, Linear, Norm};

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
    /// `2 · ffn` or, without a gate, `ffn`; and `ffn`.
    up: Vec<f32>,
    inner: Vec<f32>,
}

struct Pass<'a> {
    isa: Isa,
    config: &'a Config,
    /// Whose the rows are: those of the first span, then of the second, and so on.
    spans: Vec<Span>,
    places: Vec<Place>,
    /// Cosines and sines of each row, for each of the model's rotary embeddings.
    angles: Vec<Vec<Vec<(f32, f32)>>>,
}

pub(super) fn run(model: &Model, inputs: &mut [Input<'_>], taps: &mut Taps<'_>) -> Logits {
    let config = model.config();
    let weights = model.weights();
    let spans = merge::begin(inputs, !taps.is_none());
    let mut hooks = Hooks::new(inputs.iter().map(|input| input.edits).collect(), taps);
    let mut pass = Pass { isa: model.isa(), config, spans, places: Vec::new(), angles: Vec::new() };
    if let Some(parts) = merge::part(&pass.spans, inputs, 0) {
        pass.spans = parts.into_iter().map(|(_, span)| span).collect();
    }
    pass.place(inputs);
    let mut buffers = pass.buffers();
    let tokens = pass.spans.iter().flat_map(|span| inputs[span.leader()].tokens);
    for (row, token) in buffers.stream.chunks_exact_mut(config.width).zip(tokens) {
        weights.embedding.row(*token as usize, row);
    }
    pass.finish_embedding(model, &mut buffers);
    hooks.visit(Site::Embedding, &pass.places, &mut buffers.stream);
    let asked = inputs.iter().map(|input| input.tokens.len() as u64).sum();
    let mut work = Work { tokens: asked, ..Work::default() };
    for (index, layer) in weights.layers.iter().enumerate() {
        let rows = pass.places.len() as u64;
        work.layer_tokens += rows;
        work.shared_layer_tokens += asked - rows;
        pass.layer(index, layer, inputs, &mut buffers, &mut hooks);
        pass.part(index + 1, inputs, &mut buffers);
        hooks.visit(Site::ResidPost(index), &pass.places, &mut buffers.stream);
    }
    let mut logits = pass.logits(model, inputs, &buffers.stream, &mut hooks);
    work.logits = (logits.values.len() / config.vocab) as u64;
    logits.work = work;
    for input in inputs {
        input.cache.advance(input.tokens.len());
    }
    logits
}

impl Pass<'_> {
    /// Says whose each row is and where it stands.
    fn place(&mut self, inputs: &[Input<'_>]) {
        let places = |span: &Span| {
            let (input, tokens) = (span.leader(), span.tokens);
            let start = inputs[input].cache.len();
            (0..tokens).map(move |i| Place { input, position: start + i })
        };
        self.places = self.spans.iter().flat_map(places).collect();
        let angles = |rotary| {
            let long = |place: &Place| inputs[place.input].cache.is_long();
            self.places.iter().map(|place| rotary::angles(rotary, place.position, long(place))).collect()
        };
        self.angles = self.config.rotaries.iter().map(angles).collect();
    }

    /// Parts the spans whose inputs differ from `stage` on: each part gets a copy of the rows.
    fn part(&mut self, stage: usize, inputs: &[Input<'_>], buffers: &mut Buffers) {
        let Some(parts) = merge::part(&self.spans, inputs, stage) else { return };
        let width = self.config.width;
        let mut starts = Vec::with_capacity(self.spans.len());
        let mut rows = 0;
        for span in &self.spans {
            starts.push(rows);
            rows += span.tokens;
        }
        let old = std::mem::take(&mut buffers.stream);
        self.spans = Vec::with_capacity(parts.len());
        let mut stream = Vec::with_capacity(width * parts.iter().map(|(_, span)| span.tokens).sum::<usize>());
        for (source, span) in parts {
            stream.extend_from_slice(&old[starts[source] * width..][..span.tokens * width]);
            self.spans.push(span);
        }
        self.place(inputs);
        *buffers = Buffers { stream, ..self.buffers() };
    }

    fn buffers(&self) -> Buffers {
        let config = self.config;
        let buffer = |width: usize| vec![0.0; self.places.len() * width];
        Buffers {
            stream: buffer(config.width),
            normed: buffer(config.width),
            added: buffer(config.width),
            qkv: buffer((config.heads + 2 * config.kv_heads) * config.head_dim),
            gathered: buffer(config.heads * config.head_dim),
            up: buffer(if config.gated { 2 * config.ffn } else { config.ffn }),
            inner: buffer(config.ffn),
        }
    }

    /// Scales the looked up rows and adds the learned vectors of their positions, where the family does.
    fn finish_embedding(&self, model: &Model, b: &mut Buffers) {
        let width = self.config.width;
        if self.config.embedding_scale != 1.0 {
            b.stream.iter_mut().for_each(|value| *value *= self.config.embedding_scale);
        }
        if let Some(positions) = &model.weights().positions {
            let mut learned = vec![0.0; width];
            for (row, place) in b.stream.chunks_exact_mut(width).zip(&self.places) {
                positions.row(place.position, &mut learned);
                rows::add(row, &learned);
            }
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
        self.attention(index, layer, inputs, b, hooks);
        if self.config.parallel {
            // The feed-forward part reads the stream as it was before the layer.
            self.norm(&b.stream, &layer.ffn_norm, &mut b.normed);
            rows::add(&mut b.stream, &b.added);
        } else {
            rows::add(&mut b.stream, &b.added);
            hooks.visit(Site::ResidMid(index), &self.places, &mut b.stream);
            self.norm(&b.stream, &layer.ffn_norm, &mut b.normed);
        }
        self.linear(&b.normed, &layer.up, &mut b.up);
        self.activate(&b.up, &mut b.inner);
        hooks.visit(Site::Neurons(index), &self.places, &mut b.inner);
        self.linear(&b.inner, &layer.down, &mut b.added);
        self.post_norm(layer.post_ffn.as_ref(), b);
        hooks.visit(Site::MlpOut(index), &self.places, &mut b.added);
        rows::add(&mut b.stream, &b.added);
    }

    /// Leaves what attention adds to the stream in `added`.
    fn attention(
        &self,
        index: usize,
        layer: &Layer,
        inputs: &mut [Input<'_>],
        b: &mut Buffers,
        hooks: &mut Hooks<'_, '_>,
    ) {
        self.norm(&b.stream, &layer.attn_norm, &mut b.normed);
        self.linear(&b.normed, &layer.qkv, &mut b.qkv);
        self.place_queries_and_keys(index, layer, &mut b.qkv);
        self.store(index, inputs, &b.qkv);
        let attention =
            Attention { isa: self.isa, config: self.config, layer: index, inputs, spans: &self.spans };
        attention.attend(&b.qkv, &self.places, &mut b.gathered, hooks);
        hooks.visit_heads(index, self.config.head_dim, &self.places, &mut b.gathered);
        self.linear(&b.gathered, &layer.out, &mut b.added);
        self.post_norm(layer.post_attn.as_ref(), b);
        hooks.visit(Site::AttnOut(index), &self.places, &mut b.added);
    }

    fn linear(&self, x: &[f32], linear: &Linear, y: &mut [f32]) {
        self.multiply(x, &linear.weights, y);
        if let Some(bias) = &linear.bias {
            y.chunks_exact_mut(bias.len()).for_each(|row| rows::add(row, bias));
        }
    }

    fn multiply(&self, x: &[f32], w: &Stored, y: &mut [f32]) {
        w.multiply(self.isa, x, y);
    }

    fn norm(&self, x: &[f32], norm: &Norm, out: &mut [f32]) {
        let width = self.config.width;
        let rows = (WORTH_THREADS / width).max(1);
        team::chunks(out, rows * width, |number, out| {
            let x = &x[number * rows * width..];
            for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                norm_row(self.config, norm, x, out);
            }
        });
    }

    /// Normalises what is about to be added, where the family does.
    fn post_norm(&self, norm: Option<&Norm>, b: &mut Buffers) {
        if let Some(norm) = norm {
            self.norm(&b.added, norm, &mut b.normed);
            std::mem::swap(&mut b.added, &mut b.normed);
        }
    }

    fn activate(&self, up: &[f32], inner: &mut [f32]) {
        let (ffn, activation) = (self.config.ffn, self.config.activation);
        let width = if self.config.gated { 2 * ffn } else { ffn };
        let rows = (WORTH_THREADS / ffn).max(1);
        team::chunks(inner, rows * ffn, |number, inner| {
            let up = &up[number * rows * width..];
            for (inner, up) in inner.chunks_exact_mut(ffn).zip(up.chunks_exact(width)) {
                match self.config.gated {
                    true => rows::activate_times(activation, &up[..ffn], &up[ffn..], inner),
                    false => rows::activate(activation, up, inner),
                }
            }
        });
    }

    /// Normalises and rotates all query and key heads, where the family does.
    fn place_queries_and_keys(&self, index: usize, layer: &Layer, qkv: &mut [f32]) {
        let config = self.config;
        let (dim, queries) = (config.head_dim, config.heads);
        let width = qkv.len() / self.places.len();
        let placed = (config.heads + config.kv_heads) * dim;
        let rotary = config.kinds[index].rotary;
        if rotary.is_none() && layer.head_norms.is_none() {
            return;
        }
        let rows = (WORTH_THREADS / width).max(1);
        team::chunks(qkv, rows * width, |chunk, qkv| {
            let mut scratch = vec![0.0; dim];
            for (row, qkv) in qkv.chunks_exact_mut(width).enumerate() {
                for (number, head) in qkv[..placed].chunks_exact_mut(dim).enumerate() {
                    if let Some([query, key]) = &layer.head_norms {
                        let weight = if number < queries { query } else { key };
                        scratch.copy_from_slice(head);
                        rows::rms_norm(&scratch, weight, config.eps, head);
                    }
                    if let Some(rotary) = rotary {
                        let angles = &self.angles[rotary][chunk * rows + row];
                        rotary::rotate(config.rotaries[rotary].pairs, angles, head);
                    }
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
        for span in &self.spans {
            merge::lead(span, inputs, layer, |cache| {
                let positions = cache.len()..cache.len() + span.tokens;
                cache.prepare(layer, positions.end);
                for (position, row) in positions.zip(rows.by_ref()) {
                    let end = values + (values - keys);
                    cache.store(layer, position, &row[keys..values], &row[values..end]);
                }
            });
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
        let mut starts = vec![0; inputs.len()];
        let mut first = 0;
        for span in &self.spans {
            span.inputs.iter().for_each(|&input| starts[input] = first);
            first += span.tokens;
        }
        let mut spans = Vec::with_capacity(inputs.len());
        let mut wanted = Vec::new();
        let mut places = Vec::new();
        for (index, (input, first)) in inputs.iter().zip(starts).enumerate() {
            let start = wanted.len();
            for i in input.wanted() {
                wanted.push(first + i);
                places.push(Place { input: index, position: input.cache.len() + i });
            }
            spans.push(start..wanted.len());
        }
        if wanted.is_empty() {
            return Logits { values: Vec::new(), vocab: config.vocab, spans, work: Work::default() };
        }
        let mut normed = vec![0.0; wanted.len() * config.width];
        for (&row, out) in wanted.iter().zip(normed.chunks_exact_mut(config.width)) {
            let row = &stream[row * config.width..][..config.width];
            norm_row(config, &model.weights().final_norm, row, out);
        }
        hooks.visit(Site::FinalNorm, &places, &mut normed);
        let mut values = head(model, &normed);
        hooks.visit(Site::Logits, &places, &mut values);
        Logits { values, vocab: config.vocab, spans, work: Work::default() }
    }
}

fn norm_row(config: &Config, norm: &Norm, x: &[f32], out: &mut [f32]) {
    match (config.norm, &norm.bias) {
        (NormKind::Layer, Some(bias)) => rows::layer_norm(x, &norm.weight, bias, config.eps, out),
        _ => rows::rms_norm(x, &norm.weight, config.eps, out),
    }
}

/// Logits of normalised rows.
fn head(model: &Model, normed: &[f32]) -> Vec<f32> {
    let config = model.config();
    let mut values = vec![0.0; normed.len() / config.width * config.vocab];
    model.weights().head.multiply(model.isa(), normed, &mut values);
    if let Some(cap) = config.logit_cap {
        team::chunks(&mut values, WORTH_THREADS, |_, values| rows::soft_cap(values, cap));
    }
    values
}

/// Logits of rows of the stream, as if it ended there.
pub(super) fn unembed(model: &Model, stream: &[f32]) -> Vec<f32> {
    let config = model.config();
    let mut normed = vec![0.0; stream.len()];
    for (x, out) in stream.chunks_exact(config.width).zip(normed.chunks_exact_mut(config.width)) {
        norm_row(config, &model.weights().final_norm, x, out);
    }
    head(model, &normed)
}
