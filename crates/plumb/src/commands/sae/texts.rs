//! Texts that a user names, for measuring an autoencoder on them or looking for a latent in them.

use crate::exit::Problem;
use plumb_lm::{Labelled, Message, Model};
use std::path::Path;

/// Longest piece of a document that is read.
pub const LONGEST: usize = 512;

/// A text each line, or JSON lines with `text` or `messages` where the file ends in `.jsonl`.
pub fn read(model: &Model, path: &Path) -> Result<Vec<Labelled>, Problem> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        text: Option<String>,
        messages: Option<Vec<Message>>,
    }
    let text = std::fs::read_to_string(path).map_err(Problem::io(path))?;
    let json = path.extension().is_some_and(|extension| extension == "jsonl");
    let mut documents = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |message: String| Problem::usage(format!("{}:{}: {message}", path.display(), at + 1));
        let mut document = if json {
            let line: Line = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
            match (line.text, line.messages) {
                (Some(text), None) => model.label_text(&text)?,
                (None, Some(messages)) => model.label_chat(&messages, None)?,
                _ => return Err(wrong("expected either \"text\" or \"messages\"".to_owned())),
            }
        } else {
            model.label_text(line)?
        };
        let most = LONGEST.min(model.config().context);
        document.tokens.truncate(most);
        document.classes.truncate(most);
        documents.push(document);
    }
    Ok(documents)
}
