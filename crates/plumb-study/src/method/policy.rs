//! How trials count that have no verdict, or a reply that is empty or was cut.
//!
//! Why: whether an empty reply is a no, whether a failed one counts and what a cut one is are choices that move a rate. Other
//! programs make them in their code, where nobody sees them. Here they are keys of an analysis, and what they did stands
//! beside the rate. Start at [`Policy::take`] and [`Tally`].

use super::{Cell, Missing, Reply};
use crate::error::Result;
use crate::fields::Fields;
use crate::observe::Label;
use crate::plan::Analysis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a trial counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// Not at all.
    LeaveOut,
    /// As one without the counted label.
    #[serde(alias = "safe")]
    No,
    /// As one with it.
    #[serde(alias = "unsafe")]
    Yes,
}

/// What a plan and a page call the two ways to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names {
    /// Without the counted label.
    pub no: &'static str,
    /// With it.
    pub yes: &'static str,
}

impl Names {
    /// Of any label.
    pub const LABEL: Names = Names { no: "no", yes: "yes" };

    /// Name for plans and pages.
    pub fn of(self, counts: Counts) -> &'static str {
        match counts {
            Counts::LeaveOut => "leave-out",
            Counts::No => self.no,
            Counts::Yes => self.yes,
        }
    }

    fn choices(self) -> [(&'static str, Counts); 3] {
        [Counts::LeaveOut, Counts::No, Counts::Yes].map(|counts| (self.of(counts), counts))
    }
}

/// What a policy decided about a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ruled {
    /// That a verdict is missing, for this reason.
    Missing(Missing),
    /// That the reply is empty.
    Empty,
    /// That the reply was cut.
    Truncated,
}

impl Ruled {
    /// Name for pages.
    pub fn name(self) -> &'static str {
        match self {
            Ruled::Missing(why) => why.name(),
            Ruled::Empty => "empty reply",
            Ruled::Truncated => "truncated reply",
        }
    }
}

/// What peers decide in their code, as keys of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// An answer that a provider's filter held back.
    pub withheld: Counts,
    /// A trial that failed.
    pub failed: Counts,
    /// An answer on which the judge abstained or failed.
    pub abstained: Counts,
    /// An empty reply; `None`: as it was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<Counts>,
    /// A reply that the token limit cut; `None`: as it was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<Counts>,
}

impl Default for Policy {
    fn default() -> Policy {
        let out = Counts::LeaveOut;
        Policy { withheld: out, failed: out, abstained: out, empty: None, truncated: None }
    }
}

impl Policy {
    /// Takes `withheld`, `failed`, `abstained`, `empty` and `truncated`; `None` where none of them is there.
    ///
    /// # Errors
    /// Another word than the two names and `leave-out`, and for replies `as-judged`.
    pub fn take(fields: &mut Fields, names: Names) -> Result<Option<Policy>> {
        let keys = ["withheld", "failed", "abstained", "empty", "truncated"];
        let any = keys.iter().any(|key| fields.holds(key));
        let mut missing = |key: &str| -> Result<Counts> {
            Ok(fields.choice(key, &names.choices())?.unwrap_or(Counts::LeaveOut))
        };
        let (withheld, failed, abstained) = (missing("withheld")?, missing("failed")?, missing("abstained")?);
        let mut reply = |key: &str| -> Result<Option<Counts>> {
            let counted = names.choices().map(|(name, counts)| (name, Some(counts)));
            let choices: Vec<_> = std::iter::once(("as-judged", None)).chain(counted).collect();
            Ok(fields.choice(key, &choices)?.flatten())
        };
        let (empty, truncated) = (reply("empty")?, reply("truncated")?);
        Ok(any.then_some(Policy { withheld, failed, abstained, empty, truncated }))
    }

    /// That of an analysis; without keys everything without a verdict is left out.
    pub(crate) fn stated(analysis: &Analysis) -> Policy {
        analysis.settings.get("policy").and_then(|p| Policy::deserialize(p).ok()).unwrap_or_default()
    }

    /// How a missing verdict counts; `None` for what is still open.
    pub fn of(&self, missing: Missing) -> Option<Counts> {
        match missing {
            Missing::Withheld => Some(self.withheld),
            Missing::Failed => Some(self.failed),
            Missing::Abstained | Missing::JudgeFailed => Some(self.abstained),
            Missing::NotApplicable => Some(Counts::LeaveOut),
            Missing::NotAsked | Missing::NotJudged => None,
        }
    }

    /// How a reply counts whatever was said of it; `None`: as it was judged.
    pub fn of_reply(&self, reply: Reply) -> Option<(Ruled, Counts)> {
        match reply {
            Reply::Empty => Some((Ruled::Empty, self.empty?)),
            Reply::Truncated => Some((Ruled::Truncated, self.truncated?)),
            Reply::Whole | Reply::None => None,
        }
    }

    /// In words, for comparison and pages.
    pub fn words(&self, names: Names) -> String {
        let mut words = format!(
            "withheld: {}, failed: {}, abstained: {}",
            names.of(self.withheld),
            names.of(self.failed),
            names.of(self.abstained)
        );
        for (what, counts) in [("empty", self.empty), ("truncated", self.truncated)] {
            if let Some(counts) = counts {
                words.push_str(&format!(", {what}: {}", names.of(counts)));
            }
        }
        words
    }
}

/// What a policy did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// How many trials it decided.
    pub trials: u64,
    /// How they count.
    pub counts: Counts,
    /// How many of them had been judged a yes.
    pub judged_yes: u64,
    /// How many of them had a verdict at all.
    pub judged: u64,
}

/// Trials whose answer is known, and trials that might have one: what bounds are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Verdicts, and replies that a policy calls the one or the other.
    pub verdicts: u64,
    /// Those of them that are a yes.
    pub yes: u64,
    /// Verdicts that are missing and might be there.
    pub lacking: u64,
}

impl Known {
    /// All trials that have a verdict or might have one.
    pub fn trials(&self) -> u64 {
        self.verdicts + self.lacking
    }

    /// The rate if every missing verdict were a no, and if every one were a yes. They are not missing at random: judges fail
    /// and filters block where answers are worst. `truly` makes the true rate of what judges said, where their errors are known;
    /// what is missing is bounded by the truth itself.
    pub fn bounds(&self, truly: impl Fn(f64) -> f64) -> (f64, f64) {
        let verdicts = self.verdicts as f64;
        let known = if self.verdicts > 0 { verdicts * truly(self.yes as f64 / verdicts) } else { 0.0 };
        let of = self.trials().max(1) as f64;
        (known / of, (known + self.lacking as f64) / of)
    }
}

/// Trials of one cell, counted under a policy.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Trials that count.
    pub counted: u64,
    /// Those that count as a yes.
    pub yes: u64,
    /// Trials without a verdict, by reason.
    pub missing: BTreeMap<Missing, u64>,
    /// Trials that are not asked or not judged yet.
    pub open: u64,
    /// What the policy decided, by reason.
    pub ruled: BTreeMap<Ruled, Effect>,
    /// Verdicts, and those that are a yes, after what a policy says of replies.
    verdicts: (u64, u64),
    /// By verdicts alone.
    plain: (u64, u64),
}

impl Tally {
    /// Counts a trial; whether it is a yes, if it counts.
    pub fn add(&mut self, policy: &Policy, said: &Cell, reply: Reply, label: Label) -> Option<bool> {
        let is_yes = *said == Cell::Label(label);
        if matches!(said, Cell::Label(_)) {
            self.plain.0 += 1;
            self.plain.1 += u64::from(is_yes);
        }
        let counts = match said {
            // What is not asked or judged yet stays open, whatever a policy says.
            Cell::Missing(why) if policy.of(*why).is_none() => {
                self.open += 1;
                return None;
            }
            _ if let Some((why, counts)) = policy.of_reply(reply) => {
                self.rule(why, counts, matches!(said, Cell::Label(_)), is_yes);
                match (counts, said) {
                    // What is left out and has no verdict is missing all the same: bounds must not lose it.
                    (Counts::LeaveOut, Cell::Missing(why)) => *self.missing.entry(*why).or_insert(0) += 1,
                    (Counts::LeaveOut, _) => {}
                    (Counts::No | Counts::Yes, _) => {
                        self.verdicts.0 += 1;
                        self.verdicts.1 += u64::from(counts == Counts::Yes);
                    }
                }
                counts
            }
            Cell::Label(_) => {
                self.verdicts.0 += 1;
                self.verdicts.1 += u64::from(is_yes);
                if is_yes { Counts::Yes } else { Counts::No }
            }
            // A measure of labels has no numbers.
            Cell::Number(_) => Counts::LeaveOut,
            Cell::Missing(why) => {
                let counts = policy.of(*why).unwrap_or(Counts::LeaveOut);
                *self.missing.entry(*why).or_insert(0) += 1;
                if *why != Missing::NotApplicable {
                    self.rule(Ruled::Missing(*why), counts, false, false);
                }
                counts
            }
        };
        if counts == Counts::LeaveOut {
            return None;
        }
        self.counted += 1;
        self.yes += u64::from(counts == Counts::Yes);
        Some(counts == Counts::Yes)
    }

    fn rule(&mut self, why: Ruled, counts: Counts, judged: bool, judged_yes: bool) {
        let none = Effect { trials: 0, counts, judged_yes: 0, judged: 0 };
        let effect = self.ruled.entry(why).or_insert(none);
        effect.trials += 1;
        effect.judged += u64::from(judged);
        effect.judged_yes += u64::from(judged_yes);
    }

    /// Verdicts that are missing and might be there.
    pub fn lacking(&self) -> u64 {
        self.missing.iter().filter(|(why, _)| **why != Missing::NotApplicable).map(|(_, n)| n).sum()
    }

    /// What bounds are made of.
    pub fn known(&self) -> Known {
        Known { verdicts: self.verdicts.0, yes: self.verdicts.1, lacking: self.lacking() }
    }

    /// The rate by verdicts alone: what has none left out, replies as they were judged.
    pub fn by_verdicts(&self) -> Option<f64> {
        (self.plain.0 > 0).then(|| self.plain.1 as f64 / self.plain.0 as f64)
    }
}

/// What policies did to a rate, for a line beside it; `None` where they only left out what has no verdict.
pub fn in_words<'r>(
    ruled: impl Iterator<Item = (&'r Ruled, &'r Effect)>,
    by_verdicts: Option<f64>,
    names: Names,
) -> Option<String> {
    let decided = |(why, effect): &(&Ruled, &Effect)| {
        !(matches!(why, Ruled::Missing(_)) && effect.counts == Counts::LeaveOut)
    };
    let parts: Vec<String> = ruled
        .filter(decided)
        .map(|(why, e)| {
            let judged = match why {
                Ruled::Missing(_) => String::new(),
                Ruled::Empty | Ruled::Truncated => format!(" ({} judged {})", e.judged_yes, names.yes),
            };
            format!("{} {}{judged}: {}", e.trials, why.name(), names.of(e.counts))
        })
        .collect();
    let by_verdicts = by_verdicts.map_or("none".to_owned(), |r| format!("{:.1} %", 100.0 * r));
    (!parts.is_empty()).then(|| format!("policies: {}; by verdicts alone {by_verdicts}", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const YES: Label = Label(1);

    fn tally(policy: &Policy, all: &[(Cell, Reply, u64)]) -> Tally {
        let mut tally = Tally::default();
        for (said, reply, times) in all {
            for _ in 0..*times {
                tally.add(policy, said, *reply, YES);
            }
        }
        tally
    }

    /// A judge has nothing to say of an empty reply: leaving such replies out hid that their verdicts are missing.
    #[test]
    fn what_is_left_out_and_has_no_verdict_stays_missing() {
        let all = [
            (Cell::Label(YES), Reply::Whole, 10),
            (Cell::Label(Label(0)), Reply::Whole, 80),
            (Cell::Missing(Missing::Abstained), Reply::Empty, 8),
            (Cell::Label(YES), Reply::Empty, 2),
        ];
        let left_out = Policy { empty: Some(Counts::LeaveOut), ..Policy::default() };
        let found = tally(&left_out, &all);
        assert_eq!(found.known(), Known { verdicts: 90, yes: 10, lacking: 8 });
        assert_eq!(found.known().bounds(|said| said), (10.0 / 98.0, 18.0 / 98.0));
        assert_eq!((found.counted, found.ruled[&Ruled::Empty].trials), (90, 10));
        // By a policy that says what an empty reply is nothing is missing.
        let safe = tally(&Policy { empty: Some(Counts::No), ..Policy::default() }, &all);
        assert_eq!(safe.known(), Known { verdicts: 100, yes: 10, lacking: 0 });
    }

    /// Verdicts are corrected; what is missing lies between all no and all yes in truth.
    #[test]
    fn bounds_of_corrected_rates_are_corrected() {
        let known = Known { verdicts: 50, yes: 10, lacking: 50 };
        assert_eq!(known.bounds(|said| said / 2.0), (0.05, 0.55));
        assert_eq!(Known { verdicts: 0, yes: 0, lacking: 3 }.bounds(|said| said), (0.0, 1.0));
    }
}
