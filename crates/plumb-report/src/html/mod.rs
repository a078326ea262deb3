//! `report.html`: one file that holds all it shows and asks the network for nothing.
//!
//! Askama escapes every value that a template prints, [`shown::Text`] makes what escaping leaves alone visible, and
//! the page's own content security policy allows only the script and the style that stand in this crate, by
//! hash: even text that escaped everything could not run. No untrusted text is ever put into a script.
//!
//! Start at [`Page`]; each section has a view here and a template in `templates/` under the same name.

mod asked;
mod figure;
mod hypotheses;
mod matrix;
mod record;
mod shown;
mod transcripts;

use crate::error::{Error, Kind, Result};
use crate::{number, words};
use askama::Template;
pub(crate) use figure::{Mark, Scale, Span, mark_of, scale, span, value as split};
use plumb_study::{Results, Status};
pub(crate) use shown::Text;

/// The page's style.
pub(crate) const STYLE: &str = include_str!("../../templates/report.css");
/// The page's script: it filters transcripts, and the page reads as well without it.
const SCRIPT: &str = include_str!("../../templates/report.js");
/// Hashes of both for the content security policy; a test says what they must be.
pub(crate) const STYLE_HASH: &str = "sha256-7+y1C3Il2kfvntZtOnNhgYorFvI2tTUEdS5GwC4XeNk=";
const SCRIPT_HASH: &str = "sha256-J6ginw2PGCLm7H6dfjqw0ir7aYi2nNQ8SndYIKWz6/Y=";

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    style: &'static str,
    script: &'static str,
    style_hash: &'static str,
    script_hash: &'static str,
    name: Text,
    about: Option<Text>,
    short_hash: String,
    progress: String,
    complete: bool,
    locked: bool,
    facts: Vec<Fact>,
    warnings: Vec<Text>,
    hypotheses: Vec<hypotheses::HypothesisView>,
    parts: Vec<Part>,
    asked: asked::AskedView,
    record: record::RecordView<'a>,
    transcripts: transcripts::TranscriptsView,
}

/// A figure of the run in the head of the page.
struct Fact {
    name: &'static str,
    value: String,
}

/// Estimates of one status.
struct Part {
    id: &'static str,
    title: &'static str,
    about: &'static str,
    estimates: Vec<figure::EstimateView>,
}

/// Writes `report.html`.
///
/// # Errors
/// Only if the template cannot be rendered, which no content of the results brings about.
pub fn html(results: &Results) -> Result<String> {
    let plan = &results.plan;
    let page = Page {
        style: STYLE,
        script: SCRIPT,
        style_hash: STYLE_HASH,
        script_hash: SCRIPT_HASH,
        name: Text::of(&plan.name),
        about: plan.about.as_deref().map(Text::of),
        short_hash: plan.root.0.short(),
        progress: words::progress(&results.counts),
        complete: results.counts.not_asked == 0,
        locked: results.locked,
        facts: facts(results),
        warnings: results.warnings.iter().map(|w| Text::of(w)).collect(),
        hypotheses: results.tested.iter().map(|t| hypotheses::view(plan, t)).collect(),
        parts: parts(results),
        asked: asked::view(results),
        record: record::view(results),
        transcripts: transcripts::view(results),
    };
    page.render().map_err(|e| Error::from(Kind::Page(e)))
}

fn facts(results: &Results) -> Vec<Fact> {
    let (plan, counts) = (&results.plan, &results.counts);
    let fact = |name, value| Fact { name, value };
    let mut facts: Vec<Fact> =
        plan.benchmark.iter().map(|b| fact("version", crate::text::excerpt(&b.version, 40))).collect();
    facts.extend([
        fact("items", number::count(plan.items.len() as u64)),
        fact("subjects", number::count(plan.subjects.len() as u64)),
        fact("trials", number::count(counts.planned)),
        fact("answered", number::count(counts.answered)),
    ]);
    for (name, n) in
        [("withheld", counts.withheld), ("failed", counts.failed), ("not asked", counts.not_asked)]
    {
        if n > 0 {
            facts.push(fact(name, number::count(n)));
        }
    }
    facts.push(fact("exchanges took, summed", number::duration(results.total.elapsed_us)));
    facts.push(fact("cost", results.total.cost_nano.map_or("not priced".into(), number::money)));
    facts
}

fn parts(results: &Results) -> Vec<Part> {
    let all = [
        (
            Status::Confirmatory,
            "confirmatory",
            "Confirmatory estimates",
            "Listed in the frozen plan before the data, and complete.",
        ),
        (
            Status::Partial,
            "partial",
            "Partial estimates",
            "Some of their trials are not asked or not judged yet: these numbers will change, and nothing should be \
             decided on them.",
        ),
        (
            Status::Exploratory,
            "exploratory",
            "Exploratory estimates",
            "Added after data were there. They may raise questions; they settle none.",
        ),
    ];
    let part = |(status, id, title, about)| {
        let of_status = results.estimates.iter().filter(|e| e.status == status);
        let estimates: Vec<_> = of_status.map(|e| figure::estimate(&results.plan, e)).collect();
        (!estimates.is_empty()).then_some(Part { id, title, about, estimates })
    };
    all.into_iter().filter_map(part).collect()
}
