//! `extra`: fields of the request body that only the provider knows, from TOML to JSON.

use plumb_study::{Fields, Result};
use serde_json::{Map, Value};

use crate::wire::Extra;

/// Takes `extra`, empty if absent.
pub(super) fn take(fields: &mut Fields) -> Result<Extra> {
    let written = match fields.value("extra") {
        None => return Ok(Extra::default()),
        Some(toml::Value::Table(table)) => table,
        Some(other) => {
            return Err(fields.error(format!("`extra` must be a table, found {}", other.type_str())));
        }
    };
    let mut body = Map::new();
    for (name, value) in written {
        match json(value) {
            Some(value) => body.insert(name, value),
            None => {
                return Err(fields.error(format!("`extra.{name}` holds a date or a number that JSON lacks")));
            }
        };
    }
    Extra::new(body).map_err(|e| fields.error(e))
}

fn json(value: toml::Value) -> Option<Value> {
    Some(match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(n) => n.into(),
        toml::Value::Float(x) => serde_json::Number::from_f64(x)?.into(),
        toml::Value::Boolean(b) => b.into(),
        toml::Value::Datetime(_) => return None,
        toml::Value::Array(list) => Value::Array(list.into_iter().map(json).collect::<Option<_>>()?),
        toml::Value::Table(table) => {
            let fields = table.into_iter().map(|(name, value)| Some((name, json(value)?)));
            Value::Object(fields.collect::<Option<_>>()?)
        }
    })
}
