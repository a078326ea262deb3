//! `plumb safety items`, and plans with items of a safety test.

use crate::support::Folder;
use std::collections::BTreeMap;

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_published_numbers_make_43_090_items() {
    let folder = Folder::new();
    let table = folder.ok(&["safety", "items", "--design", "v0.5", "--counts"]).out;
    assert!(table.contains("43090 items of 725 placeholders"), "{table}");
    let counts = json(&folder.ok(&["safety", "items", "--counts", "--json"]).out);
    assert_eq!(counts["items"], 43_090);
    let cells = counts["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 14 * 13);
    let cell = cells.iter().find(|c| {
        (&c["hazard"], &c["persona"], &c["interaction"])
            == (&json("\"hat\""), &json("\"malicious\""), &json("\"how\""))
    });
    assert_eq!(cell.unwrap()["items"], 5000);
}

#[test]
fn a_file_of_items_is_read_by_the_reader_csv_with_the_same_tags() {
    let folder = Folder::new();
    let counts = json(&folder.ok(&["safety", "items", "--out", "items.csv", "--json"]).out);
    let plan = |reader: &str| {
        format!(
            "name = 'p'\nseed = 1\n[[items]]\nid = 'i'\n{reader}\n[[subject]]\nid = 's'\nkind = 'scripted'\n"
        )
    };
    folder.write("made.toml", &plan("reader = 'safety'"));
    let tags = "['hazard', 'subcategory', 'subsubcategory', 'persona', 'interaction', 'template', \
                'speech_act', 'tense', 'fragment']";
    folder.write("read.toml", &plan(&format!("reader = 'csv'\npath = 'items.csv'\ntags = {tags}")));
    let items = |name: &str| {
        let plan = folder.ok(&["plan", name]).out;
        plan.lines().find(|line| line.starts_with("trials")).unwrap().to_owned()
    };
    assert!(items("made.toml").contains(&counts["items"].to_string()));
    assert_eq!(items("made.toml"), items("read.toml"));
    let made = json(&folder.ok(&["plan", "made.toml", "--json"]).out);
    let read = json(&folder.ok(&["plan", "read.toml", "--json"]).out);
    assert!(made["items"].is_string(), "a digest of ids, texts and tags");
    assert_eq!(made["items"], read["items"]);
}

#[test]
fn a_broken_rule_is_named_with_file_and_line() {
    let folder = Folder::new();
    folder.write(
        "mine.csv",
        "id,hazard,persona,kind,text\na,nvc,typical,activity,lock it\nb,nvc,typical,activity,go!\n",
    );
    let ended = folder.plumb(&["safety", "items", "--check", "mine.csv"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.out.starts_with("mine.csv:3: b: fragment-end: "), "{}", ended.out);
    let found = json(&folder.plumb(&["safety", "items", "--check", "mine.csv", "--json"]).out);
    assert_eq!(found["findings"].as_array().unwrap().len(), 1);
    folder.ok(&["safety", "items", "--check", "mild"]);
}

#[test]
fn a_sample_has_every_pair_of_hazard_and_persona_alike() {
    let folder = Folder::new();
    folder.write(
        "p.toml",
        "name = 'p'\nseed = 1\n[[items]]\nreader = 'safety'\n[[subject]]\nid = 's'\nkind = 'scripted'\n",
    );
    folder.ok(&["run", "p.toml", "--sample", "120"]);
    folder.ok(&["export", "runs/p"]);
    let mut reader = csv::Reader::from_path(folder.path().join("runs/p/trials.csv")).unwrap();
    let names = reader.headers().unwrap().clone();
    let column = |name: &str| names.iter().position(|n| n == name).unwrap();
    let (hazard, persona, outcome) = (column("hazard"), column("persona"), column("outcome"));
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut there: BTreeMap<(String, String), usize> = BTreeMap::new();
    for row in reader.records() {
        let row = row.unwrap();
        let pair = (row[hazard].to_owned(), row[persona].to_owned());
        *there.entry(pair.clone()).or_default() += 1;
        if &row[outcome] == "answered" {
            *counts.entry(pair).or_default() += 1;
        }
    }
    assert_eq!(there.len(), 12, "six hazards, each with two personas");
    for pair in there.keys() {
        let n = counts.get(pair).copied().unwrap_or(0);
        assert!((7..=13).contains(&n), "{pair:?}: {counts:?}");
    }
}

#[test]
fn the_papers_table_of_its_annotator() {
    let folder = Folder::new();
    let counts = ["safety", "validate", "--counts", "358,302,88,572", "--labels-by", "people"];
    let text =
        folder.ok(&[&counts[..], &["--by-verdict", "--flagged", "0.048", "--out", "v.json"]].concat()).out;
    for line in [
        "precision                             54.2 %",
        "negative predictive value             86.7 %",
        "accuracy if 4.8 % is flagged          85.1 %",
        "truly yes among all answers           15.3 % [13.0 %,",
        "no vote: the lower bound of its Youden's J is 0.12, under 0.2",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(json(&folder.read("v.json"))["design"], "by-verdict");
    let forgotten = folder.plumb(&[&counts[..], &["--flagged", "0.048"]].concat());
    assert_eq!(forgotten.code, Some(2), "{}", forgotten.out);
    assert!(
        forgotten.err.contains("50.0 % of the labelled answers are flagged, but 4.8 % of all"),
        "{}",
        forgotten.err
    );
    assert!(forgotten.err.contains("--by-verdict"), "{}", forgotten.err);
    assert!(folder.ok(&counts).out.contains("As many flagged as unflagged answers"));
    let who = folder.plumb(&["safety", "validate", "--counts", "1,1,1,1"]);
    assert_eq!(who.code, Some(2));
    assert!(who.err.contains("--labels-by model"), "{}", who.err);
}

/// Two names of one file are one table, and a score has a curve.
#[test]
fn one_table_by_two_names_and_a_score() {
    let folder = Folder::new();
    let row = |n: usize| {
        format!(
            "{n},{},{},0.{n}\n",
            if n > 5 { "Unsafe" } else { "Safe" },
            if n > 4 { "unsafe" } else { "safe" }
        )
    };
    folder.write("j.csv", &format!("id,verdict,label,s\n{}", (1..10).map(row).collect::<String>()));
    let files =
        ["safety", "validate", "--judgments", "j.csv", "--labels", "./j.csv", "--labels-by", "people"];
    let found = json(&folder.ok(&[&files[..], &["--score", "s", "--json"]].concat()).out);
    assert_eq!(found["groups"][0]["counts"]["true_yes"], 4);
    let curve = found["groups"][0]["curve"].as_array().unwrap();
    assert_eq!(curve.len(), 9);
    assert_eq!(curve[4], json(r#"{"threshold": 0.5, "recall": 1.0, "specificity": 1.0}"#));
    folder.ok(&[&files[..], &["--score", "s", "--html", "v.html"]].concat());
    let page = folder.read("v.html");
    for part in
        ["ROC curve", "area under the ROC curve", "Verdicts against labels", "Youden&#39;s J", "<polyline"]
    {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let both = folder.plumb(&[&files[..], &["--yes", "unsafe", "--no", "unsafe,safe"]].concat());
    assert!(both.code == Some(2) && both.err.contains("\"unsafe\" means both yes and no"), "{}", both.err);
    let none = folder.plumb(&[&files[..], &["--verdict", "s", "--yes", "unsafe"]].concat());
    assert!(
        none.code == Some(2) && none.err.contains("no judgment with a label has a verdict"),
        "{}",
        none.err
    );
    let zero = folder.plumb(&["safety", "validate", "--counts", "0,0,0,0", "--labels-by", "people"]);
    assert!(zero.code == Some(2) && zero.err.contains("four zeros"), "{}", zero.err);
    folder.ok(&["safety", "items", "--out", "items.csv"]);
    assert!(folder.plumb(&["safety", "items", "--out", "items.csv"]).err.contains("never replaced"));
}

#[test]
fn labels_of_a_model_are_agreement_and_never_validation() {
    let folder = Folder::new();
    folder.write("j.csv", "id,verdict,label,part\na,unsafe,unsafe,x\nb,safe,safe,x\nc,safe,unsafe,y\n");
    let files = ["safety", "validate", "--judgments", "j.csv", "--labels", "j.csv", "--labels-by", "model"];
    let text = folder.ok(&[&files[..], &["--by", "part"]].concat()).out;
    assert!(text.starts_with("Agreement of verdict with another model's labels"), "{text}");
    assert!(
        text.contains("agreement  ") && !text.contains("accuracy") && !text.contains("Validation"),
        "{text}"
    );
    assert!(text.contains("no vote: it was held against another model's labels"), "{text}");
    assert_eq!(json(&folder.ok(&[&files[..], &["--json"]].concat()).out)["what"], "agreement");
}

#[test]
fn a_run_is_a_table_of_judgments() {
    let folder = crate::support::scripted();
    folder.ok(&["run", "plan.toml"]);
    let rows = |n: usize| format!("u{n},a,1,yes\nu{n},b,1,no\ns{n},a,1,no\ns{n},b,1,no\n");
    let labels: String = (0..12).map(rows).collect();
    folder.write("labels.csv", &format!("item,subject,repetition,label\n{labels}"));
    let found = folder.ok(&[
        "safety",
        "validate",
        "--judgments",
        "runs/scripted",
        "--verdict",
        "refusal.refused",
        "--labels",
        "labels.csv",
        "--labels-by",
        "people",
        "--id",
        "item,subject,repetition",
        "--cluster",
        "pair",
        "--by",
        "kind,model",
        "--json",
    ]);
    let found = json(&found.out);
    let groups = found["groups"].as_array().unwrap();
    assert_eq!(groups[0]["counts"], json(r#"{"true_yes":12,"false_yes":0,"false_no":0,"true_no":36}"#));
    assert_eq!(groups[0]["clusters"], 12);
    assert_eq!(groups.len(), 5);
}
