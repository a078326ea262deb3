//! Where the search for covariance parameters begins.
//!
//! For an intercept that varies alone, the variance between its levels by a one-way analysis of variance (Searle, Casella &
//! McCulloch 1992, *Variance Components*, §3.6) of what the fixed effects leave, relative to what all of them leave: rough, since
//! it knows of one factor at a time, but nearer than 1, and each step saved is a factorisation. Parameters of other blocks begin at
//! 1 on the diagonal and 0 beside it.

use nalgebra::DMatrix;

use super::blocks::Block;
use crate::model::dense::{Qr, back_solve};

/// A start is no nearer to zero than this: there the deviance is flat, whatever the data say.
const LEAST: f64 = 0.05;
/// And no larger than this.
const MOST: f64 = 10.0;

/// One value for each parameter.
pub(super) fn start(blocks: &[Block], diagonal: &[bool], x: &DMatrix<f64>, y: &[f64], qr: &Qr) -> Vec<f64> {
    let mut theta: Vec<f64> = diagonal.iter().map(|d| f64::from(u8::from(*d))).collect();
    let mut beta = qr.effects[..qr.kept.len()].to_vec();
    back_solve(&qr.r, &mut beta);
    let mut rest = y.to_vec();
    for (column, b) in qr.kept.iter().zip(&beta) {
        rest.iter_mut().zip(x.column(*column).iter()).for_each(|(r, x)| *r -= b * x);
    }
    let rows = rest.len() as f64;
    let whole = rest.iter().map(|r| r * r).sum::<f64>() / rows;
    let alone = |block: &Block| block.effects() == 1 && block.z.iter().all(|z| *z == 1.0);
    let between: Vec<(usize, f64)> = blocks
        .iter()
        .filter(|block| alone(block))
        .filter_map(|block| Some((block.pattern[0]?, variance(block, &rest)?)))
        .collect();
    let left = (whole - between.iter().map(|(_, v)| v).sum::<f64>()).max(0.1 * whole);
    for (at, variance) in between {
        let ratio = (variance / left).sqrt();
        if ratio.is_finite() {
            theta[at] = ratio.clamp(LEAST, MOST);
        }
    }
    theta
}

/// Variance between levels, 0 at least; `None` where they cannot be told from rows.
fn variance(block: &Block, rest: &[f64]) -> Option<f64> {
    let mut levels = vec![(0.0, 0.0); block.levels];
    for (code, r) in block.codes.iter().zip(rest) {
        let (n, sum) = &mut levels[*code as usize];
        (*n, *sum) = (*n + 1.0, *sum + r);
    }
    let (rows, count) = (rest.len() as f64, block.levels as f64);
    if count < 2.0 || rows <= count {
        return None;
    }
    let total: f64 = rest.iter().sum();
    let between: f64 = levels.iter().filter(|(n, _)| *n > 0.0).map(|(n, sum)| sum * sum / n).sum();
    let squares: f64 = rest.iter().map(|r| r * r).sum();
    let size = (rows - levels.iter().map(|(n, _)| n * n).sum::<f64>() / rows) / (count - 1.0);
    let within = (squares - between) / (rows - count);
    Some((((between - total * total / rows) / (count - 1.0) - within) / size).max(0.0))
}
