//! The matrix of a formula's fixed terms: coding of factors, names of columns, rows for cells that need not occur.
//!
//! Coding follows R's rule (Chambers & Hastie 1992, §2.4.1): a factor in a term is coded by contrasts where the term
//! without that factor is in the model too, else by one column a level.

use std::sync::Arc;

use nalgebra::DMatrix;

use super::formula::Term;
use super::table::{Column, Table};
use crate::Error;

/// How a factor of k levels becomes columns: k − 1, where nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Coding {
    /// Differences from the first level.
    #[default]
    Treatment,
    /// Deviations from the mean of the levels, the last being minus the sum of the others. Type III tests need it.
    Sum,
    /// One column a level in every term: more columns than the data can determine.
    Every,
}

/// A value of a variable in a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Level(u32),
}

#[derive(Debug, Clone)]
struct Variable {
    name: Arc<str>,
    /// Levels of a factor; `None` for numbers.
    levels: Option<Vec<Arc<str>>>,
    /// Mean of the numbers.
    mean: f64,
}

/// A factor's part in one term.
#[derive(Debug, Clone)]
struct Part {
    variable: usize,
    /// One column a level rather than contrasts.
    full: bool,
}

/// A coded set of fixed terms.
#[derive(Debug, Clone)]
pub struct Design {
    pub(crate) matrix: DMatrix<f64>,
    names: Vec<String>,
    term_of: Vec<usize>,
    terms: Vec<Term>,
    coding: Coding,
    variables: Vec<Variable>,
    parts: Vec<Vec<Part>>,
}

impl Design {
    /// Codes `terms` over the rows of `table`.
    ///
    /// # Errors
    /// A variable that is no column, or a factor with a single level where contrasts are needed.
    pub fn new(table: &Table, terms: &[Term], coding: Coding) -> Result<Self, Error> {
        let mut variables: Vec<Variable> = Vec::new();
        let mut columns: Vec<&Column> = Vec::new();
        for name in terms.iter().flat_map(|t| &t.0) {
            if variables.iter().any(|v| v.name == *name) {
                continue;
            }
            let column = table.column(name)?;
            let (levels, mean) = match column {
                Column::Numeric(values) => (None, values.iter().sum::<f64>() / values.len().max(1) as f64),
                Column::Factor(factor) => (Some(factor.levels().to_vec()), 0.0),
            };
            variables.push(Variable { name: name.clone(), levels, mean });
            columns.push(column);
        }
        let parts = terms
            .iter()
            .map(|t| parts_of(t, terms, &variables, coding))
            .collect::<Result<Vec<_>, Error>>()?;
        let mut design = Self {
            matrix: DMatrix::zeros(0, 0),
            names: Vec::new(),
            term_of: Vec::new(),
            terms: terms.to_vec(),
            coding,
            variables,
            parts,
        };
        design.name_columns();
        let width = design.names.len();
        let mut matrix = DMatrix::zeros(table.rows(), width);
        let mut row = vec![0.0; width];
        for r in 0..table.rows() {
            design.code(&mut row, |v| match columns[v] {
                Column::Numeric(values) => Value::Number(values[r]),
                Column::Factor(f) => Value::Level(f.codes()[r]),
            });
            for (c, value) in row.iter().enumerate() {
                matrix[(r, c)] = *value;
            }
        }
        design.matrix = matrix;
        Ok(design)
    }

    /// Names of the columns, as R writes them.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The terms, in the order of their columns.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Which term each column belongs to.
    pub fn term_of(&self) -> &[usize] {
        &self.term_of
    }

    /// Factors that occur in the terms, with their levels.
    pub fn factors(&self) -> impl Iterator<Item = (&Arc<str>, &[Arc<str>])> {
        self.variables.iter().filter_map(|v| Some((&v.name, v.levels.as_deref()?)))
    }

    /// The row of a cell; `level` gives the code of a factor by name, numbers stand at their mean.
    pub(crate) fn cell(&self, level: impl Fn(&str) -> u32) -> Vec<f64> {
        let mut row = vec![0.0; self.names.len()];
        self.code(&mut row, |v| {
            let variable = &self.variables[v];
            match variable.levels {
                Some(_) => Value::Level(level(&variable.name)),
                None => Value::Number(variable.mean),
            }
        });
        row
    }

    fn width(&self, part: &Part) -> usize {
        match &self.variables[part.variable].levels {
            None => 1,
            Some(levels) => levels.len() - usize::from(!part.full),
        }
    }

    fn entry(&self, part: &Part, column: usize, value: Value) -> f64 {
        match value {
            Value::Number(x) => x,
            Value::Level(code) => {
                let code = code as usize;
                let width = self.width(part);
                match (part.full, self.coding) {
                    (true, _) | (_, Coding::Every) => f64::from(code == column),
                    (false, Coding::Treatment) => f64::from(code == column + 1),
                    (false, Coding::Sum) if code == width => -1.0,
                    (false, Coding::Sum) => f64::from(code == column),
                }
            }
        }
    }

    /// Fills a row; the first variable of a term varies fastest.
    fn code(&self, row: &mut [f64], value: impl Fn(usize) -> Value) {
        let mut at = 0;
        for parts in &self.parts {
            let columns: usize = parts.iter().map(|p| self.width(p)).product();
            for c in 0..columns {
                let mut rest = c;
                let mut x = 1.0;
                for part in parts {
                    let width = self.width(part);
                    x *= self.entry(part, rest % width, value(part.variable));
                    rest /= width;
                }
                row[at] = x;
                at += 1;
            }
        }
    }

    fn name_columns(&mut self) {
        for (t, parts) in self.parts.iter().enumerate() {
            let columns: usize = parts.iter().map(|p| self.width(p)).product();
            for c in 0..columns {
                let mut rest = c;
                let mut words = Vec::new();
                for part in parts {
                    let width = self.width(part);
                    let variable = &self.variables[part.variable];
                    let column = rest % width;
                    words.push(match (&variable.levels, self.coding, part.full) {
                        (None, _, _) => variable.name.to_string(),
                        (Some(levels), _, true) | (Some(levels), Coding::Every, _) => {
                            format!("{}{}", variable.name, levels[column])
                        }
                        (Some(levels), Coding::Treatment, _) => {
                            format!("{}{}", variable.name, levels[column + 1])
                        }
                        (Some(_), Coding::Sum, _) => format!("{}{}", variable.name, column + 1),
                    });
                    rest /= width;
                }
                self.names.push(if words.is_empty() { "(Intercept)".into() } else { words.join(":") });
                self.term_of.push(t);
            }
        }
    }
}

fn parts_of(term: &Term, terms: &[Term], variables: &[Variable], coding: Coding) -> Result<Vec<Part>, Error> {
    term.0
        .iter()
        .map(|name| {
            let without = Term(term.0.iter().filter(|v| *v != name).cloned().collect());
            let full = coding == Coding::Every
                || !terms.iter().any(|t| t.0.len() == without.0.len() && t.within(&without));
            let variable = variables.iter().position(|v| v.name == *name).unwrap_or(0);
            match &variables[variable].levels {
                Some(levels) if levels.len() < 2 && !full => Err(Error::model(format!(
                    "factor {name} has {}, so nothing can be compared",
                    levels.first().map_or("no rows".to_owned(), |only| format!("a single level ({only})"))
                ))),
                _ => Ok(Part { variable, full }),
            }
        })
        .collect()
}
