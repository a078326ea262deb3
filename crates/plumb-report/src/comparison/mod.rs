//! A comparison of two runs as a document; `files` has it as JSON for programs and as JUnit for continuous integration.

mod files;

pub use files::{comparison_json, comparison_junit};

use crate::{number, words};
use plumb_study::Document;
use plumb_study::compare::{Compared, Comparison, Moved, Outcome, Standing};
use plumb_study::document::{Block, Cell, Dot, Dots, Table, Tone};
use plumb_study::method::{Missing, Unit, Value};

/// Changed items shown before the rest goes behind a click.
const FIRST_MOVED: usize = 25;

/// A comparison for people.
pub fn comparison_document(c: &Comparison) -> Document {
    let standing = c.standing();
    let mut document = Document::new("Comparison of two runs", title(c));
    document.about = Some(about(standing).to_owned());
    document.fact("outcome", standing.name());
    document.fact("items in both", number::count(c.items.shared as u64));
    document.fact("verdicts that changed", number::count(c.moved.len() as u64));
    for fault in &c.faults {
        document.warn(fault.clone());
    }
    differences(&mut document, c);
    moved(&mut document, c);
    record(&mut document, c);
    document
}

fn title(c: &Comparison) -> String {
    if c.base.name == c.run.name {
        format!("{}, then and now", c.run.name)
    } else {
        format!("{} against {}", c.run.name, c.base.name)
    }
}

fn about(standing: Standing) -> &'static str {
    match standing {
        Standing::Faulty => {
            "A run is not finished, or parts of it failed: the differences below rest on what is there, and no \
             conclusion is drawn."
        }
        Standing::Regressed => "At least one measure is worse, and not shown to keep its margin.",
        Standing::Open => {
            "At least one measure is neither shown to be worse nor shown to keep its margin. No significant difference \
             is not the same as no regression."
        }
        Standing::Identical => {
            "On every shared item every verdict of a measure with an aim is what it was. How it would be on other items, the \
             intervals say."
        }
        Standing::Kept => {
            "Every measure with an aim is better, or shown to keep its margin; one without a margin is better or as it was."
        }
        Standing::Aimless => {
            "No analysis says which way is better, so nothing can be called a regression: add better = \"higher\" or \
             \"lower\", and a margin, to an [[analysis]] of the plan."
        }
    }
}

fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Improved | Outcome::NoRegression | Outcome::Identical => Tone::Good,
        Outcome::Regression => Tone::Bad,
        Outcome::Inconclusive | Outcome::NoData => Tone::Warn,
        Outcome::NoAim => Tone::Plain,
    }
}

/// What is missing in which rows, said once where many rows miss the same.
fn without_values(c: &Comparison, rows: &[Compared]) -> Vec<String> {
    let mut notes = Vec::new();
    for (side, name) in ["base", "run"].into_iter().enumerate() {
        let mut said: Vec<(String, Vec<String>)> = Vec::new();
        for row in rows.iter().filter(|row| !row.missing[side].is_empty()) {
            let what = reasons(&row.missing[side]);
            match said.iter_mut().find(|(w, _)| *w == what) {
                Some((_, places)) => places.push(place(c, row)),
                None => said.push((what, vec![place(c, row)])),
            }
        }
        notes.extend(said.into_iter().map(|(what, places)| {
            let where_ = match places.len() {
                n if n == rows.len() && n > 1 => "each row".to_owned(),
                _ => places.join("; "),
            };
            format!("{where_}: without a value in the {name}: {what}")
        }));
    }
    notes
}

fn differences(document: &mut Document, c: &Comparison) {
    let section = document.section("Differences");
    if c.rows.is_empty() {
        section.prose("No analysis of the run can be compared.");
    }
    for rows in c.rows.chunk_by(|a, b| a.analysis == b.analysis) {
        let first = &rows[0];
        section.heading(format!("{}: {}", first.analysis, first.of));
        section.note(aim(first));
        let points = if first.unit == Unit::Share { Unit::Points } else { first.unit };
        let mut table = Table::new(
            "",
            &[
                "where",
                "outcome",
                "#base",
                "#run",
                "#difference",
                "#changed",
                "#items",
                "#eff. n",
                "#p worse",
                "#p kept",
            ],
        );
        for row in rows {
            let p = |p: Option<f64>| p.map_or(Cell::Empty, Cell::P);
            table.row([
                Cell::text(place(c, row)),
                Cell::toned(row.outcome.name(), tone(row.outcome)),
                side(&row.base, row.unit),
                side(&row.run, row.unit),
                Cell::Value(row.difference.clone(), points),
                Cell::text(format!("+{} −{}", number::count(row.moved.0), number::count(row.moved.1))),
                Cell::Count(row.n),
                Cell::Number(row.effective, 1),
                p(row.p_worse),
                p(row.p_kept),
            ]);
        }
        for note in
            without_values(c, rows).into_iter().chain(rows.iter().flat_map(|row| told(c, row, points)))
        {
            table.note(note);
        }
        section.table(table);
        if rows.len() > 1 {
            section.chart(dots(c, rows, points));
        }
        section.note(format!("Interval of the difference: {}.", first.method));
    }
    section.note(
        "Differences are run minus base, within items; changed counts items whose value went up and down; eff. n, the effective n, is \
         how many items that stand alone tell as much. p worse is adjusted by Holm's method within an analysis; p kept \
         is against a loss as large as the margin, one test a row, since all of them have to hold.",
    );
}

/// What policies did on each side, and what verdicts lost or gained could change.
fn told(c: &Comparison, row: &Compared, unit: Unit) -> Vec<String> {
    let place = place(c, row);
    let sides = ["base", "run"].into_iter().zip(&row.policies);
    let policies =
        sides.filter_map(|(side, said)| Some(format!("{place}: in the {side}, {}", said.as_ref()?)));
    let lost = [(row.lost.0, "lost"), (row.lost.1, "gained")].into_iter().filter(|(n, _)| *n > 0);
    let lost = lost.map(|(n, what)| format!("{place}: {} verdicts {what}", number::count(n)));
    let bounds = row.bounds.map(|(low, high)| {
        let shown = |x: f64| number::estimate(x, unit, 1);
        format!(
            "{place}: verdicts that one side lacks could move the difference to anything from {} to {}; better and no \
             regression have to hold in the worse case, too",
            shown(low),
            shown(high)
        )
    });
    policies.chain(lost).chain(bounds).collect()
}

/// One side's value alone: the interval that matters is that of the difference.
fn side(value: &Value, unit: Unit) -> Cell {
    match (value.estimate(), unit) {
        (None, _) => Cell::Empty,
        (Some(x), Unit::Share) => Cell::Share(x, 1),
        (Some(x), _) => Cell::Number(x, 3),
    }
}

fn dots(c: &Comparison, rows: &[Compared], unit: Unit) -> Dots {
    let margin = rows[0].aim.and_then(|aim| Some((aim.better.sign(), aim.margin?)));
    Dots {
        title: "Run minus base".into(),
        unit,
        // What the margin allows: losses up to it, on the side that is worse.
        band: margin.map(|(sign, m)| if sign > 0.0 { (-m, 0.0) } else { (0.0, m) }),
        rows: rows
            .iter()
            .map(|row| Dot {
                bands: Vec::new(),
                tone: tone(row.outcome),
                beside: row.outcome.name().into(),
                ..Dot::new(place(c, row), row.difference.clone())
            })
            .collect(),
    }
}

/// What the plan said beforehand of an analysis.
fn aim(row: &Compared) -> String {
    match row.aim {
        None => "The plan does not say which way is better: differences are shown, not judged.".into(),
        Some(aim) => {
            let margin = match aim.margin {
                Some(m) if row.unit == Unit::Share => format!("a loss of less than {} is acceptable", words::margin(m)),
                Some(m) => format!("a loss of less than {m} is acceptable"),
                None => "no margin is stated, so no regression cannot be shown, only that all is identical or better".into(),
            };
            format!("{} is better; {margin}.", if aim.better.sign() > 0.0 { "Higher" } else { "Lower" })
        }
    }
}

/// Subjects and levels of a row.
fn place(c: &Comparison, row: &Compared) -> String {
    let mut parts = Vec::new();
    if c.subjects.len() > 1 || row.subjects.0 != row.subjects.1 {
        parts.push(pair(&row.subjects));
    }
    parts.extend(row.at.iter().map(|(name, level)| format!("{name} {level}")));
    if parts.is_empty() { "all".into() } else { parts.join(", ") }
}

fn pair((base, run): &(std::sync::Arc<str>, std::sync::Arc<str>)) -> String {
    if base == run { base.to_string() } else { format!("{base} → {run}") }
}

fn reasons(missing: &[(Missing, u64)]) -> String {
    missing
        .iter()
        .map(|(why, n)| format!("{} {}", number::count(*n), why.name()))
        .collect::<Vec<_>>()
        .join(", ")
}

fn moved(document: &mut Document, c: &Comparison) {
    let section = document.section("What changed, item by item");
    if c.moved.is_empty() {
        section.prose("Every verdict on the shared items is the same in both runs.");
        return;
    }
    let (worse, rest): (Vec<&Moved>, Vec<&Moved>) = c.moved.iter().partition(|m| m.better == Some(false));
    let all: Vec<&Moved> = worse.into_iter().chain(rest).collect();
    section.table(moved_table(c, &all[..all.len().min(FIRST_MOVED)]));
    if all.len() > FIRST_MOVED {
        let rest = &all[FIRST_MOVED..];
        section.push(Block::Fold {
            title: format!("{} more", number::count(rest.len() as u64)),
            blocks: vec![Block::Table(moved_table(c, rest))],
        });
    }
}

fn moved_table(c: &Comparison, moved: &[&Moved]) -> Table {
    let mut table = Table::new("", &["item", "measure", "base", "run", ""]);
    for m in moved {
        let (word, tone) = match m.better {
            Some(true) => ("better", Tone::Good),
            Some(false) => ("worse", Tone::Bad),
            None => ("", Tone::Plain),
        };
        let item = if c.subjects.len() > 1 {
            format!("{} ({})", m.item, pair(&m.subjects))
        } else {
            m.item.to_string()
        };
        table.row([
            Cell::text(item),
            Cell::text(&*m.measure),
            Cell::text(&m.base),
            Cell::text(&m.run),
            Cell::toned(word, tone),
        ]);
    }
    table
}

fn record(document: &mut Document, c: &Comparison) {
    let section = document.section("What was compared");
    let mut table = Table::new("Runs", &["", "plan", "hash of the plan", "state of the journal"]);
    for (side, named) in [("base", &c.base), ("run", &c.run)] {
        table.row([
            Cell::text(side),
            Cell::text(&*named.name),
            Cell::text(named.plan.short()),
            Cell::text(named.state.short()),
        ]);
    }
    section.table(table);
    let subjects: Vec<String> = c.subjects.iter().map(pair).collect();
    let mut points = vec![
        format!("Subjects: {}", subjects.join(", ")),
        format!(
            "Items: {} in both, {} only in the base, {} only in the run",
            number::count(c.items.shared as u64),
            number::count(c.items.only_base as u64),
            number::count(c.items.only_run as u64)
        ),
    ];
    if !c.items.changed.is_empty() {
        let names: Vec<String> = c.items.changed.iter().take(10).map(ToString::to_string).collect();
        let what = match c.items.changed.len() {
            1 => "One item asks something else under the same name and is left out".to_owned(),
            n => format!(
                "{} items ask something else under the same names and are left out",
                number::count(n as u64)
            ),
        };
        points.push(format!("{what}: {}", names.join(", ")));
    }
    points.extend(c.notes.iter().cloned());
    points.extend(c.left_out.iter().map(|(id, why)| format!("Analysis {id} is left out: {why}")));
    section.push(Block::List(points));
}
