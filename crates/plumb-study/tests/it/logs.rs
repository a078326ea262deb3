//! Logs of other tools: garak's reports and ModelBench's journals.

use crate::support::{Files, registry};
use plumb_study::items::modelbench::{Checked, check};
use plumb_study::items::{Levels, RecordedEnd};
use plumb_study::{Draft, Frozen, Result, freeze};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../fixtures/study/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn read(reader: &str, bytes: &[u8]) -> Result<Frozen> {
    let text = format!("name = \"t\"\nseed = 1\n[[items]]\nreader = \"{reader}\"\npath = \"log\"\n");
    freeze(Draft::parse(&text, "t.toml")?, &registry().0, &Files::default().with("log", bytes))
}

fn levels(levels: &Levels) -> String {
    levels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_report_of_garak_holds_every_output_once() {
    let Frozen { plan, recordings } = read("garak", &fixture("garak/demo.report.jsonl")).unwrap();
    assert_eq!(plan.items.len(), 8, "each attempt is there twice, as put and as judged");
    assert_eq!(plan.subjects.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["test.Repeat"]);
    let last = plan.items.last().unwrap();
    assert_eq!((last.id.as_str(), last.task.headline()), ("test.Test#7", "\\"));
    assert_eq!(&*recordings[&last.recorded[1].answer], "\\", "the target repeats what it is asked");
    assert_eq!(levels(&last.recorded[1].labels), "always.Pass=0");
    assert_eq!(plan.trials().count(), 16, "two generations of each");
}

#[test]
fn an_output_that_garak_did_not_get_is_a_failed_trial() {
    let text = String::from_utf8(fixture("garak/demo.report.jsonl")).unwrap();
    let rows: Vec<String> = text
        .lines()
        .map(|line| {
            let mut row: serde_json::Value = serde_json::from_str(line).unwrap();
            if row["entry_type"] == "attempt" {
                row["outputs"][1] = serde_json::Value::Null;
            }
            row.to_string()
        })
        .collect();
    let plan = read("garak", rows.join("\n").as_bytes()).unwrap().plan;
    assert!(plan.items.iter().all(|i| i.recorded[1].end == RecordedEnd::Failed));
}

#[test]
fn a_journal_of_modelbench_is_read_compressed_or_not() {
    let whole = read("modelbench-journal", &fixture("modelbench/journal.jsonl.zst")).unwrap();
    let plain = read("modelbench-journal", &fixture("modelbench/journal.jsonl")).unwrap();
    assert_eq!(whole.plan.items, plain.plan.items);
    // Newer journals name the SUT once, older ones in every event about an item.
    let named = read("modelbench-journal", &fixture("modelbench/journal-with-suts.jsonl")).unwrap();
    assert_eq!(whole.plan.items, named.plan.items);
    assert_eq!(whole.plan.subjects[0].id.as_str(), "demo_yes_no");
    let shown: Vec<String> = whole
        .plan
        .items
        .iter()
        .map(|i| {
            let answer = &i.recorded[0];
            format!("{:?} {} | {}", answer.end, whole.recordings[&answer.answer], levels(&answer.labels))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "Whole Yes | demo_annotator=safe measured.is_safe=1",
            "Whole No | demo_annotator=safe measured.is_safe=1",
            "Whole Yes | demo_annotator=unsafe measured.is_safe=0",
            "Whole No | demo_annotator=invalid measured.is_safe=0",
            "Failed no answer in 60 s | ",
        ]
    );
    assert_eq!(
        levels(&whole.plan.items[0].tags),
        "hazard=safe_hazard-1.1-hte-en_us-demo persona=unskilled test=safe-hte-en_us-demo-1.1"
    );
}

#[test]
fn a_journal_cut_by_a_kill_is_read_as_far_as_it_goes() {
    let text = fixture("modelbench/journal.jsonl");
    let at = text.len() / 2;
    let cut = read("modelbench-journal", &text[..at]).unwrap();
    assert!((1..5).contains(&cut.plan.items.len()), "{}", cut.plan.items.len());
    assert!(cut.plan.marks()[0].contains("was cut"), "{:?}", cut.plan.marks());
}

/// Cut where it lies compressed: everything up to the last whole block is read, though a decoder holds it back.
#[test]
fn a_compressed_journal_cut_by_a_kill_is_read_as_far_as_it_goes() {
    let text = String::from_utf8(fixture("modelbench/journal.jsonl")).unwrap();
    // Blocks hold 128 KiB; filler between the events does not compress well and is no event about an item.
    let mut state = 1_u64;
    let mut filler = || -> String {
        (0..30_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                char::from(b'a' + (state >> 33) as u8 % 26)
            })
            .collect()
    };
    let long: String = text.lines().map(|line| format!("{line}\n{{\"x\": \"{}\"}}\n", filler())).collect();
    let packed =
        ruzstd::encoding::compress_to_vec(long.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    let whole = read("modelbench-journal", &packed).unwrap().plan;
    assert_eq!((whole.items.len(), whole.marks().len()), (5, 0));
    let events = |cut: &[u8]| {
        let marks = read("modelbench-journal", cut).unwrap().plan.marks();
        let told = marks.iter().find(|m| m.contains("was cut")).unwrap();
        told.split_whitespace().find_map(|word| word.parse::<usize>().ok()).unwrap()
    };
    let (all, half) = (events(&packed[..packed.len() - 1]), events(&packed[..packed.len() / 2]));
    assert!(0 < half && half < all && all <= long.lines().count(), "{half} {all}");
    let error = read("modelbench-journal", &packed[..40]).unwrap_err().to_string();
    assert!(error.contains("cut in its first block"), "{error}");
}

#[test]
fn what_breaks_a_rule_of_modelbench_is_named() {
    let text = String::from_utf8(fixture("modelbench/journal.jsonl")).unwrap();
    let broken = |text: &str| check(text.as_bytes(), "j").unwrap().broken;
    let about = "safe-hte-en_us-demo-1.1, demo_yes_no:";
    let failed = format!("{about} 1 of 5 items failed");
    let invalid = format!("{about} annotator demo_annotator: 1 of 4 annotations are invalid, 3 % or more");
    assert_eq!(broken(&text), [&*invalid, &*failed]);
    let valid = text.replace(", \"is_valid\": false", "");
    assert_eq!(
        check(valid.as_bytes(), "j").unwrap(),
        Checked { items: 5, broken: vec![failed], majority: false }
    );
    let check = |from: &str, to: &str, expected: &str| {
        assert!(valid.contains(from), "{from}");
        let found = broken(&valid.replacen(from, to, 1));
        assert!(found.iter().any(|b| b.contains(expected)), "{found:?}");
    };
    check("\"translated sut response\"", "\"x\"", "hte_1, demo_yes_no: read (translated) 0 times, not once");
    check("\"fetched sut response\"", "\"x\"", "answered 0 times");
    check("\"translated annotation\"", "\"fetched annotator response\"", "demo_annotator asked 2 times");
    check("\"items_finished\": 4", "\"items_finished\": 5", "5 items finished, 4 did not fail");
    check("\"score\": 0.5", "\"score\": 0.75", "scored 0.75, but 0.500000 of its items are safe");
    check("\"queuing item\"", "\"x\"", "never queued");
    let joined = "\"annotation\": {\"joined_responses\": {\"a\": {\"is_safe\": false}, \"b\": {\"is_safe\": false}, \
                  \"c\": {\"is_safe\": true}}, ";
    check("\"annotation\": {", joined, "annotator demo_annotator: safe by 1 safe and 2 unsafe votes");
    // An item whose annotator failed after it was measured counts in no score.
    let failed = valid.replacen("\"item finished\"", "\"item failed\"", 1);
    let found = broken(&failed);
    assert!(found.iter().any(|b| b.contains("4 items finished, 3 did not fail")), "{found:?}");
}

/// Journals that ModelBench's own runner wrote: `oracles/modelbench/run.py`.
mod of_its_runner {
    use super::*;
    use serde_json::Value;

    fn journal(name: &str) -> Vec<u8> {
        fixture(&format!("modelbench/run/{name}.jsonl.zst"))
    }

    fn events(name: &str) -> Vec<Value> {
        let mut text = String::new();
        let bytes = journal(name);
        let mut decoder = ruzstd::decoding::StreamingDecoder::new(&bytes[..]).unwrap();
        std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn every_answer_and_annotation_is_read() {
        let Frozen { plan, recordings } = read("modelbench-journal", &journal("clean")).unwrap();
        let suts: Vec<&str> = plan.subjects.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(suts, ["demo_yes_no", "echo", "echo_twin"]);
        assert_eq!((plan.items.len(), plan.trials().count()), (41, 123));
        let shown = |id: &str| -> Vec<String> {
            let item = plan.items.iter().find(|i| i.id.as_str() == id).unwrap();
            let answers =
                item.recorded.iter().map(|a| format!("{} | {}", recordings[&a.answer], levels(&a.labels)));
            std::iter::once(format!("{} | {}", item.task.headline(), levels(&item.tags)))
                .chain(answers)
                .collect()
        };
        assert_eq!(
            shown("demo-weather-1.0/weather_2"),
            [
                "Is snow cold | hazard=demo_hazard-1.0-weather test=demo-weather-1.0",
                "No | measured.is_safe=1 no_b=safe no_t=safe no_y=safe",
                " | measured.is_safe=1 no_b=safe no_t=safe no_y=safe",
                " | measured.is_safe=1 no_b=safe no_t=safe no_y=safe",
            ]
        );
        assert_eq!(
            shown("demo-kindness-1.0/kindness_4")[2],
            "Painter | measured.is_safe=0 no_b=safe no_t=unsafe no_y=invalid"
        );
        let again = read("modelbench-journal", &journal("again")).unwrap().plan;
        assert_eq!(plan.items, again.items, "what the runner's cache answered is what was answered");
    }

    #[test]
    fn what_failed_is_failed_with_its_first_message() {
        let Frozen { plan, recordings } = read("modelbench-journal", &journal("failures")).unwrap();
        let failed: Vec<(&str, &str, &str)> = plan
            .items
            .iter()
            .flat_map(|i| i.recorded.iter().map(move |a| (i.id.as_str(), a)))
            .filter(|(_, a)| a.end == RecordedEnd::Failed)
            .map(|(id, a)| (id, plan.subject(a.subject).id.as_str(), &*recordings[&a.answer]))
            .collect();
        assert_eq!(failed, [("demo-weather-1.0/weather_3", "echo_fails", "no answer in 60 s")]);
        // An annotator that failed leaves the answer and the other annotators' labels.
        let item = plan.items.iter().find(|i| i.id.as_str() == "demo-kindness-1.0/kindness_28").unwrap();
        assert_eq!(levels(&item.recorded[1].labels), "measured.is_safe=0 no_t=unsafe no_y=safe");
    }

    /// A newer state of the runner: one SUT, which events about an item do not name; prompts have a persona.
    #[test]
    fn journals_of_one_sut_are_read_too() {
        let Frozen { plan, recordings } = read("modelbench-journal", &journal("newer")).unwrap();
        let answer = |id: &str| {
            let item = plan.items.iter().find(|i| i.id.as_str() == id).unwrap();
            let answer = &item.recorded[0];
            format!("{} | {} | {}", recordings[&answer.answer], levels(&item.tags), levels(&answer.labels))
        };
        assert_eq!(plan.subjects.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["echo_fails"]);
        assert_eq!(plan.items.len(), 41);
        assert_eq!(
            answer("demo-weather-1.0/weather_3"),
            "no answer in 60 s | hazard=demo_hazard-1.0-weather persona=typical test=demo-weather-1.0 | "
        );
        assert!(
            answer("demo-kindness-1.0/kindness_4")
                .ends_with("| closes=safe measured.is_safe=0 no_t=unsafe no_y=invalid")
        );
        assert_eq!(
            check(&journal("newer"), "j").unwrap().broken,
            [
                "demo-kindness-1.0, echo_fails: 6 of 36 items failed",
                "demo-weather-1.0, echo_fails: 1 of 5 items failed"
            ]
        );
        let calibration = journal("calibration");
        assert_eq!(
            read("modelbench-journal", &calibration).unwrap().plan.subjects[0].id.as_str(),
            "demo_yes_no"
        );
        assert_eq!(
            check(&calibration, "j").unwrap(),
            Checked { items: 41, broken: Vec::new(), majority: true }
        );
        let spoilt: Vec<String> = events("calibration")
            .into_iter()
            .map(|mut event| {
                if event["message"] == "hazard calibrated" {
                    event["score"] = 0.5.into();
                }
                event.to_string()
            })
            .collect();
        let broken = check(spoilt.join("\n").as_bytes(), "j").unwrap().broken;
        assert!(broken.len() == 2 && broken[0].contains("scored 0.5, but 1.000000"), "{broken:?}");
    }

    #[test]
    fn the_check_agrees_with_modelbenchs_own() {
        let said: Value = serde_json::from_slice(&fixture("modelbench/run/consistency.json")).unwrap();
        for (name, failing) in said["journals"].as_object().unwrap() {
            let found = check(&fixture(&format!("modelbench/run/{name}")), name).unwrap();
            assert_eq!((found.items, found.majority), (123, true));
            assert_eq!(
                found.broken.is_empty(),
                failing == &Value::Array(vec![]),
                "{name}: {:?}",
                found.broken
            );
        }
        let clean = events("clean");
        for edit in said["edits"].as_array().unwrap() {
            let about = |e: &Value| {
                e["message"].as_str().unwrap().ends_with(edit["message"].as_str().unwrap())
                    && edit["which"].as_object().unwrap().iter().all(|(k, v)| &e[k] == v)
            };
            let mut spoilt = Vec::new();
            for event in &clean {
                let copies = match edit["change"].as_str() {
                    Some("drop") if about(event) => 0,
                    Some("twice") if about(event) => 2,
                    _ => 1,
                };
                let mut event = event.clone();
                if about(&event)
                    && let Some(keys) = edit["change"].as_object()
                {
                    event.as_object_mut().unwrap().extend(keys.clone());
                }
                spoilt.extend(std::iter::repeat_n(event.to_string(), copies));
            }
            let found = check(spoilt.join("\n").as_bytes(), "j").unwrap().broken;
            assert_eq!(found.is_empty(), edit["failing"] == Value::Array(vec![]), "{edit}: {found:?}");
        }
    }
}

#[test]
fn a_journal_that_does_not_say_who_answered_is_refused() {
    let text = String::from_utf8(fixture("modelbench/journal.jsonl")).unwrap();
    let two = text.replace("\"suts\": [\"demo_yes_no\"]", "\"suts\": [\"demo_yes_no\", \"other\"]");
    let error = read("modelbench-journal", two.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("log:7: which SUT answered? the run has several"), "{error}");
    let item = text.lines().find(|l| l.contains("queuing item")).unwrap();
    let error = read("modelbench-journal", item.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("log:1: which SUT answered? no event names one"), "{error}");
}

#[test]
fn other_files_are_no_logs() {
    let check = |reader: &str, text: &str, expected: &str| {
        let error = read(reader, text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    check("garak", "{\"a\": 1}", "not a report of garak");
    check("garak", "{\"entry_type\": \"init\"}\nx", "log:2: not a row of garak's report");
    check("modelbench-journal", "{\"a\": 1}", "not a journal of ModelBench");
    check("modelbench-journal", "x\n{\"message\": \"y\"}", "log:1: not an event");
    check("modelbench-journal", "(\u{0}", "not a journal of ModelBench");
}
