//! Which tokens of a chat are whose.
//!
//! The template renders the messages once more with marks around each, so that a message is found where the template put
//! it, and not where the same words stand in its own text. The tokens are laid along the text by their bytes; one that holds
//! a part of a message counts to it. Where that does not come out even (a normaliser changed the text), nobody's words are
//! told apart.

use std::ops::Range;

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
    let spans = spans(template, &guard, &text, messages, &guarded, date);
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
            Some(before) => {
                let start = at - before.min(at);
                class_of(&spans, &(start..start + length(token)))
            }
        };
        classes.push(class);
        at += length(token);
    }
    Ok(Labelled { tokens, classes })
}

type Span = (Range<usize>, Role);

/// Where in `text` the messages stand, their outer white space aside, for templates may take that off.
fn spans(
    template: &Template,
    guard: &guard::Guard,
    text: &str,
    messages: &[Message],
    guarded: &[Message],
    date: Option<Date>,
) -> Vec<Span> {
    let marked =
        |(at, message): (usize, &Message)| Message::new(message.role, guard.mark(at, &message.content));
    let marked: Vec<Message> = guarded.iter().enumerate().map(marked).collect();
    if let Ok(with_marks) = render(template, &marked, date) {
        let (bare, places) = guard.marked(&guard.remove(&with_marks));
        if bare == text {
            return places.into_iter().map(|(place, at)| (place, messages[at].role)).collect();
        }
    }
    searched(text, messages)
}

/// The messages one after the other, each at the first place where its words stand: for a template that looks at how a message
/// begins or ends, and so writes something else if there are marks.
fn searched(text: &str, messages: &[Message]) -> Vec<Span> {
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

/// Whose the token at these bytes is.
fn class_of(spans: &[Span], token: &Range<usize>) -> Class {
    let holds = |span: &Range<usize>| span.start < token.end && token.start < span.end;
    match spans.iter().find(|(span, _)| holds(span)) {
        None => Class::Template,
        Some((_, Role::System)) => Class::System,
        Some((_, Role::User)) => Class::User,
        Some((_, Role::Assistant)) => Class::Assistant,
    }
}
