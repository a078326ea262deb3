//! What a gate did on the sweep's prompts: how often it opened where it should not, and stayed shut where it should not.

use crate::sweep::{Role, Sweep};
use plumb_stats::{Level, Proportion};
use plumb_study::document::{Cell, Table};
use plumb_study::method::{Unit, Value};
use plumb_study::{Document, Plan};
use std::collections::BTreeMap;

/// The section about a gate, `what` in a sentence; `opened` says of items by number whether it opened.
pub fn gate(document: &mut Document, plan: &Plan, sweep: &Sweep, what: &str, opened: &BTreeMap<u32, bool>) {
    let columns = ["prompts", "#count", "#opened", "wrongly", "#how often"];
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
    table.note(format!("{what} See the settings called gated."));
    document.section("Steering on condition").table(table);
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
