//! What an exchange cost, from its tokens and a table of prices.
//!
//! Money is integer nano-dollars. A price list gives dollars for a million tokens, so that a price for one
//! token need not be a whole number of nano-dollars: rates are kept for a million, and a cost is rounded
//! once. A model without a price has no cost; it does not cost zero.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Result;
use crate::wire::Usage;

const BUILTIN: &str = include_str!("prices.toml");

/// Nano-dollars for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Rate(u64);

impl TryFrom<String> for Rate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not a price; write dollars for a million tokens, such as \"0.15\"");
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty()
            || !digits(whole)
            || !digits(fraction)
            || fraction.len() > 9
            || text.ends_with('.')
        {
            return Err(wrong());
        }
        // Nine digits of dollars are nano-dollars.
        format!("{whole}{fraction:0<9}").parse().map(Rate).map_err(|_| wrong())
    }
}

/// One line of the table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    model: String,
    input_per_million: Rate,
    cached_input_per_million: Option<Rate>,
    output_per_million: Rate,
    /// Where the price was published.
    pub source: String,
    /// When it was read there.
    pub date: String,
}

/// Prices by model.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    lines: Vec<Price>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("cannot read the prices file {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the prices file {place} is not well-formed: {source}")]
    Malformed { place: String, source: toml::de::Error },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "price", default)]
    prices: Vec<Price>,
}

impl Prices {
    /// The table that comes with the program.
    ///
    /// # Errors
    /// Only if the embedded file is broken, which a test rules out.
    pub fn builtin() -> Result<Prices> {
        Ok(Prices { lines: parse(BUILTIN, "that comes with the program")? })
    }

    /// Puts a user's prices before the known ones.
    ///
    /// # Errors
    /// The file cannot be read or is not well-formed (with the line).
    pub fn with_user(self, path: &Path) -> Result<Prices> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| Problem::Unreadable { path: path.to_owned(), source })?;
        let mut lines = parse(&text, &path.display().to_string())?;
        lines.extend(self.lines);
        Ok(Prices { lines })
    }

    /// The price of a model, by the name that the server gave it.
    pub fn of(&self, model: &str) -> Option<&Price> {
        self.lines.iter().find(|p| fits(&p.model, model))
    }
}

fn parse(text: &str, place: &str) -> Result<Vec<Price>> {
    let file: File =
        toml::from_str(text).map_err(|source| Problem::Malformed { place: place.to_owned(), source })?;
    Ok(file.prices)
}

/// Whether `*` in the pattern can be filled so that it reads `name`.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut left) = name.strip_prefix(before) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match left.find(piece) {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

impl Price {
    /// Nano-dollars for what was used, rounded to the nearest; `None` if the server did not count both
    /// input and output.
    pub fn cost(&self, usage: &Usage) -> Option<u64> {
        let input = usage.input?;
        let output = usage.output?;
        let cached = usage.cached_input.unwrap_or(0).min(input);
        let cached_rate = self.cached_input_per_million.unwrap_or(self.input_per_million);
        let times = |tokens: u64, rate: Rate| u128::from(tokens) * u128::from(rate.0);
        let total = times(input - cached, self.input_per_million)
            + times(cached, cached_rate)
            + times(output, self.output_per_million);
        u64::try_from((total + 500_000) / 1_000_000).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(model: &str) -> String {
        format!(
            "[[price]]\nmodel = \"{model}\"\ninput_per_million = \"0.15\"\ncached_input_per_million = \"0.0375\"\n\
             output_per_million = \"0.6\"\nsource = \"made up\"\ndate = \"2026-11-01\"\n"
        )
    }

    #[test]
    fn the_builtin_table_is_well_formed() {
        Prices::builtin().unwrap();
    }

    #[test]
    fn cost_is_exact() {
        let prices = Prices { lines: parse(&price("m"), "x").unwrap() };
        let usage = |input, cached, output| Usage {
            input: Some(input),
            cached_input: Some(cached),
            output: Some(output),
            reasoning: None,
        };
        let cost = |u: &Usage| prices.of("m").unwrap().cost(u);
        // 150 nano-dollars a token in, 600 out, 37.5 cached.
        assert_eq!(cost(&usage(10, 0, 5)), Some(4_500));
        assert_eq!(cost(&usage(10, 1, 0)), Some(1_388));
        assert_eq!(cost(&usage(10, 99, 0)), Some(375));
        assert_eq!(cost(&Usage { output: None, ..usage(1, 0, 0) }), None);
        assert!(prices.of("other").is_none());
    }

    #[test]
    fn a_users_price_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("prices.toml");
        std::fs::write(&path, price("m*").replace("made up", "mine")).unwrap();
        let prices = Prices { lines: parse(&price("m"), "x").unwrap() };
        assert_eq!(prices.with_user(&path).unwrap().of("m").unwrap().source, "mine");
    }

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("gpt", "gpt", true),
            ("gpt", "gpt-4", false),
            ("gpt-*", "gpt-4", true),
            ("*", "", true),
            ("*-mini*", "gpt-mini-2", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for bad in ["", ".", "1.", "-1", "1e3", "0.0000000001", "free", "99999999999999999999"] {
            assert!(Rate::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        assert_eq!(Rate::try_from("2".to_owned()), Ok(Rate(2_000_000_000)));
    }
}
