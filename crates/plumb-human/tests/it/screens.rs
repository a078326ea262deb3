//! What people see and may enter: fields take what their kind allows and say why not else; models are worked out exactly; the
//! screens of a small study stand as they were once looked at.

use plumb_human::protocol::person::{Event, Input, Person, Slot, Taken, step};
use plumb_human::screen::{self, Field, FieldKind, Part, View};
use plumb_human::{Platform, Study, outline, sequence, sequence_where};
use plumb_study::document::Block;

const STUDY: &str = r#"
name = "shown"
title = "Shown"
consent = { text = { file = "consent.md" } }
unit.price = { step = "0.1", shown = 0.1, label = "million USD", written = "${} million" }
session = { retention_days = 30 }
assignment = { rule = "block", sizes = [1, 2], strata = ["age"], places = { A = 4, B = 4 } }
completion = { url = "https://app.prolific.com/submissions/complete?cc={code}", codes = { completed = "C1", declined = "D1", screened-out = "S1" } }
condition = [{ id = "A", model = "clear", display = "clear" }, { id = "B", model = "rules", display = "black-box" }]
attribute = [{ id = "rooms", label = "rooms", step = "0.5" }, { id = "code", label = "code", kind = "code" }, { id = "kind", label = "kind", kind = "text", shown = false }]
stimuli = { file = "items.csv", given = { truth = "price" }, missing = [""] }
measure = [
  { id = "truth", label = "true price", unit = "price" },
  { id = "model", label = "prediction", unit = "price" },
  { id = "first", label = "first estimate", unit = "price", answer = { kind = "slider", least = "0.1", most = "3" } },
  { id = "sure", label = "sure", answer = { kind = "likert", low = "no", high = "yes" } },
]
question = [
  { id = "age", label = "Age group", answer = { kind = "choice", options = [{ code = "young", label = "under 40" }, { code = "old", label = "40 or more" }] } },
  { id = "task", label = "What do you estimate?", answer = { kind = "choice", options = [{ code = "a", label = "prices" }, { code = "b", label = "rents" }] }, correct = "a" },
]
page = [
  { id = "about", title = "About you", kind = "questionnaire", asks = ["age"] },
  { id = "check", title = "Check", kind = "comprehension", asks = ["task"] },
  { id = "between", title = "Half way", kind = "instructions", text = "Half of it is done.", at = { during = "main" }, after_items = 1 },
]

[[model]]
id = "clear"
label = "The model"
predicts = "model"
form = { kind = "linear", base = -50000, per_step = 100000, prefix = "$", terms = [{ attribute = "rooms", times = 400000 }] }

[[model]]
id = "rules"
label = "The model"
predicts = "model"
form = { kind = "rules", rules = [{ if = [{ attribute = "rooms", least = "2" }], then = "0.9" }], otherwise = "0.4" }

[[block]]
id = "main"
title = "Main"
items = "main"

[[step]]
id = "estimate"
title = "Estimate"
model = "form"
parts = [{ kind = "code", attribute = "code" }]
asks = ["first"]

[[step]]
id = "see"
title = "See"
model = "prediction"
shows = ["truth"]
recalls = ["first"]
asks = ["sure", "first"]
counterbalance = true
"#;

const ITEMS: &str = "id,label,set,rooms,code,kind,price\n1,one,main,1,x = 1,k,0.5\n2,two,main,2.5,y = 2,k,\n";

fn study() -> Study {
    let files = |name: &str| match name {
        "consent.md" => Ok("We store *answers*.\n".to_owned()),
        "items.csv" => Ok(ITEMS.to_owned()),
        other => Err(format!("there is no {other}")),
    };
    Study::parse_with(STUDY, "shown.toml", &files).unwrap()
}

fn field(kind: FieldKind) -> Field {
    Field { id: "f".into(), label: "f".into(), help: None, required: true, kind }
}

#[test]
fn fields_take_what_their_kind_allows() {
    let study = study();
    let words = study.words();
    let first = screen::preview(&study, "A", &sequence(&study, "A", 0, &[0; 32])[0]).fields.remove(0);
    for (typed, read) in
        [("1.2", "1.2"), (" 1,2 ", "1.2"), (".5", "0.5"), ("3", "3.0"), ("1.20", "1.2"), ("0.100000", "0.1")]
    {
        assert_eq!(first.read(typed, words), Ok(read.to_owned()), "{typed}");
    }
    for (typed, why) in [
        ("", "Please answer"),
        ("1.25", "multiple of 0.1"),
        ("1,200", "Is this 1200 or 1.2?"),
        ("1.000", "Is this 1000 or 1?"),
        ("0", "least that can be entered is 0.1"),
        ("3.1", "most that can be entered is 3.0"),
        ("-1", "least"),
        ("1e3", "a number, such as"),
        ("NaN", "a number"),
        ("1,000.5", "a number"),
    ] {
        assert!(first.read(typed, words).unwrap_err().contains(why), "{typed}");
    }
    let likert = field(FieldKind::Likert {
        low: "".into(),
        high: "".into(),
        points: 5,
        words: vec![],
        reversed: true,
    });
    assert_eq!(likert.read("5", words), Ok("5".into()));
    assert!(likert.read("6", words).is_err() && likert.read("0", words).is_err());
    let options = vec![("a".to_owned(), "A".to_owned()), ("b".to_owned(), "B".to_owned())];
    let many = field(FieldKind::Choice { options: options.clone(), many: true });
    assert_eq!(many.read("b,a,b", words), Ok("a,b".into()), "in the options' order, each once");
    let one = field(FieldKind::Choice { options, many: false });
    assert!(one.read("a,b", words).is_err() && one.read("c", words).is_err());
    let text = field(FieldKind::Text { most: 3, lines: 1 });
    assert_eq!(text.read("ä\r\nö", words), Ok("ä\nö".into()));
    assert!(text.read("four", words).unwrap_err().contains('3'));
}

#[test]
fn every_page_is_read_as_a_whole() {
    let study = study();
    let slots = sequence(&study, "A", 1, &[0; 32]);
    let view = screen::preview(&study, "A", &slots[1]);
    assert_eq!(
        view.fields.iter().map(|f| f.id.as_str()).collect::<Vec<_>>(),
        ["first", "sure"],
        "turned by one"
    );
    let sent = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect::<Vec<(String, String)>>()
    };
    let read =
        screen::read(&view.fields, &sent(&[("sure", "2"), ("first", "1"), ("other", "x")]), study.words());
    assert_eq!(
        read.unwrap(),
        sent(&[("first", "1.0"), ("sure", "2")]),
        "what the page does not ask is dropped"
    );
    let wrong = screen::read(&view.fields, &sent(&[("sure", "9")]), study.words()).unwrap_err();
    assert_eq!(wrong.len(), 2);
}

#[test]
fn a_person_meets_the_screens_in_order() {
    let (study, mut person) = (study(), Person::default());
    let course = study.course();
    let take = |person: &mut Person, input: Input| {
        let Taken::Events(events) = step(&course, person, &input) else { panic!("{input:?} is stale") };
        events.iter().for_each(|event| person.apply(event));
        events
    };
    let answer = |person: &Person, pairs: &[(&str, &str)]| {
        let (view, asked) = (screen::view(&study, person), screen::asked(&study, person));
        assert_eq!((asked.fields, asked.reading_s), (view.fields, view.reading_s));
        Input::Answer {
            screen: person.due(),
            values: pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        }
    };
    assert_eq!(screen::view(&study, &person).parts, [Part::Text("We store *answers*.".into())]);
    take(&mut person, Input::Agree);
    let input = answer(&person, &[("age", "old")]);
    take(&mut person, input);
    let input = answer(&person, &[("task", "b")]);
    let events = take(&mut person, input);
    assert!(matches!(&events[..], [Event::Missed { wrong, .. }] if wrong == &["task"]));
    assert_eq!(screen::view(&study, &person).wrong.len(), 1, "the page says that an answer was wrong");
    let input = answer(&person, &[("task", "a")]);
    take(&mut person, input);
    assert_eq!(study.stratum(&person), "old");
    let sequence = sequence(&study, "A", 0, &[0; 32]);
    take(&mut person, Input::Assign { arm: "A".into(), sequence });
    assert_eq!(screen::view(&study, &person).progress, Some((1, 5)));
    let input = answer(&person, &[("first", "0.7")]);
    take(&mut person, input);
    let view = screen::view(&study, &person);
    let recalled = Part::Value { label: "You answered: first estimate".into(), value: "$0.7 million".into() };
    assert!(view.parts.contains(&recalled), "{view:?}");
}

#[test]
fn models_are_worked_out_exactly() {
    let study = study();
    assert_eq!((study.given("A", "1", "model"), study.given("A", "2", "model")), (Some(4), Some(10)));
    assert_eq!((study.given("B", "1", "model"), study.given("B", "2", "model")), (Some(4), Some(9)));
    assert_eq!((study.given("A", "1", "truth"), study.given("A", "2", "truth")), (Some(5), None));
    let slots = sequence(&study, "A", 0, &[0; 32]);
    let view = |slot: usize, condition| screen::preview(&study, condition, &slots[slot]);
    let rows = |view: &View| {
        view.parts.iter().find_map(|p| match p {
            Part::Table { rows, .. } => Some(rows.clone()),
            _ => None,
        })
    };
    // 400,000 × 2.5 − 50,000 = 950,000, which is 1.0 million after rounding, halves away from zero.
    assert_eq!(
        rows(&view(4, "A")).unwrap(),
        [
            ["every time", "−$50,000", "", "−$50,000"],
            ["rooms", "$400,000 ×", "2.5", "$1,000,000"],
            ["sum", "", "", "$950,000"],
        ]
    );
    assert_eq!(
        rows(&view(3, "A")).unwrap()[1],
        ["rooms", "$400,000 ×"],
        "no prediction before it is asked for"
    );
    assert_eq!(rows(&view(4, "B")), None, "a black box shows no rules");
}

#[test]
fn faults_of_screens_are_all_listed_with_their_lines() {
    let files = |_: &str| Ok(ITEMS.to_owned());
    let broken = STUDY
        .replace("correct = \"a\"", "correct = \"c\"")
        .replace("kind = \"comprehension\", asks", "kind = \"comprehension\", at = \"end\", asks")
        .replace("attribute = \"rooms\", times", "attribute = \"halls\", times")
        .replace("declined = \"D1\"", "declined = \"C1\"")
        .replace("most = \"3\"", "most = \"0.05\"")
        .replace("items = \"main\"", "items = \"other\"");
    let message = Study::parse_with(&broken, "shown.toml", &files).unwrap_err().to_string();
    for wanted in [
        "shown.toml: line 8: completion: codes: declined has the code C1 of another end",
        "shown.toml: line 15: measure first: answer: 0.05 is no multiple of its unit's step 0.1",
        "shown.toml: line 20: question task: correct: nobody can enter \"c\"",
        "shown.toml: line 24: page check: at: a check of comprehension can screen people out",
        "shown.toml: line 32: model clear: form: there is no attribute halls; there are rooms, code, kind",
        "shown.toml: line 43: block main: items: it has no items",
    ] {
        assert!(message.lines().any(|line| line.starts_with(wanted)), "{wanted}\n{message}");
    }
}

#[test]
fn the_programs_own_words_are_in_the_study_s_language() {
    let text = STUDY.replacen("title = \"Shown\"", "title = \"Gezeigt\"\nlanguage = \"de\"", 1);
    let files = |name: &str| Ok(if name == "items.csv" { ITEMS } else { "Wir speichern." }.to_owned());
    let study = Study::parse_with(&text, "shown.toml", &files).unwrap();
    let view = screen::view(&study, &Person::default());
    assert_eq!((view.submit.as_str(), study.language.tag()), ("Ich stimme zu und möchte teilnehmen", "de"));
    let wrong = screen::preview(&study, "A", &sequence(&study, "A", 0, &[0; 32])[0]).fields[0]
        .read("9", study.words());
    assert_eq!(wrong.unwrap_err(), "Der größte mögliche Wert ist 3.0.");
}

#[test]
fn files_outside_the_study_are_refused() {
    for path in ["../consent.md", "/etc/passwd", "a/../../b"] {
        let text = STUDY.replace("consent.md", path);
        let files = |_: &str| Ok(ITEMS.to_owned());
        let message = Study::parse_with(&text, "shown.toml", &files).unwrap_err().to_string();
        assert!(message.contains("no file beside the study"), "{message}");
    }
}

#[test]
fn items_with_the_fewest_people_are_given_out_first() {
    let text = STUDY.replace("items = \"main\"\n", "items = \"main\"\ntake = 1\nagain = 1\n");
    let files = |name: &str| Ok(if name == "items.csv" { ITEMS } else { "c" }.to_owned());
    let study = Study::parse_with(&text, "shown.toml", &files).unwrap();
    for seed in 0..20 {
        let slots = sequence_where(&study, "A", 0, &[seed; 32], &|item| usize::from(item == "1"));
        let items: Vec<(&str, u32)> = slots
            .iter()
            .filter_map(|slot| match slot {
                Slot::Trial { item, repetition, .. } => Some((item.as_str(), *repetition)),
                Slot::Page { .. } => None,
            })
            .collect();
        assert_eq!(items, [("2", 0), ("2", 0), ("2", 1), ("2", 1)], "one item, and that once more");
    }
}

#[test]
fn the_outline_of_a_study_shows_every_screen() {
    let study = study();
    let document = outline(&study, Some(Platform::Prolific));
    let mut lines = document.warnings.clone();
    for section in &document.sections {
        lines.push(format!("# {}", section.title));
        for block in &section.blocks {
            lines.push(match block {
                Block::Prose(text) | Block::Note(text) => text.clone(),
                Block::Heading(text) => format!("## {text}"),
                Block::Table(table) => format!("table of {} rows: {}", table.rows.len(), table.caption),
                _ => "something else".to_owned(),
            });
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}
