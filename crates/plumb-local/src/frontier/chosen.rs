//! What a search chose on other prompts, on the prompts of this plan, and the controls that it would have chosen.
//!
//! The winner of many is too good on the prompts that it won on, and so is the best of many random controls. Both are held
//! beside each other where neither was chosen.

use super::gather::{Gathered, Kind};
use super::report::change;
use crate::sweep::{Role, Sweep};
use plumb_study::Document;
use plumb_study::document::{Cell, Table};
use plumb_study::method::{Unit, Value};

/// Among what a setting was when a search tried it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lot {
    /// What the plan takes from the search.
    Candidates,
    /// Random latents of the autoencoder.
    Latents,
    /// Random directions.
    Directions,
}

/// A setting that a search tried before.
#[derive(Clone, Debug, PartialEq)]
pub struct Before {
    /// Its direction's id here.
    pub direction: String,
    /// How strongly it was tried.
    pub strength: f64,
    /// What it was there.
    pub lot: Lot,
    /// How much it raised refusal of unsafe prompts there.
    pub rise: f64,
}

/// One of them that this plan asked, too: its arm, and its change here.
struct Here<'a> {
    before: &'a Before,
    id: &'a str,
    change: Value,
    estimate: f64,
}

/// The section about the setting `id` that the plan takes from a search; `tried` are it and its controls.
pub fn chosen(document: &mut Document, gathered: &Gathered, sweep: &Sweep, tried: &[Before]) {
    let Some(safety) = sweep.measures.iter().position(|measure| measure.role == Role::Safety) else { return };
    let rows = &gathered.rows[safety];
    let base = gathered.arms.iter().position(|arm| arm.kind == Kind::Base).unwrap_or(0);
    let mut here = Vec::new();
    for before in tried {
        let Before { direction, strength, .. } = before;
        let at = gathered.arms.iter().position(|arm| {
            arm.direction == *direction && arm.strength == Some(*strength) && arm.kind != Kind::Gated
        });
        let Some(at) = at else { continue };
        let (change, _) = change(&rows[base], &rows[at], gathered.binary[safety]);
        let Some(estimate) = change.estimate() else { continue };
        here.push(Here { before, id: &gathered.arms[at].id, change, estimate });
    }
    let of = |lot: Lot| here.iter().filter(move |one| one.before.lot == lot);
    let Some(winner) = of(Lot::Candidates).next() else { return };
    let controls = here.len() - of(Lot::Candidates).count();
    if controls == 0 {
        return;
    }
    let rank = |one: &Here<'_>| 1 + here.iter().filter(|other| other.estimate > one.estimate).count();
    let columns = ["setting", "chosen there of", "#change there", "#change here", "#rank here"];
    let measure = &sweep.measures[safety].id;
    let mut table =
        Table::new(format!("{measure}: what was chosen on the search's prompts, on these"), &columns);
    let mut row = |one: &Here<'_>, of: String| {
        table.row([
            Cell::text(one.id),
            Cell::text(of),
            Cell::Number(one.before.rise * 100.0, 0),
            Cell::Value(one.change.clone(), Unit::Points),
            Cell::Text(format!("{} of {}", rank(one), here.len())),
        ]);
    };
    row(winner, "candidates".into());
    for (lot, name) in [(Lot::Latents, "random latents"), (Lot::Directions, "random directions")] {
        // The first of equal ones, since that is how the search orders them.
        let best = of(lot).rev().max_by(|a, b| a.before.rise.total_cmp(&b.before.rise));
        if let Some(best) = best {
            row(best, format!("{} {name}", of(lot).count()));
        }
    }
    let as_good =
        here.iter().filter(|one| one.before.lot != Lot::Candidates && one.estimate >= winner.estimate);
    let as_good = as_good.count();
    table.note("Rank: by the change here, among the setting and the controls that went through the same search. Neither was chosen on these prompts.");
    let section = document.section("What the search chose, on other prompts");
    section.prose(format!(
        "Of {controls} random controls that went through the search and were asked here, {as_good} change {measure} at least as much as {} does.",
        winner.id
    ));
    section.table(table);
}
