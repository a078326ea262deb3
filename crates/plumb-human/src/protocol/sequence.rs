//! Everything that a person of a condition is shown, in order: items of blocks, their steps, pages between them.

use std::collections::BTreeSet;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};

use super::draw::shuffle;
use super::person::Slot;
use crate::study::{Block, Page, Position, Study};

/// Everything that the `nth` person (from 0) of a condition is shown, in order. `seed` is the person's own; each block
/// draws from a seed derived from it and the block's id. Where people get some of a block's items, all are taken to be
/// equally much in need of people; [`sequence_where`] knows better.
pub fn sequence(study: &Study, condition: &str, nth: u64, seed: &[u8; 32]) -> Vec<Slot> {
    sequence_where(study, condition, nth, seed, &|_| 0)
}

/// The same, where `people` says how many people of this condition hold an item so far: have answered it, or are on their way
/// to it. Items
/// with the fewest come first, chance decides among equals; so items of people who left are given out again.
pub fn sequence_where(
    study: &Study,
    condition: &str,
    nth: u64,
    seed: &[u8; 32],
    people: &dyn Fn(&str) -> usize,
) -> Vec<Slot> {
    let mut slots = Vec::new();
    let pages = |at: &dyn Fn(&Page) -> bool, slots: &mut Vec<Slot>| {
        let for_them = |p: &&Page| p.conditions.is_empty() || p.conditions.iter().any(|c| c == condition);
        slots.extend(
            study.page.iter().filter(for_them).filter(|p| at(p)).map(|p| Slot::Page { page: p.id.clone() }),
        );
    };
    for block in &study.block {
        let own: [u8; 32] =
            Sha256::new().chain_update(seed).chain_update(block.id.as_bytes()).finalize().into();
        let items = items(study, block, nth, own, people);
        if items.is_empty() || !study.step.iter().any(|s| s.is_for(&block.id, condition)) {
            continue;
        }
        pages(&|p| p.at == Position::Before(block.id.clone()), &mut slots);
        let mut met = BTreeSet::new();
        for (at, item) in items.iter().enumerate() {
            let repetition = u32::from(!met.insert(item));
            for step in study.step.iter().filter(|s| s.is_for(&block.id, condition)) {
                let turn = if step.counterbalance { (nth % step.asks.len().max(1) as u64) as u32 } else { 0 };
                slots.push(Slot::Trial {
                    block: block.id.clone(),
                    item: item.clone(),
                    step: step.id.clone(),
                    repetition,
                    turn,
                });
            }
            let during = Position::During(block.id.clone());
            pages(&|p| p.at == during && p.after_items == Some(at + 1), &mut slots);
        }
        pages(&|p| p.at == Position::After(block.id.clone()), &mut slots);
    }
    pages(&|p| p.at == Position::End, &mut slots);
    slots
}

/// A person's items of a block, those that come again included. `seed` is of this person and block.
pub(crate) fn items(
    study: &Study,
    block: &Block,
    nth: u64,
    seed: [u8; 32],
    people: &dyn Fn(&str) -> usize,
) -> Vec<String> {
    let all = block.item_ids(study);
    let mut items: Vec<String> = match block.take {
        None => {
            let order = block.arrangement(&all).sequence(nth, seed);
            order.into_iter().map(|i| all[i].to_owned()).collect()
        }
        Some(take) => {
            let own = taken(study, block, &all, take, seed, people);
            let order = block.arrangement(&own).sequence(nth, seed);
            order.into_iter().map(|i| own[i].to_owned()).collect()
        }
    };
    // What comes again is drawn from the first half, so that something lies between.
    if block.again > 0 && !items.is_empty() {
        let half = items.len().div_ceil(2).max(block.again.min(items.len()));
        let mut early: Vec<String> = items[..half].to_vec();
        let again: [u8; 32] = Sha256::new().chain_update(seed).chain_update(b"again").finalize().into();
        shuffle(&mut ChaCha20Rng::from_seed(again), &mut early);
        items.extend(early.into_iter().take(block.again));
    }
    items
}

/// The items with the fewest people, no value of `distinct` twice.
fn taken<'a>(
    study: &Study,
    block: &Block,
    all: &[&'a str],
    take: usize,
    seed: [u8; 32],
    people: &dyn Fn(&str) -> usize,
) -> Vec<&'a str> {
    let mut cards = all.to_vec();
    let draw: [u8; 32] = Sha256::new().chain_update(seed).chain_update(b"take").finalize().into();
    shuffle(&mut ChaCha20Rng::from_seed(draw), &mut cards);
    cards.sort_by_cached_key(|item| people(item));
    let mut met = BTreeSet::new();
    let mut own = Vec::new();
    for item in cards {
        let fresh = block.distinct.as_ref().is_none_or(|a| met.insert(study.attribute_text(item, a)));
        if fresh && own.len() < take {
            own.push(item);
        }
    }
    own
}
