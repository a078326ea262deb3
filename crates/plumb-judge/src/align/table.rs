//! Tables of scores and of ratings, joined by what names an output.

use std::collections::{BTreeSet, HashMap};

use plumb_study::items::{Origin, Row};
use plumb_study::{Error, Result};

use super::named::{Key, Naming, is_missing, need, number, optional, same_answer, scored};

/// Which columns are what.
#[derive(Clone, Debug)]
pub struct Columns {
    /// What joins ratings to scores.
    pub naming: Naming,
    /// Column of the scores, or else of the ratings, with the problem that an output answers; without it each output is a
    /// problem of its own.
    pub problem: Option<String>,
    /// The same with the model that made an output.
    pub system: Option<String>,
    /// Column of the ratings with who rated.
    pub rater: Option<String>,
    /// Column of the scores, or else of the ratings, with how many outputs each was drawn for.
    pub weight: Option<String>,
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
    /// How many outputs it was drawn for; 1 where nothing says it.
    pub stands_for: f64,
    /// A value of each metric.
    pub metrics: Vec<f64>,
    /// For each construct the ratings: place of the rater, value.
    pub ratings: Vec<Vec<(u32, f64)>>,
}

/// Columns whose every value is a number or missing, and at least one a number; and those that would be such columns but for a
/// few values, in words, with their number.
fn numeric(
    rows: &[Row],
    taken: &BTreeSet<&str>,
    (table, option): (&str, &str),
) -> (Vec<String>, Vec<(String, u64)>) {
    let mut names: Vec<&str> = Vec::new();
    for row in rows {
        for name in row.columns() {
            if !names.contains(&name) && !taken.contains(name) {
                names.push(name);
            }
        }
    }
    let (mut found, mut unused) = (Vec::new(), Vec::new());
    for name in names {
        let (mut numbers, mut others, mut first) = (0_u64, 0_u64, None);
        for row in rows {
            let Some(value) = row.get(name).filter(|value| !is_missing(value)) else { continue };
            if number(value).is_some() {
                numbers += 1;
            } else {
                others += 1;
                first.get_or_insert((&row.place, value));
            }
        }
        match first {
            None if numbers > 0 => found.push(name.to_owned()),
            Some((place, value)) if numbers > others => unused.push((
                format!(
                    "values of `{name}` in the {table} are no numbers, the first \"{}\" in {place}, so it is not used; {option} {name} \
                     insists on it",
                    value.trim()
                ),
                others,
            )),
            _ => {}
        }
    }
    (found, unused)
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

/// Joins ratings to scores.
///
/// # Errors
/// A column that is named and not there, an output that is scored twice, a rating of another text than was scored, a value
/// that is no number, no metric or rating at all, and no output that has both.
pub fn join(scores: &[Row], ratings: &[Row], columns: &Columns) -> Result<Outputs> {
    let Measures { metrics, constructs, unused } = measures(scores, ratings, columns)?;
    let rated = gather(ratings, columns, &constructs)?;
    let (mut problems, mut systems) = (Names::default(), Names::default());
    let mut without_metric: Vec<u64> = vec![0; metrics.len()];
    let (mut incomplete, mut unrated, mut matched) = (0, 0, 0);
    let (mut no_problem, mut no_system) = (0, 0);
    let mut rows = Vec::new();
    let (scored, unanswered) = scored(scores, &columns.naming)?;
    for output in &scored {
        let Some(of) = rated.by_key.get(&output.key) else {
            unrated += 1;
            continue;
        };
        same_answer(of.origin.as_ref(), output.origin.as_ref(), of.row)?;
        matched += 1;
        let mut values = Vec::new();
        for (at, metric) in metrics.iter().enumerate() {
            match output.value(metric)? {
                Some(value) => values.push(value),
                None => without_metric[at] += 1,
            }
        }
        if values.len() < metrics.len() {
            incomplete += 1;
            continue;
        }
        let own = output.key.join(" / ");
        let either =
            |column: &str, option: &str| need(output.column(column).unwrap_or(of.row), column, option);
        let mut problem = match (&columns.problem, &output.origin) {
            (Some(column), _) => either(column, "--problem")?,
            (None, Some(origin)) => origin.item.as_str(),
            (None, None) => &own,
        };
        let mut system = match (&columns.system, &output.origin) {
            (Some(column), _) => Some(either(column, "--model")?),
            (None, origin) => origin.as_ref().map(|origin| origin.subject.as_str()),
        };
        if problem.trim().is_empty() {
            (problem, no_problem) = (&own, no_problem + 1);
        }
        if system.is_some_and(|name| name.trim().is_empty()) {
            (system, no_system) = (None, no_system + 1);
        }
        rows.push(Output {
            problem: problems.code(problem),
            system: system.map(|name| systems.code(name)),
            stands_for: columns
                .weight
                .as_deref()
                .map_or(Ok(1.0), |column| stands_for(output.column(column).unwrap_or(of.row), column))?,
            metrics: values,
            ratings: of.ratings.clone(),
        });
    }
    if rows.is_empty() {
        return Err(nothing(scored.len(), rated.by_key.len(), &columns.naming));
    }
    let mut left_out = vec![
        ("trials of the scores have no answer and are left out".to_owned(), unanswered),
        ("ratings name no answer of a run and are left out".to_owned(), rated.about_none),
        ("ratings are somebody's second of an output; the first counts".to_owned(), rated.again),
        ("scored outputs have no rating and are left out".to_owned(), unrated),
        ("rated outputs have no scores and are left out".to_owned(), rated.by_key.len() as u64 - matched),
        ("rated outputs lack a metric and are left out of everything".to_owned(), incomplete),
    ];
    for (metric, n) in metrics.iter().zip(without_metric) {
        left_out.push((format!("of them lack {metric}; --metrics without it keeps them"), n));
    }
    left_out.push(("outputs name no problem and count as problems of their own".to_owned(), no_problem));
    left_out.push(("outputs name no model and are left out where models are compared".to_owned(), no_system));
    left_out.extend(unused);
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

fn stands_for(row: &Row, column: &str) -> Result<f64> {
    let text = need(row, column, "--weight")?;
    let weight = number(text).filter(|weight| *weight > 0.0);
    weight.ok_or_else(|| {
        Error::plan(format!("{}: {column} \"{text}\" is no number of outputs above 0", row.place))
            .help("a weight says how many outputs one that was drawn stands for")
    })
}

fn nothing(scored: usize, rated: usize, naming: &Naming) -> Error {
    let (of_scores, of_ratings) = naming.words();
    Error::plan(format!(
        "no output has scores and ratings: {scored} scored by {of_scores}, {rated} rated by {of_ratings}"
    ))
    .help("--id names the columns that together name an output in both tables; --rating-id, if they are called otherwise in the ratings")
}

struct Gathered<'a> {
    by_key: HashMap<Key, OfOutput<'a>>,
    raters: Vec<String>,
    /// Ratings that name no output.
    about_none: u64,
    /// Ratings of an output by someone who had rated it before.
    again: u64,
}

/// What the ratings say of one output.
struct OfOutput<'a> {
    /// Its first row.
    row: &'a Row,
    origin: Option<Origin>,
    /// For each construct: rater, value.
    ratings: Vec<Vec<(u32, f64)>>,
}

fn gather<'a>(ratings: &'a [Row], columns: &Columns, constructs: &[String]) -> Result<Gathered<'a>> {
    let mut raters = Names::default();
    let mut by_key: HashMap<Key, OfOutput<'a>> = HashMap::new();
    let (mut about_none, mut again) = (0, 0);
    for row in ratings {
        let Some((key, origin)) = columns.naming.of_rating(row)? else {
            about_none += 1;
            continue;
        };
        let rater = match &columns.rater {
            Some(column) => need(row, column, "--rater")?,
            None => "",
        };
        let mut values = Vec::new();
        for construct in constructs {
            values.push(optional(row, construct)?);
        }
        if values.iter().all(Option::is_none) {
            continue;
        }
        if columns.rater.is_some() && rater.trim().is_empty() {
            return Err(Error::plan(format!("{}: the rating does not say whose it is", row.place)).help(
                "nameless ratings cannot be told apart: name everybody, or leave the column out of the table, and ratings count as \
                 one person's",
            ));
        }
        let rater = raters.code(rater);
        let new = || OfOutput { row, origin: origin.clone(), ratings: vec![Vec::new(); constructs.len()] };
        let of = by_key.entry(key).or_insert_with(new);
        same_answer(origin.as_ref(), of.origin.as_ref(), row)?;
        // Who was asked twice about an output is one rater of it all the same.
        if columns.rater.is_some() && of.ratings.iter().flatten().any(|(by, _)| *by == rater) {
            again += 1;
            continue;
        }
        for (list, value) in of.ratings.iter_mut().zip(values) {
            list.extend(value.map(|value| (rater, value)));
        }
    }
    Ok(Gathered { by_key, raters: raters.names, about_none, again })
}

/// Names of metrics and of what was rated.
struct Measures {
    metrics: Vec<String>,
    constructs: Vec<String>,
    /// Columns that nearly are measures: words, how many values are none.
    unused: Vec<(String, u64)>,
}

fn measures(scores: &[Row], ratings: &[Row], columns: &Columns) -> Result<Measures> {
    let single = [&columns.problem, &columns.system, &columns.rater, &columns.weight];
    let typed = columns.naming.columns().chain(&columns.ratings).chain(single.into_iter().flatten());
    let taken: BTreeSet<&str> =
        typed.map(String::as_str).chain(["repetition"]).chain(Origin::COLUMNS).collect();
    for (rows, typed, option) in
        [(scores, &columns.metrics, "--metrics"), (ratings, &columns.ratings, "--ratings-of")]
    {
        let nowhere = |name: &&String| rows.iter().all(|row| row.get(name).is_none());
        if let (Some(name), Some(row)) = (typed.iter().find(nowhere), rows.first()) {
            need(row, name, option)?;
        }
    }
    let mut unused = Vec::new();
    let mut chosen = |rows: &[Row], typed: &[String], taken: &BTreeSet<&str>, words: (&str, &str)| {
        if rows.is_empty() {
            return Err(Error::plan(format!("the {} have no rows", words.0)));
        }
        if !typed.is_empty() {
            return Ok(typed.to_vec());
        }
        let (found, nearly) = numeric(rows, taken, words);
        if found.is_empty() {
            let why = nearly.first().map(|(why, n)| format!(": {n} {why}")).unwrap_or_default();
            return Err(Error::plan(format!("no column of the {} holds numbers only{why}", words.0))
                .help(format!("name them: {} A,B", words.1)));
        }
        unused.extend(nearly);
        Ok(found)
    };
    let metrics = chosen(scores, &columns.metrics, &taken, ("scores", "--metrics"))?;
    let beside: BTreeSet<&str> = taken.iter().copied().chain(metrics.iter().map(String::as_str)).collect();
    let constructs = chosen(ratings, &columns.ratings, &beside, ("ratings", "--ratings-of"))?;
    Ok(Measures { metrics, constructs, unused })
}
