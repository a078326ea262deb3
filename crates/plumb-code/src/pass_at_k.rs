//! pass@k: the chance that at least one of k samples of a problem is right.
//!
//! Taking k samples and looking whether one passed is unbiased but noisy; 1 − (1 − c/n)^k uses all n samples and is
//! biased. The estimator here is both exact in expectation and uses all samples (Chen et al. 2021, "Evaluating Large
//! Language Models Trained on Code", §2.1): 1 − C(n − c, k) / C(n, k).
//!
//! The interval is over problems: what would other problems of this kind give? It holds the samples of each problem
//! as they are, whose chance is in the spread between problems too. Not here: running samples.

use crate::Error;
use plumb_stats::{ClusterRows, Draws, Inference, Resample, Support, Wanted};

/// What the samples of one problem did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
