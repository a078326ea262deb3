//! A judge that says yes or no, held against a yes or no that counts as true.
//!
//! Start with [`BinaryRows`], then [`BinarySums::measure`]. Rates of clustered rows
//! get the intervals of [`Resample`]; Youden's J is a contrast of rates.
//!
//! Not here: scores and thresholds (`auroc`), what a true rate follows from it (`corrected`), and what a sample drawn by
//! verdict says of all answers (`double_sampling`).

use std::fmt;

use crate::{
    ClusterRows, ClusterSums, Draws, Error, Inference, Interval, IntervalMethod, Level, Resample, Share,
    Support, Undefined, Wanted, Warning,
};

/// How often which verdict met which truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BinaryCounts {
    /// Verdict yes, truth yes.
    pub true_yes: u64,
    /// Verdict yes, truth no.
    pub false_yes: u64,
    /// Verdict no, truth yes.
    pub false_no: u64,
    /// Verdict no, truth no.
    pub true_no: u64,
}

impl BinaryCounts {
    /// Counts one row.
    pub fn add(&mut self, verdict: bool, truth: bool) {
        *match (verdict, truth) {
            (true, true) => &mut self.true_yes,
            (true, false) => &mut self.false_yes,
            (false, true) => &mut self.false_no,
            (false, false) => &mut self.true_no,
        } += 1;
    }

    /// All rows.
    pub fn total(&self) -> u64 {
        self.said_yes() + self.said_no()
    }

    /// Rows with verdict yes.
    pub fn said_yes(&self) -> u64 {
        self.true_yes + self.false_yes
    }

    /// Rows with verdict no.
    pub fn said_no(&self) -> u64 {
        self.false_no + self.true_no
    }

    /// Rows whose truth is yes.
    pub fn is_yes(&self) -> u64 {
        self.true_yes + self.false_no
    }

    /// Rows whose truth is no.
    pub fn is_no(&self) -> u64 {
        self.false_yes + self.true_no
    }
}

/// One number of a judge against the truth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BinaryMeasure {
    /// Share of rows where both say the same.
    Accuracy,
    /// Share of true among "yes": positive predictive value.
    Precision,
    /// Share of true among "no": negative predictive value.
    NegativePredictive,
    /// Share of the truly yes that the judge finds: sensitivity.
    Recall,
    /// Share of the truly no that the judge leaves alone.
    Specificity,
    /// Recall + specificity − 1 (Youden 1950, Cancer 3:32–35): 0 for a judge that knows nothing.
    Youden,
    /// 2·true yes / (2·true yes + false yes + false no).
    F1,
    /// Cohen's kappa.
    Kappa,
    /// Share of rows with verdict yes.
    Flagged,
    /// Share of rows whose truth is yes.
    Prevalence,
}

impl BinaryMeasure {
    /// All, in the order of a table.
    pub const ALL: [BinaryMeasure; 10] = [
        BinaryMeasure::Accuracy,
        BinaryMeasure::Precision,
        BinaryMeasure::NegativePredictive,
        BinaryMeasure::Recall,
        BinaryMeasure::Specificity,
        BinaryMeasure::Youden,
        BinaryMeasure::F1,
        BinaryMeasure::Kappa,
        BinaryMeasure::Flagged,
        BinaryMeasure::Prevalence,
    ];

    /// Name for pages and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Precision => "precision",
            Self::NegativePredictive => "negative predictive value",
            Self::Recall => "recall",
            Self::Specificity => "specificity",
            Self::Youden => "Youden's J",
            Self::F1 => "F1",
            Self::Kappa => "Cohen's kappa",
            Self::Flagged => "flagged",
            Self::Prevalence => "prevalence",
        }
    }
}

impl fmt::Display for BinaryMeasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Cells of the rates.
const ACCURACY: usize = 0;
const PRECISION: usize = 1;
const NEGATIVE: usize = 2;
const RECALL: usize = 3;
const SPECIFICITY: usize = 4;
const FLAGGED: usize = 5;
const PREVALENCE: usize = 6;
const F1: usize = 7;
const CELLS: usize = 8;

/// Collects rows.
#[derive(Debug, Clone)]
pub struct BinaryRows {
    counts: BinaryCounts,
    rates: ClusterRows,
    ratings: crate::Ratings,
}

impl Default for BinaryRows {
    fn default() -> Self {
        Self::new()
    }
}

impl BinaryRows {
    /// No rows yet.
    pub fn new() -> Self {
        Self {
            counts: BinaryCounts::default(),
            rates: ClusterRows::new(CELLS),
            ratings: crate::Ratings::new(2, 1),
        }
    }

    /// Adds a row that belongs to `cluster`.
    ///
    /// # Errors
    /// None for any row; the type is that of the tables beneath.
    pub fn add(&mut self, cluster: u32, verdict: bool, truth: bool) -> Result<(), Error> {
        let one = |yes: bool| f64::from(u8::from(yes));
        let same = one(verdict == truth);
        self.counts.add(verdict, truth);
        self.rates.add(cluster, ACCURACY, same)?;
        self.rates.add(cluster, if verdict { PRECISION } else { NEGATIVE }, same)?;
        self.rates.add(cluster, if truth { RECALL } else { SPECIFICITY }, same)?;
        self.rates.add(cluster, FLAGGED, one(verdict))?;
        self.rates.add(cluster, PREVALENCE, one(truth))?;
        match (verdict, truth) {
            (true, true) => self.rates.add_ratio(cluster, F1, 2.0, 2.0)?,
            (false, false) => {}
            _ => self.rates.add_ratio(cluster, F1, 0.0, 1.0)?,
        }
        self.ratings.add(cluster, 0, usize::from(verdict), usize::from(truth))
    }

    /// Sums the rows.
    ///
    /// # Errors
    /// More rows than a `u32` can count.
    pub fn build(self) -> Result<BinarySums, Error> {
        Ok(BinarySums { counts: self.counts, rates: self.rates.build()?, ratings: self.ratings.build()? })
    }
}

/// Rows summed by cluster. Made by [`BinaryRows::build`].
#[derive(Debug, Clone)]
pub struct BinarySums {
    counts: BinaryCounts,
    rates: ClusterSums,
    ratings: crate::RatingSums,
}

/// A number with its interval, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub estimate: Result<f64, Undefined>,
    pub interval: Result<Interval, Undefined>,
    pub method: Result<IntervalMethod, Undefined>,
    /// Clusters behind it.
    pub clusters: usize,
    pub warnings: Vec<Warning>,
}

impl Measured {
    /// `inference` at a level, moved by `shift` and kept within `least` and 1.
    fn of(inference: &Inference, level: Level, shift: f64, least: f64) -> Self {
        let moved = |value: f64| (value + shift).clamp(least, 1.0);
        Self {
            estimate: inference.estimate().map(moved),
            interval: inference.interval(level).map(|i| Interval {
                low: moved(i.low),
                high: moved(i.high),
                level: i.level,
            }),
            method: inference.method(),
            clusters: inference.clusters(),
            warnings: inference.warnings().to_vec(),
        }
    }
}

impl BinarySums {
    /// The table.
    pub fn counts(&self) -> BinaryCounts {
        self.counts
    }

    /// Clusters with at least one row.
    pub fn clusters(&self) -> usize {
        self.rates.clusters()
    }

    /// How much of their number the labels of each verdict are worth, yes and no, since rows of a cluster belong together.
    ///
    /// # Errors
    /// None for any rows; the type is that of the tables beneath.
    pub fn worth(&self) -> Result<(f64, f64), Error> {
        let part = |cell: usize, rows: u64| -> Result<f64, Error> {
            Ok(Share::of_cell(&self.rates, cell)?
                .map_or(1.0, |share| (share.trials() / rows as f64).min(1.0)))
        };
        if self.rates.clusters() as u64 == self.counts.total() {
            return Ok((1.0, 1.0));
        }
        Ok((part(PRECISION, self.counts.said_yes())?, part(NEGATIVE, self.counts.said_no())?))
    }

    /// Draws clusters once for all measures.
    ///
    /// # Errors
    /// Fewer than 100 replicates.
    pub fn resample(&self, draws: Draws) -> Result<BinaryResample<'_>, Error> {
        Ok(BinaryResample {
            rates: Resample::draw(&self.rates, draws)?,
            ratings: self.ratings.resample(draws)?,
        })
    }
}

/// Measures with intervals over clusters. Made by [`BinarySums::resample`].
#[derive(Debug, Clone)]
pub struct BinaryResample<'a> {
    rates: Resample<'a>,
    ratings: crate::Agreement<'a>,
}

impl BinaryResample<'_> {
    /// One measure.
    ///
    /// # Errors
    /// None for any measure; the type is that of the tables beneath.
    pub fn measure(&self, of: BinaryMeasure, level: Level) -> Result<Measured, Error> {
        let weighted = |weights: &[(usize, f64)], support, shift, least| {
            let mut all = [0.0; CELLS];
            for (cell, weight) in weights {
                all[*cell] = *weight;
            }
            let inference = self.rates.contrast(&all, support, Wanted::Default)?;
            Ok(Measured::of(&inference, level, shift, least))
        };
        let rate = |cell| weighted(&[(cell, 1.0)], Support::Binary, 0.0, 0.0);
        match of {
            BinaryMeasure::Accuracy => rate(ACCURACY),
            BinaryMeasure::Precision => rate(PRECISION),
            BinaryMeasure::NegativePredictive => rate(NEGATIVE),
            BinaryMeasure::Recall => rate(RECALL),
            BinaryMeasure::Specificity => rate(SPECIFICITY),
            BinaryMeasure::Flagged => rate(FLAGGED),
            BinaryMeasure::Prevalence => rate(PREVALENCE),
            BinaryMeasure::F1 => weighted(&[(F1, 1.0)], Support::Unit, 0.0, 0.0),
            BinaryMeasure::Youden => {
                weighted(&[(RECALL, 1.0), (SPECIFICITY, 1.0)], Support::Binary, -1.0, -1.0)
            }
            BinaryMeasure::Kappa => {
                let kappa = self.ratings.kappa(0, crate::KappaWeights::Unweighted)?;
                Ok(Measured::of(&kappa, level, 0.0, -1.0))
            }
        }
    }
}
