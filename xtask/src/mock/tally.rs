//! Counts: what was asked, what was answered, how much at once.
//!
//! Everything is read from outside while the server works, so the counters are atomics and the table
//! of prompts is behind one lock that is held for a look-up only.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::config::Fault;
use crate::hash::Key;

/// How often one prompt came in, and how often a whole good reply to it went out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub asked: u32,
    pub answered: u32,
}

/// The counts at one moment; also the JSON of `GET /stats`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Requests to a model, whatever became of them.
    pub requests: u64,
    /// Whole good replies handed to the network.
    pub answered: u64,
    pub connections: u64,
    pub in_flight: u64,
    pub peak_in_flight: u64,
    /// Replies begun, by HTTP status.
    pub statuses: BTreeMap<u16, u64>,
    /// Faults committed, by name.
    pub faults: BTreeMap<String, u64>,
    /// Different prompts seen; 0 when prompts are not tracked, and so for the next three.
    pub distinct_prompts: u64,
    pub prompts_answered: u64,
    pub prompts_asked_again: u64,
    pub prompts_answered_again: u64,
}

/// A key is a hash already: hashing it again would be the dearest part of a look-up.
#[derive(Default)]
struct KeyIsHash(u64);

impl Hasher for KeyIsHash {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

type Prompts = HashMap<Key, Seen, BuildHasherDefault<KeyIsHash>>;

const STATUSES: usize = 600;

pub(crate) struct Tally {
    requests: AtomicU64,
    answered: AtomicU64,
    connections: AtomicU64,
    in_flight: AtomicI64,
    peak: AtomicI64,
    statuses: Vec<AtomicU64>,
    faults: Vec<AtomicU64>,
    prompts: Option<Mutex<Prompts>>,
}

impl Tally {
    pub(crate) fn new(track_prompts: bool) -> Tally {
        let zeros = |n: usize| (0..n).map(|_| AtomicU64::new(0)).collect();
        Tally {
            requests: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            in_flight: AtomicI64::new(0),
            peak: AtomicI64::new(0),
            statuses: zeros(STATUSES),
            faults: zeros(Fault::ALL.len()),
            prompts: track_prompts.then(Mutex::default),
        }
    }

    fn prompts(&self) -> Option<MutexGuard<'_, Prompts>> {
        let lock = self.prompts.as_ref()?;
        Some(lock.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    pub(crate) fn status(&self, status: u16) {
        if let Some(count) = self.statuses.get(usize::from(status)) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.faults[fault as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn in_flight(&self) -> u64 {
        u64::try_from(self.in_flight.load(Relaxed)).unwrap_or(0)
    }

    pub(crate) fn seen(&self, key: Key) -> Seen {
        self.prompts().and_then(|prompts| prompts.get(&key).copied()).unwrap_or_default()
    }

    pub(crate) fn reset(&self) {
        // In-flight requests stay in flight, so their number is not touched and the peak restarts there.
        self.requests.store(0, Relaxed);
        self.answered.store(0, Relaxed);
        self.connections.store(0, Relaxed);
        self.peak.store(self.in_flight.load(Relaxed), Relaxed);
        for count in self.statuses.iter().chain(&self.faults) {
            count.store(0, Relaxed);
        }
        if let Some(mut prompts) = self.prompts() {
            prompts.clear();
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let by_status = self.statuses.iter().zip(0u16..).map(|(n, status)| (status, n.load(Relaxed)));
        let by_fault =
            Fault::ALL.iter().map(|f| (f.name().to_owned(), self.faults[*f as usize].load(Relaxed)));
        let mut stats = Stats {
            requests: self.requests.load(Relaxed),
            answered: self.answered.load(Relaxed),
            connections: self.connections.load(Relaxed),
            in_flight: self.in_flight(),
            peak_in_flight: u64::try_from(self.peak.load(Relaxed)).unwrap_or(0),
            statuses: by_status.filter(|(_, n)| *n > 0).collect(),
            faults: by_fault.filter(|(_, n)| *n > 0).collect(),
            ..Stats::default()
        };
        if let Some(prompts) = self.prompts() {
            stats.distinct_prompts = prompts.len() as u64;
            for seen in prompts.values() {
                stats.prompts_answered += u64::from(seen.answered > 0);
                stats.prompts_asked_again += u64::from(seen.asked > 1);
                stats.prompts_answered_again += u64::from(seen.answered > 1);
            }
        }
        stats
    }
}

/// One request being dealt with. Dropping it, for whatever reason, ends its time in flight.
pub(crate) struct Ticket {
    tally: Arc<Tally>,
    key: Key,
    /// Which attempt at this prompt it is, from 0.
    pub(crate) attempt: u32,
}

impl Ticket {
    pub(crate) fn take(tally: &Arc<Tally>, key: Key) -> Ticket {
        tally.requests.fetch_add(1, Relaxed);
        let now = tally.in_flight.fetch_add(1, Relaxed) + 1;
        tally.peak.fetch_max(now, Relaxed);
        let attempt = tally.prompts().map_or(0, |mut prompts| {
            let seen = prompts.entry(key).or_default();
            seen.asked += 1;
            seen.asked - 1
        });
        Ticket { tally: Arc::clone(tally), key, attempt }
    }

    /// The last byte of a good reply was handed over.
    pub(crate) fn answered(&self) {
        self.tally.answered.fetch_add(1, Relaxed);
        if let Some(mut prompts) = self.tally.prompts() {
            prompts.entry(self.key).or_default().answered += 1;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.tally.in_flight.fetch_sub(1, Relaxed);
    }
}
