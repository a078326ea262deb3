//! A remote model that answers: one request an ask, and the response as the study sees it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use plumb_study::items::{self, Prompt};
use plumb_study::party::{Abilities, Ask, Outcome as Told, Reply, Responder};
use plumb_study::{Answer, EngineId, Failure, FailureKind, Finish, Used, Withheld};

use super::Shared;
use super::channel::Channel;
use crate::wire::{self, Draw, Failed, Fault, Filter, Head, Outcome, Phase, Role, Turn, Usage};

/// A wire format with its settings.
pub(super) trait Format: Send + Sync {
    /// The body of a request; `None` if the format cannot put this prompt.
    fn body(&self, ask: &Ask, draw: &Draw) -> Option<Vec<u8>>;

    /// What a response means.
    fn read(&self, head: &Head, body: &[u8]) -> Outcome;
}

/// The responder of both kinds.
pub(super) struct Remote<F> {
    pub shared: Arc<Shared>,
    pub channel: Channel,
    pub format: F,
    pub model: String,
    pub can: Abilities,
}

/// What a format that only speaks, and never gives log-probabilities, can be asked.
pub(super) fn abilities(chat: bool) -> Abilities {
    Abilities { chat, completion: !chat, choose: false, deterministic: false, most_in_flight: None }
}

impl<F: Format> Responder for Remote<F> {
    fn can(&self) -> Abilities {
        self.can
    }

    fn engine(&self) -> EngineId {
        self.channel.engine.clone()
    }

    fn respond<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Reply, Failure>> {
        self.exchange(ask).boxed()
    }
}

impl<F: Format> Remote<F> {
    async fn exchange(&self, ask: &Ask) -> Result<Reply, Failure> {
        let draw = Draw {
            temperature: ask.sampling.temperature,
            top_p: ask.sampling.top_p,
            max_tokens: ask.sampling.max_tokens,
            stop: &ask.sampling.stop,
            seed: Some(ask.seed),
        };
        let Some(body) = self.format.body(ask, &draw) else {
            return Err(Failure::last(
                FailureKind::Unsupported,
                "this endpoint cannot be asked in this form",
            ));
        };
        match self.channel.post(body, own_limit(ask.deadline)).await {
            Ok(received) => self.told(self.format.read(&received.head(), &received.body)),
            Err(failed) => Err(self.failure(&failed)),
        }
    }

    fn told(&self, outcome: Outcome) -> Result<Reply, Failure> {
        let (outcome, usage, served) = match outcome {
            Outcome::Failed(failed) => return Err(self.failure(&failed)),
            Outcome::Withheld(held) => (Told::Withheld(withheld(held.by)), held.usage, held.served),
            Outcome::Answered(said) => {
                // As for failures: a secret that the body wrote in escapes shows only in what it means.
                let clean = |text: String| self.channel.redacted(&text).unwrap_or(text);
                let told = Told::Answered {
                    answer: Answer::Text(clean(said.text).into()),
                    reasoning: said.reasoning.map(|text| clean(text).into()),
                    finish: finish(&said.finish),
                };
                (told, said.usage, said.served)
            }
        };
        Ok(Reply {
            outcome,
            tokens_in: tokens(usage.input),
            tokens_out: tokens(usage.output),
            cost_nano: self.cost(&usage, served.as_deref()),
            served: served.map(Into::into),
        })
    }

    /// By the name that the server gave the model, or else by the plan's.
    fn cost(&self, usage: &Usage, served: Option<&str>) -> Option<u64> {
        let prices = &self.shared.outside.prices;
        let price = served.and_then(|name| prices.of(name)).or_else(|| prices.of(&self.model))?;
        price.cost(usage)
    }

    fn failure(&self, failed: &Failed) -> Failure {
        let words = failed.to_string();
        // The body was cleaned as it came; a secret that it wrote in escapes shows only now.
        let words = self.channel.redacted(&words).unwrap_or(words);
        let usage = failed.usage.as_deref().copied().unwrap_or_default();
        Failure {
            kind: kind(&failed.fault),
            message: words.into(),
            retryable: failed.is_retryable(),
            retry_after: failed.retry_after,
            used: Used {
                tokens_in: tokens(usage.input),
                tokens_out: tokens(usage.output),
                cost_nano: self.cost(&usage, None),
            },
        }
    }
}

/// As the study counts them; more than it can count is unknown.
fn tokens(n: Option<u64>) -> Option<u32> {
    n.and_then(|n| u32::try_from(n).ok())
}

/// A little less than the runner's own limit, which cannot say what took so long.
fn own_limit(deadline: Duration) -> Duration {
    deadline - (deadline / 20).min(Duration::from_millis(50))
}

/// A conversation as the formats write it.
pub(super) fn turns(prompt: &Prompt) -> Option<Vec<Turn<'_>>> {
    let Prompt::Chat(turns) = prompt else { return None };
    let role = |role| match role {
        items::Role::System => Role::System,
        items::Role::User => Role::User,
        items::Role::Assistant => Role::Assistant,
    };
    Some(turns.iter().map(|turn| Turn { role: role(turn.role), text: &turn.text }).collect())
}

fn withheld(by: Filter) -> Withheld {
    match by {
        Filter::Prompt => Withheld::PromptFilter,
        Filter::Answer => Withheld::AnswerFilter,
        Filter::Refusal => Withheld::ProviderRefusal,
    }
}

fn finish(finish: &wire::Finish) -> Finish {
    match finish {
        wire::Finish::Stop => Finish::Stop,
        wire::Finish::Length => Finish::Length,
        wire::Finish::Other(_) | wire::Finish::Unnamed => Finish::Other,
    }
}

fn kind(fault: &Fault) -> FailureKind {
    match fault {
        Fault::Http { status: 408 } => FailureKind::Timeout,
        Fault::Http { status: 500.. } | Fault::Overloaded { .. } | Fault::ErrorInBody => {
            FailureKind::Overloaded
        }
        Fault::Http { .. } | Fault::Unauthorized { .. } | Fault::QuotaSpent => FailureKind::Rejected,
        Fault::RateLimited => FailureKind::RateLimited,
        Fault::TooLong => FailureKind::TooLong,
        Fault::NoText { .. } => FailureKind::NoText,
        Fault::HtmlPage
        | Fault::WrongContentType { .. }
        | Fault::NotJson
        | Fault::Truncated
        | Fault::Malformed { .. }
        | Fault::Missing { .. }
        | Fault::TooLarge { .. } => FailureKind::Malformed,
        Fault::Timeout(Phase::Head | Phase::Body) => FailureKind::Timeout,
        Fault::Timeout(Phase::Connect) | Fault::Network => FailureKind::Network,
    }
}
