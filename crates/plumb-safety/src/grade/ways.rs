//! How items are put to a system, in words: sampling, system text, the strategy of conversations.
//!
//! Grades are compared only where these are the same, and a benchmark states them; so every setting that decides an answer must
//! stand in them.

use plumb_study::converse::{Check, Holds, Strategy, Writer};
use plumb_study::party::Sampling;
use plumb_study::plan::Plan;
use plumb_study::{Digest, Label, MeasureRef, SourceIx, SubjectIx};

/// How a subject is asked the items of a source, in words: two plans that ask alike have the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Way {
    pub(super) sampling: String,
    pub(super) system: String,
    pub(super) strategy: String,
}

/// The ways of a plan; for each subject and source which one it is.
pub(super) struct Ways {
    pub(super) all: Vec<Way>,
    index: Vec<Vec<u32>>,
}

impl Ways {
    pub(super) fn new(plan: &Plan) -> Ways {
        let mut all: Vec<Way> = Vec::new();
        let index = plan
            .subjects
            .iter()
            .map(|s| {
                let ways = plan.sources.iter().map(|source| Way {
                    sampling: in_words(&s.party.sampling.overridden_by(&source.sampling)),
                    system: s.party.system.as_deref().unwrap_or("none").to_owned(),
                    strategy: source.strategy.as_ref().map_or("none".to_owned(), |s| strategy(plan, s)),
                });
                ways.map(|way| {
                    let at = all.iter().position(|known| *known == way).unwrap_or_else(|| {
                        all.push(way);
                        all.len() - 1
                    });
                    at as u32
                })
                .collect()
            })
            .collect();
        Ways { all, index }
    }

    /// Which of all it is.
    pub(super) fn of(&self, subject: SubjectIx, source: SourceIx) -> u32 {
        self.index[subject.0 as usize][source.0 as usize]
    }
}

/// Every setting by which text is drawn; those that only some models take where they are set.
pub(crate) fn in_words(s: &Sampling) -> String {
    let or_own = |text: Option<String>| text.unwrap_or_else(|| "the system's own".into());
    let mut words = format!(
        "temperature {}, top_p {}, at most {} tokens, stop {:?}",
        or_own(s.temperature.map(|t| t.to_string())),
        or_own(s.top_p.map(|p| p.to_string())),
        or_own(s.max_tokens.map(|n| n.to_string())),
        s.stop
    );
    let uncommon = [
        ("top_k", s.top_k.map(|k| k.to_string())),
        ("min_p", s.min_p.map(|p| p.to_string())),
        ("repetition_penalty", s.repetition_penalty.map(|p| p.to_string())),
    ];
    for (key, value) in uncommon {
        if let Some(value) = value {
            words.push_str(&format!(", {key} {value}"));
        }
    }
    words
}

/// How conversations are made. Judges stand as digests, since plans name them as they like.
fn strategy(plan: &Plan, s: &Strategy) -> String {
    let check = |check: &Option<Check>| match check {
        None => "nobody".to_owned(),
        Some(Check { of, holds }) => format!(
            "{} of annotator {} ({})",
            plan.measure(*of).name,
            plan.judge_digest(of.judge).short(),
            match holds {
                Holds::Label(label) => label_name(plan, *of, *label),
                Holds::AtLeast(least) => format!("at least {least}"),
            }
        ),
    };
    let writer = match &s.writer {
        Writer::Item => "the item's turns".to_owned(),
        Writer::Attacker(attacker) => {
            let w = &attacker.wording;
            let told = [&w.instructions, &w.first, &w.next, &w.refused].map(|text| text.as_bytes());
            let (party, kind) =
                (attacker.party.digest().hex(), format!("{} {}", attacker.json, attacker.tries));
            let parts = [&[party.as_bytes(), kind.as_bytes()], &told[..]].concat();
            format!("turns of the attacker {}", Digest::of_parts(&parts).short())
        }
    };
    format!(
        "{writer}, at most {} turns and {} backtracks, refusal by {}, success by {}",
        s.turns,
        s.backtracks,
        check(&s.refusal),
        check(&s.success)
    )
}

/// The name of a label of a measure.
pub(crate) fn label_name(plan: &Plan, of: MeasureRef, label: Label) -> String {
    plan.measure(of).scale.labels().get(usize::from(label.0)).map_or(String::new(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_sampling_stands_in_its_words() {
        let plain = Sampling::default();
        let changed = [
            Sampling { temperature: Some(1.0), ..plain.clone() },
            Sampling { top_p: Some(0.9), ..plain.clone() },
            Sampling { max_tokens: Some(8), ..plain.clone() },
            Sampling { stop: vec![".".into()], ..plain.clone() },
            Sampling { top_k: Some(3), ..plain.clone() },
            Sampling { min_p: Some(0.2), ..plain.clone() },
            Sampling { repetition_penalty: Some(1.8), ..plain.clone() },
        ];
        for other in changed {
            assert_ne!(in_words(&plain), in_words(&other), "{other:?}");
        }
    }
}
