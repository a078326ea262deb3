//! Models that people can be shown, made from data: `plumb human fit`.
//!
//! Least squares on some features, coefficients rounded to few digits, the constant fitted again to what they leave. A second
//! model with more features keeps the first ones' coefficients and fits the others to what is left, so that both say nearly
//! the same of each stimulus; stimuli on which their rounded predictions differ are left out. So people can be given the
//! "same" model with more to read. Start at [`fit`].

use std::fmt::Write as _;

use plumb_stats::model::{Coding, Formula, LinearFit, LinearModel, Table};
use plumb_study::document::{Cell, Document, Table as Shown};
use plumb_study::written::record_line;

use crate::error::{Error, Result};
use crate::quantity::{ONE, decimals, grouped, millionths, nearest, written};

/// What is to be fitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// The column to predict, in whole units.
    pub target: String,
    /// Columns of the first model.
    pub features: Vec<String>,
    /// Further columns of the second; no second model where there are none.
    pub more: Vec<String>,
    /// Significant digits of coefficients.
    pub digits: u32,
    /// Predictions are multiples of this many units.
    pub step: i64,
    /// Written before amounts.
    pub prefix: String,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// How well each model predicts, and what was left out.
    pub document: Document,
    /// Stimuli on which all models agree, as CSV.
    pub stimuli: Vec<u8>,
    /// Tables for a study file: attributes and models.
    pub tables: String,
}

/// A column of the data, exactly.
struct Column {
    name: String,
    /// In millionths.
    values: Vec<i64>,
    /// The coarsest power of ten that all are multiples of, in millionths.
    step: i64,
}

struct Rounded {
    id: String,
    base: i64,
    /// (position among the columns, for each one of it).
    times: Vec<(usize, i64)>,
}

/// Fits models to a CSV file with one row a stimulus.
///
/// # Errors
/// A column is missing or no decimal number (with its line), or a feature depends on the others.
pub fn fit(csv: &[u8], how: &Fit) -> Result<Fitted> {
    let names: Vec<&String> = how.features.iter().chain(&how.more).collect();
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) || **name == how.target {
            return Err(Error::new(format!(
                "column {name} is named twice: target and features are different columns"
            )));
        }
    }
    let columns = columns(csv, how)?;
    let (target, features) = columns.split_last().ok_or_else(|| Error::new("there is no column"))?;
    let first = rounded("small", features, target, &(0..how.features.len()).collect::<Vec<_>>(), None, how)?;
    let mut models = vec![first];
    if !how.more.is_empty() {
        let all: Vec<usize> = (how.features.len()..features.len()).collect();
        let second = rounded("large", features, target, &all, models.first(), how)?;
        models.push(second);
    }
    let rows = target.values.len();
    let said = |row: usize| models[0].steps(features, row, how.step);
    if rows > 1 && (1..rows).all(|row| said(row) == said(0)) {
        return Err(Error::new(format!(
            "in steps of {} the model predicts the same of all {rows} stimuli: take a smaller step, or features that \
             tell them apart",
            grouped(how.step)
        )));
    }
    let agree: Vec<usize> = (0..rows)
        .filter(|row| {
            models
                .iter()
                .all(|m| m.steps(features, *row, how.step) == models[0].steps(features, *row, how.step))
        })
        .collect();
    Ok(Fitted {
        document: document(how, features, target, &models, agree.len()),
        stimuli: stimuli(how, &columns, &agree)?,
        tables: tables(how, features, target, &models),
    })
}

impl Rounded {
    /// The sum in millionths.
    fn sum(&self, features: &[Column], row: usize) -> i128 {
        let terms =
            self.times.iter().map(|(at, times)| i128::from(*times) * i128::from(features[*at].values[row]));
        terms.sum::<i128>() + i128::from(self.base) * i128::from(ONE)
    }

    fn steps(&self, features: &[Column], row: usize, step: i64) -> i128 {
        nearest(self.sum(features, row), i128::from(step) * i128::from(ONE))
    }
}

/// Features in their order, then the target.
fn columns(csv: &[u8], how: &Fit) -> Result<Vec<Column>> {
    let mut reader = csv::ReaderBuilder::new().from_reader(csv);
    let header = reader.headers().map_err(|e| Error::new(e.to_string()))?.clone();
    let names: Vec<&String> = how.features.iter().chain(&how.more).chain([&how.target]).collect();
    let positions: Vec<usize> = names
        .iter()
        .map(|name| {
            header.iter().position(|h| h == *name).ok_or_else(|| {
                let there: Vec<&str> = header.iter().collect();
                Error::new(format!("there is no column {name}; there are {}", there.join(", ")))
            })
        })
        .collect::<Result<_>>()?;
    let mut columns: Vec<Column> =
        names.iter().map(|n| Column { name: (*n).clone(), values: Vec::new(), step: ONE }).collect();
    for record in reader.records() {
        let record = record.map_err(|e| Error::new(e.to_string()))?;
        let line = record.position().map_or(0, |p| record_line(csv, p.byte(), p.line()));
        for (column, at) in columns.iter_mut().zip(&positions) {
            let text = record.get(*at).unwrap_or("").trim();
            let value = millionths(text).ok_or_else(|| {
                Error::new(format!("line {line}: {} is \"{text}\", which is no decimal number", column.name))
            })?;
            while column.step > 1 && value % column.step != 0 {
                column.step /= 10;
            }
            column.values.push(value);
        }
    }
    Ok(columns)
}

/// Coefficients of some features, fitted to the target or to what another model leaves of it, and rounded.
fn rounded(
    id: &str,
    features: &[Column],
    target: &Column,
    own: &[usize],
    after: Option<&Rounded>,
    how: &Fit,
) -> Result<Rounded> {
    let rows = target.values.len();
    let one = f64::from(ONE as i32);
    let left = |row: usize| {
        let known = after.map_or(0, |m| m.sum(features, row));
        (i128::from(target.values[row]) - known) as f64 / one
    };
    let mut table = Table::new(rows).numeric("y", (0..rows).map(left).collect())?;
    let mut terms = Vec::new();
    for at in own {
        let name = format!("x{at}");
        table = table.numeric(&name, features[*at].values.iter().map(|v| *v as f64 / one).collect())?;
        terms.push(name);
    }
    let model =
        LinearModel::fit(&table, &Formula::parse(&format!("y ~ {}", terms.join(" + ")))?, Coding::Treatment)?;
    let mut times = after.map_or_else(Vec::new, |m| m.times.clone());
    for ((name, tested), at) in model.coefficients().iter().skip(1).zip(own) {
        let tested = tested.as_ref().map_err(|_| {
            Error::new(format!("feature {} ({name}) depends on the others: leave it out", features[*at].name))
        })?;
        times.push((*at, significant(tested.estimate, how.digits)));
    }
    let mut found = Rounded { id: id.to_owned(), base: 0, times };
    let mean = (0..rows).map(|r| i128::from(target.values[r]) - found.sum(features, r)).sum::<i128>() as f64
        / one
        / rows.max(1) as f64;
    found.base = significant(mean, how.digits);
    Ok(found)
}

/// A number with so many significant digits, as a whole number.
fn significant(x: f64, digits: u32) -> i64 {
    if x == 0.0 || !x.is_finite() {
        return 0;
    }
    let power = (x.abs().log10().floor() as i32 + 1 - digits as i32).max(0);
    let unit = 10_f64.powi(power);
    ((x / unit).round() * unit) as i64
}

fn document(how: &Fit, features: &[Column], target: &Column, models: &[Rounded], agree: usize) -> Document {
    let rows = target.values.len();
    let mut document =
        Document::new("Models for people", format!("{} by {}", how.target, how.features.join(", ")));
    document.fact("stimuli", rows.to_string());
    document.fact("kept", agree.to_string());
    let section = document.section("Models");
    let mut table = Shown::new("", &["model", "formula", "#R²", "#mean error"]);
    for model in models {
        let terms: Vec<String> = model
            .times
            .iter()
            .map(|(at, times)| format!("{} × {}", grouped(*times), features[*at].name))
            .collect();
        let (r2, error) = quality(model, features, target);
        table.row([
            Cell::text(model.id.clone()),
            Cell::text(format!("{} + {}", terms.join(" + "), grouped(model.base)).replace("+ −", "− ")),
            Cell::Number(r2, 4),
            Cell::text(format!("{}{}", how.prefix, grouped(error.round() as i64))),
        ]);
    }
    table.note("R² and the mean absolute error are those of the rounded coefficients on all stimuli.");
    section.table(table);
    if models.len() > 1 {
        section.prose(format!(
            "The models predict the same multiple of {} for {agree} of {rows} stimuli; the others are left out.",
            grouped(how.step)
        ));
    }
    document
}

fn quality(model: &Rounded, features: &[Column], target: &Column) -> (f64, f64) {
    let rows = target.values.len().max(1) as f64;
    let one = ONE as f64;
    let mean = target.values.iter().map(|v| *v as f64).sum::<f64>() / rows / one;
    let (mut squares, mut all, mut absolute) = (0.0, 0.0, 0.0);
    for (row, value) in target.values.iter().enumerate() {
        let y = *value as f64 / one;
        let error = y - model.sum(features, row) as f64 / one;
        squares += error * error;
        all += (y - mean) * (y - mean);
        absolute += error.abs();
    }
    (1.0 - squares / all, absolute / rows)
}

fn stimuli(how: &Fit, columns: &[Column], agree: &[usize]) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let failed = |e: csv::Error| Error::new(e.to_string());
    let mut head = vec!["id".to_owned(), "label".to_owned(), "set".to_owned()];
    head.extend(columns.iter().map(|c| c.name.clone()));
    csv.write_record(&head).map_err(failed)?;
    for row in agree {
        let mut record = vec![row.to_string(), format!("stimulus {}", row + 1), "main".to_owned()];
        record.extend(columns.iter().map(|c| written(c.values[*row], decimals(c.step))));
        csv.write_record(&record).map_err(failed)?;
    }
    csv.into_inner().map_err(|e| Error::new(format!("{}: {e}", how.target)))
}

/// Attributes, stimuli and models as a study file has them.
fn tables(how: &Fit, features: &[Column], target: &Column, models: &[Rounded]) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut out = String::from(
        "# Fitted by `plumb human fit`: coefficients are rounded, and all models agree on the stimuli.\n",
    );
    let _infallible = write!(
        out,
        "\n[stimuli]\nfile = \"stimuli.csv\"\n\n[unit.{}]\nstep = \"{}\"\nshown = {:.1}\nlabel = {}\n",
        slug(&how.target),
        how.step,
        how.step as f64,
        quoted(&target.name)
    );
    let _infallible = write!(
        out,
        "\n[[measure]]\nid = \"model\"\nlabel = \"the model's prediction\"\nunit = {}\n",
        quoted(&slug(&how.target))
    );
    for column in features {
        let _infallible = write!(
            out,
            "\n[[attribute]]\nid = {}\nlabel = {}\nstep = \"{}\"\n",
            quoted(&column.name),
            quoted(&column.name.replace('_', " ")),
            written(column.step, decimals(column.step)),
        );
    }
    for model in models {
        let _infallible = write!(
            out,
            "\n[[model]]\nid = \"{}\"\nlabel = \"The model\"\npredicts = \"model\"\n\n[model.form]\nkind = \"linear\"\nbase = {}\nper_step = {}\nprefix = {}\nterms = [\n",
            model.id,
            model.base,
            how.step,
            quoted(&how.prefix),
        );
        for (at, times) in &model.times {
            let _infallible =
                writeln!(out, "  {{ attribute = {}, times = {times} }},", quoted(&features[*at].name));
        }
        out.push_str("]\n");
    }
    out
}

fn slug(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
