//! Pairs of texts from a table, and what metrics say of them all together.
//!
//! Why: a metric is tried on a table of references and candidates before a plan is built on it, and a table of values a
//! pair is what other tools take. Not here: printing.

use crate::metric::score_several;
use crate::problems::{Line, lines_of, text_of};
use crate::{Error, Metric, Unscored};
use plumb_stats::{ClusterRows, Draws, Inference, Resample, Support, Wanted};
use plumb_study::written::record_line;
use serde_json::Value;
use std::collections::HashMap;

/// The form of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Comma-separated, with a header line.
    Csv,
    /// One JSON object a line; both forms may be packed with gzip.
    JsonLines,
}

/// Which column is what.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// The text that is compared with.
    pub reference: &'a str,
    /// The text that is measured.
    pub candidate: &'a str,
    /// What the pair is called; its file and line without.
    pub id: Option<&'a str>,
    /// Pairs with the same text here belong together (answers to one problem).
    pub cluster: Option<&'a str>,
}

/// A candidate and its reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Its name, or file and line.
    pub id: String,
    /// What it belongs to; a pair without is alone.
    pub cluster: Option<String>,
    /// The text that is compared with.
    pub reference: String,
    /// The text that is measured.
    pub candidate: String,
    /// The row's other columns, as text: who wrote it, which problem it answers. Lists and objects are left out.
    pub others: Vec<(String, String)>,
}

/// Reads pairs. `name` is the file's, for messages.
///
/// # Errors
/// Text that is not UTF-8, a row that cannot be read, a column that is missing or is no text.
pub fn read_pairs(bytes: &[u8], name: &str, form: Form, columns: Columns) -> Result<Vec<Pair>, Error> {
    match form {
        Form::JsonLines => lines_of(bytes, name)?.map(|line| of_line(&line?, columns)).collect(),
        Form::Csv => of_csv(&text_of(bytes, name)?, name, columns),
    }
}

fn of_line(line: &Line, columns: Columns) -> Result<Pair, Error> {
    Ok(Pair {
        id: columns.id.map_or_else(|| Ok(line.place.clone()), |id| line.id(id))?,
        cluster: columns.cluster.map(|cluster| line.id(cluster)).transpose()?,
        reference: line.text(columns.reference)?,
        candidate: line.text(columns.candidate)?,
        others: line.fields().iter().filter_map(|(name, value)| other(name, value, columns)).collect(),
    })
}

fn other(name: &str, value: &Value, columns: Columns) -> Option<(String, String)> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    is_other(name, columns).then(|| (name.to_owned(), text))
}

fn is_other(name: &str, columns: Columns) -> bool {
    name != columns.reference && name != columns.candidate && Some(name) != columns.id
}

fn of_csv(text: &str, name: &str, columns: Columns) -> Result<Vec<Pair>, Error> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| Error::file(name, e.to_string()))?.clone();
    let place = |column: &str| {
        header.iter().position(|h| h == column).ok_or_else(|| {
            let known: Vec<&str> = header.iter().collect();
            Error::file(name, format!("there is no column \"{column}\"; columns: {}", known.join(", ")))
        })
    };
    let (reference, candidate) = (place(columns.reference)?, place(columns.candidate)?);
    let (id, cluster) = (columns.id.map(place).transpose()?, columns.cluster.map(place).transpose()?);
    let mut pairs = Vec::new();
    for record in reader.records() {
        // The message of the library names line and byte.
        let record = record.map_err(|e| Error::file(name, e.to_string()))?;
        let line = record.position().map_or(0, |p| record_line(text.as_bytes(), p.byte(), p.line()));
        let value = |at: usize| record.get(at).unwrap_or_default().to_owned();
        pairs.push(Pair {
            id: id.map_or_else(|| format!("{name}:{line}"), value),
            cluster: cluster.map(value),
            reference: value(reference),
            candidate: value(candidate),
            others: header
                .iter()
                .zip(&record)
                .filter(|(name, _)| is_other(name, columns))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        });
    }
    Ok(pairs)
}

/// One metric over all pairs.
#[derive(Clone, Debug)]
pub struct Scores {
    /// Which.
    pub metric: Metric,
    /// For each pair, in order.
    pub values: Vec<Result<f64, Unscored>>,
    /// The mean of the pairs that have a value, with an interval over clusters.
    pub mean: Inference,
}

impl Scores {
    /// The values there are, ascending.
    pub fn sorted(&self) -> Vec<f64> {
        let mut values: Vec<f64> = self.values.iter().filter_map(|v| v.as_ref().ok().copied()).collect();
        values.sort_by(f64::total_cmp);
        values
    }
}

/// Candidates that are scored together at most: what is read of each is kept until all are done.
const TOGETHER: usize = 64;

/// The value of each pair, in order, for each metric. Those of one reference that come together are scored together, which is
/// faster.
pub fn score_each<'a>(
    metrics: &[Metric],
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<Vec<Result<f64, Unscored>>> {
    let pairs: Vec<(&str, &str)> = pairs.collect();
    let mut all = vec![Vec::with_capacity(pairs.len()); metrics.len()];
    for pairs in pairs.chunk_by(|(one, _), (other, _)| one == other).flat_map(|pairs| pairs.chunks(TOGETHER))
    {
        let candidates: Vec<&str> = pairs.iter().map(|(_, candidate)| *candidate).collect();
        for (all, values) in all.iter_mut().zip(score_several(metrics, pairs[0].0, &candidates)) {
            all.extend(values);
        }
    }
    all
}

/// Scores all pairs. `draws` decides the intervals' random numbers.
///
/// # Errors
/// Fewer than 100 replicates, or more pairs than can be counted.
pub fn score_pairs(pairs: &[Pair], metrics: &[Metric], draws: Draws) -> Result<Vec<Scores>, Error> {
    let mut known: HashMap<&str, u32> = HashMap::new();
    let mut next = 0;
    let mut fresh = || {
        next += 1;
        next - 1
    };
    let clusters: Vec<u32> = pairs
        .iter()
        .map(|pair| match &pair.cluster {
            Some(name) => *known.entry(name).or_insert_with(&mut fresh),
            None => fresh(),
        })
        .collect();
    let values = score_each(metrics, pairs.iter().map(|p| (&*p.reference, &*p.candidate)));
    let mut all = Vec::new();
    for (metric, values) in metrics.iter().zip(values) {
        let mut rows = ClusterRows::new(1);
        for (value, cluster) in values.iter().zip(&clusters) {
            if let Ok(value) = value {
                rows.add(*cluster, 0, *value)?;
            }
        }
        let sums = rows.build()?;
        let mean = Resample::draw(&sums, draws)?.rate(0, Support::Real, Wanted::Default)?;
        let mean = mean.within(0.0, metric.most());
        all.push(Scores { metric: *metric, values, mean });
    }
    Ok(all)
}
