//! Heavy crates are compiled once: two versions of one in Cargo.lock cost minutes and megabytes.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::tree::Tree;
use super::{Finding, Outcome};

const HEAVY: &[&str] = &[
    "tokio",
    "reqwest",
    "hyper",
    "rustls",
    "rusqlite",
    "libsqlite3-sys",
    "regex",
    "regex-automata",
    "gemm",
    "serde",
    "serde_json",
    "parquet",
    "arrow",
    "clap",
    "ring",
    "axum",
    "tokenizers",
];

const LOCK: &str = "Cargo.lock";

pub(super) fn check(tree: &Tree) -> Outcome {
    let mut outcome = Outcome::default();
    let Some(Some(text)) = tree.files.get(LOCK) else {
        outcome.findings.push(Finding::new(LOCK, 1, "missing; commit it, builds must be repeatable"));
        return outcome;
    };
    let lock: Table = match text.parse() {
        Ok(lock) => lock,
        Err(error) => {
            outcome.findings.push(Finding::new(LOCK, 1, format!("not TOML: {error}")));
            return outcome;
        }
    };
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let packages = lock.get("package").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for package in packages {
        let field = |name| package.get(name).and_then(Value::as_str);
        if let (Some(name), Some(version)) = (field("name"), field("version")) {
            versions.entry(name).or_default().push(version);
        }
    }
    let twice = versions.values().filter(|versions| versions.len() > 1).count();
    for name in HEAVY {
        let Some([first, rest @ ..]) = versions.get(name).map(Vec::as_slice) else {
            continue;
        };
        if !rest.is_empty() {
            let needle = format!("name = \"{name}\"");
            let line = text.lines().position(|line| line == needle).map_or(1, |n| n + 1);
            let message = format!(
                "`{name}` in {} versions ({first}, {}); agree on one (cargo tree -i {name})",
                rest.len() + 1,
                rest.join(", ")
            );
            outcome.findings.push(Finding::new(LOCK, line, message));
        }
    }
    outcome.checked = format!(
        "{} locked packages, {twice} of them (none may be heavy) in several versions",
        packages.len()
    );
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_versions_of_a_heavy_crate_are_an_error_and_of_a_light_one_are_not() {
        let lock = "version = 4\n\n[[package]]\nname = \"bitflags\"\nversion = \"1.0.0\"\n\n\
            [[package]]\nname = \"bitflags\"\nversion = \"2.0.0\"\n\n\
            [[package]]\nname = \"tokio\"\nversion = \"0.2.0\"\n\n[[package]]\nname = \"tokio\"\nversion = \"1.0.0\"\n";
        let outcome = check(&Tree::of(&[("Cargo.lock", lock)]));
        let found: Vec<String> = outcome.findings.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("Cargo.lock:12: `tokio` in 2 versions (0.2.0, 1.0.0)"), "{found:?}");
    }
}
