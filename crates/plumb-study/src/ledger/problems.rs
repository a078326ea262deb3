//! What an audit can find.

use crate::id::{EventId, JudgeIx, Trial};
use crate::plan::Plan;

/// Something that does not add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discrepancy {
    /// An observation of a trial that the plan does not have.
    UnplannedTrial {
        /// The event.
        id: EventId,
        /// Its trial.
        trial: Trial,
    },
    /// A judgment by a judge, or of a trial, that the plan does not have.
    UnplannedJudgment {
        /// The event.
        id: EventId,
        /// Its trial.
        trial: Trial,
        /// Its judge.
        judge: JudgeIx,
    },
    /// A judgment of a trial that has no observation.
    JudgedUnobserved {
        /// The event.
        id: EventId,
        /// Its trial.
        trial: Trial,
        /// Its judge.
        judge: JudgeIx,
    },
    /// Two judgments of one attempt of one judge.
    JudgedTwice {
        /// The second event.
        id: EventId,
        /// Its trial.
        trial: Trial,
        /// Its judge.
        judge: JudgeIx,
    },
    /// Two observations of one attempt.
    ObservedTwice {
        /// The trial.
        trial: Trial,
        /// The attempt.
        attempt: u16,
    },
    /// An attempt after one that had not failed.
    AskedAgain {
        /// The trial.
        trial: Trial,
        /// The attempt.
        attempt: u16,
    },
    /// An attempt out of order, or beyond the plan's limit.
    WrongAttempt {
        /// The trial.
        trial: Trial,
        /// The attempt.
        attempt: u16,
    },
}

impl Discrepancy {
    /// For people.
    pub fn describe(&self, plan: &Plan) -> String {
        let name = |t: &Trial| {
            let item = plan.items.get(t.item.0 as usize).map_or("?", |i| i.id.as_str());
            let subject = plan.subjects.get(t.subject.0 as usize).map_or("?", |s| s.id.as_str());
            format!("item {item}, subject {subject}, repetition {}", t.rep + 1)
        };
        let judge_name =
            |j: &JudgeIx| plan.judges.get(j.0 as usize).map_or("?", |j| j.name.as_str()).to_owned();
        match self {
            Discrepancy::UnplannedTrial { trial, .. } => {
                format!("{}: observed, but not in the plan", name(trial))
            }
            Discrepancy::UnplannedJudgment { trial, judge, .. } => {
                format!("{}: judged by {}, which is not in the plan", name(trial), judge_name(judge))
            }
            Discrepancy::JudgedUnobserved { trial, judge, .. } => {
                format!("{}: judged by {}, but never observed", name(trial), judge_name(judge))
            }
            Discrepancy::JudgedTwice { trial, judge, .. } => {
                format!("{}: judged twice by {}", name(trial), judge_name(judge))
            }
            Discrepancy::ObservedTwice { trial, attempt } => {
                format!("{}: attempt {attempt} was observed twice", name(trial))
            }
            Discrepancy::AskedAgain { trial, attempt } => {
                format!("{}: attempt {attempt} was made though the one before had not failed", name(trial))
            }
            Discrepancy::WrongAttempt { trial, attempt } => {
                format!("{}: attempt {attempt} is out of order or beyond the plan's limit", name(trial))
            }
        }
    }
}
