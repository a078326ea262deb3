//! The stored strategy of a source, version 1.

use super::header::{PartyV1, party_in, party_out};
use crate::converse::{Attacker, Check, Holds, Strategy, Wording, Writer};
use crate::id::{JudgeIx, MeasureRef};
use crate::observe::Label;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
pub(super) struct StrategyV1 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attacker: Option<AttackerV1>,
    refusal: Option<CheckV1>,
    success: Option<CheckV1>,
    turns: u16,
    backtracks: u16,
}

#[derive(Serialize, Deserialize)]
struct AttackerV1 {
    party: PartyV1,
    json: bool,
    tries: u16,
    /// Instructions, first, next, refused.
    wording: [Arc<str>; 4],
}

/// Judge, measure, and the label or the least number.
#[derive(Serialize, Deserialize)]
struct CheckV1(u16, u8, HoldsV1);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum HoldsV1 {
    Label(u8),
    Least(f64),
}

fn check_out(check: Check) -> CheckV1 {
    let holds = match check.holds {
        Holds::Label(label) => HoldsV1::Label(label.0),
        Holds::AtLeast(least) => HoldsV1::Least(least),
    };
    CheckV1(check.of.judge.0, check.of.measure, holds)
}

fn check_in(CheckV1(judge, measure, holds): CheckV1) -> Check {
    let holds = match holds {
        HoldsV1::Label(label) => Holds::Label(Label(label)),
        HoldsV1::Least(least) => Holds::AtLeast(least),
    };
    Check { of: MeasureRef { judge: JudgeIx(judge), measure }, holds }
}

pub(super) fn strategy_out(s: &Strategy) -> StrategyV1 {
    let attacker = s.attacker().map(|a| {
        let w = &a.wording;
        AttackerV1 {
            party: party_out(&a.party),
            json: a.json,
            tries: a.tries,
            wording: [w.instructions.clone(), w.first.clone(), w.next.clone(), w.refused.clone()],
        }
    });
    StrategyV1 {
        attacker,
        refusal: s.refusal.map(check_out),
        success: s.success.map(check_out),
        turns: s.turns,
        backtracks: s.backtracks,
    }
}

pub(super) fn strategy_in(s: StrategyV1) -> Strategy {
    let writer = match s.attacker {
        None => Writer::Item,
        Some(a) => {
            let [instructions, first, next, refused] = a.wording;
            Writer::Attacker(Box::new(Attacker {
                party: party_in(a.party),
                json: a.json,
                tries: a.tries,
                wording: Wording { instructions, first, next, refused },
            }))
        }
    };
    Strategy {
        writer,
        refusal: s.refusal.map(check_in),
        success: s.success.map(check_in),
        turns: s.turns,
        backtracks: s.backtracks,
    }
}
