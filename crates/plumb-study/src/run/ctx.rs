//! [`Ctx`]: the only way from a trial or a judge to a model. It applies limits and retries, records steps,
//! and hands recorded ones back on resume.

use super::engine::{Engine, Outcome};
use super::{Shared, Watch, retry};
use crate::error::Error;
use crate::event::{Event, Scope};
use crate::id::{Digest, JudgeIx, SourceIx, SubjectIx, Trial};
use crate::items::{Prompt, Role, Turn};
use crate::ledger::is_about_the_item;
use crate::observe::{Failure, FailureKind, Spent, Used};
use crate::party::{Ask, Reply, Responder, Sampling};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// A subject of the plan.
    Subject(SubjectIx),
    /// The model of a judge.
    Model(JudgeIx),
    /// The model that writes the turns of a source's conversations.
    Attacker(SourceIx),
}

/// One trial's or judgment's way to its models.
pub struct Ctx {
    shared: Option<Arc<Shared>>,
    scope: Scope,
    trial: Trial,
    seed: u64,
    /// Whether exchanges are recorded as steps; a trial of one exchange keeps it in its own event.
    recorded: bool,
    state: Mutex<State>,
    halted: AtomicBool,
    /// For reports: the replies of a recorded attempt, in order; nobody is asked.
    retold: Vec<Result<Reply, Failure>>,
}

#[derive(Default)]
struct State {
    asked: u16,
    /// What the exchanges cost that no step records.
    spent: Spent,
    served: Option<Arc<str>>,
}

impl Ctx {
    pub(super) fn new(shared: Arc<Shared>, scope: Scope, trial: Trial, seed: u64, recorded: bool) -> Ctx {
        Ctx {
            shared: Some(shared),
            scope,
            trial,
            seed,
            recorded,
            state: Mutex::new(State::default()),
            halted: AtomicBool::new(false),
            retold: Vec::new(),
        }
    }

    /// A context in which nobody can be asked: for judges that need nobody, and their tests.
    pub fn alone(trial: Trial) -> Ctx {
        Ctx::retelling(trial, 1, 0, Vec::new())
    }

    /// A context that answers with the recorded replies of an attempt, in order, and asks nobody.
    pub(crate) fn retelling(
        trial: Trial,
        attempt: u16,
        seed: u64,
        retold: Vec<Result<Reply, Failure>>,
    ) -> Ctx {
        Ctx {
            shared: None,
            scope: Scope::Trial(trial, attempt),
            trial,
            seed,
            recorded: false,
            state: Mutex::new(State::default()),
            halted: AtomicBool::new(false),
            retold,
        }
    }

    /// Seed of this trial's randomness.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether the run was stopped in the middle: what was collected is then not an outcome.
    pub(super) fn halted(&self) -> bool {
        self.halted.load(Ordering::Relaxed)
    }

    /// What no step records.
    pub(super) fn spent(&self) -> (Spent, Option<Arc<str>>) {
        let state = self.state();
        (state.spent, state.served.clone())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a prompt to a party.
    pub async fn ask(&self, party: Party, prompt: Prompt) -> Result<Reply, Failure> {
        let n = {
            let mut state = self.state();
            state.asked = state.asked.saturating_add(1);
            state.asked - 1
        };
        let Some(shared) = &self.shared else {
            return self
                .retold
                .get(usize::from(n))
                .cloned()
                .unwrap_or_else(|| Err(Failure::last(FailureKind::Unsupported, "nobody can be asked here")));
        };
        let (spec, responder, over) = match party {
            Party::Subject(ix) => (
                &shared.plan.subject(ix).party,
                shared.parties.subjects.get(&ix),
                shared.plan.source(shared.plan.item(self.trial.item).source).sampling.clone(),
            ),
            Party::Model(ix) => match &shared.plan.judge(ix).model {
                Some(spec) => (spec, shared.parties.models.get(&ix), Sampling::default()),
                None => return Err(Failure::last(FailureKind::Unsupported, "this judge has no model")),
            },
            Party::Attacker(ix) => {
                match shared.plan.source(ix).strategy.as_ref().and_then(|s| s.attacker()) {
                    Some(a) => (&a.party, shared.parties.attackers.get(&ix), Sampling::default()),
                    None => return Err(Failure::last(FailureKind::Unsupported, "nobody writes turns here")),
                }
            }
        };
        let ask = Ask {
            prompt: with_system(prompt, spec.system.as_ref()),
            sampling: spec.sampling.overridden_by(&over),
            seed: self.seed.wrapping_add(u64::from(n)),
            trial: Some(self.trial),
            deadline: Duration::from_millis(shared.plan.limits.deadline_ms),
        };
        let reply = match (self.replayed(shared, n, &ask)?, responder) {
            (Some(reply), _) => reply,
            (None, Some(responder)) => self.fresh(shared, n, ask, responder, spec.digest()).await,
            (None, None) => Err(Failure::last(FailureKind::Internal, "the party is not open")),
        };
        // What an attacker's or a judge's endpoint served says nothing of the subject.
        if let (Party::Subject(_), Ok(Reply { served: Some(served), .. })) = (party, &reply) {
            self.state().served = Some(served.clone());
        }
        reply
    }

    /// The recorded reply of exchange `n`, if there is one. Another question than the recorded one is an
    /// error of the run: the code or the plan changed under it.
    fn replayed(
        &self,
        shared: &Shared,
        n: u16,
        ask: &Ask,
    ) -> Result<Option<Result<Reply, Failure>>, Failure> {
        let Some(step) = shared.steps.get(&self.scope).and_then(|s| s.iter().find(|s| s.n == n)) else {
            return Ok(None);
        };
        let stopped = |error: Error| {
            let failure = Failure::last(FailureKind::Internal, error.to_string());
            self.halted.store(true, Ordering::Relaxed);
            shared.fail(error);
            failure
        };
        if step.ask != ask.digest() {
            return Err(stopped(
                Error::journal(format!("step {n} of {:?} was recorded for another question", self.scope))
                    .help("the trial was begun by a program that asks otherwise; start anew with --fresh"),
            ));
        }
        let journal = shared.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.reply(step).map(Some).map_err(stopped)
    }

    async fn fresh(
        &self,
        shared: &Arc<Shared>,
        n: u16,
        ask: Ask,
        responder: &Arc<dyn Responder>,
        spec: Digest,
    ) -> Result<Reply, Failure> {
        let cache = shared.env.cache.as_ref().filter(|_| matches!(self.scope, Scope::Trial(..)));
        let key = cache.map(|_| {
            super::cache::key(
                spec,
                &ask,
                shared.plan.item(self.trial.item).id.as_str(),
                self.trial.rep,
                responder.can().deterministic,
            )
        });
        if let (Some(cache), Some(key)) = (cache, key)
            && let Some(reply) = cache.get(key)
        {
            shared.cached.fetch_add(1, Ordering::Relaxed);
            return self.settle(shared, n, &ask, Ok(reply), Spent::default()).await;
        }
        let engine = shared.engines.get(&responder.engine()).cloned();
        let Some(engine) = engine else {
            return Err(Failure::last(FailureKind::Internal, "the engine is not open"));
        };
        let (reply, spent) = self.exchange(shared, &engine, &ask, responder).await;
        if self.halted() {
            return reply;
        }
        match &reply {
            Ok(answer) => {
                if let (Some(cache), Some(key)) = (cache, key) {
                    cache.put(key, answer);
                }
                let held = engine.worked();
                if !held.is_empty()
                    && let Err(error) = shared.writer.append(held).await
                {
                    shared.fail(error);
                }
            }
            Err(failure) => {
                // A prompt that is too long says nothing of the endpoint, however many there are in a row.
                if !is_about_the_item(failure.kind)
                    && engine.failed()
                    && shared.broken.set(failure.message.clone()).is_ok()
                {
                    shared.stop.stop();
                }
            }
        }
        self.settle(shared, n, &ask, reply, spent).await
    }

    /// Records a step, or keeps the cost for the trial's own event.
    async fn settle(
        &self,
        shared: &Arc<Shared>,
        n: u16,
        ask: &Ask,
        reply: Result<Reply, Failure>,
        spent: Spent,
    ) -> Result<Reply, Failure> {
        if self.recorded && reply.is_ok() {
            let step = Event::Step { scope: self.scope, n, ask: ask.digest(), reply: reply.clone(), spent };
            if let Err(error) = shared.writer.append(vec![step]).await {
                self.halted.store(true, Ordering::Relaxed);
                shared.fail(error);
            }
        } else {
            self.state().spent.add(spent);
        }
        reply
    }

    /// One exchange with its retries.
    async fn exchange(
        &self,
        shared: &Shared,
        engine: &Engine,
        ask: &Ask,
        responder: &Arc<dyn Responder>,
    ) -> (Result<Reply, Failure>, Spent) {
        let mut spent = Spent::default();
        let halt = |spent| {
            self.halted.store(true, Ordering::Relaxed);
            shared.left.store(true, Ordering::Relaxed);
            (Err(Failure::last(FailureKind::Internal, "the run was stopped")), spent)
        };
        loop {
            let permit = tokio::select! {
                permit = engine.enter() => permit,
                () = shared.stop.wait() => None,
            };
            let Some(permit) = permit else { return halt(spent) };
            if shared.stop.stopped() {
                return halt(spent);
            }
            let start = Instant::now();
            let reply = match tokio::time::timeout(ask.deadline, responder.respond(ask)).await {
                Ok(reply) => reply,
                Err(_) => Err(Failure::passing(
                    FailureKind::Timeout,
                    format!("no full answer within {} s", ask.deadline.as_secs_f64()),
                )),
            };
            let took = start.elapsed();
            spent.elapsed_us += took.as_micros() as u64;
            spent.requests += 1;
            match reply {
                Ok(reply) => {
                    engine.leave(permit, &Outcome::Answered, took, Instant::now());
                    tell(&*shared.watch, reply.tokens_in, reply.tokens_out);
                    spent.add(used(reply.tokens_in, reply.tokens_out, reply.cost_nano));
                    return (Ok(reply), spent);
                }
                Err(failure) => {
                    engine.leave(permit, &Outcome::Failed(&failure), took, Instant::now());
                    let Used { tokens_in, tokens_out, cost_nano } = failure.used;
                    tell(&*shared.watch, tokens_in, tokens_out);
                    spent.add(used(tokens_in, tokens_out, cost_nano));
                    let jitter = (shared.env.jitter)();
                    match retry::wait(&failure, spent.requests as u32, &shared.plan.limits, jitter) {
                        None => return (Err(failure), spent),
                        Some(wait) => {
                            shared.watch.retried(&failure, wait);
                            shared.stop.sleep(wait).await;
                        }
                    }
                }
            }
        }
    }
}

fn tell(watch: &dyn Watch, tokens_in: Option<u32>, tokens_out: Option<u32>) {
    watch.used(tokens_in.map_or(0, u64::from), tokens_out.map_or(0, u64::from));
}

/// What one exchange used, time and requests left out.
fn used(tokens_in: Option<u32>, tokens_out: Option<u32>, cost_nano: Option<u64>) -> Spent {
    Spent {
        tokens_in: tokens_in.map(u64::from),
        tokens_out: tokens_out.map(u64::from),
        cost_nano,
        ..Spent::default()
    }
}

/// Puts the subject's instructions before a conversation that has none.
fn with_system(prompt: Prompt, system: Option<&Arc<str>>) -> Prompt {
    match (prompt, system) {
        (Prompt::Chat(mut turns), Some(system)) if !turns.iter().any(|t| t.role == Role::System) => {
            turns.insert(0, Turn { role: Role::System, text: system.clone() });
            Prompt::Chat(turns)
        }
        (prompt, _) => prompt,
    }
}
