//! A request's body as a plan writes it: JSON with places that each exchange fills.
//!
//! `{{prompt}}` is the last thing the user says, `{{system}}` the instructions, `{{turns}}` the whole conversation as a
//! list of `{ role, content }`, `{{session}}` one name for all turns of a conversation; `{{seed}}`, `{{temperature}}`,
//! `{{top_p}}` and `{{max_tokens}}` are numbers, and a field whose number the plan does not set is left out.

use plumb_study::items::{Role, Turn};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::wire::Draw;

/// What can be filled in within a longer text.
const TEXTS: [&str; 4] = ["prompt", "system", "session", "seed"];
/// What stands alone as a value.
const VALUES: [&str; 4] = ["turns", "temperature", "top_p", "max_tokens"];

/// A body with places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Template(Value);

/// What fills the places.
pub(super) struct Slots<'a> {
    pub turns: &'a [Turn],
    pub session: &'a str,
    pub draw: &'a Draw<'a>,
}

impl Template {
    /// Checks every place.
    pub(super) fn new(body: Value) -> Result<Template, String> {
        check(&body)?;
        let template = Template(body);
        if template.has("prompt") || template.has_turns() {
            Ok(template)
        } else {
            Err("`body` has no place for what is asked: {{prompt}} or {{turns}}".into())
        }
    }

    pub(super) fn has_turns(&self) -> bool {
        self.has("turns")
    }

    pub(super) fn has_session(&self) -> bool {
        self.has("session")
    }

    pub(super) fn has_system(&self) -> bool {
        self.has("system")
    }

    fn has(&self, name: &str) -> bool {
        fn within(value: &Value, place: &str) -> bool {
            match value {
                Value::String(text) => text.contains(place),
                Value::Array(list) => list.iter().any(|v| within(v, place)),
                Value::Object(fields) => fields.values().any(|v| within(v, place)),
                _ => false,
            }
        }
        within(&self.0, &format!("{{{{{name}}}}}"))
    }

    /// The body of one request.
    pub(super) fn fill(&self, slots: &Slots) -> Value {
        fill(&self.0, slots).unwrap_or(Value::Null)
    }
}

/// Pieces of a text: plain ones, and names between `{{` and `}}`.
fn pieces(text: &str) -> Result<Vec<(bool, &str)>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let inside = &rest[open + 2..];
        let close = inside.find("}}").ok_or_else(|| format!("\"{text}\" has {{{{ without }}}}"))?;
        found.push((false, &rest[..open]));
        found.push((true, &inside[..close]));
        rest = &inside[close + 2..];
    }
    found.push((false, rest));
    Ok(found.into_iter().filter(|(place, piece)| *place || !piece.is_empty()).collect())
}

fn check(value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) => {
            let pieces = pieces(text)?;
            let alone = pieces.len() == 1;
            for (_, name) in pieces.iter().filter(|(place, _)| *place) {
                if VALUES.contains(name) && !alone {
                    return Err(format!(
                        "{{{{{name}}}}} is no text: it must be a value of its own, not part of \"{text}\""
                    ));
                }
                if !TEXTS.contains(name) && !VALUES.contains(name) {
                    return Err(format!(
                        "{{{{{name}}}}} is not known; there are {}, {}",
                        TEXTS.join(", "),
                        VALUES.join(", ")
                    ));
                }
            }
            Ok(())
        }
        Value::Array(list) => list.iter().try_for_each(check),
        Value::Object(fields) => fields.values().try_for_each(check),
        _ => Ok(()),
    }
}

/// A value with its places filled; `None` where it is a place for something that is not set.
fn fill(value: &Value, slots: &Slots) -> Option<Value> {
    Some(match value {
        Value::String(text) => match pieces(text).as_deref() {
            Ok([(true, name)]) => slots.value(name)?,
            Ok(pieces) => pieces
                .iter()
                .map(|(place, p)| if *place { slots.text(p) } else { (*p).to_owned() })
                .collect::<String>()
                .into(),
            Err(_) => value.clone(),
        },
        Value::Array(list) => list.iter().filter_map(|v| fill(v, slots)).collect(),
        Value::Object(fields) => {
            let filled = fields.iter().filter_map(|(name, v)| Some((name.clone(), fill(v, slots)?)));
            Value::Object(filled.collect::<Map<_, _>>())
        }
        other => other.clone(),
    })
}

impl Slots<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        Some(match name {
            "turns" => {
                self.turns.iter().map(|t| json!({ "role": t.role.name(), "content": &*t.text })).collect()
            }
            "seed" => self.draw.seed?.into(),
            "temperature" => json!(self.draw.temperature?),
            "top_p" => json!(self.draw.top_p?),
            "max_tokens" => self.draw.max_tokens?.into(),
            "system" => self.system()?.into(),
            text => self.text(text).into(),
        })
    }

    fn text(&self, name: &str) -> String {
        match name {
            "prompt" => {
                let said = self.turns.iter().rev().find(|t| t.role == Role::User);
                said.map_or_else(String::new, |t| t.text.to_string())
            }
            "system" => self.system().unwrap_or_default(),
            "session" => self.session.to_owned(),
            "seed" => self.draw.seed.map_or_else(String::new, |s| s.to_string()),
            _ => String::new(),
        }
    }

    fn system(&self) -> Option<String> {
        let said: Vec<&str> =
            self.turns.iter().filter(|t| t.role == Role::System).map(|t| &*t.text).collect();
        (!said.is_empty()).then(|| said.join("\n\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(role: Role, text: &str) -> Turn {
        Turn { role, text: text.into() }
    }

    #[test]
    fn places_are_filled_and_what_is_not_set_is_left_out() {
        let turns = [
            turn(Role::System, "Be brief."),
            turn(Role::User, "one {{x}}"),
            turn(Role::Assistant, "two"),
            turn(Role::User, "three"),
        ];
        let draw = Draw { temperature: Some(0.5), seed: Some(7), ..Draw::default() };
        let slots = Slots { turns: &turns, session: "s1", draw: &draw };
        for (body, wanted) in [
            (json!({"m": "{{prompt}}", "id": "chat-{{session}}"}), json!({"m": "three", "id": "chat-s1"})),
            (
                json!({"m": "{{prompt}}", "t": "{{temperature}}", "n": "{{max_tokens}}"}),
                json!({"m": "three", "t": 0.5}),
            ),
            (
                json!({"m": ["{{system}}", "{{prompt}}"], "seed": "{{seed}}", "k": 1}),
                json!({"m": ["Be brief.", "three"], "seed": 7, "k": 1}),
            ),
            (
                json!({"all": "{{turns}}"}),
                json!({"all": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "one {{x}}"},
                    {"role": "assistant", "content": "two"}, {"role": "user", "content": "three"}]}),
            ),
            (json!({"m": "Q: {{prompt}} {not} a } place"}), json!({"m": "Q: three {not} a } place"})),
        ] {
            assert_eq!(Template::new(body).unwrap().fill(&slots), wanted);
        }
    }

    #[test]
    fn what_cannot_be_filled_is_refused_with_its_reason() {
        for (body, says) in [
            (json!({"m": "hello"}), "no place for what is asked"),
            (json!({"m": "{{promt}}"}), "{{promt}} is not known"),
            (json!({"m": "all: {{turns}}"}), "a value of its own"),
            (json!({"m": "{{prompt}"}), "without }}"),
        ] {
            let problem = Template::new(body.clone()).unwrap_err();
            assert!(problem.contains(says), "{body}: {problem}");
        }
    }
}
