//! `Draft` → `Plan`: every name resolved, every default explicit, every item read, one hash over all.
//!
//! Start at [`freeze`]. Each kind of table has one function here; kinds from the registry take their own
//! keys. [`freeze_judges`] is the part that `plumb judge` uses to add judges to a run.

use crate::draft::Draft;
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::format;
use crate::id::{AnalysisId, Digest, ItemId, JudgeIx, MeasureRef, PlanId, SourceIx, SubjectId, SubjectIx};
use crate::items::{Item, Levels, Prompt, Recorded, Task};
use crate::party::Sampling;
use crate::plan::{
    Analysis, Cluster, Direction, Hypothesis, JudgeSpec, Limits, PartySpec, Plan, Rooted, Scale, Source,
    SubjectSpec, SupportedIf, Term,
};
use crate::registry::{DraftAnswer, DraftItem, Inputs, Recordings, Registry};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

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
    let mut subjects = Vec::new();
    for fields in draft.subjects {
        subjects.push(subject(fields, registry, inputs)?);
    }
    unique(&draft.path, "subject", subjects.iter().map(|s| s.id.as_str()))?;

    let mut recordings = Recordings::new();
    let mut sources = Vec::new();
    let mut items: Vec<Item> = Vec::new();
    let mut judge_names = Vec::new();
    for (at, fields) in draft.items.into_iter().enumerate() {
        let (source, names, read) = source(at, fields, registry, inputs, &subjects)?;
        let ix = SourceIx(at as u16);
        for item in read {
            items.push(place(item, ix, &mut subjects, &mut recordings));
        }
        sources.push(source);
        judge_names.push(names);
    }
    if items.is_empty() {
        return Err(Error::plan(format!("{}: the plan has no items", draft.path))
            .help("add an [[items]] table with a reader and a path"));
    }
    unique(&draft.path, "item", items.iter().map(|i| i.id.as_str()))?;

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
        rooted: Rooted { items: 0, subjects: 0, judges: 0, analyses: 0 },
    };
    for fields in draft.analyses {
        let analysis = analysis(fields, &plan, registry)?;
        plan.analyses.push(analysis);
    }
    unique(&draft.path, "analysis", plan.analyses.iter().map(|a| a.id.as_str()))?;
    for fields in draft.hypotheses {
        let hypothesis = hypothesis(fields, &plan)?;
        plan.hypotheses.push(hypothesis);
    }
    unique(&draft.path, "hypothesis", plan.hypotheses.iter().map(|h| &*h.id))?;
    check_abilities(&plan, &draft.path)?;
    plan.rooted = Rooted {
        items: plan.items.len() as u32,
        subjects: plan.subjects.len() as u32,
        judges: plan.judges.len() as u32,
        analyses: plan.analyses.len() as u32,
    };
    format::seal(&mut plan);
    Ok(Frozen { plan, recordings })
}

/// Adds the judges and analyses of a draft to a plan: the amended plan, with the root's identity.
pub fn freeze_judges(draft: Draft, plan: &Plan, registry: &Registry, inputs: &dyn Inputs) -> Result<Plan> {
    let mut amended = plan.clone();
    for fields in draft.judges {
        let place = fields.place().to_owned();
        let spec = judge(fields, registry, inputs, &amended.judges).map_err(|e| {
            if e.to_string().contains("second judge") {
                Error::plan(e.to_string())
                    .help("a run's judges keep their meaning: give the new judge a new id, such as id = \"refusal-v2\"")
            } else {
                e
            }
        })?;
        let can = |spec: &JudgeSpec| amended.judges.iter().any(|j| j == spec);
        if can(&spec) {
            return Err(Error::plan(format!("{place}: the run already has this judge")));
        }
        amended.judges.push(spec);
    }
    for fields in draft.analyses {
        let analysis = analysis(fields, &amended, registry)?;
        amended.analyses.push(analysis);
    }
    unique(&draft.path, "analysis", amended.analyses.iter().map(|a| a.id.as_str()))?;
    format::reseal(&mut amended);
    Ok(amended)
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

fn subject(mut fields: Fields, registry: &Registry, inputs: &dyn Inputs) -> Result<SubjectSpec> {
    let id = fields.need_text("id")?;
    let factors = fields.levels("factors")?;
    let party = registry.freeze_party(&mut fields, inputs)?;
    fields.finish()?;
    Ok(SubjectSpec { id: id.into(), factors, party })
}

/// Takes a table of sampling settings.
pub(crate) fn sampling(fields: &mut Fields, key: &str) -> Result<Sampling> {
    let Some(mut inner) = fields.inner(key)? else { return Ok(Sampling::default()) };
    let sampling = Sampling {
        temperature: inner.number("temperature", 0.0, 10.0)?,
        top_p: inner.number("top_p", 0.0, 1.0)?,
        max_tokens: inner.whole("max_tokens", 1, 1_000_000)?.map(|n| n as u32),
        stop: inner.texts("stop")?.unwrap_or_default(),
    };
    inner.finish()?;
    Ok(sampling)
}

/// Where judges are named, and their names.
type JudgeNames = Option<(String, Vec<String>)>;
/// A source, the judges it names, and its items with whether they may be shown.
type SourceRead = (Source, JudgeNames, Vec<(DraftItem, bool)>);

fn source(
    at: usize,
    mut fields: Fields,
    registry: &Registry,
    inputs: &dyn Inputs,
    subjects: &[SubjectSpec],
) -> Result<SourceRead> {
    let id = fields.text("id")?.unwrap_or_else(|| format!("items-{}", at + 1));
    let reader = fields.need_text("reader")?;
    let repeat = fields.whole("repeat", 1, 10_000)?.unwrap_or(1) as u16;
    let sampling = sampling(&mut fields, "sampling")?;
    let shareable = fields.flag("shareable")?.unwrap_or(true);
    let place = fields.place().to_owned();
    let only = match fields.texts("subjects")? {
        None => None,
        Some(names) => Some(
            names
                .iter()
                .map(|name| {
                    subjects
                        .iter()
                        .position(|s| s.id.as_str() == name)
                        .map(|at| SubjectIx(at as u16))
                        .ok_or_else(|| {
                            Error::plan(format!(
                                "{place}: `subjects` names \"{name}\", which is no [[subject]]"
                            ))
                        })
                })
                .collect::<Result<Vec<_>>>()?,
        ),
    };
    let judges = fields.texts("judges")?.map(|names| (place.clone(), names));
    let read = registry.find_reader(&reader).map_err(|e| e.at(&place))?.read(&mut fields, inputs)?;
    fields.finish()?;
    let mut items = Vec::with_capacity(read.len());
    for mut item in read {
        if item.id.is_empty() {
            item.id = format!("{id}-{}", items.len() + 1);
        }
        items.push((item, shareable));
    }
    let source =
        Source { id: id.into(), reader: reader.into(), repeat, sampling, subjects: only, judges: None };
    Ok((source, judges, items))
}

/// Gives a read item its place; recorded answers find or make their subject.
fn place(
    (draft, shareable): (DraftItem, bool),
    source: SourceIx,
    subjects: &mut Vec<SubjectSpec>,
    recordings: &mut Recordings,
) -> Item {
    let mut recorded: Vec<Recorded> = Vec::new();
    let mut reps: HashMap<SubjectIx, u16> = HashMap::new();
    for DraftAnswer { subject, text, labels, factors } in draft.recorded {
        let at = subjects.iter().position(|s| s.id.as_str() == subject).unwrap_or_else(|| {
            subjects.push(recorded_subject(&subject, factors));
            subjects.len() - 1
        });
        let subject = SubjectIx(at as u16);
        let answer = Digest::of(text.as_bytes());
        recordings.insert(answer, text);
        let rep = reps.entry(subject).or_insert(0);
        recorded.push(Recorded { subject, rep: *rep, answer, labels });
        *rep += 1;
    }
    Item {
        id: ItemId::from(draft.id),
        source,
        tags: draft.tags,
        task: draft.task,
        target: draft.target,
        recorded,
        shareable,
    }
}

fn recorded_subject(name: &str, factors: Levels) -> SubjectSpec {
    SubjectSpec {
        id: SubjectId::from(name),
        factors,
        party: PartySpec {
            kind: crate::scripted::RECORDED.into(),
            settings: serde_json::json!({}),
            sampling: Sampling::default(),
            system: None,
            engine: crate::scripted::RECORDED.into(),
            can: crate::scripted::EVERYTHING,
        },
    }
}

fn judge_named(name: &str, judges: &[JudgeSpec]) -> Result<JudgeIx> {
    judges.iter().position(|j| j.name.as_str() == name).map(|at| JudgeIx(at as u16)).ok_or_else(|| {
        let names: Vec<&str> = judges.iter().map(|j| j.name.as_str()).collect();
        Error::plan(format!("there is no judge \"{name}\" before this place"))
            .help(format!("judges: {}", names.join(", ")))
    })
}

fn judge(
    mut fields: Fields,
    registry: &Registry,
    inputs: &dyn Inputs,
    earlier: &[JudgeSpec],
) -> Result<JudgeSpec> {
    let place = fields.place().to_owned();
    let name = fields.need_text("id")?;
    if earlier.iter().any(|j| j.name.as_str() == name) {
        return Err(fields.error(format!("there is a second judge \"{name}\"")));
    }
    if name.contains('.') {
        return Err(fields
            .error(format!("the judge's id \"{name}\" may not hold a '.', which parts judge and measure")));
    }
    let kind = fields.need_text("kind")?;
    let when = match fields.inner("when")? {
        None => None,
        Some(mut when) => {
            let measure = measure_named(&when.need_text("measure")?, earlier).map_err(|e| e.at(&place))?;
            let label = when.need_text("is")?;
            when.finish()?;
            let scale = &earlier[measure.judge.0 as usize].measures[measure.measure as usize].scale;
            let label = scale.label(&label).ok_or_else(|| {
                Error::plan(format!(
                    "{place}: `when` asks for the label \"{label}\", which that measure never has"
                ))
            })?;
            Some((measure, label))
        }
    };
    let frozen =
        registry.find_judge(&kind).map_err(|e| e.at(&place))?.freeze(&mut fields, registry, inputs)?;
    fields.finish()?;
    let mut needs: Vec<JudgeIx> = frozen
        .needs
        .iter()
        .map(|n| judge_named(n, earlier).map_err(|e| e.at(&place)))
        .collect::<Result<_>>()?;
    if let Some((measure, _)) = when
        && !needs.contains(&measure.judge)
    {
        needs.push(measure.judge);
    }
    Ok(JudgeSpec {
        name: name.into(),
        kind: kind.into(),
        settings: frozen.settings,
        measures: frozen.measures,
        needs,
        when,
        model: frozen.model,
    })
}

/// Resolves `judge.measure`, or a judge's name alone if it has one measure.
pub(crate) fn measure_named(text: &str, judges: &[JudgeSpec]) -> Result<MeasureRef> {
    let all = || {
        let names: Vec<String> = judges
            .iter()
            .flat_map(|j| j.measures.iter().map(move |m| format!("{}.{}", j.name, m.name)))
            .collect();
        format!("measures: {}", names.join(", "))
    };
    let found = judges.iter().enumerate().find_map(|(at, j)| {
        let judge = JudgeIx(at as u16);
        if j.name.as_str() == text && j.measures.len() == 1 {
            return Some(MeasureRef { judge, measure: 0 });
        }
        j.measures
            .iter()
            .position(|m| {
                text.len() == j.name.as_str().len() + 1 + m.name.len()
                    && text == format!("{}.{}", j.name, m.name)
            })
            .map(|m| MeasureRef { judge, measure: m as u8 })
    });
    found.ok_or_else(|| Error::plan(format!("there is no measure \"{text}\"")).help(all()))
}

fn analysis(mut fields: Fields, plan: &Plan, registry: &Registry) -> Result<Analysis> {
    let place = fields.place().to_owned();
    let id = fields.need_text("id")?;
    let of: Vec<MeasureRef> = fields
        .texts("of")?
        .unwrap_or_default()
        .iter()
        .map(|m| measure_named(m, &plan.judges).map_err(|e| e.at(&place)))
        .collect::<Result<_>>()?;
    let Some(first) = of.first() else {
        return Err(fields.error("`of` is missing: the measure to analyse, such as of = \"refusal.refused\""));
    };
    let method = fields.text("method")?.unwrap_or_else(|| {
        if plan.measure(*first).scale == Scale::Real { "mean".into() } else { "rate".into() }
    });
    let by: Vec<Arc<str>> = fields.texts("by")?.unwrap_or_default().into_iter().map(Into::into).collect();
    for name in &by {
        check_name(plan, name).map_err(|e| e.at(format!("{place}, `by`")))?;
    }
    let only = fields.levels("only")?;
    for name in only.keys() {
        check_name(plan, name).map_err(|e| e.at(format!("{place}, `only`")))?;
    }
    let cluster = match fields.text("cluster")? {
        None => Cluster::Item,
        Some(name) if name == "item" => Cluster::Item,
        Some(name) => {
            if !plan.items.iter().any(|i| i.tags.contains_key(name.as_str())) {
                return Err(fields.error(format!("`cluster` is \"{name}\", but no item has that tag")));
            }
            Cluster::Tag(name.into())
        }
    };
    let level = fields.number("level", 0.5, 0.9999)?.unwrap_or(0.95);
    let found = registry.find_method(&method).map_err(|e| e.at(&place))?;
    let settings = found.freeze(&mut fields)?;
    fields.finish()?;
    let analysis =
        Analysis { id: AnalysisId::from(id), method: method.into(), of, by, cluster, level, only, settings };
    found.check(&analysis, plan).map_err(|e| e.at(&place))?;
    Ok(analysis)
}

/// A name that an analysis uses must be exactly one of: `subject`, `item`, a subject factor, an item tag.
fn check_name(plan: &Plan, name: &str) -> Result<()> {
    let factor = plan.subjects.iter().any(|s| s.factors.contains_key(name));
    let tag = plan.items.iter().any(|i| i.tags.contains_key(name));
    match (factor, tag, name == "subject" || name == "item") {
        (true, true, _) => {
            Err(Error::plan(format!("\"{name}\" is both a subject's factor and an item's tag"))
                .help("rename one of them"))
        }
        (false, false, false) => {
            let known: BTreeSet<&str> = plan
                .subjects
                .iter()
                .flat_map(|s| s.factors.keys())
                .chain(plan.items.iter().flat_map(|i| i.tags.keys()))
                .map(|k| &**k)
                .chain(["subject"])
                .collect();
            let known: Vec<&str> = known.into_iter().collect();
            Err(Error::plan(format!("\"{name}\" is neither a subject's factor nor an item's tag"))
                .help(format!("known: {}", known.join(", "))))
        }
        _ => Ok(()),
    }
}

fn hypothesis(mut fields: Fields, plan: &Plan) -> Result<Hypothesis> {
    let place = fields.place().to_owned();
    let id = fields.need_text("id")?;
    let name = fields.need_text("analysis")?;
    let analysis = plan.analyses.iter().find(|a| a.id.as_str() == name).ok_or_else(|| {
        Error::plan(format!("{place}: `analysis` names \"{name}\", which is no [[analysis]]"))
    })?;
    let mut contrast = Vec::new();
    for mut term in fields.inners("contrast")? {
        let at = term.levels("at")?;
        for (name, level) in &at {
            check_level(plan, analysis, name, level).map_err(|e| e.at(term.place()))?;
        }
        let weight = term.number("weight", -1e6, 1e6)?.unwrap_or(1.0);
        term.finish()?;
        contrast.push(Term { at, weight });
    }
    if contrast.is_empty() {
        return Err(Error::plan(format!("{place}: `contrast` is missing")).help(
            "contrast = [ { at = { kind = \"unsafe\" }, weight = 1 }, { at = { kind = \"safe\" }, weight = -1 } ]",
        ));
    }
    let direction = fields
        .choice(
            "direction",
            &[("greater", Direction::Greater), ("less", Direction::Less), ("two-sided", Direction::TwoSided)],
        )?
        .unwrap_or(Direction::TwoSided);
    let alpha = fields.number("alpha", 1e-6, 0.5)?.unwrap_or(0.05);
    let family = fields.text("family")?.unwrap_or_else(|| "main".into());
    let holm = fields.choice("correction", &[("holm", true), ("none", false)])?.unwrap_or(true);
    let supported_if = match fields.value("supported_if") {
        None => SupportedIf::ExcludesZero,
        Some(toml::Value::String(text)) if text == "interval excludes 0" => SupportedIf::ExcludesZero,
        Some(toml::Value::Table(table)) => {
            let mut inner = Fields::new(format!("{place}, `supported_if`"), table);
            let low = inner.number("low", -1e9, 1e9)?;
            let high = inner.number("high", -1e9, 1e9)?;
            inner.finish()?;
            match (low, high) {
                (Some(low), Some(high)) if low < high => SupportedIf::Inside { low, high },
                _ => return Err(Error::plan(format!("{place}: `supported_if` needs `low` below `high`"))),
            }
        }
        Some(other) => {
            return Err(Error::plan(format!("{place}: `supported_if` is {other}"))
                .help("write \"interval excludes 0\" or equivalence bounds { low = -0.05, high = 0.05 }"));
        }
    };
    fields.finish()?;
    let analysis = analysis.id.clone();
    Ok(Hypothesis {
        id: id.into(),
        analysis,
        contrast,
        direction,
        alpha,
        family: family.into(),
        holm,
        supported_if,
    })
}

fn check_level(plan: &Plan, analysis: &Analysis, name: &str, level: &str) -> Result<()> {
    if !analysis.by.iter().any(|b| &**b == name) {
        return Err(Error::plan(format!("\"{name}\" is not in the `by` of analysis \"{}\"", analysis.id)));
    }
    let levels: BTreeSet<&str> = plan
        .subjects
        .iter()
        .filter_map(|s| s.factors.get(name))
        .chain(plan.items.iter().filter_map(|i| i.tags.get(name)))
        .map(|l| &**l)
        .chain(plan.subjects.iter().filter(|_| name == "subject").map(|s| s.id.as_str()))
        .collect();
    if levels.contains(level) {
        return Ok(());
    }
    let levels: Vec<&str> = levels.into_iter().take(20).collect();
    Err(Error::plan(format!("\"{name}\" never has the level \"{level}\""))
        .help(format!("levels: {}", levels.join(", "))))
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

/// An unsupported prompt is one error of the plan, not thousands of failures.
fn check_abilities(plan: &Plan, path: &str) -> Result<()> {
    let mut checked = std::collections::HashSet::new();
    for ix in 0..plan.items.len() as u32 {
        let ix = crate::id::ItemIx(ix);
        let item = plan.item(ix);
        let prompt = match &item.task {
            Task::Ask(prompt) => prompt.clone(),
            Task::Ladder(_) => Prompt::Chat(Vec::new()),
            Task::Recorded(_) => continue,
        };
        let subjects = plan.subjects_of(ix);
        if subjects.is_empty() {
            return Err(Error::plan(format!("{path}: nobody is asked item \"{}\"", item.id))
                .help("add a [[subject]]"));
        }
        for subject in subjects {
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
