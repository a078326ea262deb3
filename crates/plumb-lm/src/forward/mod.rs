//! The forward pass: several sequences, each with its own cache and any number of new tokens, in one go.
//!
//! Rows of the batch are the new tokens of all inputs, one after the other; nothing is padded. Each row's result depends
//! on its own sequence only, to the bit (see `kernel`). Start with [`Model::forward`](crate::Model::forward). Not here:
//! which tokens to compute next (`generate`) and what to do with logits (`sample`).

mod fault;
mod merge;
pub(crate) mod pass;
mod rotary;

pub(crate) use fault::Fault;

use std::ops::Range;

use crate::Error;
use crate::cache::Cache;
use crate::hook::{Edits, Taps};
use crate::model::Model;
use crate::tokenizer::TokenId;

/// Of which new tokens the logits are computed. The output head is a large part of a small model: ask for no more than
/// is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Of none; only the cache is filled.
    Nothing,
    /// Of the last.
    Last,
    /// Of all from this one on, counted among the new tokens.
    From(usize),
}

/// One sequence of a pass.
#[derive(Debug)]
pub struct Input<'a> {
    /// What the sequence has seen; the new tokens are added to it.
    pub cache: &'a mut Cache,
    /// The new tokens; at least one.
    pub tokens: &'a [TokenId],
    /// Whose logits are wanted.
    pub want: Want,
    /// What is changed for this sequence.
    pub edits: &'a Edits,
}

impl Input<'_> {
    fn wanted(&self) -> Range<usize> {
        let count = self.tokens.len();
        match self.want {
            Want::Nothing => count..count,
            Want::Last => count - 1..count,
            Want::From(first) => first.min(count)..count,
        }
    }
}

/// What was computed, in tokens that went through one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// New tokens of all inputs.
    pub tokens: u64,
    /// Computed: one token through one layer. Of the last layer tokens without logits take keys and values alone.
    pub layer_tokens: u64,
    /// Asked for, but not computed, because another input of the pass had the same up to there.
    pub shared_layer_tokens: u64,
    /// Tokens whose logits were computed.
    pub logits: u64,
    /// Tokens of prompts that were not computed, because another sequence had them in its cache. Of a generator.
    pub reused_tokens: u64,
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.layer_tokens += other.layer_tokens;
        self.shared_layer_tokens += other.shared_layer_tokens;
        self.logits += other.logits;
        self.reused_tokens += other.reused_tokens;
    }
}

/// The logits that were asked for, and what that took.
#[derive(Debug, Clone)]
pub struct Logits {
    values: Vec<f32>,
    vocab: usize,
    /// Rows of each input.
    spans: Vec<Range<usize>>,
    work: Work,
}

impl PartialEq for Logits {
    /// Whether the numbers are the same; how much was computed for them does not matter.
    fn eq(&self, other: &Self) -> bool {
        (self.vocab, &self.spans) == (other.vocab, &other.spans) && self.values == other.values
    }
}

impl Logits {
    /// The rows of an input in order, each as long as the vocabulary.
    pub fn rows(&self, input: usize) -> impl ExactSizeIterator<Item = &[f32]> {
        let span = self.spans.get(input).cloned().unwrap_or_default();
        self.values[span.start * self.vocab..span.end * self.vocab].chunks_exact(self.vocab)
    }

    /// What was computed.
    pub fn work(&self) -> Work {
        self.work
    }

    /// The last row of an input; `None` if none was wanted.
    pub fn last(&self, input: usize) -> Option<&[f32]> {
        self.rows(input).last()
    }
}

impl Model {
    /// Computes the new tokens of all `inputs`, adds them to their caches and returns the wanted logits.
    ///
    /// Inputs with the same new tokens whose caches share their pages, forks of one or empty ones, are computed as one up
    /// to the first layer at which their edits differ: hand steered variants of one prompt in together. With taps every
    /// input is computed by itself.
    ///
    /// Runs on the threads of the current rayon pool. Memory beyond the caches grows with the number of new tokens;
    /// give long prompts in pieces of some hundred tokens: the bits are the same.
    ///
    /// # Errors
    /// Before anything is computed or changed: [`Error::is_too_long`] if a sequence would pass the model's context;
    /// [`Error::is_invalid_request`] if an input has no tokens or one outside the vocabulary, a cache of another model,
    /// or an edit or tap that does not fit.
    pub fn forward(&self, inputs: &mut [Input<'_>], taps: &mut Taps<'_>) -> Result<Logits, Error> {
        self.check(inputs)?;
        taps.check(self.config())?;
        Ok(self.weights().forward(self.config(), inputs, taps))
    }

    /// Logits of rows of the residual stream, as if it ended there: the final norm, the output head and the soft cap.
    /// Of rows tapped within the layers this is the logit lens (nostalgebraist 2020). `rows` is `n × width`; the result
    /// is `n × vocab`.
    ///
    /// # Errors
    /// [`Error::is_invalid_request`] if `rows` are not whole rows.
    pub fn unembed(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        let width = self.config().width;
        if rows.is_empty() || !rows.len().is_multiple_of(width) {
            return Err(Fault::Ragged { found: rows.len(), width }.into());
        }
        Ok(self.weights().unembed(self.config(), rows))
    }

    fn check(&self, inputs: &[Input<'_>]) -> Result<(), Fault> {
        let config = self.config();
        for (index, input) in inputs.iter().enumerate() {
            if input.tokens.is_empty() {
                return Err(Fault::NoTokens { input: index });
            }
            if !input.cache.fits(config) {
                return Err(Fault::ForeignCache { input: index });
            }
            let length = input.cache.len() + input.tokens.len();
            if length > config.context {
                return Err(Fault::TooLong { length, context: config.context });
            }
            if let Some(short) =
                config.short_context().filter(|short| length > *short && !input.cache.is_long())
            {
                return Err(Fault::NeedsLong { length, short });
            }
            if let Some(&token) = input.tokens.iter().find(|&&token| token as usize >= config.vocab) {
                return Err(Fault::NoSuchToken { token, vocab: config.vocab });
            }
            input.edits.check(config)?;
        }
        Ok(())
    }
}
