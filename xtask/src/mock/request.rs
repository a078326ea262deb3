//! What was asked: the little of a request's body that the reply and the counts depend on.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use crate::hash::{Fnv, Key};

/// The three wire formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Chat,
    Completion,
    Anthropic,
}

/// A request, understood.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) model: String,
    pub(crate) key: Key,
    /// The text that the reply answers: the last message of the user.
    pub(crate) last_user: String,
    /// Words of all messages; reported as prompt tokens.
    pub(crate) words: usize,
}

#[derive(Deserialize)]
struct Body {
    model: String,
    #[serde(default)]
    system: Text,
    #[serde(default)]
    messages: Vec<Message>,
    #[serde(default)]
    prompt: Text,
    #[serde(default)]
    stream: bool,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Text,
}

/// Text as endpoints accept it: a string, null, a list of strings, or a list of parts with a `text`.
#[derive(Default)]
struct Text(String);

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of text parts")
            }
            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }
            fn visit_unit<E>(self) -> Result<Text, E> {
                Ok(Text::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Text, A::Error> {
                let mut text = String::new();
                while let Some(part) = parts.next_element::<Part>()? {
                    text.push_str(&part.text);
                }
                Ok(Text(text))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// Reads a body. The error is a sentence for the client's 400.
pub(crate) fn read(wire: Wire, body: &[u8]) -> Result<Asked, String> {
    let body: Body =
        serde_json::from_slice(body).map_err(|error| format!("the body is not a request: {error}"))?;
    if body.stream {
        return Err("this server does not stream; leave out `stream`".to_owned());
    }
    let mut messages = body.messages;
    if wire == Wire::Completion {
        messages = vec![Message { role: "user".to_owned(), content: body.prompt }];
    }
    let mut hasher = Fnv::new();
    let mut words = 0;
    hasher.part(body.model.as_bytes());
    if !body.system.0.is_empty() {
        hasher.part(b"system");
        hasher.part(body.system.0.as_bytes());
        words += body.system.0.split_whitespace().count();
    }
    for message in &messages {
        hasher.part(message.role.as_bytes());
        hasher.part(message.content.0.as_bytes());
        words += message.content.0.split_whitespace().count();
    }
    let last_user = messages.into_iter().rev().find(|message| message.role == "user");
    let Some(last_user) = last_user else {
        return Err("no message of the user in the request".to_owned());
    };
    Ok(Asked { model: body.model, key: Key(hasher.finish()), last_user: last_user.content.0, words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_one_that_a_harness_computes() {
        let chat = r#"{"model":"m","temperature":0.0,"messages":[{"role":"system","content":"be brief"},
            {"role":"user","content":[{"type":"text","text":"zw\u00f6lf "},{"type":"text","text":"Boxer"}]}]}"#;
        let asked = read(Wire::Chat, chat.as_bytes()).unwrap();
        assert_eq!(asked.key, Key::of("m", &[("system", "be brief"), ("user", "zwölf Boxer")]));
        assert_eq!((asked.last_user.as_str(), asked.words), ("zwölf Boxer", 4));

        let anthropic =
            r#"{"model":"m","system":"be brief","messages":[{"role":"user","content":"zwölf Boxer"}]}"#;
        assert_eq!(read(Wire::Anthropic, anthropic.as_bytes()).unwrap().key, asked.key);

        let completion = read(Wire::Completion, br#"{"model":"m","prompt":"once"}"#).unwrap();
        assert_eq!(completion.key, Key::of("m", &[("user", "once")]));
    }

    #[test]
    fn what_is_no_request_is_said_to_be_none() {
        for (body, says) in [
            (r#"{"model":"m","messages":[]}"#, "no message of the user"),
            (r#"{"messages":[{"role":"user","content":"x"}]}"#, "model"),
            (r#"{"model":"m","stream":true,"prompt":"x"}"#, "stream"),
            ("<html>", "not a request"),
        ] {
            let error = read(Wire::Chat, body.as_bytes()).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
