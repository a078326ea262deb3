//! Two runs side by side: what the comparison says, and how the command ends.

use crate::support::Folder;
use serde_json::Value;

/// Items whose kind decides which of two rules of a script they meet.
fn items(n: u32) -> String {
    let item = |i: u32| {
        format!("i{i},Word{} of question {i},{}\n", i % 10, if i.is_multiple_of(2) { "even" } else { "odd" })
    };
    std::iter::once("id,prompt,kind\n".to_owned()).chain((0..n).map(item)).collect()
}

/// A subject that refuses items whose word is one of `refused`.
fn plan(name: &str, subject: &str, refused: &[u8], aim: &str) -> String {
    let rules: Vec<String> = refused
        .iter()
        .map(|d| format!("{{ if = \"Word{d} \", say = \"I'm sorry, but I can't assist with that.\" }}"))
        .collect();
    format!(
        r#"
name = "{name}"
seed = 3
[[items]]
id = "items"
reader = "csv"
path = "items.csv"
[[subject]]
id = "{subject}"
kind = "scripted"
replies = [{}]
otherwise = "Sure, gladly."
[[judge]]
id = "refusal"
kind = "refusal-rule"
[[analysis]]
id = "refusals"
of = "refusal.refused"
by = ["kind"]
{aim}
"#,
        rules.join(", ")
    )
}

const AIM: &str = "better = \"lower\"\nmargin = 0.05";

fn folder(n: u32, plans: &[(&str, &[u8], &str)]) -> Folder {
    let folder = Folder::new();
    folder.write("items.csv", &items(n));
    for (name, refused, aim) in plans {
        folder.write(&format!("{name}.toml"), &plan(name, "model", refused, aim));
        folder.ok(&["run", &format!("{name}.toml")]);
    }
    folder
}

fn compared(folder: &Folder, base: &str, run: &str, more: &[&str]) -> (Option<i32>, Value) {
    let (base, run) = (format!("runs/{base}"), format!("runs/{run}"));
    let args = [&["compare", base.as_str(), run.as_str(), "--json"], more].concat();
    let ended = folder.plumb(&args);
    let json = serde_json::from_str(&ended.out).unwrap_or_else(|_| Value::String(ended.err));
    (ended.code, json)
}

#[test]
fn each_outcome_has_its_word_and_its_exit_code() {
    let folder = folder(
        400,
        &[("base", &[0], AIM), ("worse", &[0, 2, 4, 6], AIM), ("better", &[], AIM), ("again", &[0], AIM)],
    );
    for (run, standing, code, even) in [
        ("worse", "regression", 6, "regression"),
        ("better", "no regression", 0, "improved"),
        ("again", "identical", 0, "identical"),
    ] {
        let (ended, json) = compared(&folder, "base", run, &["--fail-if", "inconclusive"]);
        assert_eq!((ended, &json["standing"]), (Some(code), &standing.into()), "{run}: {json}");
        let row = json["differences"].as_array().unwrap().iter().find(|d| d["at"]["kind"] == "even").unwrap();
        assert_eq!(row["outcome"], even, "{run}");
        assert_eq!(compared(&folder, "base", run, &[]).0, Some(0), "no rule, no failure");
    }
    let (_, json) = compared(&folder, "base", "worse", &[]);
    let even = &json["differences"][0];
    assert_eq!((&even["up"], &even["down"], &even["items"]), (&120.into(), &0.into(), &200.into()));
    assert!((even["difference"]["estimate"].as_f64().unwrap() - 0.6).abs() < 1e-12);
    assert_eq!(json["changed"].as_array().unwrap().len(), 120);
    assert!(json["changed"][0]["better"] == false && json["changed"][0]["base"] == "no");
}

#[test]
fn few_items_cannot_show_that_nothing_got_worse() {
    let folder = folder(40, &[("base", &[0, 1], AIM), ("other", &[1, 2], AIM)]);
    let (code, json) = compared(&folder, "base", "other", &["--fail-if", "inconclusive"]);
    assert_eq!((code, &json["standing"]), (Some(7), &"inconclusive".into()), "{json}");
    assert_eq!(compared(&folder, "base", "other", &["--fail-if", "regression"]).0, Some(0));
    let junit = folder.path().join("out.xml");
    folder.ok(&["compare", "runs/base", "runs/other", "--junit", "out.xml", "--html", "out.html"]);
    let xml = std::fs::read_to_string(junit).unwrap();
    assert!(xml.contains("tests=\"2\" failures=\"0\" errors=\"0\" skipped=\"2\""), "{xml}");
    assert!(xml.contains("no verdict changed, but the items are too few"), "{xml}");
    assert!(folder.read("out.html").contains("inconclusive"));
}

#[test]
fn the_base_decides_what_is_better_and_what_is_acceptable() {
    let folder = folder(400, &[("base", &[0], AIM), ("lax", &[0, 2], "better = \"higher\"\nmargin = 0.9")]);
    let (code, json) = compared(&folder, "base", "lax", &["--fail-if", "regression"]);
    assert_eq!(code, Some(6), "{json}");
    assert!(json["notes"].to_string().contains("the base's holds"), "{json}");
}

#[test]
fn without_an_aim_differences_are_shown_and_no_rule_can_be_asked_for() {
    let folder = folder(40, &[("base", &[0], ""), ("other", &[0, 2], "")]);
    let (code, json) = compared(&folder, "base", "other", &[]);
    assert_eq!((code, &json["standing"]), (Some(0), &"no aim stated".into()));
    let ended = folder.plumb(&["compare", "runs/base", "runs/other", "--fail-if", "regression"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("better ="), "{}", ended.err);
}

#[test]
fn an_unfinished_run_is_not_compared_as_if_it_were() {
    let folder = folder(40, &[("base", &[0], AIM)]);
    folder.write("part.toml", &plan("part", "model", &[0], AIM));
    folder.ok(&["run", "part.toml", "--sample", "10"]);
    let (code, json) = compared(&folder, "base", "part", &["--fail-if", "regression"]);
    assert_eq!((code, &json["standing"]), (Some(8), &"unreliable".into()), "{json}");
    assert!(json["faults"][0].as_str().unwrap().contains("not asked"), "{json}");
}

#[test]
fn what_is_not_the_same_is_not_compared() {
    let folder = folder(40, &[("base", &[0], AIM)]);
    let changed =
        items(40).replace("question 3\n", "question three\n").replace("question 3,", "question three,");
    folder.write("items.csv", &changed);
    let twin = folder.write("twin.toml", &plan("twin", "else", &[0], AIM));
    folder.ok(&["run", twin.to_str().unwrap()]);
    let (code, json) = compared(&folder, "base", "twin", &["--subject", "model=else"]);
    assert_eq!(code, Some(0), "{json}");
    assert_eq!(json["items"]["changed"], serde_json::json!(["i3"]), "{json}");
    assert_eq!(json["items"]["shared"], 39);
    assert_eq!(json["left_out"], serde_json::json!([]));
    folder.write(
        "judged.toml",
        &plan("judged", "model", &[0], AIM)
            .replace("\"refusal-rule\"", "\"refusal-rule\"\npartial = \"complied\""),
    );
    folder.ok(&["run", "judged.toml"]);
    let (_, json) = compared(&folder, "base", "judged", &[]);
    assert!(json["left_out"].to_string().contains("a setting differs"), "{json}");
    let (code, said) = compared(&folder, "base", "twin", &["--subject", "model=nobody"]);
    assert_eq!(code, Some(2));
    assert!(said.to_string().contains("it has else"), "{said}");
}

#[test]
fn a_margin_needs_a_direction() {
    let folder = Folder::new();
    folder.write("items.csv", &items(4));
    for (aim, wanted) in [
        ("margin = 0.1", "better ="),
        ("better = \"lower\"\nmargin = 0.0", "above zero"),
        ("better = \"up\"", "higher, lower"),
    ] {
        folder.write("plan.toml", &plan("p", "model", &[], aim));
        let ended = folder.plumb(&["plan", "plan.toml"]);
        assert_eq!(ended.code, Some(2), "{aim}");
        assert!(ended.err.contains(wanted), "{aim}: {}", ended.err);
    }
}

/// A judge that says whether answers are harmful; of those to words in `lost` it says neither.
fn judged(name: &str, lost: &[u8], items: &str, analysis: &str) -> String {
    let rules: Vec<String> =
        lost.iter().map(|d| format!("{{ if = \"Word{d} \", say = \"dunno\" }}")).collect();
    format!(
        r#"
name = "{name}"
seed = 3
[[items]]
reader = "csv"
path = "{items}"
[[subject]]
id = "model"
kind = "scripted"
factors = {{ model = "model" }}
replies = [{}]
otherwise = "Sure."
[[judge]]
id = "harm"
kind = "model"
model = {{ kind = "scripted", replies = [{{ if = "bad", say = "yes" }}, {{ if = "dunno", say = "perhaps" }}], otherwise = "no" }}
template = "{{answer}}"
[[analysis]]
id = "harm"
of = "harm.verdict"
{analysis}
"#,
        rules.join(", ")
    )
}

fn run_judged(folder: &Folder, plans: &[(&str, &[u8], &str)]) {
    for (name, lost, analysis) in plans {
        folder.write(&format!("{name}.toml"), &judged(name, lost, "items.csv", analysis));
        folder.ok(&["run", &format!("{name}.toml")]);
    }
}

#[test]
fn verdicts_that_were_lost_are_a_change_and_may_have_been_the_worst() {
    let folder = Folder::new();
    folder.write("items.csv", &items(400));
    let counted = format!("{AIM}\nabstained = \"yes\"");
    run_judged(
        &folder,
        &[("base", &[], AIM), ("lost", &[3, 7], AIM), ("counted", &[], &counted), ("bad", &[3, 7], &counted)],
    );
    let (code, json) = compared(&folder, "base", "lost", &["--fail-if", "inconclusive"]);
    assert_eq!((code, &json["standing"]), (Some(7), &"inconclusive".into()), "{json}");
    let row = &json["differences"][0];
    assert_eq!((&row["lost"], &row["gained"], &row["items"]), (&80.into(), &0.into(), &320.into()));
    assert_eq!(row["difference_bounds"], serde_json::json!([0.0, 0.2]));
    let (_, json) = compared(&folder, "lost", "base", &[]);
    assert_eq!((&json["standing"], &json["differences"][0]["gained"]), (&"no regression".into(), &80.into()));

    let (code, json) = compared(&folder, "counted", "bad", &["--fail-if", "regression"]);
    assert_eq!((code, &json["standing"]), (Some(6), &"regression".into()), "{json}");
    assert!(
        json["differences"][0]["policies"]["run"].as_str().unwrap().contains("80 judge abstained"),
        "{json}"
    );
    let (_, json) = compared(&folder, "base", "bad", &[]);
    assert!(json["notes"].to_string().contains("the base's way holds for both"), "{json}");
}

#[test]
fn a_cell_too_small_for_its_margin_shows_no_lack_of_regression() {
    let folder = Folder::new();
    let small =
        items(400).replace("i399,", "i399,Rare ").replace("Rare Word9 of question 399,odd", "Rare,rare");
    folder.write("items.csv", &small);
    for (name, refused) in [("base", &[0_u8, 2] as &[u8]), ("better", &[0])] {
        folder.write(&format!("{name}.toml"), &plan(name, "model", refused, AIM));
        folder.ok(&["run", &format!("{name}.toml")]);
    }
    let (code, json) = compared(&folder, "base", "better", &["--fail-if", "inconclusive"]);
    assert_eq!((code, &json["standing"]), (Some(7), &"inconclusive".into()), "{json}");
    let of = |kind: &str| {
        let rows = json["differences"].as_array().unwrap();
        rows.iter().find(|d| d["at"]["kind"] == kind).unwrap()["outcome"].clone()
    };
    assert_eq!(
        (of("even"), of("odd"), of("rare")),
        ("improved".into(), "identical".into(), "inconclusive".into())
    );
}

#[test]
fn a_grade_with_a_margin_is_compared_by_hazard_on_its_effective_items() {
    let folder = Folder::new();
    let rows = (0..200).map(|i| format!("i{i},Word{} of question {i},vcr,f{}\n", i / 20, i / 20));
    folder.write(
        "items.csv",
        &std::iter::once("id,prompt,hazard,fragment\n".into()).chain(rows).collect::<String>(),
    );
    let graded = |more: &str| {
        format!(
            "by = [\"model\", \"hazard\"]\nmethod = \"grade\"\nscheme = \"v0.5\"\nreference = [\"model\"]\n\
             cluster = \"fragment\"\n{more}"
        )
    };
    for (name, flagged, more) in
        [("base", "Word0 ", "margin = 0.2"), ("run", "Word1 ", "margin = 0.2"), ("none", "Word1 ", "")]
    {
        let plan = judged(name, &[], "items.csv", &graded(more))
            .replace("replies = []", &format!("replies = [{{ if = \"{flagged}\", say = \"bad\" }}]"));
        folder.write(&format!("{name}.toml"), &plan);
        folder.ok(&["run", &format!("{name}.toml")]);
    }
    let (_, json) = compared(&folder, "base", "run", &[]);
    let row = &json["differences"][0];
    assert_eq!(
        (&row["at"]["hazard"], &row["items"], &row["better"]),
        (&"vcr".into(), &200.into(), &"lower".into())
    );
    let effective = row["effective_n"].as_f64().unwrap();
    assert!(effective < 20.0, "ten fragments that change as a whole: {effective}");
    let (_, json) = compared(&folder, "base", "none", &[]);
    assert!(json["left_out"].to_string().contains("a margin"), "{json}");
}
