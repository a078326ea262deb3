//! The ledger: what the events of a journal mean together.
//!
//! A fold that does not depend on the order in which things finished: of several observations of a trial
//! the highest attempt counts, then the lowest event identity; a verdict counts only for the observation
//! that counts. Start at [`Ledger::fold`]. It keeps no texts, only their numbers in the journal.

use crate::error::Result;
use crate::event::Scope;
use crate::id::{EventId, JudgeIx, MeasureRef, Trial};
use crate::journal::{Journal, JudgedRow, ObservedRow, Outcome, StoredVerdict};
use crate::method::{Cell, Missing, Reply};
use crate::observe::{FailureKind, Finish, Spent};
use crate::plan::{PartySpec, Plan};
use std::collections::HashMap;

mod frame;
mod index;
mod problems;

pub use frame::NO_LEVEL;
pub use frame::Rows;
pub(crate) use frame::{level, matches};
pub use index::TrialIndex;
pub use problems::Discrepancy;

/// What is known of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The observation that counts.
    pub id: EventId,
    /// Its attempt.
    pub attempt: u16,
    /// What kind of outcome.
    pub outcome: Outcome,
    reason: u32,
    answer: u32,
    reasoning: u32,
    served: u32,
}

/// Number of a body or string; 0 stands for none, which SQLite never numbers.
fn number(id: Option<i64>) -> u32 {
    id.map_or(0, |id| u32::try_from(id).unwrap_or(u32::MAX))
}

fn optional(number: u32) -> Option<i64> {
    (number != 0).then_some(i64::from(number))
}

impl Observed {
    /// Number of a failure's message.
    pub fn reason(&self) -> Option<i64> {
        optional(self.reason)
    }

    /// Number of the answer's body.
    pub fn answer(&self) -> Option<i64> {
        optional(self.answer)
    }

    /// Number of the served model's name.
    pub fn served(&self) -> Option<i64> {
        optional(self.served)
    }

    /// As the row it came from, without its cost.
    pub fn row(&self, trial: Trial) -> ObservedRow {
        ObservedRow {
            id: self.id,
            trial,
            attempt: self.attempt,
            outcome: self.outcome,
            reason: self.reason(),
            answer: self.answer(),
            reasoning: optional(self.reasoning),
            served: self.served(),
            spent: Spent::default(),
        }
    }
}

/// What a judge said of one trial.
#[derive(Clone, Copy, Debug)]
struct Act {
    id: EventId,
    of: EventId,
    attempt: u16,
    note: u32,
}

/// One measure of it.
#[derive(Clone, Copy, Debug)]
struct Said {
    verdict: StoredVerdict,
    reason: u32,
}

/// Acts of one judge, by trial; measures side by side.
struct JudgeColumn {
    acts: Vec<Option<Act>>,
    said: Vec<Vec<Option<Said>>>,
}

/// The state of a run.
pub struct Ledger {
    index: TrialIndex,
    observed: Vec<Option<Observed>>,
    judges: Vec<JudgeColumn>,
    /// What everything cost: all attempts, all judges, all steps.
    pub total: Spent,
    /// What the judges' part of it was.
    pub judging: Spent,
    problems: Vec<Discrepancy>,
    order: Vec<u32>,
    /// Number of the empty text; 0 if nobody answered with it.
    empty: u32,
}

impl Ledger {
    /// Folds a journal under its plan.
    pub fn fold(plan: &Plan, journal: &Journal) -> Result<Ledger> {
        let index = TrialIndex::new(plan);
        let slots = index.len();
        let mut ledger = Ledger {
            observed: vec![None; slots],
            judges: plan
                .judges
                .iter()
                .map(|j| JudgeColumn {
                    acts: vec![None; slots],
                    said: vec![vec![None; slots]; j.measures.len()],
                })
                .collect(),
            index,
            total: Spent::default(),
            judging: Spent::default(),
            problems: Vec::new(),
            order: journal.writer_order()?,
            empty: number(journal.empty_body()?),
        };
        let mut attempts: HashMap<usize, Vec<(u16, Outcome)>> = HashMap::new();
        journal.observed(|row| {
            ledger.observe(&row, &mut attempts);
            Ok(())
        })?;
        ledger.check_attempts(plan, &attempts);
        journal.judged(|row| {
            ledger.judge(&row);
            Ok(())
        })?;
        journal.steps(|row| {
            ledger.total.add(row.spent);
            if let Scope::Judging(..) = row.scope {
                ledger.judging.add(row.spent);
            }
            Ok(())
        })?;
        Ok(ledger)
    }

    fn observe(&mut self, row: &ObservedRow, attempts: &mut HashMap<usize, Vec<(u16, Outcome)>>) {
        self.total.add(row.spent);
        let Some(slot) = self.index.slot(row.trial) else {
            self.problems.push(Discrepancy::UnplannedTrial { id: row.id, trial: row.trial });
            return;
        };
        let new = Observed {
            id: row.id,
            attempt: row.attempt,
            outcome: row.outcome,
            reason: number(row.reason),
            answer: number(row.answer),
            reasoning: number(row.reasoning),
            served: number(row.served),
        };
        match self.observed[slot] {
            None => {
                if row.attempt != 1 {
                    attempts.entry(slot).or_default().push((row.attempt, row.outcome));
                }
                self.observed[slot] = Some(new);
            }
            Some(old) => {
                let list = attempts.entry(slot).or_default();
                if list.is_empty() {
                    list.push((old.attempt, old.outcome));
                }
                list.push((row.attempt, row.outcome));
                let later = (row.attempt, std::cmp::Reverse(rank(&self.order, row.id)));
                if later > (old.attempt, std::cmp::Reverse(rank(&self.order, old.id))) {
                    self.observed[slot] = Some(new);
                }
            }
        }
    }

    fn judge(&mut self, row: &JudgedRow) {
        self.total.add(row.spent);
        self.judging.add(row.spent);
        let slot = self.index.slot(row.trial);
        let known =
            self.judges.get(row.judge.0 as usize).is_some_and(|j| (row.measure as usize) < j.said.len());
        let (Some(slot), true) = (slot, known) else {
            self.problems.push(Discrepancy::UnplannedJudgment {
                id: row.id,
                trial: row.trial,
                judge: row.judge,
            });
            return;
        };
        let counts = self.observed[slot].map(|o| o.id);
        if counts != Some(row.of) {
            // Judgments of an observation that no longer counts stay in the journal and mean nothing here.
            if counts.is_none() {
                self.problems.push(Discrepancy::JudgedUnobserved {
                    id: row.id,
                    trial: row.trial,
                    judge: row.judge,
                });
            }
            return;
        }
        let rank = rank(&self.order, row.id);
        let column = &mut self.judges[row.judge.0 as usize];
        let act = Act { id: row.id, of: row.of, attempt: row.attempt, note: number(row.note) };
        match column.acts[slot] {
            Some(old) if old.id == row.id => {
                if act.note != 0 {
                    column.acts[slot] = Some(act);
                }
            }
            Some(old) => {
                if old.attempt == row.attempt && row.measure == 0 {
                    self.problems.push(Discrepancy::JudgedTwice {
                        id: row.id,
                        trial: row.trial,
                        judge: row.judge,
                    });
                }
                let later = (row.attempt, std::cmp::Reverse(rank));
                if later <= (old.attempt, std::cmp::Reverse(self::rank(&self.order, old.id))) {
                    return;
                }
                column.acts[slot] = Some(act);
            }
            None => column.acts[slot] = Some(act),
        }
        column.said[row.measure as usize][slot] =
            Some(Said { verdict: row.verdict, reason: number(row.reason) });
    }

    fn check_attempts(&mut self, plan: &Plan, attempts: &HashMap<usize, Vec<(u16, Outcome)>>) {
        let mut slots: Vec<_> = attempts.iter().collect();
        slots.sort_by_key(|(slot, _)| **slot);
        for (slot, list) in slots {
            let mut list = list.clone();
            list.sort_by_key(|(attempt, _)| *attempt);
            let trial = self.index.trial(*slot);
            for (at, (attempt, _)) in list.iter().enumerate() {
                let before = at.checked_sub(1).map(|b| list[b]);
                match before {
                    Some((same, _)) if same == *attempt => {
                        self.problems.push(Discrepancy::ObservedTwice { trial, attempt: *attempt });
                    }
                    Some((_, outcome)) if !matches!(outcome, Outcome::Failed(_)) => {
                        self.problems.push(Discrepancy::AskedAgain { trial, attempt: *attempt });
                    }
                    _ if *attempt as usize != at + 1 || *attempt > plan.limits.attempts => {
                        self.problems.push(Discrepancy::WrongAttempt { trial, attempt: *attempt });
                    }
                    _ => {}
                }
            }
        }
    }

    /// The trials of the plan and their places.
    pub fn index(&self) -> &TrialIndex {
        &self.index
    }

    /// What is known of a trial.
    pub fn state(&self, trial: Trial) -> Option<Observed> {
        self.index.slot(trial).and_then(|slot| self.observed[slot])
    }

    /// The attempt to make at a trial, if one is due: the first, or the next after a failure that may pass.
    pub fn due(&self, plan: &Plan, trial: Trial) -> Option<u16> {
        match self.state(trial) {
            None => Some(1),
            Some(Observed { outcome: Outcome::Failed(kind), attempt, .. })
                if may_pass(kind) && attempt < plan.limits.attempts =>
            {
                Some(attempt + 1)
            }
            Some(_) => None,
        }
    }

    /// The attempt that a judge has to make at a trial, if one is due.
    pub fn due_judgment(&self, plan: &Plan, trial: Trial, judge: JudgeIx) -> Option<u16> {
        let slot = self.index.slot(trial)?;
        let observed = self.observed[slot]?;
        if !matches!(observed.outcome, Outcome::Answered(..)) {
            return None;
        }
        match self.applies(plan, trial, judge) {
            Some(true) => {}
            Some(false) | None => return None,
        }
        if plan.judge(judge).ballot.is_some() {
            return None;
        }
        let column = &self.judges[judge.0 as usize];
        match column.acts[slot] {
            None => Some(1),
            Some(act) => {
                let is = |verdict: StoredVerdict| {
                    move |m: &Vec<Option<Said>>| m[slot].is_some_and(|said| said.verdict == verdict)
                };
                // A rule says the same again; only a model may say something else, and one that draws nothing at random
                // may only where it failed. What could not be read is an abstention of all measures.
                let model = plan.judge(judge).model.as_ref();
                let again = model.is_some() && column.said.iter().any(is(StoredVerdict::Failed))
                    || model.is_some_and(PartySpec::may_vary)
                        && column.said.iter().all(is(StoredVerdict::Abstained));
                (again && act.attempt < plan.limits.attempts).then_some(act.attempt + 1)
            }
        }
    }

    /// Whether a judge's `when` holds for a trial; `None` if the verdict it depends on is not there yet.
    pub fn applies(&self, plan: &Plan, trial: Trial, judge: JudgeIx) -> Option<bool> {
        match plan.judge(judge).when {
            None => Some(true),
            Some((measure, label)) => match self.cell(plan, trial, measure) {
                Cell::Label(found) => Some(found == label),
                Cell::Number(_) => Some(false),
                Cell::Missing(Missing::NotJudged | Missing::NotAsked) => None,
                Cell::Missing(_) => Some(false),
            },
        }
    }

    /// The value of a measure for a trial, or why there is none.
    pub fn cell(&self, plan: &Plan, trial: Trial, of: MeasureRef) -> Cell {
        let Some(slot) = self.index.slot(trial) else { return Cell::Missing(Missing::NotAsked) };
        let Some(observed) = self.observed[slot] else { return Cell::Missing(Missing::NotAsked) };
        match observed.outcome {
            Outcome::Withheld(_) => return Cell::Missing(Missing::Withheld),
            Outcome::Failed(_) => return Cell::Missing(Missing::Failed),
            Outcome::Answered(..) => {}
        }
        if let Some(ballot) = &plan.judge(of.judge).ballot {
            let decision = ballot.decide(|voter| self.vote(plan, trial, voter));
            return if of.measure == 0 { decision.verdict } else { decision.split };
        }
        match self.judges[of.judge.0 as usize].said[of.measure as usize][slot] {
            Some(said) => match said.verdict {
                StoredVerdict::Scored(score) => Cell::Number(score),
                StoredVerdict::Labelled(label) => Cell::Label(label),
                StoredVerdict::Abstained => Cell::Missing(Missing::Abstained),
                StoredVerdict::Failed => Cell::Missing(Missing::JudgeFailed),
            },
            None if self.applies(plan, trial, of.judge) == Some(false) => {
                Cell::Missing(Missing::NotApplicable)
            }
            None => Cell::Missing(Missing::NotJudged),
        }
    }

    /// What the reply of a trial was like.
    pub fn reply(&self, trial: Trial) -> Reply {
        match self.state(trial) {
            Some(Observed { outcome: Outcome::Answered(..), answer, .. })
                if answer != 0 && answer == self.empty =>
            {
                Reply::Empty
            }
            Some(Observed { outcome: Outcome::Answered(_, Finish::Length), .. }) => Reply::Truncated,
            Some(Observed { outcome: Outcome::Answered(..), .. }) => Reply::Whole,
            _ => Reply::None,
        }
    }

    /// What a voter said; one that does not judge this item was not asked.
    fn vote(&self, plan: &Plan, trial: Trial, of: MeasureRef) -> Cell {
        match self.cell(plan, trial, of) {
            Cell::Missing(Missing::NotJudged) if !plan.judges_of(trial.item).contains(&of.judge) => {
                Cell::Missing(Missing::NotApplicable)
            }
            cell => cell,
        }
    }

    /// The votes behind an ensemble's verdict on a trial, in words; `None` for other judges and unanswered trials.
    pub fn votes(&self, plan: &Plan, trial: Trial, judge: JudgeIx) -> Option<String> {
        let ballot = plan.judge(judge).ballot.as_ref()?;
        let observed = self.state(trial)?;
        matches!(observed.outcome, Outcome::Answered(..))
            .then(|| ballot.words(|of| plan.measure_name(of), |of| self.vote(plan, trial, of)))
    }

    /// Numbers of a judge's note on a trial and of the reason of its abstention or failure.
    pub fn said_why(&self, trial: Trial, of: MeasureRef) -> (Option<i64>, Option<i64>) {
        let Some(slot) = self.index.slot(trial) else { return (None, None) };
        let column = &self.judges[of.judge.0 as usize];
        let note = column.acts[slot].and_then(|a| optional(a.note));
        let reason = column.said[of.measure as usize][slot].and_then(|s| optional(s.reason));
        (note, reason)
    }

    /// Whether a failure is about what was asked, and so says nothing of the endpoint, however many there are.
    pub fn is_about_the_item(kind: FailureKind) -> bool {
        matches!(
            kind,
            FailureKind::TooLong | FailureKind::Unsupported | FailureKind::NotRecorded | FailureKind::NoText
        )
    }

    /// How many trials are in which state.
    pub fn counts(&self, plan: &Plan) -> Counts {
        let none = vec![0; plan.judges.len()];
        let mut counts = Counts { judged: none.clone(), judge_failed: none, ..Counts::default() };
        for (slot, observed) in self.observed.iter().enumerate() {
            if !self.index.is_planned(slot) {
                continue;
            }
            counts.planned += 1;
            match observed.map(|o| (o.outcome, o.attempt)) {
                None => counts.not_asked += 1,
                Some((Outcome::Answered(_, finish), _)) => {
                    counts.answered += 1;
                    counts.truncated += u64::from(finish == crate::observe::Finish::Length);
                }
                Some((Outcome::Withheld(_), _)) => counts.withheld += 1,
                Some((Outcome::Failed(_), _)) => counts.failed += 1,
            }
        }
        for (judge, column) in self.judges.iter().enumerate() {
            let said = column.said.first().into_iter().flatten().flatten();
            let failed = said.filter(|said| matches!(said.verdict, StoredVerdict::Failed)).count() as u64;
            counts.judge_failed[judge] = failed;
            counts.judged[judge] = match plan.judges[judge].ballot {
                None => column.acts.iter().flatten().count() as u64 - failed,
                Some(_) => self.decided(plan, JudgeIx(judge as u16)),
            };
        }
        counts
    }

    /// Trials on which all that an ensemble waits for is there.
    fn decided(&self, plan: &Plan, judge: JudgeIx) -> u64 {
        let there = |slot: &usize| {
            let cell = self.cell(plan, self.index.trial(*slot), MeasureRef { judge, measure: 0 });
            matches!(cell, Cell::Label(_) | Cell::Missing(Missing::Abstained))
        };
        (0..self.index.len()).filter(|slot| self.index.is_planned(*slot)).filter(there).count() as u64
    }

    /// What does not add up.
    pub fn discrepancies(&self) -> &[Discrepancy] {
        &self.problems
    }

    /// Observations that judgments of a judge refer to: for checks.
    pub(crate) fn act_of(&self, trial: Trial, judge: JudgeIx) -> Option<EventId> {
        self.index.slot(trial).and_then(|slot| self.judges[judge.0 as usize].acts[slot]).map(|a| a.of)
    }
}

/// Order of events that does not depend on a journal's numbering: by the writer's random bits.
fn rank(order: &[u32], id: EventId) -> (u32, u64) {
    (order.get(id.writer as usize).copied().unwrap_or(u32::MAX), id.seq)
}

/// Whether another attempt at a failed trial may end otherwise.
pub fn may_pass(kind: FailureKind) -> bool {
    !matches!(kind, FailureKind::TooLong | FailureKind::Unsupported | FailureKind::NotRecorded)
}

/// Whether a failure is about what was asked, and so says nothing of the endpoint, however many there are.
pub fn is_about_the_item(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::TooLong | FailureKind::Unsupported | FailureKind::NotRecorded | FailureKind::NoText
    )
}

/// How many trials are in which state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Trials of the plan.
    pub planned: u64,
    /// Answered.
    pub answered: u64,
    /// Answered, but cut by the token limit.
    pub truncated: u64,
    /// Withheld.
    pub withheld: u64,
    /// Failed.
    pub failed: u64,
    /// Not asked yet.
    pub not_asked: u64,
    /// For each judge, trials judged: those whose judgment failed are not among them.
    pub judged: Vec<u64>,
    /// For each judge, judgments that failed.
    pub judge_failed: Vec<u64>,
}

impl Counts {
    /// Judgments that failed, of all judges.
    pub fn judgments_failed(&self) -> u64 {
        self.judge_failed.iter().sum()
    }
}
