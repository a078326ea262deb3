//! From an ask to a job of the generator, and from its outcome to a reply.

use crate::engine::Engine;
use crate::settings::{self, Unset};
use crate::steer::{self, Probe, Saes, Steering};
use futures_util::future::BoxFuture;
use plumb_lm::{Choice, Edits, Job, Labelled, Message, Model, Request, TokenId};
use plumb_study::items::{Prompt, Role, Turn};
use plumb_study::party::{Abilities, Ask, Outcome, Reply, Responder};
use plumb_study::{Answer, EngineId, Error, Failure, FailureKind, Finish, OptionScore};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::OnceCell;

/// A local model that answers.
pub(crate) struct Local {
    engine: Arc<Engine>,
    id: EngineId,
    can: Abilities,
    unset: Unset,
    steered: Option<Steered>,
}

/// What is changed, and the edits where they are the same for every prompt.
struct Steered {
    steering: Steering,
    shared: Option<Arc<Edits>>,
    gate: Option<Gate>,
}

/// Decides whether anything is changed.
struct Gate {
    probe: Arc<Probe>,
    known: Arc<Known>,
}

/// What a gate decided, by the prompt's tokens; whoever needs a decision that is being made waits for it.
type Known = Mutex<HashMap<Vec<TokenId>, Arc<OnceCell<bool>>>>;

/// What gates decided, by model and gate: the same prompt comes with many settings of a sweep, and is read once.
#[derive(Default)]
pub(crate) struct Decisions(Mutex<HashMap<String, Weak<Known>>>);

impl Decisions {
    fn of(&self, model: &str, gate: &steer::Gate) -> plumb_study::Result<Arc<Known>> {
        let gate = serde_json::to_string(gate).map_err(|error| Error::party(error.to_string()))?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, known| known.strong_count() > 0);
        let slot = all.entry(format!("{model} {gate}")).or_default();
        let known = slot.upgrade().unwrap_or_default();
        *slot = Arc::downgrade(&known);
        Ok(known)
    }
}

impl Local {
    /// # Errors
    /// Steering that does not fit the model.
    pub(crate) fn new(
        engine: Arc<Engine>,
        id: EngineId,
        can: Abilities,
        local: settings::Local,
        saes: &dyn Saes,
        decisions: &Decisions,
    ) -> plumb_study::Result<Self> {
        // What does not fit is found before anything is asked.
        let steering = local.steer.map(|steer| steer.fit(engine.model(), saes)).transpose()?;
        let gate = match &local.gate {
            None => None,
            Some(gate) => Some(Gate {
                probe: Arc::new(gate.fit(engine.model(), saes)?),
                known: decisions.of(&local.sha256, gate)?,
            }),
        };
        let steered = steering.map(|steering| Steered { shared: steering.shared(), steering, gate });
        Ok(Self { engine, id, can, unset: local.unset, steered })
    }

    /// The edits for a prompt. One that cannot be read has none: asking it says why.
    ///
    /// # Errors
    /// It is not known whether the gate opens.
    async fn edits(&self, asked: &Prompt) -> Result<Arc<Edits>, Failure> {
        let Some(steered) = &self.steered else { return Ok(Arc::default()) };
        if let (Some(shared), None) = (&steered.shared, &steered.gate) {
            return Ok(shared.clone());
        }
        let model = self.engine.model();
        let Some(Labelled { classes, .. }) = labelled(model, asked) else { return Ok(Arc::default()) };
        Ok(match steered.opens(model, asked).await? {
            true => steered.shared.clone().unwrap_or_else(|| Arc::new(steered.steering.edits(&classes))),
            false => Arc::default(),
        })
    }

    async fn job(&self, ask: &Ask) -> Result<Job, Failure> {
        match &ask.prompt {
            Prompt::Chat(turns) => {
                self.complete(plumb_lm::Prompt::chat(turns.iter().map(message).collect()), ask).await
            }
            Prompt::Completion(text) => self.complete(plumb_lm::Prompt::Text(text.to_string()), ask).await,
            Prompt::Choose { context, options } => {
                let edits = self.edits(&ask.prompt).await?;
                let context = plumb_lm::Prompt::Text(context.to_string());
                let choice = Choice::new(context, options.iter().map(ToString::to_string).collect());
                Ok(Job::Choose(Choice { edits, ..choice }))
            }
        }
    }

    async fn complete(&self, prompt: plumb_lm::Prompt, ask: &Ask) -> Result<Job, Failure> {
        let edits = self.edits(&ask.prompt).await?;
        let request = Request::new(prompt, self.unset.fill(&ask.sampling), ask.seed);
        Ok(Job::Complete(Request { edits, ..request }))
    }
}

impl Steered {
    /// Whether the gate opens for the conversation that a prompt is a turn of.
    async fn opens(&self, model: &Arc<Model>, asked: &Prompt) -> Result<bool, Failure> {
        let Some(Gate { probe, known }) = &self.gate else { return Ok(true) };
        let opening = steer::opening(asked);
        let unread = |error: String| Failure::last(FailureKind::Rejected, error);
        let Some(Labelled { tokens, .. }) = labelled(model, &opening) else {
            return Err(unread(
                "the conversation's first prompt cannot be read, so the gate cannot decide".into(),
            ));
        };
        let cell = {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(tokens.clone()).or_default().clone()
        };
        let (probe, model) = (probe.clone(), model.clone());
        let read = async {
            // A pass over the prompt would hold up everybody else on this thread.
            let read = tokio::task::spawn_blocking(move || probe.opens(&model, &opening, &tokens)).await;
            read.map_err(|error| unread(error.to_string()))?.map_err(|error| unread(error.to_string()))
        };
        cell.get_or_try_init(|| read).await.copied()
    }
}

/// What is read before the answer, with what each token is a part of; `None` if it cannot be read.
pub fn labelled(model: &Model, prompt: &Prompt) -> Option<Labelled> {
    let read = match prompt {
        Prompt::Chat(turns) => model.label_chat(&turns.iter().map(message).collect::<Vec<_>>(), None),
        Prompt::Completion(text) => model.label_text(text),
        // White space at the context's end is counted to the options; it is not the prompt's last token.
        Prompt::Choose { context, .. } => model.label_text(context.trim_end()),
    };
    read.ok()
}

impl Responder for Local {
    fn can(&self) -> Abilities {
        self.can
    }

    fn engine(&self) -> EngineId {
        self.id.clone()
    }

    fn respond<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            // The time spent waiting for a place counts too, so the deadline is kept here and not by the generator;
            // ending this future cancels the job.
            let asked = async { Ok(self.engine.ask(self.job(ask).await?).await) };
            match tokio::time::timeout(ask.deadline, asked).await {
                Ok(Err(failure)) => Err(failure),
                Ok(Ok(Ok(Ok(outcome)))) => reply(outcome),
                Ok(Ok(Ok(Err(error)))) => Err(failure(&error)),
                Ok(Ok(Err(_))) => Err(Failure::passing(
                    FailureKind::Internal,
                    "a defect of the local engine ended this exchange; its message is on standard error",
                )),
                Err(_) => Err(Failure::passing(
                    FailureKind::Timeout,
                    format!("no full answer within {} s", ask.deadline.as_secs_f64()),
                )),
            }
        })
    }
}

/// A turn as the model takes it.
pub fn message(turn: &Turn) -> Message {
    let role = match turn.role {
        Role::System => plumb_lm::Role::System,
        Role::User => plumb_lm::Role::User,
        Role::Assistant => plumb_lm::Role::Assistant,
    };
    Message::new(role, &*turn.text)
}

/// Counts that the journal keeps in 32 bits; a context is far smaller.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn reply(outcome: plumb_lm::Outcome) -> Result<Reply, Failure> {
    let (answer, finish, read, written) = match outcome {
        plumb_lm::Outcome::Completion(completion) => {
            let finish = match completion.finish {
                plumb_lm::Finish::Stop => Finish::Stop,
                plumb_lm::Finish::Length => Finish::Length,
                _ => Finish::Other,
            };
            let answer = Answer::Text(completion.text.into());
            (answer, finish, completion.prompt_tokens, completion.completion_tokens)
        }
        plumb_lm::Outcome::Choices(choices) => {
            let score = |score: &plumb_lm::ChoiceScore| OptionScore {
                logprob: score.log_probability,
                tokens: count(score.tokens),
                bytes: count(score.bytes),
            };
            // Nothing is written: the options are read, all after one context.
            let read = choices.prompt_tokens + choices.scores.iter().map(|score| score.tokens).sum::<usize>();
            (Answer::Options(choices.scores.iter().map(score).collect()), Finish::Stop, read, 0)
        }
        other => {
            let message = format!("the local engine gave something unknown: {other:?}");
            return Err(Failure::last(FailureKind::Internal, message));
        }
    };
    Ok(Reply {
        outcome: Outcome::Answered { answer, reasoning: None, finish },
        tokens_in: Some(count(read)),
        tokens_out: Some(count(written)),
        cost_nano: None,
        served: None,
    })
}

/// A model is deterministic, so asking again mends nothing.
fn failure(error: &plumb_lm::Error) -> Failure {
    let kind = if error.is_too_long() {
        FailureKind::TooLong
    } else if error.is_unsupported() {
        FailureKind::Unsupported
    } else if error.is_invalid_request() {
        FailureKind::Rejected
    } else if error.is_deadline() {
        FailureKind::Timeout
    } else {
        FailureKind::Internal
    };
    Failure::last(kind, error.to_string())
}
