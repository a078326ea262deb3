//! Documents: every piece in every form, and nothing in them can act.

use crate::page::{attributes, base64, tags};
use plumb_report::{Style, document_html, document_json, document_terminal};
use plumb_study::Document;
use plumb_study::document::{Bar, Bars, Block, Cell, Dot, Dots, Lines, Mark, Scatter, Series, Table, Tone};
use plumb_study::method::{Unit, Value};
use sha2::{Digest, Sha256};

fn interval(estimate: f64, low: f64, high: f64) -> Value {
    Value::Interval { estimate, low, high, level: 0.95 }
}

/// A document with every kind of piece.
pub(crate) fn every_piece(text: &str) -> Document {
    let mut document = Document::new("Gallery", format!("Every piece {text}"));
    document.about = Some(format!("What each piece looks like. {text}"));
    document.fact("pieces", "all").fact("text", text).warn(format!("A warning. {text}"));
    let mut table = Table::new(
        format!("Cells {text}"),
        &["name", "#value", "#number", "#count", "#share", "#p", "verdict"],
    );
    table
        .row([
            Cell::text(text),
            Cell::Value(interval(0.62, 0.55, 0.69), Unit::Share),
            Cell::Number(-1.5, 2),
            Cell::Count(43_090),
            Cell::Share(0.125, 1),
            Cell::P(0.0004),
            Cell::toned("supported", Tone::Good),
        ])
        .row([
            Cell::text("second"),
            Cell::Value(Value::Undefined("no rows".into()), Unit::Share),
            Cell::Empty,
            Cell::Missing("not asked".into()),
        ])
        .note(format!("A note. {text}"));
    let dots = Dots {
        title: format!("Dots {text}"),
        unit: Unit::Points,
        band: Some((-0.05, 0.05)),
        rows: vec![
            Dot {
                tone: Tone::Bad,
                beside: format!("worse {text}"),
                ..Dot::new("first", interval(-0.2, -0.3, -0.1))
            },
            Dot::new(text, interval(0.01, -0.02, 0.04)),
        ],
    };
    let mark = |x: f64, y: f64, series| Mark { series, ..Mark::new(x, y) };
    let scatter = Scatter {
        title: format!("Scatter {text}"),
        x: "metric".into(),
        y: "rating".into(),
        marks: vec![
            mark(0.1, 1.0, 0),
            mark(0.9, 4.5, 1),
            Mark { label: Some(text.into()), faint: true, weight: 9.0, ..mark(0.5, 2.0, 0) },
            mark(f64::NAN, 1.0, 0),
        ],
        series: vec!["fails".into(), format!("passes {text}")],
        diagonal: false,
    };
    let lines = Lines {
        title: "Calibration".into(),
        x: "predicted".into(),
        y: "observed".into(),
        unit: Unit::Share,
        series: vec![Series {
            name: text.into(),
            points: vec![
                (0.0, interval(0.1, 0.05, 0.2)),
                (50.0, interval(0.4, 0.3, 0.5)),
                (100.0, interval(0.9, 0.8, 1.0)),
            ],
        }],
        diagonal: true,
    };
    let bars = Bars {
        title: "Quadrants".into(),
        y: "share".into(),
        share: true,
        parts: vec!["valued".into(), "not valued".into()],
        bars: vec![
            Bar { label: text.into(), heights: vec![0.3, 0.2] },
            Bar { label: "passes".into(), heights: vec![0.45, 0.05] },
        ],
    };
    document
        .section(format!("First {text}"))
        .prose(format!("A paragraph. {text}"))
        .table(table)
        .chart(dots)
        .note("How it was made.");
    document
        .section("Second")
        .heading("Charts")
        .chart(scatter)
        .chart(lines)
        .chart(bars)
        .push(Block::List(vec!["one".into(), text.into()]))
        .push(Block::Fold { title: "behind a click".into(), blocks: vec![Block::Quote(text.into())] });
    document.section("Third").prose("The end.");
    document
}

#[test]
fn every_piece_reads_on_a_terminal_and_in_json() {
    let document = every_piece("plain");
    insta::assert_snapshot!(
        "document_terminal",
        document_terminal(&document, Style { width: 90, colour: false })
    );
    insta::assert_snapshot!("document_json", document_json(&document).unwrap());
}

#[test]
fn a_table_that_is_too_wide_for_a_terminal_comes_in_parts_with_its_words_whole() {
    let heads = ["setting", "harmful prompts", "over-refusal", "conversations", "mathematics"];
    let mut table = Table::new("", &heads);
    table.row(["random-direction-1 everywhere", "12 of 100", "7 of 50", "all", "none"].map(Cell::text));
    let mut document = Document::new("wide", "");
    document.section("One").table(table);
    let out = document_terminal(&document, Style { width: 50, colour: false });
    assert!(
        !out.contains('…') && heads.iter().all(|head| out.contains(head.split(' ').next().unwrap())),
        "{out}"
    );
    assert_eq!(
        out.lines().filter(|line| line.trim_start().starts_with("random-direction-1  ")).count(),
        2,
        "{out}"
    );
    assert!(out.lines().all(|line| line.chars().count() <= 50), "{out}");
}

#[test]
fn the_policy_allows_exactly_the_styles_of_the_page() {
    let page = document_html(&every_piece("plain")).unwrap();
    let styles: Vec<&str> =
        page.split("<style>").skip(1).map(|s| s.split_once("</style>").unwrap().0).collect();
    assert_eq!(styles.len(), 2);
    let hashes =
        styles.iter().map(|s| format!("'sha256-{}'", base64(&Sha256::digest(s)))).collect::<Vec<_>>();
    let wanted = format!("default-src 'none'; style-src {}; base-uri", hashes.join(" "));
    assert!(page.replace("&#39;", "'").contains(&wanted), "the page must allow {wanted}");
    assert!(!page.contains("<script") && !page.contains("http:") && !page.contains("style=\""));
}

#[test]
fn hostile_text_makes_no_tag_and_no_attribute() {
    let count = |text: &str| {
        let page = document_html(&every_piece(text)).unwrap();
        let tags = tags(&page);
        let attributes: usize = tags.iter().map(|t| attributes(t).len()).sum();
        (tags.len(), attributes)
    };
    let hostile = "\"><script>alert(1)</script><img src=x onerror=\"alert(1)\">\u{202e}\u{1b}[31m</style>";
    assert_eq!(count("plain"), count(hostile));
    let terminal = document_terminal(&every_piece(hostile), Style { width: 90, colour: false });
    assert!(!terminal.contains('\u{1b}') && !terminal.contains('\u{202e}'));
}

#[test]
fn numbers_that_are_not_finite_do_not_reach_a_chart() {
    let page = document_html(&every_piece("plain")).unwrap();
    assert!(!page.contains("NaN") && !page.contains("inf"));
}
