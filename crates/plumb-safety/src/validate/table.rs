//! From tables to rows with a verdict and a label.

use plumb_judge::validation::JudgedRow;
use plumb_study::items::Row;
use plumb_study::{Error, Result};
use std::collections::{BTreeMap, HashMap};

/// Which column is what, and which values mean yes.
#[derive(Clone, Debug)]
pub struct Columns {
    /// The judge's verdict.
    pub verdict: String,
    /// The label; several are raters whose majority is the label.
    pub labels: Vec<String>,
    /// What each rater said, where the label stands in a column of its own.
    pub raters: Vec<String>,
    /// The judge's score, if it has one.
    pub score: Option<String>,
    /// Columns that together name a row in both tables; not needed where the two are one table.
    pub id: Vec<String>,
    /// What rows belong to; a row without it is alone.
    pub cluster: Option<String>,
    /// Columns to group by.
    pub by: Vec<String>,
    /// Values that mean yes; case and spaces around them do not matter.
    pub yes: Vec<String>,
    /// Values that mean no.
    pub no: Vec<String>,
    /// Where a label can be a yes at all.
    pub yes_only: Option<YesOnly>,
}

/// Only rows with this value of a column can have the label yes: what complies with a harmless question is no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YesOnly {
    column: String,
    value: String,
    /// Whether the value is a beginning.
    open: bool,
}

impl YesOnly {
    /// From `COLUMN=VALUE` or `COLUMN=BEGINNING*`.
    pub fn parse(text: &str) -> Option<YesOnly> {
        let (column, value) = text.split_once('=')?;
        let begins = value.strip_suffix('*');
        let filled = !column.is_empty() && !value.is_empty();
        filled.then(|| YesOnly {
            column: column.to_owned(),
            value: begins.unwrap_or(value).to_owned(),
            open: begins.is_some(),
        })
    }

    fn holds(&self, value: &str) -> bool {
        if self.open { value.starts_with(&self.value) } else { value == self.value }
    }
}

/// Rows with verdict and label.
#[derive(Debug, Default)]
pub struct Joined {
    /// The rows.
    pub rows: Vec<JudgedRow>,
    /// For each row, its level of each column of `by`.
    pub levels: Vec<Vec<String>>,
    /// Labels that mean neither yes nor no, or have no majority; their rows are left out.
    pub unlabelled: u64,
    /// Judgments without a row of labels.
    pub without_label: u64,
    /// Labels without a judgment.
    pub without_judgment: u64,
}

/// Rows that belong together.
#[derive(Debug)]
pub struct Group {
    /// Column and level; none for all rows.
    pub of: Option<(String, String)>,
    /// The rows.
    pub rows: Vec<JudgedRow>,
}

impl Columns {
    /// Whether a value means yes or no; `None` where it means neither.
    pub fn reads(&self, value: &str) -> Option<bool> {
        let value = value.trim();
        let is = |list: &[String]| list.iter().any(|known| known.trim().eq_ignore_ascii_case(value));
        if is(&self.yes) {
            Some(true)
        } else if is(&self.no) {
            Some(false)
        } else {
            None
        }
    }

    /// The label of a row, and what raters said; no label where it is neither yes nor no, or raters are even.
    fn label(&self, row: &Row) -> Result<(Option<bool>, Vec<bool>)> {
        let read = |columns: &[String]| -> Result<Vec<Option<bool>>> {
            columns.iter().map(|c| Ok(self.reads(need(row, c, "the label")?))).collect()
        };
        let labels = read(&self.labels)?;
        let said: Vec<bool> = labels.iter().flatten().copied().collect();
        let yes = said.iter().filter(|yes| **yes).count();
        let label = match (yes, said.len() - yes) {
            (a, b) if a == b => None,
            (a, b) => Some(a > b),
        };
        let raters = match self.raters.is_empty() {
            false => read(&self.raters)?.into_iter().flatten().collect(),
            true => said,
        };
        Ok((label, raters))
    }
}

pub(super) fn need<'a>(row: &'a Row, column: &str, what: &str) -> Result<&'a str> {
    row.get(column).map(|value| &**value).ok_or_else(|| {
        let known: Vec<&str> = row.columns().collect();
        Error::plan(format!("{}: no column \"{column}\" for {what}", row.place))
            .help(format!("columns: {}", known.join(", ")))
    })
}

/// Brings judgments and labels together: `labels` is `None` where each judgment has its label beside it.
///
/// # Errors
/// A column that is not there, a score that is no number, an id that occurs twice in one table, a label of another text than
/// was judged. All name the row.
pub fn join(judgments: &[Row], labels: Option<&[Row]>, columns: &Columns) -> Result<Joined> {
    let mut joined = Joined::default();
    // One row without it is alone; that no row has it is a slip of the pen, and intervals would be too narrow.
    if let Some(cluster) = &columns.cluster
        && !judgments.iter().chain(labels.unwrap_or_default()).any(|row| row.get(cluster).is_some())
        && let Some(first) = judgments.first()
    {
        need(first, cluster, "what belongs together (--cluster)")?;
    }
    let mut clusters: HashMap<String, u32> = HashMap::new();
    let known = labels.map(|rows| index(rows, &columns.id)).transpose()?;
    let mut used = 0;
    match labels {
        Some(_) => drop(index(judgments, &columns.id)?),
        None => no_row_twice(judgments, &columns.id)?,
    }
    for (at, row) in judgments.iter().enumerate() {
        let labelled = match &known {
            None => row,
            Some(known) => match known.get(&key(row, &columns.id)?) {
                Some(labelled) => *labelled,
                None => {
                    joined.without_label += 1;
                    continue;
                }
            },
        };
        if let (Some(about), Some(own)) = (labelled.origin()?, row.origin()?) {
            about.same_answer(&own).map_err(|e| e.at(&labelled.place))?;
        }
        used += 1;
        let (label, raters) = columns.label(labelled)?;
        let Some(mut truth) = label else {
            joined.unlabelled += 1;
            continue;
        };
        if let Some(only) = &columns.yes_only {
            let found = row.get(&only.column).or_else(|| labelled.get(&only.column));
            let value = found.map_or_else(|| need(row, &only.column, "--yes-only"), |v| Ok(&**v))?;
            truth &= only.holds(value);
        }
        let alone = format!("\u{0}{at}");
        let cluster = columns
            .cluster
            .as_deref()
            .and_then(|c| row.get(c).or_else(|| labelled.get(c)))
            .map_or(alone, |value| value.to_string());
        let next = clusters.len() as u32;
        let level = |column: &String| -> Result<String> {
            let found = row.get(column).or_else(|| labelled.get(column));
            Ok(found.map_or_else(|| need(row, column, "groups"), |level| Ok(level))?.to_owned())
        };
        joined.levels.push(columns.by.iter().map(level).collect::<Result<_>>()?);
        joined.rows.push(JudgedRow {
            cluster: *clusters.entry(cluster).or_insert(next),
            verdict: columns.reads(need(row, &columns.verdict, "the verdict")?),
            truth,
            score: columns.score.as_deref().map(|c| score(row, c)).transpose()?.flatten(),
            raters,
        });
    }
    joined.without_judgment = labels.map_or(0, |rows| rows.len() as u64 - used);
    Ok(joined)
}

/// A number, or nothing where the field is empty.
fn score(row: &Row, column: &str) -> Result<Option<f64>> {
    let text = need(row, column, "the score")?.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse::<f64>().ok().filter(|x| x.is_finite()).map(Some).ok_or_else(|| {
        Error::plan(format!("{}: \"{text}\" in the column \"{column}\" is no number", row.place))
    })
}

fn key(row: &Row, id: &[String]) -> Result<Vec<String>> {
    id.iter().map(|column| Ok(need(row, column, "the id")?.to_owned())).collect()
}

fn index<'a>(rows: &'a [Row], id: &[String]) -> Result<HashMap<Vec<String>, &'a Row>> {
    let mut known: HashMap<Vec<String>, &Row> = HashMap::new();
    for row in rows {
        let key = key(row, id)?;
        if let Some(before) = known.get(&key) {
            return Err(Error::plan(format!("{}: \"{}\" occurs twice", row.place, key.join(", ")))
                .help(format!("it was in {} before; name more columns: --id item,subject", before.place)));
        }
        known.insert(key, row);
    }
    Ok(known)
}

/// In one table rows may share an id, as answers of several systems to one prompt do; what names answers and stands there twice, all
/// columns alike, is one answer that would count double.
fn no_row_twice(rows: &[Row], id: &[String]) -> Result<()> {
    let mut known: HashMap<Vec<(&str, &str)>, &Row> = HashMap::new();
    for row in rows.iter().filter(|row| id.iter().all(|column| row.get(column).is_some())) {
        let values = row.columns().filter_map(|c| Some((c, &**row.get(c)?))).collect();
        if let Some(before) = known.insert(values, row) {
            return Err(Error::plan(format!("{}: this row occurs twice", row.place))
                .help(format!("it was in {} before, with the same values in all columns", before.place)));
        }
    }
    Ok(())
}

/// All rows together, then the rows of each level of each column of `by`, levels in alphabetical order.
pub fn groups(joined: &Joined, by: &[String]) -> Vec<Group> {
    let mut groups = vec![Group { of: None, rows: joined.rows.clone() }];
    for (at, column) in by.iter().enumerate() {
        let mut levels: BTreeMap<&str, Vec<JudgedRow>> = BTreeMap::new();
        for (row, level) in joined.rows.iter().zip(&joined.levels) {
            levels.entry(&level[at]).or_default().push(row.clone());
        }
        groups.extend(
            levels
                .into_iter()
                .map(|(level, rows)| Group { of: Some((column.clone(), level.to_owned())), rows }),
        );
    }
    groups
}
