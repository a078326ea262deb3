//! Everything about one thing that people rated: the outputs that have a rating of it, and what is asked of them.

use plumb_stats::{
    Coefficient, Form, Inference, Known, Of, Question, Rated, RatedRows, Replicated, Scale, Subset, Wanted,
};
use plumb_study::method::Value;
use plumb_study::{Error, Result};

use super::{Outputs, Settings};

/// A number like 0.1 + 0.2 in place of 0.3 is the same threshold.
pub(super) const SLACK: f64 = 1e-9;

pub(super) struct Study<'a> {
    pub(super) outputs: &'a Outputs,
    pub(super) settings: &'a Settings,
    /// Its name.
    pub(super) construct: &'a str,
    /// Places of the outputs that have a rating of it.
    pub(super) rows: Vec<usize>,
    pub(super) ratings: Vec<Vec<(u32, f64)>>,
    /// Those of the outputs and COMBINED.
    pub(super) metrics: Vec<Metric>,
    pub(super) pass: Option<usize>,
    pub(super) combined: Option<usize>,
    pub(super) rated: Rated,
    /// Distinct ratings, ascending.
    pub(super) levels: Vec<f64>,
    pub(super) valued: f64,
    pub(super) least: f64,
    questions: Vec<Question>,
}

pub(super) struct Metric {
    pub(super) name: String,
    /// Over `rows`.
    pub(super) values: Vec<f64>,
    pub(super) binary: bool,
}

impl<'a> Study<'a> {
    pub(super) fn new(outputs: &'a Outputs, construct: usize, settings: &'a Settings) -> Result<Study<'a>> {
        let name = outputs.constructs[construct].as_str();
        let has = |at: &usize| !outputs.rows[*at].ratings[construct].is_empty();
        let rows: Vec<usize> = (0..outputs.rows.len()).filter(has).collect();
        let ratings: Vec<Vec<(u32, f64)>> =
            rows.iter().map(|at| outputs.rows[*at].ratings[construct].clone()).collect();
        let mut metrics: Vec<Metric> = outputs
            .metrics
            .iter()
            .enumerate()
            .map(|(at, name)| {
                Metric::new(name, rows.iter().map(|row| outputs.rows[*row].metrics[at]).collect())
            })
            .collect();
        let pass = settings.pass.as_deref().map(|name| pass_of(&metrics, name)).transpose()?;
        let combined = combine(&mut metrics, pass, settings)?;
        let mut built = RatedRows::new(metrics.len());
        for (at, row) in rows.iter().enumerate() {
            let values: Vec<f64> = metrics.iter().map(|metric| metric.values[at]).collect();
            built.add(outputs.rows[*row].problem, &values, &ratings[at]).map_err(wrong)?;
            built.stands_for(outputs.rows[*row].stands_for).map_err(wrong)?;
        }
        let mut levels: Vec<f64> = ratings.iter().flatten().map(|(_, value)| *value).collect();
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let middle = (levels.first().copied().unwrap_or(0.0) + levels.last().copied().unwrap_or(0.0)) / 2.0;
        let above = levels.iter().copied().find(|level| *level > middle).unwrap_or(middle);
        let below = levels.iter().copied().rev().find(|level| *level < middle).unwrap_or(middle);
        Ok(Study {
            valued: settings.valued.unwrap_or(above),
            least: settings.least.unwrap_or(below),
            outputs,
            settings,
            construct: name,
            rows,
            ratings,
            metrics,
            pass,
            combined,
            rated: built.build(),
            levels,
            questions: Vec::new(),
        })
    }

    /// Asks a question; where its answer will be.
    pub(super) fn ask(&mut self, question: Question) -> usize {
        let known = self.questions.iter().position(|asked| *asked == question);
        known.unwrap_or_else(|| {
            self.questions.push(question);
            self.questions.len() - 1
        })
    }

    pub(super) fn follows(
        &mut self,
        metric: usize,
        form: Form,
        of: Coefficient,
        among: Option<Subset>,
    ) -> usize {
        self.ask(Question::Follows { metric, form, of: Of::Coefficient(of), among })
    }

    pub(super) fn subset(&mut self, fits: impl Fn(usize) -> bool) -> Result<Subset> {
        let places = (0..self.rows.len()).filter(|at| fits(*at)).map(|at| at as u32).collect();
        self.rated.subset(places).map_err(wrong)
    }

    /// The outputs whose value of a metric fits.
    pub(super) fn subset_of(&mut self, metric: usize, fits: impl Fn(f64) -> bool) -> Result<Subset> {
        let values = self.metrics[metric].values.clone();
        self.subset(|at| fits(values[at]))
    }

    /// Places of metrics that are no sum of others.
    pub(super) fn single(&self) -> Vec<usize> {
        (0..self.metrics.len()).filter(|at| Some(*at) != self.combined).collect()
    }

    pub(super) fn answers(&self) -> Result<Answers> {
        let replicated = self
            .rated
            .ask(&self.questions, self.settings.draws, !self.settings.raters_fixed)
            .map_err(wrong)?;
        Ok(Answers { replicated, level: self.settings.level })
    }

    /// The scale of a share among these outputs.
    pub(super) fn share(&self, among: Option<Subset>) -> Scale {
        Scale::Share { clusters: self.rated.problems_of(among), rows: self.rated.outputs_of(among) }
    }

    /// The lowest and the highest rating that anybody gave: what is known of the scale.
    pub(super) fn scale(&self) -> (f64, f64) {
        (self.levels.first().copied().unwrap_or(0.0), self.levels.last().copied().unwrap_or(0.0))
    }

    /// "value ≥ 3", for people.
    pub(super) fn valued_words(&self) -> String {
        format!("mean {} of at least {}", self.construct, self.valued)
    }
}

pub(super) fn wrong(error: plumb_stats::Error) -> Error {
    Error::plan(error.to_string())
}

impl Metric {
    fn new(name: &str, values: Vec<f64>) -> Metric {
        Metric { name: name.to_owned(), binary: values.iter().all(|v| *v == 0.0 || *v == 1.0), values }
    }
}

fn find(metrics: &[Metric], name: &str, option: &str) -> Result<usize> {
    metrics.iter().position(|metric| metric.name == name).ok_or_else(|| {
        let known: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
        Error::plan(format!(
            "{option} names \"{name}\", which is no metric here; metrics: {}",
            known.join(", ")
        ))
    })
}

fn pass_of(metrics: &[Metric], name: &str) -> Result<usize> {
    let at = find(metrics, name, "--pass")?;
    if metrics[at].binary {
        return Ok(at);
    }
    Err(Error::plan(format!("--pass names \"{name}\", which is not 0 or 1 everywhere"))
        .help("a share of tests passed is a metric like any other; --pass needs whether all pass"))
}

/// Adds COMBINED = min(1, PASS + similarity), where both are there: a hybrid as Dibia et al. 2022 propose one, whose exact
/// formula its public summaries do not tell.
fn combine(metrics: &mut Vec<Metric>, pass: Option<usize>, settings: &Settings) -> Result<Option<usize>> {
    let Some(name) = &settings.similarity else { return Ok(None) };
    let similarity = find(metrics, name, "--similarity")?;
    if metrics[similarity].values.iter().any(|v| !(0.0..=1.0).contains(v)) {
        return Err(Error::plan(format!("--similarity names \"{name}\", which leaves 0 to 1"))
            .help("COMBINED adds it to 0 or 1; take one on that scale, such as edit"));
    }
    let Some(pass) = pass else {
        return Err(Error::plan("--similarity is for COMBINED, which needs --pass too"));
    };
    let values = metrics[pass].values.iter().zip(&metrics[similarity].values).map(|(p, s)| (p + s).min(1.0));
    metrics.push(Metric::new("COMBINED", values.collect()));
    Ok(Some(metrics.len() - 1))
}

/// What was found.
pub(super) struct Answers {
    pub(super) replicated: Replicated,
    level: plumb_stats::Level,
}

impl Answers {
    pub(super) fn estimate(&self, at: usize) -> Option<f64> {
        self.replicated.estimates()[at].ok()
    }

    pub(super) fn value(&self, at: usize, scale: Scale) -> Value {
        self.shown(&self.replicated.value(at, scale))
    }

    /// What lies within bounds, as means of ratings and chances do: nor does its interval leave them.
    pub(super) fn within(&self, at: usize, (lowest, highest): (f64, f64)) -> Value {
        self.shown(&self.replicated.value(at, Scale::Real).within(lowest, highest))
    }

    pub(super) fn correlation(&self, at: usize) -> Value {
        self.value(at, Scale::Correlation)
    }

    /// `a` − `b`.
    pub(super) fn difference(&self, a: usize, b: usize) -> Inference {
        self.derive(Scale::Real, |v| Ok(v[a]? - v[b]?))
    }

    /// `a` / `b`, which must both be above 0 to mean anything.
    pub(super) fn ratio(&self, a: usize, b: usize) -> Inference {
        self.derive(Scale::Ratio, |v| {
            let (a, b) = (v[a]?, v[b]?);
            if a > 0.0 && b > 0.0 { Ok(a / b) } else { Err(plumb_stats::Undefined::UnstableStatistic) }
        })
    }

    pub(super) fn derive(&self, scale: Scale, of: impl Fn(&[Known]) -> Known) -> Inference {
        self.replicated.derive(scale, Wanted::Default, of)
    }

    pub(super) fn shown(&self, inference: &Inference) -> Value {
        value_of(inference, self.level)
    }
}

/// An inference as a document shows it.
pub(super) fn value_of(inference: &Inference, level: plumb_stats::Level) -> Value {
    match (inference.estimate(), inference.interval(level)) {
        (Ok(estimate), Ok(at)) => {
            Value::Interval { estimate, low: at.low, high: at.high, level: level.get() }
        }
        (Ok(estimate), Err(reason)) => Value::Point { estimate, reason: reason.to_string().into() },
        (Err(reason), _) => Value::Undefined(reason.to_string().into()),
    }
}
