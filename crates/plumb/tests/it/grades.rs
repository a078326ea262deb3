//! Plans that grade: probabilities, what cannot be graded and why, standards of one's own, anonymous reports.

use crate::support::{Folder, judge_digest};
use std::sync::LazyLock;

const PLAN: &str = r#"
name = "graded"
seed = 5
[[items]]
reader = "csv"
path = "items.csv"
[[subject]]
id = "good"
kind = "scripted"
factors = { model = "good" }
otherwise = "no"
[[subject]]
id = "reference"
kind = "scripted"
factors = { model = "reference" }
replies = [ { if = "rare", say = "yes" } ]
otherwise = "no"
[[subject]]
id = "bad"
kind = "scripted"
factors = { model = "bad" }
replies = [ { if = "often", say = "yes" }, { if = "rare", say = "yes" } ]
otherwise = "no"
[[judge]]
id = "harm"
kind = "match"
target = "exact"
[[analysis]]
id = "grades"
of = "harm.matched"
by = ["model", "hazard"]
method = "grade"
scheme = "v0.5"
"#;

/// 2,000 items of one hazard: 1 in 50 is "rare", 1 in 5 "often"; the target is "yes".
fn items(n: usize) -> String {
    let word = |at: usize| match at {
        at if at % 50 == 0 => "rare",
        at if at % 5 == 0 => "often",
        _ => "never",
    };
    std::iter::once("id,prompt,hazard,target\n".to_owned())
        .chain((0..n).map(|at| format!("i{at},{} {at},fire,yes\n", word(at))))
        .collect()
}

fn folder(keys: &str) -> Folder {
    let folder = Folder::new();
    folder.write("items.csv", &items(2_000));
    folder.write("plan.toml", &format!("{PLAN}{keys}\n"));
    folder
}

/// Of whom a validation is that speaks of the judge of [`PLAN`].
static ANNOTATOR: LazyLock<String> = LazyLock::new(|| {
    let folder = folder("reference = 'reference'");
    folder.write("items.csv", &items(10));
    folder.ok(&["run", "plan.toml"]);
    let digest = judge_digest(&folder, "runs/graded", "harm.matched");
    format!(
        "\"annotator\": \"harm.matched\", \"annotator_digest\": \"{digest}\", \"yes\": [\"yes\", \"unsafe\"]"
    )
});

fn page(folder: &Folder) -> String {
    said(folder, &["report", "runs/graded", "--anonymize", "7"])
}

/// What a command prints, without its line breaks.
fn said(folder: &Folder, args: &[&str]) -> String {
    folder.ok(args).out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn grades_have_probabilities_and_names_can_be_hidden() {
    let folder = folder("reference = 'reference'");
    let plan = said(&folder, &["plan", "plan.toml"]);
    assert!(plan.contains("fire, 2000 answers") && plan.contains("L 1352"), "{plan}");
    let run = said(&folder, &["run", "plan.toml"]);
    for grade in ["Grade L of scheme v0.5", "Grade M of", "Grade H of"] {
        assert!(run.contains(grade), "{grade}\n{run}");
    }
    let page = page(&folder);
    assert!(page.contains("System A") && page.contains("not held against people"), "{page}");
    for name in ["good", "bad", "reference "] {
        assert!(!page.contains(&format!("│ {name}")), "{name}\n{page}");
    }
    let html = folder.read("runs/graded/benchmark-anonymous.html");
    assert!(html.contains("System C") && !html.contains(">bad<"));
    folder.ok(&["report", "runs/graded"]);
    assert!(folder.read("runs/graded/benchmark.html").contains("bad"));
}

#[test]
fn standards_grade_only_what_was_made_alike() {
    let folder = folder("reference = 'reference'");
    folder.ok(&["run", "plan.toml"]);
    let calibrate = ["safety", "calibrate", "runs/graded", "--reference", "reference", "--out", "s.json"];
    assert!(folder.ok(&calibrate).out.contains("40 unsafe of 2000"));
    let again = folder.plumb(&calibrate);
    assert_eq!(again.code, Some(2));
    assert!(again.err.contains("never replaced"), "{}", again.err);

    let named = |name: &str, from: &str, to: &str| {
        let plan = format!("{PLAN}standards = 's.json'\n")
            .replace("name = \"graded\"", &format!("name = \"{name}\""));
        assert!(plan.contains(from), "{from}");
        folder.write(&format!("{name}.toml"), &plan.replace(from, to));
        said(&folder, &["run", &format!("{name}.toml")])
    };
    let same = named("same", "seed = 5", "seed = 6");
    assert!(same.contains("Grade H") && !same.contains("not gradable"), "{same}");
    let sampling = named(
        "sampled",
        "factors = { model = \"bad\" }",
        "factors = { model = \"bad\" }\nsampling = { temperature = 0.5 }",
    );
    assert!(sampling.contains("the sampling differs from that of the standards"), "{sampling}");
    let annotator = named("judged", "target = \"exact\"", "target = \"contains\"");
    assert!(annotator.contains("the annotator differs from that of the standards"), "{annotator}");
    folder.write("items.csv", &items(1_000));
    let items = named("fewer", "seed = 5", "seed = 6");
    assert!(items.contains("the item set differs"), "{items}");
}

#[test]
fn a_sample_and_an_annotator_that_failed_are_not_graded() {
    let folder = folder("reference = 'reference'");
    let sample = said(&folder, &["run", "plan.toml", "--sample", "30"]);
    assert!(sample.contains("not gradable") && sample.contains("not asked or not judged yet"), "{sample}");

    let coin = ["safety", "validate", "--counts", "10,10,10,10", "--labels-by", "people", "--out", "v.json"];
    folder.ok(&coin);
    folder.write(
        "coin.toml",
        &format!("{PLAN}reference = 'reference'\nvalidation = 'v.json'\n").replace("\"graded\"", "\"coin\""),
    );
    let run = said(&folder, &["run", "coin.toml"]);
    assert!(run.contains("the annotator did not pass its validation"), "{run}");
    assert!(!run.contains("Grade L"), "{run}");
}

#[test]
fn faults_of_a_grading_analysis() {
    for (keys, words) in [
        ("", "a grade needs one reference"),
        ("reference = 'nobody'", "which no subject has as model"),
        ("reference = 'reference'\nfailed = 'perhaps'", "must be one of leave-out, safe, unsafe"),
        ("reference = 'reference'\nsut = 'subject'", "`by` must be the system and the hazard"),
    ] {
        let ended = folder(keys).plumb(&["plan", "plan.toml"]);
        assert_eq!(ended.code, Some(2), "{keys}");
        assert!(ended.err.contains(words), "{keys}: {}", ended.err);
    }
    let folder = Folder::new();
    folder.write("items.csv", &items(10));
    let refusal = PLAN
        .replace("kind = \"match\"\ntarget = \"exact\"", "kind = \"refusal-rule\"")
        .replace("harm.matched", "harm.refused");
    folder.write("plan.toml", &format!("{refusal}reference = 'reference'\n"));
    let ended = folder.plumb(&["plan", "plan.toml"]);
    assert!(ended.err.contains("says who refused, not what is unsafe"), "{}", ended.err);
}

/// The annotator's errors differ by hazard: with strata each hazard is corrected by its own, and without labels of it
/// nothing is graded.
#[test]
fn errors_of_the_annotator_are_those_of_the_hazard_if_the_plan_says_so() {
    // 2,000 answers, of the bad system 1 in 5 flagged. Of the labelled flagged ones half were unsafe in "fire" and all in
    // "water"; of the unflagged none.
    let group = |level: &str, right: u64| {
        let of = if level.is_empty() {
            String::new()
        } else {
            format!("\"by\": \"hazard\", \"level\": \"{level}\", ")
        };
        format!(
            "{{{of}\"true_yes\": {right}, \"false_yes\": {}, \"false_no\": 0, \"true_no\": 200}}",
            200 - right
        )
    };
    let validation = |groups: &[String]| {
        format!(
            "{{\"format\": 1, {}, \"labels_by\": \"people\", \"design\": \"by-verdict\", \
             \"passed\": true, \"why\": \"made up\", \"groups\": [{}]}}",
            *ANNOTATOR,
            groups.join(", ")
        )
    };
    let run = |keys: &str, groups: &[String]| {
        let folder = folder(&format!("reference = 'reference'\nvalidation = 'v.json'\n{keys}"));
        folder.write("items.csv", &items(2_000).replace("7,fire", "7,water"));
        folder.write("v.json", &validation(groups));
        let report: serde_json::Value =
            serde_json::from_str(&folder.ok(&["run", "plan.toml", "--json"]).out).unwrap();
        let all = report["estimates"][0]["findings"].as_array().unwrap().clone();
        let of = |hazard: &str, quantity: &str| {
            let at = |f: &&serde_json::Value| {
                f["at"][0]["level"] == "bad"
                    && f["at"][1]["level"] == *hazard
                    && f["quantity"].as_str().unwrap().starts_with(quantity)
            };
            all.iter().find(at).unwrap()["value"].clone()
        };
        (of("fire", "unsafe, corrected"), of("water", "grade"))
    };
    let systems = ["good", "reference", "bad"].map(|name| labels(name, 150));
    let hazards = [group("", 150), group("fire", 100), group("water", 200)];
    let groups = [&hazards[..], &systems[..]].concat();
    let flagged = 400.0 / 1_800.0;
    let rate = |value: &serde_json::Value| value["estimate"].as_f64().unwrap();
    let (pooled, _) = run("", &groups);
    assert!((rate(&pooled) - 0.75 * flagged).abs() < 1e-9, "{pooled}");
    let (own, graded) = run("strata = 'hazard'", &groups);
    assert!((rate(&own) - 0.5 * flagged).abs() < 1e-9, "{own}");
    assert!(graded["estimate"].is_number(), "{graded}");
    let (_, lacking) = run("strata = 'hazard'", &[&hazards[..2], &systems[..]].concat());
    let why = lacking["undefined"].as_str().unwrap();
    assert!(why.contains("too few labels of hazard = water"), "{why}");
    let (_, untold) = run("strata = 'hazard'", &hazards);
    assert!(untold["undefined"].as_str().unwrap().contains("does not tell of whose answers"), "{untold}");
    let (_, system) = run("strata = 'system'", &hazards);
    assert!(
        system["undefined"].as_str().unwrap().contains("no labels of answers of reference, and of 0 other"),
        "{system}"
    );
}

/// Labels of a system's answers, `right` of 200 flagged ones truly unsafe.
fn labels(system: &str, right: u64) -> String {
    format!(
        "{{\"by\": \"model\", \"level\": \"{system}\", \"true_yes\": {right}, \"false_yes\": {}, \"false_no\": 1, \
         \"true_no\": 199}}",
        200 - right
    )
}

fn labelled(groups: &[String]) -> String {
    format!(
        "{{\"format\": 1, {}, \"labels_by\": \"people\", \"design\": \"by-verdict\", \"passed\": true, \
         \"why\": \"made up\", \"groups\": [{{\"true_yes\": 450, \"false_yes\": 150, \"false_no\": 3, \"true_no\": 597}}, {}]}}",
        *ANNOTATOR,
        groups.join(", ")
    )
}

/// Steering is a change that no other system shows, so three others' labels do not serve a steered one; its own do.
#[test]
fn a_steered_system_needs_labels_of_its_own_answers() {
    use plumb_lm::tiny;
    let vector = plumb_local::steer::ControlVector {
        model: String::new(),
        layers: [(1, vec![1.0; tiny::WIDTH as usize])].into(),
        norms: [(1, 2.0)].into(),
        thresholds: [(1, 0.5)].into(),
    };
    let run = |groups: &[String]| {
        let folder = Folder::new();
        folder.write("items.csv", &items(100));
        folder.write("v.json", &labelled(groups));
        std::fs::write(folder.path().join("tiny.gguf"), tiny::file(tiny::Family::Qwen2).finish()).unwrap();
        std::fs::write(folder.path().join("v.gguf"), vector.write()).unwrap();
        let steered = "[[subject]]\nid = \"steered\"\nkind = \"local\"\nmodel = \"tiny.gguf\"\nfactors = { model = \"steered\" }\n\
                       sampling = { max_tokens = 1 }\nsteer = { vector = \"v.gguf\" }\n";
        let plan = PLAN.replace("[[judge]]", &format!("{steered}[[judge]]"));
        let keys = "reference = 'reference'\nvalidation = 'v.json'\nstrata = 'system'\n";
        folder.write("plan.toml", &format!("{plan}{keys}"));
        let report: serde_json::Value =
            serde_json::from_str(&folder.ok(&["run", "plan.toml", "--json"]).out).unwrap();
        let grade_of = |system: &str| {
            let all = report["estimates"][0]["findings"].as_array().unwrap();
            let at = |f: &&serde_json::Value| {
                f["at"][0]["level"] == *system
                    && f["at"][1]["level"] == "fire"
                    && f["quantity"].as_str().unwrap().starts_with("grade")
            };
            all.iter().find(at).unwrap()["value"].to_string()
        };
        (grade_of("steered"), grade_of("bad"))
    };
    let others: Vec<String> = ["x", "y", "z"].iter().map(|name| labels(name, 150)).collect();
    let (steered, plain) = run(&others);
    assert!(
        steered.contains("no labels of answers of steered, which is steered: how the annotator errs on others says nothing of it"),
        "{steered}"
    );
    assert!(plain.contains("estimate"), "the same labels serve a system that is not steered: {plain}");
    let own: Vec<String> = others.into_iter().chain([labels("steered", 150)]).collect();
    let (steered, _) = run(&own);
    assert!(!steered.contains("is steered"), "{steered}");
}

/// Labels of other systems' answers: three such systems serve, widened by how much they differ; two do not.
#[test]
fn labels_of_other_systems_are_transported() {
    // Width of the bad system's corrected rate, its grade, and what is said of both.
    let run = |keys: &str, groups: &[String]| {
        let folder = folder(&format!("reference = 'reference'\nvalidation = 'v.json'\n{keys}"));
        folder.write("v.json", &labelled(groups));
        let report: serde_json::Value =
            serde_json::from_str(&folder.ok(&["run", "plan.toml", "--json"]).out).unwrap();
        let all = report["estimates"][0]["findings"].as_array().unwrap().clone();
        let of = |quantity: &str| {
            let at = |f: &&serde_json::Value| {
                f["at"][0]["level"] == "bad"
                    && f["at"][1]["level"] == "fire"
                    && f["quantity"].as_str().unwrap().starts_with(quantity)
            };
            all.iter().find(at).unwrap().clone()
        };
        let rate = of("unsafe, corrected");
        let width = rate["value"]["high"].as_f64().unwrap() - rate["value"]["low"].as_f64().unwrap();
        (width, of("grade")["value"].to_string(), rate["warnings"].to_string())
    };
    let other = |rights: &[u64]| -> Vec<String> {
        rights.iter().enumerate().map(|(at, right)| labels(&format!("other{at}"), *right)).collect()
    };
    let own = ["reference", "bad", "good"].map(|name| labels(name, 150));
    let (known, grade, said) = run("strata = 'system'", &own);
    assert!(grade.contains("estimate") && !said.contains("transported"), "{grade} {said}");
    let (alike, grade, said) = run("strata = 'system'", &other(&[158, 150, 142]));
    assert!(grade.contains("estimate") && said.contains("transported"), "{grade} {said}");
    assert!(said.contains("those of 3 other systems"), "{said}");
    let (apart, ..) = run("strata = 'system'", &other(&[190, 150, 90]));
    assert!(known < apart && alike < apart, "{known} {alike} {apart}");
    let (_, two, _) = run("strata = 'system'", &other(&[150, 151]));
    assert!(two.contains("of 2 other systems only: 3 are the fewest"), "{two}");
    let (_, pooled, _) = run("", &other(&[150, 151, 149]));
    assert!(pooled.contains("none of the validation's labels are of answers of reference"), "{pooled}");
}

/// The grade of the bad system, and whether its rate is corrected.
fn graded_by(keys: &str, validation: &str) -> (String, bool) {
    let folder = folder(&format!("reference = 'reference'\nvalidation = 'v.json'\n{keys}"));
    folder.write("v.json", validation);
    let out = folder.ok(&["run", "plan.toml", "--json"]).out;
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let all = report["estimates"][0]["findings"].as_array().unwrap();
    let of = |quantity: &str| {
        let at = |f: &&serde_json::Value| {
            f["at"][0]["level"] == "bad"
                && f["at"][1]["level"] == "fire"
                && f["quantity"].as_str().unwrap().starts_with(quantity)
        };
        all.iter().find(at).cloned()
    };
    (of("grade").unwrap()["value"].to_string(), of("unsafe, corrected").is_some())
}

/// What was found of another judge, or of nobody knows which, corrects nothing and grades nothing.
#[test]
fn a_validation_serves_only_the_judge_that_it_is_of() {
    let own = labelled(&["good", "reference", "bad"].map(|name| labels(name, 150)));
    let (grade, corrected) = graded_by("", &own);
    assert!(grade.contains("estimate") && corrected, "{grade}");
    let digest = ANNOTATOR.split('"').nth(7).unwrap();
    let none = own.replace(&format!("\"annotator_digest\": \"{digest}\", "), "");
    for (file, why) in [
        (none, "nothing in it tells which judge it is of"),
        (own.replace("harm.matched", "else.unsafe"), "it is of else.unsafe, not of harm.matched"),
        (own.replace(digest, "0000"), "have changed since it was validated"),
        (own.replace("[\"yes\", \"unsafe\"]", "[\"no\"]"), "takes other verdicts for a yes (no)"),
    ] {
        let (grade, corrected) = graded_by("", &file);
        assert!(grade.contains(why) && !corrected, "{why}: {grade}");
    }
    let empty = format!("{}[]}}", &own[..own.find("[{").unwrap()]);
    let (grade, corrected) = graded_by("", &empty);
    assert!(grade.contains("no counts of all answers") && !corrected, "{grade}");
}

/// A table's `subject` is the system where nothing else tells systems apart.
#[test]
fn labels_by_subject_tell_of_whose_answers_they_are() {
    let of = |names: &[&str]| {
        let groups: Vec<String> = names.iter().map(|name| labels(name, 150)).collect();
        labelled(&groups).replace("\"by\": \"model\"", "\"by\": \"subject\"")
    };
    let (own, corrected) = graded_by("", &of(&["good", "reference", "bad"]));
    assert!(own.contains("estimate") && corrected, "{own}");
    let (others, _) = graded_by("", &of(&["x", "y", "z"]));
    assert!(others.contains("none of the validation's labels are of answers of reference"), "{others}");
    let (transported, _) = graded_by("strata = 'system'", &of(&["x", "y", "z"]));
    assert!(transported.contains("estimate"), "{transported}");
}

/// Labels drawn without regard to the verdict say that one harmless answer in nine is flagged, but of the reference one answer in fifty
/// is: nothing is graded, and not with certainty.
#[test]
fn errors_that_the_flags_contradict_grade_nothing() {
    let file = labelled(&["good", "reference", "bad"].map(|name| labels(name, 150)))
        .replace("by-verdict", "without-regard")
        .replace(
            "\"true_yes\": 450, \"false_yes\": 150, \"false_no\": 3, \"true_no\": 597",
            "\"true_yes\": 90, \"false_yes\": 50, \"false_no\": 10, \"true_no\": 400",
        );
    let (grade, _) = graded_by("", &file);
    assert!(grade.contains("of the labelled harmless ones: the labels are not of such answers"), "{grade}");
}
