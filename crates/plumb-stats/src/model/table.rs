//! Columns that a model reads: numbers and factors, all of one length and without gaps.
//!
//! Why no gaps: a missing value has a reason that only the caller knows, so the caller leaves the row out and counts
//! it. Not here: reading files.

use std::sync::Arc;

use crate::Error;

/// A categorical column: codes into its levels.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    levels: Vec<Arc<str>>,
    codes: Vec<u32>,
}

impl Factor {
    /// Levels in their order; the first is the reference of treatment coding.
    pub fn levels(&self) -> &[Arc<str>] {
        &self.levels
    }

    /// One index into [`Factor::levels`] for each row.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    Numeric(Vec<f64>),
    Factor(Factor),
}

/// Named columns of one length.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    rows: usize,
    columns: Vec<(Arc<str>, Column)>,
}

impl Table {
    /// A table of `rows` rows without columns.
    pub fn new(rows: usize) -> Self {
        Self { rows, columns: Vec::new() }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a column of numbers, or replaces the one of that name.
    ///
    /// # Errors
    /// Another length than the table's, or a value that is not finite.
    pub fn numeric(mut self, name: &str, values: Vec<f64>) -> Result<Self, Error> {
        if values.len() != self.rows {
            return Err(Error::columns(values.len(), self.rows));
        }
        if values.iter().any(|v| !v.is_finite()) {
            return Err(Error::model(format!(
                "column {name} has a value that is not a finite number: leave the row out"
            )));
        }
        self.put(name, Column::Numeric(values));
        Ok(self)
    }

    /// Adds a factor, or replaces the one of that name. `order` names levels in their order; levels that it leaves
    /// out follow in the order in which they occur, and levels that do not occur are dropped.
    ///
    /// # Errors
    /// Another length than the table's.
    pub fn factor<S: AsRef<str>>(mut self, name: &str, order: &[&str], values: &[S]) -> Result<Self, Error> {
        if values.len() != self.rows {
            return Err(Error::columns(values.len(), self.rows));
        }
        let mut seen: std::collections::HashMap<&str, u32> = std::collections::HashMap::new();
        let mut levels: Vec<&str> = Vec::new();
        for level in order.iter().copied().chain(values.iter().map(AsRef::as_ref)) {
            seen.entry(level).or_insert_with(|| {
                levels.push(level);
                (levels.len() - 1) as u32
            });
        }
        let codes = values.iter().map(|v| seen[v.as_ref()]).collect();
        let levels = levels.into_iter().map(Arc::from).collect();
        self.put(name, Column::Factor(used(&Factor { levels, codes })));
        Ok(self)
    }

    /// Adds a factor that is already coded: `codes` are positions among `levels`; levels that do not occur are dropped.
    ///
    /// # Errors
    /// Another length than the table's, or a code without a level.
    pub fn coded<S: AsRef<str>>(mut self, name: &str, levels: &[S], codes: Vec<u32>) -> Result<Self, Error> {
        if codes.len() != self.rows {
            return Err(Error::columns(codes.len(), self.rows));
        }
        if let Some(code) = codes.iter().find(|code| **code as usize >= levels.len()) {
            return Err(Error::model(format!("column {name} has code {code}, but {} levels", levels.len())));
        }
        let levels = levels.iter().map(|l| Arc::from(l.as_ref())).collect();
        self.put(name, Column::Factor(used(&Factor { levels, codes })));
        Ok(self)
    }

    fn put(&mut self, name: &str, column: Column) {
        match self.columns.iter_mut().find(|(n, _)| &**n == name) {
            Some((_, old)) => *old = column,
            None => self.columns.push((name.into(), column)),
        }
    }

    /// The column of that name.
    ///
    /// # Errors
    /// There is none; the message lists those there are.
    pub fn column(&self, name: &str) -> Result<&Column, Error> {
        self.columns.iter().find(|(n, _)| &**n == name).map(|(_, c)| c).ok_or_else(|| {
            let known: Vec<&str> = self.columns.iter().map(|(n, _)| &**n).collect();
            Error::model(format!("there is no column {name}; there are {}", known.join(", ")))
        })
    }

    /// The numbers of a column.
    ///
    /// # Errors
    /// No such column, or a factor.
    pub fn numbers(&self, name: &str) -> Result<&[f64], Error> {
        match self.column(name)? {
            Column::Numeric(values) => Ok(values),
            Column::Factor(_) => Err(Error::model(format!("column {name} is a factor; numbers are needed"))),
        }
    }

    /// A column as a factor.
    ///
    /// # Errors
    /// No such column, or numbers.
    pub fn groups(&self, name: &str) -> Result<&Factor, Error> {
        match self.column(name)? {
            Column::Factor(factor) => Ok(factor),
            Column::Numeric(_) => {
                Err(Error::model(format!("column {name} holds numbers; a factor is needed")))
            }
        }
    }

    /// The rows for which `keep` says yes. Levels that no longer occur are dropped.
    pub fn filter(&self, keep: impl Fn(usize) -> bool) -> Self {
        let kept: Vec<usize> = (0..self.rows).filter(|r| keep(*r)).collect();
        let columns = self
            .columns
            .iter()
            .map(|(name, column)| {
                let column = match column {
                    Column::Numeric(values) => Column::Numeric(kept.iter().map(|r| values[*r]).collect()),
                    Column::Factor(f) => Column::Factor(used(&Factor {
                        levels: f.levels.clone(),
                        codes: kept.iter().map(|r| f.codes[*r]).collect(),
                    })),
                };
                (name.clone(), column)
            })
            .collect();
        Self { rows: kept.len(), columns }
    }
}

/// The factor without levels that do not occur.
fn used(factor: &Factor) -> Factor {
    let mut count = vec![false; factor.levels.len()];
    for code in &factor.codes {
        count[*code as usize] = true;
    }
    let mut new = vec![0_u32; count.len()];
    let mut levels = Vec::new();
    for (at, used) in count.iter().enumerate() {
        if *used {
            new[at] = levels.len() as u32;
            levels.push(factor.levels[at].clone());
        }
    }
    Factor { levels, codes: factor.codes.iter().map(|c| new[*c as usize]).collect() }
}
