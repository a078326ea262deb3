//! Transcripts to browse, and the filters over them.
//!
//! A filter's levels are numbered; rows carry the numbers. So the script never handles a text of a model, and
//! a level with a quote in its name is like any other.

use super::shown::Text;
use crate::number;
use plumb_study::items::{Role, Turn};
use plumb_study::method::Missing;
use plumb_study::plan::{Plan, Scale};
use plumb_study::{JudgeIx, MeasureRef, Results, Transcript, Withheld};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A tag or measure with more levels gets no filter: the search finds them.
const MOST_LEVELS: usize = 40;

/// The section.
pub(super) struct TranscriptsView {
    pub(super) shown: String,
    pub(super) of: String,
    pub(super) all: bool,
    pub(super) repeats: bool,
    pub(super) filters: Vec<FilterView>,
    pub(super) rows: Vec<TranscriptView>,
}

/// A choice of levels.
pub(super) struct FilterView {
    pub(super) key: usize,
    pub(super) name: Text,
    pub(super) options: Vec<OptionView>,
}

/// A level.
pub(super) struct OptionView {
    pub(super) value: usize,
    pub(super) name: Text,
    pub(super) count: String,
}

/// One trial.
pub(super) struct TranscriptView {
    pub(super) subject: Text,
    pub(super) item: Text,
    pub(super) repetition: u16,
    pub(super) tags: Vec<(Text, Text)>,
    pub(super) keys: Vec<KeyView>,
    /// Whether the summary shows nothing of what was asked and said.
    pub(super) folded: bool,
    pub(super) asked: Text,
    pub(super) answered: Text,
    /// CSS class and, unless the trial was answered, what happened.
    pub(super) outcome: &'static str,
    pub(super) reason: Option<Text>,
    pub(super) cut: bool,
    pub(super) turns: Vec<TurnView>,
    pub(super) reasoning: Option<Text>,
    pub(super) verdicts: Vec<VerdictView>,
}

/// A row's level in a filter.
pub(super) struct KeyView {
    pub(super) key: usize,
    pub(super) value: usize,
}

/// A turn of a conversation.
pub(super) struct TurnView {
    pub(super) role: &'static str,
    /// What became of it in a conversation with a strategy.
    pub(super) mark: Option<String>,
    /// Whether it is no part of what the subject remembers.
    pub(super) taken_back: bool,
    pub(super) text: Text,
}

/// What a judge said.
pub(super) struct VerdictView {
    pub(super) measure: Text,
    pub(super) value: Text,
    pub(super) note: Option<Text>,
}

/// What a filter parts transcripts by, in the order of the filters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Subject,
    Outcome,
    Measure(Arc<str>),
    Tag(Arc<str>),
}

pub(super) fn view(results: &Results) -> TranscriptsView {
    let transcripts = &results.transcripts;
    let scales = scales(&results.plan);
    let levels: Vec<Vec<(By, Arc<str>)>> = transcripts.iter().map(|t| levels(t, &scales)).collect();
    let (filters, places) = filters(&levels);
    let safety = tests_safety(&results.plan);
    let rows = transcripts.iter().zip(&levels).map(|(t, levels)| {
        let keys = levels.iter().filter_map(|level| places.get(level).copied());
        row(t, safety || may_harm(t), keys.map(|(key, value)| KeyView { key, value }).collect())
    });
    TranscriptsView {
        shown: number::count(transcripts.len() as u64),
        of: number::count(results.transcripts_of),
        all: transcripts.len() as u64 == results.transcripts_of,
        repeats: transcripts.iter().any(|t| t.repetition > 1),
        rows: rows.collect(),
        filters,
    }
}

/// Whether a run is of a safety benchmark: it grades, or its items are made of a taxonomy of hazards.
fn tests_safety(plan: &Plan) -> bool {
    plan.analyses.iter().any(|a| &*a.method == "grade")
        || plan.sources.iter().any(|source| source.made["taxonomy"].is_object())
}

/// Whether a transcript may hold what nobody should see without asking for it: its item belongs to a hazard, or a judge
/// says that the answer is unsafe.
fn may_harm(t: &Transcript) -> bool {
    t.tags.iter().any(|(name, _)| &**name == "hazard")
        || t.verdicts.iter().any(|(_, value, _)| &**value == "unsafe")
}

/// Measures by name.
fn scales(plan: &Plan) -> BTreeMap<String, &Scale> {
    let measures = plan.judges.iter().enumerate().flat_map(|(at, judge)| {
        (0..judge.measures.len()).map(move |m| MeasureRef { judge: JudgeIx(at as u16), measure: m as u8 })
    });
    measures.map(|of| (plan.measure_name(of), &plan.measure(of).scale)).collect()
}

fn levels(t: &Transcript, scales: &BTreeMap<String, &Scale>) -> Vec<(By, Arc<str>)> {
    let (outcome, _) = outcome(t);
    let outcome = if t.truncated { "answered, cut by the token limit" } else { outcome };
    let mut levels = vec![(By::Subject, t.subject.clone()), (By::Outcome, outcome.into())];
    for (measure, value, _) in &t.verdicts {
        let scale = scales.get(&**measure).copied();
        // Numbers are not levels; of a missing verdict only the kind is.
        let level = match missing(value) {
            Some(kind) => kind.into(),
            None if scale == Some(&Scale::Real) => "a number".into(),
            None => value.clone(),
        };
        levels.push((By::Measure(measure.clone()), level));
    }
    levels.extend(t.tags.iter().map(|(name, level)| (By::Tag(name.clone()), level.clone())));
    levels
}

/// The kind of a missing verdict: its name stands first, a reason may follow.
fn missing(value: &str) -> Option<&'static str> {
    let all = [
        Missing::NotAsked,
        Missing::Withheld,
        Missing::Failed,
        Missing::NotJudged,
        Missing::NotApplicable,
        Missing::Abstained,
        Missing::JudgeFailed,
    ];
    let named = |m: &Missing| value == m.name() || value.starts_with(&format!("{}: ", m.name()));
    all.into_iter().find(named).map(Missing::name)
}

type Places = BTreeMap<(By, Arc<str>), (usize, usize)>;

/// Filters with at least two levels, and the numbers of every level in them.
fn filters(levels: &[Vec<(By, Arc<str>)>]) -> (Vec<FilterView>, Places) {
    let mut counts: BTreeMap<&By, Vec<(&Arc<str>, u64)>> = BTreeMap::new();
    let mut known: BTreeMap<&(By, Arc<str>), usize> = BTreeMap::new();
    for pair in levels.iter().flatten() {
        let list = counts.entry(&pair.0).or_default();
        let at = *known.entry(pair).or_insert_with(|| {
            list.push((&pair.1, 0));
            list.len() - 1
        });
        list[at].1 += 1;
    }
    let mut views = Vec::new();
    let mut places = BTreeMap::new();
    for (by, list) in counts {
        if !(2..=MOST_LEVELS).contains(&list.len()) {
            continue;
        }
        let key = views.len();
        for (value, (level, _)) in list.iter().enumerate() {
            places.insert((by.clone(), (*level).clone()), (key, value));
        }
        let options = list.iter().enumerate().map(|(value, (level, n))| OptionView {
            value,
            name: Text::excerpt(level, 60),
            count: number::count(*n),
        });
        let name = match by {
            By::Subject => Text::of("subject"),
            By::Outcome => Text::of("outcome"),
            By::Measure(name) | By::Tag(name) => Text::excerpt(name, 60),
        };
        views.push(FilterView { key, name, options: options.collect() });
    }
    (views, places)
}

/// Kind of outcome, and what happened unless the trial was answered.
fn outcome(t: &Transcript) -> (&'static str, Option<&Arc<str>>) {
    if &*t.outcome == "answered" {
        return ("answered", None);
    }
    let withheld = Withheld::ALL.iter().any(|w| w.name() == &*t.outcome);
    (if withheld { "withheld" } else { "failed" }, Some(&t.outcome))
}

/// What was said; a conversation with all its turns, those that were taken back too.
fn turns(t: &Transcript) -> Vec<TurnView> {
    if t.exchanges.is_empty() {
        let plain = |turn: &Turn| TurnView {
            role: turn.role.name(),
            mark: None,
            taken_back: false,
            text: Text::of(&turn.text),
        };
        return t.turns.iter().map(plain).collect();
    }
    let mut counted = 0;
    let mut turns = Vec::new();
    for exchange in &t.exchanges {
        // A withheld answer is never kept, and counts where it is not taken back; only the strategy knows.
        counted += u32::from(exchange.kept);
        let asked = if exchange.kept { format!("turn {counted}") } else { "taken back".to_owned() };
        let found =
            [(exchange.refused, "refused", "not refused"), (exchange.success, "success", "no success")];
        let found: Vec<&str> =
            found.iter().filter_map(|(is, yes, no)| is.map(|is| if is { *yes } else { *no })).collect();
        let said = if exchange.withheld { "withheld".to_owned() } else { found.join(", ") };
        turns.push(TurnView {
            role: Role::User.name(),
            mark: Some(asked),
            taken_back: !exchange.kept,
            text: Text::of(&exchange.question),
        });
        turns.push(TurnView {
            role: Role::Assistant.name(),
            mark: (!said.is_empty()).then_some(said),
            taken_back: !exchange.kept,
            text: Text::of(&exchange.answer),
        });
    }
    turns
}

fn row(t: &Transcript, folded: bool, keys: Vec<KeyView>) -> TranscriptView {
    let (kind, reason) = outcome(t);
    let last_of = |role: &str| t.turns.iter().rev().find(|turn| turn.role.name() == role);
    TranscriptView {
        subject: Text::of(&t.subject),
        item: Text::of(&t.item),
        repetition: t.repetition,
        tags: t.tags.iter().map(|(name, level)| (Text::of(name), Text::of(level))).collect(),
        keys,
        folded,
        asked: Text::excerpt(last_of("user").filter(|_| !folded).map_or("", |turn| &turn.text), 160),
        answered: match (kind, reason) {
            ("answered", _) if folded => Text::of(""),
            ("answered", _) => Text::excerpt(last_of("assistant").map_or("", |turn| &turn.text), 160),
            (_, why) => Text::excerpt(why.map_or("", |why| why), 160),
        },
        outcome: kind,
        reason: reason.map(|r| Text::of(r)),
        cut: t.truncated,
        turns: turns(t),
        reasoning: t.reasoning.as_deref().map(Text::of),
        verdicts: t
            .verdicts
            .iter()
            .map(|(measure, value, note)| VerdictView {
                measure: Text::of(measure),
                value: Text::of(value),
                note: note.as_deref().map(Text::of),
            })
            .collect(),
    }
}
