//! Pairs of rows, sorted out by what two columns say of them.
//!
//! Why: Kendall's τ-b and the share of pairs that a metric puts in the order of people's ratings are both functions of
//! the same six counts, and people's ratings have so many ties that a number which does not say what it does with
//! them means nothing.
//!
//! Not here: columns and their groups of equal values (`correlation`), intervals (`crossed`).

use crate::Undefined;

/// Counts of pairs; rows that count several times are several rows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pairs {
    /// All pairs.
    pub all: f64,
    /// Concordant less discordant pairs.
    pub surplus: f64,
    /// Pairs with equal values in the first column (a metric).
    pub tied_first: f64,
    /// Pairs with equal values in the second column (people).
    pub tied_second: f64,
    /// Pairs with equal values in both.
    pub tied_both: f64,
}

impl Pairs {
    fn decided(&self) -> f64 {
        self.all - self.tied_first - self.tied_second + self.tied_both
    }

    fn concordant(&self) -> f64 {
        (self.decided() + self.surplus) / 2.0
    }

    /// Kendall's τ-b: (concordant − discordant) / √(pairs not tied in the first × pairs not tied in the second)
    /// (Kendall 1945, Biometrika 33:239–251).
    pub fn tau_b(&self) -> Result<f64, Undefined> {
        let (first, second) = (self.all - self.tied_first, self.all - self.tied_second);
        if self.all <= 0.0 {
            return Err(Undefined::NoData);
        }
        if first <= 0.0 || second <= 0.0 {
            return Err(Undefined::ConstantColumn);
        }
        Ok((self.surplus / (first.sqrt() * second.sqrt())).clamp(-1.0, 1.0))
    }

    /// Of the pairs that the second column tells apart, the share that the first orders alike; a pair that the first
    /// ties counts one half. Somers' d of the first given the second is 2 × this − 1 (Somers 1962, Am. Sociol. Rev.
    /// 27:799–811).
    pub fn accuracy(&self) -> Result<f64, Undefined> {
        let apart = self.all - self.tied_second;
        if apart <= 0.0 {
            return Err(if self.all > 0.0 { Undefined::ConstantColumn } else { Undefined::NoData });
        }
        Ok((self.concordant() + (self.tied_first - self.tied_both) / 2.0) / apart)
    }

    /// Of all pairs, the share on which both say the same: before, after or equal (Deutsch, Foster & Freitag 2023,
    /// EMNLP, "Ties Matter", acc_eq, without calibration of what counts as equal).
    pub fn accuracy_with_ties(&self) -> Result<f64, Undefined> {
        if self.all <= 0.0 {
            return Err(Undefined::NoData);
        }
        Ok((self.concordant() + self.tied_both) / self.all)
    }

    /// Adds a pair that counts `times`; each ordering is that of the pair in one column.
    pub(crate) fn add(&mut self, first: std::cmp::Ordering, second: std::cmp::Ordering, times: f64) {
        self.all += times;
        let (tie_first, tie_second) = (first.is_eq(), second.is_eq());
        self.tied_first += if tie_first { times } else { 0.0 };
        self.tied_second += if tie_second { times } else { 0.0 };
        if tie_first && tie_second {
            self.tied_both += times;
        } else if !tie_first && !tie_second {
            self.surplus += if first == second { times } else { -times };
        }
    }
}

/// Unordered pairs of `n` things.
pub(crate) fn pairs_of(n: u64) -> f64 {
    n as f64 * (n as f64 - 1.0) / 2.0
}

/// A row that counts: the group of its value in the second column, and how often it counts.
pub(crate) type Counted = (u32, u32);

/// Counts the pairs of rows that come sorted by the first column: `next` puts the rows of the next equal values of the
/// first column into an empty list and is false at the end. `groups` is the number of distinct values of the second,
/// `rows` how often all rows together count.
pub(crate) fn count(groups: usize, rows: u64, mut next: impl FnMut(&mut Vec<Counted>) -> bool) -> Pairs {
    let mut seen = Seen::new(groups, rows);
    let mut sizes = vec![0_u64; groups];
    let mut pairs = Pairs::default();
    let (mut total, mut surplus, mut tie) = (0_u64, 0_i64, Vec::new());
    while next(&mut tie) {
        let mut size = 0_u64;
        for (group, times) in &tie {
            // Rows with a smaller first value are in, those with the same are put in after all of them looked.
            let below = seen.before(*group as usize);
            let above = total - below - sizes[*group as usize];
            surplus += i64::from(*times) * (below as i64 - above as i64);
            size += u64::from(*times);
        }
        if !tie.is_sorted_by_key(|(group, _)| *group) {
            tie.sort_unstable_by_key(|(group, _)| *group);
        }
        for same in tie.chunk_by(|a, b| a.0 == b.0) {
            let times = same.iter().map(|(_, times)| u64::from(*times)).sum::<u64>();
            pairs.tied_both += pairs_of(times);
            sizes[same[0].0 as usize] += times;
            seen.add(same[0].0 as usize, times);
        }
        pairs.tied_first += pairs_of(size);
        total += size;
        tie.clear();
    }
    pairs.surplus = surplus as f64;
    pairs.all = pairs_of(total);
    pairs.tied_second = sizes.iter().map(|n| pairs_of(*n)).sum();
    pairs
}

/// Groups in a block.
const BLOCK: usize = 16;
/// Up to so many groups, sums by block are faster than a tree.
const FEW_GROUPS: usize = 512;

/// How many rows have been seen in the groups before one.
enum Seen {
    /// For each group the rows in the groups of its block before it, for each block those in the blocks before it. Adding
    /// goes through one block and all blocks without a branch, looking up is two reads.
    Blocks {
        own: Vec<[u32; BLOCK]>,
        blocks: Vec<u32>,
    },
    Tree(Sums),
}

impl Seen {
    /// `rows` is how many will be added at most.
    fn new(groups: usize, rows: u64) -> Seen {
        let blocks = groups.div_ceil(BLOCK);
        match groups <= FEW_GROUPS && u32::try_from(rows).is_ok() {
            true => Seen::Blocks { own: vec![[0; BLOCK]; blocks], blocks: vec![0; blocks] },
            false => Seen::Tree(Sums::new(groups)),
        }
    }

    fn before(&self, group: usize) -> u64 {
        match self {
            Seen::Blocks { own, blocks } => {
                u64::from(blocks[group / BLOCK]) + u64::from(own[group / BLOCK][group % BLOCK])
            }
            Seen::Tree(tree) => tree.before(group),
        }
    }

    fn add(&mut self, group: usize, count: u64) {
        match self {
            Seen::Blocks { own, blocks } => {
                let (block, place, count) = ((group / BLOCK) as u32, (group % BLOCK) as u32, count as u32);
                for (at, sum) in (0_u32..).zip(&mut own[group / BLOCK]) {
                    *sum = sum.wrapping_add(if at > place { count } else { 0 });
                }
                for (at, sum) in (0_u32..).zip(blocks) {
                    *sum = sum.wrapping_add(if at > block { count } else { 0 });
                }
            }
            Seen::Tree(tree) => tree.add(group, count),
        }
    }
}

/// Sums over beginnings of a list that changes (Fenwick 1994).
struct Sums(Vec<u64>);

impl Sums {
    fn new(places: usize) -> Sums {
        Sums(vec![0; places + 1])
    }

    fn add(&mut self, place: usize, count: u64) {
        let mut at = place + 1;
        while at < self.0.len() {
            self.0[at] += count;
            at += at & at.wrapping_neg();
        }
    }

    /// The sum of the places below `place`.
    fn before(&self, place: usize) -> u64 {
        let (mut at, mut sum) = (place, 0);
        while at > 0 {
            sum += self.0[at];
            at -= at & at.wrapping_neg();
        }
        sum
    }
}
