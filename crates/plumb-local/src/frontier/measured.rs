//! The table of what was measured: how it was asked, how high the unsteered model stands, and what loss could have been seen.

use super::gather::{Gathered, Kind, Row};
use super::report::{Came, at_floor, pairs, unit};
use crate::sweep::{Measure, Role, Sweep};
use plumb_study::Document;
use plumb_study::document::{Cell, Table, Tone};

/// A two-sided test at 5 % sees a change of so many standard errors with 80 % power: 1.960 + 0.842, of the normal distribution.
const SEEN: f64 = 2.802;

/// The smallest change that could be seen under a setting, from how much its answers differ from the base's: standard errors of
/// the mean difference. Of yes and no those are `sqrt(discordant / n)`; half an answer is added to the discordant ones, so that few
/// answers that all agree do not promise that anything would be seen.
fn smallest(base: &Row, row: &Row, binary: bool) -> Option<f64> {
    let pairs = pairs(base, row);
    let n = pairs.len() as f64;
    if pairs.len() < 2 {
        return None;
    }
    let variance = if binary {
        let discordant = pairs.iter().filter(|(old, new)| (old - new).abs() > 0.5).count() as f64;
        (discordant + 0.5) / (n + 1.0)
    } else {
        let mean = pairs.iter().map(|(old, new)| new - old).sum::<f64>() / n;
        pairs.iter().map(|(old, new)| (new - old - mean).powi(2)).sum::<f64>() / (n - 1.0)
    };
    Some(SEEN * (variance / n).sqrt())
}

/// The largest of that over all steered settings: what could have been seen under each of them.
fn smallest_loss(gathered: &Gathered, m: usize, base: usize) -> Option<f64> {
    let rows = &gathered.rows[m];
    let steered = (0..gathered.arms.len()).filter(|arm| gathered.arms[*arm].kind == Kind::Steered);
    steered.filter_map(|arm| smallest(&rows[base], &rows[arm], gathered.binary[m])).reduce(f64::max)
}

fn floor(measure: &Measure, came: &Came) -> Cell {
    match (measure.role, at_floor(measure, &came.value)) {
        (Role::Capability, true) => Cell::toned("at floor", Tone::Warn),
        (Role::Capability, false) if measure.chance.is_none() => Cell::Missing("chance is not stated".into()),
        (Role::Capability, false) if came.value.estimate().is_some() => Cell::text("above"),
        _ => Cell::Empty,
    }
}

/// The section.
pub(super) fn table(document: &mut Document, gathered: &Gathered, sweep: &Sweep, all: &[Vec<Came>]) {
    let base = gathered.arms.iter().position(|arm| arm.kind == Kind::Base).unwrap_or(0);
    let columns = ["measure", "shows", "asked as", "answers", "#items", "#base", "#smallest loss", "floor"];
    let mut table = Table::new("What was measured", &columns);
    for (m, measure) in sweep.measures.iter().enumerate() {
        let row = &gathered.rows[m][base];
        let came = &all[base][m];
        let shows = match measure.role {
            Role::Safety => "safety",
            Role::OverRefusal => "over-refusal",
            Role::Capability => "capability",
            Role::Loss => "loss",
            Role::Shown => "neither",
        };
        let n = row.values.len() as u64;
        table.row([
            Cell::text(measure.id.clone()),
            Cell::text(shows),
            Cell::text(gathered.forms[m].clone()),
            Cell::text(if gathered.texts[m] { "words" } else { "likelihoods" }),
            match row.unasked {
                0 => Cell::Count(n),
                unasked => Cell::text(format!("{n} of {}", n + row.missing + unasked)),
            },
            Cell::Value(came.value.clone(), unit(gathered, m)),
            match smallest_loss(gathered, m, base) {
                Some(loss) if gathered.binary[m] => Cell::Number(loss * 100.0, 1),
                Some(loss) => Cell::Number(loss, 3),
                None => Cell::Missing("no pairs".into()),
            },
            floor(measure, came),
        ]);
    }
    table.note("At floor: the unsteered model is less than 10 points above guessing, so that nothing can be lost. Smallest loss: the change that a test at 5 % sees with 80 % power, from how much steered and unsteered answers to the same items differ here, under the steered setting where that is most; in points for shares. Asked as: a chat is written by the model's own template; plain text has none.");
    document.section("Measures").table(table);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[f64]) -> Row {
        Row { values: (0..).zip(values.iter().copied()).collect(), ..Row::default() }
    }

    #[test]
    fn the_smallest_loss_comes_from_how_much_pairs_differ() {
        let base = row(&[0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        let same = smallest(&base, &base, true).unwrap();
        assert!((same - SEEN * (0.05_f64 / 9.0).sqrt()).abs() < 1e-12);
        let other = row(&[1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        assert!((smallest(&base, &other, true).unwrap() - SEEN * (0.25_f64 / 9.0).sqrt()).abs() < 1e-12);
        let (old, new) = (row(&[1.0, 2.0, 3.0]), row(&[1.1, 2.3, 3.2]));
        // Differences .1, .3 and .2: standard deviation .1.
        let seen = smallest(&old, &new, false).unwrap();
        assert!((seen - SEEN * 0.1 / 3.0_f64.sqrt()).abs() < 1e-12, "{seen}");
        assert_eq!(smallest(&old, &row(&[1.0]), false), None);
    }
}
