//! What is known about one quantity: estimate, interval at any level, test against any value, warnings.
//!
//! Interval and test never disagree: a p-value here is the smallest α at which the interval of level 1 − α excludes
//! the null value (test inversion, Lehmann & Romano 2005, §3.5), whatever method made the interval. From a bootstrap
//! a one-sided p-value is never below what one replicate in (replicates + 1) shows.
//!
//! Not here: which method serves which data (`choose`).

use std::fmt;

use crate::bca::{Expansion, Replicates};
use crate::distribution::t_quantile;
use crate::mover::{self, Part};
use crate::proportion::{clopper_pearson_real, wilson_real};
use crate::studentised::Pivots;
use crate::{Interval, Level, Undefined};

/// What values a row can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// 0 or 1: labels.
    Binary,
    /// Anything in [0, 1]: scores.
    Unit,
    /// Any finite number.
    Real,
}

/// What the caller asks for. Where the data cannot support it (no variation), the fallback of [`Wanted::Default`]
/// is used in its place, with a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wanted {
    /// By the data; see the table at [`Resample::contrast`](crate::Resample::contrast).
    #[default]
    Default,
    Bca,
    Percentile,
    /// For linear contrasts; the interval of any other statistic is BCa in its place.
    Studentised,
    ClusterT,
}

/// How an interval was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IntervalMethod {
    /// Wilson's interval on the effective number of trials under clustering.
    WilsonEffective,
    /// BCa bootstrap over clusters.
    Bca,
    /// Percentile bootstrap over clusters.
    Percentile,
    /// Bootstrap of t statistics over clusters.
    Studentised,
    /// Student t with a cluster-robust standard error.
    ClusterT,
    /// The same on Fisher's z scale, for correlations.
    FisherT,
    /// Clopper–Pearson with the number of clusters as the number of trials.
    ClopperPearsonClusters,
    /// Student t on the logarithm with a cluster-robust standard error, for ratios.
    LogT,
    /// Combined from the intervals of the parts.
    Mover,
    /// Student t with the standard error of a two-way bootstrap.
    TwoWayT,
    /// The same on Fisher's z scale.
    TwoWayFisher,
    /// The same on the logarithm.
    TwoWayLog,
    /// Wilson's interval on the effective number of trials that a two-way bootstrap shows.
    TwoWayWilson,
}

impl fmt::Display for IntervalMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WilsonEffective => "Wilson on effective n, cluster-robust",
            Self::Bca => "BCa bootstrap over clusters",
            Self::Studentised => "bootstrap of t statistics over clusters",
            Self::Percentile => "percentile bootstrap over clusters",
            Self::ClusterT => "cluster-robust t",
            Self::FisherT => "cluster-robust t on Fisher's z",
            Self::ClopperPearsonClusters => "Clopper-Pearson on clusters",
            Self::LogT => "cluster-robust t on the logarithm",
            Self::Mover => "combined from the parts' intervals (MOVER)",
            Self::TwoWayT => "two-way bootstrap over problems and raters, t",
            Self::TwoWayFisher => "two-way bootstrap over problems and raters, t on Fisher's z",
            Self::TwoWayLog => "two-way bootstrap over problems and raters, t on the logarithm",
            Self::TwoWayWilson => "two-way bootstrap over problems and raters, Wilson on effective n",
        })
    }
}

/// Something a reader must know to judge an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Warning {
    /// Fewer than 30 clusters: the interval rests on few draws.
    FewClusters { clusters: usize },
    /// Fewer than 10 raters: how far other raters would differ is known poorly.
    FewRaters { raters: usize },
    /// No cluster differs from another, so the interval was made as if each cluster were a single trial.
    NoVariation { clusters: usize },
    /// A part of the contrast shows no variation; its bound is a binomial one on its clusters.
    PartWithoutVariation { parts: usize },
    /// The same, for values without bounds: the interval takes that part as known exactly and is too narrow.
    PartTakenAsExact { parts: usize },
    /// The statistic had no value in some replicates, which were left out.
    UndefinedReplicates { count: u32, of: u32 },
    /// The jackknife had no value for some cluster, so the interval is bias-corrected but not accelerated.
    NotAccelerated,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewClusters { clusters: 1 } => f.write_str("only one cluster"),
            Self::FewClusters { clusters } => write!(f, "only {clusters} clusters"),
            Self::FewRaters { raters } => {
                write!(f, "only {raters} raters, so how far others would differ is known poorly")
            }
            Self::NoVariation { clusters: 1 } => {
                f.write_str("interval as if that cluster were a single trial")
            }
            Self::NoVariation { clusters } => {
                write!(
                    f,
                    "no variation over {clusters} clusters; interval as if each cluster were a single trial"
                )
            }
            Self::PartWithoutVariation { parts } => {
                let parts = parts_that_do_not_vary(*parts);
                write!(f, "{parts}; binomial bounds on their clusters")
            }
            Self::PartTakenAsExact { parts } => {
                let parts = parts_that_do_not_vary(*parts);
                write!(f, "{parts} and taken as exact; interval too narrow")
            }
            Self::UndefinedReplicates { count, of } => {
                write!(f, "no value in {count} of {of} bootstrap replicates")
            }
            Self::NotAccelerated => f.write_str("bootstrap interval without acceleration"),
        }
    }
}

fn parts_that_do_not_vary(parts: usize) -> String {
    match parts {
        1 => "1 part of the contrast without variation".to_owned(),
        _ => format!("{parts} parts of the contrast without variation"),
    }
}

/// Where the bounds come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// `clusters`: for the degrees of freedom.
    Wilson {
        rate: f64,
        effective: f64,
        df: f64,
    },
    ClopperPearson {
        rate: f64,
        clusters: f64,
    },
    Bca(Replicates),
    Percentile(Replicates),
    Studentised(Pivots),
    ClusterT {
        estimate: f64,
        std_error: f64,
        df: f64,
    },
    /// z and its standard error on Fisher's scale, z = atanh r.
    FisherT {
        z: f64,
        std_error: f64,
        df: f64,
    },
    /// The logarithm of a ratio and its standard error.
    LogT {
        log: f64,
        std_error: f64,
        df: f64,
    },
    Mover(Vec<Part>),
    /// Bounds of the source that lie outside what the quantity can be are moved there: coverage does not change.
    Within {
        source: Box<Source>,
        low: f64,
        high: f64,
    },
    /// The same with a standard error from a two-way bootstrap.
    TwoWay(Box<Source>),
}

impl Source {
    pub(crate) fn interval(&self, level: Level) -> Interval {
        match self {
            Self::Wilson { rate, effective, df } => {
                // Korn & Graubard 1998: shrink n so that z behaves like t on the clusters.
                let shrink = crate::effective::for_few_clusters(1.0 - level.tail(), *df);
                wilson_real(*rate, effective * shrink, level)
            }
            Self::ClopperPearson { rate, clusters } => {
                clopper_pearson_real(rate * clusters, *clusters, level)
            }
            Self::Bca(r) | Self::Percentile(r) => {
                Interval { low: r.bound(level.tail()), high: r.bound(1.0 - level.tail()), level }
            }
            Self::Studentised(p) => {
                let (low, high) = p.bounds(level.tail());
                Interval { low, high, level }
            }
            Self::ClusterT { estimate, std_error, df } => {
                let half = std_error * t_quantile(1.0 - level.tail(), *df);
                Interval { low: estimate - half, high: estimate + half, level }
            }
            Self::FisherT { z, std_error, df } => {
                let half = std_error * t_quantile(1.0 - level.tail(), *df);
                Interval { low: (z - half).tanh(), high: (z + half).tanh(), level }
            }
            Self::LogT { log, std_error, df } => {
                let half = std_error * t_quantile(1.0 - level.tail(), *df);
                Interval { low: (log - half).exp(), high: (log + half).exp(), level }
            }
            Self::Mover(parts) => mover::interval(parts, level),
            Self::Within { source, low, high } => {
                let found = source.interval(level);
                Interval { low: found.low.clamp(*low, *high), high: found.high.clamp(*low, *high), level }
            }
            Self::TwoWay(source) => source.interval(level),
        }
    }

    /// The same with tails of replicates read farther out; nothing else changes.
    pub(crate) fn expanded(self, expansion: Expansion) -> Self {
        match self {
            Self::Bca(r) => Self::Bca(r.expanded(expansion)),
            Self::Percentile(r) => Self::Percentile(r.expanded(expansion)),
            other => other,
        }
    }

    fn method(&self) -> IntervalMethod {
        match self {
            Self::Wilson { .. } => IntervalMethod::WilsonEffective,
            Self::ClopperPearson { .. } => IntervalMethod::ClopperPearsonClusters,
            Self::Bca(_) => IntervalMethod::Bca,
            Self::Percentile(_) => IntervalMethod::Percentile,
            Self::Studentised(_) => IntervalMethod::Studentised,
            Self::ClusterT { .. } => IntervalMethod::ClusterT,
            Self::FisherT { .. } => IntervalMethod::FisherT,
            Self::LogT { .. } => IntervalMethod::LogT,
            Self::Mover(_) => IntervalMethod::Mover,
            Self::Within { source, .. } => source.method(),
            Self::TwoWay(source) => match **source {
                Self::FisherT { .. } => IntervalMethod::TwoWayFisher,
                Self::LogT { .. } => IntervalMethod::TwoWayLog,
                Self::Wilson { .. } => IntervalMethod::TwoWayWilson,
                _ => IntervalMethod::TwoWayT,
            },
        }
    }
}

/// p-values against one null value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    pub null: f64,
    /// Against "not greater": small where the quantity is above the null value.
    pub p_greater: f64,
    /// Against "not less".
    pub p_less: f64,
    /// Twice the smaller of both, at most 1.
    pub p_two_sided: f64,
}

/// What is known about one quantity. Made by [`Resample`](crate::Resample) and [`Correlations`](crate::Correlations).
#[derive(Debug, Clone, PartialEq)]
pub struct Inference {
    pub(crate) estimate: Result<f64, Undefined>,
    pub(crate) std_error: Result<f64, Undefined>,
    pub(crate) source: Result<Source, Undefined>,
    pub(crate) clusters: usize,
    pub(crate) warnings: Vec<Warning>,
}

impl Inference {
    /// The quantity itself, from all rows (not a mean of replicates).
    pub fn estimate(&self) -> Result<f64, Undefined> {
        self.estimate
    }

    /// Cluster-robust standard error: CR1 for rates and contrasts, jackknife for other statistics.
    pub fn std_error(&self) -> Result<f64, Undefined> {
        self.std_error
    }

    /// The interval at `level`; calling it again with another level is cheap.
    pub fn interval(&self, level: Level) -> Result<Interval, Undefined> {
        self.source.as_ref().map(|s| s.interval(level)).map_err(|u| *u)
    }

    /// The same for a quantity that is never below `low` or above `high`: a t interval knows no such bounds. Tests against a
    /// value between them do not change.
    #[must_use]
    pub fn within(self, low: f64, high: f64) -> Self {
        let source = self.source.map(|source| Source::Within { source: Box::new(source), low, high });
        Self { source, ..self }
    }

    /// How the interval is made.
    pub fn method(&self) -> Result<IntervalMethod, Undefined> {
        self.source.as_ref().map(Source::method).map_err(|u| *u)
    }

    /// Tests against `null` by inverting the interval.
    pub fn test(&self, null: f64) -> Result<Test, Undefined> {
        let source = self.source.as_ref().map_err(|u| *u)?;
        let floor = source.resolution();
        let above = smallest_tail(|level| source.interval(level).low > null);
        let below = smallest_tail(|level| source.interval(level).high < null);
        let (greater, less) = match (above, below) {
            (Some(p), _) => (p.max(floor), 1.0 - p.max(floor)),
            (None, Some(p)) => (1.0 - p.max(floor), p.max(floor)),
            (None, None) => (0.5, 0.5),
        };
        Ok(Test { null, p_greater: greater, p_less: less, p_two_sided: (2.0 * greater.min(less)).min(1.0) })
    }

    /// Clusters behind the estimate: those with rows in a cell that counts.
    pub fn clusters(&self) -> usize {
        self.clusters
    }

    /// What a reader must know, in a fixed order.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

/// The smallest tail α in (0, ½) whose interval (of level 1 − 2α) excludes the null on the asked side; `None` where
/// even the narrowest does not. Intervals shrink as α grows, so bisection finds it; on a log scale first, because
/// tails matter when they are tiny.
fn smallest_tail(excludes: impl Fn(Level) -> bool) -> Option<f64> {
    let at = |tail: f64| Level::new(1.0 - 2.0 * tail).is_ok_and(&excludes);
    let narrowest = 0.5 - 1e-9;
    if !at(narrowest) {
        return None;
    }
    let widest = 1e-15;
    if at(widest) {
        return Some(widest);
    }
    let (mut low, mut high) = (widest, narrowest);
    for _ in 0..80 {
        let middle = (low * high).sqrt();
        if at(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}
