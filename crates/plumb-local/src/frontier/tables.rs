//! The tables of the frontier: every setting on every measure, and what changed.

use super::gather::{Gathered, Kind};
use super::report::{Came, named, unit};
use crate::sweep::{Role, Sweep};
use plumb_study::Document;
use plumb_study::document::{Cell, Section, Table, Tone};
use plumb_study::method::Unit;

/// Columns of values in one table: more do not fit beside the names of settings into a terminal of 100 columns.
const COLUMNS: usize = 4;

pub(super) fn frontier(
    document: &mut Document,
    gathered: &Gathered,
    sweep: &Sweep,
    all: &[Vec<Came>],
    dominated: &[bool],
) {
    let refuses = |m: &usize| matches!(sweep.measures[*m].role, Role::Safety | Role::OverRefusal);
    let (refusals, others): (Vec<usize>, Vec<usize>) = (0..sweep.measures.len()).partition(refuses);
    let section = document.section("The frontier");
    let answered = |m: &usize| gathered.rows[*m].iter().any(|row| !row.values.is_empty());
    for (title, measures) in [("Refusals", refusals), ("What it can do", others)] {
        for measures in measures.chunks(COLUMNS).filter(|some| some.iter().any(answered)) {
            section.table(values(title, gathered, sweep, all, dominated, measures));
        }
    }
    section.prose("Faint settings are dominated: another is at least as good in every measure that they were asked, and better in one. A degenerate reply counts neither as a refusal nor as a right answer.");
}

/// Some measures of every setting that was asked their items.
fn values(
    title: &str,
    gathered: &Gathered,
    sweep: &Sweep,
    all: &[Vec<Came>],
    dominated: &[bool],
    measures: &[usize],
) -> Table {
    let mut columns = vec!["setting".to_owned()];
    columns.extend(measures.iter().map(|m| format!("#{}", sweep.measures[*m].id)));
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(format!("{title}, with 95 % intervals"), &columns);
    let answered = |m: usize, at: usize| !gathered.rows[m][at].values.is_empty();
    for (at, arm) in gathered.arms.iter().enumerate() {
        if !measures.iter().any(|m| answered(*m, at)) {
            continue;
        }
        let cells = measures.iter().map(|m| match answered(*m, at) {
            true => Cell::Value(all[at][*m].value.clone(), unit(gathered, *m)),
            false => Cell::Missing("no items".into()),
        });
        table.row(std::iter::once(named(arm, dominated[at])).chain(cells));
    }
    let always = measures.iter().map(|m| match sweep.measures[*m].role {
        Role::Safety | Role::OverRefusal => Cell::Share(1.0, 1),
        Role::Capability if gathered.texts[*m] => Cell::Share(0.0, 1),
        _ => Cell::Missing("cannot refuse".into()),
    });
    table.row(std::iter::once(Cell::toned("(always refuses)", Tone::Faint)).chain(always));
    table
}

pub(super) fn changes(document: &mut Document, gathered: &Gathered, sweep: &Sweep, all: &[Vec<Came>]) {
    let columns = ["setting", "measure", "#change", "#p", "#items"];
    let mut table = Table::new("Change against the unsteered model, paired by item", &columns);
    for (at, arm) in gathered.arms.iter().enumerate().filter(|(_, arm)| arm.kind != Kind::Base) {
        for (m, measure) in sweep.measures.iter().enumerate() {
            let came = &all[at][m];
            if gathered.rows[m][at].values.is_empty() {
                continue;
            }
            let unit = if gathered.binary[m] { Unit::Points } else { Unit::Number };
            let p = came.p.map_or(Cell::Empty, Cell::P);
            let items = Cell::Count(gathered.rows[m][at].values.len() as u64);
            table.row([
                Cell::text(arm.id.clone()),
                Cell::text(measure.id.clone()),
                Cell::Value(came.change.clone(), unit),
                p,
                items,
            ]);
        }
    }
    table.note("Yes and no: Tango's score interval and test (without a margin McNemar's). Numbers: paired t. p is not corrected for the number of rows.");
    document.section("Changes").table(table);
}

/// Of measures with a tag `by`: the base and the change of each steered setting, level by level. Levels hold few items each, so
/// that no interval is given: they show where a loss lies, not that there is one.
pub(super) fn by_level(document: &mut Document, gathered: &Gathered, sweep: &Sweep) {
    let base = gathered.arms.iter().position(|arm| arm.kind == Kind::Base).unwrap_or(0);
    let mut tables = Vec::new();
    for (m, measure) in sweep.measures.iter().enumerate() {
        let groups = &gathered.groups[m];
        let levels: std::collections::BTreeSet<&String> = groups.values().collect();
        let rows = &gathered.rows[m];
        let asked = |at: &usize| gathered.arms[*at].kind == Kind::Steered && !rows[*at].values.is_empty();
        let arms: Vec<usize> = (0..gathered.arms.len()).filter(asked).collect();
        for arms in arms.chunks(COLUMNS).filter(|_| !levels.is_empty()) {
            let mut columns = vec![measure.by.clone().unwrap_or_default(), "#items".into(), "#base".into()];
            columns.extend(arms.iter().map(|at| format!("#{}", gathered.arms[*at].id)));
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            let mut table = Table::new(format!("{}: base, and change in points", measure.id), &columns);
            for level in &levels {
                let items: Vec<u32> = rows[base]
                    .values
                    .keys()
                    .copied()
                    .filter(|item| groups.get(item) == Some(level))
                    .collect();
                let mean = |at: usize| {
                    let values = items.iter().filter_map(|item| rows[at].values.get(item));
                    (!items.is_empty()).then(|| values.sum::<f64>() / items.len() as f64)
                };
                let Some(before) = mean(base) else { continue };
                let changes = arms.iter().map(|at| match mean(*at) {
                    Some(after) => Cell::Number((after - before) * 100.0, 0),
                    None => Cell::Empty,
                });
                let start =
                    [Cell::text((*level).clone()), Cell::Count(items.len() as u64), Cell::Share(before, 0)];
                table.row(start.into_iter().chain(changes));
            }
            tables.push(table);
        }
    }
    if let Some(section) = section_of(document, "By level", tables) {
        section.prose("Few items a level: this shows where a loss lies, not that there is one.");
    }
}

/// A section of these tables; none where there are none.
pub(super) fn section_of<'d>(
    document: &'d mut Document,
    title: &str,
    tables: Vec<Table>,
) -> Option<&'d mut Section> {
    if tables.is_empty() {
        return None;
    }
    let section = document.section(title);
    for table in tables {
        section.table(table);
    }
    Some(section)
}
