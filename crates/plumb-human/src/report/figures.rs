//! Charts as the field draws them: means with intervals by condition, panels by item, distributions.

use plumb_study::document::{Dot, Dots, Lines, Series};
use plumb_study::method::{Unit, Value};

use crate::analyse::{AnalysisResult, Group};

fn value(group: &Group) -> Value {
    match (group.mean, group.interval) {
        (Some(estimate), Some((low, high))) => Value::Interval { estimate, low, high, level: 0.95 },
        (Some(estimate), None) => Value::Point { estimate, reason: "no variation".into() },
        (None, _) => Value::Undefined("no values".into()),
    }
}

pub(super) fn means(result: &AnalysisResult, title: &str) -> Dots {
    let rows = result.groups.iter().map(|g| Dot::new(g.condition.clone(), value(g))).collect();
    Dots { title: format!("{title}: means with 95 % intervals"), unit: Unit::Number, rows, band: None }
}

/// One line a condition over the items, numbered in the study's order.
pub(super) fn items(result: &AnalysisResult, title: &str) -> Lines {
    let conditions = result.groups.len();
    let series = (0..conditions)
        .map(|c| Series {
            name: result.groups[c].condition.clone(),
            points: result
                .items
                .iter()
                .enumerate()
                .map(|(at, (_, groups))| ((at + 1) as f64, value(&groups[c])))
                .collect(),
        })
        .collect();
    Lines {
        title: format!("{title} by item"),
        x: "item, in the order of the table".into(),
        y: "mean".into(),
        unit: Unit::Number,
        series,
        diagonal: false,
    }
}

/// Shares of answers over their value, one line a condition.
pub(super) fn distribution(result: &AnalysisResult, title: &str) -> Lines {
    let share = |x: f64| Value::Point { estimate: x, reason: "a count of these data".into() };
    let series = result
        .groups
        .iter()
        .enumerate()
        .map(|(c, group)| Series {
            name: group.condition.clone(),
            points: result.distribution.iter().map(|(middle, shares)| (*middle, share(shares[c]))).collect(),
        })
        .collect();
    Lines {
        title: format!("{title}: distribution of answers"),
        x: "answer, middle of its bin".into(),
        y: "share of the condition's answers".into(),
        unit: Unit::Share,
        series,
        diagonal: false,
    }
}
