//! What all requests share: the study's people behind one lock, the journal's writer, and what is on disk already.
//!
//! A change is decided, applied and put into the writer's queue under the lock, so that the journal has the changes in
//! the order in which they were decided. Nobody is shown anything that depends on a change before it is on disk: a
//! response waits for the last change of its person ([`Shared::settled`]). If the disk fails, memory is ahead of it; the
//! server then answers nothing more ([`Shared::is_broken`]) and is to be started again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use plumb_human::collect::{Collection, Request};
use plumb_study::Event;
use plumb_study::journal::{Submitted, Writer};
use plumb_study::people::{Collecting, PersonEvent, PersonIx};
use tokio::sync::{mpsc, oneshot, watch};

use super::keys::Keys;
use super::rate::Rate;

/// What comes from outside: this crate reads no clock of the day and no randomness itself.
#[derive(Clone)]
pub struct Outside {
    /// Microseconds since 1970.
    pub now_us: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Fills with random bytes of the system; false where there are none.
    pub random: fn(&mut [u8]) -> bool,
}

pub(super) struct Shared {
    state: Mutex<State>,
    writer: Writer,
    queue: mpsc::UnboundedSender<(u64, Submitted)>,
    disk: watch::Receiver<Disk>,
    pub(super) keys: Keys,
    pub(super) outside: Outside,
    pub(super) admin: blake3::Hash,
    /// Whether browsers reach the server over TLS: cookies then never go another way.
    pub(super) secure: bool,
    pub(super) refused: Refuses,
    /// What the platform signs its messages with, where it sends any.
    pub(super) platform: Option<String>,
    /// The most people that are let in, for a pilot.
    pub(super) most: Option<usize>,
    /// When the days of collection are over.
    pub(super) closes_us: Option<i64>,
    pub(super) rate: Rate,
}

/// How far the disk is.
#[derive(Default)]
struct Disk {
    done: u64,
    broken: bool,
}

pub(super) struct State {
    pub(super) collection: Collection,
    /// Whether new people are let in.
    pub(super) open: bool,
    sent: u64,
    /// Number of the last batch of each person.
    last: HashMap<PersonIx, u64>,
    /// When a screen was first shown: (screen, when).
    shown: HashMap<PersonIx, (usize, i64)>,
    /// Messages of errors in browsers, and how often.
    pub(super) reports: HashMap<String, u64>,
    /// What the platform's messages came to, and how often.
    pub(super) told: BTreeMap<String, u64>,
}

impl State {
    /// The number of the last change of a person: what must be on disk before anything is shown to that person.
    pub(super) fn last(&self, who: PersonIx) -> u64 {
        self.last.get(&who).copied().unwrap_or(0)
    }

    /// When the due screen was first shown; from now on, if it was not.
    pub(super) fn shown(&mut self, who: PersonIx, screen: usize, now_us: i64) -> i64 {
        let entry = self.shown.entry(who).or_insert((screen, now_us));
        if entry.0 != screen {
            *entry = (screen, now_us);
        }
        entry.1
    }

    /// When the due screen was first shown, if this server showed it.
    pub(super) fn was_shown(&self, who: PersonIx, screen: usize) -> Option<i64> {
        self.shown.get(&who).filter(|(shown, _)| *shown == screen).map(|(_, at)| *at)
    }
}

/// Whether whoever has an identifier took part where people are refused from, a pilot or another study.
pub type Refuses = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// Something that whoever looks after the study asks for, and where the outcome goes: nothing, or why it cannot be.
pub struct Asked {
    /// What.
    pub request: Request,
    /// Told once it is on disk.
    pub done: oneshot::Sender<Result<(), String>>,
}

/// All that a study's server starts with.
pub struct StudyConfig {
    /// The study and its people.
    pub collection: Collection,
    /// Where events go.
    pub writer: Writer,
    /// Makes links.
    pub keys: Keys,
    /// Opens the page of whoever looks after the study.
    pub admin_token: String,
    /// Whether browsers reach the server over TLS, by a proxy before it. Addresses that the proxy forwards are then
    /// believed.
    pub behind_tls: bool,
    /// Whether new people are let in.
    pub open: bool,
    /// Who took part where people are refused from.
    pub refused: Refuses,
    /// The most people that are let in, for a pilot.
    pub most: Option<usize>,
    /// When the days of collection are over, microseconds since 1970: nobody new is let in from then on.
    pub closes_us: Option<i64>,
    /// What Prolific signs its messages with, where it is told to send some.
    pub platform: Option<String>,
    /// What is asked of the server from outside the web; it ends when the other end is gone.
    pub asked: mpsc::Receiver<Asked>,
    /// Clock and randomness.
    pub outside: Outside,
}

impl Shared {
    /// The state, and what will be asked of it from outside the web.
    pub(super) fn new(config: StudyConfig) -> (Shared, mpsc::Receiver<Asked>) {
        let (queue, submitted) = mpsc::unbounded_channel();
        let (sender, disk) = watch::channel(Disk::default());
        tokio::spawn(acknowledge(submitted, sender));
        let shared = Shared {
            admin: config.keys.admin(&config.admin_token),
            state: Mutex::new(State {
                collection: config.collection,
                open: config.open,
                sent: 0,
                last: HashMap::new(),
                shown: HashMap::new(),
                reports: HashMap::new(),
                told: BTreeMap::new(),
            }),
            writer: config.writer,
            queue,
            disk,
            keys: config.keys,
            outside: config.outside,
            secure: config.behind_tls,
            refused: config.refused,
            platform: config.platform,
            most: config.most,
            closes_us: config.closes_us,
            rate: Rate::default(),
        };
        (shared, config.asked)
    }

    /// The state, for a moment: never held while anything is awaited.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked here has left a state that some journal's events lead to, or the server is broken.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now_us(&self) -> i64 {
        (self.outside.now_us)()
    }

    /// Random bytes as hexadecimal digits; `None` where the system has none.
    pub(super) fn nonce(&self) -> Option<String> {
        let mut bytes = [0; 16];
        (self.outside.random)(&mut bytes).then(|| bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Puts events into the writer's queue. The state's lock is held by whoever decided them.
    pub(super) fn submit(&self, state: &mut State, events: Vec<PersonEvent>) {
        self.submit_all(state, events.into_iter().map(Event::Person).collect());
    }

    /// The same for any events; the number of what they are written with, 0 where there are none.
    fn submit_all(&self, state: &mut State, events: Vec<Event>) -> u64 {
        if events.is_empty() {
            return 0;
        }
        state.sent += 1;
        let now = self.now_us();
        for event in &events {
            if let Event::Person(event) = event {
                state.collection.dated(event, now);
                state.last.insert(event.person, state.sent);
            }
        }
        let submitted = self.writer.submit(events);
        // The other end lives as long as this server.
        let _ = self.queue.send((state.sent, submitted));
        state.sent
    }

    /// Does what was asked for, and waits until it is on disk.
    pub(super) async fn perform(&self, request: &Request) -> Result<(), String> {
        let number = {
            let mut state = self.lock();
            let events = request.apply(&mut state.collection, |id| self.keys.mark(id));
            let events = events.map_err(|error| error.to_string())?;
            self.submit_all(&mut state, events)
        };
        if self.reached(number).await { Ok(()) } else { Err("the disk failed".to_owned()) }
    }

    /// The same for an event about the whole study; resolves once it is on disk.
    pub(super) async fn record(&self, event: Collecting) -> bool {
        self.writer.append(vec![Event::Collecting(event)]).await.is_ok()
    }

    /// Waits until all that was decided about a person is on disk. False if the disk has failed.
    pub(super) async fn settled(&self, who: PersonIx) -> bool {
        let number = self.lock().last(who);
        self.reached(number).await
    }

    /// Waits until the change with this number is on disk. False if the disk has failed.
    pub(super) async fn reached(&self, number: u64) -> bool {
        {
            let disk = self.disk.borrow();
            if disk.broken || disk.done >= number {
                return !disk.broken;
            }
        }
        let mut disk = self.disk.clone();
        let reached = disk.wait_for(|disk| disk.broken || disk.done >= number).await;
        reached.is_ok_and(|disk| !disk.broken)
    }

    /// Whether the disk has failed.
    pub(super) fn is_broken(&self) -> bool {
        self.disk.borrow().broken
    }
}

/// Tells how far the disk is. Batches are on disk in the order in which they were submitted; all that share a commit
/// are told of at once.
async fn acknowledge(mut submitted: mpsc::UnboundedReceiver<(u64, Submitted)>, disk: watch::Sender<Disk>) {
    let mut batches = Vec::new();
    while submitted.recv_many(&mut batches, 4096).await > 0 {
        let mut reached = None;
        for (number, batch) in batches.drain(..) {
            let mut done = std::pin::pin!(batch.done());
            let outcome = match done.as_mut().now_or_never() {
                Some(outcome) => outcome,
                None => {
                    if let Some(number) = reached.take() {
                        disk.send_modify(|disk| disk.done = number);
                    }
                    done.await
                }
            };
            if outcome.is_err() {
                disk.send_modify(|disk| disk.broken = true);
                return;
            }
            reached = Some(number);
        }
        if let Some(number) = reached {
            disk.send_modify(|disk| disk.done = number);
        }
    }
}
