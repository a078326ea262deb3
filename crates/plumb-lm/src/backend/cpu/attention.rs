//! Causal attention of new tokens over a sequence's cache.
//!
//! Query heads that share a key-value head are rows of one product with it, so that its keys and values are read once
//! for the group. Scores of positions that a token must not see are never read; their weights are zero, and adding zero
//! times a finite value changes nothing.

use super::Table;
use crate::arch::Config;
use crate::backend::{Attend, Patterns, Sequence};
use crate::cache::PAGE;
use crate::kernel::{self, Columns, Isa, team};

/// About so many query rows share one pass over the keys.
const TILE_ROWS: usize = 24;

/// Some consecutive new tokens of one sequence, at one key-value head.
struct Task {
    sequence: usize,
    kv_head: usize,
    /// First token among the sequence's rows, and their number.
    first: usize,
    tokens: usize,
    /// Row of the first token in the batch.
    row: usize,
}

/// What a task computed: what its heads gathered, and their attention weights if somebody wants them.
struct Done {
    gathered: Vec<f32>,
    patterns: Vec<f32>,
}

/// Reads rotated queries from `qkv` (all heads of q first) and writes what the heads gathered to `out` (`rows × heads · head_dim`).
pub(super) fn attend(
    isa: Isa,
    ask: Attend<'_>,
    qkv: &Table,
    out: &mut Table,
    mut tell: Option<Patterns<'_>>,
) {
    let attention = Attention { isa, ask, keep: tell.is_some() };
    let tasks = tasks(ask.config, ask.sequences);
    let done: Vec<Done> = team::map(&tasks, |task: &Task| attention.compute(task, qkv));
    let (heads, group) = (ask.config.kv_heads, ask.config.group());
    let size = group * ask.config.head_dim;
    // The tasks of some tokens, one for each key-value head, follow one another.
    let mut first_task = vec![0; out.rows()];
    for (number, task) in tasks.iter().enumerate().step_by(heads) {
        first_task[task.row..][..task.tokens].fill(number);
    }
    out.compute(heads * size, |row, out| {
        let of_row = first_task[row]..first_task[row] + heads;
        for (task, done) in tasks[of_row.clone()].iter().zip(&done[of_row]) {
            let gathered = &done.gathered[(row - task.row) * size..][..size];
            out[task.kv_head * size..][..size].copy_from_slice(gathered);
        }
    });
    let Some(tell) = &mut tell else { return };
    for (task, done) in tasks.iter().zip(&done) {
        let seen = done.patterns.len() / (task.tokens * group);
        for (index, pattern) in done.patterns.chunks_exact(seen).enumerate() {
            tell(task.row + index / group, task.kv_head * group + index % group, pattern);
        }
    }
}

/// One layer's attention.
struct Attention<'a> {
    isa: Isa,
    ask: Attend<'a>,
    /// Whether somebody wants the attention weights.
    keep: bool,
}

impl Attention<'_> {
    fn compute(&self, task: &Task, qkv: &Table) -> Done {
        let Attend { config, layer, sequences } = self.ask;
        let Sequence { cache, first, .. } = sequences[task.sequence];
        let (dim, group) = (config.head_dim, config.group());
        let before = first + task.first;
        let seen = before + task.tokens;
        let rows = task.tokens * group;
        let scale = config.score_scale as f32;
        let mut queries = Vec::with_capacity(rows * dim);
        for token in 0..task.tokens {
            let row = &qkv.row(task.row + token)[task.kv_head * group * dim..][..group * dim];
            queries.extend(row.iter().map(|q| q * scale));
        }
        let pages = &cache.pages(layer)[..seen.div_ceil(PAGE)];
        let head = task.kv_head;
        let mut scratch = Vec::new();
        let mut scores = vec![0.0; rows * seen];
        let narrow = Columns { first: 0, stride: dim };
        for (index, page) in pages.iter().enumerate() {
            let first = index * PAGE;
            let keys = page.keys(head, PAGE.min(seen - first), dim, &mut scratch);
            let at = Columns { first, stride: seen };
            kernel::multiply_part(self.isa, (&queries, narrow), rows, keys, (&mut scores, at), false);
        }
        let window = config.kinds[layer].window.unwrap_or(usize::MAX);
        for (row, scores) in scores.chunks_exact_mut(seen).enumerate() {
            let end = before + row / group + 1;
            let start = end.saturating_sub(window);
            if let Some(cap) = config.score_cap {
                kernel::rows::soft_cap(&mut scores[start..end], cap);
            }
            kernel::rows::softmax(self.isa, &mut scores[start..end]);
            scores[..start].fill(0.0);
            scores[end..].fill(0.0);
        }
        let mut gathered = queries;
        for (index, page) in pages.iter().enumerate() {
            let first = index * PAGE;
            let values = page.values(head, PAGE.min(seen - first), dim, &mut scratch);
            let at = Columns { first, stride: seen };
            kernel::multiply_part(self.isa, (&scores, at), rows, values, (&mut gathered, narrow), index > 0);
        }
        Done { gathered, patterns: if self.keep { scores } else { Vec::new() } }
    }
}

fn tasks(config: &Config, sequences: &[Sequence<'_>]) -> Vec<Task> {
    let tile = (TILE_ROWS / config.group()).max(1);
    let mut tasks = Vec::new();
    let mut row = 0;
    for (sequence, of) in sequences.iter().enumerate() {
        for first in (0..of.tokens).step_by(tile) {
            let tokens = tile.min(of.tokens - first);
            let task = |kv_head| Task { sequence, kv_head, first, tokens, row: row + first };
            tasks.extend((0..config.kv_heads).map(task));
        }
        row += of.tokens;
    }
    tasks
}
