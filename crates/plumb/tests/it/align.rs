//! `plumb align`: made-up tables, and the published grades of generated code.

use crate::support::Folder;
use serde_json::Value;
use std::io::Read as _;

/// Twelve problems, two models, three raters; similarity decides.
fn made_up() -> Folder {
    let folder = Folder::new();
    let (mut scores, mut ratings) = ("id,problem,model,pass,edit\n".to_owned(), "id,who,value\n".to_owned());
    for problem in 0..12 {
        for model in 0..2 {
            let edit = f64::from((problem * 37 + model * 53) % 100) / 100.0;
            let id = format!("{problem}-{model}");
            scores += &format!("{id},{problem},m{model},{},{edit}\n", (problem + model) % 2);
            for rater in 0..3 {
                let value =
                    (4.0 * edit + f64::from((problem + rater) % 3) / 2.0 - 0.5).round().clamp(0.0, 4.0);
                ratings += &format!("{id},r{rater},{value}\n");
            }
        }
    }
    folder.write("scores.csv", &scores);
    folder.write("ratings.csv", &ratings);
    folder
}

/// The number in a table of the JSON form: section, column, the row that begins so.
pub fn value(document: &Value, section: &str, column: &str, row: &str) -> Value {
    let sections = document["sections"].as_array().unwrap();
    let found = sections.iter().find(|s| s["title"].as_str().unwrap().starts_with(section)).unwrap();
    let tables = found["blocks"].as_array().unwrap().iter().filter_map(|block| block.get("table"));
    for table in tables {
        let columns = table["columns"].as_array().unwrap();
        let Some(at) = columns.iter().position(|name| name == column) else { continue };
        if let Some(cells) = table["rows"].as_array().unwrap().iter().find(|cells| cells[0] == row) {
            return cells[at].clone();
        }
    }
    panic!("no {column} of {row} in {section}");
}

#[test]
fn tables_give_text_json_and_a_page() {
    let folder = made_up();
    let files =
        ["align", "--scores", "scores.csv", "--ratings", "ratings.csv", "--rater", "who", "--draws", "200"];
    let text = folder.ok(&[&files[..], &["--html", "a.html"]].concat()).out;
    assert!(text.contains("How closely metrics follow value") && text.contains("Only 3 raters"), "{text}");
    let page = folder.read("a.html");
    assert!(page.contains("<svg") && page.contains("value against edit"));
    let hybrid =
        [&files[..], &["--pass", "pass", "--similarity", "edit", "--made-by", "simulated", "--json"]]
            .concat();
    let found: Value = serde_json::from_str(&folder.ok(&hybrid).out).unwrap();
    assert!(found["warnings"][0].as_str().unwrap().contains("simulated"));
    let r = value(&found, "How closely", "Pearson's r", "edit");
    assert!(
        r["estimate"].as_f64().unwrap() > 0.8 && r["low"].as_f64().unwrap() < r["high"].as_f64().unwrap()
    );
    assert!(value(&found, "What combining", "difference", "COMBINED")["estimate"].is_f64());
}

#[test]
fn what_is_wrong_is_said() {
    let folder = made_up();
    folder.write("other.csv", "name,value\nx,1\n");
    for (args, words) in [
        (
            &["--scores", "scores.csv", "--ratings", "other.csv"][..],
            "there is no column \"id\"; columns: name, value",
        ),
        (
            &["--scores", "scores.csv", "--ratings", "other.csv", "--rating-id", "name"],
            "no output has scores and ratings",
        ),
        (&["--scores", "absent.csv", "--ratings", "ratings.csv"], "absent.csv: "),
        (&["--scores", "scores.csv", "--ratings", "ratings.csv", "--pass", "edit"], "not 0 or 1 everywhere"),
        (&["--scores", "scores.csv", "--ratings", "ratings.csv", "--folds", "1"], "two at least"),
        (&["--scores", "scores.csv", "--ratings", "ratings.csv", "--draws", "9"], "at least 100 replicates"),
    ] {
        let ended = folder.plumb(&[&["align"], args].concat());
        assert_eq!(ended.code, Some(2), "{args:?}: {}", ended.err);
        assert!(ended.err.contains(words), "{args:?}: {}", ended.err);
    }
}

/// Pairs and ratings of a file of published grades.
fn graded(folder: &Folder, file: &str) -> bool {
    let Some(data) = std::env::var_os("PLUMB_DATA") else {
        println!("skipped: PLUMB_DATA is not set (published grades of generated code)");
        return false;
    };
    let path = std::path::Path::new(&data).join("code/human_grades").join(file);
    let mut text = String::new();
    let packed = std::fs::File::open(&path).unwrap();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let problems: Vec<serde_json::Map<String, Value>> = serde_json::from_str(&text).unwrap();
    let (mut pairs, mut ratings) = (String::new(), "id,problem,model,rater,grade\n".to_owned());
    for (number, fields) in problems.iter().enumerate() {
        let reference = fields["snippet"].get(0).unwrap_or(&fields["snippet"]);
        for (key, grades) in fields {
            let Some(model) = key.strip_prefix("grade-").filter(|model| *model != "snippet") else {
                continue;
            };
            let id = format!("{number}-{model}");
            let pair = serde_json::json!({ "id": id, "problem": number.to_string(), "reference": reference, "candidate": fields[model] });
            pairs += &format!("{pair}\n");
            for (rater, grade) in grades.as_object().unwrap() {
                ratings += &format!("{id},{number},{model},{rater},{grade}\n");
            }
        }
    }
    folder.write("pairs.jsonl", &pairs);
    folder.write("ratings.csv", &ratings);
    let metrics = ["code", "metrics", "pairs.jsonl", "--metrics", "edit,sacrebleu,chrf,rouge-l"];
    folder.ok(&[&metrics[..], &["--id", "id", "--cluster", "problem", "--out", "scores.csv"]].concat());
    true
}

/// Correlations with the mean grade that were computed with rapidfuzz, sacrebleu, rouge-score and scipy.
fn check(file: &str, outputs: &str, known: &[(&str, &str, f64)]) -> Option<Value> {
    let folder = Folder::new();
    if !graded(&folder, file) {
        return None;
    }
    let args = ["align", "--scores", "scores.csv", "--ratings", "ratings.csv", "--draws", "300", "--json"];
    let document: Value = serde_json::from_str(&folder.ok(&args).out).unwrap();
    assert_eq!(document["facts"][0], serde_json::json!({ "name": "outputs", "value": outputs }));
    for (metric, column, known) in known {
        let found = value(&document, "How closely", column, metric);
        let of = |name: &str| found[name].as_f64().unwrap();
        println!("{file}: {metric}, {column}: {:.4} [{:.3}, {:.3}]", of("estimate"), of("low"), of("high"));
        assert!((of("estimate") - known).abs() < 5e-5, "{metric} {column}: {found}");
        assert!(of("low") < *known && *known < of("high"));
    }
    let hybrid = document["sections"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["title"] == "What combining metrics gains: grade");
    let said = hybrid.unwrap()["blocks"][0]["prose"].as_str().unwrap();
    assert!(said.contains("Nobody ran these outputs"), "{said}");
    Some(document)
}

#[test]
fn grades_of_answers_about_the_standard_library() {
    let found = check(
        "conala-human-grades.json.gz",
        "2360",
        &[
            ("edit", "Pearson's r", 0.6180),
            ("edit", "Spearman's rho", 0.5763),
            ("edit", "Kendall's tau-b", 0.4210),
            ("sacrebleu", "Pearson's r", 0.5730),
            ("chrf", "Pearson's r", 0.6352),
            ("rouge-l", "Pearson's r", 0.6326),
        ],
    );
    check_mixed(found, 0.796_380_5, [2325.078, 0.059_444, 0.200_992, 0.591_865, 0.652_773]);
}

#[test]
fn grades_of_cards() {
    let found = check(
        "hs-human-grades.json.gz",
        "132",
        &[
            ("edit", "Pearson's r", 0.8304),
            ("edit", "Spearman's rho", 0.8605),
            ("edit", "Kendall's tau-b", 0.6884),
            ("sacrebleu", "Pearson's r", 0.7920),
            ("chrf", "Pearson's r", 0.8228),
            ("rouge-l", "Pearson's r", 0.8124),
        ],
    );
    check_mixed(found, 0.769_978_6, [102.986, 0.131_849, 0.144_303, 0.091_522, 0.334_688]);
}

/// Slope of character edit similarity, its degrees of freedom, and the variances between raters, problems, outputs and of
/// the rest, as lme4 1.1-31 with lmerTest 3.1-3 has them (oracles/judge/align.R).
fn check_mixed(found: Option<Value>, slope: f64, others: [f64; 5]) {
    let Some(found) = found else { return };
    let of = |column: &str| value(&found, "A mixed model", column, "edit");
    let ours = of("per standard deviation")["estimate"].as_f64().unwrap();
    assert!((ours - slope).abs() < 1e-5, "{ours}");
    for (column, lme4) in ["df", "rater", "problem", "output", "rest"].iter().zip(others) {
        let ours = of(column).as_f64().unwrap();
        assert!((ours / lme4 - 1.0).abs() < 1e-3, "{column}: {ours} against {lme4}");
    }
}
