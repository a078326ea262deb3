//! Metrics against ratings: what is joined, what is said, and what is not said.

use plumb_judge::align::{Columns, Naming, Output, Outputs, Settings, align, join};
use plumb_stats::{Draws, Level};
use plumb_study::Document;
use plumb_study::document::{Block, Cell, Table};
use plumb_study::items::{Row, table_rows};
use plumb_study::method::Value;

fn rows(csv: &str, name: &str) -> Vec<Row> {
    table_rows(csv.as_bytes(), name, None).unwrap()
}

fn id() -> Vec<String> {
    vec!["id".to_owned()]
}

fn columns() -> Columns {
    Columns {
        naming: Naming::Columns { scores: id(), ratings: id() },
        problem: None,
        system: None,
        rater: Some("rater".into()),
        weight: None,
        metrics: Vec::new(),
        ratings: Vec::new(),
    }
}

fn settings() -> Settings {
    Settings {
        pass: None,
        similarity: None,
        valued: None,
        least: None,
        raters_fixed: false,
        folds: 5,
        draws: Draws { seed: 1, replicates: 200 },
        level: Level::P95,
        made_by: None,
        title: "test".into(),
    }
}

const SCORES: &str = "id,problem,edit,note\na,p,0.5,x\nb,p,0.75,y\nc,q,,z\nd,q,1,w\n";
const RATINGS: &str = "id,rater,value\na,ann,1\na,bob,2\nb,ann,4\nc,ann,3\ne,ann,2\n";

#[test]
fn outputs_are_what_has_all_metrics_and_a_rating() {
    let with_problem = Columns { problem: Some("problem".into()), ..columns() };
    let found = join(&rows(SCORES, "s.csv"), &rows(RATINGS, "r.csv"), &with_problem).unwrap();
    assert_eq!(
        (found.metrics.as_slice(), found.constructs.as_slice()),
        (&["edit".to_owned()][..], &["value".to_owned()][..])
    );
    assert_eq!((found.raters.as_slice(), found.problems.len()), (&["ann".to_owned(), "bob".into()][..], 1));
    let two: Vec<(f64, usize)> = found.rows.iter().map(|o| (o.metrics[0], o.ratings[0].len())).collect();
    assert_eq!(two, [(0.5, 2), (0.75, 1)]);
    let counts: Vec<u64> = found.left_out.iter().map(|(_, n)| *n).filter(|n| *n > 0).collect();
    assert_eq!(counts, [1, 1, 1, 1], "d has no rating, e no scores, c no metric, and that is edit");
}

#[test]
fn what_a_table_does_not_say_is_told() {
    let named = Columns { problem: Some("problem".into()), system: Some("model".into()), ..columns() };
    let scores = "id,problem,model,edit\na,,m,0.5\nb,,m,0.75\nc,q,,0.25\nd,q,m,1\n";
    let ratings = "id,rater,value,effort\na,ann,1,2\nb,ann,4,3\nc,ann,3,n/a\nd,ann,2,4\n";
    let found = join(&rows(scores, "s.csv"), &rows(ratings, "r.csv"), &named).unwrap();
    // Two outputs without a problem are not answers to the same one.
    assert_eq!((found.problems.len(), found.systems.as_slice()), (3, &["m".to_owned()][..]));
    assert_eq!(found.constructs, ["value"]);
    let told: Vec<String> =
        found.left_out.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{n} {what}")).collect();
    assert!(
        told[0].starts_with("2 outputs name no problem") && told[1].starts_with("1 outputs name no model")
    );
    assert!(
        told[2].contains("`effort` in the ratings") && told[2].contains("\"n/a\" in r.csv:4"),
        "{told:?}"
    );
    // Who is not named could be anybody: two such ratings are not one person's.
    let nameless = "id,rater,value\na,ann,1\na,,3\na,,5\n";
    let error = join(&rows(scores, "s.csv"), &rows(nameless, "r.csv"), &named).unwrap_err().to_string();
    assert!(error.contains("r.csv:3: the rating does not say whose it is"), "{error}");
    let error =
        join(&rows("id,edit\n", "s.csv"), &rows(ratings, "r.csv"), &columns()).unwrap_err().to_string();
    assert!(error.contains("the scores have no rows"), "{error}");
}

#[test]
fn a_line_may_leave_out_what_it_does_not_know() {
    let lines = b"{\"id\": \"a\", \"edit\": 0.5}\n{\"id\": \"b\", \"edit\": 0.75, \"chrf\": 3}\n";
    let scores = table_rows(lines, "s.jsonl", None).unwrap();
    let found = join(&scores, &rows(RATINGS, "r.csv"), &columns()).unwrap();
    assert_eq!((found.metrics.len(), found.rows.len()), (2, 1), "a has no value of chrf");
}

#[test]
fn what_an_output_was_drawn_for_is_read_from_either_table_and_is_no_metric() {
    let weighted = Columns { weight: Some("weight".into()), ..columns() };
    let of = |scores: &str, ratings: &str| {
        let found = join(&rows(scores, "s.csv"), &rows(ratings, "r.csv"), &weighted)?;
        let all: Vec<f64> = found.rows.iter().map(|row| row.stands_for).collect();
        Ok::<_, plumb_study::Error>((found.metrics, found.constructs, all))
    };
    let named = |name: &str| vec![name.to_owned()];
    let (scores, ratings) = ("id,edit,weight\na,1,1.5\nb,0,4\n", "id,rater,value\na,ann,1\nb,ann,2\n");
    assert_eq!(of(scores, ratings).unwrap(), (named("edit"), named("value"), vec![1.5, 4.0]));
    let of_ratings = "id,rater,value,weight\na,ann,1,1.5\nb,ann,2,4\n";
    assert_eq!(
        of("id,edit\na,1\nb,0\n", of_ratings).unwrap(),
        (named("edit"), named("value"), vec![1.5, 4.0])
    );
    for wrong in ["0", "-1", "", "many"] {
        let error = of(&scores.replace("1.5", wrong), ratings).unwrap_err().to_string();
        assert!(error.contains("is no number of outputs above 0"), "{wrong}: {error}");
    }
}

#[test]
fn what_cannot_be_joined_is_an_error_that_says_how_to_mend_it() {
    for (scores, ratings, change, words, help) in [
        (SCORES, RATINGS, "id", "there is no column \"nr\"; columns: id, problem", "--id"),
        ("id,edit\na,1\na,2\n", RATINGS, "", "s.csv:3: the output \"a\" is scored twice", "first at s.csv:2"),
        ("id,edit\nx,1\n", RATINGS, "", "no output has scores and ratings", "--rating-id"),
        ("id,note\na,x\n", RATINGS, "", "no column of the scores holds numbers only", "--metrics"),
        (SCORES, "id,rater\na,ann\n", "", "no column of the ratings holds numbers only", "--ratings-of"),
        (SCORES, RATINGS, "metric", "s.csv:2: `note` is \"x\", which is no number", "missing value"),
    ] {
        let mut columns = columns();
        match change {
            "id" => columns.naming = Naming::Columns { scores: vec!["nr".into()], ratings: id() },
            "metric" => columns.metrics = vec!["note".into()],
            _ => {}
        }
        let error = join(&rows(scores, "s.csv"), &rows(ratings, "r.csv"), &columns).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.help_text().unwrap_or_default().contains(help), "{error}: {:?}", error.help_text());
    }
}

/// Outputs whose ratings follow a law: three raters, of whom the last is stricter.
fn made_up(problems: u32, models: u32, value: impl Fn(f64, f64) -> f64) -> Outputs {
    let mut rows = Vec::new();
    for problem in 0..problems {
        for model in 0..models {
            // Digits that look random enough and are the same every time.
            let mixed = f64::from((problem * 7919 + model * 104_729 + problem * model * 31) % 1000) / 1000.0;
            let pass = f64::from(u8::from((problem * 31 + model * 17) % 5 < 2));
            let ratings = (0..3).map(|rater| {
                let own = f64::from((problem * 13 + model * 7 + rater * 5) % 3) * 0.4 - 0.4;
                (rater, (value(pass, mixed) + own - f64::from(rater / 2)).round().clamp(0.0, 4.0))
            });
            rows.push(Output {
                problem,
                system: Some(model),
                stands_for: 1.0,
                metrics: vec![pass, mixed],
                ratings: vec![ratings.collect()],
            });
        }
    }
    Outputs {
        metrics: vec!["pass".into(), "edit".into()],
        constructs: vec!["value".into()],
        raters: ["ann", "bob", "cy"].map(str::to_owned).to_vec(),
        systems: (0..models).map(|m| format!("model {m}")).collect(),
        problems: (0..problems).map(|p| p.to_string()).collect(),
        rows,
        left_out: Vec::new(),
    }
}

fn tables<'a>(blocks: &'a [Block], all: &mut Vec<&'a Table>) {
    for block in blocks {
        match block {
            Block::Table(table) => all.push(table),
            Block::Fold { blocks, .. } => tables(blocks, all),
            _ => {}
        }
    }
}

/// The cell of a table whose caption or columns hold `of`, in the row that begins with these words.
fn cell<'a>(document: &'a Document, section: &str, column: &str, row: &[&str]) -> &'a Cell {
    let found = document.sections.iter().find(|s| s.title.contains(section)).unwrap();
    let mut all = Vec::new();
    tables(&found.blocks, &mut all);
    for table in all {
        let Some(at) = table.columns.iter().position(|c| c.name == column) else { continue };
        let begins = |cells: &&Vec<Cell>| {
            row.iter()
                .zip(cells.iter())
                .all(|(word, cell)| matches!(cell, Cell::Text(t) | Cell::Toned(t, _) if t == word))
        };
        if let Some(cells) = table.rows.iter().find(begins) {
            return &cells[at];
        }
    }
    panic!("no {column} of {row:?} in {section}");
}

fn number(cell: &Cell) -> f64 {
    match cell {
        Cell::Value(value, _) => value.estimate().unwrap(),
        Cell::Number(x, _) | Cell::Share(x, _) => *x,
        other => panic!("{other:?}"),
    }
}

fn words(document: &Document) -> String {
    fn of(blocks: &[Block], all: &mut String) {
        for block in blocks {
            match block {
                Block::Prose(text) | Block::Note(text) => *all += &format!("{text}\n"),
                Block::Fold { blocks, .. } => of(blocks, all),
                _ => {}
            }
        }
    }
    let mut all = document.warnings.join("\n");
    document.sections.iter().for_each(|section| of(&section.blocks, &mut all));
    all
}

#[test]
fn a_hybrid_gains_where_raters_value_both_and_nothing_where_they_do_not() {
    let hybrid = Settings { pass: Some("pass".into()), similarity: Some("edit".into()), ..settings() };
    let both = align(&made_up(40, 3, |pass, edit| 1.8 * pass + 2.6 * edit), &hybrid).unwrap();
    let gain = cell(&both, "combining", "difference", &["pass + edit"]);
    assert!(matches!(gain, Cell::Value(Value::Interval { low, .. }, _) if *low > 0.0), "{gain:?}");
    let share = number(cell(&both, "combining", "share of outputs", &["COMBINED = 1"]));
    assert!((share - 0.4).abs() < 0.03, "two of five pass: {share}");

    let tests_only = align(&made_up(40, 3, |pass, _| 4.0 * pass), &hybrid).unwrap();
    let gain = number(cell(&tests_only, "combining", "difference", &["COMBINED"]));
    assert!(gain < 0.0, "similarity adds noise only: {gain}");
}

#[test]
fn quadrants_add_up_and_the_two_errors_follow_from_them() {
    let settings = Settings { pass: Some("pass".into()), ..settings() };
    let found = align(&made_up(40, 3, |pass, edit| 1.8 * pass + 2.6 * edit), &settings).unwrap();
    for threshold in ["1", "2", "3 (chosen)", "4"] {
        let of = |column: &str| number(cell(&found, "Tests and", column, &[threshold]));
        let (pv, pn, fv, fn_) =
            (of("passes, valued"), of("passes, not"), of("fails, valued"), of("fails, not"));
        assert!((pv + pn + fv + fn_ - 1.0).abs() < 1e-12);
        assert!((of("of failing: valued") - fv / (fv + fn_)).abs() < 1e-12);
        assert!((of("of passing: not valued") - pn / (pv + pn)).abs() < 1e-12);
    }
    let finds = number(cell(&found, "Tests and", "finds value ≤ 1", &["edit"]));
    assert!(finds > 0.8, "among failing outputs similarity alone decides: {finds}");
}

/// Two raters say so little of raters that an interval around a mean would go on beyond the best rating there is.
#[test]
fn intervals_of_mean_ratings_stay_on_the_scale() {
    let mut outputs = made_up(12, 2, |_, edit| 1.0 + 3.0 * edit);
    outputs.raters.pop();
    for (at, row) in outputs.rows.iter_mut().enumerate() {
        row.ratings = vec![vec![(0, (at % 5) as f64), (1, 4.0)]];
    }
    let found = align(&outputs, &settings()).unwrap();
    for model in ["model 0", "model 1"] {
        let mean = cell(&found, "rank models", "mean value", &[model]);
        let Cell::Value(Value::Interval { low, high, .. }, _) = mean else { panic!("{mean:?}") };
        assert!(0.0 <= *low && *high == 4.0, "{low} {high}");
    }
}

#[test]
fn what_is_not_known_is_said() {
    let outputs = made_up(12, 2, |_, edit| 4.0 * edit);
    let without = align(&outputs, &settings()).unwrap();
    let text = words(&without);
    assert!(text.contains("so COMBINED = min(1, PASS + similarity) cannot be computed"), "{text}");
    assert!(text.contains("Only 12 problems") && text.contains("Only 3 raters"), "{text}");
    assert!(text.contains("from 8 models on"), "{text}");

    let simulated = align(&outputs, &Settings { made_by: Some("simulated".into()), ..settings() }).unwrap();
    assert!(simulated.warnings[0].contains("simulated") && simulated.about.unwrap().contains("no person"));

    for (pass, similarity, said) in [
        (Some("edit"), None, "is not 0 or 1 everywhere"),
        (Some("tests"), None, "no metric here; metrics: pass, edit"),
        (None, Some("edit"), "needs --pass"),
    ] {
        let wrong = Settings {
            pass: pass.map(str::to_owned),
            similarity: similarity.map(str::to_owned),
            ..settings()
        };
        let error = align(&outputs, &wrong).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn one_output_a_problem_brings_williams_and_steiger() {
    let found = align(&made_up(60, 1, |pass, edit| pass + 2.5 * edit), &settings()).unwrap();
    let williams = number(cell(&found, "How closely", "Williams' t", &["edit", "pass"]));
    assert!(williams > 0.0, "edit decides more than pass: {williams}");
    let several = align(&made_up(30, 2, |pass, edit| pass + 2.5 * edit), &settings()).unwrap();
    assert!(words(&several).contains("Williams, Steiger) are left out"));
}

#[test]
fn ratings_of_yes_and_no_are_validated_like_any_judge() {
    let mut outputs = made_up(40, 2, |pass, _| 4.0 * pass);
    for ratings in outputs.rows.iter_mut().flat_map(|row| &mut row.ratings).flatten() {
        ratings.1 = f64::from(u8::from(ratings.1 > 1.5));
    }
    let found = align(&outputs, &settings()).unwrap();
    let recall = number(cell(&found, "judges of yes and no", "recall", &["pass"]));
    assert!((recall - 1.0).abs() < 1e-12, "{recall}");
    assert!(
        matches!(cell(&found, "judges of yes and no", "may vote", &["pass"]), Cell::Text(t) if t == "yes")
    );
    let area = number(cell(&found, "judges of yes and no", "area under the ROC curve", &["edit"]));
    assert!((0.3..0.7).contains(&area), "edit has nothing to do with it: {area}");
}

#[test]
fn equal_input_gives_an_equal_document() {
    let outputs = made_up(25, 3, |pass, edit| pass + 2.0 * edit);
    assert_eq!(align(&outputs, &settings()).unwrap(), align(&outputs, &settings()).unwrap());
    let other = Settings { draws: Draws { seed: 2, replicates: 200 }, ..settings() };
    assert_ne!(align(&outputs, &settings()).unwrap(), align(&outputs, &other).unwrap());
}

#[test]
fn a_mixed_model_says_how_far_ratings_rise_with_a_metric() {
    let outputs = made_up(30, 3, |_, edit| 4.0 * edit);
    let found = align(&outputs, &settings()).unwrap();
    let column = |name: &str, metric: &str| cell(&found, "A mixed model", name, &[metric]);
    let slope = number(column("per standard deviation", "edit"));
    // The metric is nearly uniform on 0 to 1, so four times its standard deviation of 0.29.
    assert!((0.9..1.3).contains(&slope), "{slope}");
    let none = column("per standard deviation", "pass");
    assert!(
        matches!(none, Cell::Value(Value::Interval { low, high, .. }, _) if *low < 0.0 && *high > 0.0),
        "{none:?}"
    );
    assert!(number(column("rater", "edit")) > 0.05, "the last rater is stricter");
    let few = Settings { draws: Draws { seed: 1, replicates: 100 }, ..settings() };
    let many = align(&made_up(1000, 1, |_, edit| 4.0 * edit), &few).unwrap();
    assert!(words(&many).contains("Not fitted: 1003 raters and problems"));
}
