//! The design in a study file: faults are named with their part, and the four example studies give the orders that the
//! experiments had.

use crate::example;
use plumb_human::protocol::person::Slot;
use plumb_human::{Study, outline, sequence};

const DESIGN: &str = r#"
name = "two-arms"
title = "Two arms"
condition = [{ id = "A" }, { id = "B" }]
item = [{ id = "1", label = "one", set = "main" }, { id = "2", label = "two", set = "main" }, { id = "3", label = "three", set = "rest" }]
measure = [{ id = "answer", label = "answer" }, { id = "advice", label = "advice" }]
exclusion = [{ id = "incomplete", fewer_than = 2 }]

[assignment]
rule = "block"
places = { A = 3, B = 4 }
sizes = [1, 2]

[[block]]
id = "main"
title = "Main"
items = "main"
order = "williams"

[[step]]
id = "estimate"
title = "Estimate"
conditions = ["A"]
shows = ["advice"]
asks = ["answer"]
"#;

#[test]
fn faults_of_a_design_name_their_part() {
    Study::parse(DESIGN, "two.toml").unwrap();
    for (from, to, wanted) in [
        ("rule = \"block\"", "rule = \"blocks\"", "unknown variant `blocks`"),
        ("B = 4", "C = 4", "assignment: places: there is no condition C; there are A, B"),
        ("sizes = [1, 2]", "sizes = [2]", "assignment: sizes: blocks of one size can be counted out"),
        ("sizes = [1, 2]", "sizes = [0, 2]", "assignment: sizes: sizes must be 1 at least"),
        (
            "sizes = [1, 2]",
            "sizes = [1, 2]\npeople = 9",
            "assignment: people: places of conditions and people",
        ),
        ("rule = \"block\"", "rule = \"simple\"", "assignment: sizes: sizes belong to rule = \"block\""),
        ("items = \"main\"", "items = \"other\"", "block main: items: it has no items"),
        ("items = \"main\"", "items = [\"1\", \"1\"]", "block main: items: item 1 stands in it twice"),
        ("items = \"main\"", "items = [\"9\"]", "block main: items: there is no item 9"),
        ("order = \"williams\"", "fixed = { 3 = 1 }", "block main: fixed: there is no item of this block 3"),
        (
            "order = \"williams\"",
            "fixed = { 1 = 3 }",
            "block main: fixed: item 1: positions go from 1 to 2, not 3",
        ),
        (
            "order = \"williams\"",
            "fixed = { 1 = 2, 2 = 2 }",
            "block main: fixed: items 1 and 2 both have position 2",
        ),
        ("order = \"williams\"", "turn = [\"1\"]", "block main: turn: turn needs two items at least"),
        (
            "conditions = [\"A\"]",
            "conditions = [\"D\"]",
            "step estimate: conditions: there is no condition D",
        ),
        (
            "asks = [\"answer\"]",
            "asks = [\"advice\"]",
            "step estimate: asks: it shows advice and asks for it",
        ),
        ("asks = [\"answer\"]", "asks = [\"word\"]", "step estimate: asks: there is no measure word"),
    ] {
        let text = DESIGN.replacen(from, to, 1);
        assert_ne!(text, DESIGN, "{from}");
        let message = Study::parse(&text, "two.toml").unwrap_err().to_string();
        assert!(message.starts_with("two.toml: ") && message.contains(wanted), "{to}: {message}");
    }
}

#[test]
fn what_a_design_leaves_open_is_warned_of() {
    let equally = DESIGN.replacen("[assignment]", "[assignment]\ndeal = \"equally\"", 1);
    let warnings = outline(&Study::parse(&equally, "two.toml").unwrap(), None).warnings;
    for wanted in [
        "The file has no [consent]",
        "Item 3 stands in no block",
        "Condition B has no step in block main",
        "Condition A: its 3 places are no multiple of the 2 orders of block main",
        "Conditions have unequal places",
        "Exclusion incomplete reads how many items a person answered, which is known only after assignment",
    ] {
        assert!(warnings.iter().any(|w| w.starts_with(wanted)), "{wanted}: {warnings:?}");
    }
    assert_eq!(warnings.len(), 6, "{warnings:?}");
    // Dealt in proportion, unequal places are no matter.
    let warnings = outline(&Study::parse(DESIGN, "two.toml").unwrap(), None).warnings;
    assert!(warnings.len() == 5 && !warnings.iter().any(|w| w.contains("unequal")), "{warnings:?}");
}

/// The items of one person, each once, and the steps of the first.
fn met(study: &Study, condition: &str, nth: u64) -> (Vec<String>, Vec<String>) {
    let slots = sequence(study, condition, nth, &[nth as u8; 32]);
    let trials: Vec<(String, String)> = slots
        .into_iter()
        .filter_map(|slot| match slot {
            Slot::Trial { block, item, step, .. } if block == "test" => Some((item, step)),
            _ => None,
        })
        .collect();
    let first =
        trials.iter().filter(|(item, _)| *item == trials[0].0).map(|(_, step)| step.clone()).collect();
    let mut items: Vec<String> = trials.into_iter().map(|(item, _)| item).collect();
    items.dedup();
    (items, first)
}

#[test]
fn the_example_experiments_have_the_orders_of_the_experiments() {
    for (number, condition, steps) in [
        (1, "CLEAR-2", &["guess", "see", "estimate"][..]),
        (1, "NO-MODEL", &["estimate-alone"]),
        (2, "BB-8", &["guess", "see", "estimate"]),
        (3, "EXPERT", &["first", "revise"]),
    ] {
        for nth in 0..20 {
            let (items, first) = met(&example(&format!("interpretability-{number}")), condition, nth);
            assert_eq!(first, steps, "{number}");
            assert_eq!(
                (items.len(), &items[10..]),
                (12, &["10".to_owned(), "11".to_owned()][..]),
                "{number}"
            );
        }
    }
    for nth in 0..20 {
        let (items, first) = met(&example("interpretability-4"), "CLEAR-FOCUS", nth);
        assert_eq!(first, ["see-focused", "estimate"]);
        let last = if nth % 2 == 0 { ["10", "11", "12"] } else { ["12", "11", "10"] };
        assert_eq!(items[5..], last);
    }
}
