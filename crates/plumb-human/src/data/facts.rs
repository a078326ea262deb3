//! What is known of participants beside their answers about items: how many were assigned, who missed checks, whose stratum is which.

use crate::study::{PageKind, Study};

/// Columns of a CSV file with them.
pub(crate) const MISSED: &str = "missed_checks";
pub(crate) const STRATUM: &str = "stratum";

/// Facts about participants, by their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// People assigned to each condition, with those who left before they answered anything; empty where nobody knows.
    pub assigned: Vec<u64>,
    /// Attention checks that each participant missed; those beyond the end missed none.
    pub missed: Vec<u32>,
    /// The stratum in which each was assigned; empty where there are none.
    pub strata: Vec<String>,
    /// Each one's number in the journal that holds the answers, from 1; empty for other data.
    pub numbers: Vec<u32>,
}

impl Facts {
    /// How many checks a participant missed.
    pub(crate) fn missed_by(&self, participant: u32) -> u32 {
        self.missed.get(participant as usize).copied().unwrap_or(0)
    }

    /// A participant's stratum; empty where there is none.
    pub(crate) fn stratum(&self, participant: u32) -> &str {
        self.strata.get(participant as usize).map_or("", String::as_str)
    }

    /// Keeps what is known of some participants; `kept[participant]`.
    pub(super) fn keep(&mut self, kept: &[bool]) {
        let stays = |at: usize| kept.get(at).copied().unwrap_or(false);
        let mut at = 0..;
        self.missed.retain(|_| at.next().is_some_and(stays));
        let mut at = 0..;
        self.strata.retain(|_| at.next().is_some_and(stays));
        let mut at = 0..;
        self.numbers.retain(|_| at.next().is_some_and(stays));
    }
}

/// A number of missed checks as a file has it.
pub(super) fn missed(text: &str) -> Result<u32, String> {
    if text.is_empty() {
        Ok(0)
    } else {
        text.parse().map_err(|_| format!("{MISSED} is \"{text}\", which is no whole number"))
    }
}

impl Study {
    /// How many attention checks somebody missed who gave these answers: (page, question, answer).
    pub(crate) fn missed_checks<'a>(
        &self,
        answers: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
    ) -> u32 {
        let mut missed: Vec<&str> = Vec::new();
        for (page, question, answer) in answers {
            let check = self.page.iter().any(|p| p.id == page && p.kind == PageKind::Attention);
            let correct = self.question.iter().find(|q| q.id == question).and_then(|q| q.correct.as_deref());
            if check && correct.is_some_and(|correct| correct != answer) && !missed.contains(&page) {
                missed.push(page);
            }
        }
        missed.len() as u32
    }
}
