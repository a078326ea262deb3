//! Inputs from memory and folders, a reader asked by its table, and what comes with the program.

use plumb_safety::validate::{GroupCounts, SampleDesign, ValidationFile};
use plumb_safety::{Design, FragmentSet, Taxonomy, Wanted};
use plumb_study::{DraftItem, Error, Fields, Inputs, Registry, Result};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Files from memory.
#[derive(Default)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    pub fn with(mut self, path: &str, text: impl AsRef<[u8]>) -> Files {
        self.0.insert(path.into(), text.as_ref().to_vec());
        self
    }
}

impl Inputs for Files {
    fn read(&self, path: &str) -> Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| Error::plan(format!("there is no file {path}")))
    }

    fn expand(&self, path: &str) -> Result<Vec<String>> {
        Ok(vec![path.to_owned()])
    }
}

/// Files of a folder.
pub struct Folder(pub PathBuf);

impl Inputs for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>> {
        std::fs::read(self.0.join(path)).map_err(|e| Error::plan(format!("{path}: {e}")))
    }

    fn expand(&self, path: &str) -> Result<Vec<String>> {
        Ok(vec![path.to_owned()])
    }
}

/// The folder of real safety data, or a line that says why the test has nothing to do.
pub fn data() -> Option<Folder> {
    let Some(root) = std::env::var_os("PLUMB_DATA") else {
        eprintln!("skipped: needs published prompt sets (PLUMB_DATA is not set)");
        return None;
    };
    let path = PathBuf::from(root).join("safety");
    if path.is_dir() {
        return Some(Folder(path));
    }
    eprintln!("skipped: there is no folder {}", path.display());
    None
}

/// What a plan's `[[items]]` gives, all keys being read.
pub fn items(table: &str, inputs: &dyn Inputs) -> Result<Vec<DraftItem>> {
    let mut registry = Registry::new();
    plumb_safety::register(&mut registry);
    let mut fields = Fields::new("plan.toml:3: [[items]]", table.parse().unwrap());
    let reader = fields.need_text("reader")?;
    let items = registry.find_reader(&reader)?.read(&mut fields, inputs)?;
    fields.finish()?;
    Ok(items)
}

/// The message and the help of what must fail.
pub fn fault<T>(result: Result<T>) -> String {
    let error = result.err().expect("it must fail");
    match error.help_text() {
        Some(help) => format!("{error} | {help}"),
        None => error.to_string(),
    }
}

/// How many items have each level of a tag.
pub fn tally(items: &[DraftItem], tag: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for item in items {
        let level = item.tags.get(tag).map_or("", |v| v);
        *counts.entry(level.to_owned()).or_insert(0) += 1;
    }
    counts
}

/// Taxonomy, design and fragments that come with the program.
pub fn v0_5() -> (Taxonomy, Design, FragmentSet) {
    let (wanted, files) = (Wanted::default(), Files::default());
    (wanted.taxonomy(&files).unwrap(), wanted.design(&files).unwrap(), wanted.fragments(&files).unwrap())
}

/// A validation by people's labels that passed, as its file would be read.
pub fn validated(design: SampleDesign, groups: Vec<GroupCounts>) -> ValidationFile {
    ValidationFile {
        format: ValidationFile::FORMAT,
        annotator: "a".into(),
        annotator_digest: None,
        yes: Vec::new(),
        labels_by: "people".into(),
        design,
        drawn_within: Vec::new(),
        passed: true,
        why: String::new(),
        youden: None,
        roc: None,
        groups,
    }
}
