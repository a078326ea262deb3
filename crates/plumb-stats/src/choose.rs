//! Which interval serves which data: the one place where that is decided.
//!
//! Rates of yes/no rows get Wilson's interval on the effective sample size, because bootstrap intervals of rates near
//! 0 or 1 are too short (Brown, Cai & DasGupta 2001 on the Wald interval, which they resemble there; Korn & Graubard
//! 1998, Survey Methodology 24:193–201, on effective sizes; Franco et al. 2019, J. Survey Stat. Method. 7:334–364,
//! find Wilson's good under clustering). Differences get a t interval with the cluster-robust error, which keeps the pairing
//! that comes from asking the same items of everybody: two sides skewed alike have a difference that is not skewed, what BCa reads
//! off the sample is chance then, and it errs more than it says (docs/statistics.md). Means and scores get BCa over clusters;
//! with fewer than twenty it covers less than it says, and t is used. Data without variation get binomial bounds on clusters,
//! never zero width.

use crate::bca::{Expansion, Jackknife, Replicates, contrast_without, jackknife, statistic_without};
use crate::effective::effective_rows;
use crate::inference::{IntervalMethod, Source};
use crate::linear::{check_weights, contrast_of, smallest_cell};
use crate::mover::Part;
use crate::studentised::{Pivots, pivots};
use crate::{CellTotal, Error, Inference, Resample, Support, Undefined, Wanted, Warning, cluster_variance};

/// Below this number of clusters (in the smallest cell) a bootstrap is not the default.
pub(crate) const BOOTSTRAP_FROM: usize = 20;
/// Below this number of clusters an interval carries a warning.
pub(crate) const FEW: usize = 30;

impl Resample<'_> {
    /// The mean of one cell: [`contrast`](Self::contrast) with weight 1 on it.
    ///
    /// # Errors
    /// The cell does not exist.
    pub fn rate(&self, cell: usize, support: Support, wanted: Wanted) -> Result<Inference, Error> {
        let cells = self.sums.cells();
        let mut weights = vec![0.0; cells];
        *weights.get_mut(cell).ok_or_else(|| Error::cell(cell, cells))? = 1.0;
        self.contrast(&weights, support, wanted)
    }

    /// The linear contrast Σ_c weights[c] × mean of cell c.
    ///
    /// | data | [`Wanted::Default`] gives |
    /// |---|---|
    /// | one cell of [`Support::Binary`] | Wilson on the effective n |
    /// | a difference (weights of both signs), or the smallest cell has < 20 clusters | t with the CR1 standard error, Binary or Unit within what the contrast can be |
    /// | otherwise | BCa |
    /// | one cell without variation, Binary or Unit | Clopper–Pearson with clusters as trials |
    /// | a contrast in which a cell (or the whole) has no variation, Binary or Unit | MOVER of the cells' intervals |
    /// | a cell of one cluster whose rows are alike, Binary | as without variation: one trial |
    /// | a cell of one cluster else | no interval: [`Undefined::OneCluster`] |
    /// | no variation, Real | no interval: [`Undefined::NoVariation`] |
    ///
    /// # Errors
    /// Not one finite weight for each cell, or all zero.
    pub fn contrast(&self, weights: &[f64], support: Support, wanted: Wanted) -> Result<Inference, Error> {
        check_weights(self.sums, weights)?;
        let variance = match cluster_variance(self.sums, weights)? {
            Ok(v) => v,
            Err(Undefined::OneCluster) if support == Support::Binary && self.lone_are_alike(weights) => {
                return self.of_lone_clusters(weights);
            }
            Err(reason) => return Ok(self.without_interval(weights, reason)),
        };
        let smallest = smallest_cell(self.sums, weights);
        let weighted = weighted(weights);
        let constant = weighted.iter().filter(|c| self.sums.is_constant(**c)).count();
        let scale = weighted
            .iter()
            .filter_map(|c| self.sums.totals()[*c].ratio())
            .fold(0.0_f64, |m, v| m.max(v.abs()));
        let still = constant == weighted.len() || variance.std_error <= 1e-12 * scale;
        let mut warnings = Vec::new();
        if smallest < FEW {
            warnings.push(Warning::FewClusters { clusters: smallest });
        }
        let source = if support == Support::Real && still {
            Err(Undefined::NoVariation)
        } else if support != Support::Real && (still || constant > 0) {
            warnings.push(if still {
                Warning::NoVariation { clusters: smallest }
            } else {
                Warning::PartWithoutVariation { parts: constant }
            });
            self.bounded_fallback(weights, &weighted, support).map(Ok)?
        } else {
            if constant > 0 {
                warnings.push(Warning::PartTakenAsExact { parts: constant });
            }
            let wanted = match wanted {
                Wanted::Default
                    if weighted.len() == 1 && support == Support::Binary && weights.contains(&1.0) =>
                {
                    None
                }
                Wanted::Default if smallest < BOOTSTRAP_FROM || is_difference(weights) => {
                    Some(Wanted::ClusterT)
                }
                Wanted::Default => Some(Wanted::Bca),
                named => Some(named),
            };
            match wanted {
                None => Ok(self.wilson_effective(weighted[0], variance.std_error, variance.df)),
                Some(Wanted::ClusterT) => {
                    let (estimate, std_error, df) = (variance.estimate, variance.std_error, variance.df);
                    Ok(Source::ClusterT { estimate, std_error, df })
                }
                Some(Wanted::Studentised) => {
                    let values = pivots(self.sums, self.draws(), weights, variance.estimate);
                    let lost = self.replicates() - values.len() as u32;
                    unstable(lost, self.replicates(), &mut warnings).map(|()| {
                        Source::Studentised(Pivots::new(variance.estimate, variance.std_error, values))
                    })
                }
                Some(named) => {
                    let acceleration =
                        jackknife(self.sums, |p| contrast_without(self.sums, p, weights, variance.estimate));
                    let values = self.values(|t| contrast_of(t, weights));
                    bootstrapped(
                        values,
                        self.replicates(),
                        variance.estimate,
                        acceleration,
                        named,
                        &mut warnings,
                    )
                    .map(|found| found.expanded(Expansion::new(variance.clusters, variance.df)))
                }
            }
        };
        let found = Inference {
            estimate: Ok(variance.estimate),
            std_error: if still { Err(Undefined::NoVariation) } else { Ok(variance.std_error) },
            source,
            clusters: variance.clusters,
            warnings,
        };
        // Only t goes beyond what means of values in [0, 1] can give.
        Ok(match (found.method(), support) {
            (Ok(IntervalMethod::ClusterT | IntervalMethod::Studentised), Support::Binary | Support::Unit) => {
                let sum = |part: fn(f64, f64) -> f64| weights.iter().map(|w| part(*w, 0.0)).sum();
                found.within(sum(f64::min), sum(f64::max))
            }
            _ => found,
        })
    }

    /// Any smooth function of the cell totals (a ratio of rates, kappa, F1), with a BCa interval by default, or a
    /// jackknife t interval below twenty clusters. `statistic` says why where it has no value.
    pub fn statistic(
        &self,
        statistic: impl Fn(&[CellTotal]) -> Result<f64, Undefined>,
        wanted: Wanted,
    ) -> Inference {
        let clusters = self.sums.clusters();
        let undefined = |reason| Inference {
            estimate: Err(reason),
            std_error: Err(reason),
            source: Err(reason),
            clusters,
            warnings: Vec::new(),
        };
        let estimate = match statistic(self.sums.totals()) {
            Ok(v) if v.is_finite() => v,
            Ok(_) => return undefined(Undefined::NoData),
            Err(reason) => return undefined(reason),
        };
        if clusters < 2 {
            return Inference { estimate: Ok(estimate), ..undefined(Undefined::OneCluster) };
        }
        let mut warnings = Vec::new();
        if clusters < FEW {
            warnings.push(Warning::FewClusters { clusters });
        }
        let statistic = |t: &[CellTotal]| statistic(t).ok();
        let jackknife = jackknife(self.sums, |p| statistic_without(self.sums, p, &statistic));
        let std_error = jackknife.map(|j| j.std_error).ok_or(Undefined::UnstableStatistic);
        if std_error.is_ok_and(|e| e <= 1e-12 * estimate.abs().max(1.0)) {
            return Inference { estimate: Ok(estimate), warnings, ..undefined(Undefined::NoVariation) };
        }
        let t_wanted = wanted == Wanted::ClusterT || (wanted == Wanted::Default && clusters < BOOTSTRAP_FROM);
        let source = if t_wanted {
            std_error.map(|std_error| Source::ClusterT { estimate, std_error, df: clusters as f64 - 1.0 })
        } else {
            bootstrapped(
                self.values(statistic),
                self.replicates(),
                estimate,
                jackknife,
                wanted,
                &mut warnings,
            )
            .map(|found| found.expanded(Expansion::new(clusters, clusters as f64 - 1.0)))
        };
        Inference { estimate: Ok(estimate), std_error, source, clusters, warnings }
    }

    fn without_interval(&self, weights: &[f64], reason: Undefined) -> Inference {
        let clusters = smallest_cell(self.sums, weights);
        let estimate = contrast_of(self.sums.totals(), weights).ok_or(Undefined::NoData);
        Inference { estimate, std_error: Err(reason), source: Err(reason), clusters, warnings: Vec::new() }
    }

    /// Whether all rows of each weighted cell that has one cluster only are yes, or all no.
    fn lone_are_alike(&self, weights: &[f64]) -> bool {
        let alike = |cell: &usize| {
            let total = self.sums.totals()[*cell];
            self.sums.clusters_in(*cell) > 1 || total.numerator == 0.0 || total.numerator == total.denominator
        };
        weighted(weights).iter().all(alike)
    }

    /// A contrast of yes/no cells some of which have a single cluster, whose rows are alike: such a cell is one trial. Rows of it that
    /// are all yes come up with a probability of at most the rate, so one trial's bounds hold.
    fn of_lone_clusters(&self, weights: &[f64]) -> Result<Inference, Error> {
        let found = self.without_interval(weights, Undefined::OneCluster);
        let source = self.bounded_fallback(weights, &weighted(weights), Support::Binary)?;
        let clusters = found.clusters;
        let warnings = vec![Warning::FewClusters { clusters }, Warning::NoVariation { clusters }];
        Ok(Inference { source: Ok(source), warnings, ..found })
    }

    fn wilson_effective(&self, cell: usize, std_error: f64, df: f64) -> Source {
        let total = self.sums.totals()[cell];
        let rate = total.numerator / total.denominator;
        Source::Wilson { rate, effective: effective_rows(self.sums, cell, std_error), df }
    }

    /// Bounds for values in [0, 1] where resampling shows no variation in some cell or in the whole.
    fn bounded_fallback(
        &self,
        weights: &[f64],
        weighted: &[usize],
        support: Support,
    ) -> Result<Source, Error> {
        let mut parts = Vec::with_capacity(weighted.len());
        for &cell in weighted {
            let rate = self.sums.totals()[cell].ratio().unwrap_or_default();
            let source = if self.sums.is_constant(cell) {
                Source::ClopperPearson { rate, clusters: self.sums.clusters_in(cell) as f64 }
            } else {
                // A cell with variation of its own always has a source.
                match self.rate(cell, support, Wanted::Default)?.source {
                    Ok(source) => source,
                    Err(_) => Source::ClopperPearson { rate, clusters: self.sums.clusters_in(cell) as f64 },
                }
            };
            parts.push(Part { weight: weights[cell], estimate: rate, source });
        }
        match parts.as_slice() {
            [only] if only.weight == 1.0 => Ok(only.source.clone()),
            _ => Ok(Source::Mover(parts)),
        }
    }
}

/// Whether something is taken from something else.
fn is_difference(weights: &[f64]) -> bool {
    weights.iter().any(|w| *w > 0.0) && weights.iter().any(|w| *w < 0.0)
}

/// The cells that count.
fn weighted(weights: &[f64]) -> Vec<usize> {
    (0..weights.len()).filter(|cell| weights[*cell] != 0.0).collect()
}

/// Warns of `lost` replicates without a value, and gives up where they are more than a tenth.
fn unstable(lost: u32, of: u32, warnings: &mut Vec<Warning>) -> Result<(), Undefined> {
    if lost > 0 {
        warnings.push(Warning::UndefinedReplicates { count: lost, of });
    }
    if lost > of / 10 { Err(Undefined::UnstableStatistic) } else { Ok(()) }
}

/// The interval that replicates give: `values` are those of `of` replicates in which the statistic has one.
pub(crate) fn bootstrapped(
    values: Vec<f64>,
    of: u32,
    estimate: f64,
    jackknife: Option<Jackknife>,
    wanted: Wanted,
    warnings: &mut Vec<Warning>,
) -> Result<Source, Undefined> {
    unstable(of - values.len() as u32, of, warnings)?;
    if wanted == Wanted::Percentile {
        return Ok(Source::Percentile(Replicates::percentile(values)));
    }
    if jackknife.is_none() {
        warnings.push(Warning::NotAccelerated);
    }
    let acceleration = jackknife.map_or(0.0, |j| j.acceleration);
    Ok(Source::Bca(Replicates::bca(values, estimate, acceleration)))
}
