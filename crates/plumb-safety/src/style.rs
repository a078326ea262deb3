//! Rules of style for items, each with a name, and the fragments that break one.
//!
//! The rules are those of arXiv 2404.12241 that a program can check. Whether a fragment needs knowledge of
//! its field, can be meant well or depends on context is for people to say.

use crate::design::{Design, SpeechAct};
use crate::fragments::{Fragment, FragmentSet};
use crate::generate::{fillings, said};
use plumb_study::{Error, Result};
use std::fmt;

/// A rule of style.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// An item begins with a capital letter.
    Capital,
    /// An item does not end with a full stop.
    FinalStop,
    /// A question ends with a question mark, and nothing else does.
    QuestionMark,
    /// No emoji.
    Emoji,
    /// No addresses of the web.
    Url,
    /// Words are divided by one space; an item is one line.
    Spaces,
    /// An item is short.
    Length,
    /// A fragment does not end a sentence: the template does.
    FragmentEnd,
}

impl Rule {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Rule::Capital => "capital",
            Rule::FinalStop => "final-stop",
            Rule::QuestionMark => "question-mark",
            Rule::Emoji => "emoji",
            Rule::Url => "url",
            Rule::Spaces => "spaces",
            Rule::Length => "length",
            Rule::FragmentEnd => "fragment-end",
        }
    }

    /// What it asks for.
    pub fn wants(self) -> &'static str {
        match self {
            Rule::Capital => "an item begins with a capital letter",
            Rule::FinalStop => "an item does not end with a full stop",
            Rule::QuestionMark => "a question ends with a question mark, and nothing else does",
            Rule::Emoji => "an item has no emoji",
            Rule::Url => "an item has no web address",
            Rule::Spaces => "words are divided by one space, and an item is one line",
            Rule::Length => "an item is short",
            Rule::FragmentEnd => "a fragment has no full stop, question or exclamation mark at its end",
        }
    }
}

/// A rule that a fragment breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// File and line of the fragment.
    pub place: String,
    /// The fragment's id.
    pub fragment: String,
    /// The rule.
    pub rule: Rule,
    /// The first text that breaks it.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rule, wants) = (self.rule.name(), self.rule.wants());
        write!(f, "{}: {}: {rule}: {wants}: \"{}\"", self.place, self.fragment, self.text)
    }
}

/// The rules that an item breaks. `longest` is the most words it may have.
pub fn check(text: &str, speech_act: SpeechAct, longest: usize) -> Vec<Rule> {
    let trimmed = text.trim_end();
    let rules = [
        (Rule::Capital, !text.starts_with(char::is_uppercase)),
        (Rule::FinalStop, trimmed.ends_with(['.', '…'])),
        (Rule::QuestionMark, trimmed.ends_with('?') != speech_act.asks()),
        (Rule::Emoji, text.chars().any(is_emoji)),
        (Rule::Url, has_url(text)),
        (Rule::Spaces, text != text.split_whitespace().collect::<Vec<_>>().join(" ")),
        (Rule::Length, text.split_whitespace().count() > longest),
    ];
    rules.into_iter().filter(|(_, broken)| *broken).map(|(rule, _)| rule).collect()
}

/// The fragments that break a rule in any item made of them, each rule once.
///
/// # Errors
/// A slot that the set does not describe.
pub fn lint(design: &Design, set: &FragmentSet) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for fragment in &set.fragments {
        let start = findings.len();
        if fragment.text.trim_end().ends_with(['.', '…', '?', '!', ';', ':', ',']) {
            findings.push(finding(fragment, Rule::FragmentEnd, &fragment.text));
        }
        for interaction in &design.interactions {
            for take in interaction.takes.iter().filter(|t| t.kind == fragment.kind) {
                for filled in fillings(set, fragment, take.expand)? {
                    for template in &interaction.templates {
                        let (wordings, gap) = template.wordings(take.kind);
                        for wording in wordings {
                            let text = said(wording, gap, &filled.text, take.kind);
                            for rule in check(&text, template.speech_act, design.longest) {
                                if findings[start..].iter().all(|f| f.rule != rule) {
                                    findings.push(finding(fragment, rule, &text));
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    Ok(findings)
}

/// The first finding as an error, if there is any.
pub(crate) fn refuse(findings: &[Finding]) -> Result<()> {
    let Some(first) = findings.first() else { return Ok(()) };
    let error = Error::plan(first.to_string());
    Err(match findings.len() {
        1 => error.help("mend the fragment, or write style = \"off\""),
        n => error.help(format!(
            "{} more; `plumb safety items --check FILE` lists them; style = \"off\" lets them pass",
            n - 1
        )),
    })
}

fn finding(fragment: &Fragment, rule: Rule, text: &str) -> Finding {
    Finding { place: fragment.place.clone(), fragment: fragment.id.to_string(), rule, text: text.to_owned() }
}

/// Pictographs, dingbats and what joins or colours them.
fn is_emoji(c: char) -> bool {
    matches!(u32::from(c), 0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0x2B50..=0x2B55 | 0xFE0F | 0x200D)
}

fn has_url(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("://") || text.split_whitespace().any(is_address)
}

/// A host of a common ending, or any host that a path follows: `tea.com`, `example.io/page`.
fn is_address(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '/');
    let (host, path) = word.split_once('/').map_or((word, false), |(host, _)| (host, true));
    let mut parts = host.rsplit('.');
    let end = parts.next().unwrap_or_default();
    let named = parts.next().is_some_and(|part| !part.is_empty());
    let ends = end.len() >= 2 && end.chars().all(char::is_alphabetic);
    named && ends && (path || host.starts_with("www.") || ["com", "org", "net", "io", "info"].contains(&end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_broken_by_its_fault_alone() {
        let rules = |text: &str, act| check(text, act, 8);
        let states = SpeechAct::Assertive;
        assert!(rules("I like tea", states).is_empty());
        assert!(rules("I like tea and/or milk", states).is_empty());
        assert!(rules("I like tea. Do you?", SpeechAct::AssertiveInterrogative).is_empty());
        for (text, act, rule) in [
            ("i like tea", states, Rule::Capital),
            ("I like tea.", states, Rule::FinalStop),
            ("I like tea?", states, Rule::QuestionMark),
            ("Do I like tea", SpeechAct::Interrogative, Rule::QuestionMark),
            ("I like tea \u{1F375}", states, Rule::Emoji),
            ("I like https://tea", states, Rule::Url),
            ("I like tea.com a lot", states, Rule::Url),
            ("I like (example.io/page) a lot", states, Rule::Url),
            ("I like tea\u{2026}", states, Rule::FinalStop),
            ("I  like tea", states, Rule::Spaces),
            ("I like\ntea", states, Rule::Spaces),
            ("I like tea and I like tea and tea", states, Rule::Length),
        ] {
            assert_eq!(rules(text, act), [rule], "{text:?}");
        }
    }
}
