//! What the forward pass needs of a machine: one trait, and whoever implements it.
//!
//! The pass (`forward`) says what is computed, in which order, and where hooks look; a [`Backend`] says where numbers lie and
//! computes. Matrices, vectors and rows are types of the backend's own, which the pass only hands on, so that they may lie where this
//! process cannot read them: rows become numbers of this process when the pass begins, when it ends, and where a hook that
//! concerns them looks ([`Backend::visit`]). Models ([`Placed`]) pick a backend when they are loaded, once; a pass is compiled for each, so
//! that the choice costs nothing afterwards.
//!
//! [`cpu`] is the one that everybody uses. [`reference`] is the same in naive loops, and is held against the same fixtures in
//! every family: the trait is enough for an implementation that shares no arithmetic with the first. `docs/backends.md` says how to add one.
//!
//! Not here: the kernels of the first (`kernel`), keys and values (`cache`), which tokens share a row (`forward::merge`).

mod cpu;
mod placed;
mod reference;

use std::ops::Range;

use crate::arch::{Activation, Config, RotaryPairs};
use crate::cache::Cache;
use crate::weights::{Given, Norm};
pub(crate) use placed::Placed;

/// Who computes a model's passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Device {
    /// This machine's processor, with the fastest instructions that it has.
    #[default]
    Cpu,
    /// This machine's processor, in plain loops that sum in f64: slow by two orders of magnitude, and easily read. To tell a
    /// fault of a kernel from one of a model.
    Reference,
}

/// Heads that lie side by side in rows, each `dim` wide: those with these numbers, counted from the left.
#[derive(Debug, Clone)]
pub(crate) struct Heads {
    pub numbers: Range<usize>,
    pub dim: usize,
}

/// One sequence of a pass: rows of `tokens` new tokens from position `first` on, its last ones, and what it has seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sequence<'a> {
    pub cache: &'a Cache,
    pub first: usize,
    pub tokens: usize,
}

/// One layer's attention: whose the rows are, in order, and the sizes, scale, cap and window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attend<'a> {
    pub config: &'a Config,
    pub layer: usize,
    pub sequences: &'a [Sequence<'a>],
}

/// Receives the attention weights of a row of the batch at a query head: over the positions of its sequence from the first to its own,
/// and perhaps some more.
pub(crate) type Patterns<'a> = &'a mut dyn FnMut(usize, usize, &[f32]);

/// Arithmetic on rows of numbers, each row a token of the batch.
///
/// Callers keep to the shapes: `x` of [`Backend::linear`] is as wide as the matrix is deep, what is written as wide as it has
/// outputs, and so on; all tables of a call have the same number of rows unless it says otherwise. What is written is whole, whatever
/// stood there.
pub(crate) trait Backend: std::fmt::Debug + Send + Sync + Sized {
    /// A weight matrix, where products read it.
    type Matrix: std::fmt::Debug + Send + Sync;
    /// Weights of a norm, or a bias.
    type Vector: std::fmt::Debug + Send + Sync;
    /// Rows of f32, all of one width.
    type Rows;

    /// Calls `pass`, which computes one forward pass on the calling thread, with all ready that it needs.
    fn during<R>(&self, pass: impl FnOnce() -> R) -> R;

    /// A matrix of a file; in which form is the backend's affair.
    fn matrix(&self, given: &Given<'_>) -> Self::Matrix;
    /// Memory of a matrix in bytes.
    fn bytes(matrix: &Self::Matrix) -> usize;
    fn vector(&self, values: Vec<f32>) -> Self::Vector;

    /// Rows of `width` from numbers without gaps.
    fn rows(&self, values: Vec<f32>, width: usize) -> Self::Rows;
    /// Room for so many rows.
    fn room(&self, count: usize, width: usize) -> Self::Rows;
    /// The numbers of rows without gaps.
    fn values(&self, rows: Self::Rows) -> Vec<f32>;
    /// Lets `look` read and change all rows.
    fn visit(&self, rows: &mut Self::Rows, look: impl FnOnce(&mut [f32]));
    /// New rows: for each number the row that has it.
    fn select(&self, rows: &Self::Rows, numbers: &[usize]) -> Self::Rows;

    /// `y = x wᵀ`, plus the bias in each row.
    fn linear(&self, x: &Self::Rows, w: &Self::Matrix, bias: Option<&Self::Vector>, y: &mut Self::Rows);
    /// Each row normalised: Zhang and Sennrich 2019 (root mean square), Ba et al. 2016 (layer norm).
    fn norm(&self, x: &Self::Rows, norm: &Norm<Self::Vector>, eps: f64, out: &mut Self::Rows);
    /// Root mean square norm of each of some heads, in place.
    fn norm_heads(&self, rows: &mut Self::Rows, heads: &Heads, weight: &Self::Vector, eps: f64);
    /// Rotates some heads in place: pair `i` by the cosine and sine at `2i` and `2i + 1` of the row of `angles`; elements without a
    /// pair stay. Su et al. 2021, "RoFormer".
    fn rotate(&self, rows: &mut Self::Rows, heads: &Heads, pairs: RotaryPairs, angles: &Self::Rows);
    /// Puts keys and values of `qkv`'s rows with these numbers behind what the cache holds of a layer. Rows are all
    /// heads of q, then of k, then of v.
    fn store(&self, qkv: &Self::Rows, rows: Range<usize>, cache: &mut Cache, at: (&Config, usize));
    /// What each query head gathers from its sequence's values, its own token's included. The caches already hold the new tokens.
    fn attend(&self, layer: Attend<'_>, qkv: &Self::Rows, out: &mut Self::Rows, tell: Option<Patterns<'_>>);
    /// `f(x)`; if `gated`, `f` of the left half of each row times its right half.
    fn activate(&self, activation: Activation, gated: bool, x: &Self::Rows, out: &mut Self::Rows);
    /// `x += y`.
    fn add(&self, x: &mut Self::Rows, y: &Self::Rows);
    /// `x = cap · tanh(x / cap)`.
    fn soft_cap(&self, x: &mut Self::Rows, cap: f32);
}
