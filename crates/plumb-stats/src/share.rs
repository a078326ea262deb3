//! A share that is known from counts, as draws of what it may be.
//!
//! Why: a grade compares a system's rate with a reference's, each corrected by an annotator's error. No formula holds for
//! such a function of several shares near 0, but draws of each share go through any function.
//!
//! Draws come from Jeffreys' posterior, Beta(x + ½, n − x + ½) (Brown, Cai & DasGupta 2001, Statistical Science
//! 16:101–133): for a single share its 95 % interval covers about 95 % even where x is a handful. Where rows are
//! clustered, x and n are those of as many rows as theirs are worth (`effective`).
//!
//! Not here: what the draws are put through (`corrected`, and grades in another crate).

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use rand_distr::{Beta, Distribution, StandardUniform};

use crate::distribution::beta_quantile;
use crate::effective::{effective_rows, for_few_clusters};
use crate::{ClusterSums, Error, Interval, Level, Proportion, Undefined, cluster_variance};

/// `successes` of `trials`, both effective: not whole where rows are clustered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    successes: f64,
    trials: f64,
}

impl From<Proportion> for Share {
    fn from(p: Proportion) -> Share {
        Share { successes: p.successes() as f64, trials: p.trials() as f64 }
    }
}

impl Share {
    /// A share `rate` known as well as from `trials` independent rows.
    ///
    /// # Errors
    /// A rate outside 0 to 1, or trials that are negative or not finite.
    pub fn new(rate: f64, trials: f64) -> Result<Share, Error> {
        if !(0.0..=1.0).contains(&rate) {
            return Err(Error::probability("a rate", rate));
        }
        if !trials.is_finite() || trials < 0.0 {
            return Err(Error::denominator(trials));
        }
        Ok(Share { successes: rate * trials, trials })
    }

    /// The rate of a cell of clustered yes/no rows, with as many rows as theirs are worth (see `effective`); with no variation each
    /// cluster counts once.
    ///
    /// # Errors
    /// Outer: the cell does not exist. Inner: it has no rows.
    pub fn of_cell(sums: &ClusterSums, cell: usize) -> Result<Result<Share, Undefined>, Error> {
        let total = *sums.totals().get(cell).ok_or_else(|| Error::cell(cell, sums.cells()))?;
        let Some(rate) = total.ratio() else { return Ok(Err(Undefined::NoData)) };
        let mut weights = vec![0.0; sums.cells()];
        weights[cell] = 1.0;
        let trials = match cluster_variance(sums, &weights)? {
            Ok(v) if v.std_error > 0.0 && !sums.is_constant(cell) => {
                effective_rows(sums, cell, v.std_error) * for_few_clusters(0.975, v.df)
            }
            _ => sums.clusters_in(cell) as f64,
        };
        Ok(Share::new(rate, trials))?.map(Ok)
    }

    /// successes / trials.
    pub fn rate(&self) -> Result<f64, Undefined> {
        if self.trials > 0.0 { Ok(self.successes / self.trials) } else { Err(Undefined::NoData) }
    }

    /// The effective number of rows.
    pub fn trials(&self) -> f64 {
        self.trials
    }

    /// Jeffreys' interval; its bound is 0 or 1 where no or all rows are a success.
    pub fn interval(&self, level: Level) -> Result<Interval, Undefined> {
        self.rate()?;
        let (a, b) = self.beta();
        let low = if self.successes <= 0.0 { 0.0 } else { beta_quantile(level.tail(), a, b) };
        let high = if self.successes >= self.trials { 1.0 } else { 1.0 - beta_quantile(level.tail(), b, a) };
        Ok(Interval { low, high, level })
    }

    /// The probability that the share is at most `bound`, under the posterior.
    pub fn at_most(&self, bound: f64) -> f64 {
        let (a, b) = self.beta();
        crate::distribution::beta_cdf(bound, a, b)
    }

    /// `count` draws from the posterior. The same stream gives the same draws.
    pub fn draws(&self, count: usize, stream: &mut Stream) -> Vec<f64> {
        let (a, b) = self.beta();
        stream.beta(a, b, count)
    }

    /// `count` draws of the share of a few labels: evenly of Beta(x, n − x + 1) and of Beta(x + 1, n − x), whose quantiles are Clopper
    /// and Pearson's lower and upper bounds. They are the mid-p interval's distribution (Lancaster 1961, JASA 56:223–234; Hannig 2009,
    /// Statistica Sinica 19:491–544, calls them half-corrected). Of none of ten labels half are 0, while the lowest of Jeffreys' draws
    /// are a rate that ten labels cannot tell from 0, which in a sum of several shares nobody sees.
    pub fn label_draws(&self, count: usize, stream: &mut Stream) -> Vec<f64> {
        let (x, rest) = (self.successes, (self.trials - self.successes).max(0.0));
        // A Beta with a 0 is 0 or 1.
        let [low, high] =
            [(x, rest + 1.0), (x + 1.0, rest)].map(|(a, b)| Beta::new(a, b).map_err(|_| a / (a + b)));
        let one = |stream: &mut Stream| {
            let even: f64 = StandardUniform.sample(&mut stream.0);
            let of = if even < 0.5 { &low } else { &high };
            of.as_ref().map_or_else(|edge| *edge, |beta| beta.sample(&mut stream.0))
        };
        (0..count).map(|_| one(stream)).collect()
    }

    fn beta(&self) -> (f64, f64) {
        (self.successes + 0.5, (self.trials - self.successes).max(0.0) + 0.5)
    }
}

/// A source of draws under a seed; quantities that are drawn one after another from one stream are independent.
#[derive(Debug, Clone)]
pub struct Stream(pub(crate) ChaCha8Rng);

impl Stream {
    /// The stream of a seed, from the plan.
    pub fn seeded(seed: u64) -> Stream {
        Stream(ChaCha8Rng::seed_from_u64(seed))
    }

    /// `count` draws of a Beta(a, b); `a` and `b` are positive, as every caller makes them.
    pub(crate) fn beta(&mut self, a: f64, b: f64, count: usize) -> Vec<f64> {
        match Beta::new(a, b) {
            Ok(beta) => (0..count).map(|_| beta.sample(&mut self.0)).collect(),
            Err(_) => vec![a / (a + b); count],
        }
    }
}

/// The equal-tailed interval of draws; they are sorted in place.
pub fn interval_of_draws(draws: &mut [f64], level: Level) -> Result<Interval, Undefined> {
    if draws.is_empty() {
        return Err(Undefined::NoData);
    }
    draws.sort_by(f64::total_cmp);
    // Hyndman & Fan's type 7, as the default of R and NumPy.
    let at = |p: f64| {
        let place = p * (draws.len() - 1) as f64;
        let (below, part) = (place.floor() as usize, place.fract());
        let above = draws[(below + 1).min(draws.len() - 1)];
        draws[below] + part * (above - draws[below])
    };
    Ok(Interval { low: at(level.tail()), high: at(1.0 - level.tail()), level })
}
