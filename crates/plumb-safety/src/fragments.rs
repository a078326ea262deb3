//! Fragments of sentences: what a person writes to get items, in TOML or CSV.

use crate::key::is_key;
use crate::taxonomy::Taxonomy;
use plumb_study::items::{Row, csv_rows};
use plumb_study::written::{line_of, parse, utf8};
use plumb_study::{Error, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use toml::Spanned;

/// What a fragment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Something that is done: "steal from a shop".
    Activity,
    /// Something that is held to be true: "most people are honest".
    Viewpoint,
    /// A viewpoint that is only asked about openly, never expressed by the user.
    OpenViewpoint,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 3] = [Kind::Activity, Kind::Viewpoint, Kind::OpenViewpoint];

    /// Name in files.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Activity => "activity",
            Kind::Viewpoint => "viewpoint",
            Kind::OpenViewpoint => "open-viewpoint",
        }
    }
}

/// A fragment of a sentence.
#[derive(Debug, Clone)]
pub struct Fragment {
    /// Unique name, part of the ids of its items.
    pub id: Arc<str>,
    /// The hazard's key.
    pub hazard: Arc<str>,
    /// Key of a part of the hazard, on either level.
    pub subcategory: Option<Arc<str>>,
    /// The persona's key.
    pub persona: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// The words, with `{slot}` where an entity goes.
    pub text: Arc<str>,
    /// File and line, for messages.
    pub place: String,
}

/// A gap in fragments, and what may fill it.
#[derive(Debug, Clone)]
pub struct Slot {
    /// Name of the gap.
    pub name: Arc<str>,
    /// What stands there where an interaction type is not expanded over entities.
    pub plain: Arc<str>,
    /// What fills it, in order.
    pub entities: Vec<Entity>,
}

/// Something that fills a slot.
#[derive(Debug, Clone)]
pub struct Entity {
    /// Key, part of the ids of items.
    pub key: Arc<str>,
    /// The words.
    pub text: Arc<str>,
}

/// Fragments and slots.
#[derive(Debug, Clone, Default)]
pub struct FragmentSet {
    /// The fragments, in the order of the files.
    pub fragments: Vec<Fragment>,
    /// The slots.
    pub slots: Vec<Slot>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    // Said for people and for later versions of the program; nothing follows from them here.
    #[serde(default, rename = "name")]
    _name: Option<String>,
    #[serde(default, rename = "version")]
    _version: Option<String>,
    #[serde(default, rename = "source")]
    _source: Option<String>,
    #[serde(default, rename = "taxonomy")]
    _taxonomy: Option<String>,
    #[serde(default)]
    slots: BTreeMap<String, Spanned<WrittenSlot>>,
    #[serde(default)]
    fragment: Vec<Spanned<WrittenFragment>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFragment {
    id: String,
    hazard: String,
    #[serde(default)]
    subcategory: Option<String>,
    persona: String,
    kind: Kind,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSlot {
    plain: String,
    entities: toml::Table,
}

/// Columns of a CSV file of fragments; `subcategory` may be missing or empty.
const COLUMNS: [&str; 5] = ["id", "hazard", "persona", "kind", "text"];

/// A column of another name would be passed over in silence, and a mistyped `subcategory` with it.
fn known_columns(first: Option<&Row>, path: &str) -> Result<()> {
    let known = |column: &&str| COLUMNS.contains(column) || *column == "subcategory";
    match first.into_iter().flat_map(Row::columns).find(|column| !known(column)) {
        None => Ok(()),
        Some(other) => Err(Error::plan(format!("{path}:1: no column of fragments is called \"{other}\""))
            .help(format!("columns: {}, and subcategory if wanted", COLUMNS.join(", ")))),
    }
}

impl FragmentSet {
    /// Our own set.
    pub const MILD: &str = "mild";

    /// Sets that come with the program: name and text.
    pub(crate) const BUILTIN: [(&str, &str); 1] =
        [(FragmentSet::MILD, include_str!("../data/fragments-mild.toml"))];

    /// Reads files, in TOML or (by the name's end) CSV, as one set: path and content of each.
    ///
    /// # Errors
    /// A fault names file and line: no TOML or CSV, a column or key that is missing, an id or a text used
    /// twice, a slot that no file describes.
    pub fn parse(files: &[(String, Vec<u8>)]) -> Result<FragmentSet> {
        let mut set = FragmentSet::default();
        for (path, bytes) in files {
            if path.ends_with(".csv") {
                let rows = csv_rows(bytes, path)?;
                known_columns(rows.first(), path)?;
                set.fragments.extend(rows.iter().map(from_row).collect::<Result<Vec<_>>>()?);
            } else {
                set.add_toml(utf8(bytes, path)?, path)?;
            }
        }
        set.check()?;
        if set.fragments.is_empty() {
            let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
            return Err(Error::plan(format!("{}: no fragment", paths.join(", "))).help(format!(
                "a CSV file with the columns {}, or TOML with [[fragment]]",
                COLUMNS.join(", ")
            )));
        }
        Ok(set)
    }

    fn add_toml(&mut self, text: &str, path: &str) -> Result<()> {
        let written: Written = parse(text, path)?;
        for (name, spanned) in written.slots {
            let place = format!("{path}:{}", line_of(text, spanned.span().start));
            if !is_key(&name) || self.slot(&name).is_some() {
                return Err(Error::plan(format!("{place}: \"{name}\" cannot be this slot's name"))
                    .help("small letters, digits, '-' and '_', and no other slot of that name"));
            }
            let slot = spanned.into_inner();
            let entities = entities(slot.entities).map_err(|e| e.at(place))?;
            self.slots.push(Slot { name: name.into(), plain: slot.plain.into(), entities });
        }
        for spanned in written.fragment {
            let place = format!("{path}:{}", line_of(text, spanned.span().start));
            let f = spanned.into_inner();
            self.fragments.push(Fragment {
                id: f.id.into(),
                hazard: f.hazard.into(),
                subcategory: f.subcategory.map(Into::into),
                persona: f.persona.into(),
                kind: f.kind,
                text: f.text.into(),
                place,
            });
        }
        Ok(())
    }

    /// The slot of that name.
    pub fn slot(&self, name: &str) -> Option<&Slot> {
        self.slots.iter().find(|s| &*s.name == name)
    }

    /// The slots of a fragment, in the order of its words.
    pub(crate) fn slots_of(&self, fragment: &Fragment) -> Result<Vec<&Slot>> {
        let mut slots = Vec::new();
        let mut rest = &*fragment.text;
        while let Some((_, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(|| {
                Error::plan(format!("{}: the text has a '{{' without '}}'", fragment.place))
            })?;
            let slot = self.slot(name).ok_or_else(|| {
                let names: Vec<&str> = self.slots.iter().map(|s| &*s.name).collect();
                Error::plan(format!("{}: no slot is called \"{name}\"", fragment.place)).help(format!(
                    "describe it in a TOML file of the set: [slots.{name}]; known: {}",
                    names.join(", ")
                ))
            })?;
            if slots.iter().any(|s: &&Slot| s.name == slot.name) {
                return Err(Error::plan(format!("{}: the slot \"{name}\" occurs twice", fragment.place)));
            }
            slots.push(slot);
            rest = after;
        }
        Ok(slots)
    }

    fn check(&self) -> Result<()> {
        let mut ids: HashMap<&str, &str> = HashMap::new();
        let mut texts: HashMap<(Kind, &str), Vec<&Fragment>> = HashMap::new();
        for fragment in &self.fragments {
            let place = &fragment.place;
            if !is_key(&fragment.id) {
                return Err(Error::plan(format!("{place}: \"{}\" cannot be an id", fragment.id))
                    .help("use small letters, digits, '-' and '_'"));
            }
            if fragment.text.trim().is_empty() {
                return Err(Error::plan(format!("{place}: the text is empty")));
            }
            if let Some(first) = ids.insert(&fragment.id, place) {
                return Err(Error::plan(format!("{place}: the id \"{}\" was used before", fragment.id))
                    .help(format!("it is first used at {first}; ids must be unique")));
            }
            // A prompt belongs to one hazard only (arXiv 2404.12241). Two personas may say the same.
            let same = texts.entry((fragment.kind, &fragment.text)).or_default();
            let clash = |f: &&&Fragment| f.hazard != fragment.hazard || f.persona == fragment.persona;
            if let Some(first) = same.iter().find(clash) {
                return Err(Error::plan(format!("{place}: the same text is at {}", first.place))
                    .help("a prompt belongs to one hazard, and asking it twice measures nothing new"));
            }
            same.push(fragment);
            self.slots_of(fragment)?;
        }
        Ok(())
    }

    /// Checks that hazards, parts and personas of all fragments are in the taxonomy.
    pub(crate) fn fits(&self, taxonomy: &Taxonomy) -> Result<()> {
        for fragment in &self.fragments {
            let place = &fragment.place;
            let Some(hazard) = taxonomy.hazard(&fragment.hazard) else {
                return Err(Error::plan(format!(
                    "{place}: {} has no hazard \"{}\"",
                    taxonomy.name, fragment.hazard
                ))
                .help(format!("its hazards: {}", taxonomy.hazard_keys())));
            };
            if taxonomy.persona(&fragment.persona).is_none() {
                return Err(Error::plan(format!(
                    "{place}: {} has no persona \"{}\"",
                    taxonomy.name, fragment.persona
                ))
                .help(format!("its personas: {}", taxonomy.persona_keys())));
            }
            if let Some(key) = &fragment.subcategory
                && !taxonomy.place(key).is_some_and(|p| p.hazard.key == hazard.key && p.subcategory.is_some())
            {
                return Err(Error::plan(format!("{place}: {} has no part \"{key}\"", hazard.name))
                    .help("leave `subcategory` out, or name one of the taxonomy's parts of this hazard"));
            }
        }
        Ok(())
    }
}

/// Keys with words, in the order of the file.
fn entities(written: toml::Table) -> Result<Vec<Entity>> {
    let mut entities: Vec<Entity> = Vec::with_capacity(written.len());
    for (key, value) in written {
        let toml::Value::String(text) = value else {
            return Err(Error::plan(format!("the entity `{key}` must be a text")));
        };
        if !is_key(&key) || text.trim().is_empty() {
            return Err(Error::plan(format!("the entity `{key}` needs a key and words"))
                .help("a key has small letters, digits, '-' and '_'"));
        }
        if let Some(other) = entities.iter().find(|e| *e.text == *text) {
            return Err(Error::plan(format!("the entities `{}` and `{key}` are the same words", other.key)));
        }
        entities.push(Entity { key: key.into(), text: text.into() });
    }
    if entities.is_empty() {
        return Err(Error::plan("a slot needs at least one entity"));
    }
    Ok(entities)
}

fn from_row(row: &Row) -> Result<Fragment> {
    let place = row.place.clone();
    let need = |column: &str| {
        row.get(column).cloned().ok_or_else(|| {
            Error::plan(format!("{place}: no column \"{column}\"")).help(format!(
                "a file of fragments has the columns {}, and subcategory if wanted",
                COLUMNS.join(", ")
            ))
        })
    };
    let [id, hazard, persona, kind, text] = COLUMNS.map(need);
    let kind = kind?;
    let kind = Kind::ALL.into_iter().find(|k| k.name() == &*kind).ok_or_else(|| {
        Error::plan(format!("{place}: \"{kind}\" is no kind of fragment"))
            .help("kinds: activity, viewpoint, open-viewpoint")
    })?;
    let subcategory = row.get("subcategory").filter(|s| !s.is_empty()).cloned();
    Ok(Fragment { id: id?, hazard: hazard?, subcategory, persona: persona?, kind, text: text?, place })
}
