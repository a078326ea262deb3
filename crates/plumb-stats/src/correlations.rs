//! Correlations of one or several predictors with one reference, with intervals over clusters.
//!
//! Why: ratings of one problem, or by one person, are alike, so the usual intervals and tests of a correlation, which
//! take rows for independent, are too narrow. And whether one metric follows people better than another is a question
//! about two correlations that share the reference and the rows: only a paired comparison answers it.
//!
//! Replicates draw whole clusters, the same ones that [`crate::Resample`] draws under the same seed. From twenty
//! clusters on the interval is BCa; below, a t interval with the jackknife's standard error, for a correlation on
//! Fisher's z scale, which keeps it inside −1 to 1.
//!
//! Not here: the coefficients (`correlation`), drawing (`crossed`).

use std::collections::BTreeMap;

use crate::correlation::{Column, weighted};
use crate::{Coefficient, Crossed, Draws, Error, Inference, Scale, Undefined, Wanted};

/// Rows: a value of each predictor, a value of the reference, and the cluster that the row belongs to.
#[derive(Debug, Clone)]
pub struct Correlations {
    predictors: Vec<Vec<f64>>,
    reference: Vec<f64>,
    cluster: Vec<u32>,
}

impl Correlations {
    /// No rows yet.
    pub fn new(predictors: usize) -> Self {
        Self { predictors: vec![Vec::new(); predictors], reference: Vec::new(), cluster: Vec::new() }
    }

    /// Adds a row. A value that is missing is not a number: leave the row out and count it elsewhere.
    ///
    /// # Errors
    /// Not one value a predictor, or a value that is not finite.
    pub fn add(&mut self, cluster: u32, predictors: &[f64], reference: f64) -> Result<(), Error> {
        if predictors.len() != self.predictors.len() {
            return Err(Error::columns(predictors.len(), self.predictors.len()));
        }
        if !reference.is_finite() || predictors.iter().any(|v| !v.is_finite()) {
            return Err(Error::not_finite("a value"));
        }
        if u32::try_from(self.reference.len() + 1).is_err() {
            return Err(Error::too_many("rows"));
        }
        for (column, value) in self.predictors.iter_mut().zip(predictors) {
            column.push(*value);
        }
        self.reference.push(reference);
        self.cluster.push(cluster);
        Ok(())
    }

    /// Rows added.
    pub fn rows(&self) -> usize {
        self.reference.len()
    }

    /// The correlation of one predictor with the reference.
    ///
    /// # Errors
    /// The predictor does not exist, or fewer than 100 replicates.
    pub fn correlation(
        &self,
        predictor: usize,
        of: Coefficient,
        draws: Draws,
        wanted: Wanted,
    ) -> Result<Inference, Error> {
        let (x, y) = (self.column(predictor)?, Column::new(&self.reference));
        self.infer(|counts| weighted(of, &x, &y, counts), draws, wanted, Scale::Correlation)
    }

    /// How much stronger predictor `a` correlates with the reference than predictor `b`, on the same rows: the
    /// difference of two dependent correlations.
    ///
    /// # Errors
    /// As [`correlation`](Self::correlation).
    pub fn difference(
        &self,
        a: usize,
        b: usize,
        of: Coefficient,
        draws: Draws,
        wanted: Wanted,
    ) -> Result<Inference, Error> {
        let (a, b, y) = (self.column(a)?, self.column(b)?, Column::new(&self.reference));
        let difference = |counts: &[u32]| Ok(weighted(of, &a, &y, counts)? - weighted(of, &b, &y, counts)?);
        self.infer(difference, draws, wanted, Scale::Real)
    }

    fn column(&self, predictor: usize) -> Result<Column, Error> {
        let values = self.predictors.get(predictor);
        values.map(|v| Column::new(v)).ok_or_else(|| Error::cell(predictor, self.predictors.len()))
    }

    /// For each row its cluster from 0, in order of the caller's numbers, and how many clusters there are.
    fn dense(&self) -> (Vec<usize>, usize) {
        let mut known: BTreeMap<u32, usize> = self.cluster.iter().map(|c| (*c, 0)).collect();
        for (at, place) in known.values_mut().enumerate() {
            *place = at;
        }
        (self.cluster.iter().map(|c| known[c]).collect(), known.len())
    }

    /// `statistic` is given how often each row counts.
    fn infer(
        &self,
        statistic: impl Fn(&[u32]) -> Result<f64, Undefined> + Sync,
        draws: Draws,
        wanted: Wanted,
        scale: Scale,
    ) -> Result<Inference, Error> {
        let (cluster, clusters) = self.dense();
        let replicated = Crossed::problems_only(clusters, 0).resample(draws, |times| {
            let of_rows: Vec<u32> = cluster.iter().map(|c| times.problems[*c]).collect();
            vec![statistic(&of_rows)]
        })?;
        Ok(replicated.derive(scale, wanted, |values| values[0]))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::correlation::{Column, weighted};
    use crate::{Coefficient, Correlations, Draws, Level, Wanted};

    const ALL: [(Coefficient, &str); 3] = [
        (Coefficient::Pearson, "pearson"),
        (Coefficient::Spearman, "spearman"),
        (Coefficient::KendallB, "kendall"),
    ];

    fn file() -> Value {
        serde_json::from_str(include_str!("../../../fixtures/stats/correlation.json")).unwrap()
    }

    fn numbers(value: &Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    }

    fn whole(value: &Value) -> Vec<u32> {
        value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect()
    }

    #[test]
    fn replicates_left_out_clusters_and_t_intervals_equal_scipy_on_rows_written_out() {
        for case in file()["clustered"].as_array().unwrap() {
            let (x, y) = (Column::new(&numbers(&case["x"])), Column::new(&numbers(&case["y"])));
            let cluster = whole(&case["cluster"]);
            for replicate in case["replicates"].as_array().unwrap() {
                let times = whole(&replicate["times"]);
                let counts: Vec<u32> = cluster.iter().map(|c| times[*c as usize]).collect();
                for (of, name) in ALL {
                    let ours = weighted(of, &x, &y, &counts).unwrap();
                    let theirs = replicate[name].as_f64().unwrap();
                    assert!((ours - theirs).abs() < 1e-12, "{of}: {ours} against {theirs}");
                }
            }
            for (of, name) in ALL {
                let mut rows = Correlations::new(1);
                for ((x, y), cluster) in numbers(&case["x"]).iter().zip(numbers(&case["y"])).zip(&cluster) {
                    rows.add(*cluster, &[*x], y).unwrap();
                }
                let found = rows.correlation(0, of, Draws::seeded(1), Wanted::ClusterT).unwrap();
                let ours = found.std_error().unwrap();
                let (t, theirs) = (found.interval(Level::P95).unwrap(), numbers(&case["fisher_t"][name]));
                assert!((t.low - theirs[0]).abs() < 1e-9 && (t.high - theirs[1]).abs() < 1e-9, "{of}: {t:?}");
                let theirs = case["jackknife_std_error"][name].as_f64().unwrap();
                assert!((ours - theirs).abs() < 1e-12, "{of}: {ours} against {theirs}");
            }
        }
    }

    /// Both draw at random, so bounds agree as far as tens of thousands of draws tell.
    #[test]
    fn intervals_are_near_those_of_scipy() {
        let draws = Draws { seed: 11, replicates: 20_000 };
        for case in file()["bootstrap"].as_array().unwrap() {
            let (a, b, y) = (numbers(&case["a"]), numbers(&case["b"]), numbers(&case["y"]));
            let mut rows = Correlations::new(2);
            for (at, y) in y.iter().enumerate() {
                rows.add(at as u32, &[a[at], b[at]], *y).unwrap();
            }
            for (of, name) in ALL {
                let single = rows.correlation(0, of, draws, Wanted::Bca).unwrap();
                let difference = rows.difference(0, 1, of, draws, Wanted::Bca).unwrap();
                for (ours, what) in [(single, "correlation"), (difference, "difference")] {
                    let theirs = &case[name][what];
                    let ours_at = ours.interval(Level::P95).unwrap();
                    assert!((ours.estimate().unwrap() - theirs["estimate"].as_f64().unwrap()).abs() < 1e-12);
                    for (bound, theirs) in [(ours_at.low, &theirs["low"]), (ours_at.high, &theirs["high"])] {
                        let theirs = theirs.as_f64().unwrap();
                        assert!((bound - theirs).abs() < 0.01, "{of} {what}: {bound} against {theirs}");
                    }
                }
            }
        }
    }
}
