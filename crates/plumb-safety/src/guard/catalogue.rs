//! Which guards are known, as data.

use serde::Deserialize;
use std::collections::BTreeMap;

const GUARDS: &str = include_str!("../../data/guards.toml");

/// How a guard is asked and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// `safe`, or `unsafe` and a line of category codes.
    LlamaGuard,
    /// Three lines, each a question with yes or no.
    Wildguard,
}

/// A guard model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// Name in plans.
    pub key: String,
    /// Name for people.
    pub title: String,
    /// Where its interface is described.
    pub source: String,
    /// How it is asked and answers.
    pub family: Family,
    /// What stands before and after its prompt by completion.
    pub marks: [String; 2],
    /// Names of categories in its prompt, by code, where they are not those of its card.
    #[serde(default)]
    pub asked: BTreeMap<String, String>,
    /// Its categories, such as `S1: Violent Crimes`; empty where it names none.
    pub categories: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Guards {
    guard: Vec<Guard>,
}

impl Guard {
    /// All known ones.
    pub fn all() -> Vec<Guard> {
        // The file comes with the program; a test reads it.
        toml::from_str::<Guards>(GUARDS).map(|g| g.guard).unwrap_or_default()
    }

    /// The guard of that name.
    pub fn named(key: &str) -> Option<Guard> {
        Guard::all().into_iter().find(|g| g.key == key)
    }

    /// The categories as its prompt lists them.
    pub(super) fn listed(&self) -> Vec<String> {
        let name = |category: &String| {
            let code = category.split(':').next().unwrap_or(category);
            self.asked.get(code).map_or_else(|| format!("{category}."), |name| format!("{code}: {name}."))
        };
        self.categories.iter().map(name).collect()
    }

    /// Position of a code such as `S1` among the categories.
    pub fn category(&self, code: &str) -> Option<usize> {
        self.categories.iter().position(|c| c.split(':').next() == Some(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guards_that_come_with_the_program_can_be_read() {
        let guards = Guard::all();
        let sizes: Vec<(&str, usize)> = guards.iter().map(|g| (g.key.as_str(), g.categories.len())).collect();
        let expected = [
            ("llama-guard-2", 11),
            ("llama-guard-3-1b", 13),
            ("llama-guard-3", 14),
            ("llama-guard-4", 14),
            ("wildguard", 0),
        ];
        assert_eq!(sizes, expected);
        for guard in guards {
            assert!(guard.asked.keys().all(|code| guard.category(code).is_some()), "{}", guard.key);
            for (at, category) in guard.categories.iter().enumerate() {
                assert!(category.starts_with(&format!("S{}: ", at + 1)), "{}: {category}", guard.key);
            }
        }
    }
}
