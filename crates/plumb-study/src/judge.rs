//! The [`Judge`] seam: one act of one judge on one observation.

use crate::id::{JudgeIx, Trial};
use crate::items::Item;
use crate::observe::{Answer, Finish, Verdict, Verdicts};
use crate::plan::Plan;
use crate::run::Ctx;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// What a judge is shown. Only answered trials are judged: that an answer was withheld or failed stands in
/// the observation, and no judge decides what that counts as.
pub struct Case<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The trial.
    pub trial: Trial,
    /// The item.
    pub item: &'a Item,
    /// The answer.
    pub answer: &'a Answer,
    /// Reasoning that the provider reported apart from the answer.
    pub reasoning: Option<&'a Arc<str>>,
    /// How the answer ended.
    pub finish: Finish,
    /// Verdicts of the judges that this one needs.
    pub prior: &'a [(JudgeIx, Verdicts)],
}

impl Case<'_> {
    /// What an earlier judge said of one of its measures.
    pub fn verdict(&self, of: crate::id::MeasureRef) -> Option<&Verdict> {
        self.prior
            .iter()
            .find(|(judge, _)| *judge == of.judge)
            .and_then(|(_, verdicts)| verdicts.values.get(of.measure as usize))
    }
}

/// Something that judges. A judge that asks a model does so only through `cx`.
pub trait Judge: Send + Sync {
    /// Judges; the verdicts are in the order of the spec's measures.
    fn judge<'a>(&'a self, case: &'a Case<'a>, cx: &'a Ctx) -> BoxFuture<'a, Verdicts>;
}

/// A judge that needs nobody: most rules.
pub trait Rule: Send + Sync {
    /// Judges.
    fn decide(&self, case: &Case) -> Verdicts;
}

impl<T: Rule> Judge for T {
    fn judge<'a>(&'a self, case: &'a Case<'a>, _cx: &'a Ctx) -> BoxFuture<'a, Verdicts> {
        Box::pin(std::future::ready(self.decide(case)))
    }
}
