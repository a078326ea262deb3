//! Strata of a sample that was drawn by verdict: how many answers each labelled one stands for.
//!
//! The judgments of all answers say what is flagged in each stratum, the joined rows how many of those have a label. So nothing
//! need be recorded of the draw but the columns within whose levels it was made; finer ones do no harm where labels are in all.

use super::table::{Columns, Joined};
use plumb_stats::{BinaryCounts, Proportion, Share, Stratum};
use plumb_study::items::Row;
use std::collections::BTreeMap;

/// Columns within whose levels `plumb safety sample` draws, where nobody says others.
pub const DRAWN_WITHIN: [&str; 2] = ["hazard", "subject"];

#[derive(Default)]
struct Cell {
    flagged: u64,
    answers: u64,
    labels: BinaryCounts,
}

/// The strata of all judgments, or of those with a level of one column. `within` are columns of `columns.by`; without any all
/// answers are one stratum. `None` where no answer but the labelled ones is there, or judgments do not have the columns.
pub fn strata(
    judgments: &[Row],
    joined: &Joined,
    columns: &Columns,
    within: &[String],
    of: Option<(&str, &str)>,
) -> Option<Vec<Stratum>> {
    let at = |name: &str| columns.by.iter().position(|c| c == name);
    let places = within.iter().map(|c| at(c)).collect::<Option<Vec<usize>>>()?;
    let mut cells: BTreeMap<Vec<&str>, Cell> = BTreeMap::new();
    for row in judgments {
        let Some(verdict) = row.get(&columns.verdict).and_then(|value| columns.reads(value)) else {
            continue;
        };
        if let Some((column, level)) = of
            && **row.get(column)? != *level
        {
            continue;
        }
        let key = within.iter().map(|c| row.get(c).map(|v| &**v)).collect::<Option<Vec<&str>>>()?;
        let cell = cells.entry(key).or_default();
        cell.answers += 1;
        cell.flagged += u64::from(verdict);
    }
    let group = of.map(|(column, level)| Some((at(column)?, level)));
    for (row, levels) in joined.rows.iter().zip(&joined.levels) {
        let Some(verdict) = row.verdict else { continue };
        if let Some(group) = group
            && let (place, level) = group?
            && levels[place] != level
        {
            continue;
        }
        let key: Vec<&str> = places.iter().map(|at| levels[*at].as_str()).collect();
        cells.get_mut(&key)?.labels.add(verdict, row.truth);
    }
    let labelled: u64 = cells.values().map(|c| c.labels.total()).sum();
    let answers: u64 = cells.values().map(|c| c.answers).sum();
    if answers <= labelled {
        return None;
    }
    cells
        .values()
        .map(|c| {
            let flagged = Share::from(Proportion::new(c.flagged, c.answers).ok()?);
            Some(Stratum { flagged, labels: c.labels })
        })
        .collect()
}
