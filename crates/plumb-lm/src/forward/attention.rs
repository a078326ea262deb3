//! Causal attention of new tokens over a sequence's cache.
//!
//! Query heads that share a key-value head are rows of one product with it, so that its keys and values are read once
//! for the group. Scores of positions that a token must not see are never read; their weights are zero, and adding zero
//! times a finite value changes nothing.

use rayon::prelude::*;

use super::Input;
use crate::config::Config;
use crate::kernel::{self, Isa};

/// About so many query rows share one pass over the keys.
const TILE_ROWS: usize = 24;

/// Some consecutive new tokens of one input, at one key-value head.
struct Task {
    input: usize,
    kv_head: usize,
    /// First token among the input's new ones, and their number.
    first: usize,
    tokens: usize,
    /// Row of the first token in the batch.
    row: usize,
}

/// Reads rotated queries from `qkv` (`rows × qkv_width`, all heads of q first) and writes what the heads gathered to
/// `out` (`rows × heads · head_dim`). The caches already hold the new tokens' keys and values at `layer`.
pub(super) fn attend(
    isa: Isa,
    config: &Config,
    layer: usize,
    inputs: &[Input<'_>],
    qkv: &[f32],
    qkv_width: usize,
    out: &mut [f32],
) {
    let tasks = tasks(config, inputs);
    let compute = |task: &Task| {
        let cache = &inputs[task.input].cache;
        let head = cache.head(layer, task.kv_head);
        let (dim, group) = (config.head_dim, config.group());
        let before = cache.len() + task.first;
        let seen = before + task.tokens;
        let scale = 1.0 / (dim as f32).sqrt();
        let mut queries = Vec::with_capacity(task.tokens * group * dim);
        for token in 0..task.tokens {
            let row = &qkv[(task.row + token) * qkv_width..][task.kv_head * group * dim..][..group * dim];
            queries.extend(row.iter().map(|q| q * scale));
        }
        let mut scores = vec![0.0; task.tokens * group * seen];
        kernel::multiply(isa, &queries, head.keys(seen, dim), &mut scores);
        for (row, scores) in scores.chunks_exact_mut(seen).enumerate() {
            let (visible, hidden) = scores.split_at_mut(before + row / group + 1);
            kernel::rows::softmax(visible);
            hidden.fill(0.0);
        }
        let mut gathered = queries;
        kernel::multiply(isa, &scores, head.values(seen, dim), &mut gathered);
        gathered
    };
    let gathered: Vec<Vec<f32>> = tasks.par_iter().map(compute).collect();
    let (dim, group) = (config.head_dim, config.group());
    for (task, gathered) in tasks.iter().zip(gathered) {
        for (token, gathered) in gathered.chunks_exact(group * dim).enumerate() {
            let row = &mut out[(task.row + token) * config.heads * dim..];
            row[task.kv_head * group * dim..][..group * dim].copy_from_slice(gathered);
        }
    }
}

fn tasks(config: &Config, inputs: &[Input<'_>]) -> Vec<Task> {
    let tile = (TILE_ROWS / config.group()).max(1);
    let mut tasks = Vec::new();
    let mut row = 0;
    for (index, input) in inputs.iter().enumerate() {
        for first in (0..input.tokens.len()).step_by(tile) {
            let tokens = tile.min(input.tokens.len() - first);
            let task = |kv_head| Task { input: index, kv_head, first, tokens, row: row + first };
            tasks.extend((0..config.kv_heads).map(task));
        }
        row += input.tokens.len();
    }
    tasks
}
