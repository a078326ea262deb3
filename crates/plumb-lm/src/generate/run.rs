//! The loop that keeps the batch full.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Instant;

use super::request::{Choice, Job, Outcome};
use super::sequence::Sequence;
use super::{Fault, choose};
use crate::Error;
use crate::forward::Input;
use crate::model::Model;

/// How much a generator does at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most sequences in flight. Each costs a cache of [`Cache::bytes_per_token`](crate::Cache::bytes_per_token) for
    /// every token of its prompt and answer.
    pub sequences: usize,
    /// Most tokens of prompts in a pass. More is a little faster and uses more memory.
    pub prompt_tokens: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sequences: 8, prompt_tokens: 256 }
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
}

/// A sequence and whose it is.
struct Slot<K> {
    key: K,
    sequence: Sequence,
}

/// Jobs that have come in and wait for a place.
struct Inbox<'a, K> {
    jobs: &'a Receiver<(K, Job)>,
    open: bool,
}

impl<K> Inbox<'_, K> {
    /// The next job; waits for it only if `idle`. `None` if there is none now.
    fn next(&mut self, idle: bool) -> Option<(K, Job)> {
        if !self.open {
            return None;
        }
        let next = if idle {
            self.jobs.recv().map_err(|_| TryRecvError::Disconnected)
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
        let limits =
            Limits { sequences: limits.sequences.max(1), prompt_tokens: limits.prompt_tokens.max(1) };
        Self { model, limits }
    }

    /// The model that answers.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Answers jobs as they come, until all senders of `jobs` are gone and everything is done.
    ///
    /// Blocks its thread, and waits on the channel while there is nothing to do; while it computes, new jobs join as
    /// places fall free. `audience` is called on this thread with each job's own key; what it does delays the others.
    /// After `cancel` is set, jobs still in the channel fail too; close the channel to make this return.
    ///
    /// A failed job never ends the run: its error is the job's outcome.
    pub fn serve<K>(&self, jobs: &Receiver<(K, Job)>, control: Control<'_>, audience: &mut impl Audience<K>) {
        let mut inbox = Inbox { jobs, open: true };
        let mut slots: Vec<Slot<K>> = Vec::new();
        while inbox.open || !slots.is_empty() {
            self.admit(&mut inbox, &mut slots, control, audience);
            end(&mut slots, control, audience);
            if !slots.is_empty() {
                self.pass(&mut slots, audience);
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

    /// Fills free places. Choices are answered on the spot, one between two passes, so that they do not hold up what is
    /// being written.
    fn admit<K>(
        &self,
        inbox: &mut Inbox<'_, K>,
        slots: &mut Vec<Slot<K>>,
        control: Control<'_>,
        audience: &mut impl Audience<K>,
    ) {
        while slots.len() < self.limits.sequences {
            let Some((key, job)) = inbox.next(slots.is_empty()) else { return };
            if control.cancel.load(Ordering::Relaxed) || !audience.waits(&key) {
                audience.event(&key, Event::Done(Err(Fault::Cancelled { tokens: 0 }.into())));
                continue;
            }
            match job {
                Job::Complete(request) => match Sequence::new(&self.model, request) {
                    Ok(sequence) => slots.push(Slot { key, sequence }),
                    Err(error) => audience.event(&key, Event::Done(Err(error))),
                },
                Job::Choose(choice) => {
                    let outcome = self.choose(&choice, control, || audience.waits(&key));
                    audience.event(&key, Event::Done(outcome.map(Outcome::Choices)));
                    if !slots.is_empty() {
                        return;
                    }
                }
            }
        }
    }

    fn choose(
        &self,
        choice: &Choice,
        control: Control<'_>,
        waits: impl Fn() -> bool,
    ) -> Result<super::Choices, Error> {
        let check = || {
            if control.cancel.load(Ordering::Relaxed) || !waits() {
                return Err(Fault::Cancelled { tokens: 0 }.into());
            }
            match choice.deadline {
                Some(deadline) if (control.now)() >= deadline => Err(Fault::Deadline { tokens: 0 }.into()),
                _ => Ok(()),
            }
        };
        choose::choose(&self.model, choice, self.limits.prompt_tokens, check)
    }

    /// One forward pass: a token of every sequence that is writing, and as much of the prompts as there is room for.
    fn pass<K>(&self, slots: &mut Vec<Slot<K>>, audience: &mut impl Audience<K>) {
        let mut room = self.limits.prompt_tokens;
        let mut members = Vec::new();
        let mut inputs = Vec::new();
        for (index, slot) in slots.iter_mut().enumerate() {
            let in_prompt = slot.sequence.in_prompt();
            let (piece, want) = slot.sequence.next(if in_prompt { room } else { 1 });
            if piece.is_empty() {
                continue;
            }
            if in_prompt {
                room -= piece.len();
            }
            let (cache, tokens, edits) = slot.sequence.parts(piece);
            members.push(index);
            inputs.push(Input { cache, tokens, want, edits });
        }
        let result = super::forward(&self.model, &mut inputs);
        drop(inputs);
        let logits = match result {
            Ok(logits) => logits,
            // Sequences are checked when they are admitted, so this does not happen; if it did, waiting would not help.
            Err(error) => return fail(slots, error, audience),
        };
        let mut finished = VecDeque::new();
        for (input, index) in members.into_iter().enumerate() {
            let slot = &mut slots[index];
            let rows = logits.rows(input);
            if rows.len() > 0 {
                slot.sequence.take(&self.model, rows);
                let text = slot.sequence.fresh_text();
                if !text.is_empty() {
                    audience.event(&slot.key, Event::Text(text));
                }
                if slot.sequence.is_finished() {
                    finished.push_front(index);
                }
            }
        }
        for index in finished {
            let slot = slots.remove(index);
            audience.event(&slot.key, Event::Done(Ok(Outcome::Completion(slot.sequence.into_completion()))));
        }
    }
}

/// Ends sequences whose time is up or for which nobody waits, or all if the run was cancelled.
fn end<K>(slots: &mut Vec<Slot<K>>, control: Control<'_>, audience: &mut impl Audience<K>) {
    if slots.is_empty() {
        return;
    }
    let cancelled = control.cancel.load(Ordering::Relaxed);
    let now = (control.now)();
    slots.retain(|slot| {
        let state = match cancelled || !audience.waits(&slot.key) {
            true => Err(slot.sequence.cancelled()),
            false => slot.sequence.check_time(now),
        };
        state.map_err(|error| audience.event(&slot.key, Event::Done(Err(error)))).is_ok()
    });
}

/// Gives every sequence the same outcome: the first the error itself, the others a cancellation.
fn fail<K>(slots: &mut Vec<Slot<K>>, error: Error, audience: &mut impl Audience<K>) {
    let mut error = Some(error);
    for slot in slots.drain(..) {
        let error = error.take().unwrap_or_else(|| slot.sequence.cancelled());
        audience.event(&slot.key, Event::Done(Err(error)));
    }
}
