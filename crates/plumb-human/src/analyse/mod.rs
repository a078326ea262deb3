//! From a study and its data to all that its analyses list. Pure.
//!
//! Start at [`analyse`]. `claims` decides hypotheses alone, for simulations, `select` finds an analysis's rows, `describe` counts and
//! averages them (`weighted` for what drawn items stand for), `model` fits formulas and tests contrasts,
//! `ladder` says which of several formulas counts, `repeats` looks at items that
//! came twice, `assigned` at all who were assigned; `occasion` knows which look at the outcomes an analysis is,
//! `permute` runs the assignment again, and `verdict` says what the rule fixed beforehand makes of a test.

mod assigned;
mod claims;
mod describe;
mod ladder;
mod model;
mod occasion;
mod permute;
mod repeats;
mod select;
mod verdict;
mod weighted;

use plumb_stats::compare::Effect;
use plumb_stats::model::{GroupCovariance, TermTest, Tested};

use crate::data::Data;
use crate::error::Result;
use crate::study::{Bounds, Claim, Study};
use model::Effects;

pub use assigned::{Assigned, Counted};
pub(crate) use claims::{Decided, cell_sums, found, tests, weights_of};
pub use ladder::{Ladder, ModelWarning, PassedOver, Wrong};
pub use occasion::{Occasion, Sighted, Spent};
pub use permute::{Permuted, permuted};
pub use repeats::Repeated;
pub(crate) use select::{Selected, matches};
pub use verdict::Verdict;
pub use weighted::Weighted;

/// All analyses of a study, in its order.
#[derive(Debug, Clone)]
pub struct Analysed {
    /// (condition, participants).
    pub conditions: Vec<(String, u64)>,
    /// Numbers of people assigned against equal ones, or, where the file gives conditions unequal places, against these;
    /// `None` where there is one condition.
    pub balance: Option<(Differs, bool)>,
    /// People assigned to each condition, before exclusions.
    pub assigned: Vec<u64>,
    /// Those of them with fewer items than the most anybody has, by condition, and that most.
    pub incomplete: (Vec<u64>, usize),
    /// Test of whether that differs between conditions; `None` where nobody is incomplete.
    pub attrition: Option<Differs>,
    /// Answers given twice, by measure.
    pub repeats: Vec<Repeated>,
    /// One for each `[[analysis]]`.
    pub analyses: Vec<AnalysisResult>,
}

/// Whether conditions differ in how many people something holds of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Differs {
    /// Pearson's test.
    pub of: plumb_stats::compare::ChiSquare,
    /// Its exact p, where numbers are too small for Pearson's.
    pub exact: Option<f64>,
}

/// What one analysis gave.
#[derive(Debug, Clone)]
pub struct AnalysisResult {
    /// Its id.
    pub id: String,
    /// Means by condition.
    pub groups: Vec<Group>,
    /// Means by item and condition: `items[item][condition]`.
    pub items: Vec<(String, Vec<Group>)>,
    /// Shares of values in each bin, by condition: (middle of the bin, shares).
    pub distribution: Vec<(f64, Vec<f64>)>,
    /// Rows without a value, by reason.
    pub missing: Vec<(String, u64)>,
    /// Planned formulas that were tried and passed over for the one that counts.
    pub passed: Vec<PassedOver>,
    /// The planned model.
    pub model: Option<Modelled>,
    /// The model beside it.
    pub beside: Option<Ladder>,
    /// Comparisons of two groups.
    pub welch: Vec<Compared>,
    /// What is planned and the data cannot give, such as a test of a condition with one person, and why.
    pub failed: Vec<String>,
    /// Its hypotheses for all who were assigned; `None` where it has none.
    pub assigned: Option<Assigned>,
}

/// Values of one condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The condition.
    pub condition: String,
    /// Participants with a value.
    pub participants: u64,
    /// Values.
    pub rows: u64,
    /// Mean of all values; `None` where there is none.
    pub mean: Option<f64>,
    /// Their median.
    pub median: Option<f64>,
    /// Standard deviation of all values.
    pub deviation: Option<f64>,
    /// 95 % t interval of the mean, clustered by participant.
    pub interval: Option<(f64, f64)>,
    /// The mean of all that the items stand for, where the stimuli have weights.
    pub weighted: Option<Weighted>,
}

/// A fitted model with its tests.
#[derive(Debug, Clone)]
pub struct Modelled {
    /// The formula.
    pub formula: String,
    /// Whether the strata of assignment stand in it beside what it names.
    pub strata: bool,
    /// `REML` or `least squares`.
    pub method: &'static str,
    /// Values.
    pub rows: u64,
    /// REML criterion; `None` for least squares.
    pub criterion: Option<f64>,
    /// Residual variance.
    pub residual: f64,
    /// Covariances of random effects.
    pub random: Vec<GroupCovariance>,
    /// Tests of terms: type III for mixed models, type I for least squares.
    pub terms: Vec<TermTest>,
    /// Coefficients.
    pub coefficients: Vec<(String, Option<Tested>)>,
    /// Contrasts of the hypotheses.
    pub contrasts: Vec<Contrasted>,
    /// Which hypotheses or effect sizes the data cannot give, and why.
    pub failed: Vec<String>,
    /// What a reader must know first.
    pub warnings: Vec<ModelWarning>,
}

/// A hypothesis's contrast.
#[derive(Debug, Clone)]
pub struct Contrasted {
    /// The hypothesis's id.
    pub hypothesis: String,
    /// Its words.
    pub label: String,
    /// The test against 0, two-sided p.
    pub test: Tested,
    /// The bounds that it is claimed to lie in, if the claim is one of equivalence.
    pub bounds: Option<Bounds>,
    /// p of the claim: the test's, or of bounds the larger of the two one-sided ones.
    pub p: f64,
    /// That p adjusted within its family.
    pub adjusted: f64,
    /// Cohen's d of the answers, where asked.
    pub effect: Option<Effect>,
    /// What follows from the rule fixed beforehand.
    pub verdict: Verdict,
}

/// Two groups.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The means of the first and the second.
    pub means: (f64, f64),
    /// Whether somebody has several values, of which the mean counts.
    pub several: bool,
    /// The hypothesis with its Welch test.
    pub contrast: Contrasted,
}

/// Computes all analyses of a study.
///
/// # Errors
/// An outcome that cannot be computed from the data's columns. What the data do not support (a factor with one level, a condition
/// without values) is part of the result.
pub fn analyse(study: &Study, data: &Data) -> Result<Analysed> {
    analyse_with(study, data, &Spent::at_once())
}

/// The same at a look that has a part of alpha.
///
/// # Errors
/// As [`analyse`].
pub fn analyse_with(study: &Study, data: &Data, spent: &Spent) -> Result<Analysed> {
    let sizes = data.by_condition(study.condition.len());
    let conditions = study.condition.iter().zip(&sizes).map(|(c, n)| (c.id.clone(), *n)).collect();
    let assigned = data.assigned(study.condition.len());
    let (incomplete, attrition) = describe::attrition(data.everyone(), &assigned);
    let mut analyses = Vec::new();
    for analysis in &study.analysis {
        let selected = Selected::new(study, data, analysis)?;
        analyses.push(one(study, analysis, &selected));
    }
    adjust_families(study, &mut analyses, spent)?;
    for (analysis, assigned) in analyses.iter_mut().zip(assigned::assigned(study, data, spent)?) {
        analysis.assigned = assigned;
    }
    Ok(Analysed {
        conditions,
        balance: describe::balance(study, &assigned),
        assigned,
        incomplete,
        attrition,
        repeats: repeats::repeats(study, data)?,
        analyses,
    })
}

fn one(study: &Study, analysis: &crate::study::Analysis, selected: &Selected) -> AnalysisResult {
    let hypotheses: Vec<&crate::study::Hypothesis> =
        study.hypothesis.iter().filter(|h| h.analysis == analysis.id).collect();
    let contrasts: Vec<_> = hypotheses.iter().copied().filter(|h| !h.contrast.is_empty()).collect();
    let mut failed = Vec::new();
    let fit = |formula: &str| model::fit(study, selected, formula, &contrasts);
    let (mut passed, model) = ladder::walk(analysis.models(), fit);
    let of = |formula: &str, why: &str| {
        let told = why.strip_prefix(formula).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(why);
        format!("{formula}: {told}")
    };
    match &model {
        Some(fitted) => failed.extend(fitted.failed.iter().map(|why| of(&fitted.formula, why))),
        None => failed.extend(passed.drain(..).map(|p| of(&p.formula, &p.why.to_string()))),
    }
    let beside = (!analysis.beside.is_empty()).then(|| {
        let (passed, model) = ladder::walk(&analysis.beside, fit);
        Ladder { passed, model }
    });
    let mut welch = Vec::new();
    for hypothesis in hypotheses.iter().filter(|h| !h.welch.is_empty()) {
        match model::welch_test(study, selected, hypothesis, Effects::Wanted) {
            Ok(test) => welch.push(test),
            Err(why) => failed.push(why.to_string()),
        }
    }
    AnalysisResult {
        id: analysis.id.clone(),
        groups: describe::groups(selected),
        items: describe::by_item(selected),
        distribution: describe::distribution(selected),
        missing: selected.missing.clone(),
        passed,
        model,
        beside,
        welch,
        failed,
        assigned: None,
    }
}

/// Adjusts p-values within families of planned hypotheses and decides each.
fn adjust_families(study: &Study, analyses: &mut [AnalysisResult], spent: &Spent) -> Result<()> {
    let mut all: Vec<&mut Contrasted> = analyses.iter_mut().flat_map(planned).collect();
    adjust(study, &mut all, spent)
}

/// The same for contrasts from wherever they come. A hypothesis without a test belongs to its family all the same: it counts as one
/// with p = 1.
pub(crate) fn adjust(study: &Study, all: &mut [&mut Contrasted], spent: &Spent) -> Result<()> {
    let mut families: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
    for hypothesis in &study.hypothesis {
        families.entry(&hypothesis.family).or_default().push(&hypothesis.id);
    }
    for ids in families.values() {
        let of = |id: &str| study.hypothesis.iter().find(|h| h.id == id);
        let mut members: Vec<&mut &mut Contrasted> =
            all.iter_mut().filter(|c| ids.contains(&c.hypothesis.as_str())).collect();
        let mut p: Vec<f64> = members.iter().map(|c| c.p).collect();
        p.resize(p.len().max(ids.len()), 1.0);
        let method = of(ids[0]).map(|h| h.method).unwrap_or_default();
        let adjusted = match method {
            Claim::None => p.clone(),
            Claim::Holm => plumb_stats::multiplicity::holm(&p)?,
        };
        for (at, member) in members.iter_mut().enumerate() {
            member.adjusted = adjusted[at];
            if let Some(hypothesis) = of(&member.hypothesis) {
                let rejected = match method {
                    Claim::None => p[at] <= spent.level(hypothesis.alpha)?,
                    Claim::Holm => holm_rejects(&p, p[at], hypothesis.alpha, spent)?,
                };
                let outside = match verdict::p_outside(member) {
                    Some(p) => p <= spent.level(hypothesis.alpha / ids.len() as f64)?,
                    None => false,
                };
                member.verdict = verdict::of(hypothesis.direction, member, (rejected, outside));
            }
        }
    }
    Ok(())
}

/// Whether Holm's procedure rejects the hypothesis with this p of a family: each p up to it must be small enough for its share of
/// alpha, at this look (Maurer & Bretz 2013, *Statistics in Biopharmaceutical Research* 5: 311–320). With all of alpha at once
/// this is the adjusted p held against alpha.
fn holm_rejects(family: &[f64], p: f64, alpha: f64, spent: &Spent) -> Result<bool> {
    let mut below: Vec<f64> = family.iter().copied().filter(|other| *other <= p).collect();
    below.sort_by(f64::total_cmp);
    for (at, own) in below.into_iter().enumerate() {
        if own > spent.level(alpha / (family.len() - at) as f64)? {
            return Ok(false);
        }
    }
    Ok(!p.is_nan())
}

fn planned(analysis: &mut AnalysisResult) -> impl Iterator<Item = &mut Contrasted> {
    let contrasts = analysis.model.iter_mut().flat_map(|m| m.contrasts.iter_mut());
    contrasts.chain(analysis.welch.iter_mut().map(|w| &mut w.contrast))
}
