//! In which order a person gets the items of a block.
//!
//! Items have numbers 0, 1, … as the block lists them; a rule arranges those that have no position of their own. Cyclic
//! squares and Williams's designs (E. J. Williams 1949, *Australian Journal of Scientific Research* A 2: 149–168) go
//! round by the person's number within a condition, so that every row is used equally often in each.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde::Deserialize;

use super::draw::shuffle;

/// A rule of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// As the block lists them.
    #[default]
    AsListed,
    /// By chance, anew for each person.
    Shuffle,
    /// Row r of a cyclic Latin square: each item in each position equally often.
    LatinSquare,
    /// A row of a Williams design: besides that, each item follows each other item equally often.
    Williams,
}

/// The order of a block: a rule, items with a position of their own, and items that change places from person to person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// How many items there are.
    pub items: usize,
    /// How those without a position are arranged.
    pub rule: Rule,
    /// (item, position), both from 0, each at most once.
    pub fixed: Vec<(usize, usize)>,
    /// Items that take each other's positions: turned by one whenever all rows of the rule were used once, so that turns
    /// and rows are crossed. Two items simply swap.
    pub turn: Vec<usize>,
}

impl Order {
    /// The items in the order in which the `nth` person (from 0) of a condition gets them.
    pub fn sequence(&self, nth: u64, seed: [u8; 32]) -> Vec<usize> {
        let mut places: Vec<Option<usize>> = vec![None; self.items];
        for &(item, position) in &self.fixed {
            if let Some(place) = places.get_mut(position) {
                *place = Some(item);
            }
        }
        let free: Vec<usize> =
            (0..self.items).filter(|item| self.fixed.iter().all(|(fixed, _)| fixed != item)).collect();
        let mut rest = arranged(self.rule, &free, nth, seed).into_iter();
        let mut sequence: Vec<usize> = places.into_iter().filter_map(|p| p.or_else(|| rest.next())).collect();
        self.turned(&mut sequence, nth / self.rule_rows() as u64);
        sequence
    }

    /// Rows of the rule alone, at least 1.
    fn rule_rows(&self) -> usize {
        let free = self.items.saturating_sub(self.fixed.len()).max(1);
        match self.rule {
            Rule::AsListed | Rule::Shuffle => 1,
            Rule::LatinSquare => free,
            Rule::Williams if free.is_multiple_of(2) || free == 1 => free,
            Rule::Williams => 2 * free,
        }
    }

    fn turned(&self, sequence: &mut [usize], turns: u64) {
        let n = self.turn.len();
        if n < 2 {
            return;
        }
        let by = (turns % n as u64) as usize;
        for place in sequence.iter_mut() {
            if let Some(at) = self.turn.iter().position(|item| item == place) {
                *place = self.turn[(at + by) % n];
            }
        }
    }

    /// After how many people of a condition every row was used once; `None` where chance decides.
    pub fn rows(&self) -> Option<usize> {
        (self.rule != Rule::Shuffle).then(|| self.rule_rows() * self.turn.len().max(1))
    }
}

fn arranged(rule: Rule, items: &[usize], nth: u64, seed: [u8; 32]) -> Vec<usize> {
    let mut items = items.to_vec();
    if items.is_empty() {
        return items;
    }
    match rule {
        Rule::AsListed => {}
        Rule::Shuffle => shuffle(&mut ChaCha20Rng::from_seed(seed), &mut items),
        Rule::LatinSquare => {
            let by = (nth % items.len() as u64) as usize;
            items.rotate_left(by);
        }
        Rule::Williams => {
            let design = williams(items.len());
            let row = &design[(nth % design.len() as u64) as usize];
            items = row.iter().map(|&at| items[at]).collect();
        }
    }
    items
}

/// A Williams design of n items: n rows where n is even, 2n where it is odd. Its first row goes 0, 1, n−1, 2, n−2, …;
/// the others add 1, 2, … to it; for odd n the mirrored rows follow.
pub fn williams(n: usize) -> Vec<Vec<usize>> {
    let first: Vec<usize> =
        (0..n).map(|i| if i % 2 == 1 { i.div_ceil(2) } else { (n - i / 2) % n }).collect();
    let mut rows: Vec<Vec<usize>> =
        (0..n).map(|by| first.iter().map(|&item| (item + by) % n).collect()).collect();
    if n % 2 == 1 && n > 1 {
        let mirrored: Vec<Vec<usize>> = rows.iter().map(|row| row.iter().rev().copied().collect()).collect();
        rows.extend(mirrored);
    }
    rows
}
