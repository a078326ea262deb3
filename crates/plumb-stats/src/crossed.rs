//! Resampling where two things were drawn at random: problems, and the people who rated the answers to them.
//!
//! Why: who rates is as much chance as what is asked. An interval over problems alone says what other problems would have
//! given with the same people, and is too narrow for the question whether a metric follows *people*.
//!
//! One replicate draws problems and raters, each with replacement and apart from each other, and a rating counts as often
//! as its problem times its rater (the pigeonhole bootstrap: McCullagh 2000, Bernoulli 6:285–301; Owen 2007, Ann. Appl.
//! Stat. 1:386–411, who shows that it never understates the variance of a mean). A replicate has fewer distinct raters
//! than the data, so a mean of raters is noisier in it and correlations come out lower: replicates tell how far the
//! estimate spreads, not where it lies. The interval is therefore a t interval around the estimate with the replicates'
//! standard error, on Fisher's scale for correlations and the logarithm's for ratios, Wilson's for shares. Its degrees of
//! freedom are Satterthwaite's, from the variances that leaving out one problem and one rater at a time give.
//!
//! With raters fixed (or unknown) only problems are drawn, and the interval is what [`crate::Correlations`] gives: BCa, or
//! t below twenty problems.
//!
//! Not here: which numbers are computed in a replicate (`rated`).

use rayon::prelude::*;

use crate::bca::{Jackknife, jackknife_of};
use crate::choose::{BOOTSTRAP_FROM, FEW, bootstrapped};
use crate::inference::Source;
use crate::resample::draw_counts;
use crate::{Draws, Error, Inference, Undefined, Wanted, Warning};

/// Fewer raters than this are too few to say how raters differ.
const FEW_RATERS: usize = 10;
/// With more problems than this, problems are left out in so many groups instead of one at a time.
const MOST_LEFT_OUT: usize = 2_000;

/// A number, or why there is none.
pub type Known = Result<f64, Undefined>;

/// How often each problem and each rater counts.
#[derive(Debug, Clone, Copy)]
pub struct Times<'a> {
    pub problems: &'a [u32],
    pub raters: &'a [u32],
}

/// What values a number can have, which decides how its interval is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// −1 to 1: t on Fisher's z.
    Correlation,
    /// 0 to 1: Wilson on the effective number of trials. `clusters`: problems with a trial; `rows`: trials.
    Share { clusters: usize, rows: usize },
    /// Above 0: t on the logarithm.
    Ratio,
    /// Any number.
    Real,
}

impl Scale {
    fn to(self, value: f64) -> f64 {
        match self {
            Self::Correlation => value.atanh(),
            Self::Ratio => value.ln(),
            Self::Share { .. } | Self::Real => value,
        }
    }
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossed {
    problems: usize,
    raters: usize,
    raters_drawn: bool,
}

impl Crossed {
    /// Both are drawn. With fewer than two raters only problems are.
    pub fn two_way(problems: usize, raters: usize) -> Self {
        Self { problems, raters, raters_drawn: raters >= 2 }
    }

    /// Problems are drawn, `raters` count once each.
    pub fn problems_only(problems: usize, raters: usize) -> Self {
        Self { problems, raters, raters_drawn: false }
    }

    /// Whether raters are drawn.
    pub fn raters_drawn(self) -> bool {
        self.raters_drawn
    }

    /// Computes `statistic`, a list of numbers of fixed length, on the data, in every replicate, and without each
    /// problem and each rater.
    ///
    /// # Errors
    /// Fewer than 100 replicates.
    pub fn resample(
        self,
        draws: Draws,
        statistic: impl Fn(Times<'_>) -> Vec<Known> + Sync,
    ) -> Result<Replicated, Error> {
        if draws.replicates < 100 {
            return Err(Error::replicates());
        }
        let (all, everyone) = (vec![1; self.problems], vec![1; self.raters]);
        let estimates = statistic(Times { problems: &all, raters: &everyone });
        if self.problems < 2 || estimates.iter().all(Result::is_err) {
            return Ok(Replicated {
                crossed: self,
                estimates,
                drawn: vec![],
                no_problem: vec![],
                no_rater: vec![],
            });
        }
        let of = |problems: &[u32], raters: &[u32]| statistic(Times { problems, raters });
        let groups = self.problems.min(MOST_LEFT_OUT);
        let no_problem = (0..groups).into_par_iter().map(|group| {
            let mut times = all.clone();
            times.iter_mut().skip(group).step_by(groups).for_each(|t| *t = 0);
            of(&times, &everyone)
        });
        let no_rater = (0..if self.raters_drawn { self.raters } else { 0 }).into_par_iter().map(|rater| {
            let mut times = everyone.clone();
            times[rater] = 0;
            of(&all, &times)
        });
        let each = |n: usize| (0..n as u32).collect::<Vec<u32>>();
        let (each_problem, each_rater) = (each(self.problems), each(self.raters));
        let drawn = (0..draws.replicates).into_par_iter().map(|replicate| {
            let mut rng = draws.stream(replicate);
            let (mut problems, mut raters) = (vec![0; self.problems], everyone.clone());
            draw_counts(&mut rng, &each_problem, &mut problems);
            if self.raters_drawn {
                draw_counts(&mut rng, &each_rater, &mut raters);
            }
            of(&problems, &raters)
        });
        Ok(Replicated {
            crossed: self,
            estimates,
            no_problem: no_problem.collect(),
            no_rater: no_rater.collect(),
            drawn: drawn.collect(),
        })
    }
}

/// Numbers computed together in every replicate, so that any function of them has an interval too.
#[derive(Debug, Clone)]
pub struct Replicated {
    crossed: Crossed,
    estimates: Vec<Known>,
    drawn: Vec<Vec<Known>>,
    no_problem: Vec<Vec<Known>>,
    no_rater: Vec<Vec<Known>>,
}

impl Replicated {
    /// The numbers on the data themselves.
    pub fn estimates(&self) -> &[Known] {
        &self.estimates
    }

    /// What is known of one of the numbers; `at` must be a place in the list.
    pub fn value(&self, at: usize, scale: Scale) -> Inference {
        self.derive(scale, Wanted::Default, |values| values[at])
    }

    /// What is known of a function of the numbers, such as a difference of two.
    pub fn derive(&self, scale: Scale, wanted: Wanted, of: impl Fn(&[Known]) -> Known) -> Inference {
        let of = |values: &[Known]| {
            of(values).and_then(|v| if v.is_finite() { Ok(v) } else { Err(Undefined::NoData) })
        };
        let problems = self.crossed.problems;
        let none = |estimate, reason| Inference {
            estimate,
            std_error: Err(reason),
            source: Err(reason),
            clusters: problems,
            warnings: Vec::new(),
        };
        let estimate = match of(&self.estimates) {
            Ok(estimate) => estimate,
            Err(reason) => return none(Err(reason), reason),
        };
        if problems < 2 {
            return none(Ok(estimate), Undefined::OneCluster);
        }
        let mut warnings = Vec::new();
        let clusters = if let Scale::Share { clusters, .. } = scale { clusters } else { problems };
        if clusters < FEW {
            warnings.push(Warning::FewClusters { clusters });
        }
        let left_out = |without: &[Vec<Known>]| -> Option<Jackknife> {
            let values: Option<Vec<(f64, f64)>> =
                without.iter().map(|row| of(row).ok().map(|value| (1.0, value))).collect();
            Some(jackknife_of(&values?, without.len() as f64))
        };
        let by_problem = left_out(&self.no_problem);
        let (std_error, source) = if self.crossed.raters_drawn {
            if self.crossed.raters < FEW_RATERS {
                warnings.push(Warning::FewRaters { raters: self.crossed.raters });
            }
            self.two_way(estimate, scale, &of, (by_problem, left_out(&self.no_rater)), &mut warnings)
        } else {
            self.one_way(estimate, scale, &of, by_problem, wanted, &mut warnings)
        };
        Inference { estimate: Ok(estimate), std_error, source, clusters, warnings }
    }

    fn two_way(
        &self,
        estimate: f64,
        scale: Scale,
        of: &impl Fn(&[Known]) -> Known,
        left_out: (Option<Jackknife>, Option<Jackknife>),
        warnings: &mut Vec<Warning>,
    ) -> (Known, Result<Source, Undefined>) {
        let values: Vec<f64> = self.drawn.iter().filter_map(|row| of(row).ok()).collect();
        let (lost, all) = ((self.drawn.len() - values.len()) as u32, self.drawn.len() as u32);
        if lost > 0 {
            warnings.push(Warning::UndefinedReplicates { count: lost, of: all });
        }
        if lost > all / 10 {
            return (Err(Undefined::UnstableStatistic), Err(Undefined::UnstableStatistic));
        }
        let plain = deviation(values.iter().copied());
        if plain <= 1e-12 * estimate.abs().max(1e-300) {
            return still(estimate, scale, warnings);
        }
        let df = self.freedom(left_out);
        let spread = deviation(values.iter().map(|v| scale.to(*v)).filter(|v| v.is_finite()));
        let source = match scale {
            Scale::Share { .. } if estimate <= 0.0 || estimate >= 1.0 => {
                return still(estimate, scale, warnings);
            }
            Scale::Share { rows, .. } => {
                let effective = (estimate * (1.0 - estimate) / (plain * plain)).min(rows as f64);
                Source::Wilson { rate: estimate, effective, df }
            }
            Scale::Correlation if estimate.abs() >= 1.0 => return (Ok(plain), Err(Undefined::NoVariation)),
            Scale::Correlation => Source::FisherT { z: estimate.atanh(), std_error: spread, df },
            Scale::Ratio if estimate <= 0.0 => return (Ok(plain), Err(Undefined::UnstableStatistic)),
            Scale::Ratio => Source::LogT { log: estimate.ln(), std_error: spread, df },
            Scale::Real => Source::ClusterT { estimate, std_error: plain, df },
        };
        (Ok(plain), Ok(Source::TwoWay(Box::new(source))))
    }

    /// Satterthwaite's degrees of freedom; those of the raters alone where the variances are not known.
    fn freedom(&self, left_out: (Option<Jackknife>, Option<Jackknife>)) -> f64 {
        let (problems, raters) = (self.no_problem.len() as f64 - 1.0, self.crossed.raters as f64 - 1.0);
        let (Some(by_problem), Some(by_rater)) = left_out else { return raters.min(problems) };
        let (p, r) = (by_problem.std_error.powi(2), by_rater.std_error.powi(2));
        if p + r <= 0.0 {
            return raters.min(problems);
        }
        (p + r).powi(2) / (p * p / problems + r * r / raters)
    }

    fn one_way(
        &self,
        estimate: f64,
        scale: Scale,
        of: &impl Fn(&[Known]) -> Known,
        left_out: Option<Jackknife>,
        wanted: Wanted,
        warnings: &mut Vec<Warning>,
    ) -> (Known, Result<Source, Undefined>) {
        let std_error = left_out.map(|j| j.std_error).ok_or(Undefined::UnstableStatistic);
        let df = self.no_problem.len() as f64 - 1.0;
        if std_error.is_ok_and(|e| e <= 1e-12) {
            return still(estimate, scale, warnings);
        }
        let few = self.crossed.problems < BOOTSTRAP_FROM;
        let t_wanted = wanted == Wanted::ClusterT || (wanted == Wanted::Default && few);
        let source = match (scale, std_error) {
            (Scale::Share { .. }, Ok(_)) if estimate <= 0.0 || estimate >= 1.0 => {
                return still(estimate, scale, warnings);
            }
            (Scale::Share { rows, .. }, Ok(error)) if wanted == Wanted::Default => {
                let effective = (estimate * (1.0 - estimate) / (error * error)).min(rows as f64);
                Ok(Source::Wilson { rate: estimate, effective, df })
            }
            (_, Err(reason)) if t_wanted => Err(reason),
            // The derivative of Fisher's z = atanh r is 1 / (1 − r²), that of the logarithm 1 / value.
            (Scale::Correlation, Ok(error)) if t_wanted => Ok(Source::FisherT {
                z: estimate.atanh(),
                std_error: error / (1.0 - estimate * estimate),
                df,
            }),
            (Scale::Ratio, Ok(error)) if t_wanted && estimate > 0.0 => {
                Ok(Source::LogT { log: estimate.ln(), std_error: error / estimate, df })
            }
            (_, Ok(std_error)) if t_wanted => Ok(Source::ClusterT { estimate, std_error, df }),
            _ => {
                let values: Vec<f64> = self.drawn.iter().filter_map(|row| of(row).ok()).collect();
                bootstrapped(values, self.drawn.len() as u32, estimate, left_out, wanted, warnings)
            }
        };
        (std_error, source)
    }
}

/// What there is where no replicate differs from another: bounds on the clusters for a share, nothing else.
fn still(estimate: f64, scale: Scale, warnings: &mut Vec<Warning>) -> (Known, Result<Source, Undefined>) {
    match scale {
        Scale::Share { clusters, .. } if clusters > 0 => {
            warnings.retain(|w| !matches!(w, Warning::FewRaters { .. }));
            warnings.push(Warning::NoVariation { clusters });
            let source = Source::ClopperPearson { rate: estimate, clusters: clusters as f64 };
            (Err(Undefined::NoVariation), Ok(source))
        }
        _ => (Err(Undefined::NoVariation), Err(Undefined::NoVariation)),
    }
}

/// Standard deviation with n − 1; 0 for fewer than two values.
fn deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let (n, sum) = values.clone().fold((0.0, 0.0), |(n, sum), v| (n + 1.0, sum + v));
    if n < 2.0 {
        return 0.0;
    }
    let mean = sum / n;
    (values.map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}
