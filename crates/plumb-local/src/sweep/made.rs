//! A direction or latent that is there to be tried.

use super::latent::ABLATE;
use super::{Chosen, Sweep, WantedLatent};
use crate::search::Search;
use toml::{Table, Value};

/// What is tried, at some strengths.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Its id, `random-1` for instance.
    pub id: String,
    /// What it is a control of, for a random one.
    pub like: Option<String>,
    /// How strongly.
    pub strengths: Vec<f64>,
    /// The keys of the table `steer` but strength and positions.
    keys: Table,
    /// The key that the strength is.
    strength: &'static str,
    /// What that is multiplied by: a control is to write as long a vector as what it is a control of.
    by: f64,
}

impl Made {
    /// A control vector; `path` is whole or counts from the plan's folder.
    pub fn along(sweep: &Sweep, id: &str, like: Option<&str>, path: &str) -> Made {
        let keys = [("vector", path), ("mode", &sweep.mode), ("unit", &sweep.unit)];
        let mut keys: Table = keys.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
        if sweep.keep_norm {
            keys.insert("keep_norm".into(), true.into());
        }
        let strengths = sweep.strengths.clone();
        Made {
            id: id.to_owned(),
            like: like.map(str::to_owned),
            strengths,
            keys,
            strength: "strength",
            by: 1.0,
        }
    }

    /// A control vector of a row of length one, that is added as strongly as a latent is clamped in raw units.
    pub fn push(id: &str, like: &str, path: &str, strengths: Vec<f64>) -> Made {
        let keys = [("vector", path), ("mode", "add"), ("unit", "raw")];
        Made {
            id: id.to_owned(),
            like: Some(like.to_owned()),
            strengths,
            keys: keys.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect(),
            strength: "strength",
            by: 1.0,
        }
    }

    /// Latents, at their own strengths or the sweep's.
    pub fn latents(sweep: &Sweep, wanted: &WantedLatent, chosen: &Chosen) -> Made {
        let mut keys = wanted.manner.clone();
        keys.insert("sae".into(), chosen.sae.clone().into());
        let latents: Vec<i64> = chosen.latents.iter().map(|latent| *latent as i64).collect();
        keys.insert("latents".into(), latents.into());
        if matches!(wanted.change, "clamp" | "add") {
            keys.insert("unit".into(), wanted.unit.name().into());
        }
        let found =
            chosen.strength.filter(|(_, unit)| *unit == wanted.unit).map(|(strength, _)| vec![strength]);
        let strengths = wanted.strengths.clone().or(found).unwrap_or_else(|| sweep.strengths.clone());
        Made { id: wanted.id.clone(), like: None, strengths, keys, strength: wanted.change, by: 1.0 }
    }

    /// A candidate of a search.
    pub fn candidate(search: &Search, latent: usize) -> Made {
        let mut keys = Table::new();
        keys.insert("sae".into(), search.sae.clone().into());
        keys.insert("latents".into(), vec![latent as i64].into());
        keys.insert("unit".into(), search.unit.name().into());
        let id = format!("latent-{latent}");
        Made { id, like: None, strengths: search.strengths.clone(), keys, strength: "clamp", by: 1.0 }
    }

    /// The same with other latents in their place, as a control at some of the strengths, times `by`.
    #[must_use]
    pub fn with_latents(&self, id: &str, latents: &[usize], by: f64, strengths: Vec<f64>) -> Made {
        let mut keys = self.keys.clone();
        let numbers: Vec<i64> = latents.iter().map(|latent| *latent as i64).collect();
        keys.insert("latents".into(), numbers.into());
        let (id, like) = (id.to_owned(), Some(self.id.clone()));
        Made { id, like, strengths, keys, strength: self.strength, by }
    }

    /// The control vector's file, of a direction.
    pub fn file(&self) -> Option<&str> {
        self.keys.get("vector")?.as_str()
    }

    /// The table `steer` of a subject.
    pub(super) fn table(&self, strength: f64, positions: &str) -> Table {
        let mut table = self.keys.clone();
        let value: Value = if self.strength == ABLATE { true.into() } else { (strength * self.by).into() };
        table.insert(self.strength.into(), value);
        table.insert("positions".into(), positions.into());
        table
    }
}
