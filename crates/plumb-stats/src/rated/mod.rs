//! Metrics against people's ratings: outputs of systems, each an answer to a problem, with values of metrics and ratings
//! by several people.
//!
//! Why: whether a metric follows people has many answers (per output or per rating, over all problems or within each,
//! by one coefficient or another, among what fails alone), and only answers computed on the same draws of problems
//! and raters can be compared. So all questions are asked at once: put outputs into [`RatedRows`], build, and hand a
//! list of [`Question`]s to [`Rated::ask`]; the numbers come back in that order, and any function of them (a difference
//! of two correlations, a ratio) has an interval as well.
//!
//! Not here: drawing and intervals (`crossed`), how well raters agree (`reliability`).

mod answer;
mod blend;
mod side;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use blend::{Blend, Fold};

use crate::correlation::Column;
use crate::{Coefficient, Crossed, Draws, Error, Replicated};

/// Collects outputs.
#[derive(Debug, Clone)]
pub struct RatedRows {
    metrics: Vec<Vec<f64>>,
    problem: Vec<u32>,
    stands_for: Vec<f64>,
    ratings: Vec<Vec<(u32, f64)>>,
}

impl RatedRows {
    /// No outputs yet; each will have a value of so many metrics.
    pub fn new(metrics: usize) -> Self {
        let metrics = vec![Vec::new(); metrics];
        Self { metrics, problem: Vec::new(), stands_for: Vec::new(), ratings: Vec::new() }
    }

    /// Adds an output: the problem it answers, its metrics, and its ratings with who gave each. Numbers of problems and
    /// raters are the caller's and need not be dense. An output without a rating or without a metric is left out by
    /// the caller, who counts it.
    ///
    /// # Errors
    /// Not one value a metric, no rating, or a value that is not finite.
    pub fn add(&mut self, problem: u32, metrics: &[f64], ratings: &[(u32, f64)]) -> Result<(), Error> {
        if metrics.len() != self.metrics.len() {
            return Err(Error::columns(metrics.len(), self.metrics.len()));
        }
        if ratings.is_empty() {
            return Err(Error::columns(0, 1));
        }
        if metrics.iter().chain(ratings.iter().map(|(_, v)| v)).any(|v| !v.is_finite()) {
            return Err(Error::not_finite("a value"));
        }
        if u32::try_from(self.problem.len() + 1).is_err() {
            return Err(Error::too_many("outputs"));
        }
        for (column, value) in self.metrics.iter_mut().zip(metrics) {
            column.push(*value);
        }
        self.problem.push(problem);
        self.stands_for.push(1.0);
        self.ratings.push(ratings.to_vec());
        Ok(())
    }

    /// The output that was added last was drawn for so many: shares and means count it as often, whatever follows the ratings
    /// counts it once. The estimates are ratios of weighted sums (Hájek), their errors those of the replicates.
    ///
    /// # Errors
    /// No positive number, or no output.
    pub fn stands_for(&mut self, outputs: f64) -> Result<(), Error> {
        if !outputs.is_finite() || outputs <= 0.0 {
            return Err(Error::not_finite("what an output stands for"));
        }
        let last = self.stands_for.last_mut().ok_or_else(|| Error::columns(0, 1))?;
        *last = outputs;
        Ok(())
    }

    /// Sorts what can be sorted once for all replicates.
    pub fn build(self) -> Rated {
        let (problem, problems) = dense(self.problem.iter().copied());
        let (rater, raters) = dense(self.ratings.iter().flatten().map(|(rater, _)| *rater));
        let mut by_problem = vec![Vec::new(); problems];
        for (output, problem) in problem.iter().enumerate() {
            by_problem[*problem as usize].push(output as u32);
        }
        let mut first = vec![0_u32];
        first.extend(self.ratings.iter().scan(0, |sum, ratings| {
            *sum += ratings.len() as u32;
            Some(*sum)
        }));
        let value: Vec<f64> = self.ratings.iter().flatten().map(|(_, value)| value + 0.0).collect();
        let mut known: BTreeMap<(u32, u64), u32> = BTreeMap::new();
        let mut categories = Vec::new();
        let category = rater
            .iter()
            .zip(&value)
            .map(|(rater, value)| {
                *known.entry((*rater, value.to_bits())).or_insert_with(|| {
                    categories.push((*rater, *value));
                    categories.len() as u32 - 1
                })
            })
            .collect();
        let metrics = self.metrics.iter().map(|values| Column::new(values)).collect();
        let subsets = Vec::new();
        Rated {
            problem,
            stands_for: self.stands_for,
            problems,
            raters,
            metrics,
            first,
            rater,
            value,
            category,
            categories,
            by_problem,
            subsets,
        }
    }
}

/// Numbers from 0 for the caller's numbers, in their order, and how many there are.
fn dense(numbers: impl Iterator<Item = u32> + Clone) -> (Vec<u32>, usize) {
    let mut known: BTreeMap<u32, u32> = numbers.clone().map(|n| (n, 0)).collect();
    for (at, place) in known.values_mut().enumerate() {
        *place = at as u32;
    }
    (numbers.map(|n| known[&n]).collect(), known.len())
}

/// Outputs with metrics and ratings. Made by [`RatedRows::build`].
#[derive(Debug, Clone)]
pub struct Rated {
    /// For each output.
    problem: Vec<u32>,
    /// How many outputs each was drawn for.
    stands_for: Vec<f64>,
    problems: usize,
    raters: usize,
    /// Each over the outputs.
    metrics: Vec<Column>,
    /// The ratings of output o are those from `first[o]` to before `first[o + 1]`.
    first: Vec<u32>,
    /// For each rating.
    rater: Vec<u32>,
    value: Vec<f64>,
    category: Vec<u32>,
    /// The distinct pairs of rater and value.
    categories: Vec<(u32, f64)>,
    by_problem: Vec<Vec<u32>>,
    subsets: Vec<Vec<u32>>,
}

/// Some of the outputs. Made by [`Rated::subset`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subset(usize);

/// What a metric is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// Over outputs: the mean of each one's ratings.
    ItemMean,
    /// The same within problems: what belongs to the problem is taken away (coefficients of values: the problem's mean,
    /// of the metric too), or only pairs of outputs of one problem are looked at.
    WithinProblem,
    /// Over ratings: each less the mean of all that its rater gave, so that who is strict counts for nothing.
    PerRating,
}

/// How it is held against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Of {
    Coefficient(Coefficient),
    /// [`crate::Pairs::accuracy`].
    Pairs,
    /// [`crate::Pairs::accuracy_with_ties`].
    PairsWithTies,
}

/// A question about the outputs; `among` restricts it to some of them. Means and shares count each output as often as it
/// [stands for](RatedRows::stands_for). "Valued" is the mean of an output's ratings.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// Does the metric follow the ratings?
    Follows { metric: usize, form: Form, of: Of, among: Option<Subset> },
    /// The mean over outputs of their mean ratings.
    MeanRating { among: Option<Subset> },
    /// The mean of a metric.
    MeanMetric { metric: usize, among: Option<Subset> },
    /// Of the outputs, the share rated so on the mean.
    Rated { at_least: f64, among: Option<Subset> },
    /// Of all outputs, the share that are among these and rated so (or below) on the mean.
    Quadrant { among: Subset, at_least: f64, below: bool },
    /// The chance that the metric is lower for an output rated at most so than for another; ties count one half.
    Finds { metric: usize, at_most: f64, among: Option<Subset> },
    /// Pearson's correlation of one rater with the mean of the others, averaged over raters by how much they rated.
    OneRater,
    /// Pearson's correlation of the mean ratings with a blend of metrics that was fitted on other problems.
    Blended(Blend),
    /// The same with the single metric that was best on other problems.
    BestSingle(Blend),
}

impl Rated {
    /// Outputs.
    pub fn outputs(&self) -> usize {
        self.problem.len()
    }

    /// Ratings.
    pub fn ratings(&self) -> usize {
        self.value.len()
    }

    /// Distinct problems.
    pub fn problems(&self) -> usize {
        self.problems
    }

    /// Distinct raters.
    pub fn raters(&self) -> usize {
        self.raters
    }

    /// The mean of each output's ratings.
    pub fn means(&self) -> Vec<f64> {
        let of = |range: &[u32]| {
            let values = &self.value[range[0] as usize..range[1] as usize];
            values.iter().sum::<f64>() / values.len() as f64
        };
        self.first.windows(2).map(of).collect()
    }

    /// Problems that have an output among these.
    pub fn problems_of(&self, among: Option<Subset>) -> usize {
        match among {
            None => self.problems,
            Some(subset) => {
                let of: std::collections::BTreeSet<u32> =
                    self.subsets[subset.0].iter().map(|output| self.problem[*output as usize]).collect();
                of.len()
            }
        }
    }

    /// Outputs among these.
    pub fn outputs_of(&self, among: Option<Subset>) -> usize {
        among.map_or(self.outputs(), |subset| self.subsets[subset.0].len())
    }

    /// Names some outputs, by their places in the order in which they were added.
    ///
    /// # Errors
    /// A place that does not exist.
    pub fn subset(&mut self, mut outputs: Vec<u32>) -> Result<Subset, Error> {
        outputs.sort_unstable();
        outputs.dedup();
        if let Some(last) = outputs.last().filter(|last| **last as usize >= self.outputs()) {
            return Err(Error::cell(*last as usize, self.outputs()));
        }
        self.subsets.push(outputs);
        Ok(Subset(self.subsets.len() - 1))
    }

    /// Answers all questions on the same draws. With `raters_too` both problems and raters are drawn, else raters are
    /// taken as given.
    ///
    /// # Errors
    /// A metric that does not exist, or fewer than 100 replicates.
    pub fn ask(&self, questions: &[Question], draws: Draws, raters_too: bool) -> Result<Replicated, Error> {
        for question in questions {
            let used: &[usize] = match question {
                Question::Follows { metric, .. }
                | Question::MeanMetric { metric, .. }
                | Question::Finds { metric, .. } => std::slice::from_ref(metric),
                Question::Blended(blend) | Question::BestSingle(blend) => blend.metrics(),
                _ => &[],
            };
            if let Some(wrong) = used.iter().find(|metric| **metric >= self.metrics.len()) {
                return Err(Error::cell(*wrong, self.metrics.len()));
            }
        }
        let crossed = match raters_too {
            true => Crossed::two_way(self.problems, self.raters),
            false => Crossed::problems_only(self.problems, self.raters),
        };
        crossed.resample(draws, |times| answer::all(self, questions, times))
    }
}
