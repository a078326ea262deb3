//! A comparison of two runs: as a document, as JSON for programs, as JUnit for continuous integration.

use crate::error::{Error, Kind, Result};
use crate::json::{FORMAT, Float, value};
use crate::{number, words};
use plumb_study::Document;
use plumb_study::compare::{Compared, Comparison, Moved, Named, Outcome, Standing};
use plumb_study::document::{Block, Cell, Dot, Dots, Table, Tone};
use plumb_study::method::{Missing, Unit, Value};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

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
            "On every shared item every measure with an aim is what it was. How it would be on other items, the intervals say."
        }
        Standing::Kept => "Every measure with an aim is better, identical, or shown to keep its margin.",
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
                p(row.p_worse),
                p(row.p_kept),
            ]);
        }
        for note in without_values(c, rows) {
            table.note(note);
        }
        section.table(table);
        if rows.len() > 1 {
            section.chart(dots(c, rows, points));
        }
        section.note(format!("Interval of the difference: {}.", first.method));
    }
    section.note(
        "Differences are run minus base, within items; changed counts items whose value went up and down. p worse is adjusted by Holm's method within an analysis; p kept \
         is against a loss as large as the margin, one test a row, since all of them have to hold.",
    );
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

/// A comparison for programs, with a newline at its end.
///
/// # Errors
/// Only if it cannot be serialised, which no content brings about.
pub fn comparison_json(c: &Comparison) -> Result<String> {
    let named = |n: &Named| json!({ "plan": n.name, "hash": n.plan.hex(), "state": n.state.hex() });
    let whole = json!({
        "format": FORMAT,
        "standing": c.standing().name(),
        "base": named(&c.base),
        "run": named(&c.run),
        "subjects": c.subjects.iter().map(|(b, r)| json!({ "base": b, "run": r })).collect::<Vec<_>>(),
        "items": {
            "shared": c.items.shared, "only_base": c.items.only_base, "only_run": c.items.only_run,
            "changed": c.items.changed.iter().map(ToString::to_string).collect::<Vec<_>>(),
        },
        "faults": c.faults,
        "notes": c.notes,
        "left_out": c.left_out.iter().map(|(id, why)| json!({ "analysis": id.as_str(), "why": why })).collect::<Vec<_>>(),
        "differences": c.rows.iter().map(row_json).collect::<Vec<_>>(),
        "changed": c.moved.iter().map(moved_json).collect::<Vec<_>>(),
    });
    let mut text = serde_json::to_string_pretty(&whole).map_err(|e| Error::from(Kind::Json(e)))?;
    text.push('\n');
    Ok(text)
}

fn row_json(row: &Compared) -> Json {
    let at: BTreeMap<&str, &str> = row.at.iter().map(|(n, l)| (&**n, &**l)).collect();
    let missing =
        |side: &[(Missing, u64)]| side.iter().map(|(why, n)| (why.name(), *n)).collect::<BTreeMap<_, _>>();
    let mut object = json!({
        "analysis": row.analysis.as_str(), "of": row.of, "at": at,
        "subjects": { "base": row.subjects.0, "run": row.subjects.1 },
        "base": value(&row.base), "run": value(&row.run), "difference": value(&row.difference),
        "outcome": row.outcome.name(), "items": row.n, "up": row.moved.0, "down": row.moved.1,
        "missing": { "base": missing(&row.missing[0]), "run": missing(&row.missing[1]) },
        "made_by": row.method,
    });
    if let Some(aim) = row.aim {
        object["better"] = aim.better.name().into();
        if let Some(margin) = aim.margin {
            object["margin"] = json!(Float(margin));
        }
    }
    let p = [("p_worse", row.p_worse), ("p_better", row.p_better), ("p_kept", row.p_kept)];
    for (name, p) in p.into_iter().filter_map(|(name, p)| Some((name, p?))) {
        object[name] = json!(Float(p));
    }
    object
}

fn moved_json(m: &Moved) -> Json {
    let mut object = json!({
        "item": m.item.to_string(), "measure": m.measure, "base": m.base, "run": m.run,
        "subjects": { "base": m.subjects.0, "run": m.subjects.1 },
    });
    if let Some(better) = m.better {
        object["better"] = better.into();
    }
    object
}

/// A comparison as a JUnit file: one case a difference. A regression fails, an inconclusive one is skipped with its
/// reason, a fault of a run is an error.
pub fn comparison_junit(c: &Comparison) -> String {
    let failed = c.rows.iter().filter(|r| r.outcome == Outcome::Regression).count();
    let open = c.rows.iter().filter(|r| skipped(r).is_some()).count();
    let (cases, errors) = (c.rows.len() + c.faults.len(), c.faults.len());
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuite name=\"{}\" tests=\"{cases}\" failures=\"{failed}\" errors=\"{errors}\" skipped=\"{open}\">",
        xml(&title(c))
    );
    for fault in &c.faults {
        let _ = writeln!(
            out,
            "  <testcase classname=\"run\" name=\"{0}\"><error message=\"{0}\"/></testcase>",
            xml(fault)
        );
    }
    for row in &c.rows {
        let points = if row.unit == Unit::Share { Unit::Points } else { row.unit };
        let decimals = number::decimals(std::iter::once(&row.difference), points);
        let said = format!("{}: {}", row.outcome.name(), number::value(&row.difference, points, decimals));
        let (class, name) = (xml(row.analysis.as_str()), xml(&place(c, row)));
        let _ = write!(out, "  <testcase classname=\"{class}\" name=\"{name}\">");
        if row.outcome == Outcome::Regression {
            let _ = write!(out, "<failure message=\"{}\"/>", xml(&said));
        } else if let Some(why) = skipped(row) {
            let _ = write!(out, "<skipped message=\"{}\"/>", xml(&format!("{said} ({why})")));
        } else {
            let _ = write!(out, "<system-out>{}</system-out>", xml(&said));
        }
        out.push_str("</testcase>\n");
    }
    out.push_str("</testsuite>\n");
    out
}

/// Why a row is no verdict.
fn skipped(row: &Compared) -> Option<&'static str> {
    match row.outcome {
        Outcome::Inconclusive if row.aim.is_some_and(|a| a.margin.is_none()) => {
            Some("the plan states no margin")
        }
        Outcome::Inconclusive => Some("neither worse nor shown to keep the margin"),
        Outcome::NoData => Some("no item has a value on both sides"),
        Outcome::NoAim => Some("the plan does not say which way is better"),
        _ => None,
    }
}

/// Text for an attribute or element, with what acts made visible.
fn xml(raw: &str) -> String {
    let mut out = String::new();
    for c in crate::text::one_line(raw).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
