//! Texts that a user names on the command line, as a model reads them.

use crate::exit::Problem;
use plumb_lm::{Labelled, Message, Model};
use plumb_study::written::utf8;
use std::path::Path;

/// The texts of a file.
pub struct Texts {
    /// Each with its tokens' classes.
    pub documents: Vec<Labelled>,
    /// How many were longer than what is read of them.
    pub cut: usize,
}

/// A line of a `.jsonl` file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    text: Option<String>,
    messages: Option<Vec<Message>>,
}

/// A text each line, or JSON lines with `text` or `messages` where the file ends in `.jsonl`; of each at most `most` tokens, and no
/// more than the model's context.
pub fn read(model: &Model, path: &Path, most: usize) -> Result<Texts, Problem> {
    let bytes = std::fs::read(path).map_err(Problem::io(path))?;
    let text = utf8(&bytes, &path.display().to_string())?;
    let json = path.extension().is_some_and(|extension| extension == "jsonl");
    let most = most.min(model.config().context);
    let mut texts = Texts { documents: Vec::new(), cut: 0 };
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut document = one(model, line, json).map_err(|problem| {
            Problem::usage(format!("{}:{}: {}", path.display(), at + 1, problem.message))
        })?;
        if document.tokens.len() > most {
            document.tokens.truncate(most);
            document.classes.truncate(most);
            texts.cut += 1;
        }
        texts.documents.push(document);
    }
    Ok(texts)
}

fn one(model: &Model, line: &str, json: bool) -> Result<Labelled, Problem> {
    if !json {
        return Ok(model.label_text(line)?);
    }
    let line: Line = serde_json::from_str(line).map_err(|error| Problem::new(error.to_string()))?;
    match (line.text, line.messages) {
        (Some(text), None) => Ok(model.label_text(&text)?),
        (None, Some(messages)) => Ok(model.label_chat(&messages, None)?),
        _ => Err(Problem::new("expected either \"text\" or \"messages\"")),
    }
}
