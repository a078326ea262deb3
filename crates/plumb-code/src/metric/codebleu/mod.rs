//! CodeBLEU for Python (Ren et al. 2020), as the package codebleu 0.7.0 computes it, and mended.
//!
//! Four parts with equal weight: BLEU of words ([`super::bleu`]), recall of words in which keywords count more
//! ([`keywords`]), shared syntax trees ([`syntax`]) and shared data flow ([`flow`]). Comments and docstrings are taken
//! out first ([`bare`]). Where to start: [`Side::read`].
//!
//! The package has faults that move numbers. *Faithful* values keep all but one: where the package walks through a
//! Python set, its value depends on the seed of the interpreter's hash, and here names go in the alphabet's order, as
//! some seed may have it. *Mended* values also drop the credit that the package gives for data flow that does not
//! match at all, and do not depend on what variables are called.
//!
//! The parser and the grammar are those versions whose trees the package sees; newer grammars name nodes otherwise.

mod bare;
mod flow;
mod keywords;
mod syntax;

use super::tokens::stripped;
use super::{Unscored, bleu};
use flow::{Flow, Order};
use std::cell::OnceCell;
use tree_sitter::Tree;

/// Without it, neither syntax nor data flow can be compared.
const NO_PARSER: Unscored = Unscored("the parser of Python could not read it");

/// A text without comments and its syntax tree.
struct Parsed {
    text: String,
    tree: Tree,
}

impl Parsed {
    fn read(text: &str) -> Result<Parsed, Unscored> {
        let text = bare::bare(text).unwrap_or_else(|| text.to_owned());
        let tree = crate::python::tree(&text).ok_or(NO_PARSER)?;
        Ok(Parsed { text, tree })
    }
}

/// A reference or a candidate: read once for all parts, a reference for all its candidates.
pub(super) struct Side<'a> {
    text: &'a str,
    parsed: Parsed,
    trees: OnceCell<Vec<u64>>,
    flows: [OnceCell<Result<Flow, Unscored>>; 2],
}

impl<'a> Side<'a> {
    /// Takes the comments out and parses the rest.
    ///
    /// # Errors
    /// The parser gave up; text that is no Python is read as far as it is.
    pub(super) fn read(text: &'a str) -> Result<Side<'a>, Unscored> {
        let text = stripped(text);
        Ok(Side { text, parsed: Parsed::read(text)?, trees: OnceCell::new(), flows: Default::default() })
    }

    fn trees(&self) -> &[u64] {
        self.trees.get_or_init(|| syntax::subtrees(&self.parsed))
    }

    fn flow(&self, order: Order) -> Result<&Flow, Unscored> {
        let cell = &self.flows[usize::from(order == Order::Code)];
        cell.get_or_init(|| flow::of(&self.parsed, order)).as_ref().map_err(|why| *why)
    }

    /// The share of this reference's syntax trees that the candidate has, 0 to 1.
    pub(super) fn syntax(&self, candidate: &Side) -> f64 {
        syntax::matched(self.trees(), candidate.trees())
    }

    /// The share of this reference's data flow that the candidate has, 0 to 1; 0 where the reference has none.
    ///
    /// # Errors
    /// More loops in loops than can be followed.
    pub(super) fn data_flow(&self, candidate: &Side) -> Result<f64, Unscored> {
        Ok(self.shared_flow(candidate, Order::Alphabet)?.unwrap_or(0.0))
    }

    fn shared_flow(&self, candidate: &Side, order: Order) -> Result<Option<f64>, Unscored> {
        Ok(flow::matched(self.flow(order)?, candidate.flow(order)?))
    }

    /// BLEU, keywords and syntax: the parts that are the same in both modes.
    fn three(&self, candidate: &Side) -> Result<f64, Unscored> {
        let words = bleu::nltk(self.text, candidate.text, 1)?;
        Ok(words + keywords(self.text, candidate.text) + self.syntax(candidate))
    }

    /// The package's value: data flow of which nothing matches counts as if all did.
    ///
    /// # Errors
    /// As [`Side::data_flow`].
    pub(super) fn faithful(&self, candidate: &Side) -> Result<f64, Unscored> {
        let flow = self.data_flow(candidate)?;
        Ok(0.25 * (self.three(candidate)? + if flow == 0.0 { 1.0 } else { flow }))
    }

    /// Data flow that does not match counts 0, and a reference without data flow is compared by the other three parts.
    ///
    /// # Errors
    /// As [`Side::data_flow`].
    pub(super) fn mended(&self, candidate: &Side) -> Result<f64, Unscored> {
        let three = self.three(candidate)?;
        Ok(match self.shared_flow(candidate, Order::Code)? {
            Some(flow) => 0.25 * (three + flow),
            None => three / 3.0,
        })
    }
}

/// The share of the reference's words and runs of words that the candidate has; keywords weigh five times as much as
/// other words. 0 to 1.
pub(super) fn keywords(reference: &str, candidate: &str) -> f64 {
    keywords::weighted_recall(stripped(reference), stripped(candidate))
}
