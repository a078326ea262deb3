//! The exchanges of attempts that a journal holds, for reports: the strategy runs once more over the recorded
//! replies, and nobody is asked.

use super::Exchange;
use super::escalate::{Judges, Scene, elicit};
use crate::error::Result;
use crate::event::Scope;
use crate::id::Trial;
use crate::items::Task;
use crate::journal::{Journal, StepRow};
use crate::ledger::Ledger;
use crate::plan::Plan;
use crate::registry::Registry;
use crate::run::Ctx;
use futures_util::FutureExt as _;
use std::collections::{HashMap, HashSet};

/// The exchanges of each of `trials` that is a conversation and was observed.
pub(crate) fn exchanges(
    plan: &Plan,
    journal: &Journal,
    ledger: &Ledger,
    registry: &Registry,
    trials: impl Iterator<Item = Trial>,
) -> Result<HashMap<Trial, Vec<Exchange>>> {
    let attempts: HashSet<(Trial, u16)> = trials
        .filter(|t| matches!(plan.item(t.item).task, Task::Ladder(_) | Task::Goal(_)))
        .filter_map(|t| Some((t, ledger.state(t)?.attempt)))
        .collect();
    if attempts.is_empty() {
        return Ok(HashMap::new());
    }
    let mut steps: HashMap<(Trial, u16), Vec<StepRow>> = HashMap::new();
    journal.steps(|row| {
        if let Scope::Trial(trial, attempt) = row.scope
            && attempts.contains(&(trial, attempt))
        {
            steps.entry((trial, attempt)).or_default().push(row);
        }
        Ok(())
    })?;
    let mut judges = Judges::new();
    for judge in plan.sources.iter().filter_map(|s| s.strategy.as_ref()).flat_map(|s| s.judges()) {
        let spec = plan.judge(judge);
        judges.insert(judge, registry.find_judge(&spec.kind)?.open(spec)?);
    }
    let mut told = HashMap::new();
    for (trial, attempt) in attempts {
        let mut rows = steps.remove(&(trial, attempt)).unwrap_or_default();
        rows.sort_by_key(|r| r.n);
        rows.dedup_by_key(|r| r.n);
        let replies = rows.iter().map(|r| journal.reply(r)).collect::<Result<Vec<_>>>()?;
        let cx = Ctx::retelling(trial, attempt, plan.trial_seed(trial), replies);
        let mut exchanges = Vec::new();
        // Every reply is there or its lack is: nothing has to be waited for.
        let scene = Scene { plan, trial, judges: &judges };
        let _ = elicit(&scene, &cx, &mut exchanges).now_or_never();
        told.insert(trial, exchanges);
    }
    Ok(told)
}
