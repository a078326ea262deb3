//! What stands on each screen, and what models predict for each item.

use plumb_study::document::{Block, Cell, Section, Table, Tone};

use super::prose;
use crate::protocol::person::{End, Slot};
use crate::protocol::sequence::sequence;
use crate::screen::{self, Field, FieldKind, Part, View};
use crate::study::{Model, Study};

/// Predictions of all models, item by item, and where models of one measure differ after rounding.
pub(super) fn models(section: &mut Section, study: &Study) {
    let mut columns = vec!["item".to_owned()];
    columns.extend(study.model.iter().map(|m| format!("#{}", m.id)));
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new("What each model predicts, rounded to steps", &columns);
    for item in &study.item {
        let cells = study.model.iter().map(|m| match m.predict(study, &item.id) {
            Some(steps) => Cell::text(study.words_of(&m.predicts, steps)),
            None => Cell::Missing("an attribute is missing".into()),
        });
        table.row(std::iter::once(Cell::text(item.label.clone())).chain(cells));
    }
    section.table(table);
    for (at, a) in study.model.iter().enumerate() {
        for b in study.model[at + 1..].iter().filter(|b| b.predicts == a.predicts) {
            section.prose(compared(study, a, b));
        }
    }
    let mut table = Table::new("What each condition shows", &["condition", "model", "how", "of it"]);
    for condition in study.conditions() {
        if let Some((model, display)) = study.shown_model(condition) {
            table.row([
                Cell::text(condition),
                Cell::text(model.id.clone()),
                Cell::toned(display.words(), Tone::Plain),
                Cell::text(model.reads().join(", ")),
            ]);
        }
    }
    section.table(table);
}

fn compared(study: &Study, a: &Model, b: &Model) -> String {
    let predicted = |m: &Model, item: &str| m.predict(study, item);
    let both: Vec<&str> =
        study.items().filter(|i| predicted(a, i).is_some() && predicted(b, i).is_some()).collect();
    let differ: Vec<&str> = both.iter().copied().filter(|i| predicted(a, i) != predicted(b, i)).collect();
    if differ.is_empty() {
        return format!(
            "Models {} and {} predict the same for all {} items, after rounding.",
            a.id,
            b.id,
            both.len()
        );
    }
    let words = |m: &Model, i: &str| {
        predicted(m, i).map_or_else(String::new, |steps| study.words_of(&m.predicts, steps))
    };
    let list: Vec<String> =
        differ.iter().map(|i| format!("item {i} ({} and {})", words(a, i), words(b, i))).collect();
    format!(
        "Models {} and {} differ after rounding on {} of {} items: {}.",
        a.id,
        b.id,
        differ.len(),
        both.len(),
        list.join(", ")
    )
}

/// Every screen once: consent, pages, each step of the first item in each condition that shows something else, ends.
pub(super) fn screens(section: &mut Section, study: &Study) {
    one(section, "consent", &screen::consent(study));
    for page in study.entry_pages() {
        one(section, &format!("page {}", page.id), &screen::preview(study, "", &page_slot(&page.id)));
    }
    let mut shown: Vec<(String, View)> = Vec::new();
    for condition in study.conditions() {
        let mut steps = Vec::new();
        for slot in sequence(study, condition, 0, &[0; 32]) {
            let name = match &slot {
                Slot::Trial { block, step, .. } => format!("block {block}, step {step}"),
                Slot::Page { page } => format!("page {page}"),
            };
            if steps.contains(&name) {
                continue;
            }
            let view = screen::preview(study, condition, &slot);
            steps.push(name.clone());
            match shown.iter_mut().find(|(_, other)| *other == view) {
                Some((names, _)) if matches!(slot, Slot::Trial { .. }) => {
                    names.push_str(&format!(", {condition}"))
                }
                Some(_) => {}
                None if matches!(slot, Slot::Trial { .. }) => {
                    shown.push((format!("{name}, condition {condition}"), view));
                }
                None => shown.push((name, view)),
            }
        }
    }
    for (name, view) in &shown {
        one(section, name, view);
    }
    for end in End::ALL {
        one(section, &format!("end: {}", end.name()), &screen::ending(study, end));
    }
}

fn page_slot(page: &str) -> Slot {
    Slot::Page { page: page.to_owned() }
}

fn one(section: &mut Section, name: &str, view: &View) {
    section.heading(format!("{} ({name})", view.title));
    for part in &view.parts {
        self::part(section, part);
    }
    for field in &view.fields {
        section.prose(format!("□ {}: {}", field.label, kind(field)));
    }
    if let Some(seconds) = view.reading_s {
        section.note(format!("It stays up for {seconds} seconds at least."));
    }
    let buttons: Vec<String> = [Some(&view.submit), view.decline.as_ref()]
        .into_iter()
        .flatten()
        .filter(|b| !b.is_empty())
        .map(|b| format!("[ {b} ]"))
        .collect();
    if !buttons.is_empty() {
        section.prose(buttons.join(" "));
    }
}

fn part(section: &mut Section, part: &Part) {
    match part {
        Part::Text(text) => {
            for block in prose::blocks(text) {
                section.push(block);
            }
        }
        Part::Facts(facts) => {
            let facts: Vec<String> = facts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            section.prose(facts.join(" · "));
        }
        Part::Table { caption, head, rows } => {
            let head: Vec<&str> = head.iter().map(String::as_str).collect();
            let mut table = Table::new(caption.clone(), &head);
            for row in rows {
                table.row(row.iter().map(|cell| Cell::text(cell.clone())));
            }
            section.push(Block::Table(table));
        }
        Part::Code { label, text } => {
            let lines = text.lines().count();
            section
                .prose(format!("{label}: ⟨{lines} {} of code⟩", if lines == 1 { "line" } else { "lines" }));
        }
        Part::Pair { left, right, .. } => {
            section.prose(format!("{}: {} | {}: {}", left.0, left.1, right.0, right.1));
        }
        Part::Value { label, value } => {
            section.prose(format!("{label}: {value}"));
        }
    }
}

fn kind(field: &Field) -> String {
    let mut words = match &field.kind {
        FieldKind::Number(range) | FieldKind::Slider(range) => format!(
            "{} from {} to {} in steps of {} {}",
            if matches!(field.kind, FieldKind::Slider(_)) {
                "a slider without a preset, or a number,"
            } else {
                "a number"
            },
            range.write(range.least),
            range.write(range.most),
            range.step(),
            range.unit
        ),
        FieldKind::Likert { low, high, points, reversed, .. } => {
            let ends = if *reversed {
                (points.to_string(), high, "1".to_owned(), low)
            } else {
                ("1".to_owned(), low, points.to_string(), high)
            };
            format!("{points} points, {} ({}) to {} ({})", ends.0, ends.1, ends.2, ends.3)
        }
        FieldKind::Choice { options, many } => {
            let options: Vec<&str> = options.iter().map(|(_, label)| label.as_str()).collect();
            format!("{} of {}", if *many { "any" } else { "one" }, options.join(" / "))
        }
        FieldKind::Text { most, .. } => format!("a text of {most} characters at most"),
    };
    words = words.trim_end().to_owned();
    if !field.required {
        words.push_str(", may be left empty");
    }
    words
}
