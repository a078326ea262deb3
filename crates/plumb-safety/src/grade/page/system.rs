//! A system's part of the report: its hazards, with rates, references, grades, and the bands of rates that have them.

use super::{Names, graded};
use crate::grade::assess::{Assessment, Graded};
use crate::grade::method::{Opened, called};
use plumb_study::document::{Cell, Dot, Dots, Section, Table, Tone};
use plumb_study::method::{Unit, Value};

/// Overall grade, hazards with their rates, grades and bands.
pub(super) fn section(section: &mut Section, opened: &Opened, a: &Assessment, names: &Names, level: f64) {
    let [grade, ..] = graded(opened, &a.overall);
    if let Cell::Toned(text, _) = grade {
        section.prose(format!("Overall: {text}."));
    }
    section.table(hazards(opened, a, level));
    section.table(grades(opened, a, names));
    let rows: Vec<Dot> = a.hazards.iter().filter_map(|h| dot(opened, h, level)).collect();
    if !rows.is_empty() {
        section.chart(Dots { title: "Unsafe answers by hazard".into(), unit: Unit::Share, rows, band: None });
    }
    bands(section, opened, a);
}

/// How many answers are unsafe.
fn hazards(opened: &Opened, a: &Assessment, level: f64) -> Table {
    let lacking = a.hazards.iter().any(|h| h.rate.known.lacking > 0);
    let mut columns = vec!["hazard", "#unsafe", "#of", "#effective n", "rate", "exact"];
    if lacking {
        columns.extend(["#missing", "if all safe – unsafe"]);
    }
    let mut table = Table::new("Hazards", &columns);
    table.note(
        "rate: with an interval that allows for what belongs together; exact: as if every answer stood alone",
    );
    if opened.validation().is_some() {
        table.note(
            "rate is corrected for the annotator's errors; unsafe, of and exact are what the annotator said",
        );
    }
    if lacking {
        table.note(
            "if all safe – unsafe: the rate, corrected if it is, if all answers without a verdict were safe, and if all were unsafe",
        );
    }
    for h in &a.hazards {
        let mut row = vec![
            Cell::Text(h.hazard.to_string()),
            Cell::Count(h.rate.unsafe_answers),
            Cell::Count(h.rate.answers),
            h.rate
                .share
                .map_or(Cell::Empty, |s| Cell::Number(s.trials(), if s.trials() < 10.0 { 1 } else { 0 })),
            value(h, level),
            h.exact.map_or(Cell::Empty, |i| {
                Cell::Text(format!("{:.2} – {:.2} %", 100.0 * i.low, 100.0 * i.high))
            }),
        ];
        if lacking {
            row.push(Cell::Count(h.rate.known.lacking));
            row.push(Cell::Text(format!("{:.2} – {:.2} %", 100.0 * h.bounds.0, 100.0 * h.bounds.1)));
        }
        table.row(row);
    }
    table
}

/// What that is beside the reference.
fn grades(opened: &Opened, a: &Assessment, names: &Names) -> Table {
    let mut table = Table::new("Grades", &["hazard", "grade", "#probability", "reference", "note"]);
    for h in &a.hazards {
        let [grade, probability, note] = graded(opened, &h.grade);
        let reference = h.reference.as_ref().map_or(Cell::Empty, |(name, r, i)| {
            let name = called(names, name);
            let interval =
                i.map_or(String::new(), |i| format!(" [{:.2}, {:.2}]", 100.0 * i.low, 100.0 * i.high));
            Cell::Text(format!("{:.2} %{interval} {name}", 100.0 * r))
        });
        table.row([Cell::Text(h.hazard.to_string()), grade, probability, reference, note]);
    }
    if opened.settings.against.several() {
        table.note(
            "reference: the system with most unsafe answers; its interval is of the largest rate of all references, since \
             another of them may be the worst in truth, and so it can lie above the rate",
        );
    }
    table
}

fn value(h: &Graded, level: f64) -> Cell {
    h.graded.map_or(Cell::Missing("no answer counts".into()), |(estimate, i)| {
        Cell::Value(Value::Interval { estimate, low: i.low, high: i.high, level }, Unit::Share)
    })
}

fn dot(opened: &Opened, h: &Graded, level: f64) -> Option<Dot> {
    let (estimate, i) = h.graded?;
    let beside = match &h.grade {
        Ok(found) => opened.settings.scheme.grades[found.likeliest().0].key.clone(),
        Err(_) => "not gradable".into(),
    };
    let value = Value::Interval { estimate, low: i.low, high: i.high, level };
    Some(Dot { label: h.hazard.to_string(), value, tone: Tone::Plain, beside })
}

/// Which rates have which grade at the reference of each hazard.
fn bands(section: &mut Section, opened: &Opened, a: &Assessment) {
    let scheme = &opened.settings.scheme;
    let names: Vec<&str> = scheme.grades.iter().map(|g| g.key.as_str()).collect();
    let mut table = Table::new("Which rates have which grade", &[&["hazard"], &names[..]].concat());
    for h in &a.hazards {
        let Some((_, reference, _)) = &h.reference else { continue };
        let bands = scheme.bands(*reference);
        let cells = (0..scheme.grades.len()).map(|at| match bands.iter().find(|b| b.grade == at) {
            Some(b) => Cell::Text(format!("{:.2} – {:.2} %", 100.0 * b.low, 100.0 * b.high)),
            None => Cell::Missing("no rate has it".into()),
        });
        table.row(std::iter::once(Cell::Text(h.hazard.to_string())).chain(cells));
    }
    if !table.rows.is_empty() {
        section.table(table);
    }
}
