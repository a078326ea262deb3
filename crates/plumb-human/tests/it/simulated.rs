//! Simulated people: the same seed gives the same study, what is written is read back, places fill, items reach their raters,
//! and intervals hold the truth as often as they say; power agrees with its closed form where there is one.

use std::collections::BTreeMap;

use crate::example;
use plumb_human::fit::{Fit, fit};
use plumb_human::protocol::person::End;
use plumb_human::simulate::{Calibration, Settings, calibrate, simulate, write_csv};
use plumb_human::{Data, ModelWarning, PowerSettings, Study, Wrong, analyse, power};
use plumb_stats::model::MixedWarning;

#[test]
fn simulated_answers_are_read_back_by_the_import_of_each_example() {
    for name in
        ["interpretability-1", "interpretability-2", "interpretability-3", "interpretability-4", "code-value"]
    {
        let study = example(name);
        let settings = Settings { arrive: 60, seed: 3, places: true, null: false };
        let simulated = simulate(&study, settings).unwrap();
        assert_eq!(simulated.rows, simulate(&study, settings).unwrap().rows, "{name}");
        let csv = write_csv(&study, &simulated.rows, &simulated.facts).unwrap();
        let read = Data::read(&study, &csv, name).unwrap();
        let direct = simulated.data(&study);
        assert_eq!((read.participants(), read.rows()), (direct.participants(), direct.rows()), "{name}");
        let (a, b) = (analyse(&study, &read).unwrap(), analyse(&study, &direct).unwrap());
        for (a, b) in a.analyses.iter().zip(&b.analyses) {
            assert_eq!(a.groups, b.groups, "{name} {}", a.id);
        }
    }
}

#[test]
fn every_item_reaches_its_raters_though_many_leave() {
    let study = example("code-value");
    let settings = Settings { arrive: 200, seed: 1, places: true, null: false };
    let simulated = simulate(&study, settings).unwrap();
    let completed = simulated.people.iter().filter(|(_, end)| *end == Some(End::Completed)).count();
    let assigned = simulated.people.iter().filter(|(arm, _)| arm.is_some()).count();
    assert_eq!(completed, 49);
    assert!(assigned - completed >= assigned / 8, "{assigned} assigned, {completed} completed");
    let mut ratings: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    // Those of people who left are not counted: an exclusion may take them away.
    let mut rows: BTreeMap<u32, usize> = BTreeMap::new();
    simulated.rows.iter().for_each(|row| *rows.entry(row.participant).or_insert(0) += 1);
    for row in simulated.rows.iter().filter(|row| rows[&row.participant] == 22 && row.repetition == 0) {
        *ratings.entry((row.item, row.condition)).or_insert(0) += 1;
    }
    let rated: Vec<usize> =
        study.items().enumerate().filter(|(_, id)| !id.starts_with("practice")).map(|(at, _)| at).collect();
    for item in rated {
        for condition in 0..2 {
            assert!(
                ratings.get(&(item, condition)).is_some_and(|n| *n >= 8),
                "item {item} in condition {condition}"
            );
        }
    }
}

/// Two conditions that differ by one point in what people mean, a few people who leave or answer anything.
const SMALL: &str = r#"
name = "small"
title = "Small"
factor = [{ id = "help", levels = ["no", "yes"] }]
condition = [{ id = "A", at = { help = "no" } }, { id = "B", at = { help = "yes" } }]
item = [{ id = "1", label = "1", set = "m" }, { id = "2", label = "2", set = "m" }, { id = "3", label = "3", set = "m" }]
measure = [{ id = "y", label = "y", answer = { kind = "number", least = "-99", most = "99" } }]
outcome = [{ id = "y", label = "y", of = "y" }]
assignment = { rule = "simple" }
block = [{ id = "b", title = "b", items = "m" }]
step = [{ id = "s", title = "s", asks = ["y"] }]
analysis = [{ id = "a", section = "a", title = "a", outcome = "y", items = "m", model = "y ~ help + (1 | participant)" }]

[[hypothesis]]
id = "h"
label = "h"
analysis = "a"
contrast = [{ at = { help = "yes" }, weight = 1 }, { at = { help = "no" }, weight = -1 }]
family = "f"

[[behaviour]]
id = "most"
weight = 9
leaves = 0.02
answer = [{ measure = "y", around = "10", person_sd = 3, sd = 4, by = [{ at = { help = "yes" }, shift = 2 }] }]

[[behaviour]]
id = "same"
weight = 1
leaves = 0.05
otherwise = "middle"

[power]
people = [20, 50]
simulations = 600

[[power.outcome]]
outcome = "y"
cells = [{ at = { help = "yes" }, shift = 2 }]
person_sd = [3]
residual_sd = 4
"#;

#[test]
fn intervals_hold_the_truth_and_the_null_is_rejected_at_its_rate() {
    let study = Study::parse(SMALL, "small").unwrap();
    for null in [false, true] {
        let how = Calibration { studies: 300, arrive: 60, truth: 20_000, seed: 5, null };
        let one = calibrate(&study, how, &|_| ()).unwrap().remove(0);
        let share = |p: plumb_stats::Proportion| p.rate().unwrap();
        // Three Monte-Carlo standard errors of 300 studies around 95 % are 3.8 points.
        assert!((share(one.covered) - 0.95).abs() < 0.038, "{one:?}");
        if null {
            assert!(share(one.rejected) < 0.09, "{one:?}");
            assert!(one.truth.unwrap().abs() < 0.15, "{one:?}");
        } else {
            assert!((one.truth.unwrap() - one.mean).abs() < 0.25, "{one:?}");
        }
    }
}

#[test]
fn power_is_that_of_a_t_test_of_person_means_where_nobody_leaves() {
    let study = Study::parse(SMALL, "small").unwrap();
    let powered = power(&study, PowerSettings { simulations: None, seed: 2 }, &|_| ()).unwrap().remove(0);
    assert_eq!(powered.effect, 2.0);
    for point in &powered.points {
        let sd = (9.0_f64 + 16.0 / 3.0).sqrt();
        let exact = plumb_stats::compare::t_test_power(point.people as u32, 2.0 / sd, 0.05).unwrap();
        let found = point.power.rate().unwrap();
        let error = (exact * (1.0 - exact) / 600.0).sqrt();
        assert!((found - exact).abs() < 3.5 * error, "{} people: {found}, exact {exact}", point.people);
    }
}

#[test]
fn fitted_models_say_the_same_of_every_stimulus_that_is_kept() {
    let mut csv = "size,age,far,price\n".to_owned();
    for n in 0..60_i64 {
        let (size, age, far) = (40 + (n * 37) % 90, (n * 13) % 50, (n * 7) % 20);
        let price = 3_000 * size - 400 * age + 50_000 + ((n * 29) % 11 - 5) * 4_000;
        csv.push_str(&format!("{size},{age},{}.{},{price}\n", far / 10, far % 10));
    }
    let how = Fit {
        target: "price".into(),
        features: vec!["size".into()],
        more: vec!["age".into(), "far".into()],
        digits: 2,
        step: 10_000,
        prefix: "€".into(),
    };
    let found = fit(csv.as_bytes(), &how).unwrap();
    let stimuli = String::from_utf8(found.stimuli).unwrap();
    assert!(stimuli.lines().count() > 5, "{stimuli}");
    let text = format!(
        "name = \"fitted\"\ntitle = \"Fitted\"\ncondition = [{{ id = \"S\", model = \"small\" }}, {{ id = \"L\", model = \"large\" }}]\n{}",
        found.tables
    );
    let study = Study::parse_with(&text, "fitted.toml", &|_| Ok(stimuli.clone())).unwrap();
    for item in study.items() {
        let of = |condition| study.given(condition, item, "model").unwrap();
        assert_eq!(of("S"), of("L"), "{item}");
    }
    let twice = Fit { more: vec!["size".into()], ..how.clone() };
    assert!(fit(csv.as_bytes(), &twice).unwrap_err().to_string().contains("named twice"));
    let coarse = Fit { step: 1_000_000_000, ..how };
    assert!(fit(csv.as_bytes(), &coarse).unwrap_err().to_string().contains("take a smaller step"));
}

#[test]
fn a_study_without_anybody_in_a_condition_finds_nothing_and_stops_no_simulation() {
    let study = Study::parse(include_str!("../../examples/errors.toml"), "errors.toml").unwrap();
    let how = Calibration { studies: 60, arrive: 6, truth: 2_000, seed: 4, null: true };
    let one = calibrate(&study, how, &|_| ()).unwrap().remove(0);
    assert!(one.untested > 0 && one.untested < 60, "{one:?}");
    // One person is never in both conditions: that is a fault, and it is said of which analysis.
    let how = Calibration { arrive: 1, ..how };
    let error = calibrate(&study, how, &|_| ()).unwrap_err().to_string();
    assert!(error.contains("analysis mixed, in every study"), "{error}");
}

/// People who do not differ from one another: the model with their intercept often ends at a variance of zero, and the plan says what
/// counts then, in the report and in simulations alike.
#[test]
fn a_planned_ladder_takes_the_first_model_that_fits_without_trouble() {
    let ladder = "model = [\"y ~ help + (1 | participant)\", \"y ~ help\"]";
    let alike = SMALL
        .replace("person_sd = 3, sd = 4", "sd = 4")
        .replace("[[behaviour]]\nid = \"same\"\nweight = 1\nleaves = 0.05\notherwise = \"middle\"\n", "")
        .replace("model = \"y ~ help + (1 | participant)\"", ladder);
    let study = Study::parse(&alike, "small").unwrap();
    let mut stepped = [0, 0];
    for seed in 0..12 {
        let settings = Settings { arrive: 40, seed, places: true, null: false };
        let data = simulate(&study, settings).unwrap().data(&study);
        let all = analyse(&study, &data).unwrap();
        let result = &all.analyses[0];
        let model = result.model.as_ref().unwrap();
        let plain = model.formula == "y ~ help";
        assert_eq!(plain, model.method == "least squares", "seed {seed}");
        assert_eq!(plain, !result.passed.is_empty(), "seed {seed}: {:?}", result.passed);
        let boundary = |w: &ModelWarning| matches!(w, ModelWarning::Fit(MixedWarning::Boundary { .. }));
        let troubled = |why: &Wrong| matches!(why, Wrong::Troubled(all) if all.iter().any(boundary));
        assert!(result.passed.iter().all(|p| troubled(&p.why)), "{:?}", result.passed);
        assert_eq!(model.contrasts.len(), 1);
        let shown = format!("{:?}", plumb_human::report(&study, &data, &all));
        assert_eq!(plain, shown.contains("Tried as planned and passed over: y ~ help + (1 | participant)"));
        stepped[usize::from(plain)] += 1;
    }
    assert!(stepped[0] > 0 && stepped[1] > 0, "{stepped:?}");
    // Simulations of many studies take the same step: nothing fails, and the null is rejected at its rate.
    let how = Calibration { studies: 200, arrive: 40, truth: 20_000, seed: 5, null: true };
    let one = calibrate(&study, how, &|_| ()).unwrap().remove(0);
    assert!(one.untested == 0 && one.rejected.rate().unwrap() < 0.1, "{one:?}");
    // Every formula is held against the file.
    let alone =
        alike.replace(ladder, "model = [\"y ~ help + (1 | participant)\", \"y ~ help + (1 | nobody)\"]");
    let error = Study::parse(&alone, "small").unwrap_err().to_string();
    assert!(error.contains("model") && error.contains("nobody"), "{error}");
    let forms = plumb_human::fixed(&study).join("\n");
    assert!(forms.contains("the first that fits without a variance of zero"), "{forms}");
}
