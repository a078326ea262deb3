//! Keys and values of the tokens that a sequence has seen.
//!
//! A [`Cache`] belongs to one sequence and to one model; the model itself never changes. Keys lie in panels of
//! [`LANES`] positions and values in rows, so that attention is two products of `kernel`. Not here: sharing of prefixes
//! between caches.

use crate::arch::Config;
use crate::kernel::{LANES, Operand};

/// One key-value head of one layer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    /// `[positions / LANES][head_dim][LANES]`, unused lanes zero or stale, always finite.
    keys: Vec<f32>,
    /// `[positions][head_dim rounded up to LANES]`
    values: Vec<f32>,
}

/// The state of one sequence. Cheap to make, grows with use: [`Cache::bytes_per_token`] tells how much.
#[derive(Debug, Clone)]
pub struct Cache {
    /// `[layers · kv_heads]`
    heads: Vec<Head>,
    kv_heads: usize,
    head_dim: usize,
    len: usize,
    /// Whether its keys were turned by the long rotary factors.
    long: bool,
}

impl Cache {
    pub(crate) fn new(config: &Config, long: bool) -> Self {
        let heads = vec![Head::default(); config.layers * config.kv_heads];
        Self { heads, kv_heads: config.kv_heads, head_dim: config.head_dim, len: 0, long }
    }

    /// Whether it is for a sequence that uses the long rotary factors.
    pub(crate) fn is_long(&self) -> bool {
        self.long
    }

    /// Forgets everything and goes over to the long rotary factors.
    pub(crate) fn restart_long(&mut self) {
        (self.len, self.long) = (0, true);
    }

    /// Number of tokens seen.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no token was seen.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets all but the first `len` tokens; does nothing if there are fewer.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Memory that each token takes, in bytes.
    pub fn bytes_per_token(&self) -> usize {
        self.heads.len() * (self.head_dim + self.head_dim.next_multiple_of(LANES)) * size_of::<f32>()
    }

    pub(crate) fn fits(&self, config: &Config) -> bool {
        self.heads.len() == config.layers * config.kv_heads
            && self.kv_heads == config.kv_heads
            && self.head_dim == config.head_dim
    }

    pub(crate) fn head(&self, layer: usize, head: usize) -> &Head {
        &self.heads[layer * self.kv_heads + head]
    }

    pub(crate) fn layer_mut(&mut self, layer: usize) -> &mut [Head] {
        &mut self.heads[layer * self.kv_heads..][..self.kv_heads]
    }

    /// Counts the tokens whose keys and values all layers now have.
    pub(crate) fn advance(&mut self, tokens: usize) {
        self.len += tokens;
    }
}

impl Head {
    /// Makes room for `positions` positions; new room is zero.
    pub(crate) fn grow(&mut self, positions: usize, head_dim: usize) {
        let rounded = positions.next_multiple_of(LANES);
        if self.keys.len() < rounded * head_dim {
            self.keys.resize(rounded * head_dim, 0.0);
            self.values.resize(rounded * head_dim.next_multiple_of(LANES), 0.0);
        }
    }

    /// Stores the key and value of one position, for which `grow` has made room.
    pub(crate) fn store(&mut self, position: usize, key: &[f32], value: &[f32]) {
        let panel = &mut self.keys[position / LANES * LANES * key.len()..];
        for (step, key) in panel.chunks_exact_mut(LANES).zip(key) {
            step[position % LANES] = *key;
        }
        self.values[position * value.len().next_multiple_of(LANES)..][..value.len()].copy_from_slice(value);
    }

    /// Keys of the first `positions` positions: `positions` outputs, `head_dim` deep.
    pub(crate) fn keys(&self, positions: usize, head_dim: usize) -> Operand<'_> {
        Operand {
            data: &self.keys,
            outputs: positions,
            depth: head_dim,
            step: LANES,
            panel: LANES * head_dim,
        }
    }

    /// Values of the first `positions` positions: `head_dim` outputs, `positions` deep.
    pub(crate) fn values(&self, positions: usize, head_dim: usize) -> Operand<'_> {
        let step = head_dim.next_multiple_of(LANES);
        Operand { data: &self.values, outputs: head_dim, depth: positions, step, panel: LANES }
    }
}
