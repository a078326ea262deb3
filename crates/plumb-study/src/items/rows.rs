//! From rows of a table to items, by column names.
//!
//! Every reader of rows shares this: which column is the prompt, the target, a recorded answer, and which
//! columns become tags. Rows with the same item id (or, for recorded answers, the same prompt) are one item.

use super::{Levels, Origin, Prompt, RecordedEnd, Task};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::id::Digest;
use crate::registry::{DraftAnswer, DraftItem};
use std::collections::HashMap;
use std::sync::Arc;

/// A row of a table: where it stands, and its values by column.
pub struct Row {
    /// File and line, for messages.
    pub place: String,
    pub(super) values: Vec<(Arc<str>, Arc<str>)>,
}

impl Row {
    /// A row that does not come from a file.
    pub fn new(place: String, values: Vec<(Arc<str>, Arc<str>)>) -> Row {
        Row { place, values }
    }

    /// Adds a column, unless the row has it.
    pub fn push(&mut self, column: &str, value: &str) {
        if self.get(column).is_none() {
            self.values.push((column.into(), value.into()));
        }
    }

    /// With the columns that name an output, unless the row has them.
    #[must_use]
    pub fn about(mut self, origin: &Origin) -> Row {
        for (column, value) in Origin::COLUMNS.into_iter().zip(origin.values()) {
            self.push(column, &value);
        }
        self
    }

    /// The columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|(name, _)| &**name)
    }

    /// The value of a column.
    pub fn get(&self, column: &str) -> Option<&Arc<str>> {
        self.values.iter().find(|(name, _)| &**name == column).map(|(_, value)| value)
    }

    /// The output of a run that the row is about, where it has the columns for it.
    ///
    /// # Errors
    /// It has some of them only, or a value that cannot be.
    pub fn origin(&self) -> Result<Option<Origin>> {
        Origin::of(|column| self.get(column).map(|value| &**value)).map_err(|e| e.at(&self.place))
    }

    fn need(&self, column: &str, what: &str) -> Result<&Arc<str>> {
        self.get(column).ok_or_else(|| {
            let names: Vec<&str> = self.values.iter().map(|(n, _)| &**n).collect();
            Error::plan(format!("{}: no column \"{column}\" for the {what}", self.place))
                .help(format!("columns: {}; map them with columns = {{ {what} = \"…\" }}", names.join(", ")))
        })
    }
}

/// How columns become items.
pub(super) struct Mapping {
    id: Option<String>,
    prompt: String,
    system: Option<String>,
    target: Option<String>,
    options: Option<Vec<String>>,
    turns: Option<Vec<String>>,
    answer: Option<String>,
    subject: Option<String>,
    subject_name: Option<String>,
    factors: Vec<String>,
    labels: Vec<String>,
    tags: Option<Vec<String>>,
    completion: bool,
}

impl Mapping {
    /// Takes `columns`, `tags`, `labels`, `factors`, `answers_of` and `as`.
    pub(super) fn take(fields: &mut Fields) -> Result<Mapping> {
        let mut columns = match fields.inner("columns")? {
            Some(inner) => inner,
            None => Fields::new(fields.place(), toml::Table::new()),
        };
        let mapping = Mapping {
            id: columns.text("id")?,
            prompt: columns.text("prompt")?.unwrap_or_else(|| "prompt".into()),
            system: columns.text("system")?,
            target: columns.text("target")?,
            options: columns.texts("options")?,
            turns: columns.texts("turns")?,
            answer: columns.text("answer")?,
            subject: columns.text("subject")?,
            subject_name: fields.text("answers_of")?,
            factors: fields.texts("factors")?.unwrap_or_default(),
            labels: fields.texts("labels")?.unwrap_or_default(),
            tags: fields.texts("tags")?,
            completion: fields.choice("as", &[("chat", false), ("completion", true)])?.unwrap_or(false),
        };
        columns.finish()?;
        if mapping.system.is_some() && (mapping.completion || mapping.options.is_some()) {
            return Err(fields
                .error("`columns.system` has no place in a text to complete or in options to choose from")
                .help("put it into the prompt column, or ask as a conversation"));
        }
        if mapping.turns.is_some()
            && (mapping.answer.is_some()
                || mapping.system.is_some()
                || mapping.completion
                || mapping.options.is_some())
        {
            return Err(fields.error(
                "`columns.turns` are the user's turns of a conversation: `answer`, `system`, `options` and as = \"completion\" have no place beside them",
            ));
        }
        if mapping.answer.is_some() && mapping.subject.is_none() && mapping.subject_name.is_none() {
            return Err(fields.error("recorded answers need to know who answered").help(
                "name a column, columns = { subject = \"model\" }, or the subject, answers_of = \"gpt-x\"",
            ));
        }
        Ok(mapping)
    }

    fn used(&self, column: &str) -> bool {
        let one = |c: &Option<String>| c.as_deref() == Some(column);
        one(&self.id)
            || self.prompt == column
            || column == "id"
            || Origin::COLUMNS.contains(&column)
            || (column == "target" && self.target.is_none())
            || one(&self.system)
            || one(&self.target)
            || one(&self.answer)
            || one(&self.subject)
            || self.options.iter().flatten().any(|o| o == column)
            || self.turns.iter().flatten().any(|t| t == column)
            || self.factors.iter().any(|f| f == column)
            || self.labels.iter().any(|l| l == column)
    }

    fn prompt_of(&self, row: &Row) -> Result<Prompt> {
        let text = row.need(&self.prompt, "prompt")?.clone();
        if text.trim().is_empty() {
            return Err(Error::plan(format!("{}: the prompt is empty", row.place)));
        }
        if let Some(options) = &self.options {
            let options = options.iter().map(|o| row.need(o, "options").cloned()).collect::<Result<_>>()?;
            return Ok(Prompt::Choose { context: text, options });
        }
        if self.completion {
            return Ok(Prompt::Completion(text));
        }
        let mut turns = Vec::new();
        if let Some(system) = &self.system {
            let text = row.need(system, "system")?.clone();
            turns.push(super::Turn { role: super::Role::System, text });
        }
        turns.push(super::Turn { role: super::Role::User, text });
        Ok(Prompt::Chat(turns))
    }

    /// The user's turns of a conversation: the columns in order, up to the first empty one.
    fn turns_of(&self, row: &Row) -> Result<Option<Task>> {
        let Some(columns) = &self.turns else { return Ok(None) };
        let mut turns = Vec::new();
        let mut ended: Option<&str> = None;
        for column in columns {
            let text = row.need(column, "turns")?;
            match (text.trim().is_empty(), ended) {
                (true, _) => ended = ended.or(Some(column)),
                (false, None) => turns.push(text.clone()),
                (false, Some(empty)) => {
                    return Err(Error::plan(format!(
                        "{}: the turn \"{empty}\" is empty, and \"{column}\" after it is not",
                        row.place
                    )));
                }
            }
        }
        if turns.is_empty() {
            return Err(Error::plan(format!("{}: all turns are empty", row.place)));
        }
        Ok(Some(Task::Ladder(turns)))
    }

    fn tags_of(&self, row: &Row) -> Result<Levels> {
        match &self.tags {
            Some(tags) => {
                tags.iter().map(|t| Ok((t.as_str().into(), row.need(t, "tags")?.clone()))).collect()
            }
            None => Ok(row
                .values
                .iter()
                .filter(|(name, value)| !self.used(name) && !value.is_empty())
                .cloned()
                .collect()),
        }
    }

    fn answer_of(&self, row: &Row) -> Result<Option<DraftAnswer>> {
        let Some(column) = &self.answer else { return Ok(None) };
        let text = row.need(column, "answer")?.clone();
        let subject = match (&self.subject, &self.subject_name) {
            (Some(column), _) => row.need(column, "subject")?.to_string(),
            (None, Some(name)) => name.clone(),
            (None, None) => return Ok(None),
        };
        let pick = |names: &[String], what| -> Result<Levels> {
            names.iter().map(|n| Ok((n.as_str().into(), row.need(n, what)?.clone()))).collect()
        };
        Ok(Some(DraftAnswer {
            subject,
            text,
            end: RecordedEnd::Whole,
            labels: pick(&self.labels, "labels")?,
            factors: pick(&self.factors, "factors")?,
            origin: row.origin()?,
        }))
    }

    fn id_of(&self, row: &Row, prompt: &Prompt, recorded: bool) -> Result<String> {
        let given = match &self.id {
            Some(column) => Some(row.need(column, "id")?),
            None => row.get("id"),
        };
        Ok(match given {
            Some(id) if !id.is_empty() => id.to_string(),
            // Equal prompts of recorded answers are one item, whoever answered.
            _ if recorded => format!("prompt-{}", digest(prompt).short()),
            _ => String::new(),
        })
    }

    /// Checks that a further answer to an item does not come with another item's data: the first row's would
    /// hold for it silently.
    fn same_item(&self, row: &Row, item: &DraftItem, prompt: &Prompt, first: &str) -> Result<()> {
        let differs = match &item.task {
            Task::Recorded(other) if other != prompt => Some("prompt or instructions".to_owned()),
            _ if self.target_of(row)? != item.target => Some("target".to_owned()),
            _ => {
                let tags = self.tags_of(row)?;
                let names = item.tags.keys().chain(tags.keys());
                names.into_iter().find(|n| item.tags.get(*n) != tags.get(*n)).map(|n| format!("tag `{n}`"))
            }
        };
        match differs {
            None => Ok(()),
            Some(what) => Err(Error::plan(format!(
                "{}: the {what} differs from {first}, which is the same item",
                row.place
            ))
            .help("what differs from answer to answer is no tag: name the tags, tags = [\"…\"], and the labels of answers, labels = [\"…\"]; or give each row an id of its own")),
        }
    }

    fn target_of(&self, row: &Row) -> Result<Option<Arc<str>>> {
        let target = match &self.target {
            Some(column) if column.is_empty() => None,
            Some(column) => Some(row.need(column, "target")?),
            None => row.get("target"),
        };
        Ok(target.filter(|t| !t.is_empty()).cloned())
    }

    /// Makes items of rows.
    pub(super) fn items(&self, rows: impl Iterator<Item = Result<Row>>) -> Result<Vec<DraftItem>> {
        let mut items: Vec<DraftItem> = Vec::new();
        let mut by_id: HashMap<String, (usize, String)> = HashMap::new();
        for row in rows {
            let row = row?;
            let ladder = self.turns_of(&row)?;
            let prompt = match &ladder {
                Some(task) => Prompt::user(task.headline()),
                None => self.prompt_of(&row)?,
            };
            let answer = self.answer_of(&row)?;
            let id = self.id_of(&row, &prompt, answer.is_some())?;
            if let Some((at, first)) = by_id.get(&id) {
                let item = &mut items[*at];
                if answer.is_some() {
                    self.same_item(&row, item, &prompt, first)?;
                }
                match answer {
                    Some(answer) if item.task.headline() == prompt.headline() => item.recorded.push(answer),
                    _ => {
                        return Err(Error::plan(format!("{}: the id \"{id}\" was used before", row.place))
                            .help(format!("it is first used at {first}; ids must be unique")));
                    }
                }
                continue;
            }
            if !id.is_empty() {
                by_id.insert(id.clone(), (items.len(), row.place.clone()));
            }
            let target = self.target_of(&row)?;
            let task = match (ladder, answer.is_some()) {
                (Some(ladder), _) => ladder,
                (None, true) => Task::Recorded(prompt),
                (None, false) => Task::Ask(prompt),
            };
            // With an answer in the row, it is that answer which came from a run.
            let origin = if answer.is_some() { None } else { row.origin()? };
            items.push(DraftItem {
                id,
                tags: self.tags_of(&row)?,
                task,
                target,
                recorded: answer.into_iter().collect(),
                origin,
            });
        }
        Ok(items)
    }
}

/// Identity of what is asked: all turns, not only the last.
fn digest(prompt: &Prompt) -> Digest {
    match prompt {
        Prompt::Chat(turns) if turns.len() > 1 => {
            let parts: Vec<&[u8]> =
                turns.iter().flat_map(|t| [t.role.name().as_bytes(), t.text.as_bytes()]).collect();
            Digest::of_parts(&parts)
        }
        other => Digest::of(other.headline().as_bytes()),
    }
}
