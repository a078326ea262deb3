//! Labels of other systems' answers, and what they say of a system that has none.
//!
//! What share of a verdict is right varies between systems, and a new system may lie anywhere in that variation. Systems are
//! taken as normal on the logit scale with mean μ and standard deviation τ, labels as binomial.
//!
//! τ is drawn from its confidence distribution, C(τ) = P(X² of labels drawn under τ ≥ X² seen), which has a mass at 0 (Nagashima,
//! Noma & Furukawa 2019, Statistical Methods in Medical Research 28:1689–1702). They have the normal model's Q in closed form; here
//! Pearson's X² is simulated from binomials, since an annotator may be wrong never or twice in fifty. Given τ, μ is drawn from its
//! likelihood under Jeffreys' prior on the share, and the new system around both.
//!
//! Priors on τ were tried on the same development studies (`tests/transported_coverage.rs`; thirteen systems where nothing else is
//! said) and hold less evenly: flat 98.5 % at τ = 0.2, 95.2 at 0.4; DuMouchel's 96.3 and 90.7; half-normal with scale 0.5 (Röver
//! et al. 2021, Research Synthesis Methods 12:448–474) 100 % at 0 and 85 at 0.8 from three systems; half-Cauchy with the same scale
//! 100 and 92. How often these intervals hold on studies that played no part in the choice is in docs/annotators.md.

use rand_distr::{Binomial, Distribution, StandardNormal, StandardUniform};

use crate::Undefined;
use crate::distribution::normal_quantile;
use crate::share::Stream;

/// Fewest systems from which another may be told.
pub const LEAST_SYSTEMS: usize = 3;

/// A share in other systems, known for a system without labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Transported {
    levels: Vec<Level>,
}

/// A place of τ, and where the mean may be there.
#[derive(Debug, Clone, PartialEq)]
struct Level {
    tau: f64,
    /// C(τ): the probability of this τ and all below.
    below: f64,
    means: Means,
}

impl Transported {
    /// From (hits, labels) of each system; those without labels do not count.
    ///
    /// # Errors
    /// [`Undefined::OneCluster`] from fewer than [`LEAST_SYSTEMS`]: nothing tells how much systems differ.
    pub fn new(
        shares: impl IntoIterator<Item = (u64, u64)>,
        stream: &mut Stream,
    ) -> Result<Transported, Undefined> {
        let seen = Seen::of(shares.into_iter().filter(|(_, of)| *of > 0).collect());
        if seen.systems.len() < LEAST_SYSTEMS {
            return Err(Undefined::OneCluster);
        }
        let quantiles: [f64; NODES] =
            std::array::from_fn(|at| normal_quantile((at as f64 + 0.5) / NODES as f64));
        let mut levels: Vec<Level> = Vec::new();
        for tau in TAUS {
            let means = seen.means(tau, &quantiles);
            // C rises with τ; what does not is the noise of the simulation.
            let so_far = levels.last().map_or(0.0, |l| l.below);
            let below = seen.as_far_apart(tau, &means, stream).max(so_far);
            levels.push(Level { tau, below, means });
            // Whatever is farther has probability 0.
            if below >= 1.0 {
                break;
            }
        }
        Ok(Transported { levels })
    }

    /// Draws of the share in a system that none of the labels are of.
    pub fn draws(&self, count: usize, stream: &mut Stream) -> Vec<f64> {
        (0..count)
            .map(|_| {
                let u: f64 = StandardUniform.sample(&mut stream.0);
                let above = self.levels.partition_point(|l| l.below < u);
                let (tau, level) = match (above.checked_sub(1), self.levels.get(above)) {
                    (Some(low), Some(high)) => {
                        let low = &self.levels[low];
                        let part = (u - low.below) / (high.below - low.below).max(f64::MIN_POSITIVE);
                        let which: f64 = StandardUniform.sample(&mut stream.0);
                        (low.tau + part * (high.tau - low.tau), if which < part { high } else { low })
                    }
                    (None, Some(level)) => (level.tau, level),
                    // Farther apart than the last place.
                    (low, None) => {
                        let level = &self.levels[low.unwrap_or(0)];
                        (level.tau, level)
                    }
                };
                let normal: f64 = StandardNormal.sample(&mut stream.0);
                expit(level.means.draw(stream) + tau * normal)
            })
            .collect()
    }
}

/// Places of τ on the logit scale. 1 is already fairly extreme (Spiegelhalter, Abrams & Myles 2004, Bayesian Approaches to
/// Clinical Trials, 168–172), and at 2 the odds of systems differ 50-fold either way; what labels cannot exclude above that counts
/// as 2. Without a last place, systems that never erred would leave another free to err always.
const TAUS: [f64; 11] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.55, 0.7, 0.9, 1.2, 1.6, 2.0];

/// Sets of labels drawn at each place of τ.
const SETS: usize = 200;

fn expit(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// What was seen in systems with labels.
struct Seen {
    systems: Vec<(u64, u64)>,
    /// Hits, labels and how many systems have them: the likelihood is the same.
    kinds: Vec<(f64, f64, f64)>,
    apart: f64,
}

impl Seen {
    fn of(systems: Vec<(u64, u64)>) -> Seen {
        let mut sorted = systems.clone();
        sorted.sort_unstable();
        let mut kinds: Vec<(f64, f64, f64)> = Vec::new();
        for (hits, of) in sorted {
            let (hits, of) = (hits as f64, of as f64);
            match kinds.last_mut() {
                Some(last) if last.0 == hits && last.1 == of => last.2 += 1.0,
                _ => kinds.push((hits, of, 1.0)),
            }
        }
        Seen { apart: apart(&systems), systems, kinds }
    }

    /// The share of sets drawn under τ whose systems lie as far apart as those seen; equal ones count half.
    fn as_far_apart(&self, tau: f64, means: &Means, stream: &mut Stream) -> f64 {
        let mut farther = 0.0;
        let mut set = self.systems.clone();
        for _ in 0..SETS {
            let mean = means.draw(stream);
            for (hits, of) in &mut set {
                let normal: f64 = StandardNormal.sample(&mut stream.0);
                let share = expit(mean + tau * normal);
                *hits = Binomial::new(*of, share).map_or(0, |b| b.sample(&mut stream.0));
            }
            let found = apart(&set);
            if found > self.apart + 1e-9 {
                farther += 1.0;
            } else if found > self.apart - 1e-9 {
                farther += 0.5;
            }
        }
        farther / SETS as f64
    }

    /// `quantiles` are those of the normal distribution.
    fn means(&self, tau: f64, quantiles: &[f64; NODES]) -> Means {
        let k = self.systems.len() as f64;
        let hits: f64 = self.systems.iter().map(|s| s.0 as f64).sum::<f64>() + 0.5;
        let misses: f64 = self.systems.iter().map(|s| (s.1 - s.0) as f64).sum::<f64>() + 0.5;
        let centre = (hits / misses).ln();
        let reach = 6.0 * (1.0 / hits + 1.0 / misses + tau * tau / k).sqrt();
        // A normal on the logit scale with this mean share has its own mean farther out.
        let out = centre * (1.0 + 0.35 * tau * tau).sqrt();
        let (low, high) = (centre.min(out) - reach, centre.max(out) + reach);
        let step = (high - low) / PLACES as f64;
        let at = |i: usize| low + step * (i as f64 + 0.5);
        let logs: Vec<f64> = (0..PLACES)
            .map(|i| {
                let mean = at(i);
                let share = expit(mean);
                0.5 * (share * (1.0 - share)).max(f64::MIN_POSITIVE).ln()
                    + self
                        .kinds
                        .iter()
                        .map(|kind| kind.2 * log_likelihood(*kind, mean, tau, quantiles))
                        .sum::<f64>()
            })
            .collect();
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = logs.iter().map(|log| (log - largest).exp()).sum();
        let mut below = 0.0;
        let places = logs
            .iter()
            .enumerate()
            .map(|(i, log)| {
                below += (log - largest).exp() / total;
                (at(i), below)
            })
            .collect();
        Means { places, step }
    }
}

/// Pearson's X² of a set against one share for all.
fn apart(systems: &[(u64, u64)]) -> f64 {
    let (hits, of) = systems.iter().fold((0, 0), |sum, s| (sum.0 + s.0, sum.1 + s.1));
    if hits == 0 || hits == of {
        return 0.0;
    }
    let share = hits as f64 / of as f64;
    systems
        .iter()
        .map(|&(hits, of)| {
            let of = of as f64;
            (hits as f64 - of * share).powi(2) / (of * share * (1.0 - share))
        })
        .sum()
}

/// Places of the mean given τ.
const PLACES: usize = 48;

/// Where the mean may be: places, each with the probability of it and all before.
#[derive(Debug, Clone, PartialEq)]
struct Means {
    places: Vec<(f64, f64)>,
    step: f64,
}

impl Means {
    fn draw(&self, stream: &mut Stream) -> f64 {
        let (u, v): (f64, f64) =
            (StandardUniform.sample(&mut stream.0), StandardUniform.sample(&mut stream.0));
        let at = self.places.partition_point(|p| p.1 < u).min(self.places.len() - 1);
        self.places[at].0 + self.step * (v - 0.5)
    }
}

/// Places of an integral over a system's logit.
const NODES: usize = 21;

/// The log likelihood of mean and τ from one system, up to a constant: an integral at quantiles of whichever is narrower, the
/// labels' likelihood or the systems' distribution.
fn log_likelihood((hits, of, _): (f64, f64, f64), mean: f64, tau: f64, quantiles: &[f64; NODES]) -> f64 {
    let log = |x: f64| hits * x - of * if x > 30.0 { x } else { x.exp().ln_1p() };
    if tau == 0.0 {
        return log(mean);
    }
    let (a, b) = (hits + 0.5, of - hits + 0.5);
    let (top, error) = ((a / b).ln(), (1.0 / a + 1.0 / b).sqrt());
    let most = log(top);
    let sum: f64 = if tau < error {
        quantiles.iter().map(|z| (log(mean + tau * z) - most).exp()).sum::<f64>() / NODES as f64
    } else {
        let width = 12.0 * error / NODES as f64;
        let density =
            |x: f64| (-0.5 * ((x - mean) / tau).powi(2)).exp() / (tau * std::f64::consts::TAU.sqrt());
        (0..NODES)
            .map(|at| {
                let x = top + width * (at as f64 - (NODES - 1) as f64 / 2.0);
                (log(x) - most).exp() * density(x) * width
            })
            .sum()
    };
    sum.max(f64::MIN_POSITIVE).ln() + most
}
