//! The values of one measure for one pair of subjects, item by item.

use super::{Side, is_fault};
use crate::id::{ItemIx, MeasureRef, SubjectIx, Trial};
use crate::ledger::{level, matches};
use crate::method::policy::{Counts, Policy, Tally};
use crate::method::{Cell, Missing, counted};
use crate::observe::Label;
use crate::plan::{Analysis, Cluster, Plan, Scale};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What one side says of one item.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// One value a repetition that counts.
    pub values: Vec<f64>,
    /// Repetitions that could have a verdict and have none, and that no policy counts.
    pub lacking: u32,
    /// What the judge said, one a repetition.
    pub cells: Vec<Cell>,
}

impl Said {
    pub fn mean(&self) -> Option<f64> {
        (!self.values.is_empty()).then(|| self.values.iter().sum::<f64>() / self.values.len() as f64)
    }

    /// The mean if every verdict that lacks were this value.
    fn filled(&self, value: f64) -> Option<f64> {
        let n = self.values.len() as f64 + f64::from(self.lacking);
        (n > 0.0).then(|| (self.values.iter().sum::<f64>() + f64::from(self.lacking) * value) / n)
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

impl Row {
    /// The means of both sides, where both have one.
    pub fn means(&self) -> Option<(f64, f64)> {
        Some((self.base.mean()?, self.run.mean()?))
    }

    /// Whether one side lacks verdicts that the other has: they were lost or gained.
    pub fn uneven(&self) -> bool {
        self.base.lacking != self.run.lacking
    }

    /// The means with these values for verdicts that were lost or gained. What neither side has is no difference.
    pub fn filled(&self, base: f64, run: f64) -> Option<(f64, f64)> {
        if !self.uneven() {
            return self.means();
        }
        Some((self.base.filled(base)?, self.run.filled(run)?))
    }
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
    /// What policies did in each cell, in the base and in the run.
    pub tallies: Vec<[Tally; 2]>,
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
        policy: Policy,
        shared: &[(ItemIx, ItemIx)],
    ) -> Table {
        let by: Vec<&Arc<str>> = analysis.by.iter().filter(|name| is_tag(&run.plan, name)).collect();
        let scale = run.plan.measure(here).scale.clone();
        let label = counted(analysis, &scale);
        let rule = Rule { policy, label };
        let mut tallies: Vec<[Tally; 2]> = Vec::new();
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
            tallies.resize_with(known.len(), Default::default);
            let [base_tally, run_tally] = &mut tallies[cell as usize];
            rows.push(Row {
                item: *at_run,
                cell,
                cluster: cluster(&run.plan, analysis, *at_run, &mut clusters),
                base: said(base, *at_base, b, there, &rule, base_tally),
                run: said(run, *at_run, r, here, &rule, run_tally),
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
            tallies,
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

/// What turns verdicts into values.
struct Rule {
    policy: Policy,
    label: Option<Label>,
}

fn said(
    side: &Side,
    item: ItemIx,
    subject: SubjectIx,
    of: MeasureRef,
    rule: &Rule,
    tally: &mut Tally,
) -> Said {
    let mut said = Said::default();
    for rep in 0..side.plan.repeats(item) {
        let trial = Trial { item, subject, rep };
        let cell = side.ledger.cell(&side.plan, trial, of);
        let value = match (cell, rule.label) {
            (Cell::Number(x), None) => Some(x),
            (cell, Some(label)) => tally
                .add(&rule.policy, &cell, side.ledger.reply(trial), label)
                .map(|yes| f64::from(u8::from(yes))),
            _ => None,
        };
        match (value, cell) {
            (Some(value), _) => said.values.push(value),
            (None, Cell::Missing(why)) => said.lacking += u32::from(lacks(why, &rule.policy)),
            (None, _) => {}
        }
        said.cells.push(cell);
    }
    said
}

/// Whether a verdict could be there.
fn lacks(why: Missing, policy: &Policy) -> bool {
    why != Missing::NotApplicable && policy.of(why) == Some(Counts::LeaveOut)
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
