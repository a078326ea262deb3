//! The jobs in flight, and what each pass computes of them.
//!
//! A pass takes the next token of everything that is being written, and pieces of what is being read, as far as there is
//! room. Jobs whose prompts are the same but for their edits get pieces of the same size, so that `forward::merge` can
//! compute their common layers once. One whose prompt begins as that of another, which is not read so far, waits for it
//! and goes on from its cache. Start with [`Slots::pass`]. Not here: admission (`run`).

use std::collections::VecDeque;
use std::sync::Arc;

use super::Fault;
use super::choose;
use super::run::{Audience, Event, Limits};
use super::store::{Store, usable};
use super::task::{Task, in_step};
use crate::Error;
use crate::cache::{Memory, PAGE};
use crate::forward::Work;
use crate::model::Model;

/// A shorter common beginning is not worth waiting for.
const WORTH_WAITING: usize = 16;
/// Prompts in step get at least so many tokens each a pass: fewer would read all weights for little.
const STEP: usize = 64;

struct Slot<K> {
    key: K,
    id: u64,
    task: Task,
    /// Another slot that reads the same beginning, and its length.
    waits_for: Option<(u64, usize)>,
}

pub(super) struct Slots<K> {
    model: Arc<Model>,
    limits: Limits,
    memory: Memory,
    slots: Vec<Slot<K>>,
    /// Answers that gave their memory back to those begun before them, the next to go on first.
    aside: VecDeque<(K, Task)>,
    store: Store,
    ids: u64,
    /// The last one that was there at a pass.
    begun: u64,
    reused: u64,
}

impl<K> Slots<K> {
    pub(super) fn new(model: Arc<Model>, limits: Limits) -> Self {
        let (memory, store) = (Memory::new(limits.kv), Store::default());
        let (slots, aside) = (Vec::new(), VecDeque::new());
        Self { model, limits, memory, slots, aside, store, ids: 0, begun: 0, reused: 0 }
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty() && self.aside.is_empty()
    }

    /// Whether what the job needs soon fits beside the others; the only one always does.
    pub(super) fn has_room(&self, task: &Task) -> bool {
        let taken: usize = self.slots.iter().map(|slot| slot.task.bytes(&self.model)).sum();
        self.slots.is_empty() || taken + task.bytes(&self.model) <= self.limits.kv_bytes
    }

    /// Takes answers up again that were set aside, as far as there is room; returns whether none is left. Others wait for them.
    pub(super) fn resume(&mut self) -> bool {
        while let Some((key, task)) = self.aside.pop_front() {
            if !self.has_room(&task) {
                self.aside.push_front((key, task));
                return false;
            }
            self.add(key, task);
        }
        true
    }

    /// Sets the answers that were begun last aside, until the next token of each of the others has a place in memory. What they wrote
    /// is read again when they go on, and since a row's bits do not depend on the batch, they go on as if nothing had been.
    fn give_way(&mut self) {
        let page = |slot: &Slot<K>| PAGE * slot.task.cache().bytes_per_token();
        while self.slots.len() > 1
            && self.memory.bytes() + self.slots.iter().map(page).sum::<usize>() > self.limits.kv_bytes
        {
            let last = self.slots.iter().rposition(|slot| slot.task.is_writing());
            let Some(last) = last.filter(|last| *last > 0) else { return };
            let mut slot = self.slots.remove(last);
            slot.task.give_way();
            self.aside.push_front((slot.key, slot.task));
        }
    }

    /// Whether a job that no pass has seen yet has the same prompt, so that both are read in step.
    pub(super) fn begins_with(&self, task: &Task) -> bool {
        self.slots
            .iter()
            .rev()
            .take_while(|slot| slot.id > self.begun)
            .any(|slot| slot.task.tokens() == task.tokens())
    }

    /// Takes a job in: it goes on from what is known of its beginning, or waits for what is being read of it.
    pub(super) fn add(&mut self, key: K, mut task: Task) {
        self.adopt_kept(&mut task);
        let waits_for = self.leader(&task);
        self.ids += 1;
        self.slots.push(Slot { key, id: self.ids, task, waits_for });
    }

    fn adopt_kept(&mut self, task: &mut Task) {
        let (least, most) = (task.cache().len(), task.adoptable());
        let long = task.cache().is_long();
        if let Some(cache) = self.store.find(task.tokens(), task.edits(), long, least, most) {
            self.reused += (cache.len() - least) as u64;
            task.adopt(cache);
        }
    }

    /// The job in flight that reads the longest common beginning, if that is longer than what is known.
    fn leader(&self, task: &Task) -> Option<(u64, usize)> {
        let known = task.cache().len();
        let common = |slot: &Slot<K>| {
            let other = &slot.task;
            let most = task.adoptable().min(other.tokens().len());
            match other.cache().is_long() == task.cache().is_long() {
                true => usable(task.tokens(), task.edits(), other.tokens(), other.edits(), most),
                false => 0,
            }
        };
        // Of equal ones the first, which is the furthest.
        let best =
            self.slots.iter().map(|slot| (slot.id, common(slot))).rev().max_by_key(|(_, common)| *common);
        best.filter(|(_, common)| *common >= known + WORTH_WAITING)
    }

    /// Lets jobs that wait go on from what others have read meanwhile.
    fn adopt_from_leaders(&mut self) {
        for index in 0..self.slots.len() {
            let Some((id, common)) = self.slots[index].waits_for else { continue };
            let leader = self.slots.iter().find(|slot| slot.id == id);
            match leader {
                Some(leader) if leader.task.cache().len() < common => {}
                Some(leader) => {
                    let cache = leader.task.cache().fork(common);
                    let slot = &mut self.slots[index];
                    self.reused += (common - slot.task.cache().len()) as u64;
                    slot.task.adopt(cache);
                    slot.waits_for = None;
                }
                None => {
                    let mut slot = self.slots.remove(index);
                    self.adopt_kept(&mut slot.task);
                    slot.waits_for = None;
                    self.slots.insert(index, slot);
                }
            }
        }
    }

    /// Keeps jobs for which `keep` says so.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&K, &Task) -> bool) {
        self.slots.retain(|slot| keep(&slot.key, &slot.task));
        self.aside.retain(|(key, task)| keep(key, task));
    }

    /// What each slot computes next.
    fn plan(&mut self) -> Vec<Vec<choose::Piece>> {
        let mut plans: Vec<Option<Vec<choose::Piece>>> = self.slots.iter().map(|_| None).collect();
        let mut room = self.limits.prompt_tokens;
        for (slot, plan) in self.slots.iter_mut().zip(&mut plans) {
            if slot.waits_for.is_some() {
                *plan = Some(Vec::new());
            } else if !slot.task.in_prompt() && matches!(slot.task, Task::Write(_)) {
                *plan = Some(slot.task.plan(1));
            }
        }
        for index in 0..self.slots.len() {
            if room == 0 || plans[index].is_some() {
                continue;
            }
            let task = &self.slots[index].task;
            let in_step: Vec<usize> = (index..self.slots.len())
                .filter(|&other| plans[other].is_none() && in_step(task, &self.slots[other].task))
                .collect();
            let mut size = room / in_step.len();
            if in_step.len() > 1 {
                size = size.max(STEP.min(self.limits.prompt_tokens));
            }
            for other in in_step {
                let plan = self.slots[other].task.plan(size.max(1));
                room = room.saturating_sub(plan.iter().map(|(_, piece, _)| piece.len()).sum());
                plans[other] = Some(plan);
            }
        }
        plans.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// One forward pass; what it gives goes to `audience`.
    pub(super) fn pass(&mut self, audience: &mut impl Audience<K>) -> Work {
        self.adopt_from_leaders();
        self.begun = self.ids;
        let plans = self.plan();
        let mut inputs = Vec::new();
        let mut owners = Vec::new();
        for (index, (slot, plan)) in self.slots.iter_mut().zip(&plans).enumerate() {
            inputs.extend(slot.task.inputs(plan));
            owners.extend((0..plan.len()).map(|piece| (index, piece)));
        }
        let result =
            if inputs.is_empty() { Ok(None) } else { super::forward(&self.model, &mut inputs).map(Some) };
        drop(inputs);
        let mut work = Work { reused_tokens: std::mem::take(&mut self.reused), ..Work::default() };
        match result {
            Ok(None) => {}
            Ok(Some(logits)) => {
                work += logits.work();
                for (input, (index, piece)) in owners.into_iter().enumerate() {
                    let rows = logits.rows(input);
                    match &mut self.slots[index].task {
                        _ if rows.len() == 0 => {}
                        Task::Write(sequence) => sequence.take(&self.model, rows),
                        Task::Score(scorer) => scorer.take(&plans[index][piece], rows),
                    }
                }
            }
            // Jobs are checked when they are admitted, so this does not happen; if it did, waiting would not help.
            Err(error) => self.fail(error, audience),
        }
        self.tell(audience);
        self.make_room();
        self.give_way();
        work
    }

    /// Tells what was written and what is done.
    fn tell(&mut self, audience: &mut impl Audience<K>) {
        let mut index = 0;
        while index < self.slots.len() {
            let slot = &mut self.slots[index];
            match &mut slot.task {
                Task::Score(scorer) => scorer.finish_pass(),
                Task::Write(sequence) => {
                    let text = sequence.fresh_text();
                    if !text.is_empty() {
                        audience.event(&slot.key, Event::Text(text));
                    }
                }
            }
            if slot.task.is_finished() {
                let slot = self.slots.remove(index);
                self.store.keep(slot.task.tokens(), slot.task.edits(), slot.task.cache());
                audience.event(&slot.key, Event::Done(Ok(slot.task.into_outcome())));
            } else {
                index += 1;
            }
        }
    }

    /// Lets go of kept caches until what the jobs in flight need soon fits.
    fn make_room(&mut self) {
        let needed = |slot: &Slot<K>| {
            let cache = slot.task.cache();
            slot.task.bytes(&self.model).saturating_sub(cache.len() * cache.bytes_per_token())
        };
        let needed: usize = self.slots.iter().map(needed).sum();
        while self.memory.bytes() + needed > self.limits.kv_bytes && self.store.drop_oldest() {}
    }

    /// Gives every job the same outcome: the first the error itself, the others a cancellation.
    fn fail(&mut self, error: Error, audience: &mut impl Audience<K>) {
        let mut error = Some(error);
        let aside = self.aside.drain(..);
        for (key, task) in self.slots.drain(..).map(|slot| (slot.key, slot.task)).chain(aside) {
            let cancelled = || Fault::Cancelled { tokens: task.written() }.into();
            let error = error.take().unwrap_or_else(cancelled);
            audience.event(&key, Event::Done(Err(error)));
        }
    }
}
