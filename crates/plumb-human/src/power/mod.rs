//! Power of a study's own hypotheses, by simulation of its outcomes: `plumb human power`.
//!
//! Outcomes are drawn from the normal mixed model that `[power]` states (means of conditions under the smallest effect of
//! interest, deviations between people, items, items by condition, and of each answer), people leave as it says, exclusions
//! of the file are applied, the planned models are fitted, families are adjusted, and each hypothesis is decided by its own
//! rule. Start at [`power`]. Not here: answers on screens (`crate::simulate`).

mod report;

use std::sync::atomic::{AtomicUsize, Ordering};

use plumb_stats::Proportion;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

pub use report::report_power;

use crate::analyse::{Contrasted, Selected, Spent, Verdict, adjust, matches, tested};
use crate::data::Row;
use crate::error::{Error, Result};
use crate::study::{Analysis, Power, PowerOutcome, Study};

/// Power of one hypothesis over numbers of people.
#[derive(Debug, Clone)]
pub struct Powered {
    /// The hypothesis's id.
    pub hypothesis: String,
    /// Its words.
    pub label: String,
    /// Its contrast under the smallest effect of interest.
    pub effect: f64,
    /// For each standard deviation between people and each number of people in a condition.
    pub points: Vec<PowerPoint>,
}

/// Power at one size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerPoint {
    /// People in each condition.
    pub people: usize,
    /// People in all conditions of the analysis.
    pub in_all: usize,
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

/// An analysis with the distribution of its outcome.
struct Planned<'a> {
    analysis: &'a Analysis,
    outcome: &'a PowerOutcome,
    /// Means by position of the condition in the study.
    means: Vec<f64>,
    /// Positions in the study.
    conditions: Vec<usize>,
    items: Vec<u32>,
}

/// How many studies [`power`] simulates in all; 0 where it cannot.
pub fn power_studies(study: &Study, settings: PowerSettings) -> usize {
    study
        .power
        .as_ref()
        .map_or(0, |p| ranges(p) * p.people.len() * settings.simulations.unwrap_or(p.simulations).max(1))
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
    let planned = planned(study, assumed);
    if planned.is_empty() {
        return Err(Error::new("no hypothesis is about an outcome of [power]"));
    }
    let simulations = settings.simulations.unwrap_or(assumed.simulations).max(1);
    let ranges = ranges(assumed);
    let spent = study.spent_at_last();
    let done = AtomicUsize::new(0);
    let mut powered: Vec<Powered> = planned.iter().flat_map(|p| claimed(study, p)).collect();
    for range in 0..ranges {
        for (at, people) in assumed.people.iter().enumerate() {
            let studies: Vec<(Vec<Contrasted>, Vec<String>)> = (0..simulations)
                .into_par_iter()
                .map(|n| {
                    let stream = ((range * assumed.people.len() + at) * simulations + n) as u64;
                    let mut rng = ChaCha8Rng::seed_from_u64(settings.seed);
                    rng.set_stream(stream);
                    let result = one(study, assumed, &planned, *people, range, &spent, &mut rng);
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1);
                    result
                })
                .collect::<Result<_>>()?;
            for one in &mut powered {
                one.points.push(point(study, &planned, one, *people, range, &studies)?);
            }
        }
    }
    Ok(powered)
}

fn planned<'a>(study: &'a Study, assumed: &'a Power) -> Vec<Planned<'a>> {
    let with = |analysis: &'a Analysis| {
        let outcome = assumed.outcome.iter().find(|o| o.outcome == analysis.outcome)?;
        study.hypothesis.iter().any(|h| h.analysis == analysis.id).then_some((analysis, outcome))
    };
    let means = |outcome: &PowerOutcome| {
        let shift = |c| outcome.cells.iter().filter(|cell| matches(c, &cell.at)).map(|cell| cell.shift).sum();
        study.condition.iter().map(shift).collect()
    };
    study
        .analysis
        .iter()
        .filter_map(with)
        .map(|(analysis, outcome)| {
            let ids = analysis.item_ids(study);
            let own = analysis.condition_ids(study);
            Planned {
                analysis,
                outcome,
                means: means(outcome),
                conditions: (0..study.condition.len())
                    .filter(|c| own.iter().any(|o| o.id == study.condition[*c].id))
                    .collect(),
                items: (0..study.item.len() as u32)
                    .filter(|i| ids.contains(&study.item[*i as usize].id.as_str()))
                    .collect(),
            }
        })
        .collect()
}

fn claimed<'a>(study: &'a Study, planned: &'a Planned<'_>) -> impl Iterator<Item = Powered> + 'a {
    study.hypothesis.iter().filter(|h| h.analysis == planned.analysis.id).map(|h| {
        let weights = crate::analyse::weights_of(study, h);
        let effect = weights.iter().zip(&planned.means).map(|(w, m)| w * m).sum();
        Powered { hypothesis: h.id.clone(), label: h.label.clone(), effect, points: Vec::new() }
    })
}

fn point(
    study: &Study,
    planned: &[Planned<'_>],
    one: &Powered,
    people: usize,
    range: usize,
    studies: &[(Vec<Contrasted>, Vec<String>)],
) -> Result<PowerPoint> {
    let analysis = study.hypothesis.iter().find(|h| h.id == one.hypothesis).map(|h| &h.analysis);
    let own = planned.iter().find(|p| Some(&p.analysis.id) == analysis);
    let mine = |list: &[Contrasted]| {
        list.iter().any(|c| c.hypothesis == one.hypothesis && c.verdict == Verdict::Supported)
    };
    let supported = studies.iter().filter(|(list, _)| mine(list)).count();
    let warned = studies.iter().filter(|(_, warned)| warned.iter().any(|w| Some(w) == analysis)).count();
    Ok(PowerPoint {
        people,
        in_all: people * own.map_or(1, |p| p.conditions.len()),
        person_sd: own.map_or(0.0, |p| sd(p.outcome, range)),
        power: Proportion::new(supported as u64, studies.len() as u64)?,
        warned: warned as u64,
    })
}

fn sd(outcome: &PowerOutcome, range: usize) -> f64 {
    outcome.person_sd[range.min(outcome.person_sd.len() - 1)]
}

/// One study: all its hypotheses decided, and the analyses whose model had a warning.
fn one(
    study: &Study,
    assumed: &Power,
    planned: &[Planned<'_>],
    people: usize,
    range: usize,
    spent: &Spent,
    rng: &mut ChaCha8Rng,
) -> Result<(Vec<Contrasted>, Vec<String>)> {
    let (mut decided, mut warned) = (Vec::new(), Vec::new());
    for plan in planned {
        let selected = drawn(study, assumed, plan, people, range, rng)?;
        let (list, trouble) = tested(study, plan.analysis, &selected)
            .map_err(|e| e.at(&format!("analysis {} of {people} people a condition", plan.analysis.id)))?;
        decided.extend(list);
        if trouble {
            warned.push(plan.analysis.id.clone());
        }
    }
    adjust(study, &mut decided.iter_mut().collect::<Vec<_>>(), spent)?;
    Ok((decided, warned))
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// Draws an outcome for every person and item that are there.
fn drawn<'a>(
    study: &'a Study,
    assumed: &Power,
    plan: &Planned<'a>,
    people: usize,
    range: usize,
    rng: &mut ChaCha8Rng,
) -> Result<Selected<'a>> {
    let (outcome, items) = (plan.outcome, plan.items.len());
    let person_sd = sd(outcome, range);
    let all: usize =
        study.block.iter().map(|b| b.take.unwrap_or(b.item_ids(study).len())).sum::<usize>().max(items);
    let of_items: Vec<f64> = (0..items).map(|_| outcome.item_sd * normal(rng)).collect();
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    let mut participant = 0;
    let mut order: Vec<usize> = (0..all).collect();
    for condition in &plan.conditions {
        let of_cell: Vec<f64> = (0..items)
            .map(|at| plan.means[*condition] + of_items[at] + outcome.item_condition_sd * slope(outcome, rng))
            .collect();
        for _ in 0..people {
            let own = person_sd * normal(rng);
            let answered = answered(assumed.leaves, all, rng);
            if study
                .exclusion
                .iter()
                .any(|rule| rule.fewer_than.is_some_and(|least| answered < least.min(all)))
            {
                continue;
            }
            if answered < all {
                shuffle(&mut order, rng);
            }
            for at in (0..items).filter(|at| answered == all || order[*at] < answered) {
                rows.push(Row { participant, condition: *condition as u32, item: plan.items[at] });
                values.push(of_cell[at] + own + outcome.residual_sd * normal(rng));
            }
            participant += 1;
        }
    }
    Selected::drawn(study, plan.analysis, rows, values)
}

fn slope(outcome: &PowerOutcome, rng: &mut ChaCha8Rng) -> f64 {
    if outcome.item_condition_sd > 0.0 { normal(rng) } else { 0.0 }
}

/// How many of so many items someone answers who leaves before each with the same probability.
fn answered(leaves: f64, all: usize, rng: &mut ChaCha8Rng) -> usize {
    if leaves <= 0.0 {
        return all;
    }
    (0..all).find(|_| f64::from(rng.next_u32()) / 4_294_967_296.0 < leaves).unwrap_or(all)
}

fn shuffle(order: &mut [usize], rng: &mut ChaCha8Rng) {
    for i in (1..order.len()).rev() {
        let j = (u64::from(rng.next_u32()) * (i as u64 + 1)) >> 32;
        order.swap(i, j as usize);
    }
}
