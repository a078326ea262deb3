//! Rows of a journal, one after another, without holding them all.

use super::insert::{ANSWERED, FAILED, WITHHELD};
use super::{Journal, event_id};
use crate::error::{Error, Result};
use crate::format;
use crate::id::{Digest, EventId, ItemIx, JudgeIx, SubjectIx, Trial};
use crate::items::Origin;
use crate::observe::{Answer, Failure, FailureKind, Finish, Label, Observation, Spent, Withheld};
use crate::party::Reply;
use crate::plan::Plan;
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// An `Observed` event, its bodies by number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ObservedRow {
    /// Identity.
    pub id: EventId,
    /// The trial.
    pub trial: Trial,
    /// Attempt.
    pub attempt: u16,
    /// What kind of outcome.
    pub outcome: Outcome,
    /// Number of the message of a failure.
    pub reason: Option<i64>,
    /// Number of the answer's body.
    pub answer: Option<i64>,
    /// Number of the reasoning's body.
    pub reasoning: Option<i64>,
    /// Number of the served model's name.
    pub served: Option<i64>,
    /// What it cost.
    pub spent: Spent,
}

/// A row's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered, with the form of the answer (0 text, 1 options, 2 conversation).
    Answered(u8, Finish),
    /// Withheld.
    Withheld(Withheld),
    /// Failed.
    Failed(FailureKind),
}

/// One measure of a `Judged` event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgedRow {
    /// Identity.
    pub id: EventId,
    /// The observation judged.
    pub of: EventId,
    /// Its trial.
    pub trial: Trial,
    /// Who judged.
    pub judge: JudgeIx,
    /// Which measure.
    pub measure: u8,
    /// Attempt.
    pub attempt: u16,
    /// What was said.
    pub verdict: Verdict,
    /// Number of the reason of an abstention or failure.
    pub reason: Option<i64>,
    /// Number of the note.
    pub note: Option<i64>,
    /// What it cost (with the first measure).
    pub spent: Spent,
}

/// A row's verdict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// A number.
    Scored(f64),
    /// A label.
    Labelled(Label),
    /// Abstained.
    Abstained,
    /// Failed.
    Failed,
}

/// A `Step` event.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRow {
    /// What it belongs to.
    pub scope: crate::event::Scope,
    /// Position.
    pub n: u16,
    /// Digest of what was asked.
    pub ask: Digest,
    /// Number of the reply's body.
    pub reply: i64,
    /// What it cost.
    pub spent: Spent,
}

fn whole(row: &Row, at: usize) -> Result<i64> {
    Ok(row.get_ref(at)?.as_i64().map_err(rusqlite::Error::from)?)
}

fn optional(row: &Row, at: usize) -> Result<Option<i64>> {
    match row.get_ref(at)? {
        ValueRef::Null => Ok(None),
        other => Ok(Some(other.as_i64().map_err(rusqlite::Error::from)?)),
    }
}

fn spent(row: &Row, at: usize) -> Result<Spent> {
    Ok(Spent {
        tokens_in: optional(row, at)?.map(|n| n as u64),
        tokens_out: optional(row, at + 1)?.map(|n| n as u64),
        cost_nano: optional(row, at + 2)?.map(|n| n as u64),
        elapsed_us: whole(row, at + 3)? as u64,
        requests: whole(row, at + 4)? as u64,
    })
}

fn trial(row: &Row, at: usize) -> Result<Trial> {
    Ok(Trial {
        item: ItemIx(whole(row, at)? as u32),
        subject: SubjectIx(whole(row, at + 1)? as u16),
        rep: whole(row, at + 2)? as u16,
    })
}

fn finish(code: Option<i64>) -> Finish {
    match code {
        Some(0) => Finish::Stop,
        Some(1) => Finish::Length,
        _ => Finish::Other,
    }
}

fn outcome(row: &Row, at: usize, finish_at: usize) -> Result<Outcome> {
    let detail = whole(row, at + 1)? as usize;
    let unknown = || Error::journal(format!("a row has the unknown outcome detail {detail}"));
    match whole(row, at)? {
        ANSWERED => Ok(Outcome::Answered(detail as u8, finish(optional(row, finish_at)?))),
        WITHHELD => Withheld::ALL.get(detail).map(|w| Outcome::Withheld(*w)).ok_or_else(unknown),
        FAILED => FailureKind::ALL.get(detail).map(|k| Outcome::Failed(*k)).ok_or_else(unknown),
        other => Err(Error::journal(format!("a row has the unknown outcome {other}"))),
    }
}

impl Journal {
    /// Calls `each` for every `Observed` event.
    pub fn observed(&self, mut each: impl FnMut(ObservedRow) -> Result<()>) -> Result<()> {
        let mut statement = self.conn.prepare(
            "SELECT writer, seq, item, subject, rep, attempt, outcome, detail, reason, answer, reasoning, finish, served,
             tokens_in, tokens_out, cost_nano, elapsed_us, requests FROM observed",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            each(ObservedRow {
                id: event_id(whole(row, 0)?, whole(row, 1)?),
                trial: trial(row, 2)?,
                attempt: whole(row, 5)? as u16,
                outcome: outcome(row, 6, 11)?,
                reason: optional(row, 8)?,
                answer: optional(row, 9)?,
                reasoning: optional(row, 10)?,
                served: optional(row, 12)?,
                spent: spent(row, 13)?,
            })?;
        }
        Ok(())
    }

    /// Calls `each` for every measure of every `Judged` event.
    pub fn judged(&self, mut each: impl FnMut(JudgedRow) -> Result<()>) -> Result<()> {
        let mut statement = self.conn.prepare(
            "SELECT writer, seq, measure, of_writer, of_seq, item, subject, rep, judge, attempt, verdict, label, score, reason, note,
             tokens_in, tokens_out, cost_nano, elapsed_us, requests FROM judged",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let verdict = match whole(row, 10)? {
                0 => Verdict::Scored(row.get_ref(12)?.as_f64().map_err(rusqlite::Error::from)?),
                1 => Verdict::Labelled(Label(whole(row, 11)? as u8)),
                2 => Verdict::Abstained,
                _ => Verdict::Failed,
            };
            each(JudgedRow {
                id: event_id(whole(row, 0)?, whole(row, 1)?),
                measure: whole(row, 2)? as u8,
                of: event_id(whole(row, 3)?, whole(row, 4)?),
                trial: trial(row, 5)?,
                judge: JudgeIx(whole(row, 8)? as u16),
                attempt: whole(row, 9)? as u16,
                verdict,
                reason: optional(row, 13)?,
                note: optional(row, 14)?,
                spent: spent(row, 15)?,
            })?;
        }
        Ok(())
    }

    /// Calls `each` for every `Step` event.
    pub fn steps(&self, mut each: impl FnMut(StepRow) -> Result<()>) -> Result<()> {
        let mut statement = self.conn.prepare(
            "SELECT item, subject, rep, of_writer, of_seq, judge, attempt, n, ask, reply,
             tokens_in, tokens_out, cost_nano, elapsed_us, requests FROM steps",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let attempt = whole(row, 6)? as u16;
            let scope = match optional(row, 5)? {
                None => crate::event::Scope::Trial(trial(row, 0)?, attempt),
                Some(judge) => crate::event::Scope::Judging(
                    event_id(whole(row, 3)?, whole(row, 4)?),
                    JudgeIx(judge as u16),
                    attempt,
                ),
            };
            let ask: [u8; 32] = row.get(8)?;
            each(StepRow {
                scope,
                n: whole(row, 7)? as u16,
                ask: Digest(ask),
                reply: whole(row, 9)?,
                spent: spent(row, 10)?,
            })?;
        }
        Ok(())
    }

    /// A step's reply.
    pub fn reply(&self, step: &StepRow) -> Result<Result<Reply, Failure>> {
        format::reply::decode(&self.body_at(step.reply)?)
    }

    /// The answer that a row refers to.
    pub fn answer(&self, row: &ObservedRow) -> Result<Option<Answer>> {
        match (row.outcome, row.answer) {
            (Outcome::Answered(form, _), Some(body)) => {
                let text = self.body_at(body)?;
                Ok(Some(if form == 0 { Answer::Text(text) } else { format::reply::read_answer(&text)? }))
            }
            _ => Ok(None),
        }
    }

    /// The output that a row is about: what its item shows, or what the recorded answer is; the answer itself where it came from
    /// no other run. `None` where there is no answer.
    pub fn origin(&self, plan: &Plan, row: &ObservedRow) -> Result<Option<Origin>> {
        let (Outcome::Answered(..), Some(body)) = (row.outcome, row.answer) else { return Ok(None) };
        if let Some(origin) = plan.shown(row.trial) {
            return Ok(Some(origin.clone()));
        }
        let mut statement = self.conn.prepare_cached("SELECT digest FROM bodies WHERE id = ?1")?;
        let digest: [u8; 32] = statement.query_row([body], |r| r.get(0))?;
        Ok(Some(Origin {
            plan: plan.root,
            item: plan.item(row.trial.item).id.clone(),
            subject: plan.subject(row.trial.subject).id.clone(),
            rep: row.trial.rep,
            answer: Digest(digest),
        }))
    }

    /// The whole observation that a row refers to.
    pub fn observation(&self, row: &ObservedRow, strings: &super::Strings) -> Result<Observation> {
        Ok(match row.outcome {
            Outcome::Answered(_, finish) => Observation::Answered {
                answer: self.answer(row)?.ok_or_else(|| Error::journal("an answer has no body"))?,
                reasoning: row.reasoning.map(|id| self.body_at(id)).transpose()?,
                finish,
            },
            Outcome::Withheld(why) => Observation::Withheld(why),
            Outcome::Failed(kind) => {
                Observation::Failed(Failure::last(kind, strings.get(row.reason).unwrap_or_else(|| "".into())))
            }
        })
    }
}
