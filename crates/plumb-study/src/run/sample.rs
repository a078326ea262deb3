//! A part of the items that holds something of everything.

use crate::id::derive_seed;
use crate::plan::Plan;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Tags with at most this many levels are balanced; a name or a text in a tag is not.
const FEW: usize = 20;

/// A seeded choice of `n` items: sources in turn, and within a source one after another from the stratum (tags with few
/// levels) whose pairs of levels have been chosen least so far; hash decides between equals. Where the reader of a source says
/// by what it is stratified (`made.strata`, say hazard and persona), every joint level of these comes up alike first of all. The choice of `n` is part of the choice of `n + 1`, and stays when
/// the same plan is sampled again.
pub(super) fn sample(plan: &Plan, n: usize) -> Vec<bool> {
    let mut chosen = vec![false; plan.items.len()];
    let mut sources: Vec<Strata> = (0..plan.sources.len()).map(|at| Strata::of(plan, at as u16)).collect();
    let mut left = n;
    while left > 0 {
        let before = left;
        for source in &mut sources {
            if left > 0
                && let Some(item) = source.next()
            {
                chosen[item] = true;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    chosen
}

/// Levels of two tags: places in the key and the levels there.
type Pair = ((usize, u32), (usize, u32));

/// The items of one source.
struct Strata {
    /// By levels of the balanced tags, each in a seeded order (the next one last).
    queues: BTreeMap<Vec<u32>, Vec<(u64, usize)>>,
    taken: HashMap<Pair, u32>,
    /// Places in the key of the tags by which the source is stratified, and how often each of their joint levels was chosen.
    first: Vec<usize>,
    joint: HashMap<Vec<u32>, u32>,
}

impl Strata {
    fn of(plan: &Plan, source: u16) -> Strata {
        let items = || plan.items.iter().enumerate().filter(|(_, item)| item.source.0 == source);
        let mut levels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut tagged: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, level) in items().flat_map(|(_, item)| &item.tags) {
            levels.entry(name).or_default().insert(level);
            *tagged.entry(name).or_default() += 1;
        }
        let all = items().count();
        // A tag that some items lack says nothing of the others.
        levels.retain(|name, l| tagged[name] == all && l.len() <= FEW && l.len() * 2 <= all);
        let levels: Vec<(&str, Vec<&str>)> =
            levels.into_iter().map(|(name, l)| (name, l.into_iter().collect())).collect();
        let mut queues: BTreeMap<Vec<u32>, Vec<(u64, usize)>> = BTreeMap::new();
        for (ix, item) in items() {
            let tags = levels.iter().map(|(name, levels)| {
                let level = item.tags.get(*name).map_or("", |l| l);
                levels.binary_search(&level).unwrap_or_default() as u32
            });
            let order = derive_seed(plan.seed, &[b"sample", item.id.0.as_bytes()]);
            queues.entry(tags.collect()).or_default().push((order, ix));
        }
        queues.values_mut().for_each(|queue| queue.sort_unstable_by(|a, b| b.cmp(a)));
        let named = plan.sources[source as usize].made["strata"].as_array();
        let named: Vec<&str> = named.into_iter().flatten().filter_map(|name| name.as_str()).collect();
        let first = (0..levels.len()).filter(|at| named.contains(&levels[*at].0)).collect();
        Strata { queues, taken: HashMap::new(), first, joint: HashMap::new() }
    }

    fn next(&mut self) -> Option<usize> {
        let jointly = |key: &[u32]| -> Vec<u32> { self.first.iter().map(|at| key[*at]).collect() };
        let load = |key: &[u32]| -> (u32, u32) {
            let pairs = pairs(key).map(|p| self.taken.get(&p).copied().unwrap_or(0)).sum();
            (self.joint.get(&jointly(key)).copied().unwrap_or(0), pairs)
        };
        let (_, _, key) = self
            .queues
            .iter()
            .filter_map(|(key, queue)| queue.last().map(|(order, _)| (load(key), *order, key)))
            .min()?;
        let (key, joint) = (key.clone(), jointly(key));
        *self.joint.entry(joint).or_insert(0) += 1;
        for pair in pairs(&key) {
            *self.taken.entry(pair).or_insert(0) += 1;
        }
        self.queues.get_mut(&key)?.pop().map(|(_, item)| item)
    }
}

/// The pairs of a key; of a key with one place that place.
fn pairs(key: &[u32]) -> impl Iterator<Item = Pair> + '_ {
    let at = |place: usize| (place, key[place]);
    let alone = key.len() == 1;
    (0..key.len()).flat_map(move |a| (a + usize::from(!alone)..key.len()).map(move |b| (at(a), at(b))))
}
