//! Causal attention of new tokens over a sequence's cache.
//!
//! Query heads that share a key-value head are rows of one product with it, so that its keys and values are read once
//! for the group. Scores of positions that a token must not see are never read; their weights are zero, and adding zero
//! times a finite value changes nothing.

use super::Input;
use super::merge::Span;
use crate::arch::Config;
use crate::cache::PAGE;
use crate::hook::{Hooks, Place, Site};
use crate::kernel::{self, Columns, Isa, team};

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

/// What a task computed: what its heads gathered, and their attention weights if somebody wants them.
struct Done {
    gathered: Vec<f32>,
    patterns: Vec<f32>,
}

/// One layer's attention.
pub(super) struct Attention<'a> {
    pub isa: Isa,
    pub config: &'a Config,
    pub layer: usize,
    pub inputs: &'a [Input<'a>],
    pub spans: &'a [Span],
}

impl Attention<'_> {
    /// Reads rotated queries from `qkv` (`rows × qkv_width`, all heads of q first) and writes what the heads gathered to
    /// `out` (`rows × heads · head_dim`). The caches already hold the new tokens' keys and values.
    pub(super) fn attend(&self, qkv: &[f32], places: &[Place], out: &mut [f32], hooks: &mut Hooks<'_, '_>) {
        let tasks = tasks(self.config, self.spans);
        let qkv_width = qkv.len() / places.len();
        let wanted = hooks.wants_patterns(self.layer);
        let compute = |task: &Task| self.compute(task, qkv, qkv_width, wanted);
        let done: Vec<Done> = team::map(&tasks, compute);
        let (dim, group) = (self.config.head_dim, self.config.group());
        for (task, done) in tasks.iter().zip(&done) {
            for (token, gathered) in done.gathered.chunks_exact(group * dim).enumerate() {
                let row = &mut out[(task.row + token) * self.config.heads * dim..];
                row[task.kv_head * group * dim..][..group * dim].copy_from_slice(gathered);
            }
            if wanted {
                self.tell_patterns(task, &done.patterns, places, hooks);
            }
        }
    }

    fn compute(&self, task: &Task, qkv: &[f32], qkv_width: usize, keep: bool) -> Done {
        let config = self.config;
        let cache = &self.inputs[task.input].cache;
        let (dim, group) = (config.head_dim, config.group());
        let before = cache.len() + task.first;
        let seen = before + task.tokens;
        let rows = task.tokens * group;
        let scale = config.score_scale as f32;
        let mut queries = Vec::with_capacity(rows * dim);
        for token in 0..task.tokens {
            let row = &qkv[(task.row + token) * qkv_width..][task.kv_head * group * dim..][..group * dim];
            queries.extend(row.iter().map(|q| q * scale));
        }
        let pages = &cache.pages(self.layer)[..seen.div_ceil(PAGE)];
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
        let window = config.kinds[self.layer].window.unwrap_or(usize::MAX);
        for (row, scores) in scores.chunks_exact_mut(seen).enumerate() {
            let end = before + row / group + 1;
            let start = end.saturating_sub(window);
            if let Some(cap) = config.score_cap {
                kernel::rows::soft_cap(&mut scores[start..end], cap);
            }
            kernel::rows::softmax(&mut scores[start..end]);
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
        Done { gathered, patterns: if keep { scores } else { Vec::new() } }
    }

    fn tell_patterns(&self, task: &Task, patterns: &[f32], places: &[Place], hooks: &mut Hooks<'_, '_>) {
        let group = self.config.group();
        let seen = patterns.len() / (task.tokens * group);
        for (index, pattern) in patterns.chunks_exact(seen).enumerate() {
            let place = &places[task.row + index / group];
            let head = task.kv_head * group + index % group;
            hooks.tell(Site::Pattern { layer: self.layer, head }, place, &pattern[..=place.position]);
        }
    }
}

fn tasks(config: &Config, spans: &[Span]) -> Vec<Task> {
    let tile = (TILE_ROWS / config.group()).max(1);
    let mut tasks = Vec::new();
    let mut row = 0;
    for span in spans {
        for first in (0..span.tokens).step_by(tile) {
            let tokens = tile.min(span.tokens - first);
            let task = |kv_head| Task { input: span.leader(), kv_head, first, tokens, row: row + first };
            tasks.extend((0..config.kv_heads).map(task));
        }
        row += span.tokens;
    }
    tasks
}
