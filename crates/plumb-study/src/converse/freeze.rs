//! `strategy` and `personas` of an `[[items]]` table.

use super::attacker::fill;
use super::{Attacker, Check, Holds, Strategy, Wording, Writer};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::freeze::measure_named;
use crate::items::{Prompt, Role, Task, Turn};
use crate::plan::JudgeSpec;
use crate::registry::{DraftItem, Inputs, Registry};
use std::sync::Arc;
use toml::Value;

/// The item tag that says which of the `personas` an item was put by.
pub(crate) const TAG: &str = "persona_prefix";

/// A strategy whose checks still name their judges, which a plan freezes later.
pub(crate) struct Pending {
    strategy: Strategy,
    place: String,
    refusal: Option<Fields>,
    success: Option<Fields>,
    /// Turns for every item of the source, with `{prompt}`.
    ladder: Option<Vec<String>>,
}

/// Takes `strategy` of a source.
pub(crate) fn strategy(
    fields: &mut Fields,
    registry: &Registry,
    inputs: &dyn Inputs,
) -> Result<Option<Pending>> {
    let Some(mut inner) = fields.inner("strategy")? else { return Ok(None) };
    let crescendo = inner.choice("kind", &[("ladder", false), ("crescendo", true)])?.ok_or_else(|| {
        inner
            .error("`kind` is missing")
            .help("strategy = { kind = \"ladder\" } or { kind = \"crescendo\", … }")
    })?;
    let refusal = check_fields(&mut inner, "refusal")?;
    let success = check_fields(&mut inner, "success")?;
    let backtracks = inner.whole("backtracks", 0, 1000)?.unwrap_or(10) as u16;
    let turns = inner.whole("turns", 1, 1000);
    let (writer, ladder, turns) = if crescendo {
        let missing = |what: &str| {
            inner.error(format!("`{what}` is missing: crescendo goes by what a judge says of each turn")).help(
                format!("{what} = {{ measure = \"judge.measure\", is = \"yes\" }}, a measure of a [[judge]] of this plan"),
            )
        };
        if refusal.is_none() {
            return Err(missing("refusal"));
        }
        if success.is_none() {
            return Err(missing("success"));
        }
        let turns = turns?.unwrap_or(10) as u16;
        (Writer::Attacker(Box::new(attacker(&mut inner, registry, inputs)?)), None, turns)
    } else {
        let put = inner.texts("put")?;
        if put.as_ref().is_some_and(|p| p.is_empty() || p.iter().any(|t| t.trim().is_empty())) {
            return Err(inner.error("`put` holds an empty turn, or none"));
        }
        (Writer::Item, put, turns?.map_or(u16::MAX, |n| n as u16))
    };
    let place = inner.place().to_owned();
    inner.finish()?;
    let strategy = Strategy { writer, refusal: None, success: None, turns, backtracks };
    Ok(Some(Pending { strategy, place, refusal, success, ladder }))
}

fn attacker(inner: &mut Fields, registry: &Registry, inputs: &dyn Inputs) -> Result<Attacker> {
    let mut model = inner.inner("attacker")?.ok_or_else(|| {
        inner
            .error("`attacker` is missing (the model that writes the turns)")
            .help("attacker = { kind = \"openai\", model = \"…\", sampling = { temperature = 1.0 } }")
    })?;
    let party = registry.freeze_party(&mut model, inputs)?;
    if !party.can.chat {
        return Err(model.error("an attacker must be able to hold a conversation"));
    }
    if party.system.is_some() {
        return Err(model.error("`system` has no place here: an attacker is told what `wording` says"));
    }
    model.finish()?;
    let json = inner.choice("attacker_reply", &[("json", true), ("text", false)])?.unwrap_or(true);
    let tries = inner.whole("attacker_tries", 1, 100)?.unwrap_or(3) as u16;
    let mut wording = Wording::default();
    if let Some(mut told) = inner.inner("wording")? {
        for (key, text) in [
            ("instructions", &mut wording.instructions),
            ("first", &mut wording.first),
            ("next", &mut wording.next),
            ("refused", &mut wording.refused),
        ] {
            if let Some(own) = told.text(key)? {
                *text = own.into();
            }
        }
        told.finish()?;
    }
    if !wording.instructions.contains("{goal}") && !wording.first.contains("{goal}") {
        return Err(inner.error("`wording` never tells the attacker its {goal}"));
    }
    Ok(Attacker { party, json, tries, wording })
}

/// A check is a table, or only the measure's name.
fn check_fields(inner: &mut Fields, key: &str) -> Result<Option<Fields>> {
    let place = format!("{}, `{key}`", inner.place());
    match inner.value(key) {
        None => Ok(None),
        Some(Value::Table(table)) => Ok(Some(Fields::new(place, table))),
        Some(name @ Value::String(_)) => {
            Ok(Some(Fields::new(place, [("measure".to_owned(), name)].into_iter().collect())))
        }
        Some(other) => Err(inner
            .error(format!("`{key}` must be a measure or a table, found {}", other.type_str()))
            .help(format!("{key} = {{ measure = \"judge.measure\", is = \"yes\" }}"))),
    }
}

fn check(fields: Option<Fields>, judges: &[JudgeSpec]) -> Result<Option<Check>> {
    let Some(mut fields) = fields else { return Ok(None) };
    let of = measure_named(&fields.need_text("measure")?, judges).map_err(|e| e.at(fields.place()))?;
    let judge = &judges[of.judge.0 as usize];
    if !judge.needs.is_empty() {
        return Err(fields.error(format!(
            "the judge \"{}\" reads other judges' verdicts, and there are none while a conversation goes on",
            judge.name
        )));
    }
    let scale = &judge.measures[of.measure as usize].scale;
    let holds = if scale.labels().is_empty() {
        Holds::AtLeast(fields.number("at_least", -1e9, 1e9)?.unwrap_or(0.8))
    } else {
        let is = fields.text("is")?.unwrap_or_else(|| "yes".into());
        Holds::Label(scale.label(&is).ok_or_else(|| {
            fields
                .error(format!("that measure never has the label \"{is}\""))
                .help(format!("its labels: {}", scale.labels().join(", ")))
        })?)
    };
    fields.finish()?;
    Ok(Some(Check { of, holds }))
}

impl Pending {
    /// The strategy, its judges found.
    pub(crate) fn resolve(self, judges: &[JudgeSpec]) -> Result<Strategy> {
        Ok(Strategy {
            refusal: check(self.refusal, judges)?,
            success: check(self.success, judges)?,
            ..self.strategy
        })
    }

    /// Makes of an item's prompt the goal or the turns of a conversation.
    pub(crate) fn apply(&self, item: DraftItem) -> Result<DraftItem> {
        let refuse = |what: &str| Error::plan(format!("{}: item \"{}\" {what}", self.place, item.id));
        let task = match (&item.task, &self.strategy.writer, &self.ladder) {
            (Task::Ladder(_), Writer::Item, None) => item.task.clone(),
            (Task::Ask(Prompt::Chat(turns)), _, _) => {
                let [Turn { role: Role::User, text }] = turns.as_slice() else {
                    return Err(refuse("has more than a question, and a strategy writes the turns"));
                };
                match (&self.strategy.writer, &self.ladder) {
                    (Writer::Attacker(_), _) => Task::Goal(text.clone()),
                    (Writer::Item, Some(put)) => Task::Ladder(
                        put.iter()
                            .map(|t| fill(t, |name| (name == "prompt").then(|| text.to_string())).into())
                            .collect(),
                    ),
                    (Writer::Item, None) => {
                        return Err(refuse("has no turns").help(
                            "name the columns that hold them, columns = { turns = [\"turn_1\", …] }, or write them for all items, strategy = { kind = \"ladder\", put = [\"… {prompt} …\"] }",
                        ));
                    }
                }
            }
            (Task::Ladder(_), ..) => return Err(refuse("has turns of its own already")),
            _ => return Err(refuse("is no question in words, which a strategy needs")),
        };
        Ok(DraftItem { task, ..item })
    }
}

/// Takes `personas` of a source: texts that are put before the prompt, each making an item of its own.
pub(crate) fn personas(fields: &mut Fields) -> Result<Vec<(String, String)>> {
    let mut personas: Vec<(String, String)> = Vec::new();
    for mut inner in fields.inners("personas")? {
        let id = inner.need_text("id")?;
        if personas.iter().any(|(other, _)| *other == id) {
            return Err(inner.error(format!("there is a second persona \"{id}\"")));
        }
        personas.push((id, inner.text("prefix")?.unwrap_or_default()));
        inner.finish()?;
    }
    Ok(personas)
}

/// Every item once for each persona, the prefix before what the user says first.
pub(crate) fn put_by(item: DraftItem, personas: &[(String, String)]) -> Result<Vec<DraftItem>> {
    if personas.is_empty() {
        return Ok(vec![item]);
    }
    if item.tags.contains_key(TAG) {
        return Err(Error::plan(format!("item \"{}\" has a tag `{TAG}` already", item.id))
            .help("leave that column out of `tags`: it says by which of the `personas` an item is put"));
    }
    let before = |prefix: &str, text: &Arc<str>| -> Arc<str> {
        if prefix.is_empty() { text.clone() } else { format!("{prefix}\n\n{text}").into() }
    };
    personas
        .iter()
        .map(|(id, prefix)| {
            let mut put = item.clone();
            put.id = format!("{}@{id}", item.id);
            put.tags.insert(TAG.into(), id.as_str().into());
            match &mut put.task {
                Task::Ask(Prompt::Chat(turns)) => {
                    if let Some(turn) = turns.iter_mut().find(|t| t.role == Role::User) {
                        turn.text = before(prefix, &turn.text);
                    }
                }
                Task::Ask(Prompt::Completion(text) | Prompt::Choose { context: text, .. }) => {
                    *text = before(prefix, text);
                }
                Task::Ladder(turns) => {
                    if let Some(first) = turns.first_mut() {
                        *first = before(prefix, first);
                    }
                }
                Task::Goal(_) | Task::Recorded(_) | Task::Shown(_) => {
                    return Err(Error::plan(format!("item \"{}\" cannot be put by personas", item.id))
                        .help("an attacker writes its own turns, and a recorded answer was given already"));
                }
            }
            Ok(put)
        })
        .collect()
}
