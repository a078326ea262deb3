//! Scoring given texts after a context.
//!
//! Context and option are cut into tokens together, and the option's tokens are those beyond the length of the
//! context's own, as lm-eval does (Gao et al., "Language Model Evaluation Harness"). The context is computed once; the
//! logits after its last token score the first token of every option, and what remains of the options goes on from forks of its
//! cache, all in one pass where there is room. Options of one token so need no pass of their own.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::Fault;
use super::request::{Choice, ChoiceScore, Choices, Prompt};
use super::score::Spread;
use crate::Error;
use crate::cache::{Cache, Memory};
use crate::forward::{Fault as ForwardFault, Input, Want};
use crate::hook::Edits;
use crate::model::Model;
use crate::tokenizer::TokenId;

/// What remains of an option after the shared beginning.
struct Tail {
    option: usize,
    cache: Cache,
}

/// One choice in flight.
pub(super) struct Scorer {
    pub edits: Arc<Edits>,
    deadline: Option<std::time::Instant>,
    /// Tokens of the context alone.
    context: usize,
    /// What all have in common before any option begins.
    pub trunk: Vec<TokenId>,
    pub cache: Cache,
    /// Context and option of each option, the last token included.
    wholes: Vec<Vec<TokenId>>,
    scores: Vec<ChoiceScore>,
    /// Options whose tokens are not all scored; made when the trunk is done.
    tails: Option<Vec<Tail>>,
}

/// A piece of the trunk, or of a tail by its number.
pub(super) type Piece = (Option<usize>, Range<usize>, Want);

impl Scorer {
    pub(super) fn new(model: &Model, choice: Choice, memory: &Memory) -> Result<Self, Error> {
        if choice.options.is_empty() {
            return Err(Fault::NoOptions.into());
        }
        choice.edits.check(model.config())?;
        let (context, wholes) = encode(model, &choice)?;
        if let Some(&token) =
            wholes.iter().flatten().chain(&context).find(|&&token| token as usize >= model.config().vocab)
        {
            return Err(ForwardFault::NoSuchToken { token, vocab: model.config().vocab }.into());
        }
        let shared = wholes.iter().map(|ids| common(&context, ids)).min().unwrap_or(0);
        let longest = wholes.iter().map(Vec::len).max().unwrap_or(0);
        let score = |(ids, option): (&Vec<TokenId>, &String)| ChoiceScore {
            log_probability: 0.0,
            tokens: ids.len() - context.len(),
            bytes: option.len(),
            greedy: true,
        };
        let scores = wholes.iter().zip(&choice.options).map(score).collect();
        let mut scorer = Self {
            edits: choice.edits,
            deadline: choice.deadline,
            context: context.len(),
            trunk: context[..shared].to_vec(),
            cache: model.cache_in(memory, longest),
            wholes,
            scores,
            tails: None,
        };
        scorer.branch();
        Ok(scorer)
    }

    /// Most tokens that its caches will hold.
    pub(super) fn tokens_at_most(&self) -> usize {
        self.trunk.len() + self.wholes.iter().map(|ids| ids.len() - self.trunk.len()).sum::<usize>()
    }

    pub(super) fn deadline(&self) -> Option<std::time::Instant> {
        self.deadline
    }

    /// Tokens of the trunk that must be computed here, because their logits are wanted.
    pub(super) fn own(&self) -> usize {
        usize::from(self.trunk.len() == self.context)
    }

    pub(super) fn in_trunk(&self) -> bool {
        self.tails.is_none()
    }

    pub(super) fn is_finished(&self) -> bool {
        self.tails.as_ref().is_some_and(Vec::is_empty)
    }

    /// Once the trunk is computed, makes the tails.
    pub(super) fn branch(&mut self) {
        if self.cache.len() < self.trunk.len() || self.tails.is_some() {
            return;
        }
        let start = self.trunk.len();
        let tail = |option| Tail { option, cache: self.cache.fork(start) };
        // The last token predicts nothing that is asked for.
        let rest = (0..self.wholes.len()).filter(|&option| self.wholes[option].len() - 1 > start);
        self.tails = Some(rest.map(tail).collect());
    }

    /// What to compute next, at most `room` tokens.
    pub(super) fn next(&self, mut room: usize) -> Vec<Piece> {
        let Some(tails) = &self.tails else {
            let start = self.cache.len();
            let end = self.trunk.len().min(start + room);
            let want = match end == self.context {
                true => Want::Last,
                false => Want::Nothing,
            };
            return Vec::from_iter((end > start).then_some((None, start..end, want)));
        };
        let mut pieces = Vec::new();
        for (number, tail) in tails.iter().enumerate() {
            let start = tail.cache.len();
            let end = (self.wholes[tail.option].len() - 1).min(start + room);
            if end > start {
                room -= end - start;
                let wanted = (self.context - 1).saturating_sub(start);
                pieces.push((Some(number), start..end, Want::From(wanted)));
            }
        }
        pieces
    }

    /// The inputs of pieces that [`Scorer::next`] gave.
    pub(super) fn inputs<'a>(&'a mut self, pieces: &[Piece]) -> Vec<Input<'a>> {
        let edits = &*self.edits;
        let piece_of = |number: Option<usize>| pieces.iter().find(move |piece| piece.0 == number);
        let Some(tails) = &mut self.tails else {
            let (trunk, cache) = (&self.trunk, &mut self.cache);
            let input = |(_, range, want): &Piece| (&trunk[range.clone()], *want);
            return piece_of(None)
                .map(input)
                .map(|(tokens, want)| Input { cache, tokens, want, edits })
                .into_iter()
                .collect();
        };
        let input = |(number, tail): (usize, &'a mut Tail)| {
            let (_, range, want) = piece_of(Some(number))?;
            let tokens = &self.wholes[tail.option][range.clone()];
            Some(Input { cache: &mut tail.cache, tokens, want: *want, edits })
        };
        tails.iter_mut().enumerate().filter_map(input).collect()
    }

    /// Takes the logits of one computed piece. [`Scorer::finish_pass`] follows when all are taken.
    pub(super) fn take<'l>(&mut self, piece: &Piece, rows: impl ExactSizeIterator<Item = &'l [f32]>) {
        let (number, range, _) = piece;
        // Where there are fewer logits than tokens, they are of the last ones.
        let first = range.end - rows.len() + 1;
        for (place, logits) in (first..).zip(rows) {
            let spread = Spread::of(logits);
            let score = |option: usize, scores: &mut Vec<ChoiceScore>| {
                if let Some(&target) = self.wholes[option].get(place) {
                    scores[option].log_probability += spread.log_probability(logits, target);
                    scores[option].greedy &= spread.best == target;
                }
            };
            match (number, &self.tails) {
                (Some(number), Some(tails)) => score(tails[*number].option, &mut self.scores),
                _ => (0..self.wholes.len()).for_each(|option| score(option, &mut self.scores)),
            }
        }
    }

    /// Makes the tails when the trunk is done, and forgets those that are done.
    pub(super) fn finish_pass(&mut self) {
        self.branch();
        let wholes = &self.wholes;
        if let Some(tails) = &mut self.tails {
            tails.retain(|tail| tail.cache.len() < wholes[tail.option].len() - 1);
        }
    }

    pub(super) fn into_choices(self) -> Choices {
        Choices { scores: self.scores, prompt_tokens: self.context }
    }
}

/// Ids of the context, and of context and option together for each option.
fn encode(model: &Model, choice: &Choice) -> Result<(Vec<TokenId>, Vec<Vec<TokenId>>), Error> {
    let (context, space) = match &choice.context {
        Prompt::Text(text) => {
            let kept = text.trim_end();
            // A context of nothing but white space stays as it is: something must come before the option.
            let kept = if kept.is_empty() { text.as_str() } else { kept };
            (Cow::Owned(Prompt::Text(kept.to_owned())), &text[kept.len()..])
        }
        other => (Cow::Borrowed(other), ""),
    };
    let ids = context.encode(model)?;
    let mut options = Vec::with_capacity(choice.options.len());
    for (index, option) in choice.options.iter().enumerate() {
        let whole = context.encode_with(&format!("{space}{option}"), model)?;
        if option.is_empty() || whole.len() <= ids.len() {
            return Err(Fault::EmptyOption { index }.into());
        }
        let limit = model.config().context;
        if whole.len() > limit {
            return Err(ForwardFault::TooLong { length: whole.len(), context: limit }.into());
        }
        options.push(whole);
    }
    Ok((ids, options))
}

/// Length of the common beginning.
fn common(a: &[TokenId], b: &[TokenId]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
