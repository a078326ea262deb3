//! What can be asked of a generator, and what comes back.

use std::sync::Arc;
use std::time::Instant;

use super::Fault;
use crate::Error;
use crate::chat::{Date, Message};
use crate::hook::Edits;
use crate::model::Model;
use crate::tokenizer::{Special, TokenId};

/// What the model is given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prompt {
    /// Turns of a chat, written by the model's template; the model speaks next.
    Chat {
        /// The turns, at least one.
        messages: Vec<Message>,
        /// Today, for templates that name it.
        date: Option<Date>,
    },
    /// Text to be continued. Control tokens in it are plain text.
    Text(String),
    /// Token ids to be continued, as they are.
    Tokens(Vec<TokenId>),
}

impl Prompt {
    /// A chat without a date.
    pub fn chat(messages: Vec<Message>) -> Self {
        Self::Chat { messages, date: None }
    }

    pub(super) fn encode(&self, model: &Model) -> Result<Vec<TokenId>, Error> {
        let ids = match self {
            Self::Chat { messages, date } => model.encode_chat(messages, *date)?,
            Self::Text(text) => model.encode_text(text)?,
            Self::Tokens(ids) => ids.clone(),
        };
        if ids.is_empty() { Err(Fault::EmptyPrompt.into()) } else { Ok(ids) }
    }

    /// Ids of this prompt followed by `option`, cut into tokens as one text.
    pub(super) fn encode_with(&self, option: &str, model: &Model) -> Result<Vec<TokenId>, Error> {
        match self {
            Self::Chat { messages, date } => model.encode_chat_with(messages, option, *date),
            Self::Text(text) => model.encode_text(&format!("{text}{option}")),
            Self::Tokens(ids) => {
                let mut ids = ids.clone();
                ids.extend(model.tokenizer().encode(option, Special::Text)?);
                Ok(ids)
            }
        }
    }
}

/// How tokens are chosen and when to stop.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// 0 takes the likeliest token.
    pub temperature: f64,
    /// Only the likeliest tokens that together hold this share; 1 keeps all.
    pub top_p: f64,
    /// Only so many of the likeliest tokens; 0 keeps all.
    pub top_k: usize,
    /// Only tokens at least so many times as likely as the likeliest; 0 keeps all.
    pub min_p: f64,
    /// Tokens of prompt and answer become less likely by this; 1 changes nothing. Counts for greedy choice too.
    pub repetition_penalty: f64,
    /// Most new tokens, at least 1; 0 only of a request whose prompt is scored ([`Scoring::prompt`]).
    pub max_tokens: usize,
    /// Text at which the answer ends; it is not part of the answer.
    pub stop: Vec<String>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            max_tokens: 256,
            stop: Vec::new(),
        }
    }
}

impl Sampling {
    /// `reads` is whether the request has a use without a new token.
    pub(super) fn check(&self, reads: bool) -> Result<(), Fault> {
        let fault = |field, found: String, expected| Err(Fault::Setting { field, found, expected });
        if !self.temperature.is_finite() || self.temperature < 0.0 {
            return fault("temperature", self.temperature.to_string(), "a number from 0");
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return fault("top_p", self.top_p.to_string(), "above 0, at most 1");
        }
        if !(0.0..=1.0).contains(&self.min_p) {
            return fault("min_p", self.min_p.to_string(), "from 0 to 1");
        }
        if !(self.repetition_penalty > 0.0 && self.repetition_penalty.is_finite()) {
            return fault("repetition_penalty", self.repetition_penalty.to_string(), "a number above 0");
        }
        if self.max_tokens == 0 && !reads {
            return fault("max_tokens", "0".to_owned(), "at least 1");
        }
        if self.stop.iter().any(String::is_empty) {
            return fault("stop", "\"\"".to_owned(), "texts that are not empty");
        }
        Ok(())
    }
}

/// Which probabilities are reported. They are of the model itself, at temperature 1, whatever the sampling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scoring {
    /// So many of the likeliest tokens at each place, beside the token that stands there.
    pub top: usize,
    /// Of the prompt's tokens too, from the second on: nothing comes before the first.
    pub prompt: bool,
}

/// How likely a token was where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenScore {
    /// The token.
    pub token: TokenId,
    /// Natural logarithm of its probability after all before it.
    pub log_probability: f64,
    /// The likeliest tokens there with theirs, likeliest first; of equal ones the smaller id first.
    pub top: Vec<(TokenId, f64)>,
}

/// Asks for text.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What to continue.
    pub prompt: Prompt,
    /// How.
    pub sampling: Sampling,
    /// Of the draws, where the temperature is above 0.
    pub seed: u64,
    /// After this the request fails; compared with [`Control::now`](super::Control).
    pub deadline: Option<Instant>,
    /// Changes to the forward pass of prompt and answer.
    pub edits: Arc<Edits>,
    /// Probabilities to report; none if not asked for.
    pub scoring: Option<Scoring>,
}

impl Request {
    /// A request without deadline, edits or scoring.
    pub fn new(prompt: Prompt, sampling: Sampling, seed: u64) -> Self {
        Self { prompt, sampling, seed, deadline: None, edits: Arc::default(), scoring: None }
    }
}

/// Asks how likely each of some texts is after a context.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What comes before. Of a text, the white space at the end is counted to the options, as lm-eval does, because a
    /// word's token holds the space before it.
    pub context: Prompt,
    /// The texts, at least one, none empty.
    pub options: Vec<String>,
    /// After this the request fails.
    pub deadline: Option<Instant>,
    /// Changes to the forward pass.
    pub edits: Arc<Edits>,
}

impl Choice {
    /// A choice without deadline or edits.
    pub fn new(context: Prompt, options: Vec<String>) -> Self {
        Self { context, options, deadline: None, edits: Arc::default() }
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Job {
    /// Write text.
    Complete(Request),
    /// Score texts.
    Choose(Choice),
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Finish {
    /// The model ended its turn, or wrote a stop text.
    Stop,
    /// `max_tokens` or the model's context was used up.
    Length,
}

/// A finished answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// What the model wrote, without control tokens and without the stop text.
    pub text: String,
    /// The tokens it wrote, the end token left out; a stop text is included.
    pub tokens: Vec<TokenId>,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens that were computed, an end token included.
    pub completion_tokens: usize,
    /// Scores of the prompt's tokens from the second on, if [`Scoring::prompt`] asked for them.
    pub prompt_scores: Vec<TokenScore>,
    /// Scores of all tokens that were computed, an end token included, if [`Request::scoring`] asked for them.
    pub scores: Vec<TokenScore>,
}

/// How likely one option is.
#[derive(Debug, Clone, PartialEq)]
pub struct ChoiceScore {
    /// Natural logarithm of the probability of all its tokens after the context, at temperature 1.
    pub log_probability: f64,
    /// Its tokens, for a mean over them.
    pub tokens: usize,
    /// Its bytes of UTF-8, for a mean over them.
    pub bytes: usize,
    /// Whether greedy choice after the context would have written it.
    pub greedy: bool,
}

/// Scores of all options, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Choices {
    /// One for each option.
    pub scores: Vec<ChoiceScore>,
    /// Tokens of the context.
    pub prompt_tokens: usize,
}

/// What a job gave.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// Of [`Job::Complete`].
    Completion(Completion),
    /// Of [`Job::Choose`].
    Choices(Choices),
}
