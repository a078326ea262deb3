//! Items whose verdict is not the same in both runs.

use super::Side;
use super::table::{Row, Said, Table};
use crate::id::{ItemId, MeasureRef, SubjectIx};
use crate::method::{Aim, Cell, Missing};
use crate::plan::Scale;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A changed verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// Subjects: (of the base, of the run).
    pub subjects: (Arc<str>, Arc<str>),
    /// `judge.measure`.
    pub measure: Arc<str>,
    /// The item.
    pub item: ItemId,
    /// What the judge said in the base, or why nothing.
    pub base: String,
    /// What it said in the run.
    pub run: String,
    /// Whether that is better, where the plan says which way is.
    pub better: Option<bool>,
}

/// Changed verdicts of all measures; a measure that several analyses read is listed once.
#[derive(Default)]
pub(super) struct Collected {
    /// By pair, measure and item's place.
    found: BTreeMap<(u16, u16, u16, u8, u32), Moved>,
}

impl Collected {
    pub fn add(
        &mut self,
        table: &Table,
        run: &Side,
        (b, r): (SubjectIx, SubjectIx),
        (_, of): (MeasureRef, MeasureRef),
        aim: Option<Aim>,
    ) {
        for row in &table.rows {
            // What nobody was asked yet did not change; the cells of the comparison count it.
            if same(row, &table.scale) || pending(&row.base) || pending(&row.run) {
                continue;
            }
            let (base_says, run_says) = (shown(&row.base, &table.scale), shown(&row.run, &table.scale));
            let better = match (aim, row.base.mean(), row.run.mean()) {
                (Some(aim), Some(before), Some(after)) if before != after => {
                    Some((after - before) * aim.better.sign() > 0.0)
                }
                _ => None,
            };
            let key = (b.0, r.0, of.judge.0, of.measure, row.item.0);
            let entry = self.found.entry(key).or_insert_with(|| Moved {
                subjects: table.pair.clone(),
                measure: run.plan.measure_name(of).into(),
                item: run.plan.item(row.item).id.clone(),
                base: base_says,
                run: run_says,
                better,
            });
            entry.better = entry.better.or(better);
        }
    }

    pub fn finish(self) -> Vec<Moved> {
        self.found.into_values().collect()
    }
}

/// Whether both sides say the same of an item, in whatever order its repetitions came.
pub(super) fn same(row: &Row, scale: &Scale) -> bool {
    row.base.cells == row.run.cells || shown(&row.base, scale) == shown(&row.run, scale)
}

/// Whether no repetition was asked and judged.
fn pending(said: &Said) -> bool {
    said.cells.iter().all(|cell| matches!(cell, Cell::Missing(Missing::NotAsked | Missing::NotJudged)))
}

/// Verdicts of all repetitions: `yes`, or `2 yes, 1 no`.
fn shown(said: &Said, scale: &Scale) -> String {
    let one = |cell: &Cell| match cell {
        Cell::Number(x) => format!("{x}"),
        Cell::Label(label) => scale.labels().get(label.0 as usize).map_or("?".into(), ToString::to_string),
        Cell::Missing(why) => format!("({})", why.name()),
    };
    if let [cell] = said.cells.as_slice() {
        return one(cell);
    }
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for cell in &said.cells {
        *counts.entry(one(cell)).or_insert(0) += 1;
    }
    counts.iter().map(|(what, n)| format!("{n} {what}")).collect::<Vec<_>>().join(", ")
}
