//! Metrics against people: grades of generated Python, which others collected, give their known correlations.

use crate::support::{data, text};
use plumb_code::Metric;
use plumb_stats::{Coefficient, Correlations, Draws, Level, Wanted};
use serde_json::{Map, Value};

/// One row an output: the problem it answers, the reference, the output, the mean of its grades.
fn graded(file: &str) -> Option<Vec<(u32, String, String, f64)>> {
    let path = data(&format!("human_grades/{file}"))?;
    let problems: Vec<Map<String, Value>> = serde_json::from_str(&text(&path)).unwrap();
    let mut rows = Vec::new();
    for (problem, fields) in problems.iter().enumerate() {
        let reference = match &fields["snippet"] {
            Value::Array(list) => list[0].as_str().unwrap(),
            other => other.as_str().unwrap(),
        };
        for (name, grades) in fields.iter().filter(|(name, _)| name.starts_with("grade-")) {
            let model = name.trim_start_matches("grade-");
            if model == "snippet" {
                continue;
            }
            let grades: Vec<f64> =
                grades.as_object().unwrap().values().map(|g| g.as_f64().unwrap()).collect();
            let mean = grades.iter().sum::<f64>() / grades.len() as f64;
            rows.push((
                problem as u32,
                reference.to_owned(),
                fields[model].as_str().unwrap().to_owned(),
                mean,
            ));
        }
    }
    Some(rows)
}

fn check(file: &str, outputs: usize, known: &[(Metric, Coefficient, f64)]) {
    let Some(rows) = graded(file) else { return };
    assert_eq!(rows.len(), outputs);
    let metrics = [Metric::Edit, Metric::SacreBleu, Metric::Chrf, Metric::RougeL];
    let mut correlations = Correlations::new(metrics.len());
    for (problem, reference, output, grade) in &rows {
        let scores = metrics.map(|m| m.score(reference, output).unwrap());
        correlations.add(*problem, &scores, *grade).unwrap();
    }
    let draws = Draws { seed: 1, replicates: 1000 };
    for (metric, of, known) in known {
        let at = metrics.iter().position(|m| m == metric).unwrap();
        let found = correlations.correlation(at, *of, draws, Wanted::Default).unwrap();
        let interval = found.interval(Level::P95).unwrap();
        println!(
            "{file}: {metric}, {of}: {:.4} [{:.3}, {:.3}]",
            found.estimate().unwrap(),
            interval.low,
            interval.high
        );
        assert!((found.estimate().unwrap() - known).abs() < 5e-5, "{metric} {of}");
        assert!(interval.contains(*known) && interval.width() < 0.25);
    }
}

#[test]
fn grades_of_answers_about_the_standard_library_follow_metrics_as_known() {
    use Coefficient::{KendallB, Pearson, Spearman};
    check(
        "conala-human-grades.json.gz",
        2360,
        &[
            (Metric::Edit, Pearson, 0.6180),
            (Metric::Edit, Spearman, 0.5763),
            (Metric::Edit, KendallB, 0.4210),
            (Metric::SacreBleu, Pearson, 0.5730),
            (Metric::Chrf, Pearson, 0.6352),
            (Metric::RougeL, Pearson, 0.6326),
        ],
    );
}

#[test]
fn grades_of_cards_follow_metrics_as_known() {
    use Coefficient::{KendallB, Pearson, Spearman};
    check(
        "hs-human-grades.json.gz",
        132,
        &[
            (Metric::Edit, Pearson, 0.8304),
            (Metric::Edit, Spearman, 0.8605),
            (Metric::Edit, KendallB, 0.6884),
            (Metric::SacreBleu, Pearson, 0.7920),
            (Metric::Chrf, Pearson, 0.8228),
            (Metric::RougeL, Pearson, 0.8124),
        ],
    );
}
