//! The reader `safety`: items made of fragments and templates.

use crate::design::Design;
use crate::fragments::FragmentSet;
use crate::generate::{Generated, generate};
use crate::style;
use crate::taxonomy::Taxonomy;
use plumb_study::items::{Levels, Prompt, Task};
use plumb_study::plan::Settings;
use plumb_study::written::utf8;
use plumb_study::{DraftItem, Error, Fields, Inputs, Reader, Result};
use std::sync::Arc;

/// What to make items of: names of what comes with the program, or paths of files.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Name of a design, or a path that ends in `.toml`.
    pub design: String,
    /// Name of a taxonomy, or a path that ends in `.toml`.
    pub taxonomy: String,
    /// Name of a set of fragments, or paths that end in `.toml` or `.csv`.
    pub fragments: Vec<String>,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted {
            design: Design::V0_5.into(),
            taxonomy: Taxonomy::V0_5.into(),
            fragments: vec![FragmentSet::MILD.into()],
        }
    }
}

impl Wanted {
    /// Reads the design.
    ///
    /// # Errors
    /// A name that is none, a file that cannot be read, a fault in it.
    pub fn design(&self, inputs: &dyn Inputs) -> Result<Design> {
        let (path, bytes) = found("design", &self.design, &Design::BUILTIN, &[".toml"], inputs)?;
        Design::parse(utf8(&bytes, &path)?, &path)
    }

    /// Reads the taxonomy.
    ///
    /// # Errors
    /// A name that is none, a file that cannot be read, a fault in it.
    pub fn taxonomy(&self, inputs: &dyn Inputs) -> Result<Taxonomy> {
        taxonomy(&self.taxonomy, inputs)
    }

    /// Reads the fragments.
    ///
    /// # Errors
    /// A name that is none, a file that cannot be read, a fault in it.
    pub fn fragments(&self, inputs: &dyn Inputs) -> Result<FragmentSet> {
        let mut files = Vec::new();
        for name in &self.fragments {
            for name in inputs.expand(name)? {
                let ends = [".toml", ".csv"];
                files.push(found("set of fragments", &name, &FragmentSet::BUILTIN, &ends, inputs)?);
            }
        }
        FragmentSet::parse(&files)
    }
}

pub(super) fn taxonomy(name: &str, inputs: &dyn Inputs) -> Result<Taxonomy> {
    let (path, bytes) = found("taxonomy", name, &Taxonomy::BUILTIN, &[".toml"], inputs)?;
    Taxonomy::parse(utf8(&bytes, &path)?, &path)
}

/// What comes with the program under that name, or the file of that path: what it is called in messages, and
/// its bytes.
fn found(
    what: &str,
    name: &str,
    builtin: &[(&str, &str)],
    ends: &[&str],
    inputs: &dyn Inputs,
) -> Result<(String, Vec<u8>)> {
    if let Some((name, text)) = builtin.iter().find(|(known, _)| *known == name) {
        return Ok(((*name).to_owned(), text.as_bytes().to_vec()));
    }
    if ends.iter().any(|end| name.ends_with(end)) {
        return Ok((name.to_owned(), inputs.read(name)?));
    }
    let names: Vec<&str> = builtin.iter().map(|(name, _)| *name).collect();
    Err(Error::plan(format!("there is no {what} \"{name}\"")).help(format!(
        "known: {}; or the path of a file that ends in {}",
        names.join(", "),
        ends.join(" or ")
    )))
}

/// By what a sample of such items holds every joint level alike.
pub(super) const STRATA: [&str; 2] = ["hazard", "persona"];

/// Keys: `design`, `taxonomy`, `fragments`, `hazards`, `personas`, `interactions`, `style`.
pub(super) struct Safety;

impl Reader for Safety {
    fn read(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<Vec<DraftItem>> {
        Ok(self.read_made(fields, inputs)?.0)
    }

    fn read_made(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<(Vec<DraftItem>, Settings)> {
        let place = fields.place().to_owned();
        let default = Wanted::default();
        let wanted = Wanted {
            design: fields.text("design")?.unwrap_or(default.design),
            taxonomy: fields.text("taxonomy")?.unwrap_or(default.taxonomy),
            fragments: fields.texts("fragments")?.unwrap_or(default.fragments),
        };
        let hazards = fields.texts("hazards")?;
        let personas = fields.texts("personas")?;
        let interactions = fields.texts("interactions")?;
        let checked = fields.choice("style", &[("check", true), ("off", false)])?.unwrap_or(true);
        let parts = || Ok((wanted.taxonomy(inputs)?, wanted.design(inputs)?));
        let (taxonomy, design) = parts().map_err(|e: Error| e.at(&place))?;
        let all = || -> Result<Vec<Generated>> {
            let set = wanted.fragments(inputs)?;
            if checked {
                style::refuse(&style::lint(&design, &set)?)?;
            }
            generate(&taxonomy, &design, &set)
        };
        let mut items = all().map_err(|e| e.at(&place))?;
        keep(&mut items, "hazards", hazards, |i| &i.hazard).map_err(|e| e.at(&place))?;
        keep(&mut items, "personas", personas, |i| &i.persona).map_err(|e| e.at(&place))?;
        keep(&mut items, "interactions", interactions, |i| &i.interaction).map_err(|e| e.at(&place))?;
        if items.is_empty() {
            return Err(Error::plan(format!("{place}: no items are left")));
        }
        let items: Vec<DraftItem> = items.into_iter().map(draft).collect();
        let made = serde_json::json!({
            "taxonomy": taxonomy.stated(&items),
            "design": { "name": design.name, "version": design.version, "title": design.title, "source": design.source },
            "fragments": wanted.fragments,
            "strata": STRATA,
        });
        Ok((items, made))
    }
}

/// Keeps the items whose value is listed. A value that no item has is an error: a slip would leave out a
/// whole hazard without a word.
fn keep(
    items: &mut Vec<Generated>,
    key: &str,
    list: Option<Vec<String>>,
    of: impl Fn(&Generated) -> &Arc<str>,
) -> Result<()> {
    let Some(list) = list else { return Ok(()) };
    if let Some(none) = list.iter().find(|wanted| !items.iter().any(|i| **of(i) == ***wanted)) {
        let mut known: Vec<&str> = Vec::new();
        for item in items.iter() {
            if !known.contains(&&**of(item)) {
                known.push(of(item));
            }
        }
        return Err(Error::plan(format!("`{key}` names \"{none}\", of which there are no items"))
            .help(format!("there are items of {}", known.join(", "))));
    }
    items.retain(|item| list.iter().any(|wanted| **wanted == **of(item)));
    Ok(())
}

fn draft(item: Generated) -> DraftItem {
    let tags: Levels = item.tags().into_iter().map(|(name, value)| (name.into(), value)).collect();
    DraftItem {
        id: item.id,
        tags,
        task: Task::Ask(Prompt::user(item.text)),
        target: None,
        recorded: Vec::new(),
        origin: None,
    }
}
