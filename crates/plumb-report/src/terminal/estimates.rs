//! One analysis as a table, with whiskers where the terminal is wide enough.

use super::Screen;
use super::paint::Paint;
use super::table::{Align, Cell, Table};
use super::whisker::{drawn, scale};
use crate::panel::{self, Panel, Row};
use crate::{number, words};
use plumb_study::method::Value;
use plumb_study::{Estimate, Results, Status};

/// More rows than this are left to the page and the file.
const MOST_ROWS: usize = 40;

pub(super) fn estimate(screen: &mut Screen, results: &Results, estimate: &Estimate) {
    screen.heading(&format!("{} ({})", estimate.title(), estimate.status.name()));
    if let Some(analysis) = results.plan.analyses.iter().find(|a| a.id == estimate.analysis) {
        screen.note(&words::analysis(analysis));
    }
    match estimate.status {
        Status::Partial => screen.note("Some trials are not asked or judged yet: these numbers will change."),
        Status::Exploratory => screen.note("Added after data were there: exploratory."),
        Status::Confirmatory => {}
    }
    let panels = panel::panels(&estimate.findings);
    if panels.is_empty() {
        screen.note("No findings.");
    }
    for panel in &panels {
        show(screen, panel);
    }
}

fn show(screen: &mut Screen, panel: &Panel) {
    screen.note(&format!("{}:", panel.title));
    let mut columns: Vec<(String, Align)> =
        panel.row_factors().iter().map(|f| (f.to_string(), Align::Left)).collect();
    columns.push(("estimate".into(), Align::Right));
    columns.push(("interval".into(), Align::Whole));
    columns.push((scale(&panel.axis, panel.unit), Align::Drawing));
    columns.push(("n".into(), Align::Right));
    columns.push(("clusters".into(), Align::Right));
    columns.push(("missing".into(), Align::Right));
    let mut table = Table::new(columns);
    let mut left = MOST_ROWS;
    for group in &panel.groups {
        if let (Some(level), Some(factor), true) = (&group.level, panel.factors.first(), left > 0) {
            table.heading(Cell::new(&format!("{factor} {level}"), Paint::Bold));
        }
        for row in group.rows.iter().take(left) {
            table.row(cells(panel, row));
        }
        left = left.saturating_sub(group.rows.len());
    }
    screen.table(&table);
    let rows = panel.rows().count();
    if rows > MOST_ROWS {
        screen.note(&format!("… and {} more rows in report.html and report.json", rows - MOST_ROWS));
    }
    let missing = panel::missing_of(panel.rows().map(|r| r.finding));
    if !missing.is_empty() {
        screen.note(&format!("Missing: {missing}."));
    }
    for (at, note) in panel.notes.iter().enumerate() {
        screen.note(&format!("{}) {note}", at + 1));
    }
}

fn cells(panel: &Panel, row: &Row) -> Vec<Cell> {
    let missing = panel::total_missing(row.finding);
    let mut cells: Vec<Cell> = row.levels.iter().map(|l| Cell::new(l, Paint::Plain)).collect();
    cells.extend(value(panel, row));
    cells.push(Cell::new(&drawn(&panel.axis, panel.unit, &row.finding.value), Paint::Plain));
    cells.push(Cell::new(&number::count(row.finding.n), Paint::Plain));
    cells.push(Cell::new(&number::count(row.finding.clusters), Paint::Dim));
    cells.push(Cell::new(&if missing > 0 { number::count(missing) } else { String::new() }, Paint::Warn));
    cells
}

/// Estimate and interval, with the numbers of the row's notes.
fn value(panel: &Panel, row: &Row) -> [Cell; 2] {
    let mut marks = String::new();
    for at in &row.notes {
        marks.push_str(&format!(" {})", at + 1));
    }
    let (estimate, interval) = match &row.finding.value {
        Value::Interval { estimate, low, high, .. } => (
            number::estimate(*estimate, panel.unit, panel.decimals),
            number::interval(*low, *high, panel.unit, panel.decimals),
        ),
        Value::Point { estimate, .. } => {
            (number::estimate(*estimate, panel.unit, panel.decimals), "none".into())
        }
        Value::Undefined(_) => ("—".into(), "undefined".into()),
    };
    [Cell::new(&estimate, Paint::Bold), Cell::new(&format!("{interval}{marks}"), Paint::Plain)]
}
