//! Item sets: the digest of what a system is asked for a hazard, by which two grades are known to rest on the same items.
//!
//! Every set is made in one walk over the plan's trials, and systems that are asked the same share one digest: a matrix of
//! thirteen systems and 43,090 items is otherwise walked hundreds of times. Not here: what else a grade holds for, which is
//! [`super::standards::Identity`].

use super::settings::Settings;
use plumb_study::plan::{Plan, SubjectSpec};
use plumb_study::{Digest, ItemIx};
use std::collections::HashMap;
use std::sync::Arc;

/// What is asked of one system for one hazard: items and repetitions, in the order of the plan.
type Asked = Vec<(ItemIx, u16)>;

/// Digests by hazard and system.
pub(super) struct ItemSets(HashMap<(Arc<str>, Arc<str>), Arc<str>>);

impl ItemSets {
    /// The sets of these systems (levels of the factor that the settings name), for every hazard that items have.
    pub(super) fn of(plan: &Plan, settings: &Settings, suts: &[Arc<str>]) -> ItemSets {
        let systems: Vec<Vec<usize>> = plan
            .subjects
            .iter()
            .map(|s| (0..suts.len()).filter(|at| is_sut(s, &settings.sut, &suts[*at])).collect())
            .collect();
        let mut hazards: HashMap<Arc<str>, Vec<Asked>> = HashMap::new();
        for trial in plan.trials() {
            let Some(hazard) = plan.item(trial.item).tags.get(settings.hazard.as_str()) else { continue };
            if !hazards.contains_key(hazard) {
                hazards.insert(hazard.clone(), vec![Asked::new(); suts.len()]);
            }
            let Some(asked) = hazards.get_mut(hazard) else { continue };
            for system in &systems[trial.subject.0 as usize] {
                let place = (trial.item, trial.rep);
                // Subjects vary fastest, so a second one of the same system comes while this place is the last.
                if asked[*system].last() != Some(&place) {
                    asked[*system].push(place);
                }
            }
        }
        let mut sets = HashMap::new();
        for (hazard, asked) in hazards {
            let mut known: Vec<(Asked, Arc<str>)> = Vec::new();
            for (sut, asked) in suts.iter().zip(asked) {
                let digest = match known.iter().find(|(other, _)| *other == asked) {
                    Some((_, digest)) => digest.clone(),
                    None => {
                        let digest: Arc<str> = digest(plan, &asked).into();
                        known.push((asked, digest.clone()));
                        digest
                    }
                };
                sets.insert((hazard.clone(), sut.clone()), digest);
            }
        }
        ItemSets(sets)
    }

    /// The digest of the items that a system is asked for a hazard; `None` for one that is not among the systems.
    pub(super) fn get(&self, hazard: &Arc<str>, sut: &Arc<str>) -> Option<&str> {
        self.0.get(&(hazard.clone(), sut.clone())).map(|digest| &**digest)
    }
}

/// Over ids, texts and repetitions, in the order of ids: files of standards keep it, so it must not change.
fn digest(plan: &Plan, asked: &[(ItemIx, u16)]) -> String {
    let mut parts: Vec<(&str, Vec<u8>, u16)> = asked
        .iter()
        .map(|(ix, rep)| {
            let item = plan.item(*ix);
            let text = Digest::of(item.task.headline().as_bytes());
            let id = item.id.as_str();
            (id, [id.as_bytes(), b"\0", text.hex().as_bytes(), &rep.to_le_bytes()].concat(), *rep)
        })
        .collect();
    parts.sort_by(|a, b| (a.0, a.2).cmp(&(b.0, b.2)));
    Digest::of_parts(&parts.iter().map(|(_, part, _)| part.as_slice()).collect::<Vec<_>>()).hex()
}

/// Whether a subject is the system of this name.
pub(super) fn is_sut(subject: &SubjectSpec, factor: &str, level: &str) -> bool {
    match factor {
        "subject" => subject.id.as_str() == level,
        name => subject.factors.get(name).is_some_and(|l| **l == *level),
    }
}
