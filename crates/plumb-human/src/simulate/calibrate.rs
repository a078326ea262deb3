//! Many simulated studies against the truth: how often a hypothesis's interval holds the true value, and how often the
//! hypothesis is decided.
//!
//! The true value of a contrast under the file's behaviours has no formula, since answers are cut to their fields and
//! rounded; it is the contrast of the means of very many people.

use std::sync::atomic::{AtomicUsize, Ordering};

use plumb_stats::{Level, Proportion};
use rayon::prelude::*;

use super::{Settings, Simulator, nth_seed};
use crate::analyse::{Contrasted, Decided, Spent, Verdict, found, weights_of};
use crate::data::Data;
use crate::error::{Error, Result};
use crate::study::Study;

/// How often a study is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calibration {
    /// Studies.
    pub studies: usize,
    /// People who arrive in each.
    pub arrive: usize,
    /// People of the simulation that gives the true values.
    pub truth: usize,
    /// What everything is drawn from.
    pub seed: u64,
    /// Whether conditions make no difference, so that every decision is an error.
    pub null: bool,
}

/// What came of one hypothesis.
#[derive(Debug, Clone)]
pub struct Hypothesised {
    /// Its id.
    pub id: String,
    /// Its words.
    pub label: String,
    /// The contrast of the means of the many; nothing where a cell has no values.
    pub truth: Option<f64>,
    /// Studies whose 95 % interval holds the true value, of those with an interval.
    pub covered: Proportion,
    /// Studies with an unadjusted two-sided p of at most its alpha.
    pub rejected: Proportion,
    /// Studies in which its rule says supported, of all: one in which it cannot be tested supports nothing.
    pub supported: Proportion,
    /// Studies in which it cannot be tested, such as those without anybody in a condition.
    pub untested: u64,
    /// Mean estimate over studies.
    pub mean: f64,
}

/// Simulates many studies. `progress` is told after each.
///
/// # Errors
/// As [`Simulator::new`], or an analysis that no simulated study supports.
pub fn calibrate(
    study: &Study,
    how: Calibration,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Hypothesised>> {
    let simulator = Simulator::new(study)?;
    let truth = truth(study, &simulator, how)?;
    let done = AtomicUsize::new(0);
    let studies: Vec<Decided> = (0..how.studies)
        .into_par_iter()
        .map(|n| {
            let seed = nth_seed(how.seed, "study", n);
            let settings = Settings { arrive: how.arrive, seed, places: false, null: how.null };
            let data = simulator.run(settings)?.data(study);
            let result = found(study, &data, &Spent::at_once());
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            result
        })
        .collect::<Result<_>>()?;
    // A study now and then in which nobody comes into a condition is one that finds nothing; one after the other is a fault.
    if let Some((analysis, why)) = studies.iter().map(|one| one.failed.first()).min().flatten() {
        return Err(Error::new(why).at(&format!("analysis {analysis}, in every study")));
    }
    let decided: Vec<Vec<Contrasted>> = studies.into_iter().map(|one| one.list).collect();
    study.hypothesis.iter().zip(truth).map(|(h, truth)| one(h, truth, &decided)).collect()
}

fn one(
    hypothesis: &crate::study::Hypothesis,
    truth: Option<f64>,
    decided: &[Vec<Contrasted>],
) -> Result<Hypothesised> {
    let list: Vec<&Contrasted> = decided.iter().flatten().filter(|c| c.hypothesis == hypothesis.id).collect();
    let share = |n: usize, of: usize| Proportion::new(n as u64, of as u64).map_err(Error::from);
    let count = |test: &dyn Fn(&Contrasted) -> bool| list.iter().filter(|c| test(c)).count();
    let covers = |c: &Contrasted| truth.is_some_and(|t| c.test.interval(Level::P95).contains(t));
    Ok(Hypothesised {
        id: hypothesis.id.clone(),
        label: hypothesis.label.clone(),
        truth,
        covered: share(count(&covers), if truth.is_some() { list.len() } else { 0 })?,
        rejected: share(count(&|c| c.test.p <= hypothesis.alpha), list.len())?,
        supported: share(count(&|c| c.verdict == Verdict::Supported), decided.len())?,
        untested: (decided.len() - list.len()) as u64,
        mean: list.iter().map(|c| c.test.estimate).sum::<f64>() / list.len().max(1) as f64,
    })
}

/// People of one piece of the simulation that gives the true values.
const PIECE: usize = 5_000;

/// The true value of each hypothesis's contrast: of the means of all answers of each condition, over many people.
fn truth(study: &Study, simulator: &Simulator<'_>, how: Calibration) -> Result<Vec<Option<f64>>> {
    let pieces = how.truth.div_ceil(PIECE).max(1);
    let sums: Vec<Vec<Vec<(f64, u64)>>> = (0..pieces)
        .into_par_iter()
        .map(|n| {
            let seed = nth_seed(how.seed, "truth", n);
            let arrive = PIECE.min(how.truth - n * PIECE);
            let settings = Settings { arrive, seed, places: false, null: how.null };
            let data: Data = simulator.run(settings)?.data(study);
            study.hypothesis.iter().map(|h| crate::analyse::cell_sums(study, &data, h)).collect()
        })
        .collect::<Result<_>>()?;
    let one = |at: usize, hypothesis: &crate::study::Hypothesis| {
        let conditions = study.condition.len();
        let mean = |c: usize| {
            let (sum, n) =
                sums.iter().fold((0.0, 0), |(s, n), piece| (s + piece[at][c].0, n + piece[at][c].1));
            (n > 0).then(|| sum / n as f64)
        };
        let weights = weights_of(study, hypothesis);
        (0..conditions)
            .filter(|c| weights[*c] != 0.0)
            .try_fold(0.0, |sum, c| Some(sum + weights[c] * mean(c)?))
    };
    Ok(study.hypothesis.iter().enumerate().map(|(at, h)| one(at, h)).collect())
}
