//! The profiled deviance of a linear mixed model at given covariance parameters.
//!
//! With y = Xβ + ZΛu + e, u ~ N(0, σ²I): one Cholesky factor of
//!
//! ```text
//! ⎡ ΛᵀZᵀZΛ + I   ΛᵀZᵀX   ΛᵀZᵀy ⎤
//! ⎢              XᵀX     Xᵀy   ⎥
//! ⎣                      yᵀy   ⎦
//! ```
//!
//! holds log|L|, log|R_X| and the penalised residual sum of squares (Bates, Mächler, Bolker & Walker 2015, J. Statist.
//! Software 67(1), eq. 34 and 40). The block of the factor with most levels is block-diagonal and eliminated level by
//! level; what is left (all other levels, X, y) is one dense matrix. So a fit costs as much as its second-largest
//! grouping factor is large: crossed or nested designs with up to some thousands of levels there. Levels that differ in y
//! alone, as people who answered the same items under one condition, are eliminated together (`alike`).
//!
//! X enters as an orthonormal basis Q (X = QR) and y as its residual from X, so that little cancels.

use nalgebra::{DMatrix, DVector};

use super::alike::{Alike, Level};
use super::blocks::Block;
use crate::model::dense::{Qr, back_solve, cholesky};

/// Cross products, made once.
pub(crate) struct Problem {
    pub rows: usize,
    pub fixed: usize,
    pub blocks: Vec<Block>,
    /// Levels of the first block.
    first: Alike,
    /// Lower triangle of the dense part's cross product.
    dense: DMatrix<f64>,
    /// (first column, effects, block): groups of columns that Λ mixes; X and y have none.
    mixed: Vec<(usize, usize, usize)>,
    log_det_r: f64,
}

/// What one set of parameters gives.
pub(crate) struct State {
    /// 2 log|L|.
    pub log_det_l: f64,
    /// 2 log|R_X|.
    pub log_det_x: f64,
    /// Penalised residual sum of squares.
    pub squares: f64,
    /// Lower triangular factor for Q's coefficients.
    pub l_x: DMatrix<f64>,
    /// L_xᵀ γ.
    pub rhs: DVector<f64>,
}

impl Problem {
    pub fn new(blocks: Vec<Block>, x: &DMatrix<f64>, y: &[f64], qr: &Qr) -> Self {
        let (rows, fixed) = (x.nrows(), qr.kept.len());
        let tail = Tail::new(&blocks, orthonormal(x, y, qr), fixed + 1);
        let q = blocks[0].effects();
        let mut by_level: Vec<Vec<u32>> = vec![Vec::new(); blocks[0].levels];
        for (row, code) in blocks[0].codes.iter().enumerate() {
            by_level[*code as usize].push(row as u32);
        }
        let mut problem = Self {
            rows,
            fixed,
            first: Alike::new(q),
            dense: DMatrix::zeros(tail.width, tail.width),
            mixed: tail.groups(&blocks),
            log_det_r: 2.0 * (0..fixed).map(|i| qr.r[(i, i)].abs().ln()).sum::<f64>(),
            blocks,
        };
        let mut scratch =
            Scratch { slot: vec![u32::MAX; tail.width], entries: Vec::new(), values: Vec::new() };
        for rows in &by_level {
            problem.add_level(rows, &tail, &mut scratch);
        }
        problem
    }

    fn add_level(&mut self, rows: &[u32], tail: &Tail, scratch: &mut Scratch) {
        let q = self.blocks[0].effects();
        let mut level = Level { gram: vec![0.0; q * q], columns: Vec::new(), values: Vec::new() };
        scratch.entries.clear();
        scratch.values.clear();
        let mut row_entries: Vec<(u32, f64)> = Vec::new();
        for row in rows.iter().map(|r| *r as usize) {
            tail.row(&self.blocks, row, &mut row_entries);
            let z = &self.blocks[0].z[row * q..(row + 1) * q];
            for i in 0..q {
                for j in 0..q {
                    level.gram[i * q + j] += z[i] * z[j];
                }
            }
            for (at, (column, value)) in row_entries.iter().enumerate() {
                for (row, other) in &row_entries[at..] {
                    self.dense[(*row as usize, *column as usize)] += value * other;
                }
                let slot = scratch.slot(*column, q);
                for (sum, z) in scratch.values[slot * q..(slot + 1) * q].iter_mut().zip(z) {
                    *sum += value * z;
                }
            }
        }
        let mut order: Vec<usize> = (0..scratch.entries.len()).collect();
        order.sort_unstable_by_key(|i| scratch.entries[*i]);
        for i in order {
            level.columns.push(scratch.entries[i]);
            level.values.extend_from_slice(&scratch.values[i * q..(i + 1) * q]);
            scratch.slot[scratch.entries[i] as usize] = u32::MAX;
        }
        self.first.add(level);
    }

    /// The factor at `theta`; `None` where it does not exist.
    pub fn evaluate(&self, theta: &[f64]) -> Option<State> {
        let mut dense = self.dense.clone();
        let mut log_det_l = self.first.eliminate(&self.blocks[0].lambda(theta), &mut dense)?;
        self.scale(theta, &mut dense);
        if !cholesky(&mut dense) {
            return None;
        }
        let (width, p) = (dense.ncols(), self.fixed);
        let random = width - p - 1;
        let log_diagonal = |from: usize, to: usize| 2.0 * (from..to).map(|i| dense[(i, i)].ln()).sum::<f64>();
        log_det_l += log_diagonal(0, random);
        Some(State {
            log_det_l,
            log_det_x: log_diagonal(random, random + p) + self.log_det_r,
            squares: dense[(width - 1, width - 1)].powi(2),
            l_x: DMatrix::from_fn(p, p, |i, j| if i >= j { dense[(random + i, random + j)] } else { 0.0 }),
            rhs: DVector::from_fn(p, |i, _| dense[(width - 1, random + i)]),
        })
    }

    /// S ← Λᵀ S Λ + I on the lower triangle, for the blocks after the first.
    fn scale(&self, theta: &[f64], dense: &mut DMatrix<f64>) {
        let lambdas: Vec<Vec<f64>> = self.blocks.iter().map(|b| b.lambda(theta)).collect();
        let width = dense.ncols();
        let random = width - self.fixed - 1;
        if self.mixed.iter().all(|(_, q, _)| *q == 1) {
            let mut factor = vec![1.0; width];
            self.mixed.iter().for_each(|(start, _, block)| factor[*start] = lambdas[*block][0]);
            for (column, data) in dense.as_mut_slice().chunks_exact_mut(width).enumerate().take(random) {
                let by = factor[column];
                data[column..].iter_mut().zip(&factor[column..]).for_each(|(e, f)| *e *= by * f);
                data[column] += 1.0;
            }
            return;
        }
        for (start, q, block) in &self.mixed {
            let lambda = &lambdas[*block];
            // Columns of this group, in all rows below it; then its rows, in all columns before and within it.
            symmetric(dense, *start, *q);
            for row in *start..width {
                mix(lambda, *q, |i| (row, start + i), dense);
            }
            for column in 0..start + q {
                mix(lambda, *q, |i| (start + i, column), dense);
            }
        }
        for i in 0..random {
            dense[(i, i)] += 1.0;
        }
    }
}

/// Fills the upper triangle of a diagonal block from the lower.
fn symmetric(dense: &mut DMatrix<f64>, start: usize, q: usize) {
    for i in 0..q {
        for j in 0..i {
            dense[(start + j, start + i)] = dense[(start + i, start + j)];
        }
    }
}

/// v ← Λᵀ v for q entries of a matrix; Λ is lower triangular, so entry i needs only later ones.
fn mix(lambda: &[f64], q: usize, at: impl Fn(usize) -> (usize, usize), dense: &mut DMatrix<f64>) {
    for i in 0..q {
        dense[at(i)] = (i..q).map(|k| lambda[k * q + i] * dense[at(k)]).sum();
    }
}

/// Q and the residual of y, row-major with y last.
fn orthonormal(x: &DMatrix<f64>, y: &[f64], qr: &Qr) -> Vec<f64> {
    let k = qr.kept.len();
    let mut beta = qr.effects[..k].to_vec();
    back_solve(&qr.r, &mut beta);
    let mut all = Vec::with_capacity(y.len() * (k + 1));
    for (row, value) in y.iter().enumerate() {
        let start = all.len();
        let fitted: f64 = qr.kept.iter().zip(&beta).map(|(c, b)| x[(row, *c)] * b).sum();
        for j in 0..k {
            let known: f64 = (0..j).map(|i| all[start + i] * qr.r[(i, j)]).sum();
            all.push((x[(row, qr.kept[j])] - known) / qr.r[(j, j)]);
        }
        all.push(value - fitted);
    }
    all
}

/// The columns after the first block: other blocks' levels, X, y.
struct Tail {
    /// First column of each block after the first.
    offsets: Vec<usize>,
    xy: Vec<f64>,
    xy_width: usize,
    width: usize,
}

impl Tail {
    fn new(blocks: &[Block], xy: Vec<f64>, xy_width: usize) -> Self {
        let mut offsets = Vec::new();
        let mut width = 0;
        for block in &blocks[1..] {
            offsets.push(width);
            width += block.levels * block.effects();
        }
        Self { offsets, xy, xy_width, width: width + xy_width }
    }

    fn groups(&self, blocks: &[Block]) -> Vec<(usize, usize, usize)> {
        let mut groups = Vec::new();
        for (b, (block, offset)) in blocks[1..].iter().zip(&self.offsets).enumerate() {
            let q = block.effects();
            groups.extend((0..block.levels).map(|l| (offset + l * q, q, b + 1)));
        }
        groups
    }

    /// The entries of one row that are not zero, by ascending column.
    fn row(&self, blocks: &[Block], row: usize, into: &mut Vec<(u32, f64)>) {
        into.clear();
        for (block, offset) in blocks[1..].iter().zip(&self.offsets) {
            let q = block.effects();
            let start = offset + block.codes[row] as usize * q;
            into.extend((0..q).map(|i| ((start + i) as u32, block.z[row * q + i])));
        }
        let start = self.width - self.xy_width;
        into.extend((0..self.xy_width).map(|i| ((start + i) as u32, self.xy[row * self.xy_width + i])));
    }
}

/// Where the entries of one level are gathered.
struct Scratch {
    slot: Vec<u32>,
    entries: Vec<u32>,
    values: Vec<f64>,
}

impl Scratch {
    fn slot(&mut self, column: u32, q: usize) -> usize {
        let slot = &mut self.slot[column as usize];
        if *slot == u32::MAX {
            *slot = self.entries.len() as u32;
            self.entries.push(column);
            self.values.resize(self.entries.len() * q, 0.0);
        }
        *slot as usize
    }
}
