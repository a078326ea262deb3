//! Keeping what people write apart from control tokens, through a template that mixes both.
//!
//! A private-use character that occurs nowhere in the messages is put inside every stretch that looks like a control
//! token. The template moves it along with the text; when the rendered text is cut at control tokens the stretch does
//! not match, and the character is taken out before the text is cut further. Text without such stretches is unchanged,
//! so templates that look at the text see what was written.

use super::Message;
use crate::tokenizer::Tokenizer;

/// Plane 15 is for private use; it has more characters than any template or chat uses.
const PRIVATE: std::ops::RangeInclusive<char> = '\u{F0000}'..='\u{FFFFD}';

pub(super) struct Guard {
    character: char,
}

impl Guard {
    /// Chooses a character that is in none of the texts.
    pub(super) fn new(messages: &[Message], continuation: &str) -> Self {
        let texts = || messages.iter().map(|message| message.content.as_str()).chain([continuation]);
        let used: std::collections::HashSet<char> =
            texts().flat_map(str::chars).filter(|character| PRIVATE.contains(character)).collect();
        // A chat that uses all 65,534 would have to be far beyond any context; the last one is as good as any then.
        let character =
            PRIVATE.into_iter().find(|character| !used.contains(character)).unwrap_or('\u{FFFFD}');
        Self { character }
    }

    /// Breaks every control token in `text`, also one that would only be completed by what follows it.
    pub(super) fn protect(&self, tokenizer: &Tokenizer, text: &str) -> String {
        let found = tokenizer.controls_in(text);
        let mut out = String::with_capacity(text.len() + 4 * found.starts.len());
        let mut starts = found.starts.iter().peekable();
        for (at, character) in text.char_indices() {
            out.push(character);
            if starts.next_if(|start| **start == at).is_some() {
                out.push(self.character);
            }
        }
        if found.open {
            out.push(self.character);
        }
        out
    }

    /// The text without the character.
    pub(super) fn remove(&self, text: &str) -> String {
        text.replace(self.character, "")
    }

    pub(super) fn character(&self) -> char {
        self.character
    }
}
