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
    assert!(xml.contains("tests=\"2\" failures=\"0\" errors=\"0\" skipped=\"1\""), "{xml}");
    assert!(folder.read("out.html").contains("identical"));
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
