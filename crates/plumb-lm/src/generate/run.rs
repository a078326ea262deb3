//! The loop that keeps the batch full.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Fault;
use super::request::{Job, Outcome};
use super::slot::Slots;
use super::task::Task;
use crate::Error;
use crate::cache::KvType;
use crate::forward::Work;
use crate::model::Model;

/// How much a generator does at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most jobs in flight; those that have their prompt in common with one that is not begun come with it, at most as many again,
    /// since layers below an edit are computed once only for those that are read together.
    pub sequences: usize,
    /// Most tokens of prompts in a pass, or a little more for prompts that are kept in step. More is faster, uses more
    /// memory, and lets what is being written wait longer.
    pub prompt_tokens: usize,
    /// How keys and values are stored.
    pub kv: KvType,
    /// Memory in bytes for keys and values. A job is admitted when what it needs soon fits, or alone; caches that are
    /// kept for prompts to come give way, and then the answers that were begun last, which go on later.
    pub kv_bytes: usize,
    /// How long a generator that was idle waits for further jobs that belong together with the first.
    pub gather: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sequences: 8, prompt_tokens: 256, kv: KvType::F32, kv_bytes: 1 << 30, gather: Duration::ZERO }
    }
}

/// What a run needs from outside.
#[derive(Clone, Copy)]
pub struct Control<'a> {
    /// When set, every job that is not done fails with [`Error::is_cancelled`], soon: it is looked at before each pass.
    pub cancel: &'a AtomicBool,
    /// The clock for deadlines.
    pub now: &'a dyn Fn() -> Instant,
}

/// What happens to a job.
#[derive(Debug)]
pub enum Event<'a> {
    /// A completion grew by this text. Text that may turn out to be part of a stop text is held back until that is
    /// clear; all pieces together are the completion's text, but for an unfinished character at its end.
    Text(&'a str),
    /// The job is done; the last event of each job.
    Done(Result<Outcome, Error>),
}

/// Who gets what the jobs give. A closure whose argument types are written out is an audience that waits for everything.
pub trait Audience<K> {
    /// Something happened to the job of that key.
    fn event(&mut self, key: &K, event: Event<'_>);

    /// Whether somebody still waits for the job; asked before each pass. One that nobody waits for fails with
    /// [`Error::is_cancelled`] and makes room for others.
    fn waits(&self, key: &K) -> bool {
        let _ = key;
        true
    }
}

impl<K, F: FnMut(&K, Event<'_>)> Audience<K> for F {
    fn event(&mut self, key: &K, event: Event<'_>) {
        self(key, event);
    }
}

/// Answers jobs with one model.
#[derive(Debug, Clone)]
pub struct Generator {
    model: Arc<Model>,
    limits: Limits,
    work: Arc<Mutex<Work>>,
}

/// Jobs that have come in and wait for a place.
struct Inbox<'a, K> {
    jobs: &'a Receiver<(K, Job)>,
    open: bool,
    gather: Duration,
    /// One that waits for memory or a place.
    front: Option<(K, Task)>,
}

impl<K> Inbox<'_, K> {
    /// The next job; waits for it only if `idle`, and a moment if `fresh`. `None` if there is none now.
    fn next(&mut self, idle: bool, fresh: bool) -> Option<(K, Job)> {
        if !self.open {
            return None;
        }
        let next = if idle {
            self.jobs.recv().map_err(|_| TryRecvError::Disconnected)
        } else if fresh && !self.gather.is_zero() {
            self.jobs.recv_timeout(self.gather).map_err(|error| match error {
                RecvTimeoutError::Timeout => TryRecvError::Empty,
                RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
            })
        } else {
            self.jobs.try_recv()
        };
        self.open = !matches!(next, Err(TryRecvError::Disconnected));
        next.ok()
    }
}

impl Generator {
    /// A generator with at least one sequence and one prompt token at a time, whatever `limits` say.
    pub fn new(model: Arc<Model>, limits: Limits) -> Self {
        let (sequences, prompt_tokens) = (limits.sequences.max(1), limits.prompt_tokens.max(1));
        Self { model, limits: Limits { sequences, prompt_tokens, ..limits }, work: Arc::default() }
    }

    /// The model that answers.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// What was computed so far, by this generator and its clones, and what was not, being shared.
    pub fn work(&self) -> Work {
        *self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers jobs as they come, until all senders of `jobs` are gone and everything is done.
    ///
    /// Blocks its thread, and waits on the channel while there is nothing to do; while it computes, new jobs join as
    /// places fall free. `audience` is called on this thread with each job's own key; what it does delays the others.
    /// After `cancel` is set, jobs still in the channel fail too; close the channel to make this return.
    ///
    /// A failed job never ends the run: its error is the job's outcome.
    pub fn serve<K>(&self, jobs: &Receiver<(K, Job)>, control: Control<'_>, audience: &mut impl Audience<K>) {
        let mut inbox = Inbox { jobs, open: true, gather: self.limits.gather, front: None };
        let mut slots = Slots::new(self.model.clone(), self.limits);
        while inbox.open || inbox.front.is_some() || !slots.is_empty() {
            self.admit(&mut inbox, &mut slots, control, audience);
            end(&mut slots, control, audience);
            if !slots.is_empty() {
                let work = slots.pass(audience);
                *self.work.lock().unwrap_or_else(PoisonError::into_inner) += work;
            }
        }
    }

    /// Answers `jobs` and returns the outcomes in their order.
    pub fn run(&self, jobs: Vec<Job>, control: Control<'_>) -> Vec<Result<Outcome, Error>> {
        let (sender, receiver) = std::sync::mpsc::channel();
        let mut outcomes: Vec<Option<Result<Outcome, Error>>> = jobs.iter().map(|_| None).collect();
        for job in jobs.into_iter().enumerate() {
            // The receiver is alive: it is a local of this function.
            let _ = sender.send(job);
        }
        drop(sender);
        let mut collect = |index: &usize, event: Event<'_>| {
            if let Event::Done(outcome) = event {
                outcomes[*index] = Some(outcome);
            }
        };
        self.serve(&receiver, control, &mut collect);
        let lost = || Err(Fault::Cancelled { tokens: 0 }.into());
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(lost)).collect()
    }

    /// Fills free places, as far as memory allows.
    fn admit<K>(
        &self,
        inbox: &mut Inbox<'_, K>,
        slots: &mut Slots<K>,
        control: Control<'_>,
        audience: &mut impl Audience<K>,
    ) {
        if !slots.resume() {
            return;
        }
        let fresh = slots.is_empty();
        while slots.len() < 2 * self.limits.sequences {
            let full = slots.len() >= self.limits.sequences;
            let next = match inbox.front.take() {
                Some(ready) => Some(Ok(ready)),
                None => inbox.next(slots.is_empty(), fresh).map(Err),
            };
            let Some(next) = next else { return };
            let key = match &next {
                Ok((key, _)) | Err((key, _)) => key,
            };
            if control.cancel.load(Ordering::Relaxed) || !audience.waits(key) {
                audience.event(key, Event::Done(Err(Fault::Cancelled { tokens: 0 }.into())));
                continue;
            }
            let (key, task) = match next {
                Ok(ready) => ready,
                Err((key, job)) => match Task::new(&self.model, job, slots.memory()) {
                    Ok(task) => (key, task),
                    Err(error) => {
                        audience.event(&key, Event::Done(Err(error)));
                        continue;
                    }
                },
            };
            match slots.has_room(&task) && (!full || slots.begins_with(&task)) {
                true => slots.add(key, task),
                false => {
                    inbox.front = Some((key, task));
                    return;
                }
            }
        }
    }
}

/// Ends jobs whose time is up or for which nobody waits, or all if the run was cancelled.
fn end<K>(slots: &mut Slots<K>, control: Control<'_>, audience: &mut impl Audience<K>) {
    if slots.is_empty() {
        return;
    }
    let cancelled = control.cancel.load(Ordering::Relaxed);
    let now = (control.now)();
    slots.retain(|key, task| {
        let tokens = task.written();
        let error = match task.deadline() {
            _ if cancelled || !audience.waits(key) => Fault::Cancelled { tokens },
            Some(deadline) if now >= deadline => Fault::Deadline { tokens },
            _ => return true,
        };
        audience.event(key, Event::Done(Err(error.into())));
        false
    });
}
