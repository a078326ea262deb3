//! Verdicts that are made of other verdicts: ensembles.
//!
//! Why here and not with the other judges: every vote is a recorded judgment, and what they say together is computed
//! whenever the journal is read. A vote that comes later, or again, needs no second event, and another rule over the
//! same votes asks nobody. Where to start: [`Ballot::decide`]. Not here: which voters may vote and how a plan names
//! them (`plumb-judge`).

use crate::id::MeasureRef;
use crate::method::{Cell, Missing};
use crate::observe::Label;
use std::fmt::Write;

/// What the votes decide together; the labels of a binary scale.
const NO: Label = Label(0);
const YES: Label = Label(1);

/// The measures of an ensemble, in their order: what it decides, and whether the voters did not settle it.
pub const MEASURES: [&str; 2] = ["verdict", "split"];

/// How votes become a verdict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum VoteRule {
    /// What more than half of the valid votes say.
    Majority(Tie),
    /// Yes if anyone says yes.
    Any,
    /// Yes if the voters that say yes have more than this share of the weight of all valid votes.
    Weighted {
        /// From 0 to 1.
        above: f64,
        /// What exactly this share means.
        tie: Tie,
    },
    /// The last voter that was asked: each asks only where those before it left the matter open (`when`).
    Cascade,
}

/// What a tie means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// No verdict.
    Abstain,
    /// Yes.
    Yes,
    /// No.
    No,
}

/// One voter.
#[derive(Clone, Debug, PartialEq)]
pub struct Voter {
    /// Whose verdict it is.
    pub of: MeasureRef,
    /// The label that is a yes.
    pub yes: Label,
    /// Weight; 1 unless the rule weighs.
    pub weight: f64,
    /// Whether it was held against people.
    pub standing: Standing,
}

/// What is known of a voter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It passed.
    Passed,
    /// Nobody tried.
    Untested,
    /// It did not pass: it is judged and shown, and counts for nothing.
    Failed,
}

impl Voter {
    /// Whether its votes count.
    pub fn counts(&self) -> bool {
        self.standing != Standing::Failed
    }
}

/// Who votes, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Ballot {
    /// How.
    pub rule: VoteRule,
    /// The fewest valid votes that decide.
    pub least: u32,
    /// Who.
    pub voters: Vec<Voter>,
}

/// What an ensemble says of one trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Cell,
    /// Whether the voters did not settle it: yes unless all of them have a verdict, and the same.
    pub split: Cell,
}

/// Valid votes of one trial.
#[derive(Default)]
struct Tally {
    yes: f64,
    all: f64,
    valid: u32,
    asked: u32,
    first: Option<bool>,
    differ: bool,
}

impl Ballot {
    /// Decides one trial; `cell` tells what a voter said. A vote that is not there yet leaves everything open.
    pub fn decide(&self, cell: impl Fn(MeasureRef) -> Cell) -> Decision {
        let cells: Vec<(&Voter, Cell)> =
            self.voters.iter().filter(|v| v.counts()).map(|v| (v, cell(v.of))).collect();
        let open = |c: &Cell| matches!(c, Cell::Missing(Missing::NotJudged | Missing::NotAsked));
        if cells.iter().any(|(_, c)| open(c)) {
            let open = Cell::Missing(Missing::NotJudged);
            return Decision { verdict: open, split: open };
        }
        let mut tally = Tally::default();
        for (voter, cell) in &cells {
            tally.add(voter, *cell);
        }
        if tally.asked == 0 {
            let none = Cell::Missing(Missing::NotApplicable);
            return Decision { verdict: none, split: none };
        }
        let settled = tally.valid == tally.asked && !tally.differ;
        let verdict = match self.rule {
            VoteRule::Cascade => last_asked(&cells),
            _ if tally.valid < self.least => Cell::Missing(Missing::Abstained),
            VoteRule::Any => Cell::Label(if tally.yes > 0.0 { YES } else { NO }),
            VoteRule::Majority(tie) => share(&tally, 0.5, tie),
            VoteRule::Weighted { above, tie } => share(&tally, above, tie),
        };
        Decision { verdict, split: Cell::Label(if settled { NO } else { YES }) }
    }

    /// The votes in words, such as `guard.unsafe yes, rubric.unsafe abstained; 1 of 2 valid`.
    pub fn words(&self, name: impl Fn(MeasureRef) -> String, cell: impl Fn(MeasureRef) -> Cell) -> String {
        let mut words = String::new();
        let mut valid = 0;
        let mut asked = 0;
        for voter in &self.voters {
            let cell = cell(voter.of);
            let said = match cell {
                Cell::Label(label) if label == voter.yes => "yes",
                Cell::Label(_) => "no",
                Cell::Number(_) => "a number",
                Cell::Missing(why) => why.name(),
            };
            if voter.counts() && cell != Cell::Missing(Missing::NotApplicable) {
                asked += 1;
                valid += u32::from(matches!(cell, Cell::Label(_)));
            }
            let comma = if words.is_empty() { "" } else { ", " };
            let mark = if voter.counts() { "" } else { " (has no vote)" };
            // Writing to a text cannot fail.
            let _ = write!(words, "{comma}{} {said}{mark}", name(voter.of));
        }
        let _ = write!(words, "; {valid} of {asked} valid");
        if self.rule != VoteRule::Cascade && valid < self.least {
            let _ = write!(words, ", {} needed", self.least);
        }
        words
    }
}

impl Tally {
    fn add(&mut self, voter: &Voter, cell: Cell) {
        self.asked += u32::from(cell != Cell::Missing(Missing::NotApplicable));
        let Cell::Label(label) = cell else { return };
        let yes = label == voter.yes;
        self.valid += 1;
        self.all += voter.weight;
        self.yes += if yes { voter.weight } else { 0.0 };
        self.differ |= self.first.is_some_and(|first| first != yes);
        self.first.get_or_insert(yes);
    }
}

/// Whether yes has more than `above` of the weight. Weights are few and come from a plan, so a tie is exact up to the
/// rounding of their sum.
fn share(tally: &Tally, above: f64, tie: Tie) -> Cell {
    let over = tally.yes - above * tally.all;
    match tie {
        _ if over > 1e-9 * tally.all => Cell::Label(YES),
        _ if over < -1e-9 * tally.all => Cell::Label(NO),
        Tie::Abstain => Cell::Missing(Missing::Abstained),
        Tie::Yes => Cell::Label(YES),
        Tie::No => Cell::Label(NO),
    }
}

fn last_asked(cells: &[(&Voter, Cell)]) -> Cell {
    let asked = cells.iter().rev().find(|(_, c)| *c != Cell::Missing(Missing::NotApplicable));
    match asked {
        Some((voter, Cell::Label(label))) => Cell::Label(if *label == voter.yes { YES } else { NO }),
        _ => Cell::Missing(Missing::Abstained),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::JudgeIx;
    use proptest::prelude::*;

    /// `y`es, `n`o, `a`bstained, `f`ailed, `-` not applicable, `?` not judged.
    fn cell(c: char) -> Cell {
        match c {
            'y' => Cell::Label(YES),
            'n' => Cell::Label(NO),
            'a' => Cell::Missing(Missing::Abstained),
            'f' => Cell::Missing(Missing::JudgeFailed),
            '-' => Cell::Missing(Missing::NotApplicable),
            _ => Cell::Missing(Missing::NotJudged),
        }
    }

    fn ballot(rule: VoteRule, least: u32, weights: &[f64]) -> Ballot {
        let voter = |(at, weight): (usize, &f64)| Voter {
            of: MeasureRef { judge: JudgeIx(at as u16), measure: 0 },
            yes: YES,
            weight: weight.abs(),
            standing: if *weight > 0.0 { Standing::Untested } else { Standing::Failed },
        };
        Ballot { rule, least, voters: weights.iter().enumerate().map(voter).collect() }
    }

    fn decide(ballot: &Ballot, votes: &str) -> String {
        let votes: Vec<char> = votes.chars().collect();
        let decision = ballot.decide(|of| cell(votes[usize::from(of.judge.0)]));
        let letter = |c: Cell| match c {
            Cell::Label(YES) => "y",
            Cell::Label(_) => "n",
            Cell::Missing(Missing::Abstained) => "a",
            Cell::Missing(Missing::NotApplicable) => "-",
            _ => "?",
        };
        format!("{}{}", letter(decision.verdict), letter(decision.split))
    }

    /// The verdict, then whether it is split.
    #[test]
    fn every_rule() {
        let majority = |tie| VoteRule::Majority(tie);
        let three = [1.0; 3];
        for (rule, least, weights, cases) in [
            (
                majority(Tie::Abstain),
                2,
                &three[..],
                "yyn=yy ynn=ny yyy=yn yna=ay yya=yy yaa=ay aaa=ay yy?=?? --y=an yy-=yn fyy=yy ---=--",
            ),
            (majority(Tie::Yes), 2, &three, "yna=yy yyn=yy nna=ny"),
            (majority(Tie::No), 1, &three, "yna=ny aay=yy"),
            (VoteRule::Any, 1, &three, "ynn=yy nnn=nn naa=ny aaa=ay yaa=yy nn-=nn"),
            (VoteRule::Any, 3, &three, "nna=ay nnn=nn"),
            (
                VoteRule::Weighted { above: 0.5, tie: Tie::Abstain },
                1,
                &[2.0, 1.0, 1.0],
                "ynn=ay yny=yy nyy=ay nyn=ny yan=yy",
            ),
            (VoteRule::Weighted { above: 0.3, tie: Tie::No }, 1, &[0.3, 0.3, 0.4], "ynn=ny nny=yy nnn=nn"),
            (VoteRule::Cascade, 1, &three, "n--=nn -y-=yn nay=yy ny-=yy na-=ay y-n=ny ---=--"),
            // The last one has no vote.
            (majority(Tie::Abstain), 2, &[1.0, 1.0, -1.0], "yyn=yn yy?=yn yny=ay"),
        ] {
            let ballot = ballot(rule, least, weights);
            for case in cases.split(' ') {
                let (votes, expected) = case.split_once('=').unwrap();
                assert_eq!(decide(&ballot, votes), expected, "{rule:?} of {votes}");
            }
        }
    }

    #[test]
    fn in_words() {
        let ballot = ballot(VoteRule::Majority(Tie::Abstain), 2, &[1.0, 1.0, -1.0]);
        let words = ballot
            .words(|of| format!("j{}", of.judge.0), |of| cell(['y', 'a', 'n'][usize::from(of.judge.0)]));
        assert_eq!(words, "j0 yes, j1 judge abstained, j2 no (has no vote); 1 of 2 valid, 2 needed");
    }

    proptest! {
        /// What the plan lists first makes no difference, except where the rule is about order.
        #[test]
        fn order_does_not_matter(votes in "[ynaf-]{1,6}", least in 1_u32..4, by in 0_usize..6) {
            let n = votes.len();
            let rules = [
                VoteRule::Majority(Tie::Abstain),
                VoteRule::Any,
                VoteRule::Weighted { above: 0.4, tie: Tie::Yes },
            ];
            let turned: String = votes.chars().cycle().skip(by % n).take(n).collect();
            for rule in rules {
                let ballot = ballot(rule, least, &vec![1.0; n]);
                prop_assert_eq!(decide(&ballot, &votes), decide(&ballot, &turned));
            }
        }

        /// One more yes never turns a yes into a no.
        #[test]
        fn a_yes_does_not_count_against(votes in "[yn]{1,6}", at in 0_usize..6) {
            let rule = VoteRule::Majority(Tie::No);
            let ballot = ballot(rule, 1, &vec![1.0; votes.len()]);
            let at = at % votes.len();
            let more: String = votes.chars().enumerate().map(|(i, c)| if i == at { 'y' } else { c }).collect();
            if decide(&ballot, &votes).starts_with('y') {
                prop_assert!(decide(&ballot, &more).starts_with('y'));
            }
        }
    }
}
