//! An overview of many cells: one row a level of the first factor, one column a level of the second.
//!
//! Twelve subjects by thirteen hazards are 156 whiskers; a reader first wants to see where to look. Intervals
//! are left to the table below it, and the page says so.

use super::shown::Text;
use crate::number;
use crate::panel::Panel;
use plumb_study::method::{Unit, Value};
use std::sync::Arc;

/// Fewest levels of either factor for which an overview tells more than the rows.
const FEWEST: usize = 3;

/// Values by two factors.
pub(super) struct Matrix {
    pub(super) corner: Text,
    pub(super) columns: Vec<Text>,
    pub(super) rows: Vec<MatrixRow>,
}

/// Values of one level of the first factor.
pub(super) struct MatrixRow {
    pub(super) level: Text,
    pub(super) cells: Vec<MatrixCell>,
}

/// A value, and how dark its ground is: tenths of the whole for shares, 0 for anything else.
pub(super) struct MatrixCell {
    pub(super) text: String,
    pub(super) shade: u8,
}

/// The overview of a panel that is grouped and has two factors with enough levels.
pub(super) fn matrix(panel: &Panel) -> Option<Matrix> {
    let [first, second] = panel.factors.as_slice() else { return None };
    let mut columns: Vec<&Arc<str>> = Vec::new();
    for level in panel.rows().filter_map(|r| r.levels.first()) {
        if !columns.contains(&level) {
            columns.push(level);
        }
    }
    let grouped = panel.groups.iter().all(|g| g.level.is_some());
    if !grouped || panel.groups.len() < FEWEST || columns.len() < FEWEST {
        return None;
    }
    let rows = panel.groups.iter().map(|group| MatrixRow {
        level: Text::of(group.level.as_deref().unwrap_or("")),
        cells: columns
            .iter()
            .map(|column| {
                let row = group.rows.iter().find(|r| r.levels.first() == Some(column));
                row.map_or(MatrixCell { text: String::new(), shade: 0 }, |r| cell(&r.finding.value, panel))
            })
            .collect(),
    });
    Some(Matrix {
        corner: Text::of(&format!("{first} \\ {second}")),
        rows: rows.collect(),
        columns: columns.iter().map(|c| Text::of(c)).collect(),
    })
}

fn cell(value: &Value, panel: &Panel) -> MatrixCell {
    let Some(estimate) = value.estimate() else { return MatrixCell { text: "—".into(), shade: 0 } };
    // Coarse on purpose where the scale is: an overview says where to look.
    let coarse = panel.axis.ticks.last().is_some_and(|top| *top >= 40.0);
    let decimals = match panel.unit {
        Unit::Number => panel.decimals,
        Unit::Share | Unit::Points => panel.decimals.min(usize::from(!coarse)),
    };
    let shade = match panel.unit {
        Unit::Share => (estimate * 10.0).round().clamp(0.0, 10.0) as u8,
        Unit::Points | Unit::Number => 0,
    };
    MatrixCell { text: number::fixed(estimate * number::scale(panel.unit), decimals), shade }
}
