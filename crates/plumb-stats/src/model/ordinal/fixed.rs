//! Cumulative link models without random effects: Newton's method on the exact log-likelihood, which has one maximum.

use nalgebra::{DMatrix, DVector};

use super::row::{Rows, interval};

pub(super) struct Fit {
    /// Thresholds, then coefficients.
    pub parameters: Vec<f64>,
    pub log_likelihood: f64,
    /// Negative second derivatives.
    pub information: DMatrix<f64>,
    pub converged: bool,
}

const STEPS: usize = 60;

pub(super) fn fit(rows: &Rows) -> Fit {
    let cuts = rows.categories - 1;
    let mut parameters = start(rows);
    parameters.resize(cuts + rows.width, 0.0);
    let mut here = derivatives(rows, &parameters);
    let mut converged = false;
    for _ in 0..STEPS {
        let Some((value, gradient, information)) = &here else { break };
        let Some(factor) = information.clone().cholesky() else { break };
        let step = factor.solve(gradient);
        let promise = gradient.dot(&step);
        if promise < 1e-12 * value.abs().max(1.0) {
            converged = true;
            break;
        }
        let mut share = 1.0;
        let next = loop {
            let moved: Vec<f64> = parameters.iter().zip(step.iter()).map(|(p, s)| p + share * s).collect();
            match derivatives(rows, &moved) {
                Some(there) if there.0 >= *value => break Some((moved, there)),
                _ if share < 1e-6 => break None,
                _ => share *= 0.5,
            }
        };
        let Some((moved, there)) = next else { break };
        parameters = moved;
        here = Some(there);
    }
    let size = parameters.len();
    let (log_likelihood, information) = here
        .map_or((f64::NEG_INFINITY, DMatrix::zeros(size, size)), |(value, _, information)| {
            (value, information)
        });
    Fit { parameters, log_likelihood, information, converged }
}

/// Thresholds from the marginal shares.
fn start(rows: &Rows) -> Vec<f64> {
    let mut counts = vec![0_u64; rows.categories];
    rows.codes.iter().for_each(|c| counts[*c as usize] += 1);
    let total = rows.len() as f64;
    let mut below = 0.0;
    counts[..rows.categories - 1]
        .iter()
        .map(|count| {
            below += *count as f64 / total;
            (below / (1.0 - below)).ln()
        })
        .collect()
}

type Derivatives = (f64, DVector<f64>, DMatrix<f64>);

/// Log-likelihood, gradient and information.
fn derivatives(rows: &Rows, parameters: &[f64]) -> Option<Derivatives> {
    let cuts = rows.categories - 1;
    let (thresholds, beta) = parameters.split_at(cuts);
    let size = parameters.len();
    let (mut value, mut gradient, mut information) = (0.0, DVector::zeros(size), DMatrix::zeros(size, size));
    // The two bounds of a row depend on at most two thresholds and on β.
    let mut along: Vec<(usize, f64, f64)> = Vec::new();
    for r in 0..rows.len() {
        let eta = rows.predictor(r, beta);
        let (low, high) = rows.bounds(r, thresholds);
        let d = interval(low - eta, high - eta)?;
        value += d.p.ln();
        along.clear();
        let code = rows.codes[r] as usize;
        if code < cuts {
            along.push((code, 1.0, 0.0));
        }
        if code > 0 {
            along.push((code - 1, 0.0, 1.0));
        }
        along.extend(rows.row(r).iter().enumerate().map(|(c, x)| (cuts + c, -x, -x)));
        for (i, da, db) in &along {
            gradient[*i] += d.a * da + d.b * db;
            for (j, ea, eb) in &along {
                information[(*i, *j)] -= d.aa * da * ea + d.bb * db * eb + d.ab * (da * eb + db * ea);
            }
        }
    }
    Some((value, gradient, information))
}
