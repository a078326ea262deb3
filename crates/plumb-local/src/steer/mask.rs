//! Which tokens are changed, one by one: by what they are a part of, or by their number.

use plumb_lm::{Class, Positions};
use plumb_study::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What tokens can be a part of, by the names that stored activations have for it. The first token of a sequence is of no
/// such class.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Text that nobody in particular says.
    Text,
    /// A control token, such as a template's mark between turns.
    Control,
    /// What else the chat template wrote.
    Template,
    /// A system message.
    System,
    /// A user's message.
    User,
    /// An earlier answer, which stands in the prompt.
    Assistant,
    /// What is written after the prompt: the answer, or the option that is scored.
    Answer,
}

impl Part {
    const NAMES: [(&'static str, Part); 7] = [
        ("text", Part::Text),
        ("control", Part::Control),
        ("template", Part::Template),
        ("system", Part::System),
        ("user", Part::User),
        ("assistant", Part::Assistant),
        ("answer", Part::Answer),
    ];

    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, part)| *part == self).map_or("text", |(name, _)| name)
    }

    fn of(class: Class) -> Option<Part> {
        Some(match class {
            Class::First => return None,
            Class::Text => Part::Text,
            Class::Control => Part::Control,
            Class::Template => Part::Template,
            Class::System => Part::System,
            Class::User => Part::User,
            Class::Assistant => Part::Assistant,
        })
    }
}

/// Tokens of the prompt by their number, and all tokens of some parts; a token counts if either names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// From 0; negative ones from the prompt's end, -1 is its last token. A number beyond a prompt names nothing in it.
    tokens: BTreeSet<i64>,
    parts: BTreeSet<Part>,
}

impl Mask {
    /// Reads words such as `user`, `answer`, `3`, `-1`, or `last`, which is -1.
    ///
    /// # Errors
    /// No word, or one that is none of these.
    pub(super) fn read<'a>(words: impl Iterator<Item = &'a str>) -> Result<Mask> {
        let mut mask = Mask { tokens: BTreeSet::new(), parts: BTreeSet::new() };
        for word in words.map(str::trim) {
            let part = Part::NAMES.iter().find(|(name, _)| *name == word);
            match (part, word, word.parse::<i64>()) {
                (Some((_, part)), ..) => mask.parts.insert(*part),
                (None, "last", _) => mask.tokens.insert(-1),
                (None, _, Ok(number)) => mask.tokens.insert(number),
                (None, ..) => return Err(Error::plan(format!("\"{word}\" names no tokens"))),
            };
        }
        match mask.tokens.is_empty() && mask.parts.is_empty() {
            true => Err(Error::plan("no tokens are named")),
            false => Ok(mask),
        }
    }

    /// Positions from `start` on, where the prompt's tokens are of these classes.
    pub(super) fn positions(&self, prompt: &[Class], start: usize) -> Vec<Positions> {
        let length = prompt.len();
        let numbered = |at: usize| {
            self.tokens.contains(&(at as i64)) || self.tokens.contains(&(at as i64 - length as i64))
        };
        let named = |at: &usize| {
            numbered(*at) || Part::of(prompt[*at]).is_some_and(|part| self.parts.contains(&part))
        };
        let these: Vec<usize> = (start..length).filter(named).collect();
        let mut positions = Vec::new();
        if !these.is_empty() {
            positions.push(Positions::Only(these.into()));
        }
        if self.parts.contains(&Part::Answer) {
            positions.push(Positions::From(length.max(start)));
        }
        positions
    }

    /// Whether it names the first token.
    pub(super) fn names_first(&self) -> bool {
        self.tokens.contains(&0)
    }

    /// As it is written: `user+answer+-1`.
    pub(super) fn words(&self) -> String {
        let parts = self.parts.iter().map(|part| part.name().to_owned());
        parts.chain(self.tokens.iter().map(i64::to_string)).collect::<Vec<_>>().join("+")
    }
}
