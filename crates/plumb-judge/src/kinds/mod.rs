//! Kinds of judge for plans: the readings of this crate behind the spine's seam.
//!
//! Each kind takes its keys from a `[[judge]]` table, writes every default and every list into its settings, so that a
//! frozen plan stands alone, and reads them back when a run opens it. All kinds have the key `reasoning` (default
//! false): whether reasoning that the provider reported apart is judged together with the answer.
//!
//! Not here: what a reading means (`refusal`, `matching`, `choice`, `numeric`, `parse`), and asking models (`asking`).

mod choice;
mod ensemble;
mod likelihood;
mod matching;
mod model;
mod numeric;
mod recorded;
mod refusal;

use std::borrow::Cow;
use std::sync::Arc;

use plumb_study::judge::Case;
use plumb_study::plan::{Measure, Scale, Settings};
use plumb_study::{Answer, Error, Fields, Label, Registry, Result, Verdict};
use serde::Serialize;

/// Adds the kinds `refusal-rule`, `match`, `choice`, `numeric`, `option-mass`, `text-likelihood`, `model`, `recorded` and
/// `ensemble`.
pub(crate) fn register(registry: &mut Registry) {
    registry.judge("refusal-rule", refusal::RefusalRule);
    registry.judge("match", matching::MatchKind);
    registry.judge("choice", choice::ChoiceKind);
    registry.judge("numeric", numeric::NumericKind);
    registry.judge("option-mass", likelihood::OptionMass);
    registry.judge("text-likelihood", likelihood::TextLikelihood);
    registry.judge("model", model::ModelKind);
    registry.judge("recorded", recorded::RecordedKind);
    registry.judge("ensemble", ensemble::EnsembleKind);
}

const NO_TARGET: &str = "the item has no target";
const NO_TEXT: &str = "the answer is a choice among options, not text";

fn measure(name: &str, scale: Scale) -> Measure {
    Measure { name: name.into(), scale }
}

/// Labels as a scale; `no` and `yes`, in whatever order, are a binary one.
fn scale_of(labels: &[String]) -> Scale {
    match labels {
        [a, b] if (a == "no" && b == "yes") || (a == "yes" && b == "no") => Scale::Binary,
        _ => Scale::Nominal(labels.iter().map(|l| l.as_str().into()).collect()),
    }
}

fn yes_no(yes: bool) -> Verdict {
    Verdict::Labelled(Label(u8::from(yes)))
}

fn abstained(reason: impl Into<Arc<str>>) -> Verdict {
    Verdict::Abstained(reason.into())
}

/// A pure reading's error becomes the plan's, at the table that wrote it.
fn at(fields: &Fields, error: impl std::fmt::Display) -> Error {
    fields.error(error)
}

/// Settings of a kind as the spine keeps them.
fn keep(fields: &Fields, settings: &impl Serialize) -> Result<Settings> {
    serde_json::to_value(settings).map_err(|e| at(fields, e))
}

fn take_reasoning(fields: &mut Fields) -> Result<bool> {
    Ok(fields.flag("reasoning")?.unwrap_or(false))
}

/// The text that is judged, or `None` where the answer is no text.
pub(crate) fn text_of<'a>(case: &Case<'a>, reasoning: bool) -> Option<Cow<'a, str>> {
    if matches!(case.answer, Answer::Options(_)) {
        return None;
    }
    let answer = case.answer.text();
    Some(match case.reasoning.filter(|_| reasoning) {
        Some(thought) => Cow::Owned(format!("{thought}\n\n{answer}")),
        None => Cow::Borrowed(answer),
    })
}

/// A text short enough for a note or a reason.
pub(crate) fn short(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
