//! The true rate behind an annotator that errs.
//!
//! An annotator flags the share q of all answers. People labelled some of them. What the labels can correct depends on how
//! these were drawn:
//!
//! - by verdict (so many flagged, so many unflagged): the shares of truly yes among both are known, and
//!   p = q·PPV + (1 − q)·(1 − NPV), double sampling → [`crate::VerdictShares`];
//! - without regard to the verdict: recall and specificity are known too, and p = (q + Sp − 1)/(Se + Sp − 1)
//!   (Rogan & Gladen 1978, Am. J. Epidemiology 107:71–76) → [`rogan_gladen`], and with priors [`rogan_gladen_bayes`].
//!   From a sample drawn by verdict "recall" is an artefact of the sample, so these refuse it.
//!
//! Labels of other systems' answers are transported: [`crate::Transported`] widens by how much systems differ.
//! Intervals come from draws, which carry the error of q and that of the labels; see `share`.

use crate::share::{Stream, interval_of_draws};
use crate::{BinaryCounts, Error, Interval, Level, Proportion, Share, Undefined};

/// Labelled answers, and how they were drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelledSample {
    /// So many flagged and so many unflagged ones.
    ByVerdict(BinaryCounts),
    /// Without looking at the verdict.
    WithoutRegard(BinaryCounts),
}

impl LabelledSample {
    /// The table.
    pub fn counts(&self) -> BinaryCounts {
        match self {
            Self::ByVerdict(counts) | Self::WithoutRegard(counts) => *counts,
        }
    }
}

/// A rate, and draws of what it may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Corrected {
    /// The estimate; Rogan and Gladen's can lie outside 0 to 1.
    pub estimate: f64,
    /// Draws, within 0 to 1, in order of drawing: those of several rates can be put together.
    pub draws: Vec<f64>,
}

impl Corrected {
    /// The equal-tailed interval of the draws.
    pub fn interval(&self, level: Level) -> Result<Interval, Undefined> {
        interval_of_draws(&mut self.draws.clone(), level)
    }

    /// The interval of a posterior, closed at 0 or 1 where `formula`, the same rate without a prior, reaches that edge. A posterior keeps
    /// the lowest of its draws above 0 even where the formula says that nothing is truly so, and would leave out rates near 0.
    pub fn interval_with(&self, formula: &Corrected, level: Level) -> Result<Interval, Undefined> {
        let (own, free) = (self.interval(level)?, formula.interval(level)?);
        let low = if free.low <= 0.0 { 0.0 } else { own.low };
        Ok(Interval { low, high: if free.high >= 1.0 { 1.0 } else { own.high }, level })
    }
}

fn share(successes: u64, trials: u64) -> Result<Share, Error> {
    Ok(Share::from(Proportion::new(successes, trials)?))
}

/// (q + Sp − 1)/(Se + Sp − 1); it lies outside 0 to 1 where more or less is flagged than the errors allow.
fn formula(q: f64, recall: f64, specificity: f64) -> Option<f64> {
    let youden = recall + specificity - 1.0;
    (youden.abs() > 1e-12).then(|| (q + specificity - 1.0) / youden)
}

/// Rogan and Gladen's estimate with an interval from draws of q, recall and specificity, each result kept within 0 and 1.
///
/// # Errors
/// Outer: a sample drawn by verdict. Inner: [`Undefined::NoData`] without labels of both kinds, and
/// [`Undefined::UnstableStatistic`] where more than a tenth of the draws has no J above 0.
pub fn rogan_gladen(
    flagged: Share,
    sample: LabelledSample,
    draws: usize,
    stream: &mut Stream,
) -> Result<Result<Corrected, Undefined>, Error> {
    let (recall, specificity) = without_regard(sample)?;
    let (Ok(q), Ok(se), Ok(sp)) = (flagged.rate(), recall.rate(), specificity.rate()) else {
        return Ok(Err(Undefined::NoData));
    };
    let Some(estimate) = formula(q, se, sp) else { return Ok(Err(Undefined::UnstableStatistic)) };
    let (q, se, sp) =
        (flagged.draws(draws, stream), recall.draws(draws, stream), specificity.draws(draws, stream));
    let values: Vec<f64> = (0..draws)
        .filter(|at| se[*at] + sp[*at] > 1.0)
        .filter_map(|at| formula(q[at], se[at], sp[at]))
        .map(|p| p.clamp(0.0, 1.0))
        .collect();
    if draws - values.len() > draws / 10 {
        return Ok(Err(Undefined::UnstableStatistic));
    }
    Ok(Ok(Corrected { estimate, draws: values }))
}

fn without_regard(sample: LabelledSample) -> Result<(Share, Share), Error> {
    match sample {
        LabelledSample::ByVerdict(_) => Err(Error::drawn_by_verdict()),
        LabelledSample::WithoutRegard(c) => {
            Ok((share(c.true_yes, c.is_yes())?, share(c.true_no, c.is_no())?))
        }
    }
}

/// A Beta prior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior {
    pub a: f64,
    pub b: f64,
}

impl Prior {
    /// Nothing is known: every value is as likely.
    pub const FLAT: Prior = Prior { a: 1.0, b: 1.0 };
    /// Jeffreys'.
    pub const JEFFREYS: Prior = Prior { a: 0.5, b: 0.5 };
}

/// Priors of the Bayesian form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Priors {
    pub rate: Prior,
    pub recall: Prior,
    pub specificity: Prior,
}

/// The posterior of the rate where x of n answers are flagged: x ~ Binomial(n, p·Se + (1 − p)(1 − Sp)), Beta priors on p, Se
/// and Sp, labels as further data (the model of Joseph, Gyorkos & Coupal 1995, Am. J. Epidemiology 141:263–272, with a
/// labelled sample). Recall and specificity are drawn from what the labels say; for each pair the rate is integrated on a
/// grid, and pairs count by how well they explain the flags. The estimate is the posterior mean.
///
/// # Errors
/// A sample drawn by verdict, a prior that is not positive, more flagged than answers.
pub fn rogan_gladen_bayes(
    flagged: Proportion,
    sample: LabelledSample,
    priors: Priors,
    draws: usize,
    stream: &mut Stream,
) -> Result<Corrected, Error> {
    without_regard(sample)?;
    for prior in [priors.rate, priors.recall, priors.specificity] {
        for value in [prior.a, prior.b] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::denominator(value));
            }
        }
    }
    let c = sample.counts();
    let posterior = |prior: Prior, yes: u64, no: u64| (prior.a + yes as f64, prior.b + no as f64);
    let (sa, sb) = posterior(priors.recall, c.true_yes, c.false_no);
    let (pa, pb) = posterior(priors.specificity, c.true_no, c.false_yes);
    const PAIRS: usize = 400;
    let (recall, specificity) = (stream.beta(sa, sb, PAIRS), stream.beta(pa, pb, PAIRS));
    let (x, n) = (flagged.successes() as f64, flagged.trials() as f64);
    let grid = grid(range(x / n.max(1.0), n, &recall, &specificity));
    // Log densities of every pair and place, one common scale.
    let mut logs = Vec::with_capacity(PAIRS * grid.len());
    for (se, sp) in recall.iter().zip(&specificity) {
        for place in &grid {
            let p = place.middle;
            let q = p * se + (1.0 - p) * (1.0 - sp);
            let likely = log_power(q, x) + log_power(1.0 - q, n - x);
            let prior = (priors.rate.a - 1.0) * p.ln() + (priors.rate.b - 1.0) * (-p).ln_1p();
            logs.push(likely + prior + place.width.ln());
        }
    }
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut mass = vec![0.0; grid.len()];
    for of_pair in logs.chunks(grid.len()) {
        for (sum, log) in mass.iter_mut().zip(of_pair) {
            *sum += (log - most).exp();
        }
    }
    Ok(from_grid(&grid, &mass, draws))
}

/// `power`·ln(base), 0 where nothing is raised.
fn log_power(base: f64, power: f64) -> f64 {
    if power <= 0.0 { 0.0 } else { power * base.max(f64::MIN_POSITIVE).ln() }
}

struct Place {
    middle: f64,
    width: f64,
}

/// Where the rate can lie at all: eight standard errors around what each pair makes of the share flagged.
fn range(q: f64, n: f64, recall: &[f64], specificity: &[f64]) -> (f64, f64) {
    let error = ((q * (1.0 - q)).max(1.0 / (n + 1.0)) / (n + 1.0)).sqrt();
    let mut range = (1.0_f64, 0.0_f64);
    for (se, sp) in recall.iter().zip(specificity) {
        let youden = se + sp - 1.0;
        if youden < 0.02 {
            return (0.0, 1.0);
        }
        let (middle, half) = ((q + sp - 1.0) / youden, 8.0 * error / youden);
        range = (range.0.min(middle - half), range.1.max(middle + half));
    }
    (range.0.clamp(0.0, 0.99), range.1.clamp(0.01, 1.0))
}

/// Places between two bounds, dense near both: a prior may have much of its mass at 0.
fn grid((low, high): (f64, f64)) -> Vec<Place> {
    const PLACES: usize = 200;
    let edge = |at: usize| {
        let angle = std::f64::consts::FRAC_PI_2 * at as f64 / PLACES as f64;
        low + (high - low) * angle.sin().powi(2)
    };
    (0..PLACES)
        .map(|at| Place { middle: (edge(at) + edge(at + 1)) / 2.0, width: edge(at + 1) - edge(at) })
        .collect()
}

/// Evenly spread quantiles of the posterior stand for draws; they are in rising order.
fn from_grid(grid: &[Place], mass: &[f64], draws: usize) -> Corrected {
    let total: f64 = mass.iter().sum();
    let estimate = grid.iter().zip(mass).map(|(p, m)| p.middle * m).sum::<f64>() / total;
    let (mut at, mut before) = (0, 0.0);
    let values = (0..draws)
        .map(|draw| {
            let wanted = total * (draw as f64 + 0.5) / draws as f64;
            while at + 1 < grid.len() && before + mass[at] < wanted {
                before += mass[at];
                at += 1;
            }
            let part = if mass[at] > 0.0 { ((wanted - before) / mass[at]).clamp(0.0, 1.0) } else { 0.5 };
            grid[at].middle + (part - 0.5) * grid[at].width
        })
        .collect();
    Corrected { estimate, draws: values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Stratum, VerdictShares};

    const PAPER: BinaryCounts = BinaryCounts { true_yes: 358, false_yes: 302, false_no: 88, true_no: 572 };

    /// The v0.5 paper's table (arXiv 2404.12241): 660 flagged and 660 unflagged replies; 4.8 % of all are flagged.
    #[test]
    fn the_papers_table_by_both_estimators() {
        let flagged = Share::new(0.048, 560_170.0).unwrap();
        let shares = VerdictShares::of(&[Stratum { flagged, labels: PAPER }]).unwrap();
        let found = shares.among_all(Level::P95, 20_000, &mut Stream::seeded(1)).rate;
        let estimate = found.estimate.unwrap();
        assert!((estimate - 0.048 * 358.0 / 660.0 - 0.952 * 88.0 / 660.0).abs() < 1e-12);
        assert_eq!((estimate * 1000.0).round(), 153.0);
        let interval = found.interval.unwrap();
        assert!(interval.low > 0.125 && interval.high < 0.18, "{interval:?}");

        let senseless = formula(0.048, 358.0 / 446.0, 572.0 / 874.0).unwrap();
        assert_eq!((senseless * 100.0).round(), -65.0);
        let refused = rogan_gladen(flagged, LabelledSample::ByVerdict(PAPER), 100, &mut Stream::seeded(1));
        assert!(refused.unwrap_err().to_string().contains("drawn by verdict"));
    }

    #[test]
    fn with_much_data_all_forms_agree() {
        let sample = LabelledSample::WithoutRegard(BinaryCounts {
            true_yes: 9_000,
            false_yes: 2_000,
            false_no: 1_000,
            true_no: 88_000,
        });
        let flagged = Proportion::new(11_000, 100_000).unwrap();
        let rg = rogan_gladen(flagged.into(), sample, 4_000, &mut Stream::seeded(3)).unwrap().unwrap();
        let priors = Priors { rate: Prior::FLAT, recall: Prior::FLAT, specificity: Prior::FLAT };
        let bayes = rogan_gladen_bayes(flagged, sample, priors, 4_000, &mut Stream::seeded(3)).unwrap();
        assert!((rg.estimate - 0.1).abs() < 1e-12);
        assert!((bayes.estimate - 0.1).abs() < 5e-4, "{}", bayes.estimate);
        let (a, b) = (rg.interval(Level::P95).unwrap(), bayes.interval(Level::P95).unwrap());
        assert!((a.low - b.low).abs() < 1e-3 && (a.high - b.high).abs() < 1e-3, "{a:?} {b:?}");
    }
}
