//! What was asked of whom: subjects, items, judges, limits. Settings are shown as the plan froze them.

use super::shown::Text;
use crate::{number, words};
use plumb_study::items::Item;
use plumb_study::plan::{JudgeSpec, PartySpec, Scale, Settings, Source};
use plumb_study::{Plan, Results};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most levels of a tag that are listed.
const MOST_LEVELS: usize = 16;
/// Longest settings that stand in the table itself.
const INLINE: usize = 60;

/// The section.
pub(super) struct AskedView {
    pub(super) subjects: Vec<SubjectView>,
    pub(super) sources: Vec<SourceView>,
    pub(super) tags: Vec<TagView>,
    pub(super) judges: Vec<JudgeView>,
    pub(super) limits: Vec<LimitView>,
}

/// A model or another party.
pub(super) struct PartyView {
    pub(super) kind: Text,
    pub(super) sampling: Text,
    pub(super) system: Option<Text>,
    pub(super) settings: SettingsView,
}

/// Settings: short ones inline, long ones folded.
pub(super) struct SettingsView {
    pub(super) inline: Text,
    pub(super) folded: Option<Text>,
}

/// A subject.
pub(super) struct SubjectView {
    pub(super) id: Text,
    pub(super) factors: Text,
    pub(super) party: PartyView,
    pub(super) added: bool,
}

/// A source of items.
pub(super) struct SourceView {
    pub(super) id: Text,
    pub(super) reader: Text,
    pub(super) items: String,
    pub(super) repeat: u16,
    pub(super) subjects: Text,
    pub(super) judges: Text,
    pub(super) sampling: Text,
}

/// A tag and its levels.
pub(super) struct TagView {
    pub(super) name: Text,
    pub(super) levels: Vec<(Text, String)>,
    pub(super) more: usize,
}

/// A judge.
pub(super) struct JudgeView {
    pub(super) name: Text,
    pub(super) kind: Text,
    pub(super) measures: Vec<(Text, Text)>,
    pub(super) when: Option<Text>,
    pub(super) needs: Text,
    pub(super) settings: SettingsView,
    pub(super) model: Option<PartyView>,
    pub(super) judged: String,
    pub(super) added: bool,
}

/// A limit of the run.
pub(super) struct LimitView {
    pub(super) name: &'static str,
    pub(super) value: String,
}

pub(super) fn view(results: &Results) -> AskedView {
    let plan = &*results.plan;
    let added = |at: usize, rooted: u32| at >= rooted as usize;
    AskedView {
        subjects: plan
            .subjects
            .iter()
            .enumerate()
            .map(|(at, s)| SubjectView {
                id: Text::of(s.id.as_str()),
                factors: if s.factors.is_empty() {
                    Text::of("")
                } else {
                    Text::of(&words::levels(&s.factors))
                },
                party: party(&s.party),
                added: added(at, plan.rooted.subjects),
            })
            .collect(),
        sources: sources(plan),
        tags: tags(&plan.items),
        judges: plan
            .judges
            .iter()
            .enumerate()
            .map(|(at, j)| {
                let judged = results.counts.judged.get(at).copied().unwrap_or(0);
                judge(plan, j, judged, added(at, plan.rooted.judges))
            })
            .collect(),
        limits: limits(plan),
    }
}

fn party(p: &PartySpec) -> PartyView {
    PartyView {
        kind: Text::of(&p.kind),
        sampling: Text::of(&words::sampling(&p.sampling)),
        system: p.system.as_deref().map(Text::of),
        settings: settings(&p.settings),
    }
}

fn settings(value: &Settings) -> SettingsView {
    let entries: Vec<String> = match value {
        Settings::Object(map) => {
            map.iter().map(|(key, value)| format!("{key} = {}", scalar(value))).collect()
        }
        Settings::Null => Vec::new(),
        other => vec![scalar(other)],
    };
    let line = entries.join(", ");
    if line.chars().count() <= INLINE {
        return SettingsView { inline: Text::of(&line), folded: None };
    }
    // A text of many lines, such as a list of phrases, reads as it was written.
    let full = entries.join("\n");
    SettingsView { inline: Text::of(""), folded: Some(Text::of(&full)) }
}

fn scalar(value: &Settings) -> String {
    match value {
        Settings::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn sources(plan: &Plan) -> Vec<SourceView> {
    let mut items = vec![0_u64; plan.sources.len()];
    for item in &plan.items {
        items[item.source.0 as usize] += 1;
    }
    plan.sources.iter().zip(items).map(|(s, n)| source(plan, s, n)).collect()
}

fn source(plan: &Plan, s: &Source, items: u64) -> SourceView {
    SourceView {
        id: Text::of(&s.id),
        reader: Text::of(&s.reader),
        items: number::count(items),
        repeat: s.repeat,
        subjects: match &s.subjects {
            Some(list) => Text::list(list.iter().map(|ix| plan.subject(*ix).id.as_str())),
            None => Text::of("all subjects"),
        },
        judges: match &s.judges {
            Some(list) => Text::list(list.iter().map(|ix| plan.judge(*ix).name.as_str())),
            None => Text::of("all judges"),
        },
        sampling: Text::of(&words::sampling_override(&s.sampling).unwrap_or_default()),
    }
}

/// Tags that part items into a few kinds; a tag with a level of its own for each item says nothing here.
fn tags(items: &[Item]) -> Vec<TagView> {
    let mut tags: BTreeMap<&Arc<str>, Vec<(&Arc<str>, u64)>> = BTreeMap::new();
    let mut places: BTreeMap<(&Arc<str>, &Arc<str>), usize> = BTreeMap::new();
    for (name, level) in items.iter().flat_map(|i| &i.tags) {
        let levels = tags.entry(name).or_default();
        let at = *places.entry((name, level)).or_insert_with(|| {
            levels.push((level, 0));
            levels.len() - 1
        });
        levels[at].1 += 1;
    }
    tags.into_iter()
        .map(|(name, levels)| TagView {
            name: Text::of(name),
            more: levels.len().saturating_sub(MOST_LEVELS),
            levels: levels
                .iter()
                .take(MOST_LEVELS)
                .map(|(level, n)| (Text::of(level), number::count(*n)))
                .collect(),
        })
        .collect()
}

fn judge(plan: &Plan, j: &JudgeSpec, judged: u64, added: bool) -> JudgeView {
    JudgeView {
        name: Text::of(j.name.as_str()),
        kind: Text::of(&j.kind),
        measures: j
            .measures
            .iter()
            .map(|m| {
                let labels = match &m.scale {
                    Scale::Real => "a number".to_owned(),
                    labels => labels.labels().join(" | "),
                };
                (Text::of(&m.name), Text::of(&labels))
            })
            .collect(),
        when: j.when.map(|(of, label)| {
            Text::of(&format!("{} = {}", plan.measure_name(of), words::label(plan, of, label)))
        }),
        needs: Text::list(j.needs.iter().map(|ix| plan.judge(*ix).name.as_str())),
        settings: settings(&j.settings),
        model: j.model.as_ref().map(party),
        judged: number::count(judged),
        added,
    }
}

fn limits(plan: &Plan) -> Vec<LimitView> {
    let l = &plan.limits;
    let limit = |name, value| LimitView { name, value };
    vec![
        limit("exchanges at once", number::count(l.in_flight.into())),
        limit("deadline of an exchange", number::duration(l.deadline_ms.saturating_mul(1000))),
        limit("requests for an exchange", number::count(l.tries.into())),
        limit("attempts at a failed trial", number::count(l.attempts.into())),
        limit("longest wait on request", number::duration(l.retry_after_cap_ms.saturating_mul(1000))),
        limit("failures in a row that stop the run", number::count(l.breaker.into())),
        limit("warns above", number::level(l.warn_share)),
    ]
}
