//! Rows of a published prompt set, checked, as items.

use super::presets::Preset;
use super::safety::{STRATA, taxonomy};
use crate::taxonomy::Taxonomy;
use plumb_study::items::{Levels, Prompt, Row, Task, csv_rows, no_rows};
use plumb_study::plan::Settings;
use plumb_study::{DraftItem, Error, Fields, Inputs, Reader, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// Keys: `path`, `only`, `without`, `drop`, `empty`; `taxonomy` where the set has hazards; `persona` where
/// the file does not say who asks.
pub(super) struct Published(pub(super) Preset);

/// What a plan says of a set.
struct Asked {
    only: Option<Vec<String>>,
    without: Vec<String>,
    drop: Vec<String>,
    skip_empty: bool,
    persona: Option<Arc<str>>,
    taxonomy: Option<Taxonomy>,
}

impl Reader for Published {
    fn read(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<Vec<DraftItem>> {
        Ok(self.read_made(fields, inputs)?.0)
    }

    fn read_made(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<(Vec<DraftItem>, Settings)> {
        let preset = &self.0;
        let place = fields.place().to_owned();
        let written =
            fields.texts("path")?.ok_or_else(|| fields.error("`path` is missing (the file to read)"))?;
        let mut asked = Asked {
            only: fields.texts("only")?,
            without: fields.texts("without")?.unwrap_or_default(),
            drop: fields.texts("drop")?.unwrap_or_default(),
            skip_empty: fields.choice("empty", &[("error", false), ("skip", true)])?.unwrap_or(false),
            persona: None,
            taxonomy: None,
        };
        if preset.persona {
            asked.persona = fields.text("persona")?.map(Into::into);
        }
        if let Some(default) = preset.taxonomy {
            let name = fields.text("taxonomy")?.unwrap_or_else(|| default.to_owned());
            asked.taxonomy = Some(taxonomy(&name, inputs).map_err(|e| e.at(&place))?);
        }
        if let (Some(persona), Some(taxonomy)) = (&asked.persona, &asked.taxonomy)
            && taxonomy.persona(persona).is_none()
        {
            return Err(Error::plan(format!("{place}: {} has no persona \"{persona}\"", taxonomy.name))
                .help(format!("its personas: {}", taxonomy.persona_keys())));
        }
        let mut table = Table {
            preset,
            asked,
            items: Vec::new(),
            ids: HashMap::new(),
            texts: HashMap::new(),
            rows: HashMap::new(),
        };
        let mut groups = Vec::new();
        for path in &written {
            for path in inputs.expand(path).map_err(|e| e.at(&place))? {
                let bytes = inputs.read(&path).map_err(|e| e.at(&place))?;
                let rows = csv_rows(&bytes, &path)?;
                if rows.is_empty() {
                    return Err(no_rows(&path));
                }
                for row in rows {
                    table.add(&row, &mut groups)?;
                }
            }
        }
        let stated = table.asked.taxonomy.clone();
        let items = table.finish(&groups, &place)?;
        let made = stated.map_or(
            Settings::Null,
            |t| serde_json::json!({ "taxonomy": t.stated(&items), "strata": STRATA }),
        );
        Ok((items, made))
    }
}

/// Items so far, and where their ids and texts stand.
struct Table<'a> {
    preset: &'a Preset,
    asked: Asked,
    items: Vec<DraftItem>,
    ids: HashMap<String, String>,
    texts: HashMap<String, String>,
    /// Rows of each group so far.
    rows: HashMap<Arc<str>, usize>,
}

impl Table<'_> {
    fn need<'r>(&self, row: &'r Row, column: &str) -> Result<&'r Arc<str>> {
        let value = row.get(column).ok_or_else(|| {
            Error::plan(format!("{}: no column \"{column}\"", row.place))
                .help(format!("the reader \"{}\" reads files with the columns of that set", self.preset.name))
        })?;
        // Where files were put one after another, the second one's mark stands in the middle.
        if value.contains('\u{feff}') {
            return Err(Error::plan(format!("{}: a byte order mark inside \"{column}\"", row.place))
                .help("files were joined with their marks; remove all but the first"));
        }
        Ok(value)
    }

    fn add(&mut self, row: &Row, groups: &mut Vec<String>) -> Result<()> {
        let preset = self.preset;
        let n = self.ids.len() + 1;
        let name = match preset.id {
            Some(column) => self.need(row, column)?.to_string(),
            None => n.to_string(),
        };
        if name.trim().is_empty() {
            return Err(Error::plan(format!("{}: the id is empty", row.place)));
        }
        let id = format!("{}{name}", preset.prefix);
        if let Some(first) = self.ids.insert(id.clone(), row.place.clone()) {
            return Err(Error::plan(format!("{}: the id \"{id}\" was used before", row.place))
                .help(format!("it is first used at {first}; ids must be unique")));
        }
        let prompt = self.need(row, preset.prompt)?;
        if prompt.trim().is_empty() {
            if self.asked.skip_empty {
                return Ok(());
            }
            return Err(Error::plan(format!("{}: the prompt is empty", row.place))
                .help("empty = \"skip\" leaves such rows out"));
        }
        let text = match preset.context.map(|column| self.need(row, column)).transpose()? {
            Some(context) if !context.trim().is_empty() => format!("{context}\n\n{prompt}"),
            _ => prompt.to_string(),
        };
        let (mut tags, names) = self.tags(row)?;
        if let Some(pair) = self.pair(row)? {
            tags.insert("pair".into(), pair.into());
        }
        let listed = |list: &[String]| names.iter().any(|name| list.contains(name));
        let kept = self.asked.only.as_deref().is_none_or(listed)
            && !listed(&self.asked.without)
            && !self.asked.drop.contains(&id);
        for name in names {
            if !groups.contains(&name) {
                groups.push(name);
            }
        }
        if !kept {
            return Ok(());
        }
        if let Some(first) = self.texts.insert(text.clone(), row.place.clone()) {
            return Err(Error::plan(format!("{}: the same prompt is at {first}", row.place))
                .help(format!("leave one out: drop = [\"{id}\"]")));
        }
        let task = Task::Ask(Prompt::user(text));
        self.items.push(DraftItem { id, tags, task, target: None, recorded: Vec::new(), origin: None });
        Ok(())
    }

    /// The pair of a question and its contrast that a row belongs to, such as `homonyms 3`.
    fn pair(&mut self, row: &Row) -> Result<Option<String>> {
        let group = self.need(row, self.preset.group.column)?.clone();
        let count = self.rows.entry(group.clone()).or_default();
        *count += 1;
        let contrasts = self.preset.contrasts.iter();
        let pair = contrasts.copied().find(|(one, other)| *one == &*group || *other == &*group);
        Ok(pair.map(|(one, _)| format!("{one} {count}")))
    }

    /// The row's tags, and the names by which `only` and `without` may call it.
    fn tags(&self, row: &Row) -> Result<(Levels, Vec<String>)> {
        let preset = self.preset;
        let value = self.need(row, preset.group.column)?;
        let mut tags = Levels::new();
        let mut names = vec![value.to_string()];
        match &self.asked.taxonomy {
            None => {
                tags.insert(preset.group.tag.into(), value.clone());
            }
            Some(taxonomy) => {
                let place = taxonomy.place(value).ok_or_else(|| {
                    Error::plan(format!("{}: {} has no hazard \"{value}\"", row.place, taxonomy.name))
                        .help(format!("its hazards: {}", taxonomy.hazard_keys()))
                })?;
                tags.insert("hazard".into(), place.hazard.key.as_str().into());
                names.push(place.hazard.key.clone());
                // As with generated items, every item has the tag.
                let sub = place.subcategory.map_or(&place.hazard.key, |sub| &sub.key);
                tags.insert("subcategory".into(), sub.as_str().into());
                names.push(sub.clone());
            }
        }
        for tag in preset.tags {
            let value = self.need(row, tag.column)?;
            if let (Some(taxonomy), "persona") = (&self.asked.taxonomy, tag.tag)
                && taxonomy.persona(value).is_none()
            {
                return Err(Error::plan(format!(
                    "{}: {} has no persona \"{value}\"",
                    row.place, taxonomy.name
                ))
                .help(format!("its personas: {}", taxonomy.persona_keys())));
            }
            if !value.is_empty() {
                tags.insert(tag.tag.into(), value.clone());
            }
        }
        if let Some(persona) = &self.asked.persona {
            tags.insert("persona".into(), persona.clone());
        }
        Ok((tags, names))
    }

    /// The items, if every name that the plan lists is one of the file: a slip would let in what was to be
    /// left out.
    fn finish(self, known: &[String], place: &str) -> Result<Vec<DraftItem>> {
        let lists =
            [("only", self.asked.only.as_deref().unwrap_or_default()), ("without", &self.asked.without)];
        for (key, list) in lists {
            if let Some(none) = list.iter().find(|name| !known.contains(name)) {
                return Err(Error::plan(format!("{place}: `{key}` names \"{none}\", which no row has"))
                    .help(format!("rows have {}", known.join(", "))));
            }
        }
        if let Some(none) = self.asked.drop.iter().find(|id| !self.ids.contains_key(*id)) {
            return Err(Error::plan(format!("{place}: `drop` names \"{none}\", which is no row's id")));
        }
        if self.items.is_empty() {
            return Err(Error::plan(format!("{place}: no items are left")));
        }
        Ok(self.items)
    }
}
