//! `plumb human exclude RUN WHO --because TEXT`: leaves a person out whom no rule of the plan names. It never touches what was
//! planned: the analysis stands as planned, and once more without the person, as a deviation.

use std::collections::BTreeMap;

use plumb_human::collect::Request;
use plumb_study::Journal;
use plumb_study::people::Collecting;

use super::desk::{Desk, act};
use super::person::find;
use crate::cli::HumanExclude;
use crate::compose::variable;
use crate::exit::{Exit, Problem, say};
use crate::runs::RunFolder;

pub fn exclude(args: &HumanExclude) -> Result<Exit, Problem> {
    let at = RunFolder::named(&args.run);
    let desk = Desk::open(&at)?;
    let who = variable("USER").unwrap_or_else(|| "unknown".to_owned());
    let because = args.because.trim();
    if because.is_empty() {
        return Err(Problem::usage("an exclusion needs its reason: --because TEXT"));
    }
    let list: Result<Vec<_>, Problem> = args.who.iter().map(|who| find(&desk, who)).collect();
    let requests: Vec<Request> = list?
        .into_iter()
        .map(|person| Request::Exclude {
            person: person.0 + 1,
            because: because.to_owned(),
            who: who.clone(),
        })
        .collect();
    act(&at, &requests)?;
    say(format_args!(
        "left out: {}. The analysis has them as planned, and stands beside it without them, as a deviation",
        requests.len()
    ));
    Ok(Exit::Done)
}

/// Who is left out undeclared, and why, by number in exports.
pub fn left_out(journal: &Journal) -> Result<BTreeMap<u32, String>, Problem> {
    let events = journal.collecting()?.into_iter();
    Ok(events
        .filter_map(|(_, event)| match event {
            Collecting::Excluded { person, because, .. } => Some((person.0 + 1, because.to_string())),
            _ => None,
        })
        .collect())
}
