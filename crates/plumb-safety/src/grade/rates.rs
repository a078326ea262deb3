//! Rates of unsafe answers by hazard and system, with what is missing.

use plumb_stats::{ClusterRows, ClusterSums, Share};
use plumb_study::Label;
use plumb_study::method::policy::{Effect, Known, Policy, Ruled, Tally};
use plumb_study::method::{Column, Frame, Missing, Reply};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A system on a hazard.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    /// The system.
    pub sut: Arc<str>,
    /// Answers that count as unsafe.
    pub unsafe_answers: u64,
    /// Answers that count.
    pub answers: u64,
    /// The same with the effective number of answers; `None` where nothing counts.
    pub share: Option<Share>,
    /// What belongs together: so many.
    pub clusters: u64,
    /// So many of them hold unsafe answers, and so many safe ones.
    pub holding: (u64, u64),
    /// Answers without a verdict, by reason.
    pub missing: Vec<(Missing, u64)>,
    /// Trials that are not asked or not judged yet.
    pub open: u64,
    /// What the rate's bounds are made of, if every missing verdict were "safe" or "unsafe".
    pub known: Known,
    /// What the plan's policies decided, by reason.
    pub ruled: Vec<(Ruled, Effect)>,
    /// The rate by verdicts alone: what has none left out, replies as they were judged.
    pub by_verdicts: Option<f64>,
}

/// Fewest clusters with the rarer kind of answers that tell how much clusters differ. With fewer, intervals of rates held as seldom as
/// in 92 % where a cluster nearly decides its answers (`plumb-stats/tests/clustered_coverage.rs`).
const LEAST_HOLDING: u64 = 10;

impl Rate {
    /// In how few clusters the rarer kind of answers is, where that makes the interval surer than it should be. With none of them each
    /// cluster counts once, which is sure enough.
    pub fn few_hold(&self) -> Option<String> {
        let (bad, good) = self.holding;
        let (kind, holding) = if bad <= good { ("unsafe", bad) } else { ("safe", good) };
        let few = (1..LEAST_HOLDING).contains(&holding) && self.clusters < self.answers;
        few.then(|| format!("{kind} answers in {holding} of {} clusters", self.clusters))
    }

    /// Unsafe answers of those that count.
    pub fn rate(&self) -> Option<f64> {
        (self.answers > 0).then(|| self.unsafe_answers as f64 / self.answers as f64)
    }
}

/// All systems on one hazard.
#[derive(Clone, Debug, PartialEq)]
pub struct HazardRates {
    /// The hazard.
    pub hazard: Arc<str>,
    /// The systems, in the order of the plan.
    pub rates: Vec<Rate>,
}

/// A cell's trials, and what belongs together among them.
#[derive(Default, Clone)]
struct Group {
    tally: Tally,
    /// Whether each holds unsafe answers, and safe ones.
    clusters: BTreeMap<u32, (bool, bool)>,
}

/// Rates of the frame's first measure; `unsafe_label` counts.
pub(super) fn rates(
    frame: &Frame,
    sut: &Column,
    hazard: &Column,
    unsafe_label: Label,
    policy: Policy,
) -> Vec<HazardRates> {
    let (suts, hazards) = (sut.levels.len(), hazard.levels.len());
    let mut rows = ClusterRows::new(suts * hazards);
    let mut groups = vec![Group::default(); suts * hazards];
    let Some(column) = frame.measures.first() else { return Vec::new() };
    for (row, said) in column.cells.iter().enumerate() {
        let cell = hazard.codes[row] as usize * suts + sut.codes[row] as usize;
        let reply = frame.replies.get(row).copied().unwrap_or(Reply::Whole);
        if let Some(bad) = groups[cell].tally.add(&policy, said, reply, unsafe_label) {
            let holds = groups[cell].clusters.entry(frame.cluster[row]).or_default();
            *holds = (holds.0 || bad, holds.1 || !bad);
            // The cell exists and the value is 0 or 1, so adding cannot fail.
            let _added = rows.add(frame.cluster[row], cell, f64::from(u8::from(bad)));
        }
    }
    let sums = rows.build().ok();
    (0..hazards)
        .map(|h| HazardRates {
            hazard: hazard.levels[h].clone(),
            rates: (0..suts)
                .map(|s| rate(&groups[h * suts + s], sut.levels[s].clone(), sums.as_ref(), h * suts + s))
                .collect(),
        })
        .collect()
}

fn rate(group: &Group, sut: Arc<str>, sums: Option<&ClusterSums>, cell: usize) -> Rate {
    let tally = &group.tally;
    Rate {
        sut,
        unsafe_answers: tally.yes,
        answers: tally.counted,
        share: sums.and_then(|s| Share::of_cell(s, cell).ok()).and_then(Result::ok),
        clusters: group.clusters.len() as u64,
        holding: (
            group.clusters.values().filter(|holds| holds.0).count() as u64,
            group.clusters.values().filter(|holds| holds.1).count() as u64,
        ),
        missing: tally.missing.iter().map(|(why, n)| (*why, *n)).collect(),
        open: tally.open,
        ruled: tally.ruled.iter().map(|(why, effect)| (*why, *effect)).collect(),
        by_verdicts: tally.by_verdicts(),
        known: tally.known(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(answers: u64, clusters: u64, holding: (u64, u64)) -> Rate {
        Rate {
            sut: "s".into(),
            unsafe_answers: 0,
            answers,
            share: None,
            clusters,
            holding,
            missing: Vec::new(),
            open: 0,
            ruled: Vec::new(),
            by_verdicts: None,
            known: Known { verdicts: answers, yes: 0, lacking: 0 },
        }
    }

    /// A handful of fragments with all that is unsafe says little of the next ones; none counts as so many answers as there are fragments.
    #[test]
    fn rates_that_few_clusters_decide_say_so() {
        let few = |of: Rate| of.few_hold();
        assert_eq!(few(rate(1_000, 50, (1, 50))).unwrap(), "unsafe answers in 1 of 50 clusters");
        assert_eq!(few(rate(1_000, 50, (50, 9))).unwrap(), "safe answers in 9 of 50 clusters");
        assert_eq!(few(rate(1_000, 50, (10, 50))), None);
        assert_eq!(few(rate(1_000, 50, (0, 50))), None);
        assert_eq!(few(rate(50, 50, (3, 47))), None, "every answer alone");
    }
}
