//! Tensors that nobody has asked for yet, matrices made of them, and how a backend gets those.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use half::{bf16, f16};

use super::{Fault, Layout};
use crate::arch::Config;
use crate::backend::Backend;
use crate::gguf::{Tensor, TensorType};
use crate::quant::{self, Codes, dequantise};

/// Output heads, which stand outside the inner model.
const HEADS: [&str; 2] = ["lm_head.weight", "embed_out.weight"];

pub(super) struct Source<'a> {
    tensors: HashMap<&'a str, &'a Tensor<'a>>,
    layout: Layout,
    /// What the names of the inner model begin with in this file.
    prefix: &'a str,
}

impl<'a> Source<'a> {
    pub(super) fn new(
        tensors: impl Iterator<Item = &'a Tensor<'a>>,
        layout: Layout,
        config: &Config,
    ) -> Self {
        // A tied head may be stored all the same; it is not used.
        let unused = |name: &str| layout == Layout::HuggingFace && config.tied && HEADS.contains(&name);
        let kept = tensors.filter(|tensor| !layout.is_setting(tensor.name) && !unused(tensor.name));
        let tensors: HashMap<_, _> = kept.map(|tensor| (layout.bare(tensor.name), tensor)).collect();
        let prefix = |(bare, tensor): (&&str, &&'a Tensor<'a>)| tensor.name.strip_suffix(bare);
        let prefix = tensors.iter().filter_map(prefix).max().unwrap_or("");
        Self { tensors, layout, prefix }
    }

    fn missing(&self, bare: &str) -> Fault {
        let outside = HEADS.contains(&bare);
        Fault::Missing { name: if outside { bare.to_owned() } else { format!("{}{bare}", self.prefix) } }
    }

    /// A shape as the file writes it.
    fn written(&self, mut shape: Vec<u64>) -> Vec<u64> {
        if self.layout == Layout::HuggingFace {
            shape.reverse();
        }
        shape
    }

    /// The tensor of that name, which must have that shape: fastest dimension first.
    pub(super) fn take(&mut self, name: &str, shape: &[usize]) -> Result<&'a Tensor<'a>, Fault> {
        let tensor = self.tensors.remove(name).ok_or_else(|| self.missing(name))?;
        let expected: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
        if tensor.shape != expected {
            let (found, expected) = (self.written(tensor.shape.clone()), self.written(expected));
            return Err(Fault::Shape { name: tensor.name.to_owned(), found, expected });
        }
        Ok(tensor)
    }

    pub(super) fn vector(&mut self, name: &str, size: usize) -> Result<Vec<f32>, Fault> {
        let tensor = self.take(name, &[size])?;
        let mut out = vec![0.0; size];
        dequantise(tensor.kind, tensor.data, &mut out);
        match is_finite(&out) {
            true => Ok(out),
            false => Err(Fault::NotFinite { name: tensor.name.to_owned(), row: 0 }),
        }
    }

    pub(super) fn nothing_left(self) -> Result<(), Fault> {
        match self.tensors.values().map(|tensor| tensor.name).min() {
            None => Ok(()),
            Some(name) => Err(Fault::Superfluous { name: name.to_owned() }),
        }
    }
}

/// Whether all values are finite. On bits, because that is many at a time.
fn is_finite(values: &[f32]) -> bool {
    const INFINITE: u32 = 0x7F80_0000;
    values.iter().fold(0, |most, value| most.max(value.to_bits() & !(1 << 31))) < INFINITE
}

/// A matrix of `outputs` rows, each of one depth, not yet decoded.
pub(super) struct Matrix<'a> {
    depth: usize,
    /// Which row of which part each output is.
    rows: Vec<(usize, usize)>,
    parts: Vec<Content<'a>>,
}

enum Content<'a> {
    Stored(&'a Tensor<'a>),
    /// Decoded and turned: `[outputs][depth]`.
    Turned {
        name: &'a str,
        values: Vec<f32>,
    },
}

impl Content<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Stored(tensor) => tensor.name,
            Self::Turned { name, .. } => name,
        }
    }

    /// How the file has it, if it is kept in that order.
    fn kind(&self) -> Option<TensorType> {
        match self {
            Self::Stored(tensor) => Some(tensor.kind),
            Self::Turned { .. } => None,
        }
    }
}

impl<'a> Matrix<'a> {
    /// A tensor that has an output a row.
    pub(super) fn stored(tensor: &'a Tensor<'a>) -> Self {
        let rows = (0..tensor.rows()).map(|row| (0, row)).collect();
        Self { depth: tensor.row_len(), rows, parts: vec![Content::Stored(tensor)] }
    }

    /// A tensor that has an input a row.
    pub(super) fn transposed(tensor: &'a Tensor<'a>) -> Self {
        let (outputs, depth) = (tensor.row_len(), tensor.rows());
        let mut stored = vec![0.0; outputs * depth];
        dequantise(tensor.kind, tensor.data, &mut stored);
        let values = (0..outputs * depth).map(|i| stored[i % depth * outputs + i / depth]).collect();
        let rows = (0..outputs).map(|row| (0, row)).collect();
        Self { depth, rows, parts: vec![Content::Turned { name: tensor.name, values }] }
    }

    /// The outputs of all, one after the other; all have one depth.
    pub(super) fn stacked(matrices: Vec<Self>) -> Self {
        let mut all = Self { depth: 0, rows: Vec::new(), parts: Vec::new() };
        for matrix in matrices {
            all.depth = matrix.depth;
            let before = all.parts.len();
            all.rows.extend(matrix.rows.into_iter().map(|(part, row)| (before + part, row)));
            all.parts.extend(matrix.parts);
        }
        all
    }

    /// Output `n` becomes what was output `row(n)`.
    pub(super) fn reorder(&mut self, row: impl Fn(usize) -> usize) {
        self.rows = (0..self.rows.len()).map(|n| self.rows[row(n)]).collect();
    }

    /// The matrix as the backend keeps it.
    pub(super) fn place<B: Backend>(&self, backend: &B) -> Result<B::Matrix, Fault> {
        let given = Given { matrix: self, bad: AtomicUsize::new(usize::MAX) };
        let placed = backend.matrix(&given);
        match given.bad.into_inner() {
            usize::MAX => Ok(placed),
            n => {
                let (part, row) = self.rows[n];
                Err(Fault::NotFinite { name: self.parts[part].name().to_owned(), row })
            }
        }
    }

    /// The one form that all parts have, if there is one.
    fn form(&self) -> Form {
        let kinds: Option<Vec<TensorType>> = self.parts.iter().map(Content::kind).collect();
        let Some(kinds) = kinds else { return Form::Full };
        if kinds.iter().all(|kind| *kind == TensorType::F16) {
            return Form::F16;
        }
        if kinds.iter().all(|kind| *kind == TensorType::BF16) {
            return Form::Bf16;
        }
        match kinds.iter().map(|kind| quant::run(*kind)).min().flatten() {
            Some(run) => Form::Codes { run, minima: kinds.iter().any(|kind| quant::has_minima(*kind)) },
            None => Form::Full,
        }
    }

    /// What the file has of output `n`; nothing of a part that was turned.
    fn bytes(&self, n: usize) -> &[u8] {
        let (part, row) = self.rows[n];
        match &self.parts[part] {
            Content::Stored(tensor) => &tensor.data[row * tensor.row_bytes()..][..tensor.row_bytes()],
            Content::Turned { .. } => &[],
        }
    }

    /// Writes the integers of output `n`; a part whose runs are longer than `run` has each scale several times. Returns whether
    /// all scales and minima are finite.
    fn codes(&self, n: usize, run: usize, out: Codes<'_>) -> bool {
        let Some(kind) = self.parts[self.rows[n].0].kind() else { return true };
        let times = quant::run(kind).map_or(1, |own| own / run);
        let Codes { quants, scales, minima } = out;
        let own = scales.len() / times;
        quant::codes(
            kind,
            self.bytes(n),
            Codes { quants, scales: &mut scales[..own], minima: &mut minima[..own] },
        );
        if times > 1 {
            // From the end, so that none is overwritten before it was read.
            for i in (0..scales.len()).rev() {
                (scales[i], minima[i]) = (scales[i / times], minima[i / times]);
            }
        }
        is_finite(scales) && is_finite(minima)
    }
}

/// In which form a file has a matrix.
pub(crate) enum Form {
    F16,
    Bf16,
    /// Integers, with a scale and perhaps a minimum for each `run` of them.
    Codes {
        run: usize,
        minima: bool,
    },
    /// In another, or in more than one.
    Full,
}

/// A matrix that a backend is about to keep: its outputs one by one, in any order and from any thread. Values that are not finite
/// are noted, and fail the loading.
pub(crate) struct Given<'a> {
    matrix: &'a Matrix<'a>,
    /// The first output with a value that is not finite.
    bad: AtomicUsize,
}

impl Given<'_> {
    pub(crate) fn outputs(&self) -> usize {
        self.matrix.rows.len()
    }

    pub(crate) fn depth(&self) -> usize {
        self.matrix.depth
    }

    pub(crate) fn form(&self) -> Form {
        self.matrix.form()
    }

    /// The weights of output `n`, `depth` of them; whatever the form is.
    pub(crate) fn full(&self, n: usize, out: &mut [f32]) {
        let (part, row) = self.matrix.rows[n];
        match &self.matrix.parts[part] {
            Content::Stored(tensor) => dequantise(tensor.kind, self.matrix.bytes(n), out),
            Content::Turned { values, .. } => out.copy_from_slice(&values[row * out.len()..][..out.len()]),
        }
        self.note(n, is_finite(out));
    }

    /// The same of a matrix in [`Form::F16`].
    pub(crate) fn f16(&self, n: usize, out: &mut [f16]) {
        each(self.matrix.bytes(n), out, f16::from_le_bytes);
        self.note(n, out.iter().all(|value| value.is_finite()));
    }

    /// The same of a matrix in [`Form::Bf16`].
    pub(crate) fn bf16(&self, n: usize, out: &mut [bf16]) {
        each(self.matrix.bytes(n), out, bf16::from_le_bytes);
        self.note(n, out.iter().all(|value| value.is_finite()));
    }

    /// The same of a matrix in [`Form::Codes`], with its `run`.
    pub(crate) fn codes(&self, n: usize, run: usize, out: Codes<'_>) {
        self.note(n, self.matrix.codes(n, run, out));
    }

    fn note(&self, n: usize, finite: bool) {
        if !finite {
            self.bad.fetch_min(n, Ordering::Relaxed);
        }
    }
}

fn each<T>(bytes: &[u8], out: &mut [T], value: impl Fn([u8; 2]) -> T) {
    for (out, bytes) in out.iter_mut().zip(bytes.as_chunks().0) {
        *out = value(*bytes);
    }
}
