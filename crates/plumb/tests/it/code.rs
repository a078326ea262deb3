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

#[test]
fn results_are_scored_and_compared() {
    let folder = Folder::new();
    let line = |task: &str, passed: bool| {
        format!("{{\"task_id\": \"{task}\", \"completion\": \"\", \"passed\": {passed}}}\n")
    };
    folder
        .write("a.jsonl", &[line("p", true), line("p", false), line("q", false), line("q", false)].concat());
    folder.write("b.jsonl", &[line("p", true), line("p", true), line("q", true), line("q", false)].concat());
    let found = json(&folder.ok(&["code", "score", "a.jsonl", "--k", "1,2", "--json"]).out);
    assert_eq!(found["raw"]["pass@1"]["over_problems"]["estimate"], 0.25);
    assert_eq!(found["raw"]["pass@2"]["over_both"]["estimate"], 0.5);
    let found = json(&folder.ok(&["code", "score", "a.jsonl", "b.jsonl", "--json"]).out);
    assert_eq!(
        (&found["raw"]["pass@1"]["estimate"], &found["raw"]["gained"]),
        (&json("0.5"), &json("[\"q\"]"))
    );
    let ended = folder.plumb(&["code", "score", "a.jsonl", "--k", "3"]);
    assert!(ended.code == Some(2) && ended.err.contains("pass@3 needs 3 samples"), "{}", ended.err);
}

const PROBLEM: &str = "{\"task_id\": \"t/0\", \"prompt\": \"def add(a, b):\\n\", \"entry_point\": \"add\", \
    \"canonical_solution\": \"    return a + b\\n\", \"test\": \"def check(candidate):\\n    assert candidate(1, 2) == 3\\n\"}\n";

#[test]
fn samples_are_run_and_a_run_goes_on() {
    let python = "/usr/bin/python3";
    let folder = Folder::new();
    folder.write("p.jsonl", PROBLEM);
    folder.write(
        "s.jsonl",
        "{\"task_id\": \"t/0\", \"completion\": \"    return a + b\"}\n{\"task_id\": \"t/0\", \"completion\": \"   return a\"}\n",
    );
    let args = [
        "code",
        "exec",
        "--problems",
        "p.jsonl",
        "--samples",
        "s.jsonl",
        "--out",
        "r.jsonl",
        "--repair",
        "all",
        "--python",
        python,
    ];
    let ended = folder.plumb(&args);
    if ended.err.contains("isolation") || ended.err.contains("cannot be used") {
        eprintln!("skipped: needs a sandbox and {python} ({})", ended.err);
        return;
    }
    assert!(
        ended.out.contains("1 of 2 passed (1 syntax-error)") || ended.out.contains("1 of 2 passed"),
        "{}",
        ended.out
    );
    let rows: Vec<Value> = folder.read("r.jsonl").lines().map(json).collect();
    assert_eq!((&rows[0]["passed"], &rows[1]["passed"]), (&json("true"), &json("false")));
    // What a stopped run leaves: some whole lines and a torn one.
    let text = folder.read("r.jsonl");
    let second = text.lines().nth(1).unwrap();
    folder.write("r.jsonl.part", &format!("{second}\n{{\"task_id\": \"t/"));
    std::fs::remove_file(folder.path().join("r.jsonl")).unwrap();
    let ended = folder.ok(&args);
    assert!(ended.err.contains("1 samples were run before"), "{}", ended.err);
    let again: Vec<Value> = folder.read("r.jsonl").lines().map(json).collect();
    assert_eq!(again.len(), 2);
    assert_eq!((&again[0]["passed"], &again[1]), (&json("true"), &rows[1]));
    assert!(folder.ok(&args).out.contains("all done before"));
    // Other limits are another run.
    let ended = folder.plumb(&[&args[..], &["--cpu", "9"]].concat());
    assert!(ended.code == Some(2) && ended.err.contains("holds results of another run"), "{}", ended.err);
}
