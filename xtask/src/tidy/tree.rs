//! The files that git knows or would take, read once.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use crate::Problem;

/// Text files larger than this are data; they are not read, and no rule but existence is about them.
const LARGEST: u64 = 2 << 20;

pub(super) struct Tree {
    /// Path from the root, with `/`, to content; `None` for what is not text or too large.
    pub(super) files: BTreeMap<String, Option<String>>,
}

impl Tree {
    pub(super) fn read(root: &Path) -> Result<Tree, Problem> {
        let root = root.canonicalize().map_err(|error| format!("the root {}: {error}", root.display()))?;
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&root)
            .output()
            .map_err(|error| format!("git ls-files: {error}"))?;
        if !listed.status.success() {
            let said = String::from_utf8_lossy(&listed.stderr);
            return Err(format!("git ls-files in {}: {}", root.display(), said.trim()));
        }
        let names = String::from_utf8_lossy(&listed.stdout);
        let mut files = BTreeMap::new();
        for name in names.split('\0').filter(|name| !name.is_empty()) {
            let path = root.join(name);
            // Deleted but not yet committed: gone is gone.
            let Ok(about) = path.symlink_metadata() else {
                continue;
            };
            let content = if about.is_file() && about.len() <= LARGEST { text(&path)? } else { None };
            files.insert(name.to_owned(), content);
        }
        Ok(Tree { files })
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Tree {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned())));
        Tree { files: files.collect() }
    }

    /// Text files whose name ends so.
    pub(super) fn ending<'a>(&'a self, suffix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.texts().filter(move |(path, _)| path.ends_with(suffix))
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// Whether a file or a folder with files in it is there.
    pub(super) fn holds(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self.files.range(folder.clone()..).next().is_some_and(|(name, _)| name.starts_with(&folder))
    }
}

fn text(path: &Path) -> Result<Option<String>, Problem> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')))
}

/// `base` (a file) and a relative link in it, to a path from the root; `None` when it leads outside.
pub(super) fn resolve(base: &str, link: &str) -> Option<String> {
    let mut path = PathBuf::from(base);
    path.pop();
    for part in Path::new(link).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path.to_string_lossy().into_owned())
}

/// Whether a Rust file holds tests only.
pub(super) fn is_test_file(path: &str) -> bool {
    let in_test_folder =
        path.split('/').any(|part| matches!(part, "tests" | "benches" | "fixtures" | "snapshots"));
    in_test_folder || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

/// The lines of a Rust file before its module of tests, with their numbers from 1.
pub(super) fn lines_outside_tests(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let starts_tests = |line: &str| line == "#[cfg(test)]";
    text.lines().take_while(move |line| !starts_tests(line)).zip(1..).map(|(line, n)| (n, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_resolve_inside_the_tree_only() {
        assert_eq!(resolve("docs/a.md", "b.md").as_deref(), Some("docs/b.md"));
        assert_eq!(resolve("docs/a.md", "../README.md").as_deref(), Some("README.md"));
        assert_eq!(resolve("docs/a.md", "../../x"), None);
        assert_eq!(resolve("docs/a.md", "/etc/passwd"), None);
    }

    #[test]
    fn folders_count_as_held() {
        let tree = Tree::of(&[("docs/a/b.md", "")]);
        assert!(tree.holds("docs/a") && tree.holds("docs/a/b.md") && !tree.holds("docs/ab"));
    }
}
