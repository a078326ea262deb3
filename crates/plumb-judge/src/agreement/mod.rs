//! Method `agreement`: how well judges agree with a reference (people, as a rule), and which of them better.
//!
//! `of = ["ours.refused", "phrases.refused", "human.label"]`: the last measure is the reference. For every cell of `by`
//! and every judge: accuracy (the share of equal labels) and Cohen's kappa. For every two judges: the paired
//! differences of both, over the trials that both judges and the reference label. Intervals resample the analysis'
//! clusters.
//!
//! Keys: `map` and `drop`, which bring the labels of all sides to the same names (see `sides`).
//!
//! Not here: the statistics (`plumb-stats`), and agreement of more than two raters as one number.

mod sides;

use std::collections::BTreeSet;
use std::sync::Arc;

use plumb_stats::{Agreement, Draws, Inference, KappaWeights, Level, RatingSums, Ratings};
use plumb_study::method::{Finding, Frame, Method, Missing, Quantity, Test, Unit, Value};
use plumb_study::plan::{Analysis, Plan, Settings};
use plumb_study::{Error, Fields, Result};

use sides::{Rating, Sides};

/// The method; stateless.
pub(crate) struct AgreementMethod;

impl Method for AgreementMethod {
    fn freeze(&self, fields: &mut Fields) -> Result<Settings> {
        let settings = sides::Settings::take(fields)?;
        serde_json::to_value(settings).map_err(|e| fields.error(e))
    }

    fn check(&self, analysis: &Analysis, plan: &Plan) -> Result<()> {
        let measures: Vec<(Arc<str>, _)> = analysis
            .of
            .iter()
            .map(|of| (plan.measure_name(*of).into(), plan.measure(*of).scale.clone()))
            .collect();
        Sides::new(&settings(analysis)?, &measures).map(|_| ())
    }

    fn run(&self, frame: &Frame, analysis: &Analysis) -> Vec<Finding> {
        let measures: Vec<_> = frame.measures.iter().map(|m| (m.name.clone(), m.scale.clone())).collect();
        // Both were checked when the plan was frozen.
        let Ok(sides) = settings(analysis).and_then(|s| Sides::new(&s, &measures)) else { return Vec::new() };
        let Ok(level) = Level::new(analysis.level) else { return Vec::new() };
        let (row_cell, cells) = frame.cells();
        let comparisons = Comparison::all(sides.judges());
        cells
            .iter()
            .enumerate()
            .flat_map(|(cell, key)| {
                let rows: Vec<usize> =
                    (0..frame.rows()).filter(|row| row_cell[*row] as usize == cell).collect();
                Table { frame, sides: &sides, comparisons: &comparisons, rows, level, at: frame.at(key) }
                    .findings()
            })
            .collect()
    }
}

fn settings(analysis: &Analysis) -> Result<sides::Settings> {
    use serde::Deserialize;
    sides::Settings::deserialize(&analysis.settings).map_err(|e| {
        Error::plan(format!("analysis \"{}\": its frozen settings cannot be read: {e}", analysis.id))
    })
}

/// What is compared with the reference.
#[derive(Clone, Copy)]
pub(crate) enum Comparison {
    /// One judge.
    Judge(usize),
    /// One judge less another, on the trials that both label.
    Difference(usize, usize),
}

impl Comparison {
    /// Every one of `judges`, and every two of them.
    pub(crate) fn all(judges: usize) -> Vec<Comparison> {
        let pairs = (0..judges).flat_map(|a| (a + 1..judges).map(move |b| Comparison::Difference(a, b)));
        (0..judges).map(Comparison::Judge).chain(pairs).collect()
    }

    /// The judge, and the one that it is held against.
    pub(crate) fn judges(self) -> (usize, Option<usize>) {
        match self {
            Comparison::Judge(a) => (a, None),
            Comparison::Difference(a, b) => (a, Some(b)),
        }
    }
}

/// One cell of the analysis.
struct Table<'a> {
    frame: &'a Frame,
    sides: &'a Sides,
    comparisons: &'a [Comparison],
    rows: Vec<usize>,
    level: Level,
    at: Vec<(Arc<str>, Arc<str>)>,
}

/// What the rows of a cell give for one comparison.
#[derive(Default)]
struct Tally {
    n: u64,
    clusters: BTreeSet<u32>,
    missing: std::collections::BTreeMap<Missing, u64>,
    dropped: u64,
}

impl Table<'_> {
    fn findings(&self) -> Vec<Finding> {
        // Two columns of ratings for each comparison, of which a single judge uses the first: a difference has its
        // own, because it rests on fewer trials than its parts where one judge abstains.
        let mut ratings = Ratings::new(self.sides.categories(), 2 * self.comparisons.len());
        let tallies: Vec<Tally> =
            self.comparisons.iter().enumerate().map(|(at, c)| self.tally(at, *c, &mut ratings)).collect();
        let sums = ratings.build().ok();
        let drawn = sums.as_ref().and_then(|s: &RatingSums| s.resample(Draws::seeded(self.frame.seed)).ok());
        let mut findings = Vec::new();
        for (at, (comparison, tally)) in self.comparisons.iter().zip(&tallies).enumerate() {
            let ask = |of: Of| drawn.as_ref().and_then(|d| self.inference(d, at, *comparison, of));
            findings.push(self.finding(*comparison, Of::Accuracy, tally, ask(Of::Accuracy)));
            findings.push(self.finding(*comparison, Of::Kappa, tally, ask(Of::Kappa)));
        }
        findings
    }

    fn tally(&self, at: usize, comparison: Comparison, ratings: &mut Ratings) -> Tally {
        let mut tally = Tally::default();
        let (first, second) = comparison.judges();
        for &row in &self.rows {
            let rating = |side: usize| self.sides.rating(side, &self.frame.measures[side].cells[row]);
            let sides = [Some(self.sides.reference()), Some(first), second];
            let mut said = [0; 3];
            let mut why = None;
            for (place, side) in sides.into_iter().enumerate() {
                match side.map(rating) {
                    Some(Rating::Category(category)) => said[place] = category,
                    Some(other) => {
                        why = Some(other);
                        break;
                    }
                    None => {}
                }
            }
            match why {
                Some(Rating::Missing(reason)) => *tally.missing.entry(reason).or_insert(0) += 1,
                Some(_) => tally.dropped += 1,
                None => {
                    let cluster = self.frame.cluster[row];
                    // Categories are below their number and comparisons exist, so adding cannot fail.
                    let mut added = ratings.add(cluster, 2 * at, said[1], said[0]).is_ok();
                    if second.is_some() {
                        added &= ratings.add(cluster, 2 * at + 1, said[2], said[0]).is_ok();
                    }
                    tally.n += u64::from(added);
                    tally.clusters.insert(cluster);
                }
            }
        }
        tally
    }

    fn inference(
        &self,
        drawn: &Agreement<'_>,
        at: usize,
        comparison: Comparison,
        of: Of,
    ) -> Option<Inference> {
        let mut weights = vec![0.0; 2 * self.comparisons.len()];
        weights[2 * at] = 1.0;
        if matches!(comparison, Comparison::Difference(..)) {
            weights[2 * at + 1] = -1.0;
        }
        match (of, comparison) {
            (Of::Accuracy, Comparison::Judge(_)) => drawn.agreement(2 * at),
            (Of::Kappa, Comparison::Judge(_)) => drawn.kappa(2 * at, KappaWeights::Unweighted),
            (Of::Accuracy, _) => drawn.agreement_contrast(&weights),
            (Of::Kappa, _) => drawn.kappa_contrast(&weights, KappaWeights::Unweighted),
        }
        .ok()
    }

    fn finding(
        &self,
        comparison: Comparison,
        of: Of,
        tally: &Tally,
        inference: Option<Inference>,
    ) -> Finding {
        let (name, unit) = match (of, comparison) {
            (Of::Accuracy, Comparison::Judge(_)) => ("accuracy", Unit::Share),
            (Of::Kappa, Comparison::Judge(_)) => ("kappa", Unit::Number),
            (Of::Accuracy, Comparison::Difference(..)) => ("accuracy difference", Unit::Points),
            (Of::Kappa, Comparison::Difference(..)) => ("kappa difference", Unit::Number),
        };
        let judge = |side| self.sides.name(side);
        let reference = judge(self.sides.reference());
        let about = match comparison {
            Comparison::Judge(a) => format!("{} against {reference}", judge(a)),
            Comparison::Difference(a, b) => format!("{} − {}, against {reference}", judge(a), judge(b)),
        };
        let what = &self.frame.cluster_name;
        let method = match inference.as_ref().map(Inference::method) {
            Some(Ok(method)) => format!("{method}; clusters: {what}"),
            Some(Err(reason)) => format!("no interval: {reason}; clusters: {what}"),
            None => format!("clusters: {what}"),
        };
        let mut warnings: Vec<Arc<str>> =
            inference.iter().flat_map(|i| i.warnings()).map(|w| w.to_string().into()).collect();
        if tally.dropped > 0 {
            let labels = self.sides.dropped();
            warnings.push(
                format!("{} left out, as the plan says: {reference} is {labels}", tally.dropped).into(),
            );
        }
        let test = inference.as_ref().filter(|_| matches!(comparison, Comparison::Difference(..)));
        Finding {
            quantity: Quantity { name: name.into(), of: about.into(), at: self.at.clone(), unit },
            value: inference.as_ref().map_or_else(|| Value::Undefined("no values".into()), |i| self.value(i)),
            test: test.and_then(|i| i.test(0.0).ok()).map(|t| Test {
                p_greater: t.p_greater,
                p_less: t.p_less,
                p_two_sided: t.p_two_sided,
            }),
            n: tally.n,
            clusters: tally.clusters.len() as u64,
            missing: tally.missing.iter().map(|(reason, n)| (*reason, *n)).collect(),
            method: method.into(),
            warnings,
        }
    }

    fn value(&self, inference: &Inference) -> Value {
        match (inference.estimate(), inference.interval(self.level)) {
            (Ok(estimate), Ok(i)) => {
                Value::Interval { estimate, low: i.low, high: i.high, level: self.level.get() }
            }
            (Ok(estimate), Err(reason)) => Value::Point { estimate, reason: reason.to_string().into() },
            (Err(reason), _) => Value::Undefined(reason.to_string().into()),
        }
    }
}

/// Which number.
#[derive(Clone, Copy)]
enum Of {
    Accuracy,
    Kappa,
}
