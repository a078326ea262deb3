//! From findings to estimates: the one place that says what is confirmatory.
//!
//! `Confirmatory` is what the root plan lists and what ran as planned. Added by amendment: `Exploratory`.
//! Some of its trials not asked or not judged yet: `Partial`.

use crate::error::{Error, Result};
use crate::id::AnalysisId;
use crate::ledger::{Ledger, Rows};
use crate::method::{Finding, Frame, Missing};
use crate::plan::{Direction, Hypothesis, Plan, SupportedIf};
use crate::registry::Registry;
use plumb_stats::Inference;
use plumb_stats::decide::{Adjustment, Claim, Decision, decide};
use std::sync::Arc;

/// What an estimate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Listed in the plan before the data, and complete.
    Confirmatory,
    /// Added after data were there.
    Exploratory,
    /// Some trials are not asked or not judged yet.
    Partial,
}

impl Status {
    /// Name for files and pages.
    pub fn name(self) -> &'static str {
        match self {
            Status::Confirmatory => "confirmatory",
            Status::Exploratory => "exploratory",
            Status::Partial => "partial",
        }
    }
}

/// The findings of one analysis, with their status.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The analysis.
    pub analysis: AnalysisId,
    /// Its method.
    pub method: Arc<str>,
    /// What the plan says of it.
    pub status: Status,
    /// Whether items and subjects that an amendment added are in it; it is then beside the estimate as planned.
    pub with_added: bool,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Estimate {
    /// Its name on pages: two estimates of one analysis differ in it.
    pub fn title(&self) -> String {
        let added = if self.with_added { ", with what was added" } else { "" };
        format!("{}{added}", self.analysis)
    }
}

/// A hypothesis and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tested {
    /// The hypothesis.
    pub hypothesis: Hypothesis,
    /// The contrast at the analysis' level.
    pub finding: Option<Finding>,
    /// What the plan says of it.
    pub status: Status,
    /// The decision, if one can be made.
    pub verdict: Result<Ruling, Arc<str>>,
}

/// A decision on a hypothesis.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruling {
    /// Supported, contradicted or inconclusive.
    pub decision: Decided,
    /// p-value of the claim.
    pub p: f64,
    /// The same, adjusted within the family.
    pub p_adjusted: f64,
    /// The interval that the rule looks at: (low, high, level).
    pub interval: (f64, f64, f64),
}

/// The three outcomes of a hypothesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// The claim holds by its rule.
    Supported,
    /// The opposite holds.
    Contradicted,
    /// Neither.
    Inconclusive,
}

impl Decided {
    /// Name for files and pages.
    pub fn name(self) -> &'static str {
        match self {
            Decided::Supported => "supported",
            Decided::Contradicted => "contradicted",
            Decided::Inconclusive => "inconclusive",
        }
    }
}

/// Computes every analysis of a plan. One of the root plan is computed over the trials of the root plan, so
/// that what an amendment adds cannot move it; where there are such trials, it is computed with them beside it.
pub fn estimate(plan: &Plan, ledger: &Ledger, registry: &Registry) -> Result<Vec<Estimate>> {
    let mut estimates = Vec::new();
    for analysis in &plan.analyses {
        let method = registry.find_method(&analysis.method)?;
        let mut add = |frame: Frame, confirmatory: bool, with_added: bool| {
            let findings = method.run_in(plan, &frame, analysis);
            estimates.push(Estimate {
                analysis: analysis.id.clone(),
                method: analysis.method.clone(),
                status: status(confirmatory, findings.iter()),
                with_added,
                findings,
            });
        };
        if !plan.is_rooted(&analysis.id) {
            add(ledger.frame(plan, analysis, Rows::All), false, false);
            continue;
        }
        let planned = ledger.frame(plan, analysis, Rows::Rooted);
        let rows = planned.rows();
        add(planned, true, false);
        if plan.has_added_trials() {
            let all = ledger.frame(plan, analysis, Rows::All);
            if all.rows() > rows {
                add(all, false, true);
            }
        }
    }
    Ok(estimates)
}

fn status<'a>(rooted: bool, mut findings: impl Iterator<Item = &'a Finding>) -> Status {
    let open = |f: &Finding| {
        f.missing.iter().any(|(m, n)| *n > 0 && matches!(m, Missing::NotAsked | Missing::NotJudged))
    };
    if findings.any(open) {
        Status::Partial
    } else if rooted {
        Status::Confirmatory
    } else {
        Status::Exploratory
    }
}

/// Decides every hypothesis of a plan, families together.
pub fn test(plan: &Plan, ledger: &Ledger, registry: &Registry) -> Result<Vec<Tested>> {
    let mut contrasted = Vec::new();
    for hypothesis in &plan.hypotheses {
        let analysis = plan
            .analyses
            .iter()
            .find(|a| a.id == hypothesis.analysis)
            .ok_or_else(|| Error::journal(format!("hypothesis {} tests no analysis", hypothesis.id)))?;
        let method = registry.find_method(&analysis.method)?;
        contrasted.push(method.contrast(
            &ledger.frame(plan, analysis, Rows::Rooted),
            analysis,
            &hypothesis.contrast,
        ));
    }
    let mut tested: Vec<Tested> = plan
        .hypotheses
        .iter()
        .zip(&contrasted)
        .map(|(hypothesis, contrasted)| {
            let finding = contrasted.as_ref().map(|c| c.finding.clone());
            Tested {
                hypothesis: hypothesis.clone(),
                status: status(true, finding.iter()),
                finding,
                verdict: Err("the contrast has no value".into()),
            }
        })
        .collect();
    let mut families: Vec<(&Arc<str>, bool)> = plan.hypotheses.iter().map(|h| (&h.family, h.holm)).collect();
    families.sort();
    families.dedup();
    for (family, holm) in families {
        let members: Vec<usize> = (0..tested.len())
            .filter(|at| plan.hypotheses[*at].family == *family && plan.hypotheses[*at].holm == holm)
            .collect();
        let pairs: Vec<(plumb_stats::decide::Hypothesis, &Inference)> = members
            .iter()
            .filter_map(|at| contrasted[*at].as_ref().map(|c| (claim(&plan.hypotheses[*at]), &c.inference)))
            .collect();
        let adjustment = if holm { Adjustment::Holm } else { Adjustment::None };
        let decided = decide(&pairs, adjustment).map_err(|e| Error::plan(e.to_string()))?;
        let with_value = members.iter().filter(|at| contrasted[**at].is_some());
        for (at, decided) in with_value.zip(decided) {
            tested[*at].verdict = decided.map(verdict).map_err(|why| why.to_string().into());
        }
    }
    Ok(tested)
}

fn claim(hypothesis: &Hypothesis) -> plumb_stats::decide::Hypothesis {
    let claim = match (hypothesis.supported_if, hypothesis.direction) {
        (SupportedIf::Inside { low, high }, _) => Claim::Inside { low, high },
        (SupportedIf::ExcludesZero, Direction::Greater) => Claim::Greater { null: 0.0 },
        (SupportedIf::ExcludesZero, Direction::Less) => Claim::Less { null: 0.0 },
        (SupportedIf::ExcludesZero, Direction::TwoSided) => Claim::Different { null: 0.0 },
    };
    plumb_stats::decide::Hypothesis { claim, alpha: hypothesis.alpha }
}

fn verdict(decided: plumb_stats::decide::Decided) -> Ruling {
    Ruling {
        decision: match decided.decision {
            Decision::Supported => Decided::Supported,
            Decision::Contradicted => Decided::Contradicted,
            Decision::Inconclusive => Decided::Inconclusive,
        },
        p: decided.p,
        p_adjusted: decided.p_adjusted,
        interval: (decided.interval.low, decided.interval.high, decided.interval.level.get()),
    }
}
