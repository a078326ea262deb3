//! A part of the items that holds something of everything.

use crate::id::derive_seed;
use crate::items::Item;
use crate::plan::Plan;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Tags with at most this many levels are balanced; a name or a text in a tag is not.
const FEW: usize = 20;

/// A seeded choice of `n` items, one after another from the stratum (source and tags with few levels) whose
/// levels have been chosen least so far; hash decides between equals. The choice of `n` is part of the
/// choice of `n + 1`, and stays when the same plan is sampled again.
pub(super) fn sample(plan: &Plan, n: usize) -> Vec<bool> {
    let mut strata = strata(plan);
    let mut taken: HashMap<(usize, String), f64> = HashMap::new();
    let mut chosen = vec![false; plan.items.len()];
    for _ in 0..n.min(plan.items.len()) {
        let load = |key: &Vec<String>| -> f64 {
            key.iter()
                .enumerate()
                .map(|(at, level)| taken.get(&(at, level.clone())).copied().unwrap_or(0.0))
                .sum()
        };
        let best = strata
            .iter()
            .filter_map(|(key, queue)| queue.last().map(|(order, _)| (load(key), *order, key)))
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let Some((_, _, key)) = best else { break };
        let key = key.clone();
        if let Some((_, item)) = strata.get_mut(&key).and_then(Vec::pop) {
            chosen[item] = true;
        }
        for (at, level) in key.into_iter().enumerate() {
            *taken.entry((at, level)).or_insert(0.0) += 1.0;
        }
    }
    chosen
}

/// Items by stratum, each in a seeded order (the next one last).
fn strata(plan: &Plan) -> BTreeMap<Vec<String>, Vec<(u64, usize)>> {
    let mut levels: BTreeMap<&str, HashSet<&str>> = BTreeMap::new();
    for item in &plan.items {
        for (name, level) in &item.tags {
            levels.entry(name).or_default().insert(level);
        }
    }
    levels.retain(|_, l| l.len() <= FEW && l.len() * 2 <= plan.items.len());
    let key = |item: &Item| -> Vec<String> {
        let tags = levels.keys().map(|name| item.tags.get(*name).map_or(String::new(), ToString::to_string));
        std::iter::once(plan.source(item.source).id.to_string()).chain(tags).collect()
    };
    let mut strata: BTreeMap<Vec<String>, Vec<(u64, usize)>> = BTreeMap::new();
    for (ix, item) in plan.items.iter().enumerate() {
        let order = derive_seed(plan.seed, &[b"sample", item.id.0.as_bytes()]);
        strata.entry(key(item)).or_default().push((order, ix));
    }
    strata.values_mut().for_each(|queue| queue.sort_unstable_by(|a, b| b.cmp(a)));
    strata
}
