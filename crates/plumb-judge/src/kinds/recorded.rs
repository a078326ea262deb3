//! Kind `recorded`: a label or a number that came with a recorded answer, by people or by another tool.
//!
//! Why: what people said stands beside what rules say, in one journal, and `agreement` and `correlation` compare
//! them.

use std::sync::Arc;

use plumb_study::judge::{Case, Judge, Rule};
use plumb_study::plan::{JudgeSpec, Scale};
use plumb_study::{Fields, FrozenJudge, Inputs, JudgeKind, Registry, Result, Verdict, Verdicts};
use serde::{Deserialize, Serialize};

use super::{abstained, keep, measure, scale_of, short};

/// Keys: `column` (one of the reader's `labels`), and one of `map = { "value in the file" = "label", … }` and
/// `number = true` (the value is a number, such as a rating). A value that the map does not have, or that is no number,
/// is an abstention that shows it. `reasoning` is not read: nothing is judged anew.
pub(super) struct RecordedKind;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    column: String,
    /// Pairs, because their order is the order of the labels; empty for numbers.
    map: Vec<(String, String)>,
    /// Absent in plans that were frozen before there were numbers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    number: bool,
}

impl Settings {
    /// The labels in the order in which the map first has them.
    fn labels(&self) -> Vec<String> {
        let mut labels: Vec<String> = Vec::new();
        for (_, label) in &self.map {
            if !labels.contains(label) {
                labels.push(label.clone());
            }
        }
        labels
    }
}

fn take_map(fields: &mut Fields, number: bool) -> Result<Vec<(String, String)>> {
    let table = match fields.value("map") {
        Some(_) if number => return Err(fields.error("`map` makes labels and `number` numbers; take one")),
        None if number => return Ok(Vec::new()),
        Some(toml::Value::Table(table)) if !table.is_empty() => table,
        Some(other) => {
            return Err(
                fields.error(format!("`map` must be a table of texts that is not empty, found {other}"))
            );
        }
        None => {
            return Err(fields
                .error("`map` is missing (which value in the file is which label)")
                .help("map = { \"1\" = \"yes\", \"0\" = \"no\" }, or number = true for ratings"));
        }
    };
    table
        .into_iter()
        .map(|(value, label)| match label {
            toml::Value::String(label) if !label.is_empty() => Ok((value, label)),
            other => Err(fields.error(format!("`map` of \"{value}\" must be a label, found {other}"))),
        })
        .collect()
}

impl JudgeKind for RecordedKind {
    fn freeze(&self, fields: &mut Fields, _registry: &Registry, _inputs: &dyn Inputs) -> Result<FrozenJudge> {
        let column = fields.need_text("column")?;
        let number = fields.flag("number")?.unwrap_or(false);
        let settings = Settings { column, map: take_map(fields, number)?, number };
        let labels = settings.labels();
        if labels.len() > usize::from(u8::MAX) {
            return Err(fields.error(format!("{} labels are more than a measure can have", labels.len())));
        }
        Ok(FrozenJudge {
            settings: keep(fields, &settings)?,
            measures: vec![if number {
                measure("value", Scale::Real)
            } else {
                measure("label", scale_of(&labels))
            }],
            needs: Vec::new(),
            model: None,
        })
    }

    fn open(&self, spec: &JudgeSpec) -> Result<Arc<dyn Judge>> {
        let settings: Settings = spec.settings_as()?;
        let scale = scale_of(&settings.labels());
        Ok(Arc::new(Opened { settings, scale }))
    }
}

struct Opened {
    settings: Settings,
    scale: Scale,
}

impl Rule for Opened {
    fn decide(&self, case: &Case) -> Verdicts {
        let (subject, rep) = (case.trial.subject, case.trial.rep);
        let Some(recorded) = case.item.recorded.iter().find(|r| r.subject == subject && r.rep == rep) else {
            return Verdicts::of(vec![abstained("nothing was recorded for this trial")]);
        };
        let column = &self.settings.column;
        Verdicts::of(vec![match recorded.labels.get(column.as_str()) {
            None => abstained(format!("no label \"{column}\" was recorded")),
            Some(value) if self.settings.number => match value.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => Verdict::Scored(number),
                _ => abstained(format!("\"{}\" is no number", short(value, 200))),
            },
            Some(value) => match self.settings.map.iter().find(|(known, _)| **known == **value) {
                None => abstained(format!("\"{}\" is not in the map", short(value, 200))),
                Some((_, label)) => match self.scale.label(label) {
                    Some(label) => Verdict::Labelled(label),
                    None => Verdict::Failed(format!("\"{label}\" is no label of this judge").into()),
                },
            },
        }])
    }
}
