//! Keeping what people write apart from control tokens, through a template that mixes both.
//!
//! A private-use character that occurs nowhere in the messages is put inside every stretch that looks like a control
//! token. The template moves it along with the text; when the rendered text is cut at control tokens the stretch does
//! not match, and the character is taken out before the text is cut further. Text without such stretches is unchanged,
//! so templates that look at the text see what was written. Further characters of that kind mark where a message begins and
//! ends, to find it again in what the template wrote ([`label`](super::label())).

use std::ops::Range;

use super::Message;
use crate::tokenizer::Tokenizer;

/// Plane 15 is for private use; it has more characters than any template or chat uses.
const PRIVATE: std::ops::RangeInclusive<char> = '\u{F0000}'..='\u{FFFFD}';

pub(super) struct Guard {
    character: char,
    /// Two for each message, to be put around what it says; empty if there are not as many.
    marks: Vec<char>,
}

impl Guard {
    /// Chooses characters that are in none of the texts.
    pub(super) fn new(messages: &[Message], continuation: &str) -> Self {
        let texts = || messages.iter().map(|message| message.content.as_str()).chain([continuation]);
        let used: std::collections::HashSet<char> =
            texts().flat_map(str::chars).filter(|character| PRIVATE.contains(character)).collect();
        let mut free = PRIVATE.filter(|character| !used.contains(character));
        // A chat that uses all 65,534 would have to be far beyond any context; the last one is as good as any then.
        let character = free.next().unwrap_or('\u{FFFFD}');
        let marks: Vec<char> = free.take(2 * messages.len()).collect();
        Self { character, marks: if marks.len() == 2 * messages.len() { marks } else { Vec::new() } }
    }

    /// `content`, that of a message by its number, with its two marks around all but its outer white space, which templates may
    /// take off.
    pub(super) fn mark(&self, message: usize, content: &str) -> String {
        let inner = content.trim();
        let Some([open, close]) = self.marks.as_chunks::<2>().0.get(message).filter(|_| !inner.is_empty())
        else {
            return content.to_owned();
        };
        let before = content.len() - content.trim_start().len();
        let after = before + inner.len();
        format!("{}{open}{inner}{close}{}", &content[..before], &content[after..])
    }

    /// The text without marks, and where in it each message stands whose marks are both there; a message that is written twice
    /// stands in two places.
    pub(super) fn marked(&self, text: &str) -> (String, Vec<(Range<usize>, usize)>) {
        let mut bare = String::with_capacity(text.len());
        let mut begun = vec![None; self.marks.len() / 2];
        let mut places = Vec::new();
        let mark_of = |character: char| match PRIVATE.contains(&character) {
            true => self.marks.iter().position(|mark| *mark == character),
            false => None,
        };
        for character in text.chars() {
            match mark_of(character) {
                None => bare.push(character),
                Some(mark) if mark % 2 == 0 => begun[mark / 2] = Some(bare.len()),
                Some(mark) => {
                    places.extend(begun[mark / 2].take().map(|start| (start..bare.len(), mark / 2)))
                }
            }
        }
        (bare, places)
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
