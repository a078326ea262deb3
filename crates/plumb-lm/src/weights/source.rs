//! Tensors that nobody has asked for yet, and matrices made of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Fault, Layout};
use crate::arch::Config;
use crate::gguf::Tensor;
use crate::kernel::Panels;
use crate::quant::dequantise;

pub(super) struct Source<'a> {
    tensors: HashMap<&'a str, &'a Tensor<'a>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(
        tensors: impl Iterator<Item = &'a Tensor<'a>>,
        layout: Layout,
        config: &Config,
    ) -> Self {
        // A tied head may be stored all the same; it is not used.
        let unused = |name: &str| {
            layout == Layout::HuggingFace
                && config.tied
                && ["lm_head.weight", "embed_out.weight"].contains(&name)
        };
        let kept = tensors.filter(|tensor| !layout.is_setting(tensor.name) && !unused(tensor.name));
        Self { tensors: kept.map(|tensor| (layout.bare(tensor.name), tensor)).collect() }
    }

    /// The tensor of that name, which must have that shape: fastest dimension first.
    pub(super) fn take(&mut self, name: &str, shape: &[usize]) -> Result<&'a Tensor<'a>, Fault> {
        let tensor = self.tensors.remove(name).ok_or_else(|| Fault::Missing { name: name.to_owned() })?;
        let expected: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
        if tensor.shape != expected {
            return Err(Fault::Shape { name: tensor.name.to_owned(), found: tensor.shape.clone(), expected });
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

    pub(super) fn panels(&self) -> Result<Panels, Fault> {
        let bad = AtomicUsize::new(usize::MAX);
        let panels = Panels::build(self.rows.len(), self.depth, |n, out| {
            let (part, row) = self.rows[n];
            match &self.parts[part] {
                Content::Stored(tensor) => {
                    let bytes = tensor.row_bytes();
                    dequantise(tensor.kind, &tensor.data[row * bytes..][..bytes], out);
                }
                Content::Turned { values, .. } => {
                    out.copy_from_slice(&values[row * self.depth..][..self.depth])
                }
            }
            if !is_finite(out) {
                bad.fetch_min(n, Ordering::Relaxed);
            }
        });
        match bad.into_inner() {
            usize::MAX => Ok(panels),
            n => {
                let (part, row) = self.rows[n];
                Err(Fault::NotFinite { name: self.parts[part].name().to_owned(), row })
            }
        }
    }
}
