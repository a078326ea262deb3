//! Caches that outlive their sequences, for prompts that begin as those did.
//!
//! A few-shot prefix, a system prompt or the turns of a conversation so far are computed once, as long as their pages
//! fit into the budget. What was computed under edits is only handed to a sequence whose edits are the same as far as
//! they concern the shared tokens. Bits do not change: a cache holds what computing again would give. Not here: sharing
//! between inputs of one pass (`forward::merge`).

use std::sync::Arc;

use crate::cache::Cache;
use crate::hook::Edits;
use crate::tokenizer::TokenId;

/// Most caches kept; finding one compares with all.
const MOST: usize = 256;

struct Entry {
    tokens: Vec<TokenId>,
    edits: Arc<Edits>,
    cache: Cache,
    used: u64,
}

#[derive(Default)]
pub(super) struct Store {
    entries: Vec<Entry>,
    clock: u64,
}

/// How many tokens of `tokens`, at most `most`, a cache of `seen` under `theirs` holds for a sequence under `edits`.
pub(super) fn usable(
    tokens: &[TokenId],
    edits: &Edits,
    seen: &[TokenId],
    theirs: &Edits,
    most: usize,
) -> usize {
    let common = tokens.iter().zip(seen).take(most).take_while(|(a, b)| a == b).count();
    match edits.agree(theirs, |edit| edit.positions.meet(&(0..common))) {
        true => common,
        false => 0,
    }
}

impl Store {
    /// A cache of the longest known beginning of `tokens`, at most `most` of them, if it is longer than `least`.
    pub(super) fn find(
        &mut self,
        tokens: &[TokenId],
        edits: &Edits,
        long: bool,
        least: usize,
        most: usize,
    ) -> Option<Cache> {
        let usable = |entry: &Entry| match entry.cache.is_long() == long {
            true => usable(tokens, edits, &entry.tokens, &entry.edits, most),
            false => 0,
        };
        let (length, entry) =
            self.entries.iter_mut().map(|entry| (usable(entry), entry)).max_by_key(|(length, _)| *length)?;
        if length <= least {
            return None;
        }
        self.clock += 1;
        entry.used = self.clock;
        Some(entry.cache.fork(length))
    }

    /// Keeps a cache; one that it makes superfluous goes.
    pub(super) fn keep(&mut self, tokens: &[TokenId], edits: &Arc<Edits>, cache: &Cache) {
        let tokens = &tokens[..cache.len()];
        let same = |entry: &Entry| entry.edits == *edits && entry.cache.is_long() == cache.is_long();
        if self.entries.iter().any(|entry| entry.tokens.starts_with(tokens) && same(entry)) {
            return;
        }
        self.entries.retain(|entry| !(tokens.starts_with(&entry.tokens) && same(entry)));
        if self.entries.len() >= MOST {
            self.drop_oldest();
        }
        self.clock += 1;
        self.entries.push(Entry {
            tokens: tokens.to_vec(),
            edits: edits.clone(),
            cache: cache.fork(usize::MAX),
            used: self.clock,
        });
    }

    /// Lets go of the cache that was used the longest ago; whether there was one.
    pub(super) fn drop_oldest(&mut self) -> bool {
        let oldest = self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.used);
        oldest.map(|(index, _)| index).map(|index| self.entries.swap_remove(index)).is_some()
    }
}
