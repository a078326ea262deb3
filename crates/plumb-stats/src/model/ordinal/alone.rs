//! Laplace's method where one factor alone has intercepts: groups then have nothing in common, and the integral is a sum of one
//! number's integrals, one for each group.
//!
//! Groups with the same rows in any order (people of one condition who gave the same answers) are integrated once. Not here: several
//! factors, and what is done with the value (`laplace`).

use std::collections::HashMap;

use super::row::{LogProduct, Rows, interval};

/// Distinct groups and how often each is there.
pub(super) struct Alone {
    groups: Vec<(Vec<u32>, f64)>,
}

/// Newton steps at most; five or six are usual.
const STEPS: usize = 60;

/// What one pass over a group's rows gives at one effect.
struct Pass {
    /// Penalised log-likelihood.
    value: f64,
    /// Its derivative.
    slope: f64,
    /// 1 + τ² Σ w, the negative second derivative.
    curvature: f64,
}

impl Alone {
    /// `by_group`: the rows of each group.
    pub fn new(rows: &Rows, by_group: &[Vec<u32>]) -> Alone {
        let mut groups: Vec<(Vec<u32>, f64)> = Vec::new();
        let mut known: HashMap<Vec<(u32, Vec<u64>)>, usize> = HashMap::new();
        for own in by_group {
            let of = |r: &u32| {
                let r = *r as usize;
                (rows.codes[r], rows.row(r).iter().map(|x| x.to_bits()).collect())
            };
            let mut key: Vec<(u32, Vec<u64>)> = own.iter().map(of).collect();
            key.sort_unstable();
            let at = *known.entry(key).or_insert(groups.len());
            match groups.get_mut(at) {
                Some((_, count)) => *count += 1.0,
                None => groups.push((own.clone(), 1.0)),
            }
        }
        Alone { groups }
    }

    /// The log-likelihood; nothing where a row has no probability.
    pub fn log_likelihood(&self, rows: &Rows, thresholds: &[f64], beta: &[f64], tau: f64) -> Option<f64> {
        let mut sum = 0.0;
        for (own, count) in &self.groups {
            sum += count * integral(&|v| pass(rows, own, thresholds, beta, tau, v))?;
        }
        Some(sum)
    }
}

fn integral(at: &impl Fn(f64) -> Option<Pass>) -> Option<f64> {
    let mut v = 0.0;
    let mut here = at(v)?;
    'steps: for _ in 0..STEPS {
        let step = here.slope / here.curvature;
        if here.slope * step < 1e-13 * here.value.abs().max(1.0) {
            break;
        }
        let mut share = 1.0;
        loop {
            let moved = v + share * step;
            match at(moved) {
                Some(there) if there.value >= here.value => {
                    (v, here) = (moved, there);
                    break;
                }
                // Rounding is all that is left.
                _ if share < 1e-4 => break 'steps,
                _ => share *= 0.5,
            }
        }
    }
    Some(here.value - 0.5 * here.curvature.ln())
}

fn pass(rows: &Rows, own: &[u32], thresholds: &[f64], beta: &[f64], tau: f64, v: f64) -> Option<Pass> {
    let mut likelihood = LogProduct::new();
    let (mut slopes, mut weights) = (0.0, 0.0);
    for r in own.iter().map(|r| *r as usize) {
        let eta = rows.predictor(r, beta) + tau * v;
        let (low, high) = rows.bounds(r, thresholds);
        let d = interval(low - eta, high - eta)?;
        likelihood.add(d.p);
        slopes += d.a + d.b;
        weights -= d.aa + d.bb + 2.0 * d.ab;
    }
    Some(Pass {
        value: likelihood.sum() - 0.5 * v * v,
        slope: -v - tau * slopes,
        curvature: 1.0 + tau * tau * weights,
    })
}
