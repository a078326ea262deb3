//! The plan in `report.json`: what was asked of whom, without the items' texts.

use super::value::Float;
use plumb_study::Plan;
use plumb_study::items::Levels;
use plumb_study::party::Sampling;
use plumb_study::plan::{
    Analysis, Cluster, JudgeSpec, Limits, PartySpec, Scale, Settings, Source, SubjectSpec,
};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
pub(super) struct PlanPart<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    benchmark: Option<BenchmarkPart<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<SkippedPart<'a>>,
    root: String,
    digest: String,
    seed: u64,
    items: usize,
    sources: Vec<SourcePart<'a>>,
    subjects: Vec<SubjectPart<'a>>,
    judges: Vec<JudgePart<'a>>,
    analyses: Vec<AnalysisPart<'a>>,
    limits: LimitsPart,
    of_the_root_plan: RootedPart,
}

#[derive(Serialize)]
struct BenchmarkPart<'a> {
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecated: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intended_use: Option<&'a str>,
    limits: Vec<&'a str>,
}

#[derive(Serialize)]
struct SkippedPart<'a> {
    what: &'a str,
    name: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct SourcePart<'a> {
    id: &'a str,
    reader: &'a str,
    items: usize,
    repeat: u16,
    sampling: SamplingPart<'a>,
    /// What the items were made of.
    #[serde(skip_serializing_if = "Settings::is_null")]
    made: &'a Settings,
    #[serde(skip_serializing_if = "Option::is_none")]
    subjects: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    judges: Option<Vec<&'a str>>,
}

/// What is absent is left to the subject or to the provider.
#[derive(Serialize)]
struct SamplingPart<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Float>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<Float>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_p: Option<Float>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repetition_penalty: Option<Float>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
}

#[derive(Serialize)]
struct PartyPart<'a> {
    kind: &'a str,
    spec: String,
    settings: &'a Settings,
    sampling: SamplingPart<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'a str>,
    engine: &'a str,
}

#[derive(Serialize)]
struct SubjectPart<'a> {
    id: &'a str,
    factors: BTreeMap<&'a str, &'a str>,
    party: PartyPart<'a>,
}

#[derive(Serialize)]
struct JudgePart<'a> {
    name: &'a str,
    kind: &'a str,
    settings: &'a Settings,
    measures: Vec<MeasurePart<'a>>,
    needs: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<WhenPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<PartyPart<'a>>,
}

#[derive(Serialize)]
struct MeasurePart<'a> {
    name: &'a str,
    scale: &'static str,
    labels: Vec<String>,
}

#[derive(Serialize)]
struct WhenPart {
    measure: String,
    is: String,
}

#[derive(Serialize)]
struct AnalysisPart<'a> {
    id: &'a str,
    method: &'a str,
    of: Vec<String>,
    by: Vec<&'a str>,
    cluster: &'a str,
    level: Float,
    only: BTreeMap<&'a str, &'a str>,
    settings: &'a Settings,
}

#[derive(Serialize)]
struct LimitsPart {
    in_flight: u32,
    deadline_ms: u64,
    tries: u32,
    attempts: u16,
    retry_after_cap_ms: u64,
    breaker: u32,
    warn_share: Float,
}

#[derive(Serialize)]
struct RootedPart {
    items: u32,
    subjects: u32,
    judges: u32,
    analyses: u32,
}

pub(super) fn part(plan: &Plan) -> PlanPart<'_> {
    let mut items = vec![0; plan.sources.len()];
    for item in &plan.items {
        items[item.source.0 as usize] += 1;
    }
    PlanPart {
        name: &plan.name,
        about: plan.about.as_deref(),
        benchmark: plan.benchmark.as_ref().map(|b| BenchmarkPart {
            version: &b.version,
            deprecated: b.deprecated.as_deref(),
            intended_use: b.intended_use.as_deref(),
            limits: b.limits.iter().map(|l| &**l).collect(),
        }),
        skipped: plan
            .skipped
            .iter()
            .map(|s| SkippedPart { what: &s.what, name: &s.name, why: &s.why })
            .collect(),
        root: plan.root.0.hex(),
        digest: plan.digest.hex(),
        seed: plan.seed,
        items: plan.items.len(),
        sources: plan.sources.iter().zip(items).map(|(s, items)| source(plan, s, items)).collect(),
        subjects: plan.subjects.iter().map(subject).collect(),
        judges: plan.judges.iter().map(|j| judge(plan, j)).collect(),
        analyses: plan.analyses.iter().map(|a| analysis(plan, a)).collect(),
        limits: limits(&plan.limits),
        of_the_root_plan: RootedPart {
            items: plan.rooted.items,
            subjects: plan.rooted.subjects,
            judges: plan.rooted.judges,
            analyses: plan.rooted.analyses,
        },
    }
}

fn levels(levels: &Levels) -> BTreeMap<&str, &str> {
    levels.iter().map(|(name, level)| (&**name, &**level)).collect()
}

fn sampling(s: &Sampling) -> SamplingPart<'_> {
    SamplingPart {
        temperature: s.temperature.map(Float),
        top_p: s.top_p.map(Float),
        top_k: s.top_k,
        min_p: s.min_p.map(Float),
        repetition_penalty: s.repetition_penalty.map(Float),
        max_tokens: s.max_tokens,
        stop: &s.stop,
    }
}

fn party(p: &PartySpec) -> PartyPart<'_> {
    PartyPart {
        kind: &p.kind,
        spec: p.digest().hex(),
        settings: &p.settings,
        sampling: sampling(&p.sampling),
        system: p.system.as_deref(),
        engine: p.engine.as_str(),
    }
}

fn source<'a>(plan: &'a Plan, s: &'a Source, items: usize) -> SourcePart<'a> {
    SourcePart {
        id: &s.id,
        reader: &s.reader,
        items,
        repeat: s.repeat,
        sampling: sampling(&s.sampling),
        made: &s.made,
        subjects: s.subjects.as_ref().map(|l| l.iter().map(|ix| plan.subject(*ix).id.as_str()).collect()),
        judges: s.judges.as_ref().map(|l| l.iter().map(|ix| plan.judge(*ix).name.as_str()).collect()),
    }
}

fn subject(s: &SubjectSpec) -> SubjectPart<'_> {
    SubjectPart { id: s.id.as_str(), factors: levels(&s.factors), party: party(&s.party) }
}

fn judge<'a>(plan: &'a Plan, j: &'a JudgeSpec) -> JudgePart<'a> {
    JudgePart {
        name: j.name.as_str(),
        kind: &j.kind,
        settings: &j.settings,
        measures: j
            .measures
            .iter()
            .map(|m| MeasurePart {
                name: &m.name,
                scale: match m.scale {
                    Scale::Binary => "binary",
                    Scale::Nominal(_) => "nominal",
                    Scale::Real => "real",
                },
                labels: m.scale.labels().iter().map(|l| l.to_string()).collect(),
            })
            .collect(),
        needs: j.needs.iter().map(|ix| plan.judge(*ix).name.as_str()).collect(),
        when: j.when.map(|(measure, label)| WhenPart {
            measure: plan.measure_name(measure),
            is: crate::words::label(plan, measure, label),
        }),
        model: j.model.as_ref().map(party),
    }
}

fn analysis<'a>(plan: &'a Plan, a: &'a Analysis) -> AnalysisPart<'a> {
    AnalysisPart {
        id: a.id.as_str(),
        method: &a.method,
        of: a.of.iter().map(|m| plan.measure_name(*m)).collect(),
        by: a.by.iter().map(|b| &**b).collect(),
        cluster: match &a.cluster {
            Cluster::Item => "item",
            Cluster::Tag(tag) => tag,
        },
        level: Float(a.level),
        only: levels(&a.only),
        settings: &a.settings,
    }
}

fn limits(l: &Limits) -> LimitsPart {
    LimitsPart {
        in_flight: l.in_flight,
        deadline_ms: l.deadline_ms,
        tries: l.tries,
        attempts: l.attempts,
        retry_after_cap_ms: l.retry_after_cap_ms,
        breaker: l.breaker,
        warn_share: Float(l.warn_share),
    }
}
