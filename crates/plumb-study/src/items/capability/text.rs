//! Reader `text`: a running text in pieces whose likelihood is measured, for perplexity.

use super::super::files::take_paths;
use super::super::{Levels, Prompt, Task};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::registry::{DraftItem, Inputs, Reader};
use crate::written::utf8;

/// Keys: `path`; `words`, how many words of a piece are scored (default 128); `context_words`, how many stand unscored
/// before them (default 64). Pieces follow one another, and every word but the first `context_words` is scored once; a
/// rest shorter than a piece is left out.
///
/// A piece is a context and one option; the judge `text-likelihood` gives its bits per byte and nats per token.
pub(super) struct Pieces;

impl Reader for Pieces {
    fn read(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<Vec<DraftItem>> {
        let place = fields.place().to_owned();
        let paths = take_paths(fields, inputs)?;
        let words = fields.whole("words", 1, 2_000)?.unwrap_or(128) as usize;
        let context = fields.whole("context_words", 1, 2_000)?.unwrap_or(64) as usize;
        let mut items = Vec::new();
        for path in &paths {
            let bytes = inputs.read(path).map_err(|e| e.at(&place))?;
            let text = utf8(&bytes, path)?;
            let cuts = cuts(text);
            let before = items.len();
            let mut at = context;
            while at + words < cuts.len() {
                let piece = |from: usize, to: usize| &text[cuts[from]..cuts[to]];
                items.push(DraftItem {
                    id: format!("text-{}", items.len() + 1),
                    tags: Levels::new(),
                    task: Task::Ask(Prompt::Choose {
                        context: piece(at - context, at).trim_start().into(),
                        options: vec![piece(at, at + words).into()],
                    }),
                    target: None,
                    recorded: Vec::new(),
                    origin: None,
                });
                at += words;
            }
            if items.len() == before {
                return Err(Error::plan(format!("{path}: has no {} words", context + words))
                    .help("take smaller `words` and `context_words`"));
            }
        }
        Ok(items)
    }
}

/// Ends of the words, the text's start first: between two of them stands a word with the white space before it.
fn cuts(text: &str) -> Vec<usize> {
    let mut cuts = vec![0];
    let mut inside = false;
    for (at, c) in text.char_indices() {
        if inside && c.is_whitespace() {
            cuts.push(at);
        }
        inside = !c.is_whitespace();
    }
    if inside {
        cuts.push(text.len());
    }
    cuts
}
