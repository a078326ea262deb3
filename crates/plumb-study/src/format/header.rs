//! The stored header of a plan, version 1.

use super::ballot::{BallotV1, ballot_in, ballot_out};
use super::strategy::{StrategyV1, strategy_in, strategy_out};
use super::{PLAN_FORMAT, broken};
use crate::error::{Error, Result};
use crate::id::{AnalysisId, Digest, EngineId, JudgeIx, JudgeName, MeasureRef, PlanId, SubjectId, SubjectIx};
use crate::items::Levels;
use crate::observe::Label;
use crate::party::{Abilities, Sampling};
use crate::plan::{
    Analysis, Benchmark, Cluster, Direction, Hypothesis, JudgeSpec, Limits, Measure, PartySpec, Plan, Rooted,
    Scale, Settings, Skipped, Source, SubjectSpec, SupportedIf, Term,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
struct HeaderV1 {
    format: u32,
    name: Arc<str>,
    about: Option<Arc<str>>,
    seed: u64,
    /// Absent in a root plan: a hash cannot contain itself.
    root: Option<String>,
    rooted: [u32; 4],
    items: String,
    sources: Vec<SourceV1>,
    subjects: Vec<SubjectV1>,
    judges: Vec<JudgeV1>,
    analyses: Vec<AnalysisV1>,
    hypotheses: Vec<HypothesisV1>,
    limits: LimitsV1,
    /// Absent where there are none, so that older plans keep their hash.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    sections: BTreeMap<Arc<str>, Settings>,
    /// Absent where there is none, so that older plans keep their hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    benchmark: Option<BenchmarkV1>,
    /// Kind, name and reason; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<(Arc<str>, Arc<str>, Arc<str>)>,
}

#[derive(Serialize, Deserialize)]
struct BenchmarkV1 {
    version: Arc<str>,
    deprecated: Option<Arc<str>>,
    intended_use: Option<Arc<str>>,
    limits: Vec<Arc<str>>,
}

#[derive(Serialize, Deserialize)]
struct SourceV1 {
    id: Arc<str>,
    reader: Arc<str>,
    repeat: u16,
    sampling: SamplingV1,
    subjects: Option<Vec<u16>>,
    judges: Option<Vec<u16>>,
    /// Absent where there is none, so that older plans keep their hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    strategy: Option<StrategyV1>,
    #[serde(default, skip_serializing_if = "Settings::is_null")]
    made: Settings,
}

#[derive(Serialize, Deserialize)]
struct SamplingV1 {
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: Option<u32>,
    stop: Vec<String>,
    /// These three are absent where they are not set, so that older plans keep their hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_p: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repetition_penalty: Option<f64>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct PartyV1 {
    kind: Arc<str>,
    settings: Settings,
    sampling: SamplingV1,
    system: Option<Arc<str>>,
    engine: Arc<str>,
    can: [bool; 4],
    most_in_flight: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct SubjectV1 {
    id: Arc<str>,
    factors: Levels,
    party: PartyV1,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ScaleV1 {
    Binary,
    Nominal(Vec<Arc<str>>),
    Real,
}

#[derive(Serialize, Deserialize)]
struct JudgeV1 {
    name: Arc<str>,
    kind: Arc<str>,
    settings: Settings,
    measures: Vec<(Arc<str>, ScaleV1)>,
    needs: Vec<u16>,
    when: Option<(u16, u8, u8)>,
    model: Option<PartyV1>,
    /// Absent but for ensembles, so that other plans keep their hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ballot: Option<BallotV1>,
}

#[derive(Serialize, Deserialize)]
struct AnalysisV1 {
    id: Arc<str>,
    method: Arc<str>,
    of: Vec<(u16, u8)>,
    by: Vec<Arc<str>>,
    /// Tag; absent for items.
    cluster: Option<Arc<str>>,
    level: f64,
    only: Levels,
    settings: Settings,
}

#[derive(Serialize, Deserialize)]
struct HypothesisV1 {
    id: Arc<str>,
    analysis: Arc<str>,
    contrast: Vec<(Levels, f64)>,
    direction: String,
    alpha: f64,
    family: Arc<str>,
    holm: bool,
    inside: Option<(f64, f64)>,
}

#[derive(Serialize, Deserialize)]
struct LimitsV1 {
    in_flight: u32,
    deadline_ms: u64,
    tries: u32,
    attempts: u16,
    retry_after_cap_ms: u64,
    breaker: u32,
    warn_share: f64,
}

pub(super) fn encode(plan: &Plan, items: Digest) -> String {
    let root = plan.root.0;
    let is_root = root == Digest([0; 32]) || root == plan.digest;
    let header = HeaderV1 {
        format: PLAN_FORMAT,
        name: plan.name.clone(),
        about: plan.about.clone(),
        seed: plan.seed,
        root: (!is_root).then(|| root.hex()),
        rooted: [plan.rooted.items, plan.rooted.subjects, plan.rooted.judges, plan.rooted.analyses],
        items: items.hex(),
        sources: plan.sources.iter().map(source_out).collect(),
        subjects: plan
            .subjects
            .iter()
            .map(|s| SubjectV1 { id: s.id.0.clone(), factors: s.factors.clone(), party: party_out(&s.party) })
            .collect(),
        judges: plan.judges.iter().map(judge_out).collect(),
        analyses: plan.analyses.iter().map(analysis_out).collect(),
        hypotheses: plan.hypotheses.iter().map(hypothesis_out).collect(),
        limits: LimitsV1 {
            in_flight: plan.limits.in_flight,
            deadline_ms: plan.limits.deadline_ms,
            tries: plan.limits.tries,
            attempts: plan.limits.attempts,
            retry_after_cap_ms: plan.limits.retry_after_cap_ms,
            breaker: plan.limits.breaker,
            warn_share: plan.limits.warn_share,
        },
        sections: plan.sections.clone(),
        benchmark: plan.benchmark.as_ref().map(benchmark_out),
        skipped: plan.skipped.iter().map(|s| (s.what.clone(), s.name.clone(), s.why.clone())).collect(),
    };
    // Maps have text keys and floats are finite (checked when the plan is read): this cannot fail.
    serde_json::to_string(&header).unwrap_or_default()
}

pub(super) fn items_digest(text: &str) -> Result<Digest> {
    let header: HeaderV1 = serde_json::from_str(text).map_err(|e| broken("plan", e))?;
    Digest::from_hex(&header.items).ok_or_else(|| broken("digest of the items", &header.items))
}

pub(super) fn decode(text: &str) -> Result<Plan> {
    let header: HeaderV1 = serde_json::from_str(text).map_err(|e| broken("plan", e))?;
    if header.format > PLAN_FORMAT {
        return Err(Error::journal(format!(
            "the plan is stored in format {}, this program reads up to {PLAN_FORMAT}",
            header.format
        ))
        .help("use a newer plumb"));
    }
    let root = match &header.root {
        None => Digest([0; 32]),
        Some(hex) => Digest::from_hex(hex).ok_or_else(|| broken("root hash", hex))?,
    };
    let [items, subjects, judges, analyses] = header.rooted;
    Ok(Plan {
        root: PlanId(root),
        digest: Digest([0; 32]),
        name: header.name,
        about: header.about,
        seed: header.seed,
        sources: header.sources.into_iter().map(source_in).collect(),
        items: Vec::new(),
        subjects: header
            .subjects
            .into_iter()
            .map(|s| SubjectSpec { id: SubjectId(s.id), factors: s.factors, party: party_in(s.party) })
            .collect(),
        judges: header.judges.into_iter().map(judge_in).collect(),
        analyses: header.analyses.into_iter().map(analysis_in).collect(),
        hypotheses: header.hypotheses.into_iter().map(hypothesis_in).collect::<Result<_>>()?,
        limits: Limits {
            in_flight: header.limits.in_flight,
            deadline_ms: header.limits.deadline_ms,
            tries: header.limits.tries,
            attempts: header.limits.attempts,
            retry_after_cap_ms: header.limits.retry_after_cap_ms,
            breaker: header.limits.breaker,
            warn_share: header.limits.warn_share,
        },
        sections: header.sections,
        rooted: Rooted { items, subjects, judges, analyses },
        benchmark: header.benchmark.map(benchmark_in),
        skipped: header.skipped.into_iter().map(|(what, name, why)| Skipped { what, name, why }).collect(),
    })
}

fn benchmark_out(b: &Benchmark) -> BenchmarkV1 {
    let Benchmark { version, deprecated, intended_use, limits } = b.clone();
    BenchmarkV1 { version, deprecated, intended_use, limits }
}

fn benchmark_in(b: BenchmarkV1) -> Benchmark {
    let BenchmarkV1 { version, deprecated, intended_use, limits } = b;
    Benchmark { version, deprecated, intended_use, limits }
}

fn sampling_out(s: &Sampling) -> SamplingV1 {
    SamplingV1 {
        temperature: s.temperature,
        top_p: s.top_p,
        max_tokens: s.max_tokens,
        stop: s.stop.clone(),
        top_k: s.top_k,
        min_p: s.min_p,
        repetition_penalty: s.repetition_penalty,
    }
}

fn sampling_in(s: SamplingV1) -> Sampling {
    Sampling {
        temperature: s.temperature,
        top_p: s.top_p,
        max_tokens: s.max_tokens,
        stop: s.stop,
        top_k: s.top_k,
        min_p: s.min_p,
        repetition_penalty: s.repetition_penalty,
    }
}

fn source_out(s: &Source) -> SourceV1 {
    SourceV1 {
        id: s.id.clone(),
        reader: s.reader.clone(),
        repeat: s.repeat,
        sampling: sampling_out(&s.sampling),
        subjects: s.subjects.as_ref().map(|l| l.iter().map(|x| x.0).collect()),
        judges: s.judges.as_ref().map(|l| l.iter().map(|x| x.0).collect()),
        strategy: s.strategy.as_ref().map(strategy_out),
        made: s.made.clone(),
    }
}

fn source_in(s: SourceV1) -> Source {
    Source {
        id: s.id,
        reader: s.reader,
        repeat: s.repeat,
        sampling: sampling_in(s.sampling),
        subjects: s.subjects.map(|l| l.into_iter().map(SubjectIx).collect()),
        judges: s.judges.map(|l| l.into_iter().map(JudgeIx).collect()),
        strategy: s.strategy.map(strategy_in),
        made: s.made,
    }
}

pub(super) fn party_out(p: &PartySpec) -> PartyV1 {
    PartyV1 {
        kind: p.kind.clone(),
        settings: p.settings.clone(),
        sampling: sampling_out(&p.sampling),
        system: p.system.clone(),
        engine: p.engine.0.clone(),
        can: [p.can.chat, p.can.completion, p.can.choose, p.can.deterministic],
        most_in_flight: p.can.most_in_flight,
    }
}

pub(super) fn party_in(p: PartyV1) -> PartySpec {
    let [chat, completion, choose, deterministic] = p.can;
    PartySpec {
        kind: p.kind,
        settings: p.settings,
        sampling: sampling_in(p.sampling),
        system: p.system,
        engine: EngineId(p.engine),
        can: Abilities { chat, completion, choose, deterministic, most_in_flight: p.most_in_flight },
    }
}

fn judge_out(j: &JudgeSpec) -> JudgeV1 {
    JudgeV1 {
        name: j.name.0.clone(),
        kind: j.kind.clone(),
        settings: j.settings.clone(),
        measures: j
            .measures
            .iter()
            .map(|m| {
                let scale = match &m.scale {
                    Scale::Binary => ScaleV1::Binary,
                    Scale::Nominal(labels) => ScaleV1::Nominal(labels.clone()),
                    Scale::Real => ScaleV1::Real,
                };
                (m.name.clone(), scale)
            })
            .collect(),
        needs: j.needs.iter().map(|n| n.0).collect(),
        when: j.when.map(|(m, l)| (m.judge.0, m.measure, l.0)),
        model: j.model.as_ref().map(party_out),
        ballot: j.ballot.as_ref().map(ballot_out),
    }
}

fn judge_in(j: JudgeV1) -> JudgeSpec {
    JudgeSpec {
        name: JudgeName(j.name),
        kind: j.kind,
        settings: j.settings,
        measures: j
            .measures
            .into_iter()
            .map(|(name, scale)| Measure {
                name,
                scale: match scale {
                    ScaleV1::Binary => Scale::Binary,
                    ScaleV1::Nominal(labels) => Scale::Nominal(labels),
                    ScaleV1::Real => Scale::Real,
                },
            })
            .collect(),
        needs: j.needs.into_iter().map(JudgeIx).collect(),
        when: j.when.map(|(judge, measure, l)| (MeasureRef { judge: JudgeIx(judge), measure }, Label(l))),
        model: j.model.map(party_in),
        ballot: j.ballot.map(ballot_in),
    }
}

fn analysis_out(a: &Analysis) -> AnalysisV1 {
    AnalysisV1 {
        id: a.id.0.clone(),
        method: a.method.clone(),
        of: a.of.iter().map(|m| (m.judge.0, m.measure)).collect(),
        by: a.by.clone(),
        cluster: match &a.cluster {
            Cluster::Item => None,
            Cluster::Tag(tag) => Some(tag.clone()),
        },
        level: a.level,
        only: a.only.clone(),
        settings: a.settings.clone(),
    }
}

fn analysis_in(a: AnalysisV1) -> Analysis {
    Analysis {
        id: AnalysisId(a.id),
        method: a.method,
        of: a.of.into_iter().map(|(j, measure)| MeasureRef { judge: JudgeIx(j), measure }).collect(),
        by: a.by,
        cluster: a.cluster.map_or(Cluster::Item, Cluster::Tag),
        level: a.level,
        only: a.only,
        settings: a.settings,
    }
}

fn hypothesis_out(h: &Hypothesis) -> HypothesisV1 {
    HypothesisV1 {
        id: h.id.clone(),
        analysis: h.analysis.0.clone(),
        contrast: h.contrast.iter().map(|t| (t.at.clone(), t.weight)).collect(),
        direction: match h.direction {
            Direction::Greater => "greater",
            Direction::Less => "less",
            Direction::TwoSided => "two-sided",
        }
        .into(),
        alpha: h.alpha,
        family: h.family.clone(),
        holm: h.holm,
        inside: match h.supported_if {
            SupportedIf::ExcludesZero => None,
            SupportedIf::Inside { low, high } => Some((low, high)),
        },
    }
}

fn hypothesis_in(h: HypothesisV1) -> Result<Hypothesis> {
    Ok(Hypothesis {
        id: h.id,
        analysis: AnalysisId(h.analysis),
        contrast: h.contrast.into_iter().map(|(at, weight)| Term { at, weight }).collect(),
        direction: match h.direction.as_str() {
            "greater" => Direction::Greater,
            "less" => Direction::Less,
            "two-sided" => Direction::TwoSided,
            other => return Err(broken("direction", other)),
        },
        alpha: h.alpha,
        family: h.family,
        holm: h.holm,
        supported_if: match h.inside {
            None => SupportedIf::ExcludesZero,
            Some((low, high)) => SupportedIf::Inside { low, high },
        },
    })
}
