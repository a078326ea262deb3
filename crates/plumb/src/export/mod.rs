//! A run's trials as a table: one row a trial, in plan order, whatever the order of completion.
//!
//! [`table`] says which columns there are and gives the rows one after another; `csv`, `json` and
//! `parquet` write them. Nothing of a large run is held but one batch of rows.

mod delimited;
mod parquet;
pub mod samples;
mod table;

pub use table::Table;

use crate::cli::Format;
use crate::exit::Problem;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Whole,
    Number,
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// A value, if there is one. A missing value has its reason in another column of the row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    None,
    Text(Arc<str>),
    Whole(i64),
    Number(f64),
}

impl Value {
    /// As CSV writes it: a missing value is an empty text.
    pub fn written(&self) -> Arc<str> {
        match self {
            Value::None => "".into(),
            Value::Text(text) => text.clone(),
            Value::Whole(n) => n.to_string().into(),
            Value::Number(x) => x.to_string().into(),
        }
    }
}

/// Takes rows.
pub trait Sink {
    /// One row, its values in the order of the columns.
    fn row(&mut self, row: Vec<Value>) -> Result<(), Problem>;
    /// Writes what is left.
    fn end(self: Box<Self>) -> Result<(), Problem>;
}

/// Writes a table, and says how many rows it has.
pub fn write(table: &Table, format: Format, path: &Path) -> Result<u64, Problem> {
    let mut out = Output::create(path, format, table.columns())?;
    table.each(|row| out.row(row))?;
    Ok(out.end()?.1)
}

/// A file that rows are written to. It appears whole or not at all; a device or pipe is written as it comes.
pub struct Output {
    sink: Box<dyn Sink>,
    rows: u64,
    path: PathBuf,
    /// Where it is written, and where it goes at the end.
    moved: Option<(PathBuf, PathBuf)>,
}

impl Output {
    /// Begins a file of this format.
    pub fn create(path: &Path, format: Format, columns: &[Column]) -> Result<Output, Problem> {
        let known = std::fs::metadata(path);
        let (file, moved) = if known.is_ok_and(|m| !m.is_file()) {
            (File::options().write(true).open(path).map_err(Problem::io(path))?, None)
        } else {
            // Behind a link, the file that it leads to.
            let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            let mut temporary = target.as_os_str().to_owned();
            temporary.push(".new");
            let temporary = PathBuf::from(temporary);
            let file = File::create(&temporary).map_err(Problem::io(&temporary))?;
            (file, Some((temporary, target)))
        };
        let sink: Box<dyn Sink> = match format {
            Format::Csv => Box::new(delimited::Csv::new(BufWriter::new(file), columns)?),
            Format::Jsonl => Box::new(delimited::JsonLines::new(BufWriter::new(file), columns)),
            Format::Parquet => Box::new(parquet::Parquet::new(file, columns)?),
            Format::Samples => return Err(Problem::usage("samples are no table")),
        };
        Ok(Output { sink, rows: 0, path: path.to_owned(), moved })
    }

    /// One row, its values in the order of the columns.
    pub fn row(&mut self, row: Vec<Value>) -> Result<(), Problem> {
        self.rows += 1;
        self.sink.row(row)
    }

    /// Writes what is left; the file's name and its rows.
    pub fn end(self) -> Result<(PathBuf, u64), Problem> {
        self.sink.end()?;
        if let Some((temporary, target)) = self.moved {
            std::fs::rename(&temporary, &target).map_err(Problem::io(&target))?;
        }
        Ok((self.path, self.rows))
    }
}
