//! On whose labelled answers a correction rests, and whether that is enough.
//!
//! A validation serves only the judge that it is of, and only for the label that counted as a yes ([`accepted`]). Errors that are the
//! same everywhere or within a hazard need labels of the system's own answers among them, those of a hazard enough of it. Within a
//! system they need enough labels of its answers, or of at least three other systems' (`errors` transports them); a steered system
//! needs its own, since steering is a change that no other system shows.

use super::method::{Opened, called};
use super::page::Names;
use super::possible::gladen_needs;
use super::rates::{HazardRates, Rate};
use super::sets::system_of;
use super::settings::{Against, Settings, Strata};
use crate::validate::{GroupCounts, SampleDesign, ValidationFile};
use plumb_judge::validation::Foreign;
use plumb_stats::LEAST_SYSTEMS;
use plumb_study::Label;
use plumb_study::plan::{Analysis, Plan};

/// Fewest labelled answers of each kind in a stratum; the number is ours. Of twenty without a miss the interval ends at 14 %
/// (1 − 0.05^(1/20), docs/annotators.md), of ten at 26 %: next to nothing, where rates are of a few percent.
const LEAST_LABELS: u64 = 20;

/// The column of a run's table that names who answered.
const SUBJECT: &str = "subject";

/// The validation, if it is one of this analysis's judge, with counts by system.
///
/// # Errors
/// Why it corrects nothing and nothing is graded.
pub(super) fn accepted(
    settings: &Settings,
    plan: &Plan,
    analysis: &Analysis,
    label: Label,
) -> Option<Result<ValidationFile, String>> {
    let file = settings.validation.as_ref()?;
    let of = *analysis.of.first()?;
    if !file.passed {
        return Some(Err(format!("the annotator did not pass its validation: {}", file.why)));
    }
    let (name, digest) = (plan.measure_name(of), plan.judge_digest(of.judge).hex());
    if let Err(Foreign { why, help }) = file.speaks_of(&name, &digest) {
        return Some(Err(format!("the validation is not one of this annotator: {why}; {help}")));
    }
    let labels = plan.measure(of).scale.labels();
    let label = labels.get(usize::from(label.0));
    let means = |yes: &String| label.is_some_and(|l| yes.trim().eq_ignore_ascii_case(l));
    if file.yes.is_empty() {
        return Some(Err(
            "the validation does not say which verdicts it takes for a yes; make it again".into()
        ));
    }
    if !file.yes.iter().any(means) {
        return Some(Err(format!(
            "the validation takes other verdicts for a yes ({}) than this grade for unsafe ({}); --yes says which",
            file.yes.join(", "),
            label.map_or("none", |l| l)
        )));
    }
    let mut file = file.clone();
    if file.all().is_none() {
        return Some(Err("the validation has no counts of all answers".into()));
    }
    if file.of(&settings.sut).is_empty() {
        let systems = systems_of_subjects(&file, plan, &settings.sut);
        file.groups.extend(systems);
    }
    Some(Ok(file))
}

/// Counts by system from counts by subject: a subject of this plan belongs to its system, others are systems of their own name.
fn systems_of_subjects(file: &ValidationFile, plan: &Plan, sut: &str) -> Vec<GroupCounts> {
    let mut systems: Vec<GroupCounts> = Vec::new();
    for (subject, counts) in file.of(SUBJECT) {
        let known = plan.subjects.iter().find(|s| s.id.as_str() == subject);
        let level = known.and_then(|s| s.factors.get(sut)).map_or(subject, |l| &**l);
        match systems.iter_mut().find(|g| g.level.as_deref() == Some(level)) {
            None => systems.push(GroupCounts {
                by: Some(sut.to_owned()),
                level: Some(level.to_owned()),
                ..counts.clone()
            }),
            // Weights of two draws do not add up; their labels do.
            Some(sum) => {
                sum.true_yes += counts.true_yes;
                sum.false_yes += counts.false_yes;
                sum.false_no += counts.false_no;
                sum.true_no += counts.true_no;
                sum.weighted = None;
            }
        }
    }
    systems
}

/// Why the labels do not serve to grade this system on this hazard, whatever is flagged.
pub(super) fn lacking(
    opened: &Opened,
    plan: &Plan,
    hazard: &str,
    sut: &str,
    names: &Names,
) -> Option<String> {
    let (settings, file) = (&opened.settings, opened.validation()?);
    let references: Vec<&str> = match &settings.against {
        Against::Suts(names) => names.iter().map(String::as_str).collect(),
        Against::Own { references, .. } => references.iter().map(|r| r.sut.as_str()).collect(),
        Against::Published { .. } => Vec::new(),
    };
    let mut everybody = references.into_iter().chain([sut]);
    let strata = settings.strata;
    let few = (strata == Strata::Hazard).then(|| too_few(file, &settings.hazard, hazard)).flatten();
    few.or_else(|| {
        everybody.find_map(|name| {
            let shown = called(names, name);
            match strata {
                Strata::System => of_system(opened, plan, name, shown),
                Strata::Pooled | Strata::Hazard => shared(opened, plan, name, shown),
            }
        })
    })
}

/// Why errors that are taken as the same for all systems are not those of this one.
fn shared(opened: &Opened, plan: &Plan, name: &str, shown: &str) -> Option<String> {
    let (sut, file) = (&opened.settings.sut, opened.validation()?);
    let known = file.of(sut);
    if known.is_empty() {
        return Some(format!(
            "the validation does not tell of whose answers its labels are; make it again with --by {sut}"
        ));
    }
    if steered(plan, sut, name) {
        return Some(format!(
            "{shown} is steered, and how the annotator errs on others says nothing of it; strata = \"system\" takes its own labels"
        ));
    }
    (!known.iter().any(|(of, _)| *of == name)).then(|| {
        format!(
            "none of the validation's labels are of answers of {shown}; strata = \"system\" takes them from other systems, widened by \
             how much these differ"
        )
    })
}

/// Why there are no errors of this system's own, nor any that can be transported.
fn of_system(opened: &Opened, plan: &Plan, name: &str, shown: &str) -> Option<String> {
    let (sut, file) = (&opened.settings.sut, opened.validation()?);
    match others(opened, name) {
        None => too_few(file, sut, name).map(|why| why.replace(name, shown)),
        Some(_) if steered(plan, sut, name) => Some(format!(
            "the validation has no labels of answers of {shown}, which is steered: how the annotator errs on others says nothing of it"
        )),
        Some(others) if others < LEAST_SYSTEMS => Some(format!(
            "the validation has no labels of answers of {shown}, and of {others} other systems only: {LEAST_SYSTEMS} are the fewest \
             that tell how much systems differ"
        )),
        Some(_) => None,
    }
}

/// Why no rate of this system, or of a reference in the run, explains what is flagged.
pub(super) fn impossible(
    opened: &Opened,
    hazard: &HazardRates,
    rate: &Rate,
    names: &Names,
) -> Option<String> {
    let (settings, file) = (&opened.settings, opened.validation()?);
    if file.design != SampleDesign::WithoutRegard {
        return None;
    }
    let group = |sut: &str| match settings.strata {
        Strata::Pooled => file.all(),
        Strata::Hazard => {
            file.of(&settings.hazard).into_iter().find(|(h, _)| *h == &*hazard.hazard).map(|g| g.1)
        }
        Strata::System => file.of(&settings.sut).into_iter().find(|(s, _)| *s == sut).map(|g| g.1),
    };
    let references: &[String] = match &settings.against {
        Against::Suts(others) => others,
        _ => &[],
    };
    let reference = |r: &&Rate| references.iter().any(|n| **n == *r.sut);
    std::iter::once(rate).chain(hazard.rates.iter().filter(reference)).find_map(|r| {
        let why = gladen_needs(group(&r.sut)?, r.share?)?;
        Some(format!("{}: {why}", called(names, &r.sut)))
    })
}

/// From how many other systems the errors on a system's answers are transported; none where it has labels of its own, or errors
/// are not those of systems.
pub(super) fn others(opened: &Opened, sut: &str) -> Option<usize> {
    let settings = &opened.settings;
    let file = opened.validation().filter(|_| settings.strata == Strata::System)?;
    let known = file.of(&settings.sut);
    let labelled = |c: &GroupCounts| c.kinds(file.design).iter().all(|n| *n > 0);
    let own = known.iter().any(|(of, c)| *of == sut && c.kinds(file.design) != [0, 0]);
    (!own).then(|| known.iter().filter(|(_, c)| labelled(c)).count())
}

/// Whether a system took part in the draw, but no label fell on its answers, and it is corrected by errors that are taken as the same
/// for all.
pub(super) fn borrowed(opened: &Opened, sut: &str) -> bool {
    let file = opened.validation().filter(|_| opened.settings.strata != Strata::System);
    let own = |f: &ValidationFile| {
        f.of(&opened.settings.sut).into_iter().find(|(of, _)| *of == sut).map(|g| g.1.kinds(f.design))
    };
    file.and_then(own) == Some([0, 0])
}

fn steered(plan: &Plan, factor: &str, sut: &str) -> bool {
    plan.subjects.iter().any(|s| system_of(s, factor) == sut && s.party.is_steered())
}

fn too_few(file: &ValidationFile, column: &str, level: &str) -> Option<String> {
    let enough = |c: &GroupCounts| c.kinds(file.design).iter().all(|n| *n >= LEAST_LABELS);
    let known = file.of(column).into_iter().any(|(of, counts)| of == level && enough(counts));
    (!known).then(|| {
        format!(
            "the validation has too few labels of {column} = {level} (fewer than {LEAST_LABELS} of a kind)"
        )
    })
}
