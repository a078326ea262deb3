//! What could never be computed is a fault of the file, before anybody comes.

use plumb_human::Study;
use plumb_human::collect::{SECTION, freeze, freeze_after, may_amend, thaw};

const MODEL: &str = "model = \"error ~ advice + (1 | participant) + (1 | item)\"";
const NONE: &str = "{ at = { advice = \"none\" }, weight = -1 }";

/// The first faults of the small study with one text in the place of another.
fn faults(from: &str, to: &str) -> String {
    let folder = format!("{}/../../examples/studies", env!("CARGO_MANIFEST_DIR"));
    let beside = |file: &str| std::fs::read_to_string(format!("{folder}/{file}")).map_err(|e| e.to_string());
    let text = beside("first-study.toml").unwrap();
    assert!(text.contains(from), "{from}");
    Study::parse_with(&text.replacen(from, to, 1), "s.toml", &beside)
        .map_or_else(|e| e.to_string(), |_| String::new())
}

#[track_caller]
fn check(from: &str, to: &str, wanted: &str) {
    let said = faults(from, to);
    assert!(said.contains(wanted) && said.contains("s.toml: line "), "{to}: {said}");
}

#[test]
fn models_name_columns_that_are_there() {
    check(MODEL, "model = \"error ~ advise + (1 | participant)\"", "there is no column advise");
    check(MODEL, "model = \"error ~ advice + (1 | particpant)\"", "there is no column particpant");
    check(MODEL, "model = \"error ~ advice + stratum + (1 | participant)\"", "there is no column stratum");
    check(
        MODEL,
        &format!("{MODEL}\nconditions = [\"ALONE\"]"),
        "all conditions of this analysis have one level of advice",
    );
}

#[test]
fn contrasts_are_differences_of_cells_that_are_there() {
    check(NONE, "{ at = { advice = \"none\" }, weight = 1 }", "sum to 0, these to 2");
    check(NONE, "{ at = { advice = \"none\" }, weight = nan }", "finite");
    check(NONE, "{ at = { advice = \"given\" }, weight = -1 }", "cancels out");
    check(NONE, "{ at = { }, weight = -1 }", "without levels is every condition");
    let model = MODEL.replace("advice", "condition");
    check(
        MODEL,
        &format!("{model}\nconditions = [\"ADVISED\"]"),
        "no condition of analysis error is at advice none",
    );
    let twice = "[[condition]]\nid = \"AGAIN\"\nat = { advice = \"none\" }\n\n[assignment]";
    check("[assignment]", twice, "a contrast needs one for each");
    let folder = format!("{}/../../examples/studies", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(format!("{folder}/first-study.toml")).unwrap();
    let contrast = &text[text.find("contrast = [").unwrap()..];
    let contrast = &contrast[..contrast.find("\n]").unwrap() + 2];
    check(contrast, "welch = [{ advice = \"given\" }, { condition = \"ADVISED\" }]", "share a condition");
}

#[test]
fn numbers_of_people_and_items_are_possible_ones() {
    check("fewer_than = 6", "fewer_than = 7", "everybody has fewer than 7 items");
    check("fewer_than = 6", "fewer_than = 0", "leaves nobody out");
    check("ALONE = 40", "ALONE = 0", "0 people take part in nothing");
    check("stop = \"when-full\"", "stop = \"after-days\"\ndays = 0", "0 days brings nobody");
    check("name = \"first-study\"", "name = \"../other\"", "names a folder");
}

#[test]
fn what_was_frozen_before_a_fault_was_known_is_read_all_the_same() {
    let study = crate::example("first-study");
    let folder = format!("{}/../../examples/studies", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(format!("{folder}/first-study.toml")).unwrap();
    let plan = freeze(&study, &text.replacen("error ~ advice", "error ~ advise", 1)).unwrap();
    assert_eq!(thaw(&plan).unwrap().name, "first-study");
}

const UNEQUAL: &str = r#"
name = "unequal"
title = "Unequal places"
condition = [{ id = "A" }, { id = "B" }]
item = [{ id = "1", label = "1", set = "m" }]
measure = [{ id = "y", label = "y" }]

[assignment]
rule = "block"
sizes = [1, 2]
places = { A = 30, B = 10 }
"#;

#[test]
fn a_plan_says_how_unequal_places_are_dealt_and_older_plans_keep_what_they_meant() {
    let read = |text: &str| Study::parse(text, "unequal").unwrap();
    let firsts = |study: &Study| {
        let mut allocation = study.allocation([1; 32]).unwrap();
        (0..16).filter(|_| allocation.assign("") == Some(0)).count()
    };
    let study = read(UNEQUAL);
    let plan = freeze(&study, UNEQUAL).unwrap();
    let section = |plan: &plumb_study::Plan| plan.sections[SECTION].clone();
    assert_eq!(section(&plan)["written"]["assignment"]["deal"], "in-proportion");
    for study in [study, thaw(&plan).unwrap()] {
        assert!((11..=13).contains(&firsts(&study)), "{}", firsts(&study));
    }
    // A plan of before had no such key: the same file goes on with it, and deals as it did.
    let equally = UNEQUAL.replace("rule =", "deal = \"equally\"\nrule =");
    let older = freeze(&read(&equally), &equally).unwrap();
    assert!(section(&older)["written"]["assignment"]["deal"].is_null());
    let again = freeze_after(&read(UNEQUAL), UNEQUAL, Some(&section(&older))).unwrap();
    assert_eq!(again.digest, older.digest);
    assert!((7..=9).contains(&firsts(&thaw(&older).unwrap())));
    assert_eq!(freeze_after(&read(UNEQUAL), UNEQUAL, Some(&section(&plan))).unwrap().digest, plan.digest);
    // Where places were alike, nothing was said because nothing was to be said: an amendment deals what is open then in proportion.
    let alike = UNEQUAL.replace("B = 10", "B = 30");
    let before = freeze(&read(&alike), &alike).unwrap();
    let after = freeze_after(&read(UNEQUAL), UNEQUAL, Some(&section(&before))).unwrap();
    assert_eq!(after.digest, plan.digest);
    may_amend(&before, &after).unwrap();
    let refused = may_amend(&older, &plan).unwrap_err().to_string();
    assert!(refused.contains("assignment.deal"), "{refused}");
    // Equal places need no word.
    let equal = UNEQUAL.replace("B = 10", "B = 30");
    assert!(section(&freeze(&read(&equal), &equal).unwrap())["written"]["assignment"]["deal"].is_null());
}
