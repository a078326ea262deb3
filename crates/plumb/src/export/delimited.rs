//! CSV and JSON lines.

use super::{Column, Sink, Value};
use crate::exit::Problem;
use std::io::Write;

/// One line a row, a line of names first; a missing value is an empty field.
pub struct Csv<W: Write>(csv::Writer<W>);

fn wrong(error: impl std::fmt::Display) -> Problem {
    Problem::new(format!("the table cannot be written: {error}"))
}

impl<W: Write> Csv<W> {
    pub fn new(out: W, columns: &[Column]) -> Result<Csv<W>, Problem> {
        let mut out = csv::Writer::from_writer(out);
        out.write_record(columns.iter().map(|c| &c.name)).map_err(wrong)?;
        Ok(Csv(out))
    }
}

impl<W: Write> Sink for Csv<W> {
    fn row(&mut self, row: Vec<Value>) -> Result<(), Problem> {
        for value in row {
            self.0.write_field(&*value.written()).map_err(wrong)?;
        }
        self.0.write_record(None::<&[u8]>).map_err(wrong)
    }

    fn end(mut self: Box<Self>) -> Result<(), Problem> {
        self.0.flush().map_err(wrong)
    }
}

/// One JSON object a line; a missing value is no key.
pub struct JsonLines<W: Write> {
    out: W,
    names: Vec<String>,
}

impl<W: Write> JsonLines<W> {
    pub fn new(out: W, columns: &[Column]) -> JsonLines<W> {
        JsonLines { out, names: columns.iter().map(|c| c.name.clone()).collect() }
    }
}

impl<W: Write> Sink for JsonLines<W> {
    fn row(&mut self, row: Vec<Value>) -> Result<(), Problem> {
        let mut object = serde_json::Map::new();
        for (name, value) in self.names.iter().zip(row) {
            let value = match value {
                Value::None => continue,
                Value::Text(text) => (&*text).into(),
                Value::Whole(n) => n.into(),
                Value::Number(x) => x.into(),
            };
            object.insert(name.clone(), value);
        }
        serde_json::to_writer(&mut self.out, &object).map_err(wrong)?;
        self.out.write_all(b"\n").map_err(wrong)
    }

    fn end(mut self: Box<Self>) -> Result<(), Problem> {
        self.out.flush().map_err(wrong)
    }
}
