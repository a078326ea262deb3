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

/// The mark of byte order that some programs put before a text.
const MARK: &str = "\u{feff}";

/// Refuses a record, by its place, that begins with a mark of byte order: there, files were joined with their marks. Within
/// a text the same character is one like any other.
///
/// # Errors
/// There is one.
pub fn unmarked(record: &str, place: &str) -> Result<()> {
    if record.starts_with(MARK) {
        return Err(Error::plan(format!("{place}: a byte order mark amid the file")).help(
            "files were joined with their marks: remove all but the first, and headers that were joined with them",
        ));
    }
    Ok(())
}

/// The text of a file's bytes, without a mark of byte order at its beginning.
///
/// # Errors
/// Another encoding; it names the line.
pub fn utf8<'a>(bytes: &'a [u8], path: &str) -> Result<&'a str> {
    let bytes = bytes.strip_prefix(MARK.as_bytes()).unwrap_or(bytes);
    let encoding = "save the file as UTF-8; spreadsheets offer it as \"CSV UTF-8\"";
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(Error::plan(format!("{path}:1: UTF-16, not UTF-8")).help(encoding));
    }
    if is_bare_utf16(bytes) {
        return Err(Error::plan(format!("{path}:1: UTF-16 without its mark, not UTF-8")).help(encoding));
    }
    std::str::from_utf8(bytes).map_err(|e| {
        let line = line_of(bytes, e.valid_up_to());
        Error::plan(format!("{path}:{line}: not UTF-8 (byte {})", e.valid_up_to())).help(encoding)
    })
}

/// Whether every second byte of the beginning is mostly zero, as in UTF-16 of Latin letters.
fn is_bare_utf16(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(1024)];
    let zeros = |from: usize| start.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    start.len() >= 4 && zeros(0).max(zeros(1)) > start.len() / 4
}

/// The line, from 1, of a record of a CSV file, of which the parser says that it begins at `byte` of `text` on `line`:
/// the end of the line before, where it is of two characters, and empty lines count with the record for it.
pub fn record_line(text: &[u8], byte: u64, line: u64) -> u64 {
    let rest = usize::try_from(byte).ok().and_then(|byte| text.get(byte..)).unwrap_or_default();
    let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    line + ends.filter(|byte| **byte == b'\n').count() as u64
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
