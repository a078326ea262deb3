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
use std::path::Path;
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

/// Takes rows.
pub trait Sink {
    /// One row, its values in the order of the columns.
    fn row(&mut self, row: Vec<Value>) -> Result<(), Problem>;
    /// Writes what is left.
    fn end(self: Box<Self>) -> Result<(), Problem>;
}

/// Writes a table, and says how many rows it has. A file appears whole or not at all; a device or pipe is
/// written as it comes.
pub fn write(table: &Table, format: Format, path: &Path) -> Result<u64, Problem> {
    let known = std::fs::metadata(path);
    if known.is_ok_and(|m| !m.is_file()) {
        let out = File::options().write(true).open(path).map_err(Problem::io(path))?;
        return rows(table, format, out);
    }
    // Behind a link, the file that it leads to.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut temporary = target.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = std::path::PathBuf::from(temporary);
    let file = File::create(&temporary).map_err(Problem::io(&temporary))?;
    let rows = rows(table, format, file)?;
    std::fs::rename(&temporary, &target).map_err(Problem::io(&target))?;
    Ok(rows)
}

fn rows(table: &Table, format: Format, file: File) -> Result<u64, Problem> {
    let mut sink: Box<dyn Sink> = match format {
        Format::Csv => Box::new(delimited::Csv::new(BufWriter::new(file), table.columns())?),
        Format::Jsonl => Box::new(delimited::JsonLines::new(BufWriter::new(file), table.columns())),
        Format::Parquet => Box::new(parquet::Parquet::new(file, table.columns())?),
        Format::Samples => return Err(Problem::usage("samples are no table")),
    };
    let mut rows = 0;
    table.each(|row| {
        rows += 1;
        sink.row(row)
    })?;
    sink.end()?;
    Ok(rows)
}
