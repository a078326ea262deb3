//! `plumb plan STUDY --amend --because TEXT`: a study changed while people come, and which plan is in force.

use plumb_human::Study;
use plumb_human::collect::{Request, may_amend, thaw, thaw_amended};
use plumb_study::people::Collecting;
use plumb_study::{EventId, Journal, Plan};

use super::desk::act;
use super::wrong;
use crate::cli::Plan as Args;
use crate::exit::{Exit, Problem, say};
use crate::runs::RunFolder;

/// One amendment of a journal.
pub struct Amendment {
    pub id: EventId,
    pub at_us: i64,
    pub study: Study,
    pub plan: Plan,
    pub because: String,
    /// How many people had come by then.
    pub people: u32,
}

/// The amendments of a study's journal, in order.
pub fn amendments(journal: &Journal) -> Result<Vec<Amendment>, Problem> {
    let mut all = Vec::new();
    for row in journal.collecting_rows()? {
        if let Collecting::Amended { study, because, people, .. } = row.event {
            let (study, plan) = thaw_amended(&study).map_err(wrong)?;
            let because = because.to_string();
            all.push(Amendment { id: row.id, at_us: row.at_us, study, plan, because, people });
        }
    }
    Ok(all)
}

/// The plan in force: the last amendment's, or the first.
pub fn in_force(journal: &Journal) -> Result<Plan, Problem> {
    match amendments(journal)?.pop() {
        Some(last) => Ok(last.plan),
        None => Ok(journal.root_plan()?),
    }
}

/// Whether a run is there whose plan was amended to this one.
pub fn is_amended(at: &RunFolder, plan: &Plan) -> Result<bool, Problem> {
    if !at.journal.exists() {
        return Ok(false);
    }
    let last = amendments(&at.open()?)?.pop();
    Ok(last.is_some_and(|last| last.plan.digest == plan.digest))
}

pub fn amend(args: &Args, plan: &Plan) -> Result<Exit, Problem> {
    let because = args.because.as_deref().unwrap_or_default().trim();
    if because.is_empty() {
        return Err(Problem::usage("an amendment needs its reason: --because TEXT"));
    }
    let at = RunFolder::of_plan(&args.runs, &plan.name);
    if !at.journal.exists() {
        return Err(Problem::usage(format!(
            "nobody has come yet: there is no run {}, so nothing is to be amended",
            at.folder.display()
        ))
        .help("change the file, delete its lock if it has one, and freeze it again"));
    }
    let journal = at.open()?;
    let before = in_force(&journal)?;
    may_amend(&before, plan).map_err(wrong)?;
    drop(journal);
    act(&at, &[Request::amend(plan, because)])?;
    say(format_args!("amended: {}", at.folder.display()));
    for change in before.diff(plan) {
        say(format_args!("  {change}"));
    }
    let in_shares = |plan| thaw(plan).map(|study| study.deals_in_shares()).map_err(wrong);
    if in_shares(plan)? && !in_shares(&before)? {
        say(
            "people who come from now on are dealt in proportion to what is open now, so that all conditions fill at the same time",
        );
    }
    say("what is changed counts as exploratory; what was frozen keeps its meaning");
    Ok(Exit::Done)
}
