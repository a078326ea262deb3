//! Rows of JSON lines and of JSON lists.
//!
//! Why its own parsing: of a key that occurs twice in an object, the library keeps the last value without a word. In a row of prompts or
//! labels that is a slip of whoever wrote the file, and which of the two was meant nobody knows; so it is an error, at any depth.

use super::rows::Row;
use crate::error::{Error, Result};
use crate::written::unmarked;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// One object a line; empty lines are passed over.
pub(super) fn json_lines(text: &str, path: &str) -> Result<Vec<Row>> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| {
            let place = format!("{path}:{}", at + 1);
            unmarked(line, &place)?;
            // The parser saw one line, and its number is not that of the file.
            let wrong = |e: serde_json::Error| {
                Error::plan(format!(
                    "{place}: {}",
                    e.to_string().replace(" at line 1 column ", " at column ")
                ))
            };
            json_row(serde_json::from_str::<Once>(line).map_err(wrong)?.0, place)
        })
        .collect()
}

/// A list of objects, which may stand in the field `records`.
pub(super) fn json_rows(text: &str, path: &str, records: Option<&str>) -> Result<Vec<Row>> {
    let Once(mut value) =
        serde_json::from_str(text).map_err(|e| Error::plan(format!("{path}:{}: {e}", e.line())))?;
    if let Some(field) = records {
        value = value.get_mut(field).map(Value::take).ok_or_else(|| {
            Error::plan(format!("{path}: has no field \"{field}\""))
                .help("`records` names the field that holds the rows")
        })?;
    }
    let Value::Array(list) = value else {
        return Err(Error::plan(format!("{path}: expected a list of objects"))
            .help("name the field that holds the rows: records = \"…\""));
    };
    list.into_iter().enumerate().map(|(at, v)| json_row(v, format!("{path}, row {}", at + 1))).collect()
}

/// Scalars become text; null becomes the empty text; lists and objects stay JSON.
fn json_row(value: Value, place: String) -> Result<Row> {
    let Value::Object(object) = value else {
        return Err(Error::plan(format!("{place}: expected an object")));
    };
    let values = object
        .into_iter()
        .map(|(name, value)| {
            let text = match value {
                Value::String(text) => text,
                Value::Null => String::new(),
                other => other.to_string(),
            };
            (name.into(), text.into())
        })
        .collect();
    Ok(Row { place, values })
}

/// A value in whose objects each key occurs once.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        from.deserialize_any(Seen).map(Once)
    }
}

struct Seen;

impl<'de> Visitor<'de> for Seen {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Once(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> std::result::Result<Value, A::Error> {
        let mut known = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            if known.contains_key(&key) {
                return Err(A::Error::custom(format!("the key \"{key}\" occurs twice in one object")));
            }
            known.insert(key, object.next_value::<Once>()?.0);
        }
        Ok(known.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_occurs_twice_is_named_with_its_line() {
        let lines = "{\"id\": 1, \"prompt\": \"a\"}\n\n{\"id\": 2, \"prompt\": \"a\", \"prompt\": \"b\"}\n";
        let error = json_lines(lines, "f.jsonl").err().unwrap().to_string();
        assert_eq!(error, "f.jsonl:3: the key \"prompt\" occurs twice in one object at column 33");
        let list = "[{\"id\": 1},\n {\"id\": {\"a\": 1,\n \"a\": 2}}]";
        let error = json_rows(list, "f.json", None).err().unwrap().to_string();
        assert!(error.starts_with("f.json:3: the key \"a\" occurs twice in one object"), "{error}");
    }

    #[test]
    fn values_are_read_as_they_stand() {
        let line = r#"{"a": "x\ny", "b": null, "c": 1.5, "d": -3, "e": 18446744073709551615, "f": true, "g": [1, {"h": []}]}"#;
        let rows = json_lines(line, "f").unwrap();
        let values: Vec<String> = rows[0].values.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            values,
            ["a=x\ny", "b=", "c=1.5", "d=-3", "e=18446744073709551615", "f=true", "g=[1,{\"h\":[]}]"]
        );
    }
}
