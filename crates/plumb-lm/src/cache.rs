//! Keys and values of the tokens that a sequence has seen.
//!
//! A [`Cache`] belongs to one sequence and to one model; the model itself never changes. It is made of pages of [`PAGE`]
//! positions, one for each layer. Caches share pages: [`Cache::fork`] copies none, and a page that others hold too is copied when it
//! is written. So a long prefix that many prompts begin with lies in memory once, and below the first edited layer so
//! do whole prompts of steered variants. Not here: who forks from whom (`generate`) and which inputs of a pass are
//! computed as one (`forward::merge`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use half::bf16;

use crate::arch::Config;
use crate::kernel::{LANES, Operand};

/// Positions of a page: two panels of keys, as many as the largest tile takes.
pub(crate) const PAGE: usize = 2 * LANES;

/// How keys and values are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum KvType {
    /// As computed: 4 bytes a number.
    #[default]
    F32,
    /// Rounded to bfloat16, to nearest, ties to even: half the memory, and about three significant digits. Products with
    /// them are still summed in f32, and an answer still does not depend on the batch.
    Bf16,
}

impl KvType {
    fn size(self) -> usize {
        match self {
            Self::F32 => size_of::<f32>(),
            Self::Bf16 => size_of::<bf16>(),
        }
    }
}

#[derive(Debug, Clone)]
enum Numbers {
    F32(Box<[f32]>),
    Bf16(Box<[bf16]>),
}

impl Numbers {
    fn zeroed(kind: KvType, len: usize) -> Self {
        match kind {
            KvType::F32 => Self::F32(vec![0.0; len].into()),
            KvType::Bf16 => Self::Bf16(vec![bf16::ZERO; len].into()),
        }
    }

    fn put(&mut self, at: usize, step: usize, values: &[f32]) {
        match self {
            Self::F32(all) => values.iter().enumerate().for_each(|(i, value)| all[at + i * step] = *value),
            Self::Bf16(all) => {
                values.iter().enumerate().for_each(|(i, value)| all[at + i * step] = bf16::from_f32(*value));
            }
        }
    }

    /// Whether two ranges of the same type hold the same bits.
    fn same(&self, other: &Self, range: std::ops::Range<usize>) -> bool {
        match (self, other) {
            (Self::F32(a), Self::F32(b)) => {
                a[range.clone()].iter().zip(&b[range]).all(|(a, b)| a.to_bits() == b.to_bits())
            }
            (Self::Bf16(a), Self::Bf16(b)) => {
                a[range.clone()].iter().zip(&b[range]).all(|(a, b)| a.to_bits() == b.to_bits())
            }
            _ => false,
        }
    }

    /// These numbers as f32, in `scratch` if they are stored otherwise.
    fn read<'a>(&'a self, range: std::ops::Range<usize>, scratch: &'a mut Vec<f32>) -> &'a [f32] {
        match self {
            Self::F32(all) => &all[range],
            Self::Bf16(all) => {
                scratch.clear();
                // A bfloat16 is the upper half of an f32.
                scratch.extend(all[range].iter().map(|v| f32::from_bits(u32::from(v.to_bits()) << 16)));
                scratch
            }
        }
    }
}

/// Counts the bytes of all pages that are alive of one [`Memory`].
#[derive(Debug, Default)]
pub(crate) struct Held(AtomicUsize);

/// Keys and values of [`PAGE`] positions of one layer. What was not written is zero or stale, always finite.
#[derive(Debug)]
pub(crate) struct Page {
    /// `[kv_heads][PAGE / LANES][head_dim][LANES]`
    keys: Numbers,
    /// `[kv_heads][PAGE][head_dim rounded up to LANES]`
    values: Numbers,
    bytes: usize,
    held: Arc<Held>,
}

impl Page {
    fn count(self) -> Self {
        self.held.0.fetch_add(self.bytes, Ordering::Relaxed);
        self
    }
}

impl Clone for Page {
    fn clone(&self) -> Self {
        let (keys, values) = (self.keys.clone(), self.values.clone());
        Self { keys, values, bytes: self.bytes, held: self.held.clone() }.count()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.held.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// How the caches of some sequences are stored, and how much memory they take together.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    kind: KvType,
    held: Arc<Held>,
}

impl Memory {
    /// Memory for caches of that type; nothing is taken yet.
    pub fn new(kind: KvType) -> Self {
        Self { kind, held: Arc::default() }
    }

    /// Bytes of all pages of its caches that are alive; a page that several caches share counts once.
    pub fn bytes(&self) -> usize {
        self.held.0.load(Ordering::Relaxed)
    }
}

/// The state of one sequence. Cheap to make, grows with use: [`Cache::bytes_per_token`] tells how much.
#[derive(Debug, Clone)]
pub struct Cache {
    /// Of each layer, the pages in order.
    layers: Vec<Vec<Arc<Page>>>,
    kv_heads: usize,
    head_dim: usize,
    len: usize,
    /// Whether its keys were turned by the long rotary factors.
    long: bool,
    memory: Memory,
}

impl Cache {
    pub(crate) fn new(config: &Config, long: bool, memory: &Memory) -> Self {
        Self {
            layers: vec![Vec::new(); config.layers],
            kv_heads: config.kv_heads,
            head_dim: config.head_dim,
            len: 0,
            long,
            memory: memory.clone(),
        }
    }

    /// Whether it is for a sequence that uses the long rotary factors.
    pub(crate) fn is_long(&self) -> bool {
        self.long
    }

    /// Forgets everything and goes over to the long rotary factors.
    pub(crate) fn restart_long(&mut self) {
        self.truncate(0);
        self.long = true;
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
        let pages = self.len.div_ceil(PAGE);
        self.layers.iter_mut().for_each(|layer| layer.truncate(pages));
    }

    /// A cache of the first `len` tokens (all, if there are fewer) that shares this one's pages. What either computes
    /// later is its own.
    pub fn fork(&self, len: usize) -> Self {
        let len = self.len.min(len);
        let layer = |pages: &Vec<Arc<Page>>| pages[..len.div_ceil(PAGE)].to_vec();
        Self {
            layers: self.layers.iter().map(layer).collect(),
            kv_heads: self.kv_heads,
            head_dim: self.head_dim,
            len,
            long: self.long,
            memory: self.memory.clone(),
        }
    }

    /// Memory that each token takes, in bytes, where it is not shared.
    pub fn bytes_per_token(&self) -> usize {
        self.layers.len() * self.page_numbers() / PAGE * self.memory.kind.size()
    }

    fn page_numbers(&self) -> usize {
        self.kv_heads * PAGE * (self.head_dim + self.head_dim.next_multiple_of(LANES))
    }

    pub(crate) fn fits(&self, config: &Config) -> bool {
        self.layers.len() == config.layers
            && self.kv_heads == config.kv_heads
            && self.head_dim == config.head_dim
    }

    /// Whether keys and values of a layer are the same bits. Mostly both hold the same pages; sequences that went on from what
    /// several others wrote of one beginning hold copies of its last page, which are looked into: that is far cheaper than to compute
    /// the layer twice, and where they differ the first number tells.
    pub(crate) fn shares(&self, other: &Self, layer: usize) -> bool {
        let pages = self.len.div_ceil(PAGE);
        let (a, b) = (&self.layers[layer], &other.layers[layer]);
        let same = |(at, (a, b)): (usize, (&Arc<Page>, &Arc<Page>))| {
            let positions = PAGE.min(self.len - at * PAGE);
            Arc::ptr_eq(a, b) || a.same(b, positions, self.kv_heads, self.head_dim)
        };
        self.len == other.len && a[..pages].iter().zip(&b[..pages]).enumerate().all(same)
    }

    /// Lets go of the pages of a layer that new tokens will be written to, before [`Cache::follow`].
    pub(crate) fn release(&mut self, layer: usize) {
        self.layers[layer].truncate(self.len / PAGE);
    }

    /// Takes over the pages of a layer from a cache that [`Cache::shares`] it.
    pub(crate) fn follow(&mut self, leader: &[Arc<Page>], layer: usize) {
        self.layers[layer].clear();
        self.layers[layer].extend(leader.iter().cloned());
    }

    /// Number of layers.
    pub(crate) fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Puts keys and values of new tokens behind what a layer has of those seen, all heads of each one after the other.
    pub(crate) fn append<'a>(
        &mut self,
        layer: usize,
        tokens: impl ExactSizeIterator<Item = (&'a [f32], &'a [f32])>,
    ) {
        self.prepare(layer, self.len + tokens.len());
        for (position, (keys, values)) in (self.len..).zip(tokens) {
            self.store(layer, position, keys, values);
        }
    }

    /// Makes room for `positions` positions of a layer and makes the pages from the first new one on its own.
    fn prepare(&mut self, layer: usize, positions: usize) {
        let (numbers, kind) = (self.page_numbers(), self.memory.kind);
        let keys = self.kv_heads * PAGE * self.head_dim;
        let pages = &mut self.layers[layer];
        pages.truncate(self.len.div_ceil(PAGE));
        if !self.len.is_multiple_of(PAGE)
            && let Some(last) = pages.last_mut()
        {
            Arc::make_mut(last);
        }
        while pages.len() * PAGE < positions {
            let page = Page {
                keys: Numbers::zeroed(kind, keys),
                values: Numbers::zeroed(kind, numbers - keys),
                bytes: numbers * kind.size(),
                held: self.memory.held.clone(),
            };
            pages.push(Arc::new(page.count()));
        }
    }

    /// Stores keys and values of one position, all heads of each one after the other. [`Cache::prepare`] has made room.
    fn store(&mut self, layer: usize, position: usize, keys: &[f32], values: &[f32]) {
        let (dim, wide) = (self.head_dim, self.head_dim.next_multiple_of(LANES));
        // Prepared pages are not shared, so this copies nothing.
        let page = Arc::make_mut(&mut self.layers[layer][position / PAGE]);
        let at = position % PAGE;
        for (head, (key, value)) in keys.chunks_exact(dim).zip(values.chunks_exact(dim)).enumerate() {
            let panel = (head * PAGE / LANES + at / LANES) * dim * LANES;
            page.keys.put(panel + at % LANES, LANES, key);
            page.values.put((head * PAGE + at) * wide, 1, value);
        }
    }

    /// The pages of a layer, in order.
    pub(crate) fn pages(&self, layer: usize) -> &[Arc<Page>] {
        &self.layers[layer]
    }

    /// Counts the tokens whose keys and values all layers now have.
    pub(crate) fn advance(&mut self, tokens: usize) {
        self.len += tokens;
    }
}

impl Page {
    /// Whether the first positions hold the same bits in two pages.
    fn same(&self, other: &Self, positions: usize, heads: usize, dim: usize) -> bool {
        let (panels, wide) = (PAGE / LANES, dim.next_multiple_of(LANES));
        (0..heads).all(|head| {
            let values = head * PAGE * wide..(head * PAGE + positions) * wide;
            let keys = |panel: usize| {
                let lanes = LANES.min(positions - panel * LANES);
                let first = (head * panels + panel) * dim;
                (first..first + dim).all(|row| self.keys.same(&other.keys, row * LANES..row * LANES + lanes))
            };
            self.values.same(&other.values, values) && (0..positions.div_ceil(LANES)).all(keys)
        })
    }

    /// Keys of a head at the first `positions` positions: `positions` outputs, `dim` deep.
    pub(crate) fn keys<'a>(
        &'a self,
        head: usize,
        positions: usize,
        dim: usize,
        scratch: &'a mut Vec<f32>,
    ) -> Operand<'a> {
        let data = self.keys.read(head * PAGE * dim..(head + 1) * PAGE * dim, scratch);
        Operand { data, outputs: positions, depth: dim, step: LANES, panel: LANES * dim }
    }

    /// Values of a head at the first `positions` positions: `dim` outputs, `positions` deep.
    pub(crate) fn values<'a>(
        &'a self,
        head: usize,
        positions: usize,
        dim: usize,
        scratch: &'a mut Vec<f32>,
    ) -> Operand<'a> {
        let step = dim.next_multiple_of(LANES);
        let data = self.values.read(head * PAGE * step..(head + 1) * PAGE * step, scratch);
        Operand { data, outputs: dim, depth: positions, step, panel: LANES }
    }
}
