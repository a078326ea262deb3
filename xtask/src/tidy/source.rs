//! Rules about what is written in a file: processes, module docs, paths of one machine.

use super::tree::{Tree, is_test_file, lines_outside_tests};
use super::{Finding, Outcome};

/// Where a process may be started, beside tests.
const MAY_START_PROCESSES: &[&str] = &[
    "xtask/",
    "crates/plumb-clients/src/models/",
    "crates/plumb-clients/src/models.rs",
    "crates/plumb-code/src/sandbox",
    "crates/plumb/src/commands/doctor",
];

// Split, so that this file does not hold what it looks for.
const STARTS_A_PROCESS: &str = concat!("Command::", "new(");
/// Paths that exist on a developer's machine only.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/tmp/", "bash")];

pub(super) fn check(tree: &Tree) -> Outcome {
    let mut outcome = Outcome::default();
    let (mut starts, mut roots, mut texts) = (0, 0, 0);
    for (path, text) in tree.texts() {
        texts += 1;
        machine_paths(path, text, &mut outcome.findings);
        if !path.ends_with(".rs") {
            continue;
        }
        starts += processes(path, text, &mut outcome.findings);
        if path.ends_with("src/lib.rs") || path.ends_with("src/main.rs") {
            roots += 1;
            if !text.starts_with("//!") {
                let message =
                    "a crate's root begins with `//!`: why it exists, where to start, what is not in it";
                outcome.findings.push(Finding::new(path, 1, message));
            }
        }
    }
    outcome.checked = format!(
        "{roots} crate roots have docs, {starts} places start processes, {texts} files without machine paths"
    );
    outcome
}

fn machine_paths(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (line, n) in text.lines().zip(1..) {
        for machine in MACHINE_PATHS {
            if line.contains(machine) {
                let message = format!("`{machine}…` is a path of one machine");
                findings.push(Finding::new(path, n, message));
            }
        }
    }
}

/// How many processes the file starts outside tests; each in the wrong place is a finding.
fn processes(path: &str, text: &str, findings: &mut Vec<Finding>) -> usize {
    if is_test_file(path) {
        return 0;
    }
    let mut starts = 0;
    for (n, line) in lines_outside_tests(text) {
        let code = line.split("//").next().unwrap_or(line);
        if !code.contains(STARTS_A_PROCESS) || code.contains("clap::Command") {
            continue;
        }
        starts += 1;
        if !MAY_START_PROCESSES.iter().any(|allowed| path.starts_with(allowed)) {
            let message =
                format!("a process is started here; only these may: {}", MAY_START_PROCESSES.join(", "));
            findings.push(Finding::new(path, n, message));
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn processes_start_in_few_places() {
        let code = format!("//! x\nfn f() {{\n    std::process::{STARTS_A_PROCESS}\"ls\");\n}}\n");
        assert!(
            findings("crates/plumb-judge/src/lib.rs", &code)[0]
                .starts_with("crates/plumb-judge/src/lib.rs:3:")
        );
        assert!(findings("crates/plumb-code/src/sandbox/spawn.rs", &code).is_empty());
        assert!(findings("crates/plumb-judge/tests/lib.rs", &code).is_empty());
        let in_comment = format!("//! x\n// no {STARTS_A_PROCESS}) here\n");
        assert!(findings("crates/plumb-judge/src/lib.rs", &in_comment).is_empty());
    }

    #[test]
    fn crate_roots_say_what_they_are() {
        assert_eq!(findings("crates/a/src/lib.rs", "use std::io;\n").len(), 1);
        assert!(findings("crates/a/src/b.rs", "use std::io;\n").is_empty());
    }

    #[test]
    fn machine_paths_are_found_in_any_text() {
        let text = format!("one\nsee {}x\n", MACHINE_PATHS[0]);
        assert!(findings("docs/a.md", &text)[0].starts_with("docs/a.md:2:"));
    }
}
