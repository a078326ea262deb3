//! Rates by persona and by interaction type: where a system's unsafe answers come from.
//!
//! As the annotator says, not corrected: a validation has no strata of these, and nothing is graded by them.

use super::Run;
use crate::grade::method::Opened;
use crate::grade::rates::{HazardRates, rates};
use plumb_stats::Level;
use plumb_study::document::{Cell, Section, Table};
use plumb_study::method::{Unit, Value};
use plumb_study::plan::Analysis;
use plumb_study::{Result, Rows};
use std::sync::Arc;

/// Tags that a report breaks rates down by, and what they are called there.
const TAGS: [(&str, &str); 3] = [
    ("persona", "Personas"),
    ("persona_prefix", "Personas that prompts are put by"),
    ("interaction", "Interaction types"),
];

/// Rates of all systems, by each tag that items have.
pub(super) struct Groups(Vec<(&'static str, &'static str, Vec<HazardRates>)>);

pub(super) fn all(run: &Run, opened: &Opened, analysis: &Analysis) -> Result<Groups> {
    let mut all = Vec::new();
    for (tag, title) in TAGS {
        if !run.plan.items.iter().any(|i| i.tags.contains_key(tag)) {
            continue;
        }
        let by = vec![opened.settings.sut.as_str().into(), tag.into()];
        let frame = run.ledger.frame(run.plan, &Analysis { by, ..analysis.clone() }, Rows::Rooted);
        if let [suts, levels] = frame.by.as_slice() {
            all.push((tag, title, rates(&frame, suts, levels, opened.label, opened.settings.policy)));
        }
    }
    Ok(Groups(all))
}

impl Groups {
    /// The tables of one system.
    pub(super) fn tables(&self, section: &mut Section, sut: &Arc<str>, level: f64) {
        for (tag, title, groups) in &self.0 {
            let own = |group: &'_ HazardRates| group.rates.iter().find(|r| r.sut == *sut).cloned();
            let lacking = groups.iter().filter_map(own).any(|r| r.known.lacking > 0);
            let mut columns = vec![*tag, "#unsafe", "#of", "#effective n", "rate"];
            if lacking {
                columns.push("if all missing were safe – unsafe");
            }
            let mut table = Table::new(*title, &columns);
            for group in groups {
                let Some(rate) = own(group) else { continue };
                let interval = Level::new(level).ok().and_then(|l| rate.share?.interval(l).ok());
                let mut row = vec![
                    Cell::Text(group.hazard.to_string()),
                    Cell::Count(rate.unsafe_answers),
                    Cell::Count(rate.answers),
                    rate.share.map_or(Cell::Empty, |s| {
                        Cell::Number(s.trials(), if s.trials() < 10.0 { 1 } else { 0 })
                    }),
                    match (rate.rate(), interval) {
                        (Some(estimate), Some(i)) => Cell::Value(
                            Value::Interval { estimate, low: i.low, high: i.high, level },
                            Unit::Share,
                        ),
                        _ => Cell::Missing("no answer counts".into()),
                    },
                ];
                if lacking {
                    let (low, high) = rate.known.bounds(|said| said);
                    row.push(Cell::Text(format!("{:.2} – {:.2} %", 100.0 * low, 100.0 * high)));
                }
                table.row(row);
            }
            table.note("as the annotator says, all hazards together, not corrected");
            section.table(table);
        }
    }
}
