//! Request bodies.

use serde::Serialize;

use crate::wire::{Draw, Extra, Role, Turn};

/// The value of the `anthropic-version` header that this format is.
pub const VERSION: &str = "2023-06-01";

/// The limit of new tokens where a plan sets none, for the format demands one.
pub const DEFAULT_MAX_TOKENS: u32 = 1024;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    system: String,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(flatten)]
    extra: &'a Extra,
}

/// The body of a message. System turns are joined, for the format has one place for them; a seed is left out.
pub fn request(model: &str, turns: &[Turn], draw: &Draw, extra: &Extra) -> Vec<u8> {
    let (system, messages): (Vec<Turn>, Vec<Turn>) = turns.iter().partition(|t| t.role == Role::System);
    let system: Vec<&str> = system.iter().map(|t| t.text).collect();
    let body = Body {
        model,
        max_tokens: draw.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS),
        system: system.join("\n\n"),
        messages,
        temperature: draw.temperature,
        top_p: draw.top_p,
        stop_sequences: draw.stop,
        extra,
    };
    // Only a map with keys that are not text could fail, and there is none.
    serde_json::to_vec(&body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_turns_go_to_their_place() {
        let turn = |role, text| Turn { role, text };
        let turns = [
            turn(Role::System, "Be brief."),
            turn(Role::User, "Hi"),
            turn(Role::System, "Be kind."),
            turn(Role::Assistant, "Hello"),
        ];
        let stop = ["END".to_owned()];
        let draw = Draw { temperature: Some(0.5), top_p: None, max_tokens: None, stop: &stop, seed: Some(7) };
        let body = request("m", &turns, &draw, &Extra::default());
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"model":"m","max_tokens":1024,"system":"Be brief.\n\nBe kind.","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"}],"temperature":0.5,"stop_sequences":["END"]}"#
        );
    }
}
