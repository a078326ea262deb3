//! What clients read: answers whole and in pieces.

use super::ask::{Ask, Form, finish};
use super::scores;
use crate::server::{Shared, seconds};
use plumb_lm::Completion;
use serde_json::{Value, json};

/// What an answer is called, in whole and in every piece.
pub(super) struct Name {
    id: String,
    created: u64,
    model: String,
    form: Form,
    warnings: Vec<String>,
}

impl Name {
    pub(super) fn new(shared: &Shared, ask: &Ask) -> Self {
        let prefix = if ask.form == Form::Chat { "chatcmpl" } else { "cmpl" };
        Self {
            id: format!("{prefix}-{:016x}", (shared.outside.random)()),
            created: seconds((shared.outside.clock)()),
            model: shared.models[ask.at].name.clone(),
            form: ask.form,
            warnings: ask.warnings.clone(),
        }
    }

    pub(super) fn whole(&self, choices: Vec<Value>, usage: Value) -> Value {
        let object = if self.form == Form::Chat { "chat.completion" } else { "text_completion" };
        let mut value = self.head(object, choices);
        value["usage"] = usage;
        value
    }

    pub(super) fn piece(&self, choices: Vec<Value>) -> Value {
        let object = if self.form == Form::Chat { "chat.completion.chunk" } else { "text_completion" };
        self.head(object, choices)
    }

    fn head(&self, object: &str, choices: Vec<Value>) -> Value {
        let mut head = json!({
            "id": self.id, "object": object, "created": self.created, "model": self.model, "choices": choices,
        });
        // Not OpenAI's: what of the request had no effect.
        if !self.warnings.is_empty() {
            head["warnings"] = self.warnings.clone().into();
        }
        head
    }
}

pub(super) fn usage(read: usize, written: usize) -> Value {
    json!({ "prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written })
}

/// An answer as a whole.
pub(super) fn whole(ask: &Ask, number: usize, answer: &Completion) -> Value {
    let logprobs = logprobs(ask, number, answer);
    let finish = finish(answer.finish);
    match ask.form {
        Form::Chat => json!({
            "index": number,
            "message": { "role": "assistant", "content": answer.text, "refusal": null },
            "logprobs": logprobs,
            "finish_reason": finish,
        }),
        Form::Text { .. } => json!({
            "index": number,
            "text": format!("{}{}", ask.given(number).echo, answer.text),
            "logprobs": logprobs,
            "finish_reason": finish,
        }),
    }
}

/// The first piece of an answer, before anything is written.
pub(super) fn opening(ask: &Ask, number: usize) -> Option<Value> {
    match ask.form {
        Form::Chat => {
            Some(chat_piece(number, json!({ "role": "assistant", "content": "" }), Value::Null, None))
        }
        Form::Text { echo: true, .. } => Some(grown(ask, number, &ask.given(number).echo)),
        Form::Text { .. } => None,
    }
}

/// An answer grew.
pub(super) fn grown(ask: &Ask, number: usize, text: &str) -> Value {
    match ask.form {
        Form::Chat => chat_piece(number, json!({ "content": text }), Value::Null, None),
        Form::Text { .. } => {
            json!({ "index": number, "text": text, "logprobs": null, "finish_reason": null })
        }
    }
}

/// An answer is done: the last piece, with all log-probabilities that were asked for.
pub(super) fn ended(ask: &Ask, number: usize, answer: &Completion) -> Value {
    let logprobs = logprobs(ask, number, answer);
    let finish = finish(answer.finish);
    match ask.form {
        Form::Chat => chat_piece(number, json!({}), logprobs, Some(finish)),
        Form::Text { .. } => {
            json!({ "index": number, "text": "", "logprobs": logprobs, "finish_reason": finish })
        }
    }
}

fn chat_piece(number: usize, delta: Value, logprobs: Value, finish: Option<&str>) -> Value {
    json!({ "index": number, "delta": delta, "logprobs": logprobs, "finish_reason": finish })
}

fn logprobs(ask: &Ask, number: usize, answer: &Completion) -> Value {
    match ask.form {
        Form::Chat if ask.scoring.is_some() => scores::chat(&ask.model, answer),
        Form::Text { scores: true, .. } => scores::completion(ask, number, answer),
        _ => Value::Null,
    }
}
