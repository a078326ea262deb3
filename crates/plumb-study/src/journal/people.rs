//! Rows of people: tables of their own, made only in journals of studies with people.
//!
//! Every text of a person carries a mark (BLAKE3 keyed with the person's salt), so that the audit can tell whether it is
//! as it was written, and so that nothing is left to guess an answer from once the salt is erased. A plain hash would let
//! anybody try the few answers that a scale has.

use super::{Journal, event_id};
use crate::error::{Error, Result};
use crate::id::{Digest, EventId, ItemIx, SubjectIx};
use crate::people::{Collecting, PersonEvent, PersonIx, What};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;
use std::sync::Arc;

/// The tables and the view.
pub(super) const TABLES: &str = "
CREATE TABLE people (ix INTEGER PRIMARY KEY, link BLOB NOT NULL UNIQUE, salt BLOB, identity TEXT) STRICT;
CREATE TABLE person_events (writer INTEGER, seq INTEGER, at_us INTEGER NOT NULL, person INTEGER NOT NULL, n INTEGER NOT NULL,
  kind TEXT NOT NULL, arm INTEGER, item INTEGER, rep INTEGER, mark BLOB, body TEXT,
  PRIMARY KEY (writer, seq), UNIQUE (person, n)) STRICT, WITHOUT ROWID;
CREATE VIEW participants AS
SELECT p.ix + 1 AS person, s.id AS arm, s.factors, a.at_us AS arrived_us, e.at_us AS enrolled_us, z.at_us AS ended_us,
  json_extract(z.body, '$.event.end') AS ended,
  (SELECT COUNT(*) FROM person_events o WHERE o.person = p.ix AND o.kind = 'observed') AS items,
  EXISTS (SELECT 1 FROM person_events x WHERE x.person = p.ix AND x.kind = 'erased') AS erased
FROM people p
LEFT JOIN person_events a ON a.person = p.ix AND a.kind = 'arrived'
LEFT JOIN person_events e ON e.person = p.ix AND e.kind = 'enrolled'
LEFT JOIN person_events z ON z.person = p.ix AND z.kind = 'ended'
LEFT JOIN subject_names s ON s.ix = e.arm;
CREATE VIEW ratings AS
SELECT o.person + 1 AS person, s.id AS arm, i.id AS item, o.rep + 1 AS repetition, o.body AS answers, o.at_us
FROM person_events o JOIN item_names i ON i.ix = o.item
LEFT JOIN person_events e ON e.person = o.person AND e.kind = 'enrolled' LEFT JOIN subject_names s ON s.ix = e.arm
WHERE o.kind = 'observed';
";

/// A person's event as it stands in a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// Identity.
    pub id: EventId,
    /// When it was written, microseconds since 1970.
    pub at_us: i64,
    /// Whose.
    pub person: PersonIx,
    /// Which of this person's events.
    pub n: u32,
    /// What happened.
    pub what: What,
    /// What the domain says of it; `None` once erased.
    pub body: Option<Arc<str>>,
}

/// What is kept of a person apart from all answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRecord {
    /// Who.
    pub person: PersonIx,
    /// Hash of the person's secret link.
    pub link: Digest,
    /// What tells who it is, if anything does and it was not erased.
    pub identity: Option<Arc<str>>,
}

/// An event about the whole study as it stands in a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectingRow {
    /// Identity.
    pub id: EventId,
    /// When it was written, microseconds since 1970.
    pub at_us: i64,
    /// What happened.
    pub event: Collecting,
}

fn kind(what: What) -> &'static str {
    match what {
        What::Arrived => "arrived",
        What::Enrolled(_) => "enrolled",
        What::Step => "step",
        What::Observed(..) => "observed",
        What::Ended => "ended",
        What::Erased => "erased",
        What::Parted => "parted",
    }
}

fn mark(salt: &[u8; 32], event: (PersonIx, u32), body: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(salt);
    hasher.update(&event.0.0.to_le_bytes()).update(&event.1.to_le_bytes()).update(body.as_bytes());
    *hasher.finalize().as_bytes()
}

/// Salts of people who were written of lately, to spare a look-up for each event. An erased person's is gone from here, too.
pub(super) type Salts = HashMap<PersonIx, [u8; 32]>;

/// Appends a person's event.
pub(super) fn insert(
    conn: &Connection,
    id: EventId,
    at_us: i64,
    event: &PersonEvent,
    salts: &mut Salts,
) -> Result<()> {
    if let Some(arrival) = &event.arrival {
        conn.prepare_cached("INSERT INTO people VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            event.person.0,
            &arrival.link.0[..],
            &arrival.salt[..],
            arrival.identity.as_deref()
        ])?;
    }
    match event.what {
        What::Erased => {
            salts.remove(&event.person);
            erase(conn, event.person)?;
        }
        What::Parted => part(conn, event.person)?,
        _ => {}
    }
    let salt = match salts.get(&event.person) {
        Some(salt) => Some(*salt),
        None => {
            let salt: Option<[u8; 32]> = conn
                .prepare_cached("SELECT salt FROM people WHERE ix = ?1")?
                .query_row([event.person.0], |r| r.get(0))
                .optional()?
                .ok_or_else(|| Error::journal(format!("person {} never arrived", event.person.0 + 1)))?;
            salts.extend(salt.map(|salt| (event.person, salt)));
            salt
        }
    };
    let mark = salt.map(|salt| mark(&salt, (event.person, event.n), &event.body));
    let (arm, item, rep) = match event.what {
        What::Enrolled(arm) => (Some(arm.0), None, None),
        What::Observed(item, rep) => (None, Some(item.0), Some(rep)),
        _ => (None, None, None),
    };
    conn.prepare_cached("INSERT INTO person_events VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)")?.execute(
        params![
            id.writer,
            id.seq as i64,
            at_us,
            event.person.0,
            event.n,
            kind(event.what),
            arm,
            item,
            rep,
            mark.as_ref().map(|m| &m[..]),
            &*event.body
        ],
    )?;
    Ok(())
}

/// Takes a person's texts, identity and salt away. Which arm it was and that it ended stay: they decide places.
fn erase(conn: &Connection, person: PersonIx) -> Result<()> {
    conn.pragma_update(None, "secure_delete", "ON")?;
    conn.execute("UPDATE people SET salt = NULL, identity = NULL WHERE ix = ?1", [person.0])?;
    conn.execute("UPDATE person_events SET mark = NULL WHERE person = ?1", [person.0])?;
    conn.execute(
        "UPDATE person_events SET body = NULL WHERE person = ?1 AND kind IN ('arrived', 'step', 'observed')",
        [person.0],
    )?;
    Ok(())
}

/// Takes a person's identity away, and what the link was made of. The answers and their marks stay.
fn part(conn: &Connection, person: PersonIx) -> Result<()> {
    conn.pragma_update(None, "secure_delete", "ON")?;
    conn.execute("UPDATE people SET identity = NULL WHERE ix = ?1", [person.0])?;
    conn.execute(
        "UPDATE person_events SET mark = NULL, body = NULL WHERE person = ?1 AND kind = 'arrived'",
        [person.0],
    )?;
    Ok(())
}

/// Kind and body of an event about the whole study.
pub(super) fn collecting(event: &Collecting) -> (&'static str, serde_json::Value) {
    match event {
        Collecting::Opened { commitment, pilot } => {
            ("opened", serde_json::json!({ "commitment": commitment, "pilot": pilot }))
        }
        Collecting::Enrolment { open } => ("enrolment", serde_json::json!({ "open": open })),
        Collecting::Looked { analysis, people, who, after_stopping, completed } => {
            let mut body = serde_json::json!({
                "analysis": analysis, "people": people, "who": who, "after_stopping": after_stopping,
            });
            if let Some(completed) = completed {
                body["completed"] = (*completed).into();
            }
            ("looked", body)
        }
        Collecting::Excluded { person, because, who } => {
            ("excluded", serde_json::json!({ "person": person.0 + 1, "because": because, "who": who }))
        }
        Collecting::Amended { study, digest, because, people } => (
            "amended-study",
            serde_json::json!({ "study": study, "digest": digest, "because": because, "people": people }),
        ),
    }
}

fn read_collecting(kind: &str, text: &str) -> Result<Option<Collecting>> {
    let body: serde_json::Value = serde_json::from_str(text)
        .map_err(|e| Error::journal(format!("an event's body cannot be read: {e}")))?;
    let text = |key: &str| Arc::<str>::from(body[key].as_str().unwrap_or(""));
    let flag = |key: &str| body[key].as_bool().unwrap_or(false);
    Ok(Some(match kind {
        "opened" => Collecting::Opened { commitment: text("commitment"), pilot: flag("pilot") },
        "enrolment" => Collecting::Enrolment { open: flag("open") },
        "looked" => Collecting::Looked {
            analysis: text("analysis"),
            people: body["people"].as_u64().unwrap_or(0) as u32,
            who: text("who"),
            after_stopping: flag("after_stopping"),
            completed: body["completed"].as_u64().map(|n| n as u32),
        },
        "excluded" => {
            let person = body["person"].as_u64().and_then(|n| n.checked_sub(1));
            let person = person.ok_or_else(|| Error::journal("an exclusion names nobody"))?;
            Collecting::Excluded {
                person: PersonIx(person as u32),
                because: text("because"),
                who: text("who"),
            }
        }
        "amended-study" => Collecting::Amended {
            study: text("study"),
            digest: text("digest"),
            because: text("because"),
            people: body["people"].as_u64().unwrap_or(0) as u32,
        },
        _ => return Ok(None),
    }))
}

impl Journal {
    /// Whether it has tables of people.
    pub fn has_people(&self) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'person_events')";
        Ok(self.conn.query_row(sql, [], |r| r.get(0))?)
    }

    /// Calls `each` for every event of every person, in the order in which they were written. That order is part of what
    /// happened: people compete for places.
    pub fn people(&self, each: impl FnMut(PersonRow) -> Result<()>) -> Result<()> {
        self.people_in_order("writer, seq", each)
    }

    /// Calls `each` for every event, one person after another.
    pub fn people_by_person(&self, each: impl FnMut(PersonRow) -> Result<()>) -> Result<()> {
        self.people_in_order("person, n", each)
    }

    fn people_in_order(
        &self,
        order: &'static str,
        mut each: impl FnMut(PersonRow) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.conn.prepare(&format!(
            "SELECT writer, seq, at_us, person, n, kind, arm, item, rep, body FROM person_events ORDER BY {order}"
        ))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let kind: String = row.get(5)?;
            let what = match kind.as_str() {
                "arrived" => What::Arrived,
                "enrolled" => What::Enrolled(SubjectIx(row.get(6)?)),
                "step" => What::Step,
                "observed" => What::Observed(ItemIx(row.get(7)?), row.get(8)?),
                "ended" => What::Ended,
                "erased" => What::Erased,
                "parted" => What::Parted,
                other => return Err(Error::journal(format!("a person's row has the unknown kind {other}"))),
            };
            let body: Option<String> = row.get(9)?;
            each(PersonRow {
                id: event_id(row.get(0)?, row.get(1)?),
                at_us: row.get(2)?,
                person: PersonIx(row.get(3)?),
                n: row.get(4)?,
                what,
                body: body.map(Into::into),
            })?;
        }
        Ok(())
    }

    /// Who came, in order, apart from all that they answered.
    pub fn persons(&self) -> Result<Vec<PersonRecord>> {
        self.persons_after(0)
    }

    /// The same without the first `known`.
    pub fn persons_after(&self, known: usize) -> Result<Vec<PersonRecord>> {
        let mut statement =
            self.conn.prepare_cached("SELECT ix, link, identity FROM people WHERE ix >= ?1 ORDER BY ix")?;
        let rows = statement.query_map([known as i64], |r| {
            let identity: Option<String> = r.get(2)?;
            Ok(PersonRecord {
                person: PersonIx(r.get(0)?),
                link: Digest(r.get(1)?),
                identity: identity.map(Into::into),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Events about the whole study, in order, each with its time in microseconds since 1970.
    pub fn collecting(&self) -> Result<Vec<(i64, Collecting)>> {
        Ok(self.collecting_rows()?.into_iter().map(|row| (row.at_us, row.event)).collect())
    }

    /// The same with their identities, by which they stand among the events of people.
    pub fn collecting_rows(&self) -> Result<Vec<CollectingRow>> {
        let mut statement = self.conn.prepare(
            "SELECT e.writer, e.seq, e.at_us, e.kind, b.text FROM events e JOIN bodies b ON b.id = e.body
             ORDER BY e.writer, e.seq",
        )?;
        let mut rows = statement.query([])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let (kind, text): (String, String) = (row.get(3)?, row.get(4)?);
            if let Some(event) = read_collecting(&kind, &text)? {
                let id = EventId { writer: row.get(0)?, seq: row.get::<_, i64>(1)? as u64 };
                all.push(CollectingRow { id, at_us: row.get(2)?, event });
            }
        }
        Ok(all)
    }

    /// What does not add up in the rows of people, in words.
    pub(crate) fn people_ends(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut statement = self.conn.prepare(
            "SELECT e.person, e.n, e.mark, e.body, p.salt, p.ix FROM person_events e LEFT JOIN people p ON p.ix = e.person
             ORDER BY e.person, e.n",
        )?;
        let mut rows = statement.query([])?;
        let (mut wrong, mut unknown, mut gaps, mut after) = (0_u64, 0_u64, 0_u64, None);
        while let Some(row) = rows.next()? {
            let (person, n): (u32, u32) = (row.get(0)?, row.get(1)?);
            let expected = match after {
                Some((p, last)) if p == person => last + 1,
                _ => 0,
            };
            gaps += u64::from(n != expected);
            after = Some((person, n));
            let known: Option<i64> = row.get(5)?;
            unknown += u64::from(known.is_none());
            let salt: Option<[u8; 32]> = row.get(4)?;
            let (stored, body): (Option<[u8; 32]>, Option<String>) = (row.get(2)?, row.get(3)?);
            // Only an arrival may lack its text, where the person's identity was deleted.
            let parted = n == 0 && stored.is_none() && body.is_none();
            if let Some(salt) = salt.filter(|_| !parted) {
                let right = body.map(|body| mark(&salt, (PersonIx(person), n), &body));
                wrong += u64::from(right != stored || right.is_none());
            }
        }
        for (count, what) in [
            (wrong, "texts of people are not as they were written"),
            (unknown, "events belong to nobody who arrived"),
            (gaps, "events of people follow a gap"),
        ] {
            if count > 0 {
                found.push(format!("{count} {what}"));
            }
        }
        Ok(found)
    }
}
