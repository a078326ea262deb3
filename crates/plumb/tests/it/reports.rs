//! What leaves a run: tables in three forms that say the same, and SQL views.

use crate::support::scripted;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use std::collections::BTreeMap;

type Rows = Vec<BTreeMap<String, String>>;

#[test]
fn csv_json_lines_and_parquet_hold_the_same_rows() {
    let folder = scripted();
    folder.ok(&["run", "plan.toml"]);
    let export = |form: &str| {
        let said = folder.ok(&["export", "runs/scripted", "--format", form]).out;
        assert!(said.contains("48 rows"), "{said}");
        folder.path().join(format!("runs/scripted/trials.{form}"))
    };
    let mut csv = csv::Reader::from_path(export("csv")).unwrap();
    let names = csv.headers().unwrap().clone();
    let from_csv: Rows = csv
        .records()
        .map(|r| {
            names
                .iter()
                .map(str::to_owned)
                .zip(r.unwrap().iter().map(str::to_owned))
                .filter(|(_, v)| !v.is_empty())
                .collect()
        })
        .collect();
    let jsonl = std::fs::read_to_string(export("jsonl")).unwrap();
    let from_json: Rows = jsonl
        .lines()
        .map(|line| {
            let row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
            row.into_iter()
                .map(|(k, v)| (k, v.as_str().map_or_else(|| v.to_string(), str::to_owned)))
                .collect()
        })
        .collect();
    assert_eq!(from_csv, from_json);
    assert_eq!(from_csv, parquet_rows(&export("parquet")));
    assert_eq!(from_csv[0]["refusal.refused"], "yes");
    assert_eq!(from_csv[1]["answer"], "Sure: <b>here</b> it is.");
}

fn parquet_rows(path: &std::path::Path) -> Rows {
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| {
            row.unwrap()
                .get_column_iter()
                .filter(|(_, field)| !matches!(field, Field::Null))
                .map(|(name, field)| match field {
                    Field::Str(text) => (name.clone(), text.clone()),
                    other => (name.clone(), other.to_string()),
                })
                .collect()
        })
        .collect()
}

#[test]
fn text_of_models_does_not_become_markup() {
    let folder = scripted();
    folder.ok(&["run", "plan.toml"]);
    let html = folder.read("runs/scripted/report.html");
    assert!(html.contains("&lt;b&gt;here&lt;/b&gt;") || html.contains("&#60;b&#62;here&#60;/b&#62;"));
    assert!(!html.contains("<b>here</b>"));
}
