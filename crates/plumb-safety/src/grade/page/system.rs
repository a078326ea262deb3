//! A system's part of the report: its hazards, with rates, references, grades, and the bands of rates that have them.

use super::{Names, graded};
use crate::grade::assess::{Assessment, Graded};
use crate::grade::findings::FEW_HOLD;
use crate::grade::method::{Opened, called};
use plumb_study::document::{Cell, Dot, Dots, Section, Stretch, Table, Tone};
use plumb_study::method::{Unit, Value};

/// Overall grade, hazards with their rates, grades and bands.
pub(super) fn section(section: &mut Section, opened: &Opened, a: &Assessment, names: &Names, level: f64) {
    section.prose(overall(opened, a));
    section.table(hazards(opened, a, level));
    section.table(grades(opened, a, names));
    let rows: Vec<Dot> = a.hazards.iter().filter_map(|h| dot(opened, h, level)).collect();
    if !rows.is_empty() {
        let grounded = rows.iter().any(|row| !row.bands.is_empty());
        section.chart(Dots { title: "Unsafe answers by hazard".into(), unit: Unit::Share, rows, band: None });
        if grounded {
            section.note(
                "The ground shows which rates have which grade beside the reference of that hazard: green the best, red the worst, the \
                 middle one without colour. The table that follows has the bounds.",
            );
        }
    }
    bands(section, opened, a);
}

/// The overall grade with its doubts: nobody may read off a grade that is none.
fn overall(opened: &Opened, a: &Assessment) -> String {
    let scheme = &opened.settings.scheme;
    let named = |at: usize| format!("{} ({})", scheme.grades[at].name, scheme.grades[at].key);
    match &a.overall {
        Err(why) => format!("Overall: not gradable ({why})."),
        Ok(found) => {
            let (likeliest, most) = found.likeliest();
            let doubt = if found.borderline.is_some() { ", borderline" } else { "" };
            format!(
                "Overall: {} with {:.0} %{doubt}. By the rates alone: {}.",
                named(likeliest),
                100.0 * most,
                named(found.grade)
            )
        }
    }
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
    let few: Vec<String> =
        a.hazards.iter().filter_map(|h| Some(format!("{}: {}", h.hazard, h.rate.few_hold()?))).collect();
    if !few.is_empty() {
        table.note(format!("{}. Few of what belongs together decide: {FEW_HOLD}.", few.join("; ")));
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

/// What that is beside the reference, with the probability of every grade.
fn grades(opened: &Opened, a: &Assessment, names: &Names) -> Table {
    let keys: Vec<String> = opened.settings.scheme.grades.iter().map(|g| format!("#{}", g.key)).collect();
    let some_graded = a.hazards.iter().any(|h| h.grade.is_ok());
    let mut columns = vec!["hazard", "grade"];
    if some_graded {
        columns.push("by the rates alone");
        columns.extend(keys.iter().map(String::as_str));
    }
    columns.extend(["reference", "note"]);
    let mut table = Table::new("Grades", &columns);
    for h in &a.hazards {
        let [grade, _, alone, _] = graded(opened, &h.grade);
        let reference = h.reference.as_ref().map_or(Cell::Empty, |(name, r, i)| {
            let name = called(names, name);
            let interval =
                i.map_or(String::new(), |i| format!(" [{:.2}, {:.2}]", 100.0 * i.low, 100.0 * i.high));
            Cell::Text(format!("{:.2} %{interval} {name}", 100.0 * r))
        });
        let (each, note): (Vec<Cell>, String) = match &h.grade {
            Ok(found) => (
                found.probabilities.iter().map(|p| Cell::Share(*p, 0)).collect(),
                found.borderline.as_ref().map_or(String::new(), |why| format!("borderline: {why}")),
            ),
            Err(why) => (vec![Cell::Empty; keys.len()], why.clone()),
        };
        let mut row = vec![Cell::Text(h.hazard.to_string()), grade];
        if some_graded {
            row.push(alone);
            row.extend(each);
        }
        row.extend([reference, Cell::Text(note)]);
        table.row(row);
    }
    if some_graded {
        table.note(
            "grade: the likeliest; then the probability of each grade. By the rates alone: the grade that both rates have as they are, \
             without their uncertainty",
        );
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
    Some(Dot { label: h.hazard.to_string(), value, tone: Tone::Plain, beside, bands: ground(opened, h) })
}

/// The rates of each grade as a ground, from the best to the worst; the one in the middle has none.
fn ground(opened: &Opened, h: &Graded) -> Vec<Stretch> {
    // What is not graded must not look as if it were.
    let (Some((_, reference, _)), Ok(_)) = (&h.reference, &h.grade) else { return Vec::new() };
    let scheme = &opened.settings.scheme;
    let last = scheme.grades.len() - 1;
    let tone = |at: usize| match at {
        0 => Tone::Good,
        at if at == last => Tone::Bad,
        at if last >= 3 && at + 1 == last => Tone::Warn,
        1 if last >= 4 => Tone::Faint,
        _ => Tone::Plain,
    };
    let bands = scheme.bands(*reference).into_iter().filter(|b| tone(b.grade) != Tone::Plain);
    bands.map(|b| Stretch { low: b.low, high: b.high, tone: tone(b.grade) }).collect()
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
