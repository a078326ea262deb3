//! Reader `truthfulqa`: questions that tempt into a common error (Lin et al. 2022, "TruthfulQA").
//!
//! The file's columns hold several answers each, separated by ";". MC1 offers the best answer among the incorrect ones;
//! MC2 all correct and all incorrect ones, of which the judge `option-mass` takes the share.

use super::super::files::{csv_rows, take_paths};
use super::super::{Levels, Prompt, Row, Task};
use super::need;
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::registry::{DraftItem, Inputs, Reader};
use std::sync::Arc;

/// Keys: `path`; `form = "mc1" | "mc2"`.
///
/// The context is "Q: …", a line break and "A:"; there are no examples before it, so that figures are not those of
/// tools that put six of them there.
pub(super) struct TruthfulQa;

/// The answers of a column, each once.
fn split(text: &str) -> Vec<&str> {
    let mut answers = Vec::new();
    for answer in text.split(';').map(str::trim).filter(|answer| !answer.is_empty()) {
        if !answers.contains(&answer) {
            answers.push(answer);
        }
    }
    answers
}

impl Reader for TruthfulQa {
    fn read(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<Vec<DraftItem>> {
        let place = fields.place().to_owned();
        let paths = take_paths(fields, inputs)?;
        let all = fields
            .choice("form", &[("mc1", false), ("mc2", true)])?
            .ok_or_else(|| fields.error("`form` is missing (\"mc1\" or \"mc2\")"))?;
        let mut items = Vec::new();
        for path in &paths {
            let rows = csv_rows(&inputs.read(path).map_err(|e| e.at(&place))?, path)?;
            for row in &rows {
                items.push(item(row, all, items.len() + 1)?);
            }
        }
        Ok(items)
    }
}

fn item(row: &Row, all: bool, number: usize) -> Result<DraftItem> {
    let best = need(row, "Best Answer")?.trim();
    let right = if all { split(need(row, "Correct Answers")?) } else { vec![best] };
    // A text that stands on both sides is no answer that could be told apart.
    let wrong: Vec<&str> =
        split(need(row, "Incorrect Answers")?).into_iter().filter(|a| !right.contains(a)).collect();
    if right.is_empty() || wrong.is_empty() {
        return Err(Error::plan(format!("{}: needs a correct and an incorrect answer", row.place)));
    }
    let options: Vec<Arc<str>> =
        right.iter().chain(&wrong).map(|answer| format!(" {answer}").into()).collect();
    let mut tags = Levels::new();
    for (tag, column) in [("category", "Category"), ("type", "Type")] {
        if let Some(level) = row.get(column).filter(|level| !level.is_empty()) {
            tags.insert(tag.into(), level.clone());
        }
    }
    Ok(DraftItem {
        id: format!("truthfulqa-{}-{number}", if all { "mc2" } else { "mc1" }),
        tags,
        task: Task::Ask(Prompt::Choose {
            context: format!("Q: {}\nA:", need(row, "Question")?.trim()).into(),
            options,
        }),
        target: Some(right.join("\n").into()),
        recorded: Vec::new(),
        origin: None,
    })
}
