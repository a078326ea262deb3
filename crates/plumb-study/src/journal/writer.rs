//! The writer: one thread that owns the connection and shares one commit, and one sync, among all events
//! that arrive within some milliseconds. An append resolves after that sync and not before.

use super::insert::Inserter;
use super::{Opening, connect, side};
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::id::EventId;
use crate::people::What;
use std::fs::File;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a first event waits for company.
const GATHER: Duration = Duration::from_millis(15);
/// Most events of one commit.
const MOST: usize = 8192;

type Ack = Result<Vec<EventId>, (bool, String)>;

struct Batch {
    events: Vec<Event>,
    ack: oneshot::Sender<Ack>,
}

/// Appends events. Cheap to clone; the file is released when the last clone is gone.
#[derive(Clone)]
pub struct Writer {
    queue: Sender<Batch>,
    _thread: std::sync::Arc<Joined>,
}

/// Joins the thread when the last writer is dropped, so that the lock is free afterwards.
struct Joined(Option<std::thread::JoinHandle<()>>, Option<Sender<Batch>>);

impl Drop for Joined {
    fn drop(&mut self) {
        // The thread ends when all senders are gone; ours in `Writer` may outlive this one by a moment, so
        // it is told by an empty batch instead of waited for.
        if let Some(queue) = self.1.take() {
            let (ack, _) = oneshot::channel();
            let _ = queue.send(Batch { events: Vec::new(), ack });
        }
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

impl Writer {
    pub(super) fn open(path: &Path, opening: Opening) -> Result<Writer> {
        let lock = lock(path)?;
        let conn = connect(path)?;
        conn.pragma_update(None, "journal_mode", "WAL")?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "wal_autocheckpoint", 8192)?;
        conn.pragma_update(None, "cache_size", -32_000)?;
        conn.set_prepared_statement_cache_capacity(32);
        let inserter = Inserter::new(&conn, &opening)?;
        let (queue, batches) = channel();
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || {
                serve(&conn, inserter, &opening, &batches);
                // Leaves one file that stands alone.
                let _ = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
                drop(conn);
                drop(lock);
            })
            .map_err(|e| Error::io(path, e))?;
        Ok(Writer { queue: queue.clone(), _thread: std::sync::Arc::new(Joined(Some(thread), Some(queue))) })
    }

    /// Appends events in one transaction; their ids come back once they are on disk.
    pub async fn append(&self, events: Vec<Event>) -> Result<Vec<EventId>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        self.submit(events).done().await
    }

    /// Puts events into the queue now: what is submitted first is written first. [`Submitted::done`] resolves once they
    /// are on disk.
    pub fn submit(&self, events: Vec<Event>) -> Submitted {
        let (ack, answer) = oneshot::channel();
        // Without the thread, the sender of the acknowledgement is dropped here, and `done` says so.
        let _ = self.queue.send(Batch { events, ack });
        Submitted(answer)
    }
}

/// Events on their way to the disk.
pub struct Submitted(oneshot::Receiver<Ack>);

impl Submitted {
    /// Their ids, once they are on disk.
    pub async fn done(self) -> Result<Vec<EventId>> {
        let gone = || Error::journal("the journal's writer has stopped after an earlier error");
        match self.0.await {
            Ok(Ok(ids)) => Ok(ids),
            Ok(Err((full, message))) => {
                let kind = if full { Kind::Full } else { Kind::Journal };
                Err(Error::new(kind, message)
                    .help("free some space or mend the cause, then run the same command again: every acknowledged answer is kept"))
            }
            Err(_) => Err(gone()),
        }
    }
}

/// Takes the right to write a journal, or to make or move it. One process has it at a time; it goes with the
/// file that is returned, and with the process, however it ends.
pub fn lock(path: &Path) -> Result<File> {
    let beside = side(path, ".lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&beside)
        .map_err(|e| Error::io(&beside, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Error::held(format!("another plumb is writing {}", path.display()))
                .help("wait for it, or run another shard in another folder and merge them"))
        }
        Err(std::fs::TryLockError::Error(e)) => Err(Error::io(&beside, e)),
    }
}

fn serve(conn: &rusqlite::Connection, mut inserter: Inserter, opening: &Opening, batches: &Receiver<Batch>) {
    loop {
        let Ok(first) = batches.recv() else { return };
        if first.events.is_empty() {
            return;
        }
        let (gathered, last) = gather(first, batches);
        let before = inserter.seq();
        match commit(conn, &mut inserter, opening, &gathered) {
            Ok(ids) => {
                if gathered.iter().flat_map(|batch| &batch.events).any(erases) {
                    // What was erased must not live on in the log.
                    let _ = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
                }
                // The last first: whoever takes them in order wakes once for all of a commit, and finds them all told.
                for (batch, ids) in gathered.into_iter().zip(ids).rev() {
                    let _ = batch.ack.send(Ok(ids));
                }
            }
            Err(error) => {
                inserter.rewind(before);
                for batch in gathered {
                    let _ = batch.ack.send(Err((error.is_disk_full(), error.to_string())));
                }
            }
        }
        if last {
            return;
        }
    }
}

/// What came within [`GATHER`] of the first, and whether it is the last. Sleeping and looking once costs less than being woken for
/// each that comes.
fn gather(first: Batch, batches: &Receiver<Batch>) -> (Vec<Batch>, bool) {
    let mut size = first.events.len();
    if size < MOST {
        std::thread::sleep(GATHER);
    }
    let mut gathered = vec![first];
    while size < MOST {
        match batches.try_recv() {
            Ok(batch) if batch.events.is_empty() => return (gathered, true),
            Ok(batch) => {
                size += batch.events.len();
                gathered.push(batch);
            }
            Err(TryRecvError::Empty) => break,
            Err(TryRecvError::Disconnected) => return (gathered, true),
        }
    }
    (gathered, false)
}

fn erases(event: &Event) -> bool {
    matches!(event, Event::Person(person) if matches!(person.what, What::Erased | What::Parted))
}

fn commit(
    conn: &rusqlite::Connection,
    inserter: &mut Inserter,
    opening: &Opening,
    batches: &[Batch],
) -> Result<Vec<Vec<EventId>>> {
    let at_us = (opening.now_us)();
    let tx = rusqlite::Transaction::new_unchecked(conn, rusqlite::TransactionBehavior::Immediate)?;
    let mut all = Vec::with_capacity(batches.len());
    for batch in batches {
        let mut ids = Vec::with_capacity(batch.events.len());
        for event in &batch.events {
            let id = inserter.event(&tx, event, at_us, &ids)?;
            ids.push(id);
        }
        all.push(ids);
    }
    tx.commit()?;
    Ok(all)
}
