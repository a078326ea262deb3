//! What a plan says, in sentences.
//!
//! The terminal and the page use the same words, so that a decision rule reads the same wherever it stands.
//! Text from the plan is returned as it is: whoever shows it makes it safe.

use crate::number;
use plumb_study::items::Levels;
use plumb_study::method::{Quantity, Unit};
use plumb_study::party::Sampling;
use plumb_study::plan::{Analysis, Cluster, Direction, Hypothesis, SupportedIf, Term};
use plumb_study::{Label, MeasureRef, Plan, Status, Tested};

/// `model = qwen, kind = safe`; `all` where nothing is named.
pub fn levels(levels: &Levels) -> String {
    if levels.is_empty() {
        return "all".into();
    }
    levels.iter().map(|(name, level)| format!("{name} = {level}")).collect::<Vec<_>>().join(", ")
}

/// A contrast as a formula over cells: `[kind = unsafe] − [kind = safe]`.
pub fn contrast(terms: &[Term]) -> String {
    let mut text = String::new();
    for (at, term) in terms.iter().enumerate() {
        let sign = match (at, term.weight < 0.0) {
            (0, false) => "",
            (0, true) => "−",
            (_, false) => " + ",
            (_, true) => " − ",
        };
        text.push_str(sign);
        let weight = term.weight.abs();
        if weight != 1.0 {
            text.push_str(&format!("{weight}\u{a0}× "));
        }
        text.push_str(&format!("[{}]", levels(&term.at)));
    }
    text
}

/// What a hypothesis claims of its contrast.
pub fn claim(hypothesis: &Hypothesis, unit: Unit) -> String {
    match (hypothesis.supported_if, hypothesis.direction) {
        (SupportedIf::Inside { low, high }, _) => {
            format!("lies between {} and {}", bound(low, unit), bound(high, unit))
        }
        (SupportedIf::ExcludesZero, Direction::Greater) => "is above zero".into(),
        (SupportedIf::ExcludesZero, Direction::Less) => "is below zero".into(),
        (SupportedIf::ExcludesZero, Direction::TwoSided) => "differs from zero".into(),
    }
}

/// The decision rule. `members` is the number of hypotheses in the family.
pub fn rule(hypothesis: &Hypothesis, members: usize, unit: Unit) -> String {
    let level = number::level(rule_level(hypothesis));
    let (yes, no) = match (hypothesis.supported_if, hypothesis.direction) {
        (SupportedIf::Inside { low, high }, _) => {
            let bounds = format!("{} and {}", bound(low, unit), bound(high, unit));
            (format!("lies wholly between {bounds}"), "contradicted if it lies wholly outside")
        }
        (SupportedIf::ExcludesZero, Direction::Greater) => {
            ("lies wholly above zero".into(), "contradicted if it lies wholly below")
        }
        (SupportedIf::ExcludesZero, Direction::Less) => {
            ("lies wholly below zero".into(), "contradicted if it lies wholly above")
        }
        (SupportedIf::ExcludesZero, Direction::TwoSided) => {
            ("leaves out zero".into(), "never contradicted, since no difference would need bounds")
        }
    };
    let mut text = format!("Supported if the {level} interval {yes}; {no}; else inconclusive");
    if hypothesis.holm && members > 1 {
        text.push_str(&format!(
            ". One of {members} hypotheses of family \u{201c}{}\u{201d}: the decision uses p-values adjusted by Holm's \
             method at α = {}, which is stricter than the interval alone",
            hypothesis.family, hypothesis.alpha
        ));
    } else if !hypothesis.holm && members > 1 {
        text.push_str(". The plan asks for no correction over the family");
    }
    text.push('.');
    text
}

/// Level of the interval that a rule looks at: one-sided claims and bounds use 1 − 2α.
fn rule_level(hypothesis: &Hypothesis) -> f64 {
    match (hypothesis.supported_if, hypothesis.direction) {
        (SupportedIf::ExcludesZero, Direction::TwoSided) => 1.0 - hypothesis.alpha,
        _ => 1.0 - 2.0 * hypothesis.alpha,
    }
}

/// A margin of shares that a person wrote in the plan, in percentage points.
pub fn margin(x: f64) -> String {
    bound(x, Unit::Points)
}

/// A bound that a person wrote in the plan, in the unit of the estimate and with no more digits than needed.
fn bound(x: f64, unit: Unit) -> String {
    let shown = (x * number::scale(unit) * 1e6).round() / 1e6;
    let text = shown.to_string().replace('-', "−");
    match unit {
        Unit::Share => format!("{text}\u{a0}%"),
        Unit::Points => format!("{text}\u{a0}pp"),
        Unit::Number => text,
    }
}

/// `refusal rate: refusal.refused = yes`, as a heading.
pub fn quantity(quantity: &Quantity) -> String {
    let name = match &*quantity.name {
        "rate" => "Rate of",
        "mean" => "Mean of",
        "difference" => "Difference in",
        other => {
            let mut letters = other.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            return format!(
                "{}{} of {}",
                first.into_iter().collect::<String>(),
                letters.as_str(),
                quantity.of
            );
        }
    };
    format!("{name} {}", quantity.of)
}

/// What an analysis does, in one line: factors, clusters, level, restriction.
pub fn analysis(analysis: &Analysis) -> String {
    let cluster = match &analysis.cluster {
        Cluster::Item => "item".to_owned(),
        Cluster::Tag(tag) => tag.to_string(),
    };
    let mut parts = vec![format!("method {}", analysis.method)];
    if !analysis.by.is_empty() {
        parts.push(format!("by {}", analysis.by.join(", ")));
    }
    parts.push(format!("{} intervals, clustered by {cluster}", number::level(analysis.level)));
    if !analysis.only.is_empty() {
        parts.push(format!("only {}", levels(&analysis.only)));
    }
    parts.join(" · ")
}

/// How text was drawn: `temperature 0, at most 48 new tokens`.
pub fn sampling(sampling: &Sampling) -> String {
    let mut parts = Vec::new();
    match sampling.temperature {
        Some(0.0) => parts.push("greedy (temperature 0)".to_owned()),
        Some(t) => parts.push(format!("temperature {t}")),
        None => parts.push("temperature left to the provider".to_owned()),
    }
    parts.extend(sampling.top_p.map(|p| format!("top-p {p}")));
    parts.extend(sampling.top_k.map(|k| format!("top-k {k}")));
    parts.extend(sampling.min_p.map(|p| format!("min-p {p}")));
    parts.extend(sampling.repetition_penalty.map(|p| format!("repetition penalty {p}")));
    parts.extend(sampling.max_tokens.map(|n| format!("at most {} new tokens", number::count(n.into()))));
    if !sampling.stop.is_empty() {
        let stops: Vec<String> = sampling.stop.iter().map(|s| format!("{s:?}")).collect();
        parts.push(format!("stops at {}", stops.join(", ")));
    }
    parts.join(", ")
}

/// What a source changes about sampling; nothing for most.
pub fn sampling_override(over: &Sampling) -> Option<String> {
    if *over == Sampling::default() {
        return None;
    }
    let text = sampling(over);
    Some(if over.temperature.is_some() {
        text
    } else {
        text.replacen("temperature left to the provider", "temperature of the subject", 1)
    })
}

/// What the lock proves, and what it does not.
pub fn lock(locked: bool) -> &'static str {
    if locked {
        "A lock file with this plan's hash was there before the first trial. A lock on one's own machine is \
         evidence only as strong as that machine's clock and its owner's word; the hash, published where others \
         can see when, is stronger."
    } else {
        "No lock file was there before the first trial. The plan was frozen and hashed before it ran, but nothing \
         outside this journal says when, or how many plans were tried before it."
    }
}

/// Whether every trial has an outcome, in one line.
pub fn progress(counts: &plumb_study::Counts) -> String {
    if counts.not_asked == 0 {
        format!("Complete: all {} have an outcome", number::counted(counts.planned, "trial", "trials"))
    } else {
        format!(
            "Not complete: {} of {} not asked yet",
            number::count(counts.not_asked),
            number::counted(counts.planned, "trial", "trials")
        )
    }
}

/// The name of a label of a measure.
pub fn label(plan: &Plan, of: MeasureRef, label: Label) -> String {
    plan.measure(of)
        .scale
        .labels()
        .get(label.0 as usize)
        .map_or_else(|| "(unknown label)".into(), |l| l.to_string())
}

/// What was found for a hypothesis: estimate, the interval that the rule looks at, p-values, decision.
pub fn decision(tested: &Tested) -> String {
    let Some(finding) = &tested.finding else {
        return "Its method has no contrast, so nothing was decided.".into();
    };
    let unit = finding.quantity.unit;
    let verdict = match &tested.verdict {
        Ok(verdict) => verdict,
        Err(reason) => return format!("Nothing was decided: {reason}."),
    };
    let (low, high, level) = verdict.interval;
    let decimals = number::decision_decimals(&finding.value, low, high, unit);
    let estimate =
        finding.value.estimate().map_or("undefined".into(), |e| number::estimate(e, unit, decimals));
    let mut text = format!(
        "{estimate}, {} interval {}; {}",
        number::level(level),
        number::interval(low, high, unit, decimals),
        p_values(tested, verdict.p, verdict.p_adjusted)
    );
    if tested.status == Status::Partial {
        text.push_str(&format!("; as things stand {}, but some trials are open", verdict.decision.name()));
    }
    text
}

/// `p = 0.032, adjusted 0.064`.
pub fn p_values(tested: &Tested, p: f64, adjusted: f64) -> String {
    let sign = |p: f64| if p < 0.001 { "p" } else { "p =" };
    let raw = format!("{} {}", sign(p), number::p(p));
    if tested.hypothesis.holm {
        format!("{raw}, adjusted {}", number::p(adjusted))
    } else {
        format!("{raw}, no correction")
    }
}

/// How many hypotheses share a family with this one.
pub fn family_size(plan: &Plan, hypothesis: &Hypothesis) -> usize {
    plan.hypotheses.iter().filter(|h| h.family == hypothesis.family && h.holm == hypothesis.holm).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(level: &str, weight: f64) -> Term {
        Term { at: Levels::from([("kind".into(), level.into())]), weight }
    }

    #[test]
    fn contrasts_read_as_formulas() {
        assert_eq!(contrast(&[term("unsafe", 1.0), term("safe", -1.0)]), "[kind = unsafe] − [kind = safe]");
        assert_eq!(
            contrast(&[term("a", -0.5), Term { at: Levels::new(), weight: 2.0 }]),
            "−0.5\u{a0}× [kind = a] + 2\u{a0}× [all]"
        );
    }

    #[test]
    fn sampling_says_what_is_left_to_others() {
        assert_eq!(sampling(&Sampling::default()), "temperature left to the provider");
        let over = Sampling { max_tokens: Some(64), ..Sampling::default() };
        assert_eq!(sampling_override(&over).unwrap(), "temperature of the subject, at most 64 new tokens");
        assert_eq!(sampling_override(&Sampling::default()), None);
    }
}
