//! Request bodies.

use serde::Serialize;

use crate::wire::{Draw, Extra, Turn};

/// In what servers of this format differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Reasoning models of OpenAI take `max_completion_tokens` in place of `max_tokens`.
    pub max_completion_tokens: bool,
    /// Whether a seed is sent; some servers reject the field.
    pub seed: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect { max_completion_tokens: false, seed: true }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<&'a [Turn<'a>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(flatten)]
    extra: &'a Extra,
}

/// The body of a chat completion.
pub fn chat_request(model: &str, turns: &[Turn], draw: &Draw, dialect: Dialect, extra: &Extra) -> Vec<u8> {
    write(&Body { messages: Some(turns), ..body(model, draw, dialect, extra) })
}

/// The body of a completion of bare text.
pub fn completion_request(
    model: &str,
    prompt: &str,
    draw: &Draw,
    dialect: Dialect,
    extra: &Extra,
) -> Vec<u8> {
    write(&Body { prompt: Some(prompt), ..body(model, draw, dialect, extra) })
}

fn body<'a>(model: &'a str, draw: &'a Draw, dialect: Dialect, extra: &'a Extra) -> Body<'a> {
    let new_name = dialect.max_completion_tokens;
    Body {
        model,
        messages: None,
        prompt: None,
        temperature: draw.temperature,
        top_p: draw.top_p,
        max_tokens: draw.max_tokens.filter(|_| !new_name),
        max_completion_tokens: draw.max_tokens.filter(|_| new_name),
        stop: draw.stop,
        // Servers keep seeds in signed 32 or 64 bits.
        seed: draw.seed.filter(|_| dialect.seed).map(|s| s & 0x7fff_ffff),
        extra,
    }
}

fn write(body: &Body) -> Vec<u8> {
    // Only a map with keys that are not text could fail, and there is none.
    serde_json::to_vec(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Role;
    use serde_json::json;

    #[test]
    fn a_chat_request_says_what_was_set_and_no_more() {
        let turns =
            [Turn { role: Role::System, text: "Be brief." }, Turn { role: Role::User, text: "\"Hi\"\n" }];
        let bare = chat_request("m", &turns[1..], &Draw::default(), Dialect::default(), &Extra::default());
        assert_eq!(
            String::from_utf8(bare).unwrap(),
            r#"{"model":"m","messages":[{"role":"user","content":"\"Hi\"\n"}]}"#
        );

        let stop = ["END".to_owned()];
        let draw = Draw {
            temperature: Some(0.0),
            top_p: Some(0.9),
            max_tokens: Some(48),
            stop: &stop,
            seed: Some(u64::MAX),
        };
        let extra = Extra::new(json!({"reasoning_effort": "low"}).as_object().unwrap().clone()).unwrap();
        let full = chat_request("m", &turns, &draw, Dialect::default(), &extra);
        assert_eq!(
            String::from_utf8(full).unwrap(),
            r#"{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"\"Hi\"\n"}],"temperature":0.0,"top_p":0.9,"max_tokens":48,"stop":["END"],"seed":2147483647,"reasoning_effort":"low"}"#
        );

        let dialect = Dialect { max_completion_tokens: true, seed: false };
        let other = completion_request("m", "Once", &draw, dialect, &Extra::default());
        assert_eq!(
            String::from_utf8(other).unwrap(),
            r#"{"model":"m","prompt":"Once","temperature":0.0,"top_p":0.9,"max_completion_tokens":48,"stop":["END"]}"#
        );
    }
}
