//! Who took part: conditions, incomplete participants, exclusions, missing values. Printed first.

use plumb_stats::compare::ChiSquare;
use plumb_study::document::{Cell, Section, Table};

use crate::analyse::Analysed;
use crate::data::Data;

pub(super) fn section(section: &mut Section, data: &Data, analysed: &Analysed) {
    let (incomplete, most) = &analysed.incomplete;
    let attrition = match &analysed.attrition {
        Some(test) => format!("Incomplete people by condition: {}.", words(test)),
        None if incomplete.iter().sum::<u64>() == 0 => {
            "Nobody is incomplete, so there is no differential attrition to test.".to_owned()
        }
        None => "Differential attrition cannot be tested: one condition, or all incomplete.".to_owned(),
    };
    section.prose(attrition);
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
    if let Some(test) = &analysed.balance {
        table.note(format!("Numbers assigned against equal ones: {}.", words(test)));
    }
    section.table(table);
    for (rule, count) in data.excluded() {
        section.prose(format!("Exclusion rule {rule}: {count} participants left out."));
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

fn words(test: &ChiSquare) -> String {
    format!("χ²({}) = {:.2}, p = {:.4}", test.df, test.statistic, test.p)
}
