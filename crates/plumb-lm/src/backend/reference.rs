//! The plain backend: matrices row by row, every sum in f64 from left to right, one thread, no kernel.
//!
//! It shares nothing with the fast one but where keys and values are kept, so that a fault of one shows against the other.

use std::ops::Range;

use super::{Attend, Backend, Heads, Patterns};
use crate::arch::{Activation, Config, RotaryPairs};
use crate::cache::{Cache, PAGE};
use crate::weights::{Given, Norm};

#[derive(Debug)]
pub(crate) struct Reference;

/// `[outputs][depth]`.
#[derive(Debug)]
pub(crate) struct Matrix {
    values: Vec<f32>,
    depth: usize,
}

/// Each row by itself.
pub(crate) struct Rows(Vec<Vec<f32>>);

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn rms_norm(x: &[f32], weight: &[f32], eps: f64) -> Vec<f32> {
    let scale = 1.0 / (dot(x, x) / x.len() as f64 + eps).sqrt();
    x.iter().zip(weight).map(|(x, weight)| (f64::from(*x) * scale * f64::from(*weight)) as f32).collect()
}

fn layer_norm(x: &[f32], weight: &[f32], bias: &[f32], eps: f64) -> Vec<f32> {
    let count = x.len() as f64;
    let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
    let variance = x.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / count;
    let value = |i: usize| {
        let normal = (f64::from(x[i]) - mean) / (variance + eps).sqrt();
        (normal * f64::from(weight[i]) + f64::from(bias[i])) as f32
    };
    (0..x.len()).map(value).collect()
}

fn activated(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Gelu => 0.5 * x * (1.0 + libm::erf(x / std::f64::consts::SQRT_2)),
        Activation::GeluTanh => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        }
    }
}

fn capped(x: f64, cap: f32) -> f64 {
    f64::from(cap) * (x / f64::from(cap)).tanh()
}

/// Keys or values that a cache holds of a head of a layer: one of each position.
fn held(cache: &Cache, layer: usize, head: usize, seen: usize, dim: usize, keys: bool) -> Vec<Vec<f32>> {
    let mut scratch = Vec::new();
    let mut all = Vec::with_capacity(seen);
    for (page, first) in cache.pages(layer).iter().zip((0..seen).step_by(PAGE)) {
        let count = PAGE.min(seen - first);
        let part = match keys {
            true => page.keys(head, count, dim, &mut scratch),
            false => page.values(head, count, dim, &mut scratch),
        };
        let one = |i: usize, d: usize| if keys { part.at(i, d) } else { part.at(d, i) };
        all.extend((0..count).map(|i| (0..dim).map(|d| one(i, d)).collect::<Vec<f32>>()));
    }
    all
}

/// Attention weights of one query over all keys; those of positions outside `visible` are zero.
fn weights(config: &Config, query: &[f32], keys: &[Vec<f32>], visible: Range<usize>) -> Vec<f32> {
    let score = |key: &Vec<f32>| {
        let score = dot(query, key) * config.score_scale;
        config.score_cap.map_or(score, |cap| capped(score, cap))
    };
    let scores: Vec<f64> = keys[visible.clone()].iter().map(score).collect();
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    let mut all = vec![0.0; keys.len()];
    all[visible].iter_mut().zip(powers).for_each(|(weight, power)| *weight = (power / sum) as f32);
    all
}

impl Backend for Reference {
    type Matrix = Matrix;
    type Vector = Vec<f32>;
    type Rows = Rows;

    fn during<R>(&self, pass: impl FnOnce() -> R) -> R {
        pass()
    }

    fn matrix(&self, given: &Given<'_>) -> Matrix {
        let depth = given.depth();
        let mut values = vec![0.0; given.outputs() * depth];
        values.chunks_exact_mut(depth).enumerate().for_each(|(n, out)| given.full(n, out));
        Matrix { values, depth }
    }

    fn bytes(matrix: &Matrix) -> usize {
        size_of_val(&matrix.values[..])
    }

    fn vector(&self, values: Vec<f32>) -> Vec<f32> {
        values
    }

    fn rows(&self, values: Vec<f32>, width: usize) -> Rows {
        Rows(values.chunks_exact(width).map(<[f32]>::to_vec).collect())
    }

    fn room(&self, count: usize, width: usize) -> Rows {
        // Whoever read what nobody has written would show.
        Rows(vec![vec![f32::NAN; width]; count])
    }

    fn values(&self, rows: Rows) -> Vec<f32> {
        rows.0.concat()
    }

    fn visit(&self, rows: &mut Rows, look: impl FnOnce(&mut [f32])) {
        let mut all = rows.0.concat();
        look(&mut all);
        let mut left = &all[..];
        for row in &mut rows.0 {
            let (these, rest) = left.split_at(row.len());
            row.copy_from_slice(these);
            left = rest;
        }
    }

    fn select(&self, rows: &Rows, numbers: &[usize]) -> Rows {
        Rows(numbers.iter().map(|&number| rows.0[number].clone()).collect())
    }

    fn linear(&self, x: &Rows, w: &Matrix, bias: Option<&Vec<f32>>, y: &mut Rows) {
        for (x, y) in x.0.iter().zip(&mut y.0) {
            for (n, (y, row)) in y.iter_mut().zip(w.values.chunks_exact(w.depth)).enumerate() {
                *y = (dot(x, row) + bias.map_or(0.0, |bias| f64::from(bias[n]))) as f32;
            }
        }
    }

    fn norm(&self, x: &Rows, norm: &Norm<Vec<f32>>, eps: f64, out: &mut Rows) {
        for (x, out) in x.0.iter().zip(&mut out.0) {
            *out = match norm {
                Norm::Rms { weight } => rms_norm(x, weight, eps),
                Norm::Layer { weight, bias } => layer_norm(x, weight, bias, eps),
            };
        }
    }

    fn norm_heads(&self, rows: &mut Rows, heads: &Heads, weight: &Vec<f32>, eps: f64) {
        for row in &mut rows.0 {
            for number in heads.numbers.clone() {
                let head = &mut row[number * heads.dim..][..heads.dim];
                head.copy_from_slice(&rms_norm(head, weight, eps));
            }
        }
    }

    fn rotate(&self, rows: &mut Rows, heads: &Heads, pairs: RotaryPairs, angles: &Rows) {
        for (row, angles) in rows.0.iter_mut().zip(&angles.0) {
            let turns = angles.as_chunks::<2>().0;
            for number in heads.numbers.clone() {
                let head = &mut row[number * heads.dim..][..heads.dim];
                for (i, [cos, sin]) in turns.iter().enumerate() {
                    let (a, b) = match pairs {
                        RotaryPairs::Interleaved => (2 * i, 2 * i + 1),
                        RotaryPairs::Halves => (i, i + turns.len()),
                    };
                    let (x, y) = (f64::from(head[a]), f64::from(head[b]));
                    let (cos, sin) = (f64::from(*cos), f64::from(*sin));
                    head[a] = (x * cos - y * sin) as f32;
                    head[b] = (x * sin + y * cos) as f32;
                }
            }
        }
    }

    fn store(&self, qkv: &Rows, which: Range<usize>, cache: &mut Cache, (config, layer): (&Config, usize)) {
        let keys = config.heads * config.head_dim;
        let pairs = qkv.0[which].iter().map(|row| {
            let both = &row[keys..];
            both.split_at(both.len() / 2)
        });
        cache.append(layer, pairs);
    }

    fn attend(&self, ask: Attend<'_>, qkv: &Rows, out: &mut Rows, mut tell: Option<Patterns<'_>>) {
        let Attend { config, layer, sequences } = ask;
        let (dim, window) = (config.head_dim, config.kinds[layer].window.unwrap_or(usize::MAX));
        let mut row = 0;
        for sequence in sequences {
            let seen = sequence.first + sequence.tokens;
            for token in 0..sequence.tokens {
                let end = sequence.first + token + 1;
                let visible = end.saturating_sub(window)..end;
                for head in 0..config.heads {
                    let kv_head = head / config.group();
                    let keys = held(sequence.cache, layer, kv_head, seen, dim, true);
                    let values = held(sequence.cache, layer, kv_head, seen, dim, false);
                    let query = &qkv.0[row][head * dim..][..dim];
                    let weights = weights(config, query, &keys, visible.clone());
                    for d in 0..dim {
                        let column = values.iter().zip(&weights);
                        let sum: f64 = column.map(|(v, w)| f64::from(v[d]) * f64::from(*w)).sum();
                        out.0[row][head * dim + d] = sum as f32;
                    }
                    if let Some(tell) = &mut tell {
                        tell(row, head, &weights);
                    }
                }
                row += 1;
            }
        }
    }

    fn activate(&self, activation: Activation, gated: bool, x: &Rows, out: &mut Rows) {
        for (x, out) in x.0.iter().zip(&mut out.0) {
            for i in 0..out.len() {
                let times = if gated { f64::from(x[out.len() + i]) } else { 1.0 };
                out[i] = (activated(activation, f64::from(x[i])) * times) as f32;
            }
        }
    }

    fn add(&self, x: &mut Rows, y: &Rows) {
        for (x, y) in x.0.iter_mut().zip(&y.0) {
            x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
        }
    }

    fn soft_cap(&self, x: &mut Rows, cap: f32) {
        x.0.iter_mut().flatten().for_each(|x| *x = capped(f64::from(*x), cap) as f32);
    }
}
