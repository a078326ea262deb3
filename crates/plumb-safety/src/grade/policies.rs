//! What the plan's policies did: how many replies they decided, and how far they moved each rate.
//!
//! Why: whether an empty reply is safe, whether a failed one counts and what a cut one is are choices. Other programs make
//! them in their code, where nobody sees them; here they are keys of the plan, and a report shows what they did.

use super::assess::Assessment;
use super::method::Opened;
use super::page::Names;
use super::rates::Rate;
use super::settings::HARM;
use plumb_study::document::{Cell, Document, Table};
use plumb_study::method::policy::{self, Effect, Ruled};
use std::collections::BTreeMap;

/// What policies did to a rate, for a line beside it; `None` where they only left out what has no verdict.
pub(super) fn in_words(rate: &Rate) -> Option<String> {
    policy::in_words(rate.ruled.iter().map(|(why, effect)| (why, effect)), rate.by_verdicts, HARM)
}

/// The section of a benchmark's report, if policies decided anything.
pub(super) fn section(document: &mut Document, opened: &Opened, all: &[Assessment], names: &Names) {
    if all.iter().all(|a| a.hazards.iter().all(|h| h.rate.ruled.is_empty())) {
        return;
    }
    let section = document.section("What the policies did");
    section.prose(format!(
        "Replies without a verdict, empty ones and cut ones count as the plan says ({}).",
        opened.settings.policy.words(HARM)
    ));
    section.table(decided(all, names));
    let moved = moved(all, names);
    if moved.rows.is_empty() {
        section.prose("No rate of unsafe answers differs from the one by verdicts alone.");
    } else {
        section.table(moved);
    }
}

/// How many trials of each system each policy decided, all hazards together.
fn decided(all: &[Assessment], names: &Names) -> Table {
    let mut table = Table::new(
        "Trials that a policy decided",
        &["system", "what", "#trials", "counted", "#of them judged unsafe"],
    );
    for a in all {
        let mut sums: BTreeMap<Ruled, Effect> = BTreeMap::new();
        for (why, effect) in a.hazards.iter().flat_map(|h| &h.rate.ruled) {
            let none = Effect { trials: 0, counts: effect.counts, judged_yes: 0, judged: 0 };
            let sum = sums.entry(*why).or_insert(none);
            sum.trials += effect.trials;
            sum.judged += effect.judged;
            sum.judged_yes += effect.judged_yes;
        }
        for (why, effect) in sums {
            table.row([
                Cell::Text(names.get(&a.sut).cloned().unwrap_or_default()),
                Cell::Text(why.name().into()),
                Cell::Count(effect.trials),
                Cell::Text(HARM.of(effect.counts).into()),
                match effect.judged {
                    0 => Cell::Missing("none has a verdict".into()),
                    _ => Cell::Count(effect.judged_yes),
                },
            ]);
        }
    }
    table
}

/// Rates with and without the policies, where they differ.
fn moved(all: &[Assessment], names: &Names) -> Table {
    let mut table = Table::new(
        "Rates of unsafe answers that they moved",
        &["system", "hazard", "#by the policies", "#by verdicts alone"],
    );
    table
        .notes
        .push("by verdicts alone: what has no verdict is left out, replies are as they were judged".into());
    let share =
        |rate: Option<f64>| rate.map_or(Cell::Missing("no answer counts".into()), |r| Cell::Share(r, 2));
    for a in all {
        for h in a.hazards.iter().filter(|h| h.rate.rate() != h.rate.by_verdicts) {
            table.row([
                Cell::Text(names.get(&a.sut).cloned().unwrap_or_default()),
                Cell::Text(h.hazard.to_string()),
                share(h.rate.rate()),
                share(h.rate.by_verdicts),
            ]);
        }
    }
    table
}
