//! Tables of scores and of ratings, joined by what names an output.

use std::collections::{BTreeSet, HashMap};

use plumb_study::items::Row;
use plumb_study::{Error, Result};

/// Which columns are what.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// Columns of the scores that together name an output.
    pub id: Vec<String>,
    /// The same of the ratings.
    pub rating_id: Vec<String>,
    /// Column of the scores, or else of the ratings, with the problem that an output answers; without it each output is a
    /// problem of its own.
    pub problem: Option<String>,
    /// The same with the model that made an output.
    pub system: Option<String>,
    /// Column of the ratings with who rated.
    pub rater: Option<String>,
    /// Columns of the scores that are metrics; all of numbers that are nothing else if empty.
    pub metrics: Vec<String>,
    /// Columns of the ratings that are ratings; all of numbers that are nothing else if empty.
    pub ratings: Vec<String>,
}

/// Outputs with metrics and ratings.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// Names of the metrics.
    pub metrics: Vec<String>,
    /// What was rated: value, effort, …
    pub constructs: Vec<String>,
    /// Names of the raters; empty where nobody is named.
    pub raters: Vec<String>,
    /// Names of the models; empty where none is named.
    pub systems: Vec<String>,
    /// Names of the problems.
    pub problems: Vec<String>,
    /// The outputs that have all metrics and a rating.
    pub rows: Vec<Output>,
    /// What was left out: (words, how many).
    pub left_out: Vec<(String, u64)>,
}

/// One output.
#[derive(Clone, Debug)]
pub struct Output {
    /// Place in [`Outputs::problems`].
    pub problem: u32,
    /// Place in [`Outputs::systems`].
    pub system: Option<u32>,
    /// A value of each metric.
    pub metrics: Vec<f64>,
    /// For each construct the ratings: place of the rater, value.
    pub ratings: Vec<Vec<(u32, f64)>>,
}

/// A number; yes and no in words are 1 and 0.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "pass" | "passed" => Some(1.0),
        "false" | "no" | "fail" | "failed" => Some(0.0),
        _ => text.parse().ok().filter(|v: &f64| v.is_finite()),
    }
}

/// Nothing: an empty field, or one whose value a run says is missing, as in `(not judged)`.
fn is_missing(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || (text.starts_with('(') && text.ends_with(')'))
}

/// Columns whose every value is a number or missing, and at least one a number.
fn numeric(rows: &[Row], taken: &BTreeSet<&str>) -> Vec<String> {
    let mut names: Vec<&str> = Vec::new();
    for row in rows {
        for name in row.columns() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let is_one = |name: &&str| {
        let mut seen = false;
        let all = rows.iter().filter_map(|row| row.get(name)).all(|value| {
            let found = number(value).is_some();
            seen |= found;
            found || is_missing(value)
        });
        all && seen && !taken.contains(name)
    };
    names.into_iter().filter(is_one).map(str::to_owned).collect()
}

/// The names in a list, numbered as they come up.
#[derive(Default)]
struct Names {
    known: HashMap<String, u32>,
    names: Vec<String>,
}

impl Names {
    fn code(&mut self, name: &str) -> u32 {
        if let Some(code) = self.known.get(name) {
            return *code;
        }
        let code = self.names.len() as u32;
        self.known.insert(name.to_owned(), code);
        self.names.push(name.to_owned());
        code
    }
}

fn need<'a>(row: &'a Row, column: &str, option: &str) -> Result<&'a str> {
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

fn key(row: &Row, columns: &[String], option: &str) -> Result<Vec<String>> {
    columns.iter().map(|column| need(row, column, option).map(str::to_owned)).collect()
}

/// Joins ratings to scores.
///
/// # Errors
/// A column that is named and not there, an output that is scored twice, a value that is no number, no metric or rating at
/// all, and no output that has both.
pub fn join(scores: &[Row], ratings: &[Row], columns: &Columns) -> Result<Outputs> {
    let (metrics, constructs) = measures(scores, ratings, columns)?;
    let rated = gather(ratings, columns, &constructs)?;
    let mut seen: HashMap<Vec<String>, &str> = HashMap::new();
    let (mut problems, mut systems) = (Names::default(), Names::default());
    let mut without_metric: Vec<u64> = vec![0; metrics.len()];
    let (mut incomplete, mut unrated, mut matched) = (0, 0, 0);
    let mut rows = Vec::new();
    for row in scores {
        let key = key(row, &columns.id, "--id")?;
        if let Some(first) = seen.insert(key.clone(), &row.place) {
            return Err(Error::plan(format!(
                "{}: the output \"{}\" is scored twice",
                row.place,
                key.join(", ")
            ))
            .help(format!(
                "first at {first}; name all columns that tell outputs apart: --id problem,model"
            )));
        }
        let Some(of) = rated.by_key.get(&key) else {
            unrated += 1;
            continue;
        };
        matched += 1;
        let mut values = Vec::new();
        for (at, metric) in metrics.iter().enumerate() {
            match value(row, metric, "--metrics")? {
                Some(value) => values.push(value),
                None => without_metric[at] += 1,
            }
        }
        if values.len() < metrics.len() {
            incomplete += 1;
            continue;
        }
        let own = key.join(" / ");
        let either = |column: &str, option: &str| match row.get(column).is_some() {
            true => need(row, column, option),
            false => need(of.row, column, option),
        };
        let problem = match &columns.problem {
            Some(column) => either(column, "--problem")?,
            None => &own,
        };
        let system = columns.system.as_ref().map(|column| either(column, "--model")).transpose()?;
        rows.push(Output {
            problem: problems.code(problem),
            system: system.map(|name| systems.code(name)),
            metrics: values,
            ratings: of.ratings.clone(),
        });
    }
    if rows.is_empty() {
        return Err(nothing(scores, rated.by_key.len(), columns));
    }
    let mut left_out = vec![
        ("scored outputs have no rating and are left out".to_owned(), unrated),
        ("rated outputs have no scores and are left out".to_owned(), rated.by_key.len() as u64 - matched),
        ("rated outputs lack a metric and are left out of everything".to_owned(), incomplete),
    ];
    for (metric, n) in metrics.iter().zip(without_metric) {
        left_out.push((format!("of them lack {metric}; --metrics without it keeps them"), n));
    }
    Ok(Outputs {
        metrics,
        constructs,
        raters: if columns.rater.is_some() { rated.raters } else { Vec::new() },
        systems: systems.names,
        problems: problems.names,
        rows,
        left_out,
    })
}

fn nothing(scores: &[Row], rated: usize, columns: &Columns) -> Error {
    let example = |columns: &[String]| columns.join(", ");
    Error::plan(format!(
        "no output has scores and ratings: {} scored by {}, {rated} rated by {}",
        scores.len(),
        example(&columns.id),
        example(&columns.rating_id)
    ))
    .help("--id names the columns that together name an output in both tables; --rating-id, if they are called otherwise in the ratings")
}

struct Gathered<'a> {
    by_key: HashMap<Vec<String>, OfOutput<'a>>,
    raters: Vec<String>,
}

/// What the ratings say of one output.
struct OfOutput<'a> {
    /// Its first row.
    row: &'a Row,
    /// For each construct: rater, value.
    ratings: Vec<Vec<(u32, f64)>>,
}

fn gather<'a>(ratings: &'a [Row], columns: &Columns, constructs: &[String]) -> Result<Gathered<'a>> {
    let mut raters = Names::default();
    let mut by_key: HashMap<Vec<String>, OfOutput<'a>> = HashMap::new();
    for row in ratings {
        let key = key(row, &columns.rating_id, "--rating-id")?;
        let rater = match &columns.rater {
            Some(column) => need(row, column, "--rater")?,
            None => "",
        };
        let mut values = Vec::new();
        for construct in constructs {
            values.push(value(row, construct, "--ratings-of")?);
        }
        if values.iter().all(Option::is_none) {
            continue;
        }
        let rater = raters.code(rater);
        let new = || OfOutput { row, ratings: vec![Vec::new(); constructs.len()] };
        let of = by_key.entry(key).or_insert_with(new);
        for (list, value) in of.ratings.iter_mut().zip(values) {
            list.extend(value.map(|value| (rater, value)));
        }
    }
    Ok(Gathered { by_key, raters: raters.names })
}

fn value(row: &Row, column: &str, option: &str) -> Result<Option<f64>> {
    let text = need(row, column, option)?;
    match number(text) {
        Some(value) => Ok(Some(value)),
        None if is_missing(text) => Ok(None),
        None => {
            Err(Error::plan(format!("{}: `{column}` is \"{}\", which is no number", row.place, text.trim()))
                .help("an empty field is a missing value"))
        }
    }
}

/// Names of metrics and of what was rated.
fn measures(scores: &[Row], ratings: &[Row], columns: &Columns) -> Result<(Vec<String>, Vec<String>)> {
    let names = |lists: &[&Vec<String>], single: &[&Option<String>]| -> BTreeSet<String> {
        let of_lists = lists.iter().flat_map(|list| list.iter().cloned());
        of_lists
            .chain(single.iter().filter_map(|name| (*name).clone()))
            .chain(["repetition".into()])
            .collect()
    };
    let taken = names(
        &[&columns.id, &columns.rating_id, &columns.ratings],
        &[&columns.problem, &columns.system, &columns.rater],
    );
    let taken: BTreeSet<&str> = taken.iter().map(String::as_str).collect();
    let metrics = if columns.metrics.is_empty() { numeric(scores, &taken) } else { columns.metrics.clone() };
    let beside: BTreeSet<&str> = taken.iter().copied().chain(metrics.iter().map(String::as_str)).collect();
    let constructs =
        if columns.ratings.is_empty() { numeric(ratings, &beside) } else { columns.ratings.clone() };
    let none = |what: &str, option: &str| {
        Err(Error::plan(format!("no column of the {what} holds numbers only"))
            .help(format!("name them: {option} A,B")))
    };
    if metrics.is_empty() {
        return none("scores", "--metrics");
    }
    if constructs.is_empty() {
        return none("ratings", "--ratings-of");
    }
    Ok((metrics, constructs))
}
