//! Every number against scipy, pandas and scikit-learn, on the data and on replicates whose rows were written out.

use serde_json::Value;

use super::blend::Blend;
use super::{Form, Of, Question, Rated, RatedRows, answer};
use crate::{Coefficient, Times};

fn file() -> Value {
    serde_json::from_str(include_str!("../../../../fixtures/stats/aligned.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn whole(value: &Value) -> Vec<u32> {
    numbers(value).iter().map(|v| *v as u32).collect()
}

fn rated(file: &Value) -> Rated {
    let ratings: Vec<Vec<f64>> = file["ratings"].as_array().unwrap().iter().map(numbers).collect();
    let mut rows = RatedRows::new(3);
    for output in file["outputs"].as_array().unwrap().iter().map(numbers) {
        let own: Vec<(u32, f64)> =
            ratings.iter().filter(|r| r[0] == output[0]).map(|r| (r[1] as u32, r[2])).collect();
        rows.add(output[1] as u32, &output[2..], &own).unwrap();
    }
    rows.build()
}

/// Each question with the name of its number in the file.
fn questions(rated: &mut Rated, file: &Value) -> Vec<(String, Question)> {
    let subset = rated.subset(whole(&file["subset"])).unwrap();
    let among = Some(subset);
    let coefficients = [
        ("pearson", Of::Coefficient(Coefficient::Pearson)),
        ("spearman", Of::Coefficient(Coefficient::Spearman)),
        ("kendall", Of::Coefficient(Coefficient::KendallB)),
        ("pairs", Of::Pairs),
        ("alike", Of::PairsWithTies),
    ];
    let forms = [("item", Form::ItemMean), ("rating", Form::PerRating), ("within", Form::WithinProblem)];
    let mut all = Vec::new();
    for metric in 0..3 {
        for (form_name, form) in forms {
            for (name, of) in coefficients {
                let follows = Question::Follows { metric, form, of, among: None };
                all.push((format!("m{metric} {form_name} {name}"), follows));
            }
        }
        for (name, of) in [coefficients[0], coefficients[2]] {
            let follows = Question::Follows { metric, form: Form::ItemMean, of, among };
            all.push((format!("m{metric} subset {name}"), follows));
        }
        all.push((format!("m{metric} finds"), Question::Finds { metric, at_most: 1.5, among }));
        all.push((format!("m{metric} mean"), Question::MeanMetric { metric, among }));
    }
    let fold = whole(&file["folds"]);
    let blend = Blend { metrics: vec![0, 1, 2], folds: 4, fold };
    all.push(("mean rating".into(), Question::MeanRating { among: None }));
    all.push(("rated".into(), Question::Rated { at_least: 2.5, among }));
    all.push(("quadrant".into(), Question::Quadrant { among: subset, at_least: 2.5, below: true }));
    all.push(("one rater".into(), Question::OneRater));
    all.push(("blended".into(), Question::Blended(blend.clone())));
    all.push(("best single".into(), Question::BestSingle(blend)));
    all
}

#[test]
fn every_answer_equals_the_oracle_in_every_replicate() {
    let file = file();
    let mut rated = rated(&file);
    let (names, questions): (Vec<_>, Vec<_>) = questions(&mut rated, &file).into_iter().unzip();
    let mut compared = 0;
    for replicate in file["replicates"].as_array().unwrap() {
        let (problems, raters) = (whole(&replicate["problems"]), whole(&replicate["raters"]));
        let answers = answer::all(&rated, &questions, Times { problems: &problems, raters: &raters });
        for (name, answer) in names.iter().zip(answers) {
            let Some(theirs) = replicate["values"][name].as_f64() else { continue };
            let ours = answer.unwrap();
            assert!((ours - theirs).abs() < 1e-9, "{name}: {ours} against {theirs}");
            compared += 1;
        }
    }
    assert_eq!(compared, 6 * 54, "each number of the file once");
}

#[test]
fn the_fit_on_all_problems_is_the_last() {
    let file = file();
    let rated = rated(&file);
    let blend = rated.blend(&[0, 1, 2], 4, 9).unwrap();
    let fits = rated.fits(&blend);
    assert_eq!((blend.folds(), fits.len()), (4, 5));
    // What a column that repeats another adds: nothing.
    let twice = rated.blend(&[1, 1, 0], 4, 9).unwrap();
    let last = rated.fits(&twice).pop().unwrap();
    assert_eq!(last.weights[1], 0.0);
    let once = rated.fits(&rated.blend(&[1, 0], 4, 9).unwrap()).pop().unwrap();
    assert!((last.weights[0] - once.weights[0]).abs() < 1e-9);
    assert!((last.weights[2] - once.weights[1]).abs() < 1e-9);
}

/// An output that stands for several is in shares and means as if it were there so often, and once in everything else.
#[test]
fn what_an_output_stands_for_is_in_shares_and_means_alone() {
    let outputs = [(0, 1.0, 3.0, 2), (0, 0.0, 1.0, 1), (1, 1.0, 2.0, 3), (2, 0.0, 3.0, 1), (3, 0.5, 1.0, 1)];
    let built = |times: fn(u32) -> u32, stands_for: fn(u32) -> f64| {
        let mut rows = RatedRows::new(1);
        let mut chosen = Vec::new();
        for (problem, metric, rating, stands) in outputs {
            for _ in 0..times(stands) {
                chosen.extend((metric > 0.2).then_some(rows.problem.len() as u32));
                rows.add(problem, &[metric], &[(0, rating)]).unwrap();
                rows.stands_for(stands_for(stands)).unwrap();
            }
        }
        let mut rated = rows.build();
        let among = rated.subset(chosen).unwrap();
        let follows = Question::Follows {
            metric: 0,
            form: Form::ItemMean,
            of: Of::Coefficient(Coefficient::Pearson),
            among: None,
        };
        let questions = [
            Question::Rated { at_least: 2.0, among: None },
            Question::Rated { at_least: 2.0, among: Some(among) },
            Question::Quadrant { among, at_least: 2.0, below: false },
            Question::MeanRating { among: None },
            Question::MeanMetric { metric: 0, among: None },
            follows,
        ];
        let problems = vec![1; rated.problems()];
        answer::all(&rated, &questions, Times { problems: &problems, raters: &[1] })
            .into_iter()
            .map(Result::unwrap)
            .collect::<Vec<f64>>()
    };
    let weighted = built(|_| 1, f64::from);
    let repeated = built(|times| times, |_| 1.0);
    let plain = built(|_| 1, |_| 1.0);
    assert_eq!(weighted[..2], [6.0 / 8.0, 5.0 / 6.0]);
    for (weighted, repeated) in weighted[..5].iter().zip(&repeated) {
        assert!((weighted - repeated).abs() < 1e-12, "{weighted} {repeated}");
    }
    assert_eq!(weighted[5], plain[5]);
    assert_ne!(weighted[0], plain[0]);
    assert!(RatedRows::new(1).stands_for(1.0).is_err());
}
