//! Activations on disk: of any sites, for any documents, to train on and to look things up in.
//!
//! A store is a folder: `store.json`, and shards `shard-00000.safetensors`, … with, for each token kept, a row for every
//! site (bf16 or f32) and its token id, document, position, class, use and whether its document is unseen. A token whose
//! whole prefix was seen before is not stored again: the default system prompt counts once. Memory is bounded by a shard; a
//! store that was stopped goes on after the last whole shard, with the same documents.
//!
//! Rows are stored for every new token, with what it may be used for ([`Use`]): the first token of a document, a beginning
//! token anywhere and sinks found by their norm take no part in training, explained variance or units of strength. Start
//! with [`fill`] and [`Rows::open`]. Not here: reading of corpora.

mod read;
mod sequence;
mod write;

use serde::{Deserialize, Serialize};

use super::{Fault, norm};
pub use read::{Place, Rows, Wanted};
pub use write::{Document, Fill, fill};

/// A row this many times as long as the median row is a sink.
const SINK: f64 = 10.0;

/// How long a row must be, at least, to be an attention sink among `rows` (`n × width`): ten times the median; infinite for
/// no rows.
pub fn sink_norm(rows: &[f32], width: usize) -> f64 {
    let mut norms: Vec<f64> = rows.chunks_exact(width).map(norm).collect();
    norms.sort_by(f64::total_cmp);
    norms.get(norms.len() / 2).map_or(f64::INFINITY, |median| SINK * median)
}

/// What a row may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Use {
    /// Everything.
    Kept = 0,
    /// Nothing: the first token of its document.
    First = 1,
    /// Nothing: a sink, at least ten times as long as the median row of its shard.
    Sink = 2,
    /// Nothing: a beginning token, wherever it stands.
    Begin = 3,
}

/// How rows are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 16 bits, of which 8 are digits.
    Bf16,
    /// 32 bits.
    F32,
}

/// `store.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `plumbline activations 2`.
    pub format: String,
    /// The model's name.
    pub model: String,
    /// Digest of its file.
    pub model_digest: String,
    /// Names of the sites.
    pub sites: Vec<String>,
    /// Length of a row at each.
    pub widths: Vec<usize>,
    /// How rows are stored.
    pub precision: Precision,
    /// Digest of what was asked for: documents and settings.
    pub recipe: String,
    /// Documents that are in whole shards.
    pub documents: usize,
    /// Rows of each shard.
    pub shards: Vec<usize>,
    /// Whether all documents are there.
    pub complete: bool,
}

impl Manifest {
    /// Rows of all shards.
    pub fn rows(&self) -> usize {
        self.shards.iter().sum()
    }
}

const FORMAT: &str = "plumbline activations 2";

fn shard_name(index: usize) -> String {
    format!("shard-{index:05}.safetensors")
}
