//! Data as they come: few people, empty cells, people who answer several items, columns that mean something else.

use plumb_human::{Analysed, Data, ModelWarning, Study, analyse};

const FACTORS: &str = r#"
name = "odd"
title = "Odd data"
factor = [{ id = "f", levels = ["a", "b"] }, { id = "g", levels = ["x", "y"] }]
condition = [
  { id = "A", at = { f = "a", g = "x" } },
  { id = "B", at = { f = "a", g = "y" } },
  { id = "C", at = { f = "b", g = "x" } },
  { id = "D", at = { f = "b", g = "y" } },
]
item = [{ id = "1", label = "one", set = "all" }, { id = "2", label = "two", set = "all" }]
measure = [{ id = "y", label = "y" }]
outcome = [{ id = "y", label = "y", of = "y" }]
"#;

/// A study with one analysis of `y` by this model, and these hypotheses: (id, what it compares).
fn study(model: &str, hypotheses: &[(&str, &str)]) -> Study {
    let mut text = format!(
        "{FACTORS}\n[[analysis]]\nid = \"y\"\nsection = \"s\"\ntitle = \"t\"\noutcome = \"y\"\nitems = \"all\"\n"
    );
    if !model.is_empty() {
        text += &format!("model = \"{model}\"\n");
    }
    for (id, compared) in hypotheses {
        text += &format!(
            "[[hypothesis]]\nid = \"{id}\"\nlabel = \"{id}\"\nanalysis = \"y\"\nfamily = \"main\"\n{compared}\n"
        );
    }
    Study::parse(&text, "odd").unwrap()
}

/// People of conditions with their answers to both items.
fn csv(people: &[(&str, [i32; 2])]) -> String {
    let mut text = "participant,condition,item,y\n".to_owned();
    for (n, (condition, answers)) in people.iter().enumerate() {
        for (item, y) in answers.iter().enumerate() {
            text += &format!("p{n},{condition},{},{y}\n", item + 1);
        }
    }
    text
}

fn analysed(study: &Study, csv: &str) -> Analysed {
    analyse(study, &Data::read(study, csv.as_bytes(), "data.csv").unwrap()).unwrap()
}

const EIGHT: [(&str, [i32; 2]); 8] = [
    ("A", [1, 2]),
    ("A", [5, 6]),
    ("A", [9, 9]),
    ("A", [2, 1]),
    ("C", [4, 5]),
    ("C", [8, 9]),
    ("C", [12, 12]),
    ("C", [6, 4]),
];

#[test]
fn a_person_counts_once_in_welchs_test_however_many_items_there_are() {
    let study = study("", &[("w", "welch = [{ condition = \"C\" }, { condition = \"A\" }]\neffect = true")]);
    let all = analysed(&study, &csv(&EIGHT));
    let test = &all.analyses[0].welch[0];
    // scipy.stats.ttest_ind([4.5, 8.5, 12, 5], [1.5, 5.5, 9, 1.5], equal_var=False), scipy 1.17
    assert!((test.contrast.test.estimate - 3.125).abs() < 1e-12);
    assert!((test.contrast.test.df - 5.992_445).abs() < 1e-5, "{}", test.contrast.test.df);
    assert!((test.contrast.test.p - 0.259_843).abs() < 1e-5, "{}", test.contrast.test.p);
    assert!(test.several);
}

#[test]
fn an_effect_size_has_the_sign_of_its_contrast_and_the_width_that_people_give() {
    let first = "contrast = [{ at = { condition = \"C\" }, weight = 1 }, { at = { condition = \"A\" }, weight = -1 }]\neffect = true";
    let turned = "contrast = [{ at = { condition = \"A\" }, weight = -1 }, { at = { condition = \"C\" }, weight = 1 }]\neffect = true";
    let of = |compared: &str| {
        let study = study("y ~ condition + (1 | participant)", &[("h", compared)]);
        analysed(&study, &csv(&EIGHT)).analyses.remove(0).model.unwrap().contrasts.remove(0)
    };
    let (first, turned) = (of(first), of(turned));
    let (one, other) = (first.effect.unwrap(), turned.effect.unwrap());
    assert!(one.estimate > 0.0 && (one.estimate - other.estimate).abs() < 1e-12);
    assert!((first.test.estimate - turned.test.estimate).abs() < 1e-9);
    // Eight people, not sixteen answers: the interval leaves zero in just where the test does not reject.
    assert!(first.test.p > 0.05 && one.interval.low < 0.0, "{} {:?}", first.test.p, one.interval);
}

#[test]
fn what_one_hypothesis_lacks_takes_no_other_with_it() {
    let list = [
        (
            "there",
            "contrast = [{ at = { condition = \"A\" }, weight = 1 }, { at = { condition = \"C\" }, weight = -1 }]",
        ),
        ("empty", "contrast = [{ at = { f = \"a\" }, weight = 1 }, { at = { f = \"b\" }, weight = -1 }]"),
    ];
    let study = study("y ~ condition + (1 | participant)", &list);
    let people: Vec<_> = EIGHT.into_iter().chain([("B", [3, 4]), ("B", [7, 5])]).collect();
    let all = analysed(&study, &csv(&people));
    let model = all.analyses[0].model.as_ref().unwrap();
    assert_eq!(model.contrasts.iter().map(|c| c.hypothesis.as_str()).collect::<Vec<_>>(), ["there"]);
    assert!(all.analyses[0].failed.iter().any(|why| why.contains("empty")), "{:?}", all.analyses[0].failed);
    // The one that is not to be had counts in the family.
    assert!((model.contrasts[0].adjusted - (2.0 * model.contrasts[0].test.p).min(1.0)).abs() < 1e-12);
}

#[test]
fn an_interaction_with_an_empty_cell_gives_what_can_be_estimated_and_names_the_rest() {
    let pair = |one: &str, other: &str| {
        format!("contrast = [{{ at = {{ {one} }}, weight = 1 }}, {{ at = {{ {other} }}, weight = -1 }}]")
    };
    let there = pair("condition = \"C\"", "condition = \"A\"");
    let empty = pair("f = \"b\"", "f = \"a\"");
    let people: Vec<_> = EIGHT.into_iter().chain([("B", [3, 4]), ("B", [7, 5])]).collect();
    for (crossed, alone) in [
        ("y ~ f * g + (1 | participant)", "y ~ condition + (1 | participant)"),
        ("y ~ f * g", "y ~ condition"),
    ] {
        let of = |model: &str| {
            let study = study(model, &[("there", &there), ("empty", &empty)]);
            analysed(&study, &csv(&people)).analyses.remove(0)
        };
        // Nobody is at b and y: the model has three means, and those of the conditions are the same.
        let (crossed, alone) = (of(crossed), of(alone));
        assert!(
            crossed.failed.iter().any(|why| why.contains("not estimable") && why.contains("f b, g y")),
            "{:?}",
            crossed.failed
        );
        let (crossed, alone) = (crossed.model.unwrap(), alone.model.unwrap());
        let test = |model: &plumb_human::Modelled| {
            assert_eq!(model.contrasts.len(), 1);
            model.contrasts[0].test
        };
        let (ours, theirs) = (test(&crossed), test(&alone));
        assert!(
            (ours.estimate - theirs.estimate).abs() < 1e-9 && (ours.p - theirs.p).abs() < 1e-6,
            "{ours:?} {theirs:?}"
        );
        let terms: Vec<&str> = crossed.terms.iter().map(|term| term.term.as_str()).collect();
        assert_eq!(terms, ["f", "g"], "nothing tells of the interaction");
        assert!(
            crossed.warnings.contains(&ModelWarning::Untested { terms: vec!["f:g".to_owned()] }),
            "{:?}",
            crossed.warnings
        );
        assert!(
            crossed.warnings.iter().any(|w| w.to_string().contains("no coefficient for fb:gy")),
            "{:?}",
            crossed.warnings
        );
        if crossed.method == "REML" {
            // With one cell empty, f is compared where both of its levels are there: C less A.
            assert!(
                (crossed.terms[0].f - ours.t * ours.t).abs() < 1e-6 * ours.t * ours.t,
                "{:?}",
                crossed.terms[0]
            );
        }
    }
}

#[test]
fn one_person_in_each_condition_is_no_sample_of_people() {
    let contrast = "contrast = [{ at = { condition = \"A\" }, weight = 1 }, { at = { condition = \"C\" }, weight = -1 }]";
    let study = study("y ~ condition + (1 | participant)", &[("h", contrast)]);
    let all = analysed(&study, &csv(&[("A", [0, 0]), ("C", [1, 8])]));
    assert!(all.analyses[0].model.is_none());
    assert!(
        all.analyses[0].failed[0].contains("2 participants in 2 conditions"),
        "{:?}",
        all.analyses[0].failed
    );
}

#[test]
fn few_who_left_are_tested_exactly() {
    let study = study("", &[]);
    let mut text = "participant,condition,item,y\n".to_owned();
    for n in 0..57 {
        let condition = if n < 29 { "A" } else { "C" };
        text += &format!("p{n},{condition},1,1\n");
        if n >= 2 {
            text += &format!("p{n},{condition},2,1\n");
        }
    }
    let attrition = analysed(&study, &text).attrition.unwrap();
    // scipy.stats.fisher_exact([[2, 0], [27, 28]]), scipy 1.17; conditions without people change nothing.
    assert!((attrition.exact.unwrap() - 0.491_228).abs() < 1e-5, "{attrition:?}");
}

#[test]
fn columns_of_other_programs_change_nothing_and_rows_without_a_person_are_errors() {
    let study = study("y ~ condition + (1 | participant)", &[]);
    let plain = csv(&EIGHT);
    let with = |name: &str, cell: &str| -> String {
        let rows = plain.lines().enumerate();
        rows.map(|(n, line)| format!("{line},{}\n", if n == 0 { name } else { cell })).collect()
    };
    let strata = with("stratum", "s").replacen(",s\n", ",t\n", 2);
    assert!(!analysed(&study, &strata).analyses[0].model.as_ref().unwrap().strata);
    let exported = plain.replacen("participant", "person", 1);
    assert_eq!(Data::read(&study, exported.as_bytes(), "d").unwrap().participants(), 8);
    for (text, why) in [
        (plain.replacen("p0,", ",", 1), "line 2: it names no participant"),
        (with("repetition", "0"), "counts from 1"),
    ] {
        let error = Data::read(&study, text.as_bytes(), "data.csv").map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
