//! Study files and imports: what is wrong is said with its place, and a small study gives the numbers that can be counted
//! by hand.

use plumb_human::collect::{freeze, thaw};
use plumb_human::{Data, Study, Verdict, analyse, report};
use plumb_stats::compare::equivalence;
use plumb_study::document::Block;
use plumb_study::items::{Origin, Row};
use plumb_study::{Digest, PlanId};

const STUDY: &str = r#"
name = "two-arms"
title = "Two arms"
unit.price = { step = "0.5", shown = 0.5, label = "EUR" }
factor = [{ id = "help", levels = ["no", "yes"] }]
condition = [{ id = "A", at = { help = "no" } }, { id = "B", at = { help = "yes" } }]
item = [{ id = "1", label = "one", set = "main" }, { id = "2", label = "two", set = "main" }]
measure = [{ id = "answer", label = "answer", unit = "price" }, { id = "truth", label = "truth", unit = "price" }]
outcome = [
  { id = "error", label = "error", of = "abs(answer - truth)", unit = "price" },
  { id = "ratio", label = "ratio", of = "answer / (answer - truth)" },
]
exclusion = [{ id = "incomplete", fewer_than = 2 }]

[[analysis]]
id = "errors"
section = "Errors"
title = "Error"
outcome = "error"
items = "main"
model = "error ~ help"

[[analysis]]
id = "ratios"
section = "Errors"
title = "Ratio"
outcome = "ratio"
items = ["1"]

[[hypothesis]]
id = "less"
label = "B less A"
analysis = "errors"
contrast = [{ at = { help = "yes" }, weight = 1 }, { at = { condition = "A" }, weight = -1 }]
direction = "less"
family = "main"

[import]
participant = "who"
condition = "arm"
item = "item"
conditions = { a = "A", b = "B" }
missing = { "-1" = "not asked" }
"#;

const CSV: &str = "who,arm,item,answer,truth\n\
    p,a,1,3.0,1\np,a,2,4,1\nq,a,1,3,1.0\nq,a,2,3.5,1\n\
    r,b,1,1,1\nr,b,2,1.5,1\ns,b,1,1.5,1\ns,b,2,-1,1\nt,b,1,9,1\n";

#[test]
fn a_small_study_gives_what_can_be_counted() {
    let study = Study::parse(STUDY, "two.toml").unwrap();
    let data = Data::read(&study, CSV.as_bytes(), "two.csv").unwrap();
    // t has one item of two and is left out.
    assert_eq!((data.participants(), data.rows()), (4, 8));
    assert_eq!(data.excluded(), [("incomplete".to_owned(), 1)]);
    assert_eq!((data.missing()[0].count, data.missing()[0].reason.as_str()), (1, "not asked"));
    let all = analyse(&study, &data).unwrap();
    assert_eq!(all.conditions, [("A".to_owned(), 2), ("B".to_owned(), 2)]);
    let errors = &all.analyses[0];
    assert_eq!(errors.groups[0].mean, Some(2.375));
    assert_eq!(errors.groups[1].mean, Some(1.0 / 3.0));
    assert_eq!(errors.groups[0].median, Some(2.25));
    assert_eq!(errors.missing, [("no answer".to_owned(), 1)]);
    let contrast = &errors.model.as_ref().unwrap().contrasts[0];
    assert!((contrast.test.estimate - (1.0 / 3.0 - 2.375)).abs() < 1e-12);
    assert_eq!(contrast.verdict, Verdict::Supported);
    assert_eq!(all.analyses[1].missing, [("denominator is zero".to_owned(), 1)]);
    // All who were assigned: t is there again, with one outcome of two, as s is.
    assert_eq!((&all.assigned, &all.incomplete), (&vec![2, 3], &(vec![0, 1], 2)));
    let assigned = errors.assigned.as_ref().unwrap();
    let counts: Vec<_> =
        assigned.conditions.iter().map(|c| (c.assigned, c.with_outcome, c.missing)).collect();
    assert_eq!(counts, [(2, 2, 0), (3, 3, 2)]);
    assert!((assigned.contrasts[0].test.estimate - (9.0 / 4.0 - 2.375)).abs() < 1e-12);
    assert_eq!(assigned.contrasts[0].verdict, Verdict::Inconclusive);
    let document = report(&study, &data, &all);
    assert_eq!(
        document.sections.iter().map(|s| s.title.as_str()).collect::<Vec<_>>(),
        ["Participants", "Errors"]
    );
    assert!(document.sections[1].blocks.iter().any(|b| matches!(b, Block::Chart(_))));
}

#[test]
fn a_contrast_may_be_claimed_to_lie_within_bounds() {
    let decided = |bounds: &str| {
        let study = STUDY.replace("direction = \"less\"", &format!("supported_if = {bounds}"));
        let study = Study::parse(&study, "two.toml").unwrap();
        let data = Data::read(&study, CSV.as_bytes(), "two.csv").unwrap();
        let all = analyse(&study, &data).unwrap();
        let contrast = all.analyses[0].model.as_ref().unwrap().contrasts[0].clone();
        let both = equivalence(&contrast.test, contrast.bounds.unwrap().low, contrast.bounds.unwrap().high);
        assert_eq!(contrast.p, both.unwrap().p, "the larger of the two one-sided p");
        let shown = format!("{:?}", report(&study, &data, &all));
        assert!(shown.contains("claimed between") && shown.contains("p of that"), "{shown}");
        contrast.verdict
    };
    // The contrast is -2.04 here.
    assert_eq!(decided("{ low = -20, high = 20 }"), Verdict::Supported);
    assert_eq!(decided("{ low = -2, high = 2 }"), Verdict::Inconclusive);
    assert_eq!(decided("{ low = 50, high = 60 }"), Verdict::Contradicted);
    for (keys, words) in [
        ("supported_if = { low = 2, high = -2 }", "`low` must be below `high`"),
        ("direction = \"less\"\nsupported_if = { low = -2, high = 2 }", "no meaning beside bounds"),
    ] {
        let error =
            Study::parse(&STUDY.replace("direction = \"less\"", keys), "two.toml").unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_planned_test_that_the_data_cannot_give_is_named_and_the_rest_is_there() {
    let study = Study::parse(STUDY, "two.toml").unwrap();
    let one_arm = "who,arm,item,answer,truth\np,a,1,3.0,1\np,a,2,4,1\nq,a,1,3,1.0\nq,a,2,3.5,1\n";
    let data = Data::read(&study, one_arm.as_bytes(), "two.csv").unwrap();
    let all = analyse(&study, &data).unwrap();
    let errors = &all.analyses[0];
    assert!(errors.model.is_none() && errors.groups[0].mean == Some(2.375));
    let [why] = &errors.failed[..] else { panic!("{:?}", errors.failed) };
    assert!(why.contains("error ~ help") && why.contains("nothing can be compared"), "{why}");
    assert!(report(&study, &data, &all).warnings.iter().any(|warning| warning.contains(why.as_str())));
}

#[test]
fn faults_of_data_name_their_line() {
    let study = Study::parse(STUDY, "two.toml").unwrap();
    for (csv, wanted) in [
        ("who,arm,item,answer\n", "there is no column truth"),
        ("who,arm,item,answer,truth\np,c,1,1,1\n", "line 2: c is no condition"),
        ("who,arm,item,answer,truth\np,a,7,1,1\n", "line 2: 7 is no item"),
        ("who,arm,item,answer,truth\np,a,1,1.2,1\n", "line 2: answer is 1.2, which is no multiple"),
        ("who,arm,item,answer,truth\np,a,1,,1\n", "line 2: answer is \"\", which is no number"),
        (
            "who,arm,item,answer,truth\np,a,1,1,1\np,b,2,1,1\n",
            "line 3: this participant was in another condition",
        ),
        ("who,arm,item,answer,truth\np,a,1,1,1\np,a,1,1,1\n", "line 3: this participant has this item"),
    ] {
        let message = Data::read(&study, csv.as_bytes(), "two.csv").unwrap_err().to_string();
        assert!(message.starts_with("two.csv: ") && message.contains(wanted), "{message}");
    }
}

#[test]
fn faults_of_a_study_name_their_part() {
    for (from, to, wanted) in [
        ("title = \"Two arms\"", "titel = \"Two arms\"", "line 3: unknown field `titel`"),
        ("id = \"2\"", "id = \"1\"", "line 7: item 1: id: two of item have the id 1"),
        ("unit = \"price\" }]", "unit = \"euro\" }]", "line 8: measure truth: unit: there is no unit euro"),
        (
            "abs(answer",
            "abs(guess",
            "line 10: outcome error: of: \"abs(guess - truth)\": there is no measure guess",
        ),
        (
            "model = \"error ~ help\"",
            "model = \"ratio ~ help\"",
            "analysis errors: model: ratio ~ help: the response",
        ),
        ("outcome = \"ratio\"", "outcome = \"rate\"", "analysis ratios: outcome: there is no outcome rate"),
        ("items = \"main\"", "items = \"rest\"", "there is no item or set of items rest"),
        (
            "help = \"yes\" }, weight",
            "help = \"maybe\" }, weight",
            "hypothesis less: contrast: there is no level of help maybe",
        ),
        ("a = \"A\"", "a = \"C\"", "import: conditions: there is no condition C"),
    ] {
        let message = Study::parse(&STUDY.replacen(from, to, 1), "two.toml").unwrap_err().to_string();
        assert!(message.starts_with("two.toml: ") && message.contains(wanted), "{to}: {message}");
    }
}

const RATED: &str = r#"
name = "rate"
title = "Ratings"
condition = [{ id = "ALL" }]
attribute = [{ id = "answer", label = "answer", kind = "text" }]
measure = [{ id = "value", label = "value", answer = { kind = "likert", points = 5, low = "low", high = "high" } }]
outcome = [{ id = "valued", label = "valued", of = "value > 3" }]
analysis = [{ id = "valued", section = "Value", title = "Valued", outcome = "valued", items = "rated" }]
[stimuli]
from = { run = "runs/coders", take = 2, by = ["pass"], seed = 1 }
"#;

/// Three outputs that fail and one that passes.
fn outputs() -> Vec<Row> {
    let output = |item: &str, pass: &str| {
        let values = [("item", item), ("answer", item), ("pass", pass)];
        let values = values.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Row::new("run".into(), values).about(&Origin {
            plan: PlanId(Digest::of(b"coders")),
            item: item.into(),
            subject: "coder".into(),
            rep: 0,
            answer: Digest::of(item.as_bytes()),
        })
    };
    vec![output("a", "no"), output("b", "no"), output("c", "no"), output("d", "yes")]
}

fn rated() -> Study {
    let from = Study::sampled(RATED, "rate.toml").unwrap().unwrap();
    let drawn = from.draw(&outputs()).unwrap();
    Study::parse_with(RATED, "rate.toml", &|name| {
        assert_eq!(name, "runs/coders");
        Ok(drawn.clone())
    })
    .unwrap()
}

#[test]
fn what_was_drawn_from_a_run_is_frozen_with_its_origins_and_weights() {
    let study = rated();
    let plan = freeze(&study, RATED).unwrap();
    let canonical = plumb_study::format::canonical(&plan);
    let read = plumb_study::format::decode(&canonical.header.text, &canonical.items.text).unwrap();
    // The run is gone by now: the plan alone has all of it.
    let thawed = thaw(&read).unwrap();
    let weights: Vec<Option<f64>> = thawed.items().map(|item| thawed.weight(item)).collect();
    assert_eq!(weights, [Some(3.0), Some(1.0)]);
    for (item, of) in thawed.items().zip(&read.items) {
        assert_eq!(thawed.origin(item), of.origin.as_ref());
        assert_eq!(of.origin.as_ref().unwrap().subject.as_str(), "coder");
    }
    assert_eq!(thawed.origin("o002").unwrap().item.as_str(), "d");
}

#[test]
fn weights_count_in_shares_and_second_answers_in_reliability_alone() {
    let study = rated();
    // Of the three that fail one was drawn, and both raters give it little; the other is valued.
    let csv = "participant,condition,item,repetition,value\n\
        p,ALL,o001,1,1\np,ALL,o002,1,5\np,ALL,o001,2,1\n\
        q,ALL,o001,1,2\nq,ALL,o002,1,4\nq,ALL,o001,2,4\nr,ALL,o001,1,2\n";
    let data = Data::read(&study, csv.as_bytes(), "rate.csv").unwrap();
    let all = analyse(&study, &data).unwrap();
    let group = &all.analyses[0].groups[0];
    assert_eq!((group.rows, group.mean), (5, Some(0.4)));
    assert_eq!(group.weighted.unwrap().mean, 0.25);
    let repeat = &all.repeats[0];
    assert_eq!((repeat.pairs, repeat.participants, repeat.shift), (2, 2, 1.0));
    assert_eq!(repeat.same.rate().unwrap(), 0.5);
    // One-way analysis of variance of the pairs (1, 1) and (2, 4) by hand: MSB 4, MSW 1, so (4 − 1) / (4 + 1).
    assert!((repeat.reliability.estimate().unwrap() - 0.6).abs() < 1e-12);
}

const CHECKED: &str = r#"
name = "checked"
title = "Checked"
factor = [{ id = "help", levels = ["no", "yes"] }]
condition = [{ id = "A", at = { help = "no" } }, { id = "B", at = { help = "yes" } }]
item = [{ id = "1", label = "one", set = "main" }]
measure = [{ id = "answer", label = "answer", unit = "half" }]
unit.half = { step = "0.5", shown = 0.5, label = "points" }
outcome = [{ id = "answer", label = "answer", of = "answer", unit = "half" }]
exclusion = [{ id = "asleep", missed_checks = 2 }]
question = [{ id = "awake", label = "Yes?", answer = { kind = "choice", options = [{ code = "y", label = "yes" }, { code = "n", label = "no" }] }, correct = "y" },
  { id = "town", label = "Where?", answer = { kind = "choice", options = [{ code = "x", label = "x" }, { code = "z", label = "z" }] } }]
assignment = { rule = "simple", people = 7, strata = ["town"] }
page = [{ id = "you", title = "You", kind = "questionnaire", asks = ["town"] }, { id = "check", title = "Check", kind = "attention", asks = ["awake"], at = "end" }]
analysis = [{ id = "all", section = "All", title = "All", outcome = "answer", items = "main", model = "answer ~ help" }]

[[hypothesis]]
id = "more"
label = "B less A"
analysis = "all"
contrast = [{ at = { help = "yes" }, weight = 1 }, { at = { help = "no" }, weight = -1 }]
family = "main"
"#;

#[test]
fn missed_checks_exclude_and_strata_of_assignment_stand_in_the_model() {
    let study = Study::parse(CHECKED, "checked.toml").unwrap();
    // Means by stratum and condition are 1, 3, 5, 7: within strata B is 2 above A, over all it is 10/3.
    let csv = "participant,condition,item,answer,missed_checks,stratum\n\
        a,A,1,0.5,0,x\nb,A,1,1.5,1,x\nc,B,1,3,0,x\nd,A,1,5,0,z\ne,B,1,6.5,,z\nf,B,1,7.5,0,z\ng,B,1,50,2,z\n";
    let data = Data::read(&study, csv.as_bytes(), "checked.csv").unwrap();
    assert_eq!(data.excluded(), [("asleep".to_owned(), 1)]);
    let all = analyse(&study, &data).unwrap();
    let model = all.analyses[0].model.as_ref().unwrap();
    assert!(model.strata);
    assert!((model.contrasts[0].test.estimate - 2.0).abs() < 1e-12);
    // One stratum is none.
    let flat = csv.replace(",z", ",x");
    let data = Data::read(&study, flat.as_bytes(), "checked.csv").unwrap();
    let plain = analyse(&study, &data).unwrap();
    let model = plain.analyses[0].model.as_ref().unwrap();
    assert!(!model.strata);
    assert!((model.contrasts[0].test.estimate - 10.0 / 3.0).abs() < 1e-12);
    let asleep = CHECKED.replace("kind = \"attention\"", "kind = \"questionnaire\"");
    let message = Study::parse(&asleep, "checked.toml").unwrap_err().to_string();
    assert!(message.contains("no page of kind attention"), "{message}");
}
