//! The runner: what is due in a journal is asked, judged and appended.
//!
//! [`run`] is the same for a first run, a resumed one and a re-judgment: it folds the journal, works out
//! what is due, and goes through one sliding window an engine. Everything from outside comes in as
//! arguments: the parties, the stop signal, jitter and clock. Nothing here knows what is safe or right.

mod cache;
mod ctx;
mod drive;
mod engine;
mod judging;
mod retry;
mod sample;

pub use cache::AnswerCache;
pub use ctx::{Ctx, Party};

use crate::error::Result;
use crate::event::{Event, Scope, Stop};
use crate::id::{EngineId, JudgeIx, SourceIx, SubjectIx, Trial};
use crate::journal::{Journal, Opening, StepRow, Writer};
use crate::judge::Judge;
use crate::ledger::Ledger;
use crate::observe::Observation;
use crate::party::Responder;
use crate::plan::{PartySpec, Plan, Shard};
use crate::registry::{Recordings, Registry};
use engine::Engine;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use tokio::sync::Notify;

/// Everything that answers and judges in a run, opened.
pub struct Parties {
    subjects: HashMap<SubjectIx, Arc<dyn Responder>>,
    models: HashMap<JudgeIx, Arc<dyn Responder>>,
    attackers: HashMap<SourceIx, Arc<dyn Responder>>,
    judges: HashMap<JudgeIx, Arc<dyn Judge>>,
}

impl Parties {
    /// Checks that every party of the plan could be opened (secrets, models): all that is missing at once.
    pub fn check(plan: &Plan, registry: &Registry) -> Vec<crate::Error> {
        specs(plan)
            .filter_map(|spec| registry.find_party(&spec.kind).and_then(|kind| kind.check(spec)).err())
            .collect()
    }

    /// Opens the parties that a run needs.
    pub fn open(
        plan: &Arc<Plan>,
        registry: &Registry,
        recordings: Recordings,
        needs: &Needs,
    ) -> Result<Parties> {
        let opening = crate::registry::Opening {
            in_flight: plan.limits.in_flight,
            recordings: Arc::new(recordings),
            plan: plan.clone(),
        };
        let open = |spec: &PartySpec| registry.find_party(&spec.kind)?.open(spec, &opening);
        let mut subjects = HashMap::new();
        for ix in &needs.subjects {
            let spec = plan.subject(*ix);
            subjects.insert(*ix, open(&spec.party).map_err(|e| e.at(format!("subject \"{}\"", spec.id)))?);
        }
        let mut models = HashMap::new();
        let mut judges = HashMap::new();
        let mut attackers = HashMap::new();
        // Judges that a conversation asks while it goes on are needed though nothing is judged.
        let mut asked: Vec<JudgeIx> = Vec::new();
        for ix in &needs.sources {
            let source = plan.source(*ix);
            let Some(strategy) = &source.strategy else { continue };
            asked.extend(strategy.judges());
            if let Some(attacker) = strategy.attacker() {
                let place = format!("attacker of items \"{}\"", source.id);
                attackers.insert(*ix, open(&attacker.party).map_err(|e| e.at(place))?);
            }
        }
        for (at, spec) in plan.judges.iter().enumerate() {
            let ix = JudgeIx(at as u16);
            if let Some(model) = &spec.model
                && (needs.judges || asked.contains(&ix))
            {
                let model = open(model).map_err(|e| e.at(format!("judge \"{}\"", spec.name)))?;
                models.insert(ix, model);
            }
            judges.insert(ix, registry.find_judge(&spec.kind)?.open(spec)?);
        }
        Ok(Parties { subjects, models, attackers, judges })
    }
}

fn specs(plan: &Plan) -> impl Iterator<Item = &PartySpec> {
    let attackers = plan.sources.iter().filter_map(|s| Some(&s.strategy.as_ref()?.attacker()?.party));
    let judges = plan.judges.iter().filter_map(|j| j.model.as_ref());
    plan.subjects.iter().map(|s| &s.party).chain(judges).chain(attackers)
}

/// What is due in a run.
#[derive(Debug, Default)]
pub struct Due {
    trials: Vec<(Trial, u16)>,
    judgings: Vec<Trial>,
    /// Whether new answers are judged as they come.
    judge: bool,
}

/// Which parties a run needs.
#[derive(Debug, Default)]
pub struct Needs {
    /// Subjects with something due.
    pub subjects: Vec<SubjectIx>,
    /// Whether judges have something due.
    pub judges: bool,
    /// Sources whose strategy has something due.
    pub sources: Vec<SourceIx>,
}

impl Due {
    /// What is due under the ledger, in a shard, in a sample of items.
    pub fn of(plan: &Plan, ledger: &Ledger, options: &Options) -> Due {
        let sample = options.sample.map(|n| sample::sample(plan, n));
        let mut due = Due { judge: options.judge, ..Due::default() };
        for trial in plan.trials() {
            if sample.as_ref().is_some_and(|s| !s[trial.item.0 as usize])
                || !options.shard.is_none_or(|s| s.holds(plan, trial))
            {
                continue;
            }
            if options.ask
                && let Some(attempt) = ledger.due(plan, trial)
            {
                due.trials.push((trial, attempt));
                continue;
            }
            if let Some(state) = ledger.state(trial) {
                let open = |judge: &JudgeIx| {
                    ledger.due_judgment(plan, trial, *judge).is_some()
                        || (ledger.applies(plan, trial, *judge).is_none()
                            && matches!(state.outcome, crate::journal::Outcome::Answered(..)))
                };
                if options.judge && plan.judges_of(trial.item).iter().any(open) {
                    due.judgings.push(trial);
                }
            }
        }
        due
    }

    /// Trials to ask.
    pub fn trials(&self) -> u64 {
        self.trials.len() as u64
    }

    /// Recorded answers to judge.
    pub fn judgings(&self) -> u64 {
        self.judgings.len() as u64
    }

    /// True when there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.trials.is_empty() && self.judgings.is_empty()
    }

    /// The parties needed.
    pub fn needs(&self, plan: &Plan) -> Needs {
        let mut subjects: Vec<SubjectIx> = self.trials.iter().map(|(t, _)| t.subject).collect();
        subjects.sort();
        subjects.dedup();
        let mut sources: Vec<SourceIx> = self.trials.iter().map(|(t, _)| plan.item(t.item).source).collect();
        sources.sort();
        sources.dedup();
        sources.retain(|s| plan.source(*s).strategy.is_some());
        Needs { subjects, judges: self.judge && !self.is_empty(), sources }
    }
}

/// What a run does.
#[derive(Clone, Debug)]
pub struct Options {
    /// Ask trials that are due.
    pub ask: bool,
    /// Judge what is not judged.
    pub judge: bool,
    /// Only this part.
    pub shard: Option<Shard>,
    /// Only this many items.
    pub sample: Option<usize>,
}

impl Default for Options {
    fn default() -> Options {
        Options { ask: true, judge: true, shard: None, sample: None }
    }
}

/// Asks a run to stop: exchanges in flight finish, nothing new begins.
#[derive(Clone, Default)]
pub struct Stopper(Arc<(AtomicBool, Notify)>);

impl Stopper {
    /// Stops.
    pub fn stop(&self) {
        self.0.0.store(true, Ordering::SeqCst);
        self.0.1.notify_waiters();
    }

    /// Whether it was stopped.
    pub fn stopped(&self) -> bool {
        self.0.0.load(Ordering::SeqCst)
    }

    /// Waits until stopped.
    async fn wait(&self) {
        let notified = self.0.1.notified();
        if !self.stopped() {
            notified.await;
        }
    }

    /// Waits for `duration`, or less if stopped.
    async fn sleep(&self, duration: std::time::Duration) {
        let notified = self.0.1.notified();
        if self.stopped() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(duration) => {}
            () = notified => {}
        }
    }
}

/// Watches a run: progress, never content.
pub trait Watch: Send + Sync {
    /// A trial was observed and is on disk (or held until its endpoint answers anything).
    fn observed(&self, _observation: &Observation) {}
    /// An answer was judged by all its judges.
    fn judged(&self) {}
    /// An exchange is tried again, and why.
    fn retried(&self, _why: &crate::observe::Failure, _wait: std::time::Duration) {}
    /// A request was answered or failed; tokens read and written, as far as the other side told.
    fn used(&self, _tokens_in: u64, _tokens_out: u64) {}
}

/// Watches nothing.
pub struct Unwatched;
impl Watch for Unwatched {}

/// What comes from outside the core.
#[derive(Clone)]
pub struct Env {
    /// Uniform in [0, 1): spreads retries.
    pub jitter: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// Writer identity, clock, program.
    pub opening: Opening,
    /// Answers of earlier runs, if the user opted in.
    pub cache: Option<Arc<AnswerCache>>,
}

/// What a run did.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Trials observed now.
    pub observed: u64,
    /// Of them, failed.
    pub failed: u64,
    /// Answers judged now.
    pub judged: u64,
    /// Answers taken from the cache.
    pub cached: u64,
    /// Why it ended.
    pub stop: Stop,
}

/// What all tasks of a run share.
struct Shared {
    plan: Arc<Plan>,
    parties: Parties,
    engines: HashMap<EngineId, Arc<Engine>>,
    writer: Writer,
    stop: Stopper,
    env: Env,
    watch: Arc<dyn Watch>,
    steps: HashMap<Scope, Vec<StepRow>>,
    /// Whether new answers are judged as they come.
    judges: bool,
    /// For judging recorded answers and replaying steps; SQLite connections are not shared.
    journal: Mutex<Journal>,
    ledger: Option<Ledger>,
    /// Whether something due was left undone.
    left: AtomicBool,
    broken: OnceLock<Arc<str>>,
    failure: Mutex<Option<crate::Error>>,
    observed: AtomicU64,
    failed: AtomicU64,
    judged: AtomicU64,
    cached: AtomicU64,
}

impl Shared {
    /// Ends the run with an error: the first one counts.
    fn fail(&self, error: crate::Error) {
        let mut failure = self.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        failure.get_or_insert(error);
        self.stop.stop();
    }
}

/// Does what is due. Returns when nothing is left, when stopped, or when an endpoint fails everything.
pub async fn run(
    plan: Arc<Plan>,
    journal: Journal,
    parties: Parties,
    due: Due,
    env: Env,
    stop: Stopper,
    watch: Arc<dyn Watch>,
) -> Result<Tally> {
    let writer = journal.writer(env.opening.clone())?;
    let steps = open_steps(&journal, &due)?;
    let ledger = if due.judgings.is_empty() { None } else { Some(Ledger::fold(&plan, &journal)?) };
    let engines = engines(&plan, &parties);
    let shared = Arc::new(Shared {
        plan,
        parties,
        engines,
        writer,
        stop,
        env,
        watch,
        steps,
        judges: due.judge,
        journal: Mutex::new(journal),
        ledger,
        left: AtomicBool::new(false),
        broken: OnceLock::new(),
        failure: Mutex::new(None),
        observed: AtomicU64::new(0),
        failed: AtomicU64::new(0),
        judged: AtomicU64::new(0),
        cached: AtomicU64::new(0),
    });
    drive::drive(&shared, due).await;
    finish(&shared).await
}

async fn finish(shared: &Arc<Shared>) -> Result<Tally> {
    let failure = shared.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    if let Some(error) = failure {
        return Err(error);
    }
    let stop = match shared.broken.get() {
        Some(words) => Stop::Broken(words.clone()),
        None => {
            for engine in shared.engines.values() {
                let held = engine.release();
                shared.writer.append(held).await?;
            }
            // An interrupt while the last answers came in has interrupted nothing.
            if shared.left.load(Ordering::Relaxed) { Stop::Interrupted } else { Stop::Done }
        }
    };
    shared.writer.append(vec![Event::Closed(stop.clone())]).await?;
    Ok(Tally {
        observed: shared.observed.load(Ordering::Relaxed),
        failed: shared.failed.load(Ordering::Relaxed),
        judged: shared.judged.load(Ordering::Relaxed),
        cached: shared.cached.load(Ordering::Relaxed),
        stop,
    })
}

/// Steps of trials and judgments that are not finished, in order.
fn open_steps(journal: &Journal, due: &Due) -> Result<HashMap<Scope, Vec<StepRow>>> {
    let trials: std::collections::HashSet<(Trial, u16)> = due.trials.iter().copied().collect();
    let mut steps: HashMap<Scope, Vec<StepRow>> = HashMap::new();
    journal.steps(|row| {
        let open = match row.scope {
            Scope::Trial(trial, attempt) => trials.contains(&(trial, attempt)),
            Scope::Judging(..) => !due.judgings.is_empty(),
        };
        if open {
            steps.entry(row.scope).or_default().push(row);
        }
        Ok(())
    })?;
    for list in steps.values_mut() {
        list.sort_by_key(|s| s.n);
        list.dedup_by_key(|s| s.n);
    }
    Ok(steps)
}

fn engines(plan: &Plan, parties: &Parties) -> HashMap<EngineId, Arc<Engine>> {
    let mut engines = HashMap::new();
    let mut variants: HashMap<EngineId, u32> = HashMap::new();
    for subject in parties.subjects.values() {
        *variants.entry(subject.engine()).or_default() += 1;
    }
    let models = parties.models.values().chain(parties.attackers.values());
    for responder in parties.subjects.values().chain(models) {
        let limit = plan.limits.in_flight;
        // An engine in this process shares work among the subjects that it answers for: there the limit counts groups.
        let most = match responder.can().most_in_flight {
            Some(most) => {
                limit.saturating_mul(variants.get(&responder.engine()).copied().unwrap_or(1)).min(most)
            }
            None => limit,
        }
        .max(1);
        engines
            .entry(responder.engine())
            .or_insert_with(|| Arc::new(Engine::new(most as usize, &plan.limits)));
    }
    engines
}
