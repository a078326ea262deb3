//! What a gate did on the sweep's conversations: how often it opened where it should not, and stayed shut where it should not.

use super::overlap::{self, Overlap};
use crate::sweep::{GateFrom, Role, Sweep};
use plumb_stats::{Level, Proportion};
use plumb_study::document::{Cell, Table};
use plumb_study::method::{Unit, Value};
use plumb_study::{Document, Plan};
use std::collections::BTreeMap;

/// The section about a gate, `what` in a sentence; `opened` says of items by number whether it opened.
pub fn gate(document: &mut Document, plan: &Plan, sweep: &Sweep, what: &str, opened: &BTreeMap<u32, bool>) {
    let columns = ["conversations", "#count", "#opened", "wrongly", "#how often"];
    let mut table = Table::new("The gate", &columns);
    for measure in &sweep.measures {
        let found: Vec<bool> = (0..plan.items.len() as u32)
            .filter(|item| measure.covers(plan, plumb_study::ItemIx(*item)))
            .filter_map(|item| opened.get(&item).copied())
            .collect();
        let open = found.iter().filter(|open| **open).count() as u64;
        let all = found.len() as u64;
        if all == 0 {
            continue;
        }
        let (word, wrong) = match measure.role {
            Role::Safety => ("shut (false negatives)", all - open),
            _ => ("opened (false positives)", open),
        };
        table.row([
            Cell::text(measure.id.clone()),
            Cell::Count(all),
            Cell::Count(open),
            Cell::text(word),
            share(wrong, all),
        ]);
    }
    table.note(format!("{what} It decides once for a whole conversation. See the settings called gated."));
    let section = document.section("Steering on condition");
    section.table(table);
    if let Some(words) = learned_from(plan, sweep) {
        section.prose(words);
    }
}

/// Whether the gate was made of what it is measured on.
fn learned_from(plan: &Plan, sweep: &Sweep) -> Option<String> {
    let id = match sweep.gate_from()? {
        GateFrom::Prompts(id) => id,
        GateFrom::File => {
            return Some("The gate's file does not say which prompts its direction and threshold come from, so it is not known whether these are among them.".into());
        }
    };
    let used: Vec<Overlap> =
        overlap::of(plan, sweep).into_iter().filter(|overlap| overlap.direction == id).collect();
    let near: u64 = used.iter().map(|overlap| overlap.near).sum();
    Some(match near {
        0 => {
            "None of these prompts is, nearly word for word, one that its direction and threshold come from."
                .into()
        }
        _ => format!(
            "Its direction and threshold come from prompts of which, nearly word for word, some are measured here: {}. On others it will err more often.",
            overlap::words(&used)
        ),
    })
}

fn share(count: u64, all: u64) -> Cell {
    let known = Proportion::new(count, all).ok().and_then(|share| {
        let range = share.wilson(Level::P95).ok()?;
        Some((share.rate().ok()?, range))
    });
    match known {
        Some((estimate, range)) => {
            let value = Value::Interval { estimate, low: range.low, high: range.high, level: 0.95 };
            Cell::Value(value, Unit::Share)
        }
        None => Cell::Missing("no prompts".into()),
    }
}
