//! Reports of garak (`garak.….report.jsonl`): what its probes asked and what the target said, to be judged again.
//!
//! An attempt is an item, each of its outputs a repetition, the target a subject; scores of its detectors are labels
//! (numbers; garak's 1 is a hit). Rows that are no attempts, and attempts that were never put, are not read. Written
//! against the rows of garak 0.13 to 0.17 (messages as objects) and of older ones (plain texts).

use super::files::take_paths;
use super::{Levels, Prompt, RecordedEnd, Role, Task, Turn};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::registry::{DraftAnswer, DraftItem, Inputs, Reader};
use crate::written::utf8;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// The reader. Keys: `path`, and `answers_of` for reports that do not say which target they are of.
pub(super) struct Reports;

#[derive(Deserialize)]
struct Attempt {
    uuid: String,
    #[serde(default)]
    seq: Option<i64>,
    status: u8,
    #[serde(default)]
    probe_classname: Option<String>,
    prompt: Asked,
    #[serde(default)]
    outputs: Vec<Option<Message>>,
    #[serde(default)]
    detector_results: BTreeMap<String, Vec<Option<f64>>>,
    #[serde(default)]
    goal: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Asked {
    Text(String),
    Turns { turns: Vec<Said> },
    Message(Message),
}

#[derive(Deserialize)]
struct Said {
    role: String,
    content: Message,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Plain(String),
    Object {
        #[serde(default)]
        text: Option<String>,
    },
}

impl Message {
    fn text(&self) -> Option<&str> {
        match self {
            Message::Plain(text) => Some(text),
            Message::Object { text } => text.as_deref(),
        }
    }
}

impl Reader for Reports {
    fn read(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<Vec<DraftItem>> {
        let place = fields.place().to_owned();
        let paths = take_paths(fields, inputs)?;
        let named = fields.text("answers_of")?;
        let mut items: Vec<DraftItem> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for path in paths {
            let bytes = inputs.read(&path).map_err(|e| e.at(&place))?;
            let (target, attempts) = report(utf8(&bytes, &path)?, &path)?;
            let target = named.clone().or(target).ok_or_else(|| {
                Error::plan(format!("{path}: the report does not say which target it is of"))
                    .help("name it: answers_of = \"…\"")
            })?;
            for (line, attempt) in attempts {
                put(attempt.item(&target, &format!("{path}:{line}"))?, &mut items, &mut known);
            }
        }
        if items.is_empty() {
            return Err(Error::plan(format!("{place}: no attempt in the report was put to the target")));
        }
        Ok(items)
    }
}

/// Adds an item (its prompt may be empty: garak puts such ones), or its answers to the item of that name that asks the same.
fn put(mut draft: DraftItem, items: &mut Vec<DraftItem>, known: &mut HashMap<String, usize>) {
    let name = draft.id.clone();
    for number in 2.. {
        match known.get(&draft.id) {
            None => {
                known.insert(draft.id.clone(), items.len());
                items.push(draft);
                return;
            }
            Some(at) if items[*at].task == draft.task => {
                items[*at].recorded.append(&mut draft.recorded);
                return;
            }
            // A probe that goes on from an answer has several attempts of one number.
            Some(_) => draft.id = format!("{name}/{number}"),
        }
    }
}

/// Attempts with their lines.
type Placed = Vec<(usize, Attempt)>;

/// The target's name, and the attempts that were put, each in its last state, with their lines.
fn report(text: &str, path: &str) -> Result<(Option<String>, Placed)> {
    let mut target = None;
    let mut attempts = Placed::new();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    let mut seen = false;
    for (at, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let wrong = |e: serde_json::Error| {
            Error::plan(format!("{path}:{}: not a row of garak's report: {e}", at + 1))
        };
        let row: Value = serde_json::from_str(line).map_err(wrong)?;
        match row["entry_type"].as_str() {
            Some("start_run setup") => {
                seen = true;
                let name =
                    ["plugins.target_name", "plugins.model_name"].iter().find_map(|k| row[*k].as_str());
                let kind =
                    ["plugins.target_type", "plugins.model_type"].iter().find_map(|k| row[*k].as_str());
                target = name.filter(|n| !n.is_empty()).or(kind).map(str::to_owned);
            }
            Some("attempt") => {
                seen = true;
                let attempt: Attempt = serde_json::from_value(row).map_err(wrong)?;
                match by_id.get(&attempt.uuid) {
                    Some(old) if attempts[*old].1.status <= attempt.status => {
                        attempts[*old] = (at + 1, attempt)
                    }
                    Some(_) => {}
                    None => {
                        by_id.insert(attempt.uuid.clone(), attempts.len());
                        attempts.push((at + 1, attempt));
                    }
                }
            }
            other => seen |= other.is_some(),
        }
    }
    if !seen {
        return Err(Error::plan(format!("{path}: not a report of garak: no row has an entry_type"))
            .help("give garak.….report.jsonl; its hit log holds the hits only"));
    }
    attempts.retain(|(_, a)| a.status > 0);
    Ok((target, attempts))
}

impl Attempt {
    fn item(self, target: &str, place: &str) -> Result<DraftItem> {
        let user = |text: &str| vec![Turn { role: Role::User, text: text.into() }];
        let no_text =
            || Error::plan(format!("{place}: the prompt is not text")).help("only text can be read");
        let turns = match &self.prompt {
            Asked::Text(text) => user(text),
            Asked::Message(message) => user(message.text().ok_or_else(no_text)?),
            Asked::Turns { turns } => turns
                .iter()
                .map(|said| {
                    let role = Role::parse(&said.role)
                        .ok_or_else(|| Error::plan(format!("{place}: a turn of role \"{}\"", said.role)))?;
                    Ok(Turn { role, text: said.content.text().ok_or_else(no_text)?.into() })
                })
                .collect::<Result<_>>()?,
        };
        let recorded = self.outputs.iter().enumerate().map(|(n, output)| {
            let text = output.as_ref().and_then(Message::text);
            let scores = self.detector_results.iter().filter_map(|(detector, scores)| {
                Some((detector.as_str().into(), scores.get(n).copied().flatten()?.to_string().into()))
            });
            DraftAnswer {
                subject: target.to_owned(),
                text: text.unwrap_or("the target gave no output").into(),
                end: if text.is_some() { RecordedEnd::Whole } else { RecordedEnd::Failed },
                labels: scores.collect(),
                factors: Levels::new(),
                origin: None,
            }
        });
        let recorded: Vec<DraftAnswer> = recorded.collect();
        let probe = self.probe_classname.as_deref().unwrap_or("probe");
        let mut tags = Levels::from([("probe".into(), probe.into())]);
        tags.extend(self.goal.filter(|g| !g.is_empty()).map(|g| ("goal".into(), g.into())));
        Ok(DraftItem {
            id: format!("{probe}#{}", self.seq.map_or_else(|| self.uuid.clone(), |n| n.to_string())),
            tags,
            task: Task::Recorded(Prompt::Chat(turns)),
            target: None,
            recorded,
            origin: None,
        })
    }
}
