//! Which tokens of a chat are whose.
//!
//! The messages are looked for in the rendered text, one after the other, and the tokens are laid along that text by
//! their bytes. Where that does not come out even (a normaliser changed the text), nobody's words are told apart.

use super::{Date, Message, Role, Template, encode, guard, render};
use crate::Error;
use crate::capture::{Class, Labelled};
use crate::tokenizer::{TokenId, Tokenizer};

pub(crate) fn label(
    template: &Template,
    tokenizer: &Tokenizer,
    messages: &[Message],
    date: Option<Date>,
) -> Result<Labelled, Error> {
    let tokens = encode(template, tokenizer, messages, "", date)?;
    // What the guard breaks up it breaks up here too, so that a template that looks at the text does the same.
    let guard = guard::Guard::new(messages, "");
    let guarded: Vec<Message> =
        messages.iter().map(|m| Message::new(m.role, guard.protect(tokenizer, &m.content))).collect();
    let text = guard.remove(&render(template, &guarded, date)?);
    let spans = spans(&text, messages);
    let length = |token: &TokenId| tokenizer.bytes(*token).len();
    let total: usize = tokens.iter().map(length).sum();
    // A beginning token that the template does not write stands before the text.
    let before = total
        .checked_sub(text.len())
        .filter(|extra| *extra == 0 || tokens.first().map(length) == Some(*extra));
    let mut classes = Vec::with_capacity(tokens.len());
    let mut at = 0;
    for (index, token) in tokens.iter().enumerate() {
        let class = match before {
            _ if index == 0 => Class::First,
            _ if tokenizer.is_control(*token) => Class::Control,
            None => Class::Text,
            Some(before) => class_at(&spans, at - before.min(at)),
        };
        classes.push(class);
        at += length(token);
    }
    Ok(Labelled { tokens, classes })
}

type Span = (std::ops::Range<usize>, Role);

/// Where the messages stand, their outer white space aside, for templates may take that off.
fn spans(text: &str, messages: &[Message]) -> Vec<Span> {
    let mut from = 0;
    let mut spans = Vec::new();
    for message in messages {
        let content = message.content.trim();
        if let Some(found) = text[from..].find(content).filter(|_| !content.is_empty()) {
            let start = from + found;
            from = start + content.len();
            spans.push((start..from, message.role));
        }
    }
    spans
}

fn class_at(spans: &[Span], at: usize) -> Class {
    match spans.iter().find(|(span, _)| span.contains(&at)) {
        None => Class::Template,
        Some((_, Role::System)) => Class::System,
        Some((_, Role::User)) => Class::User,
        Some((_, Role::Assistant)) => Class::Assistant,
    }
}
