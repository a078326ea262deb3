//! `[[subject]]` and `[[items]]`: who is asked, and what.

use super::narrow::Narrowed;
use super::skip;
use crate::converse::freeze::{self as converse, Pending};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::id::{Digest, ItemId, SourceIx, SubjectId, SubjectIx};
use crate::items::{Item, Levels, Recorded};
use crate::party::Sampling;
use crate::plan::{PartySpec, Skipped, Source, SubjectSpec};
use crate::registry::{DraftAnswer, DraftItem, Inputs, Recordings, Registry};
use std::collections::HashMap;

pub(super) fn subject(mut fields: Fields, registry: &Registry, inputs: &dyn Inputs) -> Result<SubjectSpec> {
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
        top_k: inner.whole("top_k", 1, 1_000_000)?.map(|n| n as u32),
        min_p: inner.number("min_p", 0.0, 1.0)?,
        repetition_penalty: inner.number("repetition_penalty", 0.01, 100.0)?,
    };
    inner.finish()?;
    Ok(sampling)
}

/// Where judges are named, and their names.
pub(super) type JudgeNames = Option<(String, Vec<String>)>;
/// A source, the judges it names, its strategy, and its items with whether they may be shown.
pub(super) type SourceRead = (Source, JudgeNames, Option<Pending>, Vec<(DraftItem, bool)>);

/// What became of a source.
pub(super) enum Found {
    Read(Box<SourceRead>),
    Skipped(Skipped),
}

pub(super) fn source(
    at: usize,
    mut fields: Fields,
    registry: &Registry,
    inputs: &dyn Inputs,
    subjects: &[SubjectSpec],
) -> Result<Found> {
    let id = fields.text("id")?.unwrap_or_else(|| format!("items-{}", at + 1));
    let reader = fields.need_text("reader")?;
    let repeat = fields.whole("repeat", 1, 10_000)?.unwrap_or(1) as u16;
    let sampling = sampling(&mut fields, "sampling")?;
    let shareable = fields.flag("shareable")?.unwrap_or(true);
    let may_lack = fields.choice("if_missing", &[("error", false), ("skip", true)])?.unwrap_or(false);
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
    for (at, subject) in subjects.iter().enumerate() {
        if only.as_ref().is_none_or(|only| only.contains(&SubjectIx(at as u16))) {
            registry
                .takes(&subject.party.kind, &sampling)
                .map_err(|error| error.at(format!("{place}, subject \"{}\"", subject.id)))?;
        }
    }
    let judges = fields.texts("judges")?.map(|names| (place.clone(), names));
    let narrowed = Narrowed::take(&mut fields, inputs)?;
    let prefix = fields.text("id_prefix")?.unwrap_or_default();
    let strategy = converse::strategy(&mut fields, registry, inputs)?;
    let personas = converse::personas(&mut fields)?;
    let lacking = skip::source(&id, &fields);
    let reader_of = registry.find_reader(&reader).map_err(|e| e.at(&place))?;
    let (read, made) = match reader_of.read_made(&mut fields, inputs) {
        Err(error) if may_lack && error.is_absent() => return Ok(Found::Skipped(lacking)),
        read => read?,
    };
    fields.finish()?;
    let mut named = Vec::with_capacity(read.len());
    for (number, mut item) in read.into_iter().enumerate() {
        if item.id.is_empty() {
            item.id = format!("{id}-{}", number + 1);
        }
        named.push(item);
    }
    let mut items = Vec::with_capacity(named.len());
    for mut item in narrowed.apply(named)? {
        // Only now, so that two forms of one set choose the same items for the same `take_seed`.
        item.id.insert_str(0, &prefix);
        let item = match &strategy {
            Some(strategy) => strategy.apply(item)?,
            None => item,
        };
        items.extend(converse::put_by(item, &personas)?.into_iter().map(|item| (item, shareable)));
    }
    let source = Source {
        id: id.into(),
        reader: reader.into(),
        repeat,
        sampling,
        subjects: only,
        judges: None,
        strategy: None,
        made,
    };
    Ok(Found::Read(Box::new((source, judges, strategy, items))))
}

/// Gives a read item its place; recorded answers find or make their subject.
pub(super) fn place(
    (draft, shareable): (DraftItem, bool),
    source: SourceIx,
    subjects: &mut Vec<SubjectSpec>,
    recordings: &mut Recordings,
) -> Result<Item> {
    let mut recorded: Vec<Recorded> = Vec::new();
    let mut reps: HashMap<SubjectIx, u16> = HashMap::new();
    for DraftAnswer { subject, text, end, labels, factors, origin } in draft.recorded {
        let at = match subjects.iter().position(|s| s.id.as_str() == subject) {
            Some(at) if !factors.is_empty() && subjects[at].factors != factors => {
                return Err(Error::plan(format!(
                    "item \"{}\": the answers of \"{subject}\" come with different factors ({} and {})",
                    draft.id,
                    shown(&subjects[at].factors),
                    shown(&factors)
                ))
                .help("a subject has one level of each factor: let the column of subjects tell them apart"));
            }
            Some(at) => at,
            None => {
                subjects.push(recorded_subject(&subject, factors));
                subjects.len() - 1
            }
        };
        let subject = SubjectIx(at as u16);
        let answer = Digest::of(text.as_bytes());
        recordings.insert(answer, text);
        let rep = reps.entry(subject).or_insert(0);
        recorded.push(Recorded { subject, rep: *rep, answer, end, labels, origin });
        *rep = rep.checked_add(1).ok_or_else(|| {
            Error::plan(format!("item \"{}\" has more than {} answers of one subject", draft.id, u16::MAX))
                .help("give the rows ids, so that they are several items")
        })?;
    }
    Ok(Item {
        id: ItemId::from(draft.id),
        source,
        tags: draft.tags,
        task: draft.task,
        target: draft.target,
        recorded,
        origin: draft.origin,
        shareable,
    })
}

fn shown(levels: &Levels) -> String {
    let levels: Vec<String> = levels.iter().map(|(name, level)| format!("{name} = {level}")).collect();
    levels.join(", ")
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
