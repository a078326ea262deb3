//! Small dense algebra that `nalgebra` lacks: a QR that keeps the first of columns that depend on one another, a
//! blocked Cholesky, and inverses of symmetric matrices that may be singular.

use nalgebra::{DMatrix, Dyn, MatrixView, MatrixViewMut, SymmetricEigen};

/// A column whose norm shrinks below this share of itself depends on the columns before it (R's tolerance).
const DEPENDENT: f64 = 1e-7;

/// X[:, kept] = Q R with R upper triangular, and Qᵀy.
#[derive(Debug, Clone)]
pub(crate) struct Qr {
    /// Columns that do not depend on earlier ones, in order.
    pub kept: Vec<usize>,
    /// Upper triangular, as many rows and columns as `kept`.
    pub r: DMatrix<f64>,
    /// Qᵀy: one entry for each kept column, the rest being the residual part.
    pub effects: Vec<f64>,
    /// For each dropped column, its coefficients on the kept ones.
    pub dropped: Vec<(usize, Vec<f64>)>,
}

/// Householder QR (Golub & Van Loan 2013, §5.2) that skips dependent columns instead of moving large ones forward.
pub(crate) fn qr(x: &DMatrix<f64>, y: &[f64]) -> Qr {
    let rows = x.nrows();
    let mut effects = y.to_vec();
    let mut reflections: Vec<(usize, Vec<f64>)> = Vec::new();
    let (mut kept, mut columns, mut late) = (Vec::new(), Vec::<Vec<f64>>::new(), Vec::new());
    for c in 0..x.ncols() {
        let mut v: Vec<f64> = x.column(c).iter().copied().collect();
        let before = norm(&v);
        for (start, h) in &reflections {
            reflect(h, &mut v[*start..]);
        }
        let k = kept.len();
        if k >= rows || norm(&v[k..]) <= DEPENDENT * before || before == 0.0 {
            v.truncate(k);
            late.push((c, v));
            continue;
        }
        let tail = norm(&v[k..]);
        let mut h = v[k..].to_vec();
        let alpha = if h[0] > 0.0 { -tail } else { tail };
        h[0] -= alpha;
        let length = norm(&h);
        h.iter_mut().for_each(|e| *e /= length);
        reflect(&h, &mut effects[k..]);
        v.truncate(k);
        v.push(alpha);
        reflections.push((k, h));
        kept.push(c);
        columns.push(v);
    }
    let k = kept.len();
    let r = DMatrix::from_fn(k, k, |i, j| columns[j].get(i).copied().unwrap_or(0.0));
    let dropped = late
        .into_iter()
        .map(|(c, mut v)| {
            v.resize(k, 0.0);
            back_solve(&r, &mut v);
            (c, v)
        })
        .collect();
    Qr { kept, r, effects, dropped }
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|e| e * e).sum::<f64>().sqrt()
}

/// v ← v − 2 h hᵀv for a unit vector h.
fn reflect(h: &[f64], v: &mut [f64]) {
    let dot: f64 = h.iter().zip(v.iter()).map(|(a, b)| a * b).sum();
    v.iter_mut().zip(h).for_each(|(e, u)| *e -= 2.0 * dot * u);
}

/// Solves R x = b in place for an upper triangular R.
pub(crate) fn back_solve(r: &DMatrix<f64>, b: &mut [f64]) {
    for i in (0..r.ncols()).rev() {
        let sum: f64 = (i + 1..r.ncols()).map(|j| r[(i, j)] * b[j]).sum();
        b[i] = (b[i] - sum) / r[(i, i)];
    }
}

/// (RᵀR)⁻¹ for an upper triangular R.
pub(crate) fn inverse_of_gram(r: &DMatrix<f64>) -> DMatrix<f64> {
    let k = r.ncols();
    let mut inverse = DMatrix::zeros(k, k);
    for c in 0..k {
        let mut unit = vec![0.0; k];
        unit[c] = 1.0;
        back_solve(r, &mut unit);
        inverse.set_column(c, &nalgebra::DVector::from_vec(unit));
    }
    &inverse * inverse.transpose()
}

/// Panels of this width are factored column by column.
const NARROW: usize = 8;
/// An update goes by block columns of this width, so that little above the diagonal is computed in vain.
const WIDE: usize = 128;

/// Replaces the lower triangle of a symmetric matrix by its Cholesky factor L (A = L Lᵀ); what stands above the
/// diagonal is not read and afterwards means nothing. False where the matrix is not positive definite.
pub(crate) fn cholesky(a: &mut DMatrix<f64>) -> bool {
    let n = a.nrows();
    factor(a, 0, n)
}

/// Factors columns `start .. start + width` in all rows from `start` on: the left half, its effect on the right half
/// by matrix products, the right half.
fn factor(a: &mut DMatrix<f64>, start: usize, width: usize) -> bool {
    if width <= NARROW {
        return factor_narrow(a, start, width);
    }
    let n = a.nrows();
    let half = width.div_ceil(2 * NARROW) * NARROW;
    if !factor(a, start, half) {
        return false;
    }
    let (first, end) = (start + half, start + width);
    let (done, rest) = a.as_mut_slice().split_at_mut(first * n);
    let mut column = first;
    while column < end {
        let wide = WIDE.min(end - column);
        let panel = &done[start * n + column..];
        let left =
            MatrixView::<f64, Dyn, Dyn, Dyn, Dyn>::from_slice_with_strides(panel, n - column, half, 1, n);
        // The same rows, read as columns.
        let right = MatrixView::<f64, Dyn, Dyn, Dyn, Dyn>::from_slice_with_strides(panel, half, wide, n, 1);
        let into = &mut rest[(column - first) * n + column..];
        let mut into = MatrixViewMut::<f64, Dyn, Dyn, Dyn, Dyn>::from_slice_with_strides_mut(
            into,
            n - column,
            wide,
            1,
            n,
        );
        into.gemm(-1.0, &left, &right, 1.0);
        column += wide;
    }
    factor(a, first, width - half)
}

fn factor_narrow(a: &mut DMatrix<f64>, start: usize, width: usize) -> bool {
    let n = a.nrows();
    let data = a.as_mut_slice();
    for j in start..start + width {
        for k in start..j {
            let by = data[k * n + j];
            let (head, tail) = data.split_at_mut(j * n);
            let source = &head[k * n + j..k * n + n];
            tail[j..n].iter_mut().zip(source).for_each(|(t, s)| *t -= by * s);
        }
        let pivot = data[j * n + j];
        if !pivot.is_finite() || pivot <= 0.0 {
            return false;
        }
        let root = pivot.sqrt();
        data[j * n + j..(j + 1) * n].iter_mut().for_each(|e| *e /= root);
    }
    true
}

/// f applied to the eigenvalues of a symmetric matrix; eigenvalues at or below `floor` × the largest count as zero
/// and stay zero.
pub(crate) fn spectral(a: &DMatrix<f64>, floor: f64, f: impl Fn(f64) -> f64) -> DMatrix<f64> {
    if a.nrows() == 0 {
        return a.clone();
    }
    let eigen = SymmetricEigen::new(a.clone());
    let largest = eigen.eigenvalues.iter().fold(0.0_f64, |m, e| m.max(*e));
    let values = eigen.eigenvalues.map(|e| if e > floor * largest { f(e) } else { 0.0 });
    &eigen.eigenvectors * DMatrix::from_diagonal(&values) * eigen.eigenvectors.transpose()
}
