//! What one exchange with a provider came to, and what all wire formats share.
//!
//! An answer, an answer held back by a filter, and a failure are three different data; mixing any two of
//! them makes a measurement wrong (an endpoint that fails is not a safe endpoint). So each reply that a
//! server can send, however broken, becomes exactly one [`Outcome`] with a name, and nothing here panics.
//!
//! Start with [`Outcome`]. Formats are in [`crate::openai`] and [`crate::anthropic`]; sending is elsewhere.

mod ask;
mod fault;
pub(crate) mod json;
pub(crate) mod refusal;
pub(crate) mod thinking;

pub use ask::{Draw, Extra, ExtraProblem, Role, Turn};
pub use fault::{Failed, Fault, Phase};

use std::time::Duration;

/// What an exchange came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Answered(Answered),
    Withheld(Withheld),
    Failed(Failed),
}

/// The model answered; a refusal in words is an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    pub text: String,
    /// What the model wrote for itself, never part of `text`.
    pub reasoning: Option<String>,
    pub finish: Finish,
    pub usage: Usage,
    /// The model that the server says answered.
    pub served: Option<String>,
}

/// Why the text ends where it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// The model ended it, or a stop text was met.
    Stop,
    /// It was cut at the limit of tokens.
    Length,
    /// In the server's words.
    Other(String),
    /// The server gave no reason.
    Unnamed,
}

/// A filter of the provider held the answer back.
#[derive(Debug, Clone, PartialEq)]
pub struct Withheld {
    pub by: Filter,
    /// The server's words, or the part of an answer that came before; at most 300 characters.
    pub words: String,
    pub usage: Usage,
    pub served: Option<String>,
}

/// What held an answer back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// The prompt was not let through.
    Prompt,
    /// The answer was not let through.
    Answer,
    /// The server reports, outside the text, that the model refused.
    Refusal,
}

/// Tokens as the server counted them; what it did not count is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// All that was read, cached or not.
    pub input: Option<u64>,
    /// Of `input`, what the provider had cached.
    pub cached_input: Option<u64>,
    /// All that was written, reasoning included.
    pub output: Option<u64>,
    /// Of `output`, what was reasoning.
    pub reasoning: Option<u64>,
}

/// What matters of a response besides its body.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    pub status: u16,
    pub content_type: Option<&'a str>,
    /// As [`crate::retry_after::parse_retry_after`] read it.
    pub retry_after: Option<Duration>,
}

impl Head<'_> {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A server's words in one line of at most 300 characters, without control characters.
pub(crate) fn trimmed(words: &str) -> String {
    const LIMIT: usize = 300;
    let mut line = String::new();
    let mut room = LIMIT;
    for word in words.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
        let space = if line.is_empty() { "" } else { " " };
        for c in space.chars().chain(word.chars()) {
            if room == 0 {
                line.push('…');
                return line;
            }
            line.push(c);
            room -= 1;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::trimmed;

    #[test]
    fn words_become_one_short_line() {
        assert_eq!(trimmed("  a\n\tb\u{1b}[31m c "), "a b [31m c");
        assert_eq!(trimmed(""), "");
        let long = trimmed(&"é".repeat(1000));
        assert_eq!(long.chars().count(), 301);
        assert!(long.ends_with('…'));
    }
}
