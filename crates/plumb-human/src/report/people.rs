//! Who took part: conditions, incomplete participants, exclusions, missing values. Printed first.

use plumb_study::document::{Cell, Section, Table};

use crate::analyse::{Analysed, Differs};
use crate::data::Data;

pub(super) fn section(section: &mut Section, data: &Data, analysed: &Analysed) {
    let (incomplete, most) = &analysed.incomplete;
    if analysed.attrition.is_none() {
        section.prose(if incomplete.iter().sum::<u64>() == 0 {
            "Nobody is incomplete, so there is no differential attrition to test."
        } else {
            "Differential attrition cannot be tested: one condition, or all incomplete."
        });
    }
    let against = |places: bool| {
        if places {
            "numbers assigned against the file's places"
        } else {
            "numbers assigned against equal ones"
        }
    };
    let tests = analysed
        .attrition
        .iter()
        .map(|test| ("incomplete people by condition", test))
        .chain(analysed.balance.iter().map(|(test, places)| (against(*places), test)));
    let tests: Vec<_> = tests.collect();
    if !tests.is_empty() {
        section.table(differences(&tests));
    }
    let mut table = Table::new("", &["condition", "#assigned", "#incomplete", "#analysed"]);
    let sizes = analysed.conditions.iter().zip(&analysed.assigned);
    for (((condition, n), assigned), out) in sizes.zip(incomplete) {
        table.row([
            Cell::text(condition.clone()),
            Cell::Count(*assigned),
            Cell::Count(*out),
            Cell::Count(*n),
        ]);
    }
    table.note(format!("Incomplete: fewer than the {most} items that others have, or none. Analysed: with answers, after exclusions."));
    section.table(table);
    for (rule, count) in data.excluded() {
        section.prose(format!(
            "Exclusion rule {rule}: {count} {} left out.",
            if *count == 1 { "participant" } else { "participants" }
        ));
    }
    if !data.missing().is_empty() {
        let mut table = Table::new("Missing values", &["measure", "reason", "#answers"]);
        for missing in data.missing() {
            table.row([
                Cell::text(missing.measure.clone()),
                Cell::text(missing.reason.clone()),
                Cell::Count(missing.count),
            ]);
        }
        section.table(table);
    }
    if !analysed.repeats.is_empty() {
        section.table(super::tables::repeats(&analysed.repeats));
    }
}

/// Differences between conditions, a test each.
fn differences(tests: &[(&str, &Differs)]) -> Table {
    let mut table = Table::new("Differences between conditions", &["what", "#χ²", "#df", "#p"]);
    let mut exact = false;
    for (what, test) in tests {
        exact |= test.exact.is_some();
        table.row([
            Cell::text(*what),
            Cell::Number(test.of.statistic, 2),
            Cell::Number(test.of.df, 0),
            super::tables::p(test.exact.unwrap_or(test.of.p)),
        ]);
    }
    if exact {
        table.note("Few people are incomplete: that p is exact (Freeman and Halton's), not χ²'s.");
    }
    table
}
