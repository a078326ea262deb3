//! Ratings that are yes and no: metrics as judges of yes and no, by the same validation that any judge gets.

use plumb_stats::BinaryMeasure;
use plumb_study::document::{Cell, Table};
use plumb_study::method::{Unit, Value};
use plumb_study::{Document, Result};

use super::study::{Study, value_of, wrong};
use crate::validation::{JudgedRow, LabelledBy, Validation, Vote, Wanted, validate};

const SHOWN: [BinaryMeasure; 6] = [
    BinaryMeasure::Accuracy,
    BinaryMeasure::Precision,
    BinaryMeasure::NegativePredictive,
    BinaryMeasure::Recall,
    BinaryMeasure::Specificity,
    BinaryMeasure::Youden,
];

pub(super) fn write(document: &mut Document, study: &Study<'_>) -> Result<()> {
    if study.levels.iter().any(|level| *level != 0.0 && *level != 1.0) {
        return Ok(());
    }
    let made_by = if study.settings.made_by.is_some() { LabelledBy::Model } else { LabelledBy::People };
    let wanted = Wanted {
        labelled_by: made_by,
        by_verdict: false,
        draws: study.settings.draws,
        level: study.settings.level,
        among: None,
    };
    let section = document.section(format!("As judges of yes and no: {}", study.construct));
    let mut names = vec!["metric", "#outputs"];
    let shown = SHOWN.map(|of| format!("#{}", of.name()));
    names.extend(shown.iter().map(String::as_str));
    names.push("may vote");
    let mut verdicts = Table::new("Verdicts against the majority of each output's ratings", &names);
    let mut scores = Table::new("Scores", &["metric", "#outputs", "#area under the ROC curve"]);
    let mut tied = 0;
    for (at, metric) in study.metrics.iter().enumerate() {
        let (rows, ties) = rows(study, at);
        tied = ties;
        let found = validate(&rows, wanted).map_err(wrong)?;
        match metric.binary {
            true => {
                let own = [Cell::text(metric.name.clone()), Cell::Count(found.counts.total())];
                let measures = SHOWN.iter().map(|of| measure(&found, *of, study.settings.level.get()));
                let vote = match found.vote() {
                    Vote::May(_) => Cell::text("yes"),
                    Vote::MayNot(why) => Cell::text(format!("no: {why}")),
                };
                verdicts.row(own.into_iter().chain(measures).chain([vote]));
            }
            false => {
                let area = match &found.auroc {
                    Some(Ok(roc)) => match roc.interval(study.settings.level) {
                        Ok(i) => Value::Interval {
                            estimate: roc.area,
                            low: i.low,
                            high: i.high,
                            level: i.level.get(),
                        },
                        Err(reason) => Value::Point { estimate: roc.area, reason: reason.to_string().into() },
                    },
                    Some(Err(reason)) => Value::Undefined(reason.to_string().into()),
                    None => Value::Undefined("no scores".into()),
                };
                let n = Cell::Count(rows.len() as u64);
                scores.row([Cell::text(metric.name.clone()), n, Cell::Value(area, Unit::Number)]);
            }
        }
    }
    for table in [verdicts, scores] {
        if !table.rows.is_empty() {
            section.table(table);
        }
    }
    let (raters, _) = rows(study, 0);
    if let Some(alpha) = validate(&raters, wanted).map_err(wrong)?.raters_alpha
        && let Value::Interval { estimate, low, high, .. } = value_of(&alpha, study.settings.level)
    {
        section.prose(format!("Krippendorff's alpha among the raters: {estimate:.2} [{low:.2}, {high:.2}]."));
    }
    if tied > 0 {
        section.prose(format!("{tied} outputs with as many yes as no are left out here."));
    }
    section.note("Intervals over problems, labels as given. The same measures as `plumb safety validate`.");
    Ok(())
}

/// Outputs as the validation takes them, and how many have no majority.
fn rows(study: &Study<'_>, metric: usize) -> (Vec<JudgedRow>, usize) {
    let metric = &study.metrics[metric];
    let mut tied = 0;
    let mut rows = Vec::new();
    for (at, (row, ratings)) in study.rows.iter().zip(&study.ratings).enumerate() {
        let yes = ratings.iter().filter(|(_, value)| *value == 1.0).count();
        if yes * 2 == ratings.len() {
            tied += 1;
            continue;
        }
        rows.push(JudgedRow {
            cluster: study.outputs.rows[*row].problem,
            verdict: metric.binary.then(|| metric.values[at] == 1.0),
            truth: yes * 2 > ratings.len(),
            score: (!metric.binary).then(|| metric.values[at]),
            raters: ratings.iter().map(|(_, value)| *value == 1.0).collect(),
        });
    }
    (rows, tied)
}

fn measure(found: &Validation, of: BinaryMeasure, level: f64) -> Cell {
    let Some(measured) = found.measure(of) else { return Cell::Empty };
    let unit = if of == BinaryMeasure::Youden { Unit::Number } else { Unit::Share };
    let value = match (measured.estimate, measured.interval) {
        (Ok(estimate), Ok(i)) => Value::Interval { estimate, low: i.low, high: i.high, level },
        (Ok(estimate), Err(reason)) => Value::Point { estimate, reason: reason.to_string().into() },
        (Err(reason), _) => Value::Undefined(reason.to_string().into()),
    };
    Cell::Value(value, unit)
}
