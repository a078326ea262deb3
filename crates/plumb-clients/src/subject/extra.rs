//! `extra`: fields of the request body that only the provider knows, from TOML to JSON.

use plumb_study::{Fields, Result};
use serde_json::{Map, Value};

use super::endpoint::{holds_key, secretive};
use crate::wire::Extra;

/// Takes `extra`, empty if absent.
pub(super) fn take(fields: &mut Fields) -> Result<Extra> {
    match take_table(fields, "extra")? {
        None => Ok(Extra::default()),
        Some(body) => Extra::new(body).map_err(|e| fields.error(e)),
    }
}

/// Takes a table as JSON that holds no secret.
pub(super) fn take_json(fields: &mut Fields, key: &str) -> Result<Option<Value>> {
    Ok(take_table(fields, key)?.map(Value::Object))
}

fn take_table(fields: &mut Fields, key: &str) -> Result<Option<Map<String, Value>>> {
    let written = match fields.value(key) {
        None => return Ok(None),
        Some(toml::Value::Table(table)) => table,
        Some(other) => {
            return Err(fields.error(format!("`{key}` must be a table, found {}", other.type_str())));
        }
    };
    let mut body = Map::new();
    for (name, value) in written {
        match json(value) {
            Some(value) if holds_secret(&name, &value) => {
                return Err(fields
                    .error(format!(
                        "`{key}.{name}` holds what looks like a secret, which a plan must not hold"
                    ))
                    .help("send it in a header that names it: headers = { X-Api-Key = \"${NAME}\" }"));
            }
            Some(value) => body.insert(name, value),
            None => {
                return Err(fields.error(format!("`{key}.{name}` holds a date or a number that JSON lacks")));
            }
        };
    }
    Ok(Some(body))
}

/// A key under a telling name, or what looks like one under any.
fn holds_secret(name: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => holds_key(text) || (secretive(name) && text.len() >= 16),
        Value::Array(list) => list.iter().any(|v| holds_secret(name, v)),
        Value::Object(inner) => inner.iter().any(|(name, v)| holds_secret(name, v)),
        _ => false,
    }
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
