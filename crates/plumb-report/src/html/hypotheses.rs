//! What was claimed beforehand and what became of it.

use super::figure::{self, Mark, Scale};
use super::shown::Text;
use crate::axis::Axis;
use crate::{number, panel, words};
use plumb_study::method::{Unit, Value};
use plumb_study::plan::SupportedIf;
use plumb_study::{Decided, Plan, Status, Tested};

/// One hypothesis.
pub(super) struct HypothesisView {
    pub(super) id: Text,
    pub(super) analysis: Text,
    pub(super) family: Text,
    /// Word and CSS class; the sign tells them apart without colour.
    pub(super) verdict: &'static str,
    pub(super) class: &'static str,
    pub(super) sign: &'static str,
    pub(super) of: Option<Text>,
    pub(super) contrast: Text,
    pub(super) claim: Text,
    pub(super) rule: Text,
    /// Why nothing was decided.
    pub(super) undecided: Option<Text>,
    /// What the verdict would be, where trials are open.
    pub(super) so_far: Option<&'static str>,
    pub(super) found: Option<FoundView>,
}

/// The contrast's value.
pub(super) struct FoundView {
    pub(super) scale: Scale,
    pub(super) mark: Mark,
    /// Whether the hypothesis states bounds, which are then drawn.
    pub(super) stated: bool,
    pub(super) estimate: String,
    pub(super) interval: String,
    pub(super) level: String,
    /// The rule's interval and its level, and p-values, where a decision was made.
    pub(super) decided: Option<DecidedView>,
    pub(super) n: String,
    pub(super) clusters: String,
    pub(super) missing: String,
    pub(super) made_by: Text,
    pub(super) warnings: Vec<Text>,
}

/// What a decision rests on.
pub(super) struct DecidedView {
    pub(super) interval: String,
    pub(super) level: String,
    pub(super) p: String,
    pub(super) p_adjusted: Option<String>,
}

pub(super) fn view(plan: &Plan, tested: &Tested) -> HypothesisView {
    let h = &tested.hypothesis;
    let unit = tested.finding.as_ref().map_or(Unit::Number, |f| f.quantity.unit);
    let (verdict, class, sign) = verdict(tested);
    HypothesisView {
        id: Text::of(&h.id),
        analysis: Text::of(h.analysis.as_str()),
        family: Text::of(&h.family),
        verdict,
        class,
        sign,
        of: tested.finding.as_ref().map(|f| Text::of(&f.quantity.of)),
        contrast: Text::of(&words::contrast(&h.contrast)),
        claim: Text::of(&words::claim(h, unit)),
        rule: Text::of(&words::rule(h, words::family_size(plan, h), unit)),
        undecided: tested.verdict.as_ref().err().map(|why| Text::of(why)),
        so_far: match &tested.verdict {
            Ok(v) if tested.status == Status::Partial => Some(v.decision.name()),
            _ => None,
        },
        found: found(tested, unit),
    }
}

fn verdict(tested: &Tested) -> (&'static str, &'static str, &'static str) {
    match &tested.verdict {
        Err(_) => ("undecided", "open", "?"),
        Ok(_) if tested.status == Status::Partial => ("not complete", "open", "…"),
        Ok(v) => match v.decision {
            Decided::Supported => ("supported", "good", "✓"),
            Decided::Contradicted => ("contradicted", "bad", "✗"),
            Decided::Inconclusive => ("inconclusive", "open", "○"),
        },
    }
}

fn found(tested: &Tested, unit: Unit) -> Option<FoundView> {
    let finding = tested.finding.as_ref()?;
    let rule = tested.verdict.as_ref().ok();
    let bounds = match (&finding.value, rule) {
        (_, Some(v)) => (v.interval.0, v.interval.1),
        (Value::Interval { low, high, .. }, None) => (*low, *high),
        _ => (0.0, 0.0),
    };
    let decimals = number::decision_decimals(&finding.value, bounds.0, bounds.1, unit);
    let stated = match tested.hypothesis.supported_if {
        SupportedIf::Inside { low, high } => Some((low, high)),
        SupportedIf::ExcludesZero => None,
    };
    let ends = |(low, high): (f64, f64)| Value::Interval { estimate: low, low, high, level: 0.0 };
    let others: Vec<Value> = stated.into_iter().chain(rule.map(|_| bounds)).map(ends).collect();
    let axis = Axis::over(others.iter().chain([&finding.value]), unit);
    let mut mark = figure::mark(&axis, finding, unit, decimals, &tested.hypothesis.id);
    mark.inner = rule.map(|_| figure::span(&axis, bounds.0, bounds.1, unit));
    mark.band = stated.map(|(low, high)| figure::span(&axis, low, high, unit));
    let (estimate, interval) = figure::value(&finding.value, unit, decimals);
    Some(FoundView {
        scale: figure::scale(&axis, unit),
        mark,
        stated: stated.is_some(),
        estimate,
        interval,
        level: match &finding.value {
            Value::Interval { level, .. } => number::level(*level),
            _ => String::new(),
        },
        decided: rule.map(|v| DecidedView {
            interval: number::interval(v.interval.0, v.interval.1, unit, decimals),
            level: number::level(v.interval.2),
            p: number::p(v.p),
            p_adjusted: tested.hypothesis.holm.then(|| number::p(v.p_adjusted)),
        }),
        n: number::count(finding.n),
        clusters: number::count(finding.clusters),
        missing: panel::missing(finding),
        made_by: Text::of(&finding.method),
        warnings: finding.warnings.iter().map(|w| Text::of(w)).collect(),
    })
}
