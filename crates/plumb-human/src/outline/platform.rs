//! A recruiting platform's rules, as data with source and date (`data/platforms.toml`), held against a study.

use plumb_study::document::{Cell, Section, Table, Tone};
use serde::Deserialize;

use crate::study::{PageKind, Position, Study};

const RULES: &str = include_str!("../../data/platforms.toml");

/// A platform whose rules are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Prolific.
    Prolific,
}

impl Platform {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Platform::Prolific => "Prolific",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    platform: String,
    says: String,
    source: String,
    /// When the source was read.
    date: String,
    /// Whether the source is the platform's own word.
    own_word: bool,
    test: Test,
}

/// What is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
enum Test {
    /// These ways to end have a code.
    Codes { ends: Vec<String> },
    /// The address of the end begins so.
    Url { begins: String },
    /// Checks of comprehension come before assignment and may be answered so often.
    ComprehensionTries { least: u32 },
    /// No check ends a session after assignment.
    NoLateScreening,
}

impl Test {
    /// What is wrong; nothing where the study keeps the rule.
    fn faults(&self, study: &Study) -> Vec<String> {
        match self {
            Test::Codes { ends } => ends
                .iter()
                .filter(|end| !study.completion.codes.contains_key(*end))
                .map(|end| format!("[completion] codes has none for {end}"))
                .collect(),
            Test::Url { begins } => match &study.completion.url {
                Some(url) if url.starts_with(begins) => Vec::new(),
                Some(url) => vec![format!("[completion] url is {url}")],
                None => vec!["[completion] has no url".to_owned()],
            },
            Test::ComprehensionTries { least } => study
                .page
                .iter()
                .filter(|p| p.kind == PageKind::Comprehension && p.tries < *least)
                .map(|p| format!("page {} may be answered {} times", p.id, p.tries))
                .collect(),
            Test::NoLateScreening => study
                .page
                .iter()
                .filter(|p| p.kind == PageKind::Comprehension && p.at != Position::Entry)
                .map(|p| format!("page {} comes after assignment", p.id))
                .collect(),
        }
    }
}

/// Each rule, whether the study keeps it, and where it comes from.
pub(super) fn section(section: &mut Section, study: &Study, platform: Platform) {
    // The file is part of the program, and a test reads it.
    let rules = toml::from_str::<Rules>(RULES).map(|r| r.rule).unwrap_or_default();
    let mut table = Table::new("", &["rule", "kept", "source"]);
    for rule in rules.iter().filter(|r| r.platform == platform.name()) {
        let faults = rule.test.faults(study);
        let kept = if faults.is_empty() {
            Cell::toned("yes", Tone::Good)
        } else {
            Cell::toned(format!("no: {}", faults.join("; ")), Tone::Bad)
        };
        let standing = if rule.own_word { "" } else { ", second-hand" };
        table.row([
            Cell::text(rule.says.clone()),
            kept,
            Cell::text(format!("{}, {}{standing}", rule.source, rule.date)),
        ]);
    }
    section.table(table);
    section.note("A platform changes its rules: read them again before you begin.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_source_and_a_known_platform() {
        let rules: Rules = toml::from_str(RULES).unwrap();
        assert!(rules.rule.len() > 3);
        for rule in rules.rule {
            assert_eq!(rule.platform, Platform::Prolific.name());
            assert!(!rule.source.is_empty() && rule.date.len() == "2026-11".len(), "{}", rule.says);
        }
    }
}
