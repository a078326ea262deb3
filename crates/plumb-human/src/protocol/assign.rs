//! Which condition the next person gets.
//!
//! An [`Allocation`] counts who is in which arm and decides by a rule and a secret seed. The same seed and the same calls
//! in the same order give the same arms, so a journal of arrivals and departures is enough to come back to a state and
//! to run the algorithm again for a permutation test. What is published before the end is [`commitment`] alone.
//!
//! Rules ([`Rule`]):
//! - simple: each arm with an open place has the same probability;
//! - block: cards are dealt from shuffled blocks that hold every arm equally often, how often being drawn anew for each
//!   block, so that nobody can count what comes next; each stratum has its own blocks;
//! - least-filled: a draw among the arms that hold the fewest people, active and completed, or one more; the fewest
//!   have twice the weight.
//!
//! Where arms have unequal shares ([`Allocation::in_shares`]), each rule deals in proportion to them, so that arms fill at the same
//! time: probabilities are the shares, a block holds each arm by its open places, and an arm counts as filled by its share.

use std::collections::BTreeMap;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};

use super::draw::{below, shuffle};

/// How an arm is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// By chance alone.
    Simple,
    /// From shuffled blocks; a block holds each arm one of these numbers of times (1 where the list is empty).
    Block(Vec<usize>),
    /// Among the arms with the fewest people.
    LeastFilled,
}

impl Rule {
    /// What dealing in shares means for every rule, in words.
    pub const IN_SHARES: &str = "Conditions have unequal places, and people are dealt in these proportions, so that all fill at the same time.";
}

/// How many people are in an arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arm {
    /// How many it takes; without a number there is always room.
    pub places: Option<usize>,
    /// Assigned, and neither completed nor gone.
    pub active: usize,
    /// Through to the end.
    pub completed: usize,
    /// Assigned, and gone before the end. They stay assigned in every analysis, but their place is open again.
    pub gone: usize,
}

impl Arm {
    /// Active and completed people: those who hold a place.
    pub fn held(&self) -> usize {
        self.active + self.completed
    }

    /// Open places; `usize::MAX` where there is no limit.
    fn open(&self) -> usize {
        self.places.map_or(usize::MAX, |places| places.saturating_sub(self.held()))
    }
}

/// The assignment of a study while it runs.
#[derive(Debug, Clone)]
pub struct Allocation {
    rule: Rule,
    arms: Vec<Arm>,
    rng: ChaCha20Rng,
    /// Cards not dealt, by stratum.
    decks: BTreeMap<String, Vec<usize>>,
    /// What arms get of the people, where it is not the same.
    shares: Option<Vec<usize>>,
    /// Who held a place in each arm when dealing in shares began; nothing where it was so from the first person on.
    since: Option<Vec<usize>>,
}

/// What may be published of a secret seed before the study ends: its SHA-256, in hexadecimal digits.
pub fn commitment(seed: &[u8; 32]) -> String {
    Sha256::digest(seed).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Allocation {
    /// Empty arms with these places.
    pub fn new(rule: Rule, places: &[Option<usize>], seed: [u8; 32]) -> Allocation {
        let arms = places.iter().map(|&places| Arm { places, active: 0, completed: 0, gone: 0 }).collect();
        Allocation {
            rule,
            arms,
            rng: ChaCha20Rng::from_seed(seed),
            decks: BTreeMap::new(),
            shares: None,
            since: None,
        }
    }

    /// Arms get people in these proportions, one for each arm; a list of another length is none.
    #[must_use]
    pub fn in_shares(self, shares: Vec<usize>) -> Allocation {
        let shares = Some(shares).filter(|shares| shares.len() == self.arms.len());
        Allocation { shares, ..self }
    }

    /// The same rule and places with nobody in them, and another seed.
    pub fn again(&self, seed: [u8; 32]) -> Allocation {
        let places: Vec<Option<usize>> = self.arms.iter().map(|arm| arm.places).collect();
        Allocation { shares: self.shares.clone(), ..Allocation::new(self.rule.clone(), &places, seed) }
    }

    /// The arms as they stand, in the order of the places given.
    pub fn arms(&self) -> &[Arm] {
        &self.arms
    }

    /// Other places from now on; who holds one keeps it, and cards that are dealt already stay. Shares follow the places. Where arms
    /// got the same until now and `in_shares` says that this ends, what is open now is dealt in proportion: an arm counts as filled by
    /// who came since.
    pub fn set_places(&mut self, places: &[Option<usize>], in_shares: bool) {
        for (arm, places) in self.arms.iter_mut().zip(places) {
            arm.places = *places;
        }
        if in_shares && (self.shares.is_none() || self.since.is_some()) {
            // An arm that is full now may have a place again when somebody leaves.
            self.shares = Some(
                self.arms.iter().map(|arm| arm.open().clamp(1, usize::MAX / (2 * self.arms.len()))).collect(),
            );
            self.since = Some(self.arms.iter().map(Arm::held).collect());
        } else if let (Some(shares), Some(places)) = (&mut self.shares, places.iter().copied().collect()) {
            *shares = places;
        }
    }

    /// Puts one more person into an arm; `None` when every place is taken. `stratum` matters to blocks only.
    pub fn assign(&mut self, stratum: &str) -> Option<usize> {
        let open = self.open();
        if open.is_empty() {
            return None;
        }
        let arm = match self.rule.clone() {
            Rule::Simple => {
                let cards: Vec<_> = open.iter().map(|&arm| (arm, self.share(arm))).collect();
                self.drawn(&cards)
            }
            Rule::LeastFilled => self.least_filled(&open),
            Rule::Block(sizes) => self.deal(stratum, &open, &sizes)?,
        };
        self.arms[arm].active += 1;
        Some(arm)
    }

    /// A person of this arm is through. False where the arm holds no active person.
    pub fn complete(&mut self, arm: usize) -> bool {
        let Some(arm) = self.arms.get_mut(arm).filter(|arm| arm.active > 0) else { return false };
        arm.active -= 1;
        arm.completed += 1;
        true
    }

    /// An active person of this arm has left: the place opens again and its card goes back, in a place that nobody can
    /// foresee. A stratum whose cards are all dealt gets a new block first, lest the card be the only one. False where
    /// the arm holds no active person.
    pub fn leave(&mut self, arm: usize, stratum: &str) -> bool {
        if self.arms.get(arm).is_none_or(|arm| arm.active == 0) {
            return false;
        }
        if let Rule::Block(sizes) = self.rule.clone() {
            if self.decks.get(stratum).is_none_or(Vec::is_empty) {
                self.block(stratum, &self.open(), &sizes);
            }
            let deck = self.decks.entry(stratum.to_owned()).or_default();
            deck.push(arm);
            shuffle(&mut self.rng, deck);
        }
        let counts = &mut self.arms[arm];
        counts.active -= 1;
        counts.gone += 1;
        true
    }

    /// Arms that take somebody now.
    fn open(&self) -> Vec<usize> {
        (0..self.arms.len()).filter(|&arm| self.arms[arm].open() > 0 && self.share(arm) > 0).collect()
    }

    fn share(&self, arm: usize) -> usize {
        self.shares.as_ref().map_or(1, |shares| shares[arm])
    }

    /// One of these arms, each as likely as its weight is large.
    fn drawn(&mut self, cards: &[(usize, usize)]) -> usize {
        let mut left = below(&mut self.rng, cards.iter().map(|(_, weight)| weight).sum());
        let card = cards.iter().find(|(_, weight)| {
            let here = left < *weight;
            left = left.saturating_sub(*weight);
            here
        });
        card.map_or(0, |(arm, _)| *arm)
    }

    fn least_filled(&mut self, open: &[usize]) -> usize {
        // How full an arm is: people over its share, compared without dividing.
        let fuller = |a: (i64, i64), b: (i64, i64)| (a.0 * b.1).cmp(&(b.0 * a.1));
        let since = |arm: usize| self.since.as_ref().map_or(0, |since| since[arm] as i64);
        let filled = |&arm: &usize| (self.arms[arm].held() as i64 - since(arm), self.share(arm) as i64);
        let Some(fewest) = open.iter().map(filled).min_by(|a, b| fuller(*a, *b)) else { return 0 };
        let mut cards = Vec::new();
        for arm in open {
            let (held, share) = filled(arm);
            if fuller((held, share), fewest).is_eq() {
                cards.push((*arm, 2 * share as usize));
            } else if fuller((held - 1, share), fewest).is_le() {
                cards.push((*arm, share as usize));
            }
        }
        self.drawn(&cards)
    }

    /// The next card of a stratum whose arm has room. Strata share places, so a card may have none left: it is dropped.
    fn deal(&mut self, stratum: &str, open: &[usize], sizes: &[usize]) -> Option<usize> {
        while let Some(card) = self.decks.get_mut(stratum).and_then(Vec::pop) {
            if self.arms[card].open() > 0 {
                return Some(card);
            }
        }
        self.block(stratum, open, sizes);
        self.decks.get_mut(stratum).and_then(Vec::pop)
    }

    /// Shuffles a new block over the open places, cut to them.
    fn block(&mut self, stratum: &str, open: &[usize], sizes: &[usize]) {
        let times = sizes.get(below(&mut self.rng, sizes.len())).copied().unwrap_or(1).max(1);
        let mut cards: Vec<usize> = if self.shares.is_some() {
            self.in_proportion(open, times)
        } else {
            open.iter().flat_map(|&arm| std::iter::repeat_n(arm, times.min(self.arms[arm].open()))).collect()
        };
        shuffle(&mut self.rng, &mut cards);
        self.decks.insert(stratum.to_owned(), cards);
    }

    /// Cards of a block in which each arm stands `times` times on average, by its open places (by its share where places have no
    /// limit): the whole parts, and what is left over rounded up by one systematic draw, so that each arm's expected number is
    /// exact (Madow 1949, *Annals of Mathematical Statistics* 20: 333–354) and arms stay in proportion as they fill.
    fn in_proportion(&mut self, open: &[usize], times: usize) -> Vec<usize> {
        let limited = open.iter().all(|&arm| self.arms[arm].places.is_some());
        let due = |&arm: &usize| if limited { self.arms[arm].open() } else { self.share(arm) };
        let due: Vec<usize> = open.iter().map(due).collect();
        let all: usize = due.iter().sum();
        let size = if limited { (times * open.len()).min(all) } else { times * open.len() };
        let mut reached = below(&mut self.rng, all);
        let mut cards = Vec::with_capacity(size);
        for (&arm, due) in open.iter().zip(due) {
            let before = reached / all;
            reached += size * due;
            cards.extend(std::iter::repeat_n(arm, reached / all - before));
        }
        cards
    }
}
