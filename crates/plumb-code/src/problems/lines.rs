//! Lines of JSON objects, packed with gzip or not, whose fields are asked for by name and type.

use crate::Error;
use serde_json::{Map, Value};
use std::io::Read as _;

/// What every gzip file begins with.
pub(super) const GZIP: [u8; 2] = [0x1f, 0x8b];
/// The largest file that is unpacked, in bytes: a small file may unpack to more than memory holds.
const MOST: u64 = 1 << 30;

/// An object and where it stands.
pub(crate) struct Line {
    /// File and line, from 1.
    pub(crate) place: String,
    /// The line as it is written.
    text: String,
    fields: Map<String, Value>,
}

/// The objects of a file; empty lines are left out.
pub(crate) fn lines_of(bytes: &[u8], name: &str) -> Result<impl Iterator<Item = Result<Line, Error>>, Error> {
    let text = text_of(bytes, name)?;
    let lines: Vec<(usize, String)> =
        text.lines().map(str::to_owned).enumerate().filter(|(_, line)| !line.trim().is_empty()).collect();
    let name = name.to_owned();
    Ok(lines.into_iter().map(move |(at, line)| Line::read(&name, at + 1, line)))
}

/// The text of a file, unpacked, without a byte order mark.
pub(crate) fn text_of(bytes: &[u8], name: &str) -> Result<String, Error> {
    let mut unpacked = Vec::new();
    let bytes = if bytes.starts_with(&GZIP) {
        // A file may be several gzip files one after another.
        flate2::read::MultiGzDecoder::new(bytes)
            .take(MOST + 1)
            .read_to_end(&mut unpacked)
            .map_err(|error| Error::file(name, format!("gzip: {error}")))?;
        if unpacked.len() as u64 > MOST {
            return Err(Error::file(name, "unpacks to more than 1 GiB"));
        }
        &unpacked
    } else {
        bytes
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let line = plumb_study::written::line_of(bytes, error.valid_up_to());
            Err(Error::file(&format!("{name}:{line}"), "not UTF-8"))
        }
    }
}

impl Line {
    /// Reads one line, `number` from 1.
    pub(crate) fn read(name: &str, number: usize, text: String) -> Result<Line, Error> {
        let place = format!("{name}:{number}");
        match serde_json::from_str(&text) {
            Ok(Value::Object(fields)) => Ok(Line { place, text, fields }),
            Ok(_) => Err(Error::file(&place, "a JSON object is expected")),
            Err(error) => {
                // It says "line 1", of this line; the file's is in the place.
                let error = error.to_string().replace(" at line 1 column ", " at column ");
                Err(Error::file(&place, format!("not JSON: {error}")))
            }
        }
    }

    /// The JSON text of a list, as it is written.
    pub(crate) fn raw_list(&self, key: &str) -> Result<String, Error> {
        match self.fields.get(key) {
            Some(Value::Array(_)) => {}
            _ => return Err(self.wrong(key, "a list")),
        }
        let raw = super::raw::value_of(&self.text, key);
        raw.map(str::to_owned).ok_or_else(|| Error::file(&self.place, format!("`{key}` cannot be found")))
    }

    /// A number; null and absence are the same.
    pub(crate) fn maybe_number(&self, key: &str) -> Result<Option<f64>, Error> {
        match self.fields.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => Ok(number.as_f64()),
            Some(_) => Err(self.wrong(key, "a number")),
        }
    }

    /// The list under `key`, if it is one.
    pub(crate) fn list(&self, key: &str) -> Result<&[Value], Error> {
        match self.fields.get(key) {
            Some(Value::Array(list)) => Ok(list),
            _ => Err(self.wrong(key, "a list")),
        }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }

    /// All fields.
    pub(crate) fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// An object; null and absence are the same.
    pub(crate) fn object(&self, key: &str) -> Result<Option<&Map<String, Value>>, Error> {
        match self.fields.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(fields)),
            Some(_) => Err(self.wrong(key, "an object")),
        }
    }

    pub(crate) fn wrong(&self, key: &str, expected: &str) -> Error {
        match self.fields.get(key) {
            Some(_) => Error::file(&self.place, format!("`{key}` must be {expected}")),
            None => {
                let known: Vec<&str> = self.fields.keys().map(String::as_str).collect();
                let known = known.join(", ");
                Error::file(&self.place, format!("`{key}` is missing ({expected}); fields here: {known}"))
            }
        }
    }

    /// A name: a text, or a whole number as it is written.
    pub(crate) fn id(&self, key: &str) -> Result<String, Error> {
        match self.fields.get(key) {
            Some(Value::String(id)) if !id.is_empty() => Ok(id.clone()),
            Some(Value::Number(number)) if number.is_u64() => Ok(number.to_string()),
            _ => Err(self.wrong(key, "a name: a text or a whole number")),
        }
    }

    pub(crate) fn text(&self, key: &str) -> Result<String, Error> {
        self.maybe_text(key)?.ok_or_else(|| self.wrong(key, "a text"))
    }

    /// A text; null and absence are the same.
    pub(crate) fn maybe_text(&self, key: &str) -> Result<Option<String>, Error> {
        match self.fields.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(key, "a text")),
        }
    }

    pub(crate) fn texts(&self, key: &str) -> Result<Vec<String>, Error> {
        self.maybe_texts(key)?.ok_or_else(|| self.wrong(key, "a list of texts"))
    }

    /// A list of texts; null and absence are the same.
    pub(crate) fn maybe_texts(&self, key: &str) -> Result<Option<Vec<String>>, Error> {
        let wrong = || self.wrong(key, "a list of texts");
        match self.fields.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(list)) => {
                let texts: Option<Vec<String>> = list.iter().map(|v| v.as_str().map(str::to_owned)).collect();
                texts.map(Some).ok_or_else(wrong)
            }
            Some(_) => Err(wrong()),
        }
    }
}
