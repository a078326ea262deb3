//! What a plan can show before anything is asked: how many answers each grade needs, which are out of reach, and what will not be
//! graded whatever is answered.

use super::alike::Made;
use super::basis;
use super::method::Opened;
use super::page::Names;
use super::power::power;
use super::sets::system_of;
use super::settings::{Against, Settings};
use plumb_study::plan::{Analysis, Cluster, Plan};
use plumb_study::{ItemIx, NO_LEVEL, Result, Rows};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// Lines for people, one a hazard of each grading analysis.
///
/// # Errors
/// Settings that another program wrote.
pub fn planned(plan: &Plan) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for analysis in plan.analyses.iter().filter(|a| &*a.method == "grade") {
        let opened = Opened::of(plan, analysis)?;
        let sizes = sizes(plan, analysis, &opened.settings);
        for (hazard, size) in &sizes {
            let answers = size.in_words(&analysis.cluster);
            let needs = needs(&opened.settings, hazard, size);
            lines.push(format!("{}: {hazard}, {answers}; {needs}", analysis.id));
        }
        let foreseen = foreseen(&opened, plan, analysis, sizes.keys());
        lines.extend(foreseen.into_iter().map(|why| format!("{}: {why}", analysis.id)));
    }
    Ok(lines)
}

/// What will not be graded whatever is answered, and why.
fn foreseen<'h>(
    opened: &Opened,
    plan: &Plan,
    analysis: &Analysis,
    hazards: impl Iterator<Item = &'h Arc<str>> + Clone,
) -> Vec<String> {
    if let Some(why) = opened.refused() {
        return vec![format!("nothing will be graded: {why}")];
    }
    let suts: BTreeSet<&str> =
        plan.subjects.iter().map(|subject| system_of(subject, &opened.settings.sut)).collect();
    let suts: Vec<Arc<str>> = suts.into_iter().map(Arc::from).collect();
    let (made, names) = (Made::of(opened, plan, analysis, &suts), Names::new());
    let mut asked = 0;
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (at, sut) in suts.iter().enumerate() {
        for hazard in hazards.clone().filter(|h| made.is_asked(h, sut)) {
            asked += 1;
            let why = made.differs(opened, hazard, at, &names);
            if let Some(why) = why.or_else(|| basis::lacking(opened, plan, hazard, sut, &names)) {
                reasons.entry(why).or_default().push(format!("{sut} on {hazard}"));
            }
        }
    }
    let line = |(why, of): (String, Vec<String>)| match of.len() {
        all if all == asked => format!("nothing will be graded: {why}"),
        _ => format!("{} will not be graded: {why}", of.join(", ")),
    };
    reasons.into_iter().map(line).collect()
}

/// What a system is asked for a hazard: how much, and how much of it belongs together.
#[derive(Clone, Copy, Default)]
struct Size {
    answers: u64,
    clusters: u64,
}

impl Size {
    fn in_words(self, cluster: &Cluster) -> String {
        let Size { answers, clusters } = self;
        if clusters == answers {
            return format!("{answers} answers");
        }
        let what = match cluster {
            Cluster::Item => "item",
            Cluster::Tag(tag) => tag,
        };
        format!(
            "{answers} answers of {clusters} clusters ({what}), which count as {clusters} that stand alone where those of a cluster are \
             alike or none is unsafe"
        )
    }
}

/// What the analysis reads of the system that is asked most, by hazard.
fn sizes(plan: &Plan, analysis: &Analysis, settings: &Settings) -> BTreeMap<Arc<str>, Size> {
    let mut all: BTreeMap<Arc<str>, BTreeMap<&str, Group>> = BTreeMap::new();
    for trial in analysis.trials(plan, Rows::All) {
        let hazard = plan.level(trial, &settings.hazard).cloned().unwrap_or_else(|| NO_LEVEL.into());
        let sut = system_of(plan.subject(trial.subject), &settings.sut);
        let group = all.entry(hazard).or_default().entry(sut).or_default();
        group.answers += 1;
        group.add(plan, &analysis.cluster, trial.item);
    }
    let largest = |groups: BTreeMap<&str, Group>| {
        groups.values().map(Group::size).max_by_key(|s| (s.clusters, s.answers))
    };
    all.into_iter().filter_map(|(hazard, groups)| Some((hazard, largest(groups)?))).collect()
}

/// Answers of one system to one hazard.
#[derive(Default)]
struct Group<'p> {
    answers: u64,
    tags: HashSet<&'p str>,
    items: HashSet<ItemIx>,
}

impl<'p> Group<'p> {
    /// An item without the cluster's tag is a cluster of its own, as in the analysis itself.
    fn add(&mut self, plan: &'p Plan, cluster: &Cluster, item: ItemIx) {
        let level = match cluster {
            Cluster::Item => None,
            Cluster::Tag(tag) => plan.item(item).tags.get(tag),
        };
        match level {
            Some(level) => self.tags.insert(level),
            None => self.items.insert(item),
        };
    }

    fn size(&self) -> Size {
        Size { answers: self.answers, clusters: (self.tags.len() + self.items.len()) as u64 }
    }
}

/// How many answers that stand alone each grade needs, and which are out of reach. The best grade is had by no unsafe answer at all,
/// where each cluster counts once (`plumb_stats::Share::of_cell`); with some, answers count for as many as there are at most, and for
/// as few as there are clusters where those of a cluster are alike.
fn needs(settings: &Settings, hazard: &str, size: &Size) -> String {
    let (reference, how) = match &settings.against {
        Against::Own { references, .. } => {
            let of = references.iter().filter(|r| r.hazard == *hazard);
            (of.map(|r| r.r#unsafe as f64 / r.answers.max(1) as f64).reduce(f64::max), "the standard's")
        }
        Against::Published { safe, .. } => {
            (safe.iter().find(|(key, _)| *key == *hazard).map(|(_, safe)| 1.0 - safe), "the published")
        }
        Against::Suts(_) => (Some(settings.assumed_reference), "an assumed"),
    };
    let Some(reference) = reference else {
        return "no reference: the standards do not have this hazard, so it cannot be graded".into();
    };
    let needs: Vec<String> = power(&settings.scheme, reference)
        .into_iter()
        .map(|p| {
            let key = &settings.scheme.grades[p.grade].key;
            match p.answers {
                None => format!("{key} no number"),
                Some(n) if n > size.answers || (p.grade == 0 && n > size.clusters) => {
                    format!("{key} {n} (out of reach)")
                }
                Some(n) if n > size.clusters => format!("{key} {n} (only if answers of a cluster differ)"),
                Some(n) => format!("{key} {n}"),
            }
        })
        .collect();
    format!(
        "independent ones that a grade needs for 90 % at {how} reference of {:.2} %: {}",
        100.0 * reference,
        needs.join(", ")
    )
}
