//! TOML files that a person wrote: which line is wrong, in which table, and what was probably meant.
//!
//! Plans, studies, hazards and languages are all read here, so that all of their faults are told alike.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::fields::close;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// The table's header and what is wrong in it.
    pub what: String,
    /// How it is probably mended.
    pub help: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// Parses a file; `path` is for messages.
///
/// # Errors
/// The text is no TOML, or not what `T` takes; with file, line and table.
pub fn parse<T: DeserializeOwned>(text: &str, path: &str) -> Result<T> {
    read(text).map_err(|fault| {
        let error = Error::plan(format!("{path}:{}: {}", fault.line, fault.what));
        match fault.help {
            Some(help) => error.help(help),
            None => error,
        }
    })
}

/// [`parse`] for callers that have errors of their own.
///
/// # Errors
/// As [`parse`].
pub fn read<T: DeserializeOwned>(text: &str) -> std::result::Result<T, Fault> {
    toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let (line, message) = (line_of(text, at), error.message().trim());
        let what = match table(text, line) {
            // The message says its name already.
            Some((_, own)) if own == line && message.starts_with("unknown field") => message.to_owned(),
            Some((header, _)) => format!("{header}: {message}"),
            None => message.to_owned(),
        };
        Fault { line, what, help: help(message) }
    })
}

/// The text of a file's bytes, without a mark of byte order at its beginning.
///
/// # Errors
/// Another encoding; it names the line.
pub fn utf8<'a>(bytes: &'a [u8], path: &str) -> Result<&'a str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(Error::plan(format!("{path}:1: UTF-16, not UTF-8"))
            .help("save the file as UTF-8; spreadsheets offer it as \"CSV UTF-8\""));
    }
    std::str::from_utf8(bytes).map_err(|e| {
        let line = line_of(bytes, e.valid_up_to());
        Error::plan(format!("{path}:{line}: not UTF-8 (byte {})", e.valid_up_to()))
            .help("save the file as UTF-8; spreadsheets offer it as \"CSV UTF-8\"")
    })
}

/// The line, from 1, that holds this byte.
pub fn line_of(text: impl AsRef<[u8]>, offset: usize) -> usize {
    text.as_ref().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

/// The header under which a line stands, as it is written, and the header's own line.
fn table(text: &str, line: usize) -> Option<(&str, usize)> {
    let headers = text.lines().zip(1..).filter_map(|(line, number)| Some((header(line)?, number)));
    headers.take_while(|(_, number)| *number <= line).last()
}

/// A line's header. Lists over several lines have brackets, too, but quotes or commas between them.
fn header(line: &str) -> Option<&str> {
    let line = line.split('#').next().unwrap_or(line).trim();
    let name = line
        .strip_prefix("[[")
        .and_then(|l| l.strip_suffix("]]"))
        .or_else(|| line.strip_prefix('[').and_then(|l| l.strip_suffix(']')))?;
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (!name.is_empty() && name.chars().all(bare)).then_some(line)
}

/// The key that was meant, of those that the parser says it takes.
fn help(message: &str) -> Option<String> {
    let (slip, known) = message.strip_prefix("unknown field ")?.split_once(", expected ")?;
    let slip = slip.trim_matches('`');
    let near = known.split('`').skip(1).step_by(2).find(|key| close(key, slip))?;
    Some(format!("did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[expect(dead_code, reason = "only that it is read matters")]
        block: Vec<Block>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Block {
        #[expect(dead_code, reason = "only that it is read matters")]
        title: String,
        #[expect(dead_code, reason = "only that it is read matters")]
        #[serde(default)]
        lists: Vec<Vec<bool>>,
    }

    #[test]
    fn a_fault_names_line_table_and_what_was_meant() {
        let cases = [
            (
                "[[block]]\ntitle = 'a'\n\n[[block]] # the second\n",
                4,
                "[[block]]: missing field `title`",
                None,
            ),
            ("[[blok]]\ntitle = 'a'\n", 1, "unknown field `blok`, expected `block`", Some("block")),
            ("[[block]]\ntitle = 'a'\ncolour = 1\n", 3, "[[block]]: unknown field `colour`", None),
            ("[[block]]\ntitle = 'a'\nlists = [\n  [true, 1],\n]\n", 4, "[[block]]: invalid type", None),
            ("block = 3\n", 1, "invalid type", None),
        ];
        for (text, line, what, meant) in cases {
            let fault = read::<File>(text).unwrap_err();
            assert_eq!(fault.line, line, "{text}");
            assert!(fault.what.starts_with(what), "{text}: {}", fault.what);
            assert_eq!(fault.help, meant.map(|key| format!("did you mean `{key}`?")), "{text}");
        }
    }
}
