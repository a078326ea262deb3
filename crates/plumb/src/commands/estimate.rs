//! What a run may take, before it is run: an upper bound of the cost, and a time that says what it rests on.

use crate::runs::RunFolder;
use plumb_clients::price::Prices;
use plumb_clients::wire::Usage;
use plumb_study::items::{Prompt, Task};
use plumb_study::plan::PartySpec;
use plumb_study::{Journal, Plan, SubjectIx};
use std::collections::HashMap;

/// For one subject.
pub struct SubjectEstimate {
    pub trials: u64,
    /// Tokens to read, from the characters of the prompts (four a token).
    pub tokens_in: u64,
    /// Most tokens to write, if the plan limits them.
    pub tokens_out: Option<u64>,
    /// At most this, in nano-dollars, if the price is known.
    pub cost_nano: Option<u64>,
    /// Mean seconds of an exchange, if exchanges of this very run were measured.
    pub seconds_an_exchange: Option<f64>,
    /// Whether anybody is asked, as opposed to recorded answers.
    pub asked: bool,
    /// What it shares places with.
    pub engine: String,
    /// Exchanges at once.
    pub in_flight: u32,
}

/// Estimates by subject, in plan order.
pub fn estimate(plan: &Plan, run: &RunFolder, prices: &Prices) -> Vec<SubjectEstimate> {
    let measured = measured(plan, run);
    let mut all: Vec<SubjectEstimate> = plan
        .subjects
        .iter()
        .map(|subject| SubjectEstimate {
            trials: 0,
            tokens_in: 0,
            tokens_out: Some(0),
            cost_nano: None,
            seconds_an_exchange: None,
            asked: &*subject.party.kind != plumb_study::scripted::RECORDED,
            engine: subject.party.engine.0.to_string(),
            in_flight: subject.party.can.most_in_flight.unwrap_or(u32::MAX).min(plan.limits.in_flight).max(1),
        })
        .collect();
    for trial in plan.trials() {
        let at = usize::from(trial.subject.0);
        let item = plan.item(trial.item);
        let party = &plan.subject(trial.subject).party;
        let one = &mut all[at];
        one.trials += 1;
        one.tokens_in += characters(&item.task, party).div_ceil(4);
        let most = party.sampling.overridden_by(&plan.source(item.source).sampling).max_tokens;
        one.tokens_out = one.tokens_out.zip(most).map(|(sum, most)| sum + u64::from(most));
    }
    for (at, one) in all.iter_mut().enumerate() {
        let spec = &plan.subjects[at].party;
        let price = spec.settings["model"].as_str().and_then(|model| prices.of(model));
        let usage = Usage { input: Some(one.tokens_in), output: one.tokens_out, ..Usage::default() };
        one.cost_nano = price.and_then(|p| p.cost(&usage));
        one.seconds_an_exchange = measured.get(&SubjectIx(at as u16)).copied();
    }
    all
}

/// Mean seconds of an exchange, by subject, in the run that is there.
fn measured(plan: &Plan, run: &RunFolder) -> HashMap<SubjectIx, f64> {
    let mut sums: HashMap<SubjectIx, (u64, u64)> = HashMap::new();
    if let Ok(journal) = Journal::open(&run.journal)
        && journal.root_plan().is_ok_and(|root| root.subjects == plan.subjects)
    {
        let _unreadable_is_unmeasured = journal.observed(|row| {
            let sum = sums.entry(row.trial.subject).or_default();
            sum.0 += row.spent.elapsed_us;
            sum.1 += 1;
            Ok(())
        });
    }
    sums.into_iter().map(|(subject, (us, n))| (subject, us as f64 / 1e6 / n.max(1) as f64)).collect()
}

fn characters(task: &Task, party: &PartySpec) -> u64 {
    let system = party.system.as_ref().map_or(0, |s| s.chars().count());
    let prompt = match task {
        Task::Recorded(_) | Task::Shown(_) => return 0,
        Task::Ladder(turns) => turns.iter().map(|t| t.chars().count()).sum(),
        Task::Goal(goal) => goal.chars().count(),
        Task::Ask(Prompt::Chat(turns)) => turns.iter().map(|t| t.text.chars().count()).sum(),
        Task::Ask(Prompt::Completion(text)) => text.chars().count(),
        Task::Ask(Prompt::Choose { context, options }) => {
            options.iter().map(|o| o.chars().count() + context.chars().count()).sum()
        }
    };
    (system + prompt) as u64
}
