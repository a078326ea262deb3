//! Estimates as tables whose rows carry a dot and a whisker.
//!
//! Chart and table are one thing: labels wrap and turn right-to-left as HTML does, 156 rows stay readable, and
//! the numbers beside each mark are its text equivalent. Positions are in percent, so marks stretch with the
//! column while dots stay round.

use super::matrix::{self, Matrix};
use super::shown::Text;
use crate::axis::Axis;
use crate::panel::{self, Panel};
use crate::{number, words};
use plumb_study::method::{Finding, Unit, Value};
use plumb_study::{Estimate, Plan};

/// One analysis.
pub(crate) struct EstimateView {
    pub(crate) id: Text,
    pub(crate) about: Text,
    pub(crate) made_by: Text,
    pub(crate) panels: Vec<PanelView>,
}

/// One kind of number.
pub(crate) struct PanelView {
    pub(crate) title: Text,
    pub(crate) factors: Vec<Text>,
    pub(crate) group_factor: Option<Text>,
    pub(crate) scale: Scale,
    pub(crate) groups: Vec<GroupView>,
    pub(crate) notes: Vec<NoteView>,
    pub(crate) matrix: Option<Matrix>,
    pub(crate) any_missing: bool,
    pub(crate) percent: bool,
}

/// Rows that share the first factor's level, or all.
pub(crate) struct GroupView {
    pub(crate) level: Option<Text>,
    pub(crate) rows: Vec<RowView>,
}

/// One finding.
pub(crate) struct RowView {
    pub(crate) levels: Vec<LevelView>,
    pub(crate) mark: Mark,
    pub(crate) estimate: String,
    pub(crate) interval: String,
    pub(crate) notes: Vec<usize>,
    pub(crate) n: String,
    pub(crate) clusters: String,
    pub(crate) missing: String,
}

/// A level in a row's head.
pub(crate) struct LevelView {
    pub(crate) name: Text,
    /// The same as in the row above: shown fainter.
    pub(crate) repeated: bool,
}

/// A numbered note under a table.
pub(crate) struct NoteView {
    pub(crate) number: usize,
    pub(crate) text: Text,
}

/// The axis as it is drawn.
pub(crate) struct Scale {
    pub(crate) ticks: Vec<Tick>,
    pub(crate) zero: Option<String>,
    pub(crate) label: String,
}

/// A label of the axis.
pub(crate) struct Tick {
    pub(crate) x: String,
    pub(crate) text: String,
}

/// A dot and its whisker; positions in percent.
pub(crate) struct Mark {
    pub(crate) dot: Option<String>,
    pub(crate) whisker: Option<Whisker>,
    /// The interval that a decision rule looks at, drawn thicker.
    pub(crate) inner: Option<Span>,
    /// Bounds that a hypothesis states, drawn as a ground.
    pub(crate) band: Option<Span>,
    /// Stretches of the row's own, with their classes.
    pub(crate) bands: Vec<(Span, &'static str)>,
    /// What a person who does not see it is told.
    pub(crate) said: Text,
}

/// A stretch of the axis.
pub(crate) struct Span {
    pub(crate) low: String,
    pub(crate) high: String,
    pub(crate) width: String,
}

/// An interval; `*_beyond` is true where it goes on outside the axis.
pub(crate) struct Whisker {
    pub(crate) low: String,
    pub(crate) high: String,
    pub(crate) low_beyond: bool,
    pub(crate) high_beyond: bool,
}

pub(crate) fn estimate(plan: &Plan, estimate: &Estimate) -> EstimateView {
    let about = plan.analyses.iter().find(|a| a.id == estimate.analysis).map(words::analysis);
    let made_by = panel::methods(estimate.findings.iter()).join("; or ");
    EstimateView {
        id: Text::of(&estimate.title()),
        about: Text::of(&about.unwrap_or_else(|| format!("method {}", estimate.method))),
        made_by: Text::of(&made_by),
        panels: panel::panels(&estimate.findings).iter().map(panel_view).collect(),
    }
}

fn panel_view(panel: &Panel) -> PanelView {
    let grouped = panel.groups.iter().any(|g| g.level.is_some());
    PanelView {
        title: Text::of(&panel.title),
        factors: panel.row_factors().iter().map(|f| Text::of(f)).collect(),
        group_factor: panel.factors.first().filter(|_| grouped).map(|f| Text::of(f)),
        scale: scale(&panel.axis, panel.unit),
        groups: panel
            .groups
            .iter()
            .map(|g| GroupView { level: g.level.as_deref().map(Text::of), rows: rows(panel, g) })
            .collect(),
        notes: panel
            .notes
            .iter()
            .enumerate()
            .map(|(at, note)| NoteView { number: at + 1, text: Text::of(note) })
            .collect(),
        matrix: matrix::matrix(panel),
        percent: panel.unit != Unit::Number,
        any_missing: panel.rows().any(|r| !panel::missing(r.finding).is_empty()),
    }
}

fn rows(panel: &Panel, group: &panel::Group) -> Vec<RowView> {
    let mut above: Option<&[std::sync::Arc<str>]> = None;
    let mut rows = Vec::with_capacity(group.rows.len());
    for row in &group.rows {
        // A level repeats the one above only if all levels before it do.
        let shared = above.map_or(0, |a| a.iter().zip(&row.levels).take_while(|(a, b)| a == b).count());
        let last = row.levels.len().saturating_sub(1);
        let levels = row
            .levels
            .iter()
            .enumerate()
            .map(|(at, l)| LevelView { name: Text::of(l), repeated: at < shared && at < last })
            .collect();
        let mark = mark(&panel.axis, row.finding, panel.unit, panel.decimals, &row.levels.join(", "));
        let (estimate, interval) = value(&row.finding.value, panel.unit, panel.decimals);
        rows.push(RowView {
            levels,
            mark,
            estimate,
            interval,
            notes: row.notes.iter().map(|at| at + 1).collect(),
            n: number::count(row.finding.n),
            clusters: number::count(row.finding.clusters),
            missing: panel::missing(row.finding),
        });
        above = Some(&row.levels);
    }
    rows
}

/// Estimate and interval as two pieces of text.
pub(crate) fn value(value: &Value, unit: Unit, decimals: usize) -> (String, String) {
    match value {
        Value::Interval { estimate, low, high, .. } => {
            (number::estimate(*estimate, unit, decimals), number::interval(*low, *high, unit, decimals))
        }
        Value::Point { estimate, .. } => (number::estimate(*estimate, unit, decimals), "no interval".into()),
        Value::Undefined(_) => ("—".into(), "undefined".into()),
    }
}

/// The mark of a finding on an axis.
pub(super) fn mark(axis: &Axis, finding: &Finding, unit: Unit, decimals: usize, of: &str) -> Mark {
    mark_of(axis, &finding.value, unit, decimals, of)
}

/// The mark of a value on an axis.
pub(crate) fn mark_of(axis: &Axis, value: &Value, unit: Unit, decimals: usize, of: &str) -> Mark {
    let shown = number::scale(unit);
    let percent = |x: f64| position(axis.place(x * shown).at);
    let whisker = match value {
        Value::Interval { low, high, .. } => Some(Whisker {
            low: percent(*low),
            high: percent(*high),
            low_beyond: axis.place(low * shown).beyond,
            high_beyond: axis.place(high * shown).beyond,
        }),
        _ => None,
    };
    let level = match value {
        Value::Interval { level, .. } => format!(", {} interval", number::level(*level)),
        _ => String::new(),
    };
    let of = if of.is_empty() { "all" } else { of };
    let said = format!("{of}: {}{level}", number::value(value, unit, decimals));
    let dot = value.estimate().map(percent);
    Mark { dot, whisker, inner: None, band: None, bands: Vec::new(), said: Text::of(&said) }
}

/// A stretch of an axis, in stored units.
pub(crate) fn span(axis: &Axis, low: f64, high: f64, unit: Unit) -> Span {
    let shown = number::scale(unit);
    let (from, to) = (axis.place(low * shown).at, axis.place(high * shown).at);
    Span { low: position(from), high: position(to), width: position((to - from).max(0.0)) }
}

/// The axis of a panel.
pub(crate) fn scale(axis: &Axis, unit: Unit) -> Scale {
    let decimals = axis.decimals();
    let text = |x: f64| number::fixed(x, decimals);
    let suffix = match unit {
        Unit::Share => "percent",
        Unit::Points => "percentage points",
        Unit::Number => "",
    };
    let ends = [axis.ticks.first(), axis.ticks.last()].map(|t| t.map_or(String::new(), |t| text(*t)));
    Scale {
        ticks: axis.ticks.iter().map(|t| Tick { x: position(axis.place(*t).at), text: text(*t) }).collect(),
        zero: axis.zero().map(position),
        label: format!("axis from {} to {} {suffix}", ends[0], ends[1]).trim_end().to_owned(),
    }
}

fn position(at: f64) -> String {
    format!("{:.2}%", at * 100.0)
}
