//! The stored form of an ensemble's votes, version 1.

use crate::id::{JudgeIx, MeasureRef};
use crate::observe::Label;
use crate::vote::{Ballot, Standing, Tie, VoteRule, Voter};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct BallotV1 {
    rule: RuleV1,
    least: u32,
    /// Judge, measure, label that is a yes, weight, standing.
    voters: Vec<(u16, u8, u8, f64, StandingV1)>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RuleV1 {
    Majority { tie: TieV1 },
    Any,
    Weighted { above: f64, tie: TieV1 },
    Cascade,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TieV1 {
    Abstain,
    Yes,
    No,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StandingV1 {
    Passed,
    Untested,
    Failed,
}

fn standing_out(standing: Standing) -> StandingV1 {
    match standing {
        Standing::Passed => StandingV1::Passed,
        Standing::Untested => StandingV1::Untested,
        Standing::Failed => StandingV1::Failed,
    }
}

fn standing_in(standing: StandingV1) -> Standing {
    match standing {
        StandingV1::Passed => Standing::Passed,
        StandingV1::Untested => Standing::Untested,
        StandingV1::Failed => Standing::Failed,
    }
}

fn tie_out(tie: Tie) -> TieV1 {
    match tie {
        Tie::Abstain => TieV1::Abstain,
        Tie::Yes => TieV1::Yes,
        Tie::No => TieV1::No,
    }
}

fn tie_in(tie: TieV1) -> Tie {
    match tie {
        TieV1::Abstain => Tie::Abstain,
        TieV1::Yes => Tie::Yes,
        TieV1::No => Tie::No,
    }
}

pub(super) fn ballot_out(ballot: &Ballot) -> BallotV1 {
    BallotV1 {
        rule: match ballot.rule {
            VoteRule::Majority(tie) => RuleV1::Majority { tie: tie_out(tie) },
            VoteRule::Any => RuleV1::Any,
            VoteRule::Weighted { above, tie } => RuleV1::Weighted { above, tie: tie_out(tie) },
            VoteRule::Cascade => RuleV1::Cascade,
        },
        least: ballot.least,
        voters: ballot
            .voters
            .iter()
            .map(|v| (v.of.judge.0, v.of.measure, v.yes.0, v.weight, standing_out(v.standing)))
            .collect(),
    }
}

pub(super) fn ballot_in(ballot: BallotV1) -> Ballot {
    Ballot {
        rule: match ballot.rule {
            RuleV1::Majority { tie } => VoteRule::Majority(tie_in(tie)),
            RuleV1::Any => VoteRule::Any,
            RuleV1::Weighted { above, tie } => VoteRule::Weighted { above, tie: tie_in(tie) },
            RuleV1::Cascade => VoteRule::Cascade,
        },
        least: ballot.least,
        voters: ballot
            .voters
            .into_iter()
            .map(|(judge, measure, yes, weight, standing)| Voter {
                of: MeasureRef { judge: JudgeIx(judge), measure },
                yes: Label(yes),
                weight,
                standing: standing_in(standing),
            })
            .collect(),
    }
}
