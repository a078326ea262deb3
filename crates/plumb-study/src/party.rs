//! Who can be asked: the [`Responder`] seam and what crosses it.
//!
//! A model behind an endpoint, a model in this process, a script and a recording all answer through
//! [`Responder::respond`]. People do not: they are driven by a server. Only the runner's `Ctx` calls
//! `respond`; it adds limits, retries and the record.

use crate::id::{Digest, EngineId};
use crate::items::Prompt;
use crate::observe::{Answer, Failure, Finish, Withheld};
use futures_util::future::BoxFuture;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How text is drawn from a model. `None` leaves it to the provider, which is then part of the spec.
#[derive(Clone, PartialEq, Default)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: Option<f64>,
    /// Nucleus mass.
    pub top_p: Option<f64>,
    /// Most new tokens.
    pub max_tokens: Option<u32>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// Only so many of the likeliest tokens, at least 1.
    pub top_k: Option<u32>,
    /// Only tokens at least so many times as likely as the likeliest.
    pub min_p: Option<f64>,
    /// Tokens of prompt and answer become less likely by this factor; 1 changes nothing.
    pub repetition_penalty: Option<f64>,
}

/// What an [`Ask`]'s digest is made of: the later fields show only where they are set, so that a journal written before
/// there were any still knows its steps.
impl fmt::Debug for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Sampling");
        shown
            .field("temperature", &self.temperature)
            .field("top_p", &self.top_p)
            .field("max_tokens", &self.max_tokens)
            .field("stop", &self.stop);
        if let Some(k) = self.top_k {
            shown.field("top_k", &k);
        }
        if let Some(p) = self.min_p {
            shown.field("min_p", &p);
        }
        if let Some(penalty) = self.repetition_penalty {
            shown.field("repetition_penalty", &penalty);
        }
        shown.finish()
    }
}

impl Sampling {
    /// The first key that only some models take, if one is set.
    pub fn uncommon(&self) -> Option<&'static str> {
        let set = [
            ("top_k", self.top_k.is_some()),
            ("min_p", self.min_p.is_some()),
            ("repetition_penalty", self.repetition_penalty.is_some()),
        ];
        set.into_iter().find(|(_, is)| *is).map(|(key, _)| key)
    }

    /// `self` with every value that `over` sets.
    #[must_use]
    pub fn overridden_by(&self, over: &Sampling) -> Sampling {
        Sampling {
            temperature: over.temperature.or(self.temperature),
            top_p: over.top_p.or(self.top_p),
            max_tokens: over.max_tokens.or(self.max_tokens),
            stop: if over.stop.is_empty() { self.stop.clone() } else { over.stop.clone() },
            top_k: over.top_k.or(self.top_k),
            min_p: over.min_p.or(self.min_p),
            repetition_penalty: over.repetition_penalty.or(self.repetition_penalty),
        }
    }
}

/// One question to one party.
#[derive(Clone, PartialEq, Debug)]
pub struct Ask {
    /// What is put.
    pub prompt: Prompt,
    /// How the answer is drawn.
    pub sampling: Sampling,
    /// Seed for a party that can use one.
    pub seed: u64,
    /// Item, subject and repetition in the case of a recorded answer; parties that really answer ignore it.
    pub trial: Option<crate::id::Trial>,
    /// The longest this exchange may take.
    pub deadline: Duration,
}

impl Ask {
    /// Identity of what is asked: prompt, sampling, seed.
    pub fn digest(&self) -> Digest {
        let mut parts: Vec<Vec<u8>> = Vec::new();
        match &self.prompt {
            Prompt::Chat(turns) => {
                parts.push(b"chat".to_vec());
                for turn in turns {
                    parts.push(turn.role.name().into());
                    parts.push(turn.text.as_bytes().to_vec());
                }
            }
            Prompt::Completion(text) => {
                parts.push(b"completion".to_vec());
                parts.push(text.as_bytes().to_vec());
            }
            Prompt::Choose { context, options } => {
                parts.push(b"choose".to_vec());
                parts.push(context.as_bytes().to_vec());
                parts.extend(options.iter().map(|o| o.as_bytes().to_vec()));
            }
        }
        // f64's Debug is the shortest text that reads back the same, so this is canonical.
        parts.push(format!("{:?}", self.sampling).into_bytes());
        parts.push(self.seed.to_le_bytes().to_vec());
        Digest::of_parts(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }
}

/// What a party answered.
#[derive(Clone, PartialEq, Debug)]
pub struct Reply {
    /// The answer, or that it was withheld.
    pub outcome: Outcome,
    /// Tokens read, if the party counts them.
    pub tokens_in: Option<u32>,
    /// Tokens written, if the party counts them.
    pub tokens_out: Option<u32>,
    /// Cost in nano-units, if the price is known.
    pub cost_nano: Option<u64>,
    /// The model that the endpoint says it served.
    pub served: Option<Arc<str>>,
}

/// An answer or its absence without failure.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// An answer.
    Answered {
        /// What was answered.
        answer: Answer,
        /// Reasoning, apart from the answer.
        reasoning: Option<Arc<str>>,
        /// How it ended.
        finish: Finish,
    },
    /// Held back by a filter.
    Withheld(Withheld),
}

impl Reply {
    /// A plain text reply, as scripted twins give.
    pub fn text(text: impl Into<Arc<str>>) -> Reply {
        Reply {
            outcome: Outcome::Answered {
                answer: Answer::Text(text.into()),
                reasoning: None,
                finish: Finish::Stop,
            },
            tokens_in: None,
            tokens_out: None,
            cost_nano: None,
            served: None,
        }
    }

    /// A text reply that the limit of tokens cut.
    pub fn cut(text: impl Into<Arc<str>>) -> Reply {
        let outcome =
            Outcome::Answered { answer: Answer::Text(text.into()), reasoning: None, finish: Finish::Length };
        Reply { outcome, ..Reply::text("") }
    }

    /// An answer that was held back.
    pub fn withheld(why: Withheld) -> Reply {
        Reply { outcome: Outcome::Withheld(why), ..Reply::text("") }
    }
}

/// What a party can be asked. Checked before anything runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Abilities {
    /// `Prompt::Chat`.
    pub chat: bool,
    /// `Prompt::Completion`.
    pub completion: bool,
    /// `Prompt::Choose`.
    pub choose: bool,
    /// Whether equal asks give equal answers.
    pub deterministic: bool,
    /// Most exchanges at once that make sense, whatever the plan allows.
    pub most_in_flight: Option<u32>,
}

impl Abilities {
    /// Whether this prompt can be put.
    pub fn covers(&self, prompt: &Prompt) -> bool {
        match prompt {
            Prompt::Chat(_) => self.chat,
            Prompt::Completion(_) => self.completion,
            Prompt::Choose { .. } => self.choose,
        }
    }
}

/// Something that answers.
pub trait Responder: Send + Sync {
    /// What it can be asked.
    fn can(&self) -> Abilities;

    /// What it shares a queue with.
    fn engine(&self) -> EngineId;

    /// Answers. An error is one exchange's failure, never a run's.
    fn respond<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Reply, Failure>>;
}
