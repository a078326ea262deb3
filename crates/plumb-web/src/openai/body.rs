//! The fields of a request, each read with its type and its bounds.
//!
//! A field that is not taken is an error at the end ([`Body::end`]), unless it cannot change an answer. `null` is the same
//! as a field that is not there, as in OpenAI's own interface.

use crate::problem::Problem;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// Fields that say something about the request and nothing about the answer.
const HARMLESS: [&str; 8] = [
    "user",
    "metadata",
    "store",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "parallel_tool_calls",
];

/// A request's fields that were not taken yet.
#[derive(Debug)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(other) => Err(Problem::request(format!("the body is {}, not an object", word(&other)))),
            Err(error) => Err(Problem::request(format!("the body is no JSON: {error}"))),
        }
    }

    /// The field, unless it is null or not there.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.shift_remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(name, &other, "a text")),
        }
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Problem> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(other) => Err(wrong(name, &other, "true or false")),
        }
    }

    pub(super) fn number(&mut self, name: &str, bounds: RangeInclusive<f64>) -> Result<Option<f64>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_f64().filter(|number| bounds.contains(number));
        let expected = || format!("a number from {} to {}", bounds.start(), bounds.end());
        number.map(Some).ok_or_else(|| wrong(name, &value, &expected()))
    }

    pub(super) fn count(
        &mut self,
        name: &str,
        bounds: RangeInclusive<usize>,
    ) -> Result<Option<usize>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
        let expected = || match *bounds.end() {
            usize::MAX => format!("a whole number from {}", bounds.start()),
            end => format!("a whole number from {} to {end}", bounds.start()),
        };
        number
            .filter(|number| bounds.contains(number))
            .map(Some)
            .ok_or_else(|| wrong(name, &value, &expected()))
    }

    /// A whole number, also below zero: its 64 bits.
    pub(super) fn bits(&mut self, name: &str) -> Result<Option<u64>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let bits = value.as_u64().or_else(|| value.as_i64().map(i64::cast_unsigned));
        bits.map(Some).ok_or_else(|| wrong(name, &value, "a whole number of 64 bits"))
    }

    /// One text or a list of texts.
    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, Problem> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(values)) => values
                .into_iter()
                .map(|value| match value {
                    Value::String(text) => Ok(text),
                    other => Err(wrong(name, &other, "texts")),
                })
                .collect(),
            Some(other) => Err(wrong(name, &other, "a text or a list of texts")),
        }
    }

    /// Whether the last piece of a stream is to have the counts.
    pub(super) fn stream_usage(&mut self) -> Result<bool, Problem> {
        match self.take("stream_options") {
            None => Ok(false),
            Some(Value::Object(fields)) => {
                let mut options = Self(fields);
                let usage = options.flag("include_usage")?;
                // A filler against guessing by length; leaving it out changes no answer.
                options.take("include_obfuscation");
                match options.0.keys().next() {
                    None => Ok(usage),
                    Some(name) => Err(unknown(&format!("stream_options.{name}"))),
                }
            }
            Some(other) => Err(wrong("stream_options", &other, "an object")),
        }
    }

    /// Takes the fields that offer tools, of which a model here is told nothing; says so of each that asks for something. One
    /// that demands a call is an error, since none would come.
    pub(super) fn tools(&mut self) -> Result<Vec<String>, Problem> {
        let mut warnings = Vec::new();
        for name in ["tools", "tool_choice", "functions", "function_call"] {
            let Some(value) = self.take(name) else { continue };
            match () {
                () if says_nothing(name, &value) => {}
                () if !value.is_array() && value != "auto" => {
                    return Err(Problem::unsupported(
                        name,
                        format!("\"{name}\" demands a call, and no tools are called here; leave it out"),
                    ));
                }
                () => warnings.push(ignored(name)),
            }
        }
        Ok(warnings)
    }

    /// Everything else must be harmless or say what holds anyway.
    pub(super) fn end(self) -> Result<(), Problem> {
        for (name, value) in &self.0 {
            if value.is_null() || HARMLESS.contains(&&**name) || says_nothing(name, value) {
                continue;
            }
            return Err(match KNOWN.contains(&&**name) {
                true => {
                    Problem::unsupported(name, format!("\"{name}\" is not done by this server; leave it out"))
                }
                false => unknown(name),
            });
        }
        Ok(())
    }
}

/// OpenAI's fields that change an answer and are not done here.
const KNOWN: [&str; 13] = [
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "best_of",
    "suffix",
    "response_format",
    "modalities",
    "audio",
    "prediction",
    "reasoning_effort",
    "verbosity",
    "web_search_options",
    "moderation",
];

/// Whether a field that is not done here asks for nothing.
fn says_nothing(name: &str, value: &Value) -> bool {
    match name {
        "frequency_penalty" | "presence_penalty" => value.as_f64() == Some(0.0),
        "logit_bias" => value.as_object().is_some_and(Map::is_empty),
        "tools" | "functions" => value.as_array().is_some_and(Vec::is_empty),
        "tool_choice" | "function_call" => value == "none",
        "suffix" => value == "",
        "best_of" => value == 1,
        "response_format" => *value == serde_json::json!({ "type": "text" }),
        "modalities" => *value == serde_json::json!(["text"]),
        _ => false,
    }
}

/// What is said of a field about tools.
pub(super) fn ignored(name: &str) -> String {
    format!("\"{name}\" is ignored: no tools are offered to the model, and it calls none")
}

fn unknown(name: &str) -> Problem {
    Problem::unsupported(
        name,
        format!("\"{name}\" is not known here and might change the answer; leave it out"),
    )
}

pub(super) fn wrong(name: &str, found: &Value, expected: &str) -> Problem {
    let found = match found {
        Value::String(_) | Value::Array(_) | Value::Object(_) => word(found).to_owned(),
        plain => plain.to_string(),
    };
    Problem::field(name, format!("\"{name}\" is {found}, expected {expected}"))
}

fn word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
