//! Events to rows, inside one transaction.

use super::people::Salts;
use super::{Amended, Opening};
use crate::error::{Error, Result};
use crate::event::{Event, JudgedOf, Scope, Stop};
use crate::format;
use crate::id::{Digest, EventId};
use crate::observe::{
    Answer, Body, Failure, FailureKind, Finish, Observation, Spent, Verdict, Verdicts, Withheld,
};
use crate::plan::Plan;
use rusqlite::{Connection, params};
use std::collections::HashMap;

/// How many recent bodies and strings are remembered, to spare look-ups of repeated ones.
const REMEMBERED: usize = 50_000;

/// Inserts events of one writer.
pub(super) struct Inserter {
    writer: u32,
    seq: u64,
    bodies: HashMap<Digest, i64>,
    strings: HashMap<String, i64>,
    salts: Salts,
}

/// Numbers of `outcome`.
pub(super) const ANSWERED: i64 = 0;
pub(super) const WITHHELD: i64 = 1;
pub(super) const FAILED: i64 = 2;

impl Inserter {
    /// Registers a new writer.
    pub(super) fn new(conn: &Connection, opening: &Opening) -> Result<Inserter> {
        conn.execute(
            "INSERT INTO writers (random, opened_us, program) VALUES (?1, ?2, ?3)",
            params![&opening.random[..], (opening.now_us)(), opening.program],
        )?;
        let writer = conn.last_insert_rowid() as u32;
        Ok(Inserter { writer, seq: 0, bodies: HashMap::new(), strings: HashMap::new(), salts: Salts::new() })
    }

    /// Forgets what a rolled-back transaction may have numbered, and goes back to `seq`.
    pub(super) fn rewind(&mut self, seq: u64) {
        self.seq = seq;
        self.bodies.clear();
        self.strings.clear();
        self.salts.clear();
    }

    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    fn body(&mut self, conn: &Connection, body: &Body) -> Result<i64> {
        if let Some(id) = self.bodies.get(&body.digest) {
            return Ok(*id);
        }
        let mut insert =
            conn.prepare_cached("INSERT INTO bodies (digest, text) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
        let id = if insert.execute(params![&body.digest.0[..], &*body.text])? == 1 {
            conn.last_insert_rowid()
        } else {
            let mut select = conn.prepare_cached("SELECT id FROM bodies WHERE digest = ?1")?;
            select.query_row([&body.digest.0[..]], |r| r.get(0))?
        };
        if self.bodies.len() >= REMEMBERED {
            self.bodies.clear();
        }
        self.bodies.insert(body.digest, id);
        Ok(id)
    }

    fn string(&mut self, conn: &Connection, text: &str) -> Result<i64> {
        if let Some(id) = self.strings.get(text) {
            return Ok(*id);
        }
        let mut insert =
            conn.prepare_cached("INSERT INTO strings (text) VALUES (?1) ON CONFLICT DO NOTHING")?;
        let id = if insert.execute([text])? == 1 {
            conn.last_insert_rowid()
        } else {
            conn.prepare_cached("SELECT id FROM strings WHERE text = ?1")?.query_row([text], |r| r.get(0))?
        };
        if self.strings.len() >= REMEMBERED {
            self.strings.clear();
        }
        self.strings.insert(text.to_owned(), id);
        Ok(id)
    }

    fn optional_string(&mut self, conn: &Connection, text: Option<&str>) -> Result<Option<i64>> {
        text.map(|t| self.string(conn, t)).transpose()
    }

    /// Appends one event. `batch` holds the ids of the events before it in the same batch.
    pub(super) fn event(
        &mut self,
        conn: &Connection,
        event: &Event,
        at_us: i64,
        batch: &[EventId],
    ) -> Result<EventId> {
        self.seq += 1;
        let id = EventId { writer: self.writer, seq: self.seq };
        match event {
            Event::Frozen { plan, locked } => {
                self.body(conn, &plan.header)?;
                self.body(conn, &plan.items)?;
                let body = serde_json::json!({ "plan": plan.header.digest.hex(), "locked": locked });
                self.plain(conn, id, at_us, "frozen", &body)?;
            }
            Event::Amended { plan, parent, reason } => {
                self.body(conn, &plan.header)?;
                self.body(conn, &plan.items)?;
                let body = serde_json::json!({ "plan": plan.header.digest.hex(), "parent": parent.hex(), "reason": reason });
                self.plain(conn, id, at_us, "amended", &body)?;
                names(conn, &format::decode(&plan.header.text, &plan.items.text)?)?;
            }
            Event::Person(event) => {
                if self.salts.len() >= REMEMBERED {
                    self.salts.clear();
                }
                super::people::insert(conn, id, at_us, event, &mut self.salts)?;
            }
            Event::Collecting(event) => {
                let (kind, body) = super::people::collecting(event);
                self.plain(conn, id, at_us, kind, &body)?;
            }
            Event::Closed(stop) => {
                let body = match stop {
                    Stop::Done => serde_json::json!({ "stop": "done" }),
                    Stop::Interrupted => serde_json::json!({ "stop": "interrupted" }),
                    Stop::Broken(words) => serde_json::json!({ "stop": "broken", "words": words }),
                };
                self.plain(conn, id, at_us, "closed", &body)?;
            }
            Event::Step { scope, n, ask, reply, spent } => {
                let body = Body::new(format::reply::encode(reply));
                let reply = self.body(conn, &body)?;
                self.step(conn, id, at_us, *scope, *n, *ask, reply, *spent)?;
            }
            Event::Observed { trial, attempt, observation, spent, served } => {
                let row = self.observation(conn, observation)?;
                let served = self.optional_string(conn, served.as_deref())?;
                conn.prepare_cached("INSERT INTO observed VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)")?
                    .execute(params![
                        id.writer, id.seq as i64, at_us, trial.item.0, trial.subject.0, trial.rep, attempt,
                        row.outcome, row.detail, row.reason, row.answer, row.reasoning, row.finish, served,
                        spent.tokens_in.map(|n| n as i64), spent.tokens_out.map(|n| n as i64), spent.cost_nano.map(|c| c as i64), spent.elapsed_us as i64, spent.requests as i64,
                    ])?;
            }
            Event::Judged { of, trial, judge, attempt, verdicts, spent } => {
                let of = match of {
                    JudgedOf::Event(id) => *id,
                    JudgedOf::Batch(at) => {
                        *batch.get(*at).ok_or_else(|| Error::journal("a judgment of nothing"))?
                    }
                };
                self.judged(conn, id, at_us, of, *trial, judge.0, *attempt, verdicts, *spent)?;
            }
        }
        Ok(id)
    }

    fn plain(
        &mut self,
        conn: &Connection,
        id: EventId,
        at_us: i64,
        kind: &str,
        body: &serde_json::Value,
    ) -> Result<()> {
        let body = self.body(conn, &Body::new(body.to_string()))?;
        conn.execute(
            "INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5)",
            params![id.writer, id.seq as i64, at_us, kind, body],
        )?;
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of one row")]
    fn step(
        &self,
        conn: &Connection,
        id: EventId,
        at_us: i64,
        scope: Scope,
        n: u16,
        ask: Digest,
        reply: i64,
        spent: Spent,
    ) -> Result<()> {
        let (trial, of, judge, attempt) = match scope {
            Scope::Trial(trial, attempt) => (Some(trial), None, None, attempt),
            Scope::Judging(of, judge, attempt) => (None, Some(of), Some(judge.0), attempt),
        };
        conn.prepare_cached(
            "INSERT INTO steps VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18)",
        )?
        .execute(params![
            id.writer,
            id.seq as i64,
            at_us,
            trial.map(|t| t.item.0),
            trial.map(|t| t.subject.0),
            trial.map(|t| t.rep),
            of.map(|o| o.writer),
            of.map(|o| o.seq as i64),
            judge,
            attempt,
            n,
            &ask.0[..],
            reply,
            spent.tokens_in.map(|n| n as i64),
            spent.tokens_out.map(|n| n as i64),
            spent.cost_nano.map(|c| c as i64),
            spent.elapsed_us as i64,
            spent.requests as i64,
        ])?;
        Ok(())
    }

    fn observation(&mut self, conn: &Connection, observation: &Observation) -> Result<Row> {
        Ok(match observation {
            Observation::Answered { answer, reasoning, finish } => {
                let (detail, body) = match answer {
                    Answer::Text(text) => (0, Body::new(text.clone())),
                    Answer::Options(_) => (1, Body::new(format::reply::answer(answer))),
                    Answer::Conversation(_) => (2, Body::new(format::reply::answer(answer))),
                };
                Row {
                    outcome: ANSWERED,
                    detail,
                    reason: None,
                    answer: Some(self.body(conn, &body)?),
                    reasoning: reasoning
                        .as_ref()
                        .map(|r| self.body(conn, &Body::new(r.clone())))
                        .transpose()?,
                    finish: Some(finish_code(*finish)),
                }
            }
            Observation::Withheld(why) => {
                let detail = Withheld::ALL.iter().position(|w| w == why).unwrap_or(0) as i64;
                Row { outcome: WITHHELD, detail, reason: None, answer: None, reasoning: None, finish: None }
            }
            Observation::Failed(Failure { kind, message, .. }) => {
                let detail = FailureKind::ALL.iter().position(|k| k == kind).unwrap_or(0) as i64;
                let reason = Some(self.string(conn, message)?);
                Row { outcome: FAILED, detail, reason, answer: None, reasoning: None, finish: None }
            }
        })
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of one row")]
    fn judged(
        &mut self,
        conn: &Connection,
        id: EventId,
        at_us: i64,
        of: EventId,
        trial: crate::id::Trial,
        judge: u16,
        attempt: u16,
        verdicts: &Verdicts,
        spent: Spent,
    ) -> Result<()> {
        let note = self.optional_string(conn, verdicts.note.as_deref())?;
        for (measure, verdict) in verdicts.values.iter().enumerate() {
            let (kind, label, score, reason) = match verdict {
                Verdict::Scored(score) => (0, None, Some(*score), None),
                Verdict::Labelled(label) => (1, Some(label.0), None, None),
                Verdict::Abstained(why) => (2, None, None, Some(self.string(conn, why)?)),
                Verdict::Failed(why) => (3, None, None, Some(self.string(conn, why)?)),
            };
            // What the act cost stands with its first measure, so that a sum over rows is right.
            let spent = if measure == 0 { spent } else { Spent::default() };
            let note = if measure == 0 { note } else { None };
            conn.prepare_cached("INSERT INTO judged VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21)")?
                .execute(params![
                    id.writer, id.seq as i64, measure as i64, at_us, of.writer, of.seq as i64,
                    trial.item.0, trial.subject.0, trial.rep, judge, attempt, kind, label, score, reason, note,
                    spent.tokens_in.map(|n| n as i64), spent.tokens_out.map(|n| n as i64), spent.cost_nano.map(|c| c as i64), spent.elapsed_us as i64, spent.requests as i64,
                ])?;
        }
        Ok(())
    }
}

/// Writes the plan's names for the views.
pub(super) fn names(conn: &Connection, plan: &Plan) -> Result<()> {
    conn.execute_batch("DELETE FROM item_names; DELETE FROM subject_names; DELETE FROM measure_names;")?;
    let json = |levels: &crate::items::Levels| serde_json::to_string(levels).unwrap_or_default();
    for (ix, item) in plan.items.iter().enumerate() {
        conn.prepare_cached("INSERT INTO item_names VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            ix as i64,
            item.id.as_str(),
            json(&item.tags),
            item.task.headline()
        ])?;
    }
    for (ix, subject) in plan.subjects.iter().enumerate() {
        conn.prepare_cached("INSERT INTO subject_names VALUES (?1, ?2, ?3)")?.execute(params![
            ix as i64,
            subject.id.as_str(),
            json(&subject.factors)
        ])?;
    }
    for (judge, spec) in plan.judges.iter().enumerate() {
        for (measure, m) in spec.measures.iter().enumerate() {
            let labels = serde_json::to_string(&m.scale.labels()).unwrap_or_default();
            conn.prepare_cached("INSERT INTO measure_names VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![judge as i64, measure as i64, spec.name.as_str(), &*m.name, labels])?;
        }
    }
    Ok(())
}

struct Row {
    outcome: i64,
    detail: i64,
    reason: Option<i64>,
    answer: Option<i64>,
    reasoning: Option<i64>,
    finish: Option<i64>,
}

fn finish_code(finish: Finish) -> i64 {
    match finish {
        Finish::Stop => 0,
        Finish::Length => 1,
        Finish::Other => 2,
    }
}

fn parse(text: &str) -> Result<serde_json::Value> {
    serde_json::from_str(text).map_err(|e| Error::journal(format!("an event's body cannot be read: {e}")))
}

fn digest(value: &serde_json::Value) -> Result<Digest> {
    value
        .as_str()
        .and_then(Digest::from_hex)
        .ok_or_else(|| Error::journal(format!("an event's body holds no digest: {value}")))
}

pub(super) fn read_frozen(text: &str) -> Result<(Digest, bool)> {
    let body = parse(text)?;
    Ok((digest(&body["plan"])?, body["locked"].as_bool().unwrap_or(false)))
}

pub(super) fn read_amended(text: &str) -> Result<Amended> {
    let body = parse(text)?;
    Ok(Amended {
        plan: digest(&body["plan"])?,
        parent: digest(&body["parent"])?,
        reason: body["reason"].as_str().unwrap_or("").into(),
    })
}

pub(super) fn read_closed(text: &str) -> Result<Stop> {
    let body = parse(text)?;
    Ok(match body["stop"].as_str() {
        Some("done") => Stop::Done,
        Some("interrupted") => Stop::Interrupted,
        _ => Stop::Broken(body["words"].as_str().unwrap_or("").into()),
    })
}
