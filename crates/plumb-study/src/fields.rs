//! Reading one table of a file that a person wrote: every key is taken by name and type, and what is left
//! over is an error that names it.
//!
//! serde's `flatten` and `deny_unknown_fields` do not combine, and kinds from other crates must read their
//! own keys from a table of the plan. So the common keys are taken first and the kind takes the rest.

use crate::error::{Error, Result};
use toml::{Table, Value};

/// A table being read.
pub struct Fields {
    place: String,
    table: Table,
    known: Vec<String>,
}

impl Fields {
    /// Starts to read `table`; `place` (file, line, table) goes before every message.
    pub fn new(place: impl Into<String>, table: Table) -> Fields {
        Fields { place: place.into(), table, known: Vec::new() }
    }

    /// Where this table stands.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// An error at this table.
    pub fn error(&self, message: impl std::fmt::Display) -> Error {
        Error::plan(message.to_string()).at(&self.place)
    }

    /// Whether the key is there and not taken yet.
    pub fn holds(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A value as it is written, whether it was looked for or not: it stays to be taken.
    pub fn written(&self, key: &str) -> Option<&Value> {
        self.table.get(key)
    }

    /// Takes any value.
    pub fn value(&mut self, key: &str) -> Option<Value> {
        self.known.push(key.to_owned());
        self.table.remove(key)
    }

    fn wrong(&self, key: &str, expected: &str, found: &Value) -> Error {
        self.error(format!("`{key}` must be {expected}, found {} `{found}`", found.type_str()))
    }

    fn missing(&self, key: &str, expected: &str) -> Error {
        let error = self.error(format!("`{key}` is missing ({expected})"));
        match self.table.keys().find(|k| close(k, key)) {
            Some(typo) => error.help(format!("`{typo}` is not a key; did you mean `{key}`?")),
            None => error,
        }
    }

    /// Takes a text, if there.
    pub fn text(&mut self, key: &str) -> Result<Option<String>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, "a text", &other)),
        }
    }

    /// Takes a text that must be there.
    pub fn need_text(&mut self, key: &str) -> Result<String> {
        self.text(key)?.ok_or_else(|| self.missing(key, "a text"))
    }

    /// Takes a whole number between `low` and `high`, if there.
    pub fn whole(&mut self, key: &str, low: i64, high: i64) -> Result<Option<i64>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Integer(n)) if (low..=high).contains(&n) => Ok(Some(n)),
            Some(other) => Err(self.wrong(key, &format!("a whole number from {low} to {high}"), &other)),
        }
    }

    /// Takes a number between `low` and `high`, if there.
    pub fn number(&mut self, key: &str, low: f64, high: f64) -> Result<Option<f64>> {
        let found = match self.value(key) {
            None => return Ok(None),
            Some(found) => found,
        };
        let number = match &found {
            Value::Integer(n) => *n as f64,
            Value::Float(x) => *x,
            _ => f64::NAN,
        };
        if number >= low && number <= high {
            Ok(Some(number))
        } else {
            Err(self.wrong(key, &format!("a number from {low} to {high}"), &found))
        }
    }

    /// Takes true or false, if there.
    pub fn flag(&mut self, key: &str) -> Result<Option<bool>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Boolean(b)) => Ok(Some(b)),
            Some(other) => Err(self.wrong(key, "true or false", &other)),
        }
    }

    /// Takes a list of texts, if there; one text counts as a list of one.
    pub fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(vec![text])),
            Some(Value::Array(list)) => list
                .into_iter()
                .map(|v| match v {
                    Value::String(text) => Ok(text),
                    other => Err(self.wrong(key, "a list of texts", &other)),
                })
                .collect::<Result<Vec<_>>>()
                .map(Some),
            Some(other) => Err(self.wrong(key, "a list of texts", &other)),
        }
    }

    /// Takes an inner table to be read the same way, if there.
    pub fn inner(&mut self, key: &str) -> Result<Option<Fields>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Fields::new(format!("{}, `{key}`", self.place), table))),
            Some(other) => Err(self.wrong(key, "a table", &other)),
        }
    }

    /// Takes a list of tables to be read the same way; empty if absent.
    pub fn inners(&mut self, key: &str) -> Result<Vec<Fields>> {
        match self.value(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => list
                .into_iter()
                .enumerate()
                .map(|(at, v)| match v {
                    Value::Table(table) => {
                        Ok(Fields::new(format!("{}, `{key}` {}", self.place, at + 1), table))
                    }
                    other => Err(self.wrong(key, "a list of tables", &other)),
                })
                .collect(),
            Some(other) => Err(self.wrong(key, "a list of tables", &other)),
        }
    }

    /// Takes a table of texts (numbers and booleans as they are written); empty if absent.
    pub fn levels(&mut self, key: &str) -> Result<crate::items::Levels> {
        let mut levels = crate::items::Levels::new();
        if let Some(inner) = self.inner(key)? {
            for (name, value) in inner.table {
                let level = match value {
                    Value::String(text) => text,
                    Value::Integer(n) => n.to_string(),
                    Value::Float(x) => x.to_string(),
                    Value::Boolean(b) => b.to_string(),
                    other => {
                        return Err(self.wrong(&format!("{key}.{name}"), "a text or number", &other));
                    }
                };
                levels.insert(name.into(), level.into());
            }
        }
        Ok(levels)
    }

    /// Takes one of `choices`, if there.
    pub fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Result<Option<T>> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        match choices.iter().find(|(name, _)| *name == text) {
            Some((_, choice)) => Ok(Some(*choice)),
            None => {
                let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
                Err(self.error(format!("`{key}` is \"{text}\"; it must be one of {}", names.join(", "))))
            }
        }
    }

    /// Names `subjects` in a table of items, unless it names some or its id is among `but`.
    pub(crate) fn give_subjects(&mut self, subjects: &[String], but: &[String]) {
        let id = self.table.get("id").and_then(Value::as_str);
        if !self.table.contains_key("subjects") && !id.is_some_and(|id| but.iter().any(|other| other == id)) {
            let names = subjects.iter().map(|name| Value::String(name.clone())).collect();
            self.table.insert("subjects".into(), Value::Array(names));
        }
    }

    /// Everything that is left, for a kind that passes settings through.
    pub fn rest(&mut self) -> Table {
        std::mem::take(&mut self.table)
    }

    /// Ends the reading: a key that nobody took is an error.
    pub fn finish(self) -> Result<()> {
        let Some(key) = self.table.keys().next() else { return Ok(()) };
        let error = self.error(format!("unknown key `{key}`"));
        Err(match self.known.iter().find(|k| close(k, key)) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(format!("known keys here: {}", self.known.join(", "))),
        })
    }
}

/// Whether one word is a slip of the other: at most two edits, or one begins the other.
pub(crate) fn close(a: &str, b: &str) -> bool {
    if a.len() >= 3 && b.len() >= 3 && (a.starts_with(b) || b.starts_with(a)) {
        return true;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()] <= 2.min(a.len() / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields {
        Fields::new("plan.toml:3: [[subject]]", text.parse().unwrap())
    }

    #[test]
    fn a_misspelt_key_names_the_near_one() {
        let mut f = fields("modle = 'x'");
        let error = f.need_text("model").unwrap_err();
        assert_eq!(error.to_string(), "plan.toml:3: [[subject]]: `model` is missing (a text)");
        assert_eq!(error.help_text(), Some("`modle` is not a key; did you mean `model`?"));
    }

    #[test]
    fn what_nobody_takes_is_an_error() {
        let mut f = fields("id = 'a'\ntemprature = 1");
        f.need_text("id").unwrap();
        f.number("temperature", 0.0, 2.0).unwrap();
        let error = f.finish().unwrap_err();
        assert_eq!(error.to_string(), "plan.toml:3: [[subject]]: unknown key `temprature`");
        assert_eq!(error.help_text(), Some("did you mean `temperature`?"));
    }

    #[test]
    fn a_wrong_type_says_what_was_found() {
        let mut f = fields("repeat = 'two'");
        let error = f.whole("repeat", 1, 9).unwrap_err();
        assert!(error.to_string().ends_with("must be a whole number from 1 to 9, found string `\"two\"`"));
    }
}
