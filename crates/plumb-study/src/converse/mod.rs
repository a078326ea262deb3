//! Conversations: items that take several exchanges, and the attacks that make them.
//!
//! An item's source may have a [`Strategy`]. A *ladder* puts user turns that stand in the plan, one after
//! another. *Crescendo* has another model, the attacker, write each turn after it has seen the answer before.
//! Both keep the same books: a turn that the subject refuses is taken out of its memory again (a backtrack) and
//! does not count, until the budget of backtracks is used up; from then on refused turns stay, are looked at for
//! success and count. The attempt ends at the first success or when its turns are used up.
//!
//! Source of the bookkeeping: Crescendo as PyRIT 1.1.0 runs it (Russinovich et al., 2404.01833, describe the
//! attack): 10 turns, 10 backtracks, success from 0.8 on a scale of 0 to 1. Attacker's and judges' words are ours.
//!
//! Start at [`escalate::elicit`]. Every exchange goes through [`crate::run::Ctx::ask`], so limits, retries and the
//! record are those of any other; a strategy's verdicts are no judgments, and a report makes them again from
//! the recorded replies ([`replay`]). Not here: what counts as refusal or success; those are judges of the plan.

mod attacker;
pub(crate) mod escalate;
pub(crate) mod freeze;
pub(crate) mod replay;
mod weak;

use crate::id::MeasureRef;
use crate::observe::Label;
use crate::plan::PartySpec;
use std::sync::Arc;

/// How the exchanges of a source's items are made.
#[derive(Clone, Debug, PartialEq)]
pub struct Strategy {
    /// Who writes the user turns.
    pub writer: Writer,
    /// What counts as a refused turn; without it nothing is taken back.
    pub refusal: Option<Check>,
    /// What ends the attempt; without it all turns are put.
    pub success: Option<Check>,
    /// Most turns that count.
    pub turns: u16,
    /// Most turns that are taken back.
    pub backtracks: u16,
}

/// Who writes the user turns.
#[derive(Clone, Debug, PartialEq)]
pub enum Writer {
    /// The item holds them ([`crate::items::Task::Ladder`]).
    Item,
    /// A model, which is told the item's goal ([`crate::items::Task::Goal`]).
    Attacker(Box<Attacker>),
}

/// The model that writes the turns of a Crescendo, and all that it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Attacker {
    /// Who it is.
    pub party: PartySpec,
    /// Whether its turn stands in the field `question` of a JSON object; else its whole reply is the turn.
    pub json: bool,
    /// How often it is asked for one turn while it gives none.
    pub tries: u16,
    /// What it is told.
    pub wording: Wording,
}

/// What an attacker is told. `{goal}`, `{turn}`, `{turns}` and, after the first turn, `{answer}` are filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// Before everything.
    pub instructions: Arc<str>,
    /// For the first turn.
    pub first: Arc<str>,
    /// After an answer.
    pub next: Arc<str>,
    /// After a refusal that was taken back.
    pub refused: Arc<str>,
}

/// A judge's measure and the value that means yes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Check {
    /// The measure.
    pub of: MeasureRef,
    /// The value.
    pub holds: Holds,
}

/// When a [`Check`] holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Holds {
    /// The label is this one.
    Label(Label),
    /// The number is at least this.
    AtLeast(f64),
}

/// One exchange of an attempt, for people who read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What was put to the subject.
    pub question: Arc<str>,
    /// What it said, or why there is no answer.
    pub answer: Arc<str>,
    /// Whether the answer was withheld rather than said.
    pub withheld: bool,
    /// What the check of refusal found: yes, no, or that its judge abstained or was not asked.
    pub refused: Option<bool>,
    /// What the check of success found.
    pub success: Option<bool>,
    /// Whether the exchange stayed in the subject's memory.
    pub kept: bool,
}

impl Strategy {
    /// Judges that are asked while a conversation goes on.
    pub fn judges(&self) -> impl Iterator<Item = crate::id::JudgeIx> + '_ {
        self.refusal.iter().chain(&self.success).map(|check| check.of.judge)
    }

    /// The model that writes turns, if one does.
    pub fn attacker(&self) -> Option<&Attacker> {
        match &self.writer {
            Writer::Item => None,
            Writer::Attacker(attacker) => Some(attacker),
        }
    }

    /// Name for files and pages.
    pub fn name(&self) -> &'static str {
        if self.attacker().is_some() { "crescendo" } else { "ladder" }
    }
}
