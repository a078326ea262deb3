//! One pass over checked inputs, from embeddings to logits, with a visit of the hooks at every site.

use super::merge::{self, Span};
use super::{Input, Logits, Work, rotary};
use crate::arch::{Config, Rotary};
use crate::backend::{Attend, Backend, Heads, Sequence};
use crate::hook::{Hooks, Place, Site, Taps};
use crate::weights::{Layer, Linear, Norm, Weights};

/// A backend, a model's weights there, and its shape.
pub(crate) type Computed<'a, B> = (&'a B, &'a Weights<B>, &'a Config);

/// What the layers work on: a row each for every row of the pass.
struct Buffers<B: Backend> {
    /// The residual stream: `width`.
    stream: B::Rows,
    /// Normalised stream, and what a part adds to the stream: `width`.
    normed: B::Rows,
    added: B::Rows,
    qkv: B::Rows,
    /// What the heads gathered: `heads · head_dim`.
    gathered: B::Rows,
    /// `2 · ffn` or, without a gate, `ffn`; and `ffn`.
    up: B::Rows,
    inner: B::Rows,
}

struct Pass<'a, B: Backend> {
    backend: &'a B,
    weights: &'a Weights<B>,
    config: &'a Config,
    /// Whose the rows are: those of the first span, then of the second, and so on.
    spans: Vec<Span>,
    places: Vec<Place>,
    /// Cosines and sines of each row, for each of the model's rotary embeddings.
    angles: Vec<B::Rows>,
}

pub(crate) fn run<B: Backend>(
    (backend, weights, config): Computed<'_, B>,
    inputs: &mut [Input<'_>],
    taps: &mut Taps<'_>,
) -> Logits {
    let spans = merge::begin(inputs, !taps.is_none());
    let mut hooks = Hooks::new(inputs.iter().map(|input| input.edits).collect(), taps);
    let mut pass = Pass { backend, weights, config, spans, places: Vec::new(), angles: Vec::new() };
    if let Some(parts) = merge::part(&pass.spans, inputs, 0) {
        pass.spans = parts.into_iter().map(|(_, span)| span).collect();
    }
    pass.place(inputs);
    let stream = pass.embedding(inputs);
    let mut buffers = pass.buffers(stream);
    pass.visit(&mut hooks, Site::Embedding, &mut buffers.stream);
    let asked = inputs.iter().map(|input| input.tokens.len() as u64).sum();
    let mut work = Work { tokens: asked, ..Work::default() };
    for (index, layer) in weights.layers.iter().enumerate() {
        let rows = pass.places.len() as u64;
        work.layer_tokens += rows;
        work.shared_layer_tokens += asked - rows;
        pass.layer(index, layer, inputs, &mut buffers, &mut hooks);
        pass.part(index + 1, inputs, &mut buffers);
        pass.visit(&mut hooks, Site::ResidPost(index), &mut buffers.stream);
    }
    let mut logits = pass.logits(inputs, &buffers.stream, &mut hooks);
    work.logits = (logits.values.len() / config.vocab) as u64;
    logits.work = work;
    for input in inputs {
        input.cache.advance(input.tokens.len());
    }
    logits
}

impl<B: Backend> Pass<'_, B> {
    /// Says whose each row is and where it stands.
    fn place(&mut self, inputs: &[Input<'_>]) {
        let places = |span: &Span| {
            let input = span.leader();
            let start = inputs[input].cache.len();
            span.rows.clone().map(move |i| Place { input, position: start + i })
        };
        self.places = self.spans.iter().flat_map(places).collect();
        let angles = |rotary: &Rotary| {
            let mut angles = Vec::with_capacity(2 * rotary.frequencies.len() * self.places.len());
            for place in &self.places {
                rotary::angles(rotary, place.position, inputs[place.input].cache.is_long(), &mut angles);
            }
            self.backend.rows(angles, 2 * rotary.frequencies.len())
        };
        self.angles = self.config.rotaries.iter().map(angles).collect();
    }

    /// Lets edits and taps of a site look at its rows.
    fn visit(&self, hooks: &mut Hooks<'_, '_>, site: Site, rows: &mut B::Rows) {
        if hooks.concern(site) {
            self.backend.visit(rows, |rows| hooks.visit(site, &self.places, rows));
        }
    }

    /// Parts the spans whose inputs differ from `stage` on: each part gets a copy of the rows.
    fn part(&mut self, stage: usize, inputs: &[Input<'_>], buffers: &mut Buffers<B>) {
        let Some(parts) = merge::part(&self.spans, inputs, stage) else { return };
        let kept = self.choose(parts, inputs);
        *buffers = self.buffers(self.backend.select(&buffers.stream, &kept));
    }

    /// Lets go of the rows from which no logits are wanted, once the last layer's keys and values are stored: no other
    /// row reads what would be computed of them.
    fn narrow(&mut self, inputs: &[Input<'_>], buffers: &mut Buffers<B>) {
        let Some(narrowed) = merge::narrow(&self.spans, inputs) else { return };
        let kept = self.choose(narrowed, inputs);
        let qkv = self.backend.select(&buffers.qkv, &kept);
        *buffers = Buffers { qkv, ..self.buffers(self.backend.select(&buffers.stream, &kept)) };
    }

    /// Goes on with `spans`, each with the number of the one whose rows it takes; returns the numbers of the rows taken.
    fn choose(&mut self, spans: Vec<(usize, Span)>, inputs: &[Input<'_>]) -> Vec<usize> {
        let firsts = merge::firsts(&self.spans);
        let taken = |(source, span): &(usize, Span)| {
            // Of a span, rows are only ever left out at its beginning.
            let first = firsts[*source] + span.rows.start - self.spans[*source].rows.start;
            first..first + span.rows.len()
        };
        let kept = spans.iter().flat_map(taken).collect();
        self.spans = spans.into_iter().map(|(_, span)| span).collect();
        self.place(inputs);
        kept
    }

    fn buffers(&self, stream: B::Rows) -> Buffers<B> {
        let config = self.config;
        let room = |width: usize| self.backend.room(self.places.len(), width);
        Buffers {
            stream,
            normed: room(config.width),
            added: room(config.width),
            qkv: room((config.heads + 2 * config.kv_heads) * config.head_dim),
            gathered: room(config.heads * config.head_dim),
            up: room(if config.gated { 2 * config.ffn } else { config.ffn }),
            inner: room(config.ffn),
        }
    }

    /// The rows of the tokens, scaled, and with the learned vectors of their positions added, where the family does.
    fn embedding(&self, inputs: &[Input<'_>]) -> B::Rows {
        let width = self.config.width;
        let mut rows = vec![0.0; self.places.len() * width];
        let tokens = self.spans.iter().flat_map(|span| inputs[span.leader()].tokens);
        for (row, token) in rows.chunks_exact_mut(width).zip(tokens) {
            self.weights.embedding.row(*token as usize, row);
        }
        if self.config.embedding_scale != 1.0 {
            rows.iter_mut().for_each(|value| *value *= self.config.embedding_scale);
        }
        if let Some(positions) = &self.weights.positions {
            let mut learned = vec![0.0; width];
            for (row, place) in rows.chunks_exact_mut(width).zip(&self.places) {
                positions.row(place.position, &mut learned);
                row.iter_mut().zip(&learned).for_each(|(value, learned)| *value += learned);
            }
        }
        self.backend.rows(rows, width)
    }

    fn layer(
        &mut self,
        index: usize,
        layer: &Layer<B>,
        inputs: &mut [Input<'_>],
        b: &mut Buffers<B>,
        hooks: &mut Hooks<'_, '_>,
    ) {
        self.visit(hooks, Site::ResidPre(index), &mut b.stream);
        self.norm(&b.stream, &layer.attn_norm, &mut b.normed);
        self.linear(&b.normed, &layer.qkv, &mut b.qkv);
        self.place_queries_and_keys(index, layer, &mut b.qkv);
        self.store(index, inputs, &b.qkv);
        if index + 1 == self.config.layers && !hooks.taps_layer(index) {
            self.narrow(inputs, b);
            if self.places.is_empty() {
                return;
            }
        }
        self.attention(index, layer, inputs, b, hooks);
        if self.config.parallel {
            // The feed-forward part reads the stream as it was before the layer.
            self.norm(&b.stream, &layer.ffn_norm, &mut b.normed);
            self.backend.add(&mut b.stream, &b.added);
        } else {
            self.backend.add(&mut b.stream, &b.added);
            self.visit(hooks, Site::ResidMid(index), &mut b.stream);
            self.norm(&b.stream, &layer.ffn_norm, &mut b.normed);
        }
        self.linear(&b.normed, &layer.up, &mut b.up);
        self.backend.activate(self.config.activation, self.config.gated, &b.up, &mut b.inner);
        self.visit(hooks, Site::Neurons(index), &mut b.inner);
        self.linear(&b.inner, &layer.down, &mut b.added);
        self.post_norm(layer.post_ffn.as_ref(), b);
        self.visit(hooks, Site::MlpOut(index), &mut b.added);
        self.backend.add(&mut b.stream, &b.added);
    }

    /// Leaves what attention adds to the stream in `added`; the caches hold the keys and values.
    fn attention(
        &self,
        index: usize,
        layer: &Layer<B>,
        inputs: &[Input<'_>],
        b: &mut Buffers<B>,
        hooks: &mut Hooks<'_, '_>,
    ) {
        self.attend(index, inputs, b, hooks);
        if hooks.concern_heads(index) {
            let dim = self.config.head_dim;
            let look = |rows: &mut [f32]| hooks.visit_heads(index, dim, &self.places, rows);
            self.backend.visit(&mut b.gathered, look);
        }
        self.linear(&b.gathered, &layer.out, &mut b.added);
        self.post_norm(layer.post_attn.as_ref(), b);
        self.visit(hooks, Site::AttnOut(index), &mut b.added);
    }

    fn attend(&self, layer: usize, inputs: &[Input<'_>], b: &mut Buffers<B>, hooks: &mut Hooks<'_, '_>) {
        let sequence = |span: &Span| {
            let cache = &*inputs[span.leader()].cache;
            Sequence { cache, first: cache.len() + span.rows.start, tokens: span.rows.len() }
        };
        let sequences: Vec<Sequence<'_>> = self.spans.iter().map(sequence).collect();
        let ask = Attend { config: self.config, layer, sequences: &sequences };
        if !hooks.wants_patterns(layer) {
            return self.backend.attend(ask, &b.qkv, &mut b.gathered, None);
        }
        let mut tell = |row: usize, head: usize, pattern: &[f32]| {
            let place = &self.places[row];
            hooks.tell(Site::Pattern { layer, head }, place, &pattern[..=place.position]);
        };
        self.backend.attend(ask, &b.qkv, &mut b.gathered, Some(&mut tell));
    }

    fn linear(&self, x: &B::Rows, linear: &Linear<B>, y: &mut B::Rows) {
        self.backend.linear(x, &linear.weights, linear.bias.as_ref(), y);
    }

    fn norm(&self, x: &B::Rows, norm: &Norm<B::Vector>, out: &mut B::Rows) {
        self.backend.norm(x, norm, self.config.eps, out);
    }

    /// Normalises what is about to be added, where the family does.
    fn post_norm(&self, norm: Option<&Norm<B::Vector>>, b: &mut Buffers<B>) {
        if let Some(norm) = norm {
            self.norm(&b.added, norm, &mut b.normed);
            std::mem::swap(&mut b.added, &mut b.normed);
        }
    }

    /// Normalises and rotates all query and key heads, where the family does.
    fn place_queries_and_keys(&self, index: usize, layer: &Layer<B>, qkv: &mut B::Rows) {
        let (config, dim) = (self.config, self.config.head_dim);
        let (queries, all) = (config.heads, config.heads + config.kv_heads);
        if let Some([query, key]) = &layer.head_norms {
            self.backend.norm_heads(qkv, &Heads { numbers: 0..queries, dim }, query, config.eps);
            self.backend.norm_heads(qkv, &Heads { numbers: queries..all, dim }, key, config.eps);
        }
        if let Some(rotary) = config.kinds[index].rotary {
            let pairs = config.rotaries[rotary].pairs;
            self.backend.rotate(qkv, &Heads { numbers: 0..all, dim }, pairs, &self.angles[rotary]);
        }
    }

    /// Puts the new tokens' keys and values into the caches.
    fn store(&self, layer: usize, inputs: &mut [Input<'_>], qkv: &B::Rows) {
        for (span, first) in self.spans.iter().zip(merge::firsts(&self.spans)) {
            let rows = first..first + span.rows.len();
            merge::lead(span, inputs, layer, |cache| {
                self.backend.store(qkv, rows, cache, (self.config, layer));
            });
        }
    }

    fn logits(&self, inputs: &[Input<'_>], stream: &B::Rows, hooks: &mut Hooks<'_, '_>) -> Logits {
        let config = self.config;
        // The first row of each input, and the new token that it belongs to.
        let mut starts = vec![(0, 0); inputs.len()];
        for (span, first) in self.spans.iter().zip(merge::firsts(&self.spans)) {
            span.inputs.iter().for_each(|&input| starts[input] = (first, span.rows.start));
        }
        let mut spans = Vec::with_capacity(inputs.len());
        let mut wanted = Vec::new();
        let mut places = Vec::new();
        for (index, (input, (first, of))) in inputs.iter().zip(starts).enumerate() {
            let start = wanted.len();
            for i in input.wanted() {
                wanted.push(first + i - of);
                places.push(Place { input: index, position: input.cache.len() + i });
            }
            spans.push(start..wanted.len());
        }
        if wanted.is_empty() {
            return Logits { values: Vec::new(), vocab: config.vocab, spans, work: Work::default() };
        }
        let rows = self.backend.select(stream, &wanted);
        let mut normed = self.backend.room(wanted.len(), config.width);
        self.norm(&rows, &self.weights.final_norm, &mut normed);
        let look = |hooks: &mut Hooks<'_, '_>, site, rows: &mut B::Rows| {
            if hooks.concern(site) {
                self.backend.visit(rows, |rows| hooks.visit(site, &places, rows));
            }
        };
        look(hooks, Site::FinalNorm, &mut normed);
        let mut values = head((self.backend, self.weights, config), &normed, wanted.len());
        look(hooks, Site::Logits, &mut values);
        let values = self.backend.values(values);
        Logits { values, vocab: config.vocab, spans, work: Work::default() }
    }
}

/// Logits of so many normalised rows.
fn head<B: Backend>((backend, weights, config): Computed<'_, B>, normed: &B::Rows, count: usize) -> B::Rows {
    let mut values = backend.room(count, config.vocab);
    backend.linear(normed, &weights.head, None, &mut values);
    if let Some(cap) = config.logit_cap {
        backend.soft_cap(&mut values, cap);
    }
    values
}

/// Logits of rows of the stream, as if it ended there.
pub(crate) fn unembed<B: Backend>(of: Computed<'_, B>, stream: &[f32]) -> Vec<f32> {
    let (backend, weights, config) = of;
    let count = stream.len() / config.width;
    let stream = backend.rows(stream.to_vec(), config.width);
    let mut normed = backend.room(count, config.width);
    backend.norm(&stream, &weights.final_norm, config.eps, &mut normed);
    backend.values(head(of, &normed, count))
}
