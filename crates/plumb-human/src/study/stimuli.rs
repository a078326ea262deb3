//! Stimuli: a CSV file with one row an item, its attributes and what is known of it.
//!
//! The rows may be outputs of a run, which `sampled` draws; then they say which, and how many outputs each stands for.
//!
//! Attributes are what screens show of an item and models read; given measures (a true price) are what outcomes need.

use std::collections::{BTreeMap, HashMap};

use plumb_study::items::Origin;
use plumb_study::written::record_line;
use serde::Deserialize;

use super::parts::{Item, Study};
use super::sampled::Sampled;
use super::text::{Files, Read};
use crate::error::{Error, Result};
use crate::quantity::{ONE, decimals, millionths, written};

/// Where items come from, beside those of `[[item]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stimuli {
    /// A CSV file beside the study.
    #[serde(default)]
    pub file: Option<String>,
    /// In place of a file: a run whose outputs are drawn.
    #[serde(default)]
    pub from: Option<Sampled>,
    /// Column with the number of outputs, or people, or whatever else an item stands for; `weight` of what was drawn.
    #[serde(default)]
    pub weight: Option<String>,
    /// A measure of the run by whose values the outputs in a file were drawn, such as an annotator's verdict.
    #[serde(default)]
    pub drawn_by: Option<String>,
    /// Columns of the run within whose levels they were drawn so, such as hazard and subject.
    #[serde(default)]
    pub drawn_within: Vec<String>,
    /// Columns of an item's id, label and set.
    #[serde(default = "id")]
    pub id: String,
    #[serde(default = "label")]
    pub label: String,
    #[serde(default = "set")]
    pub set: String,
    /// Measure = column.
    #[serde(default)]
    pub given: BTreeMap<String, String>,
    /// Texts that stand for a value that there is not.
    #[serde(default)]
    pub missing: Vec<String>,
}

fn id() -> String {
    "id".into()
}

fn label() -> String {
    "label".into()
}

fn set() -> String {
    "set".into()
}

/// What is known of each item, by a column of its id.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attribute {
    pub id: String,
    pub label: String,
    #[serde(default)]
    pub kind: AttributeKind,
    /// Of numbers: whole multiples of this.
    #[serde(default = "one")]
    pub step: String,
    /// Written after a number.
    #[serde(default)]
    pub suffix: String,
    /// Whether screens show it unless they say otherwise.
    #[serde(default = "yes")]
    pub shown: bool,
}

fn one() -> String {
    "1".into()
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AttributeKind {
    #[default]
    Number,
    Text,
    /// Shown as it is, in letters of one width.
    Code,
}

/// One attribute of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// In millionths.
    Number(i64),
    Text(String),
}

/// Attributes and given measures of all items.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sheet {
    /// By item and attribute.
    attributes: HashMap<(String, String), Value>,
    /// By item and measure, in steps of its unit.
    given: HashMap<(String, String), i64>,
    /// The output of a run that an item shows.
    origins: HashMap<String, Origin>,
    /// What an item stands for.
    weights: HashMap<String, f64>,
}

impl Sheet {
    pub fn origin(&self, item: &str) -> Option<&Origin> {
        self.origins.get(item)
    }

    pub fn weight(&self, item: &str) -> Option<f64> {
        self.weights.get(item).copied()
    }

    pub fn attribute(&self, item: &str, attribute: &str) -> Option<&Value> {
        self.attributes.get(&(item.to_owned(), attribute.to_owned()))
    }

    pub fn number(&self, item: &str, attribute: &str) -> Option<i64> {
        match self.attribute(item, attribute) {
            Some(Value::Number(n)) => Some(*n),
            _ => None,
        }
    }

    pub fn given(&self, item: &str, measure: &str) -> Option<i64> {
        self.given.get(&(item.to_owned(), measure.to_owned())).copied()
    }
}

impl Attribute {
    /// As screens write it.
    pub fn written(&self, value: &Value) -> String {
        match value {
            Value::Text(text) => text.clone(),
            Value::Number(n) => {
                let number = written(*n, decimals(millionths(&self.step).unwrap_or(ONE)));
                if self.suffix.is_empty() { number } else { format!("{number} {}", self.suffix) }
            }
        }
    }
}

/// Reads the stimuli of a study: items that it does not list are added to it.
pub(super) fn read(study: &mut Study, read: &mut Read, files: Files<'_>) -> Result<()> {
    let Some(stimuli) = study.stimuli.clone() else { return Ok(()) };
    if stimuli.drawn_by.is_none() && !stimuli.drawn_within.is_empty() {
        return Err(Error::new(
            "stimuli: drawn_within says within what outputs were drawn by drawn_by, which is missing",
        ));
    }
    let (name, text) = match (&stimuli.file, &stimuli.from) {
        (Some(file), None) => (file, read.get(file, files)),
        (None, Some(_)) if stimuli.drawn_by.is_some() => {
            return Err(Error::new("stimuli: drawn_by belongs to a file; from says by what it draws itself"));
        }
        (None, Some(from)) => (&from.run, read.drawn(&from.run, files)),
        _ => return Err(Error::new("stimuli: give either file or from")),
    };
    let text = text.map_err(|e| e.at("stimuli"))?;
    table(study, &stimuli, &text).map_err(|e| e.at(&format!("stimuli: {name}")))
}

impl Study {
    /// The output of a run that an item shows, if it is one.
    pub fn origin(&self, item: &str) -> Option<&Origin> {
        self.sheet.origin(item)
    }

    /// Columns of the run by whose values its outputs were drawn: shares among the drawn are not those of the run, and who
    /// estimates those needs to know.
    pub fn drawn_by(&self) -> Vec<&str> {
        let Some(stimuli) = &self.stimuli else { return Vec::new() };
        let strata = stimuli.from.iter().flat_map(Sampled::columns);
        stimuli.drawn_by.as_deref().into_iter().chain(strata).collect()
    }

    /// Columns of the run within whose levels outputs in a file were drawn.
    pub fn drawn_within(&self) -> &[String] {
        self.stimuli.as_ref().map_or(&[], |stimuli| &stimuli.drawn_within)
    }

    /// What an item stands for, where the stimuli have weights: outputs of the run that it was drawn from.
    pub fn weight(&self, item: &str) -> Option<f64> {
        self.sheet.weight(item)
    }
}

/// Where the parts of an item stand in a row.
struct Columns {
    id: usize,
    label: Option<usize>,
    set: Option<usize>,
    weight: Option<usize>,
    origin: [Option<usize>; 5],
    attributes: Vec<(usize, Attribute)>,
    given: Vec<(usize, String)>,
}

impl Columns {
    fn new(study: &Study, stimuli: &Stimuli, header: &csv::StringRecord) -> Result<Columns> {
        let position = |column: &str| {
            header.iter().position(|h| h == column).ok_or_else(|| {
                let there: Vec<&str> = header.iter().collect();
                Error::new(format!("there is no column {column}; there are {}", there.join(", ")))
            })
        };
        let weight = match (&stimuli.weight, &stimuli.from) {
            (Some(column), _) => Some(position(column)?),
            (None, Some(_)) => Some(position("weight")?),
            (None, None) => None,
        };
        Ok(Columns {
            id: position(&stimuli.id)?,
            label: position(&stimuli.label).ok(),
            set: position(&stimuli.set).ok(),
            weight,
            origin: Origin::COLUMNS.map(|column| position(column).ok()),
            attributes: study
                .attribute
                .iter()
                .map(|a| Ok((position(&a.id)?, a.clone())))
                .collect::<Result<_>>()?,
            given: stimuli
                .given
                .iter()
                .map(|(m, column)| Ok((position(column)?, m.clone())))
                .collect::<Result<_>>()?,
        })
    }
}

fn table(study: &mut Study, stimuli: &Stimuli, text: &str) -> Result<()> {
    let mut csv = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let header = csv.headers().map_err(|e| Error::new(e.to_string()))?.clone();
    let columns = Columns::new(study, stimuli, &header)?;
    let mut record = csv::StringRecord::new();
    while csv.read_record(&mut record).map_err(|e| Error::new(e.to_string()))? {
        let line = record.position().map_or(0, |p| record_line(text.as_bytes(), p.byte(), p.line()));
        row(study, stimuli, &columns, &record).map_err(|what| Error::new(format!("line {line}: {what}")))?;
    }
    Ok(())
}

fn row(
    study: &mut Study,
    stimuli: &Stimuli,
    columns: &Columns,
    record: &csv::StringRecord,
) -> std::result::Result<(), String> {
    let cell = |at: usize| record.get(at).unwrap_or("");
    let item = cell(columns.id).to_owned();
    if item.is_empty() {
        return Err(format!("column {} is empty: each item needs an id", stimuli.id));
    }
    if study.item.iter().all(|i| i.id != item) {
        let words = columns.label.map(cell).filter(|l| !l.is_empty()).unwrap_or(&item).to_owned();
        let set = columns.set.map(cell).unwrap_or_default().to_owned();
        study.item.push(Item { id: item.clone(), label: words, set });
    }
    for (at, attribute) in &columns.attributes {
        let text = cell(*at);
        if attribute.kind == AttributeKind::Number && stimuli.missing.iter().any(|m| m == text) {
            continue;
        }
        let value = attribute_value(attribute, text)?;
        if study.sheet.attributes.insert((item.clone(), attribute.id.clone()), value).is_some() {
            return Err(format!("item {item} is on an earlier line, too"));
        }
    }
    for (at, measure) in &columns.given {
        if stimuli.missing.iter().any(|m| m == cell(*at)) {
            continue;
        }
        let steps = study.steps_of(measure, cell(*at))?;
        study.sheet.given.insert((item.clone(), measure.clone()), steps);
    }
    if let Some(text) = columns.weight.map(cell).filter(|text| !text.is_empty()) {
        let weight = text.parse::<f64>().ok().filter(|w| w.is_finite() && *w > 0.0);
        let weight = weight.ok_or_else(|| {
            format!("the weight of item {item} is \"{text}\": it must be a positive number")
        })?;
        study.sheet.weights.insert(item.clone(), weight);
    }
    let named = |name: &str| {
        Origin::COLUMNS.iter().position(|c| *c == name).and_then(|at| columns.origin[at]).map(cell)
    };
    if let Some(origin) = Origin::of(named).map_err(|e| e.to_string())? {
        study.sheet.origins.insert(item, origin);
    }
    Ok(())
}

fn attribute_value(attribute: &Attribute, text: &str) -> std::result::Result<Value, String> {
    if attribute.kind != AttributeKind::Number {
        return Ok(Value::Text(text.to_owned()));
    }
    let id = &attribute.id;
    let value = millionths(text).ok_or_else(|| {
        format!("{id} is \"{text}\", which is no number; a text for a value that there is not belongs into missing")
    })?;
    let step = millionths(&attribute.step).filter(|s| *s > 0).unwrap_or(1);
    if value % step != 0 {
        return Err(format!("{id} is {text}, which is no multiple of its step {}", attribute.step));
    }
    Ok(Value::Number(value))
}
