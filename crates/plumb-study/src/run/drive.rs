//! The windows: one queue an engine, each a sliding window of tasks.

use super::judging::{judge_now, judge_recorded};
use super::{Ctx, Due, Party, Shared};
use crate::converse::escalate::{self as converse, Scene};
use crate::event::{Event, Scope};
use crate::id::{EngineId, Trial};
use crate::items::Task;
use crate::ledger::is_about_the_item;
use crate::observe::{Failure, Observation};
use crate::party::{Outcome, Reply};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

/// Trials begun for each exchange that may be in flight: the next one is ready when a place is free, and an
/// endpoint that fails everything is not asked much more than the breaker needs to see it.
const BEGUN: usize = 2;

/// Tasks beyond these, whose answer is there and waits for the disk: enough of them that a commit of some tens
/// of milliseconds leaves no gap even where answers come at once.
const WRITING: usize = 1024;

#[derive(Clone, Copy)]
enum Work {
    Ask(Trial, u16),
    Judge(Trial),
}

/// Goes through everything that is due.
pub(super) async fn drive(shared: &Arc<Shared>, due: Due) {
    let mut queues: BTreeMap<EngineId, Vec<Work>> = BTreeMap::new();
    for (trial, attempt) in due.trials {
        let engine = shared.parties.subjects.get(&trial.subject).map(|s| s.engine());
        if let Some(engine) = engine {
            queues.entry(engine).or_default().push(Work::Ask(trial, attempt));
        }
    }
    let judgings = due.judgings.into_iter().map(Work::Judge).collect();
    let mut windows = JoinSet::new();
    for (engine, queue) in queues {
        let most = shared.engines.get(&engine).map_or(1, |e| e.most());
        windows.spawn(window(shared.clone(), queue, most * BEGUN));
    }
    let most = shared.plan.limits.in_flight as usize;
    windows.spawn(window(shared.clone(), judgings, most * BEGUN));
    while let Some(ended) = windows.join_next().await {
        if let Err(panic) = ended {
            shared.fail(crate::Error::journal(format!("a defect of the runner: {panic}")));
        }
    }
}

async fn window(shared: Arc<Shared>, queue: Vec<Work>, begun: usize) {
    let asking = Arc::new(Semaphore::new(begun));
    let mut tasks = JoinSet::new();
    for work in queue {
        while tasks.len() >= begun + WRITING {
            settle(&shared, tasks.join_next().await);
        }
        let place = asking.clone().acquire_owned().await.ok();
        if shared.stop.stopped() {
            shared.left.store(true, Ordering::Relaxed);
            break;
        }
        let shared = shared.clone();
        tasks.spawn(async move {
            match work {
                Work::Ask(trial, attempt) => ask(shared, trial, attempt, place).await,
                Work::Judge(trial) => {
                    drop(place);
                    judge_recorded(shared, trial).await
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        settle(&shared, Some(ended));
    }
}

fn settle(shared: &Shared, ended: Option<Result<crate::Result<()>, tokio::task::JoinError>>) {
    match ended {
        Some(Ok(Err(error))) => shared.fail(error),
        Some(Err(panic)) => shared.fail(crate::Error::journal(format!("a defect in a task: {panic}"))),
        Some(Ok(Ok(()))) | None => {}
    }
}

/// One trial: ask, judge by whoever needs nobody, append all of it at once, then the other judges.
/// `place` is free again when the answer is there.
async fn ask(
    shared: Arc<Shared>,
    trial: Trial,
    attempt: u16,
    place: Option<OwnedSemaphorePermit>,
) -> crate::Result<()> {
    let plan = shared.plan.clone();
    let item = plan.item(trial.item);
    let several = matches!(item.task, Task::Ladder(_) | Task::Goal(_));
    let seed = plan.trial_seed(trial);
    let cx = Ctx::new(shared.clone(), Scope::Trial(trial, attempt), trial, seed, several);
    let observation = elicit(&shared, &cx, trial, &item.task).await;
    drop(place);
    if cx.halted() {
        return Ok(());
    }
    let (spent, served) = cx.spent();
    let event = Event::Observed { trial, attempt, observation: observation.clone(), spent, served };
    shared.observed.fetch_add(1, Ordering::Relaxed);
    if let Observation::Failed(failure) = &observation {
        shared.failed.fetch_add(1, Ordering::Relaxed);
        let engine =
            shared.parties.subjects.get(&trial.subject).and_then(|s| shared.engines.get(&s.engine()));
        match engine {
            Some(engine) if !is_about_the_item(failure.kind) => engine.hold(vec![event]),
            _ => drop(shared.writer.append(vec![event]).await?),
        }
        shared.watch.observed(&observation);
        return Ok(());
    }
    let watch = shared.watch.clone();
    judge_now(shared, trial, event, &observation).await?;
    watch.observed(&observation);
    Ok(())
}

/// What a task yields.
async fn elicit(shared: &Shared, cx: &Ctx, trial: Trial, task: &Task) -> Observation {
    match task {
        Task::Ask(prompt) | Task::Recorded(prompt) => {
            observe(cx.ask(Party::Subject(trial.subject), prompt.clone()).await)
        }
        // No trial has such an item: its subjects come while a study is collected.
        Task::Shown(_) => Observation::Failed(Failure::last(
            crate::FailureKind::Unsupported,
            "people are not asked by the runner",
        )),
        Task::Ladder(_) | Task::Goal(_) => {
            let scene = Scene { plan: &shared.plan, trial, judges: &shared.parties.judges };
            converse::elicit(&scene, cx, &mut Vec::new()).await
        }
    }
}

fn observe(reply: Result<Reply, Failure>) -> Observation {
    match reply.map(|r| r.outcome) {
        Ok(Outcome::Answered { answer, reasoning, finish }) => {
            Observation::Answered { answer, reasoning, finish }
        }
        Ok(Outcome::Withheld(why)) => Observation::Withheld(why),
        Err(failure) => Observation::Failed(failure),
    }
}
