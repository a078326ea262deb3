//! What providers send, and what it means: one line a fixture, in `fixtures/*.json`.
//!
//! A fixture has a status (200 if absent), a content type (`application/json` if absent; null for none),
//! and a body, either as `json` or as the `raw` text. `expect` is the outcome as [`line`] writes it.

#![allow(clippy::unwrap_used, reason = "a test may; clippy knows only the functions marked as tests")]

use std::fmt::Write as _;

use plumb_clients::wire::{Head, Outcome, Usage};
use plumb_clients::{anthropic, openai};
use serde_json::Value;

fn counts(usage: &Usage) -> String {
    let mut text = String::new();
    for (name, count) in [
        ("in", usage.input),
        ("cached", usage.cached_input),
        ("out", usage.output),
        ("thought", usage.reasoning),
    ] {
        if let Some(count) = count {
            write!(text, " {name}={count}").unwrap();
        }
    }
    text
}

fn line(outcome: &Outcome) -> String {
    let served = |s: &Option<String>| s.as_ref().map_or(String::new(), |s| format!(" by {s}"));
    match outcome {
        Outcome::Answered(a) => {
            let reasoning = a.reasoning.as_ref().map_or(String::new(), |r| format!(" thinking {r:?}"));
            let (usage, served) = (counts(&a.usage), served(&a.served));
            format!("Answered {:?}{reasoning}, {:?}{usage}{served}", a.text, a.finish)
        }
        Outcome::Withheld(w) => {
            let (usage, served) = (counts(&w.usage), served(&w.served));
            format!("Withheld by {:?}: {:?}{usage}{served}", w.by, w.words)
        }
        Outcome::Failed(f) => {
            let again = if f.is_retryable() { "retry" } else { "final" };
            format!("Failed ({again}): {f}")
        }
    }
}

type Read = fn(&Head, &[u8]) -> Outcome;

fn check(file: &str, read: Read) {
    let path = format!("{}/tests/fixtures/{file}", env!("CARGO_MANIFEST_DIR"));
    let fixtures: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for fixture in &fixtures {
        let body = match (&fixture["json"], &fixture["raw"]) {
            (Value::Null, Value::String(raw)) => raw.clone(),
            (json, _) => json.to_string(),
        };
        let head = Head {
            status: fixture["status"].as_u64().unwrap_or(200) as u16,
            content_type: match fixture.get("content_type") {
                Some(named) => named.as_str(),
                None => Some("application/json"),
            },
            retry_after: None,
        };
        let found = line(&read(&head, body.as_bytes()));
        if found != fixture["expect"] {
            let name = &fixture["name"];
            wrong.push(format!(
                "{name}\n  expected {}\n  found    {found}",
                fixture["expect"].as_str().unwrap()
            ));
        }
        // However early a body is cut, it is read without a panic, and a cut success is no answer.
        for end in (0..body.len()).filter(|&i| body.is_char_boundary(i)) {
            let cut = read(&head, &body.as_bytes()[..end]);
            let whole =
                body[..end].trim().ends_with('}') && serde_json::from_str::<Value>(&body[..end]).is_ok();
            assert!(
                whole || !matches!(cut, Outcome::Answered(_)),
                "{} cut at {end}: {cut:?}",
                fixture["name"]
            );
        }
    }
    assert!(wrong.is_empty(), "{} of {} in {file}:\n{}", wrong.len(), fixtures.len(), wrong.join("\n"));
}

#[test]
fn openai_chat() {
    check("openai_chat.json", |head, body| openai::read_chat(head, body, true));
}

#[test]
fn openai_completion() {
    check("openai_completion.json", openai::read_completion);
}

#[test]
fn anthropic_messages() {
    check("anthropic.json", anthropic::read);
}

/// Error replies have the same meaning whatever was asked.
#[test]
fn errors() {
    check("errors.json", |head, body| openai::read_chat(head, body, true));
    check("errors.json", anthropic::read);
}

#[test]
fn think_tags_can_be_left_in() {
    let head = Head { status: 200, content_type: None, retry_after: None };
    let body = br#"{"choices":[{"message":{"content":"<think>a</think>b"},"finish_reason":"stop"}]}"#;
    assert_eq!(line(&openai::read_chat(&head, body, false)), "Answered \"<think>a</think>b\", Stop");
}

#[test]
fn a_wait_that_the_server_asks_for_is_kept() {
    let head =
        Head { status: 429, content_type: None, retry_after: Some(std::time::Duration::from_secs(86_400)) };
    for body in ["", "{}", "slow down"] {
        let Outcome::Failed(failed) = openai::read_chat(&head, body.as_bytes(), true) else {
            panic!("429 is a failure")
        };
        assert_eq!(failed.retry_after, head.retry_after, "{body:?}");
    }
}
