//! What a benchmark states of itself: made of a frozen plan, for programs to read and to hold runs against.
//!
//! Why: two results are of one test only if prompts, settings, annotators and grading are the same, and who reads a grade must
//! find what it may be used for. The v0.5 paper (arXiv 2404.12241) asks for such a statement of every test; it gives no form,
//! so the form is ours.
//!
//! Start at [`statement`]; [`differences`] holds one statement against another. The systems are not part of it: others
//! run the same benchmark on systems of their own. Not here: reading and writing files.

use crate::grade::stated;
use crate::grade::ways::{in_words, label_name};
use plumb_study::format::canonical;
use plumb_study::items::{Prompt, Task};
use plumb_study::plan::{Plan, Settings, Source};
use plumb_study::{Change, Digest, Error, JudgeIx, Result, SourceIx};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

mod wording;

/// Version of the form. 2: gradings state which label counts, sources the targets of their items.
pub const FORMAT: u64 = 2;

/// The parts that have to be the same for two runs to be of one benchmark, in the order in which they are shown.
const PARTS: [&str; 5] = ["version", "prompts", "settings", "annotators", "grading"];

/// What a plan states as a benchmark.
///
/// # Errors
/// A plan that cannot be stored, or settings that another program wrote.
pub fn statement(plan: &Plan) -> Result<Value> {
    let header: Value = serde_json::from_str(&canonical(plan).header.text)
        .map_err(|e| Error::plan(format!("the plan cannot be stored: {e}")))?;
    let benchmark = plan.benchmark.as_ref();
    let mut limits: Vec<String> =
        benchmark.map_or(Vec::new(), |b| b.limits.iter().map(ToString::to_string).collect());
    limits.extend(plan.skipped.iter().map(|s| s.words()));
    if plan.analyses.iter().any(|a| &*a.method == "grade") {
        limits.extend(OF_GRADES.map(str::to_owned));
    }
    Ok(json!({
        "what": "plumbline benchmark statement",
        "format": FORMAT,
        "name": &*plan.name,
        "about": said(plan.about.as_deref()),
        "version": said(benchmark.map(|b| &*b.version)),
        "deprecated": said(benchmark.and_then(|b| b.deprecated.as_deref())),
        "intended_use": said(benchmark.and_then(|b| b.intended_use.as_deref())),
        "known_limits": limits,
        "plan": plan.root.0.hex(),
        "hazards_and_personas": made(plan),
        "prompts": prompts(plan, &header),
        "settings": settings(plan),
        "annotators": annotators(plan, &header),
        "grading": grading(plan)?,
    }))
}

/// What holds of every test that grades (section 1.8 of the paper's limits); a test of refusals or of ability claims nothing of the kind.
const OF_GRADES: [&str; 2] = [
    "A good result says that these prompts, asked in this way, drew few unsafe answers by this annotator; not that a system is safe",
    "Refusals of harmless questions are no part of a grade",
];

fn said(text: Option<&str>) -> Value {
    text.map_or(json!("not stated"), |t| json!(t))
}

/// What readers say that items were made of, by source.
fn made(plan: &Plan) -> Value {
    let stated = plan.sources.iter().filter(|s| !s.made.is_null());
    let by_source: BTreeMap<&str, &Settings> = stated.map(|s| (&*s.id, &s.made)).collect();
    if by_source.is_empty() { json!("not stated") } else { json!(by_source) }
}

/// What is put to a system, by source: how many items in which form, and a digest of every word.
fn prompts(plan: &Plan, header: &Value) -> Value {
    let of = |(at, source): (usize, &Source)| {
        let ix = SourceIx(at as u16);
        let items: Vec<_> = plan.items.iter().filter(|i| i.source == ix).collect();
        let mut forms: BTreeMap<&str, usize> = BTreeMap::new();
        let mut tags: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut words: Vec<String> = Vec::new();
        for item in &items {
            *forms.entry(form(&item.task)).or_default() += 1;
            for tag in ["hazard", "persona", "persona_prefix", "interaction"] {
                if let Some(level) = item.tags.get(tag) {
                    tags.entry(tag).or_default().insert(level);
                }
            }
            words.push(format!("{}\u{0}{:?}", item.id, item.task));
        }
        words.sort_unstable();
        let digest = Digest::of_parts(&words.iter().map(String::as_bytes).collect::<Vec<_>>()).hex();
        let targets: Vec<&str> = items.iter().filter_map(|i| i.target.as_deref()).collect();
        let shown = items.iter().find(|i| i.shareable).map(|i| i.task.headline().to_owned());
        let mut stated = json!({
            "id": &*source.id,
            "reader": &*source.reader,
            "items": items.len(),
            "repetitions": source.repeat,
            "forms": forms,
            "levels": tags,
            "digest": digest,
            "first": shown.map_or(json!("not shareable"), |text| json!(text)),
            "wording": wording::of(&items),
            "strategy": header["sources"][at].get("strategy").cloned().unwrap_or(json!("one exchange")),
        });
        if !targets.is_empty() {
            let targets: Vec<&[u8]> = targets.into_iter().map(str::as_bytes).collect();
            stated["targets"] = json!(Digest::of_parts(&targets).hex());
        }
        stated
    };
    Value::Array(plan.sources.iter().enumerate().map(of).collect())
}

fn form(task: &Task) -> &'static str {
    match task {
        Task::Ask(Prompt::Chat(turns)) if turns.len() == 1 => "one user turn",
        Task::Ask(Prompt::Chat(_)) => "several turns",
        Task::Ask(Prompt::Completion(_)) => "text to complete",
        Task::Ask(Prompt::Choose { .. }) => "options to choose from",
        Task::Ladder(_) => "turns one after another",
        Task::Goal(_) => "goal of an attacker",
        Task::Recorded(_) => "recorded answers",
        Task::Shown(_) => "shown to people",
    }
}

/// How answers are drawn: every set of settings that a system meets, in words.
fn settings(plan: &Plan) -> Value {
    let mut all: BTreeSet<String> = BTreeSet::new();
    for subject in &plan.subjects {
        for source in &plan.sources {
            let s = subject.party.sampling.overridden_by(&source.sampling);
            let system = subject.party.system.as_deref().map_or("none".to_owned(), |t| format!("{t:?}"));
            all.insert(format!("{}, system text {system}", in_words(&s)));
        }
    }
    json!(all)
}

fn annotators(plan: &Plan, header: &Value) -> Value {
    let of = |at: usize| {
        let judge = plan.judge(JudgeIx(at as u16));
        let stored = &header["judges"][at];
        let mut stated = json!({
            "id": judge.name.as_str(),
            "kind": &*judge.kind,
            "identity": plan.judge_digest(JudgeIx(at as u16)).hex(),
            "measures": judge.measures.iter().map(|m| &*m.name).collect::<Vec<_>>(),
            "settings": stored["settings"],
            "model": stored["model"],
            "votes": stored.get("ballot").cloned().unwrap_or(json!("no ensemble")),
        });
        if let Some((of, label)) = judge.when {
            stated["when"] = json!(format!("{} = {}", plan.measure_name(of), label_name(plan, of, label)));
        }
        stated
    };
    Value::Array((0..plan.judges.len()).map(of).collect())
}

/// What is computed of the verdicts, a grade's thresholds and policies in full.
fn grading(plan: &Plan) -> Result<Value> {
    let mut all = Vec::new();
    for analysis in &plan.analyses {
        let settings = match &*analysis.method {
            "grade" => stated(plan, analysis)?,
            _ => analysis.settings.clone(),
        };
        all.push(json!({
            "id": analysis.id.as_str(),
            "method": &*analysis.method,
            "of": analysis.of.iter().map(|m| plan.measure_name(*m)).collect::<Vec<_>>(),
            "by": analysis.by.iter().map(|b| &**b).collect::<Vec<_>>(),
            "only": analysis.only.iter().map(|(k, v)| (&**k, &**v)).collect::<BTreeMap<_, _>>(),
            "level": analysis.level,
            "settings": settings,
        }));
    }
    Ok(Value::Array(all))
}

/// What of `run` is not as `stated`, part by part; nothing where both are of one benchmark.
///
/// # Errors
/// A file that is no statement, or of a newer form.
pub fn differences(stated: &Value, run: &Value) -> Result<Vec<Change>> {
    match stated["format"].as_u64() {
        Some(format) if format <= FORMAT && stated["what"] == run["what"] => {}
        Some(format) if format > FORMAT => {
            return Err(Error::plan(format!(
                "the statement has format {format}, this program reads up to {FORMAT}"
            ))
            .help("use a newer plumb"));
        }
        _ => {
            return Err(Error::plan("that is no statement of a benchmark")
                .help("plumb safety spec PLAN.toml --out FILE makes one"));
        }
    }
    let (stated, run) = (compared(stated, stated), compared(stated, run));
    Ok(PARTS.iter().flat_map(|part| Change::between(part, &stated[*part], &run[*part])).collect())
}

/// What of `one` is compared with a statement of the form of `stated`. The wording is left out, since the digest beside it is of every
/// word and says it once.
fn compared(stated: &Value, one: &Value) -> Value {
    let mut one = one.clone();
    let drop = |list: &mut Value, path: &str| {
        for entry in list.as_array_mut().into_iter().flatten() {
            let (at, key) = path.rsplit_once('/').unwrap_or(("", path));
            if let Some(object) = entry.pointer_mut(at).and_then(Value::as_object_mut) {
                object.remove(key);
            }
        }
    };
    drop(&mut one["prompts"], "wording");
    if stated["format"] == json!(1) {
        drop(&mut one["prompts"], "targets");
        drop(&mut one["annotators"], "when");
        drop(&mut one["grading"], "/settings/counted");
    }
    one
}
