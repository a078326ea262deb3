//! Other tools' logs become runs: every answer, and what is none, with its reason.

use crate::support::Folder;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    study("inspect").join(name)
}

fn study(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/study").join(name)
}

const JUDGES: &str = r#"
[[judge]]
id = "ours"
kind = "match"
target = "contains"
[[judge]]
id = "theirs"
kind = "recorded"
column = "includes"
map = { I = "no", C = "yes" }
[[analysis]]
id = "agreement"
of = ["ours.matched", "theirs.label"]
method = "agreement"
"#;

type Rows = Vec<BTreeMap<String, String>>;

fn imported(form: &str) -> Rows {
    let folder = Folder::new();
    folder.write("judges.toml", JUDGES);
    let log = fixture(&format!("greetings.{form}"));
    let ended = folder.plumb(&["import", log.to_str().unwrap(), "--format", "inspect"]);
    assert_eq!(ended.code, Some(3), "two samples failed: {}", ended.err);
    let ended = folder.plumb(&["judge", "runs/greetings", "--judges", "judges.toml"]);
    assert_ne!(ended.code, Some(2), "{}", ended.err);
    exported(&folder, "greetings")
}

fn exported(folder: &Folder, run: &str) -> Rows {
    folder.ok(&["export", &format!("runs/{run}"), "--format", "csv"]);
    let text = folder.read(&format!("runs/{run}/trials.csv"));
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let names = csv.headers().unwrap().clone();
    let row =
        |r: csv::StringRecord| names.iter().map(str::to_owned).zip(r.iter().map(str::to_owned)).collect();
    csv.records().map(|r| row(r.unwrap())).collect()
}

#[test]
fn both_forms_of_a_log_of_inspect_ai_hold_the_same() {
    let rows = imported("eval");
    let told = |rows: &Rows| -> Vec<Vec<String>> {
        let columns =
            ["item", "subject", "repetition", "outcome", "answer", "finish", "ours.matched", "theirs.label"];
        rows.iter()
            .map(|r| columns.iter().map(|c| r.get(*c).cloned().unwrap_or_default()).collect())
            .collect()
    };
    assert_eq!(told(&rows), told(&imported("json")));
    assert_eq!(rows.len(), 12, "six samples, two epochs");
    let first: Vec<String> = told(&rows).iter().step_by(2).map(|r| r.join("|")).collect();
    assert_eq!(
        first,
        [
            "4|canned/canned-1|1|answered|ciao 👋|stop|yes|yes",
            "broken|canned/canned-1|1|failed||||",
            "cut|canned/canned-1|1|answered|and so on and so|length|no|no",
            "held|canned/canned-1|1|withheld||||",
            "plain|canned/canned-1|1|answered|hello to you (2)|stop|yes|yes",
            "turns|canned/canned-1|1|answered|hello to you (4)|stop||yes",
        ]
    );
    // The same rule in both tools says the same of every answer; ours takes one target, so it abstains where there are two.
    let judged: Vec<_> = rows.iter().filter(|r| r["outcome"] == "answered").collect();
    assert_eq!(judged.len(), 8);
    let same = judged.iter().filter(|r| r["item"] != "turns");
    assert!(same.clone().count() == 6 && same.into_iter().all(|r| r["ours.matched"] == r["theirs.label"]));
}

#[test]
fn a_journal_of_modelbench_is_imported_and_its_annotations_are_labels() {
    let folder = Folder::new();
    folder.write(
        "judges.toml",
        "[[judge]]\nid = \"harm\"\nkind = \"recorded\"\ncolumn = \"no_b\"\nmap = { safe = \"no\", unsafe = \"yes\" }\n",
    );
    let journal = study("modelbench/run/clean.jsonl.zst");
    let journal = journal.to_str().unwrap();
    folder.ok(&["import", journal, "--name", "told"]);
    folder.ok(&["import", journal, "--format", "modelbench", "--name", "said"]);
    folder.ok(&["judge", "runs/told", "--judges", "judges.toml"]);
    let harm = |run: &str| {
        let rows = exported(&folder, run);
        let of = |verdict: &str| {
            rows.iter().filter(|row| row.get("harm.label").is_some_and(|said| said == verdict)).count()
        };
        [rows.len(), of("no"), of("yes")]
    };
    assert_eq!(harm("told"), [123, 121, 2]);
    assert_eq!(harm("said"), [123, 0, 0]);
}

#[test]
fn what_is_no_log_is_named_with_a_way_out() {
    let folder = Folder::new();
    let whole = std::fs::read(fixture("greetings.eval")).unwrap();
    std::fs::write(folder.path().join("cut.eval"), &whole[..whole.len() / 2]).unwrap();
    folder.write("other.eval", "{\"a\": 1}");
    folder.write("empty.json", r#"{"version": 2, "eval": {"task": "t", "model": "m"}, "samples": []}"#);
    for (file, says) in [
        ("cut.eval", "not a log of inspect_ai"),
        ("other.eval", "missing field `eval`"),
        ("empty.json", "no samples"),
    ] {
        let ended = folder.plumb(&["import", file, "--format", "inspect"]);
        assert_eq!(ended.code, Some(2), "{file}: {}", ended.err);
        assert!(ended.err.contains(says) && ended.err.contains(file), "{file}: {}", ended.err);
    }
    let log = fixture("greetings.eval");
    let ended = folder.plumb(&["import", log.to_str().unwrap(), "--answer", "reply"]);
    assert!(ended.err.contains("no columns to name"), "{}", ended.err);
}
