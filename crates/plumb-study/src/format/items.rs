//! Stored items, version 1: one JSON object a line, keys short because there are many.

use super::broken;
use crate::error::Result;
use crate::id::{Digest, ItemId, PlanId, SourceIx, SubjectId, SubjectIx};
use crate::items::{Item, Levels, Origin, Prompt, Recorded, RecordedEnd, Role, Task, Turn};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
struct ItemV1 {
    id: Arc<str>,
    src: u16,
    #[serde(default, skip_serializing_if = "Levels::is_empty")]
    tags: Levels,
    task: TaskV1,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    recorded: Vec<RecordedV1>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<OriginV1>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    private: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TaskV1 {
    Chat(Vec<(String, Arc<str>)>),
    Text(Arc<str>),
    Choose { context: Arc<str>, options: Vec<Arc<str>> },
    Ladder(Vec<Arc<str>>),
    Goal(Arc<str>),
    Recorded(Box<TaskV1>),
    Shown(Arc<str>),
}

#[derive(Serialize, Deserialize)]
struct RecordedV1 {
    by: u16,
    rep: u16,
    answer: String,
    /// Absent for a whole answer, so that older plans keep their hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    #[serde(default, skip_serializing_if = "Levels::is_empty")]
    labels: Levels,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<OriginV1>,
}

/// An answer of another run; digests in hexadecimal.
#[derive(Serialize, Deserialize)]
struct OriginV1 {
    plan: String,
    item: Arc<str>,
    subject: Arc<str>,
    rep: u16,
    answer: String,
}

pub(super) fn encode(items: &[Item]) -> String {
    let mut text = String::new();
    for item in items {
        let stored = ItemV1 {
            id: item.id.0.clone(),
            src: item.source.0,
            tags: item.tags.clone(),
            task: task_out(&item.task),
            target: item.target.clone(),
            recorded: item
                .recorded
                .iter()
                .map(|r| RecordedV1 {
                    by: r.subject.0,
                    rep: r.rep,
                    answer: r.answer.hex(),
                    end: end_out(r.end),
                    labels: r.labels.clone(),
                    origin: r.origin.as_ref().map(origin_out),
                })
                .collect(),
            origin: item.origin.as_ref().map(origin_out),
            private: !item.shareable,
        };
        // Only strings and integers: serialisation cannot fail.
        text.push_str(&serde_json::to_string(&stored).unwrap_or_default());
        text.push('\n');
    }
    text
}

fn origin_out(origin: &Origin) -> OriginV1 {
    OriginV1 {
        plan: origin.plan.0.hex(),
        item: origin.item.0.clone(),
        subject: origin.subject.0.clone(),
        rep: origin.rep,
        answer: origin.answer.hex(),
    }
}

fn origin_in(stored: OriginV1) -> Result<Origin> {
    let digest = |hex: &str| Digest::from_hex(hex).ok_or_else(|| broken("digest", hex));
    Ok(Origin {
        plan: PlanId(digest(&stored.plan)?),
        item: ItemId(stored.item),
        subject: SubjectId(stored.subject),
        rep: stored.rep,
        answer: digest(&stored.answer)?,
    })
}

fn end_out(end: RecordedEnd) -> Option<String> {
    let name = RecordedEnd::NAMES.iter().find(|(e, _)| *e == end).map(|(_, name)| (*name).to_owned());
    name.filter(|_| end != RecordedEnd::Whole)
}

fn end_in(name: Option<&str>) -> Result<RecordedEnd> {
    let Some(name) = name else { return Ok(RecordedEnd::Whole) };
    let found = RecordedEnd::NAMES.iter().find(|(_, known)| *known == name);
    found.map(|(end, _)| *end).ok_or_else(|| broken("end of a recorded answer", name))
}

pub(super) fn decode(text: &str) -> Result<Vec<Item>> {
    text.lines()
        .enumerate()
        .map(|(at, line)| {
            let stored: ItemV1 =
                serde_json::from_str(line).map_err(|e| broken(&format!("item {}", at + 1), e))?;
            Ok(Item {
                id: ItemId(stored.id),
                source: SourceIx(stored.src),
                tags: stored.tags,
                task: task_in(stored.task)?,
                target: stored.target,
                recorded: stored
                    .recorded
                    .into_iter()
                    .map(|r| {
                        Ok(Recorded {
                            subject: SubjectIx(r.by),
                            rep: r.rep,
                            answer: Digest::from_hex(&r.answer).ok_or_else(|| broken("digest", &r.answer))?,
                            end: end_in(r.end.as_deref())?,
                            labels: r.labels,
                            origin: r.origin.map(origin_in).transpose()?,
                        })
                    })
                    .collect::<Result<_>>()?,
                origin: stored.origin.map(origin_in).transpose()?,
                shareable: !stored.private,
            })
        })
        .collect()
}

fn prompt_out(prompt: &Prompt) -> TaskV1 {
    match prompt {
        Prompt::Chat(turns) => {
            TaskV1::Chat(turns.iter().map(|t| (t.role.name().to_owned(), t.text.clone())).collect())
        }
        Prompt::Completion(text) => TaskV1::Text(text.clone()),
        Prompt::Choose { context, options } => {
            TaskV1::Choose { context: context.clone(), options: options.clone() }
        }
    }
}

fn task_out(task: &Task) -> TaskV1 {
    match task {
        Task::Ask(prompt) => prompt_out(prompt),
        Task::Ladder(turns) => TaskV1::Ladder(turns.clone()),
        Task::Goal(goal) => TaskV1::Goal(goal.clone()),
        Task::Recorded(prompt) => TaskV1::Recorded(Box::new(prompt_out(prompt))),
        Task::Shown(text) => TaskV1::Shown(text.clone()),
    }
}

fn task_in(task: TaskV1) -> Result<Task> {
    Ok(match task {
        TaskV1::Chat(turns) => Task::Ask(Prompt::Chat(
            turns
                .into_iter()
                .map(|(role, text)| {
                    let role = Role::parse(&role).ok_or_else(|| broken("role", &role))?;
                    Ok(Turn { role, text })
                })
                .collect::<Result<_>>()?,
        )),
        TaskV1::Text(text) => Task::Ask(Prompt::Completion(text)),
        TaskV1::Choose { context, options } => Task::Ask(Prompt::Choose { context, options }),
        TaskV1::Ladder(turns) => Task::Ladder(turns),
        TaskV1::Goal(goal) => Task::Goal(goal),
        TaskV1::Shown(text) => Task::Shown(text),
        TaskV1::Recorded(inner) => match task_in(*inner)? {
            Task::Ask(prompt) => Task::Recorded(prompt),
            _ => return Err(broken("task", "a recording of something that is no prompt")),
        },
    })
}
