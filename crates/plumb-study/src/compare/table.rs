//! The values of one measure for one pair of subjects, item by item.

use super::{Side, is_fault};
use crate::id::{ItemIx, MeasureRef, SubjectIx, Trial};
use crate::ledger::{level, matches};
use crate::method::{Cell, Missing, counted};
use crate::observe::Label;
use crate::plan::{Analysis, Cluster, Plan, Scale};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What one side says of one item.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// One value a repetition.
    pub values: Vec<f64>,
    /// The same, as the judge put it.
    pub cells: Vec<Cell>,
}

impl Said {
    pub fn mean(&self) -> Option<f64> {
        (!self.values.is_empty()).then(|| self.values.iter().sum::<f64>() / self.values.len() as f64)
    }
}

/// One shared item.
pub(super) struct Row {
    pub item: ItemIx,
    pub cell: u32,
    pub cluster: u32,
    pub base: Said,
    pub run: Said,
}

/// Levels of item tags: (name, level).
type Place = Vec<(Arc<str>, Arc<str>)>;

/// The table.
pub(super) struct Table {
    pub pair: (Arc<str>, Arc<str>),
    /// What is measured: `judge.measure`, with the label counted.
    pub of: Arc<str>,
    pub scale: Scale,
    /// Levels of the analysis' item tags, by cell.
    pub cells: Vec<Place>,
    pub rows: Vec<Row>,
    pub cluster_name: Arc<str>,
    /// Whether each item is a cluster of its own and answered once on each side.
    pub plain: bool,
}

impl Table {
    pub fn collect(
        base: &Side,
        run: &Side,
        (b, r): (SubjectIx, SubjectIx),
        analysis: &Analysis,
        (there, here): (MeasureRef, MeasureRef),
        shared: &[(ItemIx, ItemIx)],
    ) -> Table {
        let by: Vec<&Arc<str>> = analysis.by.iter().filter(|name| is_tag(&run.plan, name)).collect();
        let scale = run.plan.measure(here).scale.clone();
        let label = counted(analysis, &scale);
        let mut known: BTreeMap<Place, u32> = BTreeMap::new();
        let mut clusters: HashMap<Arc<str>, u32> = HashMap::new();
        let mut rows = Vec::new();
        for (at_base, at_run) in shared {
            let asked =
                base.plan.subjects_of(*at_base).contains(&b) && run.plan.subjects_of(*at_run).contains(&r);
            let judged = base.plan.judges_of(*at_base).contains(&there.judge)
                && run.plan.judges_of(*at_run).contains(&here.judge);
            let first = Trial { item: *at_run, subject: r, rep: 0 };
            if !asked || !judged || !matches(&run.plan, analysis, first) {
                continue;
            }
            let levels = by.iter().map(|name| ((*name).clone(), level(&run.plan, first, name))).collect();
            let next = known.len() as u32;
            let cell = *known.entry(levels).or_insert(next);
            rows.push(Row {
                item: *at_run,
                cell,
                cluster: cluster(&run.plan, analysis, *at_run, &mut clusters),
                base: said(base, *at_base, b, there, label),
                run: said(run, *at_run, r, here, label),
            });
        }
        let mut cells = vec![Vec::new(); known.len()];
        for (levels, at) in known {
            cells[at as usize] = levels;
        }
        let plain = analysis.cluster == Cluster::Item
            && rows.iter().all(|row| row.base.cells.len() <= 1 && row.run.cells.len() <= 1);
        let name = run.plan.measure_name(here);
        Table {
            pair: (base.plan.subject(b).id.0.clone(), run.plan.subject(r).id.0.clone()),
            of: label.map_or_else(
                || name.clone().into(),
                |l| format!("{name} = {}", scale.labels()[l.0 as usize]).into(),
            ),
            scale,
            cells,
            rows,
            cluster_name: match &analysis.cluster {
                Cluster::Item => "item".into(),
                Cluster::Tag(tag) => tag.clone(),
            },
            plain,
        }
    }
}

fn is_tag(plan: &Plan, name: &str) -> bool {
    name != "subject" && name != "item" && !plan.subjects.iter().any(|s| s.factors.contains_key(name))
}

fn cluster(plan: &Plan, analysis: &Analysis, item: ItemIx, known: &mut HashMap<Arc<str>, u32>) -> u32 {
    let tag = match &analysis.cluster {
        Cluster::Item => None,
        Cluster::Tag(tag) => plan.item(item).tags.get(tag),
    };
    match tag {
        Some(level) => {
            let next = known.len() as u32;
            *known.entry(level.clone()).or_insert(next)
        }
        // Beyond all levels of a tag, which are at most as many as items.
        None => plan.items.len() as u32 + item.0,
    }
}

fn said(side: &Side, item: ItemIx, subject: SubjectIx, of: MeasureRef, label: Option<Label>) -> Said {
    let mut said = Said::default();
    for rep in 0..side.plan.repeats(item) {
        let cell = side.ledger.cell(&side.plan, Trial { item, subject, rep }, of);
        match (cell, label) {
            (Cell::Label(found), Some(wanted)) => said.values.push(f64::from(u8::from(found == wanted))),
            (Cell::Number(x), None) => said.values.push(x),
            _ => {}
        }
        said.cells.push(cell);
    }
    said
}

/// What went wrong in the runs themselves, over all tables.
#[derive(Default)]
pub(super) struct Faults {
    asked: [u64; 2],
    missing: [BTreeMap<Missing, u64>; 2],
}

impl Faults {
    pub fn add(&mut self, table: &Table) {
        for row in &table.rows {
            for (side, said) in [&row.base, &row.run].into_iter().enumerate() {
                self.asked[side] += said.cells.len() as u64;
                for cell in &said.cells {
                    if let Cell::Missing(why) = cell
                        && is_fault(*why)
                    {
                        *self.missing[side].entry(*why).or_insert(0) += 1;
                    }
                }
            }
        }
    }

    /// Sentences; a share of failures up to the plan's `warn_share` is none.
    pub fn finish(self, base_share: f64, run_share: f64) -> Vec<String> {
        let mut faults = Vec::new();
        let sides = [("base", base_share), ("run", run_share)];
        for ((side, share), (asked, missing)) in
            sides.into_iter().zip(self.asked.into_iter().zip(self.missing))
        {
            for (why, n) in missing {
                let unfinished = matches!(why, Missing::NotAsked | Missing::NotJudged);
                if unfinished || n as f64 > share * asked as f64 {
                    faults.push(format!("{side}: {n} of {asked} values are missing: {}", why.name()));
                }
            }
        }
        faults
    }
}
