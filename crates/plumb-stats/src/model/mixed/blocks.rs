//! From random terms to blocks: one block for each grouping factor, with the columns that vary in it and the pattern
//! of its relative covariance factor.

use crate::Error;
use crate::model::design::{Coding, Design};
use crate::model::formula::{Formula, RandomTerm, Term};
use crate::model::table::Table;

/// All effects that vary with one grouping factor.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// The grouping factor as written.
    pub group: String,
    /// Number of its levels.
    pub levels: usize,
    /// The level of each row.
    pub codes: Vec<u32>,
    /// Names of the effects.
    pub names: Vec<String>,
    /// Row-major: `names.len()` values for each row.
    pub z: Vec<f64>,
    /// Row-major lower triangle of Λ: which parameter stands there; `None` is a fixed zero.
    pub pattern: Vec<Option<usize>>,
}

impl Block {
    /// Effects in each level.
    pub fn effects(&self) -> usize {
        self.names.len()
    }

    /// Λ of this block, row-major with zeros above the diagonal.
    pub fn lambda(&self, theta: &[f64]) -> Vec<f64> {
        self.pattern.iter().map(|p| p.map_or(0.0, |at| theta[at])).collect()
    }
}

/// Blocks with most levels first, and the number of parameters and which of them are diagonal.
pub(crate) fn blocks(table: &Table, formula: &Formula) -> Result<(Vec<Block>, Vec<bool>), Error> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut diagonal = Vec::new();
    for term in &formula.random {
        let (codes, levels) = groups(table, &term.group)?;
        let group = term.group.to_string();
        if levels >= table.rows() {
            return Err(Error::model(format!(
                "{formula}: {group} has as many levels ({levels}) as there are rows, so its effects cannot be told from the residual"
            )));
        }
        for part in uncorrelated_parts(term) {
            let design = Design::new(table, &part, Coding::Treatment)?;
            let added = Block {
                group: group.clone(),
                levels,
                codes: codes.clone(),
                names: design.names().to_vec(),
                z: row_major(&design),
                pattern: triangle(design.names().len(), &mut diagonal),
            };
            match blocks.iter_mut().find(|b| b.group == group) {
                Some(block) => join(block, &added),
                None => blocks.push(added),
            }
        }
    }
    if blocks.is_empty() {
        return Err(Error::model(format!(
            "{formula}: a mixed model needs a random term such as (1 | person)"
        )));
    }
    blocks.sort_by_key(|b| std::cmp::Reverse(b.levels));
    Ok((blocks, diagonal))
}

/// `||` makes one part of each term, else all terms are one part.
fn uncorrelated_parts(term: &RandomTerm) -> Vec<Vec<Term>> {
    if term.correlated {
        vec![term.terms.clone()]
    } else {
        term.terms.iter().map(|t| vec![t.clone()]).collect()
    }
}

fn row_major(design: &Design) -> Vec<f64> {
    let m = &design.matrix;
    (0..m.nrows()).flat_map(|r| (0..m.ncols()).map(move |c| m[(r, c)])).collect()
}

fn triangle(effects: usize, diagonal: &mut Vec<bool>) -> Vec<Option<usize>> {
    let mut pattern = vec![None; effects * effects];
    // Column by column, as lme4 orders its parameters.
    for j in 0..effects {
        for i in j..effects {
            pattern[i * effects + j] = Some(diagonal.len());
            diagonal.push(i == j);
        }
    }
    pattern
}

/// Puts the effects of `added` beside those of `block`, uncorrelated with them.
fn join(block: &mut Block, added: &Block) {
    let (a, b) = (block.effects(), added.effects());
    let q = a + b;
    let mut pattern = vec![None; q * q];
    for i in 0..a {
        pattern[i * q..i * q + a].copy_from_slice(&block.pattern[i * a..(i + 1) * a]);
    }
    for i in 0..b {
        pattern[(a + i) * q + a..(a + i + 1) * q].copy_from_slice(&added.pattern[i * b..(i + 1) * b]);
    }
    let rows = block.codes.len();
    let z = (0..rows)
        .flat_map(|r| block.z[r * a..(r + 1) * a].iter().chain(&added.z[r * b..(r + 1) * b]).copied())
        .collect();
    block.names.extend(added.names.iter().cloned());
    block.pattern = pattern;
    block.z = z;
}

/// Codes of the combined levels that occur, in order of their parts.
pub(crate) fn groups(table: &Table, group: &Term) -> Result<(Vec<u32>, usize), Error> {
    let mut keys = vec![0_u64; table.rows()];
    for name in &group.0 {
        let factor = table.groups(name)?;
        let width = factor.levels().len() as u64;
        keys.iter_mut().zip(factor.codes()).for_each(|(key, code)| *key = *key * width + u64::from(*code));
    }
    let mut distinct = keys.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let codes = keys.iter().map(|k| distinct.binary_search(k).unwrap_or(0) as u32).collect();
    Ok((codes, distinct.len()))
}
