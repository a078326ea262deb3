//! Readers of CSV, JSON lines and JSON files.

use super::json::{json_lines, json_rows};
use super::rows::{Mapping, Row};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::registry::{DraftItem, Inputs, Reader};
use crate::written::{record_line, unmarked, utf8};
use std::sync::Arc;

/// The form of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Csv,
    JsonLines,
    Json,
}

/// Reads rows of one form. Keys: `path` (a file, or several by `*`, or a list), `name_pattern`, `records`
/// (JSON: the field that holds the rows), and those of [`Mapping`].
pub(super) struct Files {
    pub(super) form: Form,
}

/// Takes `path` and finds the files that it names; each name must find one.
pub(super) fn take_paths(fields: &mut Fields, inputs: &dyn Inputs) -> Result<Vec<String>> {
    let place = fields.place().to_owned();
    let written =
        fields.texts("path")?.ok_or_else(|| fields.error("`path` is missing (the file to read)"))?;
    let mut paths = Vec::new();
    for path in &written {
        let found = inputs.expand(path).map_err(|e| e.at(&place))?;
        if found.is_empty() {
            return Err(Error::plan(format!("{place}: no file is called {path}")));
        }
        paths.extend(found);
    }
    Ok(paths)
}

impl Reader for Files {
    fn read(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<Vec<DraftItem>> {
        let place = fields.place().to_owned();
        let paths = take_paths(fields, inputs)?;
        let pattern = fields.text("name_pattern")?.map(|p| NamePattern::parse(&p, &place)).transpose()?;
        let records = if self.form == Form::Json { fields.text("records")? } else { None };
        let mapping = Mapping::take(fields)?;
        let mut rows = Vec::new();
        for path in &paths {
            let extra = match &pattern {
                Some(pattern) => pattern.fields(path)?,
                None => Vec::new(),
            };
            let bytes = inputs.read(path).map_err(|e| e.at(&place))?;
            let text = utf8(&bytes, path)?;
            let found = match self.form {
                Form::Csv => table(text, path)?,
                Form::JsonLines => json_lines(text, path)?,
                Form::Json => json_rows(text, path, records.as_deref())?,
            };
            if found.is_empty() {
                return Err(no_rows(path));
            }
            rows.extend(found.into_iter().map(|mut row| {
                row.values.extend(extra.iter().cloned());
                Ok(row)
            }));
        }
        mapping.items(rows.into_iter())
    }
}

/// The rows of a CSV file, for readers of other crates that know which column is what. A byte order mark
/// at the start is skipped.
///
/// # Errors
/// A wrong encoding, a column that occurs twice and a row with more or fewer fields than the header; all name
/// file and line.
pub fn csv_rows(bytes: &[u8], path: &str) -> Result<Vec<Row>> {
    table(utf8(bytes, path)?, path)
}

/// The rows of a table by the ending of its name: `.csv`, `.jsonl`, or `.json` with a list of objects, which may stand in
/// the field `records`.
///
/// # Errors
/// Another ending, and as [`csv_rows`].
pub fn table_rows(bytes: &[u8], path: &str, records: Option<&str>) -> Result<Vec<Row>> {
    let text = utf8(bytes, path)?;
    match path.rsplit('.').next() {
        Some("csv") => table(text, path),
        Some("jsonl") => json_lines(text, path),
        Some("json") => json_rows(text, path, records),
        _ => Err(Error::plan(format!("{path}: not a table")).help("tables are .csv, .jsonl or .json files")),
    }
}

/// A file that is read for its items and has none.
pub fn no_rows(path: &str) -> Error {
    Error::plan(format!("{path}:1: no row follows"))
        .help("the file is empty or has only a header; leave it out of the plan")
}

fn table(text: &str, path: &str) -> Result<Vec<Row>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| Error::plan(format!("{path}:1: {e}")))?.clone();
    let names: Vec<Arc<str>> = header.iter().map(Into::into).collect();
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            return Err(Error::plan(format!("{path}:1: the column \"{name}\" occurs twice")));
        }
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| Error::plan(format!("{path}: {e}")))?;
        let line = record.position().map_or(0, |p| record_line(text.as_bytes(), p.byte(), p.line()));
        unmarked(record.get(0).unwrap_or_default(), &format!("{path}:{line}"))?;
        if record.len() != names.len() {
            return Err(Error::plan(format!(
                "{path}:{line}: {} fields, but the header has {}",
                record.len(),
                names.len()
            ))
            .help("a comma inside a field needs double quotes around the field"));
        }
        let values = names.iter().cloned().zip(record.iter().map(Into::into)).collect();
        rows.push(Row { place: format!("{path}:{line}"), values });
    }
    if let Some(last) = rows.last()
        && text.bytes().filter(|b| *b == b'"').count() % 2 == 1
        && last.values.iter().any(|(_, value)| value.contains('\n'))
    {
        return Err(Error::plan(format!("{}: a quote opens a field here and is never closed", last.place))
            .help("close it, or write \"\" for a quote inside a quoted field"));
    }
    Ok(rows)
}

/// The rows of a CSV file of known columns that may or may not begin with a header, told by its first field being the first
/// column's name.
pub(super) fn headless_rows(bytes: &[u8], path: &str, columns: &[&str]) -> Result<Vec<Row>> {
    let text = utf8(bytes, path)?;
    let first = columns.first().copied().unwrap_or_default();
    if text.split([',', '\n', '\r']).next().is_some_and(|field| field.trim_matches('"') == first) {
        return table(text, path);
    }
    let mut rows = table(&format!("{}\n{text}", columns.join(",")), path)?;
    for row in &mut rows {
        // The header that was put before the text counts as no line of the file.
        if let Some(line) = row.place.rsplit(':').next().and_then(|line| line.parse::<u64>().ok()) {
            row.place = format!("{path}:{}", line.saturating_sub(1));
        }
    }
    Ok(rows)
}

/// Fields told by a file's name, such as `{model}.{set}_{condition}.json`.
struct NamePattern {
    written: String,
    parts: Vec<Part>,
}

enum Part {
    Fixed(String),
    Field(Arc<str>),
}

impl NamePattern {
    fn parse(written: &str, place: &str) -> Result<NamePattern> {
        let mut parts = Vec::new();
        let mut rest = written;
        while let Some(open) = rest.find('{') {
            let close = rest[open..]
                .find('}')
                .map(|at| at + open)
                .ok_or_else(|| Error::plan(format!("{place}: `name_pattern` has a '{{' without '}}'")))?;
            if open > 0 {
                parts.push(Part::Fixed(rest[..open].into()));
            } else if !parts.is_empty() {
                return Err(Error::plan(format!("{place}: `name_pattern` needs text between two fields")));
            }
            parts.push(Part::Field(rest[open + 1..close].into()));
            rest = &rest[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Fixed(rest.into()));
        }
        Ok(NamePattern { written: written.into(), parts })
    }

    /// The fields in the last part of `path`. A field ends at the first place where the text after it in
    /// the pattern occurs; the last one ends where the rest of the pattern fits the end.
    fn fields(&self, path: &str) -> Result<Vec<(Arc<str>, Arc<str>)>> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let failed =
            || Error::plan(format!("{path}: the name does not fit name_pattern \"{}\"", self.written));
        let mut rest = name;
        let mut fields = Vec::new();
        for (at, part) in self.parts.iter().enumerate() {
            match part {
                Part::Fixed(text) => rest = rest.strip_prefix(text.as_str()).ok_or_else(failed)?,
                Part::Field(field) => {
                    let end = match self.parts.get(at + 1) {
                        None => rest.len(),
                        Some(Part::Fixed(text)) if at + 2 == self.parts.len() => {
                            rest.strip_suffix(text.as_str()).ok_or_else(failed)?.len()
                        }
                        Some(Part::Fixed(text)) => rest.find(text.as_str()).ok_or_else(failed)?,
                        Some(Part::Field(_)) => return Err(failed()),
                    };
                    fields.push((field.clone(), rest[..end].into()));
                    rest = &rest[end..];
                }
            }
        }
        if rest.is_empty() { Ok(fields) } else { Err(failed()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pattern: &str, path: &str) -> Option<Vec<String>> {
        let found = NamePattern::parse(pattern, "plan").unwrap().fields(path).ok()?;
        Some(found.into_iter().map(|(n, v)| format!("{n}={v}")).collect())
    }

    #[test]
    fn a_file_name_tells_fields() {
        let pattern = "{model}.{set}_{condition}.json";
        assert_eq!(
            fields(pattern, "a/gemma-2b-it.harmless_actadd.json").unwrap(),
            ["model=gemma-2b-it", "set=harmless", "condition=actadd"]
        );
        assert_eq!(fields(pattern, "a/readme.md"), None);
    }

    #[test]
    fn ragged_rows_name_their_line() {
        let error = table("a,b\n1,2\n\"x\ny\",2,3\n", "f.csv").err().unwrap();
        assert_eq!(error.to_string(), "f.csv:3: 3 fields, but the header has 2");
    }

    #[test]
    fn a_byte_order_mark_is_skipped_and_a_wrong_encoding_named() {
        let rows = csv_rows(b"\xef\xbb\xbfa\nx", "f").unwrap();
        assert_eq!(&*rows[0].values[0].0, "a");
        let error = csv_rows(b"a,b\nx,\xe9", "f.csv").err().unwrap();
        assert_eq!(error.to_string(), "f.csv:2: not UTF-8 (byte 6)");
        let error = csv_rows(b"\xff\xfea\0,\0b\0", "f.csv").err().unwrap();
        assert_eq!(error.to_string(), "f.csv:1: UTF-16, not UTF-8");
        let error = csv_rows(b"a\0,\0b\0\n\0", "f.csv").err().unwrap();
        assert_eq!(error.to_string(), "f.csv:1: UTF-16 without its mark, not UTF-8");
        let joined = "\u{feff}a,b\r\nx,y\r\n\u{feff}a,b\r\nz,y\r\n";
        let error = csv_rows(joined.as_bytes(), "f.csv").err().unwrap();
        assert_eq!(error.to_string(), "f.csv:3: a byte order mark amid the file");
        let error = table_rows("{}\n\u{feff}{}".as_bytes(), "f.jsonl", None).err().unwrap();
        assert_eq!(error.to_string(), "f.jsonl:2: a byte order mark amid the file");
        let text = "a,b\nx,\"zero\u{feff}width\n\u{feff}y\"\n";
        assert!(csv_rows(text.as_bytes(), "f").is_ok(), "within a text it is a character");
    }

    #[test]
    fn lines_count_alike_whatever_ends_them() {
        for end in ["\n", "\r\n"] {
            let text = ["a,b", "1,\"x", "y\"", "", "2,z", "3"].join(end);
            let error = table(&text, "f.csv").err().unwrap().to_string();
            assert_eq!(error, "f.csv:6: 1 fields, but the header has 2", "{end:?}");
            let places: Vec<String> =
                table(text.trim_end_matches('3'), "f").unwrap().into_iter().map(|row| row.place).collect();
            assert_eq!(places, ["f:2", "f:5"], "{end:?}");
        }
    }
}
