//! One sample of a log as an item with a recorded answer.

use crate::error::{Error, Result};
use crate::items::{Levels, Prompt, RecordedEnd, Role, Task, Turn};
use crate::registry::{DraftAnswer, DraftItem};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What holds for all samples of a log.
#[derive(Deserialize)]
pub(super) struct Header {
    pub task: String,
    model: String,
}

#[derive(Deserialize)]
pub(super) struct Sample {
    id: Value,
    pub epoch: u32,
    input: Input,
    #[serde(default)]
    target: Value,
    #[serde(default)]
    messages: Vec<Message>,
    #[serde(default)]
    output: Output,
    #[serde(default)]
    scores: Option<BTreeMap<String, Score>>,
    #[serde(default)]
    metadata: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    error: Option<Fault>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Turns(Vec<Message>),
}

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Content,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

impl Default for Content {
    fn default() -> Content {
        Content::Text(String::new())
    }
}

#[derive(Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize, Default)]
struct Output {
    #[serde(default)]
    completion: String,
    #[serde(default)]
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Score {
    value: Value,
}

#[derive(Deserialize)]
struct Fault {
    message: String,
}

impl Sample {
    /// The item, with this epoch's answer.
    pub(super) fn into_item(self, header: &Header, path: &str) -> Result<DraftItem> {
        let id = match &self.id {
            Value::String(id) => id.clone(),
            other => other.to_string(),
        };
        let place = |e: Error| e.at(format!("{path}, sample \"{id}\""));
        let turns = self.turns().map_err(place)?;
        let answer = self.answer(header);
        let mut tags: Levels = self
            .metadata
            .iter()
            .flatten()
            .filter_map(|(k, v)| Some((k.as_str().into(), scalar(v)?)))
            .collect();
        tags.entry("task".into()).or_insert_with(|| header.task.as_str().into());
        Ok(DraftItem {
            tags,
            task: Task::Recorded(Prompt::Chat(turns)),
            target: self.target(),
            recorded: vec![answer],
            origin: None,
            id,
        })
    }

    /// What was asked: instructions that a solver put before it, and the input. What an agent did in between is not
    /// part of the question.
    fn turns(&self) -> Result<Vec<Turn>> {
        let before = self.messages.iter().take_while(|m| m.role == "system");
        let mut turns: Vec<Turn> =
            before.map(|m| Ok(Turn { role: Role::System, text: m.text()? })).collect::<Result<_>>()?;
        match &self.input {
            Input::Text(text) => turns.push(Turn { role: Role::User, text: text.as_str().into() }),
            Input::Turns(messages) => {
                for message in messages {
                    let role = Role::parse(&message.role).ok_or_else(|| {
                        Error::plan(format!("its input has a message of role \"{}\"", message.role))
                            .help("system, user and assistant can be read")
                    })?;
                    let turn = Turn { role, text: message.text()? };
                    // Instructions of the input itself are among the messages, too.
                    if !(role == Role::System && turns.contains(&turn)) {
                        turns.push(turn);
                    }
                }
            }
        }
        Ok(turns)
    }

    fn answer(&self, header: &Header) -> DraftAnswer {
        let stop = self.output.choices.first().and_then(|c| c.stop_reason.as_deref());
        let (text, end) = match (&self.error, stop) {
            (Some(fault), _) => (fault.message.as_str(), RecordedEnd::Failed),
            (None, None) if self.output.choices.is_empty() => ("no output was recorded", RecordedEnd::Failed),
            (None, Some("content_filter")) => (self.output.completion.as_str(), RecordedEnd::Withheld),
            (None, Some("max_tokens" | "model_length")) => {
                (self.output.completion.as_str(), RecordedEnd::Cut)
            }
            (None, _) => (self.output.completion.as_str(), RecordedEnd::Whole),
        };
        let mut labels = Levels::new();
        for (scorer, score) in self.scores.iter().flatten() {
            match &score.value {
                Value::Object(parts) => labels.extend(
                    parts
                        .iter()
                        .filter_map(|(part, v)| Some((format!("{scorer}.{part}").into(), scalar(v)?))),
                ),
                value => labels.extend(scalar(value).map(|v| (scorer.as_str().into(), v))),
            }
        }
        DraftAnswer {
            subject: header.model.clone(),
            text: text.into(),
            end,
            labels,
            factors: Levels::new(),
            origin: None,
        }
    }

    /// The expected answer, if there is exactly one.
    fn target(&self) -> Option<Arc<str>> {
        let one = match &self.target {
            Value::Array(list) if list.len() == 1 => &list[0],
            other => other,
        };
        one.as_str().filter(|t| !t.is_empty()).map(Into::into)
    }
}

impl Message {
    /// Its text; reasoning is left out.
    fn text(&self) -> Result<Arc<str>> {
        let parts = match &self.content {
            Content::Text(text) => return Ok(text.as_str().into()),
            Content::Parts(parts) => parts,
        };
        let mut whole = String::new();
        for part in parts {
            match (part.kind.as_str(), &part.text) {
                (_, Some(text)) => whole.push_str(text),
                ("reasoning", None) => {}
                (other, None) => {
                    return Err(Error::plan(format!("a message holds a part of type \"{other}\""))
                        .help("only text can be read"));
                }
            }
        }
        Ok(whole.into())
    }
}

/// A value that can be a level: text, a number, yes or no.
fn scalar(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(n) => Some(n.to_string().into()),
        Value::Bool(b) => Some(if *b { "yes" } else { "no" }.into()),
        _ => None,
    }
}
