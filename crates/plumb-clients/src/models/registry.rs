//! The list of known models: the one that comes with the program, and a user's own over it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::entry::{Entry, Source};
use crate::Result;

const BUILTIN: &str = include_str!("models.toml");

/// Where an entry was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Builtin,
    File(PathBuf),
}

/// Models by name, in the order of the files that name them.
#[derive(Debug, Clone)]
pub struct Registry {
    entries: Vec<(Entry, Origin)>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryProblem {
    #[error("cannot read the model registry {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the model registry {place} is not well-formed: {source}")]
    Malformed { place: String, source: toml::de::Error },
    #[error("the model registry {place}: model {name}: {what}")]
    Entry { place: String, name: String, what: &'static str },
    #[error("there is no model {name:?}; known: {known}. Add it to a registry file of your own if it is new")]
    Unknown { name: String, known: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "model", default)]
    models: Vec<Entry>,
}

impl Registry {
    /// The models that come with the program.
    ///
    /// # Errors
    /// Only if the embedded file is broken, which a test rules out.
    pub fn builtin() -> Result<Registry> {
        let entries = parse(BUILTIN, "that comes with the program")?;
        Ok(Registry { entries: entries.into_iter().map(|e| (e, Origin::Builtin)).collect() })
    }

    /// Adds the models of a registry file; one with a known name replaces it.
    ///
    /// # Errors
    /// The file cannot be read, is not well-formed (with the line), names a model twice, or has an entry
    /// without sources.
    pub fn with_user(mut self, path: &Path) -> Result<Registry> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| RegistryProblem::Unreadable { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for mut entry in parse(&text, &path.display().to_string())? {
            for source in &mut entry.sources {
                if let Source::Path(local) = source {
                    local.path = folder.join(&local.path);
                }
            }
            let origin = Origin::File(path.to_owned());
            match self.entries.iter_mut().find(|(e, _)| e.name == entry.name) {
                Some(known) => *known = (entry, origin),
                None => self.entries.push((entry, origin)),
            }
        }
        Ok(self)
    }

    /// The model of that name.
    ///
    /// # Errors
    /// No such model; the message lists those that are known.
    pub fn get(&self, name: &str) -> Result<&Entry> {
        let found = self.entries.iter().find(|(e, _)| e.name.as_str() == name);
        Ok(found.map(|(e, _)| e).ok_or_else(|| {
            let known: Vec<&str> = self.entries.iter().map(|(e, _)| e.name.as_str()).collect();
            RegistryProblem::Unknown { name: name.to_owned(), known: known.join(", ") }
        })?)
    }

    /// All models, with where each was read.
    pub fn entries(&self) -> impl Iterator<Item = (&Entry, &Origin)> {
        self.entries.iter().map(|(e, o)| (e, o))
    }
}

fn parse(text: &str, place: &str) -> Result<Vec<Entry>> {
    let file: File = toml::from_str(text)
        .map_err(|source| RegistryProblem::Malformed { place: place.to_owned(), source })?;
    let wrong = |entry: &Entry, what| RegistryProblem::Entry {
        place: place.to_owned(),
        name: entry.name.to_string(),
        what,
    };
    for (i, entry) in file.models.iter().enumerate() {
        let empty_package = |s: &Source| matches!(s, Source::Package(p) if p.parts.is_empty());
        if file.models[..i].iter().any(|e| e.name == entry.name) {
            return Err(wrong(entry, "named twice; keep one of the two").into());
        }
        if entry.bytes == 0 {
            return Err(wrong(entry, "`bytes` must be the size of the file, not 0").into());
        }
        if entry.sources.is_empty() {
            return Err(wrong(entry, "has no [[model.source]]; name at least one").into());
        }
        if entry.sources.iter().any(empty_package) {
            return Err(wrong(entry, "a package source has no `parts`").into());
        }
    }
    Ok(file.models)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_registry_is_well_formed() {
        let registry = Registry::builtin().unwrap();
        let qwen = registry.get("qwen2.5-coder-0.5b-instruct").unwrap();
        assert_eq!(qwen.bytes, 491_400_064);
        assert_eq!(qwen.sources.len(), 2);
        assert_eq!(registry.get("smollm2-135m-instruct").unwrap().architecture, "llama");
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = Registry::builtin().unwrap().get("gpt-9").unwrap_err().to_string();
        assert!(error.contains("smollm2-135m-instruct, qwen2.5-coder-0.5b-instruct"), "{error}");
    }

    #[test]
    fn a_user_entry_replaces_and_adds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("models.toml");
        let entry = |name: &str| {
            format!(
                "[[model]]\nname = \"{name}\"\nfile = \"m.gguf\"\nbytes = 3\nsha256 = \"{}\"\nlicence = \"MIT\"\n\
                 architecture = \"llama\"\n[[model.source]]\nkind = \"path\"\npath = \"sub/m.gguf\"\n",
                "0".repeat(64)
            )
        };
        std::fs::write(&path, entry("mine") + &entry("smollm2-135m-instruct")).unwrap();
        let registry = Registry::builtin().unwrap().with_user(&path).unwrap();
        assert_eq!(registry.entries().count(), 3);
        assert_eq!(registry.get("smollm2-135m-instruct").unwrap().bytes, 3);
        let Source::Path(local) = &registry.get("mine").unwrap().sources[0] else { panic!("a path") };
        assert_eq!(local.path, dir.path().join("sub/m.gguf"));
    }

    /// What is wrong with a registry is said with its line or the entry's name.
    #[test]
    fn mistakes_are_named() {
        let good = format!(
            "[[model]]\nname = \"a\"\nfile = \"m.gguf\"\nbytes = 3\nsha256 = \"{}\"\nlicence = \"MIT\"\narchitecture = \"llama\"\n\
             [[model.source]]\nkind = \"package\"\nparts = [{{ package = \"p\", version = \"1\", member = \"m\" }}]\n",
            "0".repeat(64)
        );
        assert!(parse(&good, "x").is_ok());
        let twice = good.clone() + &good;
        for (text, expected) in [
            (good.replace("\"a\"", "\"../a\""), "must begin with a letter"),
            (good.replace("m.gguf", "a/b"), "must begin with a letter"),
            (good.replace("\"p\"", "\"--index-url\""), "package's name or version"),
            (good.replace("0000", "zz"), "64 hexadecimal digits"),
            (good.replace("bytes = 3", "bytes = 0"), "not 0"),
            (good.replace("licence", "license"), "unknown field `license`"),
            (good.replace("[{ package = \"p\", version = \"1\", member = \"m\" }]", "[]"), "no `parts`"),
            (good.replace("\"package\"", "\"torrent\""), "unknown variant `torrent`"),
            (twice, "named twice"),
        ] {
            let error = parse(&text, "x").unwrap_err().to_string();
            assert!(error.contains(expected), "expected {expected:?} in {error:?}");
        }
    }
}
