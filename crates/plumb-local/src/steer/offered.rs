//! Vectors and autoencoders that a server lets its requests name.
//!
//! A request says how it is steered with the keys of a plan's table `steer`. It can name only what was offered when the server was
//! started: no request opens a file.

use super::{ControlVector, Found, Saes, Steer, Steering};
use plumb_lm::Model;
use plumb_study::{Error, Fields, Inputs, Result};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is offered, by name.
#[derive(Clone, Debug, Default)]
pub struct Offered {
    vectors: BTreeMap<String, Vec<u8>>,
    saes: BTreeMap<String, Found>,
}

impl Offered {
    /// Offers a control vector.
    ///
    /// # Errors
    /// Bytes that are none, or a name that is taken.
    pub fn vector(&mut self, name: &str, bytes: Vec<u8>) -> Result<()> {
        ControlVector::read(&bytes, name)?;
        self.free(name)?;
        self.vectors.insert(name.to_owned(), bytes);
        Ok(())
    }

    /// Offers an autoencoder.
    ///
    /// # Errors
    /// A name that is taken.
    pub fn sae(&mut self, name: &str, found: Found) -> Result<()> {
        self.free(name)?;
        self.saes.insert(name.to_owned(), found);
        Ok(())
    }

    fn free(&self, name: &str) -> Result<()> {
        match self.vectors.contains_key(name) || self.saes.contains_key(name) {
            true => Err(Error::plan(format!("two things to steer by are called \"{name}\""))),
            false => Ok(()),
        }
    }

    /// All names, vectors first.
    pub fn names(&self) -> Vec<&str> {
        self.vectors.keys().chain(self.saes.keys()).map(String::as_str).collect()
    }

    /// What a request asks for: a table, or a list of tables that are applied in turn.
    ///
    /// # Errors
    /// The first thing that is wrong with it, told to whoever asked.
    pub fn read(&self, field: &Value, model: &Model) -> Result<Vec<Steering>> {
        let tables: Vec<&Value> = match field {
            Value::Array(all) => all.iter().collect(),
            one => vec![one],
        };
        let one = |value: &Value| {
            let table: toml::Table = serde::Deserialize::deserialize(value).map_err(|error| {
                Error::plan(format!("\"steering\" is no object with the keys of a plan's `steer`: {error}"))
            })?;
            if table.contains_key("gate") {
                return Err(Error::plan("\"steering\" has a `gate`, which only a subject of a plan can have")
                    .help("whoever sends a request knows its prompt: decide there, and leave `steering` out where it is not wanted"));
            }
            Steer::read(Fields::new("\"steering\"", table), self, self)?.fit(model, self)
        };
        tables.into_iter().map(one).collect()
    }

    fn missing(&self, name: &str) -> Error {
        let names = self.names();
        let known = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        Error::plan(format!("\"{name}\" is not offered by this server"))
            .help(format!("offered: {known}; `plumb serve --vector NAME=FILE` and `--sae NAME` offer more"))
    }
}

impl Inputs for Offered {
    fn read(&self, name: &str) -> Result<Vec<u8>> {
        self.vectors.get(name).cloned().ok_or_else(|| self.missing(name))
    }

    fn expand(&self, name: &str) -> Result<Vec<String>> {
        Ok(vec![name.to_owned()])
    }
}

impl Saes for Offered {
    fn find(&self, name: &str) -> Result<Found> {
        self.saes.get(name).cloned().ok_or_else(|| self.missing(name))
    }
}
