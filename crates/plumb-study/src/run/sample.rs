//! A part of the items that holds something of everything.

use crate::id::derive_seed;
use crate::items::Item;
use crate::plan::Plan;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Tags with at most this many levels are balanced; a name or a text in a tag is not.
const FEW: usize = 20;

/// A seeded choice of `n` items, one after another from the stratum (source and tags with few levels) whose
/// levels, and pairs of levels, have been chosen least so far; hash decides between equals. The choice of `n`
/// is part of the choice of `n + 1`, and stays when the same plan is sampled again.
pub(super) fn sample(plan: &Plan, n: usize) -> Vec<bool> {
    let mut strata = strata(plan);
    let mut taken: HashMap<Part, u32> = HashMap::new();
    let mut chosen = vec![false; plan.items.len()];
    for _ in 0..n.min(plan.items.len()) {
        let load = |key: &[u32]| -> u32 { parts(key).map(|p| taken.get(&p).copied().unwrap_or(0)).sum() };
        let best = strata
            .iter()
            .filter_map(|(key, queue)| queue.last().map(|(order, _)| (load(key), *order, key)))
            .min();
        let Some((_, _, key)) = best else { break };
        let key = key.clone();
        if let Some((_, item)) = strata.get_mut(&key).and_then(Vec::pop) {
            chosen[item] = true;
        }
        for part in parts(&key) {
            *taken.entry(part).or_insert(0) += 1;
        }
    }
    chosen
}

/// A level of one tag, or levels of two: places in the key and the levels there.
type Part = ((usize, u32), (usize, u32));

fn parts(key: &[u32]) -> impl Iterator<Item = Part> + '_ {
    let at = |place: usize| (place, key[place]);
    (0..key.len()).flat_map(move |a| (a..key.len()).map(move |b| (at(a), at(b))))
}

/// Items by stratum, each in a seeded order (the next one last).
fn strata(plan: &Plan) -> BTreeMap<Vec<u32>, Vec<(u64, usize)>> {
    let mut levels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut tagged: BTreeMap<&str, usize> = BTreeMap::new();
    for item in &plan.items {
        for (name, level) in &item.tags {
            levels.entry(name).or_default().insert(level);
            *tagged.entry(name).or_default() += 1;
        }
    }
    // A tag that some items lack says nothing of the others.
    levels.retain(|name, l| {
        tagged[name] == plan.items.len() && l.len() <= FEW && l.len() * 2 <= plan.items.len()
    });
    let levels: Vec<(&str, Vec<&str>)> =
        levels.into_iter().map(|(name, l)| (name, l.into_iter().collect())).collect();
    let key = |item: &Item| -> Vec<u32> {
        let tags = levels.iter().map(|(name, levels)| {
            let level = item.tags.get(*name).map_or("", |l| l);
            levels.binary_search(&level).unwrap_or_default() as u32
        });
        std::iter::once(u32::from(item.source.0)).chain(tags).collect()
    };
    let mut strata: BTreeMap<Vec<u32>, Vec<(u64, usize)>> = BTreeMap::new();
    for (ix, item) in plan.items.iter().enumerate() {
        let order = derive_seed(plan.seed, &[b"sample", item.id.0.as_bytes()]);
        strata.entry(key(item)).or_default().push((order, ix));
    }
    strata.values_mut().for_each(|queue| queue.sort_unstable_by(|a, b| b.cmp(a)));
    strata
}
