//! The table of how far each setting pushes: whether controls are as strong as what they are beside.

use crate::steer::Push;
use plumb_study::Document;
use plumb_study::document::{Cell, Table};

/// A setting: its subject's id, what it does in a few words, and how far it pushes.
pub type Pushed = (String, String, Option<Push>);

/// The section; `prompts` is on how many prompts it was measured.
pub fn pushes(document: &mut Document, all: &[Pushed], prompts: usize) {
    if all.is_empty() {
        return;
    }
    let columns = ["setting", "does", "#‖Δx‖/‖x‖", "#10th", "#90th", "#tokens"];
    let mut table = Table::new("Length of the change over the length of what is changed", &columns);
    for (id, words, push) in all {
        let start = [Cell::text(id.clone()), Cell::text(words.clone())];
        let rest = match push {
            Some(push) => [
                Cell::Number(push.median, 3),
                Cell::Number(push.low, 3),
                Cell::Number(push.high, 3),
                Cell::Count(push.tokens as u64),
            ],
            None => [Cell::Missing("changes nothing".into()), Cell::Empty, Cell::Empty, Cell::Count(0)],
        };
        table.row(start.into_iter().chain(rest));
    }
    table.note(format!(
        "Median, 10th and 90th percentile over the changed tokens of {prompts} prompts of the plan, on the unsteered stream. Random controls write as long a vector as what they are beside; how far a clamp moves a row depends on how active the latent is there already."
    ));
    document.section("How far each setting pushes").table(table);
}
