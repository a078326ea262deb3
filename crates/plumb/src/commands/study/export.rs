//! `plumb export RUN` of a study with people: three tidy tables and a codebook, written person by person.
//!
//! `answers` has a row for each person and item, `fields` one for each answered field of each page, `people` one for each
//! person. Identities are in none of them. In CSV a text that a spreadsheet would take for a formula gets an apostrophe.

use std::path::Path;
use std::sync::Arc;

use plumb_human::Study;
use plumb_human::collect::{Paged, Taker, Takings, thaw};
use plumb_study::Journal;
use plumb_study::items::Origin;
use serde_json::json;

use super::clock::utc;
use super::standing::is_pilot;
use super::wrong;
use crate::cli::{Export, Format};
use crate::exit::{Exit, Problem, say};
use crate::export::{Column, Kind, Output, Value};
use crate::runs::RunFolder;

pub fn export(args: &Export, at: &RunFolder, journal: &Journal) -> Result<Exit, Problem> {
    if args.format == Format::Samples {
        return Err(Problem::usage(
            "--format samples is for generated code, and this is a study with people",
        ));
    }
    let study = thaw(&journal.root_plan()?).map_err(wrong)?;
    let folder = args.out.clone().unwrap_or_else(|| at.folder.join("export"));
    std::fs::create_dir_all(&folder).map_err(Problem::io(&folder))?;
    let tables = [answers(&study), fields(), people(&study)];
    let mut outputs = Vec::new();
    for table in &tables {
        let path = folder.join(format!("{}.{}", table.name, args.format.extension()));
        outputs.push(Output::create(&path, args.format, &columns(table))?);
    }
    let guard = args.format == Format::Csv;
    Takings::new(&study, journal).each(|taker: Taker| -> Result<(), Problem> {
        let rows =
            [answer_rows(&study, &taker), field_rows(&study, &taker), vec![person_row(&study, &taker)]];
        for (output, rows) in outputs.iter_mut().zip(rows) {
            for row in rows {
                output.row(if guard { row.into_iter().map(guarded).collect() } else { row })?;
            }
        }
        Ok(())
    })?;
    let mut told = Vec::new();
    for (output, table) in outputs.into_iter().zip(&tables) {
        let (path, rows) = output.end()?;
        told.push((path, rows, table.columns.len()));
    }
    let codebook = folder.join("codebook.json");
    write_codebook(&codebook, &study, journal, &tables)?;
    if args.json {
        let files: Vec<_> = told
            .iter()
            .map(|(path, rows, columns)| json!({ "file": path.display().to_string(), "rows": rows, "columns": columns }))
            .collect();
        say(json!({ "files": files, "codebook": codebook.display().to_string() }));
    } else {
        for (path, rows, columns) in told {
            say(format_args!("{}: {rows} rows, {columns} columns", path.display()));
        }
        say(codebook.display());
    }
    Ok(Exit::Done)
}

/// A table with what each column means.
struct Sheet {
    name: &'static str,
    about: &'static str,
    columns: Vec<(String, Kind, String)>,
}

fn columns(sheet: &Sheet) -> Vec<Column> {
    sheet.columns.iter().map(|(name, kind, _)| Column { name: name.clone(), kind: *kind }).collect()
}

fn column(name: &str, kind: Kind, about: &str) -> (String, Kind, String) {
    (name.to_owned(), kind, about.to_owned())
}

fn answers(study: &Study) -> Sheet {
    let mut columns = vec![
        column("person", Kind::Whole, "number of the person, from 1, in the order in which they came"),
        column("condition", Kind::Text, "the condition that the person was assigned"),
        column("block", Kind::Text, "the block in which the item stood"),
        column("position", Kind::Whole, "position of the item in the block as this person met it, from 1"),
        column("item", Kind::Text, "the item"),
        column("repetition", Kind::Whole, "from 1; higher for items that are shown again"),
    ];
    for factor in study.factors() {
        columns.push((factor_column(study, factor), Kind::Text, format!("level of the factor {factor}")));
    }
    for measure in study.measures() {
        let kind = if study.is_number(measure) { Kind::Number } else { Kind::Text };
        columns.push((measure.to_owned(), kind, study.describe(measure)));
    }
    columns.push(column("closed_at", Kind::Text, "when all about the item was answered, UTC"));
    if study.has_strata() {
        columns.push(column("stratum", Kind::Text, "the stratum in which the person was assigned"));
    }
    if study.has_attention_checks() {
        columns.push(column("missed_checks", Kind::Whole, "attention checks that the person missed"));
    }
    if study.items().any(|item| study.weight(item).is_some()) {
        columns.push(column("weight", Kind::Number, "what the item stands for, as the stimuli say"));
    }
    if study.items().any(|item| study.origin(item).is_some()) {
        let about = "the output of a run that the item shows: plan, item, subject, repetition from 1, digest of the answer";
        columns.extend(Origin::COLUMNS.map(|name| column(name, Kind::Text, about)));
    }
    Sheet { name: "answers", about: "one row a person and item about which all was answered", columns }
}

/// A factor's column; one that is called like a measure says that it is the factor.
fn factor_column(study: &Study, factor: &str) -> String {
    if study.measures().any(|measure| measure == factor) {
        format!("factor.{factor}")
    } else {
        factor.to_owned()
    }
}

fn answer_rows(study: &Study, taker: &Taker) -> Vec<Vec<Value>> {
    let arm = taker.arm.as_deref();
    let weighted = study.items().any(|item| study.weight(item).is_some());
    let about_outputs = study.items().any(|item| study.origin(item).is_some());
    taker
        .items
        .iter()
        .map(|met| {
            let mut row = vec![
                Value::Whole(taker.person.into()),
                maybe(arm),
                text(&met.block),
                Value::Whole(met.position as i64),
                text(&met.item),
                Value::Whole(i64::from(met.repetition) + 1),
            ];
            row.extend(study.factors().map(|factor| maybe(arm.and_then(|arm| study.level(arm, factor)))));
            row.extend(study.measures().map(|measure| {
                let own = met.answers.iter().find(|(id, _)| id == measure).map(|(_, text)| text.clone());
                let value = own.or_else(|| study.given_text(arm?, &met.item, measure));
                typed(value, study.is_number(measure))
            }));
            row.push(text(&utc(met.at_us)));
            if study.has_strata() {
                row.push(maybe(taker.stratum.as_deref()));
            }
            if study.has_attention_checks() {
                row.push(Value::Whole(study.missed_by(taker).into()));
            }
            if weighted {
                row.push(study.weight(&met.item).map_or(Value::None, Value::Number));
            }
            match study.origin(&met.item) {
                Some(origin) => row.extend(origin.values().map(|value| Value::Text(value.into()))),
                None if about_outputs => row.extend(Origin::COLUMNS.map(|_| Value::None)),
                None => {}
            }
            row
        })
        .collect()
}

fn fields() -> Sheet {
    let mut columns = vec![
        column("person", Kind::Whole, "number of the person"),
        column("event", Kind::Whole, "number of the person's event that the answer came with"),
        column(
            "phase",
            Kind::Text,
            "what the page was for: instructions, comprehension, attention, questionnaire or debriefing, or the item's block",
        ),
        column("page", Kind::Text, "the page, for pages of their own"),
        column("block", Kind::Text, "the block, for pages about an item"),
        column("item", Kind::Text, "the item"),
        column("step", Kind::Text, "the step of the item"),
        column("field", Kind::Text, "the field: a measure or a question"),
        column("value", Kind::Text, "what was entered; of several choices their codes with commas"),
        column("missed", Kind::Text, "yes where the answer to a check was wrong and the page came again"),
        column(
            "shown_at",
            Kind::Text,
            "when the server first sent the page, UTC; empty if it was restarted since",
        ),
        column("answered_at", Kind::Text, "when the answer was recorded, UTC"),
    ];
    for name in Paged::NAMES {
        columns.push(column(name, Kind::Whole, "counted by the page's script; empty where scripts are off"));
    }
    Sheet { name: "fields", about: "one row for each field of each page that was sent", columns }
}

fn field_rows(study: &Study, taker: &Taker) -> Vec<Vec<Value>> {
    use plumb_human::protocol::person::Slot;
    taker
        .answers
        .iter()
        .map(|answer| {
            let (page, block, item, step) = match &answer.slot {
                Slot::Page { page } => (text(page), Value::None, Value::None, Value::None),
                Slot::Trial { block, item, step, .. } => (Value::None, text(block), text(item), text(step)),
            };
            let paged = answer.paged.clone().unwrap_or_default();
            let mut row = vec![
                Value::Whole(taker.person.into()),
                Value::Whole(answer.n.into()),
                maybe(study.phase(&answer.slot)),
                page,
                block,
                item,
                step,
                text(&answer.field),
                text(&answer.text),
                text(if answer.missed { "yes" } else { "no" }),
                paged.shown_us.map_or(Value::None, |us| text(&utc(us))),
                text(&utc(answer.at_us)),
            ];
            let count =
                |name: &&str| paged.counted.get(*name).map_or(Value::None, |n| Value::Whole((*n).into()));
            row.extend(Paged::NAMES.iter().map(count));
            row
        })
        .collect()
}

fn people(study: &Study) -> Sheet {
    let mut columns = vec![
        column("person", Kind::Whole, "number of the person"),
        column("condition", Kind::Text, "the condition that was assigned; empty for people who ended before"),
    ];
    for factor in study.factors() {
        columns.push((factor_column(study, factor), Kind::Text, format!("level of the factor {factor}")));
    }
    columns.extend([
        column("arrived_at", Kind::Text, "when the person agreed to take part, UTC"),
        column("enrolled_at", Kind::Text, "when the condition was assigned, UTC"),
        column("ended_at", Kind::Text, "when it ended, UTC"),
        column("end", Kind::Text, "how it ended: completed, screened-out, full, withdrawn, timed-out, returned; empty while it goes on or for people who left without a word"),
        column("platform", Kind::Text, "what the platform said last of the submission; empty where nothing was taken from it"),
        column("items", Kind::Whole, "items about which all was answered"),
        column("items_due", Kind::Whole, "items that were to be shown"),
        column("erased", Kind::Text, "yes where the person's answers were deleted"),
    ]);
    Sheet { name: "people", about: "one row a person who agreed to take part", columns }
}

fn person_row(study: &Study, taker: &Taker) -> Vec<Value> {
    use plumb_human::protocol::person::Slot;
    let arm = taker.arm.as_deref();
    let time = |us: Option<i64>| us.map_or(Value::None, |us| text(&utc(us)));
    let mut due: Vec<_> = taker
        .sequence
        .iter()
        .filter_map(|slot| match slot {
            Slot::Trial { block, item, repetition, .. } => Some((block, item, repetition)),
            Slot::Page { .. } => None,
        })
        .collect();
    due.sort();
    due.dedup();
    let mut row = vec![Value::Whole(taker.person.into()), maybe(arm)];
    row.extend(study.factors().map(|factor| maybe(arm.and_then(|arm| study.level(arm, factor)))));
    row.extend([
        time(taker.arrived_us),
        time(taker.enrolled_us),
        time(taker.ended_us),
        maybe(taker.end.map(|end| end.name())),
        maybe(taker.platform.as_deref()),
        Value::Whole(taker.items.len() as i64),
        Value::Whole(due.len() as i64),
        text(if taker.erased { "yes" } else { "no" }),
    ]);
    row
}

fn write_codebook(path: &Path, study: &Study, journal: &Journal, tables: &[Sheet]) -> Result<(), Problem> {
    let plan = journal.root_plan()?;
    let tables: serde_json::Map<String, serde_json::Value> = tables
        .iter()
        .map(|sheet| {
            let columns: Vec<_> = sheet
                .columns
                .iter()
                .map(|(name, kind, about)| {
                    let kind = match kind {
                        Kind::Text => "text",
                        Kind::Whole => "whole number",
                        Kind::Number => "number",
                    };
                    json!({ "name": name, "type": kind, "means": about })
                })
                .collect();
            (sheet.name.to_owned(), json!({ "rows": sheet.about, "columns": columns }))
        })
        .collect();
    let book = json!({
        "study": study.name,
        "title": study.title,
        "plan": plan.digest.hex(),
        "registered": journal.was_locked()?,
        "pilot": is_pilot(journal)?,
        "missing": "an empty field in CSV, an absent key in JSON lines, null in Parquet",
        "formulas": "in CSV, a text that begins with = + - @ or a tab and is no number has an apostrophe before it",
        "tables": tables,
    });
    let text = serde_json::to_string_pretty(&book).unwrap_or_default() + "\n";
    std::fs::write(path, text).map_err(Problem::io(path))
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn maybe(value: Option<&str>) -> Value {
    value.map_or(Value::None, text)
}

/// A measure's value: a number where the measure is one, nothing where the field was left empty.
fn typed(value: Option<String>, number: bool) -> Value {
    match value.filter(|value| !value.is_empty()) {
        None => Value::None,
        Some(value) => match value.parse::<f64>() {
            Ok(number_read) if number => Value::Number(number_read),
            _ => Value::Text(value.into()),
        },
    }
}

/// A text that a spreadsheet would compute is marked as a text.
pub(super) fn guarded(value: Value) -> Value {
    match value {
        Value::Text(text)
            if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err() =>
        {
            Value::Text(Arc::from(format!("'{text}")))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_a_text_and_numbers_stay_numbers() {
        for (given, wanted) in
            [("=1+1", "'=1+1"), ("-3.5", "-3.5"), ("-x", "'-x"), ("@you", "'@you"), ("a=b", "a=b"), ("", "")]
        {
            assert_eq!(guarded(text(given)), text(wanted));
        }
        assert_eq!(typed(Some("1.20".into()), true), Value::Number(1.2));
        assert_eq!(typed(Some(String::new()), true), Value::None);
        assert_eq!(typed(Some("yes".into()), false), text("yes"));
    }
}
