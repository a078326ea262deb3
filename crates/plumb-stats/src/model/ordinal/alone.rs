//! One factor alone that has intercepts: groups then have nothing in common, and the log-likelihood is a sum of integrals over one
//! number, one for each group.
//!
//! Each is taken by adaptive Gauss–Hermite quadrature: the rule's nodes lie around the group's mode, as far apart as the curvature
//! there says (Liu & Pierce 1994, Biometrika 81:624–629). With one node that is Laplace's method.
//!
//! Groups with the same rows in any order (people of one condition who gave the same answers) are integrated once, and within a group
//! each distinct row is looked at once. Not here: several
//! factors, and what is done with the value (`laplace`).

use std::collections::HashMap;
use std::f64::consts::PI;

use super::row::{LogProduct, Rows, interval, probability};

/// How the integral over a group's effect is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// The mode alone.
    Laplace,
    /// Nine nodes.
    Quadrature,
}

/// Nodes of the nine-point Gauss–Hermite rule above 0, and weights times exp(node²) (Abramowitz & Stegun 25.4.46, table 25.10).
const NODES: [(f64, f64); 4] = [
    (0.723_551_018_752_837_6, 0.730_302_452_745_092_2),
    (1.468_553_289_216_668, 0.764_608_125_094_550_3),
    (2.266_580_584_531_843, 0.841_752_701_478_669_8),
    (3.190_993_201_781_527_6, 1.047_003_580_976_682_2),
];
/// The weight of the node at 0.
const MIDDLE: f64 = 0.720_235_215_606_051;

/// Distinct groups and how often each is there.
pub(super) struct Alone {
    groups: Vec<(Group, f64)>,
    rule: Rule,
}

/// The distinct rows of a group and how often each is there.
type Group = Vec<(u32, u32)>;

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
    pub fn new(rows: &Rows, by_group: &[Vec<u32>], rule: Rule) -> Alone {
        let mut groups: Vec<(Group, f64)> = Vec::new();
        let mut known: HashMap<Vec<(u32, Vec<u64>)>, usize> = HashMap::new();
        for own in by_group {
            let of = |r: &u32| {
                let at = *r as usize;
                ((rows.codes[at], rows.row(at).iter().map(|x| x.to_bits()).collect::<Vec<u64>>()), *r)
            };
            let mut list: Vec<_> = own.iter().map(of).collect();
            list.sort_unstable();
            let distinct =
                list.chunk_by(|a, b| a.0 == b.0).map(|alike| (alike[0].1, alike.len() as u32)).collect();
            let key = list.into_iter().map(|(row, _)| row).collect();
            let at = *known.entry(key).or_insert(groups.len());
            match groups.get_mut(at) {
                Some((_, count)) => *count += 1.0,
                None => groups.push((distinct, 1.0)),
            }
        }
        Alone { groups, rule }
    }

    /// The log-likelihood; nothing where a row has no probability.
    pub fn log_likelihood(&self, rows: &Rows, thresholds: &[f64], beta: &[f64], tau: f64) -> Option<f64> {
        let mut sum = 0.0;
        for (own, count) in &self.groups {
            let here = Here { rows, own, thresholds, beta, tau };
            sum += count * here.integral(self.rule)?;
        }
        Some(sum)
    }
}

/// A group at given parameters.
struct Here<'a> {
    rows: &'a Rows,
    own: &'a Group,
    thresholds: &'a [f64],
    beta: &'a [f64],
    tau: f64,
}

impl Here<'_> {
    /// log ∫ exp(value(v)) dv / √(2π).
    fn integral(&self, rule: Rule) -> Option<f64> {
        let (mode, here) = self.mode()?;
        let laplace = here.value - 0.5 * here.curvature.ln();
        if rule == Rule::Laplace {
            return Some(laplace);
        }
        // A node so far out that the rows have no probability there adds nothing.
        let relative = |by: f64| self.value(mode + by).map_or(0.0, |there| (there - here.value).exp());
        let spread = (2.0 / here.curvature).sqrt();
        let outer: f64 = NODES.iter().map(|(x, w)| w * (relative(x * spread) + relative(-x * spread))).sum();
        Some(laplace + ((MIDDLE + outer) / PI.sqrt()).ln())
    }

    /// Where the penalised log-likelihood is greatest, by Newton's method.
    fn mode(&self) -> Option<(f64, Pass)> {
        let mut v = 0.0;
        let mut here = self.pass(v)?;
        'steps: for _ in 0..STEPS {
            let step = here.slope / here.curvature;
            if here.slope * step < 1e-13 * here.value.abs().max(1.0) {
                break;
            }
            let mut share = 1.0;
            loop {
                let moved = v + share * step;
                match self.pass(moved) {
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
        Some((v, here))
    }

    /// The bounds of a row's latent value less its predictor.
    fn bounds(&self, row: u32, v: f64) -> (f64, f64) {
        let eta = self.rows.predictor(row as usize, self.beta) + self.tau * v;
        let (low, high) = self.rows.bounds(row as usize, self.thresholds);
        (low - eta, high - eta)
    }

    fn pass(&self, v: f64) -> Option<Pass> {
        let mut likelihood = LogProduct::new();
        let (mut slopes, mut weights) = (0.0, 0.0);
        for (row, times) in self.own {
            let (low, high) = self.bounds(*row, v);
            let d = interval(low, high)?;
            (0..*times).for_each(|_| likelihood.add(d.p));
            slopes += f64::from(*times) * (d.a + d.b);
            weights -= f64::from(*times) * (d.aa + d.bb + 2.0 * d.ab);
        }
        Some(Pass {
            value: likelihood.sum() - 0.5 * v * v,
            slope: -v - self.tau * slopes,
            curvature: 1.0 + self.tau * self.tau * weights,
        })
    }

    /// The value alone of a pass.
    fn value(&self, v: f64) -> Option<f64> {
        let mut likelihood = LogProduct::new();
        for (row, times) in self.own {
            let (low, high) = self.bounds(*row, v);
            let p = probability(low, high)?;
            (0..*times).for_each(|_| likelihood.add(p));
        }
        Some(likelihood.sum() - 0.5 * v * v)
    }
}
