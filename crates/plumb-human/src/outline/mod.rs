//! What a participant of a study meets, condition by condition, as a document: `plumb human check`.
//!
//! Start at [`outline`]. `design` writes assignment, blocks and steps, `screens` what stands on each screen and what models
//! predict, `warnings` what the file leaves open, `platform` what a recruiting platform asks for.

mod design;
mod platform;
mod prose;
mod screens;
mod warnings;

use plumb_study::document::{Cell, Document, Section, Table};

pub use platform::Platform;

use crate::protocol::person::{End, Slot};
use crate::protocol::sequence::sequence;
use crate::quantity::{decimals, written};
use crate::study::{PageKind, Stop, Study};

/// Writes what the study's file says of conditions, assignment, pages, blocks and steps, and warns of what it leaves open.
/// With a platform it is held against that platform's rules, too.
pub fn outline(study: &Study, platform: Option<Platform>) -> Document {
    let mut document = Document::new("Outline of a study", study.title.clone());
    document.about = study.about.clone();
    document.fact("conditions", study.condition.len().to_string());
    document.fact("items", study.item.len().to_string());
    document.fact("hypotheses", study.hypothesis.len().to_string());
    if let Some(people) = study.people() {
        document.fact("people", people.to_string());
    }
    for warning in warnings::warnings(study) {
        document.warn(warning);
    }
    for note in &study.notes {
        document.warn(note.clone());
    }
    if let Some(platform) = platform {
        platform::section(document.section(format!("Rules of {}", platform.name())), study, platform);
    }
    way(document.section("A person's way"), study);
    design::assignment(document.section("Assignment"), study);
    if study.sample.is_some()
        || study.looks.is_some()
        || study.payment.is_some()
        || !study.completion.codes.is_empty()
    {
        around(document.section("Sample, payment and codes"), study);
    }
    if !study.block.is_empty() {
        design::blocks(document.section("Blocks"), study);
    }
    if !study.step.is_empty() {
        design::steps(document.section("Steps of an item"), study);
    }
    if !study.model.is_empty() {
        screens::models(document.section("Models"), study);
    }
    if study.consents() {
        screens::screens(document.section("Screens"), study);
    }
    document
}

/// From consent to the end, with the number of screens in each part.
fn way(section: &mut Section, study: &Study) {
    let mut table = Table::new("", &["when", "what", "kind"]);
    let mut row = |when: &str, what: String, kind: &str| {
        table.row([Cell::text(when), Cell::text(what), Cell::text(kind)]);
    };
    if study.consents() {
        row("first", "consent".into(), "agree or decline");
    }
    for page in study.entry_pages() {
        let kind = match page.kind {
            PageKind::Comprehension => {
                format!("check of comprehension, {} tries, then screened out", page.tries)
            }
            kind => kind.words().to_owned(),
        };
        row("before assignment", page.title.clone(), &kind);
    }
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    row("then", "assignment to a condition".into(), "recorded before anything of it is shown");
    for condition in &study.condition {
        let slots = sequence(study, &condition.id, 0, &[0; 32]);
        let pages = slots.iter().filter(|s| matches!(s, Slot::Page { .. })).count();
        let trials = slots.len() - pages;
        row(
            "after assignment",
            format!(
                "condition {}: {trials} screen{} of items, {pages} other page{}",
                condition.id,
                plural(trials),
                plural(pages)
            ),
            "",
        );
    }
    section.table(table);
    for page in study.page.iter().filter(|p| p.kind == PageKind::Attention) {
        section.note(format!("Check of attention {}: its answer is recorded, and ends no session.", page.id));
    }
    if let Some(minutes) = study.deadline_minutes() {
        section.note(format!("A session ends after {minutes} minutes at most."));
    }
}

fn around(section: &mut Section, study: &Study) {
    if let Some(looks) = &study.looks {
        section.prose(format!("Outcomes are looked at early, alpha spent by {}:", looks.spending.words()));
        for line in study.looks_in_words() {
            section.prose(format!("Look {line}."));
        }
        section.note("A look at any other time makes all results exploratory. Levels follow from the numbers of people at which looks are taken.");
    }
    if let Some(sample) = &study.sample {
        let stop = match (sample.stop, sample.days) {
            (Stop::WhenFull, None) => {
                "Collection ends when every place is held by a person who completed.".to_owned()
            }
            (Stop::WhenFull, Some(days)) => {
                format!(
                    "Collection ends when every place is held by a person who completed, or after {days} days."
                )
            }
            (Stop::AfterDays, days) => format!("Collection ends after {} days.", days.unwrap_or_default()),
        };
        section.prose(format!("{stop} Why so many: {}", sample.why));
        if let (Some(icc), Some(reliability)) = (sample.icc, sample.reliability) {
            section.note(format!(
                "{} ratings an item give its mean a reliability of {reliability}, if one rating has an intraclass \
                 correlation of {icc} (Spearman and Brown).",
                raters(icc, reliability)
            ));
        }
    }
    if let Some(payment) = &study.payment {
        let money = |n: u32| {
            let step = 1_000_000 / i64::from(payment.minor.max(1));
            format!("{} {}", written(i64::from(n) * step, decimals(step)), payment.currency)
        };
        section.prose(format!(
            "Each person who completes gets {}; one who is screened out gets {}.",
            money(payment.base),
            money(payment.screened_out)
        ));
        if let Some(bonus) = &payment.bonus {
            let unit = study.outcome.iter().find(|o| o.id == bonus.outcome).and_then(|o| o.unit.as_deref());
            section.prose(format!(
                "Bonus: {} for each answer whose {} is at most {}, {} at most.",
                money(bonus.each),
                bonus.outcome,
                unit.map_or_else(
                    || bonus.at_most.to_string(),
                    |unit| study.write_steps(Some(unit), bonus.at_most as i64)
                ),
                money(bonus.most)
            ));
        }
    }
    if !study.completion.codes.is_empty() {
        let mut table = Table::new("Codes", &["end", "code"]);
        for end in End::ALL {
            if let Some(ending) = study.completion(end) {
                table.row([Cell::text(end.name()), Cell::text(ending.url.unwrap_or(ending.code))]);
            }
        }
        section.table(table);
    }
}

/// How many raters give a mean of this reliability (Spearman 1910, Brown 1910), rounded up.
pub(crate) fn raters(icc: f64, reliability: f64) -> usize {
    (reliability * (1.0 - icc) / (icc * (1.0 - reliability)) - 1e-9).ceil().max(1.0) as usize
}
