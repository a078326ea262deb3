//! Levels of the factor with most levels, eliminated once for all that are alike.
//!
//! The likelihood knows of a level its ZᵀZ and its sums over the other columns. In designs in which people meet the same items
//! under few conditions, most levels differ in their sums of y alone; then Σ (W v)(W v)ᵀ over them needs only how many they are,
//! Σ s and Σ s sᵀ of their sums s of y, and costs as much as one of them. What is compared is exact: sums that differ by rounding
//! make two kinds, and the result is the same.

use std::collections::HashMap;

use nalgebra::DMatrix;

/// One level: its cross products.
pub(super) struct Level {
    /// ZᵀZ, `effects²` values.
    pub gram: Vec<f64>,
    /// Columns of the dense part, ascending; the last is y.
    pub columns: Vec<u32>,
    /// `effects` values for each of them.
    pub values: Vec<f64>,
}

/// Levels that are alike but for y.
struct Kind {
    /// How many.
    levels: f64,
    gram: Vec<f64>,
    /// Without y.
    columns: Vec<u32>,
    values: Vec<f64>,
    /// Σ s and Σ s sᵀ, s being a level's sums of y.
    sum: Vec<f64>,
    squares: Vec<f64>,
}

/// All levels.
pub(super) struct Alike {
    effects: usize,
    kinds: Vec<Kind>,
    by: HashMap<(Vec<u32>, Vec<u64>), usize>,
}

impl Alike {
    pub fn new(effects: usize) -> Self {
        Self { effects, kinds: Vec::new(), by: HashMap::new() }
    }

    pub fn add(&mut self, mut level: Level) {
        let q = self.effects;
        level.columns.pop();
        let own = level.values.split_off(level.columns.len() * q);
        let bits = level.gram.iter().chain(&level.values).map(|v| v.to_bits()).collect();
        let Level { gram, columns, values } = level;
        let at = *self.by.entry((columns.clone(), bits)).or_insert(self.kinds.len());
        if at == self.kinds.len() {
            let (sum, squares) = (vec![0.0; q], vec![0.0; q * q]);
            self.kinds.push(Kind { levels: 0.0, gram, columns, values, sum, squares });
        }
        let kind = &mut self.kinds[at];
        kind.levels += 1.0;
        for i in 0..q {
            kind.sum[i] += own[i];
            (0..q).for_each(|j| kind.squares[i * q + j] += own[i] * own[j]);
        }
    }

    /// Takes all levels out of the dense part (lower triangle, y last); 2 log|L| of them. `None` where a factor does not exist.
    pub fn eliminate(&self, lambda: &[f64], dense: &mut DMatrix<f64>) -> Option<f64> {
        let q = self.effects;
        let height = dense.nrows();
        let data = dense.as_mut_slice();
        let (mut log_det, mut factor, mut w) = (0.0, vec![0.0; q * q], Vec::new());
        for kind in &self.kinds {
            sandwich(lambda, &kind.gram, q, &mut factor);
            log_det += kind.levels * small_cholesky(&mut factor, q)?;
            w.clear();
            w.extend_from_slice(&kind.values);
            w.extend_from_slice(&kind.sum);
            w.chunks_exact_mut(q).for_each(|entry| whiten(lambda, &factor, q, entry));
            let (w, sum) = w.split_at(kind.values.len());
            for (j, column) in kind.columns.iter().enumerate() {
                let into = &mut data[*column as usize * height..(*column as usize + 1) * height];
                let by = &w[j * q..(j + 1) * q];
                into[height - 1] -= dot(by, sum);
                if let [by] = by {
                    let by = by * kind.levels;
                    for (row, value) in kind.columns[j..].iter().zip(&w[j..]) {
                        into[*row as usize] -= by * value;
                    }
                } else {
                    for (row, value) in kind.columns[j..].iter().zip(w[j * q..].chunks_exact(q)) {
                        into[*row as usize] -= kind.levels * dot(by, value);
                    }
                }
            }
            data[height * height - 1] -= whitened_trace(lambda, &factor, q, &kind.squares);
        }
        Some(log_det)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The trace of W S Wᵀ for a symmetric S, W being what [`whiten`] does.
fn whitened_trace(lambda: &[f64], factor: &[f64], q: usize, s: &[f64]) -> f64 {
    let mut half = s.to_vec();
    // Rows of S are its columns: this makes (W S)ᵀ, row by row.
    half.chunks_exact_mut(q).for_each(|row| whiten(lambda, factor, q, row));
    (0..q)
        .map(|i| {
            let mut row: Vec<f64> = (0..q).map(|j| half[j * q + i]).collect();
            whiten(lambda, factor, q, &mut row);
            row[i]
        })
        .sum()
}

/// Λᵀ G Λ + I.
fn sandwich(lambda: &[f64], g: &[f64], q: usize, into: &mut [f64]) {
    for i in 0..q {
        for j in 0..=i {
            let mut sum = f64::from(i == j);
            for a in i..q {
                for b in j..q {
                    sum += lambda[a * q + i] * g[a * q + b] * lambda[b * q + j];
                }
            }
            into[i * q + j] = sum;
        }
    }
}

/// Row-major Cholesky of a few rows; 2 log of its determinant.
fn small_cholesky(a: &mut [f64], q: usize) -> Option<f64> {
    let mut log_det = 0.0;
    for i in 0..q {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| a[i * q + k] * a[j * q + k]).sum();
            let rest = a[i * q + j] - sum;
            if i == j {
                if rest.is_nan() || rest <= 0.0 {
                    return None;
                }
                a[i * q + i] = rest.sqrt();
                log_det += rest.ln();
            } else {
                a[i * q + j] = rest / a[j * q + j];
            }
        }
    }
    Some(log_det)
}

/// v ← L⁻¹ Λᵀ v.
fn whiten(lambda: &[f64], factor: &[f64], q: usize, v: &mut [f64]) {
    for i in 0..q {
        v[i] = (i..q).map(|k| lambda[k * q + i] * v[k]).sum();
    }
    for i in 0..q {
        let sum: f64 = (0..i).map(|k| factor[i * q + k] * v[k]).sum();
        v[i] = (v[i] - sum) / factor[i * q + i];
    }
}
