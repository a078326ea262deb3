//! Every hypothesis once more for all who were assigned, before exclusions, with their missing outcomes counted.
//!
//! Why: what an exclusion rule reads happens after assignment, and conditions may differ in it. A result that holds for the
//! remaining people alone is one of who remained; both stand side by side, and the rules of the file decide.

use super::{Contrasted, Decided, Selected, Spent, claims};
use crate::data::Data;
use crate::error::Result;
use crate::study::Study;

/// An analysis for all who were assigned.
#[derive(Debug, Clone)]
pub struct Assigned {
    /// One for each condition of the analysis.
    pub conditions: Vec<Counted>,
    /// Its planned hypotheses without exclusions; empty where nobody was excluded, since they are those of the plan then.
    pub contrasts: Vec<Contrasted>,
    /// Why some could not be computed.
    pub failed: Vec<String>,
}

/// How many people of a condition have an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The condition.
    pub condition: String,
    /// Assigned to it.
    pub assigned: u64,
    /// Of them with a value of the outcome at least.
    pub with_outcome: u64,
    /// Items without a value: those of people who have none at all included.
    pub missing: u64,
}

/// One for each analysis of the study that has hypotheses, by position; `None` for others.
pub(super) fn assigned(study: &Study, data: &Data, spent: &Spent) -> Result<Vec<Option<Assigned>>> {
    let everyone = data.everyone();
    let excluded = data.excluded().iter().any(|(_, n)| *n > 0);
    let found = if excluded { claims::found(study, everyone, spent)? } else { Decided::default() };
    let sizes = data.assigned(study.condition.len());
    study
        .analysis
        .iter()
        .map(|analysis| {
            if study.hypothesis.iter().all(|h| h.analysis != analysis.id) {
                return Ok(None);
            }
            let selected = Selected::new(study, everyone, analysis)?;
            let own = |c: &Contrasted| {
                study.hypothesis.iter().any(|h| h.id == c.hypothesis && h.analysis == analysis.id)
            };
            let contrasts = found.list.iter().filter(|c| own(c)).cloned().collect();
            let due = due(study, &selected);
            let counted = |(condition, at): (&&crate::study::Condition, &u32)| {
                count(&condition.id, *at, sizes[*at as usize], due, &selected)
            };
            Ok(Some(Assigned {
                conditions: selected.conditions.iter().zip(&selected.positions).map(counted).collect(),
                contrasts,
                failed: found
                    .failed
                    .iter()
                    .filter(|(of, _)| *of == analysis.id)
                    .map(|(_, why)| why.clone())
                    .collect(),
            }))
        })
        .collect()
}

/// Items of the analysis that each person is to answer: as many as a block gives of them.
fn due(study: &Study, selected: &Selected<'_>) -> u64 {
    let of = |id: &str| selected.items.iter().any(|(at, _)| study.item[*at as usize].id == id);
    let blocks: usize = study
        .block
        .iter()
        .map(|block| {
            let here = block.item_ids(study).iter().filter(|id| of(id)).count();
            block.take.map_or(here, |take| take.min(here))
        })
        .sum();
    if blocks == 0 { selected.items.len() as u64 } else { blocks as u64 }
}

fn count(condition: &str, at: u32, assigned: u64, due: u64, selected: &Selected<'_>) -> Counted {
    let mut people: Vec<u32> =
        selected.rows.iter().filter(|row| row.condition == at).map(|row| row.participant).collect();
    let values = people.len() as u64;
    people.sort_unstable();
    people.dedup();
    Counted {
        condition: condition.to_owned(),
        assigned,
        with_outcome: people.len() as u64,
        missing: (assigned * due).saturating_sub(values),
    }
}
