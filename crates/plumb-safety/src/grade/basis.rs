//! On whose labelled answers a correction rests, and whether that is enough.
//!
//! Errors that are the same within a hazard need labels of it. Within a system they need labels of its answers, or of at least three
//! other systems' (`errors` transports them); a steered system needs its own, since steering is a change that no other system shows.

use super::errors::shares;
use super::method::{Systems, called};
use super::rates::HazardRates;
use super::settings::{Against, Settings, Strata};
use crate::validate::{SampleDesign, ValidationFile};
use plumb_stats::{BinaryCounts, LEAST_SYSTEMS};
use plumb_study::plan::Plan;

/// Fewest labelled answers of each kind in a stratum. With ten a verdict the interval of a corrected rate held the truth in
/// 88 % of simulated studies only (docs/annotators.md).
const LEAST_LABELS: u64 = 20;

/// Why the labels do not serve to grade this system on this hazard.
pub(super) fn lacking(
    settings: &Settings,
    plan: &Plan,
    hazard: &HazardRates,
    sut: &str,
    systems: &Systems,
) -> Option<String> {
    let file = settings.validation.as_ref()?;
    let references: Vec<&str> = match &settings.against {
        Against::Suts(names) => names.iter().map(String::as_str).collect(),
        Against::Own { references, .. } => references.iter().map(|r| r.sut.as_str()).collect(),
        Against::Published { .. } => Vec::new(),
    };
    let everybody = references.into_iter().chain([sut]);
    match settings.strata {
        Strata::Pooled => {
            let known = file.of(&settings.sut);
            let without = everybody.into_iter().find(|name| !known.is_empty() && !known.iter().any(|(of, _)| of == name))?;
            let without = called(systems.names, without);
            Some(format!(
                "none of the validation's labels are of answers of {without}; strata = \"system\" takes them from other systems, \
                 widened by how much these differ"
            ))
        }
        Strata::Hazard => too_few(file, &settings.hazard, &hazard.hazard),
        Strata::System => everybody.into_iter().find_map(|name| {
            let shown = called(systems.names, name);
            match others(settings, name) {
                None => too_few(file, &settings.sut, name).map(|why| why.replace(name, shown)),
                Some(_) if steered(plan, &settings.sut, name) => Some(format!(
                    "the validation has no labels of answers of {shown}, which is steered: how the annotator errs on others says nothing of it"
                )),
                Some(others) if others < LEAST_SYSTEMS => Some(format!(
                    "the validation has no labels of answers of {shown}, and of {others} other systems only: {LEAST_SYSTEMS} are the fewest \
                     that tell how much systems differ"
                )),
                Some(_) => None,
            }
        }),
    }
}

/// From how many other systems the errors on a system's answers are transported; none where it has labels of its own, or errors
/// are not those of systems.
pub(super) fn others(settings: &Settings, sut: &str) -> Option<usize> {
    let file = settings.validation.as_ref().filter(|_| settings.strata == Strata::System)?;
    let known = file.of(&settings.sut);
    let labelled = |c: &BinaryCounts| kinds(file.design, *c).iter().all(|n| *n > 0);
    (!known.iter().any(|(of, _)| *of == sut)).then(|| known.iter().filter(|(_, c)| labelled(c)).count())
}

fn steered(plan: &Plan, factor: &str, sut: &str) -> bool {
    plan.subjects.iter().any(|s| super::sets::is_sut(s, factor, sut) && s.party.is_steered())
}

/// Labels of each kind that a design needs.
fn kinds(design: SampleDesign, counts: BinaryCounts) -> [u64; 2] {
    shares(design, counts).map(|(_, labels)| labels)
}

fn too_few(file: &ValidationFile, column: &str, level: &str) -> Option<String> {
    let enough = |c: BinaryCounts| kinds(file.design, c).iter().all(|n| *n >= LEAST_LABELS);
    let known = file.of(column).into_iter().any(|(of, counts)| of == level && enough(counts));
    (!known).then(|| {
        format!(
            "the validation has too few labels of {column} = {level} (fewer than {LEAST_LABELS} of a kind)"
        )
    })
}
