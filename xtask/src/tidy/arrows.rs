//! Which crate may use which, and which heavy dependency belongs to whom.
//!
//! The tables here are the workspace's architecture as data; ARCHITECTURE.md says why. Arrows count
//! for every kind of dependency; fences only for what is shipped, so that a test may look at a
//! journal with plain SQL.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::tree::Tree;
use super::{Finding, Outcome};

/// A crate of ours and those of ours it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("plumb-stats", &[]),
    ("plumb-lm", &[]),
    ("plumb-study", &["plumb-stats"]),
    ("plumb-judge", &["plumb-study", "plumb-stats"]),
    ("plumb-clients", &["plumb-study", "plumb-stats"]),
    ("plumb-report", &["plumb-study", "plumb-stats"]),
    ("plumb-safety", &["plumb-judge", "plumb-study", "plumb-stats"]),
    ("plumb-code", &["plumb-judge", "plumb-study", "plumb-stats"]),
    ("plumb-local", &["plumb-judge", "plumb-study", "plumb-stats", "plumb-lm"]),
    ("plumb-human", &["plumb-judge", "plumb-study", "plumb-stats"]),
    ("plumb-web", &["plumb-human", "plumb-local", "plumb-report", "plumb-study", "plumb-stats", "plumb-lm"]),
    (
        "plumb",
        &[
            "plumb-stats",
            "plumb-lm",
            "plumb-study",
            "plumb-judge",
            "plumb-clients",
            "plumb-report",
            "plumb-safety",
            "plumb-code",
            "plumb-local",
            "plumb-human",
            "plumb-web",
        ],
    ),
    // The drills and the bench of the sandbox drive it as a library: the witness must be outside of it. Crowds use the browser
    // that simulated people have.
    ("xtask", &["plumb-clients", "plumb-code"]),
];

/// May be a dev-dependency of every crate: the simulated endpoint.
const FOR_TESTS: &str = "xtask";

/// Heavy dependencies and the crates they stay behind.
const FENCES: &[(&[&str], &[&str])] = &[
    (&["gemm", "safetensors", "tokenizers", "candle-core"], &["plumb-lm"]),
    (&["reqwest", "hf-hub", "ureq"], &["plumb-clients"]),
    (&["axum", "hyper", "hyper-util"], &["plumb-web", "xtask"]),
    (&["rusqlite", "libsqlite3-sys"], &["plumb-study"]),
    (&["seccompiler", "landlock"], &["plumb-code"]),
    (&["parquet", "arrow"], &["plumb"]),
];

pub(super) fn check(tree: &Tree) -> Outcome {
    let mut outcome = Outcome::default();
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let (mut crates, mut arrows, mut fenced) = (0, 0, 0);
    for (path, text) in tree.ending("Cargo.toml") {
        let manifest: Table = match text.parse() {
            Ok(manifest) => manifest,
            Err(error) => {
                outcome.findings.push(Finding::new(path, 1, format!("not TOML: {error}")));
                continue;
            }
        };
        let Some(name) = manifest.get("package").and_then(|p| p.get("name")).and_then(Value::as_str) else {
            continue; // the workspace's own manifest
        };
        crates += 1;
        let Some(may_use) = allowed.get(name) else {
            let table = "add it to ARROWS in xtask/src/tidy/arrows.rs with what it may use";
            let line = line_of(text, name);
            outcome.findings.push(Finding::new(
                path,
                line,
                format!("`{name}` is not in the table of crates; {table}"),
            ));
            continue;
        };
        for (dependency, for_tests) in dependencies(&manifest) {
            let line = line_of(text, &dependency);
            if allowed.contains_key(dependency.as_str()) {
                arrows += 1;
                let fine = may_use.contains(&dependency.as_str()) || (for_tests && dependency == FOR_TESTS);
                if !fine {
                    let may = if may_use.is_empty() { "none of ours".to_owned() } else { may_use.join(", ") };
                    let message = format!("`{name}` must not use `{dependency}`; it may use {may}");
                    outcome.findings.push(Finding::new(path, line, message));
                }
            }
            if let (Some(owners), false) = (owners_of(&dependency), for_tests) {
                fenced += 1;
                if !owners.contains(&name) {
                    let message = format!(
                        "`{dependency}` stays behind {}; `{name}` must not use it",
                        owners.join(" and ")
                    );
                    outcome.findings.push(Finding::new(path, line, message));
                }
            }
        }
    }
    outcome.checked =
        format!("{crates} crates, {arrows} arrows between them, {fenced} uses of fenced dependencies");
    outcome
}

fn owners_of(dependency: &str) -> Option<&'static [&'static str]> {
    FENCES.iter().find(|(names, _)| names.contains(&dependency)).map(|(_, owners)| *owners)
}

/// Every dependency by its real name, and whether only tests have it.
fn dependencies(manifest: &Table) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = targets.into_iter().flat_map(|targets| targets.values()).filter_map(Value::as_table);
    for table in std::iter::once(manifest).chain(tables) {
        for (kind, for_tests) in
            [("dependencies", false), ("build-dependencies", false), ("dev-dependencies", true)]
        {
            let Some(entries) = table.get(kind).and_then(Value::as_table) else {
                continue;
            };
            for (alias, about) in entries {
                let name = about.get("package").and_then(Value::as_str).unwrap_or(alias);
                found.push((name.to_owned(), for_tests));
            }
        }
    }
    found
}

/// The first line that begins with the dependency's name, or that names it as a package.
fn line_of(text: &str, name: &str) -> usize {
    let names_it = |line: &str| {
        let after = line.trim_start().strip_prefix(name);
        after.is_some_and(|rest| rest.starts_with([' ', '.', '='])) || line.contains(&format!("\"{name}\""))
    };
    text.lines().position(names_it).map_or(1, |n| n + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(manifest: &str) -> Vec<String> {
        let tree = Tree::of(&[("crates/x/Cargo.toml", manifest)]);
        check(&tree).findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn allowed_arrows_pass() {
        let manifest = "[package]\nname = \"plumb-judge\"\n[dependencies]\nplumb-study.workspace = true\n\
            regex = \"1\"\n[dev-dependencies]\nxtask.workspace = true\n";
        assert_eq!(findings(manifest), Vec::<String>::new());
    }

    #[test]
    fn a_forbidden_arrow_is_found_at_its_line_even_in_tests_and_under_an_alias() {
        let manifest = "[package]\nname = \"plumb-safety\"\n[dev-dependencies]\nother = { package = \"plumb-code\", path = \"../c\" }\n";
        let found = findings(manifest);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("crates/x/Cargo.toml:4: `plumb-safety` must not use `plumb-code`"),
            "{found:?}"
        );
    }

    #[test]
    fn heavy_crates_stay_behind_their_fence() {
        let manifest = "[package]\nname = \"plumb-judge\"\n[target.'cfg(unix)'.dependencies]\nreqwest = \"0.13\"\n\
            [dev-dependencies]\nrusqlite = \"0.43\"\n";
        let found = findings(manifest);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(":4: `reqwest` stays behind plumb-clients"), "{found:?}");
    }

    #[test]
    fn xtask_ships_with_nobody_and_unknown_crates_are_asked_about() {
        let uses = "[package]\nname = \"plumb\"\n[dependencies]\nxtask.workspace = true\n";
        assert!(findings(uses)[0].contains("`plumb` must not use `xtask`"));
        let unknown = "[package]\nname = \"plumb-tea\"\n";
        assert!(findings(unknown)[0].contains("not in the table of crates"));
    }

    #[test]
    fn the_table_has_no_cycle() {
        // Listed bottom up except for xtask, which nobody ships: each uses only crates above it.
        for (n, (name, uses)) in ARROWS.iter().enumerate() {
            for used in *uses {
                let at = ARROWS.iter().position(|(other, _)| other == used);
                assert!(at.is_some_and(|at| at < n), "{name} → {used}");
            }
        }
    }
}
