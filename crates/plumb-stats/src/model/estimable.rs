//! Type III hypotheses where the data do not determine every coefficient, as with empty cells.
//!
//! They are written over the model with a column for each level of everything. What can be estimated there are the combinations
//! of its rows. A term's hypothesis is about the term and the terms that contain it alone, and is orthogonal to the hypotheses
//! of those that contain it (Goodnight 1976, *General Linear Models Procedure*; SAS technical report R-101). With every cell filled these are the
//! usual type III hypotheses; with empty cells they compare what is there on both sides. Not here: the tests.

use nalgebra::{DMatrix, SymmetricEigen};

use super::design::Design;

/// Of a design and the same terms with a column for every level, one matrix for each term: its hypothesis, rows over the
/// columns of `design`. No rows where the data say nothing of it.
pub(super) fn hypotheses(design: &Design, every: &Design) -> Vec<DMatrix<f64>> {
    let rows = Rows::of(every);
    let into = rows.inverse_gram() * every.matrix.transpose() * &design.matrix;
    let terms = every.terms();
    let contains = |t: usize, u: usize| t == u || terms[t].within(&terms[u]);
    let of_term = |t: usize| {
        let own = rows.zero_on(|c| !contains(t, every.term_of()[c]));
        let of_others = rows.zero_on(|c| every.term_of()[c] == t || !contains(t, every.term_of()[c]));
        let alone = &own - &of_others * (of_others.transpose() * &own);
        // A projection: its squares are 1 in what is left and 0 elsewhere.
        let left = chosen(alone.transpose() * &alone, |square| square > 0.5);
        alone * left
    };
    (0..terms.len()).map(|t| of_term(t).transpose() * &into).collect()
}

/// What can be estimated: the span of a design's rows.
struct Rows {
    /// Orthonormal, a column each.
    basis: DMatrix<f64>,
    /// Their eigenvalues in the design's Gram matrix.
    squares: Vec<f64>,
}

/// A share of all squares below which a direction counts as none.
const NONE: f64 = 1e-10;

impl Rows {
    fn of(every: &Design) -> Rows {
        let gram = every.matrix.transpose() * &every.matrix;
        // The trace is no less than the largest eigenvalue, and no more than as many times as there are columns.
        let all = gram.trace();
        let basis = chosen(gram.clone(), |square| square > NONE * all);
        let squares =
            (0..basis.ncols()).map(|j| (basis.column(j).transpose() * &gram * basis.column(j))[(0, 0)]);
        Rows { squares: squares.collect(), basis }
    }

    fn inverse_gram(&self) -> DMatrix<f64> {
        let scaled = DMatrix::from_fn(self.basis.nrows(), self.basis.ncols(), |i, j| {
            self.basis[(i, j)] / self.squares[j]
        });
        scaled * self.basis.transpose()
    }

    /// Orthonormal combinations of rows that are zero on some columns.
    fn zero_on(&self, column: impl Fn(usize) -> bool) -> DMatrix<f64> {
        let at: Vec<usize> = (0..self.basis.nrows()).filter(|c| column(*c)).collect();
        let there = DMatrix::from_fn(at.len(), self.basis.ncols(), |i, j| self.basis[(at[i], j)]);
        &self.basis * chosen(there.transpose() * &there, |square| square < NONE)
    }
}

/// The eigenvectors of a symmetric matrix whose eigenvalues are chosen.
fn chosen(matrix: DMatrix<f64>, which: impl Fn(f64) -> bool) -> DMatrix<f64> {
    if matrix.is_empty() {
        return DMatrix::zeros(0, 0);
    }
    let eigen = SymmetricEigen::new(matrix);
    let at: Vec<usize> = (0..eigen.eigenvalues.len()).filter(|i| which(eigen.eigenvalues[*i])).collect();
    DMatrix::from_fn(eigen.eigenvectors.nrows(), at.len(), |i, j| eigen.eigenvectors[(i, at[j])])
}
