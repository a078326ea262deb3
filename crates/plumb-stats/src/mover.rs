//! Intervals for a contrast from the intervals of its parts.
//!
//! MOVER, the "method of variance estimates recovery" (Zou & Donner 2008, Statistics in Medicine 27:1693–1702;
//! Newcombe's method 10 is the case of two proportions): each part's distance to its own bound stands in for its
//! standard error near that bound. Used where a part shows no variation, so that resampling would pretend to know it
//! exactly. Parts are taken as independent, which is cautious where clusters answer alike in both.

use crate::bca::Replicates;
use crate::inference::Source;
use crate::{Interval, Level};

/// One part of a contrast: weight, estimate and where its interval comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub weight: f64,
    pub estimate: f64,
    pub source: Source,
}

pub(crate) fn interval(parts: &[Part], level: Level) -> Interval {
    let (mut estimate, mut below, mut above) = (0.0, 0.0, 0.0);
    for part in parts {
        let own = part.source.interval(level);
        let (down, up) = (part.estimate - own.low, own.high - part.estimate);
        let (down, up) = if part.weight >= 0.0 { (down, up) } else { (up, down) };
        estimate += part.weight * part.estimate;
        below += (part.weight * down).powi(2);
        above += (part.weight * up).powi(2);
    }
    Interval { low: estimate - below.sqrt(), high: estimate + above.sqrt(), level }
}

/// The coarsest resolution among the parts that were resampled.
pub(crate) fn resolution(parts: &[Part]) -> f64 {
    parts.iter().map(|p| p.source.resolution()).fold(0.0, f64::max)
}

impl Source {
    /// The smallest one-sided p-value this source can show; 0 where it is analytic.
    pub(crate) fn resolution(&self) -> f64 {
        match self {
            Source::Bca(r) | Source::Percentile(r) => Replicates::resolution(r),
            Source::Studentised(p) => p.resolution(),
            Source::Mover(parts) => resolution(parts),
            Source::TwoWay(source) | Source::Within { source, .. } => source.resolution(),
            Source::LogT { .. }
            | Source::Wilson { .. }
            | Source::ClopperPearson { .. }
            | Source::ClusterT { .. }
            | Source::FisherT { .. } => 0.0,
        }
    }
}
