//! Texts and keys in files that a person wrote.

use plumb_study::written::line_of;
use plumb_study::{Error, Result};

/// The text of a file's bytes.
pub(crate) fn utf8<'a>(bytes: &'a [u8], path: &str) -> Result<&'a str> {
    std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).map_err(|e| {
        let line = line_of(bytes, e.valid_up_to());
        Error::plan(format!("{path}:{line}: not UTF-8")).help("save the file as UTF-8")
    })
}

/// Whether a text can name something in files, ids and columns.
pub(crate) fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
}
