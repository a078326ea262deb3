//! What stands on the screen that is due, without any markup: a server makes a page of it, a simulation reads its fields, a
//! check prints it.
//!
//! Start at [`view`]; [`asked`] is what the same screen asks alone, [`preview`] shows any screen without a person. `field` says what may be entered, `model` shows models,
//! `words` holds the program's own words. Not here: which screen is due (`protocol::person`).

mod field;
mod model;
mod words;

pub use field::{Field, FieldKind, Range};
pub use words::{Words, fill, words};

use std::borrow::Cow;

use crate::protocol::person::{End, Person, Screen, Slot};
use crate::study::{AttributeKind, Page, Part as Shown, Step, Study};

/// A screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// Its heading.
    pub title: String,
    /// (this page, pages in all), from 1, once the sequence is known.
    pub progress: Option<(usize, usize)>,
    /// What is shown, from top to bottom.
    pub parts: Vec<Part>,
    /// What is asked.
    pub fields: Vec<Field>,
    /// The words of the button that goes on; empty at the end.
    pub submit: String,
    /// The words of a button that declines.
    pub decline: Option<String>,
    /// What is to be said of a check that was answered wrongly.
    pub wrong: Vec<String>,
    /// Seconds that the screen stays up at least; the server counts them.
    pub reading_s: Option<u32>,
}

/// Something on a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Markdown.
    Text(String),
    /// (name, value).
    Facts(Vec<(String, String)>),
    /// A table.
    Table {
        /// Its caption; may be empty.
        caption: String,
        /// Names of columns.
        head: Vec<String>,
        /// Cells.
        rows: Vec<Vec<String>>,
    },
    /// Code, or another text in letters of one width.
    Code {
        /// What it is.
        label: String,
        /// The text.
        text: String,
    },
    /// Two texts side by side.
    Pair {
        /// (label, text).
        left: (String, String),
        /// (label, text).
        right: (String, String),
        /// Whether they are code.
        code: bool,
    },
    /// One value that matters more than the rest.
    Value {
        /// What it is.
        label: String,
        /// The value.
        value: String,
    },
}

impl Study {
    /// The program's own words in the study's language.
    pub fn words(&self) -> &'static Words {
        words(self.language)
    }
}

/// The screen that is due for a person. Where a condition is to be assigned it is empty: nobody sees that.
pub fn view(study: &Study, person: &Person) -> View {
    match person.screen_after(study.entry_pages().count()) {
        Screen::Consent => consent(study),
        Screen::Assigning => View::default(),
        Screen::Entry(at) => {
            let page = study.entry_pages().nth(at);
            let mut view = page.map(|p| self::page(study, p)).unwrap_or_default();
            if !person.wrong().is_empty() {
                view.wrong.push(study.words().wrong.to_owned());
            }
            view
        }
        Screen::Slot(at) => {
            let sequence = person.sequence();
            let mut view = slot(study, person.arm().unwrap_or_default(), &sequence[at], Some(person));
            view.progress = Some((at + 1, sequence.len()));
            view
        }
        Screen::End(end) => ending(study, end),
    }
}

/// What the screen that is due for a person asks: all that taking an answer needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// As [`View::fields`].
    pub fields: Vec<Field>,
    /// As [`View::reading_s`].
    pub reading_s: Option<u32>,
}

/// The fields of [`view`], without making the rest of the screen.
pub fn asked(study: &Study, person: &Person) -> Asked {
    let of_page = |page: &Page| Asked { fields: page_fields(study, page), reading_s: page.reading_s };
    let found = match person.screen_after(study.entry_pages().count()) {
        Screen::Entry(at) => study.entry_pages().nth(at).map(of_page),
        Screen::Slot(at) => match &person.sequence()[at] {
            Slot::Page { page } => study.page.iter().find(|p| p.id == *page).map(of_page),
            Slot::Trial { step, turn, .. } => {
                let step = study.step.iter().find(|s| s.id == *step);
                step.map(|s| Asked { fields: step_fields(study, s, *turn), reading_s: s.reading_s })
            }
        },
        Screen::Consent | Screen::Assigning | Screen::End(_) => None,
    };
    found.unwrap_or_default()
}

fn page_fields(study: &Study, page: &Page) -> Vec<Field> {
    let questions = page.asks.iter().filter_map(|id| study.question.iter().find(|q| q.id == *id));
    questions.map(|q| study.question_field(q)).collect()
}

/// What a step asks, turned by so many places.
fn step_fields(study: &Study, step: &Step, turn: u32) -> Vec<Field> {
    let measures = step.asks.iter().filter_map(|id| study.measure.iter().find(|m| m.id == *id));
    let mut fields: Vec<Field> = measures.filter_map(|m| study.measure_field(m)).collect();
    if !fields.is_empty() {
        let by = turn as usize % fields.len();
        fields.rotate_left(by);
    }
    fields
}

/// Any screen of a condition without a person: what was answered before is not there.
pub fn preview(study: &Study, condition: &str, slot: &Slot) -> View {
    self::slot(study, condition, slot, None)
}

/// The consent screen.
pub fn consent(study: &Study) -> View {
    let words = study.words();
    let consent = study.consent.as_ref();
    View {
        title: words.consent.to_owned(),
        parts: consent.map(|c| Part::Text(c.text.words().to_owned())).into_iter().collect(),
        submit: consent.and_then(|c| c.agree.clone()).unwrap_or_else(|| words.agree.to_owned()),
        decline: Some(consent.and_then(|c| c.decline.clone()).unwrap_or_else(|| words.decline.to_owned())),
        ..View::default()
    }
}

/// The last screen of a way to end. Its code is the study's ([`Study::completion`]).
pub fn ending(study: &Study, end: End) -> View {
    let words = study.words();
    let text = match end {
        End::Completed => words.completed,
        End::Declined => words.declined,
        End::ScreenedOut => words.screened_out,
        End::Full => words.full,
        End::Withdrawn => words.withdrawn,
        End::TimedOut => words.timed_out,
        End::Returned => words.returned,
    };
    View { title: study.title.clone(), parts: vec![Part::Text(text.to_owned())], ..View::default() }
}

/// (field, its value or what is to be said of it).
pub type Named = Vec<(String, String)>;

/// Reads what was sent for fields: each once, in their order.
///
/// # Errors
/// (field, message for the person) for each that cannot be taken.
pub fn read(fields: &[Field], sent: &[(String, String)], words: &Words) -> Result<Named, Named> {
    let (mut values, mut wrong) = (Vec::new(), Vec::new());
    for field in fields {
        let mut parts = sent.iter().filter(|(id, _)| *id == field.id).map(|(_, text)| text.as_str());
        let first = parts.next().unwrap_or_default();
        // A choice of many sends its name once for each.
        let text = parts.fold(Cow::Borrowed(first), |all, part| Cow::Owned(format!("{all},{part}")));
        match field.read(&text, words) {
            Ok(value) => values.push((field.id.clone(), value)),
            Err(message) => wrong.push((field.id.clone(), message)),
        }
    }
    if wrong.is_empty() { Ok(values) } else { Err(wrong) }
}

fn slot(study: &Study, condition: &str, slot: &Slot, person: Option<&Person>) -> View {
    match slot {
        Slot::Page { page } => {
            let page = study.page.iter().find(|p| p.id == *page);
            page.map(|p| self::page(study, p)).unwrap_or_default()
        }
        Slot::Trial { item, step, .. } => {
            let step = study.step.iter().find(|s| s.id == *step);
            step.map(|s| trial(study, condition, slot, item, s, person)).unwrap_or_default()
        }
    }
}

fn page(study: &Study, page: &Page) -> View {
    let fields = page_fields(study, page);
    View {
        title: page.title.clone(),
        parts: page.text.iter().map(|t| Part::Text(t.words().to_owned())).collect(),
        submit: if fields.is_empty() { study.words().next } else { study.words().send }.to_owned(),
        fields,
        reading_s: page.reading_s,
        ..View::default()
    }
}

fn trial(
    study: &Study,
    condition: &str,
    slot: &Slot,
    item: &str,
    step: &Step,
    person: Option<&Person>,
) -> View {
    let mut parts = Vec::new();
    if let Some(text) = &step.text {
        parts.push(Part::Text(text.words().to_owned()));
    }
    let facts = facts(study, item, step);
    if !facts.is_empty() {
        parts.push(Part::Facts(facts));
    }
    let seen = |p: &&Shown| p.conditions().is_empty() || p.conditions().iter().any(|c| c == condition);
    parts.extend(step.parts.iter().filter(seen).filter_map(|part| shown(study, item, part)));
    parts.extend(model::parts(study, condition, item, step.model));
    for measure in &step.shows {
        if let Some(steps) = study.given(condition, item, measure) {
            parts.push(Part::Value { label: label(study, measure), value: study.words_of(measure, steps) });
        }
    }
    let words = study.words();
    for measure in &step.recalls {
        if let Some(value) = person.and_then(|p| earlier(p, slot, measure)) {
            let unit = study.measure.iter().find(|m| m.id == *measure).and_then(|m| m.unit.as_deref());
            let label = format!("{}: {}", words.you_answered, label(study, measure));
            parts.push(Part::Value { label, value: study.with_unit(unit, &value) });
        }
    }
    let turn = if let Slot::Trial { turn, .. } = slot { *turn } else { 0 };
    let fields = step_fields(study, step, turn);
    View {
        title: step.title.clone(),
        parts,
        submit: if fields.is_empty() { words.next } else { words.send }.to_owned(),
        fields,
        reading_s: step.reading_s,
        ..View::default()
    }
}

fn label(study: &Study, measure: &str) -> String {
    study.measure.iter().find(|m| m.id == measure).map_or_else(|| measure.to_owned(), |m| m.label.clone())
}

/// What the person answered for this item before.
fn earlier(person: &Person, slot: &Slot, measure: &str) -> Option<String> {
    let Slot::Trial { block, item, repetition, .. } = slot else { return None };
    let same = |other: &Slot| matches!(other, Slot::Trial { block: b, item: i, repetition: r, .. } if b == block && i == item && r == repetition);
    person
        .answers()
        .rev()
        .take_while(|(other, _)| same(other))
        .flat_map(|(_, values)| values)
        .find(|(id, value)| id == measure && !value.is_empty())
        .map(|(_, value)| value.clone())
}

fn facts(study: &Study, item: &str, step: &Step) -> Vec<(String, String)> {
    let chosen: Vec<_> = match &step.attributes {
        Some(ids) => ids.iter().filter_map(|id| study.attribute.iter().find(|a| a.id == *id)).collect(),
        None => study.attribute.iter().filter(|a| a.shown && a.kind == AttributeKind::Number).collect(),
    };
    let written = |a: &&crate::study::Attribute| {
        Some((a.label.clone(), a.written(study.sheet.attribute(item, &a.id)?)))
    };
    chosen.iter().filter_map(written).collect()
}

fn shown(study: &Study, item: &str, part: &Shown) -> Option<Part> {
    let named = |id: &String| {
        let label =
            study.attribute.iter().find(|a| a.id == *id).map_or_else(|| id.clone(), |a| a.label.clone());
        (label, study.attribute_text(item, id))
    };
    match part {
        Shown::Code { attribute, label, .. } => {
            let (own, text) = named(attribute);
            Some(Part::Code { label: label.clone().unwrap_or(own), text })
        }
        Shown::Pair { left, right, .. } => {
            let code =
                [left, right].into_iter().all(|a| study.attribute_kind(a) == Some(AttributeKind::Code));
            Some(Part::Pair { left: named(left), right: named(right), code })
        }
        Shown::Table { caption, contents, .. } => {
            let mut csv = csv::ReaderBuilder::new().from_reader(contents.as_bytes());
            let row = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
            let head = row(csv.headers().ok()?);
            let rows = csv.records().filter_map(|r| r.ok().map(|r| row(&r))).collect();
            Some(Part::Table { caption: caption.clone(), head, rows })
        }
    }
}
