//! Estimates and hypotheses in `report.json`.

use super::value::Float;
use plumb_study::method::{Finding, Unit, Value};
use plumb_study::plan::{Direction, SupportedIf, Term};
use plumb_study::{Estimate, Tested};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
pub(super) struct EstimatePart<'a> {
    analysis: &'a str,
    method: &'a str,
    status: &'static str,
    /// Whether trials that an amendment added are in it, beside the same analysis without them.
    with_added_trials: bool,
    findings: Vec<FindingPart<'a>>,
}

#[derive(Serialize)]
struct FindingPart<'a> {
    quantity: &'a str,
    of: &'a str,
    unit: &'static str,
    at: Vec<LevelPart<'a>>,
    value: ValuePart<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_against_zero: Option<TestPart>,
    n: u64,
    clusters: u64,
    missing: Vec<MissingPart>,
    made_by: &'a str,
    warnings: Vec<&'a str>,
}

/// A list and not a map: the order of factors is the analysis' own.
#[derive(Serialize)]
struct LevelPart<'a> {
    name: &'a str,
    level: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum ValuePart<'a> {
    Interval { estimate: Float, low: Float, high: Float, level: Float },
    Point { estimate: Float, no_interval: &'a str },
    Undefined { undefined: &'a str },
}

#[derive(Serialize)]
struct TestPart {
    p_greater: Float,
    p_less: Float,
    p_two_sided: Float,
}

#[derive(Serialize)]
struct MissingPart {
    reason: &'static str,
    trials: u64,
}

#[derive(Serialize)]
pub(super) struct TestedPart<'a> {
    id: &'a str,
    analysis: &'a str,
    contrast: Vec<TermPart<'a>>,
    claim: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bounds: Option<BoundsPart>,
    alpha: Float,
    family: &'a str,
    correction: &'static str,
    status: &'static str,
    decision: DecisionPart<'a>,
    estimate: FoundPart<'a>,
}

#[derive(Serialize)]
struct BoundsPart {
    low: Float,
    high: Float,
}

#[derive(Serialize)]
struct TermPart<'a> {
    at: BTreeMap<&'a str, &'a str>,
    weight: Float,
}

#[derive(Serialize)]
#[serde(untagged)]
enum DecisionPart<'a> {
    Made { decision: &'static str, p: Float, p_adjusted: Float, low: Float, high: Float, level: Float },
    NotMade { undefined: &'a str },
}

#[derive(Serialize)]
#[serde(untagged)]
enum FoundPart<'a> {
    Found(Box<FindingPart<'a>>),
    Not { undefined: &'static str },
}

pub(super) fn estimate(estimate: &Estimate) -> EstimatePart<'_> {
    EstimatePart {
        analysis: estimate.analysis.as_str(),
        method: &estimate.method,
        status: estimate.status.name(),
        with_added_trials: estimate.with_added,
        findings: estimate.findings.iter().map(finding).collect(),
    }
}

fn finding(finding: &Finding) -> FindingPart<'_> {
    let quantity = &finding.quantity;
    FindingPart {
        quantity: &quantity.name,
        of: &quantity.of,
        unit: match quantity.unit {
            Unit::Share => "share of one",
            Unit::Points => "difference of shares",
            Unit::Number => "number",
        },
        at: quantity.at.iter().map(|(name, level)| LevelPart { name, level }).collect(),
        value: value(&finding.value),
        test_against_zero: finding.test.map(|t| TestPart {
            p_greater: Float(t.p_greater),
            p_less: Float(t.p_less),
            p_two_sided: Float(t.p_two_sided),
        }),
        n: finding.n,
        clusters: finding.clusters,
        missing: finding
            .missing
            .iter()
            .map(|(why, trials)| MissingPart { reason: why.name(), trials: *trials })
            .collect(),
        made_by: &finding.method,
        warnings: finding.warnings.iter().map(|w| &**w).collect(),
    }
}

pub(crate) fn value(value: &Value) -> ValuePart<'_> {
    match value {
        Value::Interval { estimate, low, high, level } => ValuePart::Interval {
            estimate: Float(*estimate),
            low: Float(*low),
            high: Float(*high),
            level: Float(*level),
        },
        Value::Point { estimate, reason } => {
            ValuePart::Point { estimate: Float(*estimate), no_interval: reason }
        }
        Value::Undefined(reason) => ValuePart::Undefined { undefined: reason },
    }
}

fn term(term: &Term) -> TermPart<'_> {
    TermPart { at: term.at.iter().map(|(n, l)| (&**n, &**l)).collect(), weight: Float(term.weight) }
}

pub(super) fn tested(tested: &Tested) -> TestedPart<'_> {
    let hypothesis = &tested.hypothesis;
    let (claim, bounds) = match (hypothesis.supported_if, hypothesis.direction) {
        (SupportedIf::Inside { low, high }, _) => {
            ("inside bounds", Some(BoundsPart { low: Float(low), high: Float(high) }))
        }
        (SupportedIf::ExcludesZero, Direction::Greater) => ("greater than zero", None),
        (SupportedIf::ExcludesZero, Direction::Less) => ("less than zero", None),
        (SupportedIf::ExcludesZero, Direction::TwoSided) => ("different from zero", None),
    };
    TestedPart {
        id: &hypothesis.id,
        analysis: hypothesis.analysis.as_str(),
        contrast: hypothesis.contrast.iter().map(term).collect(),
        claim,
        bounds,
        alpha: Float(hypothesis.alpha),
        family: &hypothesis.family,
        correction: if hypothesis.holm { "holm" } else { "none" },
        status: tested.status.name(),
        decision: match &tested.verdict {
            Ok(v) => DecisionPart::Made {
                decision: v.decision.name(),
                p: Float(v.p),
                p_adjusted: Float(v.p_adjusted),
                low: Float(v.interval.0),
                high: Float(v.interval.1),
                level: Float(v.interval.2),
            },
            Err(reason) => DecisionPart::NotMade { undefined: reason },
        },
        estimate: match &tested.finding {
            Some(found) => FoundPart::Found(Box::new(finding(found))),
            None => FoundPart::Not { undefined: "the method has no contrast" },
        },
    }
}
