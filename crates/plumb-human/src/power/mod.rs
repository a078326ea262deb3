//! Power of a study's own hypotheses, by simulation of its outcomes: `plumb human power`.
//!
//! People come into conditions and strata, get items, leave, miss checks and are excluded as the file says (`crowd`). Outcomes are
//! drawn from the normal mixed model that `[power]` states (means of conditions under the smallest effect of interest and of
//! strata, deviations between people, items, items by condition, and of each answer), once for all analyses of an outcome. The
//! planned models are fitted, families adjusted, and each hypothesis is decided by its own rule. Start at [`power`]. Not here:
//! answers on screens (`crate::simulate`).

mod crowd;
mod report;

use std::sync::atomic::{AtomicUsize, Ordering};

use plumb_stats::Proportion;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

pub use report::report_power;

use crate::analyse::{Contrasted, Selected, Verdict, adjust, matches, tests};
use crate::error::{Error, Result};
use crate::study::{Analysis, OneOrMany, Power, PowerOutcome, Study};
use crowd::{Crowd, Crowds};

/// Power of one hypothesis over numbers of people.
#[derive(Debug, Clone)]
pub struct Powered {
    /// The hypothesis's id.
    pub hypothesis: String,
    /// Its words.
    pub label: String,
    /// Its contrast under the smallest effect of interest.
    pub effect: f64,
    /// For each standard deviation between people, each number of items, and each number of people in a condition.
    pub points: Vec<PowerPoint>,
}

/// Power at one size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerPoint {
    /// People in each condition.
    pub people: usize,
    /// People in all conditions of the analysis.
    pub in_all: usize,
    /// Items, where their number is planned, too.
    pub items: Option<usize>,
    /// Of all who are assigned, the mean share that no exclusion leaves out.
    pub remain: f64,
    /// Standard deviation between people.
    pub person_sd: f64,
    /// Studies in which the hypothesis is supported.
    pub power: Proportion,
    /// Studies in which its model had a warning (a variance of zero, say).
    pub warned: u64,
}

/// What is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PowerSettings {
    /// Studies at each size; the file's number where it is left out.
    pub simulations: Option<usize>,
    /// What everything is drawn from.
    pub seed: u64,
}

/// An outcome with the analyses whose hypotheses are about it.
struct Planned<'a> {
    outcome: &'a PowerOutcome,
    analyses: Vec<&'a Analysis>,
    /// Means by position of the condition in the study.
    means: Vec<f64>,
    /// Items that are drawn, by position.
    asked: Vec<bool>,
}

/// What came of one simulated study.
struct Simulated {
    decided: Vec<Contrasted>,
    /// Analyses whose model had a warning.
    warned: Vec<String>,
    /// Why something could not be tested.
    failed: Option<Error>,
    remain: f64,
}

/// How many studies [`power`] simulates in all; 0 where it cannot.
pub fn power_studies(study: &Study, settings: PowerSettings) -> usize {
    study.power.as_ref().map_or(0, |p| {
        let sizes = ranges(p) * p.items.len().max(1) * p.people.len();
        sizes * settings.simulations.unwrap_or(p.simulations).max(1)
    })
}

fn ranges(assumed: &Power) -> usize {
    assumed.outcome.iter().map(|o| o.person_sd.len()).max().unwrap_or(1)
}

/// Computes power. `progress` is told after each study how many are done.
///
/// # Errors
/// The file has no `[power]`, no hypothesis is about one of its outcomes, or a planned model cannot be fitted.
pub fn power(
    study: &Study,
    settings: PowerSettings,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Powered>> {
    let assumed = study.power.as_ref().ok_or_else(|| {
        Error::new(format!("study {} has no [power], which states effects and variances", study.name))
    })?;
    let simulations = settings.simulations.unwrap_or(assumed.simulations).max(1);
    let done = AtomicUsize::new(0);
    let numbers: Vec<Option<usize>> = match &assumed.items[..] {
        [] => vec![None],
        items => items.iter().map(|n| Some(*n)).collect(),
    };
    let mut powered: Vec<Powered> = Vec::new();
    let mut at = 0;
    for range in 0..ranges(assumed) {
        for items in &numbers {
            let varied = items.map(|n| with_items(study, n));
            let sized = Sized { study: varied.as_ref().unwrap_or(study), assumed, range, items: *items };
            let planned = planned(sized.study, assumed);
            let crowds = crowds(&sized, &planned)?;
            if powered.is_empty() {
                powered = planned.iter().flat_map(|p| claimed(sized.study, p)).collect();
            }
            for people in &assumed.people {
                let seed = |n: usize| (settings.seed, (at * simulations + n) as u64);
                let studies: Vec<Simulated> = (0..simulations)
                    .into_par_iter()
                    .map(|n| {
                        let result = one(&sized, &planned, &crowds, *people, seed(n));
                        progress(done.fetch_add(1, Ordering::Relaxed) + 1);
                        result
                    })
                    .collect::<Result<_>>()?;
                // A study in which something cannot be tested supports nothing; where that is so in every one, it is a fault.
                if studies.iter().all(|s| s.failed.is_some()) {
                    studies.iter().find_map(|s| s.failed.clone()).map_or(Ok(()), Err)?;
                }
                at += 1;
                for one in &mut powered {
                    one.points.push(point(&sized, &planned, one, *people, &studies)?);
                }
            }
        }
    }
    Ok(powered)
}

/// A study at one of its sizes.
struct Sized<'a> {
    study: &'a Study,
    assumed: &'a Power,
    /// Which standard deviation between people.
    range: usize,
    items: Option<usize>,
}

/// The study with so many items: what each person takes of a block, else the first of each analysis.
fn with_items(study: &Study, items: usize) -> Study {
    let mut varied = study.clone();
    let mut takes = false;
    for block in varied.block.iter_mut().filter(|block| block.take.is_some()) {
        block.take = Some(items);
        takes = true;
    }
    for analysis in varied.analysis.iter_mut().filter(|_| !takes) {
        let first = analysis.item_ids(study).into_iter().take(items).map(str::to_owned).collect();
        analysis.items = OneOrMany::Many(first);
    }
    varied
}

fn planned<'a>(study: &'a Study, assumed: &'a Power) -> Vec<Planned<'a>> {
    let of = |outcome: &'a PowerOutcome| {
        let tested = |a: &&Analysis| study.hypothesis.iter().any(|h| h.analysis == a.id);
        let own = |a: &&Analysis| a.outcome == outcome.outcome;
        let analyses: Vec<&Analysis> = study.analysis.iter().filter(own).filter(tested).collect();
        let shift = |c| outcome.cells.iter().filter(|cell| matches(c, &cell.at)).map(|cell| cell.shift).sum();
        let ids: Vec<&str> = analyses.iter().flat_map(|a| a.item_ids(study)).collect();
        Planned {
            outcome,
            means: study.condition.iter().map(shift).collect(),
            asked: study.items().map(|id| ids.contains(&id)).collect(),
            analyses,
        }
    };
    assumed.outcome.iter().map(of).filter(|planned| !planned.analyses.is_empty()).collect()
}

fn crowds<'a>(sized: &Sized<'a>, planned: &[Planned<'_>]) -> Result<Crowds<'a>> {
    let study = sized.study;
    if planned.is_empty() {
        return Err(Error::new("no hypothesis is about an outcome of [power]"));
    }
    let own = |id: &str| {
        let mut analyses = planned.iter().flat_map(|p| &p.analyses);
        analyses.any(|a| a.conditions.is_empty() || a.conditions.iter().any(|c| c == id))
    };
    let conditions = (0..study.condition.len()).filter(|c| own(&study.condition[*c].id)).collect();
    let asked = (0..study.item.len()).map(|i| planned.iter().any(|p| p.asked[i])).collect();
    Ok(Crowds::new(study, sized.assumed, conditions, asked))
}

fn claimed<'a>(study: &'a Study, planned: &'a Planned<'_>) -> impl Iterator<Item = Powered> + 'a {
    let own = |h: &&crate::study::Hypothesis| planned.analyses.iter().any(|a| a.id == h.analysis);
    study.hypothesis.iter().filter(own).map(|h| {
        let weights = crate::analyse::weights_of(study, h);
        let effect = weights.iter().zip(&planned.means).map(|(w, m)| w * m).sum();
        Powered { hypothesis: h.id.clone(), label: h.label.clone(), effect, points: Vec::new() }
    })
}

fn point(
    sized: &Sized<'_>,
    planned: &[Planned<'_>],
    one: &Powered,
    people: usize,
    studies: &[Simulated],
) -> Result<PowerPoint> {
    let study = sized.study;
    let hypothesis = study.hypothesis.iter().find(|h| h.id == one.hypothesis);
    let analysis = hypothesis.and_then(|h| study.analysis.iter().find(|a| a.id == h.analysis));
    let own = planned.iter().find(|p| analysis.is_some_and(|a| a.outcome == p.outcome.outcome));
    let mine = |list: &[Contrasted]| {
        list.iter().any(|c| c.hypothesis == one.hypothesis && c.verdict == Verdict::Supported)
    };
    let supported = studies.iter().filter(|s| mine(&s.decided)).count();
    let warns = |s: &&Simulated| s.warned.iter().any(|w| analysis.is_some_and(|a| a.id == *w));
    Ok(PowerPoint {
        people,
        in_all: people * analysis.map_or(1, |a| a.condition_ids(study).len()),
        items: sized.items,
        remain: studies.iter().map(|s| s.remain).sum::<f64>() / studies.len().max(1) as f64,
        person_sd: own.map_or(0.0, |p| sd(p.outcome, sized.range)),
        power: Proportion::new(supported as u64, studies.len() as u64)?,
        warned: studies.iter().filter(warns).count() as u64,
    })
}

fn sd(outcome: &PowerOutcome, range: usize) -> f64 {
    outcome.person_sd[range.min(outcome.person_sd.len() - 1)]
}

/// One study: all its hypotheses decided.
fn one(
    sized: &Sized<'_>,
    planned: &[Planned<'_>],
    crowds: &Crowds<'_>,
    people: usize,
    (seed, stream): (u64, u64),
) -> Result<Simulated> {
    let study = sized.study;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    let crowd = crowds.draw(people, &mut rng);
    let names: Vec<String> = crowd.strata.iter().map(usize::to_string).collect();
    let strata: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut decided, mut warned, mut failed) = (Vec::new(), Vec::new(), None);
    for plan in planned {
        let values = drawn(plan, &crowd, sized.range, &mut rng);
        for analysis in &plan.analyses {
            let place = |e: Error| e.at(&format!("analysis {} of {people} people a condition", analysis.id));
            let selected = Selected::drawn(study, analysis, &crowd.rows, &values, &strata)?;
            let found = tests(study, analysis, &selected);
            decided.extend(found.list);
            if found.warned || !found.failed.is_empty() {
                warned.push(analysis.id.clone());
            }
            failed = failed.or_else(|| found.failed.first().map(|why| place(Error::new(why))));
        }
    }
    adjust(study, &mut decided.iter_mut().collect::<Vec<_>>(), &study.spent_at_last())?;
    Ok(Simulated { decided, warned, failed, remain: crowd.remain as f64 / crowd.assigned.max(1) as f64 })
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// Draws an outcome for every row; 0 for items that no analysis of it asks for.
fn drawn(plan: &Planned<'_>, crowd: &Crowd, range: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let outcome = plan.outcome;
    let (items, conditions) = (plan.asked.len(), plan.means.len());
    let mut error = |sd: f64| if sd > 0.0 { sd * normal(rng) } else { 0.0 };
    let of_items: Vec<f64> = (0..items).map(|_| error(outcome.item_sd)).collect();
    let cell = |at: usize| plan.means[at % conditions] + of_items[at / conditions];
    let of_cells: Vec<f64> =
        (0..items * conditions).map(|at| cell(at) + error(outcome.item_condition_sd)).collect();
    let person_sd = sd(outcome, range);
    let (mut own, mut person) = (0.0, None);
    let mut value = |row: &crate::data::Row| {
        if person != Some(row.participant) {
            person = Some(row.participant);
            let stratum = crowd.strata.get(row.participant as usize);
            own = error(person_sd) + stratum.and_then(|at| outcome.strata.get(*at)).copied().unwrap_or(0.0);
        }
        let at = row.item as usize;
        if plan.asked[at] {
            of_cells[at * conditions + row.condition as usize] + own + error(outcome.residual_sd)
        } else {
            0.0
        }
    };
    crowd.rows.iter().map(&mut value).collect()
}
