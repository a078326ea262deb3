//! The audit: everything recounted from the journal alone.

use crate::error::Result;
use crate::journal::{Journal, Outcome};
use crate::ledger::{Counts, Ledger};
use crate::observe::Spent;

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Recounted states.
    pub counts: Counts,
    /// Recounted cost.
    pub total: Spent,
    /// Answered trials that a judge should have judged and did not, by judge.
    pub unjudged: Vec<(String, u64)>,
    /// Bodies whose text no longer has their digest.
    pub broken_bodies: u64,
    /// All bodies.
    pub bodies: u64,
    /// What does not add up, in words.
    pub discrepancies: Vec<String>,
}

/// Recounts a journal.
pub fn audit(journal: &Journal) -> Result<Audit> {
    let plan = journal.plan()?;
    let ledger = Ledger::fold(&plan, journal)?;
    let mut discrepancies: Vec<String> = ledger.discrepancies().iter().map(|d| d.describe(&plan)).collect();
    let (broken_bodies, bodies) = journal.check_bodies()?;
    if broken_bodies > 0 {
        discrepancies.push(format!("{broken_bodies} of {bodies} stored texts do not have their digest"));
    }
    discrepancies.extend(journal.loose_ends(&plan)?);
    if journal.has_people()? {
        discrepancies.extend(journal.people_ends()?);
    }
    let root = journal.root_plan()?;
    if crate::format::canonical(&root).header.digest != root.digest {
        discrepancies.push("the stored plan does not have its hash".into());
    }
    let mut unjudged = vec![0u64; plan.judges.len()];
    for trial in plan.trials() {
        let Some(state) = ledger.state(trial) else { continue };
        if !matches!(state.outcome, Outcome::Answered(..)) {
            continue;
        }
        for judge in plan.judges_of(trial.item) {
            let recorded = plan.judge(judge).ballot.is_none();
            if recorded
                && ledger.act_of(trial, judge).is_none()
                && ledger.applies(&plan, trial, judge) != Some(false)
            {
                unjudged[judge.0 as usize] += 1;
            }
        }
    }
    let unjudged = plan
        .judges
        .iter()
        .zip(unjudged)
        .filter(|(_, n)| *n > 0)
        .map(|(j, n)| (j.name.to_string(), n))
        .collect();
    Ok(Audit {
        counts: ledger.counts(&plan),
        total: ledger.total,
        unjudged,
        broken_bodies,
        bodies,
        discrepancies,
    })
}
