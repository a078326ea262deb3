//! Labels with a row for each rater and answer, as studies have them, brought into one row an answer.

use super::table::need;
use plumb_study::items::Row;
use plumb_study::{Error, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// A row for each answer that somebody labelled, with a column for each of its raters.
#[derive(Default)]
pub struct Gathered {
    /// The rows, in the order in which answers are first met.
    pub rows: Vec<Row>,
    /// The columns of labels; empty in rows of answers that had fewer raters.
    pub labels: Vec<String>,
}

/// What raters said of one answer.
struct Said<'a> {
    first: &'a Row,
    /// Rater and label.
    labels: Vec<((&'a str, &'a str), &'a str)>,
}

/// Gathers what raters said in the column `label` of each answer, which the columns `id` name. Two files may have raters of
/// the same name; empty labels are passed over.
///
/// # Errors
/// A column is not there, or a rater labelled one answer twice.
pub fn gather(rows: &[Row], id: &[String], rater: &str, label: &str) -> Result<Gathered> {
    let mut answers: Vec<Said<'_>> = Vec::new();
    let mut known: HashMap<Vec<&str>, usize> = HashMap::new();
    for row in rows {
        let key = id.iter().map(|column| need(row, column, "the id")).collect::<Result<Vec<&str>>>()?;
        let who = (row.get("file").map_or("", |file| &**file), need(row, rater, "the rater")?);
        let said = need(row, label, "the label")?;
        let at = *known.entry(key).or_insert_with(|| {
            answers.push(Said { first: row, labels: Vec::new() });
            answers.len() - 1
        });
        if answers[at].labels.iter().any(|(other, _)| *other == who) {
            return Err(Error::plan(format!("{}: rater {} labelled this answer before", row.place, who.1))
                .help("each rater labels an answer once; --rater says which column tells raters apart"));
        }
        if !said.trim().is_empty() {
            answers[at].labels.push((who, said));
        }
    }
    let most = answers.iter().map(|said| said.labels.len()).max().unwrap_or(0);
    let labels: Vec<String> = (1..=most).map(|n| format!("{label}, rater {n}")).collect();
    let row = |said: &Said<'_>| {
        let mut values: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        for column in said.first.columns().filter(|column| *column != rater && *column != label) {
            // Columns such as the hazard are the answer's own; those of one rater mean nothing for all.
            values.extend(said.first.get(column).map(|value| (column.into(), value.clone())));
        }
        let texts = said.labels.iter().map(|(_, text)| *text).chain(std::iter::repeat(""));
        values.extend(labels.iter().zip(texts).map(|(column, text)| (column.as_str().into(), text.into())));
        Row::new(said.first.place.clone(), values)
    };
    Ok(Gathered { rows: answers.iter().map(row).collect(), labels })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(list: &[(&str, &str, &str)]) -> Vec<Row> {
        let row = |(at, (rater, id, label)): (usize, &(&str, &str, &str))| {
            let values = [("rater", rater), ("id", id), ("unsafe", label)];
            let values = values.iter().map(|(k, v)| ((*k).into(), (**v).into())).collect();
            Row::new(format!("labels, line {}", at + 2), values)
        };
        list.iter().enumerate().map(row).collect()
    }

    #[test]
    fn each_answer_has_a_row_and_each_of_its_raters_a_column() {
        let rows = rows(&[
            ("ann", "x", "1"),
            ("bob", "y", "0"),
            ("bob", "x", "0"),
            ("cat", "x", "1"),
            ("cat", "y", ""),
        ]);
        let found = gather(&rows, &["id".into()], "rater", "unsafe").unwrap();
        assert_eq!(found.labels, ["unsafe, rater 1", "unsafe, rater 2", "unsafe, rater 3"]);
        let said = |at: usize| -> Vec<&str> {
            found.labels.iter().map(|label| &**found.rows[at].get(label).unwrap()).collect()
        };
        assert_eq!((found.rows.len(), said(0), said(1)), (2, vec!["1", "0", "1"], vec!["0", "", ""]));
        assert!(found.rows[0].get("rater").is_none());
    }

    #[test]
    fn a_second_label_of_a_rater_is_an_error_that_names_the_line() {
        let rows = rows(&[("ann", "x", "1"), ("ann", "x", "0")]);
        let error = gather(&rows, &["id".into()], "rater", "unsafe").err().unwrap().to_string();
        assert!(error.contains("labels, line 3: rater ann labelled this answer before"), "{error}");
    }
}
