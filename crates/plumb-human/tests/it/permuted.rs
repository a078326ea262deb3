//! Tests by running the executed assignment again, against every assignment that could have been, with its probability.

use std::collections::BTreeMap;

use plumb_human::protocol::executed::Act;
use plumb_human::{Collected, Data, Facts, Study, permuted};

fn study(assignment: &str) -> Study {
    let text = format!(
        r#"
name = "tiny"
title = "Tiny"
condition = [{{ id = "A" }}, {{ id = "B" }}]
item = [{{ id = "1", label = "1", set = "m" }}]
measure = [{{ id = "y", label = "y" }}]
outcome = [{{ id = "y", label = "y", of = "y" }}]
analysis = [{{ id = "a", section = "a", title = "a", outcome = "y", items = "m", model = "y ~ condition" }}]

[assignment]
{assignment}

[[hypothesis]]
id = "h"
label = "A less B"
analysis = "a"
contrast = [{{ at = {{ condition = "A" }}, weight = 1 }}, {{ at = {{ condition = "B" }}, weight = -1 }}]
family = "f"
"#
    );
    Study::parse(&text, "tiny").unwrap()
}

const VALUES: [i64; 6] = [3, 9, 1, 7, 8, 2];

fn data(study: &Study, arms: &[usize]) -> Data {
    let rows = arms.iter().enumerate().map(|(at, arm)| Collected {
        participant: at as u32,
        condition: *arm,
        item: 0,
        repetition: 0,
        values: vec![Some(VALUES[at])],
    });
    let numbers = (1..=arms.len() as u32).collect();
    Data::from_rows(study, rows.collect::<Vec<_>>(), Facts { numbers, ..Facts::default() })
}

fn contrast(arms: &[usize]) -> Option<f64> {
    let mean = |arm: usize| {
        let own: Vec<f64> =
            arms.iter().zip(VALUES).filter(|(a, _)| **a == arm).map(|(_, v)| v as f64).collect();
        (!own.is_empty()).then(|| own.iter().sum::<f64>() / own.len() as f64)
    };
    Some(mean(0)? - mean(1)?)
}

/// Two-sided p of the real assignment by enumeration: `all` has every assignment with its probability.
fn enumerated(all: &BTreeMap<Vec<usize>, f64>, real: &[usize]) -> f64 {
    let total: f64 = all.values().sum();
    assert!((total - 1.0).abs() < 1e-12, "{total}");
    let here = contrast(real).unwrap().abs() - 1e-9;
    all.iter().filter(|(arms, _)| contrast(arms).is_none_or(|c| c.abs() >= here)).map(|(_, p)| p).sum()
}

fn check(study: &Study, all: &BTreeMap<Vec<usize>, f64>, real: &[usize], acts: &[Act]) {
    let exact = enumerated(all, real);
    let times = 20_000;
    let ours = &permuted(study, &data(study, real), (study, acts), times, [5; 32]).unwrap()[0];
    assert!((ours.estimate - contrast(real).unwrap()).abs() < 1e-12);
    let error = (exact * (1.0 - exact) / f64::from(times)).sqrt();
    assert!((ours.p - exact).abs() < 4.0 * error + 1.0 / f64::from(times), "{} against {exact}", ours.p);
}

fn arrivals(strata: &[&str]) -> Vec<Act> {
    let of =
        |(at, stratum): (usize, &&str)| Act::Assign { person: at as u32 + 1, stratum: (*stratum).to_owned() };
    strata.iter().enumerate().map(of).collect()
}

/// Every way to deal people in blocks of AB, each stratum its own.
fn in_pairs(pairs: &[[usize; 2]]) -> BTreeMap<Vec<usize>, f64> {
    let mut all = BTreeMap::new();
    for code in 0..1_usize << pairs.len() {
        let mut arms = vec![0; 6];
        for (bit, [first, second]) in pairs.iter().enumerate() {
            let flipped = code >> bit & 1;
            (arms[*first], arms[*second]) = (flipped, 1 - flipped);
        }
        *all.entry(arms).or_insert(0.0) += 1.0 / (1 << pairs.len()) as f64;
    }
    all
}

#[test]
fn blocks_and_strata_are_run_again_as_they_were() {
    // Sizes 1 and 1: each block holds A and B once, whichever number is drawn.
    let study = study("rule = \"block\"\nsizes = [1, 1]\nplaces = { A = 3, B = 3 }");
    let real = [0, 1, 0, 1, 1, 0];
    check(&study, &in_pairs(&[[0, 1], [2, 3], [4, 5]]), &real, &arrivals(&["", "", "", "", "", ""]));
    // The first, third, fifth and sixth are of one stratum, so other people share blocks.
    let strata = ["x", "y", "x", "y", "x", "x"];
    let real = [0, 1, 1, 0, 1, 0];
    check(&study, &in_pairs(&[[0, 2], [1, 3], [4, 5]]), &real, &arrivals(&strata));
}

#[test]
fn least_filled_and_simple_assignment_are_run_again_as_they_were() {
    // By the rule's own words: the fewest have twice the weight of those with one more, and no others have any. The second
    // person leaves after the third has come.
    fn least_filled(arms: &mut Vec<usize>, p: f64, all: &mut BTreeMap<Vec<usize>, f64>) {
        if arms.len() == 6 {
            *all.entry(arms.clone()).or_insert(0.0) += p;
            return;
        }
        let gone = (arms.len() >= 3).then(|| arms[1]);
        let held = |arm: usize| arms.iter().filter(|a| **a == arm).count() - usize::from(gone == Some(arm));
        let fewest = held(0).min(held(1));
        let weights = [0, 1].map(|arm| match held(arm) - fewest {
            0 => 2.0,
            1 => 1.0,
            _ => 0.0,
        });
        for arm in 0..2 {
            if weights[arm] > 0.0 {
                arms.push(arm);
                least_filled(arms, p * weights[arm] / (weights[0] + weights[1]), all);
                arms.pop();
            }
        }
    }
    let mut acts = arrivals(&["", "", "", "", "", ""]);
    acts.insert(3, Act::Leave(2));
    let mut all = BTreeMap::new();
    least_filled(&mut Vec::new(), 1.0, &mut all);
    check(&study("rule = \"least-filled\"\npeople = 12"), &all, &[0, 1, 0, 1, 1, 0], &acts);

    let simple: BTreeMap<Vec<usize>, f64> =
        (0..64_usize).map(|code| ((0..6).map(|bit| code >> bit & 1).collect(), 1.0 / 64.0)).collect();
    check(&study("rule = \"simple\""), &simple, &[0, 1, 0, 1, 1, 0], &arrivals(&[""; 6]));
}
