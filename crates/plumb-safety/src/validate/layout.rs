//! Layouts of published tables, as data.

use plumb_study::items::Row;
use serde::Deserialize;

const LAYOUTS: &str = include_str!("../../data/layouts.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Layouts {
    layout: Vec<Layout>,
}

/// Which column of a known table is what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Name for people.
    pub name: String,
    /// Where such tables come from.
    pub source: String,
    /// The field of a JSON file that holds the rows.
    #[serde(default)]
    pub records: Option<String>,
    /// Columns by which it is known.
    has: Vec<String>,
    /// Column of the judge's verdict.
    pub verdict: String,
    /// Column of the label.
    pub label: String,
    /// Columns of what each rater said.
    pub raters: Vec<String>,
    /// Column of what rows belong to.
    pub cluster: String,
    /// Columns to group by.
    pub by: Vec<String>,
    /// `people` or `model`.
    pub labels_by: String,
    /// What a yes means.
    pub asks: String,
    /// Values that mean yes.
    pub yes: Vec<String>,
    /// Values that mean no.
    pub no: Vec<String>,
}

fn layouts() -> Vec<Layout> {
    // The file comes with the program; a test reads it.
    toml::from_str::<Layouts>(LAYOUTS).map(|l| l.layout).unwrap_or_default()
}

/// The layout that a table has.
pub fn layout_of(rows: &[Row]) -> Option<Layout> {
    let first = rows.first()?;
    layouts().into_iter().find(|l| l.has.iter().all(|column| first.get(column).is_some()))
}

/// Names of fields that hold the rows in JSON files of known layouts.
pub fn records_of() -> Vec<String> {
    layouts().into_iter().filter_map(|l| l.records).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_layouts_that_come_with_the_program_can_be_read() {
        assert_eq!(super::layouts().len(), 2);
        assert_eq!(super::records_of(), ["completions"]);
    }
}
