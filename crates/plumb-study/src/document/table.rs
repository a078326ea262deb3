//! Tables of a document.

use super::Tone;
use crate::method::{Unit, Value};

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What it shows; may be empty.
    pub caption: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows; each has a cell for each column.
    pub rows: Vec<Vec<Cell>>,
    /// Notes under it.
    pub notes: Vec<String>,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// Which way it is flush.
    pub align: Align,
}

/// Which way a column is flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// Words that are good or bad news.
    Toned(String, Tone),
    /// A value with its interval, in its unit.
    Value(Value, Unit),
    /// A number with this many decimals.
    Number(f64, usize),
    /// An interval, each end with this many decimals.
    Interval(f64, f64, usize),
    /// A whole number.
    Count(u64),
    /// A share of one, shown in percent with this many decimals.
    Share(f64, usize),
    /// A p-value.
    P(f64),
    /// Nothing, and why.
    Missing(String),
    /// Nothing: the row has no such thing.
    Empty,
}

impl Table {
    /// A table without rows; a column whose name starts with `#` is one of numbers, and is shown without the sign.
    pub fn new(caption: impl Into<String>, columns: &[&str]) -> Table {
        let column = |name: &&str| match name.strip_prefix('#') {
            Some(name) => Column { name: name.into(), align: Align::Right },
            None => Column { name: (*name).into(), align: Align::Left },
        };
        Table {
            caption: caption.into(),
            columns: columns.iter().map(column).collect(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a row; missing cells at its end are empty, surplus ones are dropped.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) -> &mut Table {
        let mut cells: Vec<Cell> = cells.into_iter().collect();
        cells.resize(self.columns.len(), Cell::Empty);
        self.rows.push(cells);
        self
    }

    /// Adds a note under the table.
    pub fn note(&mut self, text: impl Into<String>) -> &mut Table {
        self.notes.push(text.into());
        self
    }
}

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Cell {
        Cell::Text(text.into())
    }

    /// Words with a tone.
    pub fn toned(text: impl Into<String>, tone: Tone) -> Cell {
        Cell::Toned(text.into(), tone)
    }
}
