//! The answers of another run, to be judged in a plan of their own.
//!
//! Each item of that run that was answered is an item here, by the same name, with what was asked, its tags and its expected
//! answer; its answers are recorded ones, each with its [`Origin`](super::Origin). So a metric or a guard can look at answers
//! again without an amendment of their run, and be joined with what its own judges said.
//!
//! Not here: what those judges said.

use super::{Prompt, RecordedEnd, Role, Task, Turn};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::id::{ItemIx, Trial};
use crate::journal::{Journal, Outcome};
use crate::ledger::Ledger;
use crate::observe::{Answer, Finish};
use crate::plan::Plan;
use crate::registry::{DraftAnswer, DraftItem, Inputs, Reader};
use std::sync::Arc;

/// Keys: `path`, a run's folder or journal.
pub(super) struct Runs;

impl Reader for Runs {
    fn read(&self, fields: &mut Fields, inputs: &dyn Inputs) -> Result<Vec<DraftItem>> {
        let place = fields.place().to_owned();
        let path = fields.need_text("path")?;
        let journal = inputs.run(&path).map_err(|e| e.at(&place))?;
        let plan = journal.plan()?;
        let ledger = Ledger::fold(&plan, &journal)?;
        let mut items: Vec<(ItemIx, DraftItem)> = Vec::new();
        for trial in plan.trials() {
            let Some(answer) = answer(&journal, &plan, &ledger, trial)? else { continue };
            let item = plan.item(trial.item);
            if !item.shareable {
                return Err(Error::plan(format!("{place}: {path}: {} is not to leave its run", item.id))
                    .help("its source has shareable = false"));
            }
            match items.last_mut() {
                Some((at, known)) if *at == trial.item => known.recorded.push(answer),
                _ => items.push((
                    trial.item,
                    DraftItem {
                        id: item.id.as_str().to_owned(),
                        tags: item.tags.clone(),
                        task: Task::Recorded(asked(&item.task)),
                        target: item.target.clone(),
                        recorded: vec![answer],
                        origin: None,
                    },
                )),
            }
        }
        if items.is_empty() {
            return Err(Error::plan(format!("{place}: {path} has no answer that is a text")));
        }
        Ok(items.into_iter().map(|(_, item)| item).collect())
    }
}

/// What a recording says was asked: of a conversation, the user's turns.
fn asked(task: &Task) -> Prompt {
    match task {
        Task::Ask(prompt) | Task::Recorded(prompt) => prompt.clone(),
        Task::Ladder(turns) => {
            Prompt::Chat(turns.iter().map(|text| Turn { role: Role::User, text: text.clone() }).collect())
        }
        Task::Goal(text) | Task::Shown(text) => Prompt::user(text.clone()),
    }
}

/// The answer of a trial, if it has one that is a text.
fn answer(journal: &Journal, plan: &Plan, ledger: &Ledger, trial: Trial) -> Result<Option<DraftAnswer>> {
    let Some(state) = ledger.state(trial) else { return Ok(None) };
    let Outcome::Answered(_, finish) = state.outcome else { return Ok(None) };
    let row = state.row(trial);
    let Some(Answer::Text(text)) = journal.answer(&row)? else { return Ok(None) };
    let subject = plan.subject(trial.subject);
    Ok(Some(DraftAnswer {
        subject: subject.id.as_str().to_owned(),
        text: Arc::clone(&text),
        end: if finish == Finish::Length { RecordedEnd::Cut } else { RecordedEnd::Whole },
        labels: super::Levels::new(),
        factors: subject.factors.clone(),
        origin: journal.origin(plan, &row)?,
    }))
}
