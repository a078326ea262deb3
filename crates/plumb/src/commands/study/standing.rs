//! What the journal says of how an analysis was planned: registration, amendments, looks, people who are left out.

use std::collections::BTreeMap;

use plumb_human::collect::{Taker, Takings, thaw};
use plumb_human::protocol::person::End;
use plumb_human::{Occasion, Sighted, Spent, Study};
use plumb_study::document::Document;
use plumb_study::people::Collecting;
use plumb_study::{Journal, Plan};

use super::amended::{Amendment, amendments};
use super::clock::utc;
use super::left_out::left_out;
use super::wrong;
use crate::exit::Problem;

/// What decides what results may be called.
pub struct Standing {
    pub root: Plan,
    registered: bool,
    /// Whether it is a pilot of the study.
    pilot: bool,
    amendments: Vec<Amendment>,
    /// What differs between the plan in force and the file, in words.
    changes: Vec<String>,
    /// People who ended, and those of them who completed.
    pub ended: u32,
    pub completed: u32,
    pub complete: bool,
    looks: Vec<Look>,
    /// What this look is by the frozen plan, and what it has of alpha.
    occasion: Occasion,
    pub spent: Spent,
    pub left_out: BTreeMap<u32, String>,
    /// For each amendment, how many of those assigned were so before it.
    before: Vec<usize>,
    assigned: usize,
}

/// When a collection is over by the study's days, counted from when its first server opened; nothing where it sets none.
pub fn closes_us(study: &Study, happened: &[(i64, Collecting)]) -> Option<i64> {
    const DAY_US: i64 = 86_400_000_000;
    let days = i64::from(study.collection_days()?);
    let opened = happened.iter().find(|(_, event)| matches!(event, Collecting::Opened { .. }));
    opened.map(|(at_us, _)| at_us + days * DAY_US)
}

/// Whether a run was collected to try the study: whatever is found in it is no result of the study.
pub fn is_pilot(journal: &Journal) -> Result<bool, Problem> {
    Ok(tries(&journal.collecting()?))
}

fn tries(happened: &[(i64, Collecting)]) -> bool {
    happened.iter().any(|(_, event)| matches!(event, Collecting::Opened { pilot: true, .. }))
}

struct Look {
    at_us: i64,
    people: u32,
    completed: Option<u32>,
    after: bool,
    planned: bool,
}

/// In one line, and whether results may be confirmatory.
pub struct Status {
    words: String,
    confirmatory: bool,
}

impl Standing {
    /// `now_us`: when this look is, microseconds since 1970.
    pub fn of(journal: &Journal, plan: &Plan, now_us: i64) -> Result<Standing, Problem> {
        let root = journal.root_plan()?;
        // The rule of stopping and the planned looks are the frozen study's, whatever the file says now.
        let frozen = thaw(&root).map_err(wrong)?;
        let amendments = amendments(journal)?;
        let (mut ended, mut completed, mut enrolled) = (0, 0, Vec::new());
        Takings::new(&frozen, journal).each(|taker: Taker| -> Result<(), Problem> {
            ended += u32::from(taker.end.is_some());
            completed += u32::from(taker.end == Some(End::Completed));
            enrolled.extend(taker.enrolled_us);
            Ok(())
        })?;
        let all = frozen.people();
        let happened = journal.collecting()?;
        let closes = closes_us(&frozen, &happened);
        let pilot = tries(&happened);
        let mut looks: Vec<Look> = happened
            .into_iter()
            .filter_map(|(at_us, event)| match event {
                Collecting::Looked { people, after_stopping: after, completed, .. } => {
                    Some(Look { at_us, people, completed, after, planned: false })
                }
                _ => None,
            })
            .collect();
        // Older journals say of a look after the end no more than that.
        let known = |look: &Look| look.completed.or(all.filter(|_| look.after).map(|n| n as u32));
        let sighted = |at_us: i64, completed| Sighted {
            completed,
            days_over: closes.is_some_and(|closes| closes <= at_us),
        };
        let this = sighted(now_us, Some(completed));
        let before = looks.iter().map(|look| sighted(look.at_us, known(look)));
        let mut occasions = frozen.occasions(&before.chain([this]).collect::<Vec<_>>());
        let occasion = occasions.pop().unwrap_or(Occasion::Unplanned);
        for (look, occasion) in looks.iter_mut().zip(&occasions) {
            look.planned = *occasion != Occasion::Unplanned;
        }
        let spent = match &occasion {
            Occasion::Last(spent) | Occasion::Planned { spent, .. } => spent.clone(),
            Occasion::Unplanned => Spent::at_once(),
        };
        let in_force = amendments.last().map_or(&root, |last| &last.plan);
        let before = amendments.iter().map(|a| enrolled.iter().filter(|at| **at < a.at_us).count()).collect();
        Ok(Standing {
            registered: journal.was_locked()?,
            pilot,
            changes: in_force.diff(plan).iter().map(ToString::to_string).collect(),
            amendments,
            ended,
            completed,
            complete: frozen.is_over(this),
            looks,
            occasion,
            spent,
            left_out: left_out(journal)?,
            before,
            assigned: enrolled.len(),
            root,
        })
    }

    pub fn status(&self, blind: bool) -> Status {
        let unplanned = self.looks.iter().any(|look| !look.planned);
        let (confirmatory, words) = match self {
            _ if blind => {
                (false, "blind: conditions are shuffled among people, so no number here is a result".to_owned())
            }
            Standing { pilot: true, .. } => (
                false,
                "exploratory: a pilot, which tries the study and is never a part of it".to_owned(),
            ),
            Standing { registered: false, .. } => (
                false,
                "exploratory: the collection began without a lock, so it is unregistered for ever".to_owned(),
            ),
            Standing { changes, .. } if !changes.is_empty() => (
                false,
                "exploratory: the file is not the one that was frozen (deviations below)".to_owned(),
            ),
            Standing { occasion: Occasion::Unplanned, .. } => (
                false,
                "exploratory: the rule of stopping is not met, and the plan lists no look for now".to_owned(),
            ),
            _ if unplanned => (
                false,
                "exploratory: outcomes were looked at before the rule of stopping was met, at a time that the plan does not list"
                    .to_owned(),
            ),
            Standing { occasion: Occasion::Planned { look, .. }, .. } => (
                true,
                format!("confirmatory where planned: frozen before the first person came, and this is planned look {look}"),
            ),
            _ => (
                true,
                "confirmatory where planned: frozen before the first person came, and the rule of stopping is met"
                    .to_owned(),
            ),
        };
        Status { words, confirmatory }
    }

    /// What one analysis may be called; `frozen`: it means what it means in the plan as first frozen.
    pub fn mark(&self, status: &Status, frozen: bool) -> String {
        match (status.confirmatory, frozen) {
            (true, true) => "Confirmatory: as frozen.".to_owned(),
            (true, false) => "Exploratory: added or changed by an amendment.".to_owned(),
            (false, _) => "Exploratory.".to_owned(),
        }
    }

    /// Facts and deviations, before all results.
    pub fn tell(&self, document: &mut Document, status: &Status, study: &Study) -> Result<(), Problem> {
        document.fact("status", status.words.clone());
        document.fact(
            "registered",
            if self.registered { "a lock was there before the first person" } else { "no" },
        );
        document.fact("stopping rule", if self.complete { "met" } else { "not met" });
        document.fact("earlier looks", self.looks.len().to_string());
        if let Some(level) = self.spent.look(study.alpha()).map_err(wrong)? {
            document.fact(
                "alpha at this look",
                format!(
                    "{:.3} of the information; {:.3e} of {} is spent; two-sided p at most {:.3e} (before Holm's shares)",
                    level.fraction,
                    level.spent,
                    study.alpha(),
                    level.level
                ),
            );
        }
        for look in &self.looks {
            let when = if look.after { "after" } else { "before" };
            let planned = match (look.after, look.planned) {
                (false, true) => " (a planned look)",
                _ => "",
            };
            document.warn(format!(
                "Outcomes were looked at on {} with {} people, {when} the rule of stopping was met{planned}.",
                utc(look.at_us),
                look.people
            ));
        }
        for (at, amendment) in self.amendments.iter().enumerate() {
            let before = match at.checked_sub(1) {
                Some(last) => &self.amendments[last].plan,
                None => &self.root,
            };
            document.warn(format!(
                "Amended on {} after {} people had come, because: {}. Of {} people assigned so far, {} were so before.",
                utc(amendment.at_us),
                amendment.people,
                amendment.because,
                self.assigned,
                self.before[at]
            ));
            for change in before.diff(&amendment.plan) {
                document.warn(format!("Amendment: {change}"));
            }
        }
        for change in &self.changes {
            document.warn(format!("Deviation from the frozen study: {change}"));
        }
        for (person, because) in &self.left_out {
            document.warn(format!(
                "Deviation: person {person} is left out although no rule of the plan names the person, because: {because}. \
                 The analysis stands as planned, and at the end without the person."
            ));
        }
        Ok(())
    }
}
