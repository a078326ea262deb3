//! The mock endpoint over a real socket: what it answers, and each way in which it does not.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use plumb_mock::{Config, Fault, Key, Server, reply_text};
use serde_json::{Value, json};

/// One request on a connection of its own; everything that came back, or the error that ended it.
fn raw(
    server: &Server,
    method: &str,
    path: &str,
    body: &str,
    patience: Duration,
) -> (String, io::Result<()>) {
    let mut stream = TcpStream::connect(server.addr()).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: mock\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut bytes = Vec::new();
    let ended = stream.read_to_end(&mut bytes).map(drop);
    (String::from_utf8(bytes).unwrap(), ended)
}

fn chat(server: &Server, text: &str) -> (String, io::Result<()>) {
    let body = json!({"model": "mock-1", "messages": [{"role": "user", "content": text}]}).to_string();
    raw(server, "POST", "/v1/chat/completions", &body, Duration::from_millis(600))
}

fn key(text: &str) -> Key {
    Key::of("mock-1", &[("user", text)])
}

fn body_of(response: &str) -> &str {
    response.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn json_of(response: &str) -> Value {
    serde_json::from_str(body_of(response)).unwrap()
}

#[test]
fn it_answers_and_counts() {
    let server = Server::start(Config { keep_requests: 1, ..Config::default() }).unwrap();
    for text in ["one", "two", "two"] {
        let (response, _) = chat(&server, text);
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        let content = &json_of(&response)["choices"][0]["message"]["content"];
        assert_eq!(content, &Value::from(reply_text(text, 8)));
    }
    let stats = server.stats();
    assert_eq!((stats.requests, stats.answered, stats.in_flight), (3, 3, 0));
    assert_eq!((stats.distinct_prompts, stats.prompts_answered), (2, 2));
    assert_eq!((stats.prompts_asked_again, stats.prompts_answered_again), (1, 1));
    assert_eq!((server.seen(key("two")).asked, server.seen(key("two")).answered), (2, 2));
    let over_http: plumb_mock::Stats =
        serde_json::from_value(json_of(&raw(&server, "GET", "/stats", "", Duration::from_secs(2)).0))
            .unwrap();
    assert_eq!(over_http.answered, 3);
    let recorded = server.recorded();
    assert_eq!((recorded.len(), recorded[0].path.as_str()), (1, "/v1/chat/completions"));
    server.reset();
    assert_eq!(server.stats().distinct_prompts, 0);
}

#[test]
fn the_other_routes_answer_too() {
    let server = Server::start(Config::default()).unwrap();
    let patience = Duration::from_secs(2);
    let anthropic = json!({"model": "c", "max_tokens": 8, "messages": [{"role": "user", "content": "x"}]});
    let (response, _) = raw(&server, "POST", "/v1/messages", &anthropic.to_string(), patience);
    assert_eq!(json_of(&response)["content"][0]["text"], Value::from(reply_text("x", 8)));
    let (response, _) = raw(&server, "POST", "/v1/completions", r#"{"model":"c","prompt":"x"}"#, patience);
    assert_eq!(json_of(&response)["choices"][0]["text"], Value::from(reply_text("x", 8)));
    let (response, _) = raw(&server, "GET", "/v1/models", "", patience);
    assert_eq!(json_of(&response)["data"][0]["id"], "mock-1");
    let (response, _) = raw(&server, "GET", "/v1/nothing", "", patience);
    assert!(response.starts_with("HTTP/1.1 404"), "{response}");
    let (response, _) = raw(&server, "POST", "/v1/completions", "tea", patience);
    assert!(response.starts_with("HTTP/1.1 400"), "{response}");
}

/// What the first line must be (nothing: no byte may come) and what must be in the whole response.
fn expectation(fault: Fault) -> (&'static str, &'static str) {
    match fault {
        Fault::RateLimited => ("HTTP/1.1 429", "retry-after: 1\r\n"),
        Fault::RateLimitedBare => ("HTTP/1.1 429", "rate_limit_exceeded"),
        Fault::ServerError => ("HTTP/1.1 500", "server_error"),
        Fault::Unavailable => ("HTTP/1.1 503", "overloaded"),
        Fault::NoReply | Fault::Reset => ("", ""),
        Fault::StallAfterHeaders => ("HTTP/1.1 200", "content-length: "),
        Fault::StallMidBody => ("HTTP/1.1 200", "chat.completion"),
        Fault::SlowBody | Fault::Late => ("HTTP/1.1 200", "echo "),
        Fault::NullContent => ("HTTP/1.1 200", r#""content":null},"logprobs":null,"finish_reason":"length""#),
        Fault::EmptyContent => ("HTTP/1.1 200", r#""content":"""#),
        Fault::MissingChoices | Fault::TruncatedJson => ("HTTP/1.1 200", r#""object":"chat.completion""#),
        Fault::NullChoices => ("HTTP/1.1 200", r#""choices":null"#),
        Fault::HtmlOk => ("HTTP/1.1 200", "<html>"),
        Fault::HtmlBadGateway => ("HTTP/1.1 502", "<html>"),
        Fault::WrongContentType => ("HTTP/1.1 200", "content-type: image/png"),
        Fault::FilteredPrompt => ("HTTP/1.1 400", r#""code":"content_filter""#),
        Fault::FilteredReply => ("HTTP/1.1 200", r#""finish_reason":"content_filter""#),
    }
}

#[test]
fn every_fault_is_what_it_says() {
    for fault in Fault::ALL {
        let config = Config {
            trickle: Duration::from_millis(2),
            late: Duration::from_millis(50),
            ..Config::with_fault(*fault, 100.0)
        };
        let server = Server::start(config).unwrap();
        let (response, ended) = chat(&server, "x");
        let (starts, has) = expectation(*fault);
        assert!(response.starts_with(starts) && response.contains(has), "{fault}: {response}");
        assert_eq!(starts.is_empty(), response.is_empty(), "{fault}: {response}");
        assert_eq!(server.stats().faults.get(fault.name()), Some(&1), "{fault}");
        let good = matches!(fault, Fault::SlowBody | Fault::Late);
        assert_eq!(server.stats().answered, u64::from(good), "{fault}");

        let stalls = matches!(fault, Fault::NoReply | Fault::StallAfterHeaders | Fault::StallMidBody);
        match (fault, ended) {
            (Fault::Reset, Err(error)) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
            (_, Err(error)) => assert!(stalls, "{fault}: {error}"),
            (_, Ok(())) => assert!(!stalls && *fault != Fault::Reset, "{fault}: ended"),
        }
        let whole = serde_json::from_str::<Value>(body_of(&response)).is_ok();
        let no_json =
            matches!(fault, Fault::TruncatedJson | Fault::HtmlOk | Fault::HtmlBadGateway | Fault::Reset);
        assert_eq!(whole, !stalls && !no_json, "{fault}: {response}");
    }
}

#[test]
fn a_client_that_leaves_is_no_longer_in_flight() {
    let server = Server::start(Config { latency: Duration::from_secs(60), ..Config::default() }).unwrap();
    let (response, ended) = chat(&server, "x"); // gives up after 600 ms
    assert!(response.is_empty() && ended.is_err());
    let waited = Instant::now();
    while server.stats().in_flight > 0 {
        assert!(waited.elapsed() < Duration::from_secs(10), "still in flight");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!((server.stats().requests, server.stats().answered), (1, 0));
}

#[test]
fn a_fault_on_the_first_attempt_only_heals() {
    let config = Config { fault_attempts: Some(1), ..Config::with_fault(Fault::Unavailable, 100.0) };
    let server = Server::start(config).unwrap();
    assert!(chat(&server, "x").0.starts_with("HTTP/1.1 503"));
    assert!(chat(&server, "x").0.starts_with("HTTP/1.1 200"));
}

#[test]
fn it_can_refuse_everybody_in_the_given_words() {
    let config = Config { reject_all: Some("no key, no answer".to_owned()), ..Config::default() };
    let server = Server::start(config).unwrap();
    let (response, _) = chat(&server, "x");
    assert!(response.starts_with("HTTP/1.1 401") && response.contains("no key, no answer"), "{response}");
}
