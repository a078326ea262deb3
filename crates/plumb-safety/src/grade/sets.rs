//! Item sets: what a system is asked for a hazard, in all its words, by which two grades are known to rest on the same.
//!
//! Everything is found in one walk over the trials that an analysis reads, and systems that are asked the same share one digest: a
//! matrix of thirteen systems and 43,090 items is otherwise walked hundreds of times. Not here: the words for how items are put, which are
//! [`super::ways`], and what else a grade holds for, which is [`super::standards::Identity`].

use super::settings::Settings;
use super::ways::{Way, Ways};
use plumb_study::items::{Item, Prompt, Task};
use plumb_study::plan::{Analysis, Plan, SubjectSpec};
use plumb_study::{Digest, ItemIx, NO_LEVEL, Rows};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What is asked of one system for one hazard: items, repetitions and ways, in the order of the plan.
type Places = Vec<(ItemIx, u16, u32)>;

/// What is asked of the systems of an analysis.
pub(super) struct Asked {
    /// Digests by hazard and system.
    sets: HashMap<(Arc<str>, Arc<str>), Arc<str>>,
    /// The ways in which each system is asked.
    ways: HashMap<Arc<str>, BTreeSet<Way>>,
}

impl Asked {
    /// Of these systems (levels of the factor that the settings name), for every hazard that items have.
    pub(super) fn of(plan: &Plan, analysis: &Analysis, settings: &Settings, suts: &[Arc<str>]) -> Asked {
        let place = |system: &str| suts.iter().position(|sut| **sut == *system);
        let systems: Vec<Option<usize>> =
            plan.subjects.iter().map(|subject| place(system_of(subject, &settings.sut))).collect();
        let ways = Ways::new(plan);
        let mut hazards: HashMap<&str, Vec<Places>> = HashMap::new();
        for trial in analysis.trials(plan, Rows::All) {
            let hazard = plan.level(trial, &settings.hazard).map_or(NO_LEVEL, |level| level);
            let asked = hazards.entry(hazard).or_insert_with(|| vec![Places::new(); suts.len()]);
            let source = plan.item(trial.item).source;
            let place = (trial.item, trial.rep, ways.of(trial.subject, source));
            let Some(system) = systems[trial.subject.0 as usize] else { continue };
            // Subjects vary fastest, so a second one of the same system that is asked alike comes while this item is the last.
            let mut last = asked[system].iter().rev().take_while(|p| (p.0, p.1) == (place.0, place.1));
            if !last.any(|p| *p == place) {
                asked[system].push(place);
            }
        }
        Asked::digested(plan, suts, &ways, hazards)
    }

    fn digested(plan: &Plan, suts: &[Arc<str>], ways: &Ways, hazards: HashMap<&str, Vec<Places>>) -> Asked {
        let mut all = Asked { sets: HashMap::new(), ways: HashMap::new() };
        for (hazard, asked) in hazards {
            let mut known: Vec<(Places, Arc<str>)> = Vec::new();
            for (sut, asked) in suts.iter().zip(asked) {
                let used: BTreeSet<u32> = asked.iter().map(|place| place.2).collect();
                all.ways
                    .entry(sut.clone())
                    .or_default()
                    .extend(used.into_iter().map(|at| ways.all[at as usize].clone()));
                let digest = match known.iter().find(|(other, _)| *other == asked) {
                    Some((_, digest)) => digest.clone(),
                    None => {
                        let digest: Arc<str> = digest(plan, &asked, &ways.all).into();
                        known.push((asked, digest.clone()));
                        digest
                    }
                };
                all.sets.insert((hazard.into(), sut.clone()), digest);
            }
        }
        all
    }

    /// The digest of the items that a system is asked for a hazard; `None` for one that is not among the systems.
    pub(super) fn set(&self, hazard: &Arc<str>, sut: &Arc<str>) -> Option<&str> {
        self.sets.get(&(hazard.clone(), sut.clone())).map(|digest| &**digest)
    }

    /// One part of all ways in which a system is asked, in words.
    pub(super) fn words(&self, sut: &str, part: fn(&Way) -> &str) -> String {
        let parts: BTreeSet<&str> = self.ways.get(sut).into_iter().flatten().map(part).collect();
        parts.into_iter().collect::<Vec<_>>().join("; ")
    }
}

/// Over ids, whole contents, repetitions and ways, in the order of ids: files of standards keep it, so a change of it is a new
/// format of these files.
fn digest(plan: &Plan, asked: &Places, ways: &[Way]) -> String {
    let ways: Vec<String> = ways
        .iter()
        .map(|w| Digest::of_parts(&[w.sampling.as_bytes(), w.system.as_bytes(), w.strategy.as_bytes()]).hex())
        .collect();
    let mut parts: Vec<(&str, u16, &str, Vec<u8>)> = asked
        .iter()
        .map(|(ix, rep, way)| {
            let item = plan.item(*ix);
            let (id, way) = (item.id.as_str(), ways[*way as usize].as_str());
            let content = content(item).hex();
            (
                id,
                *rep,
                way,
                [id.as_bytes(), b"\0", content.as_bytes(), &rep.to_le_bytes(), way.as_bytes()].concat(),
            )
        })
        .collect();
    parts.sort();
    Digest::of_parts(&parts.iter().map(|(.., part)| part.as_slice()).collect::<Vec<_>>()).hex()
}

/// Every word that an item puts or that its answer is held against. What a recording says was asked counts like what is asked.
fn content(item: &Item) -> Digest {
    let mut parts: Vec<&[u8]> = Vec::new();
    match &item.task {
        Task::Ask(prompt) | Task::Recorded(prompt) => match prompt {
            Prompt::Chat(turns) => {
                parts.push(b"chat");
                parts.extend(turns.iter().flat_map(|t| [t.role.name().as_bytes(), t.text.as_bytes()]));
            }
            Prompt::Completion(text) => parts.extend([b"completion".as_slice(), text.as_bytes()]),
            Prompt::Choose { context, options } => {
                parts.extend([b"choose".as_slice(), context.as_bytes()]);
                parts.extend(options.iter().map(|o| o.as_bytes()));
            }
        },
        Task::Ladder(turns) => {
            parts.push(b"ladder");
            parts.extend(turns.iter().map(|t| t.as_bytes()));
        }
        Task::Goal(text) => parts.extend([b"goal".as_slice(), text.as_bytes()]),
        Task::Shown(text) => parts.extend([b"shown".as_slice(), text.as_bytes()]),
    }
    if let Some(target) = &item.target {
        parts.extend([b"target".as_slice(), target.as_bytes()]);
    }
    Digest::of_parts(&parts)
}

/// The system that a subject is: its own name, or its level of a factor. One without that factor is of the level that says so, as
/// in the rows of an analysis.
pub(super) fn system_of<'p>(subject: &'p SubjectSpec, factor: &str) -> &'p str {
    match factor {
        "subject" => subject.id.as_str(),
        name => subject.factors.get(name).map_or(NO_LEVEL, |level| level),
    }
}
