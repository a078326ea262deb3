//! Terminal and JSON.

use crate::world;
use plumb_report::{Style, json, terminal};
use plumb_study::method::{Unit, Value};

#[test]
fn terminal_of_a_small_run() {
    insta::assert_snapshot!("terminal_wide", terminal(&world::small(), Style { width: 120, colour: false }));
    insta::assert_snapshot!("terminal_narrow", terminal(&world::small(), Style { width: 72, colour: false }));
    insta::assert_snapshot!("terminal_bare", terminal(&world::bare(), Style::default()));
}

#[test]
fn json_of_a_small_run() {
    insta::assert_snapshot!("json", json(&world::small()).unwrap());
}

#[test]
fn colour_changes_nothing_but_colour() {
    for width in [60, 100, 140] {
        let plain = terminal(&world::small(), Style { width, colour: false });
        let coloured = terminal(&world::small(), Style { width, colour: true });
        assert!(!plain.contains('\u{1b}'));
        assert!(coloured.contains('\u{1b}'));
        assert_eq!(uncoloured(&coloured), plain);
    }
}

/// Without `ESC [ … m`.
fn uncoloured(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        out.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    out
}

#[test]
fn lines_fit_the_terminal_where_text_can_give_way() {
    use unicode_width::UnicodeWidthStr;
    for results in [world::small(), world::large(), world::bare()] {
        for width in [80, 100, 140] {
            let text = terminal(&results, Style { width, colour: false });
            let long: Vec<&str> = text.lines().filter(|l| l.width() > width).collect();
            assert!(long.is_empty(), "{width}: {long:#?}");
        }
    }
}

#[test]
fn terminal_leaves_rows_of_a_large_run_to_the_page_and_says_so() {
    let text = terminal(&world::large(), Style::default());
    assert!(text.contains("… and 116 more rows in report.html and report.json"), "{text}");
    assert!(text.lines().count() < 120);
}

#[test]
fn no_text_of_others_controls_the_terminal() {
    for colour in [false, true] {
        let text = terminal(&world::hostile(), Style { width: 100, colour });
        let text = if colour { uncoloured(&text) } else { text };
        let acts = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!text.chars().any(acts), "{text}");
    }
}

#[test]
fn json_has_no_null_and_gives_the_numbers_in_full() {
    let mut results = world::small();
    let third = 1.0 / 3.0;
    results.estimates[0].findings[0].value =
        Value::Interval { estimate: third, low: f64::NEG_INFINITY, high: f64::NAN, level: 0.95 };
    let text = json(&results).unwrap();
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(nulls(&read), 0);
    let value = &read["estimates"][0]["findings"][0]["value"];
    assert_eq!(value["estimate"].as_f64(), Some(third));
    assert_eq!(value["low"]["infinite"], "below");
    assert_eq!(value["high"]["undefined"], "not a number");
    assert_eq!(read["format"], 1);
    assert_eq!(read["plan"]["root"].as_str().map(str::len), Some(64));
    // Whatever a text holds, it comes back the same.
    let read: serde_json::Value = serde_json::from_str(&json(&world::hostile()).unwrap()).unwrap();
    assert_eq!(read["plan"]["name"], world::HOSTILE);
    assert_eq!(nulls(&read), 0);
}

fn nulls(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Null => 1,
        serde_json::Value::Array(list) => list.iter().map(nulls).sum(),
        serde_json::Value::Object(map) => map.values().map(nulls).sum(),
        _ => 0,
    }
}

#[test]
fn an_axis_of_one_far_value_and_an_empty_panel_are_drawn() {
    let mut results = world::small();
    results.estimates[0].findings = vec![
        world::finding(
            "mean",
            Unit::Number,
            &[],
            Value::Point { estimate: 1e12, reason: "one cluster".into() },
        ),
        world::finding("mean", Unit::Number, &[], Value::Undefined("no values".into())),
        world::finding("ratio", Unit::Number, &[], world::wide(2.0, 0.5, f64::INFINITY)),
    ];
    results.estimates[1].findings.clear();
    let text = terminal(&results, Style::default());
    assert!(text.contains("[0.5, ∞]") || text.contains("∞]"), "{text}");
    assert!(text.contains("No findings."));
    assert!(plumb_report::html(&results).unwrap().contains("class=\"arrow\""));
}
