//! From ledger to frame: the rows and columns of one analysis.

use super::Ledger;
use crate::id::{Trial, derive_seed};
use crate::method::{Column, Frame};
use crate::plan::{Analysis, Cluster, Plan};
use std::collections::HashMap;
use std::sync::Arc;

/// Which trials a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Those of the root plan.
    Rooted,
    /// Those that amendments added, too.
    All,
}

impl Ledger {
    /// The table that an analysis reads: trials that match `only` and that the analysis' judges judge, in
    /// trial order.
    pub fn frame(&self, plan: &Plan, analysis: &Analysis, rows: Rows) -> Frame {
        let mut by: Vec<Leveller> = analysis.by.iter().map(|name| Leveller::new(name.clone())).collect();
        let mut clusters = Clusters::default();
        let mut cluster = Vec::new();
        let mut replies = Vec::new();
        let mut measures: Vec<Vec<crate::method::Cell>> = vec![Vec::new(); analysis.of.len()];
        for trial in analysis.trials(plan, rows) {
            for column in &mut by {
                column.push(level(plan, trial, &column.name));
            }
            cluster.push(clusters.code(plan, analysis, trial));
            replies.push(self.reply(trial));
            for (column, of) in measures.iter_mut().zip(&analysis.of) {
                column.push(self.cell(plan, trial, *of));
            }
        }
        Frame {
            by: by.into_iter().map(Leveller::finish).collect(),
            cluster,
            replies,
            cluster_name: match &analysis.cluster {
                Cluster::Item => "item".into(),
                Cluster::Tag(tag) => tag.clone(),
            },
            measures: measures
                .into_iter()
                .zip(&analysis.of)
                .map(|(cells, of)| crate::method::MeasureColumn {
                    name: plan.measure_name(*of).into(),
                    scale: plan.measure(*of).scale.clone(),
                    cells,
                })
                .collect(),
            seed: derive_seed(plan.seed, &[b"analysis", analysis.id.0.as_bytes()]),
        }
    }
}

impl Analysis {
    /// The trials that it reads: those that match `only` and that its judges judge, in trial order.
    pub fn trials<'p>(&'p self, plan: &'p Plan, rows: Rows) -> impl Iterator<Item = Trial> + 'p {
        let mut judged = (None, false);
        plan.trials().filter(move |trial| {
            let source = plan.item(trial.item).source;
            if judged.0 != Some(source) {
                let judges = plan.judges_of(trial.item);
                judged = (Some(source), self.of.iter().all(|m| judges.contains(&m.judge)));
            }
            let within = rows == Rows::All || plan.is_rooted_trial(*trial);
            within && judged.1 && matches(plan, self, *trial)
        })
    }
}

pub(crate) fn matches(plan: &Plan, analysis: &Analysis, trial: Trial) -> bool {
    analysis.only.iter().all(|(name, level)| *self::level(plan, trial, name) == **level)
}

/// The level of trials whose item lacks a tag.
pub const NO_LEVEL: &str = "(none)";

/// The level of a name in a trial; a trial without it is in a level that says so.
pub(crate) fn level(plan: &Plan, trial: Trial, name: &str) -> Arc<str> {
    match name {
        "subject" => plan.subject(trial.subject).id.0.clone(),
        "item" => plan.item(trial.item).id.0.clone(),
        _ => plan.level(trial, name).cloned().unwrap_or_else(|| NO_LEVEL.into()),
    }
}

/// Codes the levels of one column in the order in which they come up.
struct Leveller {
    name: Arc<str>,
    levels: Vec<Arc<str>>,
    codes: Vec<u32>,
    known: HashMap<Arc<str>, u32>,
}

impl Leveller {
    fn new(name: Arc<str>) -> Leveller {
        Leveller { name, levels: Vec::new(), codes: Vec::new(), known: HashMap::new() }
    }

    fn push(&mut self, level: Arc<str>) {
        let next = self.levels.len() as u32;
        let code = *self.known.entry(level.clone()).or_insert(next);
        if code == next {
            self.levels.push(level);
        }
        self.codes.push(code);
    }

    fn finish(self) -> Column {
        Column { name: self.name, levels: self.levels, codes: self.codes }
    }
}

/// Codes clusters: an item without the cluster's tag is a cluster of its own.
#[derive(Default)]
struct Clusters {
    known: HashMap<Arc<str>, u32>,
}

impl Clusters {
    fn code(&mut self, plan: &Plan, analysis: &Analysis, trial: Trial) -> u32 {
        let item = plan.item(trial.item);
        match &analysis.cluster {
            Cluster::Item => trial.item.0,
            Cluster::Tag(tag) => match item.tags.get(tag) {
                Some(level) => {
                    let next = self.known.len() as u32;
                    *self.known.entry(level.clone()).or_insert(next)
                }
                // Beyond all levels of the tag, which are at most as many as items.
                None => plan.items.len() as u32 + trial.item.0,
            },
        }
    }
}
