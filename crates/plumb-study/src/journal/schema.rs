//! The tables and views of a journal, formats 1 and 2 (with people). `docs/journal.md` explains the views to users.

use crate::error::{Error, Result};
use crate::method::Missing;
use crate::observe::{FailureKind, Withheld};
use rusqlite::Connection;

/// Newest version of the tables; SQLite's `user_version`.
pub(super) const FORMAT: i64 = 2;
/// The version of a journal without people, which older programs read as well.
const WITHOUT_PEOPLE: i64 = 1;
/// SQLite's `application_id`: "plmb".
const APPLICATION: i64 = 0x706c_6d62;

const TABLES: &str = "
CREATE TABLE writers (id INTEGER PRIMARY KEY, random BLOB NOT NULL UNIQUE, opened_us INTEGER NOT NULL, program TEXT NOT NULL) STRICT;
CREATE TABLE bodies (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, text TEXT NOT NULL) STRICT;
CREATE TABLE strings (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE events (writer INTEGER, seq INTEGER, at_us INTEGER NOT NULL, kind TEXT NOT NULL, body INTEGER,
  PRIMARY KEY (writer, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE steps (writer INTEGER, seq INTEGER, at_us INTEGER NOT NULL,
  item INTEGER, subject INTEGER, rep INTEGER, of_writer INTEGER, of_seq INTEGER, judge INTEGER,
  attempt INTEGER NOT NULL, n INTEGER NOT NULL, ask BLOB NOT NULL, reply INTEGER NOT NULL,
  tokens_in INTEGER, tokens_out INTEGER, cost_nano INTEGER, elapsed_us INTEGER NOT NULL, requests INTEGER NOT NULL,
  PRIMARY KEY (writer, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE observed (writer INTEGER, seq INTEGER, at_us INTEGER NOT NULL,
  item INTEGER NOT NULL, subject INTEGER NOT NULL, rep INTEGER NOT NULL, attempt INTEGER NOT NULL,
  outcome INTEGER NOT NULL, detail INTEGER NOT NULL, reason INTEGER, answer INTEGER, reasoning INTEGER, finish INTEGER,
  served INTEGER, tokens_in INTEGER, tokens_out INTEGER, cost_nano INTEGER, elapsed_us INTEGER NOT NULL, requests INTEGER NOT NULL,
  PRIMARY KEY (writer, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE judged (writer INTEGER, seq INTEGER, measure INTEGER, at_us INTEGER NOT NULL,
  of_writer INTEGER NOT NULL, of_seq INTEGER NOT NULL, item INTEGER NOT NULL, subject INTEGER NOT NULL, rep INTEGER NOT NULL,
  judge INTEGER NOT NULL, attempt INTEGER NOT NULL, verdict INTEGER NOT NULL, label INTEGER, score REAL, reason INTEGER, note INTEGER,
  tokens_in INTEGER, tokens_out INTEGER, cost_nano INTEGER, elapsed_us INTEGER NOT NULL, requests INTEGER NOT NULL,
  PRIMARY KEY (writer, seq, measure)) STRICT, WITHOUT ROWID;
-- Names of the plan, for the views; rewritten whenever the plan is amended.
CREATE TABLE item_names (ix INTEGER PRIMARY KEY, id TEXT NOT NULL, tags TEXT NOT NULL, prompt TEXT NOT NULL) STRICT;
CREATE TABLE subject_names (ix INTEGER PRIMARY KEY, id TEXT NOT NULL, factors TEXT NOT NULL) STRICT;
CREATE TABLE measure_names (judge INTEGER, measure INTEGER, judge_name TEXT NOT NULL, name TEXT NOT NULL, labels TEXT NOT NULL,
  PRIMARY KEY (judge, measure)) STRICT, WITHOUT ROWID;
CREATE TABLE codes (kind TEXT, code INTEGER, name TEXT NOT NULL, PRIMARY KEY (kind, code)) STRICT, WITHOUT ROWID;
";

const VIEWS: &str = "
CREATE VIEW answers AS
SELECT i.id AS item, s.id AS subject, o.rep + 1 AS repetition, o.attempt, oc.name AS outcome,
  CASE o.outcome WHEN 1 THEN w.name WHEN 2 THEN f.name END AS why, r.text AS message,
  b.text AS answer, t.text AS reasoning, fi.name AS finish, sv.text AS served,
  COALESCE(o.tokens_in + x.tokens_in, o.tokens_in, x.tokens_in) AS tokens_in,
  COALESCE(o.tokens_out + x.tokens_out, o.tokens_out, x.tokens_out) AS tokens_out,
  COALESCE(o.cost_nano + x.cost_nano, o.cost_nano, x.cost_nano) AS cost_nano,
  o.elapsed_us + COALESCE(x.elapsed_us, 0) AS elapsed_us, o.requests + COALESCE(x.requests, 0) AS requests,
  o.at_us, o.writer, o.seq
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item, subject, rep
    ORDER BY attempt DESC, (SELECT random FROM writers WHERE id = writer), seq) AS place FROM observed) o
JOIN item_names i ON i.ix = o.item JOIN subject_names s ON s.ix = o.subject
JOIN codes oc ON oc.kind = 'outcome' AND oc.code = o.outcome
LEFT JOIN codes w ON w.kind = 'withheld' AND w.code = o.detail
LEFT JOIN codes f ON f.kind = 'failed' AND f.code = o.detail
LEFT JOIN codes fi ON fi.kind = 'finish' AND fi.code = o.finish
LEFT JOIN strings r ON r.id = o.reason LEFT JOIN strings sv ON sv.id = o.served
LEFT JOIN bodies b ON b.id = o.answer LEFT JOIN bodies t ON t.id = o.reasoning
LEFT JOIN (SELECT item, subject, rep, attempt, SUM(tokens_in) AS tokens_in, SUM(tokens_out) AS tokens_out, SUM(cost_nano) AS cost_nano,
    SUM(elapsed_us) AS elapsed_us, SUM(requests) AS requests FROM steps WHERE judge IS NULL GROUP BY item, subject, rep, attempt) x
  ON x.item = o.item AND x.subject = o.subject AND x.rep = o.rep AND x.attempt = o.attempt
WHERE o.place = 1;
CREATE VIEW judgments AS
SELECT i.id AS item, s.id AS subject, j.rep + 1 AS repetition, m.judge_name AS judge, m.name AS measure, j.attempt,
  vc.name AS verdict, json_extract(m.labels, '$[' || j.label || ']') AS label, j.score, r.text AS reason, n.text AS note,
  j.of_writer, j.of_seq, j.at_us, j.writer, j.seq
FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item, subject, rep, judge, measure
    ORDER BY attempt DESC, (SELECT random FROM writers WHERE id = writer), seq) AS place
  FROM judged JOIN (SELECT writer AS o_writer, seq AS o_seq, ROW_NUMBER() OVER (PARTITION BY item, subject, rep
    ORDER BY attempt DESC, (SELECT random FROM writers WHERE id = writer), seq) AS o_place FROM observed) c
  ON c.o_writer = of_writer AND c.o_seq = of_seq AND c.o_place = 1) j
JOIN item_names i ON i.ix = j.item JOIN subject_names s ON s.ix = j.subject
JOIN measure_names m ON m.judge = j.judge AND m.measure = j.measure
JOIN codes vc ON vc.kind = 'verdict' AND vc.code = j.verdict
LEFT JOIN strings r ON r.id = j.reason LEFT JOIN strings n ON n.id = j.note
WHERE j.place = 1;
CREATE VIEW trials AS
SELECT a.item, a.subject, a.repetition, a.outcome, a.why, i.prompt, a.answer, i.tags, s.factors, a.tokens_in, a.tokens_out, a.cost_nano, a.elapsed_us
FROM answers a JOIN item_names i ON i.id = a.item JOIN subject_names s ON s.id = a.subject;
";

/// Makes the tables of a new journal; those of people only where there are people.
pub(super) fn create(conn: &Connection, people: bool) -> Result<()> {
    conn.pragma_update(None, "application_id", APPLICATION)?;
    conn.execute_batch(TABLES)?;
    conn.execute_batch(VIEWS)?;
    let mut insert = conn.prepare("INSERT INTO codes VALUES (?1, ?2, ?3)")?;
    let mut put = |kind: &str, names: &[&str]| -> Result<()> {
        for (code, name) in names.iter().enumerate() {
            insert.execute((kind, code as i64, name))?;
        }
        Ok(())
    };
    put("outcome", &["answered", "withheld", "failed"])?;
    put("finish", &["stop", "length", "other"])?;
    put("verdict", &["scored", "labelled", Missing::Abstained.name(), Missing::JudgeFailed.name()])?;
    put("withheld", &Withheld::ALL.map(Withheld::name))?;
    put("failed", &FailureKind::ALL.map(FailureKind::name))?;
    if people {
        conn.execute_batch(super::people::TABLES)?;
    }
    conn.pragma_update(None, "user_version", if people { FORMAT } else { WITHOUT_PEOPLE })?;
    Ok(())
}

/// Checks that a file is a journal that this program reads.
pub(super) fn check(conn: &Connection, path: &std::path::Path) -> Result<()> {
    let application: i64 = conn
        .pragma_query_value(None, "application_id", |r| r.get(0))
        .map_err(|e| Error::journal(format!("{} is no journal: {e}", path.display())))?;
    if application != APPLICATION {
        return Err(Error::journal(format!("{} is no journal of plumb", path.display())));
    }
    let format: i64 = conn.pragma_query_value(None, "user_version", |r| r.get(0))?;
    if format > FORMAT {
        return Err(Error::journal(format!(
            "{} has format {format}; this program reads up to {FORMAT}",
            path.display()
        ))
        .help("use a newer plumb"));
    }
    if format == 0 {
        return Err(Error::journal(format!("{} was never finished being created", path.display()))
            .help("start anew with --fresh"));
    }
    Ok(())
}
