//! Answers of earlier runs, by all that decides an answer. Opt-in, and only for answers: a failure or a
//! filtered reply is never kept.

use crate::error::Result;
use crate::format;
use crate::id::Digest;
use crate::party::{Ask, Outcome, Reply};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A file of answers, shared by runs.
pub struct AnswerCache(Mutex<Connection>);

/// The key of an answer: who is asked (with revision), what, how the answer is drawn, for which item, and which
/// repetition. Two items with one prompt are asked twice, since they count as two. The seed counts only for a party that answers equal seeds equally and draws at random.
pub(super) fn key(spec: Digest, ask: &Ask, item: &str, rep: u16, seeded: bool) -> Digest {
    let seed = if seeded && ask.sampling.temperature != Some(0.0) { ask.seed } else { 0 };
    let what = Ask { seed, trial: None, ..ask.clone() }.digest();
    Digest::of_parts(&[b"answer 2", &spec.0, &what.0, item.as_bytes(), &rep.to_le_bytes()])
}

impl AnswerCache {
    /// Opens or makes the file.
    pub fn open(path: &Path) -> Result<AnswerCache> {
        AnswerCache::ready(path).map_err(|error| {
            error.at(path.display()).help("it holds nothing but answers of earlier runs; it may be deleted")
        })
    }

    fn ready(path: &Path) -> Result<AnswerCache> {
        let conn = Connection::open(path)?;
        conn.busy_timeout(std::time::Duration::from_secs(10))?;
        conn.pragma_update(None, "journal_mode", "WAL")?;
        conn.pragma_update(None, "synchronous", "NORMAL")?;
        conn.execute_batch(
            "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, reply TEXT NOT NULL, tokens_in INTEGER, tokens_out INTEGER) STRICT, WITHOUT ROWID",
        )?;
        Ok(AnswerCache(Mutex::new(conn)))
    }

    /// A kept answer. One that cannot be read counts as none.
    pub(super) fn get(&self, key: Digest) -> Option<Reply> {
        let conn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement =
            conn.prepare_cached("SELECT reply, tokens_in, tokens_out FROM answers WHERE key = ?1").ok()?;
        let (text, tokens_in, tokens_out): (String, Option<u32>, Option<u32>) = statement
            .query_row([&key.0[..]], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
            .optional()
            .ok()??;
        let reply = format::reply::decode(&text).ok()?.ok()?;
        Some(Reply { tokens_in, tokens_out, ..reply })
    }

    /// Keeps an answer; a cache that cannot be written is no reason to stop a run.
    pub(super) fn put(&self, key: Digest, reply: &Reply) {
        if !matches!(reply.outcome, Outcome::Answered { .. }) {
            return;
        }
        let conn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = format::reply::encode(&Ok(reply.clone()));
        if let Ok(mut insert) = conn.prepare_cached("INSERT OR REPLACE INTO answers VALUES (?1, ?2, ?3, ?4)")
        {
            let _ = insert.execute(params![&key.0[..], text, reply.tokens_in, reply.tokens_out]);
        }
    }
}
