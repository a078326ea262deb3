//! Hypotheses tested by running the executed assignment again: what p would be if only the draw of conditions had decided.
//!
//! The null hypothesis is that nobody's answers, nor when anybody leaves, depend on the condition. The statistic is the
//! hypothesis's contrast of means over people, each person being the mean of his or her values. Two-sided p is the share of
//! assignments, the real one included, whose contrast is as far from zero (Phipson & Smyth 2010, *Statistical Applications in
//! Genetics and Molecular Biology* 9: 39).

use std::collections::BTreeMap;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use super::{Selected, weights_of};
use crate::data::Data;
use crate::error::{Error, Result};
use crate::protocol::executed::{Act, run_again};
use crate::study::Study;

/// One hypothesis.
#[derive(Debug, Clone, PartialEq)]
pub struct Permuted {
    /// Its id.
    pub hypothesis: String,
    /// Its words.
    pub label: String,
    /// The contrast of means over people.
    pub estimate: f64,
    /// Two-sided.
    pub p: f64,
    /// Assignments drawn.
    pub times: u32,
    /// Of them, those without a contrast, since a condition of it has nobody or somebody found no place: they count as far from
    /// zero.
    pub empty: u32,
}

/// Tests each hypothesis that claims a difference with `times` assignments drawn from `seed`. `executed` is the study by which people
/// came into conditions, as it was frozen: the one that is analysed may say otherwise.
///
/// # Errors
/// The study does not say how people are assigned, `acts` are not what the data's people did, or a condition has nobody.
pub fn permuted(
    study: &Study,
    data: &Data,
    (executed, acts): (&Study, &[Act]),
    times: u32,
    seed: [u8; 32],
) -> Result<Vec<Permuted>> {
    let empty = executed.allocation([0; 32]);
    let empty = empty.ok_or_else(|| Error::new("the study does not say how people are assigned"))?;
    let mut tests = Vec::new();
    // Assigning again makes all differences nothing: it tests no claim that one lies within bounds.
    for hypothesis in study.hypothesis.iter().filter(|h| h.supported_if.is_none()) {
        let Some(analysis) = study.analysis.iter().find(|a| a.id == hypothesis.analysis) else { continue };
        // Who comes into another condition may come into one outside the analysis, and the other way round.
        let everywhere = crate::study::Analysis { conditions: Vec::new(), ..analysis.clone() };
        let selected = Selected::new(study, data, &everywhere)?;
        let (means, real) = people(data, &selected)?;
        let test = Test { weights: weights_of(study, hypothesis), means };
        let estimate = test.contrast(&real).ok_or_else(|| {
            Error::new(format!("hypothesis {}: a condition of its contrast has nobody", hypothesis.id))
        })?;
        tests.push((hypothesis, test, estimate));
    }
    let own: Vec<Option<usize>> =
        executed.conditions().map(|arm| study.conditions().position(|own| own == arm)).collect();
    let draw = |n: u32| {
        let mut rng = ChaCha20Rng::from_seed(seed);
        rng.set_stream(u64::from(n) + 1);
        let mut drawn = [0; 32];
        rng.fill_bytes(&mut drawn);
        let arms = run_again(empty.again(drawn), acts);
        let arms: BTreeMap<u32, usize> =
            arms.into_iter().filter_map(|(person, arm)| Some((person, own[arm]?))).collect();
        tests.iter().map(|(_, test, _)| test.contrast(&arms)).collect::<Vec<Option<f64>>>()
    };
    let drawn: Vec<Vec<Option<f64>>> = (0..times).into_par_iter().map(draw).collect();
    let one = |(at, (hypothesis, _, estimate)): (usize, &(&crate::study::Hypothesis, Test, f64))| {
        // Sums of the same numbers in another order differ in their last digits.
        let reached = estimate.abs() * (1.0 - 1e-10);
        let far = drawn.iter().filter(|d| d[at].is_none_or(|c| c.abs() >= reached)).count();
        let empty = drawn.iter().filter(|d| d[at].is_none()).count();
        Permuted {
            hypothesis: hypothesis.id.clone(),
            label: hypothesis.label.clone(),
            estimate: *estimate,
            p: (far + 1) as f64 / (f64::from(times) + 1.0),
            times,
            empty: empty as u32,
        }
    };
    Ok(tests.iter().enumerate().map(one).collect())
}

/// A hypothesis's weight of each condition, and each person's mean.
struct Test {
    weights: Vec<f64>,
    means: Vec<(u32, f64)>,
}

impl Test {
    fn contrast(&self, arms: &BTreeMap<u32, usize>) -> Option<f64> {
        let mut sums = vec![(0.0, 0_u32); self.weights.len()];
        for (person, mean) in &self.means {
            let (sum, n) = &mut sums[*arms.get(person)?];
            (*sum, *n) = (*sum + mean, *n + 1);
        }
        let mut contrast = 0.0;
        for (weight, (sum, n)) in self.weights.iter().zip(sums).filter(|(w, _)| **w != 0.0) {
            if n == 0 {
                return None;
            }
            contrast += weight * sum / f64::from(n);
        }
        Some(contrast)
    }
}

/// Mean and condition of each person with values, by number.
#[allow(clippy::type_complexity, reason = "two tables of the same people")]
fn people(data: &Data, selected: &Selected<'_>) -> Result<(Vec<(u32, f64)>, BTreeMap<u32, usize>)> {
    let mut sums: BTreeMap<u32, (f64, u32)> = BTreeMap::new();
    let mut arms = BTreeMap::new();
    for (row, value) in selected.rows.iter().zip(&selected.values) {
        let number = data.facts.numbers.get(row.participant as usize);
        let number =
            *number.ok_or_else(|| Error::new("it is not known who of the data is whom of the journal"))?;
        let (sum, n) = sums.entry(number).or_default();
        (*sum, *n) = (*sum + value, *n + 1);
        arms.insert(number, row.condition as usize);
    }
    Ok((sums.into_iter().map(|(person, (sum, n))| (person, sum / f64::from(n))).collect(), arms))
}
