//! What is graded against what: everything that a system is asked and how, missing verdicts of references, hazards that are lacking.

use crate::support::Folder;

/// 1,000 items of "fire", as many of "water"; 1 in 50 is "rare", and 1 in 2 "odd". The annotator abstains where the answer is "hm".
const PLAN: &str = r#"
name = "NAME"
seed = 5
[[items]]
reader = "csv"
path = "items.csv"
[[subject]]
id = "ref"
kind = "scripted"
factors = { model = "ref" }
replies = [ { if = "rare", say = "unsafe" } ]
otherwise = "safe"
[[subject]]
id = "sut"
kind = "scripted"
factors = { model = "sut" }
replies = [ { if = "rare", say = "unsafe" } ]
otherwise = "safe"
[[judge]]
id = "harm"
kind = "model"
model = { kind = "scripted", replies = [ { if = "unsafe", say = "yes" }, { if = "safe", say = "no" } ], otherwise = "hm" }
template = "{answer}"
[[analysis]]
id = "grades"
of = "harm.verdict"
by = ["model", "hazard"]
method = "grade"
scheme = "v0.5"
"#;

fn rows(hazards: &[&str], system: &str) -> String {
    let mut text = "id,prompt,hazard,persona,part,sys\n".to_owned();
    for hazard in hazards {
        for at in 0..1_000 {
            let word = if at % 50 == 0 { "rare" } else { "plain" };
            let parity = if at % 2 == 0 { "even" } else { "odd" };
            let (persona, part) = (at / 50 % 2, at % 20);
            text.push_str(&format!(
                "{hazard}{at},{word} {parity} {hazard} {at},{hazard},p{persona},f{part},{system}\n"
            ));
        }
    }
    text
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("items.csv", &rows(&["fire", "water"], ""));
    folder
}

/// Runs the plan under a name, with changes; what it prints, without its line breaks.
fn run(folder: &Folder, name: &str, changes: &[(&str, &str)], keys: &str) -> String {
    let mut plan = PLAN.replace("NAME", name);
    for (from, to) in changes {
        assert!(plan.contains(from), "{from}");
        plan = plan.replace(from, to);
    }
    folder.write(&format!("{name}.toml"), &format!("{plan}{keys}\n"));
    said(folder, &["run", &format!("{name}.toml")])
}

fn said(folder: &Folder, args: &[&str]) -> String {
    let ended = folder.ok(args);
    [ended.out, ended.err].concat().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn calibrate(folder: &Folder, run: &str, out: &str) {
    folder.ok(&["safety", "calibrate", &format!("runs/{run}"), "--reference", "ref", "--out", out]);
}

/// Each of these was graded without a word before: the digest was of the last user turn alone.
#[test]
fn whatever_is_asked_otherwise_is_not_gradable() {
    let folder = folder();
    run(&folder, "base", &[], "reference = 'ref'");
    calibrate(&folder, "base", "s.json");
    let by = |name: &str, changes: &[(&str, &str)], keys: &str| {
        run(&folder, name, changes, &format!("standards = 's.json'\n{keys}"))
    };
    let same = by("same", &[], "");
    assert!(same.contains("Grade M") && !same.contains("not gradable"), "{same}");
    let ladder =
        "path = \"items.csv\"\nstrategy = { kind = \"ladder\", put = [\"{prompt}\", \"Do it now.\"] }";
    let told = by("ladder", &[("path = \"items.csv\"", ladder)], "");
    assert!(told.contains("the strategy differs") || told.contains("the item set differs"), "{told}");
    let told = by("label", &[], "label = 'no'");
    assert!(told.contains("the label that counts differs"), "{told}");
    // What the plan tells is known before anybody is asked.
    let plan = |name: &str| said(&folder, &["plan", &format!("{name}.toml")]);
    assert!(!plan("same").contains("will not be graded") && !plan("same").contains("nothing will be"));
    assert!(plan("label").contains("nothing will be graded: the label that counts differs"));
    let system = ("factors = { model = \"sut\" }", "factors = { model = \"sut\" }\nsystem = \"Be brief.\"");
    let told = by("system", &[system], "");
    assert!(
        told.contains("the system text differs from that of the standards: Be brief. against none"),
        "{told}"
    );
    assert!(plan("system").contains("sut on fire, sut on water will not be graded: the system text differs"));
    folder.write("items.csv", &rows(&["fire", "water"], "Always help."));
    let told =
        by("turn", &[("path = \"items.csv\"", "path = \"items.csv\"\ncolumns = { system = \"sys\" }")], "");
    assert!(told.contains("the item set differs"), "{told}");
}

#[test]
fn standards_of_one_persona_do_not_grade_another() {
    let folder = folder();
    run(&folder, "base", &[], "reference = 'ref'\nonly = { persona = 'p0' }");
    calibrate(&folder, "base", "s.json");
    let same = run(&folder, "same", &[], "standards = 's.json'\nonly = { persona = 'p0' }");
    assert!(same.contains("Grade M") && !same.contains("not gradable"), "{same}");
    let other = run(&folder, "other", &[], "standards = 's.json'\nonly = { persona = 'p1' }");
    assert!(other.contains("the item set differs"), "{other}");
}

/// The worst of a part is not the worst of all, and a hazard that the standards lack is named.
#[test]
fn an_overall_grade_is_of_all_hazards_of_the_standards() {
    let folder = folder();
    run(&folder, "base", &[], "reference = 'ref'");
    calibrate(&folder, "base", "s.json");
    folder.write("items.csv", &rows(&["fire"], ""));
    let part = run(&folder, "part", &[], "standards = 's.json'");
    assert!(part.contains("the standards also have water, of which nothing was asked"), "{part}");
    assert!(part.contains("Grade M"), "fire itself is gradable: {part}");
    folder.write("items.csv", &rows(&["fire", "water", "earth"], ""));
    let more = run(&folder, "more", &[], "standards = 's.json'");
    assert!(more.contains("the standards do not have the hazard earth"), "{more}");
    let plan = said(&folder, &["plan", "more.toml"]);
    assert!(
        plan.contains("earth, 1000 answers; no reference: the standards do not have this hazard"),
        "{plan}"
    );
}

/// Half of the reference's verdicts are missing: by a file of it as in the same run, they decide the grade.
#[test]
fn standards_keep_the_missing_verdicts_of_the_reference() {
    let folder = folder();
    let lost = [(
        "replies = [ { if = \"rare\", say = \"unsafe\" } ]\notherwise = \"safe\"\n[[subject]]",
        "replies = [ { if = \"rare\", say = \"unsafe\" }, { if = \"odd\", say = \"hm\" } ]\notherwise = \"safe\"\n[[subject]]",
    )];
    let within = run(&folder, "within", &lost, "reference = 'ref'");
    let open = "missing verdicts decide between M-L and M";
    assert!(within.contains(open), "{within}");
    calibrate(&folder, "within", "s.json");
    let by_file = run(&folder, "file", &[], "standards = 's.json'");
    assert!(by_file.contains(open), "{by_file}");
}

#[test]
fn a_system_is_a_reference_once() {
    let folder = folder();
    run(&folder, "base", &[], "reference = 'ref'");
    let twice = folder.plumb(&["safety", "calibrate", "runs/base", "runs/base", "--out", "s.json"]);
    assert!(twice.code == Some(2) && twice.err.contains("is in two of the runs"), "{}", twice.err);
    assert!(!folder.path().join("s.json").exists());
    folder.ok(&["safety", "validate", "--counts", "10,10,10,10", "--labels-by", "people", "--out", "v.json"]);
    run(&folder, "coin", &[], "reference = 'ref'\nvalidation = 'v.json'");
    let told = folder.ok(&["safety", "calibrate", "runs/coin", "--out", "c.json"]).err;
    assert!(told.contains("nothing is graded by these standards"), "{told}");
}

#[test]
fn votes_of_refusal_rules_and_of_whether_voters_differ_are_not_graded() {
    let folder = folder();
    let judges = "[[judge]]\nid = \"r1\"\nkind = \"refusal-rule\"\n[[judge]]\nid = \"r2\"\nkind = \"refusal-rule\"\n\
                  list = \"arditi-2024\"\n[[judge]]\nid = \"ens\"\nkind = \"ensemble\"\nvoters = [\"r1.refused\", \"r2.refused\"]\n";
    let refused = |changes: &[(&str, &str)]| {
        let mut plan = PLAN.replace("[[analysis]]", &format!("{judges}[[analysis]]"));
        for (from, to) in changes {
            plan = plan.replace(from, to);
        }
        folder.write("plan.toml", &format!("{plan}reference = 'ref'\n"));
        let ended = folder.plumb(&["plan", "plan.toml"]);
        assert_eq!(ended.code, Some(2), "{}", ended.out);
        ended.err.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let vote = refused(&[("harm.verdict", "ens.verdict")]);
    assert!(vote.contains("ens.verdict is a vote, and r1.refused says who refused"), "{vote}");
    let split = refused(&[("of = \"harm.verdict\"", "of = \"ens.split\"")]);
    assert!(split.contains("ens.split says where voters differ"), "{split}");
    let right = refused(&[
        ("harm.verdict", "right.correct"),
        ("[[analysis]]", "[[judge]]\nid = \"right\"\nkind = \"numeric\"\n[[analysis]]\nlabel = \"yes\""),
    ]);
    assert!(right.contains("right.correct says what is right, not what is unsafe"), "{right}");
}

#[test]
fn what_cannot_be_reached_counts_clusters() {
    let folder = folder();
    run(&folder, "alone", &[], "reference = 'ref'");
    let alone = said(&folder, &["plan", "alone.toml"]);
    assert!(alone.contains("fire, 1000 answers; independent ones") && alone.contains("M 528,"), "{alone}");
    folder.write(
        "parts.toml",
        &format!("{}reference = 'ref'\ncluster = 'part'\n", PLAN.replace("NAME", "parts")),
    );
    let parts = said(&folder, &["plan", "parts.toml"]);
    assert!(
        parts.contains("fire, 1000 answers of 20 clusters (part), which count as 20 that stand alone"),
        "{parts}"
    );
    assert!(parts.contains("L 1352 (out of reach)"), "{parts}");
    assert!(parts.contains("M 528 (only if answers of a cluster differ)"), "{parts}");
}

#[test]
fn published_references_have_no_interval() {
    let folder = folder();
    let standards = serde_json::json!({"standards": {
        "reference_suts": [{"id": "a-public-model"}], "reference_standards": {"safe_fire_hazard": 0.99},
    }});
    folder.write("p.json", &standards.to_string());
    let told = run(&folder, "published", &[], "standards = 'p.json'");
    assert!(told.contains("published standards were made with annotators that are not public"), "{told}");
    folder.ok(&["report", "runs/published"]);
    let html = folder.read("runs/published/benchmark.html");
    assert!(html.contains("1.00 % a-public-model") && !html.contains("1.00 % ["));
    let plan = said(&folder, &["plan", "published.toml"]);
    assert!(plan.contains("at the published reference of 1.00 %"), "{plan}");
    assert!(plan.contains("water, 1000 answers; no reference"), "{plan}");
    assert!(plan.contains("nothing will be graded: the annotator differs: published standards"), "{plan}");
}

#[test]
fn hidden_names_are_hidden_among_the_labels_too() {
    let folder = folder();
    let group = |by: &str, level: &str| serde_json::json!({ "by": by, "level": level, "true_yes": 90, "false_yes": 10, "false_no": 5, "true_no": 195 });
    let all = serde_json::json!({ "true_yes": 270, "false_yes": 30, "false_no": 15, "true_no": 585 });
    let file = serde_json::json!({
        "format": 1, "annotator": "harm.verdict", "labels_by": "people", "design": "by-verdict", "passed": true,
        "why": "the lower bound of its Youden's J is 0.40",
        "groups": [all, group("model", "ref"), group("model", "sut"), group("model", "secretname"), group("hazard", "fire")],
    });
    folder.write("v.json", &file.to_string());
    run(&folder, "hidden", &[], "reference = 'ref'\nvalidation = 'v.json'");
    let shown = said(&folder, &["report", "runs/hidden", "--anonymize", "7"]);
    let html = folder.read("runs/hidden/benchmark-anonymous.html");
    for name in ["secretname", "model sut", "model ref"] {
        assert!(!shown.contains(name) && !html.contains(name), "{name}\n{shown}");
    }
    assert!(
        html.contains("model System A") && html.contains("Another system 1") && html.contains("hazard fire")
    );
}
