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

    let table = folder.ok(&["code", "metrics", "pairs.jsonl", "--metrics", "edit,nltk-bleu-4,chrf"]).out;
    let ranges: Vec<&str> = table.lines().skip(1).take(3).map(|line| line[14..23].trim()).collect();
    assert_eq!(ranges, ["0–1", "0 up", "0–100"], "smoothing lets BLEU exceed 1: {table}");
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
    let words = "pass@3 needs 3 samples of each problem; 2 of 2 problems have fewer, p has 2";
    assert!(ended.code == Some(2) && ended.err.contains(words), "{}", ended.err);
    folder.write("c.jsonl", &line("x", true));
    let ended = folder.plumb(&["code", "score", "a.jsonl", "c.jsonl"]);
    let words = "no problem is in both files: a.jsonl has p, c.jsonl has x";
    assert!(ended.code == Some(2) && ended.err.contains(words), "{}", ended.err);
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
    let whole = ended.out;
    let ended = folder.ok(&args);
    assert!(ended.err.contains("1 samples were run before"), "{}", ended.err);
    assert_eq!(ended.out, whole, "what was run before counts, too");
    let again: Vec<Value> = folder.read("r.jsonl").lines().map(json).collect();
    assert_eq!(again.len(), 2);
    assert_eq!((&again[0]["passed"], &again[1]), (&json("true"), &rows[1]));
    let ended = folder.ok(&args);
    assert!(ended.err.contains("all done before") && ended.out == whole, "{} {}", ended.err, ended.out);
    let counts = json(&folder.ok(&[&args[..], &["--json"]].concat()).out);
    assert_eq!((&counts["passed"], &counts["problems_without_samples"]), (&json("1"), &json("0")));
    // Other limits are another run.
    let ended = folder.plumb(&[&args[..], &["--cpu", "9", "--no-rerun"]].concat());
    let words = "holds results of another run: other limits, --no-rerun";
    assert!(ended.code == Some(2) && ended.err.contains(words), "{}", ended.err);
}

#[test]
fn samples_of_a_problem_are_shown_in_order_and_in_short() {
    let folder = Folder::new();
    let second = PROBLEM.replace("t/0", "t/1");
    folder.write("p.jsonl", &format!("{}\n{second}\n", PROBLEM.trim_end()));
    let sample = |code: &str| serde_json::json!({ "task_id": "t/0", "completion": code }).to_string() + "\n";
    let noisy = "    import time; time.sleep(0.3)\n    print('x' * 100000 + '\\x1b[2J')\n    return a + b";
    folder.write("s.jsonl", &[sample(noisy), sample("    return a + b"), sample("    return a")].concat());
    let args =
        ["code", "exec", "--problems", "p.jsonl", "--samples", "s.jsonl", "--python", "/usr/bin/python3"];
    let ended = folder.plumb(&[&args[..], &["--problem", "t/0", "--verbose"]].concat());
    if ended.err.contains("isolation") || ended.err.contains("cannot be used") {
        eprintln!("skipped: needs a sandbox and a Python ({})", ended.err);
        return;
    }
    let heads: Vec<&str> = ended.out.lines().filter(|line| line.contains("· sample")).collect();
    assert_eq!(heads, ["── t/0 · sample 0", "── t/0 · sample 1", "── t/0 · sample 2"], "{}", ended.out);
    let short = ended.out.len() < 10_000;
    assert!(short && !ended.out.contains('\u{1b}') && ended.out.contains("\\u{1b}[2J"), "{}", ended.out);
    let ended = folder.ok(&args);
    assert!(ended.out.contains("\n1 problem has no sample, and pass@k leaves it out\n"), "{}", ended.out);
}

#[test]
fn what_is_wrong_with_a_run_is_said() {
    let folder = Folder::new();
    folder.write("p.jsonl", PROBLEM);
    folder.write("torn.jsonl", "{\"task_id\": \"t/0\",");
    for (args, words) in [
        (&[][..], "it is not said what to run"),
        (&["--canonical", "--workers", "0"], "invalid value '0' for '--workers"),
        (
            &["--canonical", "--python", "/bin/true"],
            "/bin/true cannot be used: it does not answer as Python does",
        ),
        (
            &["--samples", "torn.jsonl", "--python", "/usr/bin/python3"],
            "torn.jsonl:1: not JSON: EOF while parsing a value at column",
        ),
    ] {
        let ended = folder.plumb(&[&["code", "exec", "--problems", "p.jsonl"], args].concat());
        if ended.err.contains("isolation") {
            eprintln!("skipped: needs a sandbox ({})", ended.err);
            return;
        }
        assert_eq!(ended.code, Some(2), "{args:?}: {}", ended.err);
        assert!(ended.err.contains(words), "{args:?}: {}", ended.err);
    }
}

#[test]
fn why_samples_are_undecided_is_said() {
    let folder = Folder::new();
    folder.write("p.jsonl", &PROBLEM.replace("def check(candidate):", "def check(candidate)"));
    folder.write("s.jsonl", &"{\"task_id\": \"t/0\", \"completion\": \"    return a + b\"}\n".repeat(2));
    let args =
        ["code", "exec", "--problems", "p.jsonl", "--samples", "s.jsonl", "--python", "/usr/bin/python3"];
    let ended = folder.plumb(&args);
    if ended.err.contains("isolation") || ended.err.contains("cannot be used") {
        eprintln!("skipped: needs a sandbox and a Python ({})", ended.err);
        return;
    }
    assert_eq!(ended.code, Some(3), "{}", ended.err);
    let said = ended.out.lines().find(|line| line.starts_with("undecided: ")).unwrap_or_default();
    assert!(said.contains("SyntaxError") && said.ends_with("(2, first t/0 · sample 0)"), "{}", ended.out);
    let all = json(&folder.plumb(&[&args[..], &["--json"]].concat()).out);
    assert_eq!((&all["why_undecided"][0]["count"], &all["passed"]), (&json("2"), &json("0")));
}

/// A base model continues, a chat model answers in prose; both become samples that `plumb code exec` and others run.
const ASKED: &str = r#"
name = "asked"
seed = 1
[[items]]
id = "continue"
reader = "problems"
path = "p.jsonl"
as = "completion"
subjects = ["base"]
[[items]]
id = "answer"
reader = "problems"
path = "p.jsonl"
id_prefix = "chat-"
subjects = ["chat"]
[[subject]]
id = "base"
kind = "scripted"
otherwise = "    return a + b"
[[subject]]
id = "chat"
kind = "scripted"
otherwise = "Sure:\n```python\ndef add(a, b):\n    return a - b\n```\nThat adds them."
"#;

#[test]
fn answers_of_a_run_are_exported_as_samples() {
    let folder = Folder::new();
    folder.write("p.jsonl", PROBLEM);
    folder.write("asked.toml", ASKED);
    folder.ok(&["run", "asked.toml"]);
    let args = ["export", "runs/asked", "--format", "samples"];
    let ended = folder.plumb(&args);
    assert!(
        ended.code == Some(2) && ended.err.contains("--subject names one of base, chat"),
        "{}",
        ended.err
    );
    let ended = folder.plumb(&[&args[..], &["--subject", "nobody"]].concat());
    assert!(ended.code == Some(2) && ended.err.contains("there is no subject \"nobody\""), "{}", ended.err);
    for (subject, expected) in [
        ("base", json(r#"{ "task_id": "t/0", "completion": "    return a + b" }"#)),
        (
            "chat",
            json(
                r#"{ "task_id": "chat-t/0", "completion": "\ndef add(a, b):\n    return a - b", "solution": "def add(a, b):\n    return a - b" }"#,
            ),
        ),
    ] {
        let said = folder.ok(&[&args[..], &["--subject", subject, "--json"]].concat()).out;
        assert_eq!(json(&said)["samples"], 1);
        let rows: Vec<Value> = folder.read("runs/asked/samples.jsonl").lines().map(json).collect();
        assert_eq!(rows, [expected]);
    }
    assert!(
        folder
            .plumb(&["export", "runs/asked", "--subject", "base"])
            .err
            .contains("goes with --format samples")
    );
}
