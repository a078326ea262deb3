//! Merging: the union of journals of one root plan.

use super::{Journal, schema};
use crate::error::{Error, Result};
use std::path::Path;

/// What a merge did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Events that were new.
    pub added: u64,
    /// Events that were there before.
    pub known: u64,
}

/// Adds the events of `from` to the journal at `into`. Both must have the same root plan; events that are
/// there already stay as they are.
pub fn merge(into: &Path, from: &Path) -> Result<Merged> {
    let (ours, theirs) = (Journal::open(into)?, Journal::open(from)?);
    let (mine, other) = (ours.root_plan()?, theirs.root_plan()?);
    if mine.root != other.root {
        return Err(Error::journal(format!(
            "{} and {} hold different plans ({} and {})",
            into.display(),
            from.display(),
            mine.root.0.short(),
            other.root.0.short()
        ))
        .help("only shards or copies of one frozen plan can be merged"));
    }
    if ours.has_people()? || theirs.has_people()? {
        return Err(Error::journal("a study with people has one journal: two cannot be merged")
            .help("people compete for places, so two servers would fill the arms wrongly; export both and join the tables"));
    }
    let mut amendments = ours.amendments()?;
    amendments.extend(theirs.amendments()?);
    super::in_force(mine.root.0, &amendments)?;
    if std::fs::canonicalize(into).ok() == std::fs::canonicalize(from).ok() {
        return Err(Error::journal(format!("{} cannot be merged into itself", into.display())));
    }
    drop((ours, theirs));
    // Nobody writes meanwhile.
    let _lock = super::lock(into)?;
    let mut conn = super::connect(into)?;
    schema::check(&conn, into)?;
    conn.execute("ATTACH DATABASE ?1 AS other", [from.to_string_lossy()])?;
    let tx = conn.transaction()?;
    tx.execute_batch(
        "INSERT OR IGNORE INTO main.writers (random, opened_us, program) SELECT random, opened_us, program FROM other.writers ORDER BY id;
         INSERT OR IGNORE INTO main.bodies (digest, text) SELECT digest, text FROM other.bodies ORDER BY id;
         INSERT OR IGNORE INTO main.strings (text) SELECT text FROM other.strings ORDER BY id;
         CREATE TEMP TABLE w AS SELECT o.id AS old, m.id AS new FROM other.writers o JOIN main.writers m USING (random);
         CREATE TEMP TABLE b AS SELECT o.id AS old, m.id AS new FROM other.bodies o JOIN main.bodies m USING (digest);
         CREATE TEMP TABLE s AS SELECT o.id AS old, m.id AS new FROM other.strings o JOIN main.strings m USING (text);
         CREATE UNIQUE INDEX temp.w_old ON w (old); CREATE UNIQUE INDEX temp.b_old ON b (old); CREATE UNIQUE INDEX temp.s_old ON s (old);",
    )?;
    let mut merged = Merged::default();
    for (table, select) in [
        ("events", "w.new, x.seq, x.at_us, x.kind, (SELECT new FROM b WHERE old = x.body)"),
        (
            "steps",
            "w.new, x.seq, x.at_us, x.item, x.subject, x.rep, (SELECT new FROM w WHERE old = x.of_writer), x.of_seq, x.judge, x.attempt, x.n, x.ask,
             (SELECT new FROM b WHERE old = x.reply), x.tokens_in, x.tokens_out, x.cost_nano, x.elapsed_us, x.requests",
        ),
        (
            "observed",
            "w.new, x.seq, x.at_us, x.item, x.subject, x.rep, x.attempt, x.outcome, x.detail, (SELECT new FROM s WHERE old = x.reason),
             (SELECT new FROM b WHERE old = x.answer), (SELECT new FROM b WHERE old = x.reasoning), x.finish, (SELECT new FROM s WHERE old = x.served),
             x.tokens_in, x.tokens_out, x.cost_nano, x.elapsed_us, x.requests",
        ),
        (
            "judged",
            "w.new, x.seq, x.measure, x.at_us, (SELECT new FROM w WHERE old = x.of_writer), x.of_seq, x.item, x.subject, x.rep, x.judge, x.attempt,
             x.verdict, x.label, x.score, (SELECT new FROM s WHERE old = x.reason), (SELECT new FROM s WHERE old = x.note),
             x.tokens_in, x.tokens_out, x.cost_nano, x.elapsed_us, x.requests",
        ),
    ] {
        let all: i64 = tx.query_row(&format!("SELECT COUNT(*) FROM other.{table}"), [], |r| r.get(0))?;
        let sql =
            format!("INSERT OR IGNORE INTO main.{table} SELECT {select} FROM other.{table} x JOIN w ON w.old = x.writer");
        let added = tx.execute(&sql, [])? as u64;
        merged.added += added;
        merged.known += all as u64 - added;
    }
    tx.execute_batch("DROP TABLE w; DROP TABLE b; DROP TABLE s;")?;
    tx.commit()?;
    // The other journal may know amendments that this one did not.
    let plan = Journal::open(into)?.plan()?;
    let tx = conn.transaction()?;
    super::insert::names(&tx, &plan)?;
    tx.commit()?;
    Ok(merged)
}
