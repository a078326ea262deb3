//! Two runs side by side: what changed, and whether something got worse.
//!
//! Pure, like everything right of the journal: two plans and two ledgers in, a [`Comparison`] out. Subjects are put
//! side by side by name or as the caller says, items by identity and content, and every difference is one within items.
//! A plan says beforehand which way is better and how much worse is acceptable ([`crate::method::Aim`]); only with that
//! can "no regression" be shown, and the lack of a significant difference is never shown as such.
//!
//! Start at [`compare`]. `pairing` puts sides together, `table` collects values, `sides` says what is known of a difference,
//! `outcome` decides. How it reads is
//! `plumb-report`'s.

mod moved;
mod outcome;
mod pairing;
mod sides;
mod table;

pub use moved::Moved;
pub use outcome::{Compared, Outcome};
pub use pairing::Items;

use crate::error::Result;
use crate::id::{AnalysisId, Digest};
use crate::journal::Journal;
use crate::ledger::Ledger;
use crate::method::policy::{Names, Policy};
use crate::method::{Aim, Missing};
use crate::plan::Plan;
use std::sync::Arc;

/// One of the two runs.
pub struct Side {
    plan: Plan,
    ledger: Ledger,
    state: Digest,
}

impl Side {
    /// Reads a run's journal.
    pub fn read(journal: &Journal) -> Result<Side> {
        let plan = journal.plan()?;
        let ledger = Ledger::fold(&plan, journal)?;
        Ok(Side { ledger, plan, state: journal.state()? })
    }

    fn named(&self) -> Named {
        Named { name: self.plan.name.clone(), plan: self.plan.digest, state: self.state }
    }
}

/// A run by name, plan and state of its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Name of the plan.
    pub name: Arc<str>,
    /// The plan in force.
    pub plan: Digest,
    /// The journal's state.
    pub state: Digest,
}

/// Two runs compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The run that the other is held against.
    pub base: Named,
    /// The run in question.
    pub run: Named,
    /// Subjects put side by side: (of the base, of the run).
    pub subjects: Vec<(Arc<str>, Arc<str>)>,
    /// Which items both have.
    pub items: Items,
    /// What differs between the two besides the answers, and other things a reader must know.
    pub notes: Vec<String>,
    /// Analyses that cannot be compared, and why.
    pub left_out: Vec<(AnalysisId, String)>,
    /// The differences, by analysis, pair of subjects and cell.
    pub rows: Vec<Compared>,
    /// Items whose verdict changed, in item order.
    pub moved: Vec<Moved>,
    /// Why the numbers cannot be relied on: trials not asked, failed or not judged.
    pub faults: Vec<String>,
}

/// What a comparison comes to, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A run is not finished or failed in parts: nothing can be said.
    Faulty,
    /// Something got worse.
    Regressed,
    /// Neither a regression nor its absence is shown.
    Open,
    /// No verdict changed: no more is shown than that, few items or many.
    Identical,
    /// Every measure with an aim is better, or shown to keep its margin; one without a margin is better or as it was.
    Kept,
    /// No analysis says which way is better.
    Aimless,
}

impl Standing {
    /// Name for files and pages.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Faulty => "unreliable",
            Standing::Regressed => "regression",
            Standing::Open => "inconclusive",
            Standing::Identical => "identical",
            Standing::Kept => "no regression",
            Standing::Aimless => "no aim stated",
        }
    }
}

impl Comparison {
    /// The whole in one word.
    pub fn standing(&self) -> Standing {
        let aimed: Vec<&Compared> = self.rows.iter().filter(|r| r.aim.is_some()).collect();
        let any = |outcome: Outcome| aimed.iter().any(|r| r.outcome == outcome);
        if !self.faults.is_empty() {
            Standing::Faulty
        } else if aimed.is_empty() {
            Standing::Aimless
        } else if any(Outcome::Regression) {
            Standing::Regressed
        } else if any(Outcome::NoData) {
            Standing::Open
        } else if aimed.iter().all(|r| r.same) {
            Standing::Identical
        } else if any(Outcome::Inconclusive) {
            Standing::Open
        } else {
            Standing::Kept
        }
    }
}

/// Compares `run` with `base`. `subjects` names pairs (of the base, of the run); empty means those of the same name,
/// or the only one of each.
///
/// # Errors
/// Subjects that do not exist or cannot be paired, or no shared item.
pub fn compare(base: &Side, run: &Side, subjects: &[(String, String)]) -> Result<Comparison> {
    let pairs = pairing::subjects(&base.plan, &run.plan, subjects)?;
    let (items, shared) = pairing::items(&base.plan, &run.plan)?;
    let mut notes = pairing::notes(&base.plan, &run.plan, &pairs);
    notes.extend([base, run].into_iter().flat_map(|side| side.plan.marks()));
    let (mut rows, mut left_out, mut moved, mut faults) =
        (Vec::new(), Vec::new(), moved::Collected::default(), table::Faults::default());
    for analysis in &run.plan.analyses {
        let of = match pairing::measure(&base.plan, &run.plan, analysis) {
            Ok(of) => of,
            Err(why) => {
                left_out.push((analysis.id.clone(), why));
                continue;
            }
        };
        let aim = aim(&base.plan, analysis, &mut notes);
        let policy = policy(&base.plan, analysis, &mut notes);
        if analysis.settings.get("validation").is_some_and(|v| !v.is_null()) {
            notes.push(format!(
                "analysis {}: verdicts are compared as they are; its correction for the annotator's errors is left out, \
                 since both runs have the same annotator",
                analysis.id
            ));
        }
        let mut family = Vec::new();
        for pair in &pairs {
            let table = table::Table::collect(base, run, *pair, analysis, of, policy, &shared);
            faults.add(&table);
            moved.add(&table, run, *pair, of, aim);
            family.extend(outcome::rows(&table, analysis, aim, run.plan.seed));
        }
        outcome::decide(&mut family, analysis.level)?;
        rows.extend(family);
    }
    let name = |(b, r): &(crate::id::SubjectIx, crate::id::SubjectIx)| {
        (base.plan.subject(*b).id.0.clone(), run.plan.subject(*r).id.0.clone())
    };
    Ok(Comparison {
        base: base.named(),
        run: run.named(),
        subjects: pairs.iter().map(name).collect(),
        items,
        notes,
        left_out,
        rows,
        moved: moved.finish(),
        faults: faults.finish(base.plan.limits.warn_share, run.plan.limits.warn_share),
    })
}

/// The aim that holds: the base's, which was fixed before the run in question; where it has none, the run's.
fn aim(base: &Plan, analysis: &crate::plan::Analysis, notes: &mut Vec<String>) -> Option<Aim> {
    let theirs = base.analyses.iter().find(|a| a.id == analysis.id).and_then(Aim::of);
    let ours = Aim::of(analysis);
    match (theirs, ours) {
        (Some(theirs), Some(ours)) if theirs != ours => {
            notes.push(format!(
                "analysis {}: the plans state different aims; the base's holds, since it was fixed first",
                analysis.id
            ));
            Some(theirs)
        }
        (Some(theirs), _) => Some(theirs),
        (None, ours) => ours,
    }
}

/// How what has no verdict counts, on both sides: as the base's plan says, which was fixed first.
fn policy(base: &Plan, analysis: &crate::plan::Analysis, notes: &mut Vec<String>) -> Policy {
    let ours = Policy::stated(analysis);
    let Some(theirs) = base.analyses.iter().find(|a| a.id == analysis.id).map(Policy::stated) else {
        return ours;
    };
    if theirs != ours {
        notes.push(format!(
            "analysis {}: the plans count what has no verdict differently; the base's way holds for both ({}), since it \
             was fixed first",
            analysis.id,
            theirs.words(Names::LABEL)
        ));
    }
    theirs
}

/// Whether a missing value means that the run itself went wrong, not the model.
fn is_fault(missing: Missing) -> bool {
    matches!(missing, Missing::NotAsked | Missing::Failed | Missing::NotJudged | Missing::JudgeFailed)
}
