//! Power with what the file says of strata, checks, blocks and items, each against its closed form.

use plumb_human::{PowerPoint, PowerSettings, Study, power};
use plumb_stats::compare::t_test_power;

/// Two conditions that differ by two points; deviations of 3 between people and of 4 between answers.
const PLAIN: &str = r#"
name = "powered"
title = "Powered"
factor = [{ id = "help", levels = ["no", "yes"] }]
condition = [{ id = "A", at = { help = "no" } }, { id = "B", at = { help = "yes" } }]
item = [
  { id = "1", label = "1", set = "m" }, { id = "2", label = "2", set = "m" }, { id = "3", label = "3", set = "m" },
  { id = "t1", label = "t1", set = "t" }, { id = "t2", label = "t2", set = "t" },
]
measure = [{ id = "y", label = "y", answer = { kind = "number", least = "-99", most = "99" } }]
outcome = [{ id = "y", label = "y", of = "y" }]
assignment = { rule = "block", sizes = [1, 2] }
block = [{ id = "training", title = "t", items = "t" }, { id = "main", title = "m", items = "m", order = "shuffle" }]
step = [{ id = "s", title = "s", asks = ["y"] }]
analysis = [{ id = "a", section = "a", title = "a", outcome = "y", items = "m", model = "y ~ help + (1 | participant)" }]

[[hypothesis]]
id = "h"
label = "h"
analysis = "a"
contrast = [{ at = { help = "yes" }, weight = 1 }, { at = { help = "no" }, weight = -1 }]
family = "f"

[power]
people = [40]
simulations = 600

[[power.outcome]]
outcome = "y"
cells = [{ at = { help = "yes" }, shift = 2 }]
person_sd = [3]
residual_sd = 4
"#;

/// The points of the one hypothesis, after some words of the file were replaced.
fn points(changes: &[(&str, &str)]) -> Vec<PowerPoint> {
    let mut text = PLAIN.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let study = Study::parse(&text, "powered").unwrap();
    power(&study, PowerSettings { simulations: None, seed: 4 }, &|_| ()).unwrap().remove(0).points
}

/// Power of a t test of so many people a condition, each the mean of so many answers, must be that of the simulation.
fn is_that_of(point: &PowerPoint, people: u32, answers: f64) {
    let exact = t_test_power(people, 2.0 / (9.0 + 16.0 / answers).sqrt(), 0.05).unwrap();
    let found = point.power.rate().unwrap();
    let error = (exact * (1.0 - exact) / 600.0).sqrt();
    assert!((found - exact).abs() < 3.5 * error, "{found}, exact {exact}");
}

const STRATA: [(&str, &str); 3] = [
    (
        "assignment = { rule = \"block\", sizes = [1, 2] }",
        "assignment = { rule = \"block\", sizes = [1, 2], strata = [\"age\"] }\nquestion = [{ id = \"age\", label = \"age\", answer = { kind = \
         \"choice\", options = [{ code = \"young\", label = \"y\" }, { code = \"old\", label = \"o\" }] } }]\n\
         page = [{ id = \"p\", title = \"p\", kind = \"questionnaire\", asks = [\"age\"] }]",
    ),
    ("simulations = 600", "simulations = 600\nstrata = [0.3, 0.7]"),
    ("residual_sd = 4", "residual_sd = 4\nstrata = [0, 20]"),
];

#[test]
fn strata_stand_in_the_model_so_that_their_differences_cost_no_power() {
    // Without them in the model the deviation between people would be 9.6 and power 0.15.
    is_that_of(&points(&STRATA)[0], 40, 3.0);
}

#[test]
fn strata_whose_shares_do_not_fit_are_a_fault() {
    let text = STRATA.iter().fold(PLAIN.to_owned(), |text, (from, to)| text.replace(from, to));
    let three = text.replace("[0.3, 0.7]", "[0.3, 0.3, 0.4]");
    let fault = Study::parse(&three, "powered").unwrap_err().to_string();
    assert!(fault.contains("each of the 2 combinations"), "{fault}");
}

#[test]
fn who_misses_a_check_is_left_out_as_the_file_says() {
    let check = [
        (
            "assignment = { rule",
            "question = [{ id = \"c\", label = \"c\", correct = \"b\", answer = { kind = \"choice\", options = [{ code = \"a\", label = \
             \"a\" }, { code = \"b\", label = \"b\" }] } }]\npage = [{ id = \"p\", title = \"p\", kind = \"attention\", asks = \
             [\"c\"], at = { before = \"main\" } }]\nexclusion = [{ id = \"e\", missed_checks = 1 }]\nassignment = { rule",
        ),
        ("simulations = 600", "simulations = 600\nmisses_checks = 0.5"),
    ];
    let point = points(&check)[0];
    assert!((point.remain - 0.5).abs() < 0.02, "{point:?}");
    // Numbers vary around 20, which costs little.
    let exact = t_test_power(20, 2.0 / (9.0_f64 + 16.0 / 3.0).sqrt(), 0.05).unwrap();
    assert!((point.power.rate().unwrap() - exact).abs() < 0.08, "{point:?}, {exact}");
}

#[test]
fn a_rule_about_a_block_counts_its_items_alone() {
    let rule = [
        (
            "assignment = { rule",
            "exclusion = [{ id = \"e\", fewer_than = 3, block = \"main\" }]\nassignment = { rule",
        ),
        ("simulations = 600", "simulations = 600\nleaves = 0.1"),
    ];
    // Two of training and three that count, all of which must be there.
    let point = points(&rule)[0];
    assert!((point.remain - 0.9_f64.powi(5)).abs() < 0.02, "{point:?}");
}

#[test]
fn people_answer_the_items_that_they_take_and_items_can_be_planned() {
    let take = [("items = \"m\", order = \"shuffle\"", "items = \"m\", order = \"shuffle\", take = 2")];
    is_that_of(&points(&take)[0], 40, 2.0);
    let both = [take[0], ("simulations = 600", "simulations = 600\nitems = [2, 3]")];
    for (changes, name) in [(&both[1..], "first of the analysis"), (&both[..], "taken")] {
        let points = points(changes);
        let items: Vec<Option<usize>> = points.iter().map(|p| p.items).collect();
        assert_eq!(items, [Some(2), Some(3)], "{name}");
        is_that_of(&points[0], 40, 2.0);
        is_that_of(&points[1], 40, 3.0);
    }
}
