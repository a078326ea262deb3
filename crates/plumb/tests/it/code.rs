//! `plumb code metrics`, and a problem set asked of a scripted subject.

use crate::support::Folder;
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

const PAIRS: &str = "{\"reference\": \"return a + b\", \"candidate\": \"return a - b\", \"problem\": \"add\"}\n\
    {\"reference\": \"return 1\", \"candidate\": \"```py\\nreturn 1\\n```\", \"problem\": \"one\"}\n";

#[test]
fn a_table_of_pairs_is_scored() {
    let folder = Folder::new();
    folder.write("pairs.jsonl", PAIRS);
    let found = json(&folder.ok(&["code", "metrics", "pairs.jsonl", "--metrics", "all", "--json"]).out);
    assert_eq!((&found["pairs"], found["metrics"].as_array().unwrap().len()), (&json("2"), 27));
    let edit = found["rows"][0]["values"]["edit"].as_f64().unwrap();
    assert!((edit - 11.0 / 12.0).abs() < 1e-12, "{edit}");
    let undefined = &found["rows"][0]["values"]["nltk-bleu-6"]["undefined"];
    assert!(undefined.as_str().unwrap().starts_with("no trigram"), "{undefined}");

    let args = ["code", "metrics", "pairs.jsonl", "--metrics", "exact,edit", "--fenced", "--id", "problem"];
    let table = folder.ok(&[&args[..], &["--out", "scores.csv"]].concat()).out;
    assert!(table.contains("2 pairs in 2 clusters") && table.contains("scores.csv: 2 rows"), "{table}");
    let rows = folder.read("scores.csv");
    assert!(rows.starts_with("id,exact,edit\nadd,0,0.916") && rows.contains("\none,1,1\n"), "{rows}");
}

#[test]
fn two_files_are_compared() {
    let folder = Folder::new();
    folder.write("a.py", "x = 1\r\n");
    folder.write("b.py", "x = 1\n");
    let args = ["code", "metrics", "a.py", "b.py", "--metrics", "exact,exact-strip", "--json"];
    let found = json(&folder.ok(&args).out);
    assert_eq!(found["rows"][0]["values"], json("{\"exact\": 0.0, \"exact-strip\": 1.0}"));
    assert!(found["metrics"][0]["no_interval"].is_string());
}

#[test]
fn what_is_wrong_is_said() {
    let folder = Folder::new();
    folder.write("pairs.csv", "reference,hyp\na,b\n");
    folder.write("pairs.jsonl", "{\"reference\": \"a\"}");
    for (args, words) in [
        (&["pairs.csv"][..], "there is no column \"candidate\"; columns: reference, hyp"),
        (&["pairs.jsonl"], "pairs.jsonl:1: `candidate` is missing"),
        (&["pairs.jsonl", "--metrics", "bleu"], "there is no metric \"bleu\""),
        (&["pairs.txt"], "not a table of pairs"),
        (&["absent.csv"], "absent.csv: "),
    ] {
        let ended = folder.plumb(&[&["code", "metrics"], args].concat());
        assert_eq!(ended.code, Some(2), "{args:?}");
        assert!(ended.err.contains(words), "{args:?}: {}", ended.err);
    }
}
