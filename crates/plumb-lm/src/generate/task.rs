//! A job in flight, whatever its kind: what it computes next, and what of its cache others may use.

use std::sync::Arc;

use super::choose::{self, Scorer};
use super::request::{Job, Outcome};
use super::sequence::Sequence;
use crate::Error;
use crate::cache::{Cache, Memory};
use crate::forward::Input;
use crate::hook::Edits;
use crate::model::Model;
use crate::tokenizer::TokenId;

/// Memory is kept for so many tokens that an answer may still write; for more there may be room when they come.
const AHEAD: usize = 256;

/// A job in flight.
pub(super) enum Task {
    Write(Box<Sequence>),
    Score(Box<Scorer>),
}

impl Task {
    pub(super) fn new(model: &Model, job: Job, memory: &Memory) -> Result<Self, Error> {
        Ok(match job {
            Job::Complete(request) => Self::Write(Box::new(Sequence::new(model, request, memory)?)),
            Job::Choose(choice) => Self::Score(Box::new(Scorer::new(model, choice, memory)?)),
        })
    }

    pub(super) fn deadline(&self) -> Option<std::time::Instant> {
        match self {
            Self::Write(sequence) => sequence.deadline(),
            Self::Score(scorer) => scorer.deadline(),
        }
    }

    /// Tokens written so far.
    pub(super) fn written(&self) -> usize {
        match self {
            Self::Write(sequence) => sequence.computed(),
            Self::Score(_) => 0,
        }
    }

    /// Bytes that its cache takes soon, if nothing is shared: with all options, or with what an answer may write next.
    pub(super) fn bytes(&self, model: &Model) -> usize {
        let tokens = match self {
            Self::Write(sequence) => sequence.tokens_at_most(model).min(sequence.tokens().len() + AHEAD),
            Self::Score(scorer) => scorer.tokens_at_most(),
        };
        tokens * self.cache().bytes_per_token()
    }

    pub(super) fn is_writing(&self) -> bool {
        matches!(self, Self::Write(_))
    }

    /// Gives the memory of an answer back; what it wrote is read again when it goes on.
    pub(super) fn give_way(&mut self) {
        if let Self::Write(sequence) = self {
            sequence.cache.truncate(0);
        }
    }

    pub(super) fn edits(&self) -> &Arc<Edits> {
        match self {
            Self::Write(sequence) => sequence.edits(),
            Self::Score(scorer) => &scorer.edits,
        }
    }

    /// What its cache is of: prompt and what was written, or the context of options.
    pub(super) fn tokens(&self) -> &[TokenId] {
        match self {
            Self::Write(sequence) => sequence.tokens(),
            Self::Score(scorer) => &scorer.trunk,
        }
    }

    pub(super) fn cache(&self) -> &Cache {
        match self {
            Self::Write(sequence) => &sequence.cache,
            Self::Score(scorer) => &scorer.cache,
        }
    }

    pub(super) fn adopt(&mut self, cache: Cache) {
        match self {
            Self::Write(sequence) => sequence.cache = cache,
            Self::Score(scorer) => {
                scorer.cache = cache;
                scorer.branch();
            }
        }
    }

    /// How many of its tokens may come from another cache; the others' logits are wanted.
    pub(super) fn adoptable(&self) -> usize {
        match self {
            Self::Write(sequence) if sequence.is_unread() => 0,
            Self::Write(sequence) => sequence.tokens().len() - 1,
            Self::Score(scorer) => scorer.trunk.len() - scorer.own(),
        }
    }

    /// Whether it reads what others may read too.
    pub(super) fn in_prompt(&mut self) -> bool {
        match self {
            Self::Write(sequence) => sequence.in_prompt(),
            Self::Score(scorer) => scorer.in_trunk(),
        }
    }

    pub(super) fn plan(&mut self, room: usize) -> Vec<choose::Piece> {
        match self {
            Self::Write(sequence) => {
                let (piece, want) = sequence.next(room);
                if piece.is_empty() { Vec::new() } else { vec![(None, piece, want)] }
            }
            Self::Score(scorer) => scorer.next(room),
        }
    }

    pub(super) fn inputs<'a>(&'a mut self, pieces: &[choose::Piece]) -> Vec<Input<'a>> {
        match self {
            Self::Write(sequence) => {
                let one = pieces.first().map(|(_, piece, want)| {
                    let (cache, tokens, edits) = sequence.parts(piece.clone());
                    Input { cache, tokens, want: *want, edits }
                });
                one.into_iter().collect()
            }
            Self::Score(scorer) => scorer.inputs(pieces),
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        match self {
            Self::Write(sequence) => sequence.is_finished(),
            Self::Score(scorer) => scorer.is_finished(),
        }
    }

    pub(super) fn into_outcome(self) -> Outcome {
        match self {
            Self::Write(sequence) => Outcome::Completion(sequence.into_completion()),
            Self::Score(scorer) => Outcome::Choices(scorer.into_choices()),
        }
    }
}

/// Whether two jobs can be read in step: they have the same tokens and have read as many.
pub(super) fn in_step(a: &Task, b: &Task) -> bool {
    std::ptr::eq(a, b) || (a.cache().len() == b.cache().len() && a.tokens() == b.tokens())
}
