//! Outputs of one run that another plan rates or judges again, and metrics and ratings brought together by what they are about.

use crate::support::Folder;
use serde_json::Value;

/// Two coders answer six problems; a metric and a test of their own look at the answers.
const CODERS: &str = r#"
name = "coders"
seed = 1
[[items]]
reader = "csv"
path = "problems.csv"
[[subject]]
id = "near"
kind = "scripted"
replies = [ { if = "odd", say = "return x + 1" } ]
otherwise = "return x - 1"
[[subject]]
id = "far"
kind = "scripted"
otherwise = "import this"
[[judge]]
id = "same"
kind = "similarity"
metric = ["edit"]
"#;

/// Another metric on the same answers, in a plan of its own.
const AGAIN: &str = r#"
name = "again"
seed = 1
[[items]]
reader = "run"
path = "runs/coders"
[[judge]]
id = "more"
kind = "similarity"
metric = ["chrf"]
"#;

/// Raters who are shown the answers of the first run.
const RATERS: &str = r#"
name = "raters"
seed = 1
[[items]]
reader = "csv"
path = "shown.csv"
[[subject]]
id = "ann"
kind = "scripted"
replies = [ { if = "x", say = "4" } ]
otherwise = "1"
[[subject]]
id = "bob"
kind = "scripted"
replies = [ { if = "+", say = "5" }, { if = "x", say = "3" } ]
otherwise = "2"
[[judge]]
id = "value"
kind = "numeric"
"#;

fn ran() -> Folder {
    let folder = Folder::new();
    let mut problems = "id,prompt,target\n".to_owned();
    for n in 0..6 {
        let kind = if n % 2 == 1 { "odd" } else { "even" };
        problems += &format!("p{n},An {kind} problem {n}.,return x + {n}\n");
    }
    folder.write("problems.csv", &problems);
    folder.write("coders.toml", CODERS);
    folder.ok(&["run", "coders.toml"]);
    folder
}

/// What raters are shown: the answers of the run, as `plumb export` wrote them, with a prompt of their own.
fn show(folder: &Folder) -> String {
    folder.ok(&["export", "runs/coders", "--format", "csv", "--out", "trials.csv"]);
    let (mut reader, mut out) =
        (csv::Reader::from_path(folder.path().join("trials.csv")).unwrap(), Vec::new());
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|h| h == name).unwrap();
    let kept: Vec<usize> =
        header.iter().enumerate().filter(|(_, h)| h.starts_with("origin_")).map(|(at, _)| at).collect();
    assert_eq!(kept.len(), 5);
    let mut writer = csv::Writer::from_writer(&mut out);
    let names = ["id", "prompt"].into_iter().chain(kept.iter().map(|at| &header[*at]));
    writer.write_record(names).unwrap();
    for (number, row) in reader.records().map(Result::unwrap).enumerate() {
        let own = [format!("shown-{number}"), row[at("answer")].to_owned()];
        writer.write_record(own.iter().map(String::as_str).chain(kept.iter().map(|at| &row[*at]))).unwrap();
    }
    drop(writer);
    String::from_utf8(out).unwrap()
}

fn table<'a>(document: &'a Value, section: &str, column: &str) -> &'a Value {
    let sections = document["sections"].as_array().unwrap();
    let found = sections.iter().find(|s| s["title"].as_str().unwrap().starts_with(section)).unwrap();
    let mut tables = found["blocks"].as_array().unwrap().iter().filter_map(|block| block.get("table"));
    tables.find(|table| table["columns"].as_array().unwrap().iter().any(|name| name == column)).unwrap()
}

#[test]
fn metrics_of_two_runs_and_ratings_of_a_third_meet_by_what_they_are_about() {
    let folder = ran();
    folder.write("again.toml", AGAIN);
    folder.ok(&["run", "again.toml"]);
    folder.write("shown.csv", &show(&folder));
    folder.write("raters.toml", RATERS);
    folder.ok(&["run", "raters.toml"]);
    let args = [
        "align",
        "--scores",
        "runs/coders",
        "--scores",
        "runs/again",
        "--ratings",
        "runs/raters",
        "--made-by",
        "scripted",
        "--draws",
        "200",
        "--json",
    ];
    let found: Value = serde_json::from_str(&folder.ok(&args).out).unwrap();
    let facts: Vec<(&str, &str)> = found["facts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fact| (fact["name"].as_str().unwrap(), fact["value"].as_str().unwrap()))
        .collect();
    let expected =
        [("outputs", "12"), ("problems", "6"), ("models", "2"), ("ratings", "24"), ("raters", "2")];
    assert_eq!(facts, expected);
    let rows = table(&found, "How closely", "Pearson's r")["rows"].as_array().unwrap();
    let metrics: Vec<&str> = rows.iter().map(|row| row[0].as_str().unwrap()).collect();
    assert!(metrics.contains(&"same.edit") && metrics.contains(&"more.chrf"), "{metrics:?}");
}

#[test]
fn a_rating_of_a_text_that_was_changed_is_refused() {
    let folder = ran();
    let shown = show(&folder);
    // The last digit of the answer's digest is another one.
    let changed: Vec<String> = shown
        .lines()
        .enumerate()
        .map(|(at, line)| match (at, line.pop_last()) {
            (1, Some((head, last))) => format!("{head}{}", if last == '0' { '1' } else { '0' }),
            _ => line.to_owned(),
        })
        .collect();
    folder.write("shown.csv", &(changed.join("\n") + "\n"));
    folder.write("raters.toml", RATERS);
    folder.ok(&["run", "raters.toml"]);
    let ended = folder.plumb(&["align", "--scores", "runs/coders", "--ratings", "runs/raters"]);
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(ended.err.contains("it is about another text than the answer of near to p0"), "{}", ended.err);
}

/// A line without its last letter, and that letter.
trait PopLast {
    fn pop_last(&self) -> Option<(&str, char)>;
}

impl PopLast for str {
    fn pop_last(&self) -> Option<(&str, char)> {
        self.char_indices().next_back().map(|(at, last)| (&self[..at], last))
    }
}

/// Prompts that another run asked, or nearly those, are kept out of a plan that wants prompts nobody was asked.
#[test]
fn a_plan_keeps_apart_from_what_a_run_asked() {
    let folder = ran();
    folder.write(
        "more.csv",
        "id,prompt\np1,An odd problem 1!\nq1,Another question about something else\nq2,What is left to ask?\n",
    );
    let plan = CODERS
        .replace("\"coders\"", "\"fresh\"")
        .replace("path = \"problems.csv\"", "path = \"more.csv\"\napart_from = { run = \"runs/coders\" }");
    folder.write("fresh.toml", plan.split("[[judge]]").next().unwrap());
    folder.ok(&["run", "fresh.toml"]);
    folder.ok(&["export", "runs/fresh", "--format", "csv", "--out", "fresh.csv"]);
    let mut reader = csv::Reader::from_path(folder.path().join("fresh.csv")).unwrap();
    let at = reader.headers().unwrap().iter().position(|name| name == "item").unwrap();
    let asked: std::collections::BTreeSet<String> =
        reader.records().map(|record| record.unwrap()[at].to_owned()).collect();
    assert_eq!(asked.into_iter().collect::<Vec<_>>(), ["q1", "q2"]);
    folder.write("none.toml", &plan.replace("{ run = \"runs/coders\" }", "{ prompt = \"prompt\" }"));
    let refused = folder.plumb(&["plan", "none.toml"]);
    assert!(refused.err.contains("`run` (runs that asked them) is missing"), "{}", refused.err);
}
