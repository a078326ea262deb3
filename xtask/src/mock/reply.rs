//! The bytes of replies, good and bad, in each wire format.
//!
//! Written by hand into one buffer: a tree of JSON values for every request would be most of the
//! server's work.

use std::io::Write as _;

use bytes::Bytes;

use crate::hash::Fnv;
use crate::request::{Asked, Wire};

/// What the server says to a conversation whose last message of the user is `last_user`:
/// `echo <fingerprint of the text>:` and `tokens` words. A harness compares with this.
#[must_use]
pub fn reply_text(last_user: &str, tokens: u32) -> String {
    let mut hasher = Fnv::new();
    hasher.part(last_user.as_bytes());
    let mut text = format!("echo {:016x}:", hasher.finish());
    for n in 0..tokens {
        text.push(' ');
        text.push_str(WORDS[n as usize % WORDS.len()]);
    }
    text
}

const WORDS: [&str; 8] = ["plumb", "line", "level", "true", "wall", "stone", "cord", "bob"];

/// Content and finish reason of a reply that is well-formed JSON of its wire format.
pub(crate) enum Content<'a> {
    Text(&'a str),
    /// Null with the reason that the tokens ran out.
    NullLength,
    /// Null with the reason that a filter stepped in.
    NullFiltered,
    /// The field that holds the answer is null, or left out.
    NoChoices {
        null: bool,
    },
}

/// A successful reply's body.
pub(crate) fn success(wire: Wire, asked: &Asked, tokens: u32, content: &Content<'_>) -> Bytes {
    let mut out = Vec::with_capacity(512);
    let result = match wire {
        Wire::Anthropic => anthropic(&mut out, asked, tokens, content),
        Wire::Chat | Wire::Completion => openai(&mut out, wire, asked, tokens, content),
    };
    debug_assert!(result.is_ok(), "writing to a vector does not fail");
    Bytes::from(out)
}

fn openai(
    out: &mut Vec<u8>,
    wire: Wire,
    asked: &Asked,
    tokens: u32,
    content: &Content<'_>,
) -> std::io::Result<()> {
    let chat = wire == Wire::Chat;
    let (id, object) = if chat { ("chatcmpl", "chat.completion") } else { ("cmpl", "text_completion") };
    write!(out, r#"{{"id":"{id}-{:016x}","object":"{object}","created":1700000000,"model":"#, asked.key.0)?;
    serde_json::to_writer(&mut *out, &asked.model)?;
    let (text, finish) = match content {
        Content::Text(text) => (Some(*text), "stop"),
        Content::NullLength => (None, "length"),
        Content::NullFiltered => (None, "content_filter"),
        Content::NoChoices { null } => {
            out.extend_from_slice(if *null { br#","choices":null"# } else { b"" });
            return openai_usage(out, asked, tokens);
        }
    };
    let before = if chat { r#""message":{"role":"assistant","content":"# } else { r#""text":"# };
    write!(out, r#","choices":[{{"index":0,{before}"#)?;
    serde_json::to_writer(&mut *out, &text)?;
    let after = if chat { "}" } else { "" };
    write!(out, r#"{after},"logprobs":null,"finish_reason":"{finish}"}}]"#)?;
    openai_usage(out, asked, tokens)
}

fn openai_usage(out: &mut Vec<u8>, asked: &Asked, tokens: u32) -> std::io::Result<()> {
    let prompt = asked.words as u64;
    write!(
        out,
        r#","usage":{{"prompt_tokens":{prompt},"completion_tokens":{tokens},"total_tokens":{}}}}}"#,
        prompt + u64::from(tokens)
    )
}

fn anthropic(out: &mut Vec<u8>, asked: &Asked, tokens: u32, content: &Content<'_>) -> std::io::Result<()> {
    write!(out, r#"{{"id":"msg_{:016x}","type":"message","role":"assistant","model":"#, asked.key.0)?;
    serde_json::to_writer(&mut *out, &asked.model)?;
    let stop = match content {
        Content::Text(text) => {
            out.extend_from_slice(br#","content":[{"type":"text","text":"#);
            serde_json::to_writer(&mut *out, text)?;
            out.extend_from_slice(b"}]");
            "end_turn"
        }
        Content::NullLength => {
            out.extend_from_slice(br#","content":[]"#);
            "max_tokens"
        }
        Content::NullFiltered => {
            out.extend_from_slice(br#","content":[]"#);
            "refusal"
        }
        Content::NoChoices { null } => {
            out.extend_from_slice(if *null { br#","content":null"# } else { b"" });
            "end_turn"
        }
    };
    write!(
        out,
        r#","stop_reason":"{stop}","stop_sequence":null,"usage":{{"input_tokens":{},"output_tokens":{tokens}}}}}"#,
        asked.words
    )
}

/// An error body in the provider's style. `code` is what clients decide by.
pub(crate) fn error(wire: Wire, kind: &str, code: Option<&str>, message: &str) -> Bytes {
    let value = if wire == Wire::Anthropic {
        serde_json::json!({"type": "error", "error": {"type": kind, "message": message}})
    } else {
        serde_json::json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
    };
    Bytes::from(value.to_string())
}

/// The page that a proxy puts in place of an answer.
pub(crate) const HTML: &str = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n\
    <body><h1>502 Bad Gateway</h1><p>The upstream server sent no valid reply.</p></body></html>\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request;
    use serde_json::Value;

    fn asked() -> Asked {
        request::read(Wire::Chat, br#"{"model":"m\"1","messages":[{"role":"user","content":"a b c"}]}"#)
            .unwrap()
    }

    #[test]
    fn every_shape_is_json_with_usage() {
        let contents = [
            Content::Text("say \"x\"\n"),
            Content::NullLength,
            Content::NullFiltered,
            Content::NoChoices { null: true },
        ];
        for wire in [Wire::Chat, Wire::Completion, Wire::Anthropic] {
            for content in &contents {
                let value: Value = serde_json::from_slice(&success(wire, &asked(), 8, content)).unwrap();
                assert_eq!(value["model"], "m\"1");
                let usage = &value["usage"];
                let prompt =
                    if wire == Wire::Anthropic { &usage["input_tokens"] } else { &usage["prompt_tokens"] };
                assert_eq!(prompt, 3);
            }
        }
    }

    #[test]
    fn the_answer_sits_where_each_format_has_it() {
        let read = |wire| -> Value {
            serde_json::from_slice(&success(wire, &asked(), 8, &Content::Text("hi"))).unwrap()
        };
        assert_eq!(read(Wire::Chat)["choices"][0]["message"]["content"], "hi");
        assert_eq!(read(Wire::Completion)["choices"][0]["text"], "hi");
        assert_eq!(read(Wire::Anthropic)["content"][0]["text"], "hi");
    }

    #[test]
    fn the_text_follows_from_the_prompt() {
        assert_eq!(reply_text("a", 2), reply_text("a", 2));
        assert_ne!(reply_text("a", 2), reply_text("b", 2));
        assert!(reply_text("a", 2).ends_with(": plumb line"));
    }
}
