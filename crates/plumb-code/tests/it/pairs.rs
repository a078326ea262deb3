//! Tables of pairs.

use plumb_code::Metric;
use plumb_code::pairs::{Columns, Form, read_pairs, score_pairs};
use plumb_stats::{Draws, Level, Undefined};

const COLUMNS: Columns = Columns { reference: "ref", candidate: "hyp", id: None, cluster: None };

#[test]
fn both_forms_give_the_same_pairs() {
    let csv = "hyp,ref,problem\n\"a\nb\",a,p\nb,b,q\n";
    let lines = "{\"hyp\": \"a\\nb\", \"ref\": \"a\", \"problem\": \"p\"}\n{\"hyp\": \"b\", \"ref\": \"b\", \"problem\": \"q\"}\n";
    let named = Columns { id: Some("problem"), cluster: Some("problem"), ..COLUMNS };
    let read = |text: &str, form| read_pairs(text.as_bytes(), "t", form, named).unwrap();
    assert_eq!(read(csv, Form::Csv), read(lines, Form::JsonLines));
    let unnamed = read_pairs(csv.as_bytes(), "t", Form::Csv, COLUMNS).unwrap();
    assert_eq!((unnamed[0].id.as_str(), unnamed[1].id.as_str()), ("t:2", "t:4"));
}

#[test]
fn faults_name_the_file() {
    for (text, form, words) in [
        ("a,hyp\n1,2\n", Form::Csv, "t: there is no column \"ref\"; columns: a, hyp"),
        ("ref,hyp\n1\n", Form::Csv, "t: CSV error: record 1 (line: 2"),
        ("{\"ref\": 1, \"hyp\": \"\"}", Form::JsonLines, "t:1: `ref` must be a text"),
        ("{\"hyp\": \"\"}", Form::JsonLines, "t:1: `ref` is missing"),
    ] {
        let error = read_pairs(text.as_bytes(), "t", form, COLUMNS).unwrap_err().to_string();
        assert!(error.starts_with(words), "{error}");
    }
}

#[test]
fn means_rest_on_clusters_and_leave_out_what_is_undefined() {
    let rows: String =
        (0..60).map(|i| format!("p{},{},{}\n", i / 3, "a b c d", "a b c d ".repeat(i % 4))).collect();
    let columns = Columns { cluster: Some("problem"), ..COLUMNS };
    let table = format!("problem,ref,hyp\n{rows}");
    let pairs = read_pairs(table.as_bytes(), "t", Form::Csv, columns).unwrap();
    let scores = score_pairs(&pairs, &[Metric::Edit, Metric::NltkBleu(6)], Draws::seeded(1)).unwrap();
    assert_eq!(scores[0].mean.clusters(), 20);
    assert!(scores[0].mean.interval(Level::P95).is_ok());
    assert_eq!(scores[0].sorted().len(), 60);
    let none = score_pairs(&[], &[Metric::Edit], Draws::seeded(1)).unwrap();
    assert_eq!(none[0].mean.estimate(), Err(Undefined::NoData));
}
