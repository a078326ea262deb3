//! The journal: one SQLite file of events that are only ever appended.
//!
//! Start at [`Journal::create`] and [`Journal::open`]. [`Writer`] appends and acknowledges after a shared
//! sync; [`read`] iterates over rows; [`merge`] unites two journals of one plan. What the rows mean
//! together is for [`crate::ledger`].

mod ends;
mod insert;
mod merge;
mod people;
mod read;
mod schema;
mod writer;

pub use merge::{Merged, merge};
pub use people::{CollectingRow, PersonRecord, PersonRow};
pub use read::{JudgedRow, ObservedRow, Outcome, StepRow, Verdict as StoredVerdict};
pub use writer::{Submitted, Writer, lock};

use crate::error::{Error, Result};
use crate::event::{Event, Stop};
use crate::format;
use crate::id::{Digest, EventId};
use crate::plan::Plan;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One opening of a journal for writing: what the outside supplies.
#[derive(Clone)]
pub struct Opening {
    /// 64 random bits of the operating system.
    pub random: [u8; 8],
    /// Microseconds since 1970, now.
    pub now_us: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Name and version of the program.
    pub program: String,
}

/// A journal open for reading.
pub struct Journal {
    path: PathBuf,
    conn: Connection,
}

impl Journal {
    /// Makes a journal whose first event is the plan. The file appears under its name only when complete.
    pub fn create(path: &Path, plan: &Plan, locked: bool, opening: &Opening) -> Result<Journal> {
        let temp = path.with_extension("plumb.new");
        for stale in [temp.clone(), side(&temp, "-wal"), side(&temp, "-shm")] {
            match std::fs::remove_file(&stale) {
                Ok(()) => {}
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(Error::io(&stale, e)),
            }
        }
        {
            let mut conn = Connection::open(&temp)?;
            conn.pragma_update(None, "journal_mode", "DELETE")?;
            conn.pragma_update(None, "synchronous", "FULL")?;
            let tx = conn.transaction()?;
            schema::create(&tx, plan.is_of_people())?;
            let mut insert = insert::Inserter::new(&tx, opening)?;
            let event = Event::Frozen { plan: format::canonical(plan), locked };
            insert.event(&tx, &event, (opening.now_us)(), &[])?;
            insert::names(&tx, plan)?;
            tx.commit()?;
        }
        std::fs::rename(&temp, path).map_err(|e| Error::io(path, e))?;
        Journal::open(path)
    }

    /// Opens a journal for reading.
    pub fn open(path: &Path) -> Result<Journal> {
        if !path.is_file() {
            return Err(Error::journal(format!("there is no journal {}", path.display()))
                .help("give the run's folder, such as runs/quickstart"));
        }
        let conn = connect(path)?;
        schema::check(&conn, path)?;
        Ok(Journal { path: path.to_owned(), conn })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it for appending. At most one process writes at a time.
    pub fn writer(&self, opening: Opening) -> Result<Writer> {
        Writer::open(&self.path, opening)
    }

    /// The plan in force: the root with all amendments.
    pub fn plan(&self) -> Result<Plan> {
        self.plan_at(in_force(self.root_digest()?, &self.amendments()?)?)
    }

    /// The plan as first frozen.
    pub fn root_plan(&self) -> Result<Plan> {
        let digest = self.frozen()?.0;
        self.plan_at(digest)
    }

    /// Digest of the plan as first frozen, without reading the plan.
    pub fn root_digest(&self) -> Result<Digest> {
        Ok(self.frozen()?.0)
    }

    /// Whether a lock file with the plan's hash was there before the first trial, in every journal that was
    /// merged into this one.
    pub fn was_locked(&self) -> Result<bool> {
        let mut statement = self
            .conn
            .prepare("SELECT b.text FROM events e JOIN bodies b ON b.id = e.body WHERE e.kind = 'frozen'")?;
        let texts: Vec<String> = statement.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?;
        texts.iter().try_fold(true, |all, text| Ok(all && insert::read_frozen(text)?.1))
    }

    fn frozen(&self) -> Result<(Digest, bool)> {
        let mut statement = self.conn.prepare(
            "SELECT b.text FROM events e JOIN bodies b ON b.id = e.body WHERE e.kind = 'frozen' ORDER BY e.writer, e.seq LIMIT 1",
        )?;
        let text: Option<String> = statement.query_row([], |r| r.get(0)).optional()?;
        let text = text.ok_or_else(|| Error::journal("the journal holds no plan"))?;
        let (plan, locked) = insert::read_frozen(&text)?;
        Ok((plan, locked))
    }

    /// All amendments, with their reasons, in the order in which they were written.
    pub fn amendments(&self) -> Result<Vec<Amended>> {
        let mut statement = self.conn.prepare(
            "SELECT b.text FROM events e JOIN bodies b ON b.id = e.body WHERE e.kind = 'amended' ORDER BY e.at_us, e.writer, e.seq",
        )?;
        let texts: Vec<String> = statement.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?;
        texts.iter().map(|t| insert::read_amended(t)).collect()
    }

    /// A plan that this journal holds: the root or an amendment.
    pub fn plan_at(&self, plan: Digest) -> Result<Plan> {
        let header = self.body(plan)?;
        let items = self.body(format::items_digest(&header)?)?;
        format::decode(&header, &items)
    }

    /// A body by its digest.
    pub fn body(&self, digest: Digest) -> Result<Arc<str>> {
        let mut statement = self.conn.prepare_cached("SELECT text FROM bodies WHERE digest = ?1")?;
        let text: Option<String> = statement.query_row([&digest.0[..]], |r| r.get(0)).optional()?;
        text.map(Into::into).ok_or_else(|| Error::journal(format!("the body {} is missing", digest.short())))
    }

    /// A body by its number in this journal.
    pub fn body_at(&self, id: i64) -> Result<Arc<str>> {
        let mut statement = self.conn.prepare_cached("SELECT text FROM bodies WHERE id = ?1")?;
        let text: Option<String> = statement.query_row([id], |r| r.get(0)).optional()?;
        text.map(Into::into).ok_or_else(|| Error::journal(format!("the body number {id} is missing")))
    }

    /// Number of the body that is the empty text, if any answer is empty.
    pub fn empty_body(&self) -> Result<Option<i64>> {
        let mut statement = self.conn.prepare_cached("SELECT id FROM bodies WHERE digest = ?1")?;
        Ok(statement.query_row([&Digest::of(b"").0[..]], |r| r.get(0)).optional()?)
    }

    /// Number of bodies whose text no longer has their digest, and number of bodies.
    pub fn check_bodies(&self) -> Result<(u64, u64)> {
        let mut statement = self.conn.prepare("SELECT digest, text FROM bodies")?;
        let mut rows = statement.query([])?;
        let (mut wrong, mut all) = (0, 0);
        while let Some(row) = rows.next()? {
            let digest = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            let text = row.get_ref(1)?.as_bytes().map_err(rusqlite::Error::from)?;
            wrong += u64::from(Digest::of(text).0 != digest);
            all += 1;
        }
        Ok((wrong, all))
    }

    /// Short repeated texts (reasons, notes, served models) by number.
    pub fn strings(&self) -> Result<Strings> {
        let mut statement = self.conn.prepare("SELECT id, text FROM strings")?;
        let mut rows = statement.query([])?;
        let mut strings = Strings::default();
        while let Some(row) = rows.next()? {
            strings.0.insert(row.get(0)?, row.get::<_, String>(1)?.into());
        }
        Ok(strings)
    }

    /// Session ends, in order: how often each kind, and the last.
    pub fn last_stop(&self) -> Result<Option<Stop>> {
        let mut statement = self.conn.prepare(
            "SELECT b.text FROM events e JOIN bodies b ON b.id = e.body WHERE e.kind = 'closed' ORDER BY e.at_us DESC, e.writer DESC, e.seq DESC LIMIT 1",
        )?;
        let text: Option<String> = statement.query_row([], |r| r.get(0)).optional()?;
        text.map(|t| insert::read_closed(&t)).transpose()
    }

    /// For each writer number, its rank by random bits: an order that merging does not change.
    pub(crate) fn writer_order(&self) -> Result<Vec<u32>> {
        let mut statement = self.conn.prepare("SELECT id FROM writers ORDER BY random")?;
        let ids: Vec<i64> = statement.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?;
        let mut order = vec![u32::MAX; ids.iter().max().map_or(0, |m| *m as usize + 1)];
        for (rank, id) in ids.iter().enumerate() {
            order[*id as usize] = rank as u32;
        }
        Ok(order)
    }

    /// Programs that wrote, oldest first.
    pub fn programs(&self) -> Result<Vec<String>> {
        let mut statement = self
            .conn
            .prepare("SELECT program FROM writers GROUP BY program ORDER BY MIN(opened_us), program")?;
        Ok(statement.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?)
    }

    /// A digest over the identities of all observations and judgments: equal journals, equal digest,
    /// whatever the order in which they were written.
    pub fn state(&self) -> Result<Digest> {
        let mut parts = Vec::new();
        for table in ["events", "steps", "observed", "judged", PEOPLE] {
            if table == PEOPLE && !self.has_people()? {
                continue;
            }
            let mut statement = self.conn.prepare(&format!(
                "SELECT w.random, COUNT(*), MAX(t.seq) FROM {table} t JOIN writers w ON w.id = t.writer GROUP BY w.random ORDER BY w.random"
            ))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let random: Vec<u8> = row.get(0)?;
                parts.push(format!("{table} {random:?} {} {}", row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
            }
        }
        Ok(Digest::of(parts.join("\n").as_bytes()))
    }
}

/// The table of what happened to people; only journals of studies have it.
const PEOPLE: &str = "person_events";

/// Digest of the plan that the amendments lead to.
fn in_force(root: Digest, amendments: &[Amended]) -> Result<Digest> {
    let mut plan = root;
    for _ in 0..=amendments.len() {
        let mut next = amendments.iter().filter(|a| a.parent == plan && a.plan != plan);
        let Some(first) = next.next() else { return Ok(plan) };
        if next.any(|other| other.plan != first.plan) {
            return Err(Error::journal("the plan was amended in two different ways")
                .help("merge journals before amending them or judging with further judges"));
        }
        plan = first.plan;
    }
    Err(Error::journal("the amendments of the plan form a circle"))
}

/// An amendment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amended {
    /// Digest of the amended plan.
    pub plan: Digest,
    /// Digest of the plan before.
    pub parent: Digest,
    /// Why.
    pub reason: Arc<str>,
}

/// Texts by number.
#[derive(Clone, Debug, Default)]
pub struct Strings(std::collections::HashMap<i64, Arc<str>>);

impl Strings {
    /// The text, or a placeholder that says it is missing.
    pub fn get(&self, id: Option<i64>) -> Option<Arc<str>> {
        id.map(|id| self.0.get(&id).cloned().unwrap_or_else(|| "(text missing)".into()))
    }
}

fn side(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn connect(path: &Path) -> Result<Connection> {
    let plain = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let writable = OpenFlags::SQLITE_OPEN_READ_WRITE | plain;
    let conn = Connection::open_with_flags(path, writable)
        .or_else(|_| Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | plain))?;
    conn.busy_timeout(std::time::Duration::from_secs(10))?;
    // Where nothing may be written beside the file, SQLite cannot read it in the usual way. A file without a
    // log beside it is whole, and can be read as it stands.
    let readable = conn.query_row("SELECT COUNT(*) FROM sqlite_master", [], |_| Ok(())).is_ok();
    if readable || side(path, "-wal").exists() {
        return Ok(conn);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | plain;
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    match Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags) {
        Ok(immutable)
            if immutable.query_row("SELECT COUNT(*) FROM sqlite_master", [], |_| Ok(())).is_ok() =>
        {
            Ok(immutable)
        }
        _ => Ok(conn),
    }
}

/// Identity of an event from its columns.
fn event_id(writer: i64, seq: i64) -> EventId {
    EventId { writer: writer as u32, seq: seq as u64 }
}
