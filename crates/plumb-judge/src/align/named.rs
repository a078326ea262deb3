//! What names an output: the rows of scores and ratings that are about one, and the values in them.
//!
//! Why beside the join: a row names its output by columns that a person chose, or by the answer of a run that it is about, and only
//! here does that differ. Not here: which outputs are kept ([`super::table`]).

use std::collections::HashMap;

use plumb_study::items::{Origin, Row};
use plumb_study::{Error, Result};

/// What names an output.
#[derive(Clone, Debug)]
pub enum Naming {
    /// Columns that hold the same together, in the same order.
    Columns {
        /// Those of the scores.
        scores: Vec<String>,
        /// Those of the ratings.
        ratings: Vec<String>,
    },
    /// The answer of a run that both rows are about ([`plumb_study::items::Origin`]). Scores of one output may come from several
    /// runs, each with metrics of its own.
    Origin,
}

/// An output's name, as far as rows are joined by it.
pub(super) type Key = Vec<String>;

impl Naming {
    /// The key of a row of scores, and the digest of the answer where a run says it; `None` for a row that is about no output.
    fn of_score(&self, row: &Row) -> Result<Option<(Key, Option<Origin>)>> {
        match self {
            Naming::Columns { scores, .. } => Ok(Some((key(row, scores, "--id")?, None))),
            Naming::Origin => by_origin(row),
        }
    }

    /// The same of a rating.
    pub(super) fn of_rating(&self, row: &Row) -> Result<Option<(Key, Option<Origin>)>> {
        match self {
            Naming::Columns { ratings, .. } => Ok(Some((key(row, ratings, "--rating-id")?, None))),
            Naming::Origin => by_origin(row),
        }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = &String> {
        let both = match self {
            Naming::Columns { scores, ratings } => Some(scores.iter().chain(ratings)),
            Naming::Origin => None,
        };
        both.into_iter().flatten()
    }

    /// In words, of scores and of ratings.
    pub(super) fn words(&self) -> (String, String) {
        match self {
            Naming::Columns { scores, ratings } => (scores.join(", "), ratings.join(", ")),
            Naming::Origin => {
                ("the answer that they are about".to_owned(), "the answer that they are about".to_owned())
            }
        }
    }
}

fn by_origin(row: &Row) -> Result<Option<(Key, Option<Origin>)>> {
    let Some(origin) = row.origin()? else { return Ok(None) };
    let [plan, item, subject, repetition, _] = origin.values();
    Ok(Some((vec![plan, item, subject, repetition], Some(origin))))
}

pub(super) fn need<'a>(row: &'a Row, column: &str, option: &str) -> Result<&'a str> {
    row.get(column).map(|value| &**value).ok_or_else(|| {
        let columns: Vec<&str> = row.columns().collect();
        Error::plan(format!(
            "{}: there is no column \"{column}\"; columns: {}",
            row.place,
            columns.join(", ")
        ))
        .help(format!("{option} says which column it is"))
    })
}

pub(super) fn key(row: &Row, columns: &[String], option: &str) -> Result<Vec<String>> {
    columns.iter().map(|column| need(row, column, option).map(str::to_owned)).collect()
}

/// The scores of one output.
pub(super) struct Scored<'a> {
    pub(super) key: Key,
    pub(super) origin: Option<Origin>,
    /// One row, or with [`Naming::Origin`] one of each run.
    rows: Vec<&'a Row>,
}

impl Scored<'_> {
    /// The value of a metric, from the row that has it.
    ///
    /// # Errors
    /// No number, or two rows with different ones.
    pub(super) fn value(&self, metric: &str) -> Result<Option<f64>> {
        let mut found: Option<(f64, &Row)> = None;
        for row in &self.rows {
            let Some(own) = optional(row, metric)? else { continue };
            match found {
                Some((other, first)) if other != own => return Err(twice(row, &self.key, &first.place)),
                _ => found = Some((own, row)),
            }
        }
        Ok(found.map(|(value, _)| value))
    }

    pub(super) fn column(&self, name: &str) -> Option<&Row> {
        self.rows.iter().copied().find(|row| row.get(name).is_some())
    }
}

fn twice(row: &Row, key: &Key, first: &str) -> Error {
    Error::plan(format!("{}: the output \"{}\" is scored twice", row.place, key.join(", ")))
        .help(format!("first at {first}; name all columns that tell outputs apart: --id problem,model"))
}

/// Outputs in the order in which they are first scored, and how many rows are about none.
pub(super) fn scored<'a>(scores: &'a [Row], naming: &Naming) -> Result<(Vec<Scored<'a>>, u64)> {
    let mut all: Vec<Scored<'a>> = Vec::new();
    let mut known: HashMap<Key, usize> = HashMap::new();
    let mut about_none = 0;
    for row in scores {
        let Some((key, origin)) = naming.of_score(row)? else {
            about_none += 1;
            continue;
        };
        match known.get(&key) {
            Some(at) if origin.is_some() => {
                same_answer(origin.as_ref(), all[*at].origin.as_ref(), row)?;
                all[*at].rows.push(row);
            }
            Some(at) => return Err(twice(row, &key, &all[*at].rows[0].place)),
            None => {
                known.insert(key.clone(), all.len());
                all.push(Scored { key, origin, rows: vec![row] });
            }
        }
    }
    Ok((all, about_none))
}

/// What was rated, or scored elsewhere, is the answer that was scored.
pub(super) fn same_answer(one: Option<&Origin>, other: Option<&Origin>, row: &Row) -> Result<()> {
    match (one, other) {
        (Some(one), Some(other)) => one.same_answer(other).map_err(|e| e.at(&row.place)),
        _ => Ok(()),
    }
}

/// The value of a column; `None` where it is missing. A row may lack the column: another run has it, or a line of JSON leaves out
/// what it does not know.
pub(super) fn optional(row: &Row, column: &str) -> Result<Option<f64>> {
    let Some(text) = row.get(column) else { return Ok(None) };
    match number(text) {
        Some(value) => Ok(Some(value)),
        None if is_missing(text) => Ok(None),
        None => {
            Err(Error::plan(format!("{}: `{column}` is \"{}\", which is no number", row.place, text.trim()))
                .help("an empty field is a missing value"))
        }
    }
}

/// A number; yes and no in words are 1 and 0.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "pass" | "passed" => Some(1.0),
        "false" | "no" | "fail" | "failed" => Some(0.0),
        _ => text.parse().ok().filter(|v: &f64| v.is_finite()),
    }
}

/// Nothing: an empty field, or one whose value a run says is missing, as in `(not judged)`.
pub(super) fn is_missing(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || (text.starts_with('(') && text.ends_with(')'))
}
