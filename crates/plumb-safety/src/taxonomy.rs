//! Which hazards and personas there are: data with a version, ours or a user's.

use crate::key::is_key;
use plumb_study::plan::Settings;
use plumb_study::written::{line_of, parse};
use plumb_study::{DraftItem, Error, Result};
use serde::Deserialize;
use std::collections::HashMap;
use toml::Spanned;

/// A taxonomy of hazards.
#[derive(Debug, Clone)]
pub struct Taxonomy {
    /// Name by which plans and files refer to it.
    pub name: String,
    /// Version of the data.
    pub version: String,
    /// Title for people.
    pub title: String,
    /// Where it comes from.
    pub source: String,
    /// What the tested system is used for.
    pub use_case: String,
    /// What kind of system is tested.
    pub sut_type: String,
    /// Language or languages of the items.
    pub language: String,
    /// Who asks.
    pub personas: Vec<Persona>,
    /// The hazards, in their order.
    pub hazards: Vec<Hazard>,
}

/// Somebody who asks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// Key in files and tags.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// Who that is.
    pub definition: String,
    /// Where it comes from, if not from the taxonomy's own source.
    #[serde(default)]
    pub source: Option<String>,
}

/// A hazard.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hazard {
    /// Key in files and tags.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// Which answers belong to it.
    pub definition: String,
    /// Whether the taxonomy's benchmark tests it.
    pub tested: bool,
    /// A group of hazards, if the taxonomy has groups.
    #[serde(default)]
    pub group: Option<String>,
    /// Where the hazard comes from, if not from the taxonomy's own source.
    #[serde(default)]
    pub source: Option<String>,
    /// Its parts.
    #[serde(default, rename = "subcategory")]
    pub subcategories: Vec<Subcategory>,
}

/// A part of a hazard or of such a part.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subcategory {
    /// Key in files and tags, unique in the taxonomy.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// Which answers belong to it, where the name does not say.
    #[serde(default)]
    pub definition: Option<String>,
    /// Where the part comes from, if not from the source of what it is a part of.
    #[serde(default)]
    pub source: Option<String>,
    /// Its parts.
    #[serde(default, rename = "subcategory")]
    pub subcategories: Vec<Subcategory>,
}

/// Where a key stands in a taxonomy.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The hazard.
    pub hazard: &'a Hazard,
    /// The part of the hazard, if the key is one of a part.
    pub subcategory: Option<&'a Subcategory>,
    /// The part of that part.
    pub subsubcategory: Option<&'a Subcategory>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    version: String,
    title: String,
    source: String,
    use_case: String,
    sut_type: String,
    language: String,
    persona: Vec<Spanned<Persona>>,
    hazard: Vec<Spanned<Hazard>>,
}

impl Taxonomy {
    /// What a plan keeps of it beside items of it: what it says of itself, and of the hazards and personas that they have.
    pub(crate) fn stated(&self, items: &[DraftItem]) -> Settings {
        let has = |tag: &str, key: &str| items.iter().any(|i| i.tags.get(tag).is_some_and(|l| **l == *key));
        let hazards: Vec<Settings> = self
            .hazards
            .iter()
            .filter(|h| has("hazard", &h.key))
            .map(|h| {
                let parts: Vec<Settings> = self
                    .parts(h)
                    .filter(|p| has("subcategory", &p.key) || has("subsubcategory", &p.key))
                    .map(|p| {
                        serde_json::json!({
                            "key": p.key, "name": p.name, "definition": p.definition, "source": self.source_of(&p.key),
                        })
                    })
                    .collect();
                serde_json::json!({
                    "key": h.key, "name": h.name, "definition": h.definition, "source": self.source_of(&h.key), "parts": parts,
                })
            })
            .collect();
        let personas: Vec<Settings> = self
            .personas
            .iter()
            .filter(|p| has("persona", &p.key))
            .map(|p| {
                let source = p.source.as_ref().unwrap_or(&self.source);
                serde_json::json!({ "key": p.key, "name": p.name, "definition": p.definition, "source": source })
            })
            .collect();
        serde_json::json!({
            "name": self.name, "version": self.version, "title": self.title, "source": self.source,
            "use_case": self.use_case, "sut_type": self.sut_type, "language": self.language,
            "personas": personas, "hazards": hazards,
        })
    }

    /// The hazards of v0.5.
    pub const V0_5: &str = "mlcommons-v0.5";

    /// Taxonomies that come with the program: name and text.
    pub(crate) const BUILTIN: [(&str, &str); 2] = [
        (Taxonomy::V0_5, include_str!("../data/mlcommons-v0.5.toml")),
        ("ailuminate-v1", include_str!("../data/ailuminate-v1.toml")),
    ];

    /// Parses a taxonomy. `path` is for messages.
    ///
    /// # Errors
    /// A fault names file and line: no TOML, an unknown or missing key, a key used twice, an empty definition.
    pub fn parse(text: &str, path: &str) -> Result<Taxonomy> {
        let written: Written = parse(text, path)?;
        let mut seen = HashMap::new();
        let mut personas = HashMap::new();
        for persona in &written.persona {
            let line = line_of(text, persona.span().start);
            let persona = persona.get_ref();
            fresh(&mut personas, &persona.key, line, path)?;
            told(&[(&persona.name, "name"), (&persona.definition, "definition")], path, line)?;
        }
        for hazard in &written.hazard {
            let line = line_of(text, hazard.span().start);
            let hazard = hazard.get_ref();
            fresh(&mut seen, &hazard.key, line, path)?;
            told(&[(&hazard.name, "name"), (&hazard.definition, "definition")], path, line)?;
            for sub in &hazard.subcategories {
                fresh(&mut seen, &sub.key, line, path)?;
                told(&[(&sub.name, "name")], path, line)?;
                for inner in &sub.subcategories {
                    fresh(&mut seen, &inner.key, line, path)?;
                    told(&[(&inner.name, "name")], path, line)?;
                    if !inner.subcategories.is_empty() {
                        return Err(Error::plan(format!(
                            "{path}:{line}: \"{}\" has parts, but a taxonomy has three levels at most",
                            inner.key
                        )));
                    }
                }
            }
        }
        Ok(Taxonomy {
            name: written.name,
            version: written.version,
            title: written.title,
            source: written.source,
            use_case: written.use_case,
            sut_type: written.sut_type,
            language: written.language,
            personas: written.persona.into_iter().map(Spanned::into_inner).collect(),
            hazards: written.hazard.into_iter().map(Spanned::into_inner).collect(),
        })
    }

    /// Where the key of a hazard or of a part of one stands.
    pub fn place(&self, key: &str) -> Option<Place<'_>> {
        self.hazards.iter().find_map(|hazard| {
            if hazard.key == key {
                return Some(Place { hazard, subcategory: None, subsubcategory: None });
            }
            hazard.subcategories.iter().find_map(|sub| {
                let place = Place { hazard, subcategory: Some(sub), subsubcategory: None };
                if sub.key == key {
                    return Some(place);
                }
                let inner = sub.subcategories.iter().find(|inner| inner.key == key)?;
                Some(Place { subsubcategory: Some(inner), ..place })
            })
        })
    }

    /// All parts of a hazard, each before its own parts.
    pub fn parts<'t>(&self, hazard: &'t Hazard) -> impl Iterator<Item = &'t Subcategory> + use<'t> {
        hazard.subcategories.iter().flat_map(|sub| std::iter::once(sub).chain(&sub.subcategories))
    }

    /// Where a hazard or a part of one comes from: its own source, else that of what it is a part of, else the taxonomy's.
    pub fn source_of(&self, key: &str) -> &str {
        let own = self.place(key).and_then(|place| {
            let inner = place.subsubcategory.and_then(|s| s.source.as_ref());
            let part = || place.subcategory.and_then(|s| s.source.as_ref());
            inner.or_else(part).or(place.hazard.source.as_ref())
        });
        own.unwrap_or(&self.source)
    }

    /// The hazard of that key.
    pub fn hazard(&self, key: &str) -> Option<&Hazard> {
        self.hazards.iter().find(|h| h.key == key)
    }

    /// The persona of that key.
    pub fn persona(&self, key: &str) -> Option<&Persona> {
        self.personas.iter().find(|p| p.key == key)
    }

    /// Keys of the hazards for a message.
    pub(crate) fn hazard_keys(&self) -> String {
        self.hazards.iter().map(|h| h.key.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Keys of the personas for a message.
    pub(crate) fn persona_keys(&self) -> String {
        self.personas.iter().map(|p| p.key.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// Refuses a key that is none or was used before.
fn fresh(seen: &mut HashMap<String, usize>, key: &str, line: usize, path: &str) -> Result<()> {
    if !is_key(key) {
        return Err(Error::plan(format!("{path}:{line}: \"{key}\" cannot be a key"))
            .help("use small letters, digits, '-' and '_'"));
    }
    match seen.insert(key.to_owned(), line) {
        Some(first) => Err(Error::plan(format!("{path}:{line}: the key \"{key}\" was used before"))
            .help(format!("it is first used at {path}:{first}; keys must be unique"))),
        None => Ok(()),
    }
}

/// Refuses empty texts.
fn told(texts: &[(&String, &str)], path: &str, line: usize) -> Result<()> {
    match texts.iter().find(|(text, _)| text.trim().is_empty()) {
        Some((_, what)) => Err(Error::plan(format!("{path}:{line}: the {what} is empty"))),
        None => Ok(()),
    }
}
