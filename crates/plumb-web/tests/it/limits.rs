//! Who is let in, how much, how long, and how it ends.

use crate::support::{Server, config, request};
use plumb_web::{Config, Limits};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

const PATH: &str = "/v1/completions";

fn ask() -> Value {
    json!({ "model": "tiny", "prompt": "a", "max_tokens": 1 })
}

/// So many answers that they are not done before a test has looked.
fn long(count: usize) -> String {
    json!({ "model": "tiny", "prompt": "a", "max_tokens": 90, "n": count }).to_string()
}

#[tokio::test]
async fn models_health_and_what_is_not_there() {
    let server = Server::plain().await;
    let models = server.get("/v1/models").await.json();
    let ids: Vec<&Value> = models["data"].as_array().unwrap().iter().map(|model| &model["id"]).collect();
    assert_eq!(ids, ["tiny", "plain"]);
    assert_eq!(server.get("/v1/models/plain").await.json()["max_model_len"], 96);
    assert_eq!(server.get("/v1/models/none").await.status, 404);
    assert_eq!(server.get("/health").await.json(), json!({ "status": "ok" }));
    let nothing = server.get("/v1/embeddings").await;
    assert_eq!(nothing.status, 404);
    assert!(nothing.error().contains("there is nothing at /v1/embeddings"));
    let method = server.get(PATH).await;
    assert_eq!(method.status, 405);
    assert!(method.error().contains("asked with POST"));
}

#[tokio::test]
async fn a_token_is_asked_for_everywhere_but_at_health() {
    let server = Server::start(Config { token: Some("hush-hush".into()), ..config() }).await;
    let body = ask().to_string();
    for headers in ["", "Authorization: Bearer wrong\r\n"] {
        let got = server.post_with(PATH, &body, headers).await;
        assert_eq!(got.status, 401);
        assert!(got.head.contains("www-authenticate: bearer"), "{}", got.head);
        assert_eq!(got.json()["error"]["code"], "invalid_api_key");
        assert!(!got.body.contains("hush"));
    }
    assert_eq!(server.post_with(PATH, &body, "Authorization: Bearer hush-hush\r\n").await.status, 200);
    assert_eq!(server.get("/v1/models").await.status, 401);
    assert_eq!(server.get("/metrics").await.status, 401);
    assert_eq!(server.get("/health").await.status, 200);
}

#[tokio::test]
async fn pages_of_other_sites_are_not_let_in() {
    let server = Server::plain().await;
    let got = server.raw("GET /v1/models HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").await;
    assert_eq!(got.status, 403);
    assert!(got.error().contains("evil.example"));
    let form = request(PATH, &ask().to_string(), "").replace("application/json", "text/plain");
    assert_eq!(server.raw(&form).await.status, 415);
}

#[tokio::test]
async fn an_open_address_needs_a_token_and_names_are_not_used_twice() {
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let error = plumb_web::serve(listener, config(), async {}).await.unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("only with a token"), "{error}");
    let mut twice = config();
    twice.models[1].name = "tiny".into();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = plumb_web::serve(listener, twice, async {}).await.unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("\"tiny\""), "{error}");
}

#[tokio::test]
async fn a_body_is_limited_and_must_be_an_object() {
    let server = Server::limited(Limits { body: 1000, ..Limits::default() }).await;
    let got = server.post(PATH, &json!({ "model": "tiny", "prompt": "a".repeat(1000) })).await;
    assert_eq!(got.status, 413);
    assert!(got.error().contains("1000 bytes"));
    for (body, said) in [("{", "no JSON"), ("[]", "is a list"), ("", "no JSON")] {
        let got = server.post_with(PATH, body, "").await;
        assert_eq!(got.status, 400);
        assert!(got.error().contains(said), "{got:?}");
    }
}

#[tokio::test]
async fn a_full_queue_is_said_and_places_come_back() {
    let server = Server::limited(Limits { queue: 400, at_once: 1, ..Limits::default() }).await;
    let too_many = server.post(PATH, &json!({ "model": "tiny", "prompt": vec!["a"; 401] })).await;
    assert_eq!(too_many.status, 400);
    assert!(too_many.error().contains("401 answers; 400 at once"), "{too_many:?}");
    let waiting = server.send(&request(PATH, &long(400), "")).await;
    server.until("plumb_requests_total{path=\"/v1/completions\",status=\"400\"} 1").await;
    let mut full = server.post(PATH, &ask()).await;
    // The other connection may not have been read yet.
    for _ in 0..100 {
        if full.status == 429 {
            break;
        }
        full = server.post(PATH, &ask()).await;
    }
    assert_eq!(full.status, 429);
    assert!(full.head.contains("retry-after: 1") && full.error().contains("400 of 400 places"), "{full:?}");
    drop(waiting);
    server.until("plumb_answers_in_flight 0").await;
    assert_eq!(server.post(PATH, &ask()).await.status, 200);
}

#[tokio::test]
async fn what_takes_too_long_ends_with_503() {
    let limits = Limits { time: Duration::from_secs(1), at_once: 1, queue: 100_000, ..Limits::default() };
    let server = Server::limited(limits).await;
    let got = server.post_with(PATH, &long(20_000), "").await;
    assert_eq!(got.status, 503);
    assert_eq!(got.json()["error"]["code"], "timeout");
    server.until("plumb_answers_in_flight 0").await;
    // A stream has begun by then: the error is an event, and there is no [DONE].
    let stream = long(20_000).replace("{\"model\"", "{\"stream\":true,\"model\"");
    let got = server.post_with(PATH, &stream, "").await;
    assert_eq!(got.status, 200);
    let last = got.body.lines().rfind(|line| line.starts_with("data: ")).unwrap();
    assert!(last.contains("\"code\":\"timeout\""), "{last}");
    server.until("plumb_cancelled_total 2").await;
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_work_along() {
    let server = Server::limited(Limits { queue: 100_000, ..Limits::default() }).await;
    let whole = server.send(&request(PATH, &long(20_000), "")).await;
    server.until_begun().await;
    drop(whole);
    server.until("plumb_cancelled_total 1").await;
    let stream = long(20_000).replace("{\"model\"", "{\"stream\":true,\"model\"");
    let mut stream = server.send(&request(PATH, &stream, "")).await;
    let mut some = [0; 400];
    stream.read_exact(&mut some).await.unwrap();
    drop(stream);
    server.until("plumb_cancelled_total 2").await;
    server.until("plumb_answers_in_flight 0").await;
    // Whoever is told why there is no answer did not go away.
    let refused = server.post(PATH, &json!({ "model": "tiny", "prompt": "a".repeat(99) })).await;
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!("context_length_exceeded")));
    server.until("plumb_cancelled_total 2").await;
    // The engine is free again at once.
    assert_eq!(server.post(PATH, &ask()).await.status, 200);
}

#[tokio::test]
async fn metrics_count_tokens_and_requests() {
    let server = Server::plain().await;
    let usage = server
        .post(PATH, &json!({ "model": "tiny", "prompt": ["abc", "d"], "temperature": 0, "max_tokens": 2 }))
        .await;
    let usage = usage.json()["usage"].clone();
    server.get("/nowhere").await;
    let metrics = server.get("/metrics").await;
    assert!(metrics.head.contains("openmetrics-text"));
    for line in [
        "plumb_requests_total{path=\"/v1/completions\",status=\"200\"} 1".to_owned(),
        "plumb_requests_total{path=\"other\",status=\"404\"} 1".to_owned(),
        format!("plumb_prompt_tokens_total{{model=\"tiny\"}} {}", usage["prompt_tokens"]),
        format!("plumb_completion_tokens_total{{model=\"tiny\"}} {}", usage["completion_tokens"]),
        "plumb_answers_in_flight 0".to_owned(),
    ] {
        assert!(metrics.body.lines().any(|got| got == line), "{line}\n{}", metrics.body);
    }
}

#[tokio::test]
async fn at_the_end_what_was_begun_is_finished() {
    let mut server = Server::limited(Limits { queue: 5000, ..Limits::default() }).await;
    let mut begun = server.send(&request(PATH, &long(300), "")).await;
    server.until_begun().await;
    server.end.take();
    let mut text = String::new();
    begun.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    server.task.await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let limits = Limits { queue: 200_000, grace: Duration::from_millis(50), ..Limits::default() };
    let mut server = Server::limited(limits).await;
    let _begun = server.send(&request(PATH, &long(20_000), "")).await;
    server.until_begun().await;
    server.end.take();
    server.task.await.unwrap().unwrap();
}
