//! What whoever looks after a study asks for while it runs. A server does it, or a command where no server runs: the same
//! code, so that both write the same events.

use plumb_study::people::Collecting;
use plumb_study::{Event, Plan};
use serde::{Deserialize, Serialize};

use super::freeze::{section_text, thaw_amended};
use super::platform::Status;
use super::state::Collection;
use crate::error::{Error, Result};

/// One act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what", deny_unknown_fields)]
pub enum Request {
    /// Outcomes are about to be looked at.
    Looked {
        /// What will be computed.
        analysis: String,
        /// How many people had ended.
        people: u32,
        /// Who looks, as far as is known.
        who: String,
        /// Whether the study's own rule of stopping is met.
        after_stopping: bool,
        /// How many people had completed.
        completed: u32,
    },
    /// A person is to be left out although no rule of the plan names the person.
    Exclude {
        /// The number, from 1.
        person: u32,
        /// Why.
        because: String,
        /// Who decides it, as far as is known.
        who: String,
    },
    /// The plan is to be changed ([`super::may_amend`] has been asked).
    Amend {
        /// The changed study ([`Request::amend`]).
        study: String,
        /// Why.
        because: String,
    },
    /// What a platform says of the submission of whoever has this identifier.
    Platform {
        /// The identifier.
        id: String,
        /// What it says.
        status: Status,
    },
    /// Everything about the person with this number, from 1, is to be deleted.
    Erase {
        /// The number.
        person: u32,
    },
    /// Who the person with this number is, is to be deleted.
    Forget {
        /// The number.
        person: u32,
    },
}

impl Request {
    /// A change to this plan.
    pub fn amend(plan: &Plan, because: &str) -> Request {
        Request::Amend { study: section_text(plan), because: because.to_owned() }
    }

    /// Does it: what is to be recorded, in one piece. `mark` gives what an identifier leaves when it is deleted.
    ///
    /// # Errors
    /// There is no such person.
    pub fn apply(&self, people: &mut Collection, mark: impl Fn(&str) -> String) -> Result<Vec<Event>> {
        let who = |people: &Collection, number: u32| {
            people.numbered(number).ok_or_else(|| Error::new(format!("there is no person {number}")))
        };
        let person = |events: Vec<_>| events.into_iter().map(Event::Person).collect();
        Ok(match self {
            Request::Looked { analysis, people, who, after_stopping, completed } => {
                vec![Event::Collecting(Collecting::Looked {
                    analysis: analysis.as_str().into(),
                    people: *people,
                    who: who.as_str().into(),
                    after_stopping: *after_stopping,
                    completed: Some(*completed),
                })]
            }
            Request::Exclude { person: number, because, who: decided } => {
                vec![Event::Collecting(Collecting::Excluded {
                    person: who(people, *number)?,
                    because: because.as_str().into(),
                    who: decided.as_str().into(),
                })]
            }
            Request::Amend { study: text, because } => {
                let (study, plan) = thaw_amended(text)?;
                let event = Collecting::Amended {
                    study: text.as_str().into(),
                    digest: plan.digest.hex().into(),
                    because: because.as_str().into(),
                    people: people.arrived() as u32,
                };
                people.amend(study)?;
                vec![Event::Collecting(event)]
            }
            Request::Platform { id, status } => {
                let who = people.by_id(id);
                let who = who.ok_or_else(|| Error::new(format!("nobody came with the identifier {id}")))?;
                person(people.platform(who, *status))
            }
            Request::Erase { person: number } => {
                let who = who(people, *number)?;
                person(people.erase(who, mark))
            }
            Request::Forget { person: number } => {
                let who = who(people, *number)?;
                person(people.forget(who, mark))
            }
        })
    }
}
