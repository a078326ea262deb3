//! Events: what is appended to a journal, and never rewritten.

use crate::format::Canonical;
use crate::id::{Digest, EventId, JudgeIx, Trial};
use crate::observe::{Observation, Spent, Verdicts};
use crate::party::Reply;
use crate::people::{Collecting, PersonEvent};
use crate::plan::Plan;
use std::sync::Arc;

/// What a step belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Scope {
    /// An attempt at a trial.
    Trial(Trial, u16),
    /// An attempt of a judge at an observation.
    Judging(EventId, JudgeIx, u16),
}

/// Why a session of collecting ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stop {
    /// Nothing was left to do.
    Done,
    /// The user interrupted.
    Interrupted,
    /// An endpoint failed everything, in whose words.
    Broken(Arc<str>),
}

/// One event.
#[derive(Clone, Debug)]
pub enum Event {
    /// The first event: the plan.
    Frozen {
        /// Its bytes.
        plan: Canonical,
        /// Whether a lock file with this hash was there before the first trial.
        locked: bool,
    },
    /// The plan with something appended.
    Amended {
        /// The amended plan's bytes.
        plan: Canonical,
        /// The plan before.
        parent: Digest,
        /// Why.
        reason: Arc<str>,
    },
    /// One exchange of a trial or judgment that has several.
    Step {
        /// What it belongs to.
        scope: Scope,
        /// Position, from 0.
        n: u16,
        /// Digest of what was asked.
        ask: Digest,
        /// What came back.
        reply: Result<Reply, crate::observe::Failure>,
        /// What it cost.
        spent: Spent,
    },
    /// A trial's outcome.
    Observed {
        /// The trial.
        trial: Trial,
        /// Attempt, from 1.
        attempt: u16,
        /// What it yielded.
        observation: Observation,
        /// What it cost; for a trial with steps, only what the steps do not hold.
        spent: Spent,
        /// The model that the endpoint says it served.
        served: Option<Arc<str>>,
    },
    /// A judge's act.
    Judged {
        /// The observation judged.
        of: JudgedOf,
        /// The trial it belongs to.
        trial: Trial,
        /// Who judged.
        judge: JudgeIx,
        /// Attempt, from 1.
        attempt: u16,
        /// What it said.
        verdicts: Verdicts,
        /// What it cost.
        spent: Spent,
    },
    /// Something that happened to a person.
    Person(PersonEvent),
    /// Something that concerns a whole study with people.
    Collecting(Collecting),
    /// The end of a session of collecting.
    Closed(Stop),
}

impl Event {
    /// That the plan `before` became `amended`, and why. [`Plan::amend`] and
    /// [`crate::freeze_judges`] make amended plans.
    pub fn amended(before: &Plan, amended: &Plan, reason: impl Into<Arc<str>>) -> Event {
        Event::Amended {
            plan: crate::format::canonical(amended),
            parent: before.digest,
            reason: reason.into(),
        }
    }
}

/// Which observation a judgment is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JudgedOf {
    /// One that is in the journal.
    Event(EventId),
    /// The event at this position of the same batch.
    Batch(usize),
}
