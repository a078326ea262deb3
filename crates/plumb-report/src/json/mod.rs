//! `report.json`: everything the report says, for programs.
//!
//! Keys come in a fixed order and equal results give equal bytes. Numbers are in full: shares as parts of one,
//! times in microseconds, money in nano-units of US dollars. A value that does not exist is an object that says
//! why (`{"undefined": "…"}`, `{"unknown": "…"}`), never `null` or NaN; a key that is absent was not set.
//! Transcripts are not in it: `plumb export` gives all of them. [`FORMAT`] grows when a key changes its meaning
//! or goes away; new keys alone do not change it.

mod estimates;
mod plan;
mod value;

pub(crate) use estimates::value;
pub(crate) use value::Float;

use crate::error::{Error, Kind, Result};
use plumb_study::{MissingReason, Results, Spent, SubjectCounts};
use serde::Serialize;
use value::Known;

/// Version of the format.
pub const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    format: u32,
    plan: plan::PlanPart<'a>,
    state: String,
    locked: bool,
    complete: bool,
    warnings: &'a [String],
    counts: CountsPart<'a>,
    by_subject: Vec<SubjectPart<'a>>,
    missing: Vec<MissingPart<'a>>,
    hypotheses: Vec<estimates::TestedPart<'a>>,
    estimates: Vec<estimates::EstimatePart<'a>>,
    spent: SpentParts,
    amendments: Vec<AmendmentPart<'a>>,
    programs: &'a [String],
    served: Vec<ServedPart<'a>>,
    transcripts: TranscriptsPart,
}

#[derive(Serialize)]
struct CountsPart<'a> {
    planned: u64,
    answered: u64,
    answered_but_cut: u64,
    withheld: u64,
    failed: u64,
    not_asked: u64,
    judged: Vec<JudgedPart<'a>>,
    judgments_failed: u64,
}

#[derive(Serialize)]
struct JudgedPart<'a> {
    judge: &'a str,
    trials: u64,
}

#[derive(Serialize)]
struct SubjectPart<'a> {
    subject: &'a str,
    planned: u64,
    answered: u64,
    answered_but_empty: u64,
    answered_but_cut: u64,
    withheld: u64,
    failed: u64,
    not_asked: u64,
}

#[derive(Serialize)]
struct MissingPart<'a> {
    outcome: &'a str,
    reason: &'a str,
    trials: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<&'a str>,
}

#[derive(Serialize)]
struct SpentParts {
    total: SpentPart,
    judging: SpentPart,
}

#[derive(Serialize)]
struct SpentPart {
    requests: u64,
    elapsed_us: u64,
    tokens_in: Known<u64>,
    tokens_out: Known<u64>,
    cost_nano_usd: Known<u64>,
}

#[derive(Serialize)]
struct AmendmentPart<'a> {
    plan: String,
    parent: String,
    reason: &'a str,
}

#[derive(Serialize)]
struct ServedPart<'a> {
    subject: &'a str,
    model: &'a str,
    trials: u64,
}

#[derive(Serialize)]
struct TranscriptsPart {
    in_page: usize,
    shareable: u64,
}

/// Writes `report.json`, with a newline at its end.
///
/// # Errors
/// Only if a plan's settings cannot be written as JSON, which freezing rules out.
pub fn json(results: &Results) -> Result<String> {
    let report = Report {
        format: FORMAT,
        plan: plan::part(&results.plan),
        state: results.state.hex(),
        locked: results.locked,
        complete: results.counts.not_asked == 0,
        warnings: &results.warnings,
        counts: counts(results),
        by_subject: results.by_subject.iter().map(subject).collect(),
        missing: results.missing.iter().map(missing).collect(),
        hypotheses: results.tested.iter().map(estimates::tested).collect(),
        estimates: results.estimates.iter().map(estimates::estimate).collect(),
        spent: SpentParts { total: spent(results.total), judging: spent(results.judging) },
        amendments: results
            .amendments
            .iter()
            .map(|a| AmendmentPart { plan: a.plan.hex(), parent: a.parent.hex(), reason: &a.reason })
            .collect(),
        programs: &results.programs,
        served: results
            .served
            .iter()
            .map(|(subject, model, trials)| ServedPart { subject, model, trials: *trials })
            .collect(),
        transcripts: TranscriptsPart {
            in_page: results.transcripts.len(),
            shareable: results.transcripts_of,
        },
    };
    let mut text = serde_json::to_string_pretty(&report).map_err(|e| Error::from(Kind::Json(e)))?;
    text.push('\n');
    Ok(text)
}

fn counts(results: &Results) -> CountsPart<'_> {
    let c = &results.counts;
    CountsPart {
        planned: c.planned,
        answered: c.answered,
        answered_but_cut: c.truncated,
        withheld: c.withheld,
        failed: c.failed,
        not_asked: c.not_asked,
        judged: results
            .plan
            .judges
            .iter()
            .zip(&c.judged)
            .map(|(judge, trials)| JudgedPart { judge: judge.name.as_str(), trials: *trials })
            .collect(),
        judgments_failed: c.judgments_failed(),
    }
}

fn subject(s: &SubjectCounts) -> SubjectPart<'_> {
    SubjectPart {
        subject: &s.subject,
        planned: s.planned,
        answered: s.answered,
        answered_but_empty: s.empty,
        answered_but_cut: s.truncated,
        withheld: s.withheld,
        failed: s.failed,
        not_asked: s.planned.saturating_sub(s.answered + s.withheld + s.failed),
    }
}

fn missing(m: &MissingReason) -> MissingPart<'_> {
    MissingPart { outcome: m.outcome, reason: m.why, trials: m.count, example: m.example.as_deref() }
}

fn spent(spent: Spent) -> SpentPart {
    SpentPart {
        requests: spent.requests,
        elapsed_us: spent.elapsed_us,
        tokens_in: Known::or(spent.tokens_in, "nobody counted them"),
        tokens_out: Known::or(spent.tokens_out, "nobody counted them"),
        cost_nano_usd: Known::or(spent.cost_nano, "no price is known"),
    }
}
