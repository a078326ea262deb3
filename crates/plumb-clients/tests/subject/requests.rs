//! What leaves: path, headers and body, as the plan's keys say.

use plumb_mock::{Config, Recorded, Server};
use plumb_study::items::{Prompt, Role, Turn};
use plumb_study::party::{Ask, Sampling};
use serde_json::{Value, json};

use super::{KEY, LONG, anthropic_at, ask, chat_at, open, outside};

/// Asks a subject with these lines, and gives back what the server got.
async fn sent(lines: fn(&str) -> String, ask: Ask) -> Recorded {
    let server = Server::start(Config { keep_requests: 1, ..Config::default() }).unwrap();
    let subject = open(outside(), &lines(&server.base_url())).unwrap();
    subject.respond(&ask).await.unwrap();
    server.recorded().remove(0)
}

fn header<'a>(request: &'a Recorded, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

fn body(request: &Recorded) -> Value {
    serde_json::from_str(&request.body).unwrap()
}

fn conversation() -> Ask {
    let turn = |role, text: &str| Turn { role, text: text.into() };
    let turns = vec![turn(Role::System, "Be brief."), turn(Role::User, "Hi")];
    let sampling = Sampling {
        temperature: Some(0.0),
        top_p: Some(0.5),
        max_tokens: Some(9),
        stop: vec!["END".to_owned()],
        ..Sampling::default()
    };
    Ask { sampling, ..ask(Prompt::Chat(turns), LONG) }
}

#[tokio::test]
async fn chat() {
    let plain = sent(chat_at, conversation()).await;
    assert_eq!(plain.path, "/v1/chat/completions");
    assert_eq!(header(&plain, "content-type"), Some("application/json"));
    assert_eq!(header(&plain, "authorization"), None);
    let messages = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]);
    assert_eq!(
        body(&plain),
        json!({"model": "mock-1", "messages": messages, "temperature": 0.0, "top_p": 0.5, "max_tokens": 9,
            "stop": ["END"], "seed": 3})
    );

    let lines = |base: &str| {
        chat_at(base)
            + "secret = \"TEST_KEY\"\norganisation = \"org-1\"\nsend_seed = false\n\
               max_tokens_field = \"max_completion_tokens\"\nextra = { reasoning_effort = \"low\" }\n\
               headers = { X-Team = \"red\", X-Other-Key = \"k ${TEST_KEY}\" }\n"
    };
    let full = sent(lines, conversation()).await;
    assert_eq!(header(&full, "authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(header(&full, "x-other-key"), Some(format!("k {KEY}").as_str()));
    assert_eq!(header(&full, "openai-organization"), Some("org-1"));
    assert_eq!(header(&full, "x-team"), Some("red"));
    assert_eq!(
        body(&full),
        json!({"model": "mock-1", "messages": messages, "temperature": 0.0, "top_p": 0.5,
            "max_completion_tokens": 9, "stop": ["END"], "reasoning_effort": "low"})
    );
}

#[tokio::test]
async fn completions() {
    let lines = |base: &str| chat_at(base) + "api = \"completions\"\n";
    let request = sent(lines, ask(Prompt::Completion("Once".into()), LONG)).await;
    assert_eq!(request.path, "/v1/completions");
    assert_eq!(body(&request), json!({"model": "mock-1", "prompt": "Once", "seed": 3}));
}

#[tokio::test]
async fn messages() {
    let lines = |base: &str| {
        anthropic_at(base) + "secret = \"TEST_KEY\"\nextra = { thinking = { type = \"disabled\" } }\n"
    };
    let request = sent(lines, conversation()).await;
    assert_eq!(request.path, "/v1/messages");
    assert_eq!(header(&request, "x-api-key"), Some(KEY));
    assert_eq!(header(&request, "anthropic-version"), Some("2023-06-01"));
    assert_eq!(
        body(&request),
        json!({"model": "mock-1", "max_tokens": 9, "system": "Be brief.",
            "messages": [{"role": "user", "content": "Hi"}], "temperature": 0.0, "top_p": 0.5,
            "stop_sequences": ["END"], "thinking": {"type": "disabled"}})
    );
    let bare = sent(anthropic_at, ask(Prompt::user("Hi"), LONG)).await;
    assert_eq!(body(&bare)["max_tokens"], 1024);
}

/// A thousand exchanges at once keep their connections for the next thousand.
#[tokio::test]
async fn connections_are_kept() {
    let config = Config { latency: std::time::Duration::from_millis(200), ..Config::default() };
    let server = Server::start(config).unwrap();
    let subject = open(outside(), &chat_at(&server.base_url())).unwrap();
    for _ in 0..3 {
        let all = (0..100).map(|n| {
            let subject = subject.clone();
            tokio::spawn(async move { subject.respond(&ask(Prompt::user(n.to_string()), LONG)).await })
        });
        for one in all.collect::<Vec<_>>() {
            one.await.unwrap().unwrap();
        }
    }
    let stats = server.stats();
    assert_eq!((stats.requests, stats.answered), (300, 300));
    assert!(stats.connections <= 110, "{} connections", stats.connections);
}
