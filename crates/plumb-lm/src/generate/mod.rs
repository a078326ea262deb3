//! Answering many requests at once: continuous batching over one model.
//!
//! A [`Generator`] keeps a limited number of sequences in flight. Each pass computes the next token of all of them and,
//! in what room is left, a piece of the prompts that wait; a finished sequence is handed over at once and its place
//! taken by the next job. What a request gets does not depend on what else is in flight, to the bit.
//!
//! Nothing is computed twice that need not be: a prompt that begins as another one, in flight or done before, goes on
//! from its cache (`store`); the same prompt under several edits is kept in step, so that the layers below the first
//! edited one are computed once (`slot`, `forward::merge`); options are scored from one context (`choose`).
//! Start with [`Generator::serve`]. Not here: where jobs come from, retries, and the clock, which is an argument.

mod choose;
mod request;
mod run;
mod score;
mod sequence;
mod slot;
mod stop;
mod store;
mod task;

pub use request::{
    Choice, ChoiceScore, Choices, Completion, Finish, Job, Outcome, Prompt, Request, Sampling, Scoring,
    TokenScore,
};
pub use run::{Audience, Control, Event, Generator, Limits};

use crate::Error;
use crate::forward::{Input, Logits};
use crate::hook::Taps;
use crate::model::Model;

/// One pass on a thread of the pool: going there once is much cheaper than at each of the hundreds of products within.
/// Generators of several models share the pool, so that together they use no more threads than there are cores.
fn forward(model: &Model, inputs: &mut [Input<'_>]) -> Result<Logits, Error> {
    rayon::scope(|_| model.forward(inputs, &mut Taps::none()))
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the prompt is empty (expected at least one token)")]
    EmptyPrompt,
    #[error("{field} is {found}, expected {expected}")]
    Setting { field: &'static str, found: String, expected: &'static str },
    #[error("there are no options to choose from")]
    NoOptions,
    #[error(
        "option {index} adds no token to the context (expected text that the tokenizer does not swallow)"
    )]
    EmptyOption { index: usize },
    #[error("the deadline passed after {tokens} new tokens")]
    Deadline { tokens: usize },
    #[error("cancelled after {tokens} new tokens")]
    Cancelled { tokens: usize },
}

impl Fault {
    pub(crate) fn is_deadline(&self) -> bool {
        matches!(self, Self::Deadline { .. })
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled { .. })
    }
}
