//! The frame: one row a trial, columns of levels and of verdicts.

use crate::observe::Label;
use crate::plan::Scale;
use std::sync::Arc;

/// Why a trial has no value of a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Missing {
    /// The trial has not been asked (yet).
    NotAsked,
    /// A filter or a person held the answer back.
    Withheld,
    /// The trial failed.
    Failed,
    /// The judge has not judged it (yet).
    NotJudged,
    /// The judge's `when` leaves it out.
    NotApplicable,
    /// The judge abstained.
    Abstained,
    /// The judge failed.
    JudgeFailed,
}

impl Missing {
    /// Name for files and pages.
    pub fn name(self) -> &'static str {
        match self {
            Missing::NotAsked => "not asked",
            Missing::Withheld => "withheld",
            Missing::Failed => "failed",
            Missing::NotJudged => "not judged",
            Missing::NotApplicable => "not applicable",
            Missing::Abstained => "judge abstained",
            Missing::JudgeFailed => "judge failed",
        }
    }
}

/// What a trial's reply was like, whatever judges say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// There is none.
    None,
    /// A text without a character.
    Empty,
    /// Cut by the token limit.
    Truncated,
    /// Anything else.
    Whole,
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// A number.
    Number(f64),
    /// A label.
    Label(Label),
    /// None, and why.
    Missing(Missing),
}

/// Levels of one factor or tag over the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Name.
    pub name: Arc<str>,
    /// Levels, in the order in which the plan first has them.
    pub levels: Vec<Arc<str>>,
    /// For each row, a position in `levels`.
    pub codes: Vec<u32>,
}

/// Verdicts of one measure over the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasureColumn {
    /// `judge.measure`.
    pub name: Arc<str>,
    /// Its scale.
    pub scale: Scale,
    /// For each row.
    pub cells: Vec<Cell>,
}

/// A table of verdicts: one row for each trial that the analysis is about, in trial order.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Columns of the analysis' `by`, in order.
    pub by: Vec<Column>,
    /// For each row, its cluster.
    pub cluster: Vec<u32>,
    /// For each row, what its reply was like.
    pub replies: Vec<Reply>,
    /// What the clusters are, for people: "item", "pair", …
    pub cluster_name: Arc<str>,
    /// Columns of the analysis' `of`, in order.
    pub measures: Vec<MeasureColumn>,
    /// Seed for resampling.
    pub seed: u64,
}

impl Frame {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.cluster.len()
    }

    /// The cells of the `by` columns that occur: the cell of each row, and the levels of each cell, in
    /// the order of the columns' levels.
    pub fn cells(&self) -> (Vec<u32>, Vec<Vec<u32>>) {
        // One number a row instead of a list of codes: frames have many rows and few cells.
        let mut keys = vec![0_u128; self.rows()];
        for column in &self.by {
            for (key, code) in keys.iter_mut().zip(&column.codes) {
                *key = *key * column.levels.len() as u128 + u128::from(*code);
            }
        }
        let distinct: std::collections::BTreeSet<u128> = keys.iter().copied().collect();
        let distinct: Vec<u128> = distinct.into_iter().collect();
        let codes = keys.iter().map(|key| distinct.binary_search(key).map_or(0, |at| at as u32)).collect();
        let mut cells: Vec<Vec<u32>> = distinct.into_iter().map(|key| self.levels_of(key)).collect();
        if cells.is_empty() && self.by.is_empty() {
            cells.push(Vec::new());
        }
        (codes, cells)
    }

    /// The codes that a row's number stands for.
    fn levels_of(&self, mut key: u128) -> Vec<u32> {
        let mut codes: Vec<u32> = self
            .by
            .iter()
            .rev()
            .map(|column| {
                let levels = column.levels.len().max(1) as u128;
                let code = (key % levels) as u32;
                key /= levels;
                code
            })
            .collect();
        codes.reverse();
        codes
    }

    /// Names and levels of a cell.
    pub fn at(&self, cell: &[u32]) -> Vec<(Arc<str>, Arc<str>)> {
        self.by.iter().zip(cell).map(|(c, code)| (c.name.clone(), c.levels[*code as usize].clone())).collect()
    }
}

/// Counts the missing cells among `rows`, by reason, in the order of [`Missing`].
pub(crate) fn missing_of<'a>(cells: impl Iterator<Item = &'a Cell>) -> Vec<(Missing, u64)> {
    let mut counts = std::collections::BTreeMap::new();
    for cell in cells {
        if let Cell::Missing(reason) = cell {
            *counts.entry(*reason).or_insert(0) += 1;
        }
    }
    counts.into_iter().collect()
}
