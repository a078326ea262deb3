//! pass@k: the chance that at least one of k samples of a problem is right.
//!
//! Taking k samples and looking whether one passed is unbiased but noisy; 1 − (1 − c/n)^k uses all n samples and is
//! biased. The estimator here is both exact in expectation and uses all samples (Chen et al. 2021, "Evaluating Large
//! Language Models Trained on Code", §2.1): 1 − C(n − c, k) / C(n, k).
//!
//! Two intervals. Over problems ([`mean_pass_at_k`]): what would other problems of this kind give? It holds the samples
//! of each problem as they are, whose chance is in the spread between problems too. Over problems and samples
//! ([`both_levels`]): the same with new samples of each problem. Not here: running samples.

use crate::Error;
use plumb_stats::{ClusterRows, Draws, Inference, Interval, Level, Proportion, Resample, Support, Wanted};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use std::collections::HashMap;

/// What the samples of one problem did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Counts {
    /// Samples taken.
    pub samples: u64,
    /// Samples that passed.
    pub correct: u64,
}

/// pass@k of one problem, 0 to 1.
///
/// The product form, multiplied in the order of the reference implementation, so that values agree to the last digit.
///
/// # Errors
/// More correct samples than samples, k = 0, or fewer than k samples: then nothing unbiased can be said, and a smaller
/// k is the caller's choice, not this function's.
pub fn pass_at_k(counts: Counts, k: u64) -> Result<f64, Error> {
    let Counts { samples, correct } = counts;
    if correct > samples {
        return Err(Error::more_correct(correct, samples));
    }
    if k == 0 {
        return Err(Error::no_k());
    }
    if k > samples {
        return Err(Error::too_few(k, samples));
    }
    let wrong = samples - correct;
    if wrong < k {
        return Ok(1.0);
    }
    let none: f64 = (wrong + 1..=samples).map(|i| 1.0 - k as f64 / i as f64).product();
    Ok(1.0 - none)
}

/// The mean of pass@k over problems with what is known of it; numbers of samples may differ between problems.
///
/// Intervals resample problems (BCa from twenty problems on, t below); where every problem is 0 or 1, as with one
/// sample each, Wilson's interval.
///
/// # Errors
/// No problems, a problem that [`pass_at_k`] refuses, or too few replicates in `draws`.
pub fn mean_pass_at_k(problems: &[Counts], k: u64, draws: Draws) -> Result<Inference, Error> {
    if problems.is_empty() {
        return Err(Error::no_problems());
    }
    let mut rows = ClusterRows::new(1);
    let mut support = Support::Binary;
    for (problem, counts) in problems.iter().enumerate() {
        let value = pass_at_k(*counts, k)?;
        if value != 0.0 && value != 1.0 {
            support = Support::Unit;
        }
        rows.add(problem as u32, 0, value)?;
    }
    let sums = rows.build()?;
    Ok(Resample::draw(&sums, draws)?.rate(0, support, Wanted::Default)?)
}

/// The mean of pass@k with the spread that new problems and new samples of each would give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoLevels {
    /// The mean of pass@k.
    pub estimate: f64,
    /// Its standard error over both levels, by a bootstrap.
    pub std_error: f64,
    /// Number of problems.
    pub problems: u64,
}

impl TwoLevels {
    /// The estimate and a normal margin on both sides, within 0 and 1. Not percentiles of the bootstrap: with k near the
    /// number of samples a resample finds a single right sample less often than not, so they would lie below the estimate.
    ///
    /// Where pass@k is 0 in every problem, or 1, resampling cannot tell what else there could be, and the interval is Clopper and
    /// Pearson's with problems as trials, as it is over problems. It holds whatever the number of samples: the value of a new problem
    /// with new samples lies within 0 and 1 and has the sought mean m, so it is 1 with a chance of at most m, and that of n problems in
    /// n with one of at most mⁿ; likewise for 0.
    ///
    /// `None` with fewer than two replicates.
    pub fn interval(&self, level: Level) -> Option<Interval> {
        if self.is_alike() {
            let right = if self.estimate == 0.0 { 0 } else { self.problems };
            return Proportion::new(right, self.problems).ok()?.clopper_pearson(level).ok();
        }
        let half = level.z() * self.std_error;
        let (low, high) = ((self.estimate - half).max(0.0), (self.estimate + half).min(1.0));
        (self.std_error > 0.0).then_some(Interval { low, high, level })
    }

    /// How [`TwoLevels::interval`] is made.
    pub fn method(&self) -> &'static str {
        if self.is_alike() {
            "Clopper-Pearson on problems, whose samples say the same"
        } else {
            "normal, standard error by a bootstrap over problems and samples"
        }
    }

    fn is_alike(&self) -> bool {
        self.estimate == 0.0 || self.estimate == 1.0
    }
}

/// As [`mean_pass_at_k`], resampling problems, and of each problem drawn as many samples as it has.
///
/// # Errors
/// As [`mean_pass_at_k`].
pub fn both_levels(problems: &[Counts], k: u64, draws: Draws) -> Result<TwoLevels, Error> {
    let estimate = mean_of(problems, k)?;
    let mut known: HashMap<Counts, f64> = HashMap::new();
    let mut means = Vec::with_capacity(draws.replicates as usize);
    for replicate in 0..draws.replicates {
        let mut rng = ChaCha8Rng::seed_from_u64(draws.seed);
        rng.set_stream(u64::from(replicate));
        let mut sum = 0.0;
        for _ in problems {
            let Counts { samples, correct } = problems[below(&mut rng, problems.len() as u64) as usize];
            let drawn = (0..samples).filter(|_| below(&mut rng, samples) < correct).count() as u64;
            let counts = Counts { samples, correct: drawn };
            let value = match known.get(&counts) {
                Some(value) => *value,
                None => *known.entry(counts).or_insert(pass_at_k(counts, k)?),
            };
            sum += value;
        }
        means.push(sum / problems.len() as f64);
    }
    let centre = means.iter().sum::<f64>() / means.len().max(1) as f64;
    let squares = means.iter().map(|mean| (mean - centre).powi(2)).sum::<f64>();
    let std_error = (squares / (means.len().max(2) - 1) as f64).sqrt();
    Ok(TwoLevels { estimate, std_error, problems: problems.len() as u64 })
}

fn mean_of(problems: &[Counts], k: u64) -> Result<f64, Error> {
    if problems.is_empty() {
        return Err(Error::no_problems());
    }
    let values: Result<Vec<f64>, Error> = problems.iter().map(|counts| pass_at_k(*counts, k)).collect();
    Ok(values?.iter().sum::<f64>() / problems.len() as f64)
}

/// A number below `n`, n > 0. The bias of a remainder of 64 bits is far below anything that a count can show.
fn below(rng: &mut ChaCha8Rng, n: u64) -> u64 {
    rng.next_u64() % n
}
