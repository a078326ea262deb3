//! Texts of a study: written in its file, or in a Markdown file beside it.

use serde::Deserialize;

use crate::error::{Error, Result};

/// Gives the contents of a file that a study names, by its path relative to the study; the message says why not.
pub type Files<'a> = &'a dyn Fn(&str) -> std::result::Result<String, String>;

/// Words in Markdown.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a text, or { file = \"NAME.md\" }")]
pub(crate) enum Text {
    Here(String),
    File(TextFile),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextFile {
    pub file: String,
    #[serde(skip)]
    pub contents: String,
}

impl Text {
    /// The words.
    pub fn words(&self) -> &str {
        match self {
            Text::Here(words) => words.trim(),
            Text::File(file) => file.contents.trim(),
        }
    }
}

/// Files read for a study, in the order in which it first names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Read {
    pub files: Vec<(String, String)>,
}

impl Read {
    /// What was drawn from a run, which is named as commands name it.
    pub fn drawn(&mut self, run: &str, files: Files<'_>) -> Result<String> {
        let contents = files(run).map_err(|why| Error::new(format!("run {run}: {why}")))?;
        self.files.push((run.to_owned(), contents.clone()));
        Ok(contents)
    }

    /// The contents of a file, read once.
    pub fn get(&mut self, path: &str, files: Files<'_>) -> Result<String> {
        if let Some((_, contents)) = self.files.iter().find(|(name, _)| name == path) {
            return Ok(contents.clone());
        }
        let outside =
            path.starts_with('/') || path.contains('\\') || path.split('/').any(|part| part == "..");
        if outside || path.is_empty() {
            return Err(Error::new(format!(
                "\"{path}\" is no file beside the study: name it by a path below the study's own folder"
            )));
        }
        let contents = files(path).map_err(|why| Error::new(format!("file {path}: {why}")))?;
        self.files.push((path.to_owned(), contents.clone()));
        Ok(contents)
    }
}
