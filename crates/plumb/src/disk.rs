//! Files that a plan names: relative to the plan, with a variable at the front if it has one.

use crate::runs::RunFolder;
use plumb_study::{Error, Inputs, Journal, Result};
use std::path::{Path, PathBuf};

/// Reads files relative to a folder.
pub struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Files named in the file `named_in` count from its folder.
    pub fn beside(named_in: &Path) -> Disk {
        Disk { folder: named_in.parent().unwrap_or(Path::new("")).to_owned() }
    }

    fn resolve(&self, path: &str) -> Result<PathBuf> {
        Ok(self.folder.join(expand_variable(path, crate::compose::variable)?))
    }
}

/// Whether two paths lead to one file that is there.
pub fn same_file(a: &Path, b: &Path) -> bool {
    let absolute = |path: &Path| std::fs::canonicalize(path).ok();
    absolute(a).is_some_and(|a| Some(a) == absolute(b))
}

/// `$NAME/rest` with the variable's value; every other path as it is.
fn expand_variable(path: &str, variable: impl Fn(&str) -> Option<String>) -> Result<String> {
    let Some(rest) = path.strip_prefix('$') else { return Ok(path.to_owned()) };
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    match variable(name) {
        Some(value) => Ok(format!("{value}{rest}")),
        None => Err(Error::absent(format!("the path {path} begins with ${name}, which is not set"))
            .help(format!("set it: export {name}=/the/folder"))),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let message = format!("{}: {error}", path.display());
    let error = match error.kind() {
        std::io::ErrorKind::NotFound => Error::absent(message),
        _ => Error::plan(message),
    };
    error.help("paths in a plan count from the plan's folder")
}

impl Inputs for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>> {
        let path = self.resolve(path)?;
        std::fs::read(&path).map_err(|e| unreadable(&path, &e))
    }

    fn expand(&self, path: &str) -> Result<Vec<String>> {
        if !path.contains('*') {
            return Ok(vec![path.to_owned()]);
        }
        let (folder, pattern) = path.rsplit_once('/').unwrap_or(("", path));
        if folder.contains('*') {
            return Err(Error::plan(format!("the path {path} has a `*` in a folder's name"))
                .help("`*` may stand in the last part only"));
        }
        let place = self.resolve(if folder.is_empty() { "." } else { folder })?;
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&place).map_err(|e| unreadable(&place, &e))? {
            let entry = entry.map_err(|e| unreadable(&place, &e))?;
            if let Ok(name) = entry.file_name().into_string()
                && matches(pattern, &name)
            {
                names.push(if folder.is_empty() { name } else { format!("{folder}/{name}") });
            }
        }
        names.sort();
        if names.is_empty() {
            return Err(Error::absent(format!("no file matches {path} (looked in {})", place.display())));
        }
        Ok(names)
    }

    fn run(&self, path: &str) -> Result<Journal> {
        Journal::open(&RunFolder::named(&self.resolve(path)?).journal)
    }
}

/// Whether `name` matches `pattern`, in which every `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|left| {
            // The shortest text first; each later star looks for itself.
            (0..=left.len()).filter(|at| left.is_char_boundary(*at)).any(|at| matches(rest, &left[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, name, expected) in [
            ("*.csv", "a.csv", true),
            ("*.csv", "a.csvx", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("*", "", true),
            ("é*", "éa", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_variable_at_the_front_is_expanded_and_nothing_else() {
        let variable = |name: &str| (name == "DATA").then(|| "/d".to_owned());
        assert_eq!(expand_variable("$DATA/x.csv", variable).unwrap(), "/d/x.csv");
        assert_eq!(expand_variable("a/$DATA", variable).unwrap(), "a/$DATA");
        let error = expand_variable("$NONE/x", variable).unwrap_err();
        assert!(error.help_text().is_some_and(|h| h.contains("export NONE=")));
    }
}
