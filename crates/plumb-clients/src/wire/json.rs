//! Reading JSON that others wrote: quick when it is as it should be, patient when only what does not
//! matter is odd, and with a name for each way of being broken.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use super::{Failed, Fault, Head};

/// Parts of a reply that a measurement can do without.
const DISPENSABLE: [&str; 2] = ["usage", "model"];

/// Reads a body and hands it to `then`. Where only a dispensable part is odd, that part is left out.
pub(crate) fn read<T, R>(head: &Head, body: &[u8], then: impl FnOnce(T) -> R) -> Result<R, Failed>
where
    T: for<'de> Deserialize<'de>,
{
    let error = match serde_json::from_slice::<T>(body) {
        Ok(parsed) => return Ok(then(parsed)),
        Err(error) => error,
    };
    match error.classify() {
        Category::Data => {}
        Category::Eof if !body.trim_ascii().is_empty() => {
            return Err(Failed::new(Fault::Truncated, error.to_string()));
        }
        _ => return Err(not_json(head, body)),
    }
    let malformed =
        |e: &serde_json::Error| Failed::new(Fault::Malformed { what: super::trimmed(&e.to_string()) }, "");
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
        return Err(not_json(head, body));
    };
    if let Value::Object(fields) = &mut value {
        fields.retain(|name, _| !DISPENSABLE.contains(&name.as_str()));
    }
    T::deserialize(&value).map(then).map_err(|_| malformed(&error))
}

/// Names what came instead of JSON.
pub(crate) fn not_json(head: &Head, body: &[u8]) -> Failed {
    let text = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    let kind = head.content_type.map(|t| t.split(';').next().unwrap_or_default().trim());
    if let Some(title) = page_title(head, &text) {
        return Failed::new(Fault::HtmlPage, title);
    }
    if text.trim().is_empty() {
        return Failed::new(Fault::NotJson, "the body is empty");
    }
    match kind {
        Some(kind) if !kind.ends_with("json") => {
            let found = super::trimmed(kind);
            Failed::new(Fault::WrongContentType { found }, text)
        }
        _ => Failed::new(Fault::NotJson, text),
    }
}

/// If this is a web page: its title, or its beginning.
pub(crate) fn page_title(head: &Head, text: &str) -> Option<String> {
    let said =
        head.content_type.is_some_and(|t| t.trim_start().to_ascii_lowercase().starts_with("text/html"));
    let start = text.trim_start();
    let looks = start.get(..9).is_some_and(|s| s.eq_ignore_ascii_case("<!doctype"))
        || start.get(..5).is_some_and(|s| s.eq_ignore_ascii_case("<html"));
    if !(looks || said && start.starts_with('<')) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|from| {
        let from = from + "<title>".len();
        let to = lower[from..].find("</title>")?;
        Some(text[from..from + to].to_owned())
    });
    Some(title.unwrap_or_else(|| text.to_owned()))
}

/// Text of a reply, borrowed where it has no escapes.
#[derive(Debug, Default)]
pub(crate) struct Text(pub Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Text)
    }
}

/// Text, nothing, or a list of parts of which those with text count.
struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("text, null or a list of parts")
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Some(text))
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut whole: Option<String> = None;
        while let Some(Part(text)) = parts.next_element()? {
            if let Some(text) = text {
                whole.get_or_insert_default().push_str(&text);
            }
        }
        Ok(whole)
    }
}

struct Part(Option<String>);

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PartVisitor;
        impl<'de> Visitor<'de> for PartVisitor {
            type Value = Part;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a part with text")
            }
            fn visit_str<E>(self, text: &str) -> Result<Part, E> {
                Ok(Part(Some(text.to_owned())))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Part, A::Error> {
                let mut text = None;
                while let Some(key) = fields.next_key::<Cow<'de, str>>()? {
                    if key == "text" {
                        text = fields.next_value::<Option<String>>()?;
                    } else {
                        fields.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Part(text))
            }
        }
        deserializer.deserialize_any(PartVisitor)
    }
}

/// A field that is there and not null; what it holds does not matter.
#[derive(Debug, Default)]
pub(crate) struct Present(pub bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Present(Option::<IgnoredAny>::deserialize(deserializer)?.is_some()))
    }
}
