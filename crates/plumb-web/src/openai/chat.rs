//! Reading a question of `/v1/chat/completions`.

use super::ask::{Ask, Form, Given, MOST_TOP, Manner};
use super::body::{Body, ignored, wrong};
use crate::problem::Problem;
use crate::server::Shared;
use plumb_lm::{Labelled, Message, Role, Scoring};
use serde_json::{Map, Value};

pub(super) fn ask(shared: &Shared, mut body: Body) -> Result<Ask, Problem> {
    let name = body.text("model")?.ok_or_else(|| Problem::field("model", "\"model\" is missing"))?;
    let loaded = super::find(shared, &name)?;
    let model = loaded.engine.model().clone();
    let messages = match body.take("messages") {
        Some(Value::Array(messages)) if !messages.is_empty() => messages,
        Some(other) => return Err(no_messages(&other)),
        None => return Err(Problem::field("messages", "\"messages\" is missing")),
    };
    let mut warnings = body.tools()?;
    let mut told = Vec::with_capacity(messages.len());
    for (at, value) in messages.into_iter().enumerate() {
        told.push(message(at, value, &mut warnings)?);
    }
    let messages = told;
    let mut manner = Manner::take(shared, &model, &mut body)?;
    let newer = body.count("max_completion_tokens", 1..=usize::MAX)?;
    let older = body.count("max_tokens", 1..=usize::MAX)?;
    manner.sampling.max_tokens = match (newer, older) {
        (Some(newer), Some(older)) if newer != older => {
            let message = "\"max_tokens\" and \"max_completion_tokens\" differ; give one of them";
            return Err(Problem::field("max_tokens", message));
        }
        (newer, older) => newer.or(older).unwrap_or(model.config().context),
    };
    let scores = body.flag("logprobs")?;
    let top = body.count("top_logprobs", 0..=MOST_TOP)?;
    if top.is_some() && !scores {
        return Err(Problem::field("top_logprobs", "\"top_logprobs\" needs \"logprobs\": true"));
    }
    body.end()?;
    let Labelled { tokens: ids, classes } =
        model.label_chat(&messages, None).map_err(|error| Problem::engine(&error))?;
    let Manner { n, sampling, seed, steering, stream, usage } = manner;
    Ok(Ask {
        at: super::place(shared, &name),
        model,
        prompts: vec![Given { ids, classes, echo: String::new() }],
        n,
        sampling,
        seed,
        steering,
        scoring: scores.then(|| Scoring { top: top.unwrap_or(0), prompt: false }),
        form: Form::Chat,
        stream,
        usage,
        warnings,
    })
}

/// What is wrong with a field of messages that has none.
pub(super) fn no_messages(found: &Value) -> Problem {
    match found {
        Value::Array(_) => {
            Problem::field("messages", "\"messages\" is an empty list; at least one message is needed")
        }
        other => wrong("messages", other, "a list of at least one message"),
    }
}

/// Reads a message; what is said of its fields about tools goes to `warnings`.
pub(super) fn message(at: usize, value: Value, warnings: &mut Vec<String>) -> Result<Message, Problem> {
    let place = |key: &str| format!("messages[{at}].{key}");
    let Value::Object(mut fields) = value else {
        return Err(wrong(&format!("messages[{at}]"), &value, "an object with role and content"));
    };
    let role = match fields.shift_remove("role") {
        Some(Value::String(role)) => match &*role {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            other => {
                let message =
                    format!("role \"{other}\" is not done; system, developer, user and assistant are");
                return Err(Problem::unsupported(&place("role"), message));
            }
        },
        other => return Err(wrong(&place("role"), &other.unwrap_or(Value::Null), "a text")),
    };
    let text = match fields.shift_remove("content") {
        Some(Value::String(text)) => text,
        Some(Value::Array(parts)) => parts
            .into_iter()
            .enumerate()
            .map(|(part, value)| text_part(&place(&format!("content[{part}]")), value))
            .collect::<Result<String, _>>()?,
        other => {
            let found = other.unwrap_or(Value::Null);
            return Err(wrong(&place("content"), &found, "a text or a list of text parts"));
        }
    };
    // Clients send back what they got, with every field that it could have had.
    let empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    for key in ["tool_calls", "function_call"] {
        if fields.shift_remove(key).is_some_and(|value| !empty(&value)) {
            warnings.push(ignored(&place(key)));
        }
    }
    match fields.iter().find(|(_, value)| !empty(value)) {
        None => Ok(Message::new(role, text)),
        Some((key, _)) => {
            let message = format!("\"{key}\" of a message is not done by this server; leave it out");
            Err(Problem::unsupported(&place(key), message))
        }
    }
}

fn text_part(place: &str, value: Value) -> Result<String, Problem> {
    let is_text = |fields: &Map<String, Value>| fields.get("type").is_some_and(|kind| kind == "text");
    match value {
        Value::Object(mut fields) if is_text(&fields) => match fields.shift_remove("text") {
            Some(Value::String(text)) => Ok(text),
            other => Err(wrong(&format!("{place}.text"), &other.unwrap_or(Value::Null), "a text")),
        },
        _ => Err(Problem::unsupported(place, "only parts of type \"text\" are done")),
    }
}
