//! What the record says of itself: outcomes by subject, reasons, cost, hashes, amendments, programs.

use super::shown::Text;
use crate::{number, words};
use plumb_study::{Results, Spent};

/// The sections.
pub(super) struct RecordView<'a> {
    pub(super) subjects: Vec<OutcomesView>,
    pub(super) reasons: Vec<ReasonView<'a>>,
    pub(super) judgments_failed: Option<String>,
    pub(super) costs: Vec<CostView>,
    pub(super) root: String,
    pub(super) digest: Option<String>,
    pub(super) state: String,
    pub(super) seed: u64,
    pub(super) lock: &'static str,
    pub(super) amendments: Vec<AmendmentView>,
    pub(super) programs: Vec<Text>,
    pub(super) served: Vec<ServedView>,
}

/// Outcomes of a subject's trials; empty text for none.
pub(super) struct OutcomesView {
    pub(super) subject: Text,
    pub(super) planned: String,
    pub(super) answered: String,
    pub(super) empty: String,
    pub(super) cut: String,
    pub(super) withheld: String,
    pub(super) failed: String,
    pub(super) not_asked: String,
}

/// Why trials have no answer.
pub(super) struct ReasonView<'a> {
    pub(super) outcome: &'a str,
    pub(super) why: &'a str,
    pub(super) trials: String,
    pub(super) example: Option<Text>,
}

/// A line of the costs.
pub(super) struct CostView {
    pub(super) name: &'static str,
    pub(super) requests: String,
    pub(super) time: String,
    pub(super) tokens_in: String,
    pub(super) tokens_out: String,
    pub(super) money: String,
}

/// An amendment.
pub(super) struct AmendmentView {
    pub(super) hash: String,
    pub(super) reason: Text,
}

/// A model that an endpoint said it served.
pub(super) struct ServedView {
    pub(super) subject: Text,
    pub(super) model: Text,
    pub(super) trials: String,
}

pub(super) fn view(results: &Results) -> RecordView<'_> {
    let plan = &results.plan;
    let mut costs = vec![cost("everything", results.total)];
    if results.judging != Spent::default() {
        costs.push(cost("of it judging", results.judging));
    }
    RecordView {
        subjects: outcomes(results),
        reasons: results
            .missing
            .iter()
            .map(|m| ReasonView {
                outcome: m.outcome,
                why: m.why,
                trials: number::count(m.count),
                example: m.example.as_deref().map(|e| Text::excerpt(e, 600)),
            })
            .collect(),
        judgments_failed: some(results.counts.judgments_failed()),
        costs,
        root: plan.root.0.hex(),
        digest: (plan.digest != plan.root.0).then(|| plan.digest.hex()),
        state: results.state.hex(),
        seed: plan.seed,
        lock: words::lock(results.locked),
        amendments: results
            .amendments
            .iter()
            .map(|a| AmendmentView { hash: a.plan.short(), reason: Text::of(&a.reason) })
            .collect(),
        programs: results.programs.iter().map(|p| Text::of(p)).collect(),
        served: results
            .served
            .iter()
            .map(|(subject, model, trials)| ServedView {
                subject: Text::of(subject),
                model: Text::of(model),
                trials: number::count(*trials),
            })
            .collect(),
    }
}

fn some(n: u64) -> Option<String> {
    (n > 0).then(|| number::count(n))
}

fn outcomes(results: &Results) -> Vec<OutcomesView> {
    let or_blank = |n| some(n).unwrap_or_default();
    results
        .by_subject
        .iter()
        .map(|s| OutcomesView {
            subject: Text::of(&s.subject),
            planned: number::count(s.planned),
            answered: number::count(s.answered),
            empty: or_blank(s.empty),
            cut: or_blank(s.truncated),
            withheld: or_blank(s.withheld),
            failed: or_blank(s.failed),
            not_asked: or_blank(s.planned.saturating_sub(s.answered + s.withheld + s.failed)),
        })
        .collect()
}

fn cost(name: &'static str, spent: Spent) -> CostView {
    let tokens = |n: Option<u64>| n.map_or("unknown".into(), number::count);
    CostView {
        name,
        requests: number::count(spent.requests),
        time: number::duration(spent.elapsed_us),
        tokens_in: tokens(spent.tokens_in),
        tokens_out: tokens(spent.tokens_out),
        money: spent.cost_nano.map_or("not priced".into(), number::money),
    }
}
