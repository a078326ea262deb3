//! Minimising a smooth function of a few parameters without its derivatives.
//!
//! Quasi-Newton (BFGS with backtracking; Nocedal & Wright 2006, §6.1 and §3.1) on central differences, then Newton
//! steps on a second-order stencil, whose Hessian the caller gets too. There are no bounds: a standard deviation may
//! go through zero, since the criteria here depend on its square.

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

/// Where a function is least, as far as it could be found.
#[derive(Debug, Clone)]
pub(crate) struct Minimum {
    pub x: Vec<f64>,
    pub value: f64,
    /// Where the last [`stencil`] was laid: `x`, or one Newton step before it.
    pub centre: Vec<f64>,
    /// Second derivatives there.
    pub hessian: DMatrix<f64>,
    /// By how much the last Newton step could lower the value; infinite where none was possible.
    pub left: f64,
}

type Function<'a> = &'a (dyn Fn(&[f64]) -> f64 + Sync);

/// Steps of the quasi-Newton part at most.
const ITERATIONS: usize = 200;
/// It ends when a step promises less than the first of these, and if Newton's method does not work from there, less
/// than the second.
const PROMISES: [f64; 2] = [1e-6, 1e-9];
/// Newton steps end after one that promised less than this: the next would promise about its square.
const POLISHED: f64 = 1e-7;

/// The step of a difference in one parameter, as a share of it (of 0.1 at least).
fn reach(x: f64, share: f64) -> f64 {
    share * x.abs().max(0.1)
}

/// Minimises `f` from `start`.
pub(crate) fn minimise(f: Function<'_>, start: &[f64]) -> Minimum {
    let mut best = Minimum {
        x: start.to_vec(),
        value: f(start),
        centre: start.to_vec(),
        hessian: DMatrix::zeros(0, 0),
        left: f64::INFINITY,
    };
    for promise in PROMISES {
        (best.x, best.value) = quasi_newton(f, &best.x, best.value, promise);
        newton(f, &mut best);
        if best.left < POLISHED {
            break;
        }
    }
    best
}

/// Newton steps for as long as they help.
fn newton(f: Function<'_>, best: &mut Minimum) {
    best.left = f64::INFINITY;
    for _ in 0..8 {
        let jet = Jet::of(f, &best.x);
        let step = jet.newton();
        best.hessian = jet.hessian.clone();
        best.centre.clone_from(&best.x);
        let Some(step) = step else { return };
        let next: Vec<f64> = best.x.iter().zip(&step).map(|(a, s)| a + s).collect();
        let value = f(&next);
        // Where rounding is all that is left, a step may seem to go up by a little.
        if value.is_nan() || value > best.value + 1e-12 * best.value.abs().max(1.0) {
            best.left = best.left.min(jet.promise(&step));
            return;
        }
        (best.x, best.value, best.left) = (next, value, jet.promise(&step));
        if best.left < POLISHED {
            return;
        }
    }
}

fn quasi_newton(f: Function<'_>, start: &[f64], value: f64, promise: f64) -> (Vec<f64>, f64) {
    let k = start.len();
    let (mut x, mut value) = (start.to_vec(), value);
    let (mut gradient, curvature) = slopes(f, &x, value);
    let mut inverse = DMatrix::from_diagonal(&curvature.map(|c| 1.0 / c.abs().max(1e-6)));
    for _ in 0..ITERATIONS {
        let mut step = -(&inverse * &gradient);
        let longest = (0..k).map(|i| step[i].abs() / (0.5 * x[i].abs()).max(0.1)).fold(0.0, f64::max);
        let slope = gradient.dot(&step);
        if -slope < promise {
            break;
        }
        if longest > 1.0 {
            step /= longest;
        }
        let slope = gradient.dot(&step);
        let Some((next, there, ahead)) = descend(f, &x, value, &step, slope) else { break };
        // Forward differences are enough on the way; near the end they are not.
        let new_gradient = if promise < 1e-6 { slopes(f, &next, there).0 } else { ahead };
        let moved = DVector::from_iterator(k, next.iter().zip(&x).map(|(a, b)| a - b));
        update(&mut inverse, &moved, &(&new_gradient - &gradient));
        (x, value, gradient) = (next, there, new_gradient);
    }
    (x, value)
}

/// A value and its first derivatives by one more value each, all at once: most steps are taken, and then these are needed.
fn forward(f: Function<'_>, x: &[f64]) -> (f64, DVector<f64>) {
    let values: Vec<f64> = (0..=x.len())
        .into_par_iter()
        .map(|at| {
            let mut moved = x.to_vec();
            if let Some(i) = at.checked_sub(1) {
                moved[i] += reach(x[i], 1e-5);
            }
            f(&moved)
        })
        .collect();
    let gradient = DVector::from_fn(x.len(), |i, _| (values[i + 1] - values[0]) / reach(x[i], 1e-5));
    (values[0], gradient)
}

/// Halves the step until the value falls by a share of what the slope promises: where that is, its value and derivatives.
fn descend(
    f: Function<'_>,
    x: &[f64],
    value: f64,
    step: &DVector<f64>,
    slope: f64,
) -> Option<(Vec<f64>, f64, DVector<f64>)> {
    let mut share = 1.0;
    for _ in 0..30 {
        let next: Vec<f64> = x.iter().zip(step.iter()).map(|(a, s)| a + share * s).collect();
        let (there, gradient) = forward(f, &next);
        if there <= value + 1e-4 * share * slope {
            return Some((next, there, gradient));
        }
        share *= 0.5;
    }
    None
}

/// The BFGS update of an inverse Hessian; skipped where the curvature along the step is not positive.
fn update(inverse: &mut DMatrix<f64>, moved: &DVector<f64>, change: &DVector<f64>) {
    let curvature = moved.dot(change);
    if curvature <= 1e-12 * moved.norm() * change.norm() {
        return;
    }
    let left = &*inverse * change;
    let scale = (1.0 + change.dot(&left) / curvature) / curvature;
    *inverse += moved * moved.transpose() * scale;
    *inverse -= (&left * moved.transpose() + moved * left.transpose()) / curvature;
}

/// First and (rough) second derivatives along each parameter.
fn slopes(f: Function<'_>, x: &[f64], value: f64) -> (DVector<f64>, DVector<f64>) {
    let pairs: Vec<(f64, f64)> = (0..x.len())
        .into_par_iter()
        .map(|i| {
            let h = reach(x[i], 1e-4);
            let at = |by: f64| {
                let mut moved = x.to_vec();
                moved[i] += by;
                f(&moved)
            };
            let (up, down) = (at(h), at(-h));
            ((up - down) / (2.0 * h), (up - 2.0 * value + down) / (h * h))
        })
        .collect();
    let vector = |pick: fn(&(f64, f64)) -> f64| DVector::from_iterator(x.len(), pairs.iter().map(pick));
    (vector(|p| p.0), vector(|p| p.1))
}

/// Points of a second-order stencil: the centre, each parameter up and down, each pair up and down together.
pub(crate) fn stencil(x: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let h: Vec<f64> = x.iter().map(|v| reach(*v, 1e-3)).collect();
    let mut points = vec![x.to_vec()];
    let moved = |which: &[usize], sign: f64| {
        let mut point = x.to_vec();
        which.iter().for_each(|i| point[*i] += sign * h[*i]);
        point
    };
    for i in 0..x.len() {
        points.extend([moved(&[i], 1.0), moved(&[i], -1.0)]);
    }
    for i in 0..x.len() {
        for j in 0..i {
            points.extend([moved(&[i, j], 1.0), moved(&[i, j], -1.0)]);
        }
    }
    (h, points)
}

/// Gradient and Hessian from a function's values on a [`stencil`] with steps `h`.
pub(crate) fn derivatives(h: &[f64], values: &[f64]) -> (DVector<f64>, DMatrix<f64>) {
    let k = h.len();
    let (centre, up, down) = (values[0], |i: usize| values[1 + 2 * i], |i: usize| values[2 + 2 * i]);
    let gradient = DVector::from_fn(k, |i, _| (up(i) - down(i)) / (2.0 * h[i]));
    let mut hessian = DMatrix::zeros(k, k);
    let mut at = 1 + 2 * k;
    for i in 0..k {
        hessian[(i, i)] = (up(i) - 2.0 * centre + down(i)) / (h[i] * h[i]);
        for j in 0..i {
            let both = values[at] + values[at + 1];
            let mixed = (both - up(i) - down(i) - up(j) - down(j) + 2.0 * centre) / (2.0 * h[i] * h[j]);
            hessian[(i, j)] = mixed;
            hessian[(j, i)] = mixed;
            at += 2;
        }
    }
    (gradient, hessian)
}

struct Jet {
    gradient: DVector<f64>,
    hessian: DMatrix<f64>,
}

impl Jet {
    fn of(f: Function<'_>, x: &[f64]) -> Self {
        let (h, points) = stencil(x);
        let values: Vec<f64> = points.par_iter().map(|p| f(p)).collect();
        let (gradient, hessian) = derivatives(&h, &values);
        Self { gradient, hessian }
    }

    /// The Newton step, where the Hessian is positive definite.
    fn newton(&self) -> Option<Vec<f64>> {
        let factor = self.hessian.clone().cholesky()?;
        Some((-factor.solve(&self.gradient)).iter().copied().collect())
    }

    fn promise(&self, step: &[f64]) -> f64 {
        -0.5 * self.gradient.iter().zip(step).map(|(g, s)| g * s).sum::<f64>()
    }
}
