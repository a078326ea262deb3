//! Chats: messages to token ids by the model's own template.
//!
//! A template is a program that comes with the model (Jinja, run by `minijinja` with Python's string methods). It writes
//! control tokens as text, between the text of the messages. What a message says must stay text even if it looks like a
//! control token: [`guard`] sees to that. Start with [`Model::encode_chat`](crate::Model::encode_chat).

mod date;
mod guard;
mod json;
mod label;
#[cfg(test)]
mod oracle_tests;
mod template;

pub use date::Date;
pub(crate) use label::label;
pub(crate) use template::Template;

use crate::Error;
use crate::tokenizer::{Special, TokenId, Tokenizer};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(
        "the model has no chat template (expected tokenizer.chat_template in a GGUF file's metadata, or chat_template in a folder's tokenizer_config.json); use a completion prompt"
    )]
    NoTemplate,
    #[error("the model's chat template cannot be read: {0}")]
    Syntax(String),
    #[error("the model's chat template rejects these messages: {0}")]
    Rejected(String),
    #[error(
        "the model's chat template asks for today's date and has none of its own; an answer must not depend on the day, so none is given"
    )]
    Dated,
    #[error("the chat has no messages")]
    Empty,
}

impl Fault {
    pub(crate) fn is_unsupported(&self) -> bool {
        matches!(self, Self::NoTemplate | Self::Syntax(_))
    }
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// Instructions for the whole chat.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One turn of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said; always plain text.
    pub content: String,
}

impl Message {
    /// A turn of `role`.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }
}

/// The rendered text of a chat, as the template wrote it, up to where the model is to speak.
pub(crate) fn render(template: &Template, messages: &[Message], date: Option<Date>) -> Result<String, Error> {
    if messages.is_empty() {
        return Err(Fault::Empty.into());
    }
    Ok(template.render(messages, date)?)
}

/// Token ids of a chat up to where the model is to speak, followed by `continuation`, which is plain text.
pub(crate) fn encode(
    template: &Template,
    tokenizer: &Tokenizer,
    messages: &[Message],
    continuation: &str,
    date: Option<Date>,
) -> Result<Vec<TokenId>, Error> {
    let guard = guard::Guard::new(messages, continuation);
    let guarded: Vec<Message> =
        messages.iter().map(|m| Message::new(m.role, guard.protect(tokenizer, &m.content))).collect();
    let mut text = render(template, &guarded, date)?;
    text.push_str(&guard.protect(tokenizer, continuation));
    let mut ids = tokenizer.encode_guarded(&text, Special::Token, Some(guard.character()))?;
    if let Some(begin) = tokenizer.begin_if_added()
        && ids.first() != Some(&begin)
    {
        ids.insert(0, begin);
    }
    Ok(ids)
}
