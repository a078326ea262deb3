//! Faults of a study file, all of them, each with its line and key.
//!
//! A check says in which table a fault is, of which id, and at which key; [`Lines`] finds the place in the text.

use std::fmt::Display;

use plumb_study::written::line_of;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, Result};

/// What is wrong, collected.
#[derive(Debug, Default)]
pub(super) struct Faults {
    list: Vec<Fault>,
}

#[derive(Debug)]
struct Fault {
    table: &'static str,
    /// The id of one of several tables, or a key of a table of tables; empty where there is one.
    id: String,
    key: &'static str,
    message: String,
}

/// Where faults of one table belong.
pub(super) struct Place<'a> {
    faults: &'a mut Faults,
    table: &'static str,
    id: String,
}

impl Faults {
    /// Opens a table: `[table]` with an empty id, or the one of `[[table]]` with this id.
    pub fn of(&mut self, table: &'static str, id: &str) -> Place<'_> {
        Place { faults: self, table, id: id.to_owned() }
    }

    /// Nothing where nothing is wrong, else one error that lists all.
    pub fn into_result(self, text: &str, name: &str) -> Result<()> {
        if self.list.is_empty() {
            return Ok(());
        }
        let lines = Lines::new(text);
        let mut said: Vec<(usize, String)> = self.list.iter().map(|f| (lines.of(f), f.words())).collect();
        said.sort_by_key(|(line, _)| *line);
        let said: Vec<String> = said
            .into_iter()
            .map(|(line, words)| match line {
                0 => format!("{name}: {words}"),
                line => format!("{name}: line {line}: {words}"),
            })
            .collect();
        Err(Error::new(said.join("\n")))
    }
}

impl Fault {
    fn words(&self) -> String {
        let place =
            [self.table, &self.id].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ");
        match self.key {
            "" => format!("{place}: {}", self.message),
            key => format!("{place}: {key}: {}", self.message),
        }
    }
}

impl Place<'_> {
    /// A fault at a key (empty: at the table as a whole).
    pub fn fault(&mut self, key: &'static str, message: impl Display) {
        let fault = Fault { table: self.table, id: self.id.clone(), key, message: message.to_string() };
        self.faults.list.push(fault);
    }

    /// A fault where a name is not among those that there are.
    pub fn known<'a>(
        &mut self,
        key: &'static str,
        what: &str,
        id: &str,
        ids: impl Iterator<Item = &'a str>,
    ) -> bool {
        let ids: Vec<&str> = ids.collect();
        let there = ids.contains(&id);
        if !there && ids.is_empty() {
            self.fault(key, format!("there is no {what} {id}, and the file has none at all"));
        } else if !there {
            self.fault(key, format!("there is no {what} {id}; there are {}", listed(&ids)));
        }
        there
    }

    /// A fault for what failed.
    pub fn take<T, E: Display>(&mut self, key: &'static str, result: std::result::Result<T, E>) -> Option<T> {
        result.map_err(|error| self.fault(key, error)).ok()
    }
}

/// Names with commas between them, the first of very many.
fn listed(names: &[&str]) -> String {
    const MOST: usize = 20;
    match names.len().checked_sub(MOST) {
        Some(more @ 1..) => format!("{} and {more} more", names[..MOST].join(", ")),
        _ => names.join(", "),
    }
}

/// Finds lines of tables and keys.
struct Lines<'t> {
    text: &'t str,
    root: Option<toml::Spanned<DeTable<'t>>>,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str) -> Lines<'t> {
        Lines { text, root: DeTable::parse(text).ok() }
    }

    /// From 1; 0 where the place is not in the text.
    fn of(&self, fault: &Fault) -> usize {
        self.span(fault).map_or(0, |at| line_of(self.text, at))
    }

    fn span(&self, fault: &Fault) -> Option<usize> {
        let root = self.root.as_ref()?.get_ref();
        let (key, value) = root.get_key_value(fault.table)?;
        let start = key.span().start;
        let (table, start) = match value.get_ref() {
            DeValue::Array(list) => {
                let mut same = list.iter().filter(|entry| named(entry.get_ref(), &fault.id));
                // Of two that share an id the second is the one to mend.
                let first = same.next();
                let one = same.next().or(first);
                (one?.get_ref().as_table(), one.map_or(start, |e| e.span().start))
            }
            DeValue::Table(table) if fault.id.is_empty() => (Some(table), start),
            DeValue::Table(table) => match table.get_key_value(fault.id.as_str()) {
                Some((key, value)) => (value.get_ref().as_table(), key.span().start),
                None => (None, start),
            },
            _ => (None, start),
        };
        let key = table.filter(|_| !fault.key.is_empty()).and_then(|t| t.get_key_value(fault.key));
        Some(key.map_or(start, |(key, _)| key.span().start))
    }
}

fn named(value: &DeValue<'_>, id: &str) -> bool {
    value.as_table().and_then(|t| t.get("id")).and_then(|v| v.get_ref().as_str()) == Some(id)
}
