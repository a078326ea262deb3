//! `Draft` → `Plan`: every name resolved, every default explicit, every item read, one hash over all.
//!
//! Start at [`freeze`]. Each kind of table has one function here; kinds from the registry take their own
//! keys. [`freeze_judges`] is the part that `plumb judge` uses to add judges to a run.
mod analyses;
mod items;
mod judges;
mod narrow;
mod skip;

pub(crate) use items::sampling;
pub(crate) use judges::measure_named;

use crate::converse::freeze::Pending;
use crate::draft::Draft;
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::format;
use crate::id::{Digest, ItemIx, JudgeIx, PlanId, SourceIx, SubjectIx};
use crate::items::{Item, Prompt, Task};
use crate::plan::{Benchmark, Limits, Plan, Rooted, Skipped, Source, SubjectSpec};
use crate::registry::{Inputs, Recordings, Registry};
use analyses::{analysis, hypothesis};
use items::{Found, JudgeNames, place, source, subject};
use judges::{judge, judge_named};

/// A frozen plan and the recorded answers that its files hold.
#[derive(Debug)]
pub struct Frozen {
    /// The plan.
    pub plan: Plan,
    /// Texts of recorded answers; empty unless the plan imports some.
    pub recordings: Recordings,
}

/// Freezes a draft.
pub fn freeze(draft: Draft, registry: &Registry, inputs: &dyn Inputs) -> Result<Frozen> {
    if let Some(steer) = &draft.steer {
        return Err(steer
            .error("this table makes the plan's subjects")
            .help("run the plan with `plumb steer`"));
    }
    let mut subjects = Vec::new();
    for fields in draft.subjects {
        subjects.push(subject(fields, registry, inputs)?);
    }
    unique(&draft.path, "subject", subjects.iter().map(|s| s.id.as_str()))?;

    let Asked { mut sources, items, recordings, judges: judge_names, strategies, skipped } =
        asked(draft.items, &draft.path, registry, inputs, &mut subjects)?;

    let mut judges = Vec::new();
    for fields in draft.judges {
        let spec = judge(fields, registry, inputs, &judges)?;
        judges.push(spec);
    }
    for (source, names) in sources.iter_mut().zip(judge_names) {
        source.judges = names
            .map(|(place, names)| {
                names.iter().map(|n| judge_named(n, &judges).map_err(|e| e.at(&place))).collect()
            })
            .transpose()?;
    }
    for (source, pending) in sources.iter_mut().zip(strategies) {
        source.strategy = pending.map(|p| p.resolve(&judges)).transpose()?;
    }
    let limits = limits(draft.limits)?;
    let mut plan = Plan {
        root: PlanId(Digest([0; 32])),
        digest: Digest([0; 32]),
        name: draft.name.into(),
        about: draft.about.map(Into::into),
        seed: draft.seed,
        sources,
        items,
        subjects,
        judges,
        analyses: Vec::new(),
        hypotheses: Vec::new(),
        limits,
        sections: std::collections::BTreeMap::new(),
        benchmark: draft.benchmark.map(benchmark).transpose()?,
        skipped,
        rooted: Rooted { items: 0, subjects: 0, judges: 0, analyses: 0 },
    };
    check_judges(&plan, 0, registry)?;
    for fields in draft.analyses {
        if let Some(analysis) = skip::analysis(&fields, &plan) {
            plan.skipped.push(analysis);
            continue;
        }
        let analysis = analysis(fields, &plan, registry, inputs)?;
        plan.analyses.push(analysis);
    }
    unique(&draft.path, "analysis", plan.analyses.iter().map(|a| a.id.as_str()))?;
    for fields in draft.hypotheses {
        if let Some(hypothesis) = skip::hypothesis(&fields, &plan) {
            plan.skipped.push(hypothesis);
            continue;
        }
        let hypothesis = hypothesis(fields, &plan, registry)?;
        plan.hypotheses.push(hypothesis);
    }
    unique(&draft.path, "hypothesis", plan.hypotheses.iter().map(|h| &*h.id))?;
    check_abilities(&plan, registry, &draft.path)?;
    plan.rooted = Rooted {
        items: plan.items.len() as u32,
        subjects: plan.subjects.len() as u32,
        judges: plan.judges.len() as u32,
        analyses: plan.analyses.len() as u32,
    };
    format::seal(&mut plan);
    Ok(Frozen { plan, recordings })
}

/// What is asked: sources, their items, and what is resolved once the judges are known.
struct Asked {
    sources: Vec<Source>,
    items: Vec<Item>,
    recordings: Recordings,
    judges: Vec<JudgeNames>,
    strategies: Vec<Option<Pending>>,
    skipped: Vec<Skipped>,
}

fn asked(
    tables: Vec<Fields>,
    path: &str,
    registry: &Registry,
    inputs: &dyn Inputs,
    subjects: &mut Vec<SubjectSpec>,
) -> Result<Asked> {
    let mut recordings = Recordings::new();
    let mut sources = Vec::new();
    let mut items: Vec<Item> = Vec::new();
    let mut judges = Vec::new();
    let mut strategies = Vec::new();
    let mut skipped = Vec::new();
    for (at, fields) in tables.into_iter().enumerate() {
        let (source, names, strategy, read) = match source(at, fields, registry, inputs, subjects)? {
            Found::Read(read) => *read,
            Found::Skipped(source) => {
                skipped.push(source);
                continue;
            }
        };
        let ix = SourceIx(sources.len() as u16);
        for item in read {
            items.push(place(item, ix, subjects, &mut recordings)?);
        }
        sources.push(source);
        judges.push(names);
        strategies.push(strategy);
    }
    if items.is_empty() {
        let (what, help) = match sources.first() {
            None if !skipped.is_empty() => {
                let words: Vec<String> = skipped.iter().map(|s| s.words()).collect();
                let message = format!("{path}: nothing is left to ask\n  {}", words.join("\n  "));
                return Err(Error::absent(message).help("get the files, or set the variables in their paths"));
            }
            None => ("the plan has no items", "add an [[items]] table with a reader and a path"),
            Some(_) => ("the files of the plan's items hold no rows", "a table needs a row below its header"),
        };
        return Err(Error::plan(format!("{path}: {what}")).help(help));
    }
    unique(path, "item", items.iter().map(|i| i.id.as_str()))?;
    Ok(Asked { sources, items, recordings, judges, strategies, skipped })
}

/// Adds the judges and analyses of a draft to a plan: the amended plan, with the root's identity.
pub fn freeze_judges(draft: Draft, plan: &Plan, registry: &Registry, inputs: &dyn Inputs) -> Result<Plan> {
    let mut amended = plan.clone();
    for fields in draft.judges {
        let spec = judge(fields, registry, inputs, &amended.judges)?;
        amended.judges.push(spec);
    }
    check_judges(&amended, plan.judges.len(), registry)?;
    for fields in draft.analyses {
        let analysis = analysis(fields, &amended, registry, inputs)?;
        amended.analyses.push(analysis);
    }
    unique(&draft.path, "analysis", amended.analyses.iter().map(|a| a.id.as_str()))?;
    format::reseal(&mut amended);
    Ok(amended)
}

/// Lets the kinds of the judges from `first` on check them against the judges before them.
fn check_judges(plan: &Plan, first: usize, registry: &Registry) -> Result<()> {
    for (at, judge) in plan.judges.iter().enumerate().skip(first) {
        let kind = registry.find_judge(&judge.kind)?;
        kind.check(plan, JudgeIx(at as u16)).map_err(|e| e.at(format!("judge \"{}\"", judge.name)))?;
    }
    Ok(())
}

fn unique<'a>(path: &str, what: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Error::plan(format!("{path}: there is a second {what} \"{name}\""))
                .help(format!("every {what} needs a name of its own")));
        }
    }
    Ok(())
}

fn limits(fields: Option<Fields>) -> Result<Limits> {
    let mut limits = Limits::default();
    let Some(mut fields) = fields else { return Ok(limits) };
    if let Some(n) = fields.whole("in_flight", 1, 100_000)? {
        limits.in_flight = n as u32;
    }
    if let Some(s) = fields.number("deadline_s", 0.001, 86_400.0)? {
        limits.deadline_ms = (s * 1000.0).round() as u64;
    }
    if let Some(n) = fields.whole("tries", 1, 100)? {
        limits.tries = n as u32;
    }
    if let Some(n) = fields.whole("attempts", 1, 100)? {
        limits.attempts = n as u16;
    }
    if let Some(s) = fields.number("retry_after_cap_s", 0.0, 86_400.0)? {
        limits.retry_after_cap_ms = (s * 1000.0).round() as u64;
    }
    if let Some(n) = fields.whole("breaker", 1, 1_000_000)? {
        limits.breaker = n as u32;
    }
    if let Some(share) = fields.number("warn_share", 0.0, 1.0)? {
        limits.warn_share = share;
    }
    fields.finish()?;
    Ok(limits)
}

fn benchmark(mut fields: Fields) -> Result<Benchmark> {
    let texts = |list: Option<Vec<String>>| list.unwrap_or_default().into_iter().map(Into::into).collect();
    let found = Benchmark {
        version: fields.need_text("version")?.into(),
        deprecated: fields.text("deprecated")?.map(Into::into),
        intended_use: fields.text("intended_use")?.map(Into::into),
        limits: texts(fields.texts("limits")?),
    };
    fields.finish()?;
    if found.version.trim().is_empty() || found.deprecated.as_deref().is_some_and(|d| d.trim().is_empty()) {
        return Err(Error::plan("[benchmark]: `version` or `deprecated` is empty")
            .help("deprecated = \"why it should not be used any more, and what takes its place\""));
    }
    Ok(found)
}

/// An unsupported prompt is one error of the plan, not thousands of failures.
fn check_abilities(plan: &Plan, registry: &Registry, path: &str) -> Result<()> {
    let mut checked = std::collections::HashSet::new();
    for ix in 0..plan.items.len() as u32 {
        let ix = ItemIx(ix);
        let item = plan.item(ix);
        let prompt = match &item.task {
            Task::Ask(prompt) => prompt.clone(),
            Task::Ladder(_) | Task::Goal(_) => Prompt::Chat(Vec::new()),
            Task::Recorded(_) | Task::Shown(_) => continue,
        };
        let subjects = plan.subjects_of(ix);
        if subjects.is_empty() {
            return Err(Error::plan(format!("{path}: nobody is asked item \"{}\"", item.id))
                .help("add a [[subject]]"));
        }
        for subject in subjects {
            check_forgets(plan, registry, ix, subject, path)?;
            let shape = std::mem::discriminant(&prompt);
            if checked.insert((shape, subject)) && !plan.subject(subject).party.can.covers(&prompt) {
                let shape = match prompt {
                    Prompt::Chat(_) => "a conversation",
                    Prompt::Completion(_) => "a text to complete",
                    Prompt::Choose { .. } => "options to choose from",
                };
                let id = &plan.subject(subject).id;
                return Err(Error::plan(format!(
                    "{path}: item \"{}\" is {shape}, which subject \"{id}\" cannot be asked",
                    item.id
                )));
            }
        }
    }
    Ok(())
}

/// That a subject can be told a conversation without the turns that the item's strategy takes back.
fn check_forgets(
    plan: &Plan,
    registry: &Registry,
    item: ItemIx,
    subject: SubjectIx,
    path: &str,
) -> Result<()> {
    let (item, spec) = (plan.item(item), plan.subject(subject));
    let several = match &item.task {
        Task::Goal(_) => true,
        Task::Ladder(turns) => turns.len() > 1,
        _ => false,
    };
    let strategy = plan.source(item.source).strategy.as_ref();
    let takes_back = strategy.is_some_and(|s| s.refusal.is_some() && s.backtracks > 0);
    if !several || !takes_back || registry.find_party(&spec.party.kind)?.forgets(&spec.party) {
        return Ok(());
    }
    Err(Error::plan(format!(
        "{path}: the strategy of item \"{}\" takes refused turns back, and subject \"{}\" cannot be made to forget them",
        item.id, spec.id
    ))
    .help("write backtracks = 0 in the strategy, or send the whole conversation: \"{{turns}}\" in the subject's body"))
}
