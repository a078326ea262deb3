//! What is put to a model, in the form that both providers' requests are built from.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    User,
    Assistant,
}

/// One message of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Turn<'a> {
    pub role: Role,
    #[serde(rename = "content")]
    pub text: &'a str,
}

/// How an answer is drawn; what is `None` is left to the provider.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Draw<'a> {
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    /// Most new tokens.
    pub max_tokens: Option<u32>,
    /// Texts that end the answer.
    pub stop: &'a [String],
    /// Used where the provider takes one.
    pub seed: Option<u64>,
}

/// Fields of the request body that a plan sets beside ours, such as `reasoning_effort`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Extra(Map<String, Value>);

/// A field that a plan may not set in this way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtraProblem {
    #[error("`extra.{field}` would set what the plan says elsewhere; use {instead}")]
    Ours { field: String, instead: &'static str },
    #[error("`extra.{field}` would change how answers come, and plumb could not read them")]
    Breaks { field: String },
}

impl Extra {
    /// Takes the fields of a plan.
    ///
    /// # Errors
    /// A field that a request sets itself, or that asks for another kind of reply.
    pub fn new(fields: Map<String, Value>) -> Result<Extra, ExtraProblem> {
        for field in fields.keys() {
            let instead = match field.as_str() {
                "model" => "`model`",
                "messages" | "prompt" => "the items",
                "system" => "`system`",
                "temperature"
                | "top_p"
                | "max_tokens"
                | "max_completion_tokens"
                | "stop"
                | "stop_sequences" => "`sampling`",
                "seed" => "the plan's `seed`",
                "stream" | "stream_options" | "n" | "best_of" | "echo" => {
                    return Err(ExtraProblem::Breaks { field: field.clone() });
                }
                _ => continue,
            };
            return Err(ExtraProblem::Ours { field: field.clone(), instead });
        }
        Ok(Extra(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn extra_fields_neither_shadow_ours_nor_break_the_reading() {
        let extra = |value: Value| Extra::new(value.as_object().unwrap().clone());
        assert!(extra(json!({"reasoning_effort": "low"})).is_ok());
        let error = extra(json!({"temperature": 1})).unwrap_err().to_string();
        assert_eq!(error, "`extra.temperature` would set what the plan says elsewhere; use `sampling`");
        assert!(matches!(extra(json!({"a": 1, "stream": true})), Err(ExtraProblem::Breaks { .. })));
    }
}
