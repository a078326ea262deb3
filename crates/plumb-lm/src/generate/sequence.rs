//! One request in flight: what was computed of its prompt, what was written, and whether it is done.

use super::request::{Completion, Finish, Request, TokenScore};
use super::{score, stop};
use crate::Error;
use crate::cache::{Cache, Memory};
use crate::forward::{Fault as ForwardFault, Want};
use crate::model::Model;
use crate::sample::Sampler;
use crate::tokenizer::{TextStream, TokenId};

pub(super) struct Sequence {
    request: Request,
    pub cache: Cache,
    /// Prompt, then what was written.
    tokens: Vec<TokenId>,
    prompt: usize,
    sampler: Sampler,
    text: TextStream,
    /// Bytes of the text that were already shown.
    shown: usize,
    /// Why it ended, and at which byte of the text if a stop text is there.
    finished: Option<(Finish, usize)>,
    computed: usize,
    prompt_scores: Vec<TokenScore>,
    scores: Vec<TokenScore>,
    /// Longest sequence that the model computes with its short rotary factors, if it has two sets.
    short: Option<usize>,
}

impl Sequence {
    pub(super) fn new(model: &Model, request: Request, memory: &Memory) -> Result<Self, Error> {
        let reads = request.scoring.is_some_and(|scoring| scoring.prompt);
        request.sampling.check(reads)?;
        request.edits.check(model.config())?;
        let tokens = request.prompt.encode(model)?;
        let context = model.config().context;
        // One new token at least must have a place, if any is wanted.
        let length = tokens.len() + request.sampling.max_tokens.min(1);
        if length > context {
            return Err(ForwardFault::TooLong { length, context }.into());
        }
        if let Some(&token) = tokens.iter().find(|&&token| token as usize >= model.config().vocab) {
            return Err(ForwardFault::NoSuchToken { token, vocab: model.config().vocab }.into());
        }
        let sampling = &request.sampling;
        let sampler = Sampler::new(sampling.temperature, sampling.top_p, request.seed)
            .top_k(sampling.top_k)
            .min_p(sampling.min_p)
            .repetition_penalty(sampling.repetition_penalty);
        Ok(Self {
            cache: model.cache_in(memory, tokens.len()),
            short: model.config().short_context(),
            prompt: tokens.len(),
            tokens,
            sampler,
            text: TextStream::new(),
            shown: 0,
            finished: None,
            computed: 0,
            prompt_scores: Vec::new(),
            scores: Vec::new(),
            request,
        })
    }

    /// The next piece to compute, at most `room` tokens, and which of its logits are needed.
    pub(super) fn next(&mut self, room: usize) -> (std::ops::Range<usize>, Want) {
        self.lengthen();
        let start = self.cache.len();
        let end = self.tokens.len().min(start + room);
        let want = match end == self.tokens.len() {
            _ if self.is_unread() => Want::From(0),
            true => Want::Last,
            false => Want::Nothing,
        };
        (start..end, want)
    }

    /// Prompt, then what was written.
    pub(super) fn tokens(&self) -> &[TokenId] {
        &self.tokens
    }

    pub(super) fn edits(&self) -> &std::sync::Arc<crate::hook::Edits> {
        &self.request.edits
    }

    /// Most tokens that its cache will hold.
    pub(super) fn tokens_at_most(&self, model: &Model) -> usize {
        self.prompt.saturating_add(self.request.sampling.max_tokens).min(model.config().context)
    }

    pub(super) fn deadline(&self) -> Option<std::time::Instant> {
        self.request.deadline
    }

    pub(super) fn computed(&self) -> usize {
        self.computed
    }

    /// Whether tokens of the prompt are to be scored and are not.
    pub(super) fn is_unread(&self) -> bool {
        self.request.scoring.is_some_and(|scoring| scoring.prompt)
            && self.prompt_scores.len() + 1 < self.prompt
    }

    /// Takes the logits of a piece: scores what is asked for, and writes the next token if the piece was the last that
    /// is known.
    pub(super) fn take<'a>(&mut self, model: &Model, rows: impl ExactSizeIterator<Item = &'a [f32]>) {
        let known = self.tokens.len();
        // Where there are fewer logits than tokens, they are of the last ones.
        let first = self.cache.len() - rows.len();
        for (place, logits) in (first + 1..).zip(rows) {
            if place == known && self.request.sampling.max_tokens == 0 {
                self.finished = Some((Finish::Length, usize::MAX));
            } else if place == known {
                self.advance(model, logits);
            } else if place == self.prompt_scores.len() + 1 {
                // What is computed again with other rotary factors is not scored again.
                let top = self.request.scoring.map_or(0, |scoring| scoring.top);
                self.prompt_scores.push(score::token(logits, self.tokens[place], top));
            }
        }
    }

    /// A sequence that outgrows the short rotary factors is computed again from its start with the long ones.
    fn lengthen(&mut self) {
        if self.short.is_some_and(|short| self.tokens.len() > short) && !self.cache.is_long() {
            self.cache.restart_long();
        }
    }

    /// Splits off what a pass needs, so that many sequences can be borrowed at once.
    pub(super) fn parts(
        &mut self,
        piece: std::ops::Range<usize>,
    ) -> (&mut Cache, &[TokenId], &crate::hook::Edits) {
        (&mut self.cache, &self.tokens[piece], &self.request.edits)
    }

    /// Whether more than the last token is to be computed.
    pub(super) fn in_prompt(&mut self) -> bool {
        self.lengthen();
        self.tokens.len() - self.cache.len() > 1
    }

    /// Takes the logits after the last token and writes the next one.
    fn advance(&mut self, model: &Model, logits: &[f32]) {
        let token = self.sampler.next_after(logits, &self.tokens);
        self.computed += 1;
        if let Some(scoring) = self.request.scoring {
            self.scores.push(score::token(logits, token, scoring.top));
        }
        let tokenizer = model.tokenizer();
        if tokenizer.is_end(token) {
            self.finished = Some((Finish::Stop, usize::MAX));
            return;
        }
        self.tokens.push(token);
        let before = self.text.text().len();
        if !tokenizer.is_control(token) {
            self.text.push(tokenizer.bytes(token));
        }
        let stops = &self.request.sampling.stop;
        let longest = stops.iter().map(String::len).max().unwrap_or(0);
        if let Some(at) = stop::find(self.text.text(), before.saturating_sub(longest), stops) {
            self.finished = Some((Finish::Stop, at));
        } else if self.computed == self.request.sampling.max_tokens
            || self.tokens.len() == model.config().context
        {
            self.finished = Some((Finish::Length, usize::MAX));
        }
    }

    /// Text that can be shown now and was not before.
    pub(super) fn fresh_text(&mut self) -> &str {
        let text = self.text.text();
        let end = match self.finished {
            Some((_, end)) => end.min(text.len()),
            None => stop::settled(text, &self.request.sampling.stop),
        };
        let start = self.shown;
        self.shown = end.max(start);
        &text[start..self.shown]
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished.is_some()
    }

    /// The answer. A character that was not finished when it ended becomes U+FFFD.
    pub(super) fn into_completion(self) -> Completion {
        let (finish, end) = self.finished.unwrap_or((Finish::Length, usize::MAX));
        let mut text = self.text.finish();
        text.truncate(end);
        Completion {
            text,
            tokens: self.tokens[self.prompt..].to_vec(),
            finish,
            prompt_tokens: self.prompt,
            completion_tokens: self.computed,
            prompt_scores: self.prompt_scores,
            scores: self.scores,
        }
    }
}
