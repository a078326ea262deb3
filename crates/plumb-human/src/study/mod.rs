//! What a study file says. `parts` holds the study and what is computed of it, `design` assignment, blocks and steps, `pages` what
//! belongs to no item, `answer` kinds of fields, `stimuli` and `model` what is shown (`sampled` draws it from a run), `behaviour` simulated people, `looks` what is looked at early; `check`
//! finds faults, `lookup` answers questions.
//!
//! Unknown keys are errors. docs/studies.md describes every key.

mod answer;
mod behaviour;
mod check;
mod design;
mod faults;
mod looks;
mod lookup;
mod model;
mod pages;
mod parts;
mod sampled;
mod stimuli;
mod text;

pub(crate) use answer::{Answer, Measure, Question};
pub(crate) use behaviour::{Answers, Behaviour, Habit, Power, PowerOutcome};
pub(crate) use design::{Block, Deal, Part, ShownModel, Step};
pub use lookup::Ending;
pub(crate) use model::{Clause, Display, Form, Model, Rule, Times};
pub use pages::Language;
pub(crate) use pages::{Page, PageKind, Position, Stop};
pub(crate) use parts::{Analysis, At, Claim, Condition, Exclusion, Hypothesis, Import, OneOrMany};
pub use parts::{Bounds, Direction, Study};
pub use sampled::Sampled;
pub(crate) use stimuli::{Attribute, AttributeKind};
pub use text::Files;

use plumb_study::written;

use crate::error::{Error, Result};
use faults::Faults;
use text::{Read, Text};

/// When a study's names were held against one another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Checked {
    Now,
    WhenFrozen,
}

impl Study {
    /// Reads a study file that names no other files; `name` is what errors call it.
    ///
    /// # Errors
    /// The text is no TOML, a key is unknown or missing, or names do not fit together; the message has file and line, and
    /// lists every fault of the last kind.
    pub fn parse(text: &str, name: &str) -> Result<Study> {
        Study::parse_with(text, name, &|_| Err("this study was given without its files".to_owned()))
    }

    /// Reads a study file and the files that it names.
    ///
    /// # Errors
    /// As [`Study::parse`], and where a file cannot be read or does not fit.
    pub fn parse_with(text: &str, name: &str, files: Files<'_>) -> Result<Study> {
        Study::parse_checked(text, name, files, Checked::Now)
    }

    /// Reads a study that was frozen: what was no fault then may be one of today's, and people have come by it.
    pub(crate) fn parse_frozen(text: &str, name: &str, files: Files<'_>) -> Result<Study> {
        Study::parse_checked(text, name, files, Checked::WhenFrozen)
    }

    fn parse_checked(text: &str, name: &str, files: Files<'_>, checked: Checked) -> Result<Study> {
        let mut study: Study = written::read(text).map_err(|fault| Error::new(format!("{name}: {fault}")))?;
        if let Some(assignment) = &mut study.assignment {
            let unsaid = if checked == Checked::Now { Deal::InProportion } else { Deal::Equally };
            assignment.deal.get_or_insert(unsaid);
        }
        let mut faults = Faults::default();
        let mut read = Read::default();
        texts(&mut study, &mut read, files, &mut faults);
        if let Err(error) = stimuli::read(&mut study, &mut read, files) {
            // Without stimuli every item would be a fault of its own.
            faults.of("stimuli", "").fault("file", error);
            return faults.into_result(text, name).map(|()| study);
        }
        study.read = read;
        if checked == Checked::Now {
            check::check(&study, &mut faults);
        }
        faults.into_result(text, name)?;
        Ok(study)
    }
}

/// Reads every file that a text or a table names.
fn texts(study: &mut Study, read: &mut Read, files: Files<'_>, faults: &mut Faults) {
    let mut text = |text: &mut Text, table: &'static str, id: &str| {
        if let Text::File(file) = text
            && let Some(contents) = faults.of(table, id).take("text", read.get(&file.file, files))
        {
            file.contents = contents;
        }
    };
    if let Some(consent) = &mut study.consent {
        text(&mut consent.text, "consent", "");
    }
    for page in &mut study.page {
        page.text.iter_mut().for_each(|t| text(t, "page", &page.id));
    }
    for step in &mut study.step {
        step.text.iter_mut().for_each(|t| text(t, "step", &step.id));
    }
    for step in &mut study.step {
        for part in &mut step.parts {
            if let Part::Table { file, contents, .. } = part
                && let Some(read) = faults.of("step", &step.id).take("parts", read.get(file, files))
            {
                *contents = read;
            }
        }
    }
}
