//! Sizes of files and names of modules: one idea a file, named by what it is.

use super::tree::{Tree, is_test_file, lines_outside_tests};
use super::{Finding, Outcome};

/// Over this a file is counted, so that the number can be watched.
const USUAL: usize = 350;
/// Over this a file must say why, in a comment with [`REASON`].
const ARGUED: usize = 600;
/// Over this there is no argument.
const MOST: usize = 1_000;

const REASON: &str = "tidy: long because ";

/// Kinds of file that people write by the line.
const SOURCES: &[&str] = &[".rs", ".py", ".js", ".css", ".html"];

/// Names that say nothing, so that everything ends up under them.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc", "imp", "stuff"];

pub(super) fn check(tree: &Tree, list: bool) -> Outcome {
    let mut outcome = Outcome::default();
    let (mut files, mut lines, mut tests, mut over) = (0, 0, 0, 0);
    for (path, text) in tree.texts() {
        if !SOURCES.iter().any(|suffix| path.ends_with(suffix)) {
            continue;
        }
        files += 1;
        let all = text.lines().count();
        if is_test_file(path) {
            tests += all;
            continue;
        }
        let size = lines_outside_tests(text).count();
        lines += size;
        tests += all - size;
        over += usize::from(size > USUAL);
        if list && size > USUAL {
            println!("{path}: {size} lines");
        }
        if size > MOST {
            let message = format!("{size} lines outside tests; never over {MOST}: split it by idea");
            outcome.findings.push(Finding::new(path, MOST + 1, message));
        } else if size > ARGUED && !text.contains(REASON) {
            let message =
                format!("{size} lines outside tests; split it by idea, or argue in a comment `{REASON}…`");
            outcome.findings.push(Finding::new(path, ARGUED + 1, message));
        }
    }
    for (path, text) in tree.ending(".rs") {
        names(path, text, &mut outcome.findings);
    }
    outcome.checked = format!(
        "{files} source files, {lines} lines and {tests} lines of tests, {over} files over {USUAL} lines"
    );
    outcome
}

fn names(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let says = |name: &str| format!("`{name}` says nothing about what is in it; name it by its idea");
    for part in path.split('/') {
        let name = part.strip_suffix(".rs").unwrap_or(part);
        if EMPTY_NAMES.contains(&name) {
            findings.push(Finding::new(path, 1, says(name)));
        }
    }
    for (n, line) in lines_outside_tests(text) {
        let rest = line.trim_start();
        let rest = rest.strip_prefix("pub ").or_else(|| rest.strip_prefix("pub(crate) ")).unwrap_or(rest);
        let inline = rest.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(" {"));
        if let Some(name) = inline.filter(|name| EMPTY_NAMES.contains(name)) {
            findings.push(Finding::new(path, n, says(name)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let outcome = check(&Tree::of(&[(path, text)]), false);
        outcome.findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn long_files_must_argue_and_very_long_ones_cannot() {
        let long = "x\n".repeat(700);
        assert!(findings("crates/a/src/b.rs", &long)[0].starts_with("crates/a/src/b.rs:601: 700 lines"));
        let argued = format!("// tidy: long because it is one table\n{long}");
        assert!(findings("crates/a/src/b.rs", &argued).is_empty());
        let too_long = format!("// tidy: long because it is one table\n{}", "x\n".repeat(1_000));
        assert!(findings("crates/a/src/b.rs", &too_long)[0].contains("never over 1000"));
    }

    #[test]
    fn tests_do_not_count() {
        let long = "x\n".repeat(700);
        assert!(findings("crates/a/tests/b.rs", &long).is_empty());
        assert!(
            findings("crates/a/src/b.rs", &format!("x\n#[cfg(test)]\nmod tests {{\n{long}}}\n")).is_empty()
        );
        assert!(findings("docs/b.md", &long).is_empty());
    }

    #[test]
    fn names_that_say_nothing_are_refused() {
        assert_eq!(findings("crates/a/src/util.rs", "").len(), 1);
        assert_eq!(findings("crates/a/src/common/x.rs", "").len(), 1);
        assert_eq!(findings("crates/a/src/x.rs", "pub mod helpers {\n}\n").len(), 1);
        assert!(findings("crates/a/src/utility_theory.rs", "").is_empty());
    }
}
