//! TOML files that a person wrote, and the line of what is wrong in them.

use plumb_study::{Error, Result};
use serde::de::DeserializeOwned;

/// Parses a file; a fault names the file and the line.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, path: &str) -> Result<T> {
    toml::from_str(text).map_err(|e| {
        let line = e.span().map_or(1, |s| line_of(text, s.start));
        Error::plan(format!("{path}:{line}: {}", e.message().trim()))
    })
}

/// The text of a file's bytes.
pub(crate) fn utf8<'a>(bytes: &'a [u8], path: &str) -> Result<&'a str> {
    std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).map_err(|e| {
        let line = line_of_bytes(bytes, e.valid_up_to());
        Error::plan(format!("{path}:{line}: not UTF-8")).help("save the file as UTF-8")
    })
}

/// The line, from 1, that holds this byte.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    line_of_bytes(text.as_bytes(), offset)
}

fn line_of_bytes(bytes: &[u8], offset: usize) -> usize {
    bytes.iter().take(offset).filter(|b| **b == b'\n').count() + 1
}

/// Whether a text can name something in files, ids and columns.
pub(crate) fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
}
