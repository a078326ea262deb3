//! The people of one simulated study: who comes into which condition and stratum, which items each answers, who is left out.
//!
//! Blocks, their order, what each person takes of them, assignment and exclusions are those of the file, by the code that a server
//! runs; what needs no draw (everybody stays and gets every item) draws none.

use std::collections::HashMap;

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

use crate::data::Row;
use crate::protocol::assign::{self, Allocation};
use crate::protocol::draw::{shuffle, uniform};
use crate::protocol::sequence::items;
use crate::study::{Block, Exclusion, PageKind, Position, Power, Study};

/// What every draw of a study's people shares.
pub(super) struct Crowds<'a> {
    study: &'a Study,
    assumed: &'a Power,
    /// Conditions that come.
    conditions: Vec<usize>,
    /// How each condition goes through the study, by position.
    ways: Vec<Way<'a>>,
    /// Positions of items.
    items: HashMap<&'a str, u32>,
    /// Items with an outcome, by position.
    asked: Vec<bool>,
    /// Shares of strata, summing to 1; empty where there are none.
    shares: Vec<f64>,
    rules: Vec<Rule<'a>>,
}

/// What people of a condition meet.
struct Way<'a> {
    /// Its blocks, with the items of those that everybody gets whole.
    blocks: Vec<(&'a Block, Vec<u32>)>,
    /// Items from the first to the last, those that come again included.
    length: usize,
    /// Before how many items each check of attention stands.
    checks: Vec<usize>,
}

/// People who remain, and their rows.
pub(super) struct Crowd {
    /// One a participant and item, by participant.
    pub rows: Vec<Row>,
    /// The stratum of each participant; empty where there are none.
    pub strata: Vec<usize>,
    /// Who was assigned.
    pub assigned: usize,
    /// Who remains: participants are numbered up to it.
    pub remain: usize,
}

impl<'a> Crowds<'a> {
    /// `conditions` and `asked` are those of the analyses that are planned.
    pub fn new(study: &'a Study, assumed: &'a Power, conditions: Vec<usize>, asked: Vec<bool>) -> Crowds<'a> {
        let strata = study.strata_at_most().unwrap_or(1);
        let shares = if assumed.strata.is_empty() { vec![1.0; strata] } else { assumed.strata.clone() };
        let whole: f64 = shares.iter().sum();
        Crowds {
            study,
            assumed,
            conditions,
            ways: study.conditions().map(|id| Way::new(study, id)).collect(),
            items: (0..).zip(study.items()).map(|(at, id)| (id, at)).collect(),
            rules: study.exclusion.iter().map(|rule| Rule::new(study, rule)).collect(),
            asked,
            shares: if strata > 1 { shares.iter().map(|s| s / whole).collect() } else { Vec::new() },
        }
    }

    /// Draws a study with so many people in a condition.
    pub fn draw(&self, people: usize, rng: &mut ChaCha8Rng) -> Crowd {
        let mut crowd = Crowd { rows: Vec::new(), strata: Vec::new(), assigned: 0, remain: 0 };
        let mut each = vec![0_u64; self.study.condition.len()];
        // How many people of each condition hold each item, where people get some of the items.
        let mut held = vec![vec![0_usize; self.study.item.len()]; self.study.condition.len()];
        let assigned = self.assigned(people, rng);
        crowd.assigned = assigned.len();
        let mut own = Vec::new();
        for (condition, stratum) in assigned {
            let nth = each[condition];
            each[condition] += 1;
            let way = &self.ways[condition];
            let answered = answered(self.assumed.leaves, way.length, rng);
            let missed = way.checks.iter().filter(|at| **at <= answered && self.misses(rng)).count();
            own.clear();
            self.answers(way, nth, answered, &mut held[condition], rng, &mut own);
            if self.rules.iter().any(|rule| rule.names(&own, missed)) {
                continue;
            }
            let here = own.iter().copied().filter(|item| self.asked[*item as usize]);
            let participant = crowd.remain as u32;
            crowd.rows.extend(here.map(|item| Row { participant, condition: condition as u32, item }));
            if !self.shares.is_empty() {
                crowd.strata.push(stratum);
            }
            crowd.remain += 1;
        }
        crowd
    }

    fn misses(&self, rng: &mut ChaCha8Rng) -> bool {
        self.assumed.misses_checks > 0.0 && uniform(rng) < self.assumed.misses_checks
    }

    /// (condition, stratum) of everybody who comes.
    fn assigned(&self, people: usize, rng: &mut ChaCha8Rng) -> Vec<(usize, usize)> {
        let sizes = self.sizes(people);
        let all: usize = sizes.iter().sum();
        let assignment = self.study.assignment.as_ref();
        let rule = assignment.map(|a| a.rule());
        let by_chance = rule == Some(assign::Rule::Simple) && assignment.is_some_and(|a| a.places.is_empty());
        if by_chance {
            let arm = |rng: &mut ChaCha8Rng| {
                let at = (uniform(rng) * self.conditions.len() as f64) as usize;
                self.conditions[at.min(self.conditions.len() - 1)]
            };
            return (0..all).map(|_| (arm(rng), self.stratum(rng))).collect();
        }
        if let (Some(rule @ assign::Rule::Block(_)), false) = (rule, self.shares.is_empty()) {
            // Strata have blocks of their own, so the numbers of their people in a condition follow from the executed rule.
            let mut seed = [0; 32];
            rng.fill_bytes(&mut seed);
            let places: Vec<Option<usize>> = sizes.iter().map(|n| Some(*n)).collect();
            let mut allocation = Allocation::new(rule, &places, seed);
            let names: Vec<String> = (0..self.shares.len()).map(|n| n.to_string()).collect();
            let mut list = Vec::with_capacity(all);
            while let Some((arm, stratum)) = {
                let stratum = self.stratum(rng);
                allocation.assign(&names[stratum]).map(|arm| (arm, stratum))
            } {
                list.push((self.conditions[arm], stratum));
            }
            return list;
        }
        let mut list = Vec::with_capacity(all);
        for (condition, n) in self.conditions.iter().zip(&sizes) {
            list.extend((0..*n).map(|_| (*condition, self.stratum(rng))));
        }
        list
    }

    /// People in each condition: as many, or in the proportions of the file's places.
    fn sizes(&self, people: usize) -> Vec<usize> {
        let places = |c: &usize| {
            let id = &self.study.condition[*c].id;
            self.study.assignment.as_ref().and_then(|a| a.places.get(id)).copied()
        };
        let places: Option<Vec<usize>> = self.conditions.iter().map(places).collect();
        let even = vec![people; self.conditions.len()];
        places.map_or(even, |places| {
            let whole: usize = places.iter().sum();
            let share = |n: &usize| (people * places.len() * n) as f64 / whole.max(1) as f64;
            places.iter().map(|n| share(n).round() as usize).collect()
        })
    }

    fn stratum(&self, rng: &mut ChaCha8Rng) -> usize {
        if self.shares.is_empty() {
            return 0;
        }
        let mut left = uniform(rng);
        let beyond = |share: &f64| {
            left -= share;
            left < 0.0
        };
        self.shares.iter().position(beyond).unwrap_or(self.shares.len() - 1)
    }

    /// Items that somebody answers who leaves after so many: each once.
    fn answers(
        &self,
        way: &Way<'a>,
        nth: u64,
        answered: usize,
        held: &mut [usize],
        rng: &mut ChaCha8Rng,
        into: &mut Vec<u32>,
    ) {
        if self.study.block.is_empty() {
            into.extend(0..self.study.item.len() as u32);
            if answered < into.len() {
                shuffle(rng, into);
                into.truncate(answered);
                into.sort_unstable();
            }
            return;
        }
        let mut left = answered;
        for (block, whole) in &way.blocks {
            if block.take.is_none() && left >= whole.len() {
                into.extend_from_slice(whole);
                left = left.saturating_sub(whole.len() + block.again);
                continue;
            }
            let mut seed = [0; 32];
            rng.fill_bytes(&mut seed);
            let own = items(self.study, block, nth, seed, &|id| held[self.items[id] as usize]);
            let first = into.len();
            for id in own.iter().take(left) {
                let item = self.items[id.as_str()];
                if !into[first..].contains(&item) {
                    into.push(item);
                    held[item as usize] += 1;
                }
            }
            left = left.saturating_sub(own.len());
        }
    }
}

/// A rule of exclusion, with the items that count.
struct Rule<'a> {
    rule: &'a Exclusion,
    counts: Vec<bool>,
}

impl<'a> Rule<'a> {
    fn new(study: &'a Study, rule: &'a Exclusion) -> Rule<'a> {
        let block = rule.block.as_ref().and_then(|id| study.block.iter().find(|b| b.id == *id));
        let ids = block.map(|block| block.item_ids(study));
        let counts = study.items().map(|id| ids.as_ref().is_none_or(|ids| ids.contains(&id))).collect();
        Rule { rule, counts }
    }

    fn names(&self, own: &[u32], missed: usize) -> bool {
        let few = |least: usize| own.iter().filter(|item| self.counts[**item as usize]).count() < least;
        let often = |most: u32| missed >= most as usize;
        self.rule.fewer_than.is_some_and(few) || self.rule.missed_checks.is_some_and(often)
    }
}

impl<'a> Way<'a> {
    fn new(study: &'a Study, condition: &str) -> Way<'a> {
        let met = |block: &&Block| {
            study.step.is_empty() || study.step.iter().any(|step| step.is_for(&block.id, condition))
        };
        let positions = |block: &Block| {
            let ids = block.item_ids(study);
            ids.iter()
                .filter_map(|id| study.items().position(|item| item == *id))
                .map(|at| at as u32)
                .collect()
        };
        let blocks: Vec<(&Block, Vec<u32>)> =
            study.block.iter().filter(met).map(|block| (block, positions(block))).collect();
        let for_them = |page: &&crate::study::Page| {
            page.kind == PageKind::Attention
                && (page.conditions.is_empty() || page.conditions.iter().any(|c| c == condition))
        };
        let (mut length, mut checks) = (0, Vec::new());
        let first = study.page.iter().filter(for_them).filter(|page| page.at == Position::Entry);
        checks.extend(first.map(|_| 0));
        for (block, ids) in &blocks {
            let own = block.take.map_or(ids.len(), |take| take.min(ids.len()));
            let own = own + block.again.min(own);
            for page in study.page.iter().filter(for_them) {
                match &page.at {
                    Position::Before(id) if *id == block.id => checks.push(length),
                    Position::During(id) if *id == block.id => {
                        checks.push(length + page.after_items.unwrap_or(0))
                    }
                    Position::After(id) if *id == block.id => checks.push(length + own),
                    _ => {}
                }
            }
            length += own;
        }
        let last = study.page.iter().filter(for_them).filter(|page| page.at == Position::End);
        checks.extend(last.map(|_| length));
        if study.block.is_empty() {
            length = study.item.len();
        }
        Way { blocks, length, checks }
    }
}

/// How many of so many items someone answers who leaves before each with the same probability.
fn answered(leaves: f64, all: usize, rng: &mut ChaCha8Rng) -> usize {
    if leaves <= 0.0 {
        return all;
    }
    (0..all).find(|_| uniform(rng) < leaves).unwrap_or(all)
}
