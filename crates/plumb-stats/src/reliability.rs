//! How well raters agree on a scale, and how reliable the mean of their ratings is.
//!
//! Why: a metric cannot follow ratings better than the ratings follow themselves. The correlation of anything with a mean of
//! ratings is at most the root of the mean's reliability (Spearman 1904, Am. J. Psychol. 15:72–101), and dividing by that
//! root says what the correlation would be with ratings that had no error.
//!
//! Which reliability: where every unit was rated by the same raters, a strict rater lowers all units alike and does no
//! harm, so consistency counts (ICC(3,k), which is Cronbach's alpha). Where raters differ from unit to unit, strictness is
//! error too: ICC(1,k) (Shrout & Fleiss 1979, Psychol. Bull. 86:420–428), with the one-way estimators for unequal numbers
//! of ratings and the mean of 1/k in place of 1/k.
//!
//! Everything is a function of sums over units, so that [`Resample`] gives intervals over clusters with raters as given.
//!
//! Not here: labels without an order (`alpha`, `agreement`).

use std::collections::BTreeMap;

use crate::{CellTotal, ClusterRows, ClusterSums, Draws, Error, Inference, Resample, Undefined, Wanted};

/// With more distinct values than this, alpha for ordered categories is not offered: the values are measurements.
const MOST_CATEGORIES: usize = 12;

/// Collects units (outputs), each with the ratings it got.
#[derive(Debug, Clone, Default)]
pub struct RatedUnits {
    units: Vec<(u32, Vec<(u32, f64)>)>,
}

impl RatedUnits {
    /// No units yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a unit that belongs to `cluster`, with who rated it how. Numbers of raters need not be dense.
    ///
    /// # Errors
    /// A rating that is not finite.
    pub fn add(&mut self, cluster: u32, ratings: &[(u32, f64)]) -> Result<(), Error> {
        if ratings.iter().any(|(_, value)| !value.is_finite()) {
            return Err(Error::not_finite("a rating"));
        }
        self.units.push((cluster, ratings.to_vec()));
        Ok(())
    }

    /// Sums the units.
    ///
    /// # Errors
    /// More ratings than a `u32` can count.
    pub fn build(self) -> Result<Reliability, Error> {
        let mut raters: BTreeMap<u32, usize> = BTreeMap::new();
        for (rater, _) in self.units.iter().flat_map(|(_, ratings)| ratings) {
            let next = raters.len();
            raters.entry(*rater).or_insert(next);
        }
        let crossed = raters.len() >= 2
            && self.units.iter().all(|(_, ratings)| {
                let distinct: std::collections::BTreeSet<u32> =
                    ratings.iter().map(|(rater, _)| *rater).collect();
                distinct.len() == raters.len() && ratings.len() == raters.len()
            });
        let mut values: Vec<f64> =
            self.units.iter().flat_map(|(_, r)| r).map(|(_, value)| value + 0.0).collect();
        values.sort_unstable_by(f64::total_cmp);
        values.dedup();
        let mut sums = ClusterRows::new(FIXED + raters.len());
        let ordered = values.len() <= MOST_CATEGORIES;
        let k = if ordered { values.len() } else { 0 };
        let mut pairs = ClusterRows::new(k * k);
        for (cluster, ratings) in self.units.iter().filter(|(_, ratings)| !ratings.is_empty()) {
            add_sums(&mut sums, *cluster, ratings, &raters)?;
            if ordered && ratings.len() > 1 {
                add_pairs(&mut pairs, *cluster, ratings, &values)?;
            }
        }
        let (sums, pairs) = (sums.build()?, pairs.build()?);
        Ok(Reliability { sums, pairs, categories: k, raters: raters.len(), crossed })
    }
}

/// Cells of the sums; ratings are summed as they are, scales of ratings being short.
const UNITS: usize = 0;
const RATINGS: usize = 1;
const SQUARED_SIZES: usize = 2;
const INVERSE_SIZES: usize = 3;
const VALUES: usize = 4;
const SQUARES: usize = 5;
const UNIT_SQUARES: usize = 6;
/// Of units rated twice or more: ratings, their sum and squares, and (sum of a unit)² and squares over its size − 1.
const PAIRED: usize = 7;
const PAIRED_VALUES: usize = 8;
const PAIRED_SQUARES: usize = 9;
const DISAGREEMENT: usize = 10;
/// Then the sum of each rater's ratings.
const FIXED: usize = 11;

fn add_sums(
    sums: &mut ClusterRows,
    cluster: u32,
    ratings: &[(u32, f64)],
    raters: &BTreeMap<u32, usize>,
) -> Result<(), Error> {
    let size = ratings.len() as f64;
    let sum: f64 = ratings.iter().map(|(_, v)| v).sum();
    let squares: f64 = ratings.iter().map(|(_, v)| v * v).sum();
    let mut put = |cell: usize, value: f64| sums.add(cluster, cell, value);
    put(UNITS, 1.0)?;
    put(RATINGS, size)?;
    put(SQUARED_SIZES, size * size)?;
    put(INVERSE_SIZES, 1.0 / size)?;
    put(VALUES, sum)?;
    put(SQUARES, squares)?;
    put(UNIT_SQUARES, sum * sum / size)?;
    if size > 1.0 {
        put(PAIRED, size)?;
        put(PAIRED_VALUES, sum)?;
        put(PAIRED_SQUARES, squares)?;
        // Σ over ordered pairs of (a − b)², over m − 1.
        put(DISAGREEMENT, 2.0 * (size * squares - sum * sum) / (size - 1.0))?;
    }
    for (rater, value) in ratings {
        put(FIXED + raters[rater], *value)?;
    }
    Ok(())
}

fn add_pairs(
    pairs: &mut ClusterRows,
    cluster: u32,
    ratings: &[(u32, f64)],
    values: &[f64],
) -> Result<(), Error> {
    let k = values.len();
    let place = |value: f64| values.partition_point(|v| *v < value);
    for (at, (_, a)) in ratings.iter().enumerate() {
        for (_, b) in ratings.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, rating)| rating) {
            pairs.add(cluster, place(*a) * k + place(*b), 1.0 / (ratings.len() as f64 - 1.0))?;
        }
    }
    Ok(())
}

/// Ratings summed by cluster. Made by [`RatedUnits::build`].
#[derive(Debug, Clone)]
pub struct Reliability {
    sums: ClusterSums,
    pairs: ClusterSums,
    categories: usize,
    raters: usize,
    crossed: bool,
}

/// Reliabilities with intervals over clusters.
#[derive(Debug, Clone)]
pub struct Reliable {
    /// Of one rating: ICC(3,1) where raters are crossed with units, else ICC(1,1).
    pub of_one: Inference,
    /// Of the mean of the ratings of a unit: ICC(3,k), which is Cronbach's alpha, or ICC(1,k).
    pub of_mean: Inference,
    /// Krippendorff's alpha with squared differences.
    pub alpha_interval: Inference,
    /// Krippendorff's alpha for ordered categories, where there are at most twelve.
    pub alpha_ordinal: Option<Inference>,
}

impl Reliability {
    /// Whether every unit was rated once by every rater.
    pub fn is_crossed(&self) -> bool {
        self.crossed
    }

    /// Computes all of them.
    ///
    /// # Errors
    /// Fewer than 100 replicates.
    pub fn infer(&self, draws: Draws) -> Result<Reliable, Error> {
        let resample = Resample::draw(&self.sums, draws)?;
        let pairs = Resample::draw(&self.pairs, draws)?;
        let of = |mean: bool| {
            bounded(resample.statistic(
                |t| if self.crossed { self.consistency(t, mean) } else { one_way(t, mean) },
                Wanted::Default,
            ))
        };
        let ordinal = (self.categories > 1)
            .then(|| bounded(pairs.statistic(|t| ordinal_alpha(t, self.categories), Wanted::Default)));
        Ok(Reliable {
            of_one: of(false),
            of_mean: of(true),
            alpha_interval: bounded(resample.statistic(interval_alpha, Wanted::Default)),
            alpha_ordinal: ordinal,
        })
    }

    /// (MSB − MSE) / MSB for the mean, (MSB − MSE) / (MSB + (k − 1) MSE) for one rating.
    fn consistency(&self, totals: &[CellTotal], mean: bool) -> Result<f64, Undefined> {
        let (units, k) = (totals[UNITS].numerator, self.raters as f64);
        let grand = totals[VALUES].numerator.powi(2) / (units * k);
        let between = totals[UNIT_SQUARES].numerator - grand;
        let by_rater = totals[FIXED..].iter().map(|t| t.numerator.powi(2)).sum::<f64>() / units - grand;
        let rest = totals[SQUARES].numerator - grand - between - by_rater;
        if units < 2.0 || between <= 1e-12 * totals[SQUARES].numerator {
            return Err(Undefined::NoVariation);
        }
        let (msb, mse) = (between / (units - 1.0), rest.max(0.0) / ((units - 1.0) * (k - 1.0)));
        Ok(if mean { (msb - mse) / msb } else { (msb - mse) / (msb + (k - 1.0) * mse) })
    }
}

/// No reliability is above 1, and below -1 it says no more than there: t intervals of few clusters know neither.
fn bounded(found: Inference) -> Inference {
    let low = found.estimate().map_or(-1.0, |estimate| estimate.min(-1.0));
    found.within(low, 1.0)
}

fn one_way(totals: &[CellTotal], mean: bool) -> Result<f64, Undefined> {
    let at = |cell: usize| totals[cell].numerator;
    let (units, ratings) = (at(UNITS), at(RATINGS));
    let grand = at(VALUES).powi(2) / ratings;
    let (between, within) = (at(UNIT_SQUARES) - grand, at(SQUARES) - at(UNIT_SQUARES));
    if units < 2.0 || ratings <= units {
        return Err(Undefined::NoData);
    }
    let (msb, msw) = (between / (units - 1.0), within.max(0.0) / (ratings - units));
    let size = (ratings - at(SQUARED_SIZES) / ratings) / (units - 1.0);
    let of_units = (msb - msw) / size;
    let error = if mean { msw * at(INVERSE_SIZES) / units } else { msw };
    if of_units + error <= 1e-12 * at(SQUARES) / ratings {
        return Err(Undefined::NoVariation);
    }
    Ok(of_units / (of_units + error))
}

/// Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", with (a − b)².
fn interval_alpha(totals: &[CellTotal]) -> Result<f64, Undefined> {
    let at = |cell: usize| totals[cell].numerator;
    let n = at(PAIRED);
    if n < 2.0 {
        return Err(Undefined::NoData);
    }
    let expected = 2.0 * (n * at(PAIRED_SQUARES) - at(PAIRED_VALUES).powi(2)) / (n - 1.0);
    if expected <= 1e-12 * at(PAIRED_SQUARES) {
        Err(Undefined::OneCategory)
    } else {
        Ok(1.0 - at(DISAGREEMENT) / expected)
    }
}

/// The same with the squared number of ratings that lie between two categories, each end counting half.
fn ordinal_alpha(totals: &[CellTotal], k: usize) -> Result<f64, Undefined> {
    let count = |a: usize, b: usize| totals[a * k + b].numerator;
    let sizes: Vec<f64> = (0..k).map(|a| (0..k).map(|b| count(a, b)).sum()).collect();
    let n: f64 = sizes.iter().sum();
    if n < 2.0 {
        return Err(Undefined::NoData);
    }
    let (mut observed, mut expected) = (0.0, 0.0);
    for a in 0..k {
        for b in a + 1..k {
            let between = sizes[a..=b].iter().sum::<f64>() - (sizes[a] + sizes[b]) / 2.0;
            observed += 2.0 * count(a, b) * between * between;
            expected += 2.0 * sizes[a] * sizes[b] / (n - 1.0) * between * between;
        }
    }
    if expected <= 0.0 { Err(Undefined::OneCategory) } else { Ok(1.0 - observed / expected) }
}
