//! CodeBLEU for Python (Ren et al. 2020), as the package codebleu 0.7.0 computes it, and mended.
//!
//! Four parts with equal weight: BLEU of words ([`super::bleu`]), recall of words in which keywords count more
//! ([`keywords`]), shared syntax trees ([`syntax`]) and shared data flow ([`flow`]). Comments and docstrings are taken
//! out first ([`bare`]). Where to start: [`Pair::read`].
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

/// A reference and a candidate, read once for all parts.
pub(super) struct Pair<'a> {
    reference: &'a str,
    candidate: &'a str,
    parsed: [Parsed; 2],
}

impl<'a> Pair<'a> {
    /// Takes the comments out of both and parses them.
    ///
    /// # Errors
    /// The parser gave up; texts that are no Python are read as far as they are.
    pub(super) fn read(reference: &'a str, candidate: &'a str) -> Result<Pair<'a>, Unscored> {
        let (reference, candidate) = (stripped(reference), stripped(candidate));
        let parsed = [Parsed::read(reference)?, Parsed::read(candidate)?];
        Ok(Pair { reference, candidate, parsed })
    }

    /// The share of the reference's syntax trees that the candidate has, 0 to 1.
    pub(super) fn syntax(&self) -> f64 {
        let [reference, candidate] = &self.parsed;
        syntax::matched(reference, candidate)
    }

    /// The share of the reference's data flow that the candidate has, 0 to 1; 0 where the reference has none.
    pub(super) fn flow(&self) -> Result<f64, Unscored> {
        let [reference, candidate] = &self.parsed;
        Ok(flow::matched(reference, candidate, flow::Order::Alphabet)?.unwrap_or(0.0))
    }

    /// BLEU, keywords and syntax: the parts that are the same in both modes.
    fn three(&self) -> Result<f64, Unscored> {
        let words = bleu::nltk(self.reference, self.candidate, 1)?;
        Ok(words + keywords(self.reference, self.candidate) + self.syntax())
    }

    /// The package's value: data flow of which nothing matches counts as if all did.
    pub(super) fn faithful(&self) -> Result<f64, Unscored> {
        let flow = self.flow()?;
        Ok(0.25 * (self.three()? + if flow == 0.0 { 1.0 } else { flow }))
    }

    /// Data flow that does not match counts 0, and a reference without data flow is compared by the other three parts.
    pub(super) fn mended(&self) -> Result<f64, Unscored> {
        let three = self.three()?;
        let [reference, candidate] = &self.parsed;
        Ok(match flow::matched(reference, candidate, flow::Order::Code)? {
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
